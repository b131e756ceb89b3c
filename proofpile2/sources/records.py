"""Inflated pieces as WARC or ARC records.

Almost every record is one member and is taken as it stands. All else (plain files, one gzip stream round the whole
archive, records of more than a piece, damage) goes through one buffer that is cut by the lengths the records state,
and by the next record that can be made out where a stated length leads nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from proofpile2.sources.members import Piece

__all__ = ["Record", "fields", "records"]

_HEAD = 1 << 16  # longest record header
_WARC = re.compile(rb"WARC/[01]\.\d+\r?\n[A-Za-z-]+:")
_ARC = re.compile(rb"(?<=\n)[a-z][a-z0-9+.-]*:\S+ [0-9a-f.:]+ \d{14} [^\n ]+ (?:[^\n ]+ ){0,5}\d+\r?\n")

_PASSED_OVER = frozenset([b"request", b"metadata"])
_PASSED_OVER_AT_ONCE = (b"request\r\n", b"metadata\r\n")


class Record(NamedTuple):
    """One record: its header is ``data[:start]``, its block (HTTP head and body) ``data[start:end]``."""

    locator: str  # byte of the file at which it starts, and ``+`` where in the member if not at its start
    kind: bytes  # WARC-Type
    data: bytes | bytearray
    start: int
    end: int
    problem: str | None = None  # ``too_large`` or ``damaged``: only the beginning of the block is here, or nothing


def records(source: Iterable[Piece], plain: bool, limit: int, note: Callable[[str], None]) -> Iterator[Record]:
    """Records in order; a block of more than ``limit`` bytes is not kept. Damage inside a member goes to ``note``.

    ``plain`` says that the pieces are the bytes of the file itself. Requests and metadata, two of three records of a
    crawl, are passed over.
    """
    buffer = _Buffer(plain, limit, note)
    for piece in source:
        offset, data, first, last, _ = piece
        if first and last and not buffer.busy:
            at = data.find(b"\nWARC-Type: ", 0, 1024) + 12
            if data.startswith(_PASSED_OVER_AT_ONCE, at) and data.startswith(b"WARC/"):
                buffer.alone = True
                continue
            head = _head(data, 0)
            if head is not None:
                kind, start, length = head
                end = start + length
                if length <= limit and end <= len(data) and not data[end : end + 9].strip(b"\r\n"):
                    buffer.alone = True
                    if kind not in _PASSED_OVER:
                        yield Record(str(offset), kind, data, start, end)
                    continue
        for record in buffer.feed(piece):
            if record.kind not in _PASSED_OVER:
                yield record
    yield from buffer.close()


def fields(record: Record, *names: bytes) -> list[bytes]:
    """Fields of the record's header, empty where it has none; ARC's are known by WARC's names."""
    head = bytes(record.data[: record.start])
    if head.startswith(b"WARC/"):
        return [_value(head, b"\n%b:" % name, 0, len(head)) for name in names]
    url, _, day, kind, *_ = head.split(b" ")
    date = b"%b-%b-%bT%b:%b:%bZ" % (day[:4], day[4:6], day[6:8], day[8:10], day[10:12], day[12:])
    known = {b"WARC-Target-URI": url, b"WARC-Date": date, b"Content-Type": kind}
    return [known.get(name, b"") for name in names]


def _head(data: bytes | bytearray, at: int) -> tuple[bytes, int, int] | None:
    """Type, start of the block and its length of the record at ``at``, or None where no whole header stands there."""
    if not data.startswith(b"WARC/", at):
        return _arc_head(data, at)
    end, gap = data.find(b"\r\n\r\n", at, at + _HEAD), 4
    if end < 0:
        end, gap = data.find(b"\n\n", at, at + _HEAD), 2
    if end < 0:
        return None
    length, kind = _value(data, b"\nContent-Length:", at, end), _value(data, b"\nWARC-Type:", at, end)
    if not length.isdigit() or len(length) > 15 or not kind:
        return None
    return kind, end + gap, int(length)


def _value(data: bytes | bytearray, name: bytes, at: int, end: int) -> bytes:
    found = data.find(name, at, end)
    if found < 0:  # names in another case: the standard allows what no large crawl does
        found = bytes(data[at:end]).lower().find(name.lower()) + at
        if found < at:
            return b""
    stop = data.find(b"\n", found + 1, end)
    return bytes(data[found + len(name) : stop if stop > 0 else end]).strip()


def _arc_head(data: bytes | bytearray, at: int) -> tuple[bytes, int, int] | None:
    """The same of an ARC record: one line of URL, IP address, date, content type, (version 2: five more,) length."""
    end = data.find(b"\n", at, at + _HEAD)
    words = bytes(data[at:end]).split(b" ") if end > 0 else []
    if len(words) not in {5, 10} or b":" not in words[0] or not re.fullmatch(rb"\d{14}", words[2]):
        return None
    length = words[-1].strip()
    if not length.isdigit() or len(length) > 15:
        return None
    return (b"warcinfo" if words[0].startswith(b"filedesc:") else b"response"), end + 1, int(length)


