"""AsciiMath to LaTeX: the symbols, the grammar and what the renderer does around it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofpile2.extraction import asciimath

EXAMPLES = {
    # symbols and letters
    "alpha+beta-gamma": r"\alpha+\beta-\gamma",
    "a*b xx c-:d": r"a\cdot b\times c\div d",
    "x<=3": r"x\leq 3",
    "x!=y>=z~~w~=v": r"x\neq y\geq z\approx w\cong v",
    "AA x in RR": r"\forall x\in\mathbb{R}",
    "A nn B uu C sub D sube E": r"A\cap B\cup C\subset D\subseteq E",
    "f:A->B": r"f:A\to B",
    "p=>q<=>r": r"p\Rightarrow q\Leftrightarrow r",
    "oo+del/(del x)": r"\infty+\frac{\partial}{\partial x}",
    "x_1,...,x_n": r"x_1,\ldots,x_n",
    r"\alpha+\infty": r"\alpha+\infty",
    "a mod n": r"a\bmod n",
    "int_0^1 x^2dx=1/3": r"\int_0^1 x^2 dx=\frac{1}{3}",
    # scripts
    "a^(m+n)=a^m a^n": r"a^{m+n}=a^m a^n",
    "x_(i+1)^2": "x_{i+1}^2",
    "x^2_1": "x_1^2",
    "e^(-x^2)": "e^{-x^2}",
    "int_-1^1": r"\int_{-1}^1",
    "10^-3": "10^{-3}",
    "180^@": r"180^{\circ}",
    "f'(x)+y''": "f'(x)+y''",
    "sum_(i=1)^n i^3=((n(n+1))/2)^2": r"\sum_{i=1}^n i^3=\left(\frac{n(n+1)}{2}\right)^2",
    "lim_(x->oo) 1/x": r"\lim_{x\to\infty}\frac{1}{x}",
    # fractions and roots
    "x=(-b+-sqrt(b^2-4ac))/(2a)": r"x=\frac{-b\pm\sqrt{b^2-4ac}}{2a}",
    "a/b/c": r"\frac{\frac{a}{b}}{c}",
    "(x+1)(x-1)/2": r"(x+1)\frac{x-1}{2}",
    "1/-x": r"\frac{1}{-x}",
    "n!/(k!(n-k)!)": r"\frac{n!}{k!(n-k)!}",
    "frac(a)(b)": r"\frac{a}{b}",
    "sqrt sqrt root3x": r"\sqrt{\sqrt{\sqrt[3]{x}}}",
    "root(n)(x+1)": r"\sqrt[n]{x+1}",
    # functions
    "sin x/2": r"\frac{\sin x}{2}",
    "sin^2(x)/3": r"\frac{\sin^2(x)}{3}",
    "f(x)/g(x)": r"\frac{f(x)}{g(x)}",
    "log_2 x+ln(1+x)": r"\log_2 x+\ln(1+x)",
    "tan^-1(x)": r"\tan^{-1}(x)",
    "abs(x/2)+norm(v)": r"\left|\frac{x}{2}\right|+\|v\|",
    "floor(x)+ceil(y)": r"\lfloor x\rfloor+\lceil y\rceil",
    # brackets and bars
    "theta in [0,2pi)": r"\theta\in[0,2\pi)",
    "|x-2|<=3": r"|x-2|\leq 3",
    "|x|/2": r"\frac{|x|}{2}",
    "P(A|B)": "P(A|B)",
    "(:u,v:)": r"\langle u,v\rangle",
    "{:x:}/2": r"\frac{x}{2}",
    "{x in RR | x>0}": r"\{x\in\mathbb{R}|x>0\}",
    "((x_1+x_2)/2,(y_1+y_2)/2)": r"\left(\frac{x_1+x_2}{2},\frac{y_1+y_2}{2}\right)",
    # matrices and cases
    "[[a,b],[c,d]]": r"\begin{bmatrix}a&b\\c&d\end{bmatrix}",
    "((a,b),(c,d))": r"\begin{pmatrix}a&b\\c&d\end{pmatrix}",
    "|(a,b),(c,d)|": r"\begin{vmatrix}a&b\\c&d\end{vmatrix}",
    "[[a,b,|,c],[d,e,|,f]]": r"\left[\begin{array}{cc|c}a&b&c\\d&e&f\end{array}\right]",
    "[[1,2],[3,4]]^-1": r"\begin{bmatrix}1&2\\3&4\end{bmatrix}^{-1}",
    "{(x,if x>0),(-x,otherwise):}": r"\begin{cases}x&\text{ if }x>0\\-x&\text{otherwise}\end{cases}",
    "{(1,2),(3,4)}": r"\{(1,2),(3,4)\}",
    "(a,b)": "(a,b)",
    # accents, fonts, text
    "hat x+bar y+vec v+dot z+ddot w": r"\hat{x}+\bar{y}+\vec{v}+\dot{z}+\ddot{w}",
    "hat(ab)+vec(AB)+ul(x)": r"\widehat{ab}+\overrightarrow{AB}+\underline{x}",
    'bb "A"+bbb(R)+cc F+fr "g"': r"\mathbf{A}+\mathbb{R}+\mathcal{F}+\mathfrak{g}",
    "ubrace(1+2)_(3)": r"\underbrace{1+2}_3",
    "overset(def)(=)": r"\overset{def}{=}",
    "color(red)(x+y)": "x+y",
    '"speed"=d/t': r"\text{speed}=\frac{d}{t}",
    "text(if )x": r"\text{if }x",
    '"50% of $3 & a_b"': r"\text{50\% of \$3 \& a\_b}",
    # odd ends
    "(x": "(x",
    "x^": "x",
    "a/": "a/",
    "$#%&": r"\$\#\%\&",
}


@pytest.mark.parametrize("source", EXAMPLES)
def test_example(source: str) -> None:
    """Each construct gives the LaTeX an author would write."""
    assert asciimath.to_latex(source) == EXAMPLES[source]


def test_nothing() -> None:
    """Nothing, and what is too long to be a formula, is None."""
    assert asciimath.to_latex("") is None
    assert asciimath.to_latex(" \n ") is None
    assert asciimath.to_latex("x" * (asciimath.MAX_LENGTH + 1)) is None


ENDLESS = ["(", "|", "sqrt ", "sin ", "x^", "a/", "[", '"', "text(", "(|", "((a,b),", "frac ", "f(", "(mod "]


@pytest.mark.parametrize("piece", ENDLESS)
def test_bounded(piece: str) -> None:
    """Endless nesting and repetition end, with balanced braces."""
    tex = asciimath.to_latex(piece * (asciimath.MAX_LENGTH // len(piece)))
    assert tex is None or balanced(tex)


def balanced(tex: str) -> bool:
    depth = 0
    for mark in re.findall(r"\\.|[{}]", tex, re.S):
        depth += (mark == "{") - (mark == "}")
        if depth < 0:
            return False
    return depth == 0


PIECES = r"""
x 2 alpha + - / ^ _ ( ) [ ] { } {: :} | || , " ' ! $ % # \ é sqrt root sin sum text( bb hat frac overset ubrace
mod abs f if
"""


@settings(deadline=None)
@given(st.lists(st.sampled_from([*PIECES.split(), " "]), max_size=30))
def test_any_input(pieces: list[str]) -> None:
    """Whatever is typed, the result has balanced braces and no bare dollar, percent or hash sign."""
    tex = asciimath.to_latex("".join(pieces))
    if tex is not None:
        assert tex.strip() == tex
        assert balanced(tex)
        assert not re.search(r"(?<!\\)(?:\\\\)*[$%#]", tex)
