"""Archives as streams: releases, Debian and PyPI source packages, snapshots of repositories. Nothing is extracted."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import IO, Any, BinaryIO, ClassVar, cast

import pyarrow as pa
import zstandard

from proofpile2 import inputs
from proofpile2.errors import InputError
from proofpile2.sources.code_files import MAX_FILE_BYTES, REASONS, CodeFile, batches, chosen, clean_path, language_of

__all__ = ["SUFFIXES", "Archives", "Limits", "Member", "members"]

SUFFIXES = (
    ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.lzma", ".tar.zst", ".zip", ".whl",
)  # fmt: skip

_DAMAGE = (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, zstandard.ZstdError)


@dataclass(frozen=True)
class Limits:
    """Where reading an archive ends: members looked at, bytes that come out of the compression."""

    members: int = 1_000_000
    bytes: int = 20_000_000_000


@dataclass(frozen=True)
class Member:
    """A regular file of an archive; ``data`` None if it is larger than may be held."""

    path: str
    data: bytes | None
    modified: str | None = None


@dataclass(frozen=True)
class Archives:
    """Files of our languages in tar and zip archives, one unit an archive.

    ``max_members``, ``max_bytes``  what is read of one archive at most, before compression; what follows is noted

    ``origin`` is the name of the archive, ``locator`` is ``name:path/in/it``.
    """

    name: ClassVar[str] = "archives"
    version: ClassVar[int] = 1
    adds: ClassVar[Mapping[str, pa.DataType]] = {}
    reasons: ClassVar[tuple[str, ...]] = REASONS

    input: tuple[str, ...]
    langs: tuple[str, ...] = ()
    max_members: int = Limits.members
    max_bytes: int = Limits.bytes

    @cached_property
    def _paths(self) -> Mapping[str, inputs.Input]:
        return {item.name: item for item in inputs.expand(self.input, SUFFIXES)}

    def uses(self) -> Mapping[str, str]:
        return {}

    def units(self) -> Mapping[str, str]:
        """Archives with their bytes."""
        return {name: "" if item.size is None else str(item.size) for name, item in self._paths.items()}

    def read(self, unit: str, note: Callable[[str], None]) -> Iterator[pa.RecordBatch]:
        """Files of one archive in its order; damage and limits are noted. InputError if it is no archive."""
        wanted = chosen(self.langs)
        limits = Limits(self.max_members, self.max_bytes)
        with inputs.open_input(self._paths[unit].path) as stream:
            files = (
                CodeFile(
                    unit, one.path, one.data, language_of(one.path) or "", created=one.modified,
                    drop="too_large" if one.data is None else None,
                )
                for one in members(stream, unit, lambda path: language_of(path) in wanted, limits, note)
            )  # fmt: skip
            yield from batches("archive", files)


def members(
    stream: BinaryIO, name: str, wanted: Callable[[str], bool], limits: Limits, note: Callable[[str], None],
    seekable: bool = True,
) -> Iterator[Member]:  # fmt: skip
    """Regular files of an archive whose path is ``wanted``. Links, devices and folders are passed over.

    What kind of archive it is tells its head, not its name. Damage ends it with a note, InputError where it is
    none. ``seekable`` False: zip archives, whose list stands at their end, can't be read.
    """
    count = 0
    try:
        head = stream.read(512)
        if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            if not seekable:
                raise InputError(f"{name}: a zip archive can't be read as a stream")
            stream.seek(0)
            found = _zip(stream, wanted, limits, note)
        else:
            found = _tar(_plain(_Rewound(head, stream), head), name, wanted, limits, note)
        for one in found:
            count += 1
            yield one
    except _Limit as error:
        note(f"reading ended after {count} files: {error}")
    except zipfile.BadZipFile as error:
        raise InputError(f"{name}: no whole zip archive ({error})") from None
    except _DAMAGE as error:
        note(f"damaged after {count} files of ours: {type(error).__name__} {error}")


class _Limit(Exception):
    """Budget of one archive is used up."""


class _Rewound(io.RawIOBase):
    """What was read of a stream already, then the rest."""

    def __init__(self, head: bytes, stream: IO[bytes]) -> None:
        self._head, self._stream = head, stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._head[: len(buffer)] if self._head else self._stream.read(len(buffer))
        if self._head:
            self._head = self._head[len(data) :]
        buffer[: len(data)] = data
        return len(data)


class _Counted:
    """A stream that gives at most so many bytes, and before damage all that stands before it."""

    def __init__(self, stream: Any, most: int) -> None:
        self._read = getattr(stream, "read1", stream.read)
        self.given, self._most = 0, most
        self.error: Exception | None = None

    def read(self, size: int) -> bytes:
        pieces: list[bytes] = []
        left = size
        while left > 0 and self.error is None:
            try:
                piece = self._read(left)
            except _DAMAGE as error:
                self.error = error
                break
            if not piece:
                break
            pieces.append(piece)
            left -= len(piece)
        self.given += size - left
        if self.given > self._most:
            raise _Limit(f"more than {self._most:,} bytes come out of it")
        return b"".join(pieces)


def _plain(stream: io.RawIOBase, head: bytes) -> IO[bytes]:
    """The stream without its compression, by its first bytes."""
    raw = cast(IO[bytes], io.BufferedReader(stream, 1 << 18))
    if head.startswith(b"\x1f\x8b"):
        return cast(IO[bytes], gzip.GzipFile(fileobj=raw, mode="rb"))
    if head.startswith(b"BZh"):
        return cast(IO[bytes], bz2.BZ2File(raw, "rb"))
    if head.startswith((b"\xfd7zXZ\0", b"\x5d\0\0")):
        return cast(IO[bytes], lzma.LZMAFile(raw, "rb"))
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        return cast(
            IO[bytes], zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(raw, read_across_frames=True)
        )
    return raw


def _tar(
    stream: IO[bytes], name: str, wanted: Callable[[str], bool], limits: Limits, note: Callable[[str], None]
) -> Iterator[Member]:
    counted = _Counted(stream, limits.bytes)
    links = 0
    try:
        opened = tarfile.open(fileobj=cast(IO[bytes], counted), mode="r|", bufsize=1 << 18, errorlevel=1)  # noqa: SIM115
    except tarfile.ReadError as error:
        if counted.error:
            raise counted.error from None
        raise InputError(f"{name}: neither a tar nor a zip archive ({error})") from None
    with opened as archive:
        for number, one in enumerate(archive):
            archive.members = []  # type: ignore[attr-defined]  # tarfile keeps them all otherwise
            if number >= limits.members:
                raise _Limit(f"more than {limits.members:,} members")
            path = clean_path(one.name)
            if not one.isreg():
                links += (one.issym() or one.islnk()) and wanted(path)
                continue
            if not path or not wanted(path):
                continue
            modified = _time(one.mtime)
            if one.size > MAX_FILE_BYTES or one.issparse():
                yield Member(path, None, modified)
                continue
            content = archive.extractfile(one)
            yield Member(path, content.read(MAX_FILE_BYTES + 1) if content else b"", modified)
        if counted.error or opened.offset > counted.given:
            raise counted.error or EOFError("the archive breaks off")
    if links:
        note(f"{links} links passed over")


def _zip(
    stream: BinaryIO, wanted: Callable[[str], bool], limits: Limits, note: Callable[[str], None]
) -> Iterator[Member]:
    left = limits.bytes
    with zipfile.ZipFile(stream) as archive:
        for number, one in enumerate(archive.infolist()):
            if number >= limits.members:
                raise _Limit(f"more than {limits.members:,} members")
            path = clean_path(one.filename)
            is_link = (one.external_attr >> 16) & 0o170000 == 0o120000
            if one.is_dir() or is_link or not path or not wanted(path):
                continue
            modified = "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}".format(*one.date_time)
            if one.file_size > MAX_FILE_BYTES:
                yield Member(path, None, modified)
                continue
            try:
                with archive.open(one) as content:
                    data = content.read(MAX_FILE_BYTES + 1)  # the list may lie about sizes
            except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
                note(f"{path}: {type(error).__name__} {error}")
                continue
            left -= len(data)
            if left < 0:
                raise _Limit(f"more than {limits.bytes:,} bytes come out of it")
            yield Member(path, None if len(data) > MAX_FILE_BYTES else data, modified)


def _time(seconds: float) -> str | None:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if seconds > 0 else None
    except (ValueError, OverflowError, OSError):
        return None
