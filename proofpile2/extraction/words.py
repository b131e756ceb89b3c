"""Word lists as text."""

from __future__ import annotations

__all__ = ["phrases", "words"]


def words(text: str) -> frozenset[str]:
    """The words of a text, for tables that are easier to read as one."""
    return frozenset(text.split())


def phrases(text: str) -> tuple[str, ...]:
    """The phrases of a text in which a bar stands between them."""
    return tuple(" ".join(phrase.split()) for phrase in text.split("|"))
