"""Worker processes that die, hang and raise."""

from __future__ import annotations

from dataclasses import replace

import pytest
import toys

from proofpile2 import manifest, shards
from proofpile2.executors import Failure, LocalProcesses, Serial
from proofpile2.manifest import Receipt
from proofpile2.run import part_tasks


def tasks(folder: str, texts: tuple[str, ...], *steps: object) -> list:
    """A part for each unit."""
    plan = toys.plan(texts, *steps)
    return part_tasks(plan, plan.passes[0], None, folder)


def results(executor: object, work: list) -> dict[str, object]:
    """Key -> None or the failure's message."""
    found = executor.map(work, lambda *doing: None)
    return {one.key if isinstance(one, Failure) else one: getattr(one, "message", None) for one in found}


def receipt(folder: str, n: int, of: int) -> Receipt:
    """Receipt of part ``n``."""
    return manifest.read(shards.join(folder, f"part-{n:05d}-of-{of:05d}.json"), Receipt)


@pytest.mark.parametrize("executor", [Serial(), LocalProcesses(1), LocalProcesses(3)])
def test_any_executor_does_all_parts_with_equal_bytes(tmp_path, executor):
    """Receipts hold digests of the files, so equal receipts mean equal files."""
    texts = ("a=one|two", "b=three", "c=four|five|six")
    assert set(results(executor, tasks(str(tmp_path / "x"), texts, toys.Length())).values()) == {None}
    results(Serial(), tasks(str(tmp_path / "y"), texts, toys.Length()))
    for n in range(3):
        assert receipt(str(tmp_path / "x"), n, 3) == receipt(str(tmp_path / "y"), n, 3)


def test_a_document_that_kills_its_worker_is_found_and_dropped(tmp_path):
    """The part is tried again until the document at fault stands alone; all others are kept, other parts untouched."""
    texts = ("a=one|two|die|four|five", "b=three")
    done = results(LocalProcesses(2), tasks(str(tmp_path), texts, toys.Trouble()))
    assert set(done.values()) == {None}
    first = receipt(str(tmp_path), 0, 2)
    assert first.dropped == {"trouble": {"error:worker_died": 1}}
    assert (first.rows_in, first.rows_out) == (5, 4)


def test_a_document_that_hangs_is_found_and_dropped(tmp_path):
    """A worker without a sign of life is replaced after the time-out."""
    texts = ("a=one|hang|three",)
    assert results(LocalProcesses(1, timeout=2.0), tasks(str(tmp_path), texts, toys.Trouble())) == {
        "part-00000-of-00001": None
    }
    assert receipt(str(tmp_path), 0, 1).dropped == {"trouble": {"error:timeout": 1}}


def test_a_worker_that_dies_for_another_reason_costs_nothing(tmp_path):
    """Killed once from outside (out of memory, say), the second try keeps every document."""
    work = tasks(str(tmp_path / "out"), ("a=one|die once|three",), toys.Trouble(str(tmp_path)))
    assert results(LocalProcesses(1), work) == {"part-00000-of-00001": None}
    assert receipt(str(tmp_path / "out"), 0, 1).rows_out == 3


def test_a_part_past_its_budget_fails_and_the_others_go_on(tmp_path):
    """The failure tells the document's error; the other part is done."""
    texts = ("a=" + "|".join(["raise"] * 9), "b=three")
    done = results(LocalProcesses(2), tasks(str(tmp_path), texts, toys.Trouble()))
    assert "9 of 9 documents ended in an error" in done["part-00000-of-00002"]
    assert done["part-00001-of-00002"] is None


def test_an_unexpected_exception_is_a_failure_with_its_traceback(tmp_path):
    """The message is one line; the traceback is kept for the bug report."""
    work = replace(tasks(str(tmp_path), ("a=one",))[0], units=("not there",))
    found = list(Serial().map([work], lambda *doing: None))
    assert found[0].message == "part-00000-of-00001: RuntimeError: generator raised StopIteration"
    assert "Traceback" in found[0].detail
