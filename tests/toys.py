"""A small source and steps with known behaviour, importable by worker processes."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from proofpile2 import manifest
from proofpile2.pipeline import Pass, Plan
from proofpile2.schema import DOCUMENT, document_id, empty_columns
from proofpile2.step import Apply, describe, with_columns


@dataclass(frozen=True)
class Lines:
    """Each unit is a list of texts written as ``name=text|text``; a row's batch size is ``batch``."""

    name: ClassVar[str] = "lines"
    version: ClassVar[int] = 1
    reasons: ClassVar[tuple[str, ...]] = ("blank",)
    adds: ClassVar[Mapping[str, pa.DataType]] = {"_payload": pa.large_binary()}

    input: tuple[str, ...]
    batch: int = 4

    def uses(self) -> Mapping[str, str]:
        return {}

    def units(self) -> Mapping[str, str]:
        return {unit.partition("=")[0]: str(len(unit)) for unit in sorted(self.input)}

    def read(self, unit: str, note: Callable[[str], None]) -> Iterator[pa.RecordBatch]:
        texts = next(item for item in self.input if item.startswith(unit + "=")).partition("=")[2].split("|")
        for start in range(0, len(texts), self.batch):
            rows = texts[start : start + self.batch]
            places = [f"{unit}:{start + n}" for n in range(len(rows))]
            if "damaged" in rows:
                note("damaged at byte 7")
            given = {
                "id": pa.array([document_id("toy", place) for place in places]),
                "text": pa.array(rows, pa.large_string()),
                "source": pa.array(["toy"] * len(rows)),
                "url": pa.array([f"https://{place.replace(':', '.')}.example/" for place in places]),
                "locator": pa.array(places),
                "_payload": pa.array([row.encode() for row in rows], pa.large_binary()),
                "drop": pa.array([None if row.strip() else "blank" for row in rows], pa.string()),
            }
            yield pa.RecordBatch.from_pydict(empty_columns(len(rows), given))


@dataclass(frozen=True)
class Length:
    """Adds ``length`` and drops what is shorter than ``least``."""

    name: ClassVar[str] = "length"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("text",)
    adds: ClassVar[Mapping[str, pa.DataType]] = {"length": pa.int32()}
    reasons: ClassVar[tuple[str, ...]] = ("short",)

    least: int = 0

    def uses(self) -> Mapping[str, str]:
        return {}

    def load(self) -> Apply:
        def apply(batch: pa.RecordBatch) -> pa.RecordBatch:
            lengths = pc.utf8_length(batch.column("text")).cast(pa.int32())
            drop = [f"short:{n}" if n < self.least else None for n in lengths.to_pylist()]
            return with_columns(batch, {"length": lengths, "drop": pa.array(drop, pa.string())})

        return apply


@dataclass(frozen=True)
class Trouble:
    """Does to the worker what the text says: ``raise``, ``die``, ``hang``; ``die once`` leaves a mark in ``folder``."""

    name: ClassVar[str] = "trouble"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("text",)
    adds: ClassVar[Mapping[str, pa.DataType]] = {}
    reasons: ClassVar[tuple[str, ...]] = ()

    folder: str = ""

    def uses(self) -> Mapping[str, str]:
        return {}

    def load(self) -> Apply:
        def apply(batch: pa.RecordBatch) -> pa.RecordBatch:
            for text in batch.column("text").to_pylist():
                if text == "raise":
                    raise ZeroDivisionError("as asked")
                if text == "hang":
                    time.sleep(3600)
                if text == "die":
                    os.kill(os.getpid(), signal.SIGKILL)
                if text == "die once" and not (mark := Path(self.folder) / "died").exists():
                    mark.touch()
                    os.kill(os.getpid(), signal.SIGKILL)
            return batch

        return apply


def plan(texts: tuple[str, ...], *steps: object, batch: int = 4, units_per_part: int = 1) -> Plan:
    """A plan of the one pass ``final`` over toy units."""
    source = Lines(texts, batch)
    columns = {item.name: item.type for item in DOCUMENT}
    for step in steps:
        columns |= step.adds
    recipe = {"before": {"name": "lines"}, "steps": [describe(step) for step in steps], "batch": 0}
    mark = manifest.fingerprint([recipe, dict(source.units())])
    one = Pass("final", tuple(steps), None, pa.schema(list(columns.items())), recipe, mark, units_per_part)
    return Plan("toy", source, source.units(), (one,))
