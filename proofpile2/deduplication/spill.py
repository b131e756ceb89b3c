"""Arrays of 64-bit numbers on disk: sorted into buckets that are read one at a time, or by row.

Little-endian, without a header but for the index of buckets. A *document* is a number: its part << 32 | its row.
"""

from __future__ import annotations

from typing import Any

import fsspec
import numpy as np
import numpy.typing as npt
from fsspec.implementations.local import LocalFileSystem

from proofpile2.errors import MissingFile
from proofpile2.shards import join, write_bytes

__all__ = ["ROW", "file_of", "gather", "load", "load_bucket", "save", "save_buckets"]

U64 = npt.NDArray[np.uint64]

ROW = np.uint64((1 << 32) - 1)
"""The bits of a document's number that are its row."""


def file_of(work: str, kind: str, number: int) -> str:
    """Where the file of a part or bucket stands."""
    return join(work, kind, f"{number:05}")


def save(path: str, array: npt.NDArray[Any]) -> None:
    write_bytes(path, np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes())


def load(path: str, start: int = 0, size: int = -1) -> U64:
    """``size`` bytes of a file of 64-bit numbers, from ``start`` on."""
    try:
        with fsspec.open(path, "rb") as handle:
            handle.seek(start)
            return np.frombuffer(handle.read(size), "<u8")
    except FileNotFoundError:
        raise MissingFile(f"{path}: expected of an earlier phase, not found; remove the pass and run again") from None


def save_buckets(path: str, rows: U64, buckets: int) -> None:
    """Rows sorted by their first number; before them where each bucket, an equal range of that number, begins."""
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    edges = np.array([(number << 64) // buckets for number in range(1, buckets)], dtype=np.uint64)
    begins = np.concatenate([[0], np.searchsorted(rows[:, 0], edges), [len(rows)]]).astype(np.uint64)
    save(path, np.concatenate([begins, rows.ravel()]))


def load_bucket(work: str, kind: str, parts: int, number: int, buckets: int, width: int) -> U64:
    """The rows of one bucket, of all parts."""
    found = [np.zeros((0, width), np.uint64)]
    for part in range(parts):
        path = file_of(work, kind, part)
        first, last = (int(n) for n in load(path, 8 * number, 16))
        if last > first:
            size = 8 * width * (last - first)
            found.append(load(path, 8 * (buckets + 1 + width * first), size).reshape(-1, width))
    return np.concatenate(found)


def gather(work: str, kind: str, dtype: str, width: int, documents: U64) -> npt.NDArray[Any]:
    """Rows ``[documents, width]`` of the per-part files of one kind, read where they are needed."""
    result = np.empty((len(documents), width), dtype)
    if not len(documents):
        return result
    order = np.argsort(documents, kind="stable")
    ordered = documents[order]
    parts = (ordered >> np.uint64(32)).astype(np.int64)
    begins = np.flatnonzero(np.diff(parts, prepend=-1))
    for first, last in zip(begins, [*begins[1:], len(parts)], strict=True):
        rows = (ordered[first:last] & ROW).astype(np.int64)
        result[order[first:last]] = _rows(file_of(work, kind, int(parts[first])), dtype, width)[rows]
    return result


def _rows(path: str, dtype: str, width: int) -> npt.NDArray[Any]:
    filesystem, inner = fsspec.core.url_to_fs(path)
    if not filesystem.exists(inner):
        raise MissingFile(f"{path}: expected of an earlier phase, not found; remove the pass and run again")
    if isinstance(filesystem, LocalFileSystem):
        size = filesystem.size(inner) // (np.dtype(dtype).itemsize * width)
        return np.memmap(inner, dtype, "r", shape=(size, width)) if size else np.zeros((0, width), dtype)
    return np.frombuffer(filesystem.cat_file(inner), dtype).reshape(-1, width)
