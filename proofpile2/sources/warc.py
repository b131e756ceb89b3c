"""Web archives to documents: every HTML response, or chosen ones, as raw pages for the steps that follow."""

from __future__ import annotations

import io
import re
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import ClassVar

import pyarrow as pa

from proofpile2 import inputs
from proofpile2.errors import ConfigError, InputError
from proofpile2.schema import document_id, empty_columns
from proofpile2.sources import chosen, http
from proofpile2.sources.members import compression, pieces
from proofpile2.sources.records import Record, fields, records
from proofpile2.step import DROP

__all__ = ["SUFFIXES", "Warc"]

SUFFIXES = (".warc", ".warc.gz", ".warc.zst", ".arc", ".arc.gz")

_CRAWL = re.compile(r"crawl-data/(CC-[A-Z]+(?:-\d{4}(?:-\d{2,4})?)?)/")
_PART_OF = re.compile(rb"(?im)^isPartOf:\s*(\S+)")
_BATCH_BYTES = 32 << 20
_Row = tuple[str, str | None, str | None, bytes | memoryview | None, str | None, str | None, str | None]
_SLACK = 1 << 20  # HTTP head, chunk marks: how much larger than its page a record may be


@dataclass(frozen=True)
class Warc:
    """HTML pages of WARC and ARC files, one unit a file.

    ``input``           files, folders, globs, lists of paths, URLs, see :func:`proofpile2.inputs.expand`
    ``urls``            a file of URLs; other pages are passed over (text, JSON lines or Parquet)
    ``index``           Common Crawl index files; only the records they name are fetched, by byte range
    ``base``            where the relative names in lists and indexes lie
    ``max_page_bytes``  larger pages are dropped as ``too_large`` without ever being held
    ``batch_rows``      rows of a batch, fewer where they are large

    Rows: ``locator`` is ``name:offset``, the byte offset of the record in the file as it lies there, so that a full
    read and a byte-range read give one page the same id. ``_payload`` is the body with transfer and content encodings
    undone. What is no HTML response (or HTML ``resource``) is no document; the number of others is noted per unit.
    """

    input: tuple[str, ...] = ()
    urls: str | None = None
    index: tuple[str, ...] = ()
    base: str = "https://data.commoncrawl.org/"
    max_page_bytes: int = 16_000_000
    batch_rows: int = 64

    name: ClassVar[str] = "warc"
    version: ClassVar[int] = 1
    adds: ClassVar[Mapping[str, pa.DataType]] = {
        "_payload": pa.large_binary(),
        "_charset": pa.string(),
        "_content_type": pa.string(),
    }
    reasons: ClassVar[Sequence[str]] = ("too_large", "damaged", "bad_encoding", "http_status", "empty")

    def uses(self) -> Mapping[str, str]:
        """Digests of the files that choose the records."""
        named = {"urls": self.urls} if self.urls else {}
        named |= {f"index {number}": path for number, path in enumerate(self.index)}
        return {name: chosen.digest(path) for name, path in named.items()}

    def units(self) -> Mapping[str, str]:
        """Names of the archives, sorted, each with its size if known. Raises ConfigError where there are none."""
        for cache in (_files, chosen.ranges, chosen.urls):  # which serve reading; a plan has to see what changed
            cache.cache_clear()
        if self.index:
            return {
                name: f"{len(found)} records" for name, found in chosen.ranges(self.index, self.urls, self.base).items()
            }
        if not self.input:
            raise ConfigError("warc: no input; give files, folders, globs or URLs of WARC files")
        known = _files(self.input, self.base)
        return {name: "" if entry.size is None else str(entry.size) for name, entry in known.items()}

    def read(self, unit: str, note: Callable[[str], None]) -> Iterator[pa.RecordBatch]:
        """Pages of one archive in its order. Raises InputError where it can't be opened or is no archive."""
        known = _files(self.input, self.base) if self.input else {}
        place = known.get(unit) or inputs.resolve(unit, self.base)
        wanted = chosen.urls(self.urls) if self.urls and not self.index else None
        found = self._ranges(unit, place.path, note) if self.index else self._all(place.path, note)
        rows = _Rows(unit, self.max_page_bytes)
        held: list[Record] = []  # looked at a batch at a time: their bytes fill the processor's caches in between
        size = 0
        for record in found:
            held.append(record)
            size += len(record.data)
            if len(held) >= self.batch_rows or size >= _BATCH_BYTES:
                yield from rows.batches(held, wanted)
                held, size = [], 0
        yield from rows.batches(held, wanted)
        if rows.others:
            note(f"{rows.others} responses are not HTML")

    def _all(self, path: str, note: Callable[[str], None]) -> Iterator[Record]:
        with inputs.open_input(path) as stream:
            head = stream.read(4096)
            kind = compression(head, path)
            if kind is None:
                what = f"neither WARC nor ARC (begins with {head[:12]!r})" if head else "the file is empty"
                raise InputError(f"{path}: {what}")
            count = 0
            for record in records(pieces(stream, kind, note), kind == "plain", self.max_page_bytes + _SLACK, note):
                count += 1
                yield record
            if not count:
                raise InputError(f"{path}: no WARC or ARC record in it")

    def _ranges(self, unit: str, path: str, note: Callable[[str], None]) -> Iterator[Record]:
        limit = self.max_page_bytes + _SLACK
        for offset, data in chosen.fetch(path, chosen.ranges(self.index, self.urls, self.base)[unit], note):
            kind = compression(data[:4096], path) or "plain"
            damage: list[str] = []
            found = records(pieces(io.BytesIO(data), kind, damage.append), kind == "plain", limit, damage.append)
            record = next(found, None)
            if record is None or record.locator != "0":
                note(f"there is no record at byte {offset}")
                continue
            if damage:
                note(f"the record at byte {offset} is damaged")
            yield record._replace(locator=str(offset))


