"""Isabelle's ROOT files: which sessions there are, on which they stand, and which theories they name.

Syntax as of the Isabelle system manual, chapter "Isabelle sessions and build management" (session ROOT specifications).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from proofpile2.proofs.isabelle_text import without_comments

__all__ = ["Session", "find_sessions", "read_root"]


@dataclass(frozen=True)
class Session:
    """One entry of a ROOT file.

    ``parent``    the session it extends, empty for Pure
    ``folder``    ``in``: relative to the ROOT file; after :func:`find_sessions` from the place of that file on
    ``options``   ``name`` or ``name = value``, as written
    ``theories``  groups of theories: options of the group, names by which any session can import them
    """

    name: str
    parent: str = ""
    folder: str = "."
    options: tuple[str, ...] = ()
    theories: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = ()


_TOKEN = re.compile(
    r"""\s*+(?:"(?P<string>(?:[^"\\]|\\.)*+)"|(?P<cartouche>\\<open>(?:[^\\]|\\(?!<close>))*+\\<close>|‹[^›]*+›)"""
    r"""|\{\*.*?\*\}|(?P<symbol>[=+\[\](),])|(?P<word>[^\s"=+\[\](),‹{]++)|(?P<other>.))""",
    re.DOTALL,
)
_HEADS = frozenset(
    {"session", "chapter", "chapter_definition", "description", "options", "sessions", "directories", "theories"}
    | {"document_theories", "document_files", "export_files", "export_classpath"}
)


class _Tokens:
    """Tokens of a ROOT file; a keyword is told from a quoted name by its kind."""

    def __init__(self, text: str) -> None:
        self.all = [
            (str(found.lastgroup or ""), found[found.lastgroup] if found.lastgroup else "")
            for found in _TOKEN.finditer(without_comments(text))
        ]
        self.at = 0

    def next(self) -> str:
        self.at += 1
        return self.all[self.at - 1][1] if self.at <= len(self.all) else ""

    def is_head(self) -> bool:
        return self.at >= len(self.all) or (self.all[self.at][0] == "word" and self.all[self.at][1] in _HEADS)

    def take(self, symbol: str) -> bool:
        found = self.at < len(self.all) and self.all[self.at] in {("symbol", symbol), ("word", symbol)}
        self.at += found
        return found

    def until(self, symbol: str) -> Iterator[tuple[str, str]]:
        while self.at < len(self.all) and not self.take(symbol):
            self.at += 1
            yield self.all[self.at - 1]


def read_root(text: str) -> list[Session]:
    """Sessions of a ROOT file, in order. What can't be read is passed over, never an error."""
    tokens = _Tokens(text)
    found: list[Session] = []
    while tokens.at < len(tokens.all):
        if tokens.all[tokens.at] == ("word", "session"):
            tokens.at += 1
            found.append(_session(tokens))
        else:
            tokens.at += 1
    return found


def _session(tokens: _Tokens) -> Session:
    name, folder, parent = tokens.next(), ".", ""
    if tokens.take("("):
        for _ in tokens.until(")"):
            pass
    if tokens.take("in"):
        folder = tokens.next()
    if tokens.take("=") and not tokens.is_head():
        parent = tokens.next()
        tokens.take("+")
    options: tuple[str, ...] = ()
    theories: list[tuple[tuple[str, ...], tuple[str, ...]]] = []
    while tokens.is_head() and tokens.at < len(tokens.all):
        word = tokens.all[tokens.at][1]
        if word in {"session", "chapter", "chapter_definition"}:
            break
        tokens.at += 1
        given = _options(tokens)
        if word == "options":
            options = given
        names: list[str] = []
        while not tokens.is_head():
            if tokens.take("("):
                inside = {value for _, value in tokens.until(")")}
                if word == "theories" and "global" in inside and names:
                    names[-1] = names[-1].rpartition(".")[2]
            else:
                names.append(_qualified(name, tokens.next()))
        if word == "theories" and names:
            theories.append((given, tuple(names)))
    return Session(name, parent, folder, options, tuple(theories))


def _options(tokens: _Tokens) -> tuple[str, ...]:
    if not tokens.take("["):
        return ()
    parts: list[list[str]] = [[]]
    for kind, value in tokens.until("]"):
        if (kind, value) == ("symbol", ","):
            parts.append([])
        else:
            parts[-1].append(f'"{value}"' if kind == "string" else value)
    return tuple(" ".join(part) for part in parts if part)


def _qualified(session: str, theory: str) -> str:
    """``sub/A`` of ``Foo`` is ``Foo.A`` for other sessions; ``HOL-Library.Multiset`` stays."""
    base = theory.rpartition("/")[2]
    return base if "." in base and "/" not in theory else f"{session}.{base}"


def find_sessions(folders: Sequence[str]) -> dict[str, Session]:
    """Sessions below ``folders``, by name: of their ``ROOT`` files, and of those that ``ROOTS`` leads to.

    The first of a name counts. A folder with neither file, or one that can't be read, has none.
    """
    found: dict[str, Session] = {}
    seen: set[Path] = set()
    waiting = [Path(folder) for folder in reversed(folders)]
    while waiting:
        folder = waiting.pop()
        if folder.resolve() in seen:
            continue
        seen.add(folder.resolve())
        for one in read_root(_text(folder / "ROOT")):
            place = str(folder / one.folder)
            found.setdefault(one.name, Session(one.name, one.parent, place, one.options, one.theories))
        lines = [line.strip() for line in _text(folder / "ROOTS").splitlines()]
        waiting += [folder / line for line in reversed(lines) if line and not line.startswith("#")]
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
