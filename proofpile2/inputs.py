"""What a user names as input, as a sorted list of files; and files anywhere as streams that can seek."""

from __future__ import annotations

import gzip
import io
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from glob import glob, has_magic
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import fsspec

from proofpile2.errors import ConfigError, InputError

__all__ = ["Input", "expand", "is_remote", "named_folders", "open_input", "resolve", "retrying"]

TRIES = 5
"""Attempts at a read from a remote place before it counts as failed."""

FIRST_PAUSE = 0.5
"""Seconds before the second attempt; each later pause is twice the one before."""

TIMEOUT = 60
"""Seconds a connection may stay silent."""

_LISTS = (".paths", ".paths.gz", ".txt", ".txt.gz")
_BLOCK = 8 << 20  # bytes of one remote read
_T = TypeVar("_T")


@dataclass(frozen=True)
class Input:
    """One file: where it is, how it is called in ids and locators (never by a local path), its bytes if it is local."""

    path: str
    name: str
    size: int | None = None


def expand(inputs: Sequence[str], suffixes: Sequence[str], base: str = "") -> list[Input]:
    """Files behind ``inputs``, sorted by name, each once.

    An input is a file, a folder or a glob, local or of any fsspec URL, or a list of paths, one a line
    (``warc.paths.gz`` as Common Crawl publishes them, also ``.txt``), whose relative lines are taken below ``base``.
    Folders and globs give the files that end in one of ``suffixes``; a file named itself is taken whatever its name.

    The name is the path below the folder or below the part of a glob without wildcards, the line of a list, or else
    the base name; and, for whatever lies in Common Crawl's own tree, the path from ``crawl-data/`` on, so that
    mirrors, lists and indexes agree. Raises ConfigError where nothing is found or two files have one name.
    """
    found: dict[str, Input] = {}
    for text in inputs:
        listed = text.endswith(_LISTS) and not text.endswith(tuple(suffixes))
        matched = list(_listed(text, base) if listed else _matched(text, tuple(suffixes)))
        if not matched:
            wanted = "a path" if listed else f"a file ending in {' or '.join(suffixes)}"
            raise ConfigError(f"input {text!r}: found nothing (expected {wanted})")
        for path, name in matched:
            size = None if is_remote(path) else os.path.getsize(path)
            entry = Input(path, _common_crawl(path) or name, size)
            other = found.setdefault(entry.name, entry)
            if other.path != path:
                raise ConfigError(
                    f"two inputs have the name {entry.name!r}: {other.path} and {path}; names make the ids of "
                    f"documents, so give the folder above both as one input, or rename one"
                )
    return [found[name] for name in sorted(found)]


def named_folders(paths: Iterable[str | Path], who: str) -> dict[str, Path]:
    """Folders of this machine by their names, which stand for them in ids. ConfigError, which begins with ``who``, for
    what is no folder, and where two folders have one name."""
    found: dict[str, Path] = {}
    for path in paths:
        folder = Path(path).resolve()
        if not folder.is_dir():
            raise ConfigError(f"{who}: {str(path)!r} is no folder")
        name = folder.name or "root"
        if found.setdefault(name, folder) != folder:
            raise ConfigError(f"{who}: two folders are called {name!r}: {found[name]} and {folder}; rename one")
    return found


def resolve(name: str, base: str) -> Input:
    """The file ``name`` of a list or an index, below ``base`` unless it is a whole path or URL itself."""
    if is_remote(name) or os.path.isabs(name):
        return Input(name, _common_crawl(name) or (name if is_remote(name) else os.path.basename(name)))
    path = f"{base.rstrip('/')}/{name}" if base else name
    return Input(path.removeprefix("file://"), _common_crawl(name) or name)


def is_remote(path: str) -> bool:
    """Whether ``path`` is a URL of another place than this machine's files."""
    return "://" in path and not path.startswith("file://")


def _common_crawl(path: str) -> str | None:
    match = re.search(r"(?:^|/)(crawl-data/CC-.*)", path)
    return match[1] if match else None


def _listed(text: str, base: str) -> Iterator[tuple[str, str]]:
    folder = base or ("" if is_remote(text) else os.path.dirname(text))
    with open_input(text) as stream:
        data = stream.read()
    try:
        lines = (gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data).decode()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise ConfigError(f"list of inputs {text!r} can't be read: {error}") from error
    for line in lines.splitlines():
        if line.strip() and not line.startswith("#"):
            entry = resolve(line.strip(), folder)
            if not is_remote(entry.path) and not os.path.isfile(entry.path):
                raise ConfigError(f"{text}: no file {entry.path!r}")
            yield entry.path, entry.name


