"""From band keys and sketches to clusters: pure functions over arrays of numbers.

A *sketch* is the low byte of each value of a signature. Two values that differ have the same low byte once in 256
times, which :func:`agreement` takes into account, so a quarter of the bytes tells the Jaccard similarity as well."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

__all__ = ["agreement", "candidates", "cluster", "components", "sketch"]

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
Index = npt.NDArray[np.int64]
Float = npt.NDArray[np.float64]
Agree = Callable[[Index, Index], Float]
"""Estimated Jaccard similarity of the documents with these numbers, pair by pair."""

ALL_PAIRS = 32
"""Groups up to this size are compared pair by pair, larger ones with one pivot after another."""
PIVOTS = 256
"""Pivots of one group; what none of them resembles is left to the other bands."""


def sketch(signatures: U32) -> U8:
    """``[documents, num_perm]``, a byte of each value."""
    return signatures.astype(np.uint8)


def agreement(left: U8, right: U8) -> Float:
    """Estimated Jaccard similarity of sketches, row by row."""
    same = np.count_nonzero(left == right, axis=1) / left.shape[1]
    return np.asarray((same - 1 / 256) / (1 - 1 / 256))


def candidates(keys: U64) -> Iterator[tuple[Index, Index]]:
    """Pairs of positions with the same key, all pairs of each group of up to :data:`ALL_PAIRS`, in batches."""
    order, begins, sizes = _groups(keys)
    for size in range(2, ALL_PAIRS + 1):
        first = begins[sizes == size]
        left, right = np.triu_indices(size, 1)
        step = max(1, (1 << 17) // len(left))
        for at in range(0, len(first), step):
            some = first[at : at + step, None]
            yield order[(some + left).ravel()], order[(some + right).ravel()]


def pivoted(
    keys: U64, best_first: Callable[[Index], Index], agree: Agree, threshold: float
) -> Iterator[tuple[Index, Index]]:
    """Pairs of at least ``threshold`` from groups too large for :func:`candidates`.

    In each group, in the order that ``best_first`` gives to its positions, the first is compared with all others; those
    that resemble it leave with it, the rest goes on with the next.
    """
    order, begins, sizes = _groups(keys)
    for first, size in zip(begins[sizes > ALL_PAIRS], sizes[sizes > ALL_PAIRS], strict=True):
        rest = best_first(order[first : first + size])
        for _ in range(PIVOTS):
            if len(rest) < 2:
                break
            pivot, rest = np.full(len(rest) - 1, rest[0]), rest[1:]
            near = agree(pivot, rest) >= threshold
            yield pivot[near], rest[near]
            rest = rest[~near]


def _groups(keys: U64) -> tuple[Index, Index, Index]:
    """Positions ordered by key (equal ones by position), and where each group of two and more begins, and its size."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    begins = np.flatnonzero(np.concatenate([np.ones(min(1, len(keys)), bool), ordered[1:] != ordered[:-1]]))
    sizes = np.diff(begins, append=len(keys))
    return order, begins[sizes > 1], sizes[sizes > 1]


def components(count: int, left: Index, right: Index) -> Index:
    """For each of ``count`` nodes the least node that edges ``left``-``right`` link it with, directly or not."""
    label = np.arange(count)
    while True:
        roots, others = label[left], label[right]
        apart = roots != others
        if not apart.any():
            return label
        left, right, roots, others = left[apart], right[apart], roots[apart], others[apart]
        np.minimum.at(label, np.maximum(roots, others), np.minimum(roots, others))
        while True:
            further = label[label]
            if np.array_equal(further, label):
                break
            label = further


def cluster(count: int, left: Index, right: Index, agree: Agree, floor: float) -> Index:
    """For each of ``count`` nodes the one that is kept in its stead (itself, if it is kept).

    Nodes are numbered best first. The best of linked nodes stands for them all, apart from those that agree with it in
    less than ``floor``: these form clusters among themselves, over the links among them, by the same rule.
    """
    keeper = np.arange(count)
    undecided = np.ones(count, bool)
    while True:
        root = components(count, left, right)
        member = np.flatnonzero(undecided & (root != np.arange(count)))
        near = agree(root[member], member) >= floor
        keeper[member[near]] = root[member[near]]
        undecided[:] = False
        undecided[member[~near]] = True
        if not undecided.any():
            return keeper
        inside = undecided[left] & undecided[right]
        left, right = left[inside], right[inside]
