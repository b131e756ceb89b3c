"""The ``.bin`` / ``.idx`` pair that GPT-NeoX and Megatron-Core memory-map (``MMIDIDX``).

Both read the same bytes for uint16 and int32 tokens; they differ only in the codes of floating-point types. The layout
(GPT-NeoX ``megatron/data/indexed_dataset.py``, Megatron-Core ``megatron/core/datasets/indexed_dataset.py``), all
little-endian: ``MMIDIDX\\0\\0``, u64 version 1, u8 type code, u64 N sequences, u64 D, int32[N] lengths in tokens,
int64[N] offsets in bytes, int64[D] document index (0 first, then the sequence at which each document ends; D = N + 1
here, as a document is a sequence). ``.bin`` holds the tokens and nothing else.

Reading needs NumPy only.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["CODES", "Index", "index_bytes", "read_index"]

MAGIC = b"MMIDIDX\x00\x00"
CODES = {np.dtype("<u2"): 8, np.dtype("<i4"): 4}
_READABLE = {1: "u1", 2: "i1", 3: "<i2", 4: "<i4", 5: "<i8", 8: "<u2"}
HEADER = 34
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Index:
    """What an ``.idx`` says: type of a token, length (tokens) and offset (bytes) of each sequence, document index."""

    dtype: np.dtype[Any]
    lengths: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int64]
    documents: npt.NDArray[np.int64]


def index_bytes(lengths: npt.NDArray[np.int32], dtype: np.dtype[Any]) -> Iterator[bytes]:
    """The ``.idx`` of documents of ``lengths`` tokens each, in pieces; memory beyond ``lengths`` is bounded."""
    count = len(lengths)
    yield MAGIC + struct.pack("<QBQQ", 1, CODES[dtype], count, count + 1)
    for start in range(0, count, _BLOCK):
        yield lengths[start : start + _BLOCK].astype("<i4").tobytes()
    at = 0
    for start in range(0, count, _BLOCK):
        ends = at + np.cumsum(lengths[start : start + _BLOCK].astype("<i8")) * dtype.itemsize
        yield np.concatenate([[at], ends[:-1]]).astype("<i8").tobytes()
        at = int(ends[-1])
    for start in range(0, count + 1, _BLOCK):
        yield np.arange(start, min(start + _BLOCK, count + 1), dtype="<i8").tobytes()


def read_index(path: str) -> Index:
    """The ``.idx`` at the local ``path``, memory-mapped. ValueError if it is none, or of a type that is no token."""
    with open(path, "rb") as handle:
        head = handle.read(HEADER)
    if len(head) < HEADER or not head.startswith(MAGIC):
        raise ValueError(f"{path}: not an MMIDIDX index")
    version, code, count, documents = struct.unpack("<QBQQ", head[9:])
    if version != 1 or code not in _READABLE:
        raise ValueError(f"{path}: version {version}, type code {code}; expected version 1 and an integer type")
    data = np.memmap(path, mode="r", dtype=np.uint8, offset=0)
    if len(data) < HEADER + 12 * count + 8 * documents:
        raise ValueError(f"{path}: cut off")
    lengths_end, offsets_end = HEADER + 4 * count, HEADER + 12 * count
    return Index(
        np.dtype(_READABLE[code]),
        data[HEADER:lengths_end].view("<i4"),
        data[lengths_end:offsets_end].view("<i8"),
        data[offsets_end : offsets_end + 8 * documents].view("<i8"),
    )
