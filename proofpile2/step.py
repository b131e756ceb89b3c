"""What a source, a step and a whole are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import ClassVar, Protocol

import pyarrow as pa

__all__ = ["DROP", "Apply", "Source", "Step", "Task", "Whole", "with_columns"]

DROP = "drop"
"""Name of the column in which a step gives its reason to drop a row; null keeps the row."""

Apply = Callable[[pa.RecordBatch], pa.RecordBatch]
"""Same rows in the same order, with the columns of ``Step.adds`` and, where rows are dropped, ``drop: string``."""


class Source(Protocol):
    """Turns units into documents. A frozen dataclass: its fields are its settings."""

    name: ClassVar[str]
    version: ClassVar[int]
    adds: ClassVar[Mapping[str, pa.DataType]]  # columns beyond schema.DOCUMENT; those that start with _ never reach the disk
    reasons: ClassVar[Sequence[str]]

    def uses(self) -> Mapping[str, str]:
        """Versions and digests of what decides the result beside the fields."""

    def units(self) -> Sequence[str]:
        """What can be read apart from each other, sorted and stable: file names, object keys, repositories."""

    def read(self, unit: str, note: Callable[[str], None]) -> Iterator[pa.RecordBatch]:
        """Documents of one unit, in order, in batches of bounded size; ``note`` takes damage that was stepped over."""


class Step(Protocol):
    """Adds columns and may give a row a reason to be dropped. A frozen dataclass: its fields are its settings."""

    name: ClassVar[str]
    version: ClassVar[int]  # raised when the same settings give another result
    needs: ClassVar[Sequence[str]]
    adds: ClassVar[Mapping[str, pa.DataType]]
    reasons: ClassVar[Sequence[str]]  # a reason may carry a detail after a colon: ``blocked_host:example.com``

    def uses(self) -> Mapping[str, str]:
        """Versions and digests of what decides the result beside the fields: models, rule files, libraries."""

    def load(self) -> Apply:
        """Called once per worker: loads models and compiles rules."""


def with_columns(batch: pa.RecordBatch, columns: Mapping[str, pa.Array]) -> pa.RecordBatch:
    """``batch`` with ``columns`` added, or replaced where the name is there already."""
    merged = dict(zip(batch.schema.names, batch.columns, strict=True)) | dict(columns)
    return pa.RecordBatch.from_arrays(list(merged.values()), names=list(merged))


class Task(Protocol):
    """One piece of work of a whole: picklable, writes its files atomically, gives the same files when called again."""

    key: str  # names its receipt; unique within the whole

    def __call__(self) -> Mapping[str, int]:
        """Do the work; the counts go into the receipt."""


class Whole(Protocol):
    """What needs all documents at once. A frozen dataclass: its fields are its settings."""

    name: ClassVar[str]
    version: ClassVar[int]
    needs: ClassVar[Sequence[str]]
    adds: ClassVar[Mapping[str, pa.DataType]]
    reasons: ClassVar[Sequence[str]]

    def uses(self) -> Mapping[str, str]:
        """As of a step."""

    def phases(self, parts: Sequence[str], work: str) -> Iterator[Sequence[Task]]:
        """Tasks phase by phase over the Parquet files ``parts``; a phase may read what the one before left in ``work``."""

    def step(self, work: str, part: int) -> Step:
        """The step that gives the rows of ``parts[part]`` their fate, from what the phases left in ``work``."""
