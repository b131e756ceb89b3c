"""Dedup: which of the documents go, and that it depends on nothing else than the documents."""

from __future__ import annotations

import pickle
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofpile2 import shards
from proofpile2.deduplication import clusters
from proofpile2.deduplication.clusters import agreement, candidates, cluster, components, pivoted, sketch
from proofpile2.deduplication.minhash import band_keys, shingles, signatures
from proofpile2.errors import ConfigError, MissingFile
from proofpile2.schema import document_id
from proofpile2.stages.dedup import Dedup, Fate

SCHEMA = pa.schema([("id", pa.string()), ("text", pa.large_string())])
Fates = dict[str, tuple[str | None, int | None]]


def run(
    folder: Path, rows: Sequence[tuple[str, str | None]], parts: int = 1, **given: object
) -> tuple[Fates, dict[str, int]]:
    """Fate of each id, and the counts of all tasks; rows go round robin to the parts."""
    paths = []
    for part in range(parts):
        own = rows[part::parts]
        path = str(folder / f"in-{part}.parquet")
        columns = {"id": [key for key, _ in own], "text": [text for _, text in own]}
        shards.write_parquet(path, SCHEMA, [pa.RecordBatch.from_pydict(columns, SCHEMA)])
        paths.append(path)
    whole, work, counts = Dedup(**given), str(folder / "work"), {}  # type: ignore[arg-type]
    keys = []
    for phase in whole.phases(paths, work):
        for task in phase:
            keys.append(task.key)
            for name, n in pickle.loads(pickle.dumps(task))().items():
                counts[name] = counts.get(name, 0) + n
    assert len(set(keys)) == len(keys)
    fates: Fates = {}
    for part, path in enumerate(paths):
        apply = whole.step(work, part).load()
        for batch in shards.open_parquet(path).iter_batches(7):
            after = apply(batch)
            assert after.schema.names == ["id", "text", "duplicates", "drop"]
            assert after.schema.field("duplicates").type == pa.int32()
            for row in after.to_pylist():
                fates[row["id"]] = (row["drop"], row["duplicates"])
    return fates, counts


def corpus(size: int = 300, seed: int = 0) -> list[tuple[str, str]]:
    """Documents of 0 to 200 words, a third of them with exact copies and copies with some words changed."""
    rng = random.Random(seed)
    texts = []
    for _ in range(size):
        base = [f"w{rng.randrange(3000)}" for _ in range(rng.choice([0, 1, 3, 5, 30, 120, 200]))]
        texts.append(" ".join(base))
        while base and rng.random() < 0.3:
            changed = list(base)
            for _ in range(rng.choice([0, 1, 3, 6])):
                changed[rng.randrange(len(base))] = "changed"
            texts.append(" ".join(changed))
    rng.shuffle(texts)
    return [(document_id("test", str(n)), text) for n, text in enumerate(texts)]


def test_exactly_one_document_of_a_cluster_stays(tmp_path: Path) -> None:
    """Exact copies and edited ones go in favour of the longest, and the reasons and counts say so."""
    base = " ".join(f"word{n}" for n in range(300))
    edited = base.replace("word150", "other")
    rows = [
        ("c", base),
        ("b", edited + " and more"),
        ("a", base),
        ("d", "something else altogether, of six words"),
        ("e", base),
    ]
    fates, counts = run(tmp_path, rows, parts=2)
    assert fates == {
        "a": ("near_duplicate:b", 0),
        "b": (None, 3),
        "c": ("near_duplicate:b", 0),
        "d": (None, 0),
        "e": ("near_duplicate:b", 0),
    }
    assert counts["documents"] == 5
    assert counts["near_duplicates"] == 3


def test_exact_copies_go_in_favour_of_the_least_id(tmp_path: Path) -> None:
    """Equal bytes, also of texts without words: the least id stays, whatever the part it is in."""
    rows = [("z", "$$"), ("m", "short"), ("k", "short"), ("x", "$$"), ("n", "short"), ("y", None), ("w", None)]
    fates, counts = run(tmp_path, rows, parts=3)
    assert fates["k"] == (None, 2)
    assert fates["m"] == fates["n"] == ("exact_duplicate:k", 0)
    assert fates["x"] == (None, 1)
    assert fates["z"] == ("exact_duplicate:x", 0)
    assert fates["y"] == fates["w"] == (None, 0), "no text is no duplicate"
    assert counts["exact_duplicates"] == 3
    assert counts["not_compared"] == 4


