"""What the words of a file say about its subject."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

from proofpile2.code.rulefile import Evidence
from proofpile2.config import build, nearest, read_toml
from proofpile2.errors import ConfigError

__all__ = ["Topics", "read_topics", "scorer", "stem"]

_LETTERS = bytes(code if chr(code).isascii() and chr(code).isalpha() else 32 for code in range(256))
_PIECES = re.compile(rb"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_MEMO_LIMIT = 200_000


@dataclass(frozen=True)
class _Topic:
    name: str
    weight: float
    words: str


def stem(word: str) -> str:
    """Small letters, without the s of a plural."""
    word = word.lower()
    return word[:-1] if len(word) > 4 and word.endswith("s") and not word.endswith("ss") else word


@dataclass(frozen=True)
class Topics:
    """``weights`` of stems, and ``signs`` of mathematics in any language."""

    weights: Mapping[str, float]
    signs: tuple[Evidence, ...] = ()


def read_topics(path: str | Path) -> Topics:
    """``filters/code/_topics.toml``. ConfigError where a word stands under two weights, or is not one plain word."""
    table = read_toml(path)
    for key in table:
        if key not in ("topic", "sign"):
            raise ConfigError(f"{path}: unknown table {key!r}{nearest(key, ['topic', 'sign'])}")
    weights: dict[str, float] = {}
    for number, one in enumerate(table.get("topic", []), 1):
        topic = build(_Topic, one, f"{path}: topic {number}")
        for word in topic.words.split():
            if not word.isalpha() or not word.isascii():
                raise ConfigError(f"{path}: topic {topic.name}: {word!r} is not one plain word, and would never match")
            if weights.setdefault(stem(word), topic.weight) != topic.weight:
                raise ConfigError(f"{path}: {word!r} stands under two weights")
    signs = (build(Evidence, one, f"{path}: sign {number}") for number, one in enumerate(table.get("sign", []), 1))
    return Topics(weights, tuple(signs))


def scorer(weights: Mapping[str, float]) -> Callable[[Iterable[bytes]], float]:
    """A function from texts (bytes) of one file to its score.

    Each word counts once however often it stands there; the sum over the square root of the number of known words (plus
    two, so that a word or two decide little) makes long and short files comparable.
    """
    plain = {form.encode(): word for word in weights for form in (word, word + "s")}
    seen: set[bytes] = set()
    telling: dict[bytes, tuple[str, ...]] = {}

    def learn(names: set[bytes]) -> None:
        if len(seen) > _MEMO_LIMIT:
            seen.clear()
            telling.clear()
        for name in names:
            if name in plain:
                telling[name] = (plain[name],)
            elif not name.islower():
                pieces = (piece.lower() for piece in _PIECES.findall(name[:200]))
                if found := tuple(plain[piece] for piece in pieces if piece in plain):
                    telling[name] = found
        seen.update(names)

    def score(texts: Iterable[bytes]) -> float:
        names = set(b" ".join(texts).translate(_LETTERS).split())
        if fresh := names - seen:
            learn(fresh)
            # what was forgotten is learnt again
            if not names <= seen:
                learn(names)
        found = {piece for name in names & telling.keys() for piece in telling[name]}
        # a fixed order: floats do not add up alike in every order
        return sum(weights[piece] for piece in sorted(found)) / sqrt(len(found) + 2)

    return score
