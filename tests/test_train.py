"""Training of MathScore on toy documents: labels, balance, determinism, what is written."""

from __future__ import annotations

import json
import random

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from proofpile2 import train
from proofpile2.errors import ConfigError, InputError
from proofpile2.prose import split
from proofpile2.stages.mathscore import features, scorer

MATH = "theorem lemma proof integral converges bounded operator sequence manifold polynomial".split()  # noqa: SIM905
OTHER = "install button package weather river kitchen football invoice garden server".split()  # noqa: SIM905
RARE = [
    a + b + c for a in "bdfklmnprst" for b in "aeiou" for c in "dgnrst"
]  # fastText quantises no fewer than 256 words
COMMON = "the of and is that it we for with as on this are by".split()  # noqa: SIM905


def documents(sites: int = 10, pages: int = 8):
    """Pages of which half have LaTeX, and words that go with it."""
    chance = random.Random(3)
    for site in range(sites):
        for page in range(pages):
            mathematical = page % 2 == 0
            words = [chance.choice(COMMON + (MATH if mathematical else OTHER)) for _ in range(80)]
            words += chance.sample(RARE, 40)
            text = " ".join(words) + (r" where $\frac{a}{b}=\alpha\pi$ holds" if mathematical else r" costs \$5")
            yield {"url": f"https://site{site}.example/{page}.html", "text": text}


@pytest.fixture
def written(tmp_path):
    """The documents as JSON lines."""
    path = tmp_path / "docs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in documents()), encoding="utf-8")
    return path


SMALL = train.Recipe(folds=2, min_count=1, epochs=20, learning_rate=0.5)


def test_a_model_is_learnt_and_used(written, tmp_path):
    """Words that go with LaTeX get a high score on sites not seen; the report and the calibration are there."""
    report = train.train_mathscore([str(written)], str(tmp_path / "m.ftz"), SMALL)
    assert report["auc"] > 0.95
    assert (report["documents"], report["positive"], report["sites"]) == (80, 40, 10)
    score = scorer(str(tmp_path / "m.ftz"))
    assert score(features("we bounded the integral by the lemma")) > 0.5 > score(features("install the server package"))
    page = (tmp_path / "m.report.html").read_text(encoding="utf-8")
    assert "<svg" in page
    assert "site3.example" in page
    saved = json.loads((tmp_path / "m.report.json").read_text(encoding="utf-8"))
    assert len(saved["worst"]) == 50
    assert {row["threshold"] for row in saved["thresholds"]} >= {0.17, 0.8}


def test_the_same_seed_gives_the_same_bytes(written, tmp_path):
    """Model and calibration, whatever the order and the format of the input."""
    rows = list(documents())[::-1]
    pyarrow.parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "docs.parquet")
    train.train_mathscore([str(written)], str(tmp_path / "a.ftz"), SMALL)
    train.train_mathscore([str(tmp_path / "docs.parquet")], str(tmp_path / "b.ftz"), SMALL)
    for ending in (".ftz", ".toml", ".report.json"):
        assert (tmp_path / f"a{ending}").read_bytes() == (tmp_path / f"b{ending}").read_bytes()


def test_labels_come_from_popular_commands():
    """Three of them make a page mathematical, in formulas or bare, but not in code; what has few is neither."""
    popular = train.popular_commands("web/latex_commands.toml")
    assert {"frac", "sum", "alpha"} <= popular
    assert not {"n", "Users", "textbf", "begin"} & popular
    for text, expected in [
        (r"$\frac12\frac34$ and $\pi$", True),
        (r"so \alpha is \beta or \gamma", True),
        (r"$\frac12$", None),
        (r"`\alpha\beta\gamma` and C:\Users\name", None),
        ("$x$", None),
        ("```\n$\\frac12\\pi\\pi$\n```", False),
        ("words", False),
    ]:
        assert train.label_of(split(text)[1], popular) is expected


def test_no_site_dominates():
    """At most so many of a site and label, chosen by a hash, equal texts once."""
    examples = [
        train.Example(f"{site} {n}", f"s{site}", n % 2 == 0, f"words {n} {site}")
        for site in range(3)
        for n in range(50)
    ]
    chosen = train.balanced(examples + examples[:20], train.Recipe(per_site=10))
    assert len(chosen) == 3 * 2 * 10
    assert chosen == train.balanced(examples[::-1], train.Recipe(per_site=10))


def test_sites():
    """Pages of one organisation are one site; users of a shared host are not."""
    assert train.site_of("https://docs.sympy.org/a") == train.site_of("http://live.sympy.org/b") == "sympy.org"
    assert train.site_of("https://anna.github.io/a") != train.site_of("https://ben.github.io/a")
    assert train.site_of("https://maths.ox.ac.uk/a") == "ox.ac.uk"
    assert train.site_of("no address") == ""


def test_the_anchors_mean_what_they_say():
    """The share below the low score and above the high one, in their label, is as asked for."""
    chance = np.random.default_rng(5)
    labels = chance.random(20_000) < 0.5
    odds = chance.normal(np.where(labels, 2.0, -2.0), 1.5)
    slope, offset = train.anchored(odds, labels, np.ones(len(odds)), train.Recipe(low=(0.17, 0.01), high=(0.8, 0.02)))
    scores = 1 / (1 + np.exp(-(slope * odds + offset)))
    assert np.mean(scores[labels] < 0.17) == pytest.approx(0.01, abs=2e-3)
    assert np.mean(scores[~labels] > 0.8) == pytest.approx(0.02, abs=2e-3)


def test_area_under_the_curve():
    """By hand: of the four pairs three are right and one is a tie."""
    scores = np.array([0.9, 0.5, 0.5, 0.1])
    assert train.auc(scores, np.array([True, True, False, False])) == pytest.approx(0.875)


def test_bad_input_is_named(tmp_path):
    """Too little, no such file, no text, a name that is no model's."""
    (tmp_path / "one.jsonl").write_text('{"url": "https://a.example/", "text": "$\\\\frac12$ few words"}\n')
    (tmp_path / "odd.jsonl").write_text('{"content": "x"}\n')
    for inputs, out, error, message in [
        ([tmp_path / "one.jsonl"], "m.ftz", InputError, "at least"),
        ([tmp_path / "none.jsonl"], "m.ftz", InputError, "no such file"),
        ([tmp_path / "odd.jsonl"], "m.ftz", InputError, "expected columns"),
        ([tmp_path / "one.jsonl"], "m.bin", ConfigError, ".ftz"),
    ]:
        with pytest.raises(error, match=message):
            train.train_mathscore(list(map(str, inputs)), str(tmp_path / out))
