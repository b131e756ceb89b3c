r"""AsciiMath to LaTeX.

A recursive-descent converter for the published grammar (asciimath.org):

    v ::= letter | number | symbol            S ::= v | l E r | u S | b S S | "text"
    I ::= S_S | S^S | S_S^S | S               E ::= I E | I / I

with what ASCIIMathML.js does around it: the brackets of an operand of `/`, `_`, `^` and of the argument of `sqrt` and the
like vanish, `[[a,b],[c,d]]` is a matrix, `{(a,b),(c,d):}` a case distinction, `sin x/2` a fraction under
`sin x`. Rows, fences and tables are written by the same code as for MathML.

py-asciimath 0.3 is not used: see docs and `bench/mathml.py` (an Earley or LALR grammar of 2020 without a release since,
which fails on ordinary input).
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import NamedTuple

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

_OPERATORS = r"""
* \cdot   ** \ast   *** \star   // /   \\ \setminus   setminus \setminus   xx \times   -: \div   |>< \ltimes   ><| \rtimes
|><| \bowtie   @ \circ   o+ \oplus   ox \otimes   o. \odot   ^^ \wedge   vv \vee   nn \cap   uu \cup   +- \pm   -+ \mp
!= \neq   <= \leq   >= \geq   lt <   gt >   le \leq   ge \geq   ne \neq   mlt \ll   mgt \gg   -< \prec   -lt \prec   >- \succ
-<= \preceq   >-= \succeq   in \in   !in \notin   sub \subset   sup \supset   sube \subseteq   supe \supseteq   -= \equiv
~= \cong   ~~ \approx   ~ \sim   prop \propto   => \Rightarrow   <=> \Leftrightarrow   _|_ \perp   |-- \vdash   |== \models
-> \to   >-> \rightarrowtail   ->> \twoheadrightarrow   >->> \twoheadrightarrow   |-> \mapsto   uarr \uparrow   darr \downarrow
rarr \rightarrow   larr \leftarrow   harr \leftrightarrow   rArr \Rightarrow   lArr \Leftarrow   hArr \Leftrightarrow
:= :=   :. \therefore   :' \because   to \to   !sub \not\subset   !sube \nsubseteq   /in \notin   mid \mid
"""
_LETTERS = r"""
oo \infty   O/ \emptyset   del \partial   grad \nabla   AA \forall   EE \exists   TT \top   CC \mathbb{C}   NN \mathbb{N}
QQ \mathbb{Q}   RR \mathbb{R}   ZZ \mathbb{Z}   aleph \aleph   /_ \angle   /_\ \triangle   diamond \diamond   square \square
... \ldots   |...| |\ldots|   |cdots| |\cdots|   cdots \cdots   vdots \vdots   ddots \ddots   epsi \epsilon   not \neg
frown \frown   ldots \ldots   hbar \hbar   ell \ell   degree ^{\circ}   deg \deg
"""
# names that are the same in LaTeX
_OPERATOR_NAMES = (
    "ast star divide times div ltimes rtimes bowtie circ oplus otimes odot wedge vee cap cup pm mp neq leq geq ll gg prec succ "
    "preceq succeq notin subset supset subseteq supseteq equiv cong approx sim propto perp vdash models uparrow downarrow "
    "rightarrow leftarrow leftrightarrow Rightarrow Leftarrow Leftrightarrow mapsto rightarrowtail twoheadrightarrow "
    "therefore because implies iff backslash cdot parallel"
)
_LETTER_NAMES = (
    "alpha beta gamma Gamma delta Delta epsilon varepsilon zeta eta theta Theta vartheta iota kappa lambda Lambda mu nu xi Xi "
    "pi Pi rho sigma Sigma tau upsilon phi Phi varphi chi psi Psi omega Omega infty emptyset partial nabla forall exists neg "
    "bot top angle triangle"
)
_BIG_NAMES = {"sum": r"\sum", "prod": r"\prod", "coprod": r"\coprod", "int": r"\int", "oint": r"\oint", "^^^": r"\bigwedge",
              "vvv": r"\bigvee", "nnn": r"\bigcap", "uuu": r"\bigcup", "bigwedge": r"\bigwedge", "bigvee": r"\bigvee",
              "bigcap": r"\bigcap", "bigcup": r"\bigcup", "iint": r"\iint", "iiint": r"\iiint"}  # fmt: skip
_WORDS = {"and": r"\text{ and }", "or": r"\text{ or }", "if": r"\text{ if }", "otherwise": r"\text{otherwise}"}
_SPACES = {"\\ ": r"\ ", "quad": r"\quad", "qquad": r"\qquad"}
_PLAIN_FUNCTIONS = (
    "sin cos tan sec csc cot arcsin arccos arctan sinh cosh tanh coth exp log ln det gcd dim ker arg hom lg"
)
_NAMED_FUNCTIONS = "sech csch lcm lub glb arcsec arccsc arccot sgn tr rank"
_LIMITS = {"lim": r"\lim", "Lim": r"\operatorname{Lim}", "max": r"\max", "min": r"\min", "sup": r"\sup", "inf": r"\inf",
           "limsup": r"\limsup", "liminf": r"\liminf"}  # fmt: skip
_UNARY = {"sqrt": "sqrt", "hat": "hat", "bar": "bar", "overline": "overline", "ul": "underline", "underline": "underline",
          "vec": "vec", "tilde": "tilde", "dot": "dot", "ddot": "ddot", "ubrace": "underbrace", "underbrace": "underbrace",
          "obrace": "overbrace", "overbrace": "overbrace", "cancel": "cancel", "overarc": "overparen",
          "boxed": "boxed"}  # fmt: skip
_AROUND = {"abs": ("|", "|"), "norm": (r"\|", r"\|"), "floor": (r"\lfloor", r"\rfloor"), "ceil": (r"\lceil", r"\rceil"),
           "Abs": ("|", "|")}  # fmt: skip
_FONTS = {"bb": "mathbf", "mathbf": "mathbf", "bbb": "mathbb", "mathbb": "mathbb", "cc": "mathcal", "mathcal": "mathcal",
          "tt": "mathtt", "mathtt": "mathtt", "fr": "mathfrak", "mathfrak": "mathfrak", "sf": "mathsf", "mathsf": "mathsf",
          "rm": "mathrm", "mathrm": "mathrm", "it": "", "mathit": ""}  # fmt: skip
_BINARY = frozenset("frac root stackrel overset underset color id class".split())
_TEXT_WORDS = frozenset({"text", "mbox"})
_LEFT = {"(": "(", "[": "[", "{": r"\{", "(:": r"\langle", "<<": r"\langle", "langle": r"\langle", "{:": "", "lfloor": r"\lfloor",
         "lceil": r"\lceil", "|__": r"\lfloor", "|~": r"\lceil", "left(": "(", "left[": "[", "left{": r"\{"}  # fmt: skip
_RIGHT = {")": ")", "]": "]", "}": r"\}", ":)": r"\rangle", ">>": r"\rangle", "rangle": r"\rangle", ":}": "", "rfloor": r"\rfloor",
          "rceil": r"\rceil", "__|": r"\rfloor", "~|": r"\rceil", "right)": ")", "right]": "]", "right}": r"\}"}  # fmt: skip
_BARS = {"|": "|", "||": r"\|"}
_STRIPPED = frozenset({"(", "[", r"\{"})  # brackets that only group an operand
_CLOSERS = {"(": ")", "[": "]", "{": "}"}


def _pairs(table: str) -> dict[str, str]:
    words = table.split()
    return dict(zip(words[::2], words[1::2], strict=True))


_OPERATOR_TABLE = _pairs(_OPERATORS) | {name: "\\" + name for name in _OPERATOR_NAMES.split()} | {"divide": r"\div"}
_LETTER_TABLE = _pairs(_LETTERS) | {name: "\\" + name for name in _LETTER_NAMES.split()}
_FUNCTION_TABLE = (
    {name: "\\" + name for name in _PLAIN_FUNCTIONS.split()}
    | {name.capitalize(): "\\" + name for name in "sin cos tan sec csc cot sinh cosh tanh arcsin arccos arctan log ln".split()}
    | {name: f"\\operatorname{{{name}}}" for name in _NAMED_FUNCTIONS.split()}
)
_NAMES = frozenset(
    [*_OPERATOR_TABLE, *_LETTER_TABLE, *_BIG_NAMES, *_WORDS, *_SPACES, *_FUNCTION_TABLE, *_LIMITS, *_UNARY, *_AROUND, *_FONTS,
     *_BINARY, *_TEXT_WORDS, *_LEFT, *_RIGHT, *_BARS, "mod", "dx", "dy", "dz", "dt", "prime", "'", "/", "_", "^"]
)  # fmt: skip
# longest first, as ASCIIMathML.js reads; `|__` must not take the bar of `|_`
_TOKEN = re.compile(
    r'"[^"]*"|\d+(?:\.\d+)?|\.\d+|' + "|".join(re.escape(n) for n in sorted(_NAMES, key=lambda n: (-len(n), n))) + r"|\\[A-Za-z]+|\S"
)


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
        self.tokens = [_Token(found.group(), found.start(), found.end()) for found in _TOKEN.finditer(source)]
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
        if name in _FUNCTION_TABLE or (name in {"f", "g"} and self.peek() == "("):
            following = self.peek()
            takes = depth < MAX_DEPTH and self.at < len(self.tokens) and self.at != until and following not in stops
            if takes and following not in {"/", "_", "^", ",", "'"} and following not in _OPERATOR_TABLE:
                if following in _RIGHT or following in {"+", "-", "=", "<", ">"} or (following in _BARS and self.at not in self.partner):
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
            if script_atom.kind == PRIME:
                parts += tex
            elif tex == r"^{\circ}":
                parts += tex
            else:
                parts += mark + argument(tex)
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
        if text.startswith("\\") and text[1:] in _NAMES and len(text) > 1 and text not in _NAMES:
            text = text[1:]
        if depth < MAX_DEPTH:
            if text in _LEFT:
                return self.bracketed(text, depth)
            if text in _BARS and number in self.partner:
                return self.barred(text, self.partner[number], depth)
            if text in _TEXT_WORDS:
                return self.text(token)
            if text in _UNARY:
                return _Group(_unary(_UNARY[text], self.simple(depth + 1)))
            if text in _AROUND:
                left, right = _AROUND[text]
                operand = self.simple(depth + 1)
                inside = operand.inside if operand.inside is not None else operand.atom
                return _Group(row([Atom(left, OPEN), inside, Atom(right, CLOSE)]))
            if text in _FONTS:
                return _Group(self.font(_FONTS[text], depth))
            if text in _BINARY:
                return _Group(_binary(text, self.simple(depth + 1), self.simple(depth + 1)))
        return _Group(_symbol(text))

    def bracketed(self, text: str, depth: int) -> _Group:
        left = _LEFT[text]
        contents = self.expression(_STOPS, depth + 1)
        closer = self.peek()
        if closer not in _RIGHT:
            # never closed: the bracket is a symbol
            return _Group(row([Atom(left, OPEN), *contents]) if left else row(contents))
        self.at += 1
        right = _RIGHT[closer]
        table = _matrix(contents, left, right)
        if table is not None:
            return _Group(_fenced(left, [table], right))
        removable = left in _STRIPPED or not left
        return _Group(_fenced(left, contents, right), row(contents) if removable else None)

    def barred(self, text: str, partner: int, depth: int) -> _Group:
        contents = self.expression(frozenset(), depth + 1, until=partner)
        self.at = partner + 1
        bar = _BARS[text]
        table = _matrix(contents, bar, bar)
        return _Group(row([Atom(bar, OPEN), *([table] if table is not None else contents), Atom(bar, CLOSE)]))

    def text(self, token: _Token) -> _Group:
        """`text(...)`: everything up to the closing bracket as it stands."""
        opener = self.source[token.end : token.end + 1]
        closer = _CLOSERS.get(opener)
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


_STOPS = frozenset(_RIGHT)


def _bars(tokens: list[_Token]) -> dict[int, int]:
    """Number of each opening bar -> number of the bar that closes it, on the same level of brackets."""
    partner: dict[int, int] = {}
    levels: list[dict[str, int]] = [{}]
    for number, token in enumerate(tokens):
        if token.text in _LEFT:
            levels.append({})
        elif token.text in _RIGHT:
            if len(levels) > 1:
                levels.pop()
        elif token.text in _BARS:
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
        command = {"bar": "overline", "vec": "overrightarrow", "hat": "widehat", "tilde": "widetilde"}.get(command, command)
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


_ESCAPES = {"\\": r"\textbackslash{}", "^": r"\^{}", "~": r"\textasciitilde{}"} | {char: "\\" + char for char in "$%#&_{}"}


def _letters(name: str) -> Atom:
    return Atom(name, ROW, simple=False)


def _symbol(text: str) -> Atom:
    """One token that takes no argument."""
    if text[0] == '"' and len(text) > 1:
        return _text(text[1:-1])
    if text in _OPERATOR_TABLE:
        return Atom(_OPERATOR_TABLE[text], OP, raw=text)
    if text in _LETTER_TABLE:
        return Atom(_LETTER_TABLE[text], raw=text)
    if text in _BIG_NAMES:
        return Atom(_BIG_NAMES[text])
    if text in _FUNCTION_TABLE:
        return Atom(_FUNCTION_TABLE[text], FUNCTION)
    if text in _LIMITS:
        return Atom(_LIMITS[text], FUNCTION)
    if text in _WORDS:
        return Atom(_WORDS[text], TEXT)
    if text in _SPACES:
        return Atom(_SPACES[text], SPACE)
    if text == "mod":
        return Atom(r"\bmod", OP, raw="mod")
    if text in {"dx", "dy", "dz", "dt"}:
        return Atom(text, ROW, simple=False)
    if text in {"'", "prime"}:
        return Atom("'", PRIME)
    if text in _LEFT:
        return Atom(_LEFT[text], OPEN)
    if text in _RIGHT:
        return Atom(_RIGHT[text], CLOSE)
    if text in _BARS:
        return Atom(_BARS[text], VERTICAL, raw="|" if text == "|" else "‖")
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
