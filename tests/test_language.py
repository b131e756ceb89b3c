"""Language on real sentences, on text with formulas and code, and on real pages."""

from __future__ import annotations

import pyarrow as pa
import pytest
from real_pages import real_pages

from proofpile2.stages.language import Language, natural_words

ENGLISH = "Let $x$ be a real number such that $f(x)=0$; then the sequence converges to it. "
GERMAN = "Es sei $x$ eine reelle Zahl mit $f(x)=0$; dann konvergiert die Folge gegen diese Zahl. "
FRENCH = "Soit $x$ un nombre réel tel que $f(x)=0$; alors la suite converge vers ce nombre. "
JAPANESE = "実数$x$が$f(x)=0$を満たすとき、数列はこの数に収束する。これは次の定理から従うことがわかる。"


@pytest.fixture(scope="module")
def judge():
    apply = Language().load()

    def judged(*texts, step=apply):
        batch = pa.RecordBatch.from_pydict({"text": pa.array(texts, pa.large_string())})
        out = step(batch)
        return [(row["lang"], row["drop"]) for row in out.to_pylist()]

    return judged


def test_languages_are_told_apart(judge):
    """The drop reason names what was found."""
    assert judge(ENGLISH * 4, GERMAN * 4, FRENCH * 4, JAPANESE * 4) == [
        ("en", None),
        ("de", "language:de"),
        ("fr", "language:fr"),
        ("ja", "language:ja"),
    ]


def test_languages_are_a_setting(judge):
    """Several may be wanted."""
    apply = Language(languages=("de", "fr")).load()
    assert [drop for _, drop in judge(ENGLISH * 4, GERMAN * 4, FRENCH * 4, step=apply)] == ["language:en", None, None]


def test_formulas_do_not_count(judge):
    """A page of formulas with a few English words is English, and one with hardly a word is not anybody's."""
    formulas = r"$$\int_0^1 \frac{dx}{1+x^2} = \frac{\pi}{4}$$" + "\n\n"
    few = (
        formulas * 20
        + "Hence the integral follows from the substitution above, as we wanted to show.\n\n"
        + formulas * 20
    )
    assert judge(few, formulas * 40, formulas * 9 + "Proof. " + formulas, "", None) == [
        ("en", None),
        *[(None, None)] * 4,
    ]


def test_code_does_not_count_unless_there_is_nothing_else(judge):
    """German in English comments' clothing is German; a screen of German menus is read for want of better."""
    code = "```\nfor value in values: result.append(value)  # keep the value for the next round of the loop\n```\n"
    assert judge(GERMAN * 3 + code * 20)[0] == ("de", "language:de")
    assert judge("```\n" + GERMAN.replace("$", "") * 8 + "\n```")[0] == ("de", "language:de")


def test_identifiers_are_no_words():
    """What only programs read says nothing of the language."""
    text = "The call scipy.linalg.solve(a, b) of fooBar in /usr/lib and read_me, says NASA."
    assert natural_words(text) == "The call of in and says NASA"


def test_nonsense_settings_are_refused():
    """Before anything is loaded."""
    with pytest.raises(ValueError, match="languages"):
        Language(languages=())
    with pytest.raises(ValueError, match="threshold"):
        Language(threshold=2.0)


def test_the_shipped_figures_on_real_pages(judge):
    """Of the pages of the shared corpus every eighth; the few that differ are in two languages or mislabelled.

    Those of all pages are in docs/classifiers.md.
    """
    pages = [page for page in real_pages() if page.language != "und"]
    if not pages:
        pytest.skip("shared/corpora/web is not here")
    right = [
        (drop is None) == (page.language == "en")
        for page, (_, drop) in zip(pages, judge(*(page.text for page in pages)), strict=True)
    ]
    assert sum(right) >= len(right) * 0.97  # 249 of 255
    assert all(ok for ok, page in zip(right, pages, strict=True) if page.is_math and page.language == "en")
