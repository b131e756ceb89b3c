"""Rule tables: TOML files of what we believe about content, compiled to a function from a row to a rule's name or None.

A rule file holds ``[[rule]]`` and ``[[example]]`` tables, nothing else::

    [[rule]]
    name = "search-results"                 # the detail of the drop reason
    why = "Lists of links to other pages"
    path = ["/search"]                      # any of these ...
    unless_host = ["search-theory.org"]     # ... but not on these hosts

    [[example]]
    url = "https://example.org/search?q=group"
    expect = "search-results"               # the name of a rule, or "keep"

The conditions of one rule must all hold; the values of one condition are alternatives. Addresses are parsed and matched
part by part, never as raw text: ``host = ["is.mpg.de"]`` is that host and those below it, and never ``mis.mpg.de``.

================== =================================================================================================
``host``           the host is the value or ends in ``.value``
``label``          one of the names between the dots of the host is the value; ``*`` stands for any characters
``path``           neighbouring segments of the path are the value, such as ``author/*``; a value that begins with ``/``
                   must begin the path; ``*`` stands for any characters of one segment; small and capital are alike
``page``           the last segment of the path, without an ending such as ``.html``, is the value; ``*`` as above
``query``          the query has a parameter of this name, or of this ``name=value``
``accents_above``  more than this share of the characters, and more than ten of them, have an accent, as é has
``shorter_than``   the text has fewer characters, white space at both ends not counted
``formulas_below`` fewer formulas than this; ``\\PageIndex``, with which LibreTexts numbers its figures, is not counted
``unless_host``    and so on for all of them: the condition must not hold
================== =================================================================================================

The first rule that applies names the reason. A missing comma is an error of TOML, an unknown key a ConfigError that
names the nearest one, and so is a rule without a condition, which would drop everything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from proofpile2.config import build, nearest, read_toml
from proofpile2.errors import ConfigError
from proofpile2.prose import split

__all__ = ["Address", "Page", "Rule", "compile_rules", "digest_of", "parse_address", "read_rules", "run_examples"]


@dataclass(frozen=True)
class Address:
    """A URL in small letters: host without ``www.`` and port, decoded segments, names and ``name=value`` of queries."""

    host: str = ""
    segments: tuple[str, ...] = ()
    query: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Page:
    """What rules look at. ``formulas`` is how many stand in the text; None where nobody counted."""

    address: Address = Address()
    text: str = ""
    counted: int | None = None

    @cached_property
    def formulas(self) -> int:
        """Formulas, those that only number a figure left out."""
        counted = self.counted
        if counted is None:
            latex = split(self.text)[1]
            counted = latex.count("\n") + 1 if latex else 0
        return counted - self.text.count("\\PageIndex{")


@dataclass(frozen=True)
class Rule:
    """One ``[[rule]]`` table; the module's text says what the conditions mean."""

    name: str
    why: str
    host: tuple[str, ...] = ()
    label: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    page: tuple[str, ...] = ()
    query: tuple[str, ...] = ()
    accents_above: float | None = None
    shorter_than: int | None = None
    formulas_below: int | None = None
    unless_host: tuple[str, ...] = ()
    unless_label: tuple[str, ...] = ()
    unless_path: tuple[str, ...] = ()
    unless_page: tuple[str, ...] = ()
    unless_query: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Example:
    expect: str
    url: str = ""
    text: str = ""
    formulas: int | None = None
    note: str = ""


Test = Callable[[Page], bool]
_ENDING = re.compile(r"\.(?:x?html?|php\d?|aspx?|jsp|cgi|pl|do|cfm)$")
_ACCENTED = "üïöêäâîûôèéà"  # OpenWebMath's list (keirp/OpenWebMath, filter_dataset.py)


def read_rules(path: str | Path) -> tuple[Rule, ...]:
    """The rules of a file. Raises ConfigError for anything that is not as the module's text says."""
    return _read(path)[0]


def compile_rules(rules: Sequence[Rule]) -> Callable[[Page], str | None]:
    """A function that gives the name of the first rule that applies to a page, or None."""
    compiled = [(rule.name, _tests(rule)) for rule in rules]

    def judge(page: Page) -> str | None:
        for name, tests in compiled:
            if all(test(page) for test in tests):
                return name
        return None

    return judge


def parse_address(url: str | None) -> Address:
    """The parts of a URL; empty parts where it is not one, so that no rule about addresses applies."""
    try:
        parts = urlsplit((url or "").strip())
        host = (parts.hostname or "").rstrip(".").removeprefix("www.")
    except ValueError:
        return Address()
    segments = tuple(unquote(segment).lower() for segment in parts.path.split("/") if segment)
    pairs = parse_qsl(parts.query[:2000], keep_blank_values=True) if parts.query else []
    named = {name.lower() for name, _ in pairs}
    return Address(host, segments, frozenset(named | {f"{name}={value}".lower() for name, value in pairs}))


def run_examples(path: str | Path) -> list[str]:
    """Runs the ``[[example]]`` tables of a rule file; what went wrong, one line each. Every rule needs an example."""
    rules, examples = _read(path)
    judge = compile_rules(rules)
    failures = []
    for number, example in enumerate(examples, 1):
        found = judge(Page(parse_address(example.url), example.text, example.formulas)) or "keep"
        if found != example.expect:
            shown = example.url or example.text[:60]
            failures.append(f"{path}: example {number} ({shown!r}): expected {example.expect}, found {found}")
    shown_rules = {example.expect for example in examples}
    return failures + [f"{path}: rule {rule.name} has no example" for rule in rules if rule.name not in shown_rules]


