"""What the readers of Lean's traces share: JSON values out of a stream, values of the expected shape, the document."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, TextIO

from proofpile2.proofs.lean import Note, Whence, fits
from proofpile2.proofs.lean_nesting import Place, Said
from proofpile2.proofs.lean_text import unbroken
from proofpile2.proofs.steps import ProofDocument, ProofStep

__all__ = ["CHUNK", "DAMAGED", "NOTHING", "document_of", "place_of", "strings_of", "text_of", "values"]

NOTHING: Said = ("", "", "")
DAMAGED = (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError)
"""What values of an unexpected shape raise."""

CHUNK, _LARGEST = 1 << 18, 1 << 27  # characters
_BETWEEN = re.compile(r"[\s,\[\]\ufeff]*")
_ANEW = re.compile(r'\n\s*(?=\{)|(?=\{\s*"url"\s*:)')


def values(stream: TextIO, path: str, note: Note) -> Iterator[Any]:
    """Objects of a stream, whether in an array, on lines, or with anything between them; in bounded memory."""
    decode = json.JSONDecoder().raw_decode
    text, at, ended = "", 0, False
    while True:
        if not ended and len(text) - at < CHUNK // 4:
            more = stream.read(CHUNK)
            text, at, ended = text[at:] + more, 0, not more
        while True:
            at = _BETWEEN.match(text, at).end()  # type: ignore[union-attr]
            if at == len(text):
                break
            try:
                value, end = decode(text, at)
                value = unbroken(value, text, at, end)
            except (ValueError, RecursionError) as error:
                cut = not isinstance(error, json.JSONDecodeError) or (
                    error.pos > len(text) - 16 or error.msg.startswith("Unterminated")
                )
                if cut and not ended and len(text) - at < _LARGEST:
                    break
                note(f"{path}: damaged: {text[at : at + 40]!r}")
                anew = _ANEW.search(text, at + 1)
                text, at = text[anew.end() :] if anew else "", 0  # json counts the lines before each error
            else:
                at = end
                yield value
        if ended:
            return
        more = stream.read(max(CHUNK, len(text) - at))
        text, at, ended = text[at:] + more, 0, not more


def place_of(value: Any) -> Place:
    line, column = value["line"], value["column"]
    if not fits(line, column):
        raise ValueError
    return line, column


def text_of(value: Any) -> str:
    if type(value) is not str:
        raise TypeError
    return value


def strings_of(values: Any) -> tuple[str, ...]:
    goals = tuple(values)
    if not all(type(goal) is str for goal in goals):
        raise TypeError
    return goals


def document_of(whence: Whence, module: str, steps: list[ProofStep], drop: str | None = None) -> ProofDocument:
    return ProofDocument(
        prover="lean",
        origin=whence.origin,
        path=whence.path,
        module=module,
        steps=tuple(steps),
        version=whence.version,
        revision=whence.revision,
        url=whence.url,
        drop=drop,
    )
