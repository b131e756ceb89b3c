"""Traces of provers, as their tools left them: files that say what the goals before and after each step were."""

from __future__ import annotations

import io
import json
import lzma
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import PurePosixPath
from typing import IO, ClassVar

import pyarrow as pa
import zstandard
from fsspec.compression import compr

from proofpile2 import inputs
from proofpile2.contamination import declarations
from proofpile2.errors import ConfigError, InputError
from proofpile2.proofs import isabelle, lean_traces
from proofpile2.proofs.documents import COLUMNS, REASONS, batches
from proofpile2.proofs.lean import Whence
from proofpile2.proofs.steps import ProofDocument
from proofpile2.sources.code_files import chosen

__all__ = ["Traces", "is_trace"]

PISA = ".thy_output.json"
_ENDINGS = (".json", ".jsonl", ".txt", ".out")
_PACKED = {".gz": "gzip", ".zst": "zstd", ".xz": "xz", ".bz2": "bz2"}
SUFFIXES = tuple(f"{ending}{packed}" for ending in _ENDINGS for packed in ("", *_PACKED))
_HEAD = 1 << 16
_BROKEN = (OSError, EOFError, InputError, zlib.error, lzma.LZMAError, zstandard.ZstdError)


@dataclass(frozen=True)
class Traces:
    """Files of traces, each told by its content; those of other content in a folder are passed over.

    PISA's extractions of Isabelle theories (``*.thy_output.json``); for Lean the records of our extractor, answers of
    the REPL, the text of lean-training-data, entries of LeanDojo's benchmark, lines of ntp-toolkit. Plain, or packed
    with gzip, Zstandard, xz or bzip2. ``langs`` as of the other sources of code.
    """

    name: ClassVar[str] = "traces"
    version: ClassVar[int] = 1
    adds: ClassVar[Mapping[str, pa.DataType]] = COLUMNS
    reasons: ClassVar[tuple[str, ...]] = REASONS

    input: tuple[str, ...]
    langs: tuple[str, ...] = ()

    @cached_property
    def _files(self) -> Mapping[str, tuple[inputs.Input, str]]:
        """Unit -> file, kind of trace."""
        wanted = chosen(self.langs)
        found = {}
        for item in inputs.expand(self.input, SUFFIXES):
            kind = _kind(item.path)
            if kind is None and item.path in self.input:
                raise ConfigError(f"input {item.path!r}: no trace of a prover that is known here")
            if kind is not None and ("isabelle" if kind == "pisa" else "lean") in wanted:
                found[item.name] = (item, kind)
        return found

    def uses(self) -> Mapping[str, str]:
        return {}

    def units(self) -> Mapping[str, str]:
        """Files with their size."""
        return {name: "" if item.size is None else str(item.size) for name, (item, _) in self._files.items()}

    def read(self, unit: str, note: Callable[[str], None]) -> Iterator[pa.RecordBatch]:
        """Documents of one file; what is damaged in it is noted and stepped over."""
        item, kind = self._files[unit]
        try:
            with _opened(item.path) as packed:
                yield from batches(_documents(packed, unit, kind, note))
        except _BROKEN as error:  # what came before stays
            note(f"{unit}: can't be read on ({error})")


def is_trace(path: str) -> bool:
    """Whether a file is one that :class:`Traces` reads: by its name, and where that does not tell by its beginning."""
    return path.endswith(SUFFIXES) and _kind(path) is not None


def _kind(path: str) -> str | None:
    plain = path.removesuffix(next((end for end in _PACKED if path.endswith(end)), ""))
    if plain.endswith(PISA):
        return "pisa"
    try:
        with _opened(path) as stream:
            return lean_traces.sniff(stream.read(_HEAD), plain.rsplit("/", 1)[-1])
    except _BROKEN:
        return None


@contextmanager
def _opened(path: str) -> Iterator[IO[bytes]]:
    packed = next((name for ending, name in _PACKED.items() if path.endswith(ending)), None)
    with inputs.open_input(path) as stream:
        if packed is None:
            yield stream
        else:
            with compr[packed](stream, mode="rb") as plain:
                yield plain


def _documents(stream: IO[bytes], unit: str, kind: str, note: Callable[[str], None]) -> Iterator[ProofDocument]:
    if kind == "pisa":
        try:
            value = json.loads(stream.read().decode("utf-8", "replace"))
        except (ValueError, RecursionError) as error:
            note(f"{unit}: no JSON ({error})")
            return
        if isabelle.is_pisa(value):
            yield from isabelle.from_pisa(value, unit, note)
        else:
            note(f"{unit}: no extraction of PISA's")
        return
    text = io.TextIOWrapper(stream, "utf-8", "replace", newline="")
    origin = unit.split("/", 1)[0].split(".", 1)[0]
    declare = partial(declarations, language="lean")
    for one in lean_traces.READERS[kind](text, Whence(origin, unit), note, declare=declare):
        # each file of LeanDojo's has theorems of its own of one and the same module
        yield replace(one, name=PurePosixPath(unit).name.split(".", 1)[0]) if kind == "leandojo" else one
