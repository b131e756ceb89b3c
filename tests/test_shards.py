"""Files: atomic writes and canonical Parquet."""

from __future__ import annotations

import os

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofpile2 import shards
from proofpile2.errors import NotWhole

SCHEMA = pa.schema([("id", pa.int64()), ("text", pa.large_string())])


def rows(count: int, sizes: list[int]) -> list[pa.RecordBatch]:
    """``count`` rows cut into batches of the given sizes, taken round and round."""
    table = pa.table({"id": range(count), "text": [None if n % 7 == 3 else f"text {n * n}" for n in range(count)]})
    batches, start, turn = [], 0, 0
    while start < count:
        size = sizes[turn % len(sizes)]
        batches += table.slice(start, size).cast(SCHEMA).to_batches()
        start, turn = start + size, turn + 1
    return batches


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 3500), st.lists(st.integers(1, 2100), min_size=1, max_size=4))
def test_the_same_rows_give_the_same_bytes_however_batched(count, sizes):
    """Parquet bytes do not depend on how rows came in; row groups have ROW_GROUP rows, the last one the rest."""
    one = shards.write_parquet("memory://shards/one.parquet", SCHEMA, rows(count, [max(1, count)]))
    other = shards.write_parquet("memory://shards/other.parquet", SCHEMA, rows(count, sizes))
    assert one == other == shards.FileFacts(other.bytes, other.digest, count)
    with shards.open_parquet("memory://shards/other.parquet") as parquet:
        assert parquet.metadata.num_row_groups == -(-count // shards.ROW_GROUP)
        assert parquet.read().equals(pa.Table.from_batches(rows(count, [count or 1]), SCHEMA))


def test_facts_are_those_of_the_file(tmp_path):
    """What the writer counted while writing is what the file is."""
    path = str(tmp_path / "deep" / "er" / "a.parquet")
    written = shards.write_parquet(path, SCHEMA, rows(10, [3]))
    found = shards.facts(path)
    assert (found.bytes, found.digest) == (written.bytes, written.digest)
    assert found.bytes == os.path.getsize(path)


def test_a_write_that_fails_leaves_nothing(tmp_path):
    """Neither a half file nor a temporary one remains, and what stood there before still does."""
    path = tmp_path / "a"
    shards.write_bytes(str(path), b"before")

    def fail() -> None:
        with shards.atomic(str(path)) as out:
            out.write(b"half")
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    assert os.listdir(tmp_path) == ["a"]
    assert path.read_bytes() == b"before"


def test_sweep_removes_what_interrupted_writers_left(tmp_path):
    """Only temporary files go."""
    for name in ("a.parquet", "a.parquet.1234abcd.tmp"):
        (tmp_path / name).write_bytes(b"x")
    shards.sweep(str(tmp_path))
    assert os.listdir(tmp_path) == ["a.parquet"]


def test_what_is_no_parquet_is_an_error_of_ours(tmp_path):
    """The message names the file."""
    (tmp_path / "a.parquet").write_bytes(b"not at all")
    with pytest.raises(NotWhole, match=r"a\.parquet"):
        shards.open_parquet(str(tmp_path / "a.parquet"))


def test_a_missing_folder_is_an_empty_one(tmp_path):
    """Listing what is not there gives nothing; removing it does nothing."""
    assert shards.listdir(str(tmp_path / "none")) == []
    shards.remove(str(tmp_path / "none"))
    assert not shards.exists(str(tmp_path / "none"))
