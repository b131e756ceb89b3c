"""Which rows go into which published file, and the writing of those files.

A published subset is one more pass: ``<subset>/published-<fingerprint>/`` holds Parquet files by split (and language),
their receipts and a manifest, so that all that reads and verifies a run reads and verifies what was published, too.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from proofpile2 import dataset, inspection, manifest, shards
from proofpile2.errors import ConfigError, MissingFile, NotWhole
from proofpile2.manifest import Manifest, Receipt
from proofpile2.shards import join

__all__ = ["SHARD_BYTES", "SPLITS", "SUBSETS", "Layout", "Run", "Shard", "check", "discover", "export", "plan"]

SUBSETS = {"web": "open-web-math", "arxiv": "arxiv", "algebraicstack": "algebraic-stack"}
"""Pipeline -> name of the subset in Proof-Pile-2; any other pipeline is published under its own name."""

BY_LANGUAGE = frozenset({"algebraic-stack"})
"""Subsets whose column ``subset`` is the language, which gets files and a configuration of its own."""

SPLITS = ("train", "validation", "test")

SHARD_BYTES = 500_000_000
"""Published files are put together from parts up to about this size, compressed. A part is never cut."""

VERSION = 1
"""Raised when the same rows are laid out in another way; in the fingerprint of every published folder."""

TEXT_META = pa.schema([pa.field("text", pa.large_string()), pa.field("meta", pa.string())])
"""Columns of the published Proof-Pile-2; ``meta`` is a JSON object with all that is known beside the text."""

MAX_KINDS = 200  # licences and crawls counted by name in one receipt


@dataclass(frozen=True)
class Run:
    """A finished run of one pipeline: folders and manifests of its passes, in order."""

    subset: str
    label: str  # names its manifests: web, algebraicstack, algebraicstack-lean
    place: str  # folder of the pipeline, or of the one pass
    folders: tuple[str, ...]
    manifests: tuple[Manifest, ...]

    @property
    def files(self) -> list[tuple[str, int]]:
        """Path and size of each Parquet file of the last pass, in order."""
        return [(join(self.folders[-1], f"{key}.parquet"), size) for key, (_, size, _) in self.manifests[-1].parts.items()]


@dataclass(frozen=True)
class Shard:
    """One published file: the rows of ``split`` (and ``language``) in ``files``, in their order."""

    key: str  # train-00000-of-00002, lean-train-00000-of-00001
    split: str
    language: str | None
    files: tuple[str, ...]


@dataclass(frozen=True)
class Layout:
    """How a subset is published."""

    subset: str
    runs: tuple[Run, ...]
    text_meta: bool
    columns: pa.Schema  # of the runs
    shards: tuple[Shard, ...]
    fingerprint: str

    @property
    def folder(self) -> str:
        """Name of its folder in the repository, below the subset's."""
        return f"published-{self.fingerprint[:12]}"

    @property
    def schema(self) -> pa.Schema:
        """Columns as published."""
        return TEXT_META if self.text_meta else self.columns


def discover(out: str, subsets: Sequence[str] = ()) -> dict[str, list[Run]]:
    """Finished runs under ``out`` (what ``--out`` named, or a pipeline or pass in it) by subset; only those in
    ``subsets``, by the subset's or the pipeline's name. MissingFile if there are none."""
    found: dict[str, list[Run]] = {}
    for folder in _pipeline_folders(out):
        folders = dataset.find(folder)
        ones = tuple(manifest.read(join(one, "manifest.json"), Manifest) for one in folders)
        last = ones[-1]
        if not {"id", "text", "split"} <= set(last.columns):
            continue
        below = folder[len(out.rstrip("/")) :].strip("/").replace("/", "-")
        label = below if below.startswith(last.pipeline) and "-" in below else last.pipeline
        subset = SUBSETS.get(last.pipeline, last.pipeline)
        found.setdefault(subset, []).append(Run(subset, label, folder, tuple(folders), ones))
    if not found:
        raise MissingFile(
            f"{out}: no finished run to publish here (expected the folder that --out named, with a last pass that has "
            "the columns id, text and split)"
        )
    names = {SUBSETS.get(name, name) for name in subsets}
    if missing := sorted(names - set(found)):
        raise MissingFile(f"{out}: no finished run of {', '.join(missing)}; there are: {', '.join(sorted(found))}")
    return {subset: runs for subset, runs in sorted(found.items()) if not names or subset in names}


def _pipeline_folders(out: str) -> list[str]:
    if shards.exists(join(out, "manifest.json")) or shards.exists(join(out, "latest.json")):
        return [out]
    found: list[str] = []
    for name in shards.listdir(out):
        if "." in name:
            continue
        inner = join(out, name)
        if shards.exists(join(inner, "latest.json")):
            found.append(inner)
        else:  # a pipeline with a folder for each language
            found += [join(inner, one) for one in shards.listdir(inner) if shards.exists(join(inner, one, "latest.json"))]
    return found


