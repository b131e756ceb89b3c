"""Which raw pages are worth parsing: weighed evidence of mathematics in the bytes, in one pass of one automaton."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from proofpile2 import assets
from proofpile2.charset import searchable
from proofpile2.config import build, nearest, read_toml
from proofpile2.errors import ConfigError
from proofpile2.step import DROP, Apply, with_columns

__all__ = ["Evidence", "Prefilter", "Scorer", "failing_examples", "read_rules"]


@dataclass(frozen=True)
class Evidence:
    """Matches of any of ``patterns`` weigh ``weight`` each, the first ``most`` of them."""

    name: str
    weight: float
    patterns: tuple[str, ...]
    most: int = 1
    caseless: bool = False


@dataclass(frozen=True)
class Prefilter:
    """Drops pages whose bytes show too little evidence of mathematics, before any decoding or parsing.

    ``rules``    the file of evidence below ``filters/``, or a path
    ``filters``  folders whose files come before the shipped ones

    A page passes when the weights of what was found in it add up to ``pass_at`` of the rule file. Upstream asks for
    one of ten substrings and else parses every page with a backslash and two letters in it (OpenWebMath,
    ``extract_from_cc/extract_from_warc.py``).
    """

    rules: str = "web/math.toml"
    filters: tuple[str, ...] = ()

    name: ClassVar[str] = "prefilter"
    version: ClassVar[int] = 1
    needs: ClassVar[Sequence[str]] = ("_payload", "_charset")
    adds: ClassVar[Mapping[str, pa.DataType]] = {}
    reasons: ClassVar[Sequence[str]] = ("no_math_markup",)
    keep_dropped: ClassVar[float] = 0.01
    """Share of the dropped rows, by hash of the id, that is recorded one by one; the others are counted."""

    def uses(self) -> Mapping[str, str]:
        """Digest of the rule file."""
        path = assets.find("filters", self.rules, self.filters)
        return {self.rules: blake2b(path.read_bytes(), digest_size=16).hexdigest()}

    def load(self) -> Apply:
        """Compiles the patterns."""
        scorer = Scorer(assets.find("filters", self.rules, self.filters))

        def apply(batch: pa.RecordBatch) -> pa.RecordBatch:
            charsets = batch.column("_charset").to_pylist()
            drops = [
                None if scorer.passes(searchable(page, charset)) else "no_math_markup"
                for page, charset in zip(_views(batch.column("_payload")), charsets, strict=True)
            ]
            return with_columns(batch, {DROP: pa.array(drops, pa.string())})

        return apply


def _views(column: pa.LargeBinaryArray) -> list[memoryview]:
    """The values without copying them; empty where null."""
    if not len(column):
        return []
    _, offsets, data = column.buffers()
    ends = memoryview(offsets).cast("q")[column.offset : column.offset + len(column) + 1].tolist()
    whole = memoryview(data) if data is not None else memoryview(b"")
    return [whole[start:end] for start, end in pairwise(ends)]


class Scorer:
    """The evidence of a rule file, compiled. Not shared between threads."""

    def __init__(self, path: Path) -> None:
        import hyperscan  # noqa: PLC0415  (30 ms)

        self.pass_at, self.evidence = read_rules(path)
        expressions: list[bytes] = []
        ids: list[int] = []
        flags: list[int] = []
        for number, entry in enumerate(self.evidence):
            for pattern in entry.patterns:
                expressions.append(pattern.encode())
                ids.append(number)
                once = hyperscan.HS_FLAG_SINGLEMATCH if entry.most == 1 else 0
                flags.append(once | (hyperscan.HS_FLAG_CASELESS if entry.caseless else 0) | hyperscan.HS_FLAG_DOTALL)
        self._database: Any = hyperscan.Database()
        self._stopped = hyperscan.ScanTerminated
        try:
            self._database.compile(expressions=expressions, ids=ids, flags=flags)
        except hyperscan.error as error:
            raise ConfigError(f"{path}: {error}") from error
        self._weights = [(entry.weight, entry.most) for entry in self.evidence]

    def passes(self, page: bytes | memoryview) -> bool:
        """Whether the evidence in ``page`` adds up; reading stops as soon as it does."""
        total, counts = 0.0, [0] * len(self._weights)
        weights, pass_at = self._weights, self.pass_at

        def found(number: int, _start: int, _end: int, _flags: int, _context: Any) -> bool | None:
            nonlocal total
            weight, most = weights[number]
            if counts[number] < most:
                counts[number] += 1
                total += weight
            return True if total >= pass_at else None

        if not len(page):
            return False
        try:
            self._database.scan(page, match_event_handler=found)
        except self._stopped:
            return True
        return total >= pass_at

    def explain(self, page: bytes | memoryview) -> dict[str, int]:
        """How many matches each evidence has in ``page``, at most ``most`` of each."""
        counts: dict[str, int] = {}

        def found(number: int, _start: int, _end: int, _flags: int, _context: Any) -> None:
            entry = self.evidence[number]
            counts[entry.name] = min(entry.most, counts.get(entry.name, 0) + 1)

        if len(page):
            self._database.scan(page, match_event_handler=found)
        return counts


def read_rules(path: Path) -> tuple[float, tuple[Evidence, ...]]:
    """``pass_at`` and the evidence of a rule file. Raises ConfigError with the entry that is wrong."""
    data = read_toml(path)
    unknown = set(data) - {"pass_at", "evidence", "example"}
    if unknown:
        raise ConfigError(
            f"{path}: unknown key {min(unknown)!r}{nearest(min(unknown), ['pass_at', 'evidence', 'example'])}"
        )
    tables = data.get("evidence", [])
    found = tuple(build(Evidence, table, f"{path}: evidence {number}") for number, table in enumerate(tables, 1))
    if not found or not isinstance(data.get("pass_at"), int | float):
        raise ConfigError(f"{path}: expected pass_at, a number, and at least one [[evidence]]")
    return float(data["pass_at"]), found


def failing_examples(path: Path) -> list[str]:
    """The ``[[example]]`` tables (``html``, ``pass``, and for reading ``why``) that the rules do not bear out."""
    scorer = Scorer(path)
    return [
        f"example {number} ({example.get('why', example['html'][:60])!r}): expected pass = {example['pass']}, "
        f"found {scorer.explain(example['html'].encode())}"
        for number, example in enumerate(read_toml(path).get("example", []), 1)
        if scorer.passes(example["html"].encode()) is not example["pass"]
    ]
