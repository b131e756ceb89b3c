"""Questions about what is on disk: is it whole, why is a document gone, what can be removed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow.compute as pc

from proofpile2 import dataset, manifest, shards
from proofpile2.errors import Error
from proofpile2.manifest import Manifest, Receipt
from proofpile2.pipeline import Plan
from proofpile2.run import MANIFEST
from proofpile2.shards import join

__all__ = ["Fate", "PassStatus", "explain", "manifests", "status", "superseded", "verify"]


@dataclass(frozen=True)
class Fate:
    """Where one document was found: ``reason`` is None where it was kept."""

    id: str
    url: str | None
    name: str  # of the pass
    step: str | None
    reason: str | None
    file: str


@dataclass(frozen=True)
class PassStatus:
    """How far a pass is."""

    name: str
    folder: str
    parts_done: int
    parts: int | None  # None while the pass before is not done
    done: bool
    documents: int
    notes: tuple[str, ...]
    failures: tuple[str, ...]


def manifests(path: str) -> list[Manifest]:
    """Manifests of the passes under ``path``, in order."""
    return [manifest.read(join(folder, MANIFEST), Manifest) for folder in dataset.find(path)]


def verify(path: str) -> list[str]:
    """What does not hold under ``path``, in words; empty if all does.

    Checked: every receipt and file is there; sizes, digests and rows are as written; columns are as planned; in = kept
    + dropped for each part; each pass read just what the one before wrote; nothing else lies in the folder.
    """
    problems: list[str] = []
    folders = dataset.find(path)
    before: Manifest | None = None
    for folder in folders:
        try:
            one = manifest.read(join(folder, MANIFEST), Manifest)
            problems += list(_verify_pass(folder, one))
            follows = before is not None and one.recipe.get("before") == before.fingerprint
            if before is not None and follows and before.rows_out != one.rows_in:
                problems.append(f"{folder}: read {one.rows_in} documents where {before.name} wrote {before.rows_out}")
            before = one
        except (Error, OSError) as error:
            problems.append(str(error))
    return problems


def _verify_pass(folder: str, one: Manifest) -> Iterator[str]:
    names = set(shards.listdir(folder)) - {MANIFEST, "statistics.json"}
    rows_in = rows_out = 0
    for key, (_, _, digest) in one.parts.items():
        path = join(folder, f"{key}.json")
        names.discard(f"{key}.json")
        if not shards.exists(path):
            yield f"{path}: missing"
            continue
        if shards.facts(path).digest != digest:
            yield f"{path}: changed since the manifest was written"
        receipt = manifest.read(path, Receipt)
        rows_in, rows_out = rows_in + receipt.rows_in, rows_out + receipt.rows_out
        gone = sum(sum(reasons.values()) for reasons in receipt.dropped.values())
        if receipt.rows_in != receipt.rows_out + gone:
            yield f"{path}: {receipt.rows_in} in, {receipt.rows_out} kept and {gone} dropped do not add up"
        for name, expected in receipt.files.items():
            names.discard(name)
            yield from _verify_file(join(folder, name), expected, one if name == f"{key}.parquet" else None)
    if (rows_in, rows_out) != (one.rows_in, one.rows_out):
        yield f"{folder}: the manifest's counts are not those of its receipts"
    for name in sorted(names):
        yield f"{join(folder, name)}: belongs to no receipt"


def _verify_file(path: str, expected: shards.FileFacts, one: Manifest | None) -> Iterator[str]:
    if not shards.exists(path):
        yield f"{path}: missing"
        return
    found = shards.facts(path)
    if (found.bytes, found.digest) != (expected.bytes, expected.digest):
        yield f"{path}: {found.bytes} bytes, digest {found.digest}, not {expected.bytes}, {expected.digest} as written"
        return
    if expected.rows is None:
        return
    with shards.open_parquet(path) as parquet:
        if parquet.metadata.num_rows != expected.rows:
            yield f"{path}: {parquet.metadata.num_rows} rows; the receipt says {expected.rows}"
        columns = {item.name: str(item.type) for item in parquet.schema_arrow}
    if one and columns != dict(one.columns):
        yield f"{path}: columns {columns}; the manifest says {dict(one.columns)}"


def explain(path: str, key: str) -> list[Fate]:
    """What became of the documents whose id or address is ``key``, pass by pass; empty if there is no trace of it."""
    fates: list[Fate] = []
    for folder in dataset.find(path):
        one = manifest.read(join(folder, MANIFEST), Manifest)
        for part in one.parts:
            for name in (f"{part}.parquet", f"{part}.dropped.parquet"):
                fates += _fates(join(folder, name), key, one.name)
    last = dataset.open(path).manifest.name
    return [fate for fate in fates if fate.reason or fate.name == last] or fates[-1:]


def _fates(path: str, key: str, name: str) -> Iterator[Fate]:
    dropped = path.endswith(".dropped.parquet")
    columns = ["id", "url", "step", "reason"] if dropped else ["id", "url"]
    with shards.open_parquet(path) as parquet:
        for batch in parquet.iter_batches(columns=columns, batch_size=65_536):
            found = batch.filter(pc.or_kleene(pc.equal(batch.column("id"), key), pc.equal(batch.column("url"), key)))
            for row in found.to_pylist():
                yield Fate(row["id"], row["url"], name, row.get("step"), row.get("reason"), path)


def status(plan: Plan, out: str) -> list[PassStatus]:
    """How far each pass of ``plan`` is under ``out``."""
    result: list[PassStatus] = []
    parts: int | None = -(-len(plan.units) // plan.passes[0].units_per_part)
    for one in plan.passes:
        folder = plan.folder(out, one)
        names = set(shards.listdir(folder))
        receipts = [
            manifest.read(join(folder, n), Receipt) for n in sorted(names) if n[:5] == "part-" and n[-5:] == ".json"
        ]
        failures = [
            shards.read_bytes(join(folder, n)).decode().split("\n")[0] for n in sorted(names) if n[-10:] == ".error.txt"
        ]
        done = MANIFEST in names
        if done:
            parts = len(receipts)
        elif one.part_bytes:
            parts = None
        notes = tuple(f"{receipt.key}: {note}" for receipt in receipts for note in receipt.notes)
        documents = sum(receipt.rows_out for receipt in receipts)
        result.append(PassStatus(one.name, folder, len(receipts), parts, done, documents, notes, tuple(failures)))
    return result


def superseded(path: str) -> list[str]:
    """What can be removed under the pipeline folders in ``path``: passes that ``latest.json`` does not name, files that
    interrupted writers left, and work files of finished passes."""
    found: list[str] = []
    folders = [path, *(join(path, name) for name in shards.listdir(path) if "." not in name)]
    for folder in folders:
        if not shards.exists(join(folder, "latest.json")):
            continue
        latest = json.loads(shards.read_bytes(join(folder, "latest.json")))
        for name in shards.listdir(folder):
            inner = join(folder, name)
            if name.rpartition("-")[0] in latest and name not in latest.values():
                found.append(inner)
            elif name in latest.values():
                found += [
                    join(inner, left) for left in shards.listdir(inner) if left.endswith(".tmp") or left == "work"
                ]
    return found
