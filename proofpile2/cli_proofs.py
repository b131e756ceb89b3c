"""The command that proof steps need beside ``run``: (state, tactic) pairs for tactic prediction."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from proofpile2 import shards
from proofpile2.dataset import open as open_dataset
from proofpile2.errors import ConfigError
from proofpile2.proofs.pairs import FORMS, pair
from proofpile2.proofs.steps import from_column, prover_of

__all__ = ["commands"]


def commands(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Add ``pairs``; ``command(name, call, text, *examples)`` makes a parser for one command."""
    one = command(
        "pairs", _pairs, "write (state, tactic) pairs of the proof steps that a run made, a file a split",
        "proofpile2 pairs out/algebraicstack --out pairs                          # state, tactic, goals apart",
        "proofpile2 pairs out/algebraicstack --out pairs --form llmstep --end '<|endoftext|>' --provers lean",
        "forms:",
        "  plain      {state, tactic, goals, goals_after, declaration, module}",
        "  llmstep    {input: [GOAL]state[PROOFSTEP], output: tactic}",
        "  few-shot   {prompt: Tactic state: ... Next tactic: ..., completion}",
    )  # fmt: skip
    one.add_argument("folder", metavar="DIR", help="what --out of a run named, or a pipeline or pass in it")
    one.add_argument("--out", required=True, metavar="DIR", help="folder for train.jsonl, validation.jsonl, test.jsonl")
    one.add_argument("--form", default="plain", choices=tuple(FORMS), help="shape of a line (default: plain)")
    one.add_argument("--end", default="", metavar="TEXT", help="text after each tactic, such as an end token")
    one.add_argument("--provers", default="", metavar="NAME,...", help="only these, such as lean,coq (default: all)")
    one.add_argument("--json", action="store_true", help="print JSON for machines")


def _pairs(given: argparse.Namespace) -> int:
    documents = open_dataset(given.folder)
    if "steps" not in documents.manifest.columns:
        raise ConfigError(f"{given.folder}: no proof steps here (a run of algebraicstack has a column `steps`)")
    wanted = {name for name in given.provers.split(",") if name}
    counts: Counter[str] = Counter()
    with ExitStack() as opened:
        out: dict[str, Any] = {}
        for batch in documents.batches(["subset", "split", "module", "steps"], size=64):
            for row in batch.to_pylist():
                prover = prover_of(row["subset"] or "")
                if row["steps"] is None or (wanted and prover not in wanted):
                    continue
                split = row["split"] or "all"
                if split not in out:
                    out[split] = opened.enter_context(shards.atomic(shards.join(given.out, f"{split}.jsonl")))
                for step in from_column(row["steps"]):
                    made = pair(step, given.form, given.end)
                    if made is None:
                        counts["left out"] += 1
                        continue
                    if given.form == "plain":
                        made |= {"declaration": step.declaration, "module": row["module"], "prover": prover}
                    out[split].write(json.dumps(made, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
                    counts[split] += 1
    if given.json:
        print(json.dumps({"out": given.out, "form": given.form, "pairs": dict(counts)}, indent=1))
    else:
        print(f"{given.out}: " + (", ".join(f"{name} {n:,}" for name, n in counts.items()) or "no proof steps"))
    return 0 if out else 1
