"""The WARC source on whole archives: what becomes a row, in all formats, wholly and by byte range."""

from __future__ import annotations

import gzip
import json
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from fastwarc.stream_io import BrotliWriter
from test_inputs import Handler, server  # noqa: F401
from warc_help import SUFFIX, batches, crawl, kept, packed, page, pages, read, read_bytes, record, warcinfo
from warcio.archiveiterator import ArchiveIterator

from proofpile2.errors import ConfigError, InputError
from proofpile2.schema import DOCUMENT, document_id
from proofpile2.sources.warc import Warc


def test_columns_of_a_row(tmp_path: Path) -> None:
    """A page's row says where it came from; the batch has the document's columns in order, then the source's own."""
    made = [warcinfo(), record("https://a.example/x?y=1", b"<p>Hi</p>", Content_Type='text/html; charset="Latin-1"')]
    data, offsets = packed(made, "gzip")
    (row,), notes = read_bytes(data, tmp_path, "x.warc.gz")
    locator = f"x.warc.gz:{offsets[1]}"
    assert notes == []
    assert row == {
        "id": document_id("web", locator), "text": None, "source": "web", "subset": "CC-MAIN-2023-23",
        "url": "https://a.example/x?y=1", "created": "2023-06-01T10:00:00Z", "license": None, "origin": "x.warc.gz",
        "revision": None, "locator": locator, "split": None, "_payload": b"<p>Hi</p>", "_charset": "latin-1",
        "_content_type": "text/html", "drop": None,
    }  # fmt: skip
    (batch,) = batches(tmp_path)
    assert batch.schema.names == [*DOCUMENT.names, *Warc.adds, "drop"]
    assert {name: batch.schema.field(name).type for name in Warc.adds} == Warc.adds


@pytest.mark.parametrize("kind", ["plain", "gzip", "gzip-whole", "zstd"])
def test_formats_give_the_same_pages(tmp_path: Path, kind: str) -> None:
    """Pages and their order are those of warcio, in every packing, and locators are the offsets warcio gives."""
    made = crawl(70)
    data, offsets = packed(made, kind)
    rows, notes = read_bytes(data, tmp_path, SUFFIX[kind])
    expected = [
        (one.rec_headers["WARC-Target-URI"], one.content_stream().read())
        for one in ArchiveIterator(BytesIO(b"".join(made)))
        if one.rec_type == "response"
    ]
    assert [(row["url"], row["_payload"]) for row in rows] == expected
    assert notes == []
    if kind == "gzip-whole":
        starts = [sum(map(len, made[:number])) for number in range(len(made))]
        assert rows[1]["locator"] == f"x.warc.gz:0+{starts[5]}"
    else:
        assert [row["locator"] for row in rows] == [f"{SUFFIX[kind]}:{offset}" for offset in offsets[2::3]]


def test_a_zstd_dictionary(tmp_path: Path) -> None:
    """The dictionary in the first frame is used, also where it is compressed itself."""
    made = pages(40)
    dictionary = zstandard.train_dictionary(2000, made).as_bytes()
    for form in (dictionary, zstandard.compress(dictionary)):
        head = (0x184D2A5D).to_bytes(4, "little") + len(form).to_bytes(4, "little") + form
        data, _ = packed(made, "zstd", dictionary)
        rows, notes = read_bytes(head + data[8 + len(dictionary) :], tmp_path, "x.warc.zst")
        assert [row["_payload"] for row in rows] == [page(number) for number in range(40)]
        assert notes == []


