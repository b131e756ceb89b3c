"""How subsets are laid out: each document in one file, splits and languages apart, always the same bytes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import hub_runs
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import proofpile2
from proofpile2 import inspection, shards
from proofpile2.errors import MissingFile, NotWhole
from proofpile2.publish import layout
from proofpile2.publish.export import export

LANGUAGES = ("c", "coq", "lean", "lean-proofsteps")


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr("os.fsync", lambda _: None)


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """A web run and a code run."""
    folder = str(tmp_path_factory.mktemp("out"))
    hub_runs.make(folder, "web", ("CC-MAIN-2023-23", "CC-MAIN-2023-40"))
    hub_runs.make(folder, "algebraicstack", LANGUAGES, units=2, count=60)
    return folder


def laid_out(out, tree, subset="algebraic-stack", **settings):
    """The layout of a subset and the folder it was written to."""
    one = layout.plan(subset, layout.discover(out)[subset], **settings)
    return one, export(one, str(tree))


def test_each_document_is_in_one_file_that_its_language_and_split_name(out, tmp_path):
    """The published rows are those of the run; file names tell language and split: lean is not lean-proofsteps."""
    one, folder = laid_out(out, tmp_path, shard_bytes=2_000)
    assert len(one.shards) > 2 * len(LANGUAGES)
    found = []
    for shard in one.shards:
        rows = pq.read_table(Path(folder, f"{shard.key}.parquet")).to_pylist()
        assert rows
        assert {(row["subset"], row["split"]) for row in rows} == {(shard.language, shard.split)}
        assert shard.key.startswith(f"{shard.language}-{shard.split}-0")
        found += rows
    original = proofpile2.open(Path(out, "algebraicstack")).table().to_pylist()
    assert sorted(found, key=lambda row: row["id"]) == sorted(original, key=lambda row: row["id"])


def test_a_published_subset_is_read_and_verified_like_a_run(out, tmp_path):
    """open() and verify() take the folder of a subset; the manifests of the run travel along."""
    _, folder = laid_out(out, tmp_path, "open-web-math")
    home = tmp_path / "open-web-math"
    assert inspection.verify(str(home)) == []
    assert len(proofpile2.open(home)) == 120
    assert json.loads((home / "latest.json").read_text()) == {"published": folder.rsplit("/", 1)[1]}
    assert (home / "manifests/web/1-final.json").read_bytes() == next(
        Path(out, "web").glob("final-*/manifest.json")
    ).read_bytes()
    assert (home / "manifests/web/inputs.txt").read_text() == "web0\nweb1\nweb2\n"


def test_the_same_run_gives_the_same_bytes(out, tmp_path):
    """Twice from nothing, and once more over an interrupted export: files are equal byte for byte."""
    _, first = laid_out(out, tmp_path / "a")
    _, second = laid_out(out, tmp_path / "b")
    names = sorted(path.name for path in Path(first).iterdir())
    Path(second, "manifest.json").unlink()
    Path(second, names[0]).unlink()
    Path(second, names[1]).write_bytes(b"half")
    Path(second, names[1].replace(".parquet", ".json")).unlink(missing_ok=True)
    _, second = laid_out(out, tmp_path / "b")
    assert first.rsplit("/", 1)[1] == second.rsplit("/", 1)[1]
    assert {name: Path(first, name).read_bytes() for name in names} == {
        path.name: path.read_bytes() for path in Path(second).iterdir()
    }


def test_text_and_meta(out, tmp_path):
    """The published set's two columns: meta is JSON with every other column that is not null."""
    one, folder = laid_out(out, tmp_path, "open-web-math", text_meta=True)
    table = pq.read_table(Path(folder, f"{one.shards[0].key}.parquet"))
    assert table.schema.names == ["text", "meta"]
    original = {row["id"]: row for row in proofpile2.open(Path(out, "web"))}
    for row in table.to_pylist():
        meta = json.loads(row["meta"])
        theirs = {key: value for key, value in original[meta["id"]].items() if value is not None}
        assert {**meta, "text": row["text"]} == theirs


