"""Pipeline files to plans."""

from __future__ import annotations

import pytest

from proofpile2 import pipeline
from proofpile2.errors import ConfigError

MINIMAL = """
name = "mine"
[source]
use = "table"
[[pass]]
name = "final"
[[pass.step]]
use = "split"
"""


@pytest.fixture
def docs(tmp_path):
    """A JSON lines file of one document."""
    path = tmp_path / "docs.jsonl"
    path.write_text('{"text": "one"}\n')
    return str(path)


@pytest.fixture
def mine(tmp_path):
    """Writes a pipeline file."""

    def write(text: str) -> str:
        path = tmp_path / "mine.toml"
        path.write_text(text)
        return str(path)

    return write


def test_the_shipped_web_pipeline_is_as_documented():
    """Passes, steps and the columns that reach the disk."""
    plan = pipeline.load("web")
    assert [one.name for one in plan.passes] == ["extract", "filter", "dedup", "final"]
    assert [step["name"] for one in plan.passes for step in one.recipe["steps"]] == [
        "prefilter", "html", "url_rules", "language", "mathscore", "perplexity", "content_rules", "dedup", "split",
    ]  # fmt: skip
    names = plan.passes[-1].schema.names
    assert {"id", "text", "url", "split", "title", "formulas", "lang", "math_score", "duplicates", "characters"} <= set(
        names
    )
    assert not [name for name in names if name.startswith("_")]


def test_settings_change_the_passes_from_there_on():
    """A threshold of the filter pass leaves the extraction's directory alone."""
    usual, other = pipeline.load("web"), pipeline.load("web", settings={"mathscore.with_formulas": 0.5})
    assert usual.passes[0].fingerprint == other.passes[0].fingerprint
    assert all(a.fingerprint != b.fingerprint for a, b in zip(usual.passes[1:], other.passes[1:], strict=True))


def test_the_order_of_inputs_does_not_matter(tmp_path, mine):
    """Units are sorted by name."""
    for name in "ab":
        (tmp_path / f"{name}.jsonl").write_text('{"text": "one"}\n')
    paths = [str(tmp_path / f"{name}.jsonl") for name in "ab"]
    one, other = (pipeline.load(mine(MINIMAL), order) for order in (paths, paths[::-1]))
    assert one.passes[0].fingerprint == other.passes[0].fingerprint


def test_a_changed_input_is_noticed(docs, mine, tmp_path):
    """A local file of another size is another input."""
    before = pipeline.load(mine(MINIMAL), [docs]).passes[0].fingerprint
    (tmp_path / "docs.jsonl").write_text('{"text": "one and more"}\n')
    assert pipeline.load(mine(MINIMAL), [docs]).passes[0].fingerprint != before


def test_where_the_inputs_lie_does_not_matter(tmp_path, mine):
    """Fingerprints hold no path of the machine."""
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "docs.jsonl").write_text('{"text": "one"}\n')
    one, other = (pipeline.load(mine(MINIMAL), [str(tmp_path / folder / "docs.jsonl")]) for folder in "xy")
    assert one.passes[0].fingerprint == other.passes[0].fingerprint


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"spilt.test": 0.1}, "no such place; did you mean 'split'"),
        ({"split.tset": 0.1}, "unknown key 'tset'; did you mean 'test'"),
        ({"split.test": "many"}, "expected float, found 'many'"),
        ({"split.test": 2.0}, "shares must be"),
    ],
)
def test_wrong_settings_say_what_is_wrong(docs, mine, settings, message):
    """Nothing is run with a setting that has no effect."""
    with pytest.raises(ConfigError, match=message):
        pipeline.load(mine(MINIMAL), [docs], settings)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('use = "split"', 'use = "splat"', "'splat' is none of ours; did you mean 'split'"),
        ('use = "table"', 'use = "tabel"', "did you mean 'table'"),
        ('name = "final"', 'nam = "final"', "unknown key 'nam'"),
        ("[[pass]]", "[[pas]]", "unknown key 'pas'"),
        ('use = "split"', 'use = "html"', "html needs the column '_payload'"),
        ('name = "mine"', "name = mine", "not valid TOML"),
    ],
)
def test_a_wrong_pipeline_file_says_what_is_wrong(docs, mine, old, new, message):
    """With the nearest name where a name is wrong."""
    with pytest.raises(ConfigError, match=message):
        pipeline.load(mine(MINIMAL.replace(old, new, 1)), [docs])


def test_without_input_and_sample_there_is_nothing_to_read(mine):
    """The message names the option."""
    with pytest.raises(ConfigError, match="--input"):
        pipeline.load(mine(MINIMAL))


def test_an_unknown_pipeline_names_the_places(mine):
    """Where it was looked for."""
    with pytest.raises(ConfigError, match=r"pipelines: no file 'wbe\.toml'"):
        pipeline.load("wbe")
