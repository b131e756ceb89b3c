"""Proof steps of Coq and Rocq files, by running them through ``coqtop``: one document a theorem.

This runs the code of the files, as compiling them does. What is a step, a state and a failure: docs/proofsteps-coq.md.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace

from proofpile2.proofs.coq_display import dedent, goals_of, shown_state, without_ids
from proofpile2.proofs.coqtop import Answer, Coqtop, Gone
from proofpile2.proofs.steps import ProofDocument, ProofStep
from proofpile2.proofs.vernacular import (
    COMMANDS,
    STATEMENTS,
    Sentence,
    ends_proof,
    keyword,
    name_of,
    sentences,
    without_attributes,
)

__all__ = ["SETUP", "Limits", "prove"]

SETUP = ("Set Printing Width 100.", "Set Printing Depth 1000.")
"""Sent before a file: lines as wide as in print; no ``...`` for what stands deep in a term (Coq's own depth is 50)."""
MAX_NOTES = 10
"""Of one file; the rest is counted."""

_START_SECONDS = 60.0  # to load the prelude


@dataclass(frozen=True)
class Limits:
    """``seconds`` for a sentence, ``file_seconds`` for a file, ``memory`` in MB (0: none), ``state`` in characters."""

    seconds: float = 60.0
    file_seconds: float = 3600.0
    memory: int = 8192
    state: int = 100_000


@dataclass
class _Theorem:
    """A proof that is open, its steps so far, its bullets (a list for each brace), and why it will be dropped."""

    sentence: Sentence
    name: str
    state: str
    goals: tuple[str, ...] = ()
    flaw: str | None = None
    steps: list[ProofStep] = field(default_factory=list)
    blocks: list[list[str]] = field(default_factory=lambda: [[]])
    drop: str | None = None

    def depth(self, tactic: str) -> int:
        """How many bullets and braces ``tactic`` stands in; opens and closes them. The end stands in none."""
        if ends_proof(tactic):
            return 0
        if tactic == "}" and len(self.blocks) > 1:
            self.blocks.pop()
        here = self.blocks[-1]
        if tactic.strip("-+*") == "":
            if tactic in here:
                del here[here.index(tactic) :]
            here.append(tactic)
            return self._level() - 1
        level = self._level()
        if tactic.endswith("{"):
            self.blocks.append([])
        return level

    def _level(self) -> int:
        return sum(map(len, self.blocks)) + len(self.blocks) - 1


def prove(
    text: str,
    document: ProofDocument,
    command: Sequence[str],
    limits: Limits,
    note: Callable[[str], None],
) -> Iterator[ProofDocument | None]:
    """Documents of a file, in the order in which the proofs end; None while the prover works.

    ``document``  what the documents have in common: origin, path, module, version
    ``command``   coqtop with what decides where the libraries are; it runs in an empty folder that is removed
    ``note``      takes what went wrong, once for each failure
    """
    with tempfile.TemporaryDirectory(prefix="proofpile2-coq-") as folder:
        coq = Coqtop([*command, "-emacs", "-q", "-w", "none"], folder, limits.memory)
        try:
            yield from _File(coq, document, limits, note).run(text)
        finally:
            coq.close()


class _File:
    def __init__(self, coq: Coqtop, document: ProofDocument, limits: Limits, note: Callable[[str], None]) -> None:
        self.coq, self.document, self.limits, self.tell = coq, document, limits, note
        self.notes = 0
        self.deadline = time.monotonic() + limits.file_seconds
        self.last = Answer("", 0, ())
        self.open: list[_Theorem] = []  # innermost last
        self.modules: list[tuple[str, bool]] = []  # name, whether it is a part of names (a section is not)
        self.full: dict[str, tuple[str, str]] = {}  # evar -> conclusion, goal in full
        self.skipping = False  # from a failure to the end of its proof
        self.lost = False  # a proof failed, and what is left of it may be met
        self.spoiled = False  # a command failed: what follows stands in another context than its author's

    def run(self, text: str) -> Iterator[ProofDocument | None]:
        """Documents; where nothing else tells that commands failed, one that does."""
        made = False
        for one in self._run(text):
            made = made or one is not None
            yield one
        if self.spoiled and not made:
            yield replace(self.document, drop="file_with_errors:earlier_command")
        if self.notes > MAX_NOTES:
            self.tell(f"and {self.notes - MAX_NOTES} more")

    def note(self, text: str) -> None:
        self.notes += 1
        if self.notes <= MAX_NOTES:
            self.tell(text)

    def _run(self, text: str) -> Iterator[ProofDocument | None]:
        here: Sentence | None = None
        try:
            self.last = yield from self.coq.ask("", max(_START_SECONDS, self.limits.seconds))
            for sentence in SETUP:
                yield from self.ask(sentence)
            for here in sentences(text):
                if not here.complete:
                    self.note(f"line {here.line}: text behind the last sentence")
                    self.spoiled = True
                    continue
                yield from self.sentence(here)
        except Gone as gone:
            self.note(f"line {here.line if here else 1}: coqtop ended: {gone}: {here.plain[:100] if here else ''}")
            yield from self._finish([], f"prover_failed:{gone}")
            yield replace(self.document, drop=f"prover_failed:{gone}")
        except _FailedImport as failed:
            yield from self._finish([], f"prover_failed:{failed}")
            yield replace(self.document, drop=f"prover_failed:{failed}")
        else:
            yield from self._finish([], "unfinished_proof")

    def ask(self, sentence: str) -> Generator[None, None, tuple[Answer, bool]]:
        """The answer, and whether the sentence was refused."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise Gone("file_timeout")
        answer = yield from self.coq.ask(sentence, min(self.limits.seconds, left))
        failed = answer.failed(self.last.state)
        self.last = answer
        return answer, failed

    def sentence(self, one: Sentence) -> Generator[ProofDocument | None, None, None]:
        word = keyword(one.plain).partition(" ")[0]
        if self.skipping:
            ends = ends_proof(one.plain)
            self.skipping = not (ends or (word in STATEMENTS and not self.open))
            if self.skipping or ends:
                return
        proofs = self.last.proofs
        answer, failed = yield from self.ask(one.plain)
        if failed:
            yield from self._failed(one, word, answer)
            return
        if len(answer.proofs) > len(proofs):
            yield from self._opened(one, answer)
            return
        step = proofs and self.open and word not in COMMANDS and not one.plain.startswith("#[")
        if step:
            yield from self._step(one, answer)
        if len(answer.proofs) < len(proofs):
            drop = "unfinished_proof" if word in ("Admitted", "Abort") else None
            yield from self._finish(answer.proofs, drop)
        elif not step:
            self._walk(word, one.plain)

    def _opened(self, one: Sentence, answer: Answer) -> Generator[ProofDocument | None, None, None]:
        name = ".".join([*(name for name, module in self.modules if module), answer.name])
        shown = shown_state(answer.body)
        if not shown:
            yield from self.ask("Unset Silent.")
            shown = shown_state((yield from self.ask("Show."))[0].body)
        theorem = _Theorem(one, name, "", drop="file_with_errors:earlier_command" if self.spoiled else None)
        self.open.append(theorem)
        self.full.clear()
        yield from self._look(theorem, shown)

    def _look(self, theorem: _Theorem, shown: str) -> Generator[None, None, None]:
        """Take what coqtop shows as the state of ``theorem``, each goal with its hypotheses."""
        if len(shown) > self.limits.state:
            theorem.state, theorem.goals, theorem.flaw = "", (), "huge_state"
            return
        goals = []
        for goal in goals_of(shown):
            known, text = self.full.get(goal.evar, ("", ""))
            if goal.number == 1:
                text = goal.text
            elif not text or known != goal.text or "?" in text:
                # a goal changes only where an existential variable in it was found
                answer, failed = yield from self.ask(f"Show {goal.number}.")
                text = goal.text if failed else dedent(answer.body.partition(" is:\n")[2]) or goal.text
                self.full[goal.evar] = (goal.text, text)
            goals.append(text)
        theorem.state, theorem.goals, theorem.flaw = without_ids(shown), tuple(goals), None

    def _step(self, one: Sentence, answer: Answer) -> Generator[None, None, None]:
        theorem = self.open[-1]
        state, before, flaw = theorem.state, theorem.goals, theorem.flaw
        shown = shown_state(answer.body) if len(answer.proofs) >= len(self.open) else "No more goals."
        if not shown:
            # coqtop shows goals where their list changed; what is in one may have changed without that
            shown = shown_state((yield from self.ask("Show."))[0].body)
        if shown:
            yield from self._look(theorem, shown)
        theorem.steps.append(
            ProofStep(
                tactic=_text(one.plain),
                before=before,
                after=None if theorem.flaw else theorem.goals,
                state=state,
                declaration=f"{self.document.module}.{theorem.name}" if self.document.module else theorem.name,
                kind=keyword(theorem.sentence.plain),
                statement=_text(without_attributes(theorem.sentence.plain)),
                line=one.line,
                column=one.column,
                depth=theorem.depth(one.plain) + len(self.open) - 1,
                flaw=flaw,
            )
        )

    def _finish(self, proofs: Sequence[str], drop: str | None) -> Iterator[ProofDocument]:
        """Documents of the theorems that are no longer among the open ``proofs``."""
        while len(self.open) > len(proofs):
            theorem = self.open.pop()
            yield replace(self.document, name=theorem.name, steps=tuple(theorem.steps), drop=theorem.drop or drop)

    def _failed(self, one: Sentence, word: str, answer: Answer) -> Generator[ProofDocument | None, None, None]:
        cause = "prover_failed:timeout" if answer.late else None
        imports = word in ("Require", "From", "Load") or one.plain.startswith("Declare ML")
        missing = imports and _MISSING.search(answer.message)
        hint = " (build the project first)" if missing else ""
        self.note(f"line {one.line}: {'timeout' if answer.late else answer.message}: {one.plain[:100]}{hint}")
        if imports:
            raise _FailedImport("timeout" if answer.late else "missing_import" if missing else "import_failed")
        if self.open:
            self.open[-1].drop = cause or "file_with_errors:step_failed"
            yield from self._give_up()
            self.skipping = not ends_proof(one.plain)
            self.lost = True
        elif word in STATEMENTS and ":=" not in one.plain:
            yield replace(self.document, name=name_of(one.plain), drop=cause or "file_with_errors:statement_failed")
            self.skipping = self.lost = True
        elif word not in _HARMLESS and (word in COMMANDS or not self.lost):
            self.spoiled = True
        # else: the rest of a proof that was lost

    def _give_up(self) -> Generator[ProofDocument | None, None, None]:
        """Close the innermost proof, so that what follows can use its statement."""
        count = len(self.last.proofs)
        for sentence in ("Admitted.", "Abort."):
            answer, _ = yield from self.ask(sentence)
            if len(answer.proofs) < count:
                break
        yield from self._finish(self.last.proofs, "file_with_errors:step_failed")

    def _walk(self, word: str, plain: str) -> None:
        """Follow modules and sections, for the names of theorems."""
        if word in ("Module", "Section") and (opened := _OPENS.match(without_attributes(plain))):
            outside = re.sub(r"\([^()]*\)|\bwith\s+(?:Definition|Module)\s[^:]*:=", "", plain)
            if word == "Section" or not re.search(r":=|<\+", outside):
                self.modules.append((opened.group(1), word == "Module"))
        elif word == "End" and self.modules:
            name = plain[len("End") :].strip(" .")
            places = [n for n, (module, _) in enumerate(self.modules) if module == name]
            del self.modules[places[-1] if places else len(self.modules) :]


class _FailedImport(Exception):
    """A file that this one needs is not there or not compiled, or does not go with what is there; a short detail."""


_MISSING = re.compile(
    r"annot find|nable to locate|an't find|not found|o such file|ad version|bad magic|inconsistent assumptions", re.I
)


_HARMLESS = frozenset(
    """
    About Check Comments Compute Eval Extraction Recursive Separate Fail Guarded Info Inspect Locate Print Pwd
    Redirect Search SearchAbout SearchHead SearchPattern SearchRewrite Show Succeed Test Validate Register
    """.split()  # noqa: SIM905
)
"""Commands after whose failure all is as its author had it."""

_OPENS = re.compile(r"(?:Module(?:\s+Type)?(?:\s+(?:Import|Export))?|Section)\s+([^\W\d][\w']*)")


def _text(plain: str) -> str:
    """Bytes that were no UTF-8 become U+FFFD."""
    return plain.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
