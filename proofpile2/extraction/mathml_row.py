r"""Atoms of a formula and how a row of them is written: spaces after commands, primes, function words, fences, tables.

`Atom` is what one MathML element has become: its LaTeX and the little that its parent must know about it. `row`
turns the atoms of one `mrow` into one atom; that is where `(` ... `)` become `\left(` ... `\right)`, a bracketed
table becomes `bmatrix` and a brace before a table becomes `cases`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from proofpile2.extraction import mathml_symbols as sym

# kinds of atoms
ORD = "ordinary"
WORD = "word"  # an upright word of which the next element decides whether it is an operator
FUNCTION = "function"
BIG = "big operator"
OP = "operator"  # binary operators, relations, arrows, punctuation
OPEN, CLOSE, VERTICAL = "open", "close", "vertical"
SPACE, TEXT, PRIME, APPLY, EMPTY = "space", "text", "prime", "apply", "empty"
FRACTION, ATOP, BRACE, TABLE, ROW = "fraction", "atop", "brace", "table", "row"
CELL, TABLE_ROW, NONE, PRESCRIPTS = "cell", "table row", "none", "prescripts"
CONTENT = "content"  # a node of content MathML that only means something to its parent; raw names it


@dataclass(slots=True, frozen=True)
class Table:
    """Rows of cells in LaTeX, the alignment of the columns, what the attributes say about the kind of table."""

    rows: tuple[tuple[str, ...], ...]
    aligns: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    display: bool = False
    hint: str = ""
    tags: tuple[str, ...] = ()

    @property
    def columns(self) -> int:
        return max((len(row) for row in self.rows), default=0)


@dataclass(slots=True)
class Atom:
    """One converted element. Never changed once made: leaves are shared between formulas."""

    tex: str
    kind: str = ORD
    raw: str = ""  # the characters of the source for a leaf, the word of an operator name
    simple: bool = True  # may carry a script without braces
    tall: bool = False  # taller than a line: brackets around it grow
    stretch: bool | None = None  # fences: the source says so
    side: str = ""  # fences: OPEN or CLOSE where the source says so
    tail: str = ""  # fences: scripts on a closing bracket
    scripts: int = 0  # 1 subscript, 2 superscript
    font: str | None = None  # single letters: font command without backslash ("" default)
    atoms: tuple[Atom, ...] = ()  # a row's parts, a fraction's parts
    table: Table | None = None
    level: int = 9  # content MathML: how tightly the expression binds, 9 needs no parentheses


NOTHING = Atom("", EMPTY)
_CONTROL_WORD = re.compile(r"\\[A-Za-z]+$")
_FENCES = frozenset({OPEN, CLOSE, VERTICAL})
_BLANK = frozenset({SPACE, EMPTY})


def join(parts: Iterable[str]) -> str:
    """Concatenate, with a space where a command would swallow the letter after it or the eye a bare script."""
    out: list[str] = []
    last = ""
    for part in parts:
        if not part:
            continue
        if part[0].isalnum() and len(last) > 1 and last[-1].isalnum():
            if last[-2] in "^_" or (last[-1].isalpha() and _CONTROL_WORD.search(last[-32:])):
                out.append(" ")
        out.append(part)
        last = part
    return "".join(out)


def argument(tex: str) -> str:
    """A script or the like: one character stays bare, all else gets braces."""
    return tex if len(tex) == 1 and tex not in "'{}" else f"{{{tex}}}"


def nucleus(atom: Atom) -> str:
    """What a script is written behind."""
    if atom.kind in _BLANK or not atom.tex:
        return "{}"
    return atom.tex + atom.tail if atom.simple and not atom.tail else f"{{{atom.tex}{atom.tail}}}"


def word(text: str) -> Atom:
    r"""An upright word: `\sin` if TeX knows it, otherwise `\mathrm{...}`, or an operator name once applied."""
    if text in sym.FUNCTIONS:
        return Atom(sym.FUNCTIONS[text], FUNCTION)
    if text == "mod":
        return Atom(r"\bmod", OP, raw="mod")
    return Atom(f"\\mathrm{{{text}}}", WORD, raw=text)


def operator_name(text: str) -> Atom:
    return Atom(f"\\operatorname{{{text}}}", FUNCTION, raw=text)


def row(kids: Sequence[Atom]) -> Atom:
    """One atom for the atoms of a row; a row of one is that one."""
    atoms = [kid for kid in kids if kid.kind != EMPTY]
    if len(atoms) > 1:
        atoms = _tidy(_letters(atoms))
        if any(atom.kind in _FENCES or atom.raw == "mod" for atom in atoms):
            atoms = _fences(_modulo(atoms))
    if not atoms:
        return NOTHING
    if len(atoms) == 1:
        return atoms[0]
    return Atom(
        join([atom.tex + atom.tail for atom in atoms]),
        ROW,
        simple=False,
        tall=any(atom.tall for atom in atoms),
        atoms=tuple(atoms),
    )


def _letters(atoms: list[Atom]) -> list[Atom]:
    """Letters of one font that fill a row alone are one word: that is how KaTeX writes it."""
    font = atoms[0].font
    if not font or any(atom.font != font for atom in atoms):
        return atoms
    letters = "".join(atom.raw for atom in atoms)
    if font == "mathrm":
        return [word(letters)]
    return [Atom(f"\\{font}{{{''.join(map(sym.symbol, letters))}}}")]


def _tidy(atoms: list[Atom]) -> list[Atom]:
    """Function application, primes beside their letter, neighbouring texts."""
    out: list[Atom] = []
    applied = False
    for atom in atoms:
        kind = atom.kind
        last = out[-1] if out else None
        if kind == APPLY:
            applied = True
            if last is not None and last.kind == WORD:
                out[-1] = operator_name(last.raw)
            continue
        if kind == SPACE and applied and atom.tex == r"\,":
            continue  # the thin space behind an operator name is TeX's own
        applied = False
        if kind == PRIME and last is not None and last.kind not in {OP, OPEN, SPACE, BIG}:
            if last.scripts & 2:
                base = "{" + last.tex + "}" if not last.tex.endswith("'") else last.tex
            else:
                base = nucleus(last) if not last.scripts else last.tex + last.tail
            kept = last.kind in {CLOSE, VERTICAL}
            if kept:
                out[-1] = replace(last, tail=last.tail + atom.tex)
            else:
                out[-1] = Atom(base + atom.tex, simple=False, scripts=last.scripts | 2, tall=last.tall)
        elif kind == TEXT and last is not None and last.kind == TEXT and last.tex[:6] == atom.tex[:6] == r"\text{":
            out[-1] = Atom(last.tex[:-1] + atom.tex[6:], TEXT, raw=last.raw + atom.raw)
        else:
            out.append(atom)
    return out


def _modulo(atoms: list[Atom]) -> list[Atom]:
    r"""`(mod n)` is `\pmod{n}`; the spaces around an infix mod are TeX's own."""
    out: list[Atom] = []
    i = 0
    while i < len(atoms):
        atom = atoms[i]
        if atom.raw != "mod":
            if not (atom.kind == SPACE and out and out[-1].raw == "mod"):
                out.append(atom)
            i += 1
            continue
        if out and out[-1].kind == OPEN and out[-1].tex == "(" and out[-1].stretch is not True:
            depth, j = 1, i + 1
            while j < len(atoms) and depth:
                depth += (atoms[j].kind == OPEN) - (atoms[j].kind == CLOSE)
                j += 1
            if not depth and not atoms[j - 1].tail and j > i + 2:
                out.pop()
                while out and out[-1].kind == SPACE:
                    out.pop()
                inner = [kid for kid in atoms[i + 1 : j - 1] if kid.kind != SPACE]
                out.append(Atom(f"\\pmod{{{row(inner).tex}}}"))
                i = j
                continue
        while out and out[-1].kind == SPACE:
            out.pop()
        out.append(atom)
        i += 1
    return out


