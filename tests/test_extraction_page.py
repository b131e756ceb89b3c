"""Pages to text: every source of formulas, blocks in order, main content, and pages that are hard to read."""

from __future__ import annotations

import time
from html import escape
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofpile2.extraction import Options, extract
from proofpile2.extraction.page import randomized

TEX = r"\frac{a+b}{\sqrt{2}}"
E = escape(TEX)
MATHML = (
    '<math xmlns="http://www.w3.org/1998/Math/MathML"><mfrac><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow>'
    "<msqrt><mn>2</mn></msqrt></mfrac></math>"
)
ANNOTATED = (
    f'<math><semantics><mrow></mrow><annotation encoding="application/x-tex">{E}</annotation></semantics></math>'
)

INLINE = {
    "script": f'<script type="math/tex">{TEX}</script>',
    "script with preview": f'<span class="MathJax_Preview">{E}</span><script type="math/tex">{TEX}</script>',
    "rendered, assistive and script": f'<span class="MathJax"><span>ab2</span><span class="MJX_Assistive_MathML">{MATHML}</span></span>'  # noqa: E501
    f'<script type="math/tex">{TEX}</script>',
    "mathml script": f'<script type="math/mml">{MATHML}</script>',
    "mathml": MATHML,
    "prefixed mathml": MATHML.replace("<m", "<q:m").replace("</m", "</q:m"),
    "annotation": ANNOTATED,
    "annotation of another name": ANNOTATED.replace("application/x-tex", "LaTeX"),
    "alttext": f'<math alttext="{E}"><mi>junk</mi></math>',
    "katex": f'<span class="katex"><span class="katex-mathml">{ANNOTATED}</span><span class="katex-html">a+b</span></span>',  # noqa: E501
    "mathjax 4": f'<mjx-container><mjx-math data-latex="{E}"><mjx-mi>x</mjx-mi></mjx-math></mjx-container>',
    "page tools": f'<span class="mjx-chtml"><span class="mjx-math" aria-label="{E}"><span>ab</span></span></span>',
    "image alt": f'<img src="eq1.png" alt="{E}">',
    "image alt in dollars": f'<img class="latex" src="x.png" alt="${E}$">',
    "image title": f'<img class="texrender" src="x.png" title="{E}">',
    "image of canvas": f'<img class="equation_image" alt="LaTeX: {E}" data-equation-content="{E}">',
    "image data": f'<img data-latex="{E}" alt="fraction" src="x.gif">',
    "codecogs": f'<img src="https://latex.codecogs.com/gif.latex?\\inline&space;{E.replace("+", "&plus;")}">',
    "codecogs escaped": f'<img src="https://latex.codecogs.com/svg.latex?{quote(TEX)}">',
    "wordpress": f'<img class="latex" src="https://s0.wp.com/latex.php?latex={quote_plus(TEX)}&amp;bg=fff">',
    "google chart": f'<img src="https://chart.googleapis.com/chart?cht=tx&amp;chl={quote_plus(TEX)}">',
    "path": f'<img src="https://i.example.com/svg/{quote(TEX)}">',
    "lazy image": f'<img data-original="https://latex.codecogs.com/svg.latex?{quote(TEX)}" src="blank.gif">',
    "image and noscript": f'<img class="latex" src="a" alt="{E}"><noscript><img class="latex" src="a" alt="{E}"></noscript>',  # noqa: E501
    "object": f'<object data="https://x.example/latex.svg?tex={quote(TEX)}"></object>',
    "svg title": f"<svg><title>{E}</title><path/></svg>",
    "svg label": f'<svg aria-label="{E}"><path/></svg>',
    "role": f'<span role="math" aria-label="{E}"><svg><path/></svg></span>',
    "data attribute": f'<span data-tex="{E}"><span>ab</span></span>',
    "mathml attribute": f'<span data-mathml="{escape(MATHML)}">junk</span>',
    "wiris": '<img class="Wirisformula" alt="fraction" data-mathml="' + MATHML.replace("<", "«").replace(">", "»").replace('"', "¨") + '">',  # noqa: E501
    "class": f'<span class="math">{E}</span>',
    "class and dollars": f'<span class="arithmatex">${E}$</span>',
    "element": f"<tex>{E}</tex>",
    "jats": f"<inline-formula><alternatives>{MATHML}<tex-math>$${E}$$</tex-math></alternatives></inline-formula>",
    "code": f'<code class="math" data-math-style="inline">{E}</code>',
    "hidden source": f'<img src="x.png" alt=""><span style="display: none">{E}</span>',
    "latex2html": f'<!-- MATH ${TEX}$ --><span class="MATH"><i>a</i>+<i>b</i><img src="x" alt="$/2$"></span>',
    "latex2html, loose": f"<!-- MATH: ${TEX}$ -->(<i>a</i>+".replace("(", "") + "<i>b</i>",
    "comment behind": f'<img src="i.png" alt="[equation]"><!-- ${TEX}$ -->',
    "docutils": '<span class="formula"><span class="fraction"><span class="ignored">(</span><span class="numerator"><i>a</i>+<i>b</i>'  # noqa: E501
    '</span><span class="ignored">)/(</span><span class="denominator"><span class="sqrt">√<span class="root">2</span></span></span></span></span>',  # noqa: E501
}  # fmt: skip


