"""Compressed archives as pieces of inflated bytes, with the damaged ones stepped over.

A Common Crawl file is one gzip member per record, so a member that inflates with the right checksum is an undamaged
record whose byte offset is known. FastWARC 2.0.1 ends the whole file at the first damaged byte, and takes a truncated
record for a whole one; this is why the members are walked here, inflated whole by libdeflate.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, NamedTuple

import zstandard
from deflate import DeflateError, gzip_decompress

try:  # twice as fast as the standard library's zlib and the same interface
    from isal import isal_zlib

    decompressobj: Any = isal_zlib.decompressobj
    _DAMAGE: Any = (zlib.error, isal_zlib.error)
except ImportError:  # pragma: no cover  (no wheel for this machine)
    decompressobj = zlib.decompressobj
    _DAMAGE = (zlib.error,)

__all__ = ["CHUNK", "Piece", "compression", "pieces"]

CHUNK = 1 << 18
"""Compressed bytes read at once."""

_STEP = 1 << 13  # of those, inflated at once
_PIECE = 1 << 22  # inflated bytes handed on at once: what a zip bomb can make us hold
_GZIP = b"\x1f\x8b\x08"
_MAGIC = re.compile(re.escape(_GZIP))
_ZSTD = b"\x28\xb5\x2f\xfd"
_DICTIONARY = 0x184D2A5D  # the skippable frame that carries the dictionary of a .warc.zst
_PROBE = 1 << 18  # compressed bytes looked at to see whether a record starts here
_RECORD = re.compile(rb"WARC/[01]\.\d|[a-z][a-z0-9+.-]*:\S+ [0-9a-f.:]+ \d{14} ")


class Piece(NamedTuple):
    """Inflated bytes: ``offset`` is the byte of the file at which their member (or, in a plain file, they) start."""

    offset: int
    data: bytes | bytearray
    first: bool  # the member starts with these bytes
    last: bool  # the member ends with these bytes, and its checksum was right
    broken: bool = False  # the member is damaged: nothing that came of it can be trusted to be whole


def compression(head: bytes, name: str) -> str | None:
    """``gzip``, ``zstd`` or ``plain`` by the first bytes, by the name where those are damaged, else None."""
    if head.startswith(_GZIP):
        return "gzip"
    if head.startswith(_ZSTD) or head[1:4] == b"\x2a\x4d\x18":
        return "zstd"
    if _RECORD.match(head):
        return "plain"
    by_name = {".gz": "gzip", ".zst": "zstd", ".warc": "plain", ".arc": "plain"}
    return next((kind for suffix, kind in by_name.items() if name.endswith(suffix)), None)


def pieces(stream: BinaryIO, kind: str, note: Callable[[str], None]) -> Iterator[Piece]:
    """Inflated bytes of a ``stream`` that can seek, in order; each damage goes to ``note``, with the bytes skipped.

    Memory is bounded whatever a member inflates to. A plain file is one member.
    """
    if kind == "plain":
        return _plain(stream)
    return (_gzip if kind == "gzip" else _zstd)(stream, note)


def _plain(stream: BinaryIO) -> Iterator[Piece]:
    stream.seek(0)
    at, data = 0, stream.read(CHUNK * 4)
    while data:
        yield Piece(at, data, first=at == 0, last=False)
        at += len(data)
        data = stream.read(CHUNK * 4)


class _Window:
    """Compressed bytes ``view[at:end]``, the first of which is byte ``base + at`` of the file."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream: Any = stream  # with readinto, which BinaryIO lacks
        self.bytes = bytearray(2 * CHUNK)  # one for the whole file, as fresh memory for each read costs more
        self.view = memoryview(self.bytes)
        self.seek(0)

    def seek(self, place: int) -> None:
        self.stream.seek(place)
        self.base, self.at, self.end, self.more = place, 0, 0, True

    def fill(self) -> int:
        """Number of bytes there, at least CHUNK of them unless the file ends."""
        while self.more and self.end - self.at < CHUNK:
            rest = self.end - self.at
            self.view[:rest] = self.view[self.at : self.end]
            self.base, self.at, self.end = self.base + self.at, 0, rest
            fresh = self.stream.readinto(self.view[rest : rest + CHUNK])
            self.end += fresh
            self.more = fresh > 0
        return self.end - self.at


