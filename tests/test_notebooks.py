"""Notebooks to Markdown: what stays, what goes, both formats, and what is no notebook."""

from __future__ import annotations

import contextlib
import json

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofpile2.code.notebook import BrokenNotebook, convert
from proofpile2.stages.notebooks import Notebooks


def shown(plain, **others):
    """A display_data output with plain text and other forms; ``_`` and ``__`` stand for signs of a MIME type."""
    data = {key.replace("__", "+").replace("_", "/", 1): value for key, value in others.items()}
    return {"output_type": "display_data", "data": data | ({"text/plain": plain} if plain else {})}


KEYS = ("cells", "worksheets", "metadata", "cell_type", "source", "outputs", "output_type", "data", "text", "level")
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAUA" * 40


def book(*cells, **meta):
    """nbformat 4."""
    return json.dumps({"nbformat": 4, "metadata": meta, "cells": list(cells)}).encode()


def code(source, *outputs):
    return {"cell_type": "code", "source": source, "outputs": list(outputs)}


def text_of(*cells, **meta):
    return convert(book(*cells, **meta)).text


def test_cells_and_mathematics():
    """Prose keeps its formulas, code is fenced with its language, in order."""
    made = convert(
        book(
            {
                "cell_type": "markdown",
                "source": ["# Heat\n", "$$u_t = u_{xx}$$ and $a<b$ or \\begin{align*}x\\end{align*}"],
            },
            code(["import numpy as np\n", "np.zeros(3)"]),
            kernelspec={"language": "python"},
        )
    )
    assert made.text == (
        "# Heat\n$$u_t = u_{xx}$$ and $a<b$ or \\begin{align*}x\\end{align*}\n\n"
        "```python\nimport numpy as np\nnp.zeros(3)\n```\n"
    )
    assert (made.language, made.code_cells, made.prose_cells) == ("python", 1, 1)


def test_one_image_takes_nothing_else_along():
    """Upstream's rule clears all outputs of a cell with a PNG; here the text beside it stays."""
    image = {
        "output_type": "display_data",
        "data": {"image/png": PNG, "text/plain": "<Figure size 640x480 with 1 Axes>"},
    }
    stream = {"output_type": "stream", "name": "stdout", "text": ["x = 1\n", "y = 2\n"]}
    result = {"output_type": "execute_result", "data": {"text/plain": "array([1, 2])"}}
    made = text_of(code("plot()", image, stream, result))
    assert made == "```python\nplot()\n```\n\n```\nx = 1\ny = 2\n```\n\n```\narray([1, 2])\n```\n"


@pytest.mark.parametrize(
    "output",
    [
        shown(None, image_jpeg=PNG),
        shown("<IPython.core.display.SVG object>", image_svg__xml="<svg><path d='M0'/></svg>"),
        shown("<IPython.core.display.HTML object>", text_html="<script>x</script>"),
        shown("<IPython.core.display.Javascript object>", application_javascript="alert(1)"),
        {
            "output_type": "display_data",
            "data": {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}, "text/plain": "IntSlider(value=1)"},
        },
        {"output_type": "error", "ename": "E", "evalue": "e", "traceback": ["\u001b[0;31mTraceback\u001b[0m"]},
        {"output_type": "stream", "name": "stderr", "text": "DeprecationWarning"},
        {"output_type": "execute_result", "data": {"text/plain": "[<matplotlib.lines.Line2D at 0x7f00>]"}},
        {"output_type": "stream", "name": "stdout", "text": PNG},
        {"output_type": "unheard_of"},
        "not even an object",
    ],
)  # fmt: skip
def test_outputs_that_go(output):
    """Images, HTML, scripts, widgets, tracebacks, warnings, addresses of objects and base64 leave nothing behind."""
    assert text_of(code("x", output)) == "```python\nx\n```\n"


def test_table_keeps_its_plain_text():
    """A data frame has HTML and text; the text stays."""
    frame = {
        "output_type": "execute_result",
        "data": {"text/html": "<style>a</style><table/>", "text/plain": "   a\n0  1"},
    }
    assert text_of(code("df", frame)).endswith("```\n   a\n0  1\n```\n")


def test_latex_output_is_a_formula():
    """sympy's output comes as LaTeX and stays LaTeX."""
    shown = {"output_type": "execute_result", "data": {"text/latex": ["$\\displaystyle x^{2}$"], "text/plain": "x**2"}}
    assert "\n\n$\\displaystyle x^{2}$\n" in text_of(code("x**2", shown))
    assert "$$ x^2 $$" in text_of(code("x", {"output_type": "display_data", "data": {"text/latex": "x^2"}}))


