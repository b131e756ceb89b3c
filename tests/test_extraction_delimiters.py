"""Formulas between delimiters, and dollars that are none."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofpile2.extraction import extract
from proofpile2.extraction.config import Config
from proofpile2.extraction.delimiters import rules_for, tokenise

LISTED = Config(inline=(("$", "$"), ("\\(", "\\)")), typeset=True, explicit=True)


def marked(text: str, config: Config = LISTED) -> str:
    """The text with formulas as ``<i:..>`` and ``<d:..>``."""
    form = {True: "d", False: "i", None: "o"}
    return tokenise(text, rules_for(config, [text]), lambda tex, display, _: f"<{form[display]}:{tex}>")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"Let \(x>0\) be. \[x^2=2\]", "Let <i:x>0> be. <d:x^2=2>"),
        ("Let $x$ be and $$y^2$$ too", "Let <i:x> be and <d:y^2> too"),
        (r"costs \$5 and $x$", "costs $5 and <i:x>"),
        (r"$f=\text{odd if $n$ is odd}$ done", r"<i:f=\text{odd if $n$ is odd}> done"),
        (r"\begin{align*}a&=b\\c&=d\end{align*}.", r"<d:\begin{align*}a&=b\\c&=d\end{align*}>."),
        ("[tex]x^2[/tex] and [itex]y[/itex] and [math display=true]z^2[/math]", "<o:x^2> and <i:y> and <d:z^2>"),
        ("$latex x^2$ here", "<o: x^2> here"),
        ("<math>a<b</math> escaped", "<o:a<b> escaped"),
        ("##x^2## on a forum", "<i:x^2> on a forum"),
        ("[; x^2 ;]", "<o: x^2 >"),
        ("$`x^2`$ and :math:`y_1`", "<i:x^2> and <i:y_1>"),
        ("$$$n^2$$$ is short and $$$$$$m^2$$$$$$ is long", "<i:n^2> is short and <d:m^2> is long"),
        (r"\\(x^2\\) escaped twice", "<i:x^2> escaped twice"),
        ("$k$-means and the $n$th term, $2n$", "<i:k>-means and the <i:n>th term, <i:2n>"),
        ("$a$$b$ side by side", "<i:a><i:b> side by side"),
        ("$x < y$ and $ x $", "<i:x < y> and <i: x >"),
    ],
)
def test_delimiters(text, expected):
    """Each kind of delimiter with its form: display, inline, or open."""
    assert marked(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "$5 and the film $7 at the door",
        "between $1,000 and $1,050 a year",
        "US$5 or A$7",
        "$10-$20",
        "$5/$10",
        "echo $HOME and $PATH",
        "$HOME/bin:$PATH",
        "set $a, $b and $c",
        "a fee of $5 per person or $10 per family",
        r"\(unclosed and \[ never",
        "one $ alone",
        "$ $",
        "$$",
    ],
)
def test_prices_and_shell_variables_never_open_mathematics(text):
    """Even on a page whose configuration lists the single dollar."""
    assert marked(text) == text


def test_dollars_without_configuration_need_evidence():
    """On a page that says nothing, sure TeX between dollars makes plain letters between dollars formulas too."""
    assert marked("Let $n$ be and $m$", Config()) == "Let $n$ be and $m$"
    assert marked(r"Let $n$ be, $\alpha^2$ and $\beta_1$ for $5 each", Config()) == (
        r"Let <i:n> be, <i:\alpha^2> and <i:\beta_1> for $5 each"
    )


def test_a_stray_dollar_does_not_shift_later_ones():
    """A dollar in an element of its own is text, and each paragraph is for itself."""
    page = extract(
        "<script>MathJax={tex:{inlineMath:[['$','$']]}}</script>"
        "<p>The fee is <span>$</span>5 today.</p><p>Let $x$ be real.</p><p>Let $y$ be real.</p>"
    )
    assert page.text == "The fee is \\$5 today.\n\nLet $x$ be real.\n\nLet $y$ be real."


def test_markdown_emphasis_inside_a_formula_is_undone():
    """A Markdown program that took two underscores for emphasis left <em> where they were."""
    page = extract(r"<p>Let \(a<em>i + b</em>j\) be.</p>")
    assert page.text == "Let $a_i + b_j$ be."


WORDS = st.lists(
    st.sampled_from(["plain", "words", "(a)", "x", "5", "[1]", "end.", "<b>", "&", "it's", "–", "é"]), max_size=30
)


@given(WORDS.map(" ".join))
def test_text_without_delimiters_is_unchanged(text):
    """The pass over a text that holds no formula gives the text."""
    assert marked(text) == text


PIECES = st.lists(
    st.sampled_from(
        [
            r"\(x\)",
            "$y$",
            "$$z^2$$",
            "$5",
            "$",
            r"\$",
            r"\[a_1\]",
            "word",
            "{",
            "}",
            "\\",
            "$HOME",
            r"$\alpha$",
            ".",
            "2",
        ]
    ),
    max_size=25,
)


def dollars_pair(text: str) -> bool:
    """Whether unescaped dollars outside of code open and close in turn."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    bare = re.sub(r"\\.", "", text, flags=re.DOTALL)
    rest = re.sub(r"\$\$[^$]+\$\$|\$[^$]+\$", "", bare)
    return "$" not in rest


@given(PIECES, st.sampled_from([", ", " "]))
def test_dollars_of_the_output_pair_and_a_second_pass_changes_nothing(pieces, between):
    """Every unescaped dollar belongs to a formula; read as the text of a page, the output gives itself."""
    head = "<script>MathJax={tex:{inlineMath:[['$','$'],['\\\\(','\\\\)']]}}</script>"
    body = between.join(pieces).replace("<", "&lt;")
    first = extract(f"{head}<p>Start {body} stop.</p>").text
    assert dollars_pair(first)
    again = extract(head + "".join(f"<p>{part}</p>" for part in first.replace("<", "&lt;").split("\n\n"))).text
    assert again.replace("\n", " ") == first.replace("\n", " ")


def test_real_pages_have_no_open_dollar(shared: Path):
    """The same law on real pages of many sites (every eighth of them)."""
    from fastwarc.warc import ArchiveIterator

    from proofpile2.charset import decode

    seen = 0
    with (shared / "web" / "web-visible-001.warc.gz").open("rb") as stream:
        for number, record in enumerate(ArchiveIterator(stream)):
            if number % 8:
                continue
            text = extract(decode(record.reader.read(), record.http_charset)).text
            fenced = re.sub(r"^[> ]*(`{3,})[^`\n]*\n.*?^[> ]*\1$", "", text, flags=re.DOTALL | re.MULTILINE)
            texts = re.sub(r"\\(?:text|mbox|hbox|textrm|textbf|textit)\s*\{(?:[^{}]|\{[^{}]*\})*\}", "", fenced)
            assert dollars_pair(texts), record.headers["WARC-Target-URI"]
            seen += 1
    assert seen > 20