def _pairs(atoms: list[Atom]) -> dict[int, int]:
    """Index of each opening fence -> index of its closing fence. Vertical bars open after an operator, an opening
    fence or nothing, and close what they opened."""
    pairs: dict[int, int] = {}
    stack: list[int] = []
    previous = OPEN
    for i, atom in enumerate(atoms):
        kind = atom.kind
        side = kind
        if kind == VERTICAL:
            side = atom.side
            if not side:
                opened = any(atoms[k].kind == VERTICAL and atoms[k].tex == atom.tex for k in stack[-1:])
                if (opened and previous not in {OP, OPEN}) or (atom.tail and opened):
                    side = CLOSE
                elif previous in {OP, OPEN, BIG, FUNCTION, SPACE, CLOSE} and not atom.tail:
                    side = OPEN
        if side == OPEN:
            stack.append(i)
        elif side == CLOSE:
            if kind == CLOSE:
                keep = [k for k in stack if atoms[k].kind == OPEN or atoms[k].side == OPEN]
                stack = keep or stack
            if stack and (kind != CLOSE or atoms[stack[-1]].kind == OPEN or atoms[stack[-1]].side == OPEN):
                pairs[stack.pop()] = i
        if kind == VERTICAL:
            previous = side or OP
        elif kind != SPACE:
            previous = kind
    return pairs


