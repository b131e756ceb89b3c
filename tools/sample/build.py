"""Write the sample crawl that ships with the package, and what should become of each of its pages.

    python tools/sample/build.py                     # writes web.warc.gz and expected.jsonl to their places
    python tools/sample/build.py --out DIR           # writes both to DIR
    python tools/sample/build.py --wanted            # the formulas that render.mjs has to render, as JSON

Every byte follows from the files in `pages/`, `sites.toml` and `rendered.json`: dates and record ids are made from the
address and the place of a page, never from the clock. The one dependency is warcio.
"""

import argparse
import datetime
import hashlib
import json
import re
import sys
import tomllib
import uuid
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from layouts import LAYOUTS, Page, Section, Site
from markup import MARKUPS, WANTED, Writer
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

HERE = Path(__file__).resolve().parent
DATA = HERE.parents[1] / "proofpile2" / "data" / "sample"
FIRST_FETCH = datetime.datetime(2026, 3, 2, 9, 30, tzinfo=datetime.UTC)
WARC_NAME = "web.warc.gz"

CHARSET_SENT = {"wordpress", "wiki", "qa", "discourse", "github", "journal"}  # layouts whose servers name the charset

HEADER_KEYS = {
    "url", "title", "date", "author", "markup", "lang", "expect", "also", "cluster", "note", "charset", "charset_in",
    "status", "content_type", "base", "binary", "must", "absent", "math", "lossy", "layout", "copy_of", "replace",
    "mirror_site",
}  # fmt: skip
STAGES = {"keep", "not_html", "prefilter", "html", "language", "mathscore", "perplexity", "url_rules", "content_rules",
          "dedup"}  # fmt: skip


def read_page(path: Path) -> tuple[dict[str, Any], str]:
    """The TOML header and the text of one source file."""
    head, _, text = path.read_text(encoding="utf-8").partition("\n---\n")
    header = tomllib.loads(head)
    if unknown := set(header) - HEADER_KEYS:
        raise SystemExit(f"{path.name}: unknown keys {sorted(unknown)}")
    if "copy_of" in header:
        source, text = read_page(path.with_name(header["copy_of"] + ".txt"))
        header = {**source, **header}
        for old, new in header.get("replace", []):
            if text.count(old) != 1:
                raise SystemExit(f"{path.name}: {old!r} stands {text.count(old)} times in {header['copy_of']}")
            text = text.replace(old, new)
    if not {header["expect"], *header.get("also", [])} <= STAGES:
        raise SystemExit(f"{path.name}: expect must be one of {sorted(STAGES)}")
    return header, text


