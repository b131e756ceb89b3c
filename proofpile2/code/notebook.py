"""Jupyter notebooks to Markdown: cells, mathematics and text outputs stay; images, HTML, scripts, widgets, escapes go.

Upstream converts with nbconvert and then repairs by regular expressions: one PNG there clears all outputs of a cell,
and JPEG, SVG, tables of HTML, tracebacks and base64 stay. Here each output is looked at on its own. Formats 3 and 4 of
nbformat are read; nothing is executed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["BrokenNotebook", "Notebook", "convert"]

MAX_OUTPUT = 10_000
"""Characters of one text output that are kept, from its beginning; what follows is a listing."""

_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-Z\\-_]")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_DATA_URI = re.compile(r"data:[\w.+-]+/[\w.+-]+(?:;[\w=-]+)*;base64,[A-Za-z0-9+/=\s]*")
_IMAGE = re.compile(r"!\[(?P<alt>[^\]\n]*)\]\((?:[^()\n]|\([^()\n]*\))*\)")
_HIDDEN = re.compile(r"<(?P<tag>script|style|iframe|video|audio|svg|object|canvas)\b[^<>]*>|<!--", re.IGNORECASE)
_SMALL = {code: code + 32 for code in range(65, 91)}  # str.lower() makes some texts longer
_VOID = re.compile(r"<(?:img|source|embed|link|meta)\b[^<>]*>", re.IGNORECASE)
_LAYOUT = re.compile(  # tags that only place text; those without attributes are few, since $a<p>b$ is a formula
    r"<(?:div|span|center|font|a|p)\s[^<>]*>|</(?:div|span|center|font|a|p)\s*>|<(?:div|center)\s*>", re.IGNORECASE
)
_BREAK = re.compile(r"<(?:br|hr)\s*/?>", re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9+/]{200,}={0,2}")
_OBJECT = re.compile(
    r"<(?:[\w.]+(?: [\w.]+)? (?:object )?at 0x[0-9a-fA-F]+|[\w.]+\.[\w.]+ object|Figure size [^>]*"
    r"|[\w.]+\.Figure[^>]*)>"
)
_FENCE = re.compile(r"^`{3,}", re.MULTILINE)


class BrokenNotebook(ValueError):
    """The file is no notebook that can be read; the text names the reason in snake case."""


@dataclass(frozen=True)
class Notebook:
    """``text`` in Markdown, ``language`` of the code cells in small letters (``python`` where none is named), and how
    many cells of code and of prose have gone into it."""

    text: str
    language: str
    code_cells: int
    prose_cells: int


def convert(data: bytes) -> Notebook:
    """A notebook's JSON as Markdown.

    Raises BrokenNotebook: ``not_json``, ``too_deep``, ``not_a_notebook`` (JSON of another kind), ``old_format``
    (nbformat 1 and 2).
    A cell or output of an unknown kind is left out.
    """
    try:
        book = json.loads(data.decode("utf-8-sig", "replace"), strict=False)
    except ValueError:
        raise BrokenNotebook("not_json") from None
    except RecursionError:
        raise BrokenNotebook("too_deep") from None
    if not isinstance(book, dict):
        raise BrokenNotebook("not_a_notebook")
    meta = _dict(book.get("metadata"))
    sheets = book.get("worksheets")
    if isinstance(book.get("cells"), list):
        cells = book["cells"]
    elif isinstance(sheets, list):
        cells = [cell for sheet in sheets for cell in _list(_dict(sheet).get("cells"))]
    elif isinstance(book.get("nbformat"), int) and book["nbformat"] < 3:
        raise BrokenNotebook("old_format")
    else:
        raise BrokenNotebook("not_a_notebook")
    language = _language(meta, cells)
    blocks: list[str] = []
    code = prose = 0
    for cell in map(_dict, cells):
        kind = cell.get("cell_type")
        source = _joined(cell.get("source") if cell.get("source") is not None else cell.get("input"))
        if kind == "code":
            if source.strip():
                code += 1
                blocks.append(_fenced(_without_base64(source.rstrip()), language))
            blocks += _outputs(cell.get("outputs"))
        elif kind in ("markdown", "heading", "html", "raw"):
            text = _prose(source)
            if kind == "heading" and text:
                level = cell.get("level")
                text = f"{'#' * (min(max(level, 1), 6) if isinstance(level, int) else 1)} {text}"
            if text and (kind != "raw" or "\\" in text or "$" in text):  # raw cells are for other programs, or LaTeX
                prose += 1
                blocks.append(text)
    text = "\n\n".join(blocks)
    return Notebook(text + "\n" if text else "", language, code, prose)


def _language(meta: dict[str, Any], cells: list[Any]) -> str:
    """Named by the kernel's facts, or in format 3 by the first code cell."""
    for name in (
        _dict(meta.get("language_info")).get("name"),
        _dict(meta.get("kernelspec")).get("language"),
        next((cell.get("language") for cell in map(_dict, cells) if cell.get("cell_type") == "code"), None),
    ):
        if isinstance(name, str) and name.strip():
            word = re.sub(r"[^\w+#-].*", "", name.strip().lower())
            return {"ipython": "python", "python2": "python", "python3": "python"}.get(word, word) or "python"
    return "python"


