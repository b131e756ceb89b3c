"""Documents that are already text: any Parquet or JSON lines with a text column."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import pyarrow as pa

from proofpile2 import inputs, json_lines, shards
from proofpile2.errors import ConfigError
from proofpile2.schema import DOCUMENT, document_id, empty_columns
from proofpile2.step import DROP, with_columns

__all__ = ["SUFFIXES", "Table"]

SUFFIXES = (".parquet", ".jsonl", ".jsonl.gz", ".jsonl.zst", ".ndjson", ".json.gz")
BATCH_ROWS = 128
EXTRA = {"formulas": pa.int32(), "math_score": pa.float32(), "lang": pa.string(), "title": pa.string()}
"""Columns beyond the document's that JSON lines may have; Parquet may have any, since it tells their types."""


@dataclass(frozen=True)
class Table:
    """Rows of Parquet files or JSON lines as documents.

    A row keeps its ``id`` if it has one, else it gets one from the file's name and its place in it. ``text`` names the
    column that becomes the document. JSON lines that do not parse are dropped as ``broken_json``.
    """

    name: ClassVar[str] = "table"
    version: ClassVar[int] = 1
    reasons: ClassVar[tuple[str, ...]] = ("broken_json", "no_text")

    input: tuple[str, ...]
    text: str = "text"

    @cached_property
    def _paths(self) -> Mapping[str, inputs.Input]:
        return {item.name: item for item in inputs.expand(self.input, SUFFIXES)}

    @cached_property
    def adds(self) -> Mapping[str, pa.DataType]:
        """Columns of the first Parquet file; of JSON lines those of ``EXTRA``, where its first row has them."""
        name, item = next(iter(self._paths.items()))
        if name.endswith(".parquet"):
            with shards.open_parquet(item.path) as parquet:
                schema = parquet.schema_arrow
            self._need_text(name, schema.names)
            return {
                column.name: column.type
                for column in schema
                if column.name not in {*DOCUMENT.names, self.text, DROP} and not column.name.startswith("_")
            }
        first = next(json_lines.read(item.path), {})
        self._need_text(name, list(first or {}))
        return {column: kind for column, kind in EXTRA.items() if column in (first or {})}

    def _need_text(self, name: str, found: list[str]) -> None:
        if self.text not in found:
            raise ConfigError(
                f"{name}: no column {self.text!r} (found: {', '.join(found)}); name it with --set table.text="
            )

    def uses(self) -> Mapping[str, str]:
        return {}

    def units(self) -> Mapping[str, str]:
        return {name: "" if item.size is None else str(item.size) for name, item in self._paths.items()}

    def read(self, unit: str, note: Callable[[str], None]) -> Iterator[pa.RecordBatch]:  # noqa: ARG002
        path, row = self._paths[unit].path, 0
        for batch in self._parquet(path) if unit.endswith(".parquet") else self._json(path):
            yield self._documents(unit, row, batch)
            row += batch.num_rows

    def _parquet(self, path: str) -> Iterator[pa.RecordBatch]:
        with shards.open_parquet(path) as parquet:
            self._need_text(path, parquet.schema_arrow.names)
            yield from parquet.iter_batches(batch_size=BATCH_ROWS, use_threads=False)

    def _json(self, path: str) -> Iterator[pa.RecordBatch]:
        rows: list[dict[str, Any]] = []
        for line in json_lines.read(path):
            rows.append(line if isinstance(line, dict) else {DROP: "broken_json"})
            if len(rows) == BATCH_ROWS:
                yield self._from_json(rows)
                rows = []
        if rows:
            yield self._from_json(rows)

    def _from_json(self, rows: list[dict[str, Any]]) -> pa.RecordBatch:
        def texts(name: str) -> list[str | None]:
            return [json_lines.as_text(row.get(name)) for row in rows]

        columns = {name: pa.array(texts(name), DOCUMENT.field(name).type) for name in DOCUMENT.names if name != "text"}
        columns[self.text] = pa.array(texts(self.text), pa.large_string())
        columns[DROP] = pa.array(texts(DROP), pa.string())
        for name, kind in self.adds.items():
            values = texts(name) if pa.types.is_string(kind) else [row.get(name) for row in rows]
            columns[name] = pa.array(values, kind, from_pandas=True)
        return pa.RecordBatch.from_pydict(columns)

    def _documents(self, unit: str, row: int, batch: pa.RecordBatch) -> pa.RecordBatch:
        count = batch.num_rows
        given = {name: batch.column(name) for name in batch.schema.names}
        given["text"] = given.get(self.text, pa.nulls(count, pa.large_string())).cast(pa.large_string())
        places = [f"{unit}:{row + n}" for n in range(count)]
        for name, otherwise in (
            ("id", [document_id("local", place) for place in places]),
            ("source", ["local"] * count),
            ("locator", places),
        ):
            found = given[name].cast(pa.string()).to_pylist() if name in given else [None] * count
            given[name] = pa.array([a or b for a, b in zip(found, otherwise, strict=True)], pa.string())
        for item in DOCUMENT:
            if item.name in given:
                given[item.name] = given[item.name].cast(item.type)
        reasons = (
            given.pop(DROP, pa.nulls(count, pa.string())).to_pylist()
            if not unit.endswith(".parquet")
            else [None] * count
        )
        given.pop(DROP, None)
        empty = given["text"].is_null().to_pylist()
        drop = [reason or ("no_text" if missing else None) for reason, missing in zip(reasons, empty, strict=True)]
        named = empty_columns(count, {k: v for k, v in given.items() if k in {*DOCUMENT.names, *self.adds}})
        return with_columns(pa.RecordBatch.from_pydict(named), {DROP: pa.array(drop, pa.string())})
