r"""MathML and AsciiMath to LaTeX: recall beside pandoc and py-asciimath, and speed. Run by hand, never by the tests.

    python bench/mathml.py [--shared DIR] [--misses N]

Formulas: the fixture of the tests (our own formulas through KaTeX, Temml and MathJax) and, where the folder `shared` is
found, every `<math>` of the visible part of its formula-fidelity benchmark, annotations cut off so that only the MathML
speaks. Formulas are compared by that benchmark's own `norm` and `loose` comparison; without the folder by equality
after removing white space. pandoc and py-asciimath are measured where they are installed. Seconds are CPU seconds.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable
from html import unescape
from pathlib import Path
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from proofpile2.extraction import asciimath, mathml

ROOT = Path(__file__).resolve().parents[1]
Compare = Callable[[str], str]
PREFIX = re.compile(r"<(/?)(?:mml|m):")
MATH = re.compile(r"<math[\s>].*?</math>", re.DOTALL)
ANNOTATION = re.compile(r"<annotation.*?</annotation(?:-xml)?>", re.DOTALL)


def comparisons(shared: Path | None) -> dict[str, Compare]:
    """The three comparisons of the fidelity benchmark, or the strict one alone."""
    path = shared / "corpora" / "fidelity" / "score.py" if shared else None
    if path is None or not path.exists():
        return {"strict": lambda tex: re.sub(r"\s+", "", tex)}
    spec = importlib.util.spec_from_file_location("fidelity_score", path)
    assert spec is not None
    assert spec.loader is not None
    score = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(score)
    return {"strict": score.strict, "norm": score.norm, "loose": score.loose}


def fixture() -> dict[str, list[tuple[str, str]]]:
    """Renderer -> (TeX, MathML) of each formula of our own."""
    rows = json.loads((ROOT / "tests" / "fixtures" / "mathml_renderers.json").read_text(encoding="utf-8"))
    return {f"fixture {name}": [(row["tex"], row[name]) for row in rows] for name in ("katex", "temml", "mathjax")}


def pages(shared: Path) -> Iterable[tuple[dict[str, Any], str]]:
    """Truth and HTML of each page of the visible part."""
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    folder = shared / "corpora" / "fidelity" / "visible"
    lines = (folder / "truth.jsonl").read_text(encoding="utf-8").splitlines()
    truth = {row["url"]: row for row in map(json.loads, lines)}
    with (folder / "pages.warc.gz").open("rb") as stream:
        for record in ArchiveIterator(stream, record_types=WarcRecordType.response, parse_http=True):
            yield truth[record.headers["WARC-Target-URI"]], record.reader.read().decode("utf-8", "replace")


def corpus(shared: Path) -> tuple[dict[str, list[tuple[str, str]]], list[tuple[str, str]]]:
    """Kind -> (TeX, MathML), and (TeX, AsciiMath), for pages where their number shows which belongs to which."""
    kinds: dict[str, list[tuple[str, str]]] = {}
    ascii_pairs: list[tuple[str, str]] = []
    for truth, html in pages(shared):
        texs = [formula["tex"] for formula in truth["formulas"]]
        maths = [ANNOTATION.sub("", found) for found in MATH.findall(PREFIX.sub(r"<\1", html))]
        if len(maths) == len(texs):
            kinds.setdefault(truth["kind"], []).extend(zip(texs, maths, strict=True))
        if truth["kind"] == "asciimath-script":
            sources = re.findall(r'<script type="math/asciimath[^>]*>(.*?)</script>', html, re.DOTALL)
            if len(sources) == len(texs):
                ascii_pairs.extend(zip(texs, map(unescape, sources), strict=True))
    return {kind: kinds[kind] for kind in sorted(kinds)}, ascii_pairs


def ours(maths: list[str]) -> tuple[list[str], float]:
    """LaTeX of each formula, and the seconds without parsing the HTML (best of five)."""
    nodes = [LexborHTMLParser(math).css_first("math") for math in maths]
    times = []
    for _ in range(5):
        start = time.process_time()
        texs = [mathml.to_latex(node) or "" if node is not None else "" for node in nodes]
        times.append(time.process_time() - start)
    return texs, min(times)


def pandoc(maths: list[str]) -> tuple[list[str], float]:
    """What pandoc's HTML reader makes of each formula (empty where it gives none), and the seconds."""
    document = "<html><body>" + "".join(f"<p>{math}</p>\n" for math in maths) + "</body></html>"
    start = os.times()
    command = ["pandoc", "--from", "html", "--to", "json"]
    done = subprocess.run(command, input=document, capture_output=True, text=True, check=True)
    spent = os.times()
    seconds = spent.children_user + spent.children_system - start.children_user - start.children_system
    blocks = [block for block in json.loads(done.stdout)["blocks"] if block["t"] in {"Para", "Plain"}]
    texs = ["".join(part["c"][1] for part in block["c"] if part["t"] == "Math") for block in blocks]
    return (texs if len(texs) == len(maths) else texs + [""] * (len(maths) - len(texs))), seconds


