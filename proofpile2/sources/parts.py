"""The parts of the pass before, as a source."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from proofpile2 import shards
from proofpile2.step import DROP

__all__ = ["Parts"]

BATCH_ROWS = 128


@dataclass(frozen=True)
class Parts:
    """Documents of the Parquet files ``files`` in ``folder``, as they are."""

    name: ClassVar[str] = "parts"
    version: ClassVar[int] = 1
    reasons: ClassVar[tuple[str, ...]] = ()

    folder: str
    files: tuple[str, ...]

    @property
    def adds(self) -> Mapping[str, pa.DataType]:
        return {}

    def uses(self) -> Mapping[str, str]:
        return {}

    def units(self) -> Mapping[str, str]:
        return dict.fromkeys(self.files, "")

    def read(self, unit: str, note: Callable[[str], None]) -> Iterator[pa.RecordBatch]:  # noqa: ARG002
        with shards.open_parquet(shards.join(self.folder, unit)) as parquet:
            names = [name for name in parquet.schema_arrow.names if name != DROP]
            yield from parquet.iter_batches(batch_size=BATCH_ROWS, columns=names, use_threads=False)
