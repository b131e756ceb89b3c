"""Code from wherever it lies: The Stack, GitHub folders, archives and folders, told apart by what they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import pyarrow as pa

from proofpile2 import inputs
from proofpile2.errors import ConfigError
from proofpile2.sources import archives, stack
from proofpile2.sources.archives import Archives
from proofpile2.sources.code_files import REASONS, chosen
from proofpile2.sources.github import STATE, Github
from proofpile2.sources.stack import Stack
from proofpile2.sources.tree import Tree

__all__ = ["Code"]


@dataclass(frozen=True)
class Code:
    """Any mixture of inputs, each read by the source that fits it.

    ``input``  Parquet files or folders of them (The Stack), folders that ``proofpile2 github`` filled, archives or
               folders of them, and any other folder as it is; Parquet files and archives may be of any fsspec URL
    ``langs``  keys of languages, all if none is named; ``lean,isabelle`` names two
    """

    name: ClassVar[str] = "code"
    version: ClassVar[int] = 1
    adds: ClassVar[Mapping[str, pa.DataType]] = {}
    reasons: ClassVar[tuple[str, ...]] = REASONS

    input: tuple[str, ...]
    langs: tuple[str, ...] = ()

    @cached_property
    def _sources(self) -> Mapping[str, Stack | Github | Archives | Tree]:
        sorted_out: dict[str, list[str]] = {}
        for text in self.input:
            sorted_out.setdefault(kind_of(text), []).append(text)
        made: dict[str, Stack | Github | Archives | Tree] = {}
        for kind in (Archives, Github, Stack, Tree):
            if kind.name in sorted_out:
                made[kind.name] = kind(tuple(sorted_out[kind.name]), self.langs)
        return made

    def uses(self) -> Mapping[str, str]:
        return {}

    def units(self) -> Mapping[str, str]:
        """Units of all sources, each after the name of its source: ``stack:data/lean/train-00000-of-00001.parquet``."""
        chosen(self.langs)
        return {
            f"{kind}:{unit}": size for kind, source in self._sources.items() for unit, size in source.units().items()
        }

    def read(self, unit: str, note: Callable[[str], None]) -> Iterator[pa.RecordBatch]:
        """Files of one unit."""
        kind, _, inner = unit.partition(":")
        return self._sources[kind].read(inner, note)


def kind_of(text: str) -> str:
    """Name of the source that reads an input. ConfigError for a file that none does."""
    if text.endswith(stack.SUFFIXES):
        return Stack.name
    if text.endswith(archives.SUFFIXES):
        return Archives.name
    if inputs.is_remote(text):
        return Stack.name
    path = Path(text)
    if not path.is_dir():
        wanted = ", ".join((*stack.SUFFIXES, *archives.SUFFIXES))
        raise ConfigError(f"input {text!r}: expected a folder or a file ending in {wanted}")
    if (path / STATE).exists():
        return Github.name
    for suffixes, kind in ((stack.SUFFIXES, Stack.name), (archives.SUFFIXES, Archives.name)):
        for pattern in ("*", "*/*", "*/*/*"):
            if any(one.name.endswith(suffixes) for one in path.glob(pattern)) and not _has_code(path):
                return kind
    return Tree.name


def _has_code(path: Path) -> bool:
    """A folder with a build file or a repository's own is a project, whatever data lie in it."""
    marks = (".git", "README.md", "README", "Makefile", "setup.py", "pyproject.toml", "lakefile.lean", "ROOT", "src")
    return any((path / mark).exists() and mark != "README.md" for mark in marks)
