"""What a proof step is, for every prover; and how steps stand in a column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, NamedTuple

import pyarrow as pa

__all__ = ["STEPS", "ProofDocument", "ProofStep", "from_column", "prover_of", "subset_of", "to_column"]


class ProofStep(NamedTuple):  # of which millions are made: a frozen dataclass takes five times as long
    """One step: what there was to prove, what was done, and what was left.

    ``tactic``       as written, without comments; what stands around nested steps, without them
    ``before``       goals as the prover prints them, each with its hypotheses; none where the prover shows no goal
    ``after``        likewise, None where it is not known; an empty tuple means that the goals of ``before`` are proved,
                     not that the proof is at its end
    ``state``        what the prover prints before the step where that is more than the goals (Isabelle, Coq)
    ``declaration``  full name of the theorem or definition, empty where it has none or it is not known
    ``kind``         its keyword, such as ``theorem``; ``statement`` what it claims, as written, from the keyword on
    ``line``         of the tactic's first character, from 1 (0: not known); ``column`` from 0, in code points
    ``depth``        how many steps or proof blocks it stands in, from 0
    ``whole``        the tactic with the steps inside it, where there are any: what can be run, as ``tactic`` then can't
    ``flaw``         why it is not to be shown to a model, such as ``unprintable_goal``; None: nothing is wrong
    """

    tactic: str
    before: tuple[str, ...] = ()
    after: tuple[str, ...] | None = None
    state: str = ""
    declaration: str = ""
    kind: str = ""
    statement: str = ""
    line: int = 0
    column: int = 0
    depth: int = 0
    flaw: str | None = None
    whole: str = ""

    @property
    def shown(self) -> str:
        """The state before the step as one text; several goals are kept apart by blank lines."""
        return self.state or "\n\n".join(self.before) or "no goals"


@dataclass(frozen=True)
class ProofDocument:
    """What becomes one document: the steps of a Lean module, or of one theorem of Isabelle or Coq, in proof order.

    ``prover``   ``lean``, ``isabelle`` or ``coq``; ``version`` its version, empty where it is not known
    ``origin``   project or archive, by name; ``path`` the file in it; ``module`` the prover's name for that file
    ``name``     of the theorem, where a document is one theorem; empty where it is a whole module
    ``drop``     why it is no document, see ``REASONS`` of :mod:`proofpile2.proofs.documents`
    """

    prover: str
    origin: str
    path: str
    module: str
    name: str = ""
    steps: tuple[ProofStep, ...] = ()
    version: str = ""
    revision: str | None = None
    url: str | None = None
    drop: str | None = None


_TEXTS = pa.list_(pa.string())
_FIELDS = [
    pa.field("tactic", pa.string()),
    pa.field("before", _TEXTS),
    pa.field("after", _TEXTS),
    *(pa.field(name, pa.string()) for name in ("state", "declaration", "kind", "statement")),
    *(pa.field(name, pa.int32()) for name in ("line", "column", "depth")),
    pa.field("flaw", pa.string()),
    pa.field("whole", pa.string()),
]
STEPS = pa.list_(pa.struct(_FIELDS))
"""Type of the column ``steps``: a list of records with the fields of :class:`ProofStep`, in their order."""


def to_column(rows: Sequence[Sequence[ProofStep] | None]) -> pa.Array:
    """The steps of each row as an array of :data:`STEPS`; null for a row without any column of steps (None)."""
    flat = [step for row in rows if row for step in row]
    values = zip(*flat, strict=True) if flat else [()] * len(_FIELDS)
    arrays = [pa.array(list(value), field.type) for value, field in zip(values, _FIELDS, strict=True)]
    records = pa.StructArray.from_arrays(arrays, fields=_FIELDS)
    ends = list(accumulate((len(row or ()) for row in rows), initial=0))
    missing = pa.array([row is None for row in rows], pa.bool_())
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), records, type=STEPS, mask=missing)


def from_column(values: Sequence[Mapping[str, Any]]) -> tuple[ProofStep, ...]:
    """The steps of one row, from what Arrow gives as Python objects."""
    return tuple(
        ProofStep(**one)._replace(
            before=tuple(one["before"]), after=None if one["after"] is None else tuple(one["after"])
        )
        for one in values
    )


_ENDING = "_proofsteps"


def subset_of(prover: str) -> str:
    """Subset of a prover's steps: ``lean_proofsteps``, beside ``lean`` for the files."""
    return f"{prover}{_ENDING}"


def prover_of(subset: str) -> str:
    """The prover of a subset of proof steps; empty for any other subset."""
    return subset.removesuffix(_ENDING) if subset.endswith(_ENDING) else ""
