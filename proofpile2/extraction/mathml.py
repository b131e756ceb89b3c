r"""MathML to LaTeX.

`to_latex` walks a `<math>` element once, without recursion, and writes LaTeX as an author would: `\sum_{i=1}^n`,
`\left(\frac{a}{b}\right)^2`, `\begin{cases}`, `\sin x`. It follows the meaning of the elements in MathML 3 and MathML
Core (w3.org/TR/MathML3, w3.org/TR/mathml-core) and what MathJax, KaTeX, Temml, LaTeXML, tex4ht, pandoc and word
processors make of LaTeX. Prefixes (`mml:mi`) are ignored. Content MathML is converted where it is all there is.

Nothing is executed or fetched. The work is linear in the number of elements: nesting deeper than `MAX_DEPTH` is
flattened, a formula of more than `MAX_NODES` elements is refused (None).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from proofpile2.extraction import mathml_content
from proofpile2.extraction.mathml_elements import HANDLERS, Frame
from proofpile2.extraction.mathml_row import FRACTION, PRIME, Atom, row
from proofpile2.extraction.mathml_tokens import MAX_TOKEN, stray, text_atom, token, variant_of

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

__all__ = ["MAX_DEPTH", "MAX_NODES", "is_display", "tex_annotation", "to_latex"]

MAX_DEPTH = 200
"""Elements inside elements; what is nested deeper is written in a row."""
MAX_NODES = 100_000
"""Elements of one formula, and eighths of characters outside of elements; what a person reads has a few thousand."""


MAX_TRIMMED = 100
"""Spacing commands taken off each end of a formula."""

_SPACES = (r"\,", r"\:", r"\;", r"\!", r"\ ", r"\quad", r"\qquad", r"\enspace")
_TEX_ENCODING = re.compile(r"(?<![a-z])(?:la|ams|ams-?la|plain|k)?tex(?![a-z])")

_TOKENS = frozenset({"mi", "mn", "mo", "mtext", "ms", "ci", "cn", "csymbol"})
_VOID = frozenset({"mspace", "none", "mprescripts", "mglyph"}) | mathml_content.VOID
_SKIPPED = frozenset({"annotation", "annotation-xml", "script", "style", "title", "desc", "maligngroup", "malignmark"})


def to_latex(node: LexborNode) -> str | None:
    r"""LaTeX without delimiters for a `<math>` element (or any element of MathML); None when it holds nothing.

    The braces of the result are balanced, and `$ % # & _` of the source are escaped (`&` and `\\` stand only in
    tables). Annotations are ignored (see `tex_annotation`). Spaces at both ends are dropped. Malformed trees give
    what can be read of them; no exception is raised for any tree.
    """
    source = _only_text(node)
    if source is not None:
        return _plain(source) if len(source) < 8 * MAX_NODES else None
    atom = _walk(node)
    if atom is None:
        return None
    if atom.kind == PRIME:
        return r"\prime" * len(atom.tex)
    tex = atom.tex + atom.tail
    if atom.kind == FRACTION and tex[1] in "dt":
        tex = "\\" + tex[2:]  # the size of a fraction alone is that of the formula
    return _trimmed(tex) or None


def _trimmed(tex: str) -> str:
    r"""Without spaces at the ends, but never with half of a `\ ` there."""
    for _ in range(MAX_TRIMMED):
        tex = tex.strip()
        cut = next((space for space in _SPACES if tex.endswith(space)), "")
        if cut and not tex.endswith("\\" + cut):
            tex = tex[: -len(cut)]
        elif tex.endswith("\\") and not tex.endswith(r"\\"):
            tex = tex[:-1]  # of a control space
        else:
            break
    for _ in range(MAX_TRIMMED):
        cut = next((space for space in _SPACES if tex.startswith(space)), "")
        after = tex[len(cut) :]
        if not cut or (cut[-1].isalpha() and after[:1].isalpha()):
            break
        tex = after.lstrip()
    return tex + " " if tex.endswith("\\") and not tex.endswith(r"\\") else tex


def is_display(node: LexborNode) -> bool:
    """Whether a `<math>` element is a formula of its own line: `display="block"`, the older `mode="display"`, a
    `displaystyle` of its own, or nothing but a table of equations. A `mstyle` inside proves nothing: Wikipedia and
    AsciiMath put one into every inline formula."""
    attributes = node.attributes
    display = (attributes.get("display") or "").strip().lower()
    if display:
        return display in {"block", "display", "true"}
    if (attributes.get("mode") or "").strip().lower() == "display":
        return True
    if (attributes.get("displaystyle") or "").strip().lower() == "true":
        return True
    inner: LexborNode | None = node
    for _ in range(8):
        inner = _only_element(inner) if inner is not None else None
        if inner is None:
            return False
        tag = _local(inner.tag or "")
        if tag == "mtable":
            own = inner.attributes
            labelled = any(_local(child.tag or "") == "mlabeledtr" for child in _elements(inner))
            return labelled or (own.get("displaystyle") or "").strip().lower() == "true"
        if tag not in {"mrow", "mstyle", "semantics", "mpadded"}:
            return False
    return False


def tex_annotation(node: LexborNode) -> str | None:
    r"""The TeX source that a `<math>` element carries as an annotation, stripped of white space; None without one.

    Any encoding that names TeX counts (`application/x-tex`, `TeX`, `LaTeX`, `text/x-latex`, ...), and so does an
    annotation without encoding that holds a TeX command. Prefixes are ignored.
    """
    plain = node.css("annotation, annotation-xml")
    for child in plain or node.traverse(include_text=False):
        if not plain and _local(child.tag or "") not in {"annotation", "annotation-xml"}:
            continue
        encoding = (child.attributes.get("encoding") or "").lower()
        text = child.text(deep=True)
        if not text or not text.strip():
            continue
        if _TEX_ENCODING.search(encoding) or (not encoding and re.search(r"\\[A-Za-z]", text)):
            return text.strip()
    return None


def _walk(root: LexborNode) -> Atom | None:
    stack = [Frame("math", root.attributes, root.child, None)]
    nodes = 0
    while True:
        frame = stack[-1]
        child = frame.next
        if child is None:
            stack.pop()
            if frame.flat and stack:
                stack[-1].kids.extend(frame.kids)
                continue
            atom = _finish(frame)
            if not stack:
                return atom
            stack[-1].kids.append(atom)
            continue
        frame.next = None if frame.alone else child.next
        if not child.is_element_node:
            text = child.text_content if child.is_text_node else None
            if text and (frame.text or not text.isspace()):
                nodes += len(text) // 8
                if nodes > MAX_NODES:
                    return None
                frame.kids.extend(_text_node(frame, text))
            continue
        nodes += 1
        if nodes > MAX_NODES:
            return None
        tag = child.tag or ""
        if tag in _TOKENS:
            atom_or_none = _leaf(tag, child, frame.variant)
            if atom_or_none is not None:
                nodes += len(atom_or_none.tex) // 8
                frame.kids.append(atom_or_none)
                continue
        elif tag not in HANDLERS:
            tag = _local(tag)
            if tag in {"semantics", "maction"}:
                shown = _choose(child, tag)
                if shown is None:
                    continue
                child, tag = shown, _local(shown.tag or "")
                if tag in {"semantics", "maction"}:
                    # one inside the other: a frame that reads this node only
                    frame_of_one = Frame("mrow", {}, child, frame.variant)
                    frame_of_one.alone = True
                    stack.append(frame_of_one)
                    continue
            elif tag in _SKIPPED:
                continue
            if tag in _TOKENS:
                atom_or_none = _leaf(tag, child, frame.variant)
                if atom_or_none is not None:
                    frame.kids.append(atom_or_none)
                    continue
        attributes = child.attributes
        first = child.child
        if tag in _VOID:
            # in HTML a prefixed <mml:mspace/> is not closed and swallows what follows it
            frame.kids.append(HANDLERS[tag](Frame(tag, attributes, None, None)))
            if first is not None:
                inner = Frame("mrow", {}, first, frame.variant)
                inner.flat = True
                inner.text = frame.text
                stack.append(inner)
            continue
        variant = variant_of(attributes) or frame.variant
        inner = Frame(tag, attributes, first, variant)
        inner.flat = len(stack) >= MAX_DEPTH
        inner.parent = frame.tag
        if frame.text and tag not in HANDLERS:
            inner.text = True
        stack.append(inner)


def _leaf(tag: str, node: LexborNode, variant: str | None) -> Atom | None:
    """The atom of a token element that holds text only; None when it holds elements."""
    first = node.child
    if first is None:
        text: str | None = ""
    elif first.next is None and first.is_text_node:
        text = first.text_content
    else:
        text = _text_of(first)
        if text is None:
            return None
    return token(tag, text or "", node.attributes, variant)


def _finish(frame: Frame) -> Atom:
    handler = HANDLERS.get(frame.tag)
    if handler is not None:
        return handler(frame)
    made = mathml_content.convert(frame.tag, frame.attributes, frame.kids)
    return made if made is not None else row(frame.kids)


def _local(tag: str) -> str:
    return tag.rpartition(":")[2].lower()


def _elements(node: LexborNode) -> Iterator[LexborNode]:
    child = node.child
    while child is not None:
        if child.is_element_node:
            yield child
        child = child.next


def _only_element(node: LexborNode) -> LexborNode | None:
    found = [child for child in _elements(node) if _local(child.tag or "") not in _SKIPPED]
    return found[0] if len(found) == 1 else None


def _only_text(node: LexborNode) -> str | None:
    """The text of an element that has no elements: TeX between `<math>` tags that nothing has rendered."""
    child = node.child
    parts = []
    while child is not None:
        if child.is_element_node:
            return None
        if child.is_text_node:
            parts.append(child.text_content or "")
        child = child.next
    return "".join(parts)


def _text_of(first: LexborNode) -> str | None:
    """The text of siblings that are text and comments only."""
    parts = []
    node: LexborNode | None = first
    while node is not None:
        if node.is_element_node:
            return None
        if node.is_text_node:
            parts.append(node.text_content or "")
        node = node.next
    return "".join(parts)


def _choose(node: LexborNode, tag: str) -> LexborNode | None:
    """The child of `semantics` or `maction` that is shown."""
    children = list(_elements(node))
    if tag == "maction":
        selection = (node.attributes.get("selection") or "1").strip()
        index = int(selection) - 1 if selection.isdecimal() and len(selection) < 5 else 0
        return children[index] if index < len(children) else (children[0] if children else None)
    shown = next((child for child in children if _local(child.tag or "") not in _SKIPPED), None)
    if shown is None or _local(shown.tag or "") in mathml_content.TAGS:
        for child in children:
            encoding = (child.attributes.get("encoding") or "").lower()
            if _local(child.tag or "") == "annotation-xml" and "presentation" in encoding:
                return child
    if shown is None:
        return next(
            (c for c in children if _local(c.tag or "") == "annotation-xml" and "content" in str(c.attributes)), None
        )
    return shown


def _plain(source: str) -> str | None:
    r"""A `<math>` element with text only: TeX as it is if it is balanced, otherwise read as symbols."""
    source = source.strip()
    if not source:
        return None
    depth = 0
    for found in re.finditer(r"\\.|[{}$%#]", source, re.S):
        mark = found.group()
        depth += (mark == "{") - (mark == "}")
        if depth < 0 or mark in "$%#":
            break
    else:
        if depth == 0 and re.search(r"[\\^_]", source) and not source.endswith("\\"):
            return source
    return row(stray(source)).tex.strip() or None


def _text_node(frame: Frame, text: str) -> list[Atom]:
    if not frame.text:
        return stray(text)
    return [text_atom(text, frame.variant) if len(text) < MAX_TOKEN else text_atom.__wrapped__(text, frame.variant)]
