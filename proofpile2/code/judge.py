"""One file's bytes and path to a reason to drop it, or None."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from proofpile2 import assets
from proofpile2.code import measures
from proofpile2.code.imports import importer
from proofpile2.code.lexis import leader
from proofpile2.code.looks import HEAD, WINDOW, looker, marker
from proofpile2.code.paths import path_judge
from proofpile2.code.patterns import compile_patterns
from proofpile2.code.rulefile import Library, RuleFile, Shared, read_rule_file, read_shared
from proofpile2.code.topics import Topics, read_topics, scorer

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

WORDS = 4_096
"""Bytes after the head comments of which the words are counted."""

_MARKS = 6_000  # bytes of the head comments in which programs sign
_SIGN = re.compile("[./]")
_CONTROLS = bytes(range(9)) + bytes(range(14, 27)) + bytes(range(28, 32))
_MISREAD = re.compile(
    rb"\xef\xbf\xbd|\xc2[\x80-\x84\x86-\x9f]"  # U+FFFD, and controls that Latin-1 makes of other codes
)


def compile_language(path: str | Path, shared: str | Path | None = None, topics: str | Path | None = None) -> Judge:
    """The judge of the rule file at ``path``. Raises ConfigError, with the file and the place."""
    rules = read_rule_file(path)
    everywhere = read_shared(shared or assets.find("filters", SHARED))
    return _compile(rules, everywhere, str(path), topics)


def run_examples(path: str | Path) -> list[str]:
    """Runs the ``[[example]]`` tables of a rule file; what went wrong, one line each.

    ``_shared.toml`` and ``_topics.toml`` beside it are used where they are, else the shipped ones. These two have no
    examples of their own; they are compiled, so that a mistake in them is a ConfigError.
    """
    path = Path(path)
    shared, topics = (path.with_name(Path(name).name) for name in (SHARED, TOPICS))
    if path.name == shared.name:
        marker(read_shared(path).generated, str(path))
        return []
    if path.name == topics.name:
        compile_patterns([pattern for sign in read_topics(path).signs for pattern in sign.patterns], str(path))
        return []
    rules = read_rule_file(path)
    judge = compile_language(path, shared if shared.is_file() else None, topics if topics.is_file() else None)
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
    generated = marker(shared.generated, where)
    words = read_topics(topics or assets.find("filters", TOPICS)) if rules.relevance else Topics({})
    look = looker(rules, words.signs, where)
    relevant = _relevance(rules, words)

    def judge(data: bytes, path: str = "") -> str | None:
        if reason := by_path(path):
            return reason
        if len(data) > about.max_bytes:
            return "too_large"
        begin = head_of(data, min(len(data), HEAD))
        if begin == len(data) and about.comments and data.strip():
            begin = 0
        if begin == len(data):
            return "generated:" + mark if (mark := generated(data[: min(begin, _MARKS)])) else "empty"
        if reason := _unreadable(data):
            return reason
        if begin and (mark := generated(data[: min(begin, _MARKS)])):
            return "generated:" + mark
        if reason := _data(data, rules):
            return reason
        reason, signs = look(data, begin)
        if reason or relevant is None or relevant(data, begin, path, signs):
            return reason
        return "off_topic"

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
    if measures.digit_count(data) * 10 > len(data):  # cheap, and true of one file in twenty
        density = measures.digit_density(data)
        if density > about.max_digits:
            return "data_dump:digits"
        if density > 0.3 and measures.number_share(data) > about.max_numbers:
            return "data_dump:number_lines"
    if measures.has_longer_line(data, 1_000):
        if measures.base64_share(data) > 0.3:
            return "base64"
        if measures.has_longer_line(data, about.max_line) or _mean_line(data) > max(300, about.max_line // 50):
            return "minified"
    return None


def _mean_line(data: bytes) -> float:
    return len(data) / (data.count(b"\n") + 1)


def _relevance(rules: RuleFile, topics: Topics) -> Callable[[bytes, int, str, float], bool] | None:
    """Whether a file is about mathematics: words, imports and signs against the language's threshold."""
    if rules.relevance is None:
        return None
    pass_at, libraries, score = rules.relevance.pass_at, _library_weights(rules.library), scorer(topics.weights)
    imports = importer(rules.about.name) if rules.library else None

    def relevant(data: bytes, begin: int, path: str, signs: float) -> bool:
        total = signs + score((data[begin : begin + WORDS], path.encode()))
        if imports is not None:
            total += libraries(imports(data[begin : begin + HEAD]))
        return total > pass_at

    return relevant


def _library_weights(tables: Sequence[Library]) -> Callable[[frozenset[str]], float]:
    compiled = [(table.weight, _belongs(table.names), _belongs(table.unless)) for table in tables]
    memo: dict[str, tuple[int, ...]] = {}

    def tables_of(name: str) -> tuple[int, ...]:
        return tuple(number for number, (_, yes, no) in enumerate(compiled) if yes(name) and not no(name))

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


def _belongs(names: Sequence[str]) -> Callable[[str], bool]:
    """Whether a name is one of ``names``, or below one: everything before some dot or slash of it is one."""
    plain = frozenset(name for name in names if "*" not in name)
    globs = "|".join("[^/.]*".join(map(re.escape, name.split("*"))) for name in names if "*" in name)
    below = re.compile(rf"(?:{globs})(?:[./]|\Z)").match if globs else None

    def belongs(name: str) -> bool:
        if name in plain or (below is not None and below(name)):
            return True
        return any(name[: sign.start()] in plain for sign in _SIGN.finditer(name))

    return belongs