@pytest.mark.parametrize("source", INLINE.values(), ids=INLINE.keys())
def test_one_formula_from_each_source(source):
    """Whatever holds the formula, the text has it once, inline, with the words round it."""
    page = extract(f"<h1>A title</h1><p>We take the number {source} here and go on.</p><p>The end.</p>")
    assert page.formulas == 1
    _, paragraph, end = page.text.split("\n\n")
    words, formula, rest = paragraph.split("$")
    assert (words, rest, end) == ("We take the number ", " here and go on.", "The end.")
    assert formula.replace("{2}", "2").replace(" ", "") == TEX.replace("{2}", "2")


DISPLAY = {
    "script": f'<p><script type="math/tex; mode=display">{TEX}</script></p>',
    "block mathml": MATHML.replace("<math", '<math display="block"'),
    "katex display": f'<span class="katex-display"><span class="katex">{ANNOTATED}</span></span>',
    "class": f'<div class="math display">\\[{E}\\]</div>',
    "container true": f'<mjx-container display="true"><mjx-math data-latex="{E}"></mjx-math></mjx-container>',
    "image alone in its paragraph": f'<p align="center"><img class="latex" src="x" alt="{E}"></p>',
    "alt between brackets": f'<img class="latexcenter" src="x" alt="\\[{E}\\]">',
    "environment": f"<p>\\begin{{equation}}<br>{E}<br>\\end{{equation}}</p>",
    "numbered": f'<table class="equation"><tr><td></td><td><img class="math" alt="{E}" src="x"></td><td>(7)</td></tr></table>',  # noqa: E501
}


@pytest.mark.parametrize("source", DISPLAY.values(), ids=DISPLAY.keys())
def test_display_from_the_markup(source):
    """Displayed formulas stand on a line of their own between double dollars."""
    page = extract(f"<h1>A title</h1><p>We take the number</p>{source}<p>and go on from here.</p>")
    assert page.formulas == 1
    assert f"$${TEX}$$" in page.text.split("\n")


