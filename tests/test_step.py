"""The runner of a part: rows dropped, counted, isolated."""

from __future__ import annotations

from dataclasses import replace

import pytest
import toys

from proofpile2 import manifest, shards
from proofpile2.errors import PartFailed
from proofpile2.manifest import Receipt
from proofpile2.run import part_tasks
from proofpile2.step import PartTask, isolate


def task(folder: str, texts: tuple[str, ...], *steps: object, **settings: object) -> PartTask:
    """The only part of a toy plan."""
    plan = toys.plan(texts, *steps, units_per_part=len(texts))
    return replace(part_tasks(plan, plan.passes[0], None, folder)[0], **settings)


def read(folder: str, ending: str) -> list[dict]:
    """Rows of the one file with that ending."""
    name = next(
        name for name in shards.listdir(folder) if name.endswith(ending) and ".dropped" not in name.removesuffix(ending)
    )
    with shards.open_parquet(shards.join(folder, name)) as parquet:
        return parquet.read().to_pylist()


def test_kept_and_dropped_add_up_and_are_on_disk(tmp_path):
    """Each row is in one of the two files, the dropped ones with step and full reason, and the receipt counts both."""
    folder = str(tmp_path)
    receipt = task(folder, ("a=one|three|fourteen||x", "b=seventeen"), toys.Length(least=4))()
    assert (receipt.rows_in, receipt.rows_out, receipt.characters) == (6, 3, 5 + 8 + 9)
    assert receipt.dropped == {"lines": {"blank": 1}, "length": {"short": 2}}
    assert [row["text"] for row in read(folder, ".parquet")] == ["three", "fourteen", "seventeen"]
    gone = [(row["step"], row["reason"]) for row in read(folder, ".dropped.parquet")]
    assert gone == [("lines", "blank"), ("length", "short:3"), ("length", "short:1")]
    assert manifest.read(str(tmp_path / "part-00000-of-00001.json"), Receipt) == receipt


def test_private_columns_never_reach_the_disk(tmp_path):
    """Columns whose names start with an underscore live inside a part only."""
    task(str(tmp_path), ("a=one",), toys.Length())()
    assert "_payload" not in read(str(tmp_path), ".parquet")[0]


def test_notes_of_a_source_are_in_the_receipt(tmp_path):
    """Damage that was stepped over is told with its unit."""
    assert task(str(tmp_path), ("a=damaged|b",))().notes == ("a: damaged at byte 7",)


def test_a_document_that_raises_is_dropped_alone(tmp_path):
    """The others of its batch are kept, in order; type, message and id are told."""
    receipt = task(str(tmp_path), ("a=one|raise|two|three",), toys.Trouble(), toys.Length())()
    assert receipt.dropped == {"trouble": {"error:ZeroDivisionError": 1}}
    assert [row["text"] for row in read(str(tmp_path), ".parquet")] == ["one", "two", "three"]
    assert "ZeroDivisionError: as asked" in receipt.notes[0]


@pytest.mark.parametrize(
    ("budget", "errors", "fails"), [(0.0, 1, True), (0.001, 5, False), (0.001, 6, True), (0.5, 6, False)]
)
def test_the_error_budget(tmp_path, budget, errors, fails):
    """Up to five errors pass unless the budget is 0; more than its share of the documents fails the part."""
    texts = "a=" + "|".join(["raise"] * errors + ["fine"] * 20)
    one = task(str(tmp_path), (texts,), toys.Trouble(), error_budget=budget)
    if fails:
        with pytest.raises(PartFailed, match=f"{errors} of .*ZeroDivisionError"):
            one()
        assert shards.listdir(str(tmp_path)) == []
    else:
        assert one().errors() == errors


def test_mark_keeps_every_row_with_its_reason(tmp_path):
    """Nothing is dropped; the reason stands in the column ``drop``."""
    import pyarrow as pa

    one = task(str(tmp_path), ("a=one||fourteen",), toys.Length(least=4))
    one = replace(one, mark=True, schema=one.schema.append(pa.field("drop", pa.string())))
    receipt = one()
    assert (receipt.rows_in, receipt.rows_out, receipt.dropped) == (3, 3, {})
    assert receipt.counts == {"length.short": 1, "lines.blank": 1}
    assert {row["text"]: row["drop"] for row in read(str(tmp_path), ".parquet")} == {
        "fourteen": None, "": "blank", "one": "short:3",
    }  # fmt: skip


def test_the_text_of_dropped_rows_is_kept_on_demand(tmp_path):
    """``keep_dropped_text`` adds a column to the dropped file."""
    task(str(tmp_path), ("a=one|three",), toys.Length(least=4), keep_dropped_text=True)()
    assert [row["text"] for row in read(str(tmp_path), ".dropped.parquet")] == ["one"]


def test_an_undeclared_reason_is_a_bug_that_is_said(tmp_path):
    """A step may only give reasons that it declares, so a funnel never shows a surprise."""

    class Undeclared(toys.Length):
        reasons = ()

    with pytest.raises(PartFailed, match="undeclared reason 'short:3'"):
        task(str(tmp_path), ("a=one",), Undeclared(least=4))()


def test_a_step_that_changes_rows_is_an_error_not_wrong_data(tmp_path):
    """Rows returned in another order are caught."""

    class Turned(toys.Length):
        def load(self):
            return lambda batch: batch.take([1, 0]) if batch.num_rows == 2 else super(Turned, self).load()(batch)

    receipt = task(str(tmp_path), ("a=one|two",), Turned())()
    assert receipt.rows_out == 2  # halved, each alone is right


def test_isolate_goes_to_single_documents_and_then_without_the_one(tmp_path):
    """After a death the documents at hand go one by one; after a death over one, it is dropped with the reason."""
    one = task(str(tmp_path), ("a=one|two|three",), toys.Length())
    ids = [row["id"] for row in one.source.read("a", print).__next__().to_pylist()]
    first = isolate(one, "length", ids, "error:worker_died")
    assert first.single == frozenset(ids)
    seen: list[tuple[str, tuple[str, ...]]] = []
    first(lambda step, unit, at: seen.append((step, tuple(at))))
    assert [at for step, at in seen if step == "length"] == [(key,) for key in ids]
    second = isolate(first, "length", ids[1:2], "error:worker_died")
    assert second().dropped == {"length": {"error:worker_died": 1}}
    assert [row["text"] for row in read(str(tmp_path), ".parquet")] == ["one", "three"]
