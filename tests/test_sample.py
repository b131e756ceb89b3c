"""The sample crawl that ships: made by its script, readable, and with an expectation for each page."""

import hashlib
import html
import re
import subprocess
import sys
import zlib
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import sample_expected
from fastwarc.warc import ArchiveIterator as FastIterator
from warcio.archiveiterator import ArchiveIterator as WarcioIterator

pytestmark = pytest.mark.skipif(not sample_expected.TOOLS.exists(), reason="the sources of the sample are not here")

Record = tuple[str, str, str, str]


def with_fastwarc(path: Path) -> list[Record]:
    with path.open("rb") as stream:
        return [
            (
                record.headers["WARC-Type"],
                record.headers.get("WARC-Target-URI", ""),
                record.record_id,
                hashlib.sha1(record.reader.read()).hexdigest(),
            )
            for record in FastIterator(stream, parse_http=True)
        ]


def with_warcio(path: Path) -> list[Record]:
    with path.open("rb") as stream:
        return [
            (
                record.rec_type,
                record.rec_headers.get_header("WARC-Target-URI") or "",
                record.rec_headers.get_header("WARC-Record-ID"),
                hashlib.sha1(record.raw_stream.read()).hexdigest(),
            )
            for record in WarcioIterator(stream, check_digests="raise")
        ]


@pytest.fixture(scope="module")
def bodies() -> dict[str, bytes]:
    with sample_expected.WARC.open("rb") as stream:
        return {
            record.headers["WARC-Target-URI"]: record.reader.read()
            for record in FastIterator(stream)
            if record.headers["WARC-Type"] == "response"
        }


def test_the_archive_is_what_its_sources_make(tmp_path: Path) -> None:
    """Rebuilding gives the same expectations and records and, with the same kind of zlib, the same bytes."""
    script = sample_expected.TOOLS / "build.py"
    subprocess.run([sys.executable, str(script), "--out", str(tmp_path)], check=True, capture_output=True, timeout=60)
    made = tmp_path / "web.warc.gz"
    assert with_warcio(made) == with_warcio(sample_expected.WARC)
    if "ng" not in zlib.ZLIB_RUNTIME_VERSION:
        assert made.read_bytes() == sample_expected.WARC.read_bytes()
    shipped = (sample_expected.TOOLS / "expected.jsonl").read_bytes()
    assert (tmp_path / "expected.jsonl").read_bytes() == shipped


def test_two_readers_agree() -> None:
    """FastWARC and warcio see the same records with the same payloads, and every digest in the headers is right."""
    records = with_warcio(sample_expected.WARC)
    assert with_fastwarc(sample_expected.WARC) == records
    kinds = Counter(kind for kind, *_ in records)
    pages = len(sample_expected.load())
    assert kinds == {"warcinfo": 1, "request": pages, "response": pages, "metadata": pages}
    assert len({record_id for _, _, record_id, _ in records}) == len(records)


def test_each_record_is_a_gzip_member_of_its_own() -> None:
    """As in Common Crawl, one record can be read from its offset and length alone."""
    data = sample_expected.WARC.read_bytes()
    members = 0
    while data:
        stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        assert stream.decompress(data).startswith(b"WARC/1.0\r\n")
        data, members = stream.unused_data, members + 1
    assert members == 1 + 3 * len(sample_expected.load())


def test_every_page_has_an_expectation(bodies: dict[str, bytes]) -> None:
    """The addresses of expected.jsonl are those of the archive, in the same order, and all of them are reserved."""
    pages = sample_expected.load()
    assert list(bodies) == list(pages)
    assert all((urlsplit(url).hostname or "").endswith(".example") for url in pages)


def test_there_is_enough_to_keep_and_to_drop() -> None:
    """At least 60 mathematical pages of 25 hosts in 40 markups are kept, and every stage has something to drop."""
    pages = list(sample_expected.load().values())
    kept = [page for page in pages if page.expect == "keep"]
    assert all(page.math for page in kept)
    assert len(kept) >= 60
    assert len({urlsplit(page.url).hostname for page in kept}) >= 25
    assert len({page.markup for page in kept}) >= 40
    dropped = Counter(page.expect for page in pages if page.expect != "keep")
    assert sum(dropped.values()) >= 20
    stages = {"not_html", "prefilter", "html", "language", "mathscore", "perplexity"}
    stages |= {"url_rules", "content_rules", "dedup"}
    assert set(dropped) == stages
    for name, members in Counter(page.cluster for page in pages if page.cluster).items():
        assert members > 1, name
        assert sum(page.expect == "keep" for page in pages if page.cluster == name) == 1
    assert sample_expected.WARC.stat().st_size < 1_000_000


def test_the_expected_words_are_on_the_pages(bodies: dict[str, bytes]) -> None:
    """Sentences to keep and strings to drop do stand on the page, and formulas are listed where there are any."""
    for url, page in sample_expected.load().items():
        if not page.formulas:
            assert page.expect not in ("keep", "dedup"), url
            continue
        body = bodies[url]
        declared = re.search(rb"charset=[\"']?([\w-]+)", body)
        encoding = "utf-16" if body.startswith(b"\xff\xfe") else declared[1].decode() if declared else "cp1252"
        if b"<?xml" in body[:10] or urlsplit(url).hostname == "math.askboard.example":
            encoding = "utf-8"
        text = " ".join(html.unescape(re.sub(r"<[^>]*>", "", body.decode(encoding))).split())
        for sentence in (*page.must_contain, *page.must_not_contain):
            assert sentence in text, (url, sentence)


def test_duplicates_are_near_but_not_all_equal(bodies: dict[str, bytes]) -> None:
    """Of the duplicates some are the same bytes under another address, and some differ in frame or wording."""
    clusters: dict[str, list[str]] = {}
    for page in sample_expected.load().values():
        if page.cluster:
            clusters.setdefault(page.cluster, []).append(hashlib.sha1(bodies[page.url]).hexdigest())
    assert any(len(set(digests)) == 1 for digests in clusters.values())
    assert any(len(set(digests)) == len(digests) > 1 for digests in clusters.values())


def test_the_figures_in_the_documentation() -> None:
    """The counts on the page about the sample are those of the sample."""
    pages = list(sample_expected.load().values())
    kept = [page for page in pages if page.expect == "keep"]
    hosts = len({urlsplit(page.url).hostname for page in pages})
    text = " ".join((sample_expected.ROOT / "docs" / "sample.md").read_text(encoding="utf-8").split())
    assert f"{len(pages)} pages of {hosts} invented hosts" in text
    kept_hosts, markups = len({urlsplit(page.url).hostname for page in kept}), len({page.markup for page in kept})
    formulas = sum(len(page.formulas) for page in kept)
    assert f"| {len(kept)}, of {kept_hosts} hosts, in {markups} markups, with {formulas:,} formulas |" in text
