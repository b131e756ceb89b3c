"""How faithful and how fast the HTML extractor is, on the two page corpora of the reference folder.

    python bench/fidelity.py ../shared/corpora [--misses 5] [--out DIR] [--repeat 3]

Runs the extractor over ``fidelity/visible/pages.warc.gz`` and ``web/*.warc.gz``, calls the corpora's own ``score.py``
and times resiliparse's parse + main-content text on the same decoded pages in the same run, page by page in turn, so
that whatever else the machine does hits both alike. Decoding is not timed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from fastwarc.warc import ArchiveIterator, WarcRecordType
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree

from proofpile2.charset import decode
from proofpile2.extraction import extract


def pages(files: list[Path]) -> Iterator[tuple[str, str]]:
    """Address and decoded text of each response."""
    for file in files:
        with file.open("rb") as stream:
            for record in ArchiveIterator(stream, record_types=WarcRecordType.response):
                yield record.headers["WARC-Target-URI"], decode(record.reader.read(), record.http_charset)


def run(name: str, files: list[Path], out: Path, repeat: int) -> None:
    """Writes ``out`` and prints the speed of both."""
    loaded = list(pages(files))
    ours = theirs = float("inf")
    texts: dict[str, str] = {}
    drops: dict[str, int] = {}
    for _ in range(repeat):
        spent = [0.0, 0.0]
        for url, html in loaded:
            start = time.process_time()
            page = extract(html, url)
            middle = time.process_time()
            extract_plain_text(HTMLTree.parse(html), main_content=True)
            spent[0] += middle - start
            spent[1] += time.process_time() - middle
            texts[url] = page.text
            if page.drop:
                drops[page.drop] = drops.get(page.drop, 0) + 1
        ours, theirs = min(ours, spent[0]), min(theirs, spent[1])
    with out.open("w", encoding="utf-8") as stream:
        for url, text in texts.items():
            stream.write(json.dumps({"url": url, "text": text}) + "\n")
    print(
        f"{name}: {len(loaded)} pages; ours {len(loaded) / ours:.0f} pages/s, resiliparse parse + text "
        f"{len(loaded) / theirs:.0f} pages/s, ratio {theirs / ours:.2f}; dropped {drops or 'none'}\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", type=Path)
    parser.add_argument("--misses", type=int, default=0, help="missed formulas to print for each kind")
    parser.add_argument("--out", type=Path, help="keep the texts here")
    parser.add_argument("--repeat", type=int, default=1, help="the fastest of so many runs counts")
    given = parser.parse_args()
    out = given.out or Path(tempfile.mkdtemp())
    out.mkdir(parents=True, exist_ok=True)
    fidelity, web = given.corpora / "fidelity", given.corpora / "web"
    run("fidelity", [fidelity / "visible" / "pages.warc.gz"], out / "fidelity.jsonl", given.repeat)
    truth = fidelity / "visible" / "truth.jsonl"
    score = [
        sys.executable,
        str(fidelity / "score.py"),
        str(truth),
        str(out / "fidelity.jsonl"),
        "--misses",
        str(given.misses),
    ]
    subprocess.run(score, check=True)
    print()
    run("web", sorted(web.glob("*.warc.gz")), out / "web.jsonl", given.repeat)
    score = [sys.executable, str(web / "score.py"), str(web / "truth.jsonl"), str(out / "web.jsonl")]
    subprocess.run(score, check=True)


if __name__ == "__main__":
    main()
