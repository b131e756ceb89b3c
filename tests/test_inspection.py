"""verify, explain, status and clean, on runs that were tampered with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import toys

from proofpile2 import inspection
from proofpile2.errors import MissingFile
from proofpile2.executors import Serial
from proofpile2.run import run
from proofpile2.schema import document_id
from proofpile2.shards import open_parquet, write_parquet

TEXTS = ("a=one|two|three", "b=four||damaged")


@pytest.fixture
def finished(tmp_path):
    """The folder of a finished pass; two documents were dropped as short, one as blank."""
    plan = toys.plan(TEXTS, toys.Length(least=4))
    run(plan, str(tmp_path), Serial())
    return Path(plan.folder(str(tmp_path), plan.passes[0]))


def edit(path: Path, change) -> None:
    """Rewrite a JSON file."""
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


def test_a_whole_run_has_no_problems(finished):
    """Any of the folders may be named."""
    for folder in (finished, finished.parent, finished.parent.parent):
        assert inspection.verify(str(folder)) == []


def cut(folder: Path) -> None:
    path = folder / "part-00000-of-00002.parquet"
    path.write_bytes(path.read_bytes()[:-1])


def lose(folder: Path) -> None:
    (folder / "part-00001-of-00002.dropped.parquet").unlink()


def lose_receipt(folder: Path) -> None:
    (folder / "part-00001-of-00002.json").unlink()


def change_counts(folder: Path) -> None:
    edit(folder / "part-00000-of-00002.json", lambda value: value.update(rows_out=2))


def add_file(folder: Path) -> None:
    (folder / "part-00002-of-00002.parquet").write_bytes(b"")


def replace_rows(folder: Path) -> None:
    path = str(folder / "part-00000-of-00002.parquet")
    with open_parquet(path) as parquet:
        table = parquet.read()
    write_parquet(path, table.schema, table.slice(0, 0).to_batches())


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (cut, "bytes, digest"),
        (lose, "missing"),
        (lose_receipt, "missing"),
        (change_counts, "do not add up"),
        (add_file, "belongs to no receipt"),
        (replace_rows, "as written"),
    ],
)
def test_damage_is_found(finished, damage, message):
    """Each kind of damage gives a line that names the file."""
    damage(finished)
    problems = inspection.verify(str(finished))
    assert any(message in problem for problem in problems), problems


def test_a_folder_without_a_run_is_an_error(tmp_path):
    """The message says what was expected."""
    with pytest.raises(MissingFile, match=r"latest\.json"):
        inspection.verify(str(tmp_path))


@pytest.mark.parametrize(
    ("place", "reason"),
    [("a:0", "short:3"), ("b:1", "blank"), ("a:2", None)],
    ids=["by a step", "by the source", "kept"],
)
def test_explain_tells_the_fate_by_id_and_by_url(finished, place, reason):
    """A dropped document has its step and full reason, a kept one neither."""
    for key in (document_id("toy", place), f"https://{place.replace(':', '.')}.example/"):
        (fate,) = inspection.explain(str(finished), key)
        assert (fate.name, fate.reason) == ("final", reason)
    assert inspection.explain(str(finished), "https://never.example/") == []


def test_status_counts_parts_documents_and_tells_notes(finished, tmp_path):
    """Before, in the middle and after."""
    plan = toys.plan(TEXTS, toys.Length(least=4))
    (state,) = inspection.status(plan, str(tmp_path))
    assert (state.parts_done, state.parts, state.done, state.documents) == (2, 2, True, 3)
    assert state.notes == ("part-00001-of-00002: b: damaged at byte 7",)
    (state,) = inspection.status(plan, str(tmp_path / "elsewhere"))
    assert (state.parts_done, state.parts, state.done) == (0, 2, False)


def test_superseded_names_old_passes_and_left_files(finished, tmp_path):
    """What latest.json names stays."""
    assert inspection.superseded(str(tmp_path)) == []
    run(toys.plan(TEXTS, toys.Length(least=5)), str(tmp_path), Serial())
    assert inspection.superseded(str(tmp_path)) == [str(finished)]
