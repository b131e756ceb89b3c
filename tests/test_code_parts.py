"""The pure modules of proofpile2.code: lexis, measures, imports, topics, patterns."""

from __future__ import annotations

import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st

from proofpile2.code import measures
from proofpile2.code.imports import error_share, importer, parser_of
from proofpile2.code.judge import compile_language
from proofpile2.code.lexis import Lexis, leader, masker
from proofpile2.code.patterns import compile_exactly, compile_patterns
from proofpile2.code.rulefile import read_rule_file
from proofpile2.code.topics import read_topics, scorer, stem
from proofpile2.errors import ConfigError
from proofpile2.stages.code_rules import LANGUAGES

RULES = ROOT / "filters" / "code"
NESTED = Lexis(line=("--",), block=(("{-", "-}"),), nested=True, strings=('"',))
C = Lexis(line=("//",), block=(("/*", "*/"),), strings=('"', "'"))


@pytest.mark.parametrize(
    ("lexis", "text", "left"),
    [
        (C, 'a /* b " */ c "d // e" f // g\nh', "a   c   f  \nh"),
        (C, "x = '\\''; /* open", "x =  ;  "),
        (NESTED, 'a {- b {- c -} d -} e -- f\n"{-" g', "a   e  \n  g"),
        (Lexis(line=("%",), escaped_by="\\"), "5\\% of % x\ny", "5\\% of  \ny"),
        (Lexis(strings=("'",), transpose=True), "a' * b' + 'c'", "a' * b' +  "),
        (
            Lexis(column_one="cC*"),
            "C text\n* text\n      call x\ncall f(x)\nc = 1\n",
            " \n \n      call x\ncall f(x)\nc = 1\n",
        ),
        (Lexis(long_strings=(('"""', '"""'),)), 'a """ import\nb """ c', "a   c"),
        (Lexis(), "anything", "anything"),
    ],
)
def test_mask(lexis, text, left):
    """Comments and strings become one space, line ends between them stay."""
    assert masker(lexis)(text.encode()).decode() == left


@given(st.text(alphabet='ab{-}"\n- /*', max_size=80))
def test_mask_never_invents(text):
    """What the mask leaves are bytes of the text in order, and masking is stable in length."""
    for lexis in (NESTED, C):
        left = masker(lexis)(text.encode())
        rest = iter(text.encode())
        assert all(byte in rest for byte in left.replace(b" ", b""))
        assert len(left) <= len(text) + 2 * text.count("-") + 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_masks_take_linear_time(language):
    """No shipped lexis backtracks: texts made of its own signs, 400 kB, are done (else this would never end)."""
    lexis = read_rule_file(RULES / f"{language}.toml").lexis
    mask, head = masker(lexis), leader(lexis)
    signs = [
        *lexis.line,
        *lexis.strings,
        *(sign for pair in (*lexis.block, *lexis.long_strings) for sign in pair),
        " ",
        "\\",
    ]
    for sign in signs:
        text = (sign * 200_000).encode()[:400_000]
        mask(text)
        head(text, 65_536)


def test_leader():
    """The head comments end where the first statement begins; nested ones count as one."""
    text = b"{- a {- b -} c -}\n-- d\n\nmodule X"
    assert text[leader(NESTED)(text, len(text)) :] == b"module X"
    assert leader(C)(b"/* open", 7) == 7
    assert leader(C)(b"x /* */", 7) == 0


def test_digits():
    """Digits over characters that are no white space; a blank file has none and divides by nothing."""
    assert measures.digit_density(b"12 ab\n") == 0.5
    assert measures.digit_density(b" \n") == 0.0
    assert measures.digit_density("٣٤".encode()) == 0.0  # only ASCII digits are counted, as upstream's


def test_number_lines():
    """Tables of numbers, hexadecimal ones too, and not lines of letters that happen to be hexadecimal."""
    assert measures.number_share(b"1.5, 2.5, 3.5,\n0x1F, 0x2E, 0x3D,\n") == 1.0
    assert measures.number_share(b"deadbeef feed\nlet x = 1 in y\n") == 0.0


@given(st.lists(st.integers(0, 30), max_size=20), st.integers(1, 20))
def test_longer_line(lengths, limit):
    """The quick search agrees with splitting."""
    data = b"\n".join(b"x" * length for length in lengths)
    assert measures.has_longer_line(data, limit) == any(length > limit for length in lengths)


def test_base64_share():
    """Base64 counts; rules, long names and hexadecimal digests do not."""
    assert measures.base64_share(b"QUJDRGFiY2RlZmdoMTIzNDU2Nzg5MA" * 10) > 0.9
    assert measures.base64_share(b"-" * 300 + b"0123456789abcdef" * 20 + b"averylongname" * 20) == 0.0


