r"""Elements of MathML that hold others: fractions, scripts, limits, accents, fences, tables, each to one atom.

`HANDLERS` maps the name of an element to the function that makes its atom of the atoms of its children.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from proofpile2.extraction import mathml_content
from proofpile2.extraction import mathml_symbols as sym
from proofpile2.extraction.mathml_row import (
    ATOP,
    BIG,
    BRACE,
    CELL,
    CLOSE,
    EMPTY,
    FRACTION,
    FUNCTION,
    NONE,
    NOTHING,
    OP,
    OPEN,
    ORD,
    PRESCRIPTS,
    PRIME,
    ROW,
    SPACE,
    TABLE,
    TABLE_ROW,
    TEXT,
    VERTICAL,
    WORD,
    Atom,
    Table,
    argument,
    join,
    nucleus,
    row,
    table_atom,
)
from proofpile2.extraction.mathml_tokens import MAX_TOKEN, Attributes, identifier, length, operator, spaced

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode


class Frame:
    """An element whose children are being read."""

    __slots__ = ("alone", "attributes", "flat", "kids", "next", "parent", "tag", "text", "variant")

    def __init__(self, tag: str, attributes: Attributes, following: LexborNode | None, variant: str | None) -> None:
        self.tag = tag
        self.attributes = attributes
        self.next = following
        self.variant = variant
        self.kids: list[Atom] = []
        self.text = tag in {"mtext", "ms"}  # its character data is text, not mathematics
        self.parent = ""
        self.alone = False  # reads its first node only
        self.flat = False  # too deep: its atoms go to the parent as they are


def _kids(frame: Frame, count: int) -> list[Atom]:
    """The arguments of an element with a fixed number of them; a missing one is empty, the surplus joins the last."""
    kids = frame.kids
    if len(kids) < count:
        return kids + [NOTHING] * (count - len(kids))
    if len(kids) > count:
        return [*kids[: count - 1], row(kids[count - 1 :])]
    return kids


def _row(frame: Frame) -> Atom:
    atom = row(frame.kids)
    # a word in a group of its own is a word, not the name of the operator before what follows the group
    if frame.attributes and "border:" in (frame.attributes.get("style") or "")[:MAX_TOKEN]:
        return Atom(f"\\boxed{{{whole(atom)}}}", tall=atom.tall)  # Temml's
    return replace(atom, kind=ORD) if atom.kind == WORD else atom


def _style(frame: Frame) -> Atom:
    atom = _row(frame)
    attributes = frame.attributes
    if (
        atom.kind == FRACTION
        and atom.tex.startswith(r"\frac")
        and attributes.get("scriptlevel") == "0"
        and frame.parent not in {"", "math", "mtd", "mtext", "mo"}
    ):
        display = attributes.get("displaystyle")
        if display in {"true", "false"}:
            return replace(atom, tex=("\\d" if display == "true" else "\\t") + atom.tex[1:])
    return atom


def _token_row(frame: Frame) -> Atom:
    """A token element with elements inside: KaTeX's operators made of several, HTML in text."""
    atom = row(frame.kids)
    if frame.tag == "mo" and atom.kind in {ORD, ROW, TEXT, WORD} and atom.tex:
        return Atom(atom.tex, OP, raw=atom.raw, simple=atom.simple, tall=atom.tall)
    return atom


def _fraction(frame: Frame) -> Atom:
    top, bottom = _kids(frame, 2)
    attributes = frame.attributes
    if attributes:
        if length(attributes.get("linethickness")) == 0:
            return Atom(
                f"{{{top.tex}{top.tail}\\atop{spaced(bottom.tex + bottom.tail)}}}",
                ATOP,
                tall=True,
                atoms=(top, bottom),
            )
        if attributes.get("bevelled") == "true" and top.simple and bottom.simple:
            return Atom(f"{top.tex}/{bottom.tex}", ROW, simple=False)
    return Atom(f"\\frac{{{whole(top)}}}{{{whole(bottom)}}}", FRACTION, tall=True)


