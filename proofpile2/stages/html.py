"""HTML to text with LaTeX; the work is done in :mod:`proofpile2.extraction`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version as installed
from typing import ClassVar

import pyarrow as pa

from proofpile2.charset import decode
from proofpile2.errors import ConfigError
from proofpile2.extraction import Options, extract
from proofpile2.extraction.page import randomized
from proofpile2.step import DROP, Apply, with_columns

__all__ = ["Html"]


@dataclass(frozen=True)
class Html:
    """Extracts the content of web pages as Markdown with formulas between dollars.

    ``max_bytes``   longer pages are dropped (``page_too_long``) before they are decoded
    ``max_nodes``   pages with more nodes are dropped (``too_many_nodes``)
    ``whole``       keep navigation, sidebars and the like too
    ``randomize``   headings, code fences and the bounds of boilerplate vary by document, as in OpenWebMath
                    (arXiv:2310.06786, appendix), so that a model does not learn one form; decided by the document's id
                    alone, so every run gives the same

    Fills ``text`` and adds ``title`` (null where the page has none) and ``formulas`` (how many stand in the text).
    """

    name: ClassVar[str] = "html"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("id", "url", "_payload", "_charset")
    adds: ClassVar[Mapping[str, pa.DataType]] = {"title": pa.string(), "formulas": pa.int32()}
    reasons: ClassVar[tuple[str, ...]] = ("empty_page", "frameset", "page_too_long", "too_many_nodes")

    max_bytes: int = 50_000_000
    max_nodes: int = 2_000_000
    whole: bool = False
    randomize: bool = False

    def __post_init__(self) -> None:
        for field in ("max_bytes", "max_nodes"):
            if getattr(self, field) < 1:
                raise ConfigError(f"html.{field}: expected a number from 1 on, found {getattr(self, field)}")

    def uses(self) -> Mapping[str, str]:
        """Versions of the parser and of the library that detects encodings."""
        return {"selectolax": installed("selectolax"), "resiliparse": installed("resiliparse")}

    def load(self) -> Apply:
        """Nothing to load: the function below holds all there is."""
        base = Options(whole=self.whole, max_nodes=self.max_nodes)

        def apply(batch: pa.RecordBatch) -> pa.RecordBatch:
            texts: list[str | None] = []
            titles: list[str | None] = []
            formulas: list[int | None] = []
            drops: list[str | None] = []
            columns = (batch.column(name) for name in self.needs)
            for identity, url, payload, charset in zip(*columns, strict=True):
                size = len(payload.as_buffer()) if payload.is_valid else 0
                if size > self.max_bytes:
                    texts.append(None)
                    titles.append(None)
                    formulas.append(None)
                    drops.append("page_too_long")
                    continue
                options = randomized(base, identity.as_py()) if self.randomize else base
                html = decode(payload.as_py(), charset.as_py()) if size else ""
                page = extract(html, url.as_py(), options)
                texts.append(page.text if page.drop is None else None)
                titles.append(page.title)
                formulas.append(page.formulas if page.drop is None else None)
                drops.append(page.drop)
            return with_columns(
                batch,
                {
                    "text": pa.array(texts, pa.large_string()),
                    "title": pa.array(titles, pa.string()),
                    "formulas": pa.array(formulas, pa.int32()),
                    DROP: pa.array(drops, pa.string()),
                },
            )

        return apply
