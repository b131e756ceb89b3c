"""What of a formal language its comments and strings are, and a text with these blanked."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

__all__ = ["Masked", "Read", "Syntax"]

Read = tuple[str, tuple[str, ...]]
"""Name and normalised tokens of what a declaration claims."""


@dataclass(frozen=True)
class Syntax:
    """Comments and strings (``flat``: group ``c`` or ``s``; ``nested``: opening, closing, whether it is a comment)."""

    flat: str
    nested: tuple[tuple[str, str, bool], ...]
    command: re.Pattern[str]
    claims: frozenset[str]
    plain: frozenset[str]  # commands that say nothing themselves, and have no body
    documents: str  # comments that begin so belong to what follows, even over a blank line
    apart: tuple[str, ...]  # comments that begin so never belong to a declaration
    read: Callable[[Masked, int, int], Read]
    prose: frozenset[str] = frozenset()  # may stand inside a proof too
    proof: re.Pattern[str] | None = None


class Masked:
    """A text with its comments (``code``), and with its comments and strings (``bare``), blanked, places unchanged."""

    def __init__(self, text: str, syntax: Syntax) -> None:
        self.text, self.syntax = text, syntax
        self.comments: list[tuple[int, int]] = []
        code: list[str] = []
        bare: list[str] = []
        place = 0
        for start, end, comment in _spans(text, syntax):
            before, span = text[place:start], text[start:end]
            inside = "\n".join([" " * len(line) for line in span.split("\n")]) if "\n" in span else " " * len(span)
            code += [before, inside if comment else span]
            bare += [before, inside]
            place = end
            if comment:
                self.comments.append((start, end))
        self.code = "".join([*code, text[place:]])
        self.bare = "".join([*bare, text[place:]])
        self._ends = [end for _, end in self.comments]

    def lead(self, start: int, least: int) -> int:
        """Where the comments begin that stand right above ``start`` and belong to what begins there."""
        number = bisect_left(self._ends, start + 1) - 1
        while number >= 0:
            begin, end = self.comments[number]
            own = self.text.startswith(self.syntax.documents, begin) if self.syntax.documents else False
            gap = self.text[end:start]
            line = self.text.rfind("\n", 0, begin) + 1
            if begin < least or gap.strip() or (gap.count("\n") > 1 and not own) or self.code[line:begin].strip():
                break
            if self.text.startswith(self.syntax.apart, begin) or "opyright" in self.text[begin:end]:
                break
            start = begin
            number -= 1
        return start


def _spans(text: str, syntax: Syntax) -> Iterator[tuple[int, int, bool]]:
    outside, inside = _scanners(syntax.flat, syntax.nested)
    place = 0
    while match := outside.search(text, place):
        kind = str(match.lastgroup)
        place = match.end()
        if kind in {"c", "s"}:
            yield match.start(), place, kind == "c"
            continue
        number, depth = int(kind[1:]), 1
        while depth:
            edge = inside[number].search(text, place)
            if edge is None:
                place = len(text)
                break
            depth += 1 if edge.lastgroup == "o" else -1
            place = edge.end()
        yield match.start(), place, syntax.nested[number][2]


@cache
def _scanners(
    flat: str, nested: tuple[tuple[str, str, bool], ...]
) -> tuple[re.Pattern[str], tuple[re.Pattern[str], ...]]:
    opens = "|".join(f"(?P<n{number}>{pair[0]})" for number, pair in enumerate(nested))
    inside = tuple(re.compile(f"(?P<o>{pair[0]})|{pair[1]}") for pair in nested)
    return re.compile(f"{flat}|{opens}"), inside
