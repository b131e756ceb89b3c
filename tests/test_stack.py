"""The Stack's layouts."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from proofpile2.errors import ConfigError
from proofpile2.sources.stack import Stack


def read(*paths, **settings):
    source, notes = Stack(tuple(map(str, paths)), **settings), []
    rows = [row for unit in source.units() for batch in source.read(unit, notes.append) for row in batch.to_pylist()]
    return rows, notes


def test_version_one(tmp_path):
    """Repository, path, revision and licences of version 1 become origin, locator, revision, URL and licence."""
    row = {
        "content": "x : N", "max_stars_repo_name": "o/p", "max_stars_repo_path": "src/A.agda", "lang": "Agda",
        "max_stars_repo_head_hexsha": "abc", "max_stars_repo_licenses": ["MIT", "BSD-3-Clause"], "hexsha": "b10b",
    }  # fmt: skip
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "a.parquet")
    (got,), _ = read(tmp_path / "a.parquet")
    assert got["locator"] == "o/p@abc:src/A.agda"
    assert (got["origin"], got["revision"], got["license"], got["subset"]) == ("o/p", "abc", "MIT,BSD-3-Clause", "agda")
    assert got["url"] == "https://github.com/o/p/blob/abc/src/A.agda"
    assert got["text"] == "x : N"


def test_version_two(tmp_path):
    """Rows with ids only go with a reason; content, where it is there, counts; ``files`` of a repository are rows."""
    rows = [
        {
            "blob_id": "b1",
            "repo_name": "o/p",
            "path": "/A.lean",
            "revision_id": "r1",
            "language": "Lean",
            "content": None,
        },
        {
            "blob_id": "b2",
            "repo_name": "o/p",
            "path": "/B.lean",
            "revision_id": "r1",
            "language": "Lean",
            "content": "-- B",
        },
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    got, _ = read(tmp_path / "a.parquet")
    assert [(row["locator"], row["drop"]) for row in got] == [
        ("o/p@r1:A.lean", "no_content"), ("o/p@r1:B.lean", None),
    ]  # fmt: skip
    nested = [
        {"repo_name": "o/q", "revision_id": "r2", "files": [{"path": "C.jl", "content": "x = 1", "language": "Julia"}]}
    ]
    pq.write_table(pa.Table.from_pylist(nested), tmp_path / "b.parquet")
    (row,), _ = read(tmp_path / "b.parquet")
    assert (row["locator"], row["subset"], row["text"]) == ("o/q@r2:C.jl", "julia", "x = 1")


def test_languages_by_row_folder_and_ending(tmp_path):
    """The row says the language, else the folder, else the ending; files of other folders are never opened."""
    for name, table in (
        ("jupyter-notebook/train-0.parquet", {"content": ["{}"]}),
        ("c++/train-0.parquet", {"content": ["int x;"]}),
        (
            "mixed/x.parquet",
            {"content": ["x", "y", "z"], "path": ["a.lean", "b.thy", "c.png"], "lang": [None, "Isabelle", None]},
        ),
    ):
        (tmp_path / "data" / name).parent.mkdir(parents=True)
        pq.write_table(pa.table(table), tmp_path / "data" / name)
    rows, notes = read(tmp_path)
    assert [row["subset"] for row in rows] == ["cpp", "jupyter", "lean", "isabelle"]
    assert notes == ["1 files of other languages"]
    assert list(Stack((str(tmp_path),), ("jupyter", "lean")).units()) == [
        "data/jupyter-notebook/train-0.parquet", "data/mixed/x.parquet",
    ]  # fmt: skip


def test_rows_without_names(tmp_path):
    """Where nothing says where a row comes from, its place in the file does, so ids are unique."""
    (tmp_path / "lean").mkdir()
    pq.write_table(pa.table({"content": ["-- a", "-- b", ""]}), tmp_path / "lean" / "x.parquet")
    rows, _ = read(tmp_path / "lean" / "x.parquet")
    assert [row["locator"] for row in rows] == ["x.parquet:0", "x.parquet:1", "x.parquet:2"]
    assert [row["text"] for row in rows] == ["-- a", "-- b", ""]


def test_not_the_stack(tmp_path):
    """A file without content says which columns it has."""
    pq.write_table(pa.table({"x": [1]}), tmp_path / "a.parquet")
    with pytest.raises(ConfigError, match="found: x"):
        read(tmp_path / "a.parquet")


def test_the_shared_files(shared):
    """Of real files of The Stack's schema every row comes, with its language; files in other encodings are decoded."""
    folder = shared / "code"
    if not folder.is_dir():
        pytest.skip("no files of code beside the repository")
    rows, _ = read(folder / "fortran.parquet", folder / "jupyter-notebook.parquet")
    assert Counter(row["subset"] for row in rows) == {"fortran": 311, "jupyter": 233}
    assert len({row["id"] for row in rows}) == len(rows)
    assert sum(row["drop"] is not None for row in rows) == 0


def test_files_elsewhere():
    """Files of any fsspec place are read, and languages seen by their folders."""
    import fsspec

    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"content": ["-- a"]}), sink)
    with fsspec.open("memory://stack/data/lean/train-0.parquet", "wb") as out:
        out.write(sink.getvalue().to_pybytes())
    (row,), _ = read("memory://stack")
    assert (row["subset"], row["text"]) == ("lean", "-- a")
