"""What a source, a step and a whole are; and the one place where rows are dropped and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, ClassVar, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from proofpile2 import manifest, shards
from proofpile2.errors import PartFailed
from proofpile2.manifest import Receipt
from proofpile2.schema import unit_interval

__all__ = [
    "DROP",
    "Apply",
    "Beat",
    "PartTask",
    "Source",
    "Step",
    "Task",
    "Whole",
    "describe",
    "isolate",
    "with_columns",
]

DROP = "drop"
"""Name of the column in which a step gives its reason to drop a row; null keeps the row."""

Apply = Callable[[pa.RecordBatch], pa.RecordBatch]
"""Same rows in the same order, with the columns of ``Step.adds`` and, where rows are dropped, ``drop: string``."""


class Source(Protocol):
    """Turns units into documents. A frozen dataclass: its fields are its settings."""

    name: ClassVar[str]
    version: ClassVar[int]

    @property
    def adds(self) -> Mapping[str, pa.DataType]:
        """Columns beyond schema.DOCUMENT; those whose names start with ``_`` never reach the disk."""

    @property
    def reasons(self) -> Sequence[str]:
        """Reasons with which its rows may come dropped already."""

    def uses(self) -> Mapping[str, str]:
        """Versions and digests of what decides the result beside the fields."""

    def units(self) -> Mapping[str, str]:
        """What can be read apart from each other, in a stable order: file names, repositories (never a path of this
        machine), each with what tells that it changed (such as its size), or an empty string."""

    def read(self, unit: str, note: Callable[[str], None]) -> Iterator[pa.RecordBatch]:
        """Documents of one unit, in order, in batches of bounded size; ``note`` takes damage that was stepped over."""


class Step(Protocol):
    """Adds columns and may give a row a reason to be dropped. A frozen dataclass: its fields are its settings."""

    name: ClassVar[str]
    version: ClassVar[int]  # raised when the same settings give another result

    @property
    def needs(self) -> Sequence[str]:
        """Columns it reads."""

    @property
    def adds(self) -> Mapping[str, pa.DataType]:
        """Columns it adds or fills, with their types."""

    @property
    def reasons(self) -> Sequence[str]:
        """Why it may drop a row; a detail may follow a colon: ``near_duplicate:<id>``. The funnel counts without
        details, but for a step with the class variable ``count_details = True``, whose details are few.
        """

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

    @property
    def key(self) -> str:
        """Names its receipt; unique within the whole."""

    def __call__(self) -> Mapping[str, int]:
        """Do the work; the counts go into the receipt."""


class Whole(Protocol):
    """What needs all documents at once. A frozen dataclass: its fields are its settings."""

    name: ClassVar[str]
    version: ClassVar[int]

    @property
    def needs(self) -> Sequence[str]:
        """Columns it reads."""

    @property
    def adds(self) -> Mapping[str, pa.DataType]:
        """Columns that its step adds."""

    @property
    def reasons(self) -> Sequence[str]:
        """Reasons of its step."""

    def uses(self) -> Mapping[str, str]:
        """As of a step."""

    def phases(self, parts: Sequence[str], work: str) -> Iterator[Sequence[Task]]:
        """Tasks phase by phase over the Parquet files ``parts``; a phase may read what the last left in ``work``."""

    def step(self, work: str, part: int) -> Step:
        """The step that gives the rows of ``parts[part]`` their fate, from what the phases left in ``work``."""


Beat = Callable[[str, str, Sequence[str]], None]
"""Told before each piece of work: name of the step, unit, ids of the documents. What a killed worker was doing is its
last beat; a worker without a beat for too long is taken for hung."""

MAX_NOTES = 50


def _no_beat(step: str, unit: str, ids: Sequence[str]) -> None:
    pass


PLACES = frozenset({"base", "extractor", "index", "input", "overlay", "program", "urls"})
"""Settings that say where things lie. They are not in the fingerprint: units and digests of what lies there are."""


def describe(part: Source | Step | Whole) -> dict[str, Any]:
    """All that decides what ``part`` does, for the fingerprint: name, version, settings, and what it uses.

    Settings that decide about some units only, named in a class variable ``by_unit``, are left out too: they stand in
    what tells that these units changed.
    """
    apart = PLACES | getattr(part, "by_unit", frozenset())
    settings = {key: value for key, value in manifest.plain(part).items() if key not in apart}
    return {"name": part.name, "version": part.version, "settings": settings, "uses": dict(part.uses())}


@dataclass(frozen=True)
class PartTask:
    """Makes one part: reads its units, applies the steps, writes the kept rows, the dropped ones, and the receipt."""

    key: str  # part-00000-of-00008
    folder: str
    fingerprint: str  # of this part: recipe and units
    source: Source
    units: tuple[str, ...]
    steps: tuple[Step, ...]
    schema: pa.Schema  # columns that reach the disk
    error_budget: float = 0.001  # share of documents; at least MIN_ERRORS are let pass unless it is 0
    keep_dropped_text: bool = False
    mark: bool = False  # keep all rows and say in a column ``drop`` why they would go
    single: frozenset[str] = frozenset()  # documents to process alone, since a worker died among them
    poison: Mapping[str, tuple[str, str]] = field(
        default_factory=dict
    )  # id -> step before which it goes, and the reason

    def __call__(self, beat: Beat = _no_beat) -> Receipt:
        """Make the part. PartFailed past the error budget; no file of the part is written then."""
        tally = _Tally(self)
        dropped_schema = pa.schema([(name, pa.string()) for name in ("id", "url", "subset", "step", "reason")])
        if self.keep_dropped_text:
            dropped_schema = dropped_schema.append(pa.field("text", pa.large_string()))
        names = {
            name: f"{self.key}{ending}" for name, ending in (("kept", ".parquet"), ("dropped", ".dropped.parquet"))
        }
        with (
            shards.parquet_out(shards.join(self.folder, names["dropped"]), dropped_schema) as tally.out_dropped,
            shards.parquet_out(shards.join(self.folder, names["kept"]), self.schema) as kept,
        ):
            for batch in self._batches(tally, beat):
                kept.write(batch)
            tally.check_budget(final=True)
        files = {names["kept"]: kept.facts(), names["dropped"]: tally.out_dropped.facts()}
        receipt = tally.receipt(files)
        manifest.write(shards.join(self.folder, self.key + ".json"), receipt)
        return receipt

    def _batches(self, tally: _Tally, beat: Beat) -> Iterator[pa.RecordBatch]:
        applies = [(step, _loaded(step)) for step in self.steps]
        for unit in self.units:
            beat(self.source.name, unit, ())
            for batch in self.source.read(unit, partial(tally.note_unit, unit)):
                for piece in self._pieces(batch):
                    yield from self._through(piece, unit, applies, tally, beat)
                    tally.check_budget()
                beat(self.source.name, unit, ())

    def _pieces(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        if self.single and not self.single.isdisjoint(batch.column("id").to_pylist()):
            yield from (batch.slice(row, 1) for row in range(batch.num_rows))
        else:
            yield batch

    def _through(
        self, batch: pa.RecordBatch, unit: str, applies: Sequence[tuple[Step, Apply]], tally: _Tally, beat: Beat
    ) -> Iterator[pa.RecordBatch]:
        tally.rows_in += batch.num_rows
        held: list[pa.RecordBatch] = []
        batch = tally.take_dropped(self.source, batch, held)
        for step, apply in applies:
            if batch.num_rows == 0:
                break
            ids = batch.column("id").to_pylist()
            beat(step.name, unit, ids)
            reasons = [_poisoned(self.poison, step.name, key) for key in ids]
            if any(reasons):
                batch = tally.take_dropped(step, with_columns(batch, {DROP: pa.array(reasons, pa.string())}), held)
                if batch.num_rows == 0:
                    break
            batch = tally.take_dropped(step, _isolating(step, apply, batch, tally), held)
        tally.count_kept(batch)
        if self.mark:
            for piece in held:
                tally.count_kept(_filled(piece, self.schema))
            yield from (_filled(piece, self.schema) for piece in [batch, *held] if piece.num_rows)
        elif batch.num_rows:
            yield batch


def _poisoned(poison: Mapping[str, tuple[str, str]], step: str, key: str) -> str | None:
    where, reason = poison.get(key, ("", ""))
    return reason if where == step else None


def _filled(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Columns that a dropped row never got become null."""
    missing = {item.name: pa.nulls(batch.num_rows, item.type) for item in schema if item.name not in batch.schema.names}
    return with_columns(batch, missing)


