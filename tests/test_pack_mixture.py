"""Weights, epochs, budget, and the order of a run."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofpile2.packing.mixture import Order, Share, shares
from proofpile2.packing.permutation import Permutation

WEIGHTS = {"arxiv": 2.0, "web": 4.0, "code": 1.0, "general-code": 0.221053, "general-text": 0.147368}


@given(st.integers(1, 3000), st.text(max_size=5))
@settings(max_examples=50, deadline=None)
def test_permutation_is_one(size, seed):
    """Law: every number of the range comes out once, whatever the size; asked one at a time the same comes out."""
    found = Permutation(size, seed)(np.arange(size))
    assert sorted(found.tolist()) == list(range(size))
    assert int(Permutation(size, seed)(size - 1)) == found[-1]


def test_permutation_mixes():
    """Neighbours are as far apart as in a random order (a third of the range on average), and seeds differ."""
    found = Permutation(100_000, "a")(np.arange(100_000))
    assert abs(np.abs(np.diff(found)).mean() / 100_000 - 1 / 3) < 0.01
    assert abs(np.corrcoef(np.arange(100_000), found)[0, 1]) < 0.02
    assert (found != Permutation(100_000, "b")(np.arange(100_000))).mean() > 0.999


def test_epochs_are_those_of_llemma():
    """With the paper's token counts and 200 B tokens: 95 % Proof-Pile-2, 3 % and 2 % general; the web is read about 7
    times, arXiv about 1.9 times, code about 2.5 times."""
    tokens = {"arxiv": 29e9, "web": 15e9, "code": 11e9, "general-code": 59e9, "general-text": 300e9}
    counts = {name: int(value) for name, value in tokens.items()}
    made = shares(WEIGHTS, counts, {name: n // 4096 for name, n in counts.items()}, 200_000_000_000, 4096)
    total = sum(one.count for one in made)
    assert total == -(-200_000_000_000 // 4096)
    found = {one.name: one for one in made}
    assert sum(found[name].count for name in ("arxiv", "web", "code")) / total == pytest.approx(0.95, abs=1e-4)
    assert found["general-code"].count / total == pytest.approx(0.03, abs=1e-4)
    assert found["web"].epochs == pytest.approx(7.24, abs=0.01)
    assert found["arxiv"].epochs == pytest.approx(1.87, abs=0.01)
    assert found["code"].epochs == pytest.approx(2.47, abs=0.01)


def test_a_component_without_sequences_leaves_its_share_to_the_others():
    """An empty training split is no error and draws nothing; counts still add up to the budget."""
    made = shares({"a": 1.0, "b": 3.0, "c": 1.0}, {"a": 0, "b": 10, "c": 10}, {"a": 0, "b": 3, "c": 5}, 100, 10)
    assert [one.count for one in made] == [0, 8, 2] or [one.count for one in made] == [0, 7, 3]
    assert sum(one.count for one in made) == 10


def test_order_draws_each_sequence_as_often_as_its_epochs_say():
    """2.5 epochs: every sequence two or three times, half of them three times; the other component once each; and the
    components are mixed along the whole run."""
    order = Order([Share("a", 1, 0, 100, 250), Share("b", 1, 0, 50, 50)], "seed")
    component, sequence = order(np.arange(300))
    assert len(order) == 300
    drawn = np.bincount(sequence[component == 0], minlength=100)
    assert sorted(np.unique(drawn, return_counts=True)[1].tolist()) == [50, 50]
    assert set(drawn.tolist()) == {2, 3}
    assert sorted(sequence[component == 1].tolist()) == list(range(50))
    assert 10 < (component[:150] == 1).sum() < 40


def test_order_is_pinned():
    """The order is part of the format: a run that stopped must find the same sequences with a later version."""
    order = Order([Share("a", 2, 0, 7, 10), Share("b", 1, 0, 5, 5)], "1")
    component, sequence = order(np.arange(15))
    pinned = list(zip(component.tolist(), sequence.tolist(), strict=True))
    assert pinned == PINNED


PINNED = [
    (1, 3), (0, 6), (1, 4), (0, 6), (0, 5), (0, 3), (1, 2), (0, 1), (0, 4), (0, 2), (0, 0), (0, 4), (1, 0), (1, 1),
    (0, 3),
]  # fmt: skip
