"""What should become of each page of the sample crawl, for the tests that run the pipeline on it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
WARC = ROOT / "proofpile2" / "data" / "sample" / "web.warc.gz"
TOOLS = ROOT / "tools" / "sample"


@dataclass(frozen=True)
class Formula:
    tex: str
    display: bool


@dataclass(frozen=True)
class Expected:
    """One page of the sample.

    ``expect``   ``keep``, or the stage which should drop the page: ``not_html`` (the source), ``prefilter``, ``html``,
                 ``language``, ``mathscore``, ``perplexity``, ``url_rules``, ``content_rules``, ``dedup``
    ``also``     other answers that a person would accept
    ``cluster``  pages with the same name are duplicates; which one survives is up to the pipeline, exactly one must
    ``math``     the page is about mathematics
    ``lossy``    the page has no TeX and no MathML, so its formulas can't be recovered exactly

    The rest is filled in for mathematical pages which should be kept, or are duplicates of such: ``formulas`` in page
    order (those in comments and titles left out), sentences which must stand in the text, and strings of navigation,
    cookie bars and footers which must not.
    """

    url: str
    expect: str
    also: tuple[str, ...]
    cluster: str | None
    note: str
    math: bool
    markup: str
    lossy: bool
    formulas: tuple[Formula, ...]
    must_contain: tuple[str, ...]
    must_not_contain: tuple[str, ...]

    def accepts(self, outcome: str) -> bool:
        """Whether ``outcome`` (``keep`` or a stage) is right for this page, members of a cluster taken one by one."""
        allowed = {self.expect, *self.also}
        if self.cluster is not None:
            allowed |= {"keep", "dedup"}
        return outcome in allowed


def load() -> dict[str, Expected]:
    """The expectations by URL, in the order of the pages in the WARC."""
    lines = (TOOLS / "expected.jsonl").read_text(encoding="utf-8").splitlines()
    return {page.url: page for page in map(_read, map(json.loads, lines))}


def _read(line: dict[str, Any]) -> Expected:
    return Expected(
        url=line["url"],
        expect=line["expect"],
        also=tuple(line.get("also", ())),
        cluster=line.get("cluster"),
        note=line.get("note", ""),
        math=line["math"],
        markup=line.get("markup", ""),
        lossy=line.get("lossy", False),
        formulas=tuple(Formula(f["tex"], f["display"]) for f in line.get("formulas", ())),
        must_contain=tuple(line.get("must_contain", ())),
        must_not_contain=tuple(line.get("must_not_contain", ())),
    )
