"""From band keys and sketches to clusters: pure functions over arrays of numbers.

A *sketch* is the low byte of each value of a signature. Two values that differ have the same low byte once in 256
times, which :func:`agreement` takes into account, so a quarter of the bytes tells the Jaccard similarity as well."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

__all__ = ["agreement", "candidates", "cluster", "components", "pivoted", "sketch"]

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


def pivoted(keys: U64, read: Callable[[Index], tuple[U8, Index]], threshold: float) -> Iterator[tuple[Index, Index]]:
    """Pairs of positions that agree in ``threshold``, from groups too large for :func:`candidates`.

    ``read`` gives sketches and lengths of positions. In each group the longest is compared with all others; those that
    resemble it leave with it, the rest goes on with the next.
    """
    order, begins, sizes = _groups(keys)
    for first, size in zip(begins[sizes > ALL_PAIRS], sizes[sizes > ALL_PAIRS], strict=True):
        rest = order[first : first + size]
        sketches, lengths = read(rest)
        # Equally long ones in the order of their bytes, so that nothing hangs on positions
        content = np.argsort(np.ascontiguousarray(sketches).view(f"S{sketches.shape[1]}")[:, 0], kind="stable")
        best = content[np.argsort(-lengths[content], kind="stable")]
        rest, sketches = rest[best], sketches[best]
        for _ in range(PIVOTS):
            if len(rest) < 2:
                break
            near = agreement(sketches[:1], sketches[1:]) >= threshold
            yield np.full(np.count_nonzero(near), rest[0]), rest[1:][near]
            rest, sketches = rest[1:][~near], sketches[1:][~near]


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
    nodes = keeper.copy()  # those undecided; edges are between places in here
    while True:
        root = components(len(nodes), left, right)
        member = np.flatnonzero(root != np.arange(len(nodes)))
        best = nodes[root[member]]
        near = agree(best, nodes[member]) >= floor
        keeper[nodes[member[near]]] = best[near]
        far = member[~near]
        if not len(far):
            return keeper
        place = np.full(len(nodes), -1)
        place[far] = np.arange(len(far))
        left, right = place[left], place[right]
        inside = (left >= 0) & (right >= 0)
        nodes, left, right = nodes[far], left[inside], right[inside]