def test_without_exact(tmp_path: Path) -> None:
    """``exact=False`` leaves equal texts to their signatures."""
    fates, _ = run(tmp_path, [("a", "some words here"), ("b", "some words here"), ("c", "$"), ("d", "$")], exact=False)
    assert fates == {"a": (None, 1), "b": ("near_duplicate:a", 0), "c": (None, 0), "d": (None, 0)}


def test_nothing_but_the_documents_decides(tmp_path: Path) -> None:
    """Order of rows, number of parts and buckets change no fate; and every reason names a document that stays."""
    rows = corpus(200)
    first, counts = run(tmp_path / "a", rows, parts=1)
    kept = {key for key, (reason, _) in first.items() if reason is None}
    assert 30 < len(rows) - len(kept) < len(rows) // 2
    assert all(reason.partition(":")[2] in kept for reason, _ in first.values() if reason)
    assert sum(n or 0 for _, n in first.values()) == len(rows) - len(kept)
    assert counts["exact_duplicates"] + counts["near_duplicates"] == len(rows) - len(kept)
    assert run(tmp_path / "b", rows[::-1], parts=4, buckets=5)[0] == first
    shuffled = random.Random(1).sample(rows, len(rows))
    assert run(tmp_path / "c", shuffled, parts=3, buckets=16)[0] == first


def test_work_may_be_on_another_file_system(tmp_path: Path) -> None:
    """The phases run as well with their files on an fsspec file system other than the local one."""
    rows = corpus(60)
    expected, _ = run(tmp_path, rows, parts=2)
    paths, work = [str(tmp_path / f"in-{part}.parquet") for part in range(2)], "memory://test-dedup/work"
    for phase in Dedup(buckets=3).phases(paths, work):
        for task in phase:
            task()
    for part, path in enumerate(paths):
        after = Dedup().step(work, part).load()(shards.open_parquet(path).read().combine_chunks().to_batches()[0])
        assert {row["id"]: (row["drop"], row["duplicates"]) for row in after.to_pylist()}.items() <= expected.items()


def test_tasks_give_the_same_bytes_again(tmp_path: Path) -> None:
    """A task that is run twice, or in another order within its phase, leaves the same files."""
    rows = corpus(80)
    run(tmp_path, rows, parts=3, buckets=2)
    files = {path: path.read_bytes() for path in sorted((tmp_path / "work").rglob("*")) if path.is_file()}
    paths = [str(tmp_path / f"in-{part}.parquet") for part in range(3)]
    for phase in Dedup(buckets=2).phases(paths, str(tmp_path / "work")):
        for task in reversed(phase):
            task()
    assert {path: path.read_bytes() for path in files} == files


def test_candidates_equal_datasketch_lsh() -> None:
    """Pairs that share a band are those that datasketch's MinHashLSH finds with the same signatures."""
    from datasketch import MinHash, MinHashLSH

    rows = corpus(250, seed=3)
    signed = signatures(pa.array([text for _, text in rows], pa.large_string()))
    lsh = MinHashLSH(threshold=0.7, num_perm=128)
    assert Dedup().uses() == {"scheme": "affine32", "bands": f"{lsh.b}x{lsh.r}"}
    wanted = [n for n, (_, text) in enumerate(rows) if shingles(text)]
    sketches = {n: MinHash(num_perm=128, hashvalues=signed[n], scheme="affine32") for n in wanted}
    for n in wanted:
        lsh.insert(n, sketches[n])
    expected = {(n, other) for n in wanted for other in lsh.query(sketches[n]) if n < other}
    keys = band_keys(signed[wanted], lsh.b, lsh.r)
    documents = np.repeat(wanted, lsh.b)
    found = {
        (int(a), int(b))
        for left, right in candidates(keys.ravel())
        for a, b in zip(documents[left], documents[right], strict=True)
    }
    assert len(expected) > 50
    assert {(min(pair), max(pair)) for pair in found} == expected


