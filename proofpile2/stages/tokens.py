"""Counts tokens, for tables of what a run made; packing makes its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa

from proofpile2.packing import tokens
from proofpile2.step import Apply, with_columns

__all__ = ["CountTokens"]


@dataclass(frozen=True)
class CountTokens:
    """Adds ``tokens``: how many ids ``tokenizer`` makes of the text. Only counts of one tokenizer can be compared."""

    name: ClassVar[str] = "count_tokens"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("text",)
    adds: ClassVar[Mapping[str, pa.DataType]] = {"tokens": pa.int32()}
    reasons: ClassVar[tuple[str, ...]] = ()

    tokenizer: str = "tokenizer/sample.json"

    def uses(self) -> Mapping[str, str]:
        return {"tokenizer": tokens.read(self.tokenizer).digest}

    def load(self) -> Apply:
        encoder, _ = tokens.load(tokens.read(self.tokenizer))

        def apply(batch: pa.RecordBatch) -> pa.RecordBatch:
            _, offsets = encoder.encode(batch.column("text").to_pylist())
            return with_columns(batch, {"tokens": pa.array(np.diff(offsets).astype(np.int32))})

        return apply
