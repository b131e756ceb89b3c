"""What turns units (files, archives, modules) into documents."""

from __future__ import annotations

from proofpile2.sources.code import Code
from proofpile2.sources.coq_files import CoqFiles
from proofpile2.sources.files import HtmlFiles
from proofpile2.sources.isabelle_session import IsabelleSessions
from proofpile2.sources.lean_project import LeanProject
from proofpile2.sources.table import Table
from proofpile2.sources.traces import Traces
from proofpile2.sources.warc import Warc

__all__ = ["SOURCES"]

_KINDS = (Code, CoqFiles, HtmlFiles, IsabelleSessions, LeanProject, Table, Traces, Warc)

SOURCES: dict[str, type] = {kind.name: kind for kind in _KINDS}
"""Sources that a pipeline file can name."""
