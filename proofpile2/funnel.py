"""Receipts summed up: how many documents each step saw, kept and dropped, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from proofpile2.manifest import Manifest, Receipt

__all__ = ["Row", "add_up", "as_json", "render", "rows"]


@dataclass(frozen=True)
class Row:
    """One step of the funnel; ``documents_in == kept + sum(reasons)``."""

    name: str
    step: str
    documents_in: int
    kept: int
    reasons: Mapping[str, int]


def add_up(receipts: Iterable[Receipt]) -> Receipt:
    """One receipt with all counts added."""
    rows_in = rows_out = characters = 0
    dropped: dict[str, Counter[str]] = {}
    notes: list[str] = []
    for receipt in receipts:
        rows_in, rows_out = rows_in + receipt.rows_in, rows_out + receipt.rows_out
        characters += receipt.characters
        notes += receipt.notes
        for step, reasons in receipt.dropped.items():
            dropped.setdefault(step, Counter()).update(reasons)
    gone = {step: dict(sorted(reasons.items())) for step, reasons in sorted(dropped.items())}
    return Receipt("", "", (), rows_in, rows_out, characters, gone, tuple(notes))


def rows(manifests: Iterable[Manifest]) -> list[Row]:
    """The funnel, in the order in which the steps stand in the passes; what a source dropped comes first."""
    table: list[Row] = []
    for one in manifests:
        steps = [step["name"] for step in one.recipe["steps"]]
        first = one.recipe["before"]["name"] if isinstance(one.recipe["before"], dict) else ""
        left = one.rows_in
        for name in [first, *steps] if first else steps:
            reasons = one.dropped.get(name, {})
            kept = left - sum(reasons.values())
            table.append(Row(one.name, name, left, kept, dict(reasons)))
            left = kept
    return table


def as_json(table: Iterable[Row]) -> list[dict[str, Any]]:
    """The funnel for machines."""
    return [
        {"pass": row.name, "step": row.step, "in": row.documents_in, "kept": row.kept, "dropped": dict(row.reasons)}
        for row in table
    ]


def render(table: Iterable[Row]) -> str:
    """The funnel for people: a line a step, below it a line for each reason."""
    lines = [f"{'pass':<9} {'step':<34} {'in':>12} {'kept':>12} {'dropped':>12} {'kept %':>8}"]
    lines.append("-" * len(lines[0]))
    for row in table:
        gone = row.documents_in - row.kept
        share = f"{100 * row.kept / row.documents_in:.1f}" if row.documents_in else "-"
        lines.append(f"{row.name:<9} {row.step:<34} {row.documents_in:>12,} {row.kept:>12,} {gone:>12,} {share:>8}")
        for reason, count in sorted(row.reasons.items(), key=lambda item: (-item[1], item[0])):
            lines.append(f"{'':<9}   {reason:<58} {count:>12,}")
    return "\n".join(lines)
