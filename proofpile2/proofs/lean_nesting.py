"""Recorded tactics of Lean, nested in each other, as steps: each once, in reading order, without its inner ones' text.

The rule, and why, is argued in ``docs/proofsteps-lean-traces.md``. In short: a tactic that encloses others keeps what
it says itself (``induction n with | zero => | succ n ih =>``), and its inner tactics follow as steps with goals of
their own; what only structures (``by``, bullets, ``;``, ``<;>``, alternatives, the steps of ``calc``) is no step; a
tactic that may try or repeat its inner ones (:data:`WHOLE`) stays in one piece, because inner runs may have failed;
and the runs of one tactic on several goals are one step with the goals of all.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from proofpile2.proofs.lean_text import flaw_of, plain, unprinted, without_blanks
from proofpile2.proofs.steps import ProofStep

__all__ = [
    "ALTERNATIVE",
    "WHOLE",
    "Haystack",
    "Node",
    "Place",
    "Record",
    "Said",
    "is_whole",
    "steps_by_range",
    "steps_of",
]

Place = tuple[int, int]
"""Line from 1 and column from 0, in code points."""

Said = tuple[str, str, str]
"""Full name, keyword and statement of the declaration around a step, each empty where it is not known."""


class Record(NamedTuple):
    """One tactic as a tool recorded it, without blanks around it; ``end`` is exclusive; ``kind`` is its syntax's."""

    text: str
    before: tuple[str, ...]
    after: tuple[str, ...] | None
    start: Place = (0, 0)
    end: Place = (0, 0)
    kind: str = ""
    said: Said = ("", "", "")
    flaw: str | None = None


def _set(names: str) -> frozenset[str]:
    return frozenset(names.split())


WHOLE = _set(
    "first try repeat repeat' repeat1 repeat1' iterate all_goals any_goals solve map_tacs fail_if_success "
    "success_if_fail success_if_fail_with_msg fail_if_no_progress"
)
"""Tactics that try, repeat or spread their inner tactics, by first word: one step, their inner tactics none."""

_WHOLE_INITIALS = frozenset(word[0] for word in WHOLE)

_STRUCTURE = _set(
    "null cdot cdotTk byTactic byTactic' tacticSeq tacticSeq1Indented tacticSeqBracketed paren tactic_<;>_ "
    "withAnnotateState inductionAlt inductionAlts matchAlts matchAlt matchRhs rwRule rwRuleSeq calcSteps calcStep "
    "calcFirstStep convSeq convSeq1Indented convSeqBracketed conv_<;>_ nestedConv decreasingBy"
)
"""Last parts of the names of syntax kinds that are no tactic of their own."""

ALTERNATIVE = re.compile(r"\||with\s*\|")
"""How the branches of ``induction`` and the like begin, which are no tactics."""

_WORD = re.compile(r"[\w']+")
_ONLY_STRUCTURE = re.compile(r"(?:[\s·.;,()\[\]{}]|<;>|=>|\b(?:by|decreasing_by|focus)\b)*+")


@lru_cache(maxsize=4096)
def _structures(kind: str) -> bool:
    return kind.rsplit(".", 1)[-1].strip("«»") in _STRUCTURE


_HEAD_STRUCTURE = re.compile(r"\s*(;|<;>|[)}])")


def _without(text: str, holes: Sequence[tuple[int, int]]) -> str:
    """``text`` without ``holes`` (in order, apart), nor the bullets, ``;``, ``<;>`` and brackets around them."""
    pieces: list[str] = []
    opened = 0
    starts, stops = [0, *(end for _, end in holes)], [*(start for start, _ in holes), len(text)]
    for index, (start, stop) in enumerate(zip(starts, stops, strict=True)):
        piece = plain(text[start:stop])
        if index:
            at = 0
            while match := _HEAD_STRUCTURE.match(piece, at):
                if match[1] in ")}":
                    if not opened:
                        break
                    opened -= 1
                at = match.end()
            piece = piece[at:]
        if index < len(holes):
            end, brackets = _tail(piece)
            opened += brackets
            piece = piece[:end]
        if pieces and piece and (piece[0].isspace() or piece[0] in ")]}⟩,"):
            pieces[-1] = pieces[-1].rstrip()
        pieces.append(piece)
    return without_blanks("".join(pieces))


