"""Documents from Parquet and JSON lines."""

from __future__ import annotations

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from proofpile2.errors import ConfigError, InputError
from proofpile2.schema import document_id
from proofpile2.sources.table import Table

LINES = [{"text": "one", "url": "https://a.example/"}, {"text": "two", "id": "mine", "formulas": 3}, {"text": None}]


def rows(source: Table) -> list[dict]:
    """All rows of all units."""
    return [row for unit in source.units() for batch in source.read(unit, print) for row in batch.to_pylist()]


@pytest.mark.parametrize("name", ["d.jsonl", "d.jsonl.gz", "d.jsonl.zst"])
def test_json_lines_plain_and_compressed(tmp_path, name):
    """Ids are kept or made from the file's name and the place; broken lines and missing text have a reason."""
    data = "\n".join([json.dumps(line) for line in LINES] + ["{broken", "[1]"]).encode()
    packed = gzip.compress(data) if name.endswith("gz") else zstandard.compress(data) if name.endswith("zst") else data
    (tmp_path / name).write_bytes(packed)
    found = rows(Table((str(tmp_path / name),)))
    assert [(row["text"], row["drop"]) for row in found] == [
        ("one", None), ("two", None), (None, "no_text"), (None, "broken_json"), (None, "broken_json"),
    ]  # fmt: skip
    assert [row["id"] for row in found[:2]] == [document_id("local", f"{name}:0"), "mine"]
    assert found[0]["url"] == "https://a.example/"


def test_parquet_keeps_its_other_columns(tmp_path):
    """Their types are told to the plan."""
    table = pa.table({"content": ["one", "two"], "stars": pa.array([1, 2], pa.int16()), "_private": [1, 2]})
    pq.write_table(table, tmp_path / "d.parquet")
    source = Table((str(tmp_path / "d.parquet"),), text="content")
    assert source.adds == {"stars": pa.int16()}
    assert [(row["text"], row["stars"]) for row in rows(source)] == [("one", 1), ("two", 2)]


def test_a_missing_text_column_names_those_found(tmp_path):
    """And the option that mends it."""
    pq.write_table(pa.table({"content": ["one"]}), tmp_path / "d.parquet")
    with pytest.raises(ConfigError, match=r"no column 'text' \(found: content\)"):
        _ = Table((str(tmp_path / "d.parquet"),)).adds


def test_a_cut_gzip_file_is_an_input_error(tmp_path):
    """Not a traceback; the rows before the cut have been given."""
    data = gzip.compress(("\n".join(json.dumps({"text": f"line {n}"}) for n in range(5000))).encode())
    (tmp_path / "d.jsonl.gz").write_bytes(data[: len(data) // 2])
    source = Table((str(tmp_path / "d.jsonl.gz"),))
    seen: list[int] = []
    with pytest.raises(InputError, match="can't be read"):
        seen.extend(batch.num_rows for batch in source.read("d.jsonl.gz", print))
    assert sum(seen) > 100


def test_half_of_a_surrogate_pair_in_json_is_replaced(tmp_path):
    """JSON can hold it, Arrow can't; the row stays."""
    (tmp_path / "d.jsonl").write_text('{"text": "a\\ud800b"}\n')
    assert [row["text"] for row in rows(Table((str(tmp_path / "d.jsonl"),)))] == ["a?b"]
