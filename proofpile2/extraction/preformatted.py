"""Code: the text of preformatted elements, line by line, and its language."""

from __future__ import annotations

import re

from selectolax.lexbor import LexborNode

from proofpile2.extraction.words import words

__all__ = ["code_lines", "is_gutter", "language", "preformatted"]

_LANGUAGE = re.compile(
    r"(?:^|\s)(?:language|lang|brush|highlight-source|highlight|sourceCode|src)[-: ]+([A-Za-z][\w+#.-]*)"
)
_GUTTER = re.compile(
    r"(?:^|\s)(?:linenos?|gutter|line-?numbers?|lineno|blob-num|rouge-gutter|hljs-ln-numbers|linenodiv)(?:\s|$)"
)
_NO_LANGUAGE = words(
    """
    default none notranslate text plaintext console-output output highlight source code block plain txt
    """
)


def is_gutter(names: str) -> bool:
    """Whether class names are those of line numbers."""
    return _GUTTER.search(names) is not None


def language(node: LexborNode, names: str) -> str:
    """The language of code by the class names of its element, of the code in it or of its parents; else empty."""
    inner = node.css_first("code")
    candidates = [names, (inner.attributes.get("class") or "") if inner is not None else ""]
    parent = node.parent
    for _ in range(2):
        if parent is not None:
            candidates.append(parent.attributes.get("class") or "")
            parent = parent.parent
    for candidate in candidates:
        match = _LANGUAGE.search(candidate)
        if match and match.group(1).lower() not in _NO_LANGUAGE:
            return match.group(1).lower()
    return ""


def code_lines(node: LexborNode) -> str:
    """Code that is set as one ``<div class="line">`` a line, as Doxygen does, without tooltips; else nothing."""
    lines: list[str] = []
    child = node.first_child
    while child is not None:
        if child.tag == "div":
            tokens = (child.attributes.get("class") or "").split()
            if "line" in tokens:
                lines.append(preformatted(child).replace("\u00a0", " ").rstrip())
            elif not lines:
                return ""
        elif child.tag not in ("-text", "-comment", "a", "span"):
            return ""
        child = child.next
    return "\n".join(lines)


def preformatted(node: LexborNode) -> str:
    """All text below a node with its white space, without line numbers; a loop, however deep it nests."""
    out: list[str] = []
    stack: list[LexborNode] = []
    current = node.first_child
    while current is not None or stack:
        if current is None:
            current = stack.pop().next
            continue
        tag = current.tag
        if tag == "-text":
            out.append(current.text_content or "")
        elif tag == "br":
            out.append("\n")
        elif tag not in ("-comment", "button", "script", "style"):
            names = current.attributes.get("class") or ""
            child = current.first_child
            if child is not None and not (names and _GUTTER.search(names)):
                if tag in ("div", "p", "li") and out and not out[-1].endswith("\n"):
                    out.append("\n")
                stack.append(current)
                current = child
                continue
        current = current.next
    return "".join(out)