def is_whole(text: str) -> bool:
    word = _WORD.match(text) if text[0] in _WHOLE_INITIALS else None
    return word is not None and word[0] in WHOLE


def _tail(piece: str) -> tuple[int, int]:
    """Where the bullets, brackets and separators before an inner tactic begin in ``piece``; how many brackets open."""
    end = at = len(piece)
    brackets = 0
    while True:
        while at and piece[at - 1].isspace():
            at -= 1
        last = piece[at - 1 : at]
        if last in {"(", "{"}:
            brackets += 1
        elif piece.endswith("<;>", 0, at):
            at -= 2
        elif last != ";" and not (last in {"·", "."} and (at == 1 or piece[at - 2].isspace())):
            return end, brackets
        at -= 1
        end = at


class Haystack:
    """A text in which others are found, whatever blanks and line breaks stand in either."""

    __slots__ = ("places", "text", "tight")

    def __init__(self, text: str) -> None:
        self.text, self.tight = text, ""
        self.places: list[int] = []

    def find(self, piece: str, at: int) -> tuple[int, int] | None:
        """Start and end of the first ``piece`` from ``at`` on, as it is if it is there so."""
        start = self.text.find(piece, at)
        if start >= 0:
            return start, start + len(piece)
        if not self.tight:
            self.tight = "".join(self.text.split())
        squeezed = "".join(piece.split())
        if squeezed not in self.tight:
            return None
        if not self.places:
            self.places = [place for place, character in enumerate(self.text) if not character.isspace()]
        start = self.tight.find(squeezed, bisect_left(self.places, at))
        return (self.places[start], self.places[start + len(squeezed) - 1] + 1) if start >= 0 else None


# --- Steps from nodes and ranges -------------------------------------------------------------------------------------


class Node:
    """A tactic: its runs in one range of the source, what stands directly in it, and where, if that is known."""

    __slots__ = ("depth", "holes", "inner", "record", "runs", "up")

    def __init__(self, record: Record, up: Node | None) -> None:
        self.record, self.up = record, up
        self.runs: list[Record] | None = None
        self.inner: list[Record] | None = None
        self.holes: list[tuple[int, int]] | None = None
        self.depth = 0

    def add(self, inner: Record, hole: tuple[int, int] | None = None) -> None:
        """``inner`` stands in it, behind those before; ``hole`` for all or for none of them."""
        if self.inner is None:
            self.inner, self.holes = [], None if hole is None else []
        self.inner.append(inner)
        if self.holes is not None and hole is not None:
            self.holes.append(hole)

    def again(self, run: Record) -> None:
        """It ran once more."""
        if self.runs is None:
            self.runs = []
        self.runs.append(run)


def steps_by_range(records: Sequence[Record], note: Callable[[str], None]) -> list[ProofStep]:
    """Steps of records that have ranges, of one file; in any order, each once, in reading order."""
    found: list[Node] = []
    open_: list[Node] = []
    closed: Place = (0, 0)  # up to here, nothing is a step
    last: Node | None = None
    for one in sorted(records, key=_reading_order):
        start, end = one.start, one.end
        if last is not None and start == last.record.start and end == last.record.end:
            if one.kind == last.record.kind:  # another run; another kind is what a macro expanded to
                last.again(one)
            continue
        if not one.text or (one.kind and _structures(one.kind)) or ALTERNATIVE.match(one.text) or start < closed:
            continue
        while open_ and open_[-1].record.end <= start:
            open_.pop()
        up = open_[-1] if open_ else None
        if up is not None:
            outer = up.record
            if end > outer.end:
                note(f"line {start[0]}: a tactic ends behind the one it begins in; left out")
                continue
            if is_whole(outer.text):
                closed = outer.end
                continue
            if "(disch" in outer.text and _discharges(outer, one):
                closed = end
                continue
            if not one.before and end == outer.end and outer.text.startswith("calc"):
                continue
        last = Node(one, up)
        if up is not None:
            up.add(one)
        open_.append(last)
        found.append(last)
    return steps_of(found, note)


