"""TeX from rendered layout, where a page keeps neither source nor MathML."""

from __future__ import annotations

from selectolax.lexbor import LexborNode

__all__ = ["to_latex"]


def to_latex(node: LexborNode) -> str | None:
    """TeX for the layout below ``node``; None where it is not understood."""
    del node
    return None
