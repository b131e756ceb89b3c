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
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from proofpile2.extraction import mathml_content
from proofpile2.extraction import mathml_symbols as sym
from proofpile2.extraction.mathml_row import (
    APPLY,
    ATOP,
    BIG,
    BRACE,
    CELL,
    CLOSE,
    EMPTY,
    FRACTION,
    FUNCTION,
    NONE,
    NOTHING,
    OP,
    OPEN,
    ORD,
    PRESCRIPTS,
    PRIME,
    ROW,
    SPACE,
    TABLE,
    TABLE_ROW,
    TEXT,
    VERTICAL,
    WORD,
    Atom,
    Table,
    argument,
    join,
    nucleus,
    operator_name,
    row,
    table_atom,
    word,
)

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

__all__ = ["MAX_DEPTH", "MAX_NODES", "is_display", "tex_annotation", "to_latex"]

MAX_DEPTH = 200
"""Elements inside elements; what is nested deeper is written in a row."""
MAX_NODES = 100_000
"""Elements of one formula; the largest that a person reads has a few thousand."""

Attributes = dict[str, str | None]

_WHITE = re.compile(r"[ \t\r\n\f]+")
_LETTERS = re.compile(r"[A-Za-z]+")
_WORDLIKE = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_TWO_WORDS = re.compile(r"(?:arg|ess) (?:max|min|sup|inf)")
_NUMBER = re.compile(r"[0-9]+(?:[.,][0-9]+)*\.?|\.[0-9]+")
_STRAY = re.compile(r"[0-9]+(?:\.[0-9]+)?|[A-Za-z]+|\S")
_TEX_ENCODING = re.compile(r"(?<![a-z])(?:la|ams|ams-?la|plain|k)?tex(?![a-z])")
_LENGTH = re.compile(r"\s*([+-]?[0-9]*\.?[0-9]+)\s*(em|ex|px|pt|mu|cm|mm|in|pc|%)?")
_EM = {"em": 1.0, "ex": 0.43, "px": 1 / 16, "pt": 0.1, "mu": 1 / 18, "cm": 2.4, "mm": 0.24, "in": 6.0, "pc": 1.2}

_TOKENS = frozenset({"mi", "mn", "mo", "mtext", "ms", "ci", "cn", "csymbol"})
_VOID = frozenset({"mspace", "none", "mprescripts", "maligngroup", "malignmark", "mglyph"}) | mathml_content.VOID
_SKIPPED = frozenset({"annotation", "annotation-xml", "script", "style", "title", "desc", "maligngroup", "malignmark"})


class _Frame:
    """An element whose children are being read."""

    __slots__ = ("attributes", "flat", "kids", "next", "parent", "tag", "text", "variant")

    def __init__(self, tag: str, attributes: Attributes, following: LexborNode | None, variant: str | None) -> None:
        self.tag = tag
        self.attributes = attributes
        self.next = following
        self.variant = variant
        self.kids: list[Atom] = []
        self.text = tag in {"mtext", "ms"}  # its character data is text, not mathematics
        self.parent = ""
        self.flat = False  # too deep: its atoms go to the parent as they are


def to_latex(node: LexborNode) -> str | None:
    r"""LaTeX without delimiters for a `<math>` element (or any element of MathML); None when it holds nothing.

    The braces of the result are balanced, and `$ % # & _` of the source are escaped (`&` and `\\` stand only in
    tables). Annotations are ignored (see `tex_annotation`). Spaces at both ends are dropped. Malformed trees give
    what can be read of them; no exception is raised for any tree.
    """
    source = _only_text(node)
    if source is not None:
        return _plain(source)
    atom = _walk(node)
    if atom is None:
        return None
    atoms = list(atom.atoms) if atom.kind == ROW and atom.atoms else [atom]
    if any(a.kind == SPACE for a in (atoms[0], atoms[-1])):
        while atoms and atoms[-1].kind == SPACE:
            atoms.pop()
        while atoms and atoms[0].kind == SPACE:
            atoms.pop(0)
        atom = replace(atom, tex=join([a.tex + a.tail for a in atoms]), tail="") if atoms else NOTHING
    if atom.kind == PRIME:
        atom = Atom(r"\prime" * len(atom.tex))
    elif atom.kind == FRACTION and atom.tex[1] in "dt":
        atom = Atom("\\" + atom.tex[2:])  # the size of a fraction alone is that of the formula
    return (atom.tex + atom.tail).strip() or None


def is_display(node: LexborNode) -> bool:
    """Whether a `<math>` element is a formula of its own line: `display="block"`, the older `mode="display"`, a
    `displaystyle` of its own, or nothing but a table of equations. A `mstyle` inside proves nothing: Wikipedia and
    AsciiMath put one into every inline formula."""
    attributes = _attributes(node)
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
            own = _attributes(inner)
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
    for child in node.traverse(include_text=False):
        if _local(child.tag or "") not in {"annotation", "annotation-xml"}:
            continue
        encoding = (_attributes(child).get("encoding") or "").lower()
        text = child.text(deep=True)
        if not text or not text.strip():
            continue
        if _TEX_ENCODING.search(encoding) or (not encoding and re.search(r"\\[A-Za-z]", text)):
            return text.strip()
    return None


# ---------------------------------------------------------------- the walk


