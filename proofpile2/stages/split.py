"""The last touch: each document's split, and its length for statistics and mixing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from proofpile2.schema import split_of
from proofpile2.step import Apply, with_columns

__all__ = ["Split"]


@dataclass(frozen=True)
class Split:
    """Fills ``split`` (train, validation or test, by a hash of the id) and ``characters``.

    The shares are Proof-Pile-2's (0.5 % each; ``EVAL_RATIO`` of EleutherAI/math-lm).
    """

    name: ClassVar[str] = "split"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("id", "text")
    adds: ClassVar[Mapping[str, pa.DataType]] = {"split": pa.string(), "characters": pa.int32()}
    reasons: ClassVar[tuple[str, ...]] = ()

    validation: float = 0.005
    test: float = 0.005

    def __post_init__(self) -> None:
        if min(self.validation, self.test) < 0 or self.validation + self.test > 1:
            raise ValueError(f"shares must be in [0, 1] together, found {self.validation} and {self.test}")

    def uses(self) -> Mapping[str, str]:
        return {}

    def load(self) -> Apply:
        def apply(batch: pa.RecordBatch) -> pa.RecordBatch:
            splits = [split_of(key, self.validation, self.test) for key in batch.column("id").to_pylist()]
            characters = pc.utf8_length(batch.column("text")).cast(pa.int32())
            return with_columns(batch, {"split": pa.array(splits, pa.string()), "characters": characters})

        return apply