def test_large_groups_are_compared_with_pivots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A group past the limit of pairwise comparison ends in the same fates."""
    base = [f"w{n}" for n in range(200)]
    rows = [(f"{n:03}", " ".join([*base[: n % 5], "x", *base[n % 5 :], str(n)])) for n in range(60)]
    fates, counts = run(tmp_path / "a", rows, parts=2)
    assert sum(reason is None for reason, _ in fates.values()) == 1
    assert counts["compared_pairs"] > 500
    monkeypatch.setattr(clusters, "ALL_PAIRS", 4)
    again, counts = run(tmp_path / "b", rows, parts=2)
    assert again == fates
    assert counts["compared_pairs"] < 100


def test_pivots_compare_each_group_by_itself() -> None:
    """Documents that resemble a pivot leave with it; the others are compared with the next."""
    keys = np.repeat(np.array([7, 9], np.uint64), 40)
    kind = np.arange(80) % 3
    sketches = np.random.default_rng(0).integers(0, 256, (3, 64), dtype=np.uint8)[kind]
    lengths = np.arange(80)
    pairs = [
        pair
        for left, right in pivoted(keys, lambda places: (sketches[places], lengths[places]), 0.5)
        for pair in zip(left.tolist(), right.tolist(), strict=True)
    ]
    assert len(pairs) == 80 - 2 * 3
    assert all(keys[a] == keys[b] and kind[a] == kind[b] for a, b in pairs)
    assert {a for a, _ in pairs} == {37, 38, 39, 77, 78, 79}, "the longest of each kind"


def test_a_chain_does_not_remove_what_is_unlike_the_kept(tmp_path: Path) -> None:
    """Texts that slide word by word link all in one chain; those far from the kept one keep one of their own."""
    base = [f"w{n}" for n in range(600)]
    rows = [(f"{n:03}", " ".join(base[15 * n : 15 * n + 150])) for n in range(30)]
    fates, _ = run(tmp_path, rows)
    text = dict(rows)
    kept = [key for key, (reason, _) in fates.items() if reason is None]
    assert 2 <= len(kept) <= 15
    for key, (reason, _) in fates.items():
        if reason:
            a, b = shingles(text[key]), shingles(text[reason.partition(":")[2]])
            assert len(a & b) / len(a | b) > 0.35, "the floor is 0.5 of an estimate whose standard error is 0.044"


def test_sketches_estimate_as_signatures_do() -> None:
    """The low bytes, corrected for chance, are within a hundredth of what whole signatures say, on average."""
    rng = np.random.default_rng(0)
    left = rng.integers(0, 1 << 32, (400, 128), dtype=np.uint32)
    right = np.where(
        rng.random((400, 128)) < rng.random((400, 1)), left, rng.integers(0, 1 << 32, (400, 128), dtype=np.uint32)
    )
    difference = agreement(sketch(left), sketch(right)) - (left == right).mean(axis=1)
    assert abs(difference.mean()) < 0.002
    assert np.abs(difference).max() < 0.03


EDGES = st.integers(1, 30).flatmap(
    lambda n: st.tuples(st.just(n), st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=40))
)


def naive(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """Least node of each node's component, by walking."""
    around: dict[int, set[int]] = {n: {n} for n in range(count)}
    for a, b in edges:
        around[a].add(b)
        around[b].add(a)
    result = []
    for n in range(count):
        seen, waiting = {n}, [n]
        while waiting:
            more = around[waiting.pop()] - seen
            seen |= more
            waiting += more
        result.append(min(seen))
    return result


@settings(max_examples=100, deadline=None)
@given(EDGES)
def test_components_equal_a_walk(graph: tuple[int, list[tuple[int, int]]]) -> None:
    """Law: the vectorised union-find names the least node of each component."""
    count, edges = graph
    left, right = np.array(edges, np.int64).reshape(-1, 2).T
    assert components(count, left, right).tolist() == naive(count, edges)


@settings(max_examples=100, deadline=None)
@given(EDGES, st.integers(0, 99))
def test_clusters_keep_one_each(graph: tuple[int, list[tuple[int, int]]], seed: int) -> None:
    """Laws: what is kept stands for itself; the removed agree with the kept; of two that are linked at most one is
    kept; without a floor clusters are the components."""
    count, edges = graph
    left, right = np.array(edges, np.int64).reshape(-1, 2).T
    score = np.random.default_rng(seed).random((count, count))
    score = np.maximum(score, score.T)
    score[left, right] = score[right, left] = 0.9
    keeper = cluster(count, left, right, lambda a, b: score[a, b], 0.5)
    assert (keeper[keeper] == keeper).all()
    removed = np.flatnonzero(keeper != np.arange(count))
    assert (keeper[removed] < removed).all(), "the best is kept"
    assert (score[removed, keeper[removed]] >= 0.5).all()
    assert all(a == b or keeper[a] != a or keeper[b] != b for a, b in edges)
    assert cluster(count, left, right, lambda a, b: score[a, b], 0.0).tolist() == naive(count, edges)


