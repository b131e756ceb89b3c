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
    """Fills ``split`` (train, validation or test) and ``characters``.

    ``by`` is the column whose hash decides: ``id``, or ``origin`` for code, so that near copies within a repository do
    not stand on both sides. Of proof steps (``module`` is not null) the module of the origin decides: a library such as
    Mathlib is one origin, and all of its steps on one side would be no split.

    The shares are Proof-Pile-2's (0.5 % each; ``EVAL_RATIO`` of EleutherAI/math-lm).
    """

    name: ClassVar[str] = "split"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("id", "text")
    adds: ClassVar[Mapping[str, pa.DataType]] = {"split": pa.string(), "characters": pa.int32()}
    reasons: ClassVar[tuple[str, ...]] = ()

    validation: float = 0.005
    test: float = 0.005
    by: str = "id"

    def __post_init__(self) -> None:
        if min(self.validation, self.test) < 0 or self.validation + self.test > 1:
            raise ValueError(f"shares must be in [0, 1] together, found {self.validation} and {self.test}")

        if self.by not in {"id", "origin"}:
            raise ValueError(f"by is 'id' or 'origin', found {self.by!r}")

    def uses(self) -> Mapping[str, str]:
        return {}

    def load(self) -> Apply:
        def apply(batch: pa.RecordBatch) -> pa.RecordBatch:
            keys = batch.column(self.by).to_pylist()
            if self.by == "origin" and "module" in batch.schema.names:
                modules = batch.column("module").to_pylist()
                keys = [f"{key or ''}\0{module}" if module else key for key, module in zip(keys, modules, strict=True)]
            splits = [
                split_of(key or otherwise, self.validation, self.test)
                for key, otherwise in zip(keys, batch.column("id").to_pylist(), strict=True)
            ]
            characters = pc.utf8_length(batch.column("text")).cast(pa.int32())
            return with_columns(batch, {"split": pa.array(splits, pa.string()), "characters": characters})

        return apply