def whole(atom: Atom) -> str:
    if atom.kind == PRIME:
        return r"\prime" * len(atom.tex)
    return atom.tex + atom.tail


def _sqrt(frame: Frame) -> Atom:
    inner = row(frame.kids)
    return Atom(f"\\sqrt{{{whole(inner)}}}", tall=inner.tall)


def _root(frame: Frame) -> Atom:
    base, index = _kids(frame, 2)
    if not index.tex:
        return Atom(f"\\sqrt{{{whole(base)}}}", tall=base.tall)
    degree = f"{{{index.tex}}}" if "]" in index.tex else whole(index)
    return Atom(f"\\sqrt[{degree}]{{{whole(base)}}}", tall=base.tall)


def _stacked(atom: Atom) -> str:
    """The LaTeX of a script; lines of conditions become a substack."""
    if atom.kind == TABLE and atom.table is not None and atom.table.columns == 1 and not atom.table.lines:
        return "\\substack{" + r"\\".join(cells[0] if cells else "" for cells in atom.table.rows) + "}"
    return whole(atom)


def scripted(base: Atom, sub: Atom | None, sup: Atom | None, between: str = "") -> Atom:
    """base with scripts; `between` is a command such as `\\limits`."""
    parts = between
    scripts = 0
    if sub is not None and sub.kind not in {EMPTY, NONE, SPACE} and sub.tex:
        parts += "_" + argument(_stacked(sub))
        scripts |= 1
    if sup is not None and sup.kind not in {EMPTY, NONE, SPACE} and sup.tex:
        scripts |= 2
        atoms = list(sup.atoms) if sup.kind == ROW and sup.atoms else [sup]
        primes = ""
        while atoms and atoms[0].kind == PRIME:
            primes += atoms.pop(0).tex
        if len(atoms) < len(sup.atoms or (sup,)):
            sup = row(atoms)
        elif sup.kind == ROW and sup.tex.startswith("'"):
            primes, sup = sup.tex[: len(sup.tex) - len(sup.tex.lstrip("'"))], Atom(sup.tex.lstrip("'"))
        parts = primes + parts if primes and not sup.tex else parts + primes
        if sup.tex in {r"^{\circ}"}:
            parts += r"^{\circ}"
        elif sup.tex:
            parts += "^" + argument(_stacked(sup))
    if not scripts:
        return base
    if base.kind in {OPEN, CLOSE, VERTICAL} and not base.tail:
        return replace(base, tail=parts, scripts=scripts)
    kind = BIG if base.kind == BIG else FUNCTION if base.kind in {FUNCTION, WORD} else ORD
    parted = (base, Atom(parts)) if base.simple else ()
    return Atom(nucleus(base) + parts, kind, simple=False, tall=base.tall, scripts=scripts, atoms=parted)


def _sub(frame: Frame) -> Atom:
    base, sub = _kids(frame, 2)
    return scripted(base, sub, None)


def _sup(frame: Frame) -> Atom:
    base, sup = _kids(frame, 2)
    return scripted(base, None, sup)


def _subsup(frame: Frame) -> Atom:
    base, sub, sup = _kids(frame, 3)
    return scripted(base, sub, sup)


def _multiscripts(frame: Frame) -> Atom:
    kids = frame.kids
    base = kids[0] if kids and kids[0].kind != PRESCRIPTS else NOTHING
    after: list[Atom] = []
    before: list[Atom] = []
    target = after
    for kid in kids[1:] if base is not NOTHING or (kids and kids[0].kind != PRESCRIPTS) else kids:
        if kid.kind == PRESCRIPTS:
            target = before
        else:
            target.append(kid)
    tex = "".join(_pairs_of_scripts(before))
    atom = base
    for n, (sub, sup) in enumerate(_in_pairs(after)):
        if n == 0:
            atom = scripted(base, sub, sup)
            continue
        more = scripted(NOTHING, sub, sup)
        if more.scripts:
            atom = Atom(atom.tex + atom.tail + more.tex, simple=False, scripts=atom.scripts)
    if not tex:
        return atom
    return Atom(tex + atom.tex + atom.tail, simple=False, tall=atom.tall, scripts=3)


