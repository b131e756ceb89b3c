"""URL rules: hosts and paths that hold no mathematical prose, as data in ``filters/web/urls.toml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from proofpile2 import assets
from proofpile2.rules import Page, compile_rules, digest_of, parse_address, read_rules
from proofpile2.step import DROP, Apply, with_columns

__all__ = ["UrlRules"]


@dataclass(frozen=True)
class UrlRules:
    """Drops rows whose address a rule names: ``blocked:<name of the rule>``. Rows without an address stay.

    The rules are the intent of OpenWebMath's manual inspection (keirp/OpenWebMath, ``filter_dataset.py``: 63 substrings
    of the whole URL), matched by host and path segment; see :mod:`proofpile2.rules` for the form of the file.
    """

    name: ClassVar[str] = "url_rules"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("url",)
    adds: ClassVar[Mapping[str, pa.DataType]] = {}
    reasons: ClassVar[tuple[str, ...]] = ("blocked",)
    count_details: ClassVar[bool] = True

    rules: str = "web/urls.toml"
    overlay: tuple[str, ...] = ()

    def uses(self) -> Mapping[str, str]:
        return {"rules": digest_of(assets.find("filters", self.rules, self.overlay))}

    def load(self) -> Apply:
        judge = compile_rules(read_rules(assets.find("filters", self.rules, self.overlay)))

        def apply(batch: pa.RecordBatch) -> pa.RecordBatch:
            names = [judge(Page(parse_address(url))) if url else None for url in batch.column("url").to_pylist()]
            reasons = pa.array([f"blocked:{name}" if name else None for name in names], pa.string())
            return with_columns(batch, {DROP: reasons})

        return apply
