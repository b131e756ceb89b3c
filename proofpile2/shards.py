"""Files: fsspec paths, atomic writes, canonical Parquet."""

from __future__ import annotations

import os
import posixpath
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from typing import IO, Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq

from proofpile2.errors import NotWhole

__all__ = ["ROW_GROUP", "FileFacts", "atomic", "exists", "facts", "join", "listdir", "open_parquet",
           "parquet_out", "read_bytes", "remove", "sweep", "write_bytes", "write_parquet"]  # fmt: skip

ROW_GROUP = 1_000
"""Rows of a Parquet row group. Fixed, since Parquet bytes depend on how rows are batched."""

_PARQUET = {
    "compression": "zstd",
    "compression_level": 3,
    "version": "2.6",
    "data_page_version": "1.0",
    "write_statistics": True,
}


@dataclass(frozen=True)
class FileFacts:
    """What a receipt says of one file; ``digest`` is BLAKE2b-128 of its bytes, ``rows`` None if it is not Parquet."""

    bytes: int
    digest: str
    rows: int | None = None


def join(folder: str, *names: str) -> str:
    """``folder/names...`` for local paths and URLs alike."""
    return posixpath.join(folder, *names)


def _local(path: str) -> str | None:
    """The plain path if ``path`` is on this machine, else None."""
    if path.startswith("file://"):
        return path[7:]
    return None if "://" in path or "::" in path else path


class _Hashing:
    """A write-only file that hashes what passes through it."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw, self._hash, self.bytes, self.closed = raw, blake2b(digest_size=16), 0, False
        self.given_up = False

    def write(self, data: Any) -> int:
        if self.given_up:
            return len(data)
        view = memoryview(data).cast("B") if not isinstance(data, bytes) else data
        self._hash.update(view)
        self._raw.write(view)
        self.bytes += len(view)
        return len(view)

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def tell(self) -> int:
        return self.bytes

    def flush(self) -> None:
        self._raw.flush()

    def close(self) -> None:
        """The owner of the raw file closes it."""

    def facts(self, rows: int | None = None) -> FileFacts:
        return FileFacts(self.bytes, self._hash.hexdigest(), rows)


@contextmanager
def atomic(path: str) -> Iterator[_Hashing]:
    """A file to write to, which stands at ``path`` whole or not at all.

    On this machine: a temporary sibling, fsync, rename. On an object store: one upload that is completed on leaving.
    """
    local = _local(path)
    if local is None:
        handle = fsspec.open(path, "wb").open()
        try:
            yield _Hashing(handle)
        except BaseException:
            if hasattr(handle, "discard"):
                handle.discard()
            raise
        handle.close()
        return
    os.makedirs(os.path.dirname(local) or ".", exist_ok=True)
    temporary = f"{local}.{uuid.uuid4().hex[:8]}.tmp"
    try:
        with open(temporary, "wb") as raw:
            yield _Hashing(raw)
            raw.flush()
            os.fsync(raw.fileno())
        try:
            os.replace(temporary, local)
        except FileNotFoundError:  # swept by a racing run that has finished this very file
            if not os.path.exists(local):
                raise
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise


def write_bytes(path: str, data: bytes) -> FileFacts:
    """Write ``data`` atomically."""
    with atomic(path) as out:
        out.write(data)
    return out.facts()


def read_bytes(path: str) -> bytes:
    """The whole file; FileNotFoundError if it is not there."""
    with fsspec.open(path, "rb") as handle:
        return bytes(handle.read())


def exists(path: str) -> bool:
    """Whether a file or folder stands at ``path``."""
    filesystem, inner = fsspec.core.url_to_fs(path)
    return bool(filesystem.exists(inner))


def listdir(folder: str) -> list[str]:
    """Sorted names in ``folder``; empty if it is not there."""
    filesystem, inner = fsspec.core.url_to_fs(folder)
    if not filesystem.exists(inner):
        return []
    return sorted(posixpath.basename(str(name).rstrip("/")) for name in filesystem.ls(inner, detail=False))


def remove(path: str) -> None:
    """Remove a file or a folder with all that is in it; nothing happens if it is not there."""
    filesystem, inner = fsspec.core.url_to_fs(path)
    if filesystem.exists(inner):
        filesystem.rm(inner, recursive=True)


def sweep(folder: str) -> None:
    """Remove what interrupted writers and failures left behind in a folder whose files are all in place."""
    for name in listdir(folder):
        if name.endswith((".tmp", ".error.txt")):
            remove(join(folder, name))


def facts(path: str) -> FileFacts:
    """Size and digest of a file as it is now."""
    digest, size = blake2b(digest_size=16), 0
    with fsspec.open(path, "rb") as handle:
        while block := handle.read(1 << 20):
            digest.update(block)
            size += len(block)
    return FileFacts(size, digest.hexdigest())


def open_parquet(path: str) -> pq.ParquetFile:
    """A Parquet file to read; NotWhole if it is no Parquet file."""
    local = _local(path)
    try:
        # Arrow would otherwise hold all compressed bytes of the columns that are read.
        return pq.ParquetFile(local if local is not None else fsspec.open(path, "rb").open(), pre_buffer=False)
    except pa.ArrowInvalid as error:
        raise NotWhole(f"{path}: not a readable Parquet file ({error})") from None


class ParquetOut:
    """Takes batches, writes row groups of :data:`ROW_GROUP` rows: the same rows give the same bytes however batched."""

    def __init__(self, out: _Hashing, schema: pa.Schema) -> None:
        self._out, self._schema, self.rows = out, schema, 0
        self._writer = pq.ParquetWriter(pa.PythonFile(out, mode="w"), schema, **_PARQUET)
        self._waiting: list[pa.RecordBatch] = []
        self._count = 0

    def write(self, batch: pa.RecordBatch) -> None:
        """Add rows; columns that the schema lacks are left out."""
        if batch.num_rows == 0:
            return
        self._waiting.append(batch.select(self._schema.names).cast(self._schema))
        self._count += batch.num_rows
        self.rows += batch.num_rows
        while self._count >= ROW_GROUP:
            self._flush(ROW_GROUP)

    def _flush(self, size: int) -> None:
        table = pa.Table.from_batches(self._waiting, self._schema)
        self._writer.write_table(table.slice(0, size).combine_chunks(), row_group_size=ROW_GROUP)
        rest = table.slice(size)
        self._waiting, self._count = (rest.to_batches() if rest.num_rows else []), rest.num_rows

    def finish(self) -> None:
        """Write what waits and the footer."""
        if self._count:
            self._flush(self._count)
        self._writer.close()

    def give_up(self) -> None:
        """Close without writing anything more."""
        self._out.given_up = True
        self._writer.close()

    def facts(self) -> FileFacts:
        """Size, digest and rows, once finished."""
        return self._out.facts(self.rows)


@contextmanager
def parquet_out(path: str, schema: pa.Schema) -> Iterator[ParquetOut]:
    """A canonical Parquet file to write batches to, atomically; memory is bounded by one row group."""
    with atomic(path) as out:
        parquet = ParquetOut(out, schema)
        try:
            yield parquet
            parquet.finish()
        except BaseException:
            parquet.give_up()
            raise


def write_parquet(path: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> FileFacts:
    """Write all batches as canonical Parquet, atomically."""
    with parquet_out(path, schema) as parquet:
        for batch in batches:
            parquet.write(batch)
    return parquet.facts()
