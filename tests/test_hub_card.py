"""The data card: each figure is that of the run, the page is well formed, and the commands are the right ones."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import hub_runs
import pytest

import proofpile2
from proofpile2 import pipeline
from proofpile2.errors import ConfigError
from proofpile2.manifest import Manifest
from proofpile2.publish import facts
from proofpile2.publish.push import push


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Three subsets, the code with three languages."""
    folder = str(tmp_path_factory.mktemp("runs"))
    hub_runs.make(folder, "web", ("CC-MAIN-2023-23", "CC-MAIN-2023-40"), units=2)
    hub_runs.make(folder, "algebraicstack", ("c", "coq", "lean"), units=1, count=60)
    hub_runs.make(folder, "toy", ("a",), units=1, count=10)
    return folder


@pytest.fixture(scope="module")
def tree(runs):
    """The staging folder of a dry run."""
    return push(runs, "ada/my-set", dry_run=True).staging


@pytest.fixture(scope="module")
def card(tree):
    """Its card."""
    return Path(tree, "README.md").read_text()


def cells(card, first):
    """Cells of the first table row whose first cell is ``first``."""
    return [one.strip() for one in re.search(rf"^\| {re.escape(first)} \|(.*)\|$", card, re.M)[1].split("|")]


def test_composition_is_that_of_the_run(runs, card):
    """Documents, characters, tokens and Proof-Pile-2's figures of a subset, of a language, and of all."""
    rows = list(proofpile2.open(Path(runs, "web")))
    row = cells(card, "`open-web-math`")
    assert row[0] == f"{len(rows):,}"
    assert row[2] == f"{sum(len(one['text']) for one in rows):,}"
    assert row[3] == f"{sum(one['tokens'] for one in rows):,}"
    assert row[5] == "6.3 M documents, 14.7 B tokens"
    code = list(proofpile2.open(Path(runs, "algebraicstack")))
    row = cells(card, "lean")
    assert row[0] == str(sum(one["subset"] == "lean" for one in code))
    assert row[5] == "285.6 M tokens"
    assert cells(card, "**together**")[0] == str(len(rows) + len(code) + 10)
    assert cells(card, "`toy`")[-1] == "–"


def test_funnel_licences_days_and_tools(runs, card):
    """What a step dropped and why; licences counted; first and last day; model with its hash."""
    assert "| final | lines | 82 | 80 | 97.6 % | blank 2 |" in card
    mit = sum(one["license"] == "mit" for one in proofpile2.open(Path(runs, "web")))
    assert f"| `open-web-math` | mit | {mit} |" in card
    days = sorted(one["created"][:10] for one in proofpile2.open(Path(runs, "web")))
    assert f"{days[0]} to {days[-1]}" in card
    assert "| `origin: model` | `0123456789abcdef0123456789abcdef` | origin |" in card
    assert '| split | by = `"id"`, test = `0.1`, validation = `0.1` |' in card


def test_metadata_is_what_datasets_reads(tree, card):
    """YAML that parses; each configuration and split has files, no file is in two splits, rows are counted."""
    yaml = pytest.importorskip("yaml")
    front = yaml.safe_load(card.split("---")[1])
    names = [one["config_name"] for one in front["configs"]]
    assert names == [
        "algebraic-stack",
        *(f"algebraic-stack-{one}" for one in ("c", "coq", "lean")),
        "open-web-math",
        "toy",
    ]
    examples = {
        one["config_name"]: {s["name"]: s["num_examples"] for s in one["splits"]} for one in front["dataset_info"]
    }
    for one in front["configs"]:
        taken: list[str] = []
        for item in one["data_files"]:
            found = [path for path in Path(tree).glob(item["path"]) if path.is_file()]
            assert found
            rows = sum(proofpile2.dataset.shards.open_parquet(str(path)).metadata.num_rows for path in found)
            assert rows == examples[one["config_name"]][item["split"]]
            taken += map(str, found)
        assert len(set(taken)) == len(taken)
    assert sum(examples["open-web-math"].values()) == 80


def test_the_page_is_well_formed(card, tmp_path_factory):
    """Every row of a table has as many cells as its head, code fences close, no path of this machine is told."""
    widths: list[int] = []
    for line in card.split("---", 2)[2].splitlines():
        if not line.startswith("|"):
            widths = []
            continue
        widths.append(len(re.findall(r"(?<!\\)\|", line)))
        assert widths[0] == widths[-1], line
    assert card.count("```") % 2 == 0
    assert str(tmp_path_factory.getbasetemp()) not in card
    assert not re.search(r"\bNone\b|\{|nan\b", re.sub(r"```bibtex.*?```", "", card, flags=re.S))


def trail(**settings):
    """How a run of the shipped web pipeline with these settings would be recorded, without running it."""
    try:
        plan = pipeline.load("web", settings=settings)
    except ConfigError as error:
        pytest.skip(str(error))
    ones = [Manifest("web", one.name, one.fingerprint, one.recipe, {}, 0, 0, 0, {}, 0, {}) for one in plan.passes]
    return facts.Trail("web", tuple(ones), tuple(plan.units))


def test_the_command_makes_the_run_again():
    """The sample needs no --input; changed settings come as --set, and give the fingerprint of the run back."""
    assert facts.command(trail())[0] == "proofpile2 run web"
    changed = {"dedup.threshold": 0.8, "language.languages": ["en", "de"], "source.max_page_bytes": 1_000_000}
    made = trail(**changed)
    words = shlex.split(facts.command(made)[0])
    assert words[:5] == ["proofpile2", "run", "web", "--input", *made.inputs]
    given = [word for word in words[5:] if word != "--set"]
    again = trail(**{key: pipeline_value(value) for key, _, value in (one.partition("=") for one in given)})
    assert again.manifests[-1].fingerprint == made.manifests[-1].fingerprint
    assert len(given) == len(changed)


def pipeline_value(text):
    """A value as the command line reads it."""
    from proofpile2.config import parse_value

    return parse_value(text)


def test_many_inputs_are_named_in_a_file():
    """The command of a crawl names the list that travels along, not ten thousand files."""
    from dataclasses import replace

    made = replace(trail(**{"dedup.threshold": 0.8}), inputs=tuple(f"{n}.warc.gz" for n in range(10_000)))
    line, note = facts.command(made)
    assert "--input INPUTS" in line
    assert "10,000 names in `inputs.txt`" in note
