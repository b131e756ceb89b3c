"""Running a plan: determinism, resume, adoption of parts, manifests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import toys

from proofpile2 import dataset, inspection, shards
from proofpile2.executors import LocalProcesses, Serial
from proofpile2.run import run
from proofpile2.stages.split import Split

TEXTS = ("a=one|two|three", "b=four||five", "c=six")


def tree(folder: Path) -> dict[str, bytes]:
    """Every file under ``folder``."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_tree_is_as_documented(tmp_path):
    """Users and tests rely on these names."""
    plan = toys.plan(TEXTS, toys.Length(least=4), Split())
    outcome = run(plan, str(tmp_path), Serial())
    folder = plan.passes[0].folder
    parts = [f"part-0000{n}-of-00003{end}" for n in range(3) for end in (".dropped.parquet", ".json", ".parquet")]
    expected = ["toy/latest.json", *(f"toy/{folder}/{name}" for name in [*parts, "manifest.json", "statistics.json"])]
    assert sorted(tree(tmp_path)) == sorted(expected)
    assert (outcome.manifests[0].rows_in, outcome.manifests[0].rows_out) == (7, 3)
    assert inspection.verify(str(tmp_path)) == []


def test_any_number_of_workers_and_any_order_of_inputs_gives_the_same_bytes(tmp_path):
    """Whole trees are compared, manifests included."""
    trees = []
    for n, texts in ((0, TEXTS), (1, TEXTS), (2, TEXTS[::-1]), (3, TEXTS)):
        out = tmp_path / str(n)
        run(toys.plan(texts, toys.Length(least=4), Split()), str(out), LocalProcesses(n) if n else Serial())
        trees.append(tree(out))
    assert trees[0] == trees[1] == trees[2] == trees[3]


def test_running_again_does_nothing_and_changed_settings_go_elsewhere(tmp_path):
    """A finished run is not touched; another setting gets another directory."""
    run(toys.plan(TEXTS, toys.Length(least=4)), str(tmp_path), Serial())
    before = {name: os.stat(tmp_path / name).st_mtime_ns for name in tree(tmp_path) if "part" in name}
    run(toys.plan(TEXTS, toys.Length(least=4)), str(tmp_path), Serial())
    assert before == {name: os.stat(tmp_path / name).st_mtime_ns for name in before}
    run(toys.plan(TEXTS, toys.Length(least=5)), str(tmp_path), Serial())
    assert len([name for name in os.listdir(tmp_path / "toy") if name.startswith("final-")]) == 2
    assert [row["text"] for row in dataset.open(str(tmp_path))] == ["three"]
    assert len(inspection.superseded(str(tmp_path))) == 1


def test_a_missing_part_is_made_again(tmp_path):
    """Receipts decide what is pending."""
    plan = toys.plan(TEXTS, toys.Length())
    run(plan, str(tmp_path), Serial())
    whole = tree(tmp_path)
    folder = tmp_path / "toy" / plan.passes[0].folder
    for name in ("manifest.json", "part-00001-of-00003.json", "part-00001-of-00003.parquet"):
        (folder / name).unlink()
    (folder / "part-00001-of-00003.parquet.12345678.tmp").write_bytes(b"half")
    run(plan, str(tmp_path), Serial())
    assert tree(tmp_path) == whole


def test_new_inputs_only_add_work(tmp_path):
    """Parts of the same recipe and units are taken over from the earlier run, under their new names."""
    run(toys.plan(TEXTS, toys.Trouble()), str(tmp_path), Serial())
    marks = {path.read_bytes() for path in tmp_path.rglob("part-*-of-00003.parquet")}
    more = toys.plan((*TEXTS, "bb=raise"), toys.Trouble())
    run(more, str(tmp_path), Serial())
    run(more, str(tmp_path / "fresh"), Serial())
    assert tree(tmp_path / "toy" / more.passes[0].folder) == tree(tmp_path / "fresh" / "toy" / more.passes[0].folder)
    assert marks <= {path.read_bytes() for path in tmp_path.rglob("part-*-of-00004.parquet")}


def test_a_failed_part_stops_later_passes_and_is_tried_again(tmp_path):
    """No manifest is written; what is done stays done; the reason is in a file beside the part."""
    bad = "b=" + "|".join(["raise"] * 9)
    outcome = run(toys.plan(("a=one", bad), toys.Trouble()), str(tmp_path), Serial())
    assert [failure.key for failure in outcome.failures] == ["part-00001-of-00002"]
    assert outcome.manifests == ()
    names = sorted(Path(name).name for name in tree(tmp_path))
    assert "manifest.json" not in names
    assert "part-00000-of-00002.json" in names
    assert "part-00001-of-00002.error.txt" in names
    again = run(toys.plan(("a=one", bad), toys.Trouble()), str(tmp_path), Serial(), error_budget=1.0)
    assert again.failures == ()
    assert inspection.verify(str(tmp_path)) == []


def test_killed_in_the_middle_then_run_again_gives_the_same_bytes(tmp_path):
    """``kill -9`` of the run while a part hangs; the rerun finishes with the bytes of an undisturbed run."""
    program = tmp_path / "program.py"
    program.write_text(
        "import sys; sys.path[:0] = " + repr([str(Path(__file__).parent), str(Path(__file__).parents[1])]) + "\n"
        "import toys\nfrom proofpile2.run import run\nfrom proofpile2.executors import LocalProcesses\n"
        "if __name__ == '__main__':\n"
        "    run(toys.plan(('a=one', 'b=two', 'c=hang'), toys.Trouble()), sys.argv[1], LocalProcesses(1))\n"
    )
    out = tmp_path / "out"
    process = subprocess.Popen([sys.executable, str(program), str(out)])
    deadline = time.monotonic() + 60
    while len(list(out.rglob("part-*.json"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    plan = toys.plan(("a=one", "b=two", "c=hang"), toys.Trouble())
    assert len(list(out.rglob("part-*.json"))) == 2
    run(plan, str(out), LocalProcesses(1, timeout=4.0))
    run(plan, str(tmp_path / "calm"), LocalProcesses(1, timeout=4.0))
    assert tree(out) == tree(tmp_path / "calm")


def test_a_run_on_an_object_store(tmp_path):
    """``--out`` is any fsspec URL; the bytes are those of a run on disk."""
    plan = toys.plan(TEXTS, toys.Length())
    run(plan, "memory://bucket/out", Serial())
    run(plan, str(tmp_path), Serial())
    for name, data in tree(tmp_path).items():
        assert shards.read_bytes(f"memory://bucket/out/{name}") == data
    assert inspection.verify("memory://bucket/out") == []
