"""The n-gram estimator: against numbers by hand, KenLM's lmplz, its own laws, and KenLM reading what it writes."""

from __future__ import annotations

import gzip
import itertools
import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofpile2.ngrams import BOS, UNK, discounts, estimate, write_arpa

TOY = ["a b c d", "b c d e", "a c d b"]


def model_of(lines, cuts, unknown=1, sites=None, rare=()):
    """A model of lines of words; ``rare`` words are left out of the vocabulary."""
    words = sorted({word for line in lines for word in line.split()} - set(rare))
    number = {word: n for n, word in enumerate(words, 3)}
    documents = [np.array([number.get(word, UNK) for word in line.split()], np.int64) for line in lines]
    return estimate(documents, sites or list(range(len(lines))), ["<unk>", "<s>", "</s>", *words], unknown, cuts)


def table(model):
    """n-gram as a tuple of word numbers -> (log10 p, log10 back-off weight), of those that are kept."""
    found, grams = {}, [()]
    for level in model.levels:
        grams = [(*grams[p], w) for p, w in zip(level.prefix.tolist(), level.word.tolist(), strict=True)]
        for gram, kept, p, weight in zip(grams, level.kept, level.log_p, level.backoff, strict=True):
            if kept:
                found[gram] = (p / math.log(10), weight / math.log(10))
    return found


def log10_p(found, context, word):
    """The reference: the longest n-gram there is, and the weights of the contexts that had to be given up."""
    if (*context, word) in found:
        return found[*context, word][0]
    return (found[context][1] if context in found else 0.0) + log10_p(found, context[1:], word)


def test_by_hand():
    """Three sentences, worked out on paper: left neighbours, discounts, interpolation with 1/7."""
    found = table(model_of(TOY, (1, 1, 1)))
    # left neighbours: a 1, b 3, c 2, d 1, e 1, </s> 3; too few for the formula, so 0.5, 1 and 1.5 are taken off
    given_up = (3 * 0.5 + 1 + 2 * 1.5) / 11
    assert 10 ** found[3,][0] == pytest.approx(0.5 / 11 + given_up / 7)
    assert 10 ** found[4,][0] == pytest.approx(1.5 / 11 + given_up / 7)
    assert 10 ** found[UNK,][0] == pytest.approx(given_up / 7)
    # after c only d: two left neighbours (b c, a c) in bigram counts, one of the two is taken off
    assert 10 ** found[5, 6][0] == pytest.approx((2 - 1) / 2 + 1 / 2 * 10 ** found[6,][0])


def test_as_lmplz():
    """Figures of ``lmplz -o 3 --discount_fallback`` (KenLM 0.3.0) for the same three sentences."""
    model = model_of(TOY, (1, 1, 1))
    found = table(model)
    number = {word: n for n, word in enumerate(model.words)}
    for text, p, weight in [
        ("<unk>", -1.146128, 0), ("</s>", -0.6823707, 0), ("a", -0.9322482, -0.30103), ("c", -0.7895807, -0.30103),
        ("b </s>", -0.567732, 0), ("e </s>", -0.21903776, 0), ("<s> a", -0.4069634, -0.30103),
    ]:  # fmt: skip
        assert found[tuple(number[word] for word in text.split())] == pytest.approx((p, weight), abs=1e-6), text


def test_discounts():
    """Chen and Goodman's formula where there is enough to count, else the usual numbers."""
    counts = np.repeat([1, 2, 3, 4, 9], [500, 200, 120, 80, 10])
    y = 500 / 900
    expected = [0, 1 - 2 * y * 200 / 500, 2 - 3 * y * 120 / 200, 3 - 4 * y * 80 / 120]
    assert discounts(counts) == pytest.approx(expected)
    assert discounts(np.array([1, 1, 2])).tolist() == [0, 0.5, 1, 1.5]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=8), min_size=2, max_size=12),
    st.sampled_from([(1, 1), (1, 1, 1), (1, 2, 2), (1, 1, 2, 3)]),
    st.integers(1, 5),
)
def test_sums_to_one(sentences, cuts, unknown):
    """After every context, seen, dropped or unheard of, the words have 1 together; <unk> stands for several."""
    model = model_of([" ".join(words) for words in sentences], cuts, unknown, rare="f")
    found = table(model)
    words = [n for n in range(len(model.words)) if n != BOS]
    for context in [(), *(gram for gram in found if len(gram) < len(cuts)), (3, 2), (2, 2, 2)]:
        total = sum(10 ** log10_p(found, context, word) * (unknown if word == UNK else 1) for word in words)
        assert total == pytest.approx(1, abs=1e-9), context


def test_what_one_site_repeats_teaches_nothing():
    """An n-gram is kept by the sites that use it, however often one of them does; its parts are kept with it."""
    lines = ["we sell cheap pills", "we sell cheap pills today", "the end of the day", "at the end of the road"]
    model = model_of(lines, (1, 2, 2), sites=[0, 0, 1, 2])
    kept = {" ".join(model.words[n] for n in gram) for gram in table(model)}
    assert {"the end", "end of", "the end of", "end of the"} <= kept
    assert not any("cheap pills" in gram for gram in kept)
    assert all(gram.rpartition(" ")[0] in kept and gram.partition(" ")[2] in kept for gram in kept if " " in gram)
    with pytest.raises(ValueError, match="do not fall"):
        model_of(lines, (1, 2, 1))


def test_kenlm_reads_it_and_agrees(tmp_path):
    """Same bytes each time, and KenLM's sums are those of the reference, as near as three decimals are."""
    kenlm = pytest.importorskip("kenlm")
    chance = random.Random(5)
    words = [f"w{n}" for n in range(30)]
    weights = [1 / (n + 1) for n in range(30)]
    lines = [" ".join(chance.choices(words, weights, k=chance.randrange(3, 15))) for _ in range(400)]
    model = model_of(lines, (1, 1, 2), unknown=7, rare={"w28", "w29"})
    for name in ("a.arpa.gz", "b.arpa.gz"):
        write_arpa(model, tmp_path / name)
    assert (tmp_path / "a.arpa.gz").read_bytes() == (tmp_path / "b.arpa.gz").read_bytes()
    head = gzip.decompress((tmp_path / "a.arpa.gz").read_bytes()).decode().splitlines()[:4]
    assert head[:2] == ["\\data\\", f"ngram 1={len(model.words)}"]
    loaded = kenlm.Model(str(tmp_path / "a.arpa.gz"))
    found, number = table(model), {word: n for n, word in enumerate(model.words)}
    for line in [*lines[:50], "w1 never heard of w2", "w28 w1 w29"]:
        numbers = [number.get(word, UNK) for word in line.split()]
        expected = sum(log10_p(found, tuple(numbers[max(0, n - 2) : n]), word) for n, word in enumerate(numbers))
        assert loaded.score(line, bos=False, eos=False) == pytest.approx(expected, abs=2e-3 * len(numbers))
    assert len(set(itertools.chain.from_iterable(found))) == len(model.words)
