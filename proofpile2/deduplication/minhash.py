"""MinHash signatures of texts, vectorised over Arrow buffers.

One definition of what is compared, which a user of datasketch can reproduce with :func:`shingles` and
:func:`shingle_hash` (``MinHash(num_perm=128, seed=1, scheme="affine32", hashfunc=shingle_hash)``):

* ASCII letters are lower-cased; nothing else is normalised.
* A *word* is a longest run of ASCII letters and digits and of characters from U+00C0 on, other than general
  punctuation (U+2000-206F) and CJK punctuation (U+3000-303F). Each character from U+3040 to U+9FFF (kana, ideographs)
  is a word by itself. All else separates words, so Markdown marks, quotes, LaTeX's braces, dollars and backslashes
  have no part in it: ``$\\frac{a}{b}$`` is ``frac a b``, and the same page with other delimiters or emphasis has the
  same words.
* A *shingle* is ``ngram`` words in a row. A text of fewer words has one shingle, all its words; a text without words
  has none.

:func:`signatures` gives what datasketch gives for these shingles; tests compare the two.
"""

from __future__ import annotations

import re
from functools import cache
from hashlib import blake2b
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["EMPTY", "band_keys", "digests", "permutations", "shingle_hash", "shingles", "signatures", "words"]

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
Index = npt.NDArray[np.int64]

EMPTY = 0xFFFFFFFF
"""Every value of the signature of a text without words."""

_BYTE = 0x9E3779B97F4A7C15  # multiplier from byte to byte of a word; odd, so it has an inverse modulo 2**64
_WORD = 0xD1342543DE82EF95  # multiplier from word to word of a shingle
_MIX = 0xFF51AFD7ED558CCD  # MurmurHash3's first 64-bit constant
_MASK = (1 << 64) - 1
_PIECE = 1 << 17  # bytes hashed at a time: the 8-byte intermediates of a piece stay in the cache
_CHUNK = 1 << 16  # shingles permuted at a time, for the same reason

_WORDS = re.compile("[\u3040-\u9fff]|[0-9a-z\u00c0-\u1fff\u2070-\u2fff\ua000-\U0010ffff]+")


def words(text: str) -> list[bytes]:
    """The words of a text, UTF-8. The reference for the vectorised code, as are the two functions below."""
    folded = text.encode().lower().decode()
    return [word.encode() for word in _WORDS.findall(folded)]


def shingles(text: str, ngram: int = 5) -> set[bytes]:
    """The set that is compared: ``ngram`` words in a row, with a space between them."""
    row = words(text)
    if not row:
        return set()
    return {b" ".join(row[at : at + ngram]) for at in range(max(1, len(row) - ngram + 1))}


def shingle_hash(shingle: bytes) -> int:
    """32-bit hash of a shingle, as datasketch's ``hashfunc`` takes it: a polynomial in the hashes of its words."""
    total = 0
    for word in shingle.split(b" "):
        value, power = 0, 1
        for byte in word:
            value += byte * power
            power = power * _BYTE & _MASK
        value &= _MASK
        value = ((value ^ value >> 32) * _MIX) & _MASK
        total = (total * _WORD + (value ^ value >> 29)) & _MASK
    return total >> 32