def _walk(root: LexborNode) -> Atom | None:
    stack = [_Frame("math", _attributes(root), root.child, None)]
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
        frame.next = child.next
        if not child.is_element_node:
            text = child.text_content if child.is_text_node else None
            if text and (frame.text or not text.isspace()):
                frame.kids.extend(_text_node(frame, text))
            continue
        nodes += 1
        if nodes > MAX_NODES:
            return None
        chosen: LexborNode | None = child
        tag = child.tag or ""
        if tag not in _HANDLERS and tag not in _TOKENS:
            tag = _local(tag)
        if tag in {"semantics", "maction"}:
            chosen = _choose(child, tag)
            if chosen is None:
                continue
            tag = _local(chosen.tag or "")
            if tag in {"semantics", "maction"}:
                stack.append(_Frame("mrow", {}, chosen, frame.variant))
                _single(stack[-1], chosen)
                continue
        if tag in _SKIPPED and chosen is child:
            continue
        assert chosen is not None
        attributes = _attributes(chosen)
        first = chosen.child
        if tag in _TOKENS:
            if first is None:
                frame.kids.append(_token(tag, "", attributes, frame.variant))
                continue
            if first.next is None and first.is_text_node:
                frame.kids.append(_token(tag, first.text_content or "", attributes, frame.variant))
                continue
            plain = _text_of(first)
            if plain is not None:
                frame.kids.append(_token(tag, plain, attributes, frame.variant))
                continue
        elif tag in _VOID:
            # in HTML a prefixed <mml:mspace/> is not closed and swallows what follows it
            frame.kids.append(_HANDLERS[tag](_Frame(tag, attributes, None, None)))
            if first is not None:
                inner = _Frame("mrow", {}, first, frame.variant)
                inner.flat = True
                inner.text = frame.text
                stack.append(inner)
            continue
        variant = _variant(attributes) or frame.variant
        inner = _Frame(tag, attributes, first, variant)
        inner.flat = len(stack) >= MAX_DEPTH
        inner.parent = frame.tag
        if frame.text and tag not in _HANDLERS:
            inner.text = True
        stack.append(inner)


def _single(frame: _Frame, node: LexborNode) -> None:
    """Let a frame read one node and not its siblings."""
    frame.next = node
    frame.tag = "only"


def _finish(frame: _Frame) -> Atom:
    handler = _HANDLERS.get(frame.tag)
    if handler is not None:
        return handler(frame)
    made = mathml_content.convert(frame.tag, frame.attributes, frame.kids)
    return made if made is not None else row(frame.kids)


def _local(tag: str) -> str:
    return tag.rpartition(":")[2].lower()


def _attributes(node: LexborNode) -> Attributes:
    return node.attributes


def _variant(attributes: Attributes) -> str | None:
    if not attributes:
        return None
    variant = attributes.get("data-mjx-variant") or attributes.get("mathvariant")
    if variant:
        return variant.strip().lower()
    weight, style = attributes.get("fontweight"), attributes.get("fontstyle")
    if weight == "bold":
        return "bold-italic" if style == "italic" else "bold"
    return "normal" if style == "normal" else style


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
        selection = (_attributes(node).get("selection") or "1").strip()
        index = int(selection) - 1 if selection.isdecimal() and len(selection) < 5 else 0
        return children[index] if index < len(children) else (children[0] if children else None)
    shown = next((child for child in children if _local(child.tag or "") not in _SKIPPED), None)
    if shown is None or _local(shown.tag or "") in mathml_content.TAGS:
        for child in children:
            encoding = (_attributes(child).get("encoding") or "").lower()
            if _local(child.tag or "") == "annotation-xml" and "presentation" in encoding:
                return child
    if shown is None:
        return next((c for c in children if _local(c.tag or "") == "annotation-xml" and "content" in str(c.attributes)), None)
    return shown


def _plain(source: str) -> str | None:
    r"""A `<math>` element with text only: TeX as it is if it is balanced, otherwise read as symbols."""
    source = source.strip()
    if not source:
        return None
    depth = 0
    for found in re.finditer(r"\\.|[{}$%#]", source, re.S):
        token = found.group()
        depth += (token == "{") - (token == "}")
        if depth < 0 or token in "$%#":
            break
    else:
        if depth == 0 and re.search(r"[\\^_]", source) and not source.endswith("\\"):
            return source
    return row(_stray(source)).tex.strip() or None


def _text_node(frame: _Frame, text: str) -> list[Atom]:
    return [_text(text, frame.variant)] if frame.text else _stray(text)


def _stray(text: str) -> list[Atom]:
    """Character data where elements should be, read like a formula typed by hand."""
    atoms = []
    for found in _STRAY.finditer(text):
        token = found.group()
        if token[0].isdecimal():
            atoms.append(_number(token, None))
        elif len(token) > 3 and token.isascii() and token.isalpha() and token not in sym.FUNCTIONS:
            atoms.append(_text(token, None))
        elif token.isalpha():
            known = len(token) == 1 or token in sym.FUNCTIONS
            atoms.extend([_identifier(token, None)] if known else [_identifier(c, None) for c in token])
        else:
            atoms.append(_operator(token, None, "", "", "", ""))
    return atoms


# ---------------------------------------------------------------- leaves

_ALTERNATES = {"∅": r"\varnothing", "ℏ": r"\hslash", "∖": r"\smallsetminus"}  # MathJax marks the second shape of a character


def _token(tag: str, text: str, attributes: Attributes, inherited: str | None) -> Atom:
    if not attributes:
        if tag == "mi":
            return _identifier(text, inherited)
        if tag == "mn":
            return _number(text, inherited)
        if tag == "mo":
            return _operator(text, None, "", "", "", "")
    variant = _variant(attributes) or inherited
    if tag == "mi":
        if "data-mjx-alternate" in attributes and text in _ALTERNATES:
            return Atom(_ALTERNATES[text], raw=text)
        return _identifier(text, variant)
    if tag == "mn":
        return _number(text, variant)
    if tag == "mo":
        return _operator_token(text, attributes, variant or "")
    if tag == "mtext":
        return _text(text, variant)
    if tag == "ms":
        left, right = attributes.get("lquote"), attributes.get("rquote")
        quoted = ('"' if left is None else left) + text + ('"' if right is None else right)
        return Atom(f"\\text{{{_escape(quoted)}}}", TEXT, raw=text)
    return mathml_content.token(tag, text, attributes, _identifier, _number)