def _read(path: str | Path) -> tuple[tuple[Rule, ...], tuple[_Example, ...]]:
    table = read_toml(path)
    for key, value in table.items():
        if key not in ("rule", "example"):
            raise ConfigError(f"{path}: unknown table {key!r}{nearest(key, ['rule', 'example'])}")
        if not isinstance(value, list):
            raise ConfigError(f"{path}: expected [[{key}]], found [{key}]")
    rules = []
    for number, one in enumerate(table.get("rule", []), 1):
        rule = build(Rule, one, f"{path}: rule {number} ({one.get('name', 'no name')})")
        if not _tests(rule):
            raise ConfigError(f"{path}: rule {rule.name} has no condition: it would drop every page")
        rules.append(rule)
    names = [rule.name for rule in rules]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"{path}: two rules have the name {name}")
    examples = tuple(build(_Example, one, f"{path}: example {n}") for n, one in enumerate(table.get("example", []), 1))
    for number, example in enumerate(examples, 1):
        if example.expect != "keep" and example.expect not in names:
            raise ConfigError(f"{path}: example {number} expects {example.expect!r}{nearest(example.expect, names)}")
    return tuple(rules), examples


def _tests(rule: Rule) -> list[Test]:
    """The conditions of a rule, the cheap ones first; an empty list where the rule has none that must hold."""
    tests: list[Test] = []
    for field in fields(rule):
        values = getattr(rule, field.name)
        kind = field.name.removeprefix("unless_")
        if kind not in _ADDRESS_TESTS or not values:
            continue
        test = _ADDRESS_TESTS[kind](tuple(value.lower() for value in values))
        tests.append(_never(test) if kind != field.name else test)
    if rule.shorter_than is not None:
        tests.append(_shorter(rule.shorter_than))
    if rule.formulas_below is not None:
        tests.append(_formulas(rule.formulas_below))
    if rule.accents_above is not None:
        tests.append(_accents(rule.accents_above))
    required = (rule.host, rule.label, rule.path, rule.page, rule.query)
    measured = (rule.shorter_than, rule.formulas_below, rule.accents_above)
    return tests if any(required) or any(value is not None for value in measured) else []


def _never(test: Test) -> Test:
    return lambda page: not test(page)


def _host(values: tuple[str, ...]) -> Test:
    hosts = frozenset(values)

    def test(page: Page) -> bool:
        host = page.address.host
        while host:
            if host in hosts:
                return True
            host = host.partition(".")[2]
        return False

    return test


def _label(values: tuple[str, ...]) -> Test:
    pattern = re.compile("|".join(f"(?:{_glob(value)})" for value in values))
    return lambda page: any(pattern.fullmatch(label) for label in page.address.host.split("."))


def _path(values: tuple[str, ...]) -> Test:
    branches = []
    for value in values:
        segments = "/".join(_glob(segment) for segment in value.strip("/").split("/"))
        branches.append(f"(?:{'^/' if value.startswith('/') else '/'}{segments}(?=/))")
    pattern = re.compile("|".join(branches))

    def test(page: Page) -> bool:
        # a slash inside of a segment was an escaped one
        path = "/".join(segment.replace("/", "%2f") for segment in page.address.segments)
        return bool(path) and pattern.search(f"/{path}/") is not None

    return test


def _page(values: tuple[str, ...]) -> Test:
    pattern = re.compile("|".join(f"(?:{_glob(value)})" for value in values))

    def test(page: Page) -> bool:
        segments = page.address.segments
        return bool(segments) and pattern.fullmatch(_ENDING.sub("", segments[-1])) is not None

    return test


def _query(values: tuple[str, ...]) -> Test:
    wanted = frozenset(values)
    return lambda page: not wanted.isdisjoint(page.address.query)


def _shorter(limit: int) -> Test:
    return lambda page: len(page.text) < limit or len(page.text.strip()) < limit


def _formulas(limit: int) -> Test:
    return lambda page: page.formulas < limit


def _accents(limit: float) -> Test:
    def test(page: Page) -> bool:
        text = page.text
        # a character beyond ASCII takes at least one byte more: mostly that is enough to know
        if len(text.encode("utf-8", "replace")) - len(text) <= max(limit * len(text), 10):
            return False
        return sum(map(text.count, _ACCENTED + _ACCENTED.upper())) > max(limit * len(text), 10)

    return test


def _glob(value: str) -> str:
    """A regular expression for a value in which only ``*`` is special."""
    return "[^/]*".join(re.escape(piece) for piece in re.sub(r"\*+", "*", value).split("*"))


_ADDRESS_TESTS: dict[str, Callable[[tuple[str, ...]], Test]] = {
    "host": _host,
    "label": _label,
    "path": _path,
    "page": _page,
    "query": _query,
}


def digest_of(path: str | Path) -> str:
    """Of a rule file's bytes, for :meth:`proofpile2.step.Step.uses`."""
    return blake2b(Path(path).read_bytes(), digest_size=16).hexdigest()
