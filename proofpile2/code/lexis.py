"""Comments and strings of a language, as data: masked, so that a keyword in a comment is no evidence."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Lexis", "leader", "masker"]

Mask = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Lexis:
    """How a language writes comments and strings.

    ``line``          what begins a comment that ends with the line
    ``block``         pairs of what begins and ends a comment
    ``nested``        comments of ``block`` nest
    ``column_one``    characters that make a whole line a comment when they stand first in it (fixed-form Fortran)
    ``escaped_by``    a character before the comment sign that makes it an ordinary character (``\\%`` of TeX)
    ``strings``       quotation marks of strings that end where they began, on one line or several
    ``long_strings``  pairs of what begins and ends a string over many lines
    ``transpose``     ``'`` after a name, a bracket or a digit is no string (MATLAB, Julia)
    """

    line: tuple[str, ...] = ()
    block: tuple[tuple[str, ...], ...] = ()
    nested: bool = False
    column_one: str = ""
    escaped_by: str = ""
    strings: tuple[str, ...] = ()
    long_strings: tuple[tuple[str, ...], ...] = ()
    transpose: bool = False


def masker(lexis: Lexis) -> Mask:
    """A function that puts one space in the place of every comment and string; line ends between them stay."""
    pieces = [_span(*pair) for pair in lexis.long_strings]
    if not lexis.nested:
        pieces += [_span(*pair) for pair in lexis.block]
    pieces += _lines(lexis)
    for mark in lexis.strings:
        quote = re.escape(mark)
        before = r"(?<![\w)\]}.'])" if lexis.transpose and mark == "'" else ""
        pieces.append(rf"{before}{quote}(?:[^{quote}\\\n]|\\[^\n])*+{quote}")
    flat = re.compile("|".join(pieces).encode(), re.DOTALL | re.MULTILINE) if pieces else None
    if not lexis.nested or not lexis.block:
        return (lambda data: data) if flat is None else (lambda data: flat.sub(b" ", data))
    return _nested(lexis, pieces)


def leader(lexis: Lexis) -> Callable[[bytes, int], int]:
    """A function from a file and a limit to where the comments at its head end, where licences and marks of generators
    stand: the place of the first byte that is no comment, at most the limit."""
    blocks = [] if lexis.nested else [_span(*pair) for pair in lexis.block]
    pieces = [r"\s++", r"\xef\xbb\xbf", r"\A#![^\n]*+", *blocks, *_lines(lexis)]
    flat = re.compile(f"(?:{'|'.join(pieces)})*+".encode("latin-1"), re.DOTALL | re.MULTILINE)
    begins = tuple(pair[0].encode() for pair in lexis.block) if lexis.nested else ()
    inside = _edges(lexis)

    def end(data: bytes, limit: int) -> int:
        place = 0
        while True:
            found = flat.match(data, place, limit)
            place = found.end() if found else place
            mark = next((mark for mark in begins if data.startswith(mark, place, limit)), None)
            if mark is None:
                return place
            place = _past(data, place + len(mark), inside, limit)

    return end


def _lines(lexis: Lexis) -> list[str]:
    before = rf"(?<!{re.escape(lexis.escaped_by)})" if lexis.escaped_by else ""
    pieces = [rf"{before}{re.escape(mark)}[^\n]*+" for mark in lexis.line]
    for sign in lexis.column_one:
        # a letter in column one may begin a statement of free form: c = 1, call f(x)
        words = "all|lose|ommon|haracter|omplex|ontains|ycle"
        statement = rf"(?!\w*[ \t]*(?:\([^)\n]*\))?[ \t]*(?:=[^=\n]|\(|%|::)|(?:{words})\b)"
        pieces.append(rf"^{re.escape(sign)}{statement if sign.isalpha() else ''}[^\n]*+")
    return pieces


def _span(begin: str, end: str) -> str:
    """From ``begin`` to the first ``end``, or to the end of the file."""
    last, rest = re.escape(end[0]), re.escape(end[1:])
    inner = rf"(?:[^{last}]|{last}(?!{rest}))*+" if rest else rf"[^{last}]*+"
    return rf"{re.escape(begin)}{inner}(?:{re.escape(end)}|\Z)"


def _edges(lexis: Lexis) -> re.Pattern[bytes]:
    """Where a nested comment begins (group ``b``) or ends."""
    begins = "|".join(re.escape(pair[0]) for pair in lexis.block)
    ends = "|".join(re.escape(pair[1]) for pair in lexis.block)
    return re.compile(f"(?P<b>{begins})|{ends}".encode())


def _past(data: bytes, place: int, edges: re.Pattern[bytes], limit: int) -> int:
    """The end of the nested comment whose inside begins at ``place``; ``limit`` where it does not end."""
    depth = 1
    while depth:
        edge = edges.search(data, place, limit)
        if edge is None:
            return limit
        depth += 1 if edge.lastgroup == "b" else -1
        place = edge.end()
    return place


def _nested(lexis: Lexis, flat: list[str]) -> Mask:
    begins = "|".join(re.escape(pair[0]) for pair in lexis.block)
    outside = re.compile("|".join([f"(?P<b>{begins})", *flat]).encode(), re.DOTALL | re.MULTILINE)
    edges = _edges(lexis)

    def mask(data: bytes) -> bytes:
        kept, place = [], 0
        while found := outside.search(data, place):
            kept.append(data[place : found.start()])
            place = found.end()
            if found.lastgroup == "b":
                place = _past(data, place, edges, len(data))
        kept.append(data[place:])
        return b" ".join(kept)

    return mask
