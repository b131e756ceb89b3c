"""Web archives written with warcio for the tests of the reader."""

from __future__ import annotations

import random
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import zstandard
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from proofpile2.sources.warc import Warc


class Writer(WARCWriter):  # type: ignore[misc]
    """warcio's, which leaves its temporary files open."""

    def _create_temp_file(self) -> BytesIO:
        return BytesIO()


Records = list[bytes]
"""Records as they lie in a plain WARC."""


def record(
    url: str, body: bytes, *, kind: str = "response", status: str = "200 OK", warc_type: str = "", **heads: str
) -> bytes:
    """One record, uncompressed."""
    out = BytesIO()
    writer = Writer(out, gzip=False)
    given = {"Content-Type": "text/html; charset=utf-8"} | {
        name.replace("_", "-"): text for name, text in heads.items()
    }
    head = StatusAndHeaders(status, [(name, text) for name, text in given.items() if text], protocol="HTTP/1.1")
    made = writer.create_warc_record(
        url, kind, payload=BytesIO(body), http_headers=head if kind in {"response", "request"} else None,
        warc_content_type=warc_type, warc_headers_dict={"WARC-Date": "2023-06-01T10:00:00Z"},
    )  # fmt: skip
    writer.write_record(made)
    return out.getvalue()


def warcinfo(crawl: str = "CC-MAIN-2023-23") -> bytes:
    out = BytesIO()
    writer = Writer(out, gzip=False)
    writer.write_record(writer.create_warcinfo_record("x.warc.gz", {"isPartOf": crawl}))
    return out.getvalue()


@cache
def page(number: int, size: int = 400) -> bytes:
    """A page whose words depend on its number."""
    words = random.Random(number)
    text = " ".join(words.choice(["alpha", "beta", "gamma", "delta", str(words.randrange(10**6))]) for _ in range(size))
    return f"<html><title>{number}</title><body>{text}</body></html>".encode()


def pages(count: int) -> Records:
    """``count`` response records."""
    return [record(f"https://site.example/{number}", page(number)) for number in range(count)]


def crawl(count: int) -> Records:
    """The same with the other records that Common Crawl's files have."""
    made = [warcinfo()]
    for number, response in enumerate(pages(count)):
        url = f"https://site.example/{number}"
        made += [record(url, b"", kind="request", status="GET / HTTP/1.1"), response]
        made.append(record(url, b"fetchTimeMs: 1\r\n", kind="metadata", warc_type="application/warc-fields"))
    return made


def packed(made: Records, kind: str, dictionary: bytes = b"") -> tuple[bytes, list[int]]:
    """The archive's bytes, and the offset of each record in them. ``kind`` is plain, gzip, gzip-whole, zstd."""
    import gzip

    if kind == "gzip-whole":
        return gzip.compress(b"".join(made), mtime=0), [0] * len(made)
    out, offsets = b"", []
    pack = {"plain": bytes, "gzip": lambda data: gzip.compress(data, mtime=0)}.get(kind)
    if kind == "zstd":
        data = zstandard.ZstdCompressionDict(dictionary) if dictionary else None
        compressor = zstandard.ZstdCompressor(dict_data=data, write_checksum=True)
        pack = compressor.compress
        if dictionary:
            out = (0x184D2A5D).to_bytes(4, "little") + len(dictionary).to_bytes(4, "little") + dictionary
    assert pack is not None
    for one in made:
        offsets.append(len(out))
        out += pack(one)
    return out, offsets


SUFFIX = {"plain": "x.warc", "gzip": "x.warc.gz", "gzip-whole": "x.warc.gz", "zstd": "x.warc.zst"}


def read(path: Path, **settings: Any) -> tuple[list[dict[str, Any]], list[str]]:
    """All rows of an archive or a folder, and the notes."""
    source = Warc(input=(str(path),), **settings)
    notes: list[str] = []
    rows = [row for unit in source.units() for batch in source.read(unit, notes.append) for row in batch.to_pylist()]
    return rows, notes


def read_bytes(data: bytes, folder: Path, name: str, **settings: Any) -> tuple[list[dict[str, Any]], list[str]]:
    (folder / name).write_bytes(data)
    return read(folder / name, **settings)


def kept(rows: list[dict[str, Any]]) -> dict[str, bytes]:
    """Payload by URL of the rows that are not dropped."""
    return {row["url"]: row["_payload"] for row in rows if row["drop"] is None}


def batches(path: Path, **settings: Any) -> list[pa.RecordBatch]:
    source = Warc(input=(str(path),), **settings)
    return [batch for unit in source.units() for batch in source.read(unit, lambda text: None)]
