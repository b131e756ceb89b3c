r"""Content rules: length, accents, subjects of LibreTexts (``filters/web/content.toml``), and macro definitions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa

from proofpile2 import assets
from proofpile2.rules import Page, compile_rules, digest_of, parse_address, read_rules
from proofpile2.step import DROP, Apply, with_columns

__all__ = ["ContentRules", "without_definitions"]

_DEFINITION = re.compile(
    r"\\(?:(?:re|provide)?newcommand|DeclareMathOperator|providecommand|[gex]?def|let|newenvironment)\*?(?![A-Za-z])"
)
_NAME = re.compile(r"\s*(?:\{\s*(\\?[A-Za-z@]+\*?|\\.)\s*\}|(\\[A-Za-z@]+|\\.))\s*=?\s*(?:\[[^\[\]\n]{0,40}\]\s*|#\d)*")
_SINGLE = re.compile(r"\\[A-Za-z]+|[^\s{}$]")
_BRACE = re.compile(r"\\.|[{}]")
_EMPTY_FORMULA = re.compile(r"\$\$\s*\$\$|(?<![\\$])\$[^\S\n]*\$(?!\$)|\\\(\s*\\\)|\\\[\s*\\\]")


@dataclass(frozen=True)
class ContentRules:
    r"""Takes macro definitions out of the text, then drops rows that a rule names: ``unfit:<name of the rule>``.

    Where a line has more than ``newcommands`` times ``\newcommand``, the definitions in it go and the rest of the line
    stays: it is the preamble of the page's MathJax. (OpenWebMath deletes the line, and with it any formula and sentence
    on it; a page written in one paragraph loses all.) A negative number leaves the text as it is.

    The rules see ``text``, ``url`` and, where the column is there, ``formulas``; see :mod:`proofpile2.rules`.
    """

    name: ClassVar[str] = "content_rules"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("text", "url")
    adds: ClassVar[Mapping[str, pa.DataType]] = {}
    reasons: ClassVar[tuple[str, ...]] = ("unfit",)
    count_details: ClassVar[bool] = True

    rules: str = "web/content.toml"
    newcommands: int = 1
    overlay: tuple[str, ...] = ()

    def uses(self) -> Mapping[str, str]:
        return {"rules": digest_of(assets.find("filters", self.rules, self.overlay))}

    def load(self) -> Apply:
        judge = compile_rules(read_rules(assets.find("filters", self.rules, self.overlay)))

        def apply(batch: pa.RecordBatch) -> pa.RecordBatch:
            names = batch.schema.names
            counts = batch.column("formulas").to_pylist() if "formulas" in names else [None] * batch.num_rows
            given = [text or "" for text in batch.column("text").to_pylist()]
            texts = [without_definitions(text, self.newcommands) for text in given] if self.newcommands >= 0 else given
            rows = zip(texts, batch.column("url").to_pylist(), counts, strict=True)
            found = [judge(Page(parse_address(url), text, formulas)) for text, url, formulas in rows]
            columns: dict[str, pa.Array[Any]] = {
                DROP: pa.array([f"unfit:{name}" if name else None for name in found], pa.string()),
            }
            if texts != given:
                columns["text"] = pa.array(texts, pa.large_string())
            return with_columns(batch, columns)

        return apply


def without_definitions(text: str, allowed: int = 1) -> str:
    r"""``text`` without the macro definitions of lines that have ``newcommand`` more than ``allowed`` times.

    A formula that held nothing else goes as well, and a line that is empty then. What can't be read as a definition
    (braces that don't close on the line) stays.
    """
    if text.count("newcommand") <= allowed:
        return text
    kept = []
    for line in text.split("\n"):
        if line.count("newcommand") > allowed:
            cleaned = _EMPTY_FORMULA.sub("", _cut(line)).strip()
            if not cleaned:
                continue
            line = cleaned
        kept.append(line)
    return "\n".join(kept)


def _cut(line: str) -> str:
    closing = _closing_braces(line)
    pieces, place = [], 0
    while found := _DEFINITION.search(line, place):
        end = _end_of_definition(line, found.end(), closing)
        pieces.append(line[place : found.start() if end else found.end()])
        place = end or found.end()
    return "".join(pieces) + line[place:]


def _end_of_definition(line: str, start: int, closing: Mapping[int, int]) -> int:
    """After the body in braces (or the single token) that follows a name; 0 where there is none."""
    name = _NAME.match(line, start)
    if not name:
        return 0
    if line[name.end() : name.end() + 1] == "{":
        return closing.get(name.end(), 0)
    token = _SINGLE.match(line, name.end())
    return token.end() if token else 0


def _closing_braces(line: str) -> dict[int, int]:
    """Place of each opening brace -> place after the one that closes it."""
    pairs, opened = {}, []
    for found in _BRACE.finditer(line):
        if found[0] == "{":
            opened.append(found.start())
        elif found[0] == "}" and opened:
            pairs[opened.pop()] = found.end()
    return pairs
