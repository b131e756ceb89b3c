"""What a file looks like: whose language, whether anything but imports is in it, and signs of mathematics."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from proofpile2.code import measures
from proofpile2.code.imports import GRAMMARS, error_share, parser_of
from proofpile2.code.lexis import masker
from proofpile2.code.patterns import compile_exactly, compile_patterns
from proofpile2.code.rulefile import Evidence, RuleFile
from proofpile2.errors import ConfigError

__all__ = ["HEAD", "WINDOW", "looker", "marker"]

WINDOW = 6_144
"""Bytes after the head comments in which patterns and words are looked for."""

HEAD = 65_536
"""Bytes in which head comments must end; what is longer is a book."""

_SMALL = 2_000  # bytes; smaller files are always looked at with their comments masked, they may be import lists

Look = Callable[[bytes, int], tuple[str | None, float]]
"""From a file and where its head comments end to a reason to drop it, or None, and the weight of its signs."""


@dataclass
class _Weighed:
    """What the tables say of a text."""

    own: float = 0.0
    others: dict[str, float] = field(default_factory=dict)
    mark: str | None = None
    signs: float = 0.0


def looker(rules: RuleFile, signs: Sequence[Evidence], where: str) -> Look:
    """Judges by ``own``, ``other``, ``generated`` and ``unwanted``; ``signs`` are further ``[[sign]]`` tables.

    The bytes as they are come first. Only where they leave doubt (no evidence, evidence for another language too, or so
    little text that it may be an import list) are comments and strings masked and, with a grammar, the text parsed.
    """
    mask, quick, exact = masker(rules.lexis), _weigher(rules, signs, where), _weigher(rules, signs, where, exact=True)

    def weigh(text: bytes) -> _Weighed:
        seen = quick(text)
        return seen if seen.own or seen.others or not text.strip() else exact(text)

    imports = _imports(rules, where)

    def look(data: bytes, begin: int) -> tuple[str | None, float]:
        window = data[begin : begin + WINDOW]
        seen = weigh(window)
        if not seen.own and not seen.others and len(data) > begin + WINDOW:
            # imports and a long comment, perhaps; what comes then decides
            window = mask(data[begin : begin + HEAD])[:WINDOW]
            seen = weigh(window)
        if _speaks_of_errors(window) and measures.log_share(data) > 0.3:
            return "traceback", 0.0
        if seen.own and not seen.others and len(window) > _SMALL:
            return seen.mark, seen.signs
        masked = mask(window)
        if len(window) < WINDOW and not rules.about.comments and not imports.sub(b"", masked).strip():
            return "import_list", 0.0
        own, others = seen.own, seen.others
        if others:
            left = quick(masked)
            if left.own or left.others:  # else strings and comments may speak: JSON is nothing but strings
                own, others = left.own, left.others
        other = max(others, key=lambda name: (others[name], name), default="")
        if other and others[other] > own:
            return f"wrong_type:{other}", 0.0
        if not own and seen.mark is None and _unclear(rules, window):
            return "wrong_type:unclear", 0.0
        return seen.mark, seen.signs

    return look


def marker(tables: Sequence[Evidence], where: str) -> Callable[[bytes], str | None]:
    """The name of the first of ``tables`` of which a pattern occurs in a text, and none of its ``unless``."""
    scan, owners = _scanner(tables, where)

    def first(text: bytes) -> str | None:
        found = scan(text)
        if not found:
            return None
        stopped = {number for number, against in map(owners.__getitem__, found) if against}
        named = {number for number, _ in map(owners.__getitem__, found)} - stopped
        return tables[min(named)].name if named else None

    return first


def _scanner(
    tables: Sequence[Evidence], where: str, exact: bool = False
) -> tuple[Callable[[bytes], frozenset[int]], list[tuple[int, bool]]]:
    """One scan for all patterns of all tables; and for each pattern its table, and whether it is an ``unless``."""
    owners = [
        (number, against)
        for number, table in enumerate(tables)
        for against in (*(False for _ in table.patterns), *(True for _ in table.unless))
    ]
    patterns = [pattern for table in tables for pattern in (*table.patterns, *table.unless)]
    return (compile_exactly if exact else compile_patterns)(patterns, where), owners


def _weigher(
    rules: RuleFile, signs: Sequence[Evidence], where: str, exact: bool = False
) -> Callable[[bytes], _Weighed]:
    tables = [*rules.own, *rules.other, *rules.generated, *rules.unwanted, *rules.sign, *signs]
    kinds = [kind for kind in ("own", "other", "generated", "unwanted") for _ in getattr(rules, kind)]
    scan, owners = _scanner(tables, where, exact)

    def weigh(text: bytes) -> _Weighed:
        said, found = _Weighed(), scan(text)
        stopped = {owners[pattern][0] for pattern in found if owners[pattern][1]}
        for pattern in sorted(found):
            number, against = owners[pattern]
            if against or number in stopped:
                continue
            table, kind = tables[number], kinds[number] if number < len(kinds) else "sign"
            if kind == "own":
                said.own += table.weight
            elif kind == "other":
                said.others[table.name] = said.others.get(table.name, 0.0) + table.weight
            elif kind == "sign":
                said.signs += table.weight
            elif said.mark is None:
                said.mark = f"generated:{table.name}" if kind == "generated" else table.name
        return said

    return weigh


def _imports(rules: RuleFile, where: str) -> re.Pattern[bytes]:
    """Statements that only bring other files in; without any, only blank files are import lists."""
    # ``(?i)`` at the head of a pattern holds for that pattern only
    scoped = [
        f"(?i:{pattern[4:]})" if pattern.startswith("(?i)") else f"(?:{pattern})"
        for pattern in rules.about.imports_only
    ]
    try:
        return re.compile("|".join(scoped or ["(?!)"]).encode(), re.MULTILINE)
    except re.error as error:
        raise ConfigError(f"{where}: imports_only: {error}") from None


def _speaks_of_errors(window: bytes) -> bool:
    return b"Traceback (most" in window or b"Exception in" in window or b"ERROR" in window


def _unclear(rules: RuleFile, window: bytes) -> bool:
    """Whether a file without evidence for any language goes."""
    about = rules.about
    if about.unclear != "parse" or about.name not in GRAMMARS:
        return about.unclear == "drop"
    text = window if len(window) < WINDOW else window[: window.rfind(b"\n") + 1]
    return error_share(parser_of(about.name), text) > 0.3
