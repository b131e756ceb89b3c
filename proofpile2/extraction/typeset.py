"""Formulas that a page without any TeX sets with italics, ``<sub>`` and ``<sup>`` in running text.

Only pages that hold no formula in another form are looked at, and only where several runs of text can be nothing but
mathematics (a script on a letter, a relation between letters in italics). Then single letters in italics are formulas
too. A run is written as HTML again and read by :mod:`proofpile2.extraction.layout`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape

from selectolax.lexbor import LexborHTMLParser

from proofpile2.extraction import layout
from proofpile2.extraction.words import words

__all__ = ["ITALIC", "SUB", "SUP", "UNSCRIPT", "UPRIGHT", "formulas_in", "strong_runs"]

SUP, SUB, UNSCRIPT, ITALIC, UPRIGHT = "\ue005", "\ue006", "\ue007", "\ue008", "\ue009"
_MAX_RUN = 400
_PIECE = re.compile(
    "[\ue005-\ue009]|[A-Za-z]+|\\d+(?:[.,]\\d+)*|\\.\\.\\.|\\s+|.",
    re.DOTALL,
)
_FUNCTIONS = words(
    "sin cos tan cot sec csc log ln exp lim max min sup inf det dim ker deg gcd mod arg sinh cosh tanh Pr"
)
_SHORT_WORDS = words("in is it if of or an as at be by do go he me my no on so to up us we am et al cf vs ad")
_RELATIONS = frozenset("=<>≤≥≠≈≡∼≅∝∈∉⊂⊆⊃⊇→↦⇒⇔≪≫")
_OPERATORS = frozenset("+−-–*/·×±∓∘∪∩∧∨⊕⊗∖÷∞∂∇∑∏∫√∀∃∅…′'!|ℝℤℕℚℂ⟨⟩⋅∗°") | _RELATIONS
_PUNCTUATION = frozenset("()[]{},:;.")
_OPEN, _CLOSE = "([{", ")]}"


@dataclass(slots=True)
class _Run:
    start: int
    end: int = 0
    html: list[str] = field(default_factory=list)
    letters: int = 0
    scripts: int = 0
    relations: int = 0
    tokens: int = 0
    depth: int = 0

    @property
    def strong(self) -> bool:
        return self.scripts > 0 or (self.relations > 0 and self.letters > 0)


def _greek(char: str) -> bool:
    return "Α" <= char <= "ω" or char in "ϑϕϖϱϵ∂ℓℏ"


def _runs(text: str) -> list[_Run]:
    """Pieces of the text that are made of mathematical tokens only."""
    tokens = [(match.start(), match.group()) for match in _PIECE.finditer(text)]
    found: list[_Run] = []
    run: _Run | None = None
    italic = False
    place = 0
    while place < len(tokens):
        start, piece = tokens[place]
        if piece in (ITALIC, UPRIGHT):
            italic = piece == ITALIC
            place += 1
            continue
        following = tokens[place + 1][1] if place + 1 < len(tokens) else ""
        if following in (ITALIC, UPRIGHT) and place + 2 < len(tokens):
            following = tokens[place + 2][1]
        scripted = following in (SUP, SUB) or (following == "(" and piece in "fghFGHPuvyO")
        if piece in (SUP, SUB):
            stop, inner = _script(tokens, place)
            if run is not None and inner is not None:
                run.html.append(inner)
                run.scripts += 1
                run.end = tokens[stop][0] + 1
            else:
                if run is not None:
                    found.append(run)
                run = None
            place = stop + 1
            continue
        kind = _kind(piece, italic, scripted, run)
        if kind == "":
            if run is not None:
                found.append(run)
                run = None
        elif kind == "space":
            if run is not None and run.html[-1] in (",", ";", ":", ".") and run.depth == 0:
                found.append(run)  # a comma between two formulas, not in one
                run = None
            elif run is not None:
                run.html.append(" ")
        else:
            if run is None:
                run = _Run(start)
            if kind == "letter":
                run.letters += 1
                run.html.append(f"<i>{escape(piece)}</i>")
            else:
                run.relations += piece in _RELATIONS
                run.depth += (piece in _OPEN) - (piece in _CLOSE)
                run.html.append(escape(piece))
            run.tokens += 1
            if kind != "mark":
                run.end = start + len(piece)
            if run.end - run.start > _MAX_RUN:
                run = None
        place += 1
    if run is not None:
        found.append(run)
    return [run for run in found if run.end > run.start]


def _kind(piece: str, italic: bool, scripted: bool, run: _Run | None) -> str:
    """What a piece is in a formula: letter, sign, mark (which can't end one), space, or nothing that belongs there."""
    if piece.isspace():
        return "space"
    if piece[0].isdigit():
        return "sign"
    if piece.isascii() and piece.isalpha():
        if piece in _FUNCTIONS:
            return "sign"
        if italic and len(piece) <= 2:
            return "letter" if piece not in _SHORT_WORDS else ""
        return "letter" if len(piece) == 1 and (scripted or (run is not None and not run.html[-1].isspace())) else ""
    if _greek(piece):
        return "letter"
    if piece in _CLOSE or piece in "!′'∞…|":
        return "sign"
    if piece in _OPERATORS or piece == "...":
        return "mark"
    return "mark" if piece in _PUNCTUATION else ""


def _script(tokens: Sequence[tuple[int, str]], place: int) -> tuple[int, str | None]:
    """The end of a script and its HTML, None where it is no mathematics (``5th``, a footnote)."""
    depth = 0
    html: list[str] = []
    long_word = False
    stop = place
    italic = False
    opened: list[str] = []
    for stop in range(place, min(len(tokens), place + 80)):
        piece = tokens[stop][1]
        if piece in (SUP, SUB):
            depth += 1
            opened.append("sup" if piece == SUP else "sub")
            html.append(f"<{opened[-1]}>")
        elif piece == UNSCRIPT:
            depth -= 1
            html.append(f"</{opened.pop()}>")
            if depth == 0:
                break
        elif piece in (ITALIC, UPRIGHT):
            italic = piece == ITALIC
        elif "\ue000" <= piece[0] <= "\ue00f":
            return stop, None
        else:
            long_word |= piece.isalpha() and piece.isascii() and len(piece) > 3 and not italic
            html.append(f"<i>{escape(piece)}</i>" if piece.isalpha() and len(piece) <= 2 else escape(piece))
    plain = re.sub(r"<[^<>]*>", "", "".join(html)).strip()
    if (
        depth
        or long_word
        or not plain
        or plain in ("st", "nd", "rd", "th", "a", "o", "er", "re", "TM", "SM")
        or plain[0] in "[†‡§¶#"
    ):
        return stop, None
    return stop, "".join(html)


def _trimmed(text: str, run: _Run) -> tuple[int, int]:
    """Start and end without brackets that have no partner and marks at the ends."""
    start, end = run.start, run.end
    while True:
        bare = re.sub("[\ue005-\ue009]", "", text[start:end])
        before = (start, end)
        while end > start and (text[end - 1].isspace() or text[end - 1] in ",;:." or text[end - 1] in (ITALIC,)):
            end -= 1
        while start < end and (text[start].isspace() or text[start] in ",;:.*/'’!|=" or text[start] == UPRIGHT):
            start += 1
        for opening, closing in zip(_OPEN, _CLOSE, strict=True):
            extra = bare.count(opening) - bare.count(closing)
            if (extra > 0 and text[end - 1] == opening) or (extra < 0 and text[end - 1] == closing):
                end -= 1
            elif (extra > 0 and text[start] == opening) or (extra < 0 and text[start] == closing):
                start += 1
        if before == (start, end):
            return start, end


def strong_runs(text: str) -> int:
    """How many scripts and relations of the text stand in runs that can be nothing but mathematics."""
    return sum(run.scripts + (run.relations > 0) for run in _runs(text) if run.strong)


def formulas_in(text: str, add: Callable[[str], str | None]) -> str:
    """The text with each formula replaced by what ``add`` gives for its TeX."""
    out: list[str] = []
    done = 0
    for run in _runs(text):
        if not run.strong and not (run.letters == 1 and run.tokens == 1):
            continue
        start, end = _trimmed(text, run)
        if end <= start or start < done:
            continue
        slanted = text.rfind(ITALIC, 0, start) > text.rfind(UPRIGHT, 0, start)
        again = _runs((ITALIC if slanted else UPRIGHT) + text[start:end])
        if len(again) != 1 or again[0].start > 2 or again[0].end < len(text[start:end].rstrip(UPRIGHT)) + 1:
            continue
        span = LexborHTMLParser(f"<span>{''.join(again[0].html).rstrip()}</span>").css_first("span")
        tex = layout.to_latex(span) if span is not None else None
        stand_in = add(tex) if tex else None
        if stand_in is None:
            continue
        opened = text[start:end].count(ITALIC) - text[start:end].count(UPRIGHT)
        out += [text[done:start], stand_in, UPRIGHT * opened if opened > 0 else ITALIC * -opened]
        done = end
    out.append(text[done:])
    return "".join(out)
