"""Real pages of the shared corpus, extracted once in a test session: every eighth of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

MANIFEST = Path(__file__).resolve().parents[2] / "shared" / "corpora" / "web" / "manifest.jsonl"


@dataclass(frozen=True)
class RealPage:
    """``formulas`` counts what extraction found; the rest are the corpus's labels."""

    url: str
    text: str
    formulas: int
    is_math: bool
    ambiguous: bool
    language: str


@cache
def real_pages() -> tuple[RealPage, ...]:
    """About 250 pages of all sites, or none where the corpus is not here."""
    if not MANIFEST.is_file():
        return ()
    from fastwarc import ArchiveIterator

    from proofpile2.extraction import extract

    found = []
    for row in [json.loads(line) for line in MANIFEST.read_text(encoding="utf-8").splitlines()][::8]:
        with (MANIFEST.parent / row["warc"]).open("rb") as file:
            file.seek(row["offset"])
            payload = next(iter(ArchiveIterator(file))).reader.read()
        page = extract(payload.decode(row["charset"] or "utf-8", "replace"), row["url"])
        found.append(RealPage(row["url"], page.text, page.formulas, row["is_math"], row["ambiguous"], row["language"]))
    return tuple(found)
