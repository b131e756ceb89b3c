"""Bytes of a page to text, without mojibake and without ever failing."""

from __future__ import annotations

import codecs
import re

from resiliparse.parse.encoding import detect_encoding, map_encoding_to_html5

__all__ = ["decode", "searchable"]

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_META = re.compile(
    rb"""<meta\b[^>]{0,300}?\bcharset\s*=\s*["']?\s*([A-Za-z0-9_.:+-]{2,40})"""
    rb"""|<\?xml\b[^>]{0,100}?\bencoding\s*=\s*["']([A-Za-z0-9_.:+-]{2,40})""",
    re.IGNORECASE,
)
_META_WITHIN = 4096  # the standard says 1024; pages with long comments above their head exist
_PYTHON = {"cp1252": "cp1252", "gbk": "gb18030", "gb2312": "gb18030", "shift_jis": "cp932", "euc_kr": "cp949",
           "big5": "big5hkscs", "iso8859-8-i": "iso8859-8", "iso8859-11": "cp874"}  # fmt: skip
_MULTIBYTE = frozenset(["gb18030", "cp932", "euc_jp", "cp949", "big5hkscs"])
_NOT_TEXT = re.compile("[\x00\ud800-\udfff]")


def decode(payload: bytes, declared: str | None = None) -> str:
    """The text of a page. ``declared`` is the charset of its HTTP header, in any spelling.

    In this order: byte order mark; UTF-8 where the bytes are valid UTF-8; header; meta or XML declaration; detection;
    windows-1252. Labels mean what the WHATWG Encoding Standard says (latin-1 is windows-1252, gb2312 is GB 18030). A
    declaration which the bytes contradict is passed over. Never raises; NUL and lone surrogates never come out, bytes
    that mean nothing become U+FFFD.
    """
    text = _decode(payload, declared)
    return _NOT_TEXT.sub("", text)


def searchable(payload: bytes | memoryview, declared: str | None = None) -> bytes | memoryview:
    """Bytes in which ASCII patterns can be searched: the payload itself, or UTF-8 if it is UTF-16 or UTF-32."""
    head = bytes(payload[:64])
    if b"\0" not in head and head[:1] not in {b"\xfe", b"\xff"}:  # the markup a page begins with is ASCII
        return payload
    return decode(bytes(payload), declared).encode() if _wide(bytes(payload[:1024]), declared) else payload


def _decode(payload: bytes, declared: str | None) -> str:
    for mark, name in _BOMS:
        if payload.startswith(mark):
            return payload[len(mark) :].decode(name, "replace")
    wide = _wide(payload[:1024], declared)
    if wide:
        return payload.decode(wide, "replace")
    labels = [_codec(label) for label in (declared, _meta(payload)) if label]
    names = [name for name in labels if name is not None]
    if names and names[0] == "iso2022_jp" and b"\x1b" in payload:
        return payload.decode("iso2022_jp", "replace")
    if payload.isascii():
        return payload.decode("ascii")
    loose = payload.decode("utf-8", "replace")
    bad = loose.count("�")
    characters = sum(map(len, re.findall(r"[^\x00-\x7f]+", loose))) - bad
    # a handful of bytes of a Chinese or Japanese encoding can be UTF-8 by chance, a page of them can't
    if bad <= characters // 10 and not (names and names[0] in _MULTIBYTE and characters < 8):
        return loose
    for name in names:
        if name != "utf-8":
            text = payload.decode(name, "replace")
            if text.count("�") <= max(1, len(payload) // 1000):
                return text
    found = _codec(detect_encoding(payload) or "")
    return payload.decode("cp1252" if found in {None, "utf-8"} else str(found), "replace")


def _meta(payload: bytes) -> str | None:
    match = _META.search(payload, 0, _META_WITHIN)
    return (match[1] or match[2]).decode("ascii") if match else None


def _codec(label: str) -> str | None:
    """Name of Python's codec for a label, None where there is none or where the label can't be true of these bytes."""
    name = map_encoding_to_html5(label.strip("\"' "), fallback_utf8=False)
    if name is None or name.startswith("utf-16"):  # wide encodings are seen by their zero bytes
        return None
    name = _PYTHON.get(name, name)
    try:
        return codecs.lookup(name).name
    except LookupError:
        return None


def _wide(head: bytes, declared: str | None) -> str | None:
    """The UTF-16 or UTF-32 codec of bytes without a mark, by where their zero bytes stand."""
    for mark, name in _BOMS[1:]:
        if head.startswith(mark):
            return name
    zeros = head.count(0)
    if zeros * 5 < len(head) or len(head) < 4:
        return None
    by_place = [head[place::4].count(0) * 4 for place in range(4)]
    if min(by_place[1:]) * 2 > len(head):
        return "utf-32-le"
    if min(by_place[:3]) * 2 > len(head):
        return "utf-32-be"
    even, odd = by_place[0] + by_place[2], by_place[1] + by_place[3]
    if max(even, odd) < 4 * min(even, odd) and not (declared or "").lower().startswith("utf-16"):
        return None
    return "utf-16-le" if odd > even else "utf-16-be"
