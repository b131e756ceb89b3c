"""Interpolated modified Kneser-Ney n-gram models: counting, estimation, and the ARPA file that KenLM reads.

The estimate is that of Chen and Goodman (*An empirical study of smoothing techniques for language modeling*, 1998,
section 3) as KenLM's ``lmplz`` makes it (Heafield et al., 2013): counts of distinct left neighbours below the highest
order, three discounts an order, interpolation down to the uniform distribution. What differs:

* an n-gram is kept by the number of *sites* that use it, not by its count, so that the formulae of one site, however
  often repeated, teach the model nothing; what a dropped n-gram had goes to the lower order, as in ``lmplz --prune``;
* words outside of the vocabulary are ``<unk>`` in training too, and the probability of ``<unk>`` is that of *one* of
  the ``unknown`` distinct words that were seen and not kept. Else a page of gibberish, all ``<unk>``, would be likely.

Everything is NumPy arrays over positions and over n-grams. An n-gram's number is its rank at its order, so the number
of its first words and its last word make up a key of 64 bits at any order. Memory is about 150 bytes a word read.
"""

from __future__ import annotations

import gzip
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["BOS", "EOS", "UNK", "Level", "Model", "discounts", "estimate", "write_arpa"]

UNK, BOS, EOS = 0, 1, 2
"""Numbers of ``<unk>``, ``<s>`` and ``</s>``; words have the numbers from 3 on."""

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Level:
    """The n-grams of one order, those not kept among them, sorted by ``prefix`` and ``word``.

    ``prefix``, ``suffix``  numbers, at the order below, of the n-gram without its last and without its first word
    ``word``                its last word
    ``count``               adjusted count: occurrences at the highest order and after ``<s>``, else left neighbours
    ``kept``                whether enough sites use it
    ``log_p``, ``backoff``  natural logarithms; the probability is meaningless where it is not kept
    """

    prefix: Ints
    suffix: Ints
    word: Ints
    count: Ints
    kept: npt.NDArray[np.bool_]
    log_p: Floats
    backoff: Floats


@dataclass(frozen=True)
class Model:
    """``words[n]`` is the word with the number ``n``; ``levels[k]`` has the n-grams of ``k + 1`` words."""

    words: Sequence[str]
    unknown: int
    levels: Sequence[Level]


@dataclass(frozen=True)
class _Counted:
    prefix: Ints
    suffix: Ints
    word: Ints
    occurrences: Ints
    sites: Ints
    after_bos: npt.NDArray[np.bool_]


def estimate(
    documents: Sequence[npt.NDArray[Any]], sites: Sequence[int], words: Sequence[str], unknown: int, cuts: Sequence[int]
) -> Model:
    """A model of order ``len(cuts)`` of ``documents``, arrays of word numbers without ``<s>`` and ``</s>``.

    ``sites[n]``  number of the site of document ``n``; documents of a site must follow each other
    ``words``     the vocabulary, of which the first three are ``<unk>``, ``<s>`` and ``</s>``
    ``unknown``   how many distinct words ``<unk>`` stands for, at least 1
    ``cuts``      for each order the number of sites an n-gram needs, never less than at the order below; 1 keeps all.
                  Single words are all kept: the vocabulary is the cut.
    """
    if list(cuts) != sorted(cuts) or not cuts or not documents:
        raise ValueError(f"expected documents, and cuts that do not fall, found {list(cuts)}")
    counted = _count(documents, sites, len(words), len(cuts))
    levels: list[Level] = []
    for order, level in enumerate(counted):
        if order + 1 < len(counted):  # left neighbours: how many n-grams one longer end in this one
            adjusted = np.bincount(counted[order + 1].suffix, minlength=len(level.word))
            adjusted = np.where(level.after_bos, level.occurrences, adjusted)
        else:
            adjusted = level.occurrences
        if order == 0:
            adjusted[BOS] = 0  # nothing ever predicts <s>
        kept = level.sites >= cuts[order] if order else np.ones(len(level.word), bool)
        mass = adjusted - discounts(adjusted)[np.minimum(adjusted, 3)]
        contexts = len(counted[order - 1].word) if order else 1
        total = np.bincount(level.prefix, adjusted, contexts)
        given = np.bincount(level.prefix, np.where(kept, mass, 0.0), contexts)
        rest = 1 - given / np.maximum(total, 1)  # what goes to the order below; 1 for what nothing follows
        lower = np.exp(levels[-1].log_p)[level.suffix] if order else np.full(len(words), 1 / (len(words) - 1))
        chance = mass / np.maximum(total, 1)[level.prefix] + rest[level.prefix] * lower
        if order == 0:
            chance[UNK] /= unknown
            chance[BOS] = 1e-99
        else:
            # one of the ``unknown`` words, of which the order below has its share already
            share = (mass / np.maximum(total, 1)[level.prefix])[level.word == UNK]
            chance[level.word == UNK] -= share * (1 - 1 / unknown)
            levels[-1].backoff[:] = np.log(rest)
        levels.append(
            Level(level.prefix, level.suffix, level.word, adjusted, kept, np.log(chance), np.zeros(len(chance)))
        )
    return Model(words, unknown, levels)