def _in_pairs(atoms: list[Atom]) -> list[tuple[Atom, Atom]]:
    padded = [*atoms, NOTHING] if len(atoms) % 2 else atoms
    return list(zip(padded[::2], padded[1::2], strict=True))


def _pairs_of_scripts(atoms: list[Atom]) -> list[str]:
    return [scripted(NOTHING, sub, sup).tex for sub, sup in _in_pairs(atoms) if sub.tex or sup.tex]


_CAPITALS = {"Σ": r"\sum", "Π": r"\prod"}  # letters that stand for the operator where they have limits
_BRACES = frozenset("⏟⏞︸︷⎵⎴⏝⏜")
_PURE_ACCENTS = frozenset("ˆ\u0302˜\u0303¯ˉ\u0304‾―\u0305⃗⃖⃡˙\u0307¨\u0308⃛⃜ˇ\u030c˘\u0306´\u0301`\u0300˚\u030a⏞︷⎴⏜⏟︸⎵⏝")


def _accent(base: Atom, mark: Atom, attributes: Attributes, over: bool) -> Atom | None:
    """base with an accent, or None where the mark is not one."""
    raw = mark.raw
    known = sym.ACCENTS.get(raw) if over else sym.UNDER_ACCENTS.get(raw)
    if known is None or mark.kind == TEXT or base.kind == EMPTY:
        return None
    pure = raw in _PURE_ACCENTS
    if not pure and (
        base.kind in {OP, BIG, FUNCTION} or attributes.get("accent" if over else "accentunder") == "false"
    ):
        return None
    body = whole(base)
    if isinstance(known, str):
        kind = BRACE if known.startswith(("underbrace", "underbracket", "underparen")) else ORD
        made = Atom(f"\\{known}{{{body}}}", kind, tall=base.tall or kind == BRACE)
        return scripted(made, mark.atoms[1], None) if mark.atoms else made
    narrow, wide = known
    if "overline" in (attributes.get("class") or ""):
        narrow = wide
    if mark.stretch and unicodedata.combining(raw[0]):
        mark = replace(mark, stretch=None)
    single = base.kind not in {ROW, TABLE, FRACTION, TEXT} and base.simple
    stretched = mark.stretch if mark.stretch is not None else not single
    name = wide if stretched else narrow
    made = Atom(f"\\{name}{{{body}}}", BRACE if name in {"overbrace", "overbracket"} else ORD, tall=base.tall)
    return scripted(made, None, mark.atoms[1]) if mark.atoms else made


def _with_limits(base: Atom, attributes: Attributes) -> tuple[Atom, str] | None:
    r"""The base as an operator that takes limits and the command it needs, or None where it takes none."""
    if base.kind == BIG:
        scripted_class = "sub" in (attributes.get("class") or "")
        return base, r"\limits" if base.raw in sym.INTEGRALS and base.raw and not scripted_class else ""
    if base.kind == BRACE or base.tex in sym.LIMIT_FUNCTIONS:
        return base, ""
    if base.kind == ROW and all(part.kind in {FUNCTION, WORD, SPACE} for part in base.atoms):
        names = [r"\," if part.kind == SPACE else part.raw or part.tex.removeprefix("\\") for part in base.atoms]
        if base.atoms and all(name.isalpha() or name == r"\," for name in names):
            return Atom(f"\\operatorname*{{{''.join(names)}}}", FUNCTION, raw="".join(names)), ""
    if base.kind == TEXT and sym.FUNCTIONS.get(base.raw) in sym.LIMIT_FUNCTIONS:
        return Atom(sym.FUNCTIONS[base.raw], FUNCTION), ""
    if base.raw and (base.kind in {WORD, FUNCTION} or base.tex.startswith(r"\mathrm{")):
        return Atom(f"\\operatorname*{{{base.raw}}}", FUNCTION, raw=base.raw), ""
    if base.kind == FUNCTION and base.simple:
        return Atom(f"\\operatorname*{{{base.tex[1:]}}}", FUNCTION), ""
    return None