@cache
def permutations(num_perm: int, seed: int) -> tuple[U32, U32]:
    """Factors and summands of datasketch 2's scheme ``affine32``: ``a * h + b`` modulo 2**32, ``a`` odd."""
    generator = np.random.RandomState(seed)
    factors = generator.randint(0, 1 << 31, num_perm, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    return factors, generator.randint(0, 1 << 32, num_perm, dtype=np.uint32)


@cache
def _powers(size: int) -> tuple[U64, U64]:
    """Powers of the byte multiplier and of its inverse, ``size`` of each."""
    both = []
    for base in (_BYTE, pow(_BYTE, -1, 1 << 64)):
        row = np.full(size, base, dtype=np.uint64)
        row[:1] = 1
        both.append(np.multiply.accumulate(row))
    return both[0], both[1]


def _fold(data: U8) -> U8:
    """Bytes of words, lower-cased, and 0 for those that separate. All bytes beyond ASCII count as a word's at first.

    Sums and comparisons of bytes run in vector registers, which a look-up in a table does not.
    """
    folded = ((data - np.uint8(65)) < 26).view(np.uint8)
    folded *= np.uint8(32)
    folded |= data
    inside = (folded - np.uint8(97)) < 26
    inside |= (data - np.uint8(48)) < 10
    inside |= data > 127
    folded *= inside.view(np.uint8)
    return folded


def _separate(data: U8, folded: U8) -> Index:
    """Zero punctuation beyond ASCII in ``folded``; return where a character that is a word by itself begins."""
    lead = np.flatnonzero((data >= 0xC2) & (data <= 0xE9) & ((data == 0xC2) | (data >= 0xE2)))
    kind = data[lead]
    latin = lead[kind == 0xC2]
    folded[latin] = folded[latin + 1] = 0
    wide = lead[kind >= 0xE2]
    kind, second, third = data[wide], data[wide + 1], data[wide + 2]
    general = (kind == 0xE2) & ((second == 0x80) | ((second == 0x81) & (third < 0xB0)))
    punctuation = general | ((kind == 0xE3) & (second == 0x80))
    for step in range(3):
        folded[wide[punctuation] + step] = 0
    return np.asarray(wide[(kind >= 0xE3) & ~punctuation])


def _piece(data: U8, borders: Index, room: U64) -> tuple[Index, U64]:
    """Where the words of a piece begin, and their hashes; ``borders`` are places where a text begins."""
    folded = _fold(data)
    alone = _separate(data, folded) if data.max(initial=0) > 127 else None
    inside = folded != 0
    begins = inside.copy()
    np.greater(inside[1:], inside[:-1], out=begins[1:])
    begins[borders] = inside[borders]
    if alone is not None:
        begins[alone] = True
        after = alone[alone + 3 < len(data)] + 3
        begins[after] = inside[after]
    starts = np.flatnonzero(begins)
    if not len(starts):
        return starts, np.zeros(0, np.uint64)
    power, inverse = _powers(max(_PIECE, 1 << (len(data) - 1).bit_length()))
    product, sums = room[0, : len(data)], room[1, : len(data) + 1]
    np.multiply(folded, power[: len(data)], out=product)
    np.cumsum(product, out=sums[1:])
    # Separators add nothing, so the sum up to the next word's start is the word's own.
    before = sums[starts]
    value = np.append(before[1:], sums[-1:])
    value -= before
    value *= inverse[starts]
    value ^= value >> np.uint64(32)
    value *= np.uint64(_MIX)
    value ^= value >> np.uint64(29)
    return starts, value


def _buffers(text: pa.Array) -> tuple[U8, Index]:
    """The bytes of the texts in a row, and where each begins, with the end as last; null counts as empty."""
    if isinstance(text, pa.ChunkedArray):
        text = text.combine_chunks()
    if text.type != pa.large_string():
        text = text.cast(pa.large_string())
    if text.null_count:
        text = pc.fill_null(text, "")
    _, ends, data = text.buffers()
    if len(text) == 0 or data is None:
        return np.zeros(0, np.uint8), np.zeros(len(text) + 1, np.int64)
    offsets = np.frombuffer(ends, np.int64)[text.offset : text.offset + len(text) + 1]
    return np.frombuffer(data, np.uint8)[offsets[0] : offsets[-1]], offsets - offsets[0]


def _blank_before(data: U8, start: int, end: int) -> int:
    """The last place from ``start`` to ``end`` where no word can be cut, behind white space; 0 if there is none."""
    for first in (max(start, end - 1000), start):
        blank = np.flatnonzero(data[first:end] <= 32)
        if len(blank):
            return first + int(blank[-1]) + 1
    return 0


def _word_hashes(data: U8, offsets: Index) -> tuple[U64, Index]:
    """Hashes of all words, and how many words stand before each text (with the number of all as last)."""
    hashes: list[U64] = [np.zeros(0, np.uint64)]
    before = np.zeros(len(offsets), np.int64)
    here, size, count = 0, _PIECE, 0
    room = np.zeros((2, _PIECE + 1), np.uint64)
    while here < len(data):
        end = min(here + size, len(data))
        if end < len(data):
            end = _blank_before(data, here, end)
            if not end:  # a word longer than a piece is hashed whole
                size *= 2
                continue
        if end - here >= room.shape[1]:
            room = np.zeros((2, size + 1), np.uint64)
        first, last = np.searchsorted(offsets, [here, end])
        starts, value = _piece(data[here:end], offsets[first:last] - here, room)
        before[first:last] = np.searchsorted(starts, offsets[first:last] - here) + count
        hashes.append(value)
        here, size, count = end, _PIECE, count + len(value)
    before[offsets == len(data)] = count
    return np.concatenate(hashes), before


def _shingle_hashes(value: U64, before: Index, ngram: int) -> tuple[U32, Index]:
    """Hashes of all shingles, and how many stand before each text (with the number of all as last)."""
    first, last = before[:-1], before[1:]
    count = last - first
    total = np.zeros(len(value), dtype=np.uint64)
    full = max(0, len(value) - ngram + 1)
    for at in range(ngram):
        total[:full] *= np.uint64(_WORD)
        total[:full] += value[at : at + full]
    whole = np.ones(len(value), dtype=bool)
    for back in range(1, ngram):
        whole[last[count >= back] - back] = False  # these would run into the next text
        short = first[count == back]
        row = np.zeros(len(short), dtype=np.uint64)
        for at in range(back):
            row = row * np.uint64(_WORD) + value[short + at]
        total[short] = row
    whole[first[count > 0]] = True
    shingled = np.maximum(count - ngram + 1, np.minimum(count, 1))
    return (total[whole] >> np.uint64(32)).astype(np.uint32), np.concatenate([[0], np.cumsum(shingled)])


def signatures(text: pa.Array, num_perm: int = 128, ngram: int = 5, seed: int = 1) -> U32:
    """MinHash signatures of texts, ``[texts, num_perm]``; :data:`EMPTY` throughout for a text without words.

    Equal to datasketch 2's, scheme ``affine32``, over :func:`shingles` hashed with :func:`shingle_hash`.
    """
    value, before = _shingle_hashes(*_word_hashes(*_buffers(text)), ngram)
    value ^= value >> np.uint32(16)  # datasketch mixes its input with MurmurHash3's 32-bit finalizer
    value *= np.uint32(0x85EBCA6B)
    value ^= value >> np.uint32(13)
    value *= np.uint32(0xC2B2AE35)
    value ^= value >> np.uint32(16)
    factors, summands = permutations(num_perm, seed)
    filled = np.flatnonzero(before[1:] > before[:-1])
    begins = before[filled]
    result = np.full((num_perm, len(filled)), EMPTY, dtype=np.uint32)
    room = np.empty(_CHUNK, dtype=np.uint32)
    for start in range(0, len(value), _CHUNK):
        chunk = value[start : start + _CHUNK]
        out = room[: len(chunk)]
        low = int(np.searchsorted(begins, start, side="right")) - 1
        high = int(np.searchsorted(begins, start + len(chunk)))
        cuts = np.maximum(begins[low:high] - start, 0)  # a text may reach over several chunks
        least = np.empty((num_perm, high - low), dtype=np.uint32)
        for row, factor, summand in zip(least, factors, summands, strict=True):
            np.multiply(chunk, factor, out=out)
            np.add(out, summand, out=out)
            np.minimum.reduceat(out, cuts, out=row)
        np.minimum(result[:, low:high], least, out=result[:, low:high])
    signed = np.full((len(before) - 1, num_perm), EMPTY, dtype=np.uint32)
    signed[filled] = result.T
    return signed


def band_keys(signed: U32, bands: int, rows: int) -> U64:
    """``[texts, bands]`` 64-bit keys: equal where the ``rows`` values of a band are equal; bands share no keys."""
    keys = np.empty((len(signed), bands), dtype=np.uint64)
    for band in range(bands):
        key = np.full(len(signed), (band + 1) << 32, dtype=np.uint64)
        for value in signed[:, band * rows : (band + 1) * rows].T:
            key = (key ^ value) * np.uint64(_BYTE)
            key ^= key >> np.uint64(29)
        key *= np.uint64(_MIX)
        keys[:, band] = key ^ (key >> np.uint64(32))
    return keys


def digests(text: pa.Array) -> U64:
    """``[texts, 2]``: BLAKE2b-128 of the bytes of each text, as two numbers (big-endian)."""
    data, offsets = _buffers(text)
    view, ends = np.ascontiguousarray(data).data, offsets.tolist()
    # The one loop over documents: the hash itself takes longer than the loop.
    hashed = b"".join(blake2b(view[a:b], digest_size=16).digest() for a, b in pairwise(ends))
    return np.frombuffer(hashed, dtype=">u8").astype(np.uint64).reshape(-1, 2)
