"""What the sources of code share: which file is of which language, bytes to text, files to rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import pyarrow as pa

from proofpile2 import assets
from proofpile2.charset import decode
from proofpile2.config import nearest, read_toml
from proofpile2.errors import ConfigError
from proofpile2.schema import document_id, empty_columns
from proofpile2.step import DROP

__all__ = [
    "ALIASES",
    "MAX_FILE_BYTES",
    "REASONS",
    "CodeFile",
    "batches",
    "chosen",
    "clean_path",
    "language_of",
    "languages",
]

MAX_FILE_BYTES = 10_000_000
"""Longer files are never held; the rules of a language ask for much less (TeX for the most, 10 MB)."""

REASONS = ("too_large", "binary", "no_content", "duplicate_path")
"""With which the rows of these sources may come dropped already."""

ALIASES = {
    "c++": "cpp", "jupyter notebook": "jupyter", "jupyter-notebook": "jupyter", "literate agda": "agda",
    "literate-agda": "agda", "literate haskell": "haskell", "literate-haskell": "haskell", "literate coq": "coq",
    "rocq prover": "coq", "rocq": "coq", "latex": "tex", "fortran free form": "fortran", "lean 4": "lean",
    "cython": "python", "sage": "python", "isabelle root": "",
}  # fmt: skip
"""Names that GitHub and The Stack give our languages."""

_BATCH_ROWS, _BATCH_CHARACTERS = 128, 16 << 20
_CPP = re.compile(
    r"^\s*+(?:class|namespace|template|using\s+\w+\s*=|#include\s*<\w+>)"
    r"|\bstd::|\bpublic:|\bconstexpr\b",
    re.MULTILINE,
)
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")


@dataclass(frozen=True)
class CodeFile:
    """One file: where it was found, and its bytes, its text, or neither with the reason ``drop``."""

    origin: str
    path: str
    data: bytes | str | None
    language: str
    revision: str | None = None
    url: str | None = None
    license: str | None = None
    created: str | None = None
    drop: str | None = None

    @property
    def locator(self) -> str:
        """``origin@revision:path``."""
        return f"{self.origin}@{self.revision}:{self.path}" if self.revision else f"{self.origin}:{self.path}"


@lru_cache(maxsize=4)
def languages(overlay: tuple[str, ...] = ()) -> Mapping[str, tuple[str, ...]]:
    """Languages and the endings of their files, from ``filters/code/*.toml``."""
    found: dict[str, tuple[str, ...]] = {}
    for root in reversed(assets.roots("filters", overlay)):
        for path in sorted((root / "code").glob("[!_]*.toml")):
            about = read_toml(path).get("language", {})
            if "name" in about:
                found[about["name"]] = tuple(about.get("extensions", ()))
    return found


def chosen(langs: Sequence[str]) -> frozenset[str]:
    """The languages asked for (all, if none is named); ``lean,isabelle`` names two. ConfigError for one unknown."""
    known = languages()
    named = [name.strip().lower() for text in langs for name in text.split(",") if name.strip()]
    for name in named:
        if ALIASES.get(name, name) not in known:
            raise ConfigError(f"no language {name!r}{nearest(name, known)}")
    return frozenset(ALIASES.get(name, name) for name in named) or frozenset(known)


@lru_cache(maxsize=4)
def _endings(overlay: tuple[str, ...] = ()) -> Mapping[str, str]:
    endings: dict[str, str] = {}
    for name, extensions in languages(overlay).items():
        for one in extensions:
            endings.setdefault(one.lower(), name)
    return endings


def language_of(path: str) -> str | None:
    """Key of the language by the longest known ending of a path, None for a file of another kind."""
    name = path.rsplit("/", 1)[-1].lower()
    endings = _endings()
    at = name.find(".")
    while at >= 0:
        if found := endings.get(name[at:]):
            return found
        at = name.find(".", at + 1)
    return None


def clean_path(path: str) -> str:
    """A path out of an archive as a name: no root, no ``.`` or ``..``, forward slashes. Nothing is opened by it."""
    return "/".join(part for part in path.replace("\\", "/").split("/") if part not in {"", ".", ".."})


def batches(source: str, files: Iterable[CodeFile]) -> Iterator[pa.RecordBatch]:
    """Rows of ``files``, in order. A second file of one locator is dropped: ids are made of locators."""
    rows: list[tuple[CodeFile, str | None, str, str | None]] = []
    size = 0
    seen: set[str] = set()
    for file in files:
        text, drop = _text(file)
        if file.locator in seen:
            drop = drop or "duplicate_path"
        seen.add(file.locator)
        language = file.language
        if language == "c" and text and file.path.lower().endswith(".h") and _CPP.search(text):
            language = "cpp"
        rows.append((file, None if drop else text, language, drop))
        size += len(text or "")
        if len(rows) >= _BATCH_ROWS or size >= _BATCH_CHARACTERS:
            yield _batch(source, rows)
            rows, size = [], 0
    if rows:
        yield _batch(source, rows)


def _text(file: CodeFile) -> tuple[str | None, str | None]:
    if file.drop:
        return None, file.drop
    if file.data is None:
        return None, "no_content"
    if len(file.data) > MAX_FILE_BYTES:
        return None, "too_large"
    text = file.data if isinstance(file.data, str) else decode(file.data)
    lost = text.count("�") + len(_CONTROL.findall(text, 0, 1 << 16))
    if isinstance(file.data, bytes) and b"\0" in file.data and not _is_wide(file.data):
        return None, "binary"
    if lost > max(8, len(text) // 50):
        return None, "binary"
    return text, None


def _is_wide(data: bytes) -> bool:
    """UTF-16 and UTF-32 are the encodings of text with zero bytes."""
    head = data[:4096]
    even, odd = head[::2].count(0), head[1::2].count(0)
    return (even + odd) * 10 > len(head) * 3 and max(even, odd) >= 2 * min(even, odd)


def _batch(source: str, rows: Sequence[tuple[CodeFile, str | None, str, str | None]]) -> pa.RecordBatch:
    count = len(rows)

    def column(name: str) -> pa.Array:
        return pa.array([getattr(file, name) for file, _, _, _ in rows], pa.string())

    columns = {
        "id": pa.array([document_id(source, file.locator) for file, _, _, _ in rows], pa.string()),
        "text": pa.array([text for _, text, _, _ in rows], pa.large_string()),
        "source": pa.array([source] * count, pa.string()),
        "subset": pa.array([language for _, _, language, _ in rows], pa.string()),
        **{name: column(name) for name in ("url", "created", "license", "origin", "revision", "locator")},
        DROP: pa.array([drop for _, _, _, drop in rows], pa.string()),
    }
    return pa.RecordBatch.from_pydict(empty_columns(count, columns))