_LIMIT_ARROWS = {("under", "→"): r"\varinjlim", ("under", "←"): r"\varprojlim", ("under", "⟶"): r"\varinjlim",
                 ("under", "⟵"): r"\varprojlim"}  # fmt: skip


def _underover(base: Atom, under: Atom | None, over: Atom | None, attributes: Attributes) -> Atom:
    if under is not None and (under.kind in {EMPTY, SPACE, NONE} or not under.tex):
        under = None
    if over is not None and (over.kind in {EMPTY, SPACE, NONE} or not over.tex):
        over = None
    if base.tex == r"\lim" and over is None and under is not None:
        special = _LIMIT_ARROWS.get(("under", under.raw)) or (
            r"\varliminf" if under.raw in {"_", "‾", "―", "¯"} else ""
        )
        if special:
            return Atom(special, FUNCTION)
    if base.tex == r"\lim" and under is None and over is not None and over.raw in {"‾", "―", "¯", "ˉ"}:
        return Atom(r"\varlimsup", FUNCTION)
    if over is not None:
        accented = _accent(base, over, attributes, over=True)
        if accented is not None:
            base, over = accented, None
    if under is not None:
        accented = _accent(base, under, attributes, over=False)
        if accented is not None:
            base, under = accented, None
    if under is None and over is None:
        return base
    if base.raw in _CAPITALS and base.kind == ORD and base.simple:
        base = Atom(_CAPITALS[base.raw], BIG)
    label = under or over
    if base.raw in _BRACES and not (under and over) and label is not None:
        return Atom(label.tex, raw=base.raw, atoms=(base, label))  # a brace with its label, to go under something
    limits = _with_limits(base, attributes)
    if limits is not None:
        made = scripted(limits[0], under, over, limits[1])
        return replace(made, tall=made.tall or base.kind == BIG)
    if base.kind == OP and base.raw in sym.ARROWS and base.stretch is not False and over is not None:
        below = f"[{_stacked(under)}]" if under is not None else ""
        return Atom(f"\\{sym.ARROWS[base.raw]}{below}{{{whole(over)}}}", OP)
    if attributes.get("movablelimits") == "true" and base.simple:
        return scripted(base, under, over)
    tex = whole(base)
    if under is not None:
        tex = f"\\underset{{{_stacked(under)}}}{{{tex}}}"
    if over is not None:
        tex = f"\\overset{{{_stacked(over)}}}{{{tex}}}"
    return Atom(tex, base.kind if base.kind in {OP, BIG} else ORD, tall=True)


def _under(frame: Frame) -> Atom:
    base, under = _kids(frame, 2)
    return _underover(base, under, None, frame.attributes)


def _over(frame: Frame) -> Atom:
    base, over = _kids(frame, 2)
    return _underover(base, None, over, frame.attributes)


def _both(frame: Frame) -> Atom:
    base, under, over = _kids(frame, 3)
    return _underover(base, under, over, frame.attributes)


def _fenced(frame: Frame) -> Atom:
    attributes = frame.attributes
    separators = attributes.get("separators")
    marks = "".join(("," if separators is None else separators).split())
    opened = attributes.get("open")
    closed = attributes.get("close")
    parts: list[Atom] = []
    left = (("(" if opened is None else opened) or "").strip()
    right = ((")" if closed is None else closed) or "").strip()
    kids = [kid for kid in frame.kids if kid.kind != EMPTY]
    for n, kid in enumerate(kids):
        if n and marks:
            parts.append(operator(marks[min(n - 1, len(marks) - 1)], None, "", "", "", ""))
        parts.append(kid)
    if len(parts) == 1 and parts[0].kind == ROW and parts[0].atoms:
        parts = list(parts[0].atoms)
    if left or right:
        one_sided = not (left and right)
        before = operator(left, one_sided or None, "prefix", "", "", "")
        after = operator(right, one_sided or None, "postfix", "", "", "")
        if one_sided and not left and len(kids) == 1 and kids[0].kind == TABLE:
            before = NOTHING
        if one_sided and not right and len(kids) == 1 and kids[0].kind == TABLE:
            after = NOTHING
        parts = [before, *parts, after]
    return row(parts)


