"""HTML to text with LaTeX: pure functions from a page to a :class:`Page`, no files, no network, no state."""

from __future__ import annotations

from proofpile2.extraction.page import Options, Page, extract

__all__ = ["Options", "Page", "extract"]
