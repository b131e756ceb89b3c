"""The web pipeline from end to end on the sample crawl: every page meets the fate that a person gave it."""

from __future__ import annotations

import re
from collections import defaultdict
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import pytest
import sample_expected

from proofpile2 import dataset, funnel, inspection, pipeline, shards
from proofpile2.executors import LocalProcesses, Serial
from proofpile2.run import run

EXPECTED = sample_expected.load()
STEP_OF = {"warc": "not_html"}
OFF = [] if find_spec("kenlm") else ["perplexity"]  # steps that do nothing where their library has no wheel


@pytest.fixture(scope="module")
def out(tmp_path_factory) -> str:
    """Where the sample was run, with two workers."""
    folder = str(tmp_path_factory.mktemp("web"))
    outcome = run(pipeline.load("web"), folder, LocalProcesses(2))
    assert outcome.failures == ()
    return folder


@pytest.fixture(scope="module")
def kept(out) -> dict[str, dict]:
    """The final documents by address."""
    return {row["url"]: row for row in dataset.open(out)}


@pytest.fixture(scope="module")
def fates(out, kept) -> dict[str, str]:
    """Address -> ``keep`` or the step that dropped it, where that was recorded."""
    found = dict.fromkeys(kept, "keep")
    for folder in dataset.find(out):
        for name in shards.listdir(folder):
            if name.endswith(".dropped.parquet"):
                with shards.open_parquet(shards.join(folder, name)) as parquet:
                    found |= {row["url"]: STEP_OF.get(row["step"], row["step"]) for row in parquet.read().to_pylist()}
    return found


def test_every_page_meets_its_fate(fates):
    """Pages without a trace are those that are no documents, or that the prefilter dropped without recording them."""
    wrong = {}
    for url, page in EXPECTED.items():
        fate = fates.get(url, "not_html" if page.expect == "not_html" else "prefilter")
        if not page.accepts(fate) and page.expect not in OFF:
            wrong[url] = (page.expect, fate)
    assert wrong == {}


def test_exactly_one_of_each_cluster_is_kept(kept):
    """Of pages that are copies of each other."""
    clusters = defaultdict(list)
    for url, page in EXPECTED.items():
        if page.cluster:
            clusters[page.cluster].append(url in kept)
    assert {name: sum(found) for name, found in clusters.items()} == dict.fromkeys(clusters, 1)


def words(text: str) -> str:
    """Letters and digits only."""
    return " ".join(re.findall(r"\w+", text.lower()))


def test_kept_pages_say_what_they_should_and_not_what_they_should_not(kept):
    """Sentences are all there; of the strings of navigation at most 3 in 100 leak."""
    lost, leaked, asked = [], [], 0
    for url, row in kept.items():
        text = words(row["text"])
        lost += [(url, sentence) for sentence in EXPECTED[url].must_contain if words(sentence) not in text]
        asked += len(EXPECTED[url].must_not_contain)
        leaked += [(url, string) for string in EXPECTED[url].must_not_contain if words(string) in text]
    assert lost == []
    assert len(leaked) <= 0.03 * asked, leaked


def squeeze(tex: str) -> str:
    """A formula without white space, and without a full stop or comma at its end."""
    return re.sub(r"\s+|\\[,;:!]", "", tex).rstrip(".,;")


def test_formulas_of_kept_pages_are_in_the_text(kept):
    """As written, on the pages that carry TeX; white space aside."""
    lost = []
    total = 0
    for url, row in kept.items():
        page, text = EXPECTED[url], squeeze(row["text"])
        if not page.lossy and "mathml" not in page.markup and "asciimath" not in page.markup:
            total += len(page.formulas)
            lost += [(url, page.markup, formula.tex) for formula in page.formulas if squeeze(formula.tex) not in text]
    assert total > 600
    assert len(lost) <= 0.02 * total, lost


def test_the_run_is_whole_and_its_funnel_adds_up(out):
    """verify finds nothing; each step reads what the one before kept; every step has something to drop."""
    assert inspection.verify(out) == []
    rows = funnel.rows(inspection.manifests(out))
    assert all(after.documents_in == before.kept for before, after in pairwise(rows))
    assert [row.step for row in rows if not row.reasons] == [*OFF, "split"]
    assert not any(reason.startswith("error") for row in rows for reason in row.reasons)


def test_one_worker_gives_the_same_bytes(out, tmp_path):
    """Whole trees are equal."""
    run(pipeline.load("web"), str(tmp_path), Serial())
    trees = [
        {str(path.relative_to(root)): path.read_bytes() for path in Path(root).rglob("*") if path.is_file()}
        for root in (out, str(tmp_path))
    ]
    assert trees[0] == trees[1]