# Defects of the upstream extractor, by their numbers in the reference list: minimal HTML and what is wanted.
LOAD = "<script src='https://cdn.example/MathJax.js?config=TeX-AMS_CHTML'></script>"
DOLLARS = "<script>MathJax={tex:{inlineMath:[['$','$']]}}</script>"
UPSTREAM = {
    1: (LOAD + r"<p>Let \(x>0\) be given. \[ x^2=2 \]</p>", "Let $x>0$ be given.\n$$x^2=2$$"),
    2: (
        LOAD + r"<p>$$\begin{aligned} a &= b \\ c &= d \end{aligned}$$ and \(\text{misaligned}=1\)</p>",
        "$$\\begin{aligned} a &= b \\\\ c &= d \\end{aligned}$$\nand $\\text{misaligned}=1$",
    ),
    3: (r"<p>\begin{equation*} a=1,\quad b=2 \end{equation*}</p>", r"$$a=1,\quad b=2$$"),
    4: (
        r"<p>\begin{equation}x\end{equation} where the axis is fixed and the next one is \begin{equation}y\end{equation}</p>",  # noqa: E501
        "$$x$$\nwhere the axis is fixed and the next one is\n$$y$$",
    ),
    5: (r"<p>\begin{equation}<br>E=mc^2<br>\end{equation} done.</p>", "$$E=mc^2$$\ndone."),
    6: (
        '<p>If <span class="math-container">$0&lt;a&lt;b$</span> then the rest</p>',
        "If $0<a<b$ then the rest",
    ),
    7: ('<p>Let <span class="math-container">$n$</span> be even</p>', "Let $n$ be even"),
    8: (r'<p>So <span class="math-container">$\$2^k$</span> it is</p>', r"So $\$2^k$ it is"),
    10: ('<math display="block"><msup><mi>x</mi><mn>2</mn></msup></math>', "$$x^2$$"),
    11: (
        "<p>It is <math><mi>a</mi><mtext>&nbsp;or&nbsp;</mtext><mi>b</mi></math> here</p>",
        r"It is $a\text{ or }b$ here",
    ),
    17: (
        LOAD + "<pre><code>echo $HOME\necho $PATH</code></pre><p>and \\(x\\)</p>",
        "```\necho $HOME\necho $PATH\n```\n\nand $x$",
    ),
    18: (LOAD + r"<p>\(x\) costs $5 and the film $7 at the door</p>", r"$x$ costs \$5 and the film \$7 at the door"),
    21: (r'<p>Then <span class="math inline">\alpha^2</span> is</p>', r"Then $\alpha^2$ is"),
    22: (r'<p>Then <img class="formulaInl" alt="$\alpha$" src="form_0.png"> is</p>', r"Then $\alpha$ is"),
    24: (
        "<h2>Gradient</h2><p>Roads lead to Rome.</p><p>Please add two.</p><p>Then all the rest.</p>",
        "## Gradient\n\nRoads lead to Rome.\n\nPlease add two.\n\nThen all the rest.",
    ),
    26: (
        "<table><tr><th>a</th><th>b</th></tr><tr><td>x&lt;5</td><td>$7|8</td></tr></table>",
        "| a | b |\n| --- | --- |\n| x<5 | \\$7\\|8 |",
    ),
    27: ("<p>中 is the symbol used for the middle.</p>", "中 is the symbol used for the middle."),
    28: ('<p>shown <span style="display: none">hidden</span> words</p>', "shown words"),
    30: (r'<p>Let <img class="tex" alt="{\displaystyle x_1}" src="a"> be</p>', "Let $x_1$ be"),
}


@pytest.mark.parametrize("number", UPSTREAM)
def test_upstream_defects_are_not_ours(number):
    """What the published extraction gets wrong on a line of HTML, right."""
    html, wanted = UPSTREAM[number]
    assert extract(html).text == wanted


def test_blocks_in_order():
    """Headings, nested lists, quotations, definitions, code with its language, captions and notes keep their places."""
    page = extract(
        "<h1>One</h1><p>Text with <b>bold</b> and <code>x_$1</code>.</p>"
        "<ol start=3><li>three<ul><li>inner</li></ul></li><li><p>four</p><p>again</p></li></ol>"
        "<blockquote><p>said</p></blockquote><dl><dt>term</dt><dd>meaning</dd></dl>"
        '<pre class="language-python"><code>a = "$x"\n\n  b</code></pre>'
        "<figure><img src=a.png alt='a picture'><figcaption>Figure 1. A curve.</figcaption></figure>"
        '<p>Claim<sup><a href="#n1">1</a></sup> and 2<sup>10</sup>, the 5<sup>th</sup>.</p>'
        "<div class='theorem'><b>Theorem 2</b> (Gauss). It holds.</div><hr><p>[1] A note.</p>"
    )
    assert page.text == (
        "# One\n\nText with bold and `x_\\$1`.\n\n3. three\n   - inner\n4. four\n\n   again\n\n> said\n\nterm\n: meaning\n\n"  # noqa: E501
        '```python\na = "$x"\n\n  b\n```\n\nFigure 1. A curve.\n\nClaim[1] and 2^{10}, the 5th.\n\n'
        "Theorem 2 (Gauss). It holds.\n\n[1] A note."
    )