_APPLIES: dict[str, Apply] = {}
MAX_APPLIES = 32
"""Steps a worker keeps loaded. A pipeline has fewer; those that a whole makes, one a part, must not pile up."""


def _loaded(step: Step) -> Apply:
    """``step.load()``, once per process and settings."""
    key = manifest.canonical([step.name, step, step.uses()])
    if key not in _APPLIES:
        while len(_APPLIES) >= MAX_APPLIES:
            del _APPLIES[next(iter(_APPLIES))]
        _APPLIES[key] = step.load()
    return _APPLIES[key]


def _isolating(step: Step, apply: Apply, batch: pa.RecordBatch, tally: _Tally) -> pa.RecordBatch:
    """``apply(batch)``; where it raises, the batch is halved until the document at fault is alone and dropped."""
    try:
        return _checked(step, batch, apply(batch))
    except Exception as error:
        if batch.num_rows > 1:
            half = batch.num_rows // 2
            pieces = [_isolating(step, apply, part, tally) for part in (batch.slice(0, half), batch.slice(half))]
            table = pa.Table.from_batches([_with_drop(piece) for piece in pieces]).combine_chunks()
            return table.to_batches()[0]
        key, kind = batch.column("id")[0].as_py(), type(error).__name__
        tally.note(f"step {step.name}, document {key}: {kind}: {error}")
        given = {name: pa.nulls(1, kind_) for name, kind_ in step.adds.items() if name not in batch.schema.names}
        return with_columns(batch, given | {DROP: pa.array([f"error:{kind}"])})


