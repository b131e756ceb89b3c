"""One file's bytes and path to a reason to drop it, or None."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from proofpile2 import assets
from proofpile2.code import measures
from proofpile2.code.imports import GRAMMARS, error_share, importer, parser_of
from proofpile2.code.lexis import leader, masker
from proofpile2.code.paths import path_judge
from proofpile2.code.patterns import compile_patterns
from proofpile2.code.rulefile import Evidence, Library, RuleFile, Shared, read_rule_file, read_shared
from proofpile2.code.topics import read_topics, scorer
from proofpile2.errors import ConfigError

__all__ = ["REASONS", "SHARED", "TOPICS", "Judge", "compile_language", "run_examples"]

Judge = Callable[[bytes, str], str | None]
"""From a file's bytes (UTF-8) and its path (repository and path, as far as known) to a reason, or None to keep it."""

REASONS = (
    "empty",
    "too_large",
    "binary",
    "encoding",
    "vendored",
    "compiler_test",
    "generated",
    "data_dump",
    "base64",
    "traceback",
    "minified",
    "wrong_type",
    "import_list",
    "boilerplate",
    "off_topic",
)
SHARED, TOPICS = "code/_shared.toml", "code/_topics.toml"

WINDOW = 6_144
"""Bytes after the head comments in which patterns and words are looked for."""

_SMALL = 2_000  # bytes; smaller files are always looked at with their comments masked, they may be import lists
_HEAD = 65_536  # bytes in which the head comments must end; what is longer is a book
_MARKS = 6_000  # of them, in which programs sign
_CONTROLS = bytes(range(9)) + bytes(range(14, 27)) + bytes(range(28, 32))
_MISREAD = re.compile(
    rb"\xef\xbf\xbd|\xc2[\x80-\x84\x86-\x9f]"
)  # U+FFFD, and controls that Latin-1 makes of other codes


def compile_language(path: str | Path, shared: str | Path | None = None, topics: str | Path | None = None) -> Judge:
    """The judge of the rule file at ``path``. Raises ConfigError, with the file and the place."""
    rules = read_rule_file(path)
    everywhere = read_shared(shared or assets.find("filters", SHARED))
    return _compile(rules, everywhere, str(path), topics)


def run_examples(path: str | Path) -> list[str]:
    """Runs the ``[[example]]`` tables of a rule file; what went wrong, one line each."""
    rules = read_rule_file(path)
    judge = compile_language(path)
    failures = []
    for number, example in enumerate(rules.example, 1):
        found = judge(example.text.encode(), example.path) or "keep"
        if found not in (example.expect, f"{example.expect}:{found.partition(':')[2]}"):
            shown = example.text.strip().splitlines()[0][:50] if example.text.strip() else "blank"
            failures.append(f"{path}: example {number} ({shown!r}): expected {example.expect}, found {found}")
    expected = {example.expect.partition(":")[0] for example in rules.example}
    return failures + [f"{path}: no example expects keep"] * ("keep" not in expected)


def _compile(rules: RuleFile, shared: Shared, where: str, topics: str | Path | None) -> Judge:
    about = rules.about
    by_path = path_judge(shared.folders, about.name)
    head_of = leader(rules.lexis)
    generated = _named_patterns(shared.generated, where)
    looks = _Looks(rules, where)
    relevant = _relevance(rules, topics)

    def judge(data: bytes, path: str = "") -> str | None:
        if reason := by_path(path):
            return reason
        if len(data) > about.max_bytes:
            return "too_large"
        begin = head_of(data, min(len(data), _HEAD))
        if begin == len(data):
            return "generated:" + mark if (mark := generated(data[: min(begin, _MARKS)])) else "empty"
        if reason := _unreadable(data):
            return reason
        if begin and (mark := generated(data[: min(begin, _MARKS)])):
            return "generated:" + mark
        window = data[begin : begin + WINDOW]
        if reason := _data(data, rules) or looks.judge(data, window, begin):
            return reason
        return relevant(data[:begin], window, path) if relevant else None

    return judge


def _unreadable(data: bytes) -> str | None:
    sample = data[:WINDOW]
    controls = len(sample) - len(sample.translate(None, _CONTROLS))
    if controls * 50 > len(sample):
        return "binary"
    if not sample.isascii() and len(_MISREAD.findall(sample)) * 500 > len(sample):
        return "encoding"
    return None


def _data(data: bytes, rules: RuleFile) -> str | None:
    """Data dumps and lines that no person wrote."""
    about = rules.about
    density = measures.digit_density(data)
    if density > about.max_digits:
        return "data_dump:digits"
    if density > 0.3 and measures.number_share(data) > about.max_numbers:
        return "data_dump:number_lines"
    if measures.has_longer_line(data, 1_000):
        if measures.base64_share(data) > 0.3:
            return "base64"
        if measures.has_longer_line(data, about.max_line) or len(data) > 300 * (data.count(b"\n") + 1):
            return "minified"
    return None