def _operator_token(text: str, attributes: Attributes, variant: str) -> Atom:
    """`mo` with attributes: how it stretches, which side of a fence it is, what its spacing says."""
    stretchy = attributes.get("stretchy")
    fence = attributes.get("fence") == "true"
    texclass = attributes.get("data-mjx-texclass") or ""
    form = attributes.get("form") or ""
    stretch = False if stretchy == "false" else None
    if stretch is None and (fence or texclass in {"OPEN", "CLOSE"}):
        stretch = True
    elif stretchy == "true" and not (form and text.strip()):
        stretch = True  # with a form but not called a fence it is pandoc's, which stretches every bracket
    elif text.strip() == "¯" and attributes.get("accent") == "true":
        stretch = True  # pandoc's \\overline; its \\bar is another character
    if not form and texclass in {"OPEN", "CLOSE"}:
        form = "prefix" if texclass == "OPEN" else "postfix"
    if not (fence or texclass or stretchy == "true"):
        form = ""
    atom = _operator(text, stretch, form, attributes.get("minsize") or "", texclass or ("FENCE" if fence else ""), variant)
    if atom.raw == ":" and (texclass == "PUNCT" or (_em(attributes.get("lspace")) == 0 and _em(attributes.get("rspace")))):
        return Atom(r"\colon", OP, raw="colon")
    if atom.kind == OP and "rspace" in attributes:
        after = _em(attributes.get("rspace"))
        if after is not None and after > 0.8:  # LaTeXML keeps \quad and \qquad here
            return Atom(atom.tex + sym.space(after), OP, raw=atom.raw)
    return atom


def _em(length: str | None) -> float | None:
    """A length in em; None for one that is absent or not understood."""
    if not length:
        return None
    negative = length.startswith("negative")
    named = sym.NAMED_WIDTHS.get(length.removeprefix("negative"))
    if named is not None:
        return -named if negative else named
    found = _LENGTH.match(length)
    return float(found.group(1)) * _EM.get(found.group(2) or "em", 0.0) if found else None


@lru_cache(maxsize=8192)
def _identifier(text: str, variant: str | None) -> Atom:
    text = _cleaned(text)
    if len(text) > 1:
        return _name(text, variant)
    if not text:
        return NOTHING
    if text == "\u2061":
        return Atom("", APPLY)
    if text in sym.VERTICAL:
        return Atom(sym.VERTICAL[text], VERTICAL, raw="‖" if sym.VERTICAL[text] == r"\|" else "|", stretch=False)
    if text in sym.OPEN or text in sym.CLOSE or text in sym.BIG_OPERATORS or text in "+-=<>*/,;:−≤≥≠∈→×⋅·±|":
        return _operator(text, None, "", "", "", "")
    if text in "'′″‴⁗’":
        return Atom(sym.COMMANDS[text], PRIME, raw=text)
    font = sym.VARIANTS.get(variant) if variant else None
    letter = sym.alphabet(text)
    if letter is not None:
        font = letter[0] if not font or font == "mathrm" else font
        text = letter[1]
    if font is None:
        return Atom(sym.symbol(text), raw=text, font="")
    return Atom(sym.styled(font, text), raw=text, font=font)


def _name(text: str, variant: str | None) -> Atom:
    """An identifier of several characters."""
    known = sym.FUNCTIONS.get(text)
    if known is not None:
        return Atom(known, FUNCTION)
    if _TWO_WORDS.fullmatch(text):
        return Atom(f"\\mathrm{{{text.replace(' ', chr(92) + ',')}}}", WORD, raw=text.replace(" ", r"\,"))
    if text in {"...", ".."} or text in sym.WORDS:
        return _operator(text, None, "", "", "", "")
    if len(text) == 2:
        combined = _combined(text)
        if combined is not None:
            return Atom(combined, raw=text)
        if text in {"dx", "dy", "dz", "dt", "ds", "du", "dv", "dr"}:
            return Atom(text, ROW, simple=False)
    font = sym.VARIANTS.get(variant) if variant else None
    if _LETTERS.fullmatch(text):
        if variant is not None and font == "":
            return Atom(text, ROW, simple=False)
        if font in {None, "mathrm"}:
            return word(text)
        return Atom(f"\\{font}{{{text}}}", raw=text)
    if _WORDLIKE.fullmatch(text) and font in {None, "mathrm"}:
        return word(text)
    letters = [sym.alphabet(char) for char in text]
    if all(letter is not None for letter in letters):
        fonts = {letter[0] for letter in letters if letter is not None}
        plain = "".join(letter[1] for letter in letters if letter is not None)
        if len(fonts) == 1:
            only = fonts.pop()
            return Atom(f"\\{only}{{{plain}}}" if only else plain, ORD if only else ROW, simple=bool(only), raw=text)
    if any(char.isalpha() and not char.isascii() and sym.symbol(char) == char for char in text) or (
        re.search(r"[A-Za-z]{2}", text) and re.search(r"[ \-]", text)
    ):
        return Atom(f"\\text{{{_escape(text)}}}", TEXT, raw=text)
    parts = [_identifier(char, variant) for char in text if not char.isspace()]
    return row(parts)


_COMBINING = {
    "\u0304": "bar", "\u0305": "overline", "\u0302": "hat", "\u0303": "tilde", "\u20d7": "vec", "\u0307": "dot",
    "\u0308": "ddot", "\u030c": "check", "\u0306": "breve", "\u0301": "acute", "\u0300": "grave", "\u030a": "mathring",
    "\u0332": "underline", "\u0331": "underline", "\u20db": "dddot",
}  # fmt: skip


def _combined(text: str) -> str | None:
    """A character with a combining mark: an accent or a negation."""
    if text[1] == "\u0338":
        composed = unicodedata.normalize("NFC", text)
        return sym.symbol(composed) if len(composed) == 1 else "\\not" + _spaced(sym.symbol(text[0]))
    accent = _COMBINING.get(text[1])
    return f"\\{accent}{{{sym.symbol(text[0])}}}" if accent else None