def test_missing_decisions_are_an_error(tmp_path: Path) -> None:
    """Neither a missing decision nor a missing file of an earlier phase passes for 'no duplicates'."""
    with pytest.raises(MissingFile, match="decisions on duplicates expected"):
        Fate(str(tmp_path / "work"), 0).load()
    rows = corpus(20)
    run(tmp_path, rows, parts=2)
    phases = list(
        Dedup().phases([str(tmp_path / "in-0.parquet"), str(tmp_path / "in-1.parquet")], str(tmp_path / "work"))
    )
    for kind, phase in (("digests", 1), ("bands", 2), ("exact", 2), ("sketches", 2), ("near", 3), ("lengths", 3)):
        (tmp_path / "work" / kind / "00000").rename(tmp_path / "away")
        with pytest.raises(MissingFile, match="expected of an earlier phase"):
            phases[phase][0]()
        (tmp_path / "away").rename(tmp_path / "work" / kind / "00000")


def test_empty_parts(tmp_path: Path) -> None:
    """Parts without rows, and no duplicates at all, leave decisions that say so."""
    fates, counts = run(tmp_path, [("a", "only one document here")], parts=3)
    assert fates == {"a": (None, 0)}
    assert counts["clusters"] == 0
    assert run(tmp_path / "none", [], parts=1)[0] == {}


def test_ids_that_stand_twice_in_a_part_are_kept(tmp_path: Path) -> None:
    """Rows are told apart by id alone, so a repeated id must not take both rows away."""
    fates, counts = run(tmp_path, [("a", "the same text"), ("a", "the same text"), ("b", "the same text")])
    assert fates == {"a": (None, 1), "b": ("exact_duplicate:a", 0)}
    assert counts["ids_not_unique"] == 2


@pytest.mark.parametrize(
    "given", [{"threshold": 0.0}, {"threshold": 1.5}, {"num_perm": 1}, {"ngram": 0}, {"buckets": -1}]
)
def test_settings_out_of_range(given: dict[str, object]) -> None:
    """Settings that make no sense are refused with what is allowed."""
    with pytest.raises(ConfigError, match="dedup: "):
        Dedup(**given)  # type: ignore[arg-type]


def test_licence_heads_are_skipped_where_asked(tmp_path):
    """Two files under one long licence are no copies; one file under two licences is."""
    head = "".join(f"# Copyright (C) 20{n:02} somebody, licence line {n} of many words to share\n" for n in range(260))
    body = "".join(f"value_{n} = compute_{n}(alpha, beta, gamma) + offset_{n}\n" for n in range(30))
    other = "".join(f"def thing_{n}(x):\n    return x ** {n} - {n}\n" for n in range(30))
    texts = [head + body, head + other, "# Copyright 1999 another, all rights reserved\n" + body]
    rows = [(document_id("toy", str(n)), text) for n, text in enumerate(texts)]
    gone = {
        skip: [n for n, (key, _) in enumerate(rows) if run(tmp_path / str(skip), rows, skip_heads=skip)[0][key][0]]
        for skip in (False, True)
    }
    assert gone[False] in ([0], [1])
    assert gone[True] in ([0], [2])


def test_subsets_of_which_only_exact_copies_go(tmp_path):
    """A near copy within such a subset stays, an exact one goes; near copies of other subsets go as ever."""
    text = "goal : n + m = m + n step : rewrite the left hand side with the lemma about sums " * 5
    schema = pa.schema([*SCHEMA, pa.field("subset", pa.string())])
    rows = [
        {"id": f"{subset}{n}", "text": f"{subset} {text}{end}", "subset": subset}
        for subset in ("coq", "web")
        for n, end in enumerate(("", "", "!a b c"))
    ]
    path, work = str(tmp_path / "in.parquet"), str(tmp_path / "work")
    shards.write_parquet(path, schema, [pa.RecordBatch.from_pylist(rows, schema)])
    whole = Dedup(exact_only=("coq",))
    for phase in whole.phases([path], work):
        for task in phase:
            task()
    found = whole.step(work, 0).load()(pa.RecordBatch.from_pylist(rows, schema)).to_pylist()
    dropped = {row["id"]: row["drop"] for row in found}
    assert [dropped[f"coq{n}"] for n in range(3)] == [None, "exact_duplicate:coq0", None]
    assert sum(dropped[f"web{n}"] is None for n in range(3)) == 1
