"""Many regular expressions in one pass over the bytes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from proofpile2.errors import ConfigError

__all__ = ["compile_exactly", "compile_patterns"]


def compile_patterns(patterns: Sequence[str], where: str) -> Callable[[bytes], frozenset[int]]:
    """A function from bytes to the numbers of the patterns that occur in them.

    Hyperscan's expressions: PCRE without look-around and back references, in linear time; ``^`` and ``$`` hold at
    lines, letters count as written (``(?i)`` for either). ConfigError names ``where`` and the pattern at
    fault.
    """
    import hyperscan  # noqa: PLC0415  (slow to import)

    if not patterns:
        return lambda data: frozenset()  # noqa: ARG005
    flags = hyperscan.HS_FLAG_MULTILINE | hyperscan.HS_FLAG_SINGLEMATCH
    database = hyperscan.Database()
    try:
        database.compile(
            expressions=[pattern.encode() for pattern in patterns],
            ids=list(range(len(patterns))),
            elements=len(patterns),
            flags=[flags] * len(patterns),
        )
    except hyperscan.error as error:
        raise ConfigError(f"{where}: {_culprit(patterns, flags) or error}") from None

    def occurring(data: bytes) -> frozenset[int]:
        found: set[int] = set()

        def note(number: int, *_: object) -> None:
            found.add(number)

        database.scan(data, match_event_handler=note)
        return frozenset(found)

    return occurring


def compile_exactly(patterns: Sequence[str], where: str) -> Callable[[bytes], frozenset[int]]:
    """As :func:`compile_patterns`, one after the other with Python's ``re``: a hundred times slower, for short texts.

    Hyperscan 0.9 misses some matches of long alternations behind a repeated group (``Notation`` beside ``Tactic
    Notation`` when sixteen bytes and more stand before it; a test has the case), about one in ten thousand; where a
    miss would drop a file, the answer is checked with this.
    """
    try:
        compiled = [re.compile(pattern.encode(), re.MULTILINE) for pattern in patterns]
    except re.error as error:
        raise ConfigError(f"{where}: {error}") from None
    return lambda data: frozenset(number for number, one in enumerate(compiled) if one.search(data))


def _culprit(patterns: Sequence[str], flags: int) -> str:
    import hyperscan  # noqa: PLC0415

    for pattern in patterns:
        try:
            hyperscan.Database().compile(expressions=[pattern.encode()], ids=[0], elements=1, flags=[flags])
        except hyperscan.error as error:
            return f"pattern {pattern!r}: {error}"
    return ""