def test_preformatted_text_with_typeset_formulas_is_no_code():
    """PreTeXt's puzzles are <pre> whose spans the page has typeset; code beside it stays code."""
    page = extract(
        "<script>MathJax={options:{processHtmlClass:'process-math'}}</script><p>Order the blocks.</p>"
        r'<pre>Let <span class="process-math">\(7n\)</span> be even</pre><pre>x = "\(7n\)"</pre>'
    )
    assert page.text == 'Order the blocks.\n\nLet $7n$ be even\n\n```\nx = "\\(7n\\)"\n```'


def test_lines_of_one_display_in_a_table_become_aligned():
    """LaTeXML and LaTeX2HTML set ``align`` as a table of formulas; it is one formula again, its numbers behind it."""
    row = (
        '<tr><td><math alttext="{0}"></math></td><td><math alttext="=\\frac{{1}}{{2}}"></math></td><td>({1})</td></tr>'
    )
    page = extract(f'<p>We have</p><table class="ltx_eqn_align">{row.format("x", 1)}{row.format("y", 2)}</table>')
    assert page.text.endswith(
        "$$\\begin{aligned}\nx & =\\frac{1}{2} \\\\\ny & =\\frac{1}{2}\n\\end{aligned}$$\n(1) (2)"
    )
    assert page.formulas == 1


PROSE = "<p>" + "This sentence is about the theory of numbers and says something. " * 3 + "</p>"


def test_boilerplate_goes_and_content_stays():
    """Navigation, notices, forms and links go; comments and answers, a section on related work and an abstract stay."""
    page = extract(
        '<div id="cookie-notice"><p>We use cookies</p></div><header class="site-header"><nav><a href=/>Home page</a></nav></header>'  # noqa: E501
        f'<div class="has-sidebar"><h1>Title here</h1>{PROSE}<section id="related-work"><h2>Related work</h2>{PROSE}</section>'  # noqa: E501
        '<div id="search-algorithms"><p>Search algorithms are content.</p></div>'
        f'<div class="answer"><p>An answer by another person.</p></div><div class="comments"><p>A comment on it.</p></div></div>'  # noqa: E501
        '<div class="share-buttons">Share this on</div><form><input><p>Leave a reply</p></form>'
        '<div class="sidebar"><ul><li><a href=/1>Other article</a></li></ul></div><footer>All rights reserved.</footer>'
    )
    assert "Title here" in page.text
    for kept in ("Related work", "Search algorithms are content", "An answer by", "A comment on it"):
        assert kept in page.text
    for gone in ("cookies", "Home page", "Share", "Leave a reply", "Other article", "rights reserved"):
        assert gone not in page.text


def test_what_is_most_of_the_page_is_never_boilerplate():
    """A page in one big form, or in an element called sidebar, is still there."""
    assert "theory of numbers" in extract(f"<body><form action=x>{PROSE * 3}<input></form></body>").text
    assert "theory of numbers" in extract(f'<div class="sidebar">{PROSE * 3}</div><p>short</p>').text


def test_the_whole_page_on_request():
    """``whole`` keeps what would be left out."""
    html = f"<nav><a href=/>Home page</a></nav>{PROSE}<footer>Some footer</footer>"
    assert "Home page" not in extract(html).text
    whole = extract(html, options=Options(whole=True)).text
    assert "Home page" in whole
    assert "Some footer" in whole


def test_boilerplate_words_never_take_a_line_with_mathematics():
    """A line that reads like one of a site but holds a formula stays."""
    assert "Copyright" in extract(LOAD + rf"{PROSE}<p>Copyright \(x\)</p>").text
    assert "Copyright" not in extract(rf"{PROSE}<p>Copyright 2020</p>").text


@pytest.mark.parametrize(
    ("html", "reason"),
    [("", "empty_page"), ("  \n ", "empty_page"), ("<p></p>", "empty_page"), ("<html><frameset><frame src=a></frameset></html>", "frameset")],  # noqa: E501
)  # fmt: skip
def test_pages_that_hold_no_text_say_why(html, reason):
    """No exception and no silent nothing."""
    page = extract(html)
    assert (page.text, page.drop, page.formulas) == ("", reason, 0)


