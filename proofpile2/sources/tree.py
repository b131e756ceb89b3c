"""A folder of this machine: every file of our languages below it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import pyarrow as pa

from proofpile2 import inputs
from proofpile2.errors import ConfigError
from proofpile2.sources.code_files import MAX_FILE_BYTES, REASONS, CodeFile, batches, chosen, language_of

__all__ = ["Tree"]

_PASSED_OVER = frozenset({"__pycache__", "site-packages", "node_modules"})


@dataclass(frozen=True)
class Tree:
    """Files of folders. A unit is a folder right below one of ``input``, or its own files.

    Links are not followed, hidden folders (``.git``, ``.lake``, ``.venv``) not looked into. ``origin`` is
    the folder's name, ``locator`` is ``name:path/below/it``.
    """

    name: ClassVar[str] = "tree"
    version: ClassVar[int] = 1
    adds: ClassVar[Mapping[str, pa.DataType]] = {}
    reasons: ClassVar[tuple[str, ...]] = REASONS

    input: tuple[str, ...]
    langs: tuple[str, ...] = ()

    @cached_property
    def _units(self) -> Mapping[str, tuple[Path, tuple[str, ...], int]]:
        """Unit -> root, paths below it, their bytes."""
        wanted = chosen(self.langs)
        found: dict[str, tuple[Path, list[str]]] = {}
        sizes: Counter[str] = Counter()
        for origin, root in inputs.named_folders(self.input, "tree").items():
            for path, size in _files(root):
                if language_of(path) in wanted:
                    top = path.split("/", 1)[0] if "/" in path else "."
                    found.setdefault(f"{origin}/{top}", (root, []))[1].append(path)
                    sizes[f"{origin}/{top}"] += size
        return {unit: (root, tuple(sorted(paths)), sizes[unit]) for unit, (root, paths) in sorted(found.items())}

    def uses(self) -> Mapping[str, str]:
        return {}

    def units(self) -> Mapping[str, str]:
        """Folders with the number and the bytes of their files. ConfigError where there are none."""
        if not self._units:
            raise ConfigError(f"tree: no file of our languages below {', '.join(self.input)}")
        return {unit: f"{len(paths)} files, {size} bytes" for unit, (_, paths, size) in self._units.items()}

    def read(self, unit: str, note: Callable[[str], None]) -> Iterator[pa.RecordBatch]:
        """Files of one folder, by path; those that can't be opened are noted."""
        root, paths, _ = self._units[unit]
        yield from batches("local", self._read(root, unit.split("/", 1)[0], paths, note))

    def _read(self, root: Path, origin: str, paths: tuple[str, ...], note: Callable[[str], None]) -> Iterator[CodeFile]:
        for path in paths:
            language = language_of(path) or ""
            try:
                descriptor = os.open(root / path, os.O_RDONLY | os.O_NOFOLLOW | getattr(os, "O_NONBLOCK", 0))
                with os.fdopen(descriptor, "rb") as stream:
                    data = stream.read(MAX_FILE_BYTES + 1)
            except OSError as error:
                note(f"{path}: {error.strerror or error}")
                continue
            large = len(data) > MAX_FILE_BYTES
            yield CodeFile(origin, path, None if large else data, language, drop="too_large" if large else None)


def _files(root: Path) -> Iterator[tuple[str, int]]:
    """Regular files below ``root`` with their bytes."""
    for folder, below, names in os.walk(root, followlinks=False):
        below[:] = sorted(name for name in below if not name.startswith(".") and name not in _PASSED_OVER)
        for name in sorted(names):
            path = Path(folder) / name
            if path.is_file() and not path.is_symlink():
                yield path.relative_to(root).as_posix(), path.stat().st_size