_ENCLOSURES = {"box": "boxed", "roundedbox": "boxed", "circle": "boxed", "top": "overline", "bottom": "underline",
               "updiagonalstrike": "cancel", "downdiagonalstrike": "bcancel", "horizontalstrike": "sout",
               "radical": "sqrt", "actuarial": "overline"}  # fmt: skip


def _enclose(frame: Frame) -> Atom:
    inner = row(frame.kids)
    notations = set((frame.attributes.get("notation") or "longdiv").split())
    tex = whole(inner)
    if {"updiagonalstrike", "downdiagonalstrike"} <= notations:
        notations -= {"updiagonalstrike", "downdiagonalstrike"}
        tex = f"\\xcancel{{{tex}}}"
    if {"top", "bottom", "left", "right"} <= notations:
        notations -= {"top", "bottom", "left", "right"}
        tex = f"\\boxed{{{tex}}}"
    if "longdiv" in notations:
        tex = f"\\overline{{){tex}}}"
    for name in sorted(notations & _ENCLOSURES.keys()):
        tex = f"\\{_ENCLOSURES[name]}{{{tex}}}"
    if tex == whole(inner):
        return inner
    return Atom(tex, tall=inner.tall)


def _phantom(frame: Frame) -> Atom:
    tex = whole(row(frame.kids))
    return Atom(f"\\phantom{{{tex}}}", SPACE) if tex else NOTHING


def _space(frame: Frame) -> Atom:
    attributes = frame.attributes
    if (attributes.get("linebreak") or "") == "newline":
        return Atom(r"\\", OP)
    width = length(attributes.get("width"))
    tex = sym.space(width) if width is not None else ""
    return Atom(tex, SPACE) if tex else NOTHING


def _nothing(frame: Frame) -> Atom:
    del frame
    return Atom("", NONE)


def _prescripts(frame: Frame) -> Atom:
    del frame
    return Atom("", PRESCRIPTS)


def _glyph(frame: Frame) -> Atom:
    return identifier(frame.attributes.get("alt") or "", None)


# tables


def _words(attributes: Attributes, name: str) -> tuple[str, ...]:
    return tuple((attributes.get(name) or "").split())


def _alignment(attributes: Attributes) -> str:
    """The alignment of one cell: its attribute, its class or its style."""
    own = _words(attributes, "columnalign")
    if own:
        return own[0]
    found = re.search(r"text-align:\s*(?:-webkit-)?(left|right|center)", (attributes.get("style") or "")[:MAX_TOKEN])
    if found:
        return found.group(1)
    found = re.search(r"(?:^|[\s_-])(left|right|center)(?:$|\s)", attributes.get("class") or "")
    return found.group(1) if found else ""


def _cell(frame: Frame) -> Atom:
    kids = frame.kids
    while kids and kids[-1].kind in {SPACE, EMPTY}:
        kids.pop()
    attributes = frame.attributes
    line = (
        "|" if re.search(r"border-right:\s*[^;]*(?:solid|dashed)", (attributes.get("style") or "")[:MAX_TOKEN]) else ""
    )
    return Atom(whole(row(kids)), CELL, raw=_alignment(attributes) if attributes else "", tail=line)


def _table_row(frame: Frame) -> Atom:
    if frame.kids and all(kid.kind != CELL for kid in frame.kids):
        frame.kids = [row(frame.kids)]
    cells = [kid if kid.kind == CELL else Atom(whole(kid), CELL) for kid in frame.kids if kid.kind != EMPTY]
    tag = ""
    if frame.tag == "mlabeledtr" and cells:
        tag = re.sub(r"^\\(?:text|mathrm)\{([^{}]*)\}$", r"\1", cells.pop(0).tex)
        tag = re.sub(r"^\(([^()]*)\)$", r"\1", tag.strip())
    aligns = _words(frame.attributes, "columnalign")
    tex = join([cell.tex for cell in cells])  # for a row outside of a table
    return Atom(tex, TABLE_ROW, raw=" ".join(aligns), tail=f"\\tag{{{tag}}}" if tag else "", atoms=tuple(cells))


