"""MathML to LaTeX: elements one by one, round trips through real renderers, content MathML, malformed trees."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser, LexborNode

from proofpile2.extraction import mathml

FIXTURE = Path(__file__).parent / "fixtures" / "mathml_renderers.json"


def node(markup: str, tag: str = "math") -> LexborNode:
    """The first `math` element of the markup, which may leave it out."""
    if f"<{tag}" not in markup:
        markup = f"<{tag}>{markup}</{tag}>"
    found = LexborHTMLParser(markup).css_first(tag.replace(":", "\\:"))
    assert found is not None
    return found


def convert(markup: str) -> str | None:
    return mathml.to_latex(node(markup))


# ---------------------------------------------------------------- comparing LaTeX

DROPPED = re.compile(
    r"\\(?:left|right|middle|[bB]igg?[lrm]?)(?![A-Za-z])\s*\.?|\\[,;:! ]|"
    r"\\(?:quad|qquad|enspace|displaystyle|limits)(?![A-Za-z])"
)
SYNONYMS = {
    "dfrac": "frac", "tfrac": "frac", "cfrac": "frac", "le": "leq", "ge": "geq", "ne": "neq", "rightarrow": "to",
    "text": "mathrm", "operatorname": "mathrm", "bm": "boldsymbol", "ast": "*",
}  # fmt: skip
ARGUMENTS = {"frac": 2, "binom": 2, "overset": 2, "underset": 2} | dict.fromkeys(
    ["sqrt", "mathrm", "mathbf", "mathbb", "mathcal", "boldsymbol", "hat", "bar", "vec", "substack", "boxed"], 1
)


def canonical(tex: str) -> str:
    """LaTeX with spacing, sizes and needless braces gone and subscripts before superscripts."""
    tex = re.sub(r"\\operatorname\*", r"\\operatorname", DROPPED.sub(" ", tex))
    tokens = re.findall(r"\\[A-Za-z]+|\\.|\S", tex)
    position = 0

    def group(stop: str) -> list[str]:
        nonlocal position
        out: list[str] = []
        while position < len(tokens) and tokens[position] != stop:
            if tokens[position] in {"_", "^", "'"}:
                out.append(scripts(out.pop() if out else ""))
            else:
                out.extend(item())
        position += 1
        return out

    def item() -> list[str]:
        nonlocal position
        token = tokens[position]
        position += 1
        if token == "{":
            inner = group("}")
            bare = len(inner) == 1 and not re.search(r"[_^]", inner[0])
            return inner if bare else ["{" + "".join(inner) + "}"]
        name = SYNONYMS.get(token[1:], token[1:]) if token[0] == "\\" else ""
        token = "*" if name == "*" else "\\" + name if name else token
        return [token + "".join(braced() for _ in range(ARGUMENTS.get(name, 0)))]

    def braced() -> str:
        return "{" + "".join(item()).removeprefix("{").removesuffix("}") + "}" if position < len(tokens) else "{}"

    def scripts(base: str) -> str:
        nonlocal position
        below, above = "", ""
        while position < len(tokens) and tokens[position] in {"_", "^", "'"}:
            mark = tokens[position]
            position += 1
            if mark == "'":
                above = "'" + above if not above.strip("'") else above + "'"
            elif mark == "_":
                below += braced()
            else:
                above += braced().replace(r"\prime", "'")
        above = re.sub(r"^\{('+)\}", r"\1", above)
        return base + ("_" + below if below else "") + ("^" + above if above else "")

    return "".join(group(""))


# ---------------------------------------------------------------- round trips


@lru_cache(maxsize=1)
def rendered() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(FIXTURE.read_text(encoding="utf-8"))
    return rows


def test_canonical_keeps_what_matters() -> None:
    """The comparison below is not blind: different formulas of the fixture differ in it."""
    forms = {canonical(row["tex"]) for row in rendered()}
    assert len(forms) >= len(rendered()) - 3  # 1 + 1/2 is there in two sizes, one space in two widths
    assert canonical(r"x_i^2") == canonical(r"x^{2}_{i}") != canonical(r"{x_i}^2")


@pytest.mark.parametrize("renderer", ["katex", "temml", "mathjax"])
def test_round_trip(renderer: str) -> None:
    """LaTeX -> renderer -> MathML -> LaTeX is the same formula, for every formula of the fixture."""
    wrong = []
    for row in rendered():
        got = convert(row[renderer]) or ""
        if canonical(got) != canonical(row["tex"]):
            wrong.append((row["tex"], got))
    assert not wrong


@pytest.mark.parametrize("renderer", ["katex", "temml", "mathjax"])
def test_round_trip_display(renderer: str) -> None:
    """The form of the formula, on a line of its own or not, comes back too."""
    assert [mathml.is_display(node(row[renderer])) for row in rendered()] == [row["display"] for row in rendered()]


def test_round_trip_with_prefix() -> None:
    """A prefix on every element changes nothing, not even where HTML does not know that `<m:mspace/>` is empty."""
    for row in rendered():
        bare = row["mathjax"]
        prefixed = re.sub(r"<(/?)(?=[a-z])", r"<\1m:", bare)
        prefixed = re.sub(r"<m:mspace([^>]*)></m:mspace>", r"<m:mspace\1/>", prefixed)
        assert mathml.to_latex(node(prefixed, "m:math")) == convert(bare), row["tex"]


# ---------------------------------------------------------------- elements

ELEMENTS = {
    # rows, letters, numbers
    "<mi>x</mi><mo>+</mo><mn>2.5</mn><mi>&alpha;</mi>": r"x+2.5\alpha",
    "<mn>2</mn><mo>&#x2062;</mo><mi>x</mi>": "2x",
    "<mi>&Delta;x</mi><mo>,</mo><mi>dx</mi><mo>,</mo><mi>kg</mi>": r"\Delta x,dx,\mathrm{kg}",
    "<mi>sin</mi><mo>&#x2061;</mo><mi>x</mi>": r"\sin x",
    "<mi>Li</mi><mo>&#x2061;</mo><mrow><mo>(</mo><mi>x</mi><mo>)</mo></mrow>": r"\operatorname{Li}(x)",
    "<mn>&#xBD;</mn><mi>x&#x304;</mi><mi>&#x177;</mi>": r"\frac{1}{2}\bar{x}\hat{y}",
    "<mi>&#x901F;&#x5EA6;</mi>": r"\text{速度}",
    # alphabets
    '<mi mathvariant="double-struck">R</mi><mi mathvariant="script">L</mi>': r"\mathbb{R}\mathcal{L}",
    '<mi mathvariant="bold">x</mi><mi mathvariant="bold-italic">α</mi>': r"\mathbf{x}\boldsymbol{\alpha}",
    "<mi>𝔸</mi><mi>𝒜</mi><mi>𝔞</mi><mi>𝐚</mi><mi>𝑎</mi><mi>ℒ</mi>":
        r"\mathbb{A}\mathcal{A}\mathfrak{a}\mathbf{a}a\mathcal{L}",
    '<mstyle mathvariant="bold"><mi>v</mi><mo>+</mo><mn>1</mn></mstyle>': r"\mathbf{v}+\mathbf{1}",
    '<mi fontweight="bold">w</mi>': r"\mathbf{w}",
    # fractions and roots
    "<mfrac><mi>a</mi><mrow><mi>b</mi><mo>+</mo><mi>c</mi></mrow></mfrac>": r"\frac{a}{b+c}",
    '<mfenced><mfrac linethickness="0"><mi>n</mi><mi>k</mi></mfrac></mfenced>': r"\binom{n}{k}",
    '<mfrac bevelled="true"><mi>a</mi><mi>b</mi></mfrac>': "a/b",
    "<msqrt><mi>a</mi><mo>+</mo><mi>b</mi></msqrt><mroot><mi>x</mi><mn>3</mn></mroot>": r"\sqrt{a+b}\sqrt[3]{x}",
    # scripts
    "<msubsup><mi>x</mi><mi>i</mi><mn>2</mn></msubsup>": "x_i^2",
    "<msup><msub><mi>a</mi><mi>b</mi></msub><mi>c</mi></msup>": "{a_b}^c",
    "<msup><mfenced><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow></mfenced><mn>2</mn></msup>": "(a+b)^2",
    "<msup><mi>f</mi><mrow><mo>′</mo><mo>′</mo></mrow></msup><mi>g</mi><mo>′</mo>": "f''g'",
    "<mn>90</mn><mo>°</mo><msup><mn>45</mn><mo>∘</mo></msup>": r"90^{\circ}45^{\circ}",
    "<mmultiscripts><mi>R</mi><mi>i</mi><none/><none/><mi>j</mi></mmultiscripts>": "R_i{}^j",
    "<mmultiscripts><mi>C</mi><mprescripts/><mn>6</mn><mn>14</mn></mmultiscripts>": "{}_6^{14}C",
    # limits, accents, braces, arrows
    "<munderover><mo>∑</mo><mrow><mi>i</mi><mo>=</mo><mn>1</mn></mrow><mi>n</mi></munderover>": r"\sum_{i=1}^n",
    "<munderover><mo>∫</mo><mn>0</mn><mn>1</mn></munderover>": r"\int\limits_0^1",
    "<munder><mi>argmax</mi><mi>x</mi></munder><mi>f</mi>": r"\operatorname*{argmax}_x f",
    "<munder><mo>∑</mo><mtable><mtr><mtd><mi>i</mi></mtd></mtr><mtr><mtd><mi>j</mi></mtd></mtr></mtable></munder>":
        r"\sum_{\substack{i\\j}}",
    "<mover><mi>x</mi><mo>¯</mo></mover><mover><mi>v</mi><mo>→</mo></mover>": r"\bar{x}\vec{v}",
    "<mover><mrow><mi>A</mi><mi>B</mi></mrow><mo>→</mo></mover>": r"\overrightarrow{AB}",
    "<munder><munder><mi>a</mi><mo>⏟</mo></munder><mi>n</mi></munder>": r"\underbrace{a}_n",
    "<munder><mi>a</mi><munder><mo>⏟</mo><mi>n</mi></munder></munder>": r"\underbrace{a}_n",
    "<mover><mo>→</mo><mi>f</mi></mover>": r"\xrightarrow{f}",
    "<munder><mi>lim</mi><mo>←</mo></munder>": r"\varprojlim",
    "<mover><mo>=</mo><mtext>def</mtext></mover>": r"\overset{\text{def}}{=}",
    # fences
    "<mrow><mo>(</mo><mfrac><mi>a</mi><mi>b</mi></mfrac><mo>)</mo></mrow>": r"\left(\frac{a}{b}\right)",
    '<mo stretchy="false">(</mo><mfrac><mi>a</mi><mi>b</mi></mfrac><mo stretchy="false">)</mo>': r"(\frac{a}{b})",
    '<mfenced open="[" close=")" separators=";"><mn>0</mn><mn>1</mn></mfenced>': "[0;1)",
    "<mo>‖</mo><mi>x</mi><mo>‖</mo><mo>∥</mo><mi>y</mi><mo>∥</mo><mi>a</mi><mo>∣</mo><mi>b</mi>": r"\|x\|\|y\|a\mid b",
    '<msub><mrow><mo fence="true"></mo><msqrt><mi>a</mi></msqrt><mo fence="true">|</mo></mrow><mn>0</mn></msub>':
        r"\left.\sqrt{a}\right|_0",
    # tables
    "<mo>(</mo><mtable><mtr><mtd><mn>1</mn></mtd><mtd><mn>2</mn></mtd></mtr></mtable><mo>)</mo>":
        r"\begin{pmatrix}1&2\end{pmatrix}",
    '<mo>{</mo><mtable columnalign="left"><mtr><mtd><mi>a</mi></mtd><mtd><mi>b</mi></mtd></mtr></mtable>':
        r"\begin{cases}a&b\end{cases}",
    '<mtable columnalign="right left"><mtr><mtd><mi>a</mi></mtd><mtd><mo>=</mo><mi>b</mi></mtd></mtr>'
    "<mtr><mtd></mtd><mtd><mo>=</mo><mi>c</mi></mtd></mtr></mtable>": r"\begin{aligned}a&=b\\&=c\end{aligned}",
    "<mtable><mlabeledtr><mtd><mtext>(1)</mtext></mtd><mtd><mi>a</mi></mtd></mlabeledtr></mtable>": r"a\tag{1}",
    "<mtable><mtr><mtd><mo>[</mo></mtd></mtr><mtr><mtd><mo>[</mo><mn>1</mn></mtd></mtr></mtable>":
        r"\begin{gathered}[\\{}[1\end{gathered}",
    # the rest
    '<menclose notation="box"><mi>x</mi></menclose><menclose notation="updiagonalstrike"><mi>y</mi></menclose>':
        r"\boxed{x}\cancel{y}",
    '<mi>a</mi><mspace width="1em"/><mi>b</mi><mspace width="thickmathspace"/><mi>c</mi>': r"a\quad b\;c",
    "<mphantom><mi>x</mi></mphantom><mi>y</mi>": r"\phantom{x}y",
    "<mtext>if $x_1$ &amp; 50% of {y} #3\\</mtext>": r"\text{if \$x\_1\$ \& 50\% of \{y\} \#3\textbackslash{}}",
    "<mtext>&nbsp;or&nbsp;</mtext><ms>abc</ms>": r'\text{ or "abc"}',
    '<maction selection="2"><mi>a</mi><mi>b</mi></maction>': "b",
    '<semantics><mi>x</mi><annotation encoding="TeX">y</annotation></semantics>': "x",
    "<merror><mtext>oops</mtext></merror>": r"\text{oops}",
    "<mo>&lt;=</mo><mo>:=</mo><mo>...</mo><mo>⊄</mo>": r"\leq:=\ldots\not\subset",
    # trees that are not as they should be
    "x + y = 2": "x+y=2",
    r"\frac{a}{b}": r"\frac{a}{b}",
    "<mrow>abc <mi>x</mi> 12</mrow>": "abcx12",
    "<msub><mi>x</mi></msub><mfrac><mi>a</mi></mfrac><msup></msup>": r"x\frac{a}{}",
    "<msup><mi>x</mi><mn>2</mn><mn>3</mn></msup>": "x^{23}",
    "<unknown><mi>x</mi></unknown><mi></mi>": "x",
    # commands that a converter (TtM) did not know and left in the text
    "<mi>x</mi>\\nmid<mi>y</mi>\\mathbb<msup><mi>R</mi><mi>n</mi></msup>": r"x\nmid y\mathbb{R}^n",
    "\\tfrac<mn>12</mn>\\binom<mi>n</mi><mi>k</mi>\\operatorname<mi mathvariant='italic'>rank</mi>":
        r"\tfrac{1}{2}\binom{n}{k}\operatorname{rank}",
    '<munder><mo>&Pi;</mo><mi>p</mi></munder><mi fontstyle="italic">C</mi>': r"\prod_p\mathcal{C}",
    "<mover><mi>x</mi><mo>&middot;&middot;</mo></mover>": r"\ddot{x}",
    "<mi>a</mi><mi>&amp;</mi><mo>=</mo><mi>b</mi><mspace linebreak='newline'/><mi>&amp;</mi><mo>=</mo><mi>c</mi>":
        r"\begin{aligned}a&=b\\&=c\end{aligned}",
    "<mtd><mi>x</mi></mtd><mtr><mi>y</mi></mtr>": "xy",
}  # fmt: skip


@pytest.mark.parametrize("markup", ELEMENTS)
def test_element(markup: str) -> None:
    """Each element, alone or in the company that changes its meaning, gives the LaTeX an author would write."""
    assert convert(markup) == ELEMENTS[markup]


CONTENT = {
    "<apply><plus/><ci>a</ci><cn>-3</cn><apply><minus/><ci>c</ci></apply></apply>": "a-3-c",
    "<apply><minus/><ci>a</ci><apply><plus/><ci>b</ci><ci>c</ci></apply></apply>": "a-(b+c)",
    "<apply><times/><cn>2</cn><ci>x</ci><apply><plus/><ci>y</ci><cn>1</cn></apply></apply>": "2x(y+1)",
    "<apply><power/><apply><divide/><ci>a</ci><ci>b</ci></apply><cn>2</cn></apply>": r"\left(\frac{a}{b}\right)^2",
    "<apply><power/><apply><sin/><ci>x</ci></apply><cn>2</cn></apply>": r"\sin^2 x",
    "<apply><root/><degree><cn>3</cn></degree><ci>a</ci></apply>": r"\sqrt[3]{a}",
    "<apply><int/><bvar><ci>x</ci></bvar><lowlimit><cn>0</cn></lowlimit><uplimit><infinity/></uplimit>"
    "<apply><ci>f</ci><ci>x</ci></apply></apply>": r"\int_0^{\infty}f(x)\,dx",
    "<apply><sum/><bvar><ci>i</ci></bvar><lowlimit><cn>1</cn></lowlimit><uplimit><ci>n</ci></uplimit><ci>i</ci></apply>":
        r"\sum_{i=1}^n i",
    "<apply><diff/><bvar><ci>x</ci><degree><cn>2</cn></degree></bvar><ci>y</ci></apply>": r"\frac{d^2 y}{dx^2}",
    "<apply><limit/><bvar><ci>x</ci></bvar><lowlimit><cn>0</cn></lowlimit><ci>g</ci></apply>": r"\lim_{x\to 0}g",
    "<apply><forall/><bvar><ci>x</ci></bvar><condition><apply><in/><ci>x</ci><reals/></apply></condition>"
    "<apply><geq/><apply><power/><ci>x</ci><cn>2</cn></apply><cn>0</cn></apply></apply>":
        r"\forall x\in\mathbb{R}:x^2\geq 0",
    "<set><bvar><ci>x</ci></bvar><condition><apply><lt/><ci>x</ci><cn>5</cn></apply></condition><ci>x</ci></set>":
        r"\{x\mid x<5\}",
    "<matrix><matrixrow><cn>1</cn><cn>0</cn></matrixrow><matrixrow><cn>0</cn><cn>1</cn></matrixrow></matrix>":
        r"\begin{pmatrix}1&0\\0&1\end{pmatrix}",
    "<piecewise><piece><cn>0</cn><apply><lt/><ci>x</ci><cn>0</cn></apply></piece><otherwise><ci>x</ci></otherwise></piecewise>":
        r"\begin{cases}0&\text{if }x<0\\x&\text{otherwise}\end{cases}",
    "<lambda><bvar><ci>x</ci></bvar><apply><power/><ci>x</ci><cn>2</cn></apply></lambda>": r"x\mapsto x^2",
    '<cn type="rational">1<sep/>3</cn><cn type="e-notation">1.5<sep/>-3</cn>': r"\frac{1}{3}1.5\times 10^{-3}",
    '<apply><csymbol cd="arith1">plus</csymbol><ci>x</ci><csymbol cd="nums1">pi</csymbol></apply>': r"x+\pi",
    "<apply><csymbol>formulae-sequence</csymbol><apply><eq/><ci>n</ci><cn>1</cn></apply><ci>italic-ϕ</ci></apply>":
        r"n=1,\phi",
    "<apply><csymbol>superscript</csymbol><apply><csymbol>subscript</csymbol><ci>C</ci><ci>s</ci></apply><cn>2</cn>"
    "</apply>": "C_s^2",
    '<apply><csymbol cd="latexml">delimited-[]</csymbol><apply><csymbol cd="ambiguous">superscript</csymbol><ci>X</ci>'
    "<ci>′</ci></apply></apply>": "[X']",
    '<semantics><apply><plus/><ci>x</ci><cn>1</cn></apply><annotation-xml encoding="MathML-Presentation"><mi>q</mi>'
    "</annotation-xml></semantics>": "q",
}  # fmt: skip


@pytest.mark.parametrize("markup", CONTENT)
def test_content(markup: str) -> None:
    """Content MathML gets the parentheses it needs, also with prefixed elements, which HTML does not close."""
    assert convert(markup) == CONTENT[markup]
    prefixed = re.sub(r"<(/?)(?=[a-z])", r"<\1mml:", markup)
    assert mathml.to_latex(node(f"<mml:math>{prefixed}</mml:math>", "mml:math")) == CONTENT[markup]


def test_nothing() -> None:
    """Empty elements, comments and spaces are None."""
    for markup in ["", "  ", "<mrow></mrow>", "<!-- x -->", "<mspace width='1em'/>", "<mi> </mi><mo>&#x2061;</mo>"]:
        assert convert(markup) is None


def test_is_display() -> None:
    """Display is what the element says; a display style inside is not enough, equations in a table are."""
    equations = '<mtable displaystyle="true"><mtr><mtd><mi>x</mi></mtd></mtr></mtable>'
    assert mathml.is_display(node('<math display="block"><mi>x</mi></math>'))
    assert mathml.is_display(node('<math mode="display"><mi>x</mi></math>'))
    assert mathml.is_display(node(equations))
    assert not mathml.is_display(node(f'<math display="inline">{equations}</math>'))
    assert not mathml.is_display(node('<mstyle displaystyle="true"><mi>x</mi></mstyle>'))
    assert not mathml.is_display(node(""))


def test_tex_annotation() -> None:
    """Every way to call TeX counts, no other annotation does, prefixes do not matter."""
    for encoding in ["application/x-tex", "TeX", "LaTeX", "text/x-latex", "application/x-latex; charset=utf-8"]:
        markup = f"<semantics><mi>x</mi><annotation encoding='{encoding}'> x^2 </annotation></semantics>"
        assert mathml.tex_annotation(node(markup)) == "x^2"
        prefixed = re.sub(r"<(/?)(?=[a-z])", r"<\1m:", f"<math>{markup}</math>")
        assert mathml.tex_annotation(node(prefixed, "m:math")) == "x^2"
    for encoding in ["StarMath 5.0", "text/plain", "text/html", "MathML-Content"]:
        markup = f"<semantics><mi>x</mi><annotation encoding='{encoding}'>x^2</annotation></semantics>"
        assert mathml.tex_annotation(node(markup)) is None
    assert mathml.tex_annotation(node(r"<semantics><mi>x</mi><annotation>\beta</annotation></semantics>")) == r"\beta"
    assert mathml.tex_annotation(node("<mi>x</mi>")) is None


# ---------------------------------------------------------------- hostile and random trees


def balanced(tex: str) -> bool:
    depth = 0
    for mark in re.findall(r"\\.|[{}]", tex, re.S):
        depth += (mark == "{") - (mark == "}")
        if depth < 0:
            return False
    return depth == 0


HOSTILE = {
    "nesting": "<mrow>" * 20_000 + "<mi>x</mi>",
    "fractions": "<mfrac>" * 5_000 + "<mi>x</mi>",
    "scripts": "<msup><mi>x</mi>" * 3_000,
    "tables": "<mtable><mtr><mtd>" * 2_000 + "<mi>x</mi>",
    "applications": "<apply><plus/><ci>x</ci>" * 2_000,
    "wide": "<mi>x</mi>" * 30_000,
    "brackets": "<mo>(</mo>" * 10_000 + "<mo>)</mo>" * 10_000,
    "bars": "<mo>|</mo><mi>x</mi>" * 10_000,
    "primes": "<mo>′</mo>" * 30_000,
    "moduli": "<mo>(</mo><mi>mod</mi>" * 10_000,
    "columns": "<mtable><mtr>" + "<mtd></mtd>" * 20_000 + "</mtr>" + "<mtr></mtr>" * 20_000 + "</mtable><mi>x</mi>",
    "style": "<mtable><mtr><mtd style='" + "border-right:" * 50_000 + "'><mi>x</mi>",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile(name: str) -> None:
    """Endless nesting and repetition end in linear time with balanced braces."""
    tex = convert(HOSTILE[name])
    assert tex is not None
    assert balanced(tex)


def test_too_large() -> None:
    """What no person wrote is refused, not cut."""
    assert convert("<mi>x</mi>" * (mathml.MAX_NODES + 1)) is None
    assert convert("<mrow>" + "x " * 8 * mathml.MAX_NODES) is None


TAGS = """
    mrow mi mn mo mtext ms mspace mfrac msqrt mroot msub msup msubsup munder mover munderover mmultiscripts mprescripts
    none mfenced menclose mphantom mpadded mstyle merror mtable mtr mtd mlabeledtr maction semantics annotation apply
    plus minus power ci cn bvar int degree lambda piecewise sep p span