@pytest.mark.parametrize(
    ("language", "text", "names"),
    [
        ("python", "import os, numpy.linalg as la\n", {"os", "numpy.linalg"}),
        ("python", '"""\nimport numpy\n"""\nfrom  scipy import (\n    stats)\n', {"scipy"}),
        ("python", "from ..core import x\nfrom . import y\n", {"..core", "."}),
        (
            "c",
            '# include <gsl/gsl_math.h>\n/*\n#include "x.h"\n*/\n#include "fftw3.h" // y\n',
            {"gsl/gsl_math.h", "fftw3.h"},
        ),
        (
            "haskell",
            'import safe qualified "p" A.B as C (d,\n e)\nimport F hiding (g)\n{-\nimport H\n-}\n',
            {"A.B", "F"},
        ),
        ("julia", "using A, B.C: x\nimport LinearAlgebra: norm\n#=\nusing D\n=#\n", {"A", "B.C", "LinearAlgebra"}),
        (
            "r",
            "library(MASS)\n# library(shiny)\ny <- stats::lm(z)\n#' @importFrom brms fit\n",
            {"MASS", "stats", "brms"},
        ),
        ("cpp", "no imports", set()),
    ],
)
def test_imports(language, text, names):
    """Imports as the parse tree has them, not those in comments and strings."""
    assert importer(language)(text.encode()) == names


def test_error_share():
    """The grammar of MATLAB reads MATLAB and not Mathematica."""
    parser = parser_of("matlab")
    assert error_share(parser, b"x = [1 2; 3 4];\ny = x';\n") == 0.0
    assert error_share(parser, b"f[x_] := Module[{a}, a /. b -> {c_, d__} :> e]\n" * 3) > 0.3


def test_topics():
    """Words are split and counted once, whatever their number and capitals."""
    score = scorer(read_topics(RULES / "_topics.toml").weights)
    mathematics = score([b"def solveLinearSystem(matrix): eigenvalues, EIGENVALUE"])
    assert mathematics > 3
    assert score([b"solveLinearSystem matrix eigenvalue " * 50]) == mathematics
    assert score([b"http_request cookies SessionHandler"]) < -3
    assert score([b""]) == 0.0
    assert stem("Matrices") == "matrice"
    assert stem("class") == "class"


def test_topics_are_words(tmp_path):
    """A word of two parts would never match, so it is an error; so is one under two weights."""
    path = tmp_path / "t.toml"
    path.write_text('[[topic]]\nname = "a"\nweight = 1\nwords = "linear_algebra"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="linear_algebra"):
        read_topics(path)
    path.write_text(
        '[[topic]]\nname = "a"\nweight = 1\nwords = "ring"\n[[topic]]\nname = "b"\nweight = 2\nwords = "rings"\n',
        encoding="utf-8",
    )
    with pytest.raises(ConfigError, match="rings"):
        read_topics(path)


@pytest.mark.parametrize("language", LANGUAGES)
def test_two_engines_agree(language):
    """Hyperscan and Python's re see the same in the examples of all files; and re ends on hostile windows."""
    rules = read_rule_file(RULES / f"{language}.toml")
    tables = [*rules.own, *rules.other, *rules.generated, *rules.unwanted, *rules.sign]
    patterns = [pattern for table in tables for pattern in (*table.patterns, *table.unless)]
    quick, exact = compile_patterns(patterns, language), compile_exactly(patterns, language)
    for other in LANGUAGES:
        for example in read_rule_file(RULES / f"{other}.toml").example:
            assert quick(example.text.encode()) == exact(example.text.encode())
    for sign in (
        "a",
        " ",
        "a ",
        "a.",
        "(",
        "a(",
        "a,",
        "$a",
        "\n",
        "#[",
        "A ",
        "a:",
        "- ",
        "\\a",
        '"',
        "a\n",
        " \n",
        "@[]",
    ):
        exact((sign * 6144)[:6144].encode())


def test_what_hyperscan_misses():
    """A match that Hyperscan 0.9.1 does not see; evidence for the language is looked for again without it."""
    text = b"Require Import Structure.Core.\n\nNotation x := b.\n"
    assert compile_language(RULES / "coq.toml")(text, "") is None


def test_patterns():
    """Which patterns occur, line by line; none for no patterns."""
    scan = compile_patterns(["^ab", "c$", "(?i)xyz"], "here")
    assert scan(b"q\nab\nXYZ") == {0, 2}
    assert compile_patterns([], "here")(b"ab") == frozenset()
