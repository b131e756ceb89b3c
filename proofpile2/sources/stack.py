"""The Stack's Parquet files, version 1 (``bigcode/the-stack-dedup``) and, where content is in the rows, version 2."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import pyarrow as pa

from proofpile2 import inputs, shards
from proofpile2.errors import ConfigError
from proofpile2.sources.code_files import ALIASES, REASONS, CodeFile, batches, chosen, language_of, languages

__all__ = ["SUFFIXES", "Stack"]

SUFFIXES = (".parquet",)

_CONTENT = ("content", "text", "raw")
_REPOSITORY = ("max_stars_repo_name", "repo_name", "repository_name", "repo")
_PATH = ("max_stars_repo_path", "path", "file_path", "max_issues_repo_path", "max_forks_repo_path")
_REVISION = ("max_stars_repo_head_hexsha", "revision_id", "commit_id", "revision", "commit")
_LICENSE = ("max_stars_repo_licenses", "detected_licenses", "gha_license_id", "license", "licenses")
_CREATED = ("committer_date", "revision_date", "visit_date")
_LANGUAGE = ("lang", "language", "gha_language")
_BLOB = ("blob_id", "hexsha", "content_id")
_OTHERS = ("extension", "ext", "files", "encoding")


@dataclass(frozen=True)
class Stack:
    """Rows of The Stack's layout, one unit a Parquet file, local or of any fsspec URL (``hf://datasets/...``).

    Version 1: ``content`` with ``max_stars_repo_name``, ``..._path``, ``..._licenses``. Version 2, Software Heritage:
    ``repo_name``, ``path``, ``revision_id``, ``blob_id``, or ``files``, a list of such; rows that hold ids only are
    dropped as ``no_content``. The language is the row's, else the folder's (``data/lean/``), else that of the ending;
    rows of other languages than ``langs`` are no documents.
    """

    name: ClassVar[str] = "stack"
    version: ClassVar[int] = 1
    adds: ClassVar[Mapping[str, pa.DataType]] = {}
    reasons: ClassVar[tuple[str, ...]] = REASONS

    input: tuple[str, ...]
    langs: tuple[str, ...] = ()

    @cached_property
    def _paths(self) -> Mapping[str, inputs.Input]:
        return {item.name: item for item in inputs.expand(self.input, SUFFIXES)}

    def uses(self) -> Mapping[str, str]:
        return {}

    def units(self) -> Mapping[str, str]:
        """Parquet files with their bytes; without those in folders of other languages."""
        wanted = chosen(self.langs)
        sizes = {name: "" if item.size is None else str(item.size) for name, item in self._paths.items()}
        found = {
            name: size for name, size in sizes.items() if (_folder(self._paths[name].path) or "?") in {*wanted, "?"}
        }
        if not found:
            raise ConfigError(f"stack: no file of {', '.join(sorted(wanted))} among {', '.join(self.input)}")
        return found

    def read(self, unit: str, note: Callable[[str], None]) -> Iterator[pa.RecordBatch]:
        """Rows of one file in its order. ConfigError where it has no column of content."""
        yield from batches("stack", self._files(unit, note))

    def _files(self, unit: str, note: Callable[[str], None]) -> Iterator[CodeFile]:
        path, wanted = self._paths[unit].path, chosen(self.langs)
        folder, others, row = _folder(path), 0, 0
        with shards.open_parquet(path) as parquet:
            names = parquet.schema_arrow.names
            asked = {*_CONTENT, *_REPOSITORY, *_PATH, *_REVISION, *_LICENSE, *_CREATED, *_LANGUAGE, *_BLOB, *_OTHERS}
            if not asked.intersection((*_CONTENT, "files", *_BLOB)) & set(names):
                raise ConfigError(f"{unit}: no column of The Stack's content (found: {', '.join(names)})")
            for batch in parquet.iter_batches(
                batch_size=128, columns=[name for name in names if name in asked], use_threads=False
            ):
                for values in batch.to_pylist():
                    row += 1
                    for one in _rows(values):
                        language = _language(one, folder)
                        if language not in wanted:
                            others += 1
                            continue
                        yield _file(one, language, f"{unit}:{row - 1}")
        if others:
            note(f"{others} files of other languages")


def _rows(values: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The row itself, or the files of a repository with what the repository says of them all."""
    files = values.get("files")
    if not isinstance(files, list):
        yield values
        return
    around = {name: value for name, value in values.items() if name != "files"}
    for one in files:
        if isinstance(one, dict):
            yield around | one


def _first(values: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((values[name] for name in names if values.get(name) not in (None, "", [])), None)


def _language(values: Mapping[str, Any], folder: str | None) -> str | None:
    for name in _LANGUAGE:
        given = str(values.get(name) or "").lower()
        found = ALIASES.get(given, given)
        if found in languages():
            return found
    return folder or language_of(str(_first(values, _PATH) or f".{_first(values, ('ext', 'extension')) or ''}"))


def _folder(path: str) -> str | None:
    """The language that a folder or the file itself is called after."""
    for part in reversed(re.split(r"[/\\]", path.lower())[-2:]):
        name = part.removesuffix(".parquet")
        name = ALIASES.get(name, name)
        if name in languages():
            return name
    return None


def _file(values: Mapping[str, Any], language: str, place: str) -> CodeFile:
    content = _first(values, _CONTENT)
    if not isinstance(content, str | bytes):
        content = "" if isinstance(values.get("content"), str) else None
    repository, path, revision = (str(_first(values, names) or "") for names in (_REPOSITORY, _PATH, _REVISION))
    licenses = _first(values, _LICENSE)
    created = _first(values, _CREATED)
    whole = bool(repository and path)
    return CodeFile(
        origin=repository or place.rpartition(":")[0],
        path=path.lstrip("/") if whole else place.rpartition(":")[2] + (f":{path.lstrip('/')}" if path else ""),
        data=content,
        language=language,
        revision=(revision or str(_first(values, _BLOB) or "")) or None,
        url=f"https://github.com/{repository}/blob/{revision}/{path.lstrip('/')}" if whole and revision else None,
        license=",".join(map(str, licenses)) if isinstance(licenses, list) else licenses,
        created=created.isoformat() if hasattr(created, "isoformat") else created,
    )
