"""What turns units (files, archives, modules) into documents."""

from __future__ import annotations

from proofpile2.sources.code import Code
from proofpile2.sources.files import HtmlFiles
from proofpile2.sources.table import Table
from proofpile2.sources.warc import Warc

__all__ = ["SOURCES"]

SOURCES: dict[str, type] = {kind.name: kind for kind in (Code, HtmlFiles, Table, Warc)}
"""Sources that a pipeline file can name."""
