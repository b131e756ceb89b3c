"""The documents of a mixture's component: an output of ours, or any Parquet or JSON lines with a text column."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from proofpile2 import inputs, json_lines, manifest, shards
from proofpile2.errors import ConfigError, MissingFile
from proofpile2.manifest import Manifest
from proofpile2.schema import document_id
from proofpile2.shards import join

__all__ = ["SPLITS", "Part", "Rows", "documents", "find"]

SPLITS = ("train", "validation", "test")
SUFFIXES = (".parquet", ".jsonl", ".jsonl.gz", ".jsonl.zst", ".ndjson", ".json.gz")
BATCH_ROWS = 256
_NAMED = {"train": "train", "validation": "validation", "valid": "validation", "val": "validation", "test": "test"}


@dataclass(frozen=True)
class Part:
    """One file of a component. ``name`` is its name in ids; ``mark`` changes with its content; ``split`` is what its
    folders say (``algebraic-stack/validation/...``), or empty."""

    path: str
    name: str
    mark: str
    split: str = ""


@dataclass(frozen=True)
class Rows:
    """Documents read together; ``dropped`` counts rows of the file that are none, by reason."""

    ids: list[str]
    texts: list[str]
    splits: list[str | None]
    subsets: list[str | None]
    rows: list[int]
    dropped: Mapping[str, int]


def find(places: Sequence[str]) -> list[Part]:
    """The files behind ``places``: folders of finished runs of ours (a pass, a pipeline, or a pipeline's languages), or
    files, folders, globs and lists as any input takes them. MissingFile where there is nothing."""
    parts: list[Part] = []
    for place in places:
        folders = _finished(place)
        for inner, folder in folders:
            whole = manifest.read(join(folder, "manifest.json"), Manifest)
            parts += [
                Part(join(folder, f"{key}.parquet"), f"{inner}{key}.parquet", digest)
                for key, (_, _, digest) in whole.parts.items()
            ]
        if not folders:
            try:
                found = inputs.expand([place], SUFFIXES)
            except ConfigError as error:
                raise MissingFile(str(error)) from None
            parts += [
                Part(item.path, item.name, str(item.size or ""), _split_of_path(item.path))
                for item in found
                if not item.name.endswith(".dropped.parquet")
            ]
    return sorted(parts, key=lambda part: (part.name, part.path))


def _finished(place: str) -> list[tuple[str, str]]:
    """Prefix of the names and folder of each finished last pass at ``place``; empty if it is no output of ours."""
    if "*" in place or place.endswith(SUFFIXES):
        return []
    if shards.exists(join(place, "manifest.json")):
        return [("", place)]
    found = []
    for inner in ["", *(name for name in shards.listdir(place) if "." not in name)]:
        latest = join(place, inner, "latest.json") if inner else join(place, "latest.json")
        if shards.exists(latest):
            last = list(json.loads(shards.read_bytes(latest)).values())[-1]
            found.append((f"{inner}/" if inner else "", join(place, inner, last) if inner else join(place, last)))
            if not inner:
                break
    return found


def _split_of_path(path: str) -> str:
    folders = path.replace("\\", "/").split("/")[:-1]
    return next((_NAMED[name] for name in reversed(folders) if name in _NAMED), "")


def documents(part: Part, text: str) -> Iterator[Rows]:
    """The documents of ``part``, in order. Rows without a text are ``no_text``, with an empty one ``empty``, lines of
    JSON that do not parse ``broken_json``. ConfigError if there is no column ``text``."""
    row = 0
    for batch in _parquet(part, text) if part.path.endswith(".parquet") else _json(part, text):
        yield _rows(part, row, batch)
        row += len(batch["text"])


def _rows(part: Part, row: int, batch: Mapping[str, list[Any]]) -> Rows:
    texts, dropped = batch["text"], dict[str, int]()
    keep = [n for n, found in enumerate(texts) if isinstance(found, str) and found]
    for found in texts if len(keep) < len(texts) else ():
        if not found or not isinstance(found, str):
            reason = "empty" if found == "" else "broken_json" if found is False else "no_text"
            dropped[reason] = dropped.get(reason, 0) + 1
    nothing: list[Any] = [None] * len(texts)
    ids, splits, subsets = (batch.get(name) or nothing for name in ("id", "split", "subset"))
    return Rows(
        [ids[n] or document_id("local", f"{part.name}:{row + n}") for n in keep],
        [texts[n] for n in keep],
        [splits[n] if splits[n] in SPLITS else None for n in keep],
        [subsets[n] for n in keep],
        [row + n for n in keep],
        dropped,
    )


def _parquet(part: Part, text: str) -> Iterator[dict[str, list[Any]]]:
    with shards.open_parquet(part.path) as parquet:
        names = parquet.schema_arrow.names
        if text not in names:
            raise ConfigError(f"{part.path}: no column {text!r} (found: {', '.join(names)})")
        columns = [text, *(name for name in ("id", "split", "subset") if name in names and name != text)]
        for batch in parquet.iter_batches(batch_size=BATCH_ROWS, columns=columns, use_threads=False):
            found = {name: _strings(batch.column(name)) for name in columns if name != text}
            yield {"text": batch.column(text).to_pylist(), **found}


def _strings(column: pa.Array) -> list[Any]:
    return list(column.cast(pa.string()).to_pylist()) if not pa.types.is_nested(column.type) else [None] * len(column)


def _json(part: Part, text: str) -> Iterator[dict[str, list[Any]]]:
    rows: list[dict[str, Any] | None] = []
    seen = False
    for found in json_lines.read(part.path):
        rows.append(found)
        if len(rows) == BATCH_ROWS:
            seen = seen or any(one is not None and text in one for one in rows)
            yield _table(rows, text)
            rows = []
    seen = seen or any(one is not None and text in one for one in rows)
    if rows:
        yield _table(rows, text)
    if not seen:
        raise ConfigError(f"{part.path}: no row with a field {text!r}")


def _table(rows: Sequence[dict[str, Any] | None], text: str) -> dict[str, list[Any]]:
    def values(name: str) -> list[Any]:
        return [json_lines.as_text(row.get(name)) if row is not None else None for row in rows]

    texts = [False if row is None else value for row, value in zip(rows, values(text), strict=True)]
    return {"text": texts, "id": values("id"), "split": values("split"), "subset": values("subset")}
