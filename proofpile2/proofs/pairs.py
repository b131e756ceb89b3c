"""(state, tactic) pairs in the forms that tactic-prediction models are trained on and prompted with.

A tactic with others inside it is there with them: each pair stands alone, and what it predicts can be run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from proofpile2.proofs.steps import ProofStep

__all__ = ["FORMS", "pair"]


def _plain(step: ProofStep, end: str) -> dict[str, Any]:
    return {
        "state": step.shown,
        "tactic": (step.whole or step.tactic) + end,
        "goals": list(step.before),
        "goals_after": None if step.after is None else list(step.after),
    }


def _llmstep(step: ProofStep, end: str) -> dict[str, Any]:
    return {"input": f"[GOAL]{step.shown}[PROOFSTEP]", "output": (step.whole or step.tactic) + end}


def _few_shot(step: ProofStep, end: str) -> dict[str, Any]:
    prompt = f"Tactic state:\n---\n{step.shown}\n---\nNext tactic:\n---\n"
    return {"prompt": prompt, "completion": f"{step.whole or step.tactic}\n---\n{end}"}


FORMS: Mapping[str, Callable[[ProofStep, str], dict[str, Any]]] = {
    "plain": _plain,
    "llmstep": _llmstep,
    "few-shot": _few_shot,
}
"""Forms by name; each takes a step and the text that ends an output.

``plain``     state and tactic, and the goals each for itself before and after
``llmstep``   input ``[GOAL]state[PROOFSTEP]``, output the tactic (wellecks/llmstep, ``python/train/data.py``)
``few-shot``  one example of the prompt of Llemma's formal-to-formal evaluation (wellecks/llemma_formal2formal; LLMLean
              still asks in this form): ``Tactic state:`` and ``Next tactic:``, each between lines of three dashes
"""


def pair(step: ProofStep, form: str, end: str = "") -> dict[str, Any] | None:
    """One step in a form; None where it is no example: it has a flaw, or there was nothing to prove."""
    if step.flaw is not None or not (step.before or step.state):
        return None
    return FORMS[form](step, end)
