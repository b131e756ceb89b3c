"""Proof steps as text, in the layouts of AlgebraicStack (EleutherAI/math-lm, ``process_*_proofsteps.py``)."""

from __future__ import annotations

from collections.abc import Sequence

from proofpile2.proofs.steps import ProofStep

__all__ = ["goal_layout", "statement_layout", "text_of"]


def goal_layout(steps: Sequence[ProofStep]) -> str:
    """Lean: for every step ``[GOAL]``, the goals, ``[PROOFSTEP]`` and the tactic, each on lines of its own.

    Several goals follow each other without a blank line, as lean-training-data prints them (``proofStepData``).
    """
    shown = [one.state or "\n".join(one.before) or "no goals" for one in steps]
    return "".join(f"[GOAL]\n{goals}\n[PROOFSTEP]\n{one.tactic}\n" for goals, one in zip(shown, steps, strict=True))


def statement_layout(statement: str, steps: Sequence[ProofStep]) -> str:
    """Isabelle and Coq: ``[STATEMENT]``, the statement, and for every step ``[PROOF STATE]`` and ``[PROOF STEP]``."""
    pieces = [f"\n[PROOF STATE]\n{one.shown}\n[PROOF STEP]\n{one.tactic}" for one in steps]
    return f"[STATEMENT]\n{statement}{''.join(pieces)}"


def text_of(prover: str, steps: Sequence[ProofStep]) -> str:
    """The published layout of a document's steps; those with a flaw are left out, and nothing is left of none."""
    shown = [one for one in steps if one.flaw is None]
    if not shown:
        return ""
    return goal_layout(shown) if prover == "lean" else statement_layout(shown[0].statement, shown)
