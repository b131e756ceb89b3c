"""What stands behind a formula from a comment: the formula again, set in HTML, which must not be read twice."""

from __future__ import annotations

import re
from collections import Counter

from selectolax.lexbor import LexborNode

from proofpile2.extraction import formulas as fm
from proofpile2.extraction.content import MATH, name_flags

__all__ = ["Rendering"]

_NOT_SET = re.compile(r"\\[A-Za-z]+|[\\{}^_&$\s]")
_SAME_CHARACTER = {"−": "-", "–": "-", "′": "'", "’": "'", "∗": "*"}


class Rendering:
    """The characters of a formula that are still to be set, and whether more may come (``done``)."""

    __slots__ = ("done", "left", "tex")

    def __init__(self, tex: str) -> None:
        self.tex = tex
        self.left = Counter(_NOT_SET.sub("", tex))
        self.done = False

    def rest(self, text: str) -> str:
        """What is left of a text when the formula's own characters are taken off."""
        left = self.left
        place = 0
        while place < len(text):
            char = _SAME_CHARACTER.get(text[place], text[place])
            if not char.isspace():
                if left[char] <= 0 and (char.isascii() or (char.isalpha() and char < "Ͱ")):
                    break
                if char.isalpha() and text[place + 1 : place + 2].isalpha() and text[place : place + 2] not in self.tex:
                    break
                left[char] -= 1
            place += 1
        if place == len(text):
            return ""
        self.done = True
        return text[len(text[:place].rstrip()) :]

    def element(self, node: LexborNode, tag: str, attributes: fm.Attributes) -> tuple[tuple[str, object] | None] | None:
        """What to do with an element: (None,) leaves it out, None is for the usual."""
        if tag in ("img", "i", "b", "sub", "sup", "font", "em", "strong", "small", "span", "nobr", "var"):
            if tag == "img":
                return (None,)
            if name_flags(attributes.get("class") or "", "") & MATH:
                self.done = True
                return (None,)
            return (("", None),)
        if tag == "p" and node.first_child is None:
            return None
        if tag in ("div", "table", "center") and (
            name_flags(attributes.get("class") or "", "") & MATH
            or (node.css_first("img, table") is not None and len(node.text()) < 400)
        ):
            self.done = True
            return (None,)
        if tag not in ("p", "br", "a"):
            self.done = True
        return None
