"""Blocks to Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence

from proofpile2.extraction.blocks import Block, Box, Piece
from proofpile2.extraction.delimiters import BREAK, EDGE, EMPHASIS, END, REF
from proofpile2.extraction.typeset import ITALIC, SUB, SUP, UNSCRIPT, UPRIGHT

__all__ = ["Style", "render"]

_BACK = re.compile(r"\s*↩[\ufe0e\ufe0f]?\s*$")
_PIECE = re.compile(f"{REF}(\\d+){END}")
_SPACE = re.compile(r"[ \t\r\n\f\u00a0\u2000-\u200a\u202f\u3000]+")
_BREAKS = re.compile(f" ?{BREAK} ?(?:{BREAK} ?)+")
_SCRIPTED = re.compile(f"([{SUP}{SUB}])([^{SUP}{SUB}{UNSCRIPT}]*){UNSCRIPT}")
_ORDINAL = re.compile(r"\s*(?:st|nd|rd|th|er|re|e|ème|o|a|TM|SM|®|™)\s*")
_STRAY = re.compile(f"[{SUP}{SUB}{UNSCRIPT}{ITALIC}{UPRIGHT}{EDGE}{EMPHASIS}\u200b\u00ad\ufeff\u200e\u200f\u2060]")


class Style:
    """How headings and code look; the default is Markdown's usual form."""

    __slots__ = ("fence", "heading")

    def __init__(self, heading: str = "#", fence: str = "```") -> None:
        self.heading = heading
        self.fence = fence


def _script(match: re.Match[str]) -> str:
    mark, body = match.group(1), match.group(2)
    if not body.strip() or _ORDINAL.fullmatch(body) or body.strip()[0] in "[(*†‡§¶" or REF in body:
        return body
    sign = "^" if mark == SUP else "_"
    inner = body.strip()
    return f"{sign}{inner}" if len(inner) == 1 else f"{sign}{{{inner}}}"


def formula(piece: Piece) -> str:
    """A formula between its dollars."""
    return f"$${piece.content}$$" if piece.display else f"${piece.content}$"


def line_text(text: str, pieces: Sequence[Piece], flat: bool) -> str:
    """The text of a block with its pieces put back; ``flat`` keeps displayed formulas in the line (cells, headings)."""
    if text.isascii():
        text = " ".join(text.split())
        return text.replace("$", "\\$") if "$" in text else text
    for _ in range(6):  # from the inside out
        if SUP not in text and SUB not in text:
            break
        text = _SCRIPTED.sub(_script, text)
    if _STRAY.search(text):
        text = _STRAY.sub("", text)
    text = " ".join(text.split())
    if BREAK in text:
        text = _BREAKS.sub("\n\n", text)
        text = re.sub(f" ?{BREAK} ?", "\n", text)
        if flat:
            text = text.replace("\n\n", " ").replace("\n", " ")
        text = text.strip()
    text = text.replace("$", "\\$")
    if "↩" in text:
        text = _BACK.sub("", text)
    if REF not in text:
        return text
    out: list[str] = []
    place = 0
    for match in _PIECE.finditer(text):
        before = text[place : match.start()]
        piece = pieces[int(match.group(1))]
        place = match.end()
        last = (before or (out[-1] if out else ""))[-1:]
        out.append(before)
        if piece.kind == "code":
            out.append(_code(piece.content))
        elif piece.kind == "text":
            out.append(_SPACE.sub(" ", piece.content).replace("$", "\\$"))
        elif piece.display and not flat:
            if out and "".join(out[-2:]).strip():
                while out and not out[-1].strip(" "):
                    out.pop()
                if out:
                    out[-1] = out[-1].rstrip(" ")
                    if not out[-1].endswith("\n"):
                        out.append("\n")
            out.append(formula(piece))
            rest = text[place:]
            stripped = rest.lstrip(" \n")
            if stripped and not re.match(r"[.,;:)\]]+(?:\s|$)", stripped):
                out.append("\n")
                place += len(rest) - len(stripped)
        else:
            if last in ("$", "\\"):
                out.append(" ")
            content = formula(piece)
            if text[place : place + 1].isdigit():
                content += " "  # Markdown takes a dollar before a digit for money
            out.append(content.replace("\n", " ") if flat or not piece.display else content)
    out.append(text[place:])
    return "".join(out)


