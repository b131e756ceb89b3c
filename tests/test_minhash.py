"""Signatures: equal to datasketch's over the documented shingles, however the text is batched."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofpile2.deduplication import minhash
from proofpile2.deduplication.minhash import EMPTY, band_keys, digests, shingle_hash, shingles, signatures, words

TEXTS = [
    r"Let $\frac{a}{b} \le C$, then **the sum** of a_i converges (see Theorem 3.2).",
    "",
    None,
    "one two three",
    "Straße “quoted” naïve\u00a0words, 数学の本 abc数def",
    "x" * 140_000 + " and a word longer than a piece of the buffer",
    "the end",
]

# Characters around all borders of the definition, and words that repeat, so that shingles do
PIECES = st.sampled_from(
    [*"aB09$_- \n\x00\x7f\x80\xa0\xb5\xbf\xc0é\u07ff\u0800\u1fff\u2000\u200b\u2019\u206f\u2070\u2211\u2fff\u3000",
     *"\u303f\u3040学\u9fff\ua000가\ufeff\U0001d465\U0010ffff", "  ", "z9", "\\alpha"]
)  # fmt: skip
TEXT = st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=60).map("".join))


def reference(text: str | None, num_perm: int = 128, ngram: int = 5, seed: int = 1) -> np.ndarray:
    """What datasketch makes of the shingles."""
    from datasketch import MinHash

    sketch = MinHash(num_perm=num_perm, seed=seed, scheme="affine32", hashfunc=shingle_hash)
    sketch.update_batch(shingles(text or "", ngram))
    return sketch.hashvalues


def test_words_of_mathematical_markdown() -> None:
    """Markup, dollars, braces and case have no part in the words; letters of all scripts and digits do."""
    assert words(r"**Let** $\frac{a_1}{B}$ be “naïve” — x²") == [
        b"let", b"frac", b"a", b"1", b"b", b"be", "naïve".encode(), b"x"
    ]  # fmt: skip
    assert words("Ünïcode ∑ 数学です x") == [c.encode() for c in ("Ünïcode", "∑", "数", "学", "で", "す", "x")]


def test_inline_and_display_markup_give_the_same_shingles() -> None:
    """The same page in other delimiters and emphasis is the same set."""
    assert shingles(r"so \(x + y\) is *small* for all x") == shingles(r"so $x+y$ is small for all $$x$$")


def test_short_texts_have_one_shingle() -> None:
    """Fewer words than a shingle make one shingle; no word makes none."""
    assert shingles("a b") == {b"a b"}
    assert shingles("a b c d e f") == {b"a b c d e", b"b c d e f"}
    assert shingles(" $$ ") == set()


def test_signatures_equal_datasketch() -> None:
    """Whole signatures of real kinds of text are datasketch's, and a text without words is EMPTY."""
    found = signatures(pa.array(TEXTS, pa.large_string()))
    assert found.shape == (len(TEXTS), 128)
    assert found.dtype == np.uint32
    for text, row in zip(TEXTS, found, strict=True):
        assert np.array_equal(row, reference(text)), text and text[:30]
    assert (found[1] == EMPTY).all()
    assert (found[2] == EMPTY).all()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.none(), TEXT), max_size=6), st.integers(1, 6), st.integers(0, 5))
def test_signatures_equal_reference_on_any_text(texts: list[str | None], ngram: int, seed: int) -> None:
    """Law: for any Unicode text, shingle size and seed the vectorised code gives the reference's values."""
    found = signatures(pa.array(texts, pa.large_string()), 16, ngram, seed)
    for text, row in zip(texts, found, strict=True):
        assert np.array_equal(row, reference(text, 16, ngram, seed))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.none(), TEXT), min_size=1, max_size=12), st.data())