def _trimmed(rows: list[tuple[str, ...]], aligns: tuple[str, ...]) -> tuple[list[tuple[str, ...]], tuple[str, ...]]:
    """Without the empty outer columns that centre numbered equations on their page."""
    columns = len(aligns)
    if columns > 2 and aligns[1:3] == ("right", "left") and not any(cells[0] for cells in rows if cells):
        rows, aligns = [cells[1:] for cells in rows], aligns[1:]
    used = max([n + 1 for cells in rows for n, cell in enumerate(cells) if cell], default=1)
    if used < len(aligns):
        rows, aligns = [cells[:used] for cells in rows], aligns[:used]
    return rows, aligns


def _table(frame: Frame) -> Atom:
    attributes = frame.attributes
    rows = []
    tags = []
    aligns = _words(attributes, "columnalign")
    for kid in frame.kids:
        if kid.kind in {EMPTY, SPACE}:
            continue
        cells = kid.atoms if kid.kind == TABLE_ROW else (kid,)
        rows.append(tuple(cell.tex for cell in cells) if kid.kind == TABLE_ROW else (whole(kid),))
        tags.append(kid.tail if kid.kind == TABLE_ROW else "")
        if not aligns and kid.raw and kid.kind == TABLE_ROW:
            aligns = tuple(kid.raw.split())
    columns = max((len(cells) for cells in rows), default=0)
    if not columns:
        return NOTHING
    if not aligns:
        found: dict[int, str] = {}
        for kid in frame.kids:
            for n, cell in enumerate(kid.atoms if kid.kind == TABLE_ROW else ()):
                if cell.raw:
                    found.setdefault(n, cell.raw)
        aligns = tuple(found.get(n, "center") for n in range(columns))
    array = columns == 1 and _words(attributes, "columnalign") == ("left",)
    aligns = aligns[:columns] + aligns[-1:] * (columns - len(aligns))
    lines = tuple("|" if line in {"solid", "dashed"} else "" for line in _words(attributes, "columnlines"))
    if not any(lines):
        first = next((kid.atoms for kid in frame.kids if kid.kind == TABLE_ROW), ())
        lines = tuple(cell.tail for cell in first)
    rows, aligns = _trimmed(rows, aligns)
    return table_atom(
        Table(
            rows=tuple(rows),
            aligns=aligns,
            lines=lines if any(lines) else (),
            array=array,
            display=attributes.get("displaystyle") == "true",
            hint=(attributes.get("class") or "").lower(),
            tags=tuple(tags) if any(tags) else (),
        )
    )


_Handler = Callable[[Frame], Atom]
HANDLERS: dict[str, _Handler] = {
    "math": _row, "mrow": _row, "mpadded": _row, "merror": _row, "mstyle": _style, "mfrac": _fraction, "msqrt": _sqrt,
    "mroot": _root, "msub": _sub, "msup": _sup, "msubsup": _subsup, "mmultiscripts": _multiscripts, "munder": _under,
    "mover": _over, "munderover": _both, "mfenced": _fenced, "menclose": _enclose, "mphantom": _phantom,
    "mspace": _space, "none": _nothing, "mprescripts": _prescripts, "mglyph": _glyph, "mtd": _cell, "mtr": _table_row,
    "mlabeledtr": _table_row, "mtable": _table, "mi": _token_row, "mn": _token_row, "mo": _token_row,
    "mtext": _token_row, "ms": _token_row,
}  # fmt: skip
for _tag in mathml_content.VOID:
    HANDLERS[_tag] = lambda frame: mathml_content.symbol(frame.tag, frame.attributes)
