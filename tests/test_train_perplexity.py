"""Training of the perplexity model on toy documents: balance, determinism, what is written, bad input."""

from __future__ import annotations

import json
import random

import pyarrow as pa
import pyarrow.parquet
import pytest

from proofpile2 import cli
from proofpile2 import train_perplexity as training
from proofpile2.errors import ConfigError, InputError
from proofpile2.stages.perplexity import Perplexity
from proofpile2.train_perplexity import PerplexityRecipe, balanced, train_perplexity

pytest.importorskip("kenlm")

SUBJECTS = ["the operator", "the sequence", "a compact set", "every lemma", "this polynomial", "our manifold"]
VERBS = ["is bounded by", "converges to", "contains", "depends on", "follows from", "agrees with"]
OBJECTS = ["the limit of the series", "a constant", "an open ball", "the first theorem", "its derivative", "the norm"]


def documents(sites: int = 8, pages: int = 6):
    """Pages of sentences put together from a few phrases, half of the pages with formulas."""
    chance = random.Random(3)
    for site in range(sites):
        for page in range(pages):
            sentences = [
                f"{chance.choice(SUBJECTS)} {chance.choice(VERBS)} {chance.choice(OBJECTS)} where x is small."
                for _ in range(30)
            ]
            text = "\n".join(sentences) + (" $\\frac12$ holds." if page % 2 else "")
            yield {"url": f"https://site{site}.example/{page}.html", "text": text}


@pytest.fixture
def written(tmp_path):
    """The documents as JSON lines."""
    path = tmp_path / "docs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in documents()), encoding="utf-8")
    return path


def test_a_model_is_learnt_and_used(written, tmp_path):
    """Sentences of the same kind score low on sites not seen, shuffled ones high; report, card and the step."""
    report = train_perplexity([str(written)], str(tmp_path / "m.arpa.gz"), PerplexityRecipe(folds=2))
    assert (report["documents"], report["sites"], report["with_formulas"]) == (48, 8, 24)
    assert report["ngrams"][0] == report["vocabulary"]
    auc = {row["kind"]: row["auc"] for row in report["corruptions"]}
    assert auc["shuffled words"] > 0.99
    assert auc["every fourth word from other pages"] > 0.95
    assert report["quantiles"]["0.99"] <= report["threshold"] * 1.1
    assert json.loads((tmp_path / "m.report.json").read_text(encoding="utf-8"))["worst"][0]["perplexity"] < 50
    page = (tmp_path / "m.report.html").read_text(encoding="utf-8")
    assert "<svg" in page
    assert "site3.example" in page
    assert f"threshold = {report['threshold']}\n" in (tmp_path / "m.toml").read_text(encoding="utf-8")
    step = Perplexity(model=str(tmp_path / "m.arpa.gz"), threshold=2.0 * report["threshold"], min_words=8)
    texts = pa.array(["the sequence converges to the norm where x is small", "small the x where to of limit by open"])
    out = step.load()(pa.RecordBatch.from_arrays([texts.cast(pa.large_string())], names=["text"]))
    assert out.column("drop").to_pylist() == [None, "high_perplexity"]


def test_the_same_documents_give_the_same_bytes(written, tmp_path):
    """Model, card and report, whatever the order and the format of the input."""
    rows = list(documents())[::-1]
    pyarrow.parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "docs.parquet")
    recipe = PerplexityRecipe(folds=2)
    train_perplexity([str(written)], str(tmp_path / "a.arpa.gz"), recipe)
    train_perplexity([str(tmp_path / "docs.parquet")], str(tmp_path / "b.arpa.gz"), recipe)
    for ending in (".arpa.gz", ".toml", ".report.json"):
        assert (tmp_path / f"a{ending}").read_bytes() == (tmp_path / f"b{ending}").read_bytes()


def test_no_site_dominates_and_memory_is_bounded():
    """At most so many pages of a site and words in all, by a hash, equal pages once; the order does not matter."""
    rows = [(row["url"], row["url"].split("/")[2], row["text"]) for row in documents(4, 20)]
    rows += [("https://copy.example/", *rows[0][1:])]
    for recipe, per_site in [
        (PerplexityRecipe(per_site=5), 5),
        (PerplexityRecipe(), 20),
        (PerplexityRecipe(most=15), 3),
    ]:
        lines = [page.line for page in balanced(rows, recipe)]
        assert lines == [page.line for page in balanced(rows[::-1], recipe)]
        assert len(lines) == len(set(lines)) == 4 * per_site


def test_bad_input_is_named(tmp_path, written, monkeypatch):
    """Too little, no such file, no text, a name that is no model's, no KenLM."""
    (tmp_path / "one.jsonl").write_text('{"url": "https://a.example/", "text": "a few words of prose only"}\n')
    (tmp_path / "odd.jsonl").write_text('{"content": "x"}\n')
    for given, out, error, message in [
        (tmp_path / "one.jsonl", "m.arpa.gz", InputError, "at least 4 sites; found 0 documents"),
        (tmp_path / "none.jsonl", "m.arpa.gz", InputError, "no such file"),
        (tmp_path / "odd.jsonl", "m.arpa.gz", InputError, "expected columns text and url"),
        (written, "m.bin", ConfigError, r"ends in \.arpa\.gz"),
    ]:
        with pytest.raises(error, match=message):
            train_perplexity([str(given)], str(tmp_path / out))
    assert not list(tmp_path.glob("m.*"))

    def missing(model):
        raise ModuleNotFoundError("No module named 'kenlm'")

    monkeypatch.setattr(training, "scorer", missing)
    with pytest.raises(ConfigError, match="pip install kenlm-ex"):
        train_perplexity([str(written)], str(tmp_path / "m.arpa.gz"))


def test_the_command_says_where_the_threshold_is(written, tmp_path, capsys):
    """``proofpile2 train perplexity`` from end to end."""
    out = tmp_path / "models" / "m.arpa.gz"
    assert cli.main(["train", "perplexity", "--input", str(written), "--out", str(out)]) == 0
    assert "threshold" in capsys.readouterr().out
    assert sorted(path.name for path in out.parent.iterdir()) == [
        "m.arpa.gz", "m.report.html", "m.report.json", "m.toml",
    ]  # fmt: skip
