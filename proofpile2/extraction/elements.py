"""Elements that are one formula as a whole, and elements that are never shown."""

from __future__ import annotations

import re

from selectolax.lexbor import LexborNode

from proofpile2.extraction import formulas as fm
from proofpile2.extraction import tex as tx
from proofpile2.extraction.content import MATH, RENDERED, name_flags
from proofpile2.extraction.preformatted import preformatted
from proofpile2.extraction.words import words

__all__ = ["evidence", "hidden_source", "is_unseen", "picture", "source_follows"]

_WHOLE = words("body html main article section nav form table ul ol")
_SET_IN_HTML = frozenset(("span", "i", "em", "font", "var", "nobr", "div", "p", "td"))
_NO_LAYOUT = "a, p, li, table, pre, code, math, script, input, h1, h2, h3, h4, svg, br + br"


def evidence(
    node: LexborNode, tag: str, attributes: fm.Attributes, mathematical: bool, nested: int
) -> fm.Formula | None:
    """A formula that the element says itself, in an attribute or as its whole small text.

    ``nested`` counts the mathematical elements round it.
    """
    if nested > 4 or tag in _WHOLE:
        return None
    made = fm.from_attributes(attributes, mathematical, tag)
    if made or not mathematical:
        return made
    return _typed(node, tag, attributes) or _set_in_html(node, tag, attributes)


def _typed(node: LexborNode, tag: str, attributes: fm.Attributes) -> fm.Formula | None:
    """A formula that is the whole text of a small element."""
    child = node.first_child
    count = 0
    while child is not None:
        count += 1
        name = child.tag
        if name == "-text" or name in ("br", "wbr", "-comment", "nobr"):
            pass
        elif name in ("span", "font", "em", "tt", "code", "div", "p") and (
            child.first_child is None or (child.first_child.tag == "-text" and child.first_child.next is None)
        ):
            if name_flags(child.attributes.get("class") or "", "") & RENDERED or (name in ("div", "p") and count > 1):
                return None
        else:
            return None
        if count > 12:
            return None
        child = child.next
    text = _text(node)
    return fm.from_text(text, attributes, tag) if text else None


def _text(node: LexborNode) -> str:
    """Text of a small element, a line break for each ``<br>``."""
    if node.css_first("br") is None:
        return node.text()
    return preformatted(node)


def _set_in_html(node: LexborNode, tag: str, attributes: fm.Attributes) -> fm.Formula | None:
    """A small mathematical element whose formula is set with italics, scripts and pictures."""
    if tag not in _SET_IN_HTML or node.css_first(_NO_LAYOUT) is not None:
        return None
    return fm.from_layout(node, attributes, tag)


def picture(node: LexborNode, attributes: fm.Attributes, tag: str, mathematical: bool) -> fm.Formula | None:
    """A formula that an ``<svg>`` or ``<object>`` shows: its attributes, its description or what is drawn."""
    made = fm.from_attributes(attributes, mathematical, tag)
    if made is None and tag == "object":
        return fm.from_image(attributes, mathematical)
    if made is None:
        for name in ("desc", "title"):
            found = node.css_first(name)
            text = found.text().strip() if found is not None else ""
            if text and tx.is_tex(tx.clean(text)[0]) and "\\" in text:
                made = fm.Formula(tx.clean(text)[0], fm.form_of(attributes))
                break
    if made is None:
        label = attributes.get("aria-label") or ""
        if "\\" in label and tx.is_tex(tx.clean(label)[0]):
            made = fm.Formula(tx.clean(label)[0], fm.form_of(attributes))
    if made is None and node.css_first("[data-mml-node], foreignObject math") is not None:
        made = fm.from_rendered(node, attributes, tag)
    return made


def source_follows(node: LexborNode) -> bool:
    """Whether a script with the source comes right behind what a program rendered."""
    sibling = node.next
    for _ in range(6):
        if sibling is None:
            break
        other = sibling.tag
        if other == "script":
            if fm.is_math_script(sibling.attributes.get("type") or ""):
                return True
            break
        if other == "-text":
            if (sibling.text_content or "").strip():
                break
        elif other != "-comment" and not name_flags(sibling.attributes.get("class") or "", "") & RENDERED:
            break
        sibling = sibling.next
    return False


def hidden_source(node: LexborNode, tag: str, text: str, attributes: fm.Attributes, flags: int) -> fm.Formula | None:
    """The source of the picture before an element that is not shown."""
    before = node.prev
    while before is not None and before.tag == "-text" and not (before.text_content or "").strip():
        before = before.prev
    if before is None or before.tag not in ("img", "svg", "object", "canvas"):
        return None
    made = fm.from_attributes(attributes, bool(flags & MATH), tag) if attributes else None
    if made is None and len(text) < 3000:
        inner, form = tx.clean(text)
        if tx.is_tex(inner) and (form is not None or flags & MATH or "\\" in inner):
            made = fm.Formula(inner, form)
    return made


def is_unseen(attributes: fm.Attributes) -> bool:
    """Whether an element is never shown; a tab that waits to be chosen and text that a search opens are."""
    if attributes.get("role") == "tabpanel" or attributes.get("hidden") == "until-found":
        return False
    return "hidden" in attributes or _invisible(attributes.get("style"))


def _invisible(style: str | None) -> bool:
    return style is not None and "none" in style and re.search(r"display\s*:\s*none", style, re.IGNORECASE) is not None
