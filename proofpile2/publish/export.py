"""Writes the files of a published subset, with the receipts and manifests that travel along."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from proofpile2 import manifest, shards
from proofpile2.errors import NotWhole
from proofpile2.manifest import Manifest, Receipt
from proofpile2.publish.layout import TEXT_META, Layout, Run, Shard
from proofpile2.shards import join

__all__ = ["export"]

MAX_KINDS = 200
"""Licences and crawls that one receipt counts by name."""


AT_ONCE = 12
"""Groups (a split of a language) that are written in one reading of the run; each holds a row group in memory."""


def export(layout: Layout, tree: str, step: Callable[[str], None] = lambda _: None) -> str:
    """Write the files of a subset below ``tree``; returns its folder. What is there already is not written again.

    Memory is bounded by :data:`AT_ONCE` row groups. NotWhole if a document would be lost or doubled on the way.
    """
    home = join(tree, layout.subset)
    folder = join(home, layout.folder)
    if not shards.exists(join(folder, "manifest.json")):
        there = set(shards.listdir(folder))
        pending = [shard for shard in layout.shards if f"{shard.key}.json" not in there]
        groups = list(dict.fromkeys((shard.language, shard.split) for shard in pending))
        for n in range(0, len(groups), AT_ONCE):
            now = set(groups[n : n + AT_ONCE])
            _write(layout, [shard for shard in pending if (shard.language, shard.split) in now], folder, step)
        _finish(layout, folder)
    shards.write_bytes(join(home, "latest.json"), (json.dumps({"published": layout.folder}, indent=1) + "\n").encode())
    for run in layout.runs:
        _copy_manifests(run, join(home, "manifests"))
    return folder


@dataclass
class _Open:
    """A file that is being written."""

    shard: Shard
    close: Callable[[], None]
    out: shards.ParquetOut
    characters: int = 0
    counts: Counter[str] = field(default_factory=Counter)

    def write(self, table: pa.Table, text_meta: bool) -> None:
        for batch in table.to_batches():
            self.characters += pc.sum(pc.utf8_length(batch.column("text"))).as_py() or 0
            _count(self.counts, batch)
            self.out.write(_text_meta(batch) if text_meta else batch)


def _write(layout: Layout, wanted: Sequence[Shard], folder: str, step: Callable[[str], None]) -> None:
    """Write shards side by side, reading each part once."""
    opened: dict[str, _Open] = {}
    with ExitStack() as everything:
        for path, _ in (item for run in layout.runs for item in run.files):
            takers = [shard for shard in wanted if path in shard.files]
            for shard in takers:
                if shard.key not in opened:
                    one = everything.enter_context(ExitStack())
                    out = one.enter_context(shards.parquet_out(join(folder, f"{shard.key}.parquet"), layout.schema))
                    opened[shard.key] = _Open(shard, one.close, out)
            for shard, table in _rows(layout, takers, path):
                opened[shard.key].write(table, layout.text_meta)
            for shard in takers:
                if path == shard.files[-1]:
                    _close(layout, opened.pop(shard.key), folder)
                    step(shard.key)


def _close(layout: Layout, one: _Open, folder: str) -> None:
    one.close()
    key, rows = one.shard.key, one.out.rows
    units = tuple("/".join(path.split("/")[-2:]) for path in one.shard.files)
    mark = manifest.fingerprint([layout.fingerprint, key])
    receipt = Receipt(
        key, mark, units, rows, rows, one.characters,
        files={f"{key}.parquet": one.out.facts()}, counts=_trimmed(one.counts),
    )  # fmt: skip
    manifest.write(join(folder, f"{key}.json"), receipt)


def _rows(layout: Layout, takers: Sequence[Shard], path: str) -> Iterator[tuple[Shard, pa.Table]]:
    """Rows of one part that belong to each of the shards, with the columns of the layout."""
    with shards.open_parquet(path) as parquet:
        for group in range(parquet.metadata.num_row_groups if takers else 0):
            table = parquet.read_row_group(group)
            for item in layout.columns:
                if item.name not in table.schema.names:
                    table = table.append_column(item, pa.nulls(table.num_rows, item.type))
            for shard in takers:
                mine = pc.equal(table.column("split"), shard.split)
                if shard.language is not None:
                    mine = pc.and_(mine, pc.fill_null(pc.equal(table.column("subset"), shard.language), False))
                if pc.any(mine).as_py():
                    yield shard, table.filter(mine).select(layout.columns.names)


def _count(counts: Counter[str], batch: pa.RecordBatch) -> None:
    """What the data card tells, added up; keys are kinds of facts, with ``=name`` where names are counted."""
    counts["text_bytes"] += pc.sum(pc.binary_length(batch.column("text"))).as_py() or 0
    if "tokens" in batch.schema.names:
        counts["tokens"] += pc.sum(batch.column("tokens")).as_py() or 0
    for name in ("license", "subset", "source"):
        for value, number in zip(
            *(batch.column(name).value_counts().field(n).to_pylist() for n in (0, 1)), strict=True
        ):
            counts[f"{name}={value or ''}"] += number
    for day in (text[:10].replace("-", "") for text in pc.unique(batch.column("created")).to_pylist() if text):
        if len(day) == 8 and day.isdigit():
            counts["first_day"] = min(counts["first_day"] or int(day), int(day))
            counts["last_day"] = max(counts["last_day"], int(day))


def _trimmed(counts: Counter[str]) -> dict[str, int]:
    """Only the commonest names, so that a receipt stays small whatever stands in the columns."""
    kept = {key: n for key, n in counts.items() if "=" not in key}
    for name in ("license", "subset", "source"):
        ours = sorted(
            ((key, n) for key, n in counts.items() if key.startswith(f"{name}=")), key=lambda it: (-it[1], it[0])
        )
        kept |= dict(ours[:MAX_KINDS])
        if rest := sum(n for _, n in ours[MAX_KINDS:]):
            kept[f"{name}=(others)"] = rest
    return dict(sorted(kept.items()))


def _text_meta(batch: pa.RecordBatch) -> pa.RecordBatch:
    # the published form has no steps: they say again what the text says
    rows = batch.drop_columns([name for name in ("text", "steps") if name in batch.schema.names]).to_pylist()
    metas = [json.dumps(_known(row), sort_keys=True, ensure_ascii=False, allow_nan=False, default=str) for row in rows]
    return pa.RecordBatch.from_arrays([batch.column("text"), pa.array(metas, pa.string())], schema=TEXT_META)


def _known(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: value
        for key, value in row.items()
        if value is not None and not (isinstance(value, float) and not math.isfinite(value))
    }


def _finish(layout: Layout, folder: str) -> None:
    receipts = [manifest.read(join(folder, f"{shard.key}.json"), Receipt) for shard in layout.shards]
    rows, expected = sum(one.rows_out for one in receipts), sum(run.manifests[-1].rows_out for run in layout.runs)
    if rows != expected:
        raise NotWhole(f"{layout.subset}: {rows} documents laid out, of {expected}; this is a bug, nothing was sent")
    parts = {
        one.key: (
            one.rows_out,
            one.files[f"{one.key}.parquet"].bytes,
            shards.facts(join(folder, f"{one.key}.json")).digest,
        )
        for one in receipts
    }
    recipe = {
        "format": manifest.FORMAT, "pass": "published", "steps": [], "text_meta": layout.text_meta,
        "before": [run.manifests[-1].fingerprint for run in layout.runs],
    }  # fmt: skip
    columns = {item.name: str(item.type) for item in layout.schema}
    whole = Manifest(
        layout.subset, "published", layout.fingerprint, recipe, columns, rows, rows,
        sum(one.characters for one in receipts), {}, 0, parts,
    )  # fmt: skip
    manifest.write(join(folder, "manifest.json"), whole)


def _copy_manifests(run: Run, to: str) -> None:
    """The manifests of the run travel along, and the names of what went in; a set that was pulled has them already."""
    before = join(run.place, "manifests")
    if run.manifests[-1].name == "published" and shards.exists(before):
        for label in shards.listdir(before):
            for name in shards.listdir(join(before, label)):
                shards.write_bytes(join(to, label, name), shards.read_bytes(join(before, label, name)))
        return
    to = join(to, run.label)
    for n, folder in enumerate(run.folders):
        shards.write_bytes(
            join(to, f"{n + 1}-{run.manifests[n].name}.json"), shards.read_bytes(join(folder, "manifest.json"))
        )
        if shards.exists(join(folder, "statistics.json")):
            shards.write_bytes(join(to, "statistics.json"), shards.read_bytes(join(folder, "statistics.json")))
    units: list[str] = []
    for key in run.manifests[0].parts:
        units += manifest.read(join(run.folders[0], f"{key}.json"), Receipt).units
    shards.write_bytes(join(to, "inputs.txt"), "".join(f"{unit}\n" for unit in units).encode("utf-8", "surrogatepass"))
