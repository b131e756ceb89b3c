"""Takes benchmarks out of files, wherever and under whatever name they stand there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pyarrow as pa

from proofpile2 import shards
from proofpile2.benchmarks import Index, load, path_of
from proofpile2.contamination import LANGUAGES, Declaration, cut, declarations
from proofpile2.proofs.layout import text_of
from proofpile2.proofs.lean_text import statement_of_goal
from proofpile2.proofs.steps import ProofStep, from_column, prover_of, to_column
from proofpile2.step import DROP, Apply, with_columns

__all__ = ["Decontaminate", "Verdict", "examine", "examine_steps"]

_COPIES = 3
"""So many declarations with a benchmark's names show that a file is a version of it, if they are half of its claims."""


@dataclass(frozen=True)
class Verdict:
    """What becomes of one document: its text, what was cut (``benchmark:item``), or why it goes; ``steps`` are those
    that stay, where it has steps."""

    text: str
    cuts: tuple[str, ...] = ()
    drop: str | None = None
    steps: tuple[ProofStep, ...] | None = None


@dataclass(frozen=True)
class Decontaminate:
    """Cuts declarations that are items of a benchmark; drops copies of benchmarks and texts with their problems.

    ``benchmarks``  names of those that ship, or paths of files that ``proofpile2 benchmarks make`` wrote

    Lean, Isabelle and Coq (by ``subset``): a declaration with a benchmark's statement goes, with its documentation,
    attributes and proof, up to the next top-level command. A file goes whole, as ``benchmark:<name>``, if nothing that
    says anything is left of it, or if most of its claims are items of one benchmark, by statement or by name. All other
    texts go if they share an n-gram of 30 words with a problem (only benchmarks of informal problems have such).

    Proof steps (a column ``steps``, subset ``lean_proofsteps`` and the like) are judged by the statements and names of
    their declarations in the same way: of a Lean module the steps of such declarations go, a theorem goes whole.

    Adds ``cuts``, the number of declarations cut, and ``cut_items``, what they were: ``pisa:n_val_surj minif2f:...``.
    """

    name: ClassVar[str] = "decontaminate"
    version: ClassVar[int] = 3
    needs: ClassVar[Sequence[str]] = ("text", "subset", "locator")
    adds: ClassVar[Mapping[str, pa.DataType]] = {"cuts": pa.int32(), "cut_items": pa.string()}
    reasons: ClassVar[Sequence[str]] = ("benchmark",)

    benchmarks: tuple[str, ...] = ("minif2f", "proofnet", "pisa")
    overlay: tuple[str, ...] = ()

    def uses(self) -> Mapping[str, str]:
        """Digests of the fingerprint files."""
        return {name: shards.facts(str(path_of(name, self.overlay))).digest for name in self.benchmarks}

    def load(self) -> Apply:
        """Reads the fingerprints. MissingFile where a benchmark is not known."""
        index = load(self.benchmarks, self.overlay)

        def apply(batch: pa.RecordBatch) -> pa.RecordBatch:
            columns = [batch.column(name).to_pylist() for name in self.needs]
            all_steps = batch.column("steps").to_pylist() if "steps" in batch.schema.names else [None] * batch.num_rows
            found = [
                examine(text or "", subset or "", place or "", index)
                if steps is None
                else examine_steps(text or "", from_column(steps), prover_of(subset or ""), place or "", index)
                for text, subset, place, steps in zip(*columns, all_steps, strict=True)
            ]
            changed: dict[str, pa.Array[Any]] = {
                "text": pa.array([one.text for one in found], pa.large_string()),
                "cuts": pa.array([len(one.cuts) for one in found], pa.int32()),
                "cut_items": pa.array([" ".join(one.cuts) or None for one in found], pa.string()),
                DROP: pa.array([one.drop for one in found], pa.string()),
            }
            if any(one.cuts and one.steps is not None for one in found):
                changed["steps"] = to_column(
                    [
                        one.steps if one.steps is not None or old is None else from_column(old)
                        for old, one in zip(all_steps, found, strict=True)
                    ]
                )
            return with_columns(batch, changed)

        return apply


def examine(text: str, language: str, place: str, index: Index) -> Verdict:
    """The verdict on one document; ``place`` is its locator, whose last segment is the name of the file."""
    if language not in LANGUAGES:
        hit = index.text(text)
        return Verdict(text, drop=f"benchmark:{hit[0]}" if hit else None)
    found = declarations(text, language)
    statements: list[tuple[Declaration, tuple[str, str]]] = []
    counts: Counter[str] = Counter()
    for one in found:
        if not (one.statement or one.name):
            continue
        hit = index.statement(one, language, place) or index.named(one)
        if hit:
            statements.append((one, hit))
        also = hit or index.named(one, language)
        counts.update([also[0]] if also else [])
    claims = sum(1 for one in found if one.statement)
    gone = {one.start for one, _ in statements}
    if statements and not any(one.content and one.start not in gone for one in found):
        return Verdict(text, drop=f"benchmark:{statements[0][1][0]}")
    for name, count in counts.most_common(1):
        # PISA's items come from libraries, which are no copies of PISA; a copy has names that are the benchmark's own
        if index.by_name(name) and count >= _COPIES and 2 * count >= claims:
            return Verdict(text, drop=f"benchmark:{name}")
    if not statements:
        return Verdict(text)
    return Verdict(cut(text, [one for one, _ in statements]), tuple(f"{name}:{item}" for _, (name, item) in statements))


def examine_steps(text: str, steps: Sequence[ProofStep], language: str, place: str, index: Index) -> Verdict:
    """The verdict on a document of proof steps; ``place`` is its locator without or with the name of a theorem."""
    path = place.partition("#")[0]
    hits: dict[tuple[str, str], tuple[str, str]] = {}
    counts: Counter[str] = Counter()
    claims: dict[tuple[str, str], list[str]] = {}
    for step in steps:
        key = (step.declaration, step.statement)
        known = claims.setdefault(key, [step.statement])
        # where a trace does not say what is claimed, the first goal may; which is first it says by the declaration
        if language == "lean" and not step.statement and len(step.before) == 1 and (len(known) == 1 or not key[0]):
            known.append(statement_of_goal(step.before[0]))
    for (name, statement), candidates in claims.items():
        found = [_declaration(name, one, language) for one in candidates if one or name]
        hit = next((hit for one in found if (hit := index.statement(one, language, path) or index.named(one))), None)
        if hit:
            hits[name, statement] = hit
        also = hit or next((hit for one in found[:1] if (hit := index.named(one, language))), None)
        counts.update([also[0]] if also else [])
    for benchmark, count in counts.most_common(1):
        if index.by_name(benchmark) and count >= _COPIES and 2 * count >= len(claims):
            return Verdict(text, drop=f"benchmark:{benchmark}")
    if not hits:
        return Verdict(text, steps=tuple(steps))
    kept = tuple(one for one in steps if (one.declaration, one.statement) not in hits)
    left = text_of(language, kept)
    if not left:
        return Verdict(text, drop=f"benchmark:{next(iter(hits.values()))[0]}")
    return Verdict(left, tuple(f"{benchmark}:{item}" for benchmark, item in hits.values()), steps=kept)


def _declaration(name: str, statement: str, language: str) -> Declaration:
    """What a step says of its declaration; the prover's full name counts for more than the one in the statement."""
    last = name.rpartition(".")[2]
    if statement and language in LANGUAGES:
        for one in declarations(statement, language):
            if one.statement or one.name:
                own = "" if one.name == "_" else one.name
                return replace(one, name=own or last, qualified=name or (own and one.qualified))
    return Declaration(0, 0, "theorem", last, name)
