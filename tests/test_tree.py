"""Folders, and inputs of all kinds told apart."""

from __future__ import annotations

import io
import os
import tarfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from proofpile2.errors import ConfigError
from proofpile2.sources.code import Code
from proofpile2.sources.code_files import clean_path, language_of
from proofpile2.sources.tree import Tree


def rows_of(source):
    notes = []
    return [
        row for unit in source.units() for batch in source.read(unit, notes.append) for row in batch.to_pylist()
    ], notes


@pytest.fixture
def folder(tmp_path):
    top = tmp_path / "mylib"
    for name in ("Mylib/Basic.lean", "Mylib/Deep/More.lean", "test/t.py", "top.lean", "notes.txt", ".git/hook.py"):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(f"-- {name}\n")
    (tmp_path / "secret.lean").write_text("-- secret\n")
    os.symlink(tmp_path / "secret.lean", top / "linked.lean")
    os.symlink(tmp_path, top / "around")
    return top


def test_a_folder(folder):
    """Files of our languages, each once, by folder; links, hidden folders and other files are left out."""
    source = Tree((str(folder),))
    assert set(source.units()) == {"mylib/.", "mylib/Mylib", "mylib/test"}
    rows, notes = rows_of(source)
    assert [row["locator"] for row in rows] == [
        "mylib:top.lean", "mylib:Mylib/Basic.lean", "mylib:Mylib/Deep/More.lean", "mylib:test/t.py",
    ]  # fmt: skip
    assert {row["origin"] for row in rows} == {"mylib"}
    assert rows[0]["text"] == "-- top.lean\n"
    assert notes == []


def test_a_file_that_went_is_noted(folder):
    """A file that can't be opened any more is noted; the others come."""
    source = Tree((str(folder),), ("lean",))
    source.units()
    (folder / "Mylib" / "Basic.lean").unlink()
    rows, notes = rows_of(source)
    assert len(rows) == 2
    assert "Basic.lean" in notes[0]


def test_wrong_folders(tmp_path):
    """A folder without code, or that is none, is an error that says so."""
    with pytest.raises(ConfigError, match="no file of our languages"):
        Tree((str(tmp_path),)).units()
    with pytest.raises(ConfigError, match="is no folder"):
        Tree((str(tmp_path / "none"),)).units()


def test_inputs_told_apart(tmp_path, folder):
    """One list of a folder, an archive, and The Stack's files; each file has the id that its own source gives it."""
    with tarfile.open(tmp_path / "p.tar.gz", "w:gz") as archive:
        entry = tarfile.TarInfo("a.agda")
        entry.size = 3
        archive.addfile(entry, io.BytesIO(b"-- "))
    (tmp_path / "stack" / "data" / "lean").mkdir(parents=True)
    pq.write_table(pa.table({"content": ["-- x"]}), tmp_path / "stack" / "data" / "lean" / "train.parquet")
    source = Code((str(folder), str(tmp_path / "p.tar.gz"), str(tmp_path / "stack")))
    assert {unit.split(":")[0] for unit in source.units()} == {"tree", "archives", "stack"}
    rows, _ = rows_of(source)
    assert len(rows) == 6
    assert {row["id"] for row in rows} >= {row["id"] for row in rows_of(Tree((str(folder),)))[0]}
    with pytest.raises(ConfigError, match="expected a folder, traces of a prover, or a file"):
        Code((str(folder / "notes.txt"),)).units()
    with pytest.raises(ConfigError, match="no language 'leen'; did you mean 'lean'"):
        Code((str(folder),), ("leen",)).units()


@pytest.mark.parametrize(
    ("path", "language"),
    [
        ("a/b.V", "coq"), ("x.lagda.tex", "agda"), ("x.tex", "tex"), ("x.R", "r"), ("n.ipynb", "jupyter"), ("x.h", "c"),
        ("Makefile", None), ("v", None), ("a.v/readme", None), ("x.f90", "fortran"), ("x.thy", "isabelle"),
    ],
)  # fmt: skip
def test_language_by_ending(path, language):
    """The longest ending of the file's own name counts, in capitals or not."""
    assert language_of(path) == language


def test_clean_path():
    """No path leads out."""
    assert clean_path("../.././/etc\\..\\x.v") == "etc/x.v"