def _code(content: str) -> str:
    content = content.replace("$", "\\$")
    if "`" in content:
        return f"`` {content} ``"
    return f"`{content}`"


def _table(block: Block, pieces: Sequence[Piece]) -> str:
    rows = [[_cell(line_text(cell, pieces, flat=True)) for cell in row] for row in block.rows]
    width = max(len(row) for row in rows)
    used = [k for k in range(width) if any(k < len(row) and row[k] for row in rows)]
    if len(used) < 2:
        return "\n\n".join(row[k].replace("\\|", "|") for row in rows for k in used if row[k])
    lines = ["| " + " | ".join(row[k] for k in used) + " |" for row in rows]
    lines.insert(1, "|" + " --- |" * len(used))
    return "\n".join(lines)


_BAR = re.compile(r"\\\||\|")


def _cell(text: str) -> str:
    if "|" not in text:
        return text
    parts = re.split(r"(?<!\\)(\${1,2})", text)
    inside = False
    for k, part in enumerate(parts):
        if part in ("$", "$$"):
            inside = not inside
        elif inside:
            parts[k] = _BAR.sub(lambda m: "\\Vert " if len(m.group()) == 2 else "\\vert ", part)
        else:
            parts[k] = part.replace("|", "\\|")
    return "".join(parts)


def render(blocks: Sequence[Block], pieces: Sequence[Piece], style: Style) -> str:
    """Markdown of the blocks, in order, a blank line between them but none between the items of a tight list."""
    out: list[str] = []
    marked: set[int] = set()
    before: Block | None = None
    for block in blocks:
        text = _block_text(block, pieces, style)
        if not text:
            continue
        fresh = False
        if block.boxes:
            text, fresh = _boxed(block, text, marked)
        if before is not None:
            tight = fresh and block.boxes and before.boxes and _in_one_list(before.boxes, block.boxes)
            glued = before.kind == "dt" and block.kind in ("dt", "p") and block.boxes and block.boxes[-1].kind == "dd"
            out.append("\n" if tight or glued else "\n\n")
        out.append(text)
        before = block
    return "".join(out)


def _boxed(block: Block, text: str, marked: set[int]) -> tuple[str, bool]:
    """The text behind the marks of its list items and quotations, and whether one of these is not in ``marked``."""
    first, rest = "", ""
    quoted = any(box.kind == "quote" for box in block.boxes)
    fresh = False
    for box in block.boxes:
        if box.kind == "quote":
            first += "> "
            rest += "> "
        elif id(box) in marked:
            first += " " * len(box.marker)
            rest += " " * len(box.marker)
        else:
            marked.add(id(box))
            fresh = True
            first += box.marker
            rest += " " * len(box.marker)
    if quoted and block.kind != "pre":
        text = text.replace("\n\n", "\n")
    lines = text.split("\n")
    text = "\n".join(
        ((first if k == 0 else rest) + line).rstrip() if line or k == 0 else rest.rstrip()
        for k, line in enumerate(lines)
    )
    return text, fresh


def _in_one_list(before: tuple[Box, ...], after: tuple[Box, ...]) -> bool:
    """Whether two neighbours belong to items of one list, or of one inside the other."""
    items = {box.owner for box in before if box.kind == "item"}
    return any(box.kind == "item" and box.owner in items for box in after) or (bool(items) and len(after) > len(before))


def _block_text(block: Block, pieces: Sequence[Piece], style: Style) -> str:
    if block.kind == "pre":
        body = block.text.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
        body = "\n".join(line.rstrip() for line in body.rstrip().split("\n"))
        fence = style.fence
        if not fence:
            return re.sub(r"^", "    ", body, flags=re.MULTILINE).replace("$", "\\$")
        while fence in body:
            fence += fence[0]
        return f"{fence}{block.language}\n{body}\n{fence}"
    if block.kind == "table":
        return _table(block, pieces)
    if block.kind[0] == "h" and block.kind[1:].isdigit():
        text = line_text(block.text, pieces, flat=True).replace("\n", " ").strip(" ¶#§")
        return f"{style.heading * int(block.kind[1])} {text}".strip() if text else ""
    return line_text(block.text, pieces, flat=False)
