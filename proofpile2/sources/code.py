"""Code and proof steps from wherever they lie: The Stack, GitHub folders, archives, folders, traces, provers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from proofpile2 import inputs, manifest
from proofpile2.config import build, nearest
from proofpile2.errors import ConfigError
from proofpile2.proofs.documents import COLUMNS
from proofpile2.proofs.documents import REASONS as STEP_REASONS
from proofpile2.sources import archives, stack
from proofpile2.sources.archives import Archives
from proofpile2.sources.code_files import REASONS, chosen
from proofpile2.sources.coq_files import CoqFiles
from proofpile2.sources.github import STATE, Github
from proofpile2.sources.isabelle_session import IsabelleSessions
from proofpile2.sources.lean_project import LeanProject
from proofpile2.sources.stack import Stack
from proofpile2.sources.traces import Traces, is_trace
from proofpile2.sources.tree import Tree
from proofpile2.step import Source, describe, with_columns

__all__ = ["Code"]

PROVERS: Mapping[str, type] = {"lean": LeanProject, "isabelle": IsabelleSessions, "coq": CoqFiles}
"""Provers by the name of their language."""


@dataclass(frozen=True)
class Code:
    """Any mixture of inputs, each read by the source that fits it.

    ``input``    Parquet files or folders of them (The Stack), folders that ``proofpile2 github`` filled, archives or
                 folders of them, traces of provers or folders of them, and any other folder as it is; Parquet files,
                 archives and traces may be of any fsspec URL
    ``langs``    keys of languages, all if none is named; ``lean,isabelle`` names two
    ``provers``  of ``lean``, ``isabelle`` and ``coq`` those to run on the projects among the folders, for their proof
                 steps. **This runs code of these projects.**
    ``lean``, ``isabelle``, ``coq``  settings of the provers: the fields of :class:`LeanProject`,
                 :class:`IsabelleSessions` and :class:`CoqFiles`, such as ``{"seconds": 60}``

    The settings of provers stand in the units, not in the fingerprint, so that another one leaves the code as it is.
    """

    name: ClassVar[str] = "code"
    version: ClassVar[int] = 2
    adds: ClassVar[Mapping[str, pa.DataType]] = COLUMNS
    reasons: ClassVar[tuple[str, ...]] = (*REASONS, *STEP_REASONS)
    by_unit: ClassVar[frozenset[str]] = frozenset({"provers", *PROVERS})

    input: tuple[str, ...]
    langs: tuple[str, ...] = ()
    provers: tuple[str, ...] = ()
    lean: dict[str, Any] = field(default_factory=dict)
    isabelle: dict[str, Any] = field(default_factory=dict)
    coq: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def _sources(self) -> Mapping[str, Source]:
        sorted_out: dict[str, list[str]] = {}
        for text in self.input:
            sorted_out.setdefault(kind_of(text), []).append(text)
        made: dict[str, Source] = {
            kind.name: kind(tuple(sorted_out[kind.name]), self.langs)
            for kind in (Archives, Github, Stack, Traces, Tree)
            if kind.name in sorted_out
        }
        for name in self._named_provers:
            folders = [text for text in sorted_out.get(Tree.name, ()) if self._is_project(Path(text), name)]
            if folders:
                settings = {"input": folders, **getattr(self, name)}
                made[f"{name} steps"] = build(PROVERS[name], settings, f"source.{name}")
        return made

    def _is_project(self, path: Path, prover: str) -> bool:
        patterns = _PROJECTS[prover]
        if prover == "lean" and not str(self.lean.get("program", "lake")).startswith("lake"):
            patterns = ("**/*.lean",)  # Lean alone needs no Lake project
        return any(any(path.glob(pattern)) for pattern in patterns)

    @property
    def _named_provers(self) -> tuple[str, ...]:
        named = [name.strip().lower() for text in self.provers for name in text.split(",") if name.strip()]
        for name in named:
            if name not in PROVERS:
                raise ConfigError(f"no prover {name!r}{nearest(name, PROVERS)}")
        return tuple(name for name in PROVERS if name in named and name in chosen(self.langs))

    @cached_property
    def _units(self) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """Units, and for each prover that can't run why not."""
        units: dict[str, str] = {}
        missing: dict[str, str] = {}
        for kind, source in self._sources.items():
            of_prover = kind.endswith(" steps")
            try:
                mark = f" {manifest.fingerprint(describe(source))[:12]}" if of_prover else ""
                units |= {f"{kind}:{unit}": told + mark for unit, told in source.units().items()}
            except ConfigError as error:
                if not of_prover:
                    raise
                missing[kind.removesuffix(" steps")] = str(error)
        for name in self._named_provers:
            if f"{name} steps" not in self._sources:
                missing[name] = f"{name}: no project of {name} among the inputs"
        return units, missing

    @property
    def missing(self) -> Mapping[str, str]:
        """Provers that were named and can't run, each with a sentence that says why; their steps are not made."""
        return self._units[1]

    def uses(self) -> Mapping[str, str]:
        return {}

    def units(self) -> Mapping[str, str]:
        """Units of all sources, each after the name of its source: ``stack:data/lean/train-00000-of-00001.parquet``."""
        chosen(self.langs)
        return self._units[0]

    def read(self, unit: str, note: Callable[[str], None]) -> Iterator[pa.RecordBatch]:
        """Files, modules or theorems of one unit."""
        kind, _, inner = unit.partition(":")
        for batch in self._sources[kind].read(inner, note):
            lacking = {
                name: pa.nulls(batch.num_rows, of) for name, of in COLUMNS.items() if name not in batch.schema.names
            }
            yield with_columns(batch, lacking) if lacking else batch


def kind_of(text: str) -> str:
    """Name of the source that reads an input. ConfigError for a file that none does."""
    if text.endswith(stack.SUFFIXES):
        return Stack.name
    if text.endswith(archives.SUFFIXES):
        return Archives.name
    if inputs.is_remote(text):
        return Traces.name if is_trace(text) else Stack.name
    path = Path(text)
    if not path.is_dir():
        if path.is_file() and is_trace(text):
            return Traces.name
        wanted = ", ".join((*stack.SUFFIXES, *archives.SUFFIXES))
        raise ConfigError(f"input {text!r}: expected a folder, traces of a prover, or a file ending in {wanted}")
    if (path / STATE).exists():
        return Github.name
    for pattern in ("*", "*/*", "*/*/*"):
        for ends, kind in ((stack.SUFFIXES, Stack.name), (archives.SUFFIXES, Archives.name)):
            if any(one.name.endswith(ends) for one in path.glob(pattern)) and not _has_code(path):
                return kind
    if not _has_code(path) and any(is_trace(str(one)) for pattern in ("*", "*/*") for one in _some(path, pattern)):
        return Traces.name
    return Tree.name


def _some(path: Path, pattern: str) -> list[Path]:
    """A folder of traces shows itself in its first files."""
    return sorted(one for one in path.glob(pattern) if one.is_file())[:20]


def _has_code(path: Path) -> bool:
    """A folder with a build file or a repository's own is a project, whatever data lie in it."""
    marks = (".git", "README.md", "README", "Makefile", "setup.py", "pyproject.toml", "lakefile.lean", "ROOT", "src")
    return any((path / mark).exists() and mark != "README.md" for mark in marks)


_PROJECTS: Mapping[str, tuple[str, ...]] = {
    "lean": ("lakefile.lean", "lakefile.toml", "*/lakefile.lean", "*/lakefile.toml"),
    "isabelle": ("ROOT", "ROOTS", "*/ROOT", "*/ROOTS"),
    "coq": ("_CoqProject", "*.v", "**/*.v"),
}