def _with_drop(batch: pa.RecordBatch) -> pa.RecordBatch:
    return batch if DROP in batch.schema.names else with_columns(batch, {DROP: pa.nulls(batch.num_rows, pa.string())})


def _checked(step: Step, before: pa.RecordBatch, after: pa.RecordBatch) -> pa.RecordBatch:
    """A step that breaks its contract is a bug, and an error for the document rather than wrong data."""
    if after.num_rows != before.num_rows or not after.column("id").equals(before.column("id")):
        raise TypeError(f"step {step.name} changed the rows")
    for name, kind in step.adds.items():
        if name not in after.schema.names or after.schema.field(name).type != kind:
            raise TypeError(f"step {step.name} must add {name}: {kind}")
    return after


class _Tally:
    """Counts of one part while it is made; what it holds ends in the receipt."""

    MIN_ERRORS = 5

    def __init__(self, task: PartTask) -> None:
        self.task, self.rows_in, self.rows_out, self.characters = task, 0, 0, 0
        self.dropped: dict[str, Counter[str]] = {}
        self.notes: list[str] = []
        self.more_notes = 0
        self.out_dropped: shards.ParquetOut

    def note_unit(self, unit: str, text: str) -> None:
        self.note(f"{unit}: {text}")

    def note(self, text: str) -> None:
        if len(self.notes) < MAX_NOTES:
            self.notes.append(text)
        else:
            self.more_notes += 1

    def take_dropped(self, step: Source | Step, batch: pa.RecordBatch, held: list[pa.RecordBatch]) -> pa.RecordBatch:
        """``batch`` without the rows that have a reason to go; those are counted and written beside the part."""
        if DROP not in batch.schema.names:
            return batch
        gone = pc.is_valid(batch.column(DROP))
        if gone.true_count:
            rows = batch.filter(gone)
            counter = self.dropped.setdefault(step.name, Counter())
            for reason in rows.column(DROP).to_pylist():
                base = reason if reason.startswith("error:") else reason.partition(":")[0]
                if base not in step.reasons and not base.startswith("error:"):
                    raise PartFailed(f"{self.task.key}: step {step.name} gave the undeclared reason {reason!r}")
                counter[reason if getattr(step, "count_details", False) else base] += 1
            self._record(step, rows)
            if self.task.mark:
                held.append(rows)
            batch = batch.filter(pc.invert(gone))
        return batch.drop_columns([DROP])

    def _record(self, step: Source | Step, rows: pa.RecordBatch) -> None:
        share = getattr(step, "keep_dropped", 1.0)
        if share < 1.0:
            rows = rows.filter(
                pa.array([unit_interval(key, "dropped") < share for key in rows.column("id").to_pylist()])
            )
        count = rows.num_rows
        columns = {name: rows.column(name) for name in ("id", "url", "subset")} | {"reason": rows.column(DROP)}
        columns["step"] = pa.array([step.name] * count, pa.string())
        if self.task.keep_dropped_text:
            columns["text"] = rows.column("text")
        self.out_dropped.write(pa.RecordBatch.from_pydict(columns))

    def count_kept(self, batch: pa.RecordBatch) -> None:
        self.rows_out += batch.num_rows
        self.characters += pc.sum(pc.utf8_length(batch.column("text"))).as_py() or 0

    def check_budget(self, final: bool = False) -> None:
        """PartFailed once errors are past the budget; before the end only when they are far past it."""
        errors = Receipt("", "", dropped=self.dropped).errors()
        allowed = self.task.error_budget and max(self.MIN_ERRORS, self.task.error_budget * self.rows_in)
        if errors > (allowed if final or not allowed else 20 * allowed):
            first = next((note for note in self.notes if note.startswith("step ")), "a worker died")
            raise PartFailed(
                f"{self.task.key}: {errors} of {self.rows_in} documents ended in an error, past the budget of "
                f"{self.task.error_budget:.1%} (--error-budget); the first: {first}"
            )

    def receipt(self, files: Mapping[str, shards.FileFacts]) -> Receipt:
        gone = {step: dict(sorted(reasons.items())) for step, reasons in self.dropped.items()}
        marked: dict[str, int] = {}
        if self.task.mark:
            marked = {f"{step}.{reason}": n for step, reasons in gone.items() for reason, n in reasons.items()}
            gone = {}
        missing = self.rows_in - self.rows_out - sum(sum(reasons.values()) for reasons in gone.values())
        if missing:
            raise PartFailed(f"{self.task.key}: {missing} rows neither kept nor dropped; this is a bug in a step")
        more = [f"and {self.more_notes} more notes"] if self.more_notes else []
        return Receipt(
            self.task.key, self.task.fingerprint, self.task.units, self.rows_in, self.rows_out, self.characters,
            gone, tuple(self.notes + more), files, marked,
        )  # fmt: skip


def isolate(task: PartTask, step: str, ids: Sequence[str], reason: str) -> PartTask:
    """The task to try after a worker died at ``step``: ``ids`` one at a time, or without the one at fault."""
    if len(ids) == 1:
        return replace(task, poison={**task.poison, ids[0]: (step, reason)})
    return replace(task, single=task.single | frozenset(ids))