def _spaced(tex: str) -> str:
    return " " + tex if tex[:1].isalpha() else tex


@lru_cache(maxsize=8192)
def _number(text: str, variant: str | None) -> Atom:
    text = _cleaned(text)
    if not text:
        return NOTHING
    font = sym.VARIANTS.get(variant) if variant else None
    if _NUMBER.fullmatch(text):
        if font and font != "mathrm":
            return Atom(f"\\{'mathbf' if font == 'boldsymbol' else font}{{{text}}}", raw=text, font=font)
        return Atom(text, raw=text)
    if text[0] in "-−" and _NUMBER.fullmatch(text[1:]):
        return Atom("-" + text[1:], ROW, simple=False)
    if re.search(r"[A-Za-z]{2}", text) and text.isascii() and text.isalnum():
        return Atom(f"\\mathrm{{{text}}}", raw=text)
    parts = [r"\," if char.isspace() else sym.symbol(char) for char in text]
    if len(parts) == 1:
        return _identifier(text, variant)
    return Atom(join(parts), ROW, simple=False)


_BIG_SIZES = ((1.5, "big"), (2.1, "Big"), (2.7, "bigg"), (9.0, "Bigg"))
_OPERANDS = frozenset("∞∂∇∅∀∃∄…⋯⋮⋱⋰!%°ºℵℶ⊤⊥△□◯◻♯♭♮#$&")


@lru_cache(maxsize=8192)
def _operator(text: str, stretch: bool | None, form: str, size: str, texclass: str, variant: str) -> Atom:
    text = _cleaned(text)
    if not text:
        if form or stretch is True:
            side = OPEN if form == "prefix" else CLOSE if form == "postfix" else ""
            return Atom(".", side or VERTICAL, stretch=True, side=side) if side else NOTHING
        return NOTHING
    if text in sym.OPEN or text in sym.CLOSE or text in sym.VERTICAL:
        return _fence(text, stretch, form, size, texclass)
    if len(text) > 1:
        return _operator_word(text)
    if text == "\u2061":
        return Atom("", APPLY)
    if text in "'′″‴⁗’":
        return Atom(sym.COMMANDS[text], PRIME, raw=text)
    if text in sym.SPACES or text == "\xa0":
        return Atom(sym.space(sym.SPACES.get(text)), SPACE)
    if text in sym.BIG_OPERATORS:
        return Atom(sym.symbol(text), BIG, raw=text, tall=False)
    if text.isalnum():
        return _identifier(text, variant or None)
    tex = {"⊥": r"\perp", "\\": r"\setminus"}.get(text) or sym.symbol(text)
    if text == "/" and size:
        return Atom(f"\\{_big(size)}/" if _big(size) else "/", OP, raw=text)
    if variant.startswith("bold") and tex.startswith("\\"):
        tex = f"\\boldsymbol{{{tex}}}"
    return Atom(tex, ORD if text in _OPERANDS else OP, raw=text, stretch=stretch)


def _big(size: str) -> str:
    found = _LENGTH.match(size)
    if not found or found.group(2) not in {"em", None}:
        return ""
    em = float(found.group(1))
    return next((name for limit, name in _BIG_SIZES if 1.0 < em < limit), "")


def _fence(text: str, stretch: bool | None, form: str, size: str, texclass: str) -> Atom:
    kind = OPEN if text in sym.OPEN else CLOSE if text in sym.CLOSE else VERTICAL
    tex = sym.OPEN.get(text) or sym.CLOSE.get(text) or sym.VERTICAL[text]
    side = {"prefix": OPEN, "postfix": CLOSE}.get(form, "")
    big = _big(size) if size else ""
    if big:
        suffix = {OPEN: "l", CLOSE: "r"}.get(side or kind, "")  # a bar without a side gets none
        raw = text if kind != VERTICAL else "|" if tex == "|" else "‖"
        tex = f"\\{big}{suffix if side or texclass not in ('', 'ORD') else ''}{tex}"
        return Atom(tex, kind, raw=raw, stretch=False, side=side, sized=True)
    raw = text
    if kind == VERTICAL and texclass == "ORD":
        raw = "‖" if tex == r"\|" else "|"
    if kind == VERTICAL and texclass == "REL":
        return Atom({"|": r"\mid", r"\|": r"\parallel"}[tex], OP, raw=raw)
    return Atom(tex, kind, raw=raw, stretch=stretch, side=side)


def _operator_word(text: str) -> Atom:
    known = sym.WORDS.get(text)
    if text == "mod":
        return word(text)
    if known is not None:
        return Atom(known, OP, raw=text)
    if text in sym.FUNCTIONS:
        return Atom(sym.FUNCTIONS[text], FUNCTION)
    if len(text) == 2:
        combined = _combined(text)
        if combined is not None:
            return Atom(combined, OP, raw=text)
    if _LETTERS.fullmatch(text):
        return operator_name(text)
    if set(text) <= set("'′″‴’"):
        return Atom("".join(sym.symbol(char) for char in text), PRIME)
    if text.isalpha() or re.search(r"[A-Za-z]{2}", text):
        return Atom(f"\\text{{{_escape(text)}}}", TEXT, raw=text)
    return Atom(join([sym.symbol(char) for char in text if not char.isspace()]), OP, raw=text, simple=False)


_DROPPED = dict.fromkeys(map(ord, sym.INVISIBLE - {"\u2061"}))


def _cleaned(text: str) -> str:
    """A token's text: white space at the ends dropped and collapsed inside, invisible characters dropped."""
    if text.isascii():
        return _WHITE.sub(" ", text).strip() if not text.isalnum() else text
    text = text.translate(_DROPPED)
    stripped = _WHITE.sub(" ", text).strip()
    if stripped.endswith("\u2061") and len(stripped) > 1:
        stripped = stripped.rstrip("\u2061 ")
    if not stripped:
        return "\xa0" if "\xa0" in text else ""
    return "".join([" " if char.isspace() else char for char in stripped])


