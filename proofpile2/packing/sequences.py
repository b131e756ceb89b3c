"""Documents to training sequences of a fixed length: concatenate and split, or best fit.

*Concatenate* is what Llemma's trainer does: the documents of a set form one stream, cut every ``length`` tokens. No
padding but in the last sequence; nearly every sequence begins and ends inside a document.

*Best fit* (Ding et al. 2024, "Fewer Truncations Improve Language Modeling", arXiv 2404.10830): a document shorter than
a sequence is never cut. Longer ones are cut into whole sequences and a rest; rests and short documents go, longest
first, into the fullest sequence that still has room. Open sequences are kept by the room they have left, with a bit
map of the rooms in use, so a document costs one shift of an integer of ``length`` bits. A window of documents is
packed at a time, which bounds the memory.

Both keep every token exactly once. Positions restart at every document's piece: ``cu_seqlens`` are the cumulative
lengths of the pieces in a sequence, 0 first, as variable-length attention takes them; what follows the last is
padding.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from proofpile2.packing.permutation import Permutation

__all__ = ["BestFit", "Concatenate", "Sequences", "best_fit", "cut", "waste"]

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Tokens = npt.NDArray[Any]


@dataclass(frozen=True)
class Sequences:
    """``n`` sequences: ``tokens`` is ``[n, length]``. The pieces of sequence ``k`` end at ``cu_seqlens[starts[k]:
    starts[k + 1]]`` (0 first) and come from the documents ``documents[starts[k] - k : starts[k + 1] - k - 1]``."""

    tokens: Tokens
    cu_seqlens: Int32
    starts: Int64
    documents: Int64

    def __len__(self) -> int:
        return len(self.tokens)

    def padding(self) -> int:
        """Tokens of all sequences that belong to no document."""
        return int(self.tokens.size - self.cu_seqlens[self.starts[1:] - 1].sum())


def waste(lengths: Int64, bins: Int64, capacity: int) -> float:
    """Share of the room in ``bins`` that ``lengths`` leave empty."""
    room = (int(bins.max()) + 1) * capacity if len(bins) else 0
    return 1 - int(lengths.sum()) / room if room else 0.0


def cut(lengths: npt.NDArray[Any], capacity: int) -> tuple[Int64, Int64, Int64]:
    """Pieces of at most ``capacity`` tokens: the document of each, where it starts in it, and its length."""
    lengths = np.asarray(lengths, np.int64)
    counts = -(-lengths // capacity)
    documents = np.repeat(np.arange(len(lengths)), counts)
    ordinal = np.arange(len(documents)) - np.repeat(np.cumsum(counts) - counts, counts)
    starts = ordinal * capacity
    return documents, starts, np.minimum(lengths[documents] - starts, capacity)


def best_fit(lengths: npt.NDArray[Any], capacity: int) -> Int64:
    """The sequence of each piece by best fit decreasing; ``lengths`` lie in ``1..capacity``.

    O(n log n), and memory in proportion to n. Equal inputs give equal outputs; pieces of equal length go in order.
    """
    lengths = np.asarray(lengths, np.int64)
    if len(lengths) and not 0 < int(lengths.min()) <= int(lengths.max()) <= capacity:
        raise ValueError(f"pieces of 1 to {capacity} tokens, please; found {lengths.min()} to {lengths.max()}")
    order = np.argsort(-lengths, kind="stable")
    full = int(np.searchsorted(-lengths[order], -capacity, side="right"))
    bins = np.empty(len(lengths), np.int64)
    bins[order[:full]] = np.arange(full)
    count, rooms = full, 0  # bit r of rooms: some sequence has r tokens left
    open_bins: dict[int, list[int]] = {}
    chosen: list[int] = []
    for length in lengths[order[full:]].tolist():
        fitting = rooms >> length
        if fitting:
            room = length + (fitting & -fitting).bit_length() - 1
            stack = open_bins[room]
            one = stack.pop()
            if not stack:
                rooms ^= 1 << room
        else:
            room, one = capacity, count
            count += 1
        chosen.append(one)
        if left := room - length:
            stack = open_bins.setdefault(left, [])
            if not stack:
                rooms |= 1 << left
            stack.append(one)
    bins[order[full:]] = chosen
    return bins


def _sequences(tokens: Tokens, rows: Int64, ends: Int64, documents: Int64) -> Sequences:
    """Put together what is known of each piece, pieces in order: its row, where in it it ends, its document."""
    counts = np.bincount(rows, minlength=len(tokens))
    starts = np.zeros(len(tokens) + 1, np.int64)
    np.cumsum(counts + 1, out=starts[1:])
    cu_seqlens = np.zeros(int(starts[-1]), np.int32)
    cu_seqlens[np.arange(len(rows)) + rows + 1] = ends
    return Sequences(tokens, cu_seqlens, starts, documents)


@dataclass
class Concatenate:
    """One stream cut every ``length`` tokens; ``pad`` fills up the last sequence."""

    length: int
    pad: int
    _tokens: Tokens = field(default_factory=lambda: np.empty(0, np.uint16))
    _documents: Int64 = field(default_factory=lambda: np.empty(0, np.int64))
    _lengths: Int64 = field(default_factory=lambda: np.empty(0, np.int64))

    def add(self, tokens: Tokens, lengths: npt.NDArray[Any], first: int) -> Sequences:
        """Whole sequences once the documents ``first``, ``first + 1`` ... of ``lengths`` tokens have come."""
        tokens = np.concatenate([self._tokens.astype(tokens.dtype), tokens])
        documents = np.concatenate([self._documents, np.arange(first, first + len(lengths))])
        sizes = np.concatenate([self._lengths, np.asarray(lengths, np.int64)])
        whole = len(tokens) // self.length * self.length
        made = self._cut(tokens[:whole], documents, sizes)
        ends = np.cumsum(sizes)
        left = ends > whole
        self._tokens, self._documents = tokens[whole:].copy(), documents[left]
        self._lengths = np.diff(np.concatenate([[whole], ends[left]]))
        return made

    def finish(self) -> Sequences:
        """The last, padded sequence, if tokens are left."""
        count = len(self._tokens)
        tokens = np.full(self.length if count else 0, self.pad, self._tokens.dtype)
        tokens[:count] = self._tokens
        return self._cut(tokens, self._documents, self._lengths)

    def _cut(self, tokens: Tokens, documents: Int64, sizes: Int64) -> Sequences:
        stream = np.cumsum(sizes)
        limit = min(int(stream[-1]), len(tokens)) if len(stream) else 0
        borders = np.unique(np.concatenate([stream[stream <= limit], np.arange(0, limit + 1, self.length), [limit]]))
        begins = borders[:-1]
        rows = begins // self.length
        return _sequences(
            tokens.reshape(-1, self.length), rows, borders[1:] - rows * self.length,
            documents[np.searchsorted(stream, begins, side="right")],
        )  # fmt: skip


@dataclass
class BestFit:
    """Best fit by window: what one call of :meth:`add` brings. ``seed`` decides the order of the sequences, which would
    otherwise go from long documents to short ones."""

    length: int
    pad: int
    seed: str = ""
    _windows: int = 0

    def add(self, tokens: Tokens, lengths: npt.NDArray[Any], first: int) -> Sequences:
        """The sequences that hold the documents ``first``, ``first + 1`` ... of ``lengths`` tokens."""
        documents, starts, sizes = cut(lengths, self.length)
        bins = best_fit(sizes, self.length)
        count = int(bins.max()) + 1 if len(bins) else 0
        rows = Permutation(count, f"{self.seed}/{self._windows}")(bins)
        self._windows += 1
        order = np.lexsort((starts, documents, rows))
        rows, documents, sizes = rows[order], documents[order], sizes[order]
        begins = (np.cumsum(np.asarray(lengths, np.int64)) - lengths)[documents] + starts[order]
        ends = np.cumsum(sizes)
        last = np.flatnonzero(np.diff(rows, append=-1))  # the last piece of each row
        used = np.diff(ends[last], prepend=0)
        ends -= np.repeat(np.cumsum(used) - used, np.diff(last, prepend=-1))
        filling = np.full(self.length, self.pad, tokens.dtype)
        pieces: list[Tokens] = []
        closing = dict(zip(last.tolist(), (self.length - used).tolist(), strict=True))
        for n, (begin, size) in enumerate(zip(begins.tolist(), sizes.tolist(), strict=True)):
            pieces.append(tokens[begin : begin + size])
            if empty := closing.get(n):
                pieces.append(filling[:empty])
        packed = np.concatenate([np.empty(0, tokens.dtype), *pieces]).reshape(-1, self.length)
        return _sequences(packed, rows, ends, documents + first)

    def finish(self) -> Sequences:
        """Nothing is left over."""
        return _sequences(np.empty((0, self.length), np.int64), *(np.empty(0, np.int64),) * 3)