def test_too_many_nodes():
    """The cap is a reason, not a cut."""
    assert extract("<p>a" * 50, options=Options(max_nodes=20)).drop == "too_many_nodes"


def test_xhtml_with_empty_scripts_is_not_swallowed():
    """``<script/>`` of XHTML does not hide the rest of the page."""
    page = extract(
        '<?xml version="1.0"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "x"><html xmlns="http://www.w3.org/1999/xhtml">'
        '<head><script src="a"/><title>A title</title></head><body><p>here</p></body></html>'
    )
    assert (page.text, page.title) == ("here", "A title")


@pytest.mark.parametrize(
    "tag", ["div", "span class=math", "blockquote", "ul><li", "table><tr><td", "b", "a", "sup", "math><mrow", "nav"]
)
def test_ten_thousand_nested_elements(tag):
    """Nesting costs no recursion, and what is inside is found."""
    page = extract(f"<{tag}>" * 10_000 + r"inside \(x\)")
    assert page.drop is None
    assert "inside" in page.text or "math" in tag


@pytest.mark.parametrize(
    "html",
    [
        "<p>" + "".join(f'<a href="/{k}">link {k}</a> ' for k in range(100_000)),
        "<p>" + r"\( a " * 50_000,
        "<p>" + "${ " * 50_000,
        "<p>" + r"\begin{align} " * 20_000,
        "<p>$" + r"\text{" * 20_000 + "$",
        "<img class=math alt='" + r"\frac{a}{b}" * 50_000 + "'>",
        "<script>MathJax={tex:{inlineMath:" + "[" * 50_000 + "}}</script>x",
        "<table><tr>" + "<td>x" * 20_000 + "</table>",
        "<p>x" + " " * 1_000_000 + "y",
    ],
    ids=["links", "openers", "braces", "environments", "text", "alt", "settings", "cells", "spaces"],
)
def test_hostile_pages_end(html):
    """Pages made to be slow end soon; the bound is wide, a quadratic search would be far outside of it."""
    start = time.process_time()
    extract(html)
    assert time.process_time() - start < 30


def test_private_marks_of_a_page_are_harmless():
    """Characters that the extractor uses inside may stand in a page, as such or as entities."""
    page = extract("<p>a\ue0005\ue001b &#xe000;7&#xe001; &#57344;9&#57345; c\x00d</p>")
    assert page.drop is None
    assert "a" in page.text
    assert not any("\ue000" <= char <= "\ue00f" for char in page.text)


@given(st.lists(st.sampled_from(["<p>", "</p>", "<table>", "<td>", "</table>", "<li>", "</ul>", "<math>", "<mi>", "</math>", "<svg>", "<a ",  # noqa: E501
                                 "href='", ">", "<!--", "-->", "<script>", "</script>", "$", "\\(", "x", "&lt", "<span class=math>", "<pre>",  # noqa: E501
                                 "<sup>", "<br>", '<img alt="', '"', "<!-- MATH $x$ -->", "<h1>", "<dt>", "<dd>", "<caption>", "<noscript>"]),  # noqa: E501
                max_size=40))  # fmt: skip
def test_malformed_pages_never_raise(parts):
    """Any order of broken tags gives a page or a reason."""
    page = extract("".join(parts))
    assert (page.drop is None) == bool(page.text)


def test_randomised_form_depends_on_the_id_alone():
    """Headings and fences vary between documents and never for one."""
    forms = {randomized(Options(), f"{k:032x}") for k in range(60)}
    assert len(forms) > 4
    assert randomized(Options(), "ab") == randomized(Options(), "ab")
    html = "<h2>Head</h2><p>Words.</p><pre>code $x</pre>"
    texts = {extract(html, options=form).text for form in forms}
    assert all("Head" in text and "Words." in text for text in texts)
    assert len(texts) > 4
    many = [randomized(Options(), f"{k:032x}") for k in range(2000)]
    assert 60 < sum(not form.lines for form in many) < 140
    assert 150 < sum(form.linked != 0.8 for form in many) < 250
    line = f"{PROSE}<p>Posted under this. <a>Skip to content</a></p><p>Skip to content</p>{PROSE}"
    assert {extract(line, options=form).text.count("Skip to") for form in forms} == {1, 2}