def _fences(atoms: list[Atom]) -> list[Atom]:
    """Write the fences of a row: environments, binomials, grown brackets, one-sided ones."""
    pairs = _pairs(atoms)
    closing = {j: i for i, j in pairs.items()}
    paired = pairs.keys() | closing.keys()
    texs = [atom.tex for atom in atoms]
    whole: dict[int, tuple[int, Atom]] = {}
    for i, j in pairs.items():
        inner = [k for k in range(i + 1, j) if atoms[k].kind not in _BLANK]
        left, right = atoms[i], atoms[j]
        if len(inner) == 1 and not left.tail:
            made = _enclosed(atoms[inner[0]], left.tex, right.tex)
            if made is not None:
                if right.tail:
                    made = Atom(made.tex + right.tail, simple=False, tall=True, scripts=right.scripts)
                whole[i] = (j, made)
                continue
        grown = left.stretch is True or right.stretch is True
        if not grown and left.stretch is None and right.stretch is None:
            grown = any(atoms[k].tall for k in inner)
        if grown or "." in (left.tex, right.tex):
            texs[i], texs[j] = r"\left" + left.tex, r"\right" + right.tex
            for k in inner:
                if atoms[k].kind == VERTICAL and k not in paired and atoms[k].stretch is True:
                    texs[k] = r"\middle" + atoms[k].tex
    lonely = [k for k, atom in enumerate(atoms) if atom.kind in _FENCES and k not in paired]
    double = [k for k in lonely if atoms[k].raw == "∥"]
    for k in lonely:
        atom = atoms[k]
        if texs[k].startswith(r"\middle"):
            continue
        after = next((n for n in range(k + 1, len(atoms)) if atoms[n].kind not in _BLANK), None)
        before = next((n for n in range(k - 1, -1, -1) if atoms[n].kind not in _BLANK), None)
        if atom.kind == OPEN and after is not None and atoms[after].kind == TABLE and k not in whole:
            made = _enclosed(atoms[after], atom.tex, "")
            if made is not None:
                whole[k] = (after, made)
                continue
        if atom.kind == CLOSE and before is not None and atoms[before].kind == TABLE and before not in whole:
            made = _enclosed(atoms[before], "", atom.tex)
            if made is not None:
                whole[before] = (k, made)
                continue
        if atom.kind == VERTICAL and atom.raw == "∣":
            texs[k] = r"\mid"
        elif atom.raw == "∥" and len(double) % 2:
            texs[k] = r"\parallel"
        elif atom.stretch is True and atom.tex == ".":
            texs[k] = ""
        elif atom.stretch is True and not whole and k == 0 and atom.kind != CLOSE:
            texs[k] = r"\left" + atom.tex
            texs[-1] += ""
            atoms = [*atoms, Atom("", SPACE)]
            texs.append(r"\right.")
        elif atom.stretch is True and not whole and k == len(atoms) - 1 and k and atom.kind != OPEN:
            texs[k] = r"\right" + atom.tex
            texs[0] = r"\left." + (" " if texs[0][:1].isalpha() else "") + texs[0]
    out: list[Atom] = []
    k = 0
    while k < len(atoms):
        if k in whole:
            k, made = whole[k]
            out.append(made)
        elif texs[k] != atoms[k].tex:
            out.append(replace(atoms[k], tex=texs[k]))
        else:
            out.append(atoms[k])
        k += 1
    if pairs.get(0) == len(atoms) - 1 and len(out) > 1:
        tex = join([atom.tex + atom.tail for atom in out])
        scripts = out[-1].scripts
        tall = any(atom.tall for atom in out)
        return [Atom(tex, ROW, simple=not out[-1].tail, tall=tall, scripts=scripts, atoms=tuple(out))]
    return out


