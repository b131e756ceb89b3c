"""Statements of formal proofs as fingerprints: what of a benchmark stands in a file, whatever it is called there.

A statement is what a declaration claims, without its name, comments, attributes, white space and the names of its
hypotheses and variables. Its fingerprint is BLAKE2b-64. Short statements (``dom = Dom``) mean different things in
different files, so they count only together with their name. Informal problems are found by n-grams of words.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from proofpile2.contamination.languages import SYNTAX
from proofpile2.contamination.masked import Masked, Syntax

__all__ = ["LANGUAGES", "NGRAM", "SHORT", "Declaration", "cut", "declarations", "grams", "key", "words"]

NGRAM = 30
"""Words of an n-gram of informal text; the length of Llemma's overlap analysis (arXiv:2310.10631)."""

SHORT = 12
"""Statements of fewer tokens are compared together with their name."""

LANGUAGES = ("lean", "isabelle", "coq")


@dataclass(frozen=True)
class Declaration:
    """One top-level command and what belongs to it: ``text[start:end]`` with documentation, attributes and proof.

    ``statement``  normalised tokens of what it claims; empty where it claims nothing (a definition)
    ``name``       as written; ``qualified`` with the namespaces around it; both empty where it has none
    ``content``    it says something: no import, no opening of a namespace
    """

    start: int
    end: int
    keyword: str
    name: str = ""
    qualified: str = ""
    statement: tuple[str, ...] = ()
    content: bool = True


def key(kind: str, *parts: str) -> int:
    """64 bits of BLAKE2b over ``parts``; ``kind`` keeps languages and uses apart."""
    digest = blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=8, person=kind.encode()[:16])
    return int.from_bytes(digest.digest(), "big")


def declarations(text: str, language: str) -> list[Declaration]:
    """Top-level commands of a file of ``language`` (one of :data:`LANGUAGES`), in order. Never raises; linear time."""
    syntax = SYNTAX[language]
    source = Masked(text, syntax)
    commands = list(syntax.command.finditer(source.bare))
    balance = _Balance(source.bare) if language == "lean" else None
    found: list[Declaration] = []
    scopes: list[str] = []
    at, before = 0, 0
    while at < len(commands):
        match = commands[at]
        word = match["word"]
        after = at + 1
        if word not in syntax.plain:
            after = _next_command(commands, at, source, syntax, balance)
        stop = commands[after].start() if after < len(commands) else len(text)
        end = match.end() + len(source.code[match.end() : stop].rstrip())
        start = _skip_blank(text, match.start())
        if word in syntax.claims:
            start = source.lead(start, before)
        name, statement = "", tuple[str, ...]()
        if word in syntax.claims:
            name, statement = syntax.read(source, match.end("word"), stop)
        qualified = ".".join([*(scope for scope in scopes if scope), name]) if name else ""
        found.append(
            Declaration(start, end, word, name, qualified.removeprefix("_root_."), statement, word not in syntax.plain)
        )
        if word in {"namespace", "section", "mutual"}:
            scopes.append(_rest_of_line(source.bare, match.end()) if word == "namespace" else "")
        elif word == "end" and scopes:
            scopes.pop()
        before, at = end, after
    return found


def cut(text: str, gone: Sequence[Declaration]) -> str:
    """``text`` without the declarations ``gone`` (in order); a blank line stands in the place of each."""
    pieces, place = [], 0
    for one in gone:
        pieces.append(text[place : one.start])
        place = max(place, one.end)
    pieces.append(text[place:])
    out = pieces[0]
    for before, after in pairwise(pieces):
        del before
        joint = "\n\n" if out.strip() and after.strip() else "\n"
        out = out.rstrip(" \t\n") + joint + after.lstrip("\n") if after.strip() else out.rstrip(" \t\n") + "\n"
    return out


_WORD = re.compile(r"[^\W_]+")


def words(text: str) -> list[str]:
    """Words of informal text for n-grams: letters and digits, lower case; punctuation and mark-up do not count."""
    return _WORD.findall(text.lower())


def grams(found: Sequence[str], length: int = NGRAM) -> npt.NDArray[np.uint64]:
    """Hashes of all n-grams of ``length`` words, in order; empty for shorter texts."""
    count = len(found) - length + 1
    if count <= 0:
        return np.zeros(0, np.uint64)
    if len(_HASHES) > 1 << 20:
        _HASHES.clear()
    hashes = np.fromiter(map(_HASHES.__getitem__, found), np.uint64, len(found))
    total = np.zeros(count, np.uint64)
    factor = np.uint64(0x9E3779B97F4A7C15)
    for place in range(length):
        total = total * factor + hashes[place : place + count]
    return total


class _Hashes(dict[str, int]):
    """64 bits of BLAKE2b for each word that was met."""

    def __missing__(self, word: str) -> int:
        digest = blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        self[word] = int.from_bytes(digest, "big")
        return self[word]


_HASHES = _Hashes()


# Where commands begin and end ---------------------------------------------------------------------------------------


_BEGIN = re.compile(r"\bbegin\b")
_BALANCED = re.compile(r"\b(?:begin|match|end)\b")


class _Balance:
    """Whether an ``end`` of Lean 3 closes a ``begin`` or a ``match``, rather than a namespace."""

    def __init__(self, bare: str) -> None:
        self.opens: list[int] = []
        self.ends: list[int] = []
        if _BEGIN.search(bare):  # Lean 4 has no begin, and its match has no end
            for found in _BALANCED.finditer(bare):
                (self.ends if found[0] == "end" else self.opens).append(found.start())

    def closes(self, since: int, place: int) -> bool:
        opened = bisect_left(self.opens, place) - bisect_left(self.opens, since)
        return opened > bisect_left(self.ends, place) - bisect_left(self.ends, since)


def _next_command(
    commands: Sequence[re.Match[str]], at: int, source: Masked, syntax: Syntax, balance: _Balance | None
) -> int:
    here = commands[at]
    indent = _indent(here)
    for after in range(at + 1, len(commands)):
        one = commands[after]
        if balance is not None:
            if _indent(one) > indent or (one["word"] == "end" and balance.closes(here.start(), one.start("word"))):
                continue
        elif one["word"] in syntax.prose and syntax.proof is not None:
            stop = commands[after + 1].start() if after + 1 < len(commands) else len(source.bare)
            if syntax.proof.search(source.bare, one.end(), stop):
                continue
        return after
    return len(commands)


def _indent(match: re.Match[str]) -> int:
    return len(match[0]) - len(match[0].lstrip(" \t"))


def _rest_of_line(text: str, place: int) -> str:
    end = text.find("\n", place)
    return text[place : end if end >= 0 else len(text)].strip()


def _skip_blank(text: str, place: int) -> int:
    while place < len(text) and text[place] in " \t":
        place += 1
    return place
