"""What a page tells MathJax and KaTeX is read from its scripts, and nothing in them is run."""

from __future__ import annotations

import pytest

from proofpile2.extraction import extract
from proofpile2.extraction.config import read, read_literal


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("['$', '$']", ["$", "$"]),
        (r"""[ ["\\(","\\)"], /* both */ ['$$','$$'], ]""", [["\\(", "\\)"], ["$$", "$$"]]),
        (
            "{a: 1, 'b-c': [true, false], // end\n d: f(1, {x: 2}), e: 'x' + \"y\"}",
            {"a": 1, "b-c": [True, False], "d": None, "e": "xy"},
        ),
        (r"String.raw`\mathbb{R}`", r"\mathbb{R}"),
        (r"'\u0041\x42\n'", "AB\n"),
        ("{a: function() { return {b: ')'} }, c: 2}", {"a": None, "c": 2}),
        ("[1, 2", None),
        ("'never closed", None),
        ("[" * 5000, None),
    ],
)
def test_literals_of_javascript(source, value):
    """Strings, numbers, lists, objects and comments are read; calls and functions are unknown; broken ones give None."""  # noqa: E501
    assert read_literal(source) == value


def test_defaults_without_any_configuration():
    """A page that names neither program has TeX's own delimiters, and a dollar is no listed one."""
    config = read(["var x = 1;"], ["jquery.js"])
    assert not config.typeset
    assert not config.dollar
    assert config.inline == (("\\(", "\\)"),)


@pytest.mark.parametrize(
    "script",
    [
        "MathJax.Hub.Config({tex2jax: {inlineMath: [['$','$'], ['\\\\(','\\\\)']], processEscapes: true}});",
        "window.MathJax = {tex: {inlineMath: [['$', '$'], ['\\\\(', '\\\\)']]}};",
        "window.MathJax = {tex: {inlineMath: {'[+]': [['$', '$']]}}};",
        'MathJax = {"tex":{"inlineMath":[["$","$"],["\\\\(","\\\\)"]]}}',
        "renderMathInElement(document.body, {delimiters: [{left: '$', right: '$', display: false}]}); // katex",
    ],
)
def test_dollar_is_a_delimiter_where_the_page_lists_it(script):
    """MathJax 2, 3, 4 and KaTeX say so in different words."""
    assert read([script], []).dollar


def test_what_to_skip_and_macros():
    """Class names of either version, tags, and macros with and without arguments as definitions."""
    script = (
        "MathJax = {options: {ignoreHtmlClass: 'no-math|off', processHtmlClass: 'on', skipHtmlTags: ['b', 'S']},"
        r"tex: {macros: {RR: '\\mathbb{R}', set: ['\\{#1\\}', 1], half: '\\frac{#1}{2}'}}}"
    )
    config = read([script], ["mathjax@3/tex-chtml.js"])
    assert {"no-math", "off"} <= config.ignore
    assert "on" in config.process
    assert config.skip_tags == {"b", "s"}
    assert config.macros["RR"] == r"\newcommand{\RR}{\mathbb{R}}"
    assert config.macros["set"] == r"\newcommand{\set}[1]{\{#1\}}"
    assert config.macros["half"] == r"\newcommand{\half}[1]{\frac{#1}{2}}"


def test_used_macros_are_defined_once_at_the_top():
    """A macro of the configuration stays usable: its definition comes first, unused ones do not come at all."""
    page = extract(
        r"<script>MathJax = {tex: {macros: {RR: '\\mathbb{R}', unused: 'x', RRn: '\\RR^n'}}}</script>"
        r"<p>Let \(x\in\RRn\) be given.</p><p>And \(y\in\RRn\) too.</p>"
    )
    assert page.text.split("\n\n") == [
        "$$\\newcommand{\\RR}{\\mathbb{R}}\n\\newcommand{\\RRn}{\\RR^n}$$",
        r"Let $x\in\RRn$ be given.",
        r"And $y\in\RRn$ too.",
    ]


def test_definitions_in_a_hidden_element_count_as_macros():
    """PreTeXt hides a paragraph of definitions; it is no formula of the text, what is used of it stands at the top."""
    page = extract(
        r'<div style="display:none">\(\newcommand{\N}{\mathbb N} \newcommand{\Z}{\mathbb Z}\)</div><p>For \(n\in\N\text{.}\)</p>'  # noqa: E501
    )
    assert page.text == "$$\\newcommand{\\N}{\\mathbb N}$$\n\nFor $n\\in\\N$."


def test_custom_delimiters_and_ignored_parts():
    """A page's own delimiters work, and nothing is a formula where the page says so."""
    page = extract(
        "<script>MathJax = {tex: {inlineMath: [['@','@']]}, options: {ignoreHtmlClass: 'raw'}}</script>"
        r'<p>Let @x^2@ be <span class="raw">@y^2@ and \(z\)</span>, $5 each or $7.</p>'
    )
    assert page.text == r"Let $x^2$ be @y^2@ and \(z\), \$5 each or \$7."
    assert page.formulas == 1


def test_asciimath_delimiters():
    """Backticks are AsciiMath where the page loads it, code elsewhere."""
    loaded = '<script src="https://cdn.example/MathJax.js?config=TeX-MML-AM_CHTML"></script>'
    assert extract(loaded + "<p>Solve `x^2=1/2` now.</p>").text == r"Solve $x^2=\frac{1}{2}$ now."
    assert extract("<p>Solve `x^2=1/2` now.</p>").text == "Solve `x^2=1/2` now."