def plan(subset: str, runs: Sequence[Run], text_meta: bool = False, shard_bytes: int = SHARD_BYTES) -> Layout:
    """The files of a subset. Reads the columns ``split`` and ``subset`` only.

    ConfigError where the columns of several runs do not fit together; NotWhole where a document has no split.
    """
    columns = _columns(subset, runs)
    by_language = subset in BY_LANGUAGE
    pieces: dict[tuple[str | None, str], list[tuple[str, float]]] = {}
    for run in runs:
        for path, size in run.files:
            counts = _groups(path, by_language)
            rows = sum(counts.values())
            for group, count in counts.items():
                pieces.setdefault(group, []).append((path, size * count / rows))
    # Each configuration gets all three splits, if need be with an empty file: asking for one is then never an error.
    languages = sorted({language for language, _ in pieces}, key=str) or [None]
    made: list[Shard] = []
    for language in languages:
        for split in SPLITS:
            prefix = split if language is None else f"{language}-{split}"
            groups = _packed(pieces.pop((language, split), []), shard_bytes)
            for n, files in enumerate(groups):
                made.append(Shard(f"{prefix}-{n:05d}-of-{len(groups):05d}", split, language, files))
    if pieces:
        known = ", ".join(SPLITS)
        raise NotWhole(f"{subset}: documents with the split {next(iter(pieces))[1]!r}; known: {known}")
    identity = [
        [one.manifests[-1].fingerprint, {key: list(part) for key, part in one.manifests[-1].parts.items()}] for one in runs
    ]
    mark = manifest.fingerprint([VERSION, subset, text_meta, shard_bytes, str(columns), identity])
    return Layout(subset, tuple(runs), text_meta, columns, tuple(made), mark)


def _columns(subset: str, runs: Sequence[Run]) -> pa.Schema:
    """Columns of all runs together: where one lacks a column of another, it is null."""
    schemas = [shards.open_parquet(run.files[0][0]).schema_arrow.remove_metadata() for run in runs if run.files]
    if not schemas:
        raise MissingFile(f"{subset}: the run has no parts")
    try:
        return pa.unify_schemas([pa.schema([item.with_nullable(True) for item in schema]) for schema in schemas])
    except pa.ArrowInvalid as error:
        raise ConfigError(f"{subset}: its runs have columns of different types ({error})") from None


def _groups(path: str, by_language: bool) -> dict[tuple[str | None, str], int]:
    counts: Counter[tuple[str | None, str]] = Counter()
    with shards.open_parquet(path) as parquet:
        for batch in parquet.iter_batches(columns=["split", "subset"], batch_size=65_536):
            languages = batch.column("subset").to_pylist() if by_language else [None] * batch.num_rows
            counts.update(zip(languages, batch.column("split").to_pylist(), strict=True))
    for language, split in counts:
        if split is None:
            raise NotWhole(f"{path}: documents without a split; publish what a pass with the step `split` wrote")
        if by_language and not (language and language.replace("-", "").replace("_", "").isalnum()):
            raise NotWhole(f"{path}: {language!r} in the column subset is no name of a language")
    return dict(sorted(counts.items(), key=str))


def _packed(pieces: Sequence[tuple[str, float]], limit: int) -> list[tuple[str, ...]]:
    groups: list[list[str]] = [[]]
    size = 0.0
    for path, count in pieces:
        if groups[-1] and size + count > limit:
            groups.append([])
            size = 0.0
        groups[-1].append(path)
        size += count
    return [tuple(group) for group in groups]


def export(layout: Layout, tree: str, step: Callable[[str], None] = lambda _: None) -> str:
    """Write the files of a subset below ``tree``; returns its folder. What is there already is not written again.

    Memory is bounded by a row group. NotWhole if a document would be lost or doubled on the way.
    """
    home = join(tree, layout.subset)
    folder = join(home, layout.folder)
    if not shards.exists(join(folder, "manifest.json")):
        there = set(shards.listdir(folder))
        for shard in layout.shards:
            if f"{shard.key}.json" not in there:
                _write(layout, shard, folder)
            step(shard.key)
        _finish(layout, folder)
    shards.write_bytes(join(home, "latest.json"), (json.dumps({"published": layout.folder}, indent=1) + "\n").encode())
    for run in layout.runs:
        _copy_manifests(run, join(home, "manifests", run.label))
    return folder


def _write(layout: Layout, shard: Shard, folder: str) -> None:
    counts: Counter[str] = Counter()
    characters = 0
    with shards.parquet_out(join(folder, f"{shard.key}.parquet"), layout.schema) as out:
        for path in shard.files:
            for batch in _rows(layout, shard, path):
                characters += pc.sum(pc.utf8_length(batch.column("text"))).as_py() or 0
                _count(counts, batch)
                out.write(_text_meta(batch) if layout.text_meta else batch)
    facts = out.facts()
    units = tuple(path.rsplit("/", 2)[-2] + "/" + path.rsplit("/", 2)[-1] for path in shard.files)
    mark = manifest.fingerprint([layout.fingerprint, shard.key])
    receipt = Receipt(
        shard.key, mark, units, out.rows, out.rows, characters,
        files={f"{shard.key}.parquet": facts}, counts=_trimmed(counts),
    )  # fmt: skip
    manifest.write(join(folder, f"{shard.key}.json"), receipt)