_MATRICES = {("(", ")"): "pmatrix", ("[", "]"): "bmatrix", ("|", "|"): "vmatrix", (r"\|", r"\|"): "Vmatrix",
             (r"\{", r"\}"): "Bmatrix"}  # fmt: skip


def _enclosed(inner: Atom, left: str, right: str) -> Atom | None:
    """A table or a barless fraction together with its fences, or None where they have no common form."""
    left, right = left.removesuffix("."), right.removesuffix(".")
    if inner.kind == ATOP:
        top, bottom = (part.tex for part in inner.atoms)
        if (left, right) == ("(", ")"):
            return Atom(f"\\binom{{{top}}}{{{bottom}}}", tall=True)
        return Atom(f"\\left{left or '.'}{inner.tex}\\right{right or '.'}", tall=True)
    table = inner.table
    if inner.kind != TABLE or table is None:
        return None
    plain = not table.lines and all(align == "center" for align in table.aligns)
    if (left, right) in _MATRICES and (plain or len(table.aligns) < 1):
        return Atom(_environment(_MATRICES[left, right], table), tall=True)
    if (left, right) == (r"\{", "") and table.columns <= 2 and not table.lines and table.aligns[:2] != ("right", "left"):
        return Atom(_environment("cases", table), tall=True)
    if (left, right) == ("", r"\}") and table.columns <= 2 and not table.lines and table.aligns[:2] != ("right", "left"):
        return Atom(_environment("rcases", table), tall=True)
    return Atom(f"\\left{left or '.'}{inner.tex}\\right{right or '.'}", tall=True)


def _environment(name: str, table: Table, spec: str = "") -> str:
    lines = []
    for n, cells in enumerate(table.rows):
        used = list(cells)
        while len(used) > 1 and not used[-1]:
            used.pop()
        line = "&".join("{}" + cell if k == 0 and n and cell[:1] in {"[", "*"} else cell for k, cell in enumerate(used))
        if n < len(table.tags) and table.tags[n]:
            line += table.tags[n]
        lines.append(line)
    body = r"\\".join(lines)
    begin = f"\\begin{{{name}}}{spec}"
    return f"{begin}{' ' if body[:1].isalpha() and not begin.endswith('}') else ''}{body}\\end{{{name}}}"


def table_atom(table: Table) -> Atom:
    """A table without fences; `row` writes it anew where it has some."""
    aligns = table.aligns
    hint = table.hint
    spec = ""
    if len(table.rows) == 1 and (any(table.tags) or table.display) and "matrix" not in hint:
        tex = join(table.rows[0]) + "".join(table.tags)
        return Atom(tex, ROW, simple=False, tall=True)
    if any(table.tags):
        name = "align" if table.columns > 1 else "gather"
    elif "cases" in hint:
        name = "cases"
    elif (aligns[:1] == ("right",) and (aligns[1:2] == ("left",) or (len(aligns) == 1 and table.display))) or "align" in hint or "split" in hint:
        name = "aligned"
    elif table.columns == 1 and (table.display or "gather" in hint or "multline" in hint):
        name = "gathered"
    elif table.lines or any(align != "center" for align in aligns):
        name = "array"
        letters = [(aligns[min(k, len(aligns) - 1)] if aligns else "center")[:1] for k in range(table.columns)]
        for k, line in reversed(list(enumerate(table.lines[: table.columns - 1]))):
            if line in {"solid", "dashed"}:
                letters.insert(k + 1, "|")
        spec = "{" + "".join(letters) + "}"
    else:
        name = "matrix"
    return Atom(_environment(name, table, spec), TABLE, tall=True, table=table)
