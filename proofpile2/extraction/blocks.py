"""What a page is made of while it is read: blocks, the boxes round them, finished pieces in their text, tables."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from proofpile2.extraction import formulas as fm
from proofpile2.extraction.content import MATH, Zone
from proofpile2.extraction.delimiters import BREAK, EDGE, EMPHASIS, END, REF

__all__ = ["Block", "Box", "Piece", "Table"]


@dataclass(slots=True)
class Piece:
    """Something finished that stands in a text by its number: a ``formula``, ``code`` or ``text`` left alone."""

    kind: str
    content: str
    display: bool | None = None
    source: str = ""


class Box:
    """A list item, a quotation or a definition round some blocks; ``marker`` goes before the first of them."""

    __slots__ = ("kind", "marker", "owner")

    def __init__(self, kind: str, marker: str, owner: int = 0) -> None:
        self.kind = kind
        self.marker = marker
        self.owner = owner


class Block:
    """A paragraph, heading, piece of code or table. ``chars`` and ``links`` count characters of text, linked text."""

    __slots__ = ("boxes", "chars", "formulas", "kind", "language", "links", "main", "rows", "text", "zone")

    def __init__(self, kind: str, text: str, boxes: tuple[Box, ...], zone: Zone | None, main: bool) -> None:
        self.kind = kind
        self.text = text
        self.boxes = boxes
        self.zone = zone
        self.main = main
        self.chars = self.links = self.formulas = 0
        self.language = ""
        self.rows: list[list[str]] = []


class Table:
    """Rows and cells of a table while they are collected."""

    def __init__(self, outer: list[Block], attributes: fm.Attributes, flags: int, names: str) -> None:
        self.outer = outer
        self.rows: list[list[list[Block]]] = []
        self.cell: list[Block] = []
        self.stray: list[Block] = []
        self.headers = 0
        self.spans = 0
        self.layout = attributes.get("role") == "presentation"
        self.mathematical = bool(flags & MATH)
        self.names = names

    def begin(self, tag: str, attributes: fm.Attributes, stray: list[Block]) -> None:
        self.stray = stray
        self.cell = []
        self.headers += tag == "th"
        if not self.rows:
            self.rows.append([])
        self.rows[-1].append(self.cell)
        span = attributes.get("colspan") or ""
        if re.fullmatch(r"[2-9]|1\d", span):
            self.spans += 1
            self.rows[-1].extend([] for _ in range(int(span) - 1))

    def end(self) -> list[Block]:
        return self.stray

    def into(self, blocks: list[Block], pieces: list[Piece], make: Callable[[str, str], Block]) -> None:
        """Put the table behind ``blocks``: as a table where it is one, else its cells one after the other.

        ``make`` gives a block of a kind with a text, where the table stands.
        """
        blocks.extend(block for block in self.stray if block not in blocks) if self.stray is not blocks else None
        rows = [row for row in self.rows if any(row)]
        if not rows:
            return
        if (equation := self.equations(rows, pieces, make)) is not None:
            blocks.append(equation)
            return
        if self.is_data(rows):
            table = make("table", "")
            width = max(len(row) for row in rows)
            for row in rows:
                texts = [" ".join(block.text for block in cell) for cell in row]
                table.rows.append(texts + [""] * (width - len(texts)))
                for cell in row:
                    for block in cell:
                        table.chars += block.chars
                        table.links += block.links
            blocks.append(table)
            return
        if (prototype := self.prototype(rows)) is not None:
            blocks.append(prototype)
            return
        for row in rows:
            small = all(len(cell) <= 1 and all(_plain(block) for block in cell) for cell in row)
            filled = [cell for cell in row if cell]
            if small and len(filled) > 1 and sum(block.chars for cell in row for block in cell) < 400:
                first = filled[0][0]
                joined = Block(
                    first.kind, " ".join(cell[0].text for cell in filled), first.boxes, first.zone, first.main
                )
                joined.chars = sum(cell[0].chars for cell in filled)
                joined.links = sum(cell[0].links for cell in filled)
                blocks.append(joined)
            else:
                for cell in row:
                    blocks.extend(cell)

    def equations(
        self, rows: list[list[list[Block]]], pieces: list[Piece], make: Callable[[str, str], Block]
    ) -> Block | None:
        r"""Several lines of one display set as a table (``eqnarray``, ``align``): cells become ``&``, rows ``\\``.

        Taken for one where the class says equation, or where each row has a cell that begins with a relation.
        """
        if self.headers or len(rows) < 2 or len(rows) > 200:
            return None
        lines: list[str] = []
        numbers: list[str] = []
        related = 0
        for row in rows:
            cells: list[str] = []
            for cell in row:
                if len(cell) > 1 or (cell and not _plain(cell[0])):
                    return None
                text = _SPACING.sub(" ", cell[0].text).strip() if cell else ""
                if _EQUATION_NUMBER.fullmatch(text):
                    numbers.append(text)
                    continue
                tex = _as_tex(text, pieces)
                if tex is None:
                    return None
                if tex:
                    cells.append(tex)
            related += any(_RELATION.match(cell) for cell in cells)
            if cells:
                lines.append(" ".join(cells) if len(cells) == 1 else cells[0] + " & " + " ".join(cells[1:]))
        if not lines or not any("\\" in line or "^" in line or "_" in line or "=" in line for line in lines):
            return None
        if not self.mathematical and related < len(lines):
            return None
        body = " \\\\\n".join(lines)
        tex = lines[0].replace(" & ", " ") if len(lines) == 1 else f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"
        pieces.append(Piece("formula", tex, True, "table"))
        text = f"{REF}{len(pieces) - 1}{END} {' '.join(numbers)}".strip()
        block = make("p", text)
        block.chars = len(tex)
        return block

    def prototype(self, rows: list[list[list[Block]]]) -> Block | None:
        """A function's head that documentation sets as a table, with cells for the brackets, as one paragraph."""
        cells = [block for row in rows for cell in row for block in cell]
        texts = [block.text.strip(_EDGES) for block in cells]
        if self.headers or "(" not in texts or ")" not in texts or len(texts) > 200 or not all(map(_plain, cells)):
            return None
        text = " ".join(texts).replace("( ", "(").replace(" )", ")")
        joined = Block("p", text, cells[0].boxes, cells[0].zone, cells[0].main)
        joined.chars = sum(block.chars for block in cells)
        joined.links = sum(block.links for block in cells)
        return joined

    def is_data(self, rows: list[list[list[Block]]]) -> bool:
        width = max(len(row) for row in rows)
        if not self.headers and any(
            len(cell) == 1 and cell[0].chars == 1 and cell[0].text.strip(_EDGES) == "(" for row in rows for cell in row
        ):
            return False
        if self.layout or width < 2 or width > 60 or (self.mathematical and not self.headers):
            return False
        limit = 1200 if self.headers else 300
        for row in rows:
            for cell in row:
                if not cell:
                    continue
                if not all(_plain(block) for block in cell):
                    return False
                if len(cell) > (4 if self.headers else 1) or sum(block.chars for block in cell) > limit:
                    return False
        return len(rows) >= 2 or self.headers > 0