DOLLARS = "<script>MathJax = {tex: {inlineMath: [['$', '$']]}};</script>"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        (f"{DOLLARS}<p>A layer has $2k-1$ dots, two have $2k$.</p>", "A layer has $2k-1$ dots, two have $2k$."),
        (f"{DOLLARS}<p>It costs $2k or $3k-$4k, so $5.</p>", r"It costs \$2k or \$3k-\$4k, so \$5."),
        ('<p>At <img src="/math/inline/%28x_1%2C%20y%29"> or <img src="/math/inline/x">.</p>', "At $(x_1, y)$ or $x$."),
        ('<p>No <img src="/math/logo">.</p>', "No ."),
        ('<p>A <img class="math" alt="up" src="up.png">.</p>', "A ."),
        (r'<p>A <img alt="\begin{figure}\caption{x^2}\end{figure}" src="img3.png">.</p>', "A ."),
        (r"<p>\[a=1\\\]</p>", "$$a=1\\\\ $$"),
    ],
)
def test_what_is_a_formula_and_what_is_not(html: str, text: str) -> None:
    """Short formulas beside prices, paths of pictures, navigation icons, figures, a line break at the end."""
    assert extract(html).text == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<dl><dt>f(x)<a><span>[source]</span></a></dt><dd>A function.</dd></dl>", "f(x)\n: A function."),
        ("<p>Solves a system. <a href=#d>More...</a></p>", "Solves a system."),
        ("<p><a>Back</a> to Sets. <a>Forward</a> to Maps. <a>Up</a> to Contents.</p>", ""),
        ("<p>All times are GMT. The time now is 10:00 PM.</p>", ""),
        ("<p>Last update: 2020-01-02</p>", ""),
        ("<p>Back to $x^2$. Forward to $y^2$.</p>", "Back to $x^2$. Forward to $y^2$."),
        ("<hr><address>Jane Doe 2003-01-02</address>", ""),
        (
            '<ul role="tablist"><li role=tab>C</ul><div role=tabpanel>One.</div><div role=tabpanel hidden>Two.</div>',
            "One.\n\nTwo.",
        ),
        (
            "<table><tr><td>void f<td>(<td>int<td>a,<tr><td><td><td>int<td>b<tr><td><td>)</table>",
            "void f (int a, int b)",
        ),
    ],
)
def test_furniture_of_programs(html: str, text: str) -> None:
    """Links and lines that a documentation program or a forum adds go, the choice of tabs does; every tab stays."""
    got = extract(f"{PROSE}{html}<h2>Later</h2>{PROSE}<p>So $a^2+b^2$ and $c^2$.</p>").text
    between = got.split(extract(PROSE).text)[1]
    assert between.removesuffix("## Later\n\n").strip() == text


def test_lists_of_references_at_the_end_stay():
    """Links under a heading that promises them are content, those under any other at the end are not."""
    links = "<ul><li><a href=/1>On sums of squares</a></li><li><a href=/2>On sums of cubes</a></li></ul>"
    page = extract(f"{PROSE}<h2>Further reading</h2>{links}<h2>More from us</h2>{links.replace('On', 'Of')}")
    assert "- On sums of squares\n- On sums of cubes" in page.text
    assert "Of sums" not in page.text


def test_code_set_line_by_line():
    """Doxygen's listings are code: braces, indentation and blank lines stay, line numbers and tooltips go."""
    html = (
        '<p>See below.</p><div class="fragment"><div class="line"><span class="lineno">1</span>void f()</div>'
        '<div class="line">{</div><div class="line"></div><div class="line">&#160; g($x, 1);</div>'
        '<div class="line">}</div>'
        '<div class="ttc">tooltip</div></div>'
    )
    assert extract(html).text == "See below.\n\n```\nvoid f()\n{\n\n  g($x, 1);\n}\n```"
