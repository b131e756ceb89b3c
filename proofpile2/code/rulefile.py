"""``filters/code/*.toml`` as frozen dataclasses, read strictly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from proofpile2.code.lexis import Lexis
from proofpile2.code.paths import Folders
from proofpile2.config import build, nearest, read_toml
from proofpile2.errors import ConfigError

__all__ = [
    "About",
    "Evidence",
    "Example",
    "Library",
    "Relevance",
    "RuleFile",
    "Shared",
    "read_rule_file",
    "read_shared",
]

T = TypeVar("T")


@dataclass(frozen=True)
class About:
    """``[language]``: what the file is about, and its limits.

    ``extensions``    endings under which such files are found
    ``sources``       where the published set took them from (proof-pile-2, ``process_stack.py``, ``process_github.py``)
    ``max_bytes``     longer files are dropped: ``too_large``
    ``max_digits``    a higher digit density is a data dump; see :func:`proofpile2.code.measures.digit_density`
    ``max_numbers``   a higher share of number lines is a data dump
    ``max_line``      a longer line makes a file minified, or machine-made
    ``unclear``       what becomes of a file without evidence for any language: ``keep``, ``drop``, or ``parse``: keep
                      what the grammar can read
    ``comments``      a file of comments alone is no empty file (MATLAB's help texts)
    ``imports_only``  statements (regular expressions on masked text) that only bring other files in; a file of nothing
                      else is an import list
    """

    name: str
    extensions: tuple[str, ...]
    sources: str = ""
    max_bytes: int = 1_048_575
    max_digits: float = 0.75
    max_numbers: float = 0.74
    max_line: int = 20_000
    unclear: str = "keep"
    comments: bool = False
    imports_only: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.unclear not in ("keep", "drop", "parse"):
            raise ValueError(f"unclear: expected keep, drop or parse, found {self.unclear!r}")


@dataclass(frozen=True)
class Evidence:
    """``[[own]]``, ``[[other]]``, ``[[generated]]``, ``[[unwanted]]``, ``[[sign]]``: patterns that speak for something.

    Each pattern of ``own``, ``other`` and ``sign`` (of mathematics) counts once, with ``weight``. ``name`` is the
    language, or what is found; a table of which a pattern of ``unless`` occurs says nothing.
    """

    name: str
    patterns: tuple[str, ...]
    weight: float = 1.0
    why: str = ""
    unless: tuple[str, ...] = ()


@dataclass(frozen=True)
class Relevance:
    """``[relevance]``: the score above which a file counts as mathematics."""

    pass_at: float = 0.0


@dataclass(frozen=True)
class Library:
    """``[[library]]``: imports that speak for (or, with a negative weight, against) mathematics; a table counts once.

    A name stands for itself and what is below it: ``numpy`` for ``numpy.linalg``, never for ``numpydoc``; ``*`` stands
    for any characters but a slash or a dot.
    """

    name: str
    weight: float
    names: tuple[str, ...]
    unless: tuple[str, ...] = ()


@dataclass(frozen=True)
class Example:
    """``[[example]]``: a text, perhaps with a path, and ``keep`` or the reason expected."""

    expect: str
    text: str
    path: str = ""
    note: str = ""


@dataclass(frozen=True)
class RuleFile:
    """All of one language's file."""

    about: About
    lexis: Lexis
    own: tuple[Evidence, ...] = ()
    other: tuple[Evidence, ...] = ()
    generated: tuple[Evidence, ...] = ()
    unwanted: tuple[Evidence, ...] = ()
    sign: tuple[Evidence, ...] = ()
    relevance: Relevance | None = None
    library: tuple[Library, ...] = ()
    example: tuple[Example, ...] = ()


@dataclass(frozen=True)
class Shared:
    """``_shared.toml``: marks of generators in head comments, and folders, for all languages."""

    generated: tuple[Evidence, ...] = ()
    folders: tuple[Folders, ...] = ()


_LISTS: Mapping[str, type] = {
    "own": Evidence,
    "other": Evidence,
    "generated": Evidence,
    "unwanted": Evidence,
    "sign": Evidence,
    "library": Library,
    "example": Example,
}


def read_rule_file(path: str | Path) -> RuleFile:
    """The rules of one language. ConfigError where a table or a key is unknown, of the wrong type, or missing."""
    table = read_toml(path)
    known = {"language", "lexis", "relevance", *_LISTS}
    _refuse_unknown(path, table, known)
    about = build(About, _table(path, table, "language"), f"{path}: [language]")
    lexis = build(Lexis, _table(path, table, "lexis"), f"{path}: [lexis]")
    relevance = None
    if "relevance" in table:
        relevance = build(Relevance, _table(path, table, "relevance"), f"{path}: [relevance]")
    lists: dict[str, Any] = {name: _list(path, table, name, kind) for name, kind in _LISTS.items()}
    return RuleFile(about, lexis, relevance=relevance, **lists)


def read_shared(path: str | Path) -> Shared:
    """The rules of all languages."""
    table = read_toml(path)
    _refuse_unknown(path, table, {"generated", "folders"})
    return Shared(_list(path, table, "generated", Evidence), _list(path, table, "folders", Folders))


def _refuse_unknown(path: str | Path, table: Mapping[str, Any], known: set[str]) -> None:
    for key in table:
        if key not in known:
            raise ConfigError(f"{path}: unknown table {key!r}{nearest(key, known)}")


def _table(path: str | Path, table: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = table.get(name)
    if not isinstance(value, dict):
        raise ConfigError(f"{path}: expected a table [{name}], found {'none' if value is None else value!r}")
    return value


def _list(path: str | Path, table: Mapping[str, Any], name: str, kind: type[T]) -> tuple[T, ...]:
    values = table.get(name, [])
    if not isinstance(values, list):
        raise ConfigError(f"{path}: expected [[{name}]], found [{name}]")
    return tuple(build(kind, one, f"{path}: {name} {number}") for number, one in enumerate(values, 1))