def discounts(adjusted: Ints) -> Floats:
    """What is taken off counts of 0, 1, 2 and of 3 and more: ``k - (k + 1) * y * n[k + 1] / n[k]``.

    ``n[k]`` is the number of n-grams with the adjusted count ``k``, and ``y = n[1] / (n[1] + 2 n[2])``. Where there are
    too few for an estimate between 0 and ``k``: 0.5, 1 and 1.5, as ``lmplz --discount_fallback`` has it.
    """
    n = np.bincount(np.minimum(adjusted, 5), minlength=6).astype(float)
    found = np.array([0, 0.5, 1, 1.5])
    if n[1:4].all():
        y = n[1] / (n[1] + 2 * n[2])
        formula = np.array([0, *(k - (k + 1) * y * n[k + 1] / n[k] for k in (1, 2, 3))])
        if (formula[1:] > 0).all() and (formula <= np.arange(4)).all():
            found = formula
    return found


def _count(documents: Sequence[npt.NDArray[Any]], sites: Sequence[int], vocabulary: int, orders: int) -> list[_Counted]:
    lengths = np.array([len(document) + 2 for document in documents])
    ends = np.cumsum(lengths)
    token = np.full(ends[-1], EOS, np.int64)
    for document, end, length in zip(documents, ends, lengths, strict=True):
        token[end - length] = BOS
        token[end - length + 1 : end - 1] = document
    place = np.arange(len(token)) - np.repeat(ends - lengths, lengths)  # in its document
    site = np.repeat(np.asarray(sites, np.int32), lengths)
    number = token  # of the n-gram that ends at each position, at the order at hand
    occurrences = np.bincount(token, minlength=vocabulary)
    single = np.arange(vocabulary)
    none = np.zeros(vocabulary, np.int64)
    levels = [_Counted(none, none, single, occurrences, none, single == BOS)]
    for order in range(2, orders + 1):
        where = np.flatnonzero(place >= order - 1)
        key = number[where - 1] * vocabulary + token[where]
        by_key = np.argsort(key, kind="stable")  # documents of a site stay together among the occurrences of an n-gram
        key = key[by_key]
        new = np.concatenate(([True], key[1:] != key[:-1]))
        owner = np.cumsum(new) - 1
        here = site[where[by_key]]
        new_site = new.copy()
        new_site[1:] |= here[1:] != here[:-1]
        key = key[new]
        prefix = key // vocabulary
        suffix = number[where[by_key[new]]]
        levels.append(
            _Counted(
                prefix,
                suffix,
                key % vocabulary,
                np.bincount(owner),
                np.bincount(owner[new_site]),
                levels[-1].after_bos[prefix],
            )
        )
        number = np.full(len(token), -1, np.int64)
        number[where[by_key]] = owner
    return levels


def write_arpa(model: Model, path: str | Path) -> None:
    """Writes the kept n-grams in ARPA's format, gzipped without a date: the same model gives the same bytes.

    Logarithms have three places after the point, which is 0.2 % of a probability and a third less to ship.
    """
    levels = model.levels
    lines = ["\\data\\", *(f"ngram {n + 1}={int(level.kept.sum())}" for n, level in enumerate(levels))]
    texts = np.array(model.words, dtype=object)
    for order, level in enumerate(levels):
        texts = texts if order == 0 else texts[level.prefix] + " " + np.array(model.words, dtype=object)[level.word]
        chances = (level.log_p[level.kept] / math.log(10)).tolist()
        weights = (level.backoff[level.kept] / math.log(10)).tolist()
        rows = zip(texts[level.kept].tolist(), chances, weights, strict=True)
        lines += ["", f"\\{order + 1}-grams:"]
        if order + 1 < len(levels):
            lines += [f"{chance:.3f}\t{text}\t{weight:.3f}" for text, chance, weight in rows]
        else:
            lines += [f"{chance:.3f}\t{text}" for text, chance, weight in rows]
    lines += ["", "\\end\\", ""]
    Path(path).write_bytes(gzip.compress("\n".join(lines).encode(), 9, mtime=0))