def _outputs(outputs: Any) -> Iterator[str]:
    """Text of each output by itself, adjacent pieces of one stream joined."""
    pieces: list[str] = []
    for output in map(_dict, _list(outputs)):
        kind = output.get("output_type")
        if kind == "stream":
            if output.get("name", output.get("stream")) != "stderr":
                pieces.append(_joined(output.get("text")))
            continue
        if pieces:
            yield from _output("".join(pieces))
            pieces = []
        if kind in ("display_data", "execute_result", "pyout"):
            data = output.get("data")
            # format 3 has the representations in the output itself
            yield from _represented(data if isinstance(data, dict) else output)
    if pieces:
        yield from _output("".join(pieces))


def _represented(data: dict[str, Any]) -> Iterator[str]:
    """The best text of an output that has several forms: Markdown and LaTeX as they are, else plain text."""
    for key in ("text/markdown", "text/latex", "latex"):
        text = _joined(data.get(key)).strip()
        if text and key == "text/markdown":
            yield from filter(None, [_prose(text)])
            return
        if text:
            if not text.startswith(("$", "\\begin", "\\[", "\\(")):
                text = f"$$ {text} $$"
            yield text[:MAX_OUTPUT]
            return
    widget = any(
        str(key).startswith(("application/vnd", "application/javascript")) or key == "javascript" for key in data
    )
    plain = _joined(data.get("text/plain", data.get("text")))
    if not widget and plain:
        yield from _output(plain)


def _output(text: str) -> list[str]:
    """A fenced block, or nothing where only the names of objects, escapes or base64 stood."""
    if "\r" in text:  # progress bars overwrite their line; the last state is what was seen
        text = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    text = _CONTROLS.sub("", _ANSI.sub("", text))
    text = _without_base64(_OBJECT.sub("", text)) if "<" in text else _without_base64(text)
    if text.lstrip().startswith("Traceback (most recent call last)"):
        return []
    text = text[:MAX_OUTPUT].strip("\n").rstrip()
    return [_fenced(text, "")] if text.strip(" \n[](),;") else []


def _prose(text: str) -> str:
    if "data:" in text:
        text = _DATA_URI.sub("", text)
    if "![" in text:
        text = _IMAGE.sub(lambda found: found["alt"], text)
    if "<" in text:
        text = _BREAK.sub(" ", _LAYOUT.sub("", _VOID.sub("", _without_elements(text))))
    return _without_base64(text).strip()


def _without_elements(text: str) -> str:
    """Without scripts, styles, drawings and comments from begin to end; one that does not end stays. Linear time."""
    kept, place, small = [], 0, text.translate(_SMALL)
    endless: set[str] = set()
    for found in _HIDDEN.finditer(text):
        end = f"</{found['tag'].lower()}" if found["tag"] else "-->"
        if found.start() < place or end in endless:
            continue
        close = small.find(end, found.end())
        if close < 0:
            endless.add(end)
            continue
        kept.append(text[place : found.start()])
        place = small.find(">", close) + 1 or len(text)
    return "".join(kept) + text[place:]


def _without_base64(text: str) -> str:
    if len(text) > 200 and max(map(len, text.split("\n"))) > 200:
        text = _BASE64.sub("", _DATA_URI.sub("", text))
    return text


def _fenced(text: str, language: str) -> str:
    fence = "```"
    if "```" in text:
        fence = "`" * (
            max(len(found.group()) for found in _FENCE.finditer("\n" + text)) + 1 if _FENCE.search(text) else 3
        )
    return f"{fence}{language}\n{text}\n{fence}"


def _joined(source: Any) -> str:
    if isinstance(source, str):
        return source
    return "".join(piece for piece in source if isinstance(piece, str)) if isinstance(source, list) else ""


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
