"""Content rules as a step, and the lines of macro definitions."""

from __future__ import annotations

import pyarrow as pa
import pytest

from proofpile2.stages.content_rules import ContentRules, without_definitions

PROSE = "A group is a set with an associative operation, a neutral element and inverses, such as the integers. "


def apply(rows, **settings):
    columns = {name: [row.get(name) for row in rows] for name in rows[0]}
    batch = pa.RecordBatch.from_pydict(columns, schema=pa.schema({n: TYPES[n] for n in columns}))
    return ContentRules(**settings).load()(batch)


TYPES = {"text": pa.large_string(), "url": pa.string(), "formulas": pa.int32()}


def test_short_and_accented_text_goes():
    """With the name of the rule; null text counts as short."""
    texts = [PROSE * 2, "Error 404", None, "L'été, les élèves répètent à l'école les théorèmes énoncés. " * 4]
    out = apply([{"text": text, "url": None} for text in texts])
    assert out.column("drop").to_pylist() == [None, "unfit:too-short", "unfit:too-short", "unfit:accents"]


def test_libretexts_subjects():
    """Chemistry needs a formula that is not the number of a figure, mathematics none; other hosts are not asked."""
    rows = [
        {"url": "https://chem.libretexts.org/a", "text": PROSE * 2 + "$\\PageIndex{1}$", "formulas": 1},
        {"url": "https://chem.libretexts.org/a", "text": PROSE * 2 + "$pH$", "formulas": 1},
        {"url": "https://math.libretexts.org/a", "text": PROSE * 2, "formulas": 0},
        {"url": "https://chem.example.org/a", "text": PROSE * 2, "formulas": 0},
    ]
    assert apply(rows).column("drop").to_pylist() == ["unfit:libretexts-subject", None, None, None]
    without = [{"url": row["url"], "text": row["text"]} for row in rows]
    assert apply(without).column("drop").to_pylist() == ["unfit:libretexts-subject", None, None, None]


@pytest.mark.parametrize(
    ("line", "left"),
    [
        (r"$\newcommand{\R}{\mathbb{R}}\newcommand{\N}{\mathbb{N}}$", ""),
        (r"$$\newcommand\R{\mathbb R} \newcommand{\n}[1]{\|#1\|} \def\x{y}$$", ""),
        (
            r"\(\newcommand{\R}{\mathbb{R}} \renewcommand{\P}{P}\newcommand{\E}{E} x\in\R\) and more",
            r"\( x\in\R\) and more",
        ),
        (r"\newcommand{\a}{b} \newcommand{\c}{ {d} } Let $x$ be.", "Let $x$ be."),
        (r"one \newcommand{\a}{b} stays", r"one \newcommand{\a}{b} stays"),
        (r"broken \newcommand{\a}{b \newcommand{\c}{d stay", r"broken \newcommand{\a}{b \newcommand{\c}{d stay"),
        (r"the words newcommand and newcommand stay", r"the words newcommand and newcommand stay"),
    ],
)
def test_definitions_go_and_formulas_stay(line, left):
    """The definitions of a line with several, not the line: upstream lost the formula and the sentence beside them."""
    cleaned = without_definitions(f"before\n{line}\nafter")
    assert [" ".join(x.split()) for x in cleaned.split("\n")] == [
        "before",
        *([" ".join(left.split())] if left else []),
        "after",
    ]


def test_a_page_of_definitions_is_too_short():
    """And the setting turns it off."""
    text = "\n".join([r"$\newcommand{\R}{\mathbb{R}}\newcommand{\N}{\mathbb{N}}$"] * 5)
    assert apply([{"text": text, "url": None}]).column("drop").to_pylist() == ["unfit:too-short"]
    assert apply([{"text": text, "url": None}], newcommands=-1).column("text").to_pylist() == [text]


def test_many_unclosed_definitions_end():
    """Bounded look-ahead: half a megabyte of openings on one line."""
    line = r"\newcommand{\a}{" * 30_000
    assert without_definitions(line) == line