_ESCAPES = {"\\": r"\textbackslash{}", "$": r"\$", "%": r"\%", "#": r"\#", "&": r"\&", "_": r"\_", "{": r"\{", "}": r"\}",
            "^": r"\^{}", "~": r"\textasciitilde{}"}  # fmt: skip


def _escape(text: str) -> str:
    return "".join([_ESCAPES.get(char, char) for char in text])


_TEXT_FONTS = {"bold": "textbf", "italic": "textit", "bold-italic": "textbf", "monospace": "texttt", "sans-serif": "textsf"}


@lru_cache(maxsize=4096)
def _text(text: str, variant: str | None) -> Atom:
    negative = "\u2063" in text
    text = text.translate(_DROPPED)
    words = text.strip()
    if not words:
        return _white(text, negative)
    if len(words) == 1 and not words.isascii() and not words.isalnum():
        found = _operator(words, None, "", "", "", "")
        return found
    if "\\" in words and re.fullmatch(r"\\[A-Za-z]+", words):
        return Atom(words)  # a macro that the renderer did not know
    before = " " if text[0].isspace() and "\n" not in text[: len(text) - len(text.lstrip())] else ""
    after = " " if text[-1].isspace() and "\n" not in text[len(text.rstrip()) :] else ""
    body = "".join([" " if char.isspace() else char for char in _WHITE.sub(" ", words)])
    font = _TEXT_FONTS.get(variant or "", "text")
    return Atom(f"\\{font}{{{_escape(before + body + after)}}}", TEXT, raw=words)


def _white(text: str, negative: bool) -> Atom:
    """A text of spaces only: KaTeX writes its spaces so, negative ones with an invisible separator."""
    em = sum(sym.SPACES.get(char, 0.0) for char in text) * (-1 if negative else 1)
    if em:
        tex = sym.space(em)
        return Atom(tex, SPACE) if tex else NOTHING
    return Atom(r"\ ", SPACE) if text else NOTHING


# ---------------------------------------------------------------- elements


def _kids(frame: _Frame, count: int) -> list[Atom]:
    """The arguments of an element with a fixed number of them; a missing one is empty, the surplus joins the last."""
    kids = frame.kids
    if len(kids) < count:
        return kids + [NOTHING] * (count - len(kids))
    if len(kids) > count:
        return [*kids[: count - 1], row(kids[count - 1 :])]
    return kids


def _row(frame: _Frame) -> Atom:
    atom = row(frame.kids)
    # a word in a group of its own is a word, not the name of the operator before what follows the group
    return replace(atom, kind=ORD) if atom.kind == WORD else atom


def _style(frame: _Frame) -> Atom:
    atom = _row(frame)
    attributes = frame.attributes
    if atom.kind == FRACTION and atom.tex.startswith(r"\frac") and attributes.get("scriptlevel") == "0" and frame.parent not in {"", "math", "only", "mtd", "mtext", "mo"}:
        display = attributes.get("displaystyle")
        if display in {"true", "false"}:
            return replace(atom, tex=("\\d" if display == "true" else "\\t") + atom.tex[1:])
    return atom


def _token_row(frame: _Frame) -> Atom:
    """A token element with elements inside: KaTeX's operators made of several, HTML in text."""
    atom = row(frame.kids)
    if frame.tag == "mo" and atom.kind in {ORD, ROW, TEXT, WORD} and atom.tex:
        return Atom(atom.tex, OP, raw=atom.raw, simple=atom.simple, tall=atom.tall)
    return atom


def _fraction(frame: _Frame) -> Atom:
    top, bottom = _kids(frame, 2)
    attributes = frame.attributes
    if attributes:
        thickness = _LENGTH.match(attributes.get("linethickness") or "")
        if thickness and float(thickness.group(1)) == 0:
            return Atom(f"{{{top.tex}{top.tail}\\atop{_spaced(bottom.tex + bottom.tail)}}}", ATOP, tall=True, atoms=(top, bottom))
        if attributes.get("bevelled") == "true" and top.simple and bottom.simple:
            return Atom(f"{top.tex}/{bottom.tex}", ROW, simple=False)
    return Atom(f"\\frac{{{_whole(top)}}}{{{_whole(bottom)}}}", FRACTION, tall=True)


def _whole(atom: Atom) -> str:
    if atom.kind == PRIME:
        return r"\prime" * len(atom.tex)
    return atom.tex + atom.tail


def _sqrt(frame: _Frame) -> Atom:
    inner = row(frame.kids)
    return Atom(f"\\sqrt{{{_whole(inner)}}}", tall=inner.tall)


def _root(frame: _Frame) -> Atom:
    base, index = _kids(frame, 2)
    if not index.tex:
        return Atom(f"\\sqrt{{{_whole(base)}}}", tall=base.tall)
    degree = f"{{{index.tex}}}" if "]" in index.tex else _whole(index)
    return Atom(f"\\sqrt[{degree}]{{{_whole(base)}}}", tall=base.tall)


def _stacked(atom: Atom) -> str:
    """The LaTeX of a script; lines of conditions become a substack."""
    if atom.kind == TABLE and atom.table is not None and atom.table.columns == 1 and not atom.table.lines:
        return "\\substack{" + r"\\".join(cells[0] if cells else "" for cells in atom.table.rows) + "}"
    return _whole(atom)


