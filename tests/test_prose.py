"""Text without formulas and code, and the words of it."""

from __future__ import annotations

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofpile2.prose import MATH_ENVIRONMENTS, excerpt, prose, sample, split, stretches, words

CASES = [
    ("Let $x$ be real.", "Let   be real."),
    ("Then $$x\n=y$$ holds.", "Then   holds."),
    (r"both \(a\) and \[b\] go", "both   and   go"),
    ("\\begin{align*}\na&=b\\\\\n\\end{align*}\nhence", " \nhence"),
    (r"if $a=\text{$n$ even}$ then", "if   then"),
    (r"it costs \$5 and \$6", "it costs $5 and $6"),
    ("it costs $5 and $6 each", "it costs $5 and $6 each"),
    ("a lonely $ sign\n\nand another $ here", "a lonely $ sign\n\nand another $ here"),
    (r"$\$5$ is a price in a formula", "  is a price in a formula"),
    ("use `x = $HOME` now", "use   now"),
    ("a\n```sh\necho $x\n```\nb", "a\n \nb"),
    ("a\n~~~\n$x$\n~~~\nb $y$ c", "a\n \nb   c"),
    ("a\n````\n```\n$\n````\nb", "a\n \nb"),
    (r"\textbf{bold} and \emph{so}", " {bold} and  {so}"),
    (r"see \ref{eq:1} and \cite[p. 5]{x}.", "see   and  ."),
    (r"\begin{theorem} All is well. \end{theorem}", "  All is well.  "),
    ("see https://example.org/x for more", "see   for more"),
    (r"snake\_case and \#1 and a\*b", "snake_case and #1 and a*b"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_what_goes_and_what_stays(text, expected):
    """Each kind of formula and code leaves one space; prices, escapes and text commands stay."""
    assert prose(text) == expected


def test_what_was_taken_out_is_to_be_had():
    """Formulas and bare commands, but no code and no escaped characters."""
    assert split("Let $x$ cost \\$5, `\\alpha`, \\beta and $$y$$")[1] == "$x$\n\\beta\n$$y$$"


def test_words_give_nothing_away():
    """No dollars, backslashes, digits, punctuation or symbols; letters of any alphabet stay, in small."""
    assert words(prose("“Naïve” Δ-systems: 3 × $x^2$, 𝑥 — Été!")).split() == ["naïve", "δ", "systems", "été"]


def test_an_environment_that_is_not_mathematics_keeps_its_text():
    """A theorem's words are prose; an equation's are not."""
    assert "proof" not in MATH_ENVIRONMENTS
    assert "equation" in MATH_ENVIRONMENTS


@given(st.text(string.printable + "$\\`{}()[]é𝑥", max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_text_gives_words_only(text):
    """Whatever comes in, words come out, with neither LaTeX nor line breaks."""
    line = words(prose(text))
    assert not set(line) & set(string.punctuation + string.digits + "\n\t\r$\\")
    assert line == line.lower()


@given(st.text("ab $\\{}`\n", max_size=200))
@settings(max_examples=300, deadline=None)
def test_formulas_around_do_not_change_the_words(text):
    """A formula in a paragraph of its own leaves the words of another as they are."""
    assert words(prose("$x$\n\nword " + text.replace("`", ""))).split()[:1] == ["word"]


@pytest.mark.parametrize(
    "bad", ["$", "\\(", "{$", "${", "$$ \\$ ", "\\begin{align}", "```x\n", "`` ` ``` ", "\\[ $", "\\alpha["]
)
def test_repeated_openings_end(bad):
    """A hundred kilobytes of openings that never close: each stretch is searched once (hours, if it were not)."""
    assert isinstance(prose(bad * (100_000 // len(bad))), str)


def test_excerpt():
    """Short text whole; of long text stretches from beginning to end."""
    assert excerpt("abc", 10, 3) == "abc"
    assert excerpt("0123456789" * 10, 2, 3) == "01\n90\n89"


def test_stretches_of_a_long_page():
    """Whole paragraphs from beginning to end; no formula and no code block is cut in two."""
    paragraph = "Let $x$ be a number. " * 20
    code = "```\ncode $x\n\nmore code\n```"
    text = "\n\n".join([paragraph, code] * 100)
    parts = stretches(text, 1000, 4)
    assert len(parts) == 4
    assert parts[0].startswith("Let")
    assert all(part in text and part.count("$x$") % 20 == 0 for part in parts)
    assert sum(map(len, parts)) < 8000
    assert set(words(sample("\n\n".join([text] * 3))).split()) == {"let", "be", "a", "number"}
    assert stretches("short") == ["short"]
    assert stretches("one long line " * 5000) == ["one long line " * 5000]


@given(
    st.lists(st.sampled_from(["$x$ a", "```\n$\n\nb\n```", "```", "c\n", "$$\\pi$$"]), max_size=60), st.integers(5, 40)
)
@settings(max_examples=200, deadline=None)
def test_stretches_are_of_the_text(blocks, size):
    """In order and without overlap, whatever the fences."""
    text = "\n\n".join(blocks)
    place = 0
    for part in stretches(text, size, 4):
        place = text.index(part, place) + len(part)
