"""Receipts, manifests and fingerprints: what says that a part or a pass is done, and what made it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from hashlib import blake2b
from typing import Any, TypeVar

from proofpile2 import shards
from proofpile2.errors import NotWhole
from proofpile2.shards import FileFacts

__all__ = ["FORMAT", "Manifest", "Receipt", "canonical", "fingerprint", "plain", "read", "write"]

FORMAT = 1
"""Raised when the files of a pass change their meaning; part of every fingerprint."""


def plain(value: Any) -> Any:
    """``value`` as JSON has it. A dataclass becomes its fields; what has no stable form raises TypeError."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise TypeError(f"{value} has no place in a fingerprint")
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise TypeError("keys of a fingerprinted mapping are strings")
        return {key: plain(value[key]) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [plain(item) for item in value]
    raise TypeError(
        f"{type(value).__name__} has no stable form: use str, int, float, bool, None, lists, dicts or dataclasses"
    )


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces: equal values, equal text."""
    return json.dumps(plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def fingerprint(value: Any) -> str:
    """32 hex digits that change with ``value``; the first 12 stand in the directory's name."""
    return blake2b(canonical(value).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


@dataclass(frozen=True)
class Receipt:
    """What a part, or one task of a whole, did. Its existence says that the part is done.

    ``rows_in == rows_out + sum of dropped`` always holds; ``dropped`` is step -> reason -> rows. ``notes`` tell damage
    that was stepped over and errors by document. No times and no machine names, so equal work gives equal bytes.
    """

    key: str
    fingerprint: str
    units: tuple[str, ...] = ()
    rows_in: int = 0
    rows_out: int = 0
    characters: int = 0
    dropped: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    files: Mapping[str, FileFacts] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)

    def errors(self) -> int:
        """Documents lost to an unexpected exception or a dead worker."""
        return sum(
            n for reasons in self.dropped.values() for reason, n in reasons.items() if reason.startswith("error:")
        )


@dataclass(frozen=True)
class Manifest:
    """A pass that is done: its recipe (all that entered the fingerprint), its parts, and their receipts summed up.

    ``parts`` is key -> rows, bytes of the Parquet file, digest of the receipt.
    """

    pipeline: str
    name: str
    fingerprint: str
    recipe: Mapping[str, Any]
    columns: Mapping[str, str]
    rows_in: int
    rows_out: int
    characters: int
    dropped: Mapping[str, Mapping[str, int]]
    notes: int
    parts: Mapping[str, tuple[int, int, str]]
    format: int = FORMAT


T = TypeVar("T", Receipt, Manifest)


def write(path: str, value: Receipt | Manifest) -> None:
    """Write atomically as indented JSON with sorted keys."""
    text = json.dumps(plain(asdict(value)), sort_keys=True, indent=1, ensure_ascii=False) + "\n"
    shards.write_bytes(path, text.encode("utf-8", "surrogatepass"))


def read(path: str, kind: type[T]) -> T:
    """Read what :func:`write` wrote; NotWhole if it is damaged."""
    try:
        found = json.loads(shards.read_bytes(path))
        if kind is Receipt:
            found["files"] = {name: FileFacts(**facts) for name, facts in found["files"].items()}
            found["units"], found["notes"] = tuple(found["units"]), tuple(found["notes"])
        return kind(**found)
    except (ValueError, TypeError, KeyError) as error:
        raise NotWhole(
            f"{path}: not a {kind.__name__.lower()} of this version ({error}); remove it and run again"
        ) from None