class _Looks:
    """What the file looks like: whose language, and whether anything but imports is in it.

    The bytes as they are come first. Only where they leave doubt (no evidence, or evidence for another language too)
    are comments and strings masked and, with a grammar, the text parsed.
    """

    def __init__(self, rules: RuleFile, where: str) -> None:
        self.rules, self.mask = rules, masker(rules.lexis)
        self.tables = [*rules.own, *rules.other, *rules.generated, *rules.unwanted]
        self.table_of = [number for number, table in enumerate(self.tables) for _ in (*table.patterns, *table.unless)]
        self.against = [
            flag for table in self.tables for flag in [False] * len(table.patterns) + [True] * len(table.unless)
        ]
        patterns = [pattern for table in self.tables for pattern in (*table.patterns, *table.unless)]
        self.scan = compile_patterns(patterns, where)
        self.groups = [group for group in ("own", "other", "generated", "unwanted") for _ in getattr(rules, group)]
        lines = "|".join(_scoped(pattern) for pattern in rules.about.imports_only)
        try:
            self.imports = re.compile(lines.encode(), re.MULTILINE) if lines else None
        except re.error as error:
            raise ConfigError(f"{where}: imports_only: {error}") from None

    def judge(self, data: bytes, window: bytes, begin: int) -> str | None:
        own, others, marks = self._weigh(window)
        if not own and not others and len(data) > begin + WINDOW:
            # imports and a long comment, perhaps; what comes then decides
            window = self.mask(data[begin : begin + _HEAD])[:WINDOW]
            own, others, marks = self._weigh(window)
        raw = own
        if b"Traceback (most" in window or b"Exception in" in window or b"ERROR" in window:
            share = measures.log_share(data)
            if share > 0.3:
                return "traceback"
        if own and not others and len(window) > _SMALL:
            return marks
        masked = self.mask(window)
        if self._imports_only(masked, len(window)):
            return "import_list"
        if others:
            own, told, _ = self._weigh(masked)
            # where the mask leaves nothing to go by, strings and comments may speak: JSON is nothing but strings
            own, others = (own, told) if own or told else (raw, others)
        other = max(others, key=lambda name: (others[name], name), default="")
        if other and others[other] > own:
            return f"wrong_type:{other}"
        if not own and marks is None:
            return self._unclear(window)
        return marks

    def _weigh(self, text: bytes) -> tuple[float, dict[str, float], str | None]:
        own, others, marks = 0.0, dict[str, float](), None
        found = self.scan(text)
        stopped = {self.table_of[number] for number in found if self.against[number]}
        for number in sorted(found):
            table = self.table_of[number]
            if table in stopped or self.against[number]:
                continue
            one, group = self.tables[table], self.groups[table]
            if group == "own":
                own += one.weight
            elif group == "other":
                others[one.name] = others.get(one.name, 0.0) + one.weight
            else:
                reason = f"generated:{one.name}" if group == "generated" else one.name
                marks = marks or reason
        return own, others, marks

    def _imports_only(self, masked: bytes, size: int) -> bool:
        if size >= WINDOW:
            return False
        rest = self.imports.sub(b"", masked) if self.imports else masked
        return not rest.strip()

    def _unclear(self, window: bytes) -> str | None:
        about = self.rules.about
        if about.unclear == "drop" or (about.unclear == "parse" and self._unparsable(window)):
            return "wrong_type:unclear"
        return None

    def _unparsable(self, window: bytes) -> bool:
        name = self.rules.about.name
        if name not in GRAMMARS:
            return False
        text = window if len(window) < WINDOW else window[: window.rfind(b"\n") + 1]
        return error_share(parser_of(name), text) > 0.3


def _scoped(pattern: str) -> str:
    """A pattern as one alternative of many; ``(?i)`` at its head holds for itself only."""
    return f"(?i:{pattern[4:]})" if pattern.startswith("(?i)") else f"(?:{pattern})"


def _named_patterns(tables: Sequence[Evidence], where: str) -> Callable[[bytes], str | None]:
    """The first of ``tables`` of which a pattern occurs, and none of its ``unless``; its name."""
    patterns = [pattern for table in tables for pattern in (*table.patterns, *table.unless)]
    scan = compile_patterns(patterns, where)
    ranges, place = [], 0
    for table in tables:
        middle = place + len(table.patterns)
        ranges.append((table.name, range(place, middle), range(middle, middle + len(table.unless))))
        place = middle + len(table.unless)

    def first(text: bytes) -> str | None:
        found = scan(text)
        for name, wanted, unless in ranges if found else ():
            if not found.isdisjoint(wanted) and found.isdisjoint(unless):
                return name
        return None

    return first


def _relevance(rules: RuleFile, topics: str | Path | None) -> Callable[[bytes, bytes, str], str | None] | None:
    if rules.relevance is None:
        return None
    pass_at, libraries = rules.relevance.pass_at, _library_weights(rules.library)
    score = scorer(read_topics(topics or assets.find("filters", TOPICS)))
    imports = importer(rules.about.name) if rules.library else None

    def judge(head: bytes, window: bytes, path: str) -> str | None:
        total = score((window, path.encode()))
        if imports is not None:
            total += libraries(imports(head + window if len(head) < 2000 else window))
        return None if total > pass_at else "off_topic"

    return judge


def _library_weights(tables: Sequence[Library]) -> Callable[[frozenset[str]], float]:
    compiled = [(table.weight, _names(table.names), _names(table.unless)) for table in tables]
    memo: dict[str, tuple[int, ...]] = {}

    def tables_of(name: str) -> tuple[int, ...]:
        return tuple(n for n, (_, yes, no) in enumerate(compiled) if yes.match(name) and not no.match(name))

    def weigh(names: frozenset[str]) -> float:
        hit: set[int] = set()
        for name in names:
            if name not in memo:
                if len(memo) > 50_000:
                    memo.clear()
                memo[name] = tables_of(name)
            hit.update(memo[name])
        return sum(compiled[number][0] for number in sorted(hit))

    return weigh


def _names(names: Sequence[str]) -> re.Pattern[str]:
    """Each name and what is below it."""
    globs = "|".join("[^/.]*".join(re.escape(piece) for piece in name.split("*")) for name in names)
    return re.compile(rf"(?:{globs})(?:[./].*)?\Z" if globs else r"(?!)", re.DOTALL)
