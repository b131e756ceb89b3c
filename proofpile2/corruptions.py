"""Ways in which a page of prose goes bad, made on purpose: what a perplexity filter is measured with.

Each takes the text of a page, a random number generator and texts of other pages, and returns a text of about the same
number of words. ``corrupt(kind, text, key, others)`` draws from ``kind`` and ``key`` alone, so it gives the same twice.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from proofpile2.schema import unit_interval

__all__ = ["KINDS", "corrupt", "in_sentences"]

Corruption = Callable[[str, random.Random, Sequence[str]], str]
_SENTENCE_END = re.compile(r"[.!?:;][\"')\]*_]*$")
_LONG_WORD = re.compile(r"[A-Za-z]{4,}")
_LOOKALIKES = {"l": "1", "o": "0", "e": "c", "m": "rn", "h": "b", "i": "1", "s": "5", "d": "cl", "u": "ii"}
_ACCENTED = {"a": "á", "e": "é", "o": "ö", "u": "ü"}


def _shuffled_words(text: str, chance: random.Random, _: Sequence[str]) -> str:
    words = text.split()
    chance.shuffle(words)
    return " ".join(words)


def _shuffled_fours(text: str, chance: random.Random, _: Sequence[str]) -> str:
    words = text.split()
    pieces = [words[n : n + 4] for n in range(0, len(words), 4)]
    chance.shuffle(pieces)
    return " ".join(word for piece in pieces for word in piece)


def _other_words(text: str, chance: random.Random, others: Sequence[str]) -> str:
    strange = " ".join(_some(others, chance)).split()
    return " ".join(chance.choice(strange) if chance.random() < 0.25 else word for word in text.split())


def _keywords(text: str, chance: random.Random, _: Sequence[str]) -> str:
    common = [word for word, _ in sorted(Counter(_LONG_WORD.findall(text)).items(), key=lambda e: (-e[1], e[0]))[:60]]
    return ", ".join(chance.choice(common) for _ in text.split()) if common else ""


def _links(text: str, chance: random.Random, others: Sequence[str]) -> str:
    titles: list[str] = []
    pages = [_LONG_WORD.findall(page) or ["Home"] for page in _some(others, chance)]
    for _ in range(len(text.split()) // 2):
        page = chance.choice(pages)
        start = chance.randrange(len(page))
        titles.append(" ".join(page[start : start + chance.randint(1, 3)]))
    return "\n".join(titles)


def _index(text: str, chance: random.Random, _: Sequence[str]) -> str:
    return "\n".join(f"{word}, {chance.randrange(1, 400)}" for word in sorted(set(_LONG_WORD.findall(text))))


def _letters(text: str, chance: random.Random, _: Sequence[str]) -> str:
    alphabet = "abcdefghijklmnopqrstuvwxyz"

    def wrong(letter: str) -> str:
        kind = chance.random()
        return (
            letter if kind >= 0.1 else chance.choice(alphabet) if kind < 0.06 else "" if kind < 0.08 else letter + " "
        )

    return "".join(wrong(letter) if letter.isalpha() else letter for letter in text)


def _scan(text: str, chance: random.Random, _: Sequence[str]) -> str:
    return "".join(_LOOKALIKES.get(letter, letter) if chance.random() < 0.25 else letter for letter in text)


def _mojibake(text: str, chance: random.Random, _: Sequence[str]) -> str:
    accented = "".join(_ACCENTED.get(letter, letter) if chance.random() < 0.3 else letter for letter in text)
    return accented.encode().decode("latin-1")


def _repeated(text: str, chance: random.Random, _: Sequence[str]) -> str:
    words = text.split()
    start = chance.randrange(max(len(words) - 15, 1))
    return "\n".join([" ".join(words[start : start + 15])] * (len(words) // 15 + 1))


def _salad(text: str, chance: random.Random, others: Sequence[str]) -> str:
    pieces: list[str] = []
    pages = [page.split() for page in _some(others, chance)]
    for _ in range(len(text.split()) // 20 + 1):
        page = chance.choice(pages)
        start = chance.randrange(max(len(page) - 20, 1))
        pieces.append(" ".join(page[start : start + 20]))
    return " ".join(pieces)


def _some(others: Sequence[str], chance: random.Random) -> list[str]:
    found = [text for text in chance.choices(others, k=20) if text.strip()]
    return found or ["nothing"]


KINDS: Mapping[str, Corruption] = {
    "shuffled words": _shuffled_words,
    "shuffled pieces of four words": _shuffled_fours,
    "every fourth word from other pages": _other_words,
    "keywords": _keywords,
    "links": _links,
    "index": _index,
    "one letter in ten wrong": _letters,
    "bad scan": _scan,
    "mojibake": _mojibake,
    "a line repeated": _repeated,
    "pieces of twenty words of other pages": _salad,
}
"""By name. The last two look like prose to any n-gram model, and are here to say so.

``keywords``  the page's sixty commonest words of four letters or more, drawn again and again
``links``     one to three words of four letters or more from here and there, as the texts of links are
``index``     the words of the page in alphabetical order, with page numbers
``mojibake``  accented letters in UTF-8 that were read as Latin-1
"""


def corrupt(kind: str, text: str, key: str, others: Sequence[str]) -> str:
    """``text`` gone bad in the way ``kind`` of :data:`KINDS`; the same ``key`` gives the same result."""
    return KINDS[kind](text, random.Random(unit_interval(key, kind[:16])), others)  # noqa: S311 (no secret)


def in_sentences(text: str) -> float:
    """Share of the words of Markdown without its formulas that stand in lines which end as sentences do.

    Lines with fewer than six words, headings and tables don't count. Half or more is called prose in the figures.
    """
    total, inside = 0, 0
    for line in text.splitlines():
        line = line.strip()
        count = len(line.split())
        total += count
        if count >= 6 and not line.startswith(("|", "#")) and _SENTENCE_END.search(line):
            inside += count
    return inside / max(total, 1)
