"""Splits and lengths."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofpile2.schema import document_id, split_of
from proofpile2.stages.split import Split


def batch(origins: list[str | None]) -> pa.RecordBatch:
    """Documents of these origins."""
    ids = [document_id("toy", str(n)) for n in range(len(origins))]
    texts = pa.array(["é" * n for n in range(len(origins))], pa.large_string())
    return pa.RecordBatch.from_pydict({"id": ids, "origin": pa.array(origins, pa.string()), "text": texts})


def test_shares_are_as_asked():
    """Over 20,000 ids each share is met within a quarter of a percent."""
    splits = Split(0.05, 0.02).load()(batch([None] * 20_000)).column("split").to_pylist()
    assert abs(splits.count("validation") / 20_000 - 0.05) < 0.005
    assert abs(splits.count("test") / 20_000 - 0.02) < 0.003


def test_by_origin_a_repository_stands_on_one_side():
    """All documents of an origin have one split; one without an origin goes by its id."""
    found = Split(0.3, 0.3, "origin").load()(batch(["a", "b", "c", "d"] * 50 + [None] * 100))
    splits = found.column("split").to_pylist()
    assert all(len(set(splits[n:200:4])) == 1 for n in range(4))
    assert len(set(splits[200:])) == 3


def test_characters_are_counted_as_characters():
    """Not as bytes."""
    assert Split().load()(batch([None] * 4)).column("characters").to_pylist() == [0, 1, 2, 3]


@given(st.text(min_size=1), st.floats(0, 0.5), st.floats(0, 0.5))
def test_a_larger_share_never_takes_a_document_out_of_test(key, validation, test):
    """Growing the test share only moves documents into it."""
    if split_of(key, validation, test) == "test":
        assert split_of(key, validation, min(1.0, test * 1.5)) == "test"


@pytest.mark.parametrize("settings", [{"test": -0.1}, {"test": 0.9, "validation": 0.2}, {"by": "url"}])
def test_settings_out_of_range_are_refused(settings):
    """With a message that says what was found."""
    with pytest.raises(ValueError, match="found"):
        Split(**settings)