def _gzip(stream: BinaryIO, note: Callable[[str], None]) -> Iterator[Piece]:
    window = _Window(stream)
    while window.fill():
        # From one magic number to the next is a member, but where the number stands in a member by chance.
        ends = [match.start() for match in _MAGIC.finditer(window.bytes, window.at + 1, window.end)]
        if not window.more:
            ends.append(window.end)
        at, base, view = window.at, window.base, window.view
        for end in ends:
            data = _at_once(view[at:end])
            if data is None:
                break
            yield Piece(base + at, data, True, True)
            window.at = at = end
        if not ends or at != ends[-1]:
            yield from _gzip_member(window, note)


def _gzip_member(window: _Window, note: Callable[[str], None]) -> Iterator[Piece]:
    """The member at which the window stands, in bounded pieces, or what can be had of it."""
    begin, first, held, given = window.base + window.at, True, 0, 0
    if not any(window.view[window.at : window.end]):  # padding after the last member
        window.at = window.end
        return
    parts: list[bytes] = []
    member = decompressobj(31)
    try:
        while not member.eof and window.fill():
            # a small step, since what follows the member in it is copied
            fed = window.view[window.at : min(window.at + _STEP, window.end)]
            data = member.decompress(fed, _PIECE)
            parts.append(data)
            held += len(data)
            window.at += len(fed) - len(member.unused_data if member.eof else member.unconsumed_tail)
            if held >= _PIECE and not member.eof:
                yield Piece(begin, b"".join(parts), first, last=False)
                first, held, given, parts = False, 0, given + held, []
    except _DAMAGE:
        pass
    if member.eof:
        yield Piece(begin, b"".join(parts), first, last=True)
        return
    for data in _salvage(window.stream, begin, given):
        yield Piece(begin, data, first, last=False)
        first = False
    yield Piece(begin, b"", first, last=False, broken=True)
    window.seek(_step_over(window.stream, begin, _GZIP, _gzip_head, note))


def _at_once(member: memoryview) -> bytearray | None:
    """What a whole gzip member inflates to; None where it is damaged, large, or more or less than a member."""
    size = int.from_bytes(member[-4:], "little")  # which the format gives at its end
    try:
        data = gzip_decompress(member, size) if 0 < size <= _PIECE else bytearray()
    except DeflateError:
        return None
    return data if data and len(data) == size else None


def _step_over(
    stream: BinaryIO, begin: int, magic: bytes, head: Callable[[bytes], bytes], note: Callable[[str], None]
) -> int:
    """Seeks to the next member after ``begin`` that opens with a record, or to the end of the file; says so."""
    stream.seek(begin + 1)
    at, window, more = begin + 1, b"", True
    while more:
        fresh = stream.read(CHUNK)
        more = bool(fresh)
        window += fresh
        found = window.find(magic)
        while found >= 0 and (not more or len(window) - found >= _PROBE):
            if _RECORD.match(head(window[found : found + _PROBE])):
                note(f"damaged at byte {begin}, {at + found - begin} bytes skipped")
                stream.seek(at + found)
                return at + found
            found = window.find(magic, found + 1)
        keep = found if found >= 0 else max(0, len(window) - len(magic) + 1)
        at, window = at + keep, window[keep:]
    end = at + len(window)
    note(f"damaged or cut off at byte {begin}, {end - begin} bytes up to the end skipped")
    stream.seek(end)
    return end


