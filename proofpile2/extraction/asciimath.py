r"""AsciiMath to LaTeX.

A recursive-descent converter for the published grammar (asciimath.org):

    v ::= letter | number | symbol            S ::= v | l E r | u S | b S S | "text"
    I ::= S_S | S^S | S_S^S | S               E ::= I E | I / I

with what ASCIIMathML.js does around it: the brackets of an operand of `/`, `_`, `^` and of the argument of `sqrt` and
the like vanish, `[[a,b],[c,d]]` is a matrix, `{(a,b),(c,d):}` a case distinction, `sin x/2` a fraction with `sin x` as
its numerator, a minus sign right behind `_`, `^` or `/` belongs to the operand. Rows, fences and tables are written by
the same code as for MathML.

py-asciimath (0.3, the last release, of 2020) is not used: it takes 0.8 s to load and 4 ms a formula (30 times as long
as this), writes every bracket with `\left` and every letter in braces, and gives wrong LaTeX for ordinary input
(`\mathmr{if}`, `otherwise` as a product of letters). `bench/mathml.py` measures both.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from proofpile2.extraction import asciimath_symbols as am
from proofpile2.extraction import mathml_symbols as sym
from proofpile2.extraction.mathml_row import (
    BRACE,
    CLOSE,
    EMPTY,
    FUNCTION,
    NOTHING,
    OP,
    OPEN,
    ORD,
    PRIME,
    ROW,
    SPACE,
    TEXT,
    VERTICAL,
    Atom,
    Table,
    argument,
    nucleus,
    row,
    table_atom,
)

__all__ = ["MAX_DEPTH", "MAX_LENGTH", "to_latex"]

MAX_LENGTH = 20_000
"""Characters; a longer source is no formula."""
MAX_DEPTH = 60
"""Brackets inside brackets; what is nested deeper is written as it stands."""


class _Token(NamedTuple):
    text: str
    start: int
    end: int


class _Group(NamedTuple):
    """An operand: its atom, and for a bracketed one what is inside the brackets."""

    atom: Atom
    inside: Atom | None = None


def to_latex(source: str) -> str | None:
    r"""LaTeX without delimiters for a formula in AsciiMath; None for an empty or oversized source.

    Every string has a reading in AsciiMath (unknown letters are variables), so None says nothing about whether the
    author meant a formula. Braces of the result are balanced. Linear in the length of the source.

    >>> to_latex("sum_(i=1)^n i^3=((n(n+1))/2)^2")
    '\\sum_{i=1}^n i^3=\\left(\\frac{n(n+1)}{2}\\right)^2'
    """
    if len(source) > MAX_LENGTH:
        return None
    source = source.replace("\xa0", " ").strip()
    if not source:
        return None
    atoms = _Parser(source).expression(frozenset(), 0)
    while atoms and atoms[0].kind == SPACE:
        atoms.pop(0)
    while atoms and atoms[-1].kind == SPACE:
        atoms.pop()
    atom = row(atoms)
    if atom.kind == PRIME:
        return r"\prime" * len(atom.tex)
    return (atom.tex + atom.tail).strip() or None


class _Parser:
    def __init__(self, source: str) -> None:
        self.source = source
        self.tokens = [_Token(found.group(), found.start(), found.end()) for found in am.TOKEN.finditer(source)]
        self.at = 0
        self.partner = _bars(self.tokens)

    def peek(self) -> str:
        return self.tokens[self.at].text if self.at < len(self.tokens) else ""

    def expression(self, stops: frozenset[str], depth: int, until: int = -1) -> list[Atom]:
        """E: items up to a stop, the token number `until` or the end; fractions are made here."""
        out: list[Atom] = []
        while self.at < len(self.tokens) and self.at != until:
            text = self.peek()
            if text in stops:
                break
            if text == "/":
                self.at += 1
                out.append(Atom("/", OP, raw="/"))
                continue
            item = self.item(depth, until, stops)
            while self.peek() == "/" and self.at != until:
                self.at += 1
                if self.at >= len(self.tokens) or self.at == until or self.peek() in stops:
                    out.append(item.atom)
                    item = _Group(Atom("/", OP, raw="/"))
                    break
                sign = self.minus()
                below = self.item(depth, until, stops)
                if sign:
                    below = _Group(row([Atom("-", OP), below.atom]))
                item = _Group(Atom(f"\\frac{{{_bare(item)}}}{{{_bare(below)}}}", tall=True))
            out.append(item.atom)
        return out

    def item(self, depth: int, until: int, stops: frozenset[str]) -> _Group:
        """I: an operand with its scripts; a function takes the operand after it as well."""
        name = self.peek()
        item = self.simple(depth)
        scripted = self.scripts(item, depth, until, stops)
        while self.peek() == "!" and self.at != until and "!" not in stops:
            self.at += 1  # a factorial belongs to what it follows, also under a fraction
            scripted = _Group(Atom(nucleus(scripted.atom) + "!", ROW, simple=False, tall=scripted.atom.tall))
        if name in am.FUNCTIONS or (name in {"f", "g"} and self.peek() == "("):
            following = self.peek()
            takes = depth < MAX_DEPTH and self.at < len(self.tokens) and self.at != until and following not in stops
            if takes and following not in {"/", "_", "^", ",", "'"} and following not in am.OPERATORS:
                if (
                    following in am.RIGHT
                    or following in {"+", "-", "=", "<", ">"}
                    or (following in am.BARS and self.at not in self.partner)
                ):
                    return scripted
                operand = self.item(depth + 1, until, stops)
                return _Group(row([scripted.atom, operand.atom]))
        return scripted

    def minus(self) -> bool:
        """Take a minus sign that belongs to the operand after `/`, `_` or `^`: one that no space follows."""
        if self.peek() != "-" or self.at + 1 >= len(self.tokens):
            return False
        if self.tokens[self.at + 1].start != self.tokens[self.at].end:
            return False
        self.at += 1
        return True

    def scripts(self, item: _Group, depth: int, until: int, stops: frozenset[str]) -> _Group:
        found: dict[str, Atom] = {}
        while self.peek() in {"_", "^"} and self.at != until and self.peek() not in found:
            mark = self.peek()
            self.at += 1
            if self.at >= len(self.tokens) or self.at == until or self.peek() in stops:
                found[mark] = NOTHING
                break
            sign = self.minus()
            script = self.simple(depth)
            if sign:
                script = _Group(row([Atom("-", OP), script.atom]))
            found[mark] = script.inside if script.inside is not None else script.atom
        if not found:
            return item
        base = item.atom
        parts = ""
        for mark in "_^":
            script_atom = found.get(mark)
            if script_atom is None or not script_atom.tex:
                continue
            tex = script_atom.tex + script_atom.tail
            parts += tex if script_atom.kind == PRIME or tex == r"^{\circ}" else mark + argument(tex)
        if not parts:
            return item
        if base.kind in {OPEN, CLOSE, VERTICAL} and not base.tail:
            return _Group(replace(base, tail=parts))
        scripts = (1 if "_" in found else 0) | (2 if "^" in found else 0)
        kind = base.kind if base.kind in {FUNCTION, BRACE} else ORD
        return _Group(Atom(nucleus(base) + parts, kind, simple=False, tall=base.tall, scripts=scripts))

    def simple(self, depth: int) -> _Group:
        """S: a symbol, a bracketed expression, an operator with its arguments."""
        if self.at >= len(self.tokens):
            return _Group(NOTHING)
        number = self.at
        token = self.tokens[number]
        text = token.text
        self.at += 1
        if text.startswith("\\") and text[1:] in am.NAMES and len(text) > 1 and text not in am.NAMES:
            text = text[1:]
        if depth < MAX_DEPTH:
            if text in am.LEFT:
                return self.bracketed(text, depth)
            if text in am.BARS and number in self.partner:
                return self.barred(text, self.partner[number], depth)
            if text in am.TEXT_WORDS:
                return self.text(token)
            if text in am.UNARY:
                return _Group(_unary(am.UNARY[text], self.simple(depth + 1)))
            if text in am.AROUND:
                left, right = am.AROUND[text]
                operand = self.simple(depth + 1)
                inside = operand.inside if operand.inside is not None else operand.atom
                return _Group(row([Atom(left, OPEN), inside, Atom(right, CLOSE)]))
            if text in am.FONTS:
                return _Group(self.font(am.FONTS[text], depth))
            if text in am.BINARY:
                return _Group(_binary(text, self.simple(depth + 1), self.simple(depth + 1)))
        return _Group(_text(text[1:-1]) if text[0] == '"' and len(text) > 1 else _symbol(text))

    def bracketed(self, text: str, depth: int) -> _Group:
        left = am.LEFT[text]
        contents = self.expression(_STOPS, depth + 1)
        closer = self.peek()
        if closer not in am.RIGHT:
            # never closed: the bracket is a symbol
            return _Group(row([Atom(left, OPEN), *contents]) if left else row(contents))
        self.at += 1
        right = am.RIGHT[closer]
        table = _matrix(contents, left, right)
        if table is not None:
            return _Group(_fenced(left, [table], right))
        removable = left in am.STRIPPED or not left
        return _Group(_fenced(left, contents, right), row(contents) if removable else None)

    def barred(self, text: str, partner: int, depth: int) -> _Group:
        contents = self.expression(frozenset(), depth + 1, until=partner)
        self.at = partner + 1
        bar = am.BARS[text]
        table = _matrix(contents, bar, bar)
        return _Group(row([Atom(bar, OPEN), *([table] if table is not None else contents), Atom(bar, CLOSE)]))

    def text(self, token: _Token) -> _Group:
        """`text(...)`: everything up to the closing bracket as it stands."""
        opener = self.source[token.end : token.end + 1]
        closer = am.CLOSERS.get(opener)
        end = self.source.find(closer, token.end) if closer else -1
        if closer is None or end < 0:
            return _Group(_letters(token.text))
        while self.at < len(self.tokens) and self.tokens[self.at].start <= end:
            self.at += 1
        return _Group(_text(self.source[token.end + 1 : end]))

    def font(self, font: str, depth: int) -> Atom:
        operand = self.simple(depth + 1)
        atom = operand.inside if operand.inside is not None else operand.atom
        plain = atom.raw if atom.kind == TEXT or (atom.raw and atom.raw.isalnum()) else atom.tex
        if not font:
            return Atom(plain, ROW, simple=False) if plain.isalpha() else atom
        if len(plain) == 1:
            return Atom(sym.styled(font, plain), raw=plain, font=font)
        if plain.isascii() and plain.isalnum():
            return Atom(f"\\{font}{{{plain}}}", raw=plain)
        name = "boldsymbol" if font == "mathbf" else font
        return Atom(f"\\{name}{{{atom.tex + atom.tail}}}") if atom.tex else NOTHING


_STOPS = frozenset(am.RIGHT)


def _bars(tokens: list[_Token]) -> dict[int, int]:
    """Number of each opening bar -> number of the bar that closes it, on the same level of brackets."""
    partner: dict[int, int] = {}
    levels: list[dict[str, int]] = [{}]
    for number, token in enumerate(tokens):
        if token.text in am.LEFT:
            levels.append({})
        elif token.text in am.RIGHT:
            if len(levels) > 1:
                levels.pop()
        elif token.text in am.BARS:
            opened = levels[-1].pop(token.text, None)
            if opened is None:
                levels[-1][token.text] = number
            elif number > opened + 1:
                partner[opened] = number
    return partner


def _bare(group: _Group) -> str:
    atom = group.inside if group.inside is not None else group.atom
    return r"\prime" * len(atom.tex) if atom.kind == PRIME else atom.tex + atom.tail


def _fenced(left: str, contents: list[Atom], right: str) -> Atom:
    if not left and not right:
        return row(contents)
    one_sided = None if left and right else True
    if one_sided and len(contents) == 1 and contents[0].table is not None:
        return row([Atom(left, OPEN), *contents] if left else [*contents, Atom(right, CLOSE)])
    return row([Atom(left or ".", OPEN, stretch=one_sided), *contents, Atom(right or ".", CLOSE, stretch=one_sided)])


def _matrix(contents: list[Atom], left: str, right: str) -> Atom | None:
    """A table, if the contents are bracketed rows of equal length between commas."""
    rows: list[tuple[str, ...]] = []
    kinds = set()
    lines: tuple[str, ...] = ()
    atoms = [atom for atom in contents if atom.kind not in {SPACE, EMPTY}]
    if not atoms or len(atoms) % 2 == 0:
        return None
    for number, atom in enumerate(atoms):
        if number % 2:
            if atom.tex != "," or atom.kind != OP:
                return None
            continue
        inner = atom.atoms
        if atom.kind != ROW or len(inner) < 2 or atom.scripts or inner[0].kind != OPEN or inner[-1].kind != CLOSE:
            return None
        fences = (inner[0].tex.removeprefix(r"\left"), inner[-1].tex.removeprefix(r"\right"))
        if inner[-1].tail or fences not in {("(", ")"), ("[", "]")}:
            return None
        kinds.add(fences)
        cells: list[str] = []
        cell: list[Atom] = []
        marks: list[str] = []
        for part in [*inner[1:-1], Atom(",", OP)]:
            if part.tex == "," and part.kind == OP:
                if len(cell) == 1 and cell[0].kind == VERTICAL and cell[0].tex == "|":
                    marks = [*marks[:-1], "|"]
                else:
                    content = row(cell)
                    cells.append(content.tex + content.tail)
                    marks.append("")
                cell = []
            else:
                cell.append(part)
        lines = tuple(marks) if any(marks) else lines
        rows.append(tuple(cells))
    if len(kinds) != 1 or len({len(cells) for cells in rows}) != 1:
        return None
    if kinds == {("(", ")")} and (left, right) == (r"\{", r"\}"):
        return None  # a set of points
    if len(rows) == 1 and len(rows[0]) < 2:
        return None
    aligns = ("left",) * len(rows[0]) if (left, right) == (r"\{", "") else ("center",) * len(rows[0])
    return table_atom(Table(rows=tuple(rows), aligns=aligns, lines=lines))


def _unary(command: str, operand: _Group) -> Atom:
    inside = operand.inside if operand.inside is not None else operand.atom
    tex = inside.tex + inside.tail
    if inside.kind in {ROW, TEXT} or not inside.simple:
        command = {"bar": "overline", "vec": "overrightarrow", "hat": "widehat", "tilde": "widetilde"}.get(
            command, command
        )
    kind = BRACE if command in {"underbrace", "overbrace"} else ORD
    return Atom(f"\\{command}{{{tex}}}", kind, tall=inside.tall or kind == BRACE)


def _binary(name: str, first: _Group, second: _Group) -> Atom:
    one, two = _bare(first), _bare(second)
    if name in {"color", "id", "class"}:
        return second.inside if second.inside is not None else second.atom
    if name == "frac":
        return Atom(f"\\frac{{{one}}}{{{two}}}", tall=True)
    if name == "root":
        degree = f"{{{one}}}" if "]" in one else one
        return Atom(f"\\sqrt[{degree}]{{{two}}}")
    command = "underset" if name == "underset" else "overset"
    return Atom(f"\\{command}{{{one}}}{{{two}}}", OP if second.atom.kind == OP else ORD, tall=True)


def _text(content: str) -> Atom:
    words = content.strip()
    if not words:
        return Atom(r"\ ", SPACE) if content else NOTHING
    escaped = "".join(_ESCAPES.get(char, char) for char in content)
    return Atom(f"\\text{{{escaped}}}", TEXT, raw=words)


_ESCAPES = {"\\": r"\textbackslash{}", "^": r"\^{}", "~": r"\textasciitilde{}"} | {
    char: "\\" + char for char in "$%#&_{}"
}


def _letters(name: str) -> Atom:
    return Atom(name, ROW, simple=False)


@lru_cache(maxsize=2048)
def _symbol(text: str) -> Atom:
    """One token that takes no argument."""
    if text in am.OPERATORS:
        return Atom(am.OPERATORS[text], OP, raw=text)
    if text in am.LETTERS:
        return Atom(am.LETTERS[text], raw=text)
    if text in am.BIG:
        return Atom(am.BIG[text])
    if text in am.FUNCTIONS:
        return Atom(am.FUNCTIONS[text], FUNCTION)
    if text in am.LIMITS:
        return Atom(am.LIMITS[text], FUNCTION)
    if text in am.WORDS:
        return Atom(am.WORDS[text], TEXT)
    if text in am.SPACES:
        return Atom(am.SPACES[text], SPACE)
    if text == "mod":
        return Atom(r"\bmod", OP, raw="mod")
    if text in {"dx", "dy", "dz", "dt"}:
        return Atom(text, ROW, simple=False)
    if text in {"'", "prime"}:
        return Atom("'", PRIME)
    if text in am.LEFT:
        return Atom(am.LEFT[text], OPEN)
    if text in am.RIGHT:
        return Atom(am.RIGHT[text], CLOSE)
    if text in am.BARS:
        return Atom(am.BARS[text], VERTICAL, raw="|" if text == "|" else "‖")
    if text in {"_", "^"}:
        return NOTHING
    if text[0] == "\\" and len(text) > 1:
        return Atom(text)  # LaTeX in between
    if text.isalnum() and text.isascii():
        return Atom(text, raw=text)
    if len(text) > 1:
        return _letters(text)
    if text.isalpha():
        return Atom(sym.symbol(text), raw=text)
    tex = sym.symbol(text)
    return Atom(tex, ORD if text in "!%°…∞" else OP, raw=text) if tex else NOTHING