def plain_sentences(text: str) -> list[str]:
    """Sentences without formulas or mark-up, from the first, the middle and the last paragraph that has one."""
    found = []
    for block in re.split(r"\n\s*\n", text):
        if block.startswith(("<", "|", "```", "#", ";", "-", ":::")):
            continue
        flat = " ".join(block.split())
        for sentence in re.split(r"(?<=[.?!])\s+", flat):
            if 40 <= len(sentence) <= 160 and not re.search(r"[$`*\[\]<>&\\|#]|^\d|^[;:>-]", sentence):
                found.append(sentence)
                break
    return found if len(found) <= 3 else [found[0], found[len(found) // 2], found[-1]]


def build_page(header: dict[str, Any], text: str, sites: dict[str, Any]) -> tuple[bytes, dict[str, Any]]:
    """The body of the response, and the line of expected.jsonl."""
    host = urlsplit(header["url"]).hostname or ""
    site = Site(**{k: tuple(v) if isinstance(v, list) else v for k, v in sites[host].items()})
    layout = header.setdefault("layout", site.layout)
    writer = Writer(MARKUPS[header.get("markup", "none")])
    where = header.get("charset_in", "meta")
    charset = header.get("charset", "UTF-8")

    sections: list[Section] = []
    formulas: list[dict[str, object]] = []
    read: list[str] = []
    for number, chunk in enumerate(re.split(r"(?m)^=== ", text)):
        kind, who, note = "main", header.get("author", ""), ""
        if number:
            first, _, chunk = chunk.partition("\n")
            kind, who, note = ([part.strip() for part in first.split("|")] + ["", ""])[:3]
        writer.formulas = []
        html = chunk.strip("\n") + "\n" if layout == "bare" else writer.blocks(chunk)
        sections.append(Section(kind, who, note, html))
        if kind != "comment":
            formulas += writer.formulas
            read.append(chunk)

    head = MARKUPS[header.get("markup", "none")].head
    if "base" in header:
        head = f'<base href="{header["base"]}">\n' + head
    page = Page(
        url=header["url"], title=header.get("title", ""), date=header.get("date", ""), author=header.get("author", ""),
        head=head, lang=header.get("lang", "en"), charset=charset if where in ("meta", "xml") else "",
        sections=tuple(sections), site=site,
    )  # fmt: skip
    if header.get("binary"):
        body = b"".join(hashlib.sha256(f"{header['url']} {n}".encode()).digest() for n in range(64))
    else:
        whole = LAYOUTS[layout](page)
        if where == "bom":
            whole = "\ufeff" + whole
        body = whole.encode(charset, errors="xmlcharrefreplace")

    line: dict[str, Any] = {"url": header["url"], "expect": header["expect"], "math": header.get("math", True)}
    for key in ("also", "cluster", "note"):
        if key in header:
            line[key] = header[key]
    if line["math"] and header["expect"] in ("keep", "dedup"):
        line["markup"] = header.get("markup", "none")
        line["lossy"] = header.get("lossy", False)
        line["formulas"] = formulas
        line["must_contain"] = header.get("must", plain_sentences("\n\n".join(read)))
        kept = "\n".join(read)
        line["must_not_contain"] = [s for s in [*site.furniture(), *header.get("absent", [])] if s not in kept]
    return body, line


def warc_id(kind: str, url: str) -> str:
    return f"<urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{kind} {url}')}>"


def write_warc(out: Path, pages: list[tuple[dict[str, Any], bytes]]) -> None:
    """The records that Common Crawl writes for a page: request, response, metadata; a warcinfo first."""
    with out.open("wb") as stream:
        writer = WARCWriter(stream, gzip=True)

        def write(
            kind: str, url: str, when: datetime.datetime, data: bytes, http: StatusAndHeaders | None, **more: str
        ) -> None:
            headers = {
                "WARC-Date": f"{when:%Y-%m-%dT%H:%M:%SZ}",
                "WARC-Record-ID": warc_id(kind, url),
                **{k.replace("_", "-"): v for k, v in more.items()},
            }
            writer.write_record(
                writer.create_warc_record(
                    url if kind != "warcinfo" else "",
                    kind,
                    payload=BytesIO(data),
                    length=len(data),
                    warc_headers_dict=headers,
                    http_headers=http,
                    warc_content_type={
                        "response": "application/http; msgtype=response",
                        "request": "application/http; msgtype=request",
                    }.get(kind, "application/warc-fields"),
                )
            )

        info = (
            "isPartOf: proofpile2 sample crawl\r\ndescription: Pages written for proofpile2; no page was fetched\r\n"
            "publisher: the proofpile2 authors\r\nsoftware: tools/sample/build.py, warcio\r\n"
            "format: WARC File Format 1.0\r\nconformsTo: https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.0/\r\n"
        )
        write("warcinfo", "proofpile2-sample", FIRST_FETCH, info.encode(), None, WARC_Filename=WARC_NAME)
        for number, (header, body) in enumerate(pages):
            url, when = header["url"], FIRST_FETCH + datetime.timedelta(seconds=37 * (number + 1))
            parts = urlsplit(url)
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            together = {"WARC_Warcinfo_ID": warc_id("warcinfo", "proofpile2-sample")}
            request = StatusAndHeaders(
                f"GET {target} HTTP/1.1",
                [
                    ("User-Agent", "SampleBot/1.0"),
                    ("Accept", "text/html,*/*;q=0.8"),
                    ("Accept-Language", "en-US,en;q=0.5"),
                    ("Host", parts.netloc),
                    ("Connection", "Keep-Alive"),
                ],
                is_http_request=True,
            )
            write("request", url, when, b"", request, **together)
            content_type = header.get("content_type", "text/html")
            if header.get("charset_in") == "header" or header["layout"] in CHARSET_SENT:
                content_type += "; charset=" + header.get("charset", "UTF-8")
            response = StatusAndHeaders(
                header.get("status", "200 OK"),
                [
                    ("Date", f"{when:%a, %d %b %Y %H:%M:%S} GMT"),
                    ("Server", "nginx"),
                    ("Content-Type", content_type),
                    ("X-Crawler-Content-Length", str(len(body))),
                    ("Content-Length", str(len(body))),
                ],
                protocol="HTTP/1.1",
            )
            write(
                "response",
                url,
                when,
                body,
                response,
                WARC_IP_Address="192.0.2.17",
                WARC_Concurrent_To=warc_id("request", url),
                WARC_Identified_Payload_Type=header.get("content_type", "text/html"),
                **together,
            )
            took = 100 + hashlib.sha256(url.encode()).digest()[0]
            metadata = f"fetchTimeMs: {took}\r\ncharset-detected: {header.get('charset', 'UTF-8')}\r\n"
            write(
                "metadata", url, when, metadata.encode(), None, WARC_Concurrent_To=warc_id("response", url), **together
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="folder for both files instead of their places")
    parser.add_argument("--wanted", action="store_true", help="print the formulas for render.mjs and stop")
    args = parser.parse_args()

    sites = tomllib.loads((HERE / "sites.toml").read_text(encoding="utf-8"))
    pages: list[tuple[dict[str, Any], bytes]] = []
    lines: list[dict[str, Any]] = []
    for path in sorted((HERE / "pages").glob("*.txt")):
        try:
            header, text = read_page(path)
            body, line = build_page(header, text, sites)
        except Exception as error:
            error.add_note(f"in {path.name}")
            raise
        pages.append((header, body))
        lines.append(line)
    if args.wanted:
        print(json.dumps(sorted(WANTED)))
        return
    if missing := [header["url"] for header, body in pages if b"<!-- missing " in body]:
        sys.exit(f"formulas not rendered yet (see render.mjs) on {missing}")
    if len({header["url"] for header, _ in pages}) != len(pages):
        sys.exit("two pages have the same address")
    write_warc((args.out or DATA) / WARC_NAME, pages)
    expected = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    ((args.out or HERE) / "expected.jsonl").write_text(expected, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
