"""Jupyter notebooks to Markdown, before the code rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from proofpile2.code.notebook import BrokenNotebook, convert
from proofpile2.step import DROP, Apply, with_columns

__all__ = ["Notebooks"]


@dataclass(frozen=True)
class Notebooks:
    """Puts Markdown in the place of a notebook's JSON where ``subset`` is ``jupyter``; other rows stay as they are.

    Dropped are files over ``max_bytes`` (images included; the limit of the text is the code rules'), those that cannot
    be read as ``broken_notebook:<what is wrong>``, and ``empty_notebook``. See :mod:`proofpile2.code.notebook`.
    """

    name: ClassVar[str] = "notebooks"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("text", "subset")
    adds: ClassVar[Mapping[str, pa.DataType]] = {}
    reasons: ClassVar[tuple[str, ...]] = ("broken_notebook", "empty_notebook", "notebook_too_large")

    max_bytes: int = 50_000_000

    def uses(self) -> Mapping[str, str]:
        return {}

    def load(self) -> Apply:
        def apply(batch: pa.RecordBatch) -> pa.RecordBatch:
            texts, reasons = [], []
            for text, subset in zip(batch.column("text").to_pylist(), batch.column("subset").to_pylist(), strict=True):
                made, reason = self._convert(text or "") if subset == "jupyter" else (text, None)
                texts.append(made)
                reasons.append(reason)
            return with_columns(
                batch, {"text": pa.array(texts, pa.large_string()), DROP: pa.array(reasons, pa.string())}
            )

        return apply

    def _convert(self, text: str) -> tuple[str, str | None]:
        """Markdown and no reason, or the text as it was and why it goes."""
        data = text.encode("utf-8", "replace")
        if len(data) > self.max_bytes:
            return text, "notebook_too_large"
        try:
            made = convert(data).text
        except BrokenNotebook as broken:
            return text, f"broken_notebook:{broken}"
        # a JSON string can hold half a surrogate pair, which UTF-8 and Parquet cannot
        return (made.encode("utf-8", "replace").decode(), None) if made else (text, "empty_notebook")
