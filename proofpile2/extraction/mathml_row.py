r"""Atoms of a formula and how a row of them is written: spaces after commands, primes, function words, fences, tables.

`Atom` is what one MathML element has become: its LaTeX and the little that its parent must know about it. `row`
turns the atoms of one `mrow` into one atom; that is where `(` ... `)` become `\left(` ... `\right)`, a bracketed
table becomes `bmatrix` and a brace before a table becomes `cases`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

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
MACRO = "macro"  # a command that a converter did not know and left in the text
CONTENT = "content"  # a node of content MathML that only means something to its parent; raw names it


@dataclass(slots=True, frozen=True)
class Table:
    """Rows of cells in LaTeX, the alignment of the columns, "|" where a line follows a column, and what the attributes
    say about the kind of table."""

    rows: tuple[tuple[str, ...], ...]
    aligns: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    display: bool = False
    array: bool = False  # the source spells out one alignment for its one column
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
    sized: bool = False  # fences: written with \\big or the like
    table: Table | None = None
    level: int = 9  # content MathML: how tightly the expression binds, 9 needs no parentheses


NOTHING = Atom("", EMPTY)
MAX_MERGED = 2_000
"""Characters up to which neighbouring texts and primes are joined, and atoms inside `(mod ...)`: keeps rows linear."""
_CONTROL_WORD = re.compile(r"\\[A-Za-z]+$")
_FENCES = frozenset({OPEN, CLOSE, VERTICAL})
_BLANK = frozenset({SPACE, EMPTY})
_GROWING = frozenset({PRIME, TEXT})
_AMBIGUOUS = frozenset("∣∥")
_ENCLOSABLE = frozenset({TABLE, ATOP})
_OPERANDS = frozenset({ORD, OPEN, FUNCTION, FRACTION, BIG})
_SPACED = frozenset({"⟹", "⟺", "⟸", "colon"})  # their commands bring the space on both sides


def join(parts: Iterable[str]) -> str:
    """Concatenate, with a space where a command would swallow the letter after it or the eye a bare script."""
    out: list[str] = []
    last = ""
    for part in parts:
        if not part:
            continue
        close = part[0].isalnum() and len(last) > 1 and last[-1].isalnum()
        if close and (last[-2] in "^_" or (last[-1].isalpha() and _CONTROL_WORD.search(last[-32:]))):
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
        if any(atom.kind == MACRO for atom in atoms):
            atoms = _macros(atoms)
        atoms = _tidy(_letters(atoms))
        if any(atom.raw == "mod" for atom in atoms):
            atoms = _modulo(atoms)
        if any(atom.kind in _FENCES for atom in atoms) and not _settled(atoms):
            atoms = _fences(atoms)
    if not atoms:
        return NOTHING
    if len(atoms) == 1:
        return atoms[0]
    if any(atom.tex == r"\\" for atom in atoms) and any(atom.raw == "&" for atom in atoms):
        return _typed_table(atoms)
    return Atom(
        join([atom.tex + atom.tail for atom in atoms]),
        ROW,
        simple=False,
        tall=any(atom.tall for atom in atoms),
        atoms=tuple(atoms),
    )


_ONE = """
mathbb mathbf mathcal mathfrak mathscr mathrm mathsf mathtt mathit boldsymbol bm operatorname text textrm textbf textit
mbox hat bar tilde vec dot ddot check breve acute grave mathring widehat widetilde overline underline overrightarrow
overleftarrow overbrace underbrace xrightarrow xleftarrow boxed cancel pmod phantom substack
"""
_TWO = "frac dfrac tfrac cfrac binom dbinom tbinom overset underset stackrel"
_ARITY = dict.fromkeys(_ONE.split(), 1) | dict.fromkeys(_TWO.split(), 2)
_ARGUMENTS = frozenset({ORD, WORD, FUNCTION, BIG, TEXT, FRACTION, ROW})


def _macros(atoms: list[Atom]) -> list[Atom]:
    """Commands left in the text take the atoms after them as arguments; their braces are gone, so that is a guess."""
    out: list[Atom] = []
    k = 0
    while k < len(atoms):
        atom = atoms[k]
        k += 1
        if atom.kind != MACRO:
            out.append(atom)
            continue
        count = _ARITY.get(atom.raw, 0)
        given = atoms[k : k + count]
        taken = len(given)
        scripts = ""
        if count == 2 and given and given[0].tex.isalnum() and len(given[0].tex) == 2:
            given, taken = [Atom(char) for char in given[0].tex], 1  # \\frac12
        elif count == 1 and given and given[0].scripts and len(given[0].atoms) == 2:
            scripts = given[0].atoms[1].tex  # of what the command makes of the letter
            given = [given[0].atoms[0]]
        if not count or len(given) < count or given[0].kind not in _ARGUMENTS:
            out.append(Atom(atom.tex, OP))
            continue
        k += taken
        arguments = [kid.raw if kid.kind in {TEXT, WORD} and kid.raw else kid.tex + kid.tail for kid in given]
        tex = atom.tex + "".join(f"{{{argument}}}" for argument in arguments)
        out.append(Atom(tex + scripts, simple=not scripts, scripts=bool(scripts) * 3, tall=count > 1))
    return out


def _typed_table(atoms: Sequence[Atom]) -> Atom:
    r"""A row with the `&` and `\\` of an alignment that its renderer did not know: the alignment."""
    rows: list[list[list[str]]] = [[[]]]
    for atom in atoms:
        if atom.tex == r"\\":
            rows.append([[]])
        elif atom.raw == "&":
            rows[-1].append([])
        else:
            rows[-1][-1].append(atom.tex + atom.tail)
    cells = tuple(tuple(join(cell) for cell in line) for line in rows)
    return table_atom(Table(rows=cells, aligns=("right", "left")))


def _letters(atoms: list[Atom]) -> list[Atom]:
    """Letters of one font that fill a row alone are one word: that is how KaTeX writes it. Units may have a stroke."""
    font = atoms[0].font
    if not font or atoms[-1].font != font:
        return atoms
    upright = font == "mathrm"
    if any(atom.font != font and not (upright and atom.kind == OP and atom.raw == "/") for atom in atoms):
        return atoms
    letters = "".join(atom.raw for atom in atoms)
    return [word(letters) if upright else Atom(f"\\{font}{{{letters}}}")]


def _tidy(atoms: list[Atom]) -> list[Atom]:
    """Function application, primes beside their letter, neighbouring texts."""
    out: list[Atom] = []
    applied = False
    for atom in atoms:
        kind = atom.kind
        last = out[-1] if out else None
        if kind == APPLY:
            applied = True
            if last is not None and last.raw and (last.kind == WORD or last.tex.startswith(r"\mathrm{")):
                out[-1] = operator_name(last.raw)
            continue
        if kind == SPACE and last is not None and last.raw in _SPACED and atom.tex == r"\;":
            continue  # and so are those of \implies, \colon
        if atom.raw in _SPACED:
            while out and out[-1].kind == SPACE and out[-1].tex == r"\;":
                out.pop()
        if atom.raw == ":" and last is not None and last.kind == SPACE and last.tex == r"\!":
            while out and out[-1].kind == SPACE:
                out.pop()
            atom = Atom(r"\colon", OP, raw="colon")
            last = None
        if (
            last is not None
            and last.kind == WORD
            and kind in _OPERANDS
            and not (len(out) > 1 and out[-2].tex[-1:].isdecimal())
        ):
            out[-1] = operator_name(last.raw)
        if kind == SPACE and applied and atom.tex == r"\,":
            continue  # the thin space behind an operator name is TeX's own
        applied = False
        if kind in _GROWING and last is not None and len(last.tex) > MAX_MERGED:
            out.append(atom)
        elif kind == PRIME and last is not None and last.kind == PRIME:
            out[-1] = Atom(last.tex + atom.tex, PRIME)
        elif kind == PRIME and last is not None and last.kind not in {OP, OPEN, SPACE, BIG}:
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
            end = min(len(atoms), i + MAX_MERGED)
            while j < end and depth and atoms[j].raw != "mod":
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
            if kind == CLOSE and any(atoms[k].kind == OPEN or atoms[k].side == OPEN for k in stack):
                while atoms[stack[-1]].kind != OPEN and atoms[stack[-1]].side != OPEN:
                    stack.pop()  # bars inside the brackets that never closed
            if stack and (kind != CLOSE or atoms[stack[-1]].kind == OPEN or atoms[stack[-1]].side == OPEN):
                pairs[stack.pop()] = i
        if kind == VERTICAL:
            previous = side or OP
        elif kind != SPACE:
            previous = kind
    return pairs


def _settled(atoms: list[Atom]) -> bool:
    """Whether the fences of a row are already written as they should be: brackets that do not stretch, no table."""
    if atoms[0].kind in _FENCES and atoms[-1].kind in _FENCES:
        return False
    for atom in atoms:
        if atom.kind in _FENCES:
            if atom.stretch is not False or atom.raw in _AMBIGUOUS:
                return False
        elif atom.kind in _ENCLOSABLE:
            return False
    return True


def _fences(atoms: list[Atom]) -> list[Atom]:
    """Write the fences of a row: environments, binomials, grown brackets, one-sided ones."""
    count = len(atoms)
    pairs = _pairs(atoms)
    solid = [k for k, atom in enumerate(atoms) if atom.kind not in _BLANK]
    place = list(accumulate((atom.kind not in _BLANK for atom in atoms), initial=0))  # solid atoms before each index
    tall = list(accumulate((atom.tall for atom in atoms), initial=0))
    texs = [atom.tex for atom in atoms]
    whole: dict[int, tuple[int, Atom]] = {}  # first index of what became one atom -> its last index, the atom
    depth = [0] * (count + 1)  # of grown fences
    for i, j in pairs.items():
        left, right = atoms[i], atoms[j]
        if place[j] - place[i + 1] == 1 and not left.tail:
            made = _enclosed(atoms[solid[place[i + 1]]], _bare(left), _bare(right))
            if made is not None:
                if right.tail:
                    made = Atom(made.tex + right.tail, simple=False, tall=True, scripts=right.scripts)
                whole[i] = (j, made)
                continue
        grown = left.stretch is True or right.stretch is True
        if not grown and left.stretch is None and right.stretch is None:
            grown = tall[j] > tall[i + 1]
        if (grown and not (left.sized or right.sized)) or "." in (left.tex, right.tex):
            texs[i], texs[j] = r"\left" + left.tex, r"\right" + right.tex
            depth[i] += 1
            depth[j] -= 1
    _single(atoms, texs, pairs, whole, list(accumulate(depth)))
    out: list[Atom] = []
    k = 0
    while k < count:
        if k in whole:
            k, made = whole[k]
            out.append(made)
        else:
            out.append(atoms[k] if texs[k] == atoms[k].tex else replace(atoms[k], tex=texs[k]))
        k += 1
    one_sided = texs[0].startswith(r"\left") and 0 not in pairs and "\\right" in texs[-1]
    if (pairs.get(0) == count - 1 or one_sided) and len(out) > 1:
        tex = join([atom.tex + atom.tail for atom in out])
        closer = out[-1]
        return [Atom(tex, ROW, simple=not closer.tail, tall=tall[-1] > 0, scripts=closer.scripts, atoms=tuple(out))]
    return out


def _single(
    atoms: list[Atom], texs: list[str], pairs: dict[int, int], whole: dict[int, tuple[int, Atom]], depth: list[int]
) -> None:
    """Write the fences that have no partner (changes `texs` and `whole`)."""
    paired = pairs.keys() | set(pairs.values())
    single = [k for k, atom in enumerate(atoms) if atom.kind in _FENCES and k not in paired]
    odd = sum(atoms[k].raw == "∥" for k in single) % 2
    last = len(atoms) - 1
    for k in single:
        atom = atoms[k]
        beside = k + 1 if atom.kind == OPEN else k - 1
        while 0 <= beside <= last and atoms[beside].kind in _BLANK:
            beside += 1 if atom.kind == OPEN else -1
        if atom.kind != VERTICAL and 0 <= beside <= last and atoms[beside].kind == TABLE and beside not in whole:
            first, end = (k, beside) if atom.kind == OPEN else (beside, k)
            made = _enclosed(atoms[beside], *((_bare(atom), "") if atom.kind == OPEN else ("", _bare(atom))))
            if made is not None:
                whole[first] = (end, made)
                continue
        explicit = atom.stretch is True and not atom.sized
        if atom.tex == ".":
            texs[k] = ""
        elif atom.kind == VERTICAL and explicit and depth[k]:
            texs[k] = r"\middle" + atom.tex
        elif k == 0 and (explicit or atom.side == OPEN) and atom.kind != CLOSE and last and not whole:
            texs[0], texs[last] = r"\left" + atom.tex, texs[last] + r"\right."
        elif k == last and (explicit or atom.side == CLOSE) and atom.kind != OPEN and last and not whole:
            texs[k], texs[0] = r"\right" + atom.tex, join([r"\left.", texs[0]])
        elif atom.kind == VERTICAL and atom.raw == "∣" and not atom.sized:
            texs[k] = r"\mid"
        elif atom.raw == "∥" and odd and not (k and atoms[k - 1].kind == SPACE):
            texs[k] = r"\parallel"


def _bare(fence: Atom) -> str:
    """A fence without its `\\big`."""
    return re.sub(r"^\\[bB]igg?[lr]?(?![a-zA-Z])", "", fence.tex) if fence.sized else fence.tex


_MATRICES = {("(", ")"): "pmatrix", ("[", "]"): "bmatrix", ("|", "|"): "vmatrix", (r"\|", r"\|"): "Vmatrix",
             (r"\{", r"\}"): "Bmatrix"}  # fmt: skip


def _enclosed(inner: Atom, left: str, right: str) -> Atom | None:
    """A table or a barless fraction together with its fences, or None where they have no common form."""
    left, right = left.removesuffix("."), right.removesuffix(".")
    if inner.kind == ATOP:
        top, bottom = (part.tex for part in inner.atoms)
        if (left, right) == ("(", ")"):
            return Atom(f"\\binom{{{top}}}{{{bottom}}}", tall=True)
        infix = {("[", "]"): r"\brack", (r"\{", r"\}"): r"\brace"}.get((left, right))
        if infix:
            return Atom("{" + join([top, infix, bottom]) + "}", tall=True)
        return Atom(f"\\left{left or '.'}{inner.tex}\\right{right or '.'}", tall=True)
    table = inner.table
    if inner.kind != TABLE or table is None:
        return None
    plain = not table.lines and all(align == "center" for align in table.aligns)
    if (left, right) in _MATRICES and (plain or len(table.aligns) < 1):
        return Atom(_environment(_MATRICES[left, right], table), tall=True)
    one_sided = {(r"\{", ""): "cases", ("", r"\}"): "rcases"}.get((left, right))
    if one_sided and table.columns <= 2 and not table.lines and not table.array and table.aligns[0] != "right":
        return Atom(_environment(one_sided, table), tall=True)
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
    elif (
        (aligns[:1] == ("right",) and (aligns[1:2] == ("left",) or (len(aligns) == 1 and table.display)))
        or "align" in hint
        or "split" in hint
    ):
        name = "aligned"
    elif table.columns == 1 and not table.lines and aligns[:1] == ("center",):
        name = "gathered"
    elif table.lines or any(align != "center" for align in aligns):
        name = "array"
        letters = [(aligns[min(k, len(aligns) - 1)] if aligns else "center")[:1] for k in range(table.columns)]
        for k, line in reversed(list(enumerate(table.lines[: table.columns - 1]))):
            if line:
                letters.insert(k + 1, "|")
        spec = "{" + "".join(letters) + "}"
    else:
        name = "matrix"
    return Atom(_environment(name, table, spec), TABLE, tall=True, table=table)