def _matched(text: str, suffixes: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if is_remote(text):
        yield from _matched_remote(text, suffixes)
        return
    text = text.removeprefix("file://")
    if os.path.isfile(text):
        yield text, os.path.basename(text)
    elif os.path.isdir(text):
        for file in sorted(Path(text).rglob("*")):
            if file.name.endswith(suffixes) and file.is_file():
                yield str(file), file.relative_to(text).as_posix()
    elif has_magic(text):
        top = _before_wildcards(text)
        for name in sorted(glob(text, recursive=True)):
            if os.path.isfile(name) and name.endswith(suffixes):
                yield name, os.path.relpath(name, top or ".").replace(os.sep, "/")
            elif os.path.isdir(name):
                for path, below in _matched(name, suffixes):
                    yield path, f"{os.path.relpath(name, top or '.')}/{below}".replace(os.sep, "/")


def _matched_remote(text: str, suffixes: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    def listing(find: Callable[[Any, str], list[str]], top: str) -> Iterator[tuple[str, str]]:
        fs, path = _filesystem(text)
        root = fs._strip_protocol(top).rstrip("/")
        for found in sorted(retrying(lambda: find(fs, path), text)):
            if found.endswith(suffixes):
                yield fs.unstrip_protocol(found), found.removeprefix(root).lstrip("/")

    if has_magic(text.partition("?")[0] if text.startswith("http") else text):
        yield from listing(lambda fs, path: fs.glob(path), _before_wildcards(text))
    elif text.endswith(suffixes) or text.startswith(("http://", "https://")):
        yield text, text.rstrip("/").rsplit("/", 1)[-1]
    else:
        yield from listing(lambda fs, path: fs.find(path), text)


def _before_wildcards(pattern: str) -> str:
    plain: list[str] = []
    for part in pattern.split("/"):
        if has_magic(part):
            break
        plain.append(part)
    return "/".join(plain)


def _filesystem(url: str) -> tuple[Any, str]:
    protocol = url.split("://", 1)[0]
    options: dict[str, Any] = {}
    if protocol in {"http", "https"}:
        import aiohttp  # noqa: PLC0415  (only needed, and only there, with the extra for remote files)

        options["client_kwargs"] = {
            "timeout": aiohttp.ClientTimeout(total=None, sock_connect=TIMEOUT, sock_read=TIMEOUT)
        }
    elif protocol == "s3":
        options["config_kwargs"] = {"connect_timeout": TIMEOUT, "read_timeout": TIMEOUT}
        options["anon"] = url.startswith("s3://commoncrawl/") and not _has_aws_credentials()
    try:
        fs, path = fsspec.core.url_to_fs(url, **options)
        return fs, str(path)
    except (ImportError, ValueError) as error:
        raise ConfigError(f"{url}: {error} (remote inputs need: pip install 'proofpile2[remote]')") from error


def _has_aws_credentials() -> bool:
    return any(os.environ.get(name) for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_ROLE_ARN"))


def retrying(call: Callable[[], _T], what: str) -> _T:
    """``call()``, tried again after a pause where the connection fails; InputError when it keeps failing."""
    for attempt in range(TRIES):
        try:
            return call()
        except PermissionError as error:
            raise InputError(f"{what}: access refused ({error}); for S3 set credentials or use https://") from error
        except (InputError, ConfigError):
            raise
        except Exception as error:  # each backend has errors of its own
            if isinstance(error, FileNotFoundError) and _is_gone(error):
                raise InputError(f"{what}: there is no such file") from error
            if attempt == TRIES - 1:
                reason = f"{type(error).__name__} {error}".strip()
                raise InputError(f"{what}: failed {TRIES} times, last with {reason}") from error
            time.sleep(FIRST_PAUSE * 2**attempt)
    raise AssertionError("unreachable")


def _is_gone(error: FileNotFoundError) -> bool:
    """Whether a file is not there; fsspec says the same of a server that can't be reached, with a cause."""
    return error.__cause__ is None or getattr(error.__cause__, "status", None) in {403, 404, 410}


def open_input(path: str) -> BinaryIO:
    """A stream that can seek, local or remote. Raises InputError where there is nothing to open.

    Remote files are read in ranges of 8 MB, each tried again when it fails, and never come onto the disk.
    """
    if not is_remote(path):
        try:
            return open(path.removeprefix("file://"), "rb", buffering=1 << 18)
        except OSError as error:
            raise InputError(f"{path}: {error.strerror or error}") from error
    return io.BufferedReader(_Remote(path), _BLOCK)


def read_range(path: str, start: int, length: int) -> bytes:
    """``length`` bytes from ``start``, or as many as there are. Raises InputError."""
    with open_input(path) as stream:
        raw = getattr(stream, "raw", stream)
        raw.seek(start)
        return bytes(raw.read(length))


class _Remote(io.RawIOBase):
    """A remote file by ranges; one long read, begun anew where it breaks off, from servers that know no ranges."""

    def __init__(self, url: str) -> None:
        self.stream: Any = None  # first, since close() is called even where what follows fails
        self.stream_at = 0
        self.url, self.at = url, 0
        self.fs, self.path = _filesystem(url)
        info: Mapping[str, Any] = retrying(lambda: self.fs.info(self.path), url)
        self.length: int | None = info.get("size")
        self.ranges = self.length is not None and info.get("partial", True)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_END:
            if self.length is None:
                raise io.UnsupportedOperation("the server gives no length")
            offset += self.length
        self.at = max(0, offset + (self.at if whence == io.SEEK_CUR else 0))
        return self.at

    def tell(self) -> int:
        return self.at

    def readinto(self, buffer: Any) -> int:
        size = len(buffer)
        if self.length is not None:
            size = min(size, self.length - self.at)
        if size <= 0:
            return 0
        data = retrying(lambda: self._fetch(size), self.url)
        buffer[: len(data)] = data
        self.at += len(data)
        return len(data)

    def _fetch(self, size: int) -> bytes:
        if self.ranges:
            data = bytes(self.fs.cat_file(self.path, start=self.at, end=self.at + size))
            if len(data) != size:
                raise OSError(f"asked for {size} bytes at {self.at}, got {len(data)}")
            return data
        try:
            if self.stream is None or self.stream_at > self.at:
                self.close_stream()
                self.stream, self.stream_at = self.fs.open(self.path, "rb", block_size=0), 0
            while self.stream_at < self.at:
                passed = len(self.stream.read(min(1 << 20, self.at - self.stream_at)))
                if not passed:
                    raise OSError(f"the server's answer ends at byte {self.stream_at}")
                self.stream_at += passed
            data = bytes(self.stream.read(size))
        except Exception:
            self.close_stream()
            raise
        self.stream_at += len(data)
        return data

    def close_stream(self) -> None:
        if self.stream is not None:
            stream, self.stream = self.stream, None
            stream.close()

    def close(self) -> None:
        self.close_stream()
        super().close()
