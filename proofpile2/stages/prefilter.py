"""Which raw pages are worth parsing: weighed evidence of mathematics in the bytes, in one pass of one automaton."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from proofpile2 import assets
from proofpile2.charset import searchable
from proofpile2.config import build, read_toml
from proofpile2.errors import ConfigError
from proofpile2.step import DROP, Apply, with_columns

__all__ = ["Evidence", "Prefilter", "Rules", "Scorer", "failing_examples", "read_rules"]


@dataclass(frozen=True)
class Evidence:
    """Matches of any of ``patterns`` weigh ``weight`` each, the first ``most`` of them; or each pattern once."""

    name: str
    weight: float
    patterns: tuple[str, ...]
    most: int = 1
    distinct: bool = False
    caseless: bool = False


@dataclass(frozen=True)
class Rules:
    """What the file holds: its comments say what the keys mean."""

    pass_at: float
    signs: tuple[str, ...]
    hints: tuple[str, ...]
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True)
class Prefilter:
    """Drops pages whose bytes show too little evidence of mathematics, before any decoding or parsing.

    ``rules``    the file of evidence below ``filters/``, or a path
    ``overlay``  folders whose files come before the shipped ones

    A page passes when the weights of what was found in it add up to ``pass_at`` of the rule file. Upstream asks for
    one of ten substrings and else parses every page with a backslash and two letters in it (OpenWebMath,
    ``extract_from_cc/extract_from_warc.py``).
    """

    rules: str = "web/math.toml"
    overlay: tuple[str, ...] = ()

    name: ClassVar[str] = "prefilter"
    version: ClassVar[int] = 1
    needs: ClassVar[Sequence[str]] = ("_payload", "_charset")
    adds: ClassVar[Mapping[str, pa.DataType]] = {}
    reasons: ClassVar[Sequence[str]] = ("no_math_markup",)
    keep_dropped: ClassVar[float] = 0.01
    """Share of the dropped rows, by hash of the id, that is recorded one by one; the others are counted."""

    def uses(self) -> Mapping[str, str]:
        """Digest of the rule file."""
        path = assets.find("filters", self.rules, self.overlay)
        return {self.rules: blake2b(path.read_bytes(), digest_size=16).hexdigest()}

    def load(self) -> Apply:
        """Compiles the patterns."""
        scorer = Scorer(assets.find("filters", self.rules, self.overlay))

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
        import hyperscan as hs  # noqa: PLC0415  (30 ms)

        rules = read_rules(path)
        self.evidence = rules.evidence
        # whole numbers, so that ten times 0.1 is 1
        self._pass_at = round(rules.pass_at * 1000)
        self._weights = [round(entry.weight * 1000) for entry in self.evidence]
        self._most = [len(entry.patterns) if entry.distinct else entry.most for entry in self.evidence]
        patterns = [(number, one) for number, entry in enumerate(self.evidence) for one in entry.patterns]
        self._of = [number for number, _ in patterns]  # the evidence of each pattern
        self._stopped = hs.ScanTerminated

        def compiled(texts: Sequence[str], ids: Sequence[int], flags: Sequence[int], literal: bool = False) -> Any:
            database = hs.Database()
            try:
                database.compile([text.encode() for text in texts], ids, len(ids), flags, literal)
            except hs.error as error:
                raise ConfigError(f"{path}: a pattern is wrong: {error}") from error
            return database

        flags = [
            hs.HS_FLAG_DOTALL
            | (hs.HS_FLAG_CASELESS if entry.caseless else 0)
            | (hs.HS_FLAG_SINGLEMATCH if entry.distinct or entry.most == 1 else 0)
            for entry in (self.evidence[number] for number in self._of)
        ]
        self._second = compiled([one for _, one in patterns], range(len(patterns)), flags)
        first = rules.signs + rules.hints
        self._signs = len(rules.signs)
        self._first = compiled(first, range(len(first)), [hs.HS_FLAG_SINGLEMATCH] * len(first), literal=True)

    def passes(self, page: bytes | memoryview) -> bool:
        """Whether the evidence in ``page`` adds up; reading stops as soon as it does."""
        return len(page) > 0 and self._worth_it(page) and self._adds_up(page)

    def _worth_it(self, page: bytes | memoryview) -> bool:
        signs, hints = self._signs, 0

        def found(pattern: int, _start: int, _end: int, _flags: int, _context: Any) -> bool | None:
            nonlocal hints
            hints += 1
            return pattern < signs or hints > 1 or None

        try:
            self._first.scan(page, match_event_handler=found)
        except self._stopped:
            return True
        return False

    def _adds_up(self, page: bytes | memoryview) -> bool:
        of, most, weights, pass_at = self._of, self._most, self._weights, self._pass_at
        total, counts = 0, [0] * len(weights)

        def found(pattern: int, _start: int, _end: int, _flags: int, _context: Any) -> bool | None:
            nonlocal total
            number = of[pattern]
            if counts[number] < most[number]:
                counts[number] += 1
                total += weights[number]
            return total >= pass_at or None

        try:
            self._second.scan(page, match_event_handler=found)
        except self._stopped:
            return True
        return False

    def explain(self, page: bytes | memoryview) -> dict[str, int]:
        """How many matches each evidence has in ``page``, at most ``most`` of each."""
        counts: dict[str, int] = {}

        def found(pattern: int, _start: int, _end: int, _flags: int, _context: Any) -> None:
            number = self._of[pattern]
            name = self.evidence[number].name
            counts[name] = min(self._most[number], counts.get(name, 0) + 1)

        if len(page):
            self._second.scan(page, match_event_handler=found)
        return counts


def read_rules(path: Path) -> Rules:
    """The rules in a file. Raises ConfigError with the entry that is wrong."""
    data = read_toml(path)
    found = build(Rules, {key: value for key, value in data.items() if key not in {"evidence", "example"}}, str(path))
    tables = data.get("evidence", [])
    evidence = tuple(build(Evidence, table, f"{path}: evidence {number}") for number, table in enumerate(tables, 1))
    if not evidence:
        raise ConfigError(f"{path}: expected at least one [[evidence]]")
    return replace(found, evidence=evidence)


def failing_examples(path: Path) -> list[str]:
    """The ``[[example]]`` tables (``html``, ``pass``, and for reading ``why``) that the rules do not bear out."""
    scorer = Scorer(path)
    return [
        f"example {number} ({example.get('why', example['html'][:60])!r}): expected pass = {example['pass']}, "
        f"found {scorer.explain(example['html'].encode())}"
        for number, example in enumerate(read_toml(path).get("example", []), 1)
        if scorer.passes(example["html"].encode()) is not example["pass"]
    ]