_EDGES = f" \t\r\n\u00a0{EDGE}{EMPHASIS}{BREAK}"
_SPACING = re.compile(f"[\\s\u00a0{EDGE}{EMPHASIS}{BREAK}]+")
_EQUATION_NUMBER = re.compile(r"[(\[]\s*[A-Za-z]?[\d.]+[a-z]?\s*[)\]]")
_RELATION = re.compile(
    r"(?:\{\})?(?:[=<>≤≥≈≡∼+-]|\\(?:leq?|geq?|neq?|approx|equiv|sim|cong|to|in|subset|mapsto|quad|Rightarrow)(?![a-z]))"
)
_TEXTUAL = re.compile(r"[\s=<>+\-−*/.,;:()\[\]|&\d]*")


def _as_tex(text: str, pieces: list[Piece]) -> str | None:
    """The TeX of a cell that holds formulas and perhaps plain signs, None where it holds words."""
    out = []
    place = 0
    for match in re.finditer(f"{REF}(\\d+){END}", text):
        between = text[place : match.start()]
        piece = pieces[int(match.group(1))]
        if piece.kind != "formula" or not _TEXTUAL.fullmatch(between):
            return None
        out += [between.strip().replace("−", "-"), piece.content]
        place = match.end()
    if not _TEXTUAL.fullmatch(text[place:]):
        return None
    out.append(text[place:].strip().replace("−", "-"))
    return " ".join(part for part in out if part)


def _plain(block: Block) -> bool:
    return block.kind in ("p", "li") and not block.rows
