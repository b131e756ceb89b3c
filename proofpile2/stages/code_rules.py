"""Code rules: what of a source file's language, content and subject keeps it out (``filters/code/*.toml``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise
from pathlib import Path
from typing import ClassVar

import pyarrow as pa

from proofpile2 import assets
from proofpile2.code import judge as rules
from proofpile2.code.imports import GRAMMARS
from proofpile2.code.paths import path_of
from proofpile2.proofs.steps import prover_of
from proofpile2.rules import digest_of
from proofpile2.step import DROP, Apply, with_columns

__all__ = ["LANGUAGES", "CodeRules"]

LANGUAGES = (
    "agda", "c", "coq", "cpp", "fortran", "gap", "haskell", "idris", "isabelle", "julia", "jupyter", "lean", "maple",
    "matlab", "python", "r", "tex",
)  # fmt: skip
"""Languages of the AlgebraicStack (Llemma, arXiv 2310.10631); each has a rule file ``filters/code/<language>.toml``."""


@dataclass(frozen=True)
class CodeRules:
    """Drops files that are not mathematics written by a person in the language of their ``subset``.

    ``subset`` names the language, ``origin`` the repository or archive, ``locator`` is ``origin:path``; rows of
    languages that are not in ``languages`` go as ``other_language``; proof steps pass. Notebooks come as Markdown, see
    :class:`proofpile2.stages.notebooks.Notebooks`. ``rules`` is the folder of the rule files among the filters. What
    the reasons mean stands in docs/algebraicstack.md.
    """

    name: ClassVar[str] = "code_rules"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("text", "subset", "origin", "locator")
    adds: ClassVar[Mapping[str, pa.DataType]] = {}
    reasons: ClassVar[tuple[str, ...]] = (*rules.REASONS, "other_language")

    languages: tuple[str, ...] = LANGUAGES
    rules: str = "code"
    overlay: tuple[str, ...] = ()

    def uses(self) -> Mapping[str, str]:
        names = [f"{language}.toml" for language in self.languages]
        files = {name: digest_of(self._file(name)) for name in (*names, "_shared.toml", "_topics.toml")}
        grammars = (f"tree-sitter-{language}" for language in GRAMMARS if language in (*self.languages, "python"))
        return files | {package: _version(package) for package in ("hyperscan", "tree-sitter", *grammars)}

    def load(self) -> Apply:
        shared, topics = self._file("_shared.toml"), self._file("_topics.toml")
        judges = {
            language: rules.compile_language(self._file(f"{language}.toml"), shared, topics)
            for language in self.languages
        }

        def apply(batch: pa.RecordBatch) -> pa.RecordBatch:
            columns = (batch.column(name).to_pylist() for name in ("subset", "origin", "locator"))
            reasons: list[str | None] = []
            for text, subset, origin, locator in zip(_texts(batch.column("text")), *columns, strict=True):
                judge = judges.get(subset)
                if prover_of(subset or ""):  # a prover has vouched for them
                    reasons.append(None)
                elif judge is None:
                    reasons.append(f"other_language:{subset}" if subset else "other_language")
                else:
                    reasons.append(judge(text, f"{origin or ''}/{path_of(locator, origin)}"))
            return with_columns(batch, {DROP: pa.array(reasons, pa.string())})

        return apply

    def _file(self, name: str) -> Path:
        return assets.find("filters", f"{self.rules}/{name}", self.overlay)


def _texts(column: pa.Array) -> Iterator[bytes]:
    """UTF-8 of each text straight from the column's buffer, without a detour over str; empty for null."""
    column = column.cast(pa.large_string())
    offsets = pa.Array.from_buffers(
        pa.int64(), len(column) + 1, [None, column.buffers()[1]], offset=column.offset
    ).to_pylist()
    data = memoryview(column.buffers()[2] or b"")
    return (bytes(data[begin:end]) for begin, end in pairwise(offsets))


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"
