"""Which component gives how many sequences, and in which order all of them come.

Weights are shares of the tokens that a model sees, as in GPT-NeoX, so a small component with a large weight is read
more than once: its *effective epochs* are ``budget * weight / sum of weights / its tokens``. The order is a
permutation of all positions of the run, computed for any position alone (see :mod:`proofpile2.packing.permutation`):
no file of it is kept, and step 40,000 is found as fast as step 0. Each epoch of a component has an order of its own,
so that a broken epoch takes a random part of it. Needs NumPy only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from proofpile2.packing.permutation import Permutation

__all__ = ["Order", "Share", "shares"]


@dataclass(frozen=True)
class Share:
    """A component's part of the run: ``count`` sequences drawn from ``sequences`` that there are."""

    name: str
    weight: float
    tokens: int  # that there are
    sequences: int  # that there are
    count: int  # that the run takes

    @property
    def epochs(self) -> float:
        """How often each sequence is seen, on average."""
        return self.count / self.sequences if self.sequences else 0.0


def shares(
    weights: Mapping[str, float], tokens: Mapping[str, int], sequences: Mapping[str, int], budget: int, length: int
) -> list[Share]:
    """Sequences each component gives to a run of ``budget`` tokens (0: as many as there are), in sequences of
    ``length``.

    Counts differ from the weights by less than one sequence, and add up to the budget rounded up to whole sequences.
    A component without a sequence gives nothing, and the others take its share.
    """
    present = {name: weight for name, weight in weights.items() if sequences[name] and weight > 0}
    whole = -(-budget // length) if budget else sum(sequences[name] for name in present)
    total = sum(present.values())
    exact = {name: whole * weight / total for name, weight in present.items()}
    counts = {name: int(value) for name, value in exact.items()}
    missing = whole - sum(counts.values()) if present else 0
    for name in sorted(exact, key=lambda one: (counts[one] - exact[one], one))[:missing]:
        counts[name] += 1
    return [Share(name, weights[name], tokens[name], sequences[name], counts.get(name, 0)) for name in weights]


@dataclass(frozen=True)
class Order:
    """The sequences of a run, position by position."""

    shares: Sequence[Share]
    seed: str

    @cached_property
    def _ends(self) -> npt.NDArray[np.int64]:
        return np.cumsum([share.count for share in self.shares])

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self.shares) else 0

    def __call__(self, positions: npt.ArrayLike) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Number of the component and of the sequence in it for each of ``positions`` (one dimension)."""
        places = Permutation(len(self), f"{self.seed}/run")(positions)
        component = np.searchsorted(self._ends, places, side="right")
        counts = np.array([share.count for share in self.shares], np.int64)
        sizes = np.array([max(1, share.sequences) for share in self.shares], np.int64)
        ordinal = places - (self._ends - counts)[component]
        epoch, within = np.divmod(ordinal, sizes[component])
        sequence = np.empty_like(within)
        for one, turn in sorted(set(zip(component.tolist(), epoch.tolist(), strict=True))):
            chosen = np.flatnonzero((component == one) & (epoch == turn))
            share = self.shares[one]
            sequence[chosen] = Permutation(share.sequences, f"{self.seed}/{share.name}/{turn}")(within[chosen])
        return component, sequence