def test_receipts_count_what_the_card_tells(out, tmp_path):
    """Bytes, tokens, licences, crawls and days of a shard are those of its rows."""
    one, folder = laid_out(out, tmp_path, "open-web-math")
    for shard in one.shards:
        rows = pq.read_table(Path(folder, f"{shard.key}.parquet")).to_pylist()
        counts = json.loads(Path(folder, f"{shard.key}.json").read_text())["counts"]
        assert counts["text_bytes"] == sum(len(row["text"].encode()) for row in rows)
        assert counts["tokens"] == sum(row["tokens"] for row in rows)
        assert counts.get("license=", 0) == sum(row["license"] is None for row in rows)
        assert counts.get("license=mit", 0) == sum(row["license"] == "mit" for row in rows)
        assert counts["first_day"] == min(int(row["created"][:10].replace("-", "")) for row in rows)
        assert counts["last_day"] == max(int(row["created"][:10].replace("-", "")) for row in rows)


def test_languages_of_separate_runs_come_together(tmp_path):
    """A folder for each language, with columns of their own: one subset, null where a run has no such column."""
    for language in ("coq", "lean"):
        hub_runs.make(str(tmp_path / "out/algebraicstack"), "algebraicstack", (language,), units=1, extra=language)
        shards.remove(str(tmp_path / f"out/algebraicstack/{language}"))
        (tmp_path / "out/algebraicstack/algebraicstack").rename(tmp_path / f"out/algebraicstack/{language}")
    runs = layout.discover(str(tmp_path / "out"))["algebraic-stack"]
    assert [run.label for run in runs] == ["algebraicstack-coq", "algebraicstack-lean"]
    part = next(Path(runs[0].folders[-1]).glob("part-00000-of-00001.parquet"))
    pq.write_table(pq.read_table(part).append_column("goals", pa.array([3] * 40, pa.int32())), part)
    one = layout.plan("algebraic-stack", runs)
    folder = export(one, str(tmp_path / "tree"))
    goals = {shard.language: set() for shard in one.shards}
    for shard in one.shards:
        goals[shard.language] |= set(pq.read_table(Path(folder, f"{shard.key}.parquet"))["goals"].to_pylist())
    assert goals == {"coq": {3}, "lean": {None}}


def test_a_damaged_run_is_not_published(tmp_path):
    """A flipped bit and a document without a split are each refused, and named."""
    hub_runs.make(str(tmp_path), "web", ("x",), units=2)
    runs = layout.discover(str(tmp_path))["open-web-math"]
    layout.check(runs)
    part = next(Path(runs[0].folders[-1]).glob("part-00001-of-00002.parquet"))
    good = part.read_bytes()
    part.write_bytes(good[:100] + bytes([good[100] ^ 1]) + good[101:])
    with pytest.raises(NotWhole, match=r"of-00002\.parquet: \d+ bytes"):
        layout.check(runs)
    part.write_bytes(good)
    table = pq.read_table(part)
    pq.write_table(table.set_column(table.schema.names.index("split"), "split", pa.nulls(40, pa.string())), part)
    with pytest.raises(NotWhole, match="without a split"):
        layout.plan("open-web-math", runs)


def test_nothing_lost_when_a_manifest_lies(out, tmp_path):
    """Rows that are not what the manifest counts end the export, not the data."""
    runs = layout.discover(out)["open-web-math"]
    last = replace(runs[0].manifests[-1], rows_out=121)
    one = layout.plan("open-web-math", [replace(runs[0], manifests=(last,))])
    with pytest.raises(NotWhole, match="120 documents laid out, of 121"):
        export(one, str(tmp_path))


def test_what_can_be_published(out, tmp_path):
    """Folders without a run, and names of subsets that are not there, say what is."""
    with pytest.raises(MissingFile, match="no finished run"):
        layout.discover(str(tmp_path))
    with pytest.raises(MissingFile, match=r"no finished run of arxiv; there are: algebraic-stack, open-web-math"):
        layout.discover(out, ["arxiv"])
    assert list(layout.discover(out, ["web"])) == ["open-web-math"]
    assert list(layout.discover(str(Path(out, "web")))) == ["open-web-math"]


@settings(max_examples=50)
@given(st.lists(st.tuples(st.text(max_size=3), st.floats(0, 50)), max_size=30), st.floats(1, 100))
def test_packing_keeps_order_and_bounds(pieces, limit):
    """Law: shards together are the pieces in order; a shard passes the limit only if it is a single piece."""
    groups = layout._packed(pieces, limit)
    assert [path for group in groups for path in group] == [path for path, _ in pieces]
    sizes = iter(size for _, size in pieces)
    for group in groups:
        assert sum(next(sizes) for _ in group) <= limit * (1 + 1e-9) or len(group) == 1