def recall(texs: list[str], got: list[str], compare: Compare) -> float:
    return 100 * sum(compare(a) == compare(b) for a, b in zip(texs, got, strict=True)) / max(1, len(texs))


def report(pairs: dict[str, list[tuple[str, str]]], compare: dict[str, Compare], misses: int) -> None:
    names = list(compare)
    print(
        f"{'formulas':26}{'n':>5}  "
        + "".join(f"{'ours ' + n:>13}" for n in names)
        + "".join(f"{'pandoc ' + n:>15}" for n in names)
    )
    elements = formulas = 0
    seconds = pandoc_seconds = 0.0
    has_pandoc = shutil.which("pandoc") is not None
    for kind, rows in pairs.items():
        texs, maths = [tex for tex, _ in rows], [math for _, math in rows]
        got, spent = ours(maths)
        formulas += len(rows)
        elements += sum(len(re.findall(r"<[a-z]", math)) for math in maths)
        seconds += spent
        line = f"{kind:26}{len(rows):5}  " + "".join(f"{recall(texs, got, compare[n]):13.1f}" for n in names)
        if has_pandoc:
            theirs, spent = pandoc(maths)
            pandoc_seconds += spent
            line += "".join(f"{recall(texs, theirs, compare[n]):15.1f}" for n in names)
        print(line)
        last = compare[names[-1]]
        for tex, mine in [(a, b) for a, b in zip(texs, got, strict=True) if last(a) != last(b)][:misses]:
            print(f"      {tex}\n   -> {mine}")
    print(f"ours: {formulas / seconds:,.0f} formulas/s, {elements / seconds:,.0f} elements/s (one core, HTML parsed)")
    if has_pandoc:
        print(f"pandoc: {formulas / pandoc_seconds:,.0f} formulas/s (with its start and parsing)")


def report_asciimath(pairs: list[tuple[str, str]], compare: dict[str, Compare]) -> None:
    texs, sources = [tex for tex, _ in pairs], [source for _, source in pairs]
    start = time.process_time()
    for _ in range(20):
        got = [asciimath.to_latex(source) or "" for source in sources]
    speed = 20 * len(sources) / (time.process_time() - start)
    shown = " ".join(f"{name} {recall(texs, got, how):.1f}" for name, how in compare.items())
    print(f"asciimath ours: n={len(texs)} {shown}, {speed:,.0f} formulas/s")
    if importlib.util.find_spec("py_asciimath") is None:
        return
    from py_asciimath.translator.translator import ASCIIMath2Tex

    translator = ASCIIMath2Tex(log=False, inplace=True)
    theirs = []
    start = time.process_time()
    for source in sources:
        try:
            theirs.append(translator.translate(source, pprint=False).strip("$"))
        except Exception:  # whatever the peer raises is a miss
            theirs.append("")
    speed = len(sources) / (time.process_time() - start)
    shown = " ".join(f"{name} {recall(texs, theirs, how):.1f}" for name, how in compare.items())
    print(f"asciimath py-asciimath: n={len(texs)} {shown}, {speed:,.0f} formulas/s")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared", help="folder with corpora/fidelity")
    parser.add_argument("--misses", type=int, default=0, help="print this many missed formulas a kind")
    arguments = parser.parse_args()
    shared = arguments.shared if (arguments.shared / "corpora" / "fidelity").exists() else None
    compare = comparisons(shared)
    pairs = fixture()
    ascii_pairs: list[tuple[str, str]] = []
    if shared is not None:
        kinds, ascii_pairs = corpus(shared)
        pairs |= kinds
    report(pairs, compare, arguments.misses)
    if ascii_pairs:
        report_asciimath(ascii_pairs, compare)


if __name__ == "__main__":
    main()
