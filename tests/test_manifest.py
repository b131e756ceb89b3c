"""Receipts, manifests and fingerprints."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofpile2 import manifest, shards
from proofpile2.errors import NotWhole
from proofpile2.manifest import Receipt
from proofpile2.shards import FileFacts

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_a_fingerprint_does_not_depend_on_the_order_of_keys(value):
    """Equal mappings give equal fingerprints, in whatever order their keys were written."""
    turned = dict(reversed(list(value.items())))
    assert manifest.fingerprint(value) == manifest.fingerprint(turned)


def test_a_fingerprint_is_pinned():
    """The scheme does not move between versions: directories made yesterday are found today."""
    assert manifest.fingerprint({"b": [1, 2.5, None], "a": "é"}) == "3276393bf8a5a8df0e5ddcb8f78302ef"


@dataclass(frozen=True)
class Settings:
    threshold: float
    names: tuple[str, ...]


def test_a_dataclass_is_its_fields():
    """A step's settings enter by name and value."""
    assert manifest.canonical(Settings(0.5, ("a",))) == '{"names":["a"],"threshold":0.5}'


@pytest.mark.parametrize("value", [math.nan, math.inf, {1, 2}, b"x", len, object(), {1: 2}, Settings])
def test_unstable_values_are_refused(value):
    """What has no stable written form can't decide where data is found."""
    with pytest.raises(TypeError):
        manifest.fingerprint({"value": value})


def test_a_receipt_comes_back_as_it_was(tmp_path):
    """Write and read are inverse, and writing twice gives the same bytes."""
    receipt = Receipt(
        "part-0", "f" * 32, ("a", "b"), 5, 3, 40, {"s": {"short": 2}}, ("n",), {"p": FileFacts(1, "d", 3)}
    )
    path = str(tmp_path / "r.json")
    manifest.write(path, receipt)
    first = shards.read_bytes(path)
    assert manifest.read(path, Receipt) == receipt
    manifest.write(path, manifest.read(path, Receipt))
    assert shards.read_bytes(path) == first


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"key": "a"}', b"\xff\xfe"])
def test_a_damaged_receipt_says_so(tmp_path, data):
    """A receipt that was cut or edited is an error that names the file."""
    path = tmp_path / "r.json"
    path.write_bytes(data)
    with pytest.raises(NotWhole, match=r"r\.json"):
        manifest.read(str(path), Receipt)


def test_errors_of_a_receipt_are_those_nobody_expected():
    """Only ``error:`` reasons count against the budget."""
    assert Receipt("", "", dropped={"a": {"short": 9, "error:ValueError": 2}, "b": {"error:timeout": 1}}).errors() == 3
