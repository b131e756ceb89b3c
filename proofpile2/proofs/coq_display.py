"""What coqtop prints of a proof: the part that shows goals, and the goals apart."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Goal", "dedent", "goals_of", "shown_state", "without_ids"]

_HEADER = re.compile(
    r"^(?:\d+ (?:focused |unfocused )?(?:sub)?goals?\b|No more (?:sub)?goals\b|This subproof is complete"
    r"|All the remaining goals are on the shelf|There are unfocused goals)",
    re.M,
)
_STATUS = re.compile(
    r"\s*(?:This subproof is complete|All the remaining goals|There are unfocused goals|No more goals)"
)
_TAGGED = re.compile(r"<(infomsg|warning)>(.*?)</\1>\n?", re.S)
_IDS = re.compile(r"^(\d+ (?:focused )?(?:sub)?goals?(?: \([^()\n]*\))*?|(?:sub)?goal \d+) \(ID \d+\)", re.M)
_FIRST = re.compile(r"^\d+ (?:focused )?(?:sub)?goals?(?: \([^()\n]*\))*? \(ID (\d+)\)[^\n]*\n", re.M)
_OTHER = re.compile(r"^(?:sub)?goal (\d+) \(ID (\d+)\)[^\n]* is:\n", re.M)


def shown_state(body: str) -> str:
    """The part of what coqtop printed that shows the goals, empty where it shows none.

    Messages go (``<infomsg>``, ``<warning>``), but for those that tell why no goal is in focus.
    """
    text = _TAGGED.sub(lambda found: _status(found.group(2)), body)
    header = _HEADER.search(text)
    return re.sub(r"\n{3,}", "\n\n", text[header.start() :]).strip() if header else ""


def _status(message: str) -> str:
    lines = [line.strip() for line in message.strip().split("\n")]
    return "\n".join(lines) + "\n\n" if _STATUS.match(message) else ""


def dedent(block: str) -> str:
    """A goal without coqtop's indentation and the empty line above it."""
    lines = [line[2:] if line.startswith("  ") else line.lstrip() for line in block.rstrip().split("\n")]
    return "\n".join(lines).lstrip("\n")


@dataclass(frozen=True)
class Goal:
    """``number`` as coqtop counts them; ``text`` in full for the first, the conclusion alone for the others."""

    evar: str
    number: int
    text: str


def goals_of(shown: str) -> tuple[Goal, ...]:
    """Goals in focus, of a state with its ``(ID 12)``; none where only goals out of focus are shown."""
    first = _FIRST.search(shown)
    if not first:
        return ()
    others = list(_OTHER.finditer(shown, first.end()))
    ends = [*(one.start() for one in others), len(shown)]
    return (
        Goal(first.group(1), 1, dedent(shown[first.end() : ends[0]])),
        *(
            Goal(one.group(2), int(one.group(1)), shown[one.end() : stop].strip())
            for one, stop in zip(others, ends[1:], strict=True)
        ),
    )


def without_ids(shown: str) -> str:
    """A state without the numbers of existential variables, as coqtop prints it to people: ``goal 2 is:``."""
    return _IDS.sub(r"\1", shown)