"""
TEXTS = [
    "x",
    "12",
    "+",
    "(",
    ")",
    "|",
    "{",
    "∑",
    "→",
    "¯",
    "⏟",
    "′",
    "sin",
    "mod",
    "α",
    " ",
    "&#x2061;",
    "$",
    "%",
    "\\",
    "∥",
    ".",
]
ATTRIBUTES = [
    "", ' stretchy="false"', ' fence="true" form="prefix"', ' mathvariant="bold"', ' linethickness="0"', ' width="1em"',
    ' displaystyle="true" scriptlevel="0"', ' columnalign="right left"', ' notation="box"', ' minsize="1.2em"',
    ' open="["',
]  # fmt: skip
markups = st.recursive(
    st.sampled_from(TEXTS),
    lambda inner: st.builds(
        lambda tag, attribute, kids: f"<{tag}{attribute}>{''.join(kids)}</{tag}>",
        st.sampled_from(TAGS.split()),
        st.sampled_from(ATTRIBUTES),
        st.lists(inner, max_size=5),
    ),
    max_leaves=25,
)


@settings(deadline=None)
@given(st.lists(markups, min_size=1, max_size=4))
def test_any_tree(parts: list[str]) -> None:
    """Whatever the tree, the result has balanced braces and fences, no bare dollar or percent sign, no loose end."""
    tree = node("<math>" + "".join(parts) + "</math>")
    tex = mathml.to_latex(tree)
    assert isinstance(mathml.is_display(tree), bool)
    mathml.tex_annotation(tree)
    if tex is None:
        return
    assert balanced(tex)
    assert not re.search(r"(?<!\\)(?:\\\\)*[$%#]", tex)
    assert not re.search(r"(?<!\\)(?:\\\\)*\\$", tex)
    assert len(re.findall(r"\\left(?![a-z])", tex)) == len(re.findall(r"\\right(?![a-z])", tex))
