"""The flat ``.bin`` of llm.c and of the speed runs of nanoGPT: 1,024 bytes of header, then tokens.

The header is 256 int32: magic, version, number of tokens, zeros. uint16 tokens have magic 20240520 and version 1 (llm.c
``dev/data/data_common.py``, GPT-2), wider vocabularies uint32 tokens with magic 20240801 and version 7 (Llama 3). The
count is an int32, so a set is cut into files of :data:`FILE_TOKENS` tokens. nanoGPT itself reads tokens without any
header: that is the ``.bin`` of :mod:`proofpile2.packing.mmap_index` as it is.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["FILE_TOKENS", "flat_dtype", "header"]

FILE_TOKENS = 100_000_000
"""Tokens of a file; llm.c's own shards have as many."""


def flat_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """uint16 stays, anything wider becomes uint32."""
    return np.dtype("<u2") if dtype.itemsize == 2 else np.dtype("<u4")


def header(tokens: int, dtype: np.dtype[Any]) -> bytes:
    """The first 1,024 bytes of a file of ``tokens`` tokens."""
    if not 0 <= tokens < 2**31:
        raise ValueError(f"{tokens} tokens do not fit a flat file: its count is an int32")
    head = np.zeros(256, "<i4")
    head[:3] = (20240520, 1, tokens) if dtype.itemsize == 2 else (20240801, 7, tokens)
    return head.tobytes()