def _scripted(base: Atom, sub: Atom | None, sup: Atom | None, between: str = "") -> Atom:
    """base with scripts; `between` is a command such as `\\limits`."""
    parts = between
    scripts = 0
    if sub is not None and sub.kind not in {EMPTY, NONE, SPACE} and sub.tex:
        parts += "_" + argument(_stacked(sub))
        scripts |= 1
    if sup is not None and sup.kind not in {EMPTY, NONE, SPACE} and sup.tex:
        scripts |= 2
        atoms = list(sup.atoms) if sup.kind == ROW and sup.atoms else [sup]
        primes = ""
        while atoms and atoms[0].kind == PRIME:
            primes += atoms.pop(0).tex
        if len(atoms) < len(sup.atoms or (sup,)):
            sup = row(atoms)
        elif sup.kind == ROW and sup.tex.startswith("'"):
            primes, sup = sup.tex[: len(sup.tex) - len(sup.tex.lstrip("'"))], Atom(sup.tex.lstrip("'"))
        parts = primes + parts if primes and not sup.tex else parts + primes
        if sup.tex in {r"^{\circ}"}:
            parts += r"^{\circ}"
        elif sup.tex:
            parts += "^" + argument(_stacked(sup))
    if not scripts:
        return base
    if base.kind in {OPEN, CLOSE, VERTICAL} and not base.tail:
        return replace(base, tail=parts, scripts=scripts)
    kind = BIG if base.kind == BIG else FUNCTION if base.kind in {FUNCTION, WORD} else ORD
    return Atom(nucleus(base) + parts, kind, simple=False, tall=base.tall, scripts=scripts)


def _sub(frame: _Frame) -> Atom:
    base, sub = _kids(frame, 2)
    return _scripted(base, sub, None)


def _sup(frame: _Frame) -> Atom:
    base, sup = _kids(frame, 2)
    return _scripted(base, None, sup)


def _subsup(frame: _Frame) -> Atom:
    base, sub, sup = _kids(frame, 3)
    return _scripted(base, sub, sup)


def _multiscripts(frame: _Frame) -> Atom:
    kids = frame.kids
    base = kids[0] if kids and kids[0].kind != PRESCRIPTS else NOTHING
    after: list[Atom] = []
    before: list[Atom] = []
    target = after
    for kid in kids[1:] if base is not NOTHING or (kids and kids[0].kind != PRESCRIPTS) else kids:
        if kid.kind == PRESCRIPTS:
            target = before
        else:
            target.append(kid)
    tex = "".join(_pairs_of_scripts(before))
    atom = base
    for n, (sub, sup) in enumerate(_in_pairs(after)):
        if n == 0:
            atom = _scripted(base, sub, sup)
            continue
        more = _scripted(NOTHING, sub, sup)
        if more.scripts:
            free = not atom.scripts & more.scripts and not atom.tail
            atom = Atom(atom.tex + (more.tex[2:] if False and free else more.tex), simple=False, scripts=atom.scripts)
    if not tex:
        return atom
    return Atom(tex + atom.tex + atom.tail, simple=False, tall=atom.tall, scripts=3)


def _in_pairs(atoms: list[Atom]) -> list[tuple[Atom, Atom]]:
    padded = [*atoms, NOTHING] if len(atoms) % 2 else atoms
    return list(zip(padded[::2], padded[1::2], strict=True))


def _pairs_of_scripts(atoms: list[Atom]) -> list[str]:
    return [_scripted(NOTHING, sub, sup).tex for sub, sup in _in_pairs(atoms) if sub.tex or sup.tex]


_PURE_ACCENTS = frozenset("ˆ\u0302˜\u0303¯ˉ\u0304‾―\u0305⃗⃖⃡˙\u0307¨\u0308⃛⃜ˇ\u030c˘\u0306´\u0301`\u0300˚\u030a⏞︷⎴⏜⏟︸⎵⏝")


def _accent(base: Atom, mark: Atom, attributes: Attributes, over: bool) -> Atom | None:
    """base with an accent, or None where the mark is not one."""
    raw = mark.raw
    known = sym.ACCENTS.get(raw) if over else sym.UNDER_ACCENTS.get(raw)
    if known is None or mark.kind == TEXT or base.kind == EMPTY:
        return None
    pure = raw in _PURE_ACCENTS
    if not pure and (base.kind in {OP, BIG, FUNCTION} or attributes.get("accent" if over else "accentunder") == "false"):
        return None
    body = _whole(base)
    if isinstance(known, str):
        kind = BRACE if known.startswith(("underbrace", "underbracket", "underparen")) else ORD
        return Atom(f"\\{known}{{{body}}}", kind, tall=base.tall or kind == BRACE)
    narrow, wide = known
    if "overline" in (attributes.get("class") or ""):
        narrow = wide
    single = base.kind not in {ROW, TABLE, FRACTION, TEXT} and base.simple
    stretched = mark.stretch if mark.stretch is not None else not single
    name = wide if stretched else narrow
    return Atom(f"\\{name}{{{body}}}", BRACE if name in {"overbrace", "overbracket"} else ORD, tall=base.tall)


def _with_limits(base: Atom, attributes: Attributes) -> tuple[Atom, str] | None:
    r"""The base as an operator that takes limits and the command it needs, or None where it takes none."""
    if base.kind == BIG:
        scripted_class = "sub" in (attributes.get("class") or "")
        return base, r"\limits" if base.raw in sym.INTEGRALS and base.raw and not scripted_class else ""
    if base.kind == BRACE or base.tex in sym.LIMIT_FUNCTIONS:
        return base, ""
    if base.kind == ROW and all(part.kind in {FUNCTION, WORD, SPACE} for part in base.atoms):
        names = [r"\," if part.kind == SPACE else part.raw or part.tex.removeprefix("\\") for part in base.atoms]
        if base.atoms and all(name.isalpha() or name == r"\," for name in names):
            return Atom(f"\\operatorname*{{{''.join(names)}}}", FUNCTION, raw="".join(names)), ""
    if base.kind == TEXT and sym.FUNCTIONS.get(base.raw) in sym.LIMIT_FUNCTIONS:
        return Atom(sym.FUNCTIONS[base.raw], FUNCTION), ""
    if base.raw and (base.kind in {WORD, FUNCTION} or base.tex.startswith(r"\mathrm{")):
        return Atom(f"\\operatorname*{{{base.raw}}}", FUNCTION, raw=base.raw), ""
    if base.kind == FUNCTION and base.simple:
        return Atom(f"\\operatorname*{{{base.tex[1:]}}}", FUNCTION), ""
    return None


