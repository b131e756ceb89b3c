"""Recorded tactics of Lean that come without places, as steps: which stands in which is told by their texts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from proofpile2.proofs.lean_nesting import ALTERNATIVE, Haystack, Node, Record, is_whole, steps_of
from proofpile2.proofs.steps import ProofStep

__all__ = ["steps_in_order"]


def steps_in_order(records: Iterable[Record], note: Callable[[str], None], pieces: bool = True) -> list[ProofStep]:
    """Steps of records that come in reading order, outer ones first, and have no ranges (line 0).

    That a tactic stands in an earlier one is told by the text: it must be found there where a tactic can begin and end,
    behind the ones found before. ``pieces`` says that the tool records both sides of ``t <;> s`` apart.
    """
    nodes: list[Node] = []
    open_: list[_Open] = []
    for one in records:
        text = one.text
        if not text or ALTERNATIVE.match(text):
            continue
        up: Node | None = None
        if open_:
            outer = _outer(open_, one, pieces)
            if outer is not None:
                if outer.whole or text == outer.text or (not one.before and outer.text.startswith("calc")):
                    continue
                up = outer.node
            else:
                open_ = [entry for entry in open_ if entry.misses <= _MISSES]
        found = Node(one, up)
        nodes.append(found)
        whole = is_whole(text)
        if whole or _may_enclose(text):
            open_.append(_Open(found, whole))
    return steps_of(nodes, note)


class _Open:
    """A tactic in which the next ones may stand: how far it was read, and how many in a row did not stand in it."""

    __slots__ = ("at", "found", "haystack", "misses", "node", "text", "whole")

    def __init__(self, node: Node, whole: bool) -> None:
        self.node, self.text, self.whole, self.at, self.misses = node, node.record.text, whole, 0, 0
        self.found: set[str] = set()
        self.haystack = Haystack(self.text)


def _outer(open_: list[_Open], one: Record, pieces: bool) -> _Open | None:
    """The innermost of ``open_`` in which ``one`` stands, be it in a place of its own or as another run of what was
    found there before; what is open inside it is closed."""
    word = one.text.split(None, 1)[0]
    for level in range(len(open_) - 1, -1, -1):
        entry = open_[level]
        if entry.text.find(word, entry.at) < 0:
            continue
        outer = entry.node.record
        if outer.said[0] != one.said[0]:
            entry.misses = _MISSES
            continue
        if entry.text == one.text:
            if outer.before != one.before:  # another run; with the same goals, what a macro expanded to
                continue
        elif entry.whole:
            if not _mentions(entry.haystack, one.text):
                continue
        else:
            hole = _inside(entry.haystack, one.text, entry.at, pieces)
            if hole is None or (one.text in entry.found and _another(entry.text[entry.at : hole[0]])):
                continue
            if one.before or not entry.text.startswith("calc"):
                entry.node.add(one, hole)
                entry.found.add(one.text)
                entry.at = hole[1]
        entry.misses = 0
        del open_[level + 1 :]
        return entry
    for level in range(len(open_) - 1, -1, -1):
        entry = open_[level]
        if one.text in entry.found:
            entry.misses = 0
            del open_[level + 1 :]
            return entry
        entry.misses += 1
    return None


_BREAK = re.compile(r"<;>|[;\n]")


def _another(gap: str) -> bool:
    """Whether a tactic stands in ``gap``: then a text found on both sides is another run of the first."""
    for part in _BREAK.split(gap)[1:-1]:
        said = part.strip(" \t·.({)}")
        if said.startswith("|"):
            said = said.rpartition("=>")[2].strip() if "=>" in said else ""
        if said and not said.endswith((" by", "then", "else")):
            return True
    return False


_LAST_WORD = re.compile(r"\w+\Z")
_INTRODUCING = frozenset({"by", "then", "else", "calc", "from", "with", "decreasing_by"})
_RIGHT = re.compile(r"[ \t]*(?:\Z|[\n;)}⟩\],·]|else\b|<;>)")
_MISSES, _TRIES = 8, 200


def _may_enclose(text: str) -> bool:
    return "by " in text or "\n" in text or "=>" in text or ";" in text or text.endswith("by")


def _mentions(haystack: Haystack, piece: str) -> bool:
    """Whether ``piece`` stands in a text, and does not begin within a word there."""
    hole = haystack.find(piece, 0)
    if hole is None:
        return False
    before = haystack.text[: hole[0]][-1:]
    return not (before.isalnum() or before in {"_", ".", "'"})


def _begins(left: str) -> bool:
    """Whether a tactic can begin behind ``left``."""
    if left[-1] in "\n;·.{(" or left.endswith("=>"):
        return True
    word = _LAST_WORD.search(left[-13:])
    return word is not None and word[0] in _INTRODUCING


def _inside(haystack: Haystack, piece: str, at: int, pieces: bool) -> tuple[int, int] | None:
    """First place of ``piece`` from ``at`` on at which a tactic can begin and end."""
    text = haystack.text
    for _ in range(_TRIES):
        hole = haystack.find(piece, at)
        if hole is None:
            return None
        left, right = text[max(0, hole[0] - 80) : hole[0]], text[hole[1] : hole[1] + 80]
        if not left.strip():
            fits = right.lstrip(" ")[:1] in {"\n", ";"}
        else:
            fits = _begins(left.rstrip(" \t")) or (pieces and left.rstrip().endswith("<;>"))
        if fits and _RIGHT.match(right) and (pieces or not right.lstrip().startswith("<;>")):
            return hole
        at = hole[0] + 1
    return None