def _binary(values: Sequence[bytes | memoryview | None]) -> pa.LargeBinaryArray:
    """The same as ``pa.array``, with one copy of the bytes instead of several."""
    held = [value if value is not None else b"" for value in values]
    ends = pa.py_buffer(array("q", accumulate(map(len, held), initial=0)))
    valid = pa.array([value is not None for value in values]).buffers()[1] if None in values else None
    data = pa.py_buffer(b"".join(held))
    return pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(values), [valid, ends, data])


class _Rows:
    """Makes batches of records, a list at a time."""

    def __init__(self, unit: str, limit: int) -> None:
        self.unit, self.limit = unit, limit
        crawl = _CRAWL.search(unit)
        self.subset = crawl[1] if crawl else None
        self.others = 0  # responses that are no pages

    def batches(self, found: Sequence[Record], wanted: frozenset[str] | None) -> Iterator[pa.RecordBatch]:
        """One batch, or more where the pages inflate to much more than the records; none where there is no page."""
        rows: list[_Row] = []
        size = 0
        for record in found:
            row = self._row(record, wanted)
            if row is not None:
                rows.append(row)
                size += len(row[3] or b"")
                if size >= _BATCH_BYTES:
                    yield self._batch(rows)
                    rows, size = [], 0
        if rows:
            yield self._batch(rows)

    def _row(self, record: Record, wanted: frozenset[str] | None) -> _Row | None:
        if record.kind not in {b"response", b"resource"}:
            if record.kind == b"warcinfo" and self.subset is None:
                match = _PART_OF.search(record.data, record.start, record.end)
                self.subset = match[1].decode("ascii", "replace") if match else None
            return None
        target, date = fields(record, b"WARC-Target-URI", b"WARC-Date")
        url = target.strip(b"<> ").decode("utf-8", "replace")
        if wanted is not None and url not in wanted:
            return None
        drop = record.problem
        page = None
        if record.end:
            kind = fields(record, b"Content-Type")[0] if record.kind == b"resource" else b""
            page = http.parse(record.data, record.start, record.end, self.limit, kind)
            if page is None:
                self.others += record.problem != "damaged"
                return None
            if page.status is not None and not 200 <= page.status < 300:
                drop = f"http_status:{page.status}"
            drop = drop or page.problem or (None if len(page.body) else "empty")
        body, charset, kind_of = (page.body, page.charset, page.content_type) if page else (None, None, None)
        locator = f"{self.unit}:{record.locator}"
        return (
            locator,
            url or None,
            date.decode("ascii", "replace") or None,
            body if drop is None else None,
            charset,
            kind_of,
            drop,
        )

    def _batch(self, rows: Sequence[_Row]) -> pa.RecordBatch:
        locators, urls, dates, payloads, charsets, types, drops = zip(*rows, strict=True)
        count = len(rows)
        columns = {
            "id": pa.array([document_id("web", locator) for locator in locators], pa.string()),
            "source": pa.array(["web"] * count, pa.string()),
            "subset": pa.array([self.subset] * count, pa.string()),
            "url": pa.array(urls, pa.string()),
            "created": pa.array(dates, pa.string()),
            "origin": pa.array([self.unit] * count, pa.string()),
            "locator": pa.array(locators, pa.string()),
            "_payload": _binary(payloads),
            "_charset": pa.array(charsets, pa.string()),
            "_content_type": pa.array(types, pa.string()),
            DROP: pa.array(drops, pa.string()),
        }
        columns = empty_columns(count, columns)
        return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


@lru_cache(maxsize=4)
def _files(given: tuple[str, ...], base: str) -> dict[str, inputs.Input]:
    return {entry.name: entry for entry in inputs.expand(given, SUFFIXES, base)}
