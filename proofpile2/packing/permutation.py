"""Shuffles without memory: any position of a permutation of any size, computed alone.

A Feistel network over the next even number of bits, walked until it lands inside (Black and Rogaway, "Ciphers with
arbitrary finite domains", 2002). Round keys are BLAKE2b of the seed, so the order is a function of the seed and of the
size, on every machine. Needs NumPy only.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

__all__ = ["Permutation"]

ROUNDS = 6
Numbers = npt.NDArray[np.int64]


@lru_cache(maxsize=4096)
def _keys(seed: str) -> tuple[np.uint64, ...]:
    data = blake2b(seed.encode(), digest_size=8 * ROUNDS, person=b"permutation").digest()
    return tuple(np.uint64(int.from_bytes(data[8 * n : 8 * n + 8], "little")) for n in range(ROUNDS))


@dataclass(frozen=True)
class Permutation:
    """A permutation of ``range(size)``, up to 2**62."""

    size: int
    seed: str

    def __call__(self, places: npt.ArrayLike) -> Numbers:
        """Where the elements ``places`` (an array of any shape, each in ``range(size)``) go."""
        given = np.asarray(places, np.int64)
        if given.size and (given.min() < 0 or given.max() >= self.size):
            raise IndexError(f"place outside 0..{self.size - 1}")
        half = np.uint64(max(1, (max(self.size - 1, 1).bit_length() + 1) // 2))
        values = self._rounds(given.astype(np.uint64).ravel(), half)
        outside = np.flatnonzero(values >= self.size)
        while len(outside):
            values[outside] = self._rounds(values[outside], half)
            outside = outside[values[outside] >= self.size]
        return values.astype(np.int64).reshape(given.shape)

    def _rounds(self, values: npt.NDArray[np.uint64], half: np.uint64) -> npt.NDArray[np.uint64]:
        mask = (np.uint64(1) << half) - np.uint64(1)
        left, right = values >> half, values & mask
        for key in _keys(self.seed):
            mixed = (right ^ key) * np.uint64(0x9E3779B97F4A7C15)
            mixed ^= mixed >> np.uint64(29)
            mixed *= np.uint64(0xBF58476D1CE4E5B9)
            left, right = right, left ^ ((mixed >> np.uint64(32)) & mask)
        return (left << half) | right