def _reading_order(one: Record) -> tuple[Place, Place]:
    return one.start, (-one.end[0], -one.end[1])


def steps_of(nodes: Iterable[Node], note: Callable[[str], None]) -> list[ProofStep]:
    """Steps of nodes; outer ones come before inner ones."""
    steps = []
    for node in nodes:
        record, flaw, whole = node.record, node.record.flaw, ""
        if node.up is not None:
            node.depth = node.up.depth + 1
        if node.inner:
            whole = plain(record.text).strip()
            holes = node.holes or _holes(record, node.inner)
            if not holes:
                note(f"line {record.start[0]}: the text of an inner tactic is not in the outer one")
                text, flaw = whole, "inner_text_not_found"
            else:
                text = _without(record.text, holes)
                if not text or _ONLY_STRUCTURE.fullmatch(text):
                    node.depth -= 1  # for what stands in it
                    continue
        else:
            text = plain(record.text).strip()
            if " \n" in text:
                text = without_blanks(text)
            if len(text) <= 2 and _ONLY_STRUCTURE.fullmatch(text):
                continue
        before, after = record.before, record.after
        if node.runs is not None:
            before, after, found = _all_runs(record, node.runs)
            flaw = flaw or found
        if after and unprinted(after):
            after = None
        line, column = record.start
        flaw = flaw or flaw_of(whole or text, before)
        # by position, which takes a fifth less time: declaration, kind and statement stand between state and line
        steps.append(ProofStep(text, before, after, "", *record.said, line, column, node.depth, flaw, whole))
    return steps


def _all_runs(first: Record, more: Iterable[Record]) -> tuple[tuple[str, ...], tuple[str, ...] | None, str | None]:
    """Goals before and after of all runs, in order; a run that repeats another (a term elaborated twice) adds none."""
    runs = {(one.before, one.after): one for one in (first, *more)}
    before = tuple(goal for one in runs.values() for goal in one.before)
    after = None
    if all(one.after is not None for one in runs.values()):
        after = tuple(goal for one in runs.values() for goal in one.after or ())
    return before, after, next((one.flaw for one in runs.values() if one.flaw), None)


_DISCHARGER = re.compile(r"\(disch\w*\s*:=\s*\Z")


def _discharges(outer: Record, inner: Record) -> bool:
    """Whether ``inner`` is the argument of ``simp (disch := ...)``: run by the simplifier, often, and in vain."""
    holes = _holes(outer, [inner])
    return bool(holes) and _DISCHARGER.search(outer.text[: holes[0][0]]) is not None


def _holes(outer: Record, inner: Sequence[Record]) -> list[tuple[int, int]]:
    """Where ``inner`` (in order) stand in the text of ``outer``; empty if one is not found.

    By their ranges, or, where the tool printed the text anew, by their text.
    """
    text, (line, column) = outer.text, outer.start
    if outer.end != (0, 0):
        starts = [-column]
        at = text.find("\n")
        while at >= 0:
            starts.append(at + 1)
            at = text.find("\n", at + 1)
        holes = []
        for one in inner:
            (first, left), (final, right) = one.start, one.end
            if final - line >= len(starts):
                break
            start, end = starts[first - line] + left, starts[final - line] + right
            if text[start:end] != one.text:
                break
            holes.append((start, end))
        else:
            return holes
    holes, at, haystack = [], 0, Haystack(text)
    for one in inner:
        hole = haystack.find(one.text, at)
        if hole is None:
            return []
        holes.append(hole)
        at = hole[1]
    return holes