class _Buffer:
    """Bytes that are not yet records."""

    def __init__(self, plain: bool, limit: int, note: Callable[[str], None]) -> None:
        self.plain, self.limit, self.note = plain, limit, note
        self.alone = False  # in this file a member is a record
        self.held = bytearray()
        self.passed = 0  # inflated bytes before held[0]
        self.members: list[tuple[int, int]] = []  # (inflated bytes before it, its offset in the file), of those in held
        self.skip = 0  # bytes of a block too large to keep that are still to come
        self.lost: int | None = None  # inflated place from which the next record is being looked for
        self.damage = False  # whether that is because of damage
        self.busy = False  # whether the next bytes may belong to a record that has begun

    def feed(self, piece: Piece) -> Iterator[Record]:
        if piece.first and not self.plain:
            if piece.data.startswith(b"WARC/") and self.busy:
                yield from self._end()  # what came before is shorter than it said
            self.members.append((self.passed + len(self.held), piece.offset))
        self.held += piece.data
        if not (piece.broken and self.alone):
            yield from self._cut(final=False)
        if piece.broken:  # noted by the reader of members
            head = None if self.skip or self.lost is not None else _head(self.held, 0)
            if head is not None:
                yield self._beginning(head, "damaged")
            self._drop(len(self.held))
            self.skip, self.lost = 0, None
        self.busy = bool(self.skip or self.lost is not None or self.held.strip(b"\r\n"))

    def close(self) -> Iterator[Record]:
        """What is left at the end of the file."""
        yield from self._end()

    def _end(self) -> Iterator[Record]:
        yield from self._cut(final=True)
        if self.lost is not None:
            self._found(len(self.held))
        self._drop(len(self.held))
        self.skip = 0

    def _drop(self, count: int) -> None:
        del self.held[:count]
        self.passed += count
        while len(self.members) > 1 and self.members[1][0] <= self.passed:
            del self.members[0]

    def _place(self) -> str:
        if self.plain:
            return str(self.passed)
        before, offset = self.members[0]
        return str(offset) if self.passed == before else f"{offset}+{self.passed - before}"

    def _cut(self, final: bool) -> Iterator[Record]:
        held = self.held
        while True:
            passed = min(self.skip, len(held))
            self.skip -= passed
            self._drop(passed)
            if self.skip:
                return
            if self.lost is not None:
                found = self._next()
                if found < 0:
                    self._drop(max(0, len(held) - _HEAD))
                    return
                self._found(found)
            self._drop(len(held) - len(held.lstrip(b"\r\n")))
            if not held:
                return
            head = _head(held, 0)
            if head is None:
                if len(held) < _HEAD and not final:
                    return
                self.lost, self.damage = self.passed, True
                self._drop(1)
                continue
            kind, start, length = head
            end = start + length
            if length > self.limit:
                if len(held) < start + _HEAD and not final:
                    return
                yield self._beginning(head, "too_large")
                if self.alone:
                    self.skip = end
                else:  # where one bit of a length may hide the rest of the archive, the next record is looked for
                    self.lost, self.damage = self.passed, False
                    self._drop(start)
                continue
            if len(held) < end + 8 and not final:
                return
            if len(held) < end or not self._ends_well(end, arc=not held.startswith(b"WARC/")):
                yield self._beginning(head, "damaged")
                self.lost, self.damage = self.passed, True
                self._drop(start)
                continue
            yield Record(self._place(), kind, bytes(held[:end]), start, end)
            self._drop(end)

    def _beginning(self, head: tuple[bytes, int, int], problem: str) -> Record:
        kind, start, length = head
        end = min(start + min(length, _HEAD), len(self.held))
        return Record(self._place(), kind, bytes(self.held[:end]), start, end, problem)

    def _ends_well(self, end: int, arc: bool) -> bool:
        """Whether what stands at ``end`` ends a record: an empty line, or whatever else in front of the next record."""
        tail = bytes(self.held[end : end + 9])
        if tail.startswith(b"\n" if arc else b"\r\n\r\n") or not tail.strip(b"\r\n") or tail[4:] == b"WARC/":
            return True
        return _head(self.held, end + len(tail) - len(tail.lstrip(b"\r\n"))) is not None

    def _next(self) -> int:
        """Index of the next whole record header, -1 where there is none."""
        for pattern in (_WARC, _ARC):
            match = pattern.search(self.held)
            while match:
                at = match.start()
                if _head(self.held, at) is not None:
                    return at
                match = pattern.search(self.held, at + 1)
        return -1

    def _found(self, index: int) -> None:
        begin, end = self.lost or 0, self.passed + index
        if self.damage:
            self.note(f"damaged at {'' if self.plain else 'inflated '}byte {begin}, {end - begin} bytes skipped")
        self._drop(index)
        self.lost = None
