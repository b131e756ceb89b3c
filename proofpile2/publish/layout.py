"""Which rows go into which published file; :mod:`.export` writes them.

A published subset is one more pass: ``<subset>/published-<fingerprint>/`` holds Parquet files by split (and language),
their receipts and a manifest, so that all that reads and verifies a run reads and verifies what was published, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from proofpile2 import dataset, inspection, manifest, shards
from proofpile2.errors import ConfigError, MissingFile, NotWhole
from proofpile2.manifest import Manifest
from proofpile2.shards import join

__all__ = ["SHARD_BYTES", "SPLITS", "SUBSETS", "Layout", "Run", "Shard", "check", "discover", "plan"]

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
        return [
            (join(self.folders[-1], f"{key}.parquet"), size) for key, (_, size, _) in self.manifests[-1].parts.items()
        ]


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
            found += [
                join(inner, one) for one in shards.listdir(inner) if shards.exists(join(inner, one, "latest.json"))
            ]
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
    if not pieces:
        raise NotWhole(f"{subset}: the run kept no document, so there is nothing to publish")
    languages = sorted({language for language, _ in pieces}, key=str)
    made: list[Shard] = []
    for language in languages:
        for split in SPLITS:
            prefix = split if language is None else f"{language}-{split}"
            groups = _packed(
                pieces.pop((language, split), []), shard_bytes
            )  # none if empty: `datasets` can't load that
            for n, files in enumerate(groups):
                made.append(Shard(f"{prefix}-{n:05d}-of-{len(groups):05d}", split, language, files))
    if pieces:
        known = ", ".join(SPLITS)
        raise NotWhole(f"{subset}: documents with the split {next(iter(pieces))[1]!r}; known: {known}")
    identity = [
        [one.manifests[-1].fingerprint, {key: list(part) for key, part in one.manifests[-1].parts.items()}]
        for one in runs
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
    groups: list[list[str]] = []
    size = 0.0
    for path, count in pieces:
        if not groups or size + count > limit:
            groups.append([])
            size = 0.0
        groups[-1].append(path)
        size += count
    return [tuple(group) for group in groups]


def check(runs: Sequence[Run]) -> None:
    """NotWhole with all that does not hold in the runs: hashes, counts, columns, in = kept + dropped."""
    problems = [problem for run in runs for problem in inspection.verify(run.place)]
    if problems:
        listed = "\n  ".join(problems[:20]) + (f"\n  and {len(problems) - 20} more" if len(problems) > 20 else "")
        raise NotWhole(f"not published, since the run is not what its receipts say:\n  {listed}")