_LIMIT_ARROWS = {("under", "→"): r"\varinjlim", ("under", "←"): r"\varprojlim", ("under", "⟶"): r"\varinjlim",
                 ("under", "⟵"): r"\varprojlim"}  # fmt: skip


def _underover(base: Atom, under: Atom | None, over: Atom | None, attributes: Attributes) -> Atom:
    if under is not None and (under.kind in {EMPTY, SPACE, NONE} or not under.tex):
        under = None
    if over is not None and (over.kind in {EMPTY, SPACE, NONE} or not over.tex):
        over = None
    if base.tex == r"\lim" and over is None and under is not None:
        special = _LIMIT_ARROWS.get(("under", under.raw)) or (r"\varliminf" if under.raw in {"_", "‾", "―", "¯"} else "")
        if special:
            return Atom(special, FUNCTION)
    if base.tex == r"\lim" and under is None and over is not None and over.raw in {"‾", "―", "¯", "ˉ"}:
        return Atom(r"\varlimsup", FUNCTION)
    if over is not None:
        accented = _accent(base, over, attributes, over=True)
        if accented is not None:
            base, over = accented, None
    if under is not None:
        accented = _accent(base, under, attributes, over=False)
        if accented is not None:
            base, under = accented, None
    if under is None and over is None:
        return base
    limits = _with_limits(base, attributes)
    if limits is not None:
        made = _scripted(limits[0], under, over, limits[1])
        return replace(made, tall=made.tall or base.kind == BIG)
    if base.kind == OP and base.raw in sym.ARROWS and base.stretch is not False and over is not None:
        below = f"[{_stacked(under)}]" if under is not None else ""
        return Atom(f"\\{sym.ARROWS[base.raw]}{below}{{{_whole(over)}}}", OP)
    if attributes.get("movablelimits") == "true" and base.simple:
        return _scripted(base, under, over)
    tex = _whole(base)
    if under is not None:
        tex = f"\\underset{{{_stacked(under)}}}{{{tex}}}"
    if over is not None:
        tex = f"\\overset{{{_stacked(over)}}}{{{tex}}}"
    return Atom(tex, base.kind if base.kind in {OP, BIG} else ORD, tall=True)


def _under(frame: _Frame) -> Atom:
    base, under = _kids(frame, 2)
    return _underover(base, under, None, frame.attributes)


def _over(frame: _Frame) -> Atom:
    base, over = _kids(frame, 2)
    return _underover(base, None, over, frame.attributes)


def _both(frame: _Frame) -> Atom:
    base, under, over = _kids(frame, 3)
    return _underover(base, under, over, frame.attributes)


def _fenced(frame: _Frame) -> Atom:
    attributes = frame.attributes
    separators = attributes.get("separators")
    marks = _WHITE.sub("", "," if separators is None else separators)
    opened = attributes.get("open")
    closed = attributes.get("close")
    parts: list[Atom] = []
    left = (("(" if opened is None else opened) or "").strip()
    right = ((")" if closed is None else closed) or "").strip()
    kids = [kid for kid in frame.kids if kid.kind != EMPTY]
    for n, kid in enumerate(kids):
        if n and marks:
            parts.append(_operator(marks[min(n - 1, len(marks) - 1)], None, "", "", "", ""))
        parts.append(kid)
    if len(parts) == 1 and parts[0].kind == ROW and parts[0].atoms:
        parts = list(parts[0].atoms)
    if left or right:
        one_sided = not (left and right)
        before = _operator(left, one_sided or None, "prefix", "", "", "")
        after = _operator(right, one_sided or None, "postfix", "", "", "")
        if one_sided and not left and len(kids) == 1 and kids[0].kind == TABLE:
            before = NOTHING
        if one_sided and not right and len(kids) == 1 and kids[0].kind == TABLE:
            after = NOTHING
        parts = [before, *parts, after]
    return row(parts)


_ENCLOSURES = {"box": "boxed", "roundedbox": "boxed", "circle": "boxed", "top": "overline", "bottom": "underline",
               "updiagonalstrike": "cancel", "downdiagonalstrike": "bcancel", "horizontalstrike": "sout",
               "radical": "sqrt", "actuarial": "overline"}  # fmt: skip


def _enclose(frame: _Frame) -> Atom:
    inner = row(frame.kids)
    notations = set((frame.attributes.get("notation") or "longdiv").split())
    tex = _whole(inner)
    if {"updiagonalstrike", "downdiagonalstrike"} <= notations:
        notations -= {"updiagonalstrike", "downdiagonalstrike"}
        tex = f"\\xcancel{{{tex}}}"
    if {"top", "bottom", "left", "right"} <= notations:
        notations -= {"top", "bottom", "left", "right"}
        tex = f"\\boxed{{{tex}}}"
    if "longdiv" in notations:
        tex = f"\\overline{{){tex}}}"
    for name in sorted(notations & _ENCLOSURES.keys()):
        tex = f"\\{_ENCLOSURES[name]}{{{tex}}}"
    if tex == _whole(inner):
        return inner
    return Atom(tex, tall=inner.tall)


def _phantom(frame: _Frame) -> Atom:
    tex = _whole(row(frame.kids))
    return Atom(f"\\phantom{{{tex}}}", SPACE) if tex else NOTHING


def _space(frame: _Frame) -> Atom:
    attributes = frame.attributes
    if (attributes.get("linebreak") or "") == "newline":
        return Atom(r"\\", OP)
    em = _em((attributes.get("width") or "").strip())
    tex = sym.space(em) if em is not None else ""
    return Atom(tex, SPACE) if tex else NOTHING


