"""Records of our Lean extractor (``extract_goals.lean``) -> steps: JSON lines, one for every tactic of a file."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from proofpile2.proofs.lean_nesting import Place, Record, Said, steps_by_range
from proofpile2.proofs.lean_text import file_of, module_of, name_of, statement_of, unbroken
from proofpile2.proofs.steps import ProofDocument

__all__ = ["Declare", "Declared", "Note", "Whence", "fits", "read_records", "said_in"]

Note = Callable[[str], None]
"""Takes what was wrong and stepped over, in one line."""


class Declared(Protocol):
    """A top-level command of a source: ``text[start:end]``, see ``contamination.Declaration``."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def keyword(self) -> str: ...


Declare = Callable[[str], Sequence[Declared]]
"""Finds the commands of a Lean source, in order: ``partial(contamination.declarations, language="lean")``."""


@dataclass(frozen=True)
class Whence:
    """Where a trace comes from, as far as the trace does not say it itself.

    ``origin``  project or archive, by name; ``path`` of the file in it, never a place on a machine
    ``module``  Lean's name of the module; made of ``path`` where it is empty
    """

    origin: str
    path: str
    module: str = ""
    version: str = ""
    revision: str | None = None
    url: str | None = None


def said_in(source: str, declare: Declare) -> Callable[[Place, str], Said]:
    """A function from a place in ``source`` and a declaration's name to what is declared there."""
    commands = declare(source)
    begins = [one.start for one in commands]
    lines = _line_starts(source)
    known: dict[int, tuple[str, str]] = {}

    def said(place: Place, name: str) -> Said:
        offset = lines[min(place[0], len(lines)) - 1] + place[1]
        index = bisect_right(begins, offset) - 1
        if index < 0 or offset >= commands[index].end:
            return name, "", ""
        if index not in known:
            known[index] = statement_of(source[commands[index].start : commands[index].end])
        return name, *known[index]

    return said


def _line_starts(text: str) -> list[int]:
    starts, at = [0], text.find("\n")
    while at >= 0:
        starts.append(at + 1)
        at = text.find("\n", at + 1)
    return starts


def _spans(source: str) -> Callable[[Place, Place], str]:
    lines = _line_starts(source)

    def span(start: Place, end: Place) -> str:
        first, final = (lines[min(line, len(lines)) - 1] + column for line, column in (start, end))
        return source[first:final]

    return span


def read_records(
    lines: Iterable[str],
    whence: Whence,
    note: Note,
    *,
    keep_errors: bool = False,
    source: str | None = None,
    declare: Declare | None = None,
) -> Iterator[ProofDocument]:
    """One document a file of Lean. A line that is no record is noted and left out; the rest is kept.

    A first line may say ``version`` and ``file`` (for where ``whence`` has no module), a last one how many ``errors``
    Lean reported: such a file gets ``drop="file_with_errors"`` unless ``keep_errors``. A file that begins with a first
    line but lacks the last one was cut off: ``prover_failed:incomplete``. ``source`` (the text of the Lean file) gives
    tactics that the records lack and, with ``declare``, statements.
    """
    if source is not None:
        source = source.replace("\r\n", "\n")  # as Lean counts
    said = said_in(source, declare) if source is not None and declare is not None else None
    span = _spans(source) if source is not None else None
    header: dict[str, Any] = {}
    records: list[Record] = []
    errors = 0
    state = ""  # "open" behind a first line, "done" behind a last one
    known: dict[Any, Said] = {}

    def document() -> ProofDocument:
        steps = steps_by_range(records, note)
        path = whence.path if whence.module else file_of(header.get("file")) or whence.path
        drop = None
        if state == "open":
            drop = "prover_failed:incomplete"
        elif errors and not keep_errors:
            drop = "file_with_errors"
        return ProofDocument(
            prover="lean",
            origin=whence.origin,
            path=path,
            module=whence.module or module_of(path),
            steps=tuple(steps),
            version=str(header.get("version") or whence.version),
            revision=whence.revision,
            url=whence.url,
            drop=drop,
        )

    decode = json.JSONDecoder().raw_decode  # half the time of json.loads
    for number, line in enumerate(lines, 1):
        if not line or line.isspace():
            continue
        try:
            value, stop = decode(line) if line[:1] == "{" else (json.loads(line), len(line))
            if line[stop:].strip():
                raise ValueError
            value = unbroken(value, line, 0, stop)
            if "tactic" in value:
                start, end = value["pos"], value["endPos"]
                place, final = (start["line"], start["column"]), (end["line"], end["column"])
                text = value["tactic"]
                if text is None and span is not None:
                    text = span(place, final)
                if type(text) is not str or not place <= final or not fits(*place, *final):
                    raise ValueError
                name, kind = value.get("decl"), value.get("kind") or ""
                if type(kind) is not str:
                    raise TypeError
                if said is not None:
                    about = said(place, name_of(name))
                elif (about := known.get(name, _UNKNOWN)) is _UNKNOWN:
                    about = known[name] = (name_of(name), "", "")
                after = value.get("goalsAfter")
                records.append(
                    Record(
                        text,
                        _goals(value["goalsBefore"]),
                        None if after is None else _goals(after),
                        place,
                        final,
                        kind,
                        about,
                    )
                )
                continue
            if "errors" in value or "done" in value:
                errors += _count(value.get("errors"))
                state = "done" if value.get("done", True) else state
                continue
            if "format" in value:
                if header or records:
                    yield document()
                    records, errors = [], 0
                header, state = value, "open"
                continue
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            pass
        note(f"{whence.path}: line {number} is no record")
    if header or records or errors:
        yield document()


def fits(*numbers: Any) -> bool:
    """Whether lines and columns are such as a column of the result can hold."""
    return all(type(number) is int and 0 <= number < 1 << 31 for number in numbers)


_UNKNOWN: Said = ("?", "", "")


def _goals(values: Any) -> tuple[str, ...]:
    goals = tuple(values) if isinstance(values, list) else (None,)
    for goal in goals:
        if type(goal) is not str:
            raise ValueError("goals")
    return goals


def _count(errors: Any) -> int:
    return len(errors) if isinstance(errors, list) else int(errors or 0)
