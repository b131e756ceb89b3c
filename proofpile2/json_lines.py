"""Reads JSON lines, plain or compressed, as they come from other people's tools."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import fsspec

from proofpile2.errors import InputError

__all__ = ["as_text", "read"]


def read(path: str) -> Iterator[dict[str, Any] | None]:
    """The objects of a file, None for a line that is no object. InputError where the file can't be read on."""
    compression = "zstd" if path.endswith(".zst") else "infer"
    try:
        with fsspec.open(path, "rt", encoding="utf-8", errors="replace", compression=compression) as handle:
            for line in handle:
                if line.strip():
                    try:
                        value = json.loads(line)
                    except ValueError:
                        value = None
                    yield value if isinstance(value, dict) else None
    except (OSError, EOFError) as error:
        raise InputError(f"{path}: can't be read ({error})") from None


def as_text(value: Any) -> str | None:
    """A string that UTF-8 can hold, None for anything else; halves of surrogate pairs become question marks."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else None