def test_slices_give_the_rows_of_the_whole(texts: list[str | None], data: st.DataObject) -> None:
    """Law: borders of batches, offsets of slices and the string type change nothing."""
    whole = pa.array(texts, pa.large_string())
    start = data.draw(st.integers(0, len(texts)))
    stop = data.draw(st.integers(start, len(texts)))
    for array in (whole, pa.array(texts, pa.string()), pa.chunked_array([whole[:start], whole[start:]])):
        part = array.slice(start, stop - start)
        assert np.array_equal(signatures(part, 16), signatures(whole, 16)[start:stop])
        assert np.array_equal(digests(part), digests(whole)[start:stop])


def test_pieces_and_chunks_leave_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts cut at any white space and shingles cut at any place give the same signatures."""
    texts = [f"word{n} " * (n % 7) + "学 x\u2003y\n" * n + "long" * n for n in range(25)]
    array = pa.array(texts, pa.large_string())
    whole = signatures(array, 16)
    for piece, chunk in ((7, 5), (64, 3), (300, 64)):
        monkeypatch.setattr(minhash, "_PIECE", piece)
        monkeypatch.setattr(minhash, "_CHUNK", chunk)
        assert np.array_equal(signatures(array, 16), whole), (piece, chunk)


def test_hashes_stay_what_they_are() -> None:
    """Another hash would give other duplicates under the same version of the stage; raise the version with it."""
    assert shingle_hash(b"let frac a 1 b") == 3370489742
    assert shingle_hash("naïve".encode()) == 3213050091
    assert signatures(pa.array(["Let $\\frac{a_1}{b}$"]))[0, :3].tolist() == [89896079, 3457415632, 3744385962]


def test_no_texts() -> None:
    """An empty array and an array of nulls are no special case."""
    assert signatures(pa.array([], pa.large_string())).shape == (0, 128)
    assert digests(pa.array([], pa.large_string())).shape == (0, 2)
    assert (signatures(pa.nulls(3, pa.large_string()), 16) == EMPTY).all()


def test_estimates_follow_the_jaccard_similarity() -> None:
    """Agreement of signatures is within 5 standard errors of the exact similarity, over similarities from 0 to 1."""
    rng = np.random.default_rng(5)
    base = [f"t{n}" for n in rng.integers(0, 100_000, 400)]
    texts = [
        " ".join([*base[:keep], *(f"u{n}" for n in rng.integers(0, 100_000, 400 - keep))]) for keep in range(0, 401, 25)
    ]
    found = signatures(pa.array([" ".join(base), *texts], pa.large_string()))
    sets = [shingles(text) for text in (" ".join(base), *texts)]
    for row, other in zip(found[1:], sets[1:], strict=True):
        exact = len(sets[0] & other) / len(sets[0] | other)
        assert abs((row == found[0]).mean() - exact) < 5 * (exact * (1 - exact) / 128) ** 0.5 + 0.01


def test_band_keys_are_equal_exactly_where_bands_are() -> None:
    """Same key if and only if the rows of that band are the same, and no two bands share keys."""
    rng = np.random.default_rng(1)
    signed = rng.integers(0, 2, (300, 12), dtype=np.uint32)
    keys = band_keys(signed, 4, 3)
    for band in range(4):
        rows = signed[:, band * 3 : band * 3 + 3]
        same = (rows[:, None] == rows[None]).all(axis=2)
        assert np.array_equal(keys[:, band, None] == keys[None, :, band], same)
    assert len(np.unique(keys)) == sum(len(np.unique(keys[:, band])) for band in range(4))


def test_digests_are_blake2b_of_the_bytes() -> None:
    """Digests can be checked with hashlib; null counts as the empty text."""
    from hashlib import blake2b

    for text, row in zip(TEXTS, digests(pa.array(TEXTS, pa.large_string())), strict=True):
        raw = blake2b((text or "").encode(), digest_size=16).digest()
        assert [int.from_bytes(raw[:8], "big"), int.from_bytes(raw[8:], "big")] == row.tolist()