@pytest.mark.parametrize("compressed", [True, False])
def test_arc(tmp_path: Path, compressed: bool) -> None:
    """The format before WARC: a line of header, dates of 14 digits."""
    bodies = [page(number) for number in range(5)]
    http = [b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=koi8-r\r\n\r\n" + body for body in bodies]
    head = b"1 0 Alexa Internet\nURL IP-address Archive-date Content-type Archive-length\n"
    made = [b"filedesc://x.arc 0.0.0.0 20080430204825 text/plain %d\n%s\n" % (len(head), head)]
    made += [
        b"http://old.example/%d 192.0.2.1 2008043020482%d text/html %d\n%s\n" % (number, number, len(block), block)
        for number, block in enumerate(http)
    ]
    made.append(b"dns:old.example 192.0.2.1 20080430204825 text/dns 7\n1.2.3.4\n")
    data = b"".join(map(gzip.compress, made) if compressed else made)
    rows, notes = read_bytes(data, tmp_path, "x.arc.gz" if compressed else "x.arc")
    assert [(row["url"], row["_payload"]) for row in rows] == [
        (f"http://old.example/{number}", body) for number, body in enumerate(bodies)
    ]
    assert (rows[3]["created"], rows[3]["_charset"]) == ("2008-04-30T20:48:23Z", "koi8-r")
    assert notes == ["1 responses are not HTML"]


def test_what_is_a_document(tmp_path: Path) -> None:
    """HTML and XHTML, by header or, without a usable one, by their first bytes; resources too; nothing else."""
    html = b"<!DOCTYPE html><html><p>x</p></html>"
    made = [
        record("https://x.example/1", html),
        record("https://x.example/2", html, Content_Type="application/xhtml+xml"),
        record("https://x.example/3", html, Content_Type=""),
        record("https://x.example/4", b"<?xml version='1.0'?>" + html, Content_Type="text/xml"),
        record("https://x.example/5", html, kind="resource", warc_type="text/html"),
        record("https://x.example/6", html, Content_Type="text/plain"),
        record("https://x.example/7", b"%PDF-1.4", Content_Type="application/pdf"),
        record("https://x.example/8", b"<rss></rss>", Content_Type="text/xml"),
        record("https://x.example/9", b"{}", kind="resource", warc_type="application/json"),
        record("https://x.example/10", html, kind="conversion", warc_type="text/html"),
    ]
    rows, notes = read_bytes(packed(made, "gzip")[0], tmp_path, "x.warc.gz")
    assert [row["url"][-1] for row in rows] == ["1", "2", "3", "4", "5"]
    assert notes == ["4 responses are not HTML"]


def brotli(data: bytes) -> bytes:
    out = BytesIO()
    writer = BrotliWriter(out)
    writer.write(data)
    writer.close()
    return out.getvalue()


def chunked(data: bytes) -> bytes:
    parts = [data[at : at + 100] for at in range(0, len(data), 100)]
    return b"".join(b"%x;n=1\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


@pytest.mark.parametrize(
    ("body", "heads"),
    [
        (gzip.compress(page(1)), {"Content_Encoding": "gzip"}),
        (gzip.compress(page(1)), {"Content_Encoding": "x-gzip"}),
        (zlib.compress(page(1)), {"Content_Encoding": "deflate"}),
        (zlib.compress(page(1))[2:-4], {"Content_Encoding": "deflate"}),
        (brotli(page(1)), {"Content_Encoding": "br"}),
        (zstandard.compress(page(1)), {"Content_Encoding": "zstd"}),
        (zlib.compress(gzip.compress(page(1))), {"Content_Encoding": "gzip, deflate"}),
        (chunked(page(1)), {"Transfer_Encoding": "chunked"}),
        (chunked(gzip.compress(page(1))), {"Transfer_Encoding": "chunked", "Content_Encoding": "gzip"}),
        # decoded already by the crawler, whatever the headers say
        (page(1), {"Transfer_Encoding": "chunked", "Content_Encoding": "gzip"}),
        (page(1), {"Content_Encoding": "br"}),
        (page(1), {"Content_Encoding": "deflate"}),
        (page(1), {"Content_Encoding": "identity"}),
        (page(1), {"X_Crawl_Content_Encoding": "br"}),
    ],
)
def test_encodings_of_the_body_are_undone(tmp_path: Path, body: bytes, heads: dict[str, str]) -> None:
    """Transfer and content encodings, where the bytes bear them out."""
    data, _ = packed([record("https://x.example/", body, **heads)], "gzip")
    assert kept(read_bytes(data, tmp_path, "x.warc.gz")[0]) == {"https://x.example/": page(1)}


def test_drop_reasons(tmp_path: Path) -> None:
    """What can't be a document comes as a row with its reason and without its bytes."""
    bomb = gzip.compress(bytes(3_000_000))
    made = [
        record("https://x.example/fine", page(1)),
        record("https://x.example/gone", page(1), status="404 Not Found"),
        record("https://x.example/large", b"<p>" + bytes(2_500_000)),
        record("https://x.example/bomb", bomb, Content_Encoding="gzip"),
        record("https://x.example/odd", b"\x01\x02\x03" * 99, Content_Encoding="br"),
        record("https://x.example/odder", b"\x01\x02\x03" * 99, Content_Encoding="sdch"),
        record("https://x.example/empty", b""),
        record("https://x.example/video", bytes(2_500_000), Content_Type="video/mp4"),
    ]
    rows, notes = read_bytes(packed(made, "gzip")[0], tmp_path, "x.warc.gz", max_page_bytes=1_000_000)
    found = {row["url"].rsplit("/")[-1]: row["drop"] for row in rows}
    assert found == {
        "fine": None, "gone": "http_status:404", "large": "too_large", "bomb": "too_large", "odd": "bad_encoding:br",
        "odder": "bad_encoding:sdch", "empty": "empty",
    }  # fmt: skip
    assert all(row["_payload"] is None for row in rows if row["drop"])
    assert {(row["drop"] or "fine").partition(":")[0] for row in rows} <= {"fine", *Warc.reasons}
    assert notes == ["1 responses are not HTML"]


def test_batches_are_bounded(tmp_path: Path) -> None:
    """By rows, and by the bytes of the pages; rows and order do not depend on it."""
    (tmp_path / "x.warc.gz").write_bytes(packed(crawl(70), "gzip")[0])
    small = batches(tmp_path, batch_rows=10)
    assert [batch.num_rows for batch in small][:3] == [10, 10, 10] or sum(b.num_rows for b in small) == 70
    assert (
        pa.Table.from_batches(small).combine_chunks().equals(pa.Table.from_batches(batches(tmp_path)).combine_chunks())
    )


def test_unusual_headers(tmp_path: Path) -> None:
    """Field names in any case, bare line feeds, brackets round the URL: the standard allows or history has them."""
    block = b"HTTP/1.0 200\nContent-type: TEXT/HTML\n\n<p>x</p>"
    made = b"WARC/1.1\nwarc-type: response\nwarc-target-uri: <https://x.example/>\nContent-length: %d\n\n%s\n\n" % (
        len(block), block)  # fmt: skip
    rows, _ = read_bytes(made * 2, tmp_path, "x.warc")
    assert [(row["url"], row["_payload"], row["created"]) for row in rows] == [
        ("https://x.example/", b"<p>x</p>", None)
    ] * 2


def test_the_path_names_the_crawl(tmp_path: Path) -> None:
    """A mirror of Common Crawl's tree gives subset and names as the crawl does."""
    folder = tmp_path / "crawl-data" / "CC-MAIN-2021-04" / "warc"
    folder.mkdir(parents=True)
    (folder / "a.warc.gz").write_bytes(packed(pages(1), "gzip")[0])
    (row,), _ = read(tmp_path)
    assert (row["subset"], row["locator"]) == ("CC-MAIN-2021-04", "crawl-data/CC-MAIN-2021-04/warc/a.warc.gz:0")


def test_a_new_plan_sees_changed_files(tmp_path: Path) -> None:
    """Sizes, new files and changed lists count when units are asked for again, in the same process."""
    made = pages(3)
    (tmp_path / "a.warc").write_bytes(made[0])
    source = Warc(input=(str(tmp_path),))
    assert source.units() == {"a.warc": str(len(made[0]))}
    (tmp_path / "a.warc").write_bytes(made[0] + made[1])
    (tmp_path / "b.warc").write_bytes(made[2])
    assert source.units() == {"a.warc": str(len(made[0] + made[1])), "b.warc": str(len(made[2]))}
    chosen = Warc(input=(str(tmp_path),), urls=str(tmp_path / "u.txt"))
    for number in (0, 1):
        (tmp_path / "u.txt").write_text(f"https://site.example/{number}\n")
        chosen.units()
        rows = [row["url"] for batch in chosen.read("a.warc", lambda text: None) for row in batch.to_pylist()]
        assert rows == [f"https://site.example/{number}"]


def test_not_an_archive(tmp_path: Path) -> None:
    """A file of another kind, an empty one and one without records are errors that say what was found."""
    (tmp_path / "x.txt").write_bytes(b"")
    with pytest.raises(ConfigError):
        Warc().units()
    for name, data, message in (
        ("a.dat", b"hello there", "neither WARC nor ARC"),
        ("b.warc", b"hello there", "no WARC or ARC record"),
        ("c.dat", b"", "empty"),
        ("d.warc.gz", gzip.compress(b"hello there"), "no WARC or ARC record"),
    ):
        with pytest.raises(InputError, match=message):
            read_bytes(data, tmp_path, name)


# --- chosen records


def chosen_rows(whole: list[dict[str, Any]], numbers: list[int]) -> list[dict[str, Any]]:
    return [row | {"subset": None} for number, row in enumerate(whole) if number in numbers]


@pytest.mark.parametrize("form", ["lines", "jsonl", "parquet"])
def test_urls_choose_pages_of_whole_archives(tmp_path: Path, form: str) -> None:
    """A list of URLs as text, JSON lines or Parquet keeps those pages and no others."""
    wanted = ["https://site.example/3", "https://site.example/7", "https://elsewhere.example/"]
    path = tmp_path / {"lines": "u.txt", "jsonl": "u.jsonl", "parquet": "u.parquet"}[form]
    if form == "parquet":
        pq.write_table(pa.table({"n": [1, 2, 3], "url": wanted}), path)
    else:
        lines = wanted if form == "lines" else [json.dumps({"url": url, "score": 1}) for url in wanted]
        path.write_text("# chosen\n" + "\n".join(lines) + "\n" if form == "lines" else "\n".join(lines))
    (tmp_path / "x.warc.gz").write_bytes(packed(crawl(10), "gzip")[0])
    rows, _ = read(tmp_path / "x.warc.gz", urls=str(path))
    assert [row["url"] for row in rows] == wanted[:2]
    assert Warc(input=("x",), urls=str(path)).uses().keys() == {"urls"}


def index_rows(name: str, offsets: list[int], size: int) -> list[dict[str, Any]]:
    ends = [*offsets[1:], size]
    return [
        {"url": f"https://site.example/{number}", "filename": name, "offset": offset, "length": end - offset}
        for number, (offset, end) in enumerate(zip(offsets, ends, strict=True))
    ]


def write_index(path: Path, rows: list[dict[str, Any]]) -> None:
    """CDX lines, JSON lines or Parquet, by the suffix; offsets are text in Common Crawl's CDX."""
    if path.suffix == ".parquet":
        names = {"filename": "warc_filename", "offset": "warc_record_offset", "length": "warc_record_length"}
        pq.write_table(pa.table({names.get(key, key): [row[key] for row in rows] for key in rows[0]}), path)
        return
    texts = [json.dumps(row | {"offset": str(row["offset"]), "length": str(row["length"])}) for row in rows]
    prefix = "example,site)/x 20230601100000 " if path.suffix in {".gz", ".cdx"} else ""
    data = "".join(f"{prefix}{text}\n" for text in texts).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


@pytest.mark.parametrize("index", ["i.cdx.gz", "i.jsonl", "i.parquet"])
@pytest.mark.parametrize("kind", ["gzip", "plain", "zstd"])
def test_an_index_fetches_only_its_records(tmp_path: Path, index: str, kind: str) -> None:
    """By byte range, with the ids, locators and pages that a full read gives them."""
    data, offsets = packed(pages(12), kind)
    name = f"crawl/{SUFFIX[kind]}"
    (tmp_path / "crawl").mkdir()
    (tmp_path / name).write_bytes(data)
    rows = index_rows(name, offsets, len(data))
    write_index(tmp_path / index, [rows[5], rows[2], rows[5], rows[9]])
    whole, _ = read(tmp_path)
    source = Warc(index=(str(tmp_path / index),), base=str(tmp_path))
    notes: list[str] = []
    found = [row for unit in source.units() for batch in source.read(unit, notes.append) for row in batch.to_pylist()]
    assert found == chosen_rows(whole, [2, 5, 9])
    assert notes == []
    assert source.units() == {name: "3 records"}


def test_urls_choose_from_an_index(tmp_path: Path) -> None:
    """With both, only the index's records of the wanted URLs are fetched."""
    data, offsets = packed(pages(6), "gzip")
    (tmp_path / "x.warc.gz").write_bytes(data)
    write_index(tmp_path / "i.cdx", index_rows("x.warc.gz", offsets, len(data)))
    (tmp_path / "u.txt").write_text("https://site.example/4\n")
    source = Warc(index=(str(tmp_path / "i.cdx"),), urls=str(tmp_path / "u.txt"), base=str(tmp_path))
    found = [row["url"] for batch in source.read("x.warc.gz", lambda text: None) for row in batch.to_pylist()]
    assert found == ["https://site.example/4"]


@pytest.mark.usefixtures("_no_pauses")
def test_an_index_over_http(server: tuple[str, Path, type[Handler]]) -> None:  # noqa: F811
    """Ranges from a server that fails every other time; what is missing or damaged is noted, the others come."""
    address, folder, _ = server
    data, offsets = packed(pages(300), "gzip")
    (folder / "x.warc.gz").write_bytes(data)
    rows = index_rows("x.warc.gz", offsets, len(data))
    bad = {"url": "u", "filename": "x.warc.gz", "offset": offsets[3] + 5, "length": 50}
    write_index(folder / "i.jsonl", [rows[1], bad, rows[200]])
    notes: list[str] = []
    source = Warc(index=(str(folder / "i.jsonl"),), base=f"{address}/flaky")
    found = [row for unit in source.units() for batch in source.read(unit, notes.append) for row in batch.to_pylist()]
    assert [row["url"] for row in found] == ["https://site.example/1", "https://site.example/200"]
    assert len(notes) == 1
    assert str(offsets[3] + 5) in notes[0]


@pytest.mark.usefixtures("_no_pauses")
def test_whole_archives_over_http(server: tuple[str, Path, type[Handler]]) -> None:  # noqa: F811
    """The same rows as from disk, but for the name of the place."""
    address, folder, _ = server
    (folder / "x.warc.gz").write_bytes(packed(crawl(20), "gzip")[0])
    local, _ = read(folder)
    source = Warc(input=(f"{address}/cut/x.warc.gz",))
    remote = [
        row for unit in source.units() for batch in source.read(unit, lambda text: None) for row in batch.to_pylist()
    ]
    assert remote == local


def test_bad_index(tmp_path: Path) -> None:
    """Lines that are no index, and Parquet without the columns, are errors with the place."""
    (tmp_path / "i.jsonl").write_text('{"url": "x"}\n')
    with pytest.raises(ConfigError, match="line 1: expected filename, offset and length"):
        Warc(index=(str(tmp_path / "i.jsonl"),)).units()
    pq.write_table(pa.table({"a": [1]}), tmp_path / "i.parquet")
    with pytest.raises(ConfigError, match="no column warc_filename"):
        Warc(index=(str(tmp_path / "i.parquet"),)).units()


@pytest.fixture
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proofpile2.inputs.FIRST_PAUSE", 0.01)
