"""Documents of proof steps as rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from proofpile2.proofs.layout import text_of
from proofpile2.proofs.steps import STEPS, ProofDocument, subset_of, to_column
from proofpile2.schema import document_id, empty_columns
from proofpile2.step import DROP

__all__ = ["COLUMNS", "REASONS", "batches"]

COLUMNS: Mapping[str, pa.DataType] = {"module": pa.string(), "prover": pa.string(), "steps": STEPS}
"""What rows of proof steps have beyond ``schema.DOCUMENT``; ``prover`` is its name and version: ``lean 4.35.0``."""

REASONS = ("prover_failed", "file_with_errors", "unfinished_proof", "no_steps", "flawed_steps")
"""Why a file or a theorem gives no document.

``prover_failed``     the prover gave nothing: time, memory, a crash, an import that is missing; the detail says which
``file_with_errors``  the prover reported errors, so that later states may be wrong
``unfinished_proof``  ``sorry``, ``oops``, ``Admitted`` and the like
``no_steps``          a statement without a proof, or a module without a tactic
``flawed_steps``      every step has a flaw
"""

_BATCH_CHARACTERS, _BATCH_ROWS = 16 << 20, 128


def batches(documents: Iterable[ProofDocument]) -> Iterator[pa.RecordBatch]:
    """Rows of ``documents``, in order. Ids are made of origin, path and name; a repeated name gets a number."""
    seen: Counter[str] = Counter()
    rows: list[tuple[ProofDocument, str, str | None, str | None]] = []
    size = 0
    for one in documents:
        place = f"{one.origin}@{one.revision}:{one.path}" if one.revision else f"{one.origin}:{one.path}"
        if one.name:
            place += f"#{one.name}"
        seen[place] += 1
        if seen[place] > 1:
            place += f"~{seen[place]}"
        text = text_of(one.prover, one.steps)
        drop = one.drop or (None if text else "flawed_steps" if one.steps else "no_steps")
        rows.append((one, place, text or None, drop))
        size += 2 * len(text)
        if size >= _BATCH_CHARACTERS or len(rows) >= _BATCH_ROWS:
            yield _batch(rows)
            rows, size = [], 0
    if rows:
        yield _batch(rows)


def _batch(rows: Sequence[tuple[ProofDocument, str, str | None, str | None]]) -> pa.RecordBatch:
    def column(values: Iterable[Any]) -> pa.Array:
        return pa.array(list(values), pa.string())

    columns = {
        "id": column(document_id(one.prover, place) for one, place, _, _ in rows),
        "text": pa.array([text for _, _, text, _ in rows], pa.large_string()),
        "source": column(one.prover for one, _, _, _ in rows),
        "subset": column(subset_of(one.prover) for one, _, _, _ in rows),
        "url": column(one.url for one, _, _, _ in rows),
        "origin": column(one.origin for one, _, _, _ in rows),
        "revision": column(one.revision for one, _, _, _ in rows),
        "locator": column(place for _, place, _, _ in rows),
        "module": column(one.module for one, _, _, _ in rows),
        "prover": column(f"{one.prover} {one.version}".strip() for one, _, _, _ in rows),
        "steps": to_column([one.steps for one, _, _, _ in rows]),
        DROP: column(drop for _, _, _, drop in rows),
    }
    return pa.RecordBatch.from_pydict(empty_columns(len(rows), columns))
