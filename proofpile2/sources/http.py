"""HTTP responses as archives hold them: head, content type, and a body with its encodings undone.

Archives differ in what they did to a body: Common Crawl's are decoded whatever the headers say (since 2018 those
headers are renamed ``X-Crawl-``), others are as they came over the wire. So an encoding is undone only where the bytes
bear it out.
"""

from __future__ import annotations

import io
import re
import zlib
from functools import lru_cache
from typing import NamedTuple

import zstandard
from fastwarc.stream_io import BrotliReader

__all__ = ["Response", "is_html", "parse"]

_STATUS = re.compile(rb"http/\S+ +(\d{3})\b")
_CHUNK = re.compile(rb"[0-9a-fA-F]{1,8}[ \t]*(?:;[^\r\n]{0,200})?\r?\n")
_CHARSET = re.compile(rb"charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:+-]{2,40})", re.IGNORECASE)
_TEXT = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<|[\t\n\r -~]{32})")
_HTML = re.compile(rb"<(?:!doctype\s+html|html[\s>]|head[\s>]|body[\s>])", re.IGNORECASE)
_HEAD = 1 << 16  # longest head of a response
_HTML_TYPES = frozenset(["text/html", "application/xhtml+xml", "application/vnd.wap.xhtml+xml"])
_XML_TYPES = frozenset(["", "text/xml", "application/xml", "unk", "unknown/unknown"])


class Response(NamedTuple):
    """``body`` is the page's bytes, or empty where ``problem`` says why they can't be had."""

    status: int | None  # None where the block had no HTTP head
    content_type: str | None  # lower case, without parameters
    charset: str | None  # lower case, of the Content-Type header
    body: bytes | memoryview
    problem: str | None = None  # a drop reason: ``too_large`` or ``bad_encoding:<name>``


def parse(data: bytes | bytearray, start: int, end: int, limit: int, kind: bytes = b"") -> Response | None:
    """The response in ``data[start:end]`` if it may be HTML, else None; at most ``limit`` bytes of body are inflated.

    ``kind`` is the content type of a block without an HTTP head.
    """
    status, header, head, body = None, kind, b"", start
    if data.startswith(b"HTTP/", start):
        stop, gap = data.find(b"\r\n\r\n", start, min(end, start + _HEAD)), 4
        if stop < 0:
            stop, gap = data.find(b"\n\n", start, min(end, start + _HEAD)), 2
        if stop < 0:  # a head alone
            stop, gap = end, 0
        body = stop + gap
        head = bytes(data[start:stop]).lower()
        status = _status(head.partition(b"\n")[0])
        header = _field(head, b"\ncontent-type:")
    mime, charset = _media_type(header)
    page: bytes | memoryview = memoryview(data)[body:end]
    problem = None
    if mime not in _HTML_TYPES and mime not in _XML_TYPES:
        return None
    if b"\ntransfer-encoding:" in head and b"chunked" in _field(head, b"\ntransfer-encoding:"):
        page = _dechunk(page)
    if b"\ncontent-encoding:" in head:
        for name in reversed(_field(head, b"\ncontent-encoding:").split(b",")):
            page, problem = _inflate(page, name.strip(), limit)
    if len(page) > limit:
        page, problem = b"", "too_large"
    if mime in _XML_TYPES and problem is None and not is_html(bytes(page[:2048])):
        return None
    return Response(status, mime or None, charset, page, problem)


@lru_cache(maxsize=1024)
def _status(line: bytes) -> int | None:
    code = _STATUS.match(line)
    return int(code[1]) if code else None


@lru_cache(maxsize=1024)
def _media_type(header: bytes) -> tuple[str, str | None]:
    """The type without its parameters, and the charset, both in lower case."""
    charset = _CHARSET.search(header)
    mime = header.split(b";", 1)[0].strip().lower().decode("latin-1")
    return mime, charset[1].decode("ascii").lower() if charset else None


def _field(head: bytes, name: bytes) -> bytes:
    at = head.find(name)
    if at < 0:
        return b""
    at += len(name)
    end = head.find(b"\n", at)
    return head[at : end if end > 0 else len(head)].strip()


def is_html(head: bytes) -> bool:
    """Whether bytes without a usable content type start as an HTML page does."""
    return _HTML.search(head) is not None


def _dechunk(body: bytes | memoryview) -> bytes | memoryview:
    """The chunks joined; as it is where it is not chunked (any more), what there is where the last chunk is cut off."""
    data, at = bytes(body), 0
    parts: list[bytes] = []
    while match := _CHUNK.match(data, at):
        size = int(data[at : match.end()].split(b";")[0], 16)
        if size == 0:
            return b"".join(parts)
        parts.append(data[match.end() : match.end() + size])
        at = match.end() + size
        if data.startswith(b"\r\n", at):
            at += 2
        elif at < len(data):
            break
    return b"".join(parts) if parts and at >= len(data) else body


def _inflate(body: bytes | memoryview, name: bytes, limit: int) -> tuple[bytes | memoryview, str | None]:
    """``body`` with the content encoding ``name`` undone, and the drop reason where it can't be."""
    if name in {b"", b"identity", b"none", b"utf-8"} or not len(body) or _TEXT.match(body[:64]):
        return body, None
    start = bytes(body[:4])
    data = b""
    try:
        if name in {b"gzip", b"x-gzip"}:
            if not start.startswith(b"\x1f\x8b"):
                return body, None
            data = zlib.decompressobj(31).decompress(body, limit + 1)
        elif name == b"deflate":
            try:
                data = zlib.decompressobj(15).decompress(body, limit + 1)
            except zlib.error:  # some servers send it without the zlib header that RFC 9110 asks for
                data = zlib.decompressobj(-15).decompress(body, limit + 1)
        elif name == b"br":
            data = _read(BrotliReader(io.BytesIO(body)), limit + 1)
        elif name == b"zstd":
            if start != b"\x28\xb5\x2f\xfd":
                return body, None
            data = zstandard.ZstdDecompressor().stream_reader(bytes(body)).read(limit + 1)
        else:
            return b"", f"bad_encoding:{name[:20].decode('ascii', 'replace')}"
    except (zlib.error, zstandard.ZstdError, OSError):
        pass
    if len(data) > limit:
        return b"", "too_large"
    return (data, None) if data else (b"", f"bad_encoding:{name.decode('ascii')}")


def _read(reader: BrotliReader, size: int) -> bytes:
    parts: list[bytes] = []
    while size > 0 and (part := reader.read(min(size, 1 << 20))):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
