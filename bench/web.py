"""The web pipeline beside its peers: pages and bytes per CPU second, peak memory, one core each.

    python bench/web.py [--rounds 3] [--only NAME,...] [--dir .bench/web] [--ordinary-mb 240]

Two inputs. *Ordinary crawl*: a WARC made here in the shape Common Crawl gives its files (warcinfo, then request,
response and metadata records, a gzip member each), with the pages of ``shared/corpora/web`` from sites without any
mathematics, if that folder stands beside the repository, and generated ones otherwise, and 2 % mathematical pages.
*Real corpus*: the WARCs of ``shared/corpora/web`` (left out where absent).

Each measurement is a process of its own; CPU time starts after imports, models and compiled rules are loaded. The tools
take turns, ``--rounds`` times, and the best of each counts, so that a busy machine disturbs all of them alike; still,
rates of different runs do not compare. Peers live in an environment of their own, made on the first run.

* *ceiling*    FastWARC: every response record, HTTP parsed, body read
* *read*       our WARC source, to Arrow batches
* *prefilter*  the same and our prefilter
* *upstream prefilter*  as OpenWebMath's code does it: ten substrings, then a regular expression for a backslash and two
  letters, and pages that have it are parsed to look for commands in the text
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
CORPUS = ROOT.parent / "shared" / "corpora" / "web"
PEERS = ("datatrove[io,processing]", "trafilatura", "lxml_html_clean", "fastwarc", "resiliparse", "warcio", "numpy")
ORDINARY = ("ceiling", "read", "prefilter", "upstream prefilter")
REAL = ("ceiling", "prefilter", "resiliparse text", "trafilatura", "datatrove", "pipeline")
IN_PEERS = {"trafilatura", "datatrove"}


# --- inputs


def make_ordinary(path: Path, megabytes: int) -> None:
    """Write the ordinary crawl: at least ``megabytes`` of HTML."""
    from io import BytesIO

    from warcio.statusandheaders import StatusAndHeaders
    from warcio.warcwriter import WARCWriter

    plain, mathematical = corpus_pages() if CORPUS.is_dir() else (list(generated(400)), list(generated(20, True)))
    with path.with_suffix(".part").open("wb") as out:
        writer = WARCWriter(out, gzip=True)
        writer.write_record(writer.create_warcinfo_record(path.name, {"isPartOf": "CC-MAIN-2023-23"}))
        written = number = 0
        while written < megabytes * 1_000_000:
            source = mathematical if number % 50 == 49 else plain
            body, kind = source[(number // 50 if source is mathematical else number) % len(source)]
            url = f"https://site{number % 997}.example/page/{number}"
            request = StatusAndHeaders(
                f"GET /page/{number} HTTP/1.1",
                [("User-Agent", "CCBot/2.0 (https://commoncrawl.org/faq/)"), ("Accept-Encoding", "br,gzip")],
                is_http_request=True,
            )
            writer.write_record(writer.create_warc_record(url, "request", http_headers=request))
            heads = [("Date", "Mon, 05 Jun 2023 10:00:00 GMT"), ("Content-Type", kind), ("Server", "nginx"),
                     ("X-Crawl-Content-Encoding", "gzip"), ("Content-Length", str(len(body))),
                     ("Cache-Control", "max-age=600"), ("Vary", "Accept-Encoding")]  # fmt: skip
            head = StatusAndHeaders("200 OK", heads, protocol="HTTP/1.1")
            writer.write_record(writer.create_warc_record(url, "response", payload=BytesIO(body), http_headers=head))
            facts = b"fetchTimeMs: 412\r\ncharset-detected: UTF-8\r\nlanguages-cld2: {}\r\n" + b"x" * 200
            writer.write_record(
                writer.create_warc_record(
                    url, "metadata", payload=BytesIO(facts), warc_content_type="application/warc-fields"
                )
            )
            written += len(body)
            number += 1
    path.with_suffix(".part").rename(path)


def corpus_pages() -> tuple[list[tuple[bytes, str]], list[tuple[bytes, str]]]:
    """Pages (body, content type) of the sites without mathematics, and the mathematical ones."""
    from fastwarc import ArchiveIterator

    rows = [json.loads(line) for line in (CORPUS / "manifest.jsonl").read_text("utf-8").splitlines()]
    mathematical_sites = {row["site"] for row in rows if row["is_math"]}
    plain, mathematical = [], []
    for name in sorted({row["warc"] for row in rows}):
        at = {row["offset"]: row for row in rows if row["warc"] == name}
        for record in ArchiveIterator(str(CORPUS / name)):
            row = at.get(record.stream_pos)
            if row is None:
                continue
            page = (record.reader.read(), record.http_headers.get("Content-Type") or "text/html")
            if row["is_math"]:
                mathematical.append(page)
            elif not row["ambiguous"] and row["site"] not in mathematical_sites:
                plain.append(page)
    return plain, mathematical


def generated(count: int, mathematical: bool = False) -> Iterator[tuple[bytes, str]]:
    """Made pages with the scripts, styles, prices and menus that real ones have."""
    import random

    random_ = random.Random(count)
    words = [
        "the",
        "of",
        "and",
        "a",
        "to",
        "in",
        "is",
        "you",
        "that",
        "it",
        "he",
        "was",
        "for",
        "on",
        "are",
        "as",
        "with",
    ]
    script = r'$(function(){var re=/\((\d+)\)\s*\[\w+\]/g;$("#m").on("click",function(e){$(this).toggle("\u003cb")})});'
    for number in range(count):
        parts = [f"<!DOCTYPE html><html><head><title>Page {number}</title><script>{script * 30}</script></head><body>"]
        parts += [
            f'<li class="menu-item item-{k}"><a href="/c/{k}">{random_.choice(words)}</a></li>' for k in range(80)
        ]
        for _ in range(random_.randrange(20, 120)):
            text = " ".join(random_.choice(words) for _ in range(60))
            parts.append(
                f'<div class="card"><p>{text}.</p><span class="price">$ {random_.randrange(99)}.99</span></div>'
            )
            if mathematical:
                parts.append(r"<p>\(\frac{a_i}{b} = \sum_{k} \alpha_k\)</p>")
        yield ("".join(parts) + "</body></html>").encode(), "text/html; charset=UTF-8"


# --- tools: each takes the WARC files and gives pages, bytes of HTML and a note


def responses(files: list[str]) -> Iterator[tuple[bytes, str | None]]:
    from fastwarc import ArchiveIterator, WarcRecordType

    for file in files:
        for record in ArchiveIterator(file, record_types=WarcRecordType.response, parse_http=True):
            yield record.reader.read(), record.http_content_type


def ceiling(files: list[str]) -> Callable[[], dict[str, Any]]:
    def work() -> dict[str, Any]:
        pages = size = 0
        for body, _ in responses(files):
            pages += 1
            size += len(body)
        return {"pages": pages, "bytes": size}

    return work


def read(files: list[str], prefilter: bool = False) -> Callable[[], dict[str, Any]]:
    from proofpile2.sources.warc import Warc
    from proofpile2.stages.prefilter import Prefilter

    source = Warc(input=tuple(files))
    apply = Prefilter().load() if prefilter else None

    def work() -> dict[str, Any]:
        pages = size = kept = 0
        for unit in source.units():
            for batch in source.read(unit, lambda text: None):
                pages += batch.num_rows
                size += batch.column("_payload").nbytes
                if apply is not None:
                    kept += apply(batch).column("drop").null_count
        return {"pages": pages, "bytes": size} | ({"kept": kept} if apply else {})

    return work


def upstream_prefilter(files: list[str]) -> Callable[[], dict[str, Any]]:
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.encoding import bytes_to_str, detect_encoding

    strings = ("MathJax", "mathjax", "<math", "math-container", "katex.min.css", "latex.php", "codecogs", "tex.cgi",
               'class="tex"', "class='tex'")  # fmt: skip
    keyword = re.compile("|".join(map(re.escape, strings)))
    command = re.compile(r"\\[a-z]{2,}")
    commands = re.compile(r"\\(?:end|begin|ref|frac|label|bf|right|left|rm|alpha|mu|def|it|pi|sigma|sum|lambda|ln)")

    def work() -> dict[str, Any]:
        pages = size = kept = 0
        for body, kind in responses(files):
            if not (kind or "").startswith(("text/html", "application/xhtml+xml")):
                continue
            pages += 1
            size += len(body)
            try:
                text = body.decode()
            except UnicodeDecodeError:
                text = bytes_to_str(body, detect_encoding(body) or "utf-8")
            if keyword.search(text):
                kept += 1
            elif command.search(text):
                plain = extract_plain_text(text.replace("<template", "<div"), main_content=True, alt_texts=False)
                kept += commands.search(plain) is not None
        return {"pages": pages, "bytes": size, "kept": kept}

    return work


def resiliparse_text(files: list[str]) -> Callable[[], dict[str, Any]]:
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.encoding import bytes_to_str, detect_encoding

    def work() -> dict[str, Any]:
        pages = size = 0
        for body, _ in responses(files):
            pages += 1
            size += len(body)
            extract_plain_text(bytes_to_str(body, detect_encoding(body) or "utf-8"), main_content=True)
        return {"pages": pages, "bytes": size}

    return work


def trafilatura_text(files: list[str]) -> Callable[[], dict[str, Any]]:
    import trafilatura

    def work() -> dict[str, Any]:
        pages = size = 0
        for body, _ in responses(files):
            pages += 1
            size += len(body)
            trafilatura.extract(body)
        return {"pages": pages, "bytes": size}

    return work


def datatrove_pipeline(files: list[str]) -> Callable[[], dict[str, Any]]:
    import logging

    from datatrove.pipeline.extractors import Trafilatura
    from datatrove.pipeline.readers import WarcReader

    logging.disable(logging.WARNING)
    folder = str(Path(files[0]).parent)
    names = {Path(file).name for file in files}

    def work() -> dict[str, Any]:
        pages = size = 0

        def counted(documents: Any) -> Iterator[Any]:
            nonlocal pages, size
            for document in documents:
                pages += 1
                size += len(document.text)
                yield document

        reader = WarcReader(folder, glob_pattern="*.warc.gz")
        assert {Path(file).name for file in Path(folder).glob("*.warc.gz")} == names
        extractor = Trafilatura(timeout=20)
        kept = sum(1 for _ in extractor.run(counted(reader.run(rank=0, world_size=1))))
        return {"pages": pages, "bytes": size, "kept": kept}

    return work


def whole_pipeline(files: list[str]) -> Callable[[], dict[str, Any]]:
    from proofpile2 import pipeline
    from proofpile2.step import DROP

    plan = pipeline.load("web", files)
    steps = [(step.name, step.load()) for one in plan.passes if one.whole is None for step in one.steps]

    def work() -> dict[str, Any]:
        pages = size = 0
        spent = dict.fromkeys(["warc", *(name for name, _ in steps)], 0.0)
        rows = dict.fromkeys(spent, 0)
        clock = time.process_time
        for unit in plan.units:
            start = clock()
            for batch in plan.source.read(unit, lambda text: None):
                spent["warc"] += clock() - start
                rows["warc"] += batch.num_rows
                pages += batch.num_rows
                size += batch.column("_payload").nbytes
                kept = batch.filter(batch.column(DROP).is_null()).drop_columns([DROP])
                for name, apply in steps:
                    start = clock()
                    rows[name] += kept.num_rows
                    if kept.num_rows:
                        kept = apply(kept)
                        if DROP in kept.schema.names:
                            kept = kept.filter(kept.column(DROP).is_null()).drop_columns([DROP])
                    spent[name] += clock() - start
                start = clock()
        stages = {name: {"pages": rows[name], "cpu_s": round(spent[name], 3)} for name in spent}
        return {"pages": pages, "bytes": size, "stages": stages}

    return work


TOOLS: dict[str, Callable[[list[str]], Callable[[], dict[str, Any]]]] = {
    "ceiling": ceiling,
    "read": read,
    "prefilter": lambda files: read(files, prefilter=True),
    "upstream prefilter": upstream_prefilter,
    "resiliparse text": resiliparse_text,
    "trafilatura": trafilatura_text,
    "datatrove": datatrove_pipeline,
    "pipeline": whole_pipeline,
}


# --- running them


def measure(tool: str, files: list[str]) -> dict[str, Any]:
    """One measurement, in this process."""
    work = TOOLS[tool](files)
    start, wall = time.process_time(), time.perf_counter()
    found = work()
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = time.process_time() - start + children.ru_utime + children.ru_stime
    # not ru_maxrss of this process, which begins with what the parent had
    own = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    peak = max(int(own[1]) if own else 0, children.ru_maxrss)
    return found | {"cpu_s": spent, "wall_s": time.perf_counter() - wall, "peak_mb": peak / 1024}


def in_process(tool: str, files: list[str], python: str) -> dict[str, Any]:
    """One measurement, in a process of its own."""
    threads = dict.fromkeys(["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"], "1")
    environment = {**os.environ, **threads, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [python, __file__, "--measure", tool, *files], capture_output=True, text=True, env=environment, check=False
    )
    if done.returncode:
        return {"error": done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "no message"}
    return dict(json.loads(done.stdout.splitlines()[-1]))


def peers_python(folder: Path) -> str:
    python = folder / "bin" / "python"
    if not python.exists():
        print(f"making the peers' environment in {folder} ...", file=sys.stderr)
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *PEERS], check=True)
    return str(python)


def table(title: str, files: list[str], tools: list[str], rounds: int, folder: Path) -> None:
    compressed = sum(Path(file).stat().st_size for file in files)
    best: dict[str, dict[str, Any]] = {}
    for _ in range(rounds):
        for tool in tools:
            python = peers_python(folder / "peers") if tool in IN_PEERS else sys.executable
            found = in_process(tool, files, python)
            if tool not in best or found.get("cpu_s", 1e9) < best[tool].get("cpu_s", 1e9):
                best[tool] = found
    print(f"\n### {title}: {compressed / 1e6:.1f} MB of gzip\n")
    print("| | pages | pages/s | MB/s of HTML | MB/s of gzip | of the ceiling | peak MB | kept |")
    print("|---|---|---|---|---|---|---|---|")
    top = best.get("ceiling", {}).get("cpu_s")
    for tool, row in best.items():
        if "error" in row:
            print(f"| {tool} | failed: {row['error']} |")
            continue
        cpu = row["cpu_s"]
        share = f"{100 * top / cpu:.0f} %" if top else ""
        print(
            f"| {tool} | {row['pages']:,} | {row['pages'] / cpu:,.0f} | {row['bytes'] / cpu / 1e6:,.1f} "
            f"| {compressed / cpu / 1e6:,.1f} | {share} | {row['peak_mb']:,.0f} | {row.get('kept', '')} |"
        )
    stages = best.get("pipeline", {}).get("stages", {})
    if stages:
        print("\n| stage | pages in | CPU s | pages/s |\n|---|---|---|---|")
        for name, row in stages.items():
            print(f"| {name} | {row['pages']:,} | {row['cpu_s']:.2f} | {row['pages'] / max(row['cpu_s'], 1e-9):,.0f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="names of tools, with commas between")
    parser.add_argument("--dir", default=str(ROOT / ".bench" / "web"))
    parser.add_argument("--ordinary-mb", type=int, default=240)
    parser.add_argument("--measure", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(given.measure[0], given.measure[1:])))
        return
    folder = Path(given.dir)
    folder.mkdir(parents=True, exist_ok=True)
    only = set(filter(None, given.only.split(",")))
    ordinary = folder / f"ordinary-{given.ordinary_mb}.warc.gz"
    if not ordinary.exists():
        make_ordinary(ordinary, given.ordinary_mb)
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    tools = [tool for tool in ORDINARY if not only or tool in only]
    table("Ordinary crawl", [str(ordinary)], tools, given.rounds, folder)
    if CORPUS.is_dir():
        tools = [tool for tool in REAL if not only or tool in only]
        table("Real corpus", sorted(map(str, CORPUS.glob("*.warc.gz"))), tools, given.rounds, folder)


if __name__ == "__main__":
    main()