def _rows(layout: Layout, shard: Shard, path: str) -> Iterator[pa.RecordBatch]:
    """Rows of one part that belong to the shard, with the columns of the layout."""
    with shards.open_parquet(path) as parquet:
        for group in range(parquet.metadata.num_row_groups):
            keys = parquet.read_row_group(group, columns=["split", "subset"])
            wanted = pc.equal(keys.column("split"), shard.split)
            if shard.language is not None:
                wanted = pc.and_(wanted, pc.fill_null(pc.equal(keys.column("subset"), shard.language), False))
            if not pc.any(wanted).as_py():
                continue
            table = parquet.read_row_group(group).filter(wanted)
            for item in layout.columns:
                if item.name not in table.schema.names:
                    table = table.append_column(item, pa.nulls(table.num_rows, item.type))
            yield from table.select(layout.columns.names).to_batches()


def _count(counts: Counter[str], batch: pa.RecordBatch) -> None:
    """What the data card tells, added up; keys are kinds of facts, with ``=name`` where names are counted."""
    counts["text_bytes"] += pc.sum(pc.binary_length(batch.column("text"))).as_py() or 0
    if "tokens" in batch.schema.names:
        counts["tokens"] += pc.sum(batch.column("tokens")).as_py() or 0
    for name in ("license", "subset", "source"):
        for value, number in zip(*(batch.column(name).value_counts().field(n).to_pylist() for n in (0, 1)), strict=True):
            counts[f"{name}={value or ''}"] += number
    for day in (text[:10].replace("-", "") for text in pc.unique(batch.column("created")).to_pylist() if text):
        if len(day) == 8 and day.isdigit():
            counts["first_day"] = min(counts["first_day"] or int(day), int(day))
            counts["last_day"] = max(counts["last_day"], int(day))


def _trimmed(counts: Counter[str]) -> dict[str, int]:
    """Only the commonest names, so that a receipt stays small whatever stands in the columns."""
    kept = {key: n for key, n in counts.items() if "=" not in key}
    for name in ("license", "subset", "source"):
        ours = sorted(((key, n) for key, n in counts.items() if key.startswith(f"{name}=")), key=lambda it: (-it[1], it[0]))
        kept |= dict(ours[:MAX_KINDS])
        if rest := sum(n for _, n in ours[MAX_KINDS:]):
            kept[f"{name}=(others)"] = rest
    return dict(sorted(kept.items()))


def _text_meta(batch: pa.RecordBatch) -> pa.RecordBatch:
    rows = batch.drop_columns(["text"]).to_pylist()
    metas = [json.dumps(_known(row), sort_keys=True, ensure_ascii=False, allow_nan=False, default=str) for row in rows]
    return pa.RecordBatch.from_arrays([batch.column("text"), pa.array(metas, pa.string())], schema=TEXT_META)


def _known(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if value is not None and not (isinstance(value, float) and not math.isfinite(value))}


def _finish(layout: Layout, folder: str) -> None:
    receipts = [manifest.read(join(folder, f"{shard.key}.json"), Receipt) for shard in layout.shards]
    rows, expected = sum(one.rows_out for one in receipts), sum(run.manifests[-1].rows_out for run in layout.runs)
    if rows != expected:
        raise NotWhole(f"{layout.subset}: {rows} documents laid out, of {expected}; this is a bug, nothing was sent")
    parts = {
        one.key: (one.rows_out, one.files[f"{one.key}.parquet"].bytes, shards.facts(join(folder, f"{one.key}.json")).digest)
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
    """The manifests of the run travel along, and the names of what went in."""
    for n, folder in enumerate(run.folders):
        shards.write_bytes(join(to, f"{n + 1}-{run.manifests[n].name}.json"), shards.read_bytes(join(folder, "manifest.json")))
        if shards.exists(join(folder, "statistics.json")):
            shards.write_bytes(join(to, "statistics.json"), shards.read_bytes(join(folder, "statistics.json")))
    units: list[str] = []
    for key in run.manifests[0].parts:
        units += manifest.read(join(run.folders[0], f"{key}.json"), Receipt).units
    shards.write_bytes(join(to, "inputs.txt"), "".join(f"{unit}\n" for unit in units).encode("utf-8", "surrogatepass"))


def check(runs: Sequence[Run]) -> None:
    """NotWhole with all that does not hold in the runs: hashes, counts, columns, in = kept + dropped."""
    problems = [problem for run in runs for problem in inspection.verify(run.place)]
    if problems:
        listed = "\n  ".join(problems[:20]) + (f"\n  and {len(problems) - 20} more" if len(problems) > 20 else "")
        raise NotWhole(f"not published, since {len(problems)} things do not hold:\n  {listed}")