def _nothing(frame: _Frame) -> Atom:
    del frame
    return Atom("", NONE)


def _prescripts(frame: _Frame) -> Atom:
    del frame
    return Atom("", PRESCRIPTS)


def _glyph(frame: _Frame) -> Atom:
    return _identifier(frame.attributes.get("alt") or "", None)


# ---------------------------------------------------------------- tables


def _words(attributes: Attributes, name: str) -> tuple[str, ...]:
    return tuple((attributes.get(name) or "").split())


def _alignment(attributes: Attributes) -> str:
    """The alignment of one cell: its attribute, its class or its style."""
    own = _words(attributes, "columnalign")
    if own:
        return own[0]
    found = re.search(r"text-align:\s*(?:-webkit-)?(left|right|center)", attributes.get("style") or "")
    if found:
        return found.group(1)
    found = re.search(r"(?:^|[\s_-])(left|right|center)(?:$|\s)", attributes.get("class") or "")
    return found.group(1) if found else ""


def _cell(frame: _Frame) -> Atom:
    kids = frame.kids
    while kids and kids[-1].kind in {SPACE, EMPTY}:
        kids.pop()
    attributes = frame.attributes
    line = "|" if re.search(r"border-right:\s*[^;]*(?:solid|dashed)", attributes.get("style") or "") else ""
    return Atom(_whole(row(kids)), CELL, raw=_alignment(attributes) if attributes else "", tail=line)


def _table_row(frame: _Frame) -> Atom:
    if frame.kids and all(kid.kind != CELL for kid in frame.kids):
        frame.kids = [row(frame.kids)]
    cells = [kid if kid.kind == CELL else Atom(_whole(kid), CELL) for kid in frame.kids if kid.kind != EMPTY]
    tag = ""
    if frame.tag == "mlabeledtr" and cells:
        tag = re.sub(r"^\\(?:text|mathrm)\{(.*)\}$", r"\1", cells.pop(0).tex)
        tag = re.sub(r"^\((.*)\)$", r"\1", tag.strip())
    aligns = _words(frame.attributes, "columnalign")
    return Atom("", TABLE_ROW, raw=" ".join(aligns), tail=f"\\tag{{{tag}}}" if tag else "", atoms=tuple(cells))


def _trimmed(rows: list[tuple[str, ...]], aligns: tuple[str, ...]) -> tuple[list[tuple[str, ...]], tuple[str, ...]]:
    """Without the empty outer columns that centre numbered equations on their page."""
    columns = len(aligns)
    if columns > 2 and aligns[1:3] == ("right", "left") and not any(cells[0] for cells in rows if cells):
        rows, aligns = [cells[1:] for cells in rows], aligns[1:]
    while len(aligns) > 1 and not any(len(cells) >= len(aligns) and cells[len(aligns) - 1] for cells in rows):
        rows, aligns = [cells[: len(aligns) - 1] for cells in rows], aligns[:-1]
    return rows, aligns


def _table(frame: _Frame) -> Atom:
    attributes = frame.attributes
    rows = []
    tags = []
    aligns = _words(attributes, "columnalign")
    for kid in frame.kids:
        if kid.kind in {EMPTY, SPACE}:
            continue
        cells = kid.atoms if kid.kind == TABLE_ROW else (kid,)
        rows.append(tuple(cell.tex for cell in cells) if kid.kind == TABLE_ROW else (_whole(kid),))
        tags.append(kid.tail if kid.kind == TABLE_ROW else "")
        if not aligns and kid.raw and kid.kind == TABLE_ROW:
            aligns = tuple(kid.raw.split())
    columns = max((len(cells) for cells in rows), default=0)
    if not columns:
        return NOTHING
    if not aligns:
        aligns = tuple(
            next((k.atoms[n].raw for k in frame.kids if k.kind == TABLE_ROW and n < len(k.atoms) and k.atoms[n].raw), "center")
            for n in range(columns)
        )
    array = columns == 1 and _words(attributes, "columnalign") == ("left",)
    aligns = aligns[:columns] + aligns[-1:] * (columns - len(aligns))
    lines = tuple("|" if line in {"solid", "dashed"} else "" for line in _words(attributes, "columnlines"))
    if not any(lines):
        first = next((kid.atoms for kid in frame.kids if kid.kind == TABLE_ROW), ())
        lines = tuple(cell.tail for cell in first)
    rows, aligns = _trimmed(rows, aligns)
    return table_atom(
        Table(
            rows=tuple(rows),
            aligns=aligns,
            lines=lines if any(lines) else (),
            array=array,
            display=attributes.get("displaystyle") == "true",
            hint=(attributes.get("class") or "").lower(),
            tags=tuple(tags) if any(tags) else (),
        )
    )


_Handler = Callable[[_Frame], Atom]
_HANDLERS: dict[str, _Handler] = {
    "math": _row, "mrow": _row, "mpadded": _row, "merror": _row, "mstyle": _style, "mfrac": _fraction, "msqrt": _sqrt,
    "mroot": _root, "msub": _sub, "msup": _sup, "msubsup": _subsup, "mmultiscripts": _multiscripts, "munder": _under,
    "mover": _over, "munderover": _both, "mfenced": _fenced, "menclose": _enclose, "mphantom": _phantom,
    "mspace": _space, "none": _nothing, "mprescripts": _prescripts, "mglyph": _glyph, "mtd": _cell, "mtr": _table_row,
    "mlabeledtr": _table_row, "mtable": _table, "mi": _token_row, "mn": _token_row, "mo": _token_row,
    "mtext": _token_row, "ms": _token_row,
}  # fmt: skip
for _tag in mathml_content.VOID:
    _HANDLERS[_tag] = lambda frame: mathml_content.symbol(frame.tag, frame.attributes)