def _salvage(stream: BinaryIO, begin: int, given: int) -> Iterator[bytes]:
    """What inflates of the damaged member at ``begin``, without its first ``given`` bytes."""
    stream.seek(begin)
    member, done, sound = zlib.decompressobj(31), 0, True
    while sound and not member.eof and (chunk := stream.read(1 << 13)):
        before = member.copy()
        try:
            data = member.decompress(chunk)
        except zlib.error:  # which loses what the call had inflated, so the bytes are fed again one by one
            data, sound = _inflate_slowly(before, chunk), False
        yield data[max(0, given - done) :]
        done += len(data)


def _inflate_slowly(member: Any, chunk: bytes) -> bytes:
    parts: list[bytes] = []
    try:
        parts.extend(member.decompress(chunk[place : place + 1]) for place in range(len(chunk)))
    except zlib.error:
        pass
    return b"".join(parts)


def _gzip_head(data: bytes) -> bytes:
    try:
        return bytes(decompressobj(31).decompress(data, 4096))
    except _DAMAGE:
        return b""


def _zstd(stream: BinaryIO, note: Callable[[str], None]) -> Iterator[Piece]:
    inflate = zstandard.ZstdDecompressor()

    def head(data: bytes) -> bytes:
        try:
            return inflate.stream_reader(data, read_across_frames=False).read(4096)
        except zstandard.ZstdError:
            return b""

    begin = 0
    while True:
        stream.seek(begin)
        start = stream.read(8)
        if not start.strip(b"\0"):
            return
        magic = int.from_bytes(start[:4], "little")
        if magic & 0xFFFFFFF0 == 0x184D2A50:  # a skippable frame
            length = int.from_bytes(start[4:], "little")
            if magic == _DICTIONARY and length < 1 << 26:
                inflate = _with_dictionary(stream.read(length))
            begin += 8 + length
            continue
        first, given = True, 0
        try:
            end = _frame_end(stream, begin)
            stream.seek(begin)
            reader = inflate.stream_reader(stream, read_size=1 << 16, read_across_frames=False)
            data = reader.read(_PIECE)
            while len(data) == _PIECE:
                yield Piece(begin, data, first, last=False)
                first, given, data = False, given + _PIECE, reader.read(_PIECE)
            yield Piece(begin, data, first, last=True)
            begin = end
        except (zstandard.ZstdError, EOFError):
            for data in _salvage_zstd(stream, begin, given, inflate):
                yield Piece(begin, data, first, last=False)
                first = False
            yield Piece(begin, b"", first, last=False, broken=True)
            begin = _step_over(stream, begin, _ZSTD, head, note)


def _salvage_zstd(stream: BinaryIO, begin: int, given: int, inflate: Any) -> Iterator[bytes]:
    stream.seek(begin)
    reader, done = inflate.stream_reader(stream, read_size=1 << 12, read_across_frames=False), 0
    try:
        while data := reader.read(1 << 12):
            yield data[max(0, given - done) :]
            done += len(data)
    except zstandard.ZstdError:
        return


def _with_dictionary(data: bytes) -> Any:
    if data.startswith(_ZSTD):
        data = zstandard.ZstdDecompressor().decompressobj().decompress(data)
    return zstandard.ZstdDecompressor(dict_data=zstandard.ZstdCompressionDict(data))


def _frame_end(stream: BinaryIO, begin: int) -> int:
    """Where the zstd frame at ``begin`` ends, from its block headers (RFC 8878, 3.1.1); EOFError where it is cut."""
    stream.seek(begin)
    head = stream.read(18)
    frame = zstandard.get_frame_parameters(head)
    at, last = begin + zstandard.frame_header_size(head), False
    while not last:
        stream.seek(at)
        block = stream.read(3)
        if len(block) < 3:
            raise EOFError
        bits = int.from_bytes(block, "little")
        last = bool(bits & 1)
        at += 3 + (1 if bits & 6 == 2 else bits >> 3)  # a run-length block is one byte long
    at += 4 * frame.has_checksum
    stream.seek(at - 1)
    if not stream.read(1):
        raise EOFError
    return at