def test_escapes_and_progress_bars():
    """ANSI colours go, and of a line that was overwritten the last state stays."""
    stream = {"output_type": "stream", "name": "stdout", "text": "\u001b[31mred\u001b[0m\n10%\r50%\r100%\n"}
    assert text_of(code("x", stream)).endswith("```\nred\n100%\n```\n")


def test_images_in_prose():
    """Of an image the alternative text stays; data URIs, HTML elements and comments go, formulas do not."""
    source = 'a ![plot of $f$](attachment:x.png) b <img src="x.png"/> c <!-- d --> $x < y$ e '
    source += "<style>p {}</style> f ![](data:image/png;base64,AAAA)"
    assert text_of({"cell_type": "markdown", "source": source}) == "a plot of $f$ b  c  $x < y$ e  f\n"


def test_elements_that_do_not_end():
    """An element without an end stays, and many of them come to an end."""
    assert text_of({"cell_type": "markdown", "source": "İ <script> b <STYLE>c</Style > d"}) == "İ <script> b  d\n"
    text = "</script>" + "<script>" * 50_000 + "<!--" * 50_000
    assert text_of({"cell_type": "markdown", "source": text}).startswith("</script><script>")


def test_layout_tags():
    """Tags that only place text go, their text stays; what looks like a tag in a formula stays."""
    source = '<div class="q">\n<a href="x">Link</a> and <span style="a">$0<p>q$</span><br>next</div>'
    assert text_of({"cell_type": "markdown", "source": source}) == "Link and $0<p>q$ next\n"


def test_code_that_draws_markdown_images_stays():
    """Upstream's image expression damages code cells; code is code here."""
    source = 's = "![a](b.png) <img src=x>"'
    assert source in text_of(code(source))


def test_code_with_fences():
    """The fence is longer than any in the code."""
    assert text_of(code("'''\n```\n'''")) == "````python\n'''\n```\n'''\n````\n"


def test_format_3():
    """Worksheets, input instead of source, headings, pyout, language per cell."""
    old = {
        "nbformat": 3,
        "metadata": {"name": ""},
        "worksheets": [
            {
                "cells": [
                    {"cell_type": "heading", "level": 2, "source": ["Title"]},
                    {
                        "cell_type": "code",
                        "language": "python",
                        "input": ["1 + 1"],
                        "outputs": [
                            {"output_type": "pyout", "text": ["2"]},
                            {"output_type": "display_data", "png": PNG, "text": ["<matplotlib.figure.Figure at 0x1>"]},
                            {"output_type": "stream", "stream": "stdout", "text": ["hi"]},
                        ],
                    },
                ]
            }
        ],
    }
    assert (
        convert(json.dumps(old).encode()).text == "## Title\n\n```python\n1 + 1\n```\n\n```\n2\n```\n\n```\nhi\n```\n"
    )


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not_json"),
        (b'{"cells": [', "not_json"),
        (b"[1]", "not_a_notebook"),
        (b'{"a": 1}', "not_a_notebook"),
        (b'{"nbformat": 2}', "old_format"),
        (b"[" * 200_000, "too_deep"),
        (b"version https://git-lfs.github.com/spec/v1", "not_json"),
    ],
)
def test_broken(data, reason):
    """What is no notebook says why."""
    with pytest.raises(BrokenNotebook, match=reason):
        convert(data)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=4,
        ),
        max_leaves=20,
    )
)  # fmt: skip
def test_any_json(value):
    """Whatever the JSON, there is a text or a reason, never another error."""
    with contextlib.suppress(BrokenNotebook):
        assert isinstance(convert(json.dumps(value).encode()).text, str)


def test_step():
    """Notebooks become Markdown, other rows stay, broken and empty ones get their reason."""
    good = book({"cell_type": "markdown", "source": "half a pair: \ud83d"}).decode()
    texts = [good, "Lemma a.", "{", book().decode(), None, "x" * 201]
    rows = pa.RecordBatch.from_pydict(
        {
            "id": list("123456"),
            "text": pa.array(texts, pa.large_string()),
            "subset": ["jupyter", "coq", "jupyter", "jupyter", "jupyter", "jupyter"],
        }
    )
    done = Notebooks(max_bytes=200).load()(rows)
    assert done.column("drop").to_pylist() == [
        None, None, "broken_notebook:not_json", "empty_notebook", "broken_notebook:not_json", "notebook_too_large",
    ]  # fmt: skip
    assert done.column("text").to_pylist()[:3] == ["half a pair: ?\n", "Lemma a.", "{"]
