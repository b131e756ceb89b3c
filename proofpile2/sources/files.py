"""HTML files, one page a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import pyarrow as pa

from proofpile2 import inputs, shards
from proofpile2.schema import document_id, empty_columns

__all__ = ["SUFFIXES", "HtmlFiles"]

SUFFIXES = (".html", ".htm", ".xhtml")


@dataclass(frozen=True)
class HtmlFiles:
    """Each file is a page; its name stands for the address."""

    name: ClassVar[str] = "files"
    version: ClassVar[int] = 1
    reasons: ClassVar[tuple[str, ...]] = ()
    adds: ClassVar[Mapping[str, pa.DataType]] = {
        "_payload": pa.large_binary(),
        "_charset": pa.string(),
        "_content_type": pa.string(),
    }

    input: tuple[str, ...]

    @cached_property
    def _paths(self) -> Mapping[str, inputs.Input]:
        return {item.name: item for item in inputs.expand(self.input, SUFFIXES)}

    def uses(self) -> Mapping[str, str]:
        return {}

    def units(self) -> Mapping[str, str]:
        return {name: "" if item.size is None else str(item.size) for name, item in self._paths.items()}

    def read(self, unit: str, note: Callable[[str], None]) -> Iterator[pa.RecordBatch]:  # noqa: ARG002
        given = {
            "id": pa.array([document_id("local", unit)]),
            "source": pa.array(["local"]),
            "url": pa.array([unit]),
            "locator": pa.array([unit]),
            "_payload": pa.array([shards.read_bytes(self._paths[unit].path)], pa.large_binary()),
            "_charset": pa.nulls(1, pa.string()),
            "_content_type": pa.array(["text/html"]),
        }
        yield pa.RecordBatch.from_pydict(empty_columns(1, given))
