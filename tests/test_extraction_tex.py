"""TeX as text: cleaning, what is a formula and what is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofpile2.extraction.tex import (
    balanced,
    clean,
    definitions,
    is_tex,
    may_be_tex,
    only_definitions,
    prose,
    used_macros,
)


@pytest.mark.parametrize(
    ("raw", "tex", "display"),
    [
        (r"$x^2$", "x^2", False),
        (r"$$ x $$", "x", True),
        (r"\[ x \]", "x", True),
        (r"\(x\)", "x", False),
        (r"\begin{equation*} E=mc^2 \end{equation*}", "E=mc^2", True),
        (r"\begin{align}a&=b\\c&=d\end{align}", r"\begin{align}a&=b\\c&=d\end{align}", True),
        (r"{\displaystyle \frac{a}{b}}", r"\frac{a}{b}", None),
        (r"{\displaystyle x}+{y}", r"{\displaystyle x}+{y}", None),
        (r"\inline \large \dpi{120} \pi r^2", r"\pi r^2", False),
        ("% <![CDATA[\na<b %]]>", "a<b", None),
        ("\\sqrt{1+(\\omega RC)%\n^{2}}", r"\sqrt{1+(\omega RC)^{2}}", None),
        (r"100\% of x", r"100\% of x", None),
        (r"a&space;&plus;b", "a +b", None),
        (r"f=\text{odd if $n$ is odd}", r"f=\text{odd if $n$ is odd}", None),
        (r"\$2^k", r"\$2^k", None),
        ("a $ b", r"a \$ b", None),
        ("a\n\n\n b", "a\nb", None),
        ("{ }", "", None),
        ("x\\", "x\\ ", None),
        (r"LaTeX: \frac12", r"\frac12", None),
        (r"12§display§\frac{a}{b}§svg§600", r"\frac{a}{b}", None),
        (r"\documentclass{minimal}\begin{document}$$x_1$$\end{document}", "x_1", True),
    ],
)
def test_cleaning(raw, tex, display):
    """Delimiters, wrappers, comments and the commands of image services go; the author's spelling stays."""
    assert clean(raw) == (tex, display)


@pytest.mark.parametrize("tex", [r"\frac{1}{2}", "x^2", "a_{ij}", r"\alpha", r"\text{if $n$ is odd}\quad x_1", "f'^2"])
def test_nothing_but_tex(tex):
    """A known command or a script, and it parses."""
    assert is_tex(tex)


@pytest.mark.parametrize(
    "text",
    ["5 for the film and", r"C:\Users\name", "snake_case_name", "the quick brown fox", r"\frac{1}{2", r"\begin{a}\end{b}", "", "x",  # noqa: E501
     r"we let \alpha be the angle and \beta the other one"],
)  # fmt: skip
def test_not_sure_tex(text):
    """Prose, paths, identifiers and what doesn't parse are no sure formulas."""
    assert not is_tex(text)


def test_prose_is_judged_outside_of_text_groups():
    """Words inside text commands are part of a formula, words outside are not."""
    assert not prose(r"x = 1 \text{ if the number is even and not zero}")
    assert prose("x is the number that we want")
    assert may_be_tex("O(n)")
    assert not may_be_tex("this is a sentence about nothing")


def test_macros():
    """Definitions are found with their arguments; what is used pulls in what it uses itself."""
    tex = r"\newcommand{\R}{\mathbb{R}}\def\half#1{\frac{#1}{2}} \DeclareMathOperator{\Tr}{Tr}"
    found = definitions(tex)
    assert found == {
        "R": r"\newcommand{\R}{\mathbb{R}}",
        "half": r"\def\half#1{\frac{#1}{2}}",
        "Tr": r"\DeclareMathOperator{\Tr}{Tr}",
    }
    assert only_definitions(tex)
    assert not only_definitions(tex + " x")
    assert used_macros([r"x\in\Rn"], {"R": r"\newcommand{\R}{R}", "Rn": r"\newcommand{\Rn}{\R^n}", "Q": ""}) == [
        "R",
        "Rn",
    ]


@given(st.text(alphabet="ab12 \\{}$%^_&\n()[].,textfrac", max_size=80))
def test_no_cleaned_formula_closes_its_own_dollars(raw):
    """However malformed, cleaned TeX between two dollars stays one formula: no open dollar or backslash at its end."""
    tex, _ = clean(raw)
    bare = tex.replace("\\\\", "").replace("\\$", "")
    assert not bare.endswith("\\")
    if "$" in bare:
        assert "\\text{" in tex
        assert bare.count("$") % 2 == 0


@given(st.text(alphabet="ab\\{}", max_size=40))
def test_balance_agrees_with_a_plain_count(raw):
    """Braces nest where no prefix closes more than it opened, escaped ones left aside."""
    depth, least, place = 0, 0, 0
    while place < len(raw):
        if raw[place] == "\\":
            place += 2
            continue
        depth += {"{": 1, "}": -1}.get(raw[place], 0)
        least = min(least, depth)
        place += 1
    assert balanced(raw) == (depth == 0 and least >= 0)
