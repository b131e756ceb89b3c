"""Chosen records of web archives: lists of URLs, Common Crawl's index, and fetching by byte range."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from proofpile2 import inputs
from proofpile2.errors import ConfigError, InputError

__all__ = ["digest", "fetch", "ranges", "urls"]

_INDEX_SUFFIXES = (".parquet", ".jsonl", ".json", ".jsonl.gz", ".json.gz", ".cdx", ".cdxj", ".cdx.gz", ".cdxj.gz")
_FILE = ("filename", "warc_filename")
_OFFSET = ("offset", "warc_record_offset")
_LENGTH = ("length", "warc_record_length")
_TOGETHER = 1 << 20  # ranges closer than this are fetched by one request
_AT_ONCE = 64 << 20  # and one request asks for at most this much

Range = tuple[int, int]  # offset, length


def digest(path: str) -> str:
    """Digest of a file that chooses records, as it goes into the fingerprint."""
    state = blake2b(digest_size=16)
    with inputs.open_input(path) as stream:
        while data := stream.read(1 << 20):
            state.update(data)
    return state.hexdigest()


@lru_cache(maxsize=2)
def urls(path: str) -> frozenset[str]:
    """The URLs in a file: one a line, JSON lines with ``url``, or Parquet with a column ``url``."""
    if path.endswith(".parquet"):
        column = [text for batch in _parquet(path, ["url"]) for text in batch.column(0).to_pylist()]
        found = frozenset(filter(None, column))
    else:
        found = frozenset(filter(None, (_line_url(path, number, line) for number, line in _lines(path))))
    if not found:
        raise ConfigError(f"{path}: no URL in it (expected one a line, JSON lines with url, or Parquet with url)")
    return found


def _line_url(path: str, number: int, line: str) -> str:
    if not line.startswith("{"):
        return line
    return str(_json(path, number, line).get("url") or "")


@lru_cache(maxsize=2)
def ranges(index: tuple[str, ...], wanted: str | None, base: str) -> dict[str, list[Range]]:
    """Byte ranges by archive, both sorted, each once, from index files; only those of the URLs in ``wanted`` if given.

    Index files are CDX lines with a JSON object (as Common Crawl serves and stores them), plain JSON lines, or Parquet
    with ``warc_filename``, ``warc_record_offset`` and ``warc_record_length``. Raises ConfigError on anything else.
    """
    only = urls(wanted) if wanted else None
    found: dict[str, set[Range]] = {}
    for entry in inputs.expand(index, _INDEX_SUFFIXES, base):
        rows = _parquet_rows(entry.path, only) if entry.path.endswith(".parquet") else _cdx_rows(entry.path, only)
        for file, offset, length in rows:
            found.setdefault(inputs.resolve(file, base).name, set()).add((offset, length))
    if not found:
        raise ConfigError(f"no record in the index {', '.join(index)}" + (" has a wanted URL" if only else ""))
    return {file: sorted(found[file]) for file in sorted(found)}


def _cdx_rows(path: str, only: frozenset[str] | None) -> Iterator[tuple[str, int, int]]:
    for number, line in _lines(path):
        row = _json(path, number, line[line.find("{") :] if "{" in line else line)
        if only is None or row.get("url") in only:
            try:
                file, offset, length = (
                    next(row[key] for key in keys if key in row) for keys in (_FILE, _OFFSET, _LENGTH)
                )
                yield str(file), int(offset), int(length)
            except (RuntimeError, ValueError, TypeError) as error:
                raise ConfigError(
                    f"{path}, line {number}: expected filename, offset and length, found {line[:80]!r}"
                ) from error


def _parquet_rows(path: str, only: frozenset[str] | None) -> Iterator[tuple[str, int, int]]:
    names = set(_parquet_names(path))
    keys = [next((key for key in pair if key in names), pair[1]) for pair in (_FILE, _OFFSET, _LENGTH)]
    columns = keys + (["url"] if only is not None else [])
    for batch in _parquet(path, columns):
        values = [column.to_pylist() for column in batch.columns]
        for row in zip(*values, strict=True):
            if None not in row[:3] and (only is None or row[3] in only):
                yield row[0], int(row[1]), int(row[2])


def _parquet_names(path: str) -> list[str]:
    with inputs.open_input(path) as stream:
        return list(pq.ParquetFile(stream).schema_arrow.names)


def _parquet(path: str, columns: list[str]) -> Iterator[pa.RecordBatch]:
    with inputs.open_input(path) as stream:
        try:
            file = pq.ParquetFile(stream)
        except pa.ArrowInvalid as error:
            raise ConfigError(f"{path}: not a Parquet file ({error})") from error
        missing = [name for name in columns if name not in file.schema_arrow.names]
        if missing:
            raise ConfigError(f"{path}: no column {', '.join(missing)}; it has {', '.join(file.schema_arrow.names)}")
        for batch in file.iter_batches(columns=columns):
            yield batch.select(columns)


def _lines(path: str) -> Iterator[tuple[int, str]]:
    with inputs.open_input(path) as stream:
        source: BinaryIO = gzip.GzipFile(fileobj=stream) if path.endswith(".gz") else stream  # type: ignore[assignment]
        try:
            for number, line in enumerate(source, 1):
                text = line.decode("utf-8", "replace").strip()
                if text and not text.startswith("#"):
                    yield number, text
        except (OSError, EOFError) as error:
            raise InputError(f"{path}: {error}") from error


def _json(path: str, number: int, text: str) -> dict[str, Any]:
    try:
        row = json.loads(text)
    except ValueError:
        row = None
    if not isinstance(row, dict):
        raise ConfigError(f"{path}, line {number}: expected a JSON object, found {text[:80]!r}")
    return row


def fetch(path: str, wanted: Sequence[Range], note: Callable[[str], None]) -> Iterator[tuple[int, bytes]]:
    """Offset and bytes of each range in order; those that can't be had go to ``note`` and the others still come.

    Raises InputError when not one range can be read.
    """
    got = 0
    failure: InputError | None = None
    with inputs.open_input(path) as stream:
        for group in _groups(wanted):
            begin, end = group[0][0], max(offset + length for offset, length in group)
            try:
                stream.seek(begin)
                data = stream.read(end - begin)
            except InputError as error:
                failure = error
                note(f"{len(group)} records from byte {begin} on can't be had: {error}")
                continue
            for offset, length in group:
                record = data[offset - begin : offset - begin + length]
                if len(record) < length:
                    note(f"the file ends before the record at byte {offset} does")
                if record:
                    got += 1
                    yield offset, record
    if failure is not None and not got:
        raise failure


def _groups(wanted: Sequence[Range]) -> Iterator[list[Range]]:
    group: list[Range] = []
    for offset, length in wanted:
        if group and (offset > sum(group[-1]) + _TOGETHER or offset + length > group[0][0] + _AT_ONCE):
            yield group
            group = []
        group.append((offset, length))
    if group:
        yield group
