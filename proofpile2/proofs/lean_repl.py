"""Answers of the Lean REPL -> steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TextIO

from proofpile2.proofs.lean import Declare, Note, Whence, said_in
from proofpile2.proofs.lean_nesting import Place, Record, Said, steps_by_range
from proofpile2.proofs.lean_text import file_of, module_of, split_goals
from proofpile2.proofs.lean_values import DAMAGED, NOTHING, document_of, place_of, strings_of, text_of, values
from proofpile2.proofs.steps import ProofDocument, ProofStep

__all__ = ["read_repl"]


def read_repl(
    stream: TextIO, whence: Whence, note: Note, *, keep_errors: bool = False, declare: Declare | None = None
) -> Iterator[ProofDocument]:
    """Answers of the REPL (leanprover-community/repl, and lean-interact's, in either spelling of the keys).

    Of an answer ``infotree`` is read, which has the goals after, or else ``tactics`` (of ``allTactics``), without them.
    Requests may stand before their answers, or around them as ``{"cmd": ..., "response": {...}}``: they give ``path``
    and, with ``declare``, statements. Answers follow each other in one document, as long as no other ``path`` is asked
    for. Where an answer has errors its steps have the flaw ``lean_error`` unless ``keep_errors``; a document without
    any other steps gets ``drop="file_with_errors"``. Positions count from the beginning of each request.
    """
    steps: list[ProofStep] = []
    asked: Mapping[str, Any] = {}
    path, errors, answers = "", 0, 0

    def document() -> ProofDocument:
        drop = "file_with_errors" if errors and all(one.flaw for one in steps) else None
        where = replace(whence, path=path) if path else whence
        return document_of(where, whence.module or module_of(where.path), steps, drop)

    for number, value in enumerate(values(stream, whence.path, note), 1):
        try:
            answer = next((value[key] for key in ("response", "result", "answer") if key in value), value)
            if answer is not value:
                asked = value.get("request", value)
            elif value.keys() & {"cmd", "path"} and not value.keys() & _ANSWERS:
                asked = value
                continue
            if (there := file_of(asked.get("path"))) != path:
                if answers:
                    yield document()
                steps, errors, answers = [], 0, 0
                path = there
            answers += 1
            records = _answer(answer, _said(asked, declare), note)
            wrong = any(one["severity"] == "error" for one in answer.get("messages") or ())
            if isinstance(answer.get("message"), str):
                note(f"{whence.path}: answer {number}: {answer['message'][:100]!r}")
            errors += wrong
            found = steps_by_range(records, note)
            steps += (
                [one._replace(flaw=one.flaw or "lean_error") for one in found] if wrong and not keep_errors else found
            )
        except DAMAGED:
            note(f"{whence.path}: object {number} is no answer of the REPL")
        else:
            asked = {}
    if answers:
        yield document()


_ANSWERS = frozenset({"messages", "tactics", "infotree", "sorries"})


def _said(asked: Mapping[str, Any], declare: Declare | None) -> Callable[[Place], Said] | None:
    source = asked.get("cmd")
    if declare is None or not isinstance(source, str):
        return None
    said = said_in(source, declare)
    return lambda place: said(place, "")


def _answer(answer: Any, said: Callable[[Place], Said] | None, note: Note) -> list[Record]:
    if trees := answer.get("infotree"):
        return list(_tactics(trees, said, note))
    records = []
    for one in answer.get("tactics") or ():
        try:
            start = place_of(one["pos"] if "pos" in one else one["start_pos"])
            goals = one["goals"]
            records.append(
                Record(
                    text_of(one["tactic"]).strip(),
                    split_goals(goals) if isinstance(goals, str) else strings_of(goals),
                    None,
                    start,
                    place_of(one["endPos"] if "endPos" in one else one["end_pos"]),
                    "",
                    said(start) if said else NOTHING,
                )
            )
        except DAMAGED:
            note("a tactic of the REPL without text, goals or place")
    return records


def _tactics(trees: Any, said: Callable[[Place], Said] | None, note: Note) -> Iterator[Record]:
    """Tactics of info trees as the REPL prints them; those that macros made are left out."""
    waiting = list(reversed(trees))
    while waiting:
        try:
            tree = waiting.pop()
            waiting += reversed(tree.get("children") or ())
            node = tree.get("node")
            if tree.get("kind") != "TacticInfo" or not node or not node.get("name"):
                continue
            syntax = node["stx"]
            spot = syntax["range"]
            if spot.get("synthetic"):
                continue
            start = place_of(spot["start"])
            before, after = (node.get(one, node.get(other, ())) for one, other in _GOALS)
            record = Record(
                text_of(syntax["pp"] or "").strip(),
                strings_of(before),
                strings_of(after),
                start,
                place_of(spot["finish"]),
                text_of(syntax["kind"]),
                said(start) if said else NOTHING,
            )
        except DAMAGED:
            note("a node of an info tree without text, goals or place")
        else:
            yield record


_GOALS = (("goalsBefore", "goals_before"), ("goalsAfter", "goals_after"))
