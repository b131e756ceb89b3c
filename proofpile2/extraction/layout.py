"""TeX from rendered layout, where a page keeps neither source nor MathML.

KaTeX's boxes, MathJax's CHTML and SVG, and mathematics set with ``<i>``, ``<sub>``, ``<sup>`` are read back as MathML,
and that is turned into TeX by :mod:`proofpile2.extraction.mathml`. What is only paint (a radical drawn as a picture)
is told by the names of the classes; what even those do not say is lost.
"""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape

from selectolax.lexbor import LexborHTMLParser, LexborNode

from proofpile2.extraction import mathml
from proofpile2.extraction import tex as tx
from proofpile2.extraction.words import words

__all__ = ["to_latex"]

_MAX_DEPTH = 80
_MAX_NODES = 6000
_FIRST = 0xE100


class _TooBig(Exception):
    pass


def to_latex(node: LexborNode) -> str | None:
    """TeX for the layout at or below ``node``; None where there is none that is understood."""
    plain = _Plain()
    try:
        markup = _markup(node, plain)
    except _TooBig:
        return None
    if not markup:
        return None
    found = LexborHTMLParser(f"<math>{markup}</math>").css_first("math")
    tex = mathml.to_latex(found) if found is not None else None
    if tex:
        for number, picture in enumerate(plain.pictures):
            char = chr(_FIRST + number)
            spaced = picture + " " if picture[-1].isalpha() else picture
            tex = re.sub(f"{char}(?=[A-Za-z])", spaced.replace("\\", r"\\"), tex).replace(char, picture)
    return tex


def _markup(node: LexborNode, plain: _Plain) -> str | None:
    """The layout as MathML."""
    names = node.attributes.get("class") or ""
    katex = node if "katex-html" in names else node.css_first(".katex-html")
    if katex is not None:
        return _Katex().row(katex, 0)
    if node.css_first("mjx-math, mjx-mrow, mjx-mi, mjx-mo, mjx-mn") is not None:
        return _Chtml().row(node, 0)
    if node.css_first("[data-mml-node]") is not None:
        return _Svg().row(node, 0)
    if re.search(r"mathjax|mjx|katex", names, re.IGNORECASE):
        return None
    return plain.table(node, 0) if node.tag == "table" else plain.row(node, 0)


def _children(node: LexborNode) -> list[LexborNode]:
    out = []
    child = node.first_child
    while child is not None:
        out.append(child)
        child = child.next
    return out


def _names(node: LexborNode) -> frozenset[str]:
    return _split_names(node.attributes.get("class") or "")


@lru_cache(maxsize=4096)
def _split_names(classes: str) -> frozenset[str]:
    return frozenset(classes.split())


class _Reader:
    """Counts nodes and depth, so that no page makes the reading long."""

    def __init__(self) -> None:
        self.left = _MAX_NODES

    def spend(self, depth: int) -> None:
        self.left -= 1
        if depth > _MAX_DEPTH or self.left < 0:
            raise _TooBig


_DELIMITER_PIECES = str.maketrans(
    "⎛⎝⎜⎞⎠⎟⎡⎣⎢⎤⎦⎥⎧⎨⎩⎪⎫⎬⎭⌠⌡∣∥",
    "((())" + ")[[[]]]{{{{}}}∫∫||",
)
_OPERATORS = frozenset(
    "+-−±∓×÷·⋅∘∗*/=<>≤≥≠≈≡∼≅≃∝≪≫∈∉∋⊂⊆⊃⊇∪∩∧∨¬⊕⊗→←↔⇒⇐⇔⟶⟹⟺↦⟼∖∣∤∥⊥⊢⊨∀∃,;:.!?|‖∑∏∫∬∭∮⋃⋂⨁⨂√′″…⋯()[]{}⟨⟩⌈⌉⌊⌋"
)
_FUNCTIONS = words("sin cos tan cot sec csc log ln exp lim max min sup inf det dim ker deg gcd arg sinh cosh tanh Pr")
_VARIANTS = {
    "mathbf": "bold",
    "textbf": "bold",
    "boldsymbol": "bold-italic",
    "mathbb": "double-struck",
    "mathcal": "script",
    "mathscr": "script",
    "mathfrak": "fraktur",
    "mathsf": "sans-serif",
    "mathtt": "monospace",
    "mathrm": "normal",
}


def _atoms(text: str, variant: str = "", operator: bool = False) -> str:
    """Characters of one kind as MathML tokens: numbers and words together, the rest one by one."""
    out = []
    attribute = f' mathvariant="{variant}"' if variant else ""
    for match in re.finditer(r"\d+(?:\.\d+)?|[A-Za-z]{2,}|\s+|.[̸̀-ͯ]*", text.replace("\u200b", ""), re.DOTALL):
        token = match.group()
        if token.isspace():
            continue
        body = escape(token)
        if token[0].isdigit():
            out.append(f"<mn{attribute}>{body}</mn>")
        elif token[0] in _OPERATORS or (operator and not token[0].isalnum()):
            out.append(f"<mo>{body}</mo>")
        elif token in _FUNCTIONS and not variant:
            out.append(f"<mi>{token}</mi>")
        elif len(token) > 1 and token.isascii():
            if operator or variant == "normal":
                out.append(f'<mi mathvariant="normal">{body}</mi>')
            else:
                out.extend(f"<mi{attribute}>{char}</mi>" for char in token)
        else:
            out.append(f"<mi{attribute}>{body}</mi>")
    return "".join(out)


def _grouped(markup: str) -> str:
    return f"<mrow>{markup}</mrow>"


def _scripts(base: str, sub: str, sup: str, tag: str = "m") -> str:
    low, high = ("munder", "mover") if tag == "lim" else ("msub", "msup")
    both = "munderover" if tag == "lim" else "msubsup"
    if sub and sup:
        return f"<{both}>{_grouped(base)}{_grouped(sub)}{_grouped(sup)}</{both}>"
    if sub:
        return f"<{low}>{_grouped(base)}{_grouped(sub)}</{low}>"
    if sup:
        return f"<{high}>{_grouped(base)}{_grouped(sup)}</{high}>"
    return base


# ---------------------------------------------------------------- KaTeX

_TOP = re.compile(r"top\s*:\s*(-?[\d.]+)em")
_HEIGHT = re.compile(r"height\s*:\s*(-?[\d.]+)em")


_KATEX_PAINT = words("katex-strut strut pstrut mspace nulldelimiter vlist-s katex-mathml arraycolsep tag")
_KATEX_PARTS = words(
    "mfrac sqrt op-limits accent overline underline mover munder x-arrow mtable delimsizing delim-size1"
)
_KATEX_WORDS = words("mrel text mop")


class _Katex(_Reader):
    """KaTeX's HTML: nested spans whose classes name the kind of atom, and whose ``top`` says what is above what."""

    def row(self, node: LexborNode, depth: int) -> str:
        self.spend(depth)
        out: list[str] = []
        for child in _children(node):
            if child.tag == "-text":
                out.append(_atoms(child.text_content or ""))
                continue
            if not child.is_element_node:
                continue
            if "msupsub" in _names(child):
                base = out.pop() if out else ""
                out.append(_scripts(base, *self.levels(child, depth + 1)))
                continue
            piece = self.one(child, depth + 1)
            if piece:
                out.append(piece)
        return "".join(out)

    def one(self, node: LexborNode, depth: int) -> str:
        self.spend(depth)
        names = _names(node)
        if names & _KATEX_PAINT:
            return ""
        if node.tag == "svg":
            return ""
        if names & _KATEX_PARTS:
            return self.part(node, names, depth)
        simple = node.first_child is not None and node.first_child.tag == "-text" and node.first_child.next is None
        if simple or names & _KATEX_WORDS:
            text = node.text().replace("\u200b", "")
            if "mrel" in names and ("\ue020" in text or "\u0338" in text):  # the stroke of a negated relation
                rest = text.replace("\ue020", "").replace("\u0338", "").strip()
                return f"<mo>{escape(rest + chr(0x338))}</mo>" if rest else ""
            if "text" in names:
                return f"<mtext>{escape(text)}</mtext>" if text.strip() else ""
        else:
            text = ""
        if simple:
            text = text.strip()
            if "mop" in names and text.isalpha() and len(text) > 1:
                return f'<mi mathvariant="normal">{escape(text)}</mi>'
            if names & {"mbin", "mrel", "mopen", "mclose", "mpunct", "mop", "op-symbol"}:
                return "".join(f"<mo>{escape(char)}</mo>" for char in text)
            variant = next((value for name, value in _VARIANTS.items() if name in names), "")
            return _atoms(text, variant)
        inner = self.row(node, depth)
        if not inner:
            return ""
        if "mop" in names and re.fullmatch(r"(?:<mi[^<>]*>\w</mi>|<mi[^<>]*>\w+</mi>)+", inner) and len(text) > 1:
            return f'<mi mathvariant="normal">{escape(text.strip())}</mi>'
        return _grouped(inner) if names & {"mord", "minner", "mop", "mrel", "mbin"} and inner.count("<m") > 1 else inner

    def part(self, node: LexborNode, names: frozenset[str], depth: int) -> str:
        """What is built of boxes above each other, and delimiters."""
        if "mfrac" in names:
            return self.fraction(node, depth)
        if "sqrt" in names:
            return self.root(node, depth)
        if "op-limits" in names:
            return self.limits(node, depth)
        if "accent" in names or "overline" in names or "underline" in names:
            return self.accent(node, names, depth)
        if "mover" in names or "munder" in names:
            return self.stretched(node, depth)
        if "x-arrow" in names:
            return self.arrow(node, depth)
        if "mtable" in names:
            return self.table(node, depth)
        text = "".join(dict.fromkeys(node.text().replace("\u200b", "").translate(_DELIMITER_PIECES)))
        return f"<mo>{escape(text[:1])}</mo>" if text.strip() else ""

    def entries(self, node: LexborNode) -> list[tuple[float, float, LexborNode]]:
        """Boxes of the outermost vertical list below ``node``: top, height of the strut, box; the highest first."""
        vlist = node.css_first(".vlist")
        if vlist is None:
            return []
        found = []
        for child in _children(vlist):
            if not child.is_element_node:
                continue
            top = _TOP.search(child.attributes.get("style") or "")
            strut = child.css_first(".pstrut")
            height = _HEIGHT.search((strut.attributes.get("style") or "") if strut is not None else "")
            if top:
                found.append((float(top.group(1)), float(height.group(1)) if height else 0.0, child))
        return sorted(found, key=lambda entry: entry[0] + entry[1])

    def levels(self, node: LexborNode, depth: int) -> tuple[str, str]:
        """Subscript and superscript of a ``msupsub``."""
        entries = self.entries(node)
        texts = [self.row(box, depth + 1) for _, _, box in entries]
        if len(entries) >= 2:
            return texts[-1], texts[0]
        if len(entries) == 1:
            top, strut, _ = entries[0]
            return (texts[0], "") if top + strut > 0 else ("", texts[0])
        return "", ""

    def fraction(self, node: LexborNode, depth: int) -> str:
        entries = self.entries(node)
        boxes = [
            box for _, _, box in entries if box.css_first(".frac-line") is None or box.css_first(".mord") is not None
        ]
        if len(boxes) < 2:
            return ""
        line = "" if len(boxes) < len(entries) else ' linethickness="0"'
        over, under = self.row(boxes[0], depth + 1), self.row(boxes[-1], depth + 1)
        return f"<mfrac{line}>{_grouped(over)}{_grouped(under)}</mfrac>"

    def root(self, node: LexborNode, depth: int) -> str:
        index = node.css_first(".root")
        order = self.row(index, depth + 1) if index is not None else ""
        body = ""
        for child in _children(node):
            if child.is_element_node and "root" not in _names(child):
                found = child.css_first(".svg-align") or child.css_first(".mord")
                if found is not None:
                    body = self.row(found, depth + 1)
        return f"<mroot>{_grouped(body)}{_grouped(order)}</mroot>" if order else f"<msqrt>{body}</msqrt>"

    def limits(self, node: LexborNode, depth: int) -> str:
        above, below, base = "", "", ""
        for _, _, box in self.entries(node):
            inner = self.row(box, depth + 1)
            if not base and (box.css_first(".mop") is not None and box.css_first(".mtight") is None):
                base = inner
            elif base:
                below = inner
            else:
                above = inner
        return _scripts(base, below, above, "lim")

    def accent(self, node: LexborNode, names: frozenset[str], depth: int) -> str:
        under = "underline" in names or "accentunder" in names
        base, mark = "", ""
        for _, _, box in self.entries(node):
            if box.css_first(".overline-line, .underline-line") is not None and box.css_first(".mord") is None:
                mark = "\u00af" if not under else "_"
            elif box.css_first(".accent-body") is not None:
                text = box.css_first(".accent-body")
                mark = text.text().replace("\u200b", "").strip() if text is not None else ""
                mark = mark or ("→" if box.css_first(".overlay") is not None else "^")
            else:
                base = self.row(box, depth + 1) or base
        mark = {"ˉ": "¯", "\u20d7": "→", "ˊ": "´", "ˋ": "`"}.get(mark, mark) or "¯"
        tag = "munder" if under else "mover"
        return f'<{tag} accent="true">{_grouped(base)}<mo>{escape(mark)}</mo></{tag}>'

    def stretched(self, node: LexborNode, depth: int) -> str:
        """Something over or under something: the middle one is the base, a picture between is a brace."""
        entries = self.entries(node)
        parts = [(self.row(box, depth + 1), box.css_first("svg, .stretchy") is not None) for _, _, box in entries]
        texts = [text for text, _ in parts if text]
        if not texts:
            return ""
        if any(drawn for _, drawn in parts):
            return texts[-1] if parts[0][1] else texts[0]
        if "mover" in _names(node):
            return _scripts(texts[-1], "", texts[0] if len(texts) > 1 else "", "lim")
        return _scripts(texts[0], texts[-1] if len(texts) > 1 else "", "", "lim")

    def arrow(self, node: LexborNode, depth: int) -> str:
        pad = node.css_first(".x-arrow-pad")
        label = self.row(pad, depth + 1) if pad is not None else ""
        return f"<mover><mo>→</mo>{_grouped(label)}</mover>"

    def table(self, node: LexborNode, depth: int) -> str:
        columns = [
            [self.row(box, depth + 1) for _, _, box in self.entries(child)]
            for child in _children(node)
            if child.is_element_node and any(name.startswith("col-align") for name in _names(child))
        ]
        rows = max((len(column) for column in columns), default=0)
        body = "".join(
            "<mtr>" + "".join(f"<mtd>{column[k] if k < len(column) else ''}</mtd>" for column in columns) + "</mtr>"
            for k in range(rows)
        )
        return f"<mtable>{body}</mtable>"


# ---------------------------------------------------------------- MathJax

_MML = words(
    """
    mi mn mo ms mtext mspace mrow mfrac msqrt mroot mstyle merror mpadded mphantom mfenced menclose msub msup msubsup
    munder mover munderover mmultiscripts mtable mtr mlabeledtr mtd none mprescripts
    """
)
_CODE = re.compile(r"(?:^|\s)mjx-c([0-9A-F]{2,6})(?:\s|$)")
_PAINT = words("assistive-mml surd line nstrut dstrut strut mspace spacer break linestrut")
_SCRIPTED = words("msub msup msubsup munder mover munderover")


class _Chtml(_Reader):
    """MathJax 3 and 4 CHTML: elements named after MathML (``mjx-mfrac``), helpers between, characters as classes."""

    def row(self, node: LexborNode | None, depth: int) -> str:
        return "".join(self.item(child, depth + 1) for child in _children(node)) if node is not None else ""

    def item(self, node: LexborNode, depth: int) -> str:
        self.spend(depth)
        tag = node.tag or ""
        if not tag.startswith("mjx-"):
            return ""
        name = tag[4:]
        if name in _PAINT:
            return ""
        if name == "c":
            return escape(self.char(node))
        if name in ("mi", "mn", "mo", "mtext", "ms"):
            text = "".join(self.chars(node, depth))
            return f"<{name}>{escape(text)}</{name}>" if text else ""
        if name == "mfrac":
            parts = [self.row(node.css_first(part), depth) for part in ("mjx-num", "mjx-den")]
            return f"<mfrac>{_grouped(parts[0])}{_grouped(parts[1])}</mfrac>"
        if name in _SCRIPTED:
            return self.scripted(node, name, depth)
        if name in ("msqrt", "mroot"):
            body = self.row(node.css_first("mjx-box"), depth)
            index = self.row(node.css_first("mjx-root"), depth) if name == "mroot" else ""
            return f"<mroot>{_grouped(body)}{_grouped(index)}</mroot>" if index else f"<msqrt>{body}</msqrt>"
        inner = self.row(node, depth)
        if name in ("mtable", "mtr", "mtd"):
            return f"<{name}>{inner}</{name}>"
        return _grouped(inner) if name in ("mrow", "texatom", "TeXAtom") and inner else inner

    def char(self, node: LexborNode) -> str:
        match = _CODE.search(node.attributes.get("class") or "")
        if match and int(match.group(1), 16) < 0x110000:
            return chr(int(match.group(1), 16))
        return node.text()

    def chars(self, node: LexborNode, depth: int) -> list[str]:
        self.spend(depth)
        out = []
        for child in _children(node):
            if child.is_element_node:
                out += [self.char(child)] if child.tag == "mjx-c" else self.chars(child, depth + 1)
        return out

    def scripted(self, node: LexborNode, name: str, depth: int) -> str:
        """Scripts stand in boxes of their own; with both, one box holds the superscript before the subscript."""
        boxes: list[LexborNode] = []
        base = ""
        for child in self.unwrapped(node):
            tag = child.tag
            if tag in ("mjx-script", "mjx-under", "mjx-over"):
                boxes.append(child)
            elif tag == "mjx-base":
                base += self.row(child, depth)
            else:
                base += self.item(child, depth)
        if name == "msubsup" and len(boxes) == 1:
            inner = [text for text in (self.item(child, depth) for child in _children(boxes[0])) if text]
            if len(inner) == 2:
                return f"<msubsup>{_grouped(base)}{_grouped(inner[1])}{_grouped(inner[0])}</msubsup>"
        if name == "munderover" and boxes and boxes[0].tag == "mjx-over":
            boxes = boxes[::-1]
        return f"<{name}>{_grouped(base)}{''.join(_grouped(self.row(box, depth)) for box in boxes)}</{name}>"

    def unwrapped(self, node: LexborNode) -> list[LexborNode]:
        """Children of an element with scripts, those in its inner tables (``mjx-row``, ``mjx-munder``) too."""
        found: list[LexborNode] = []
        todo = _children(node)[::-1]
        while todo:
            self.spend(0)
            child = todo.pop()
            if not child.is_element_node:
                continue
            if child.tag in ("mjx-row", "mjx-itable", "mjx-cell") or (
                child.tag == "mjx-munder" and node.tag == "mjx-munderover"
            ):
                todo += _children(child)[::-1]
            else:
                found.append(child)
        return found


class _Svg(_Reader):
    """MathJax SVG: groups that keep the name of the MathML element in ``data-mml-node``, characters in ``data-c``."""

    def row(self, node: LexborNode, depth: int) -> str:
        self.spend(depth)
        out = []
        for child in _children(node):
            if not child.is_element_node:
                continue
            attributes = child.attributes
            name = attributes.get("data-mml-node") or ""
            if name in ("mi", "mn", "mo", "mtext", "ms"):
                text = "".join(self.chars(child, depth + 1))
                if text:
                    out.append(f"<{name}>{escape(text)}</{name}>")
            elif name in _MML:
                out.append(f"<{name}>{self.parts(child, depth + 1)}</{name}>")
            elif name == "TeXAtom":
                out.append(_grouped(self.row(child, depth + 1)))
            else:
                out.append(self.row(child, depth + 1))
        return "".join(out)

    def parts(self, node: LexborNode, depth: int) -> str:
        return self.row(node, depth)

    def chars(self, node: LexborNode, depth: int) -> list[str]:
        self.spend(depth)
        out = []
        for child in _children(node):
            if not child.is_element_node:
                continue
            code = child.attributes.get("data-c")
            if code and re.fullmatch(r"[0-9A-Fa-f]{2,5}", code):
                out.append(chr(int(code, 16)))
            else:
                out += self.chars(child, depth + 1)
        return out


# ---------------------------------------------------------------- <i>, <sub>, <sup>


_LIMITED = re.compile(r">(?:[∑∏∫⋃⋂⊕⊗∐∮]|lim|max|min|sup|inf)<")
_PARTS = words("fraction sqrt scripts limits ignored")


class _Plain(_Reader):
    """Mathematics set with the means of HTML 3: letters in ``<i>``, ``<sub>`` and ``<sup>``, symbols as pictures.

    A picture's TeX stands as one private character until the rest is TeX.
    """

    def __init__(self) -> None:
        super().__init__()
        self.pictures: list[str] = []

    def row(self, node: LexborNode, depth: int, variant: str = "") -> str:
        self.spend(depth)
        out: list[str] = []
        for child in _children(node):
            tag = child.tag
            if tag == "-text":
                out += _split(_atoms(child.text_content or "", variant))
            elif tag in ("sub", "sup"):
                inner = self.row(child, depth + 1)
                base = out.pop() if out else ""
                if base.startswith("<msub><!--s-->") and tag == "sup":
                    out.append(
                        base.replace("<msub><!--s-->", "<msubsup>", 1).removesuffix("</msub>")
                        + f"{_grouped(inner)}</msubsup>"
                    )
                else:
                    mark = "<!--s-->" if tag == "sub" else ""
                    out.append(f"<m{tag}>{mark}{_grouped(base)}{_grouped(inner)}</m{tag}>")
            elif tag == "img":
                tex = _picture(child)
                if tex is None:
                    raise _TooBig
                out.append(f"<mi>{chr(_FIRST + len(self.pictures))}</mi>")
                self.pictures.append(tex)
            elif tag in ("b", "strong"):
                out += _split(self.row(child, depth + 1, "bold"))
            elif tag == "table":
                out.append(self.table(child, depth + 1))
            elif tag in ("br", "-comment", "script", "style"):
                continue
            elif child.is_element_node:
                names = _names(child)
                if names & _PARTS:
                    self.part(child, names, depth + 1, out)
                else:
                    out += _split(self.row(child, depth + 1, variant))
        return "".join(out)

    def table(self, node: LexborNode, depth: int) -> str:
        """A fraction, a root, an operator with limits or a matrix, set as tables with a row for the line (HeVeA)."""
        rows: list[tuple[bool, list[str]]] = []
        for line in node.css("tr"):
            outer = line.parent
            while outer is not None and outer.tag != "table":
                outer = outer.parent
            if outer is None or outer.mem_id != node.mem_id:
                continue
            cells = [child for child in _children(line) if child.tag in ("td", "th")]
            bar = any(
                "hbar" in _names(cell) or (cell.css_first("hr") is not None and not cell.text().strip())
                for cell in cells
            )
            rows.append((bar, [self.row(cell, depth) for cell in cells]))
        bars = [place for place, (bar, _) in enumerate(rows) if bar]
        flat = ["".join(cells) for _, cells in rows]
        if bars and bars[0] == 0:
            return f"<msqrt>{''.join(flat[1:])}</msqrt>"
        if bars and 0 < bars[0] < len(rows) - 1:
            over, under = "".join(flat[: bars[0]]), "".join(flat[bars[0] + 1 :])
            return f"<mfrac>{_grouped(over)}{_grouped(under)}</mfrac>"
        if len(rows) == 1:
            return re.sub(r"<(m[io])>√</\1>(?=<msqrt>)", "", flat[0])  # the sign stands in the cell before
        if len(rows) in (2, 3) and all(len(cells) == 1 for _, cells in rows):
            for place in (1, 0) if len(rows) == 3 else (0, 1):
                if _LIMITED.search(flat[place]):
                    above = flat[place - 1] if place else ""
                    below = flat[place + 1] if place + 1 < len(rows) else ""
                    return _scripts(flat[place], below, above, "lim")
        body = "".join("<mtr>" + "".join(f"<mtd>{cell}</mtd>" for cell in cells) + "</mtr>" for _, cells in rows)
        return f"<mtable>{body}</mtable>"

    def part(self, node: LexborNode, names: frozenset[str], depth: int, out: list[str]) -> None:
        """What docutils sets: fractions, roots and scripts by the names of their classes."""
        if "fraction" in names:
            over, under = node.css_first(".numerator"), node.css_first(".denominator")
            if over is not None and under is not None:
                out.append(f"<mfrac>{_grouped(self.row(over, depth))}{_grouped(self.row(under, depth))}</mfrac>")
        elif "sqrt" in names:
            inside = node.css_first(".root")
            out.append(f"<msqrt>{self.row(inside, depth) if inside is not None else ''}</msqrt>")
        elif "scripts" in names or "limits" in names:
            base = out.pop() if "scripts" in names and out else ""
            sub = sup = ""
            for child in _children(node):
                inner = self.row(child, depth) if child.is_element_node else ""
                level = _names(child) if child.is_element_node else set()
                if child.tag == "sup" or "upperlimit" in level:
                    sup = inner
                elif child.tag == "sub" or "lowerlimit" in level:
                    sub = inner
                elif inner:
                    base = inner
            out.append(_scripts(base, sub, sup, "lim" if "limits" in names else "m"))


def _split(markup: str) -> list[str]:
    """Tokens apart, so that a script finds the last of them as its base."""
    if re.fullmatch(r"(?:<(m[ino])[^<>]*>[^<>]*</\1>)+", markup):
        return re.findall(r"<m[ino][^<>]*>[^<>]*</m[ino]>", markup)
    return [markup] if markup else []


def _picture(node: LexborNode) -> str | None:
    """The formula of a picture."""
    alt = node.attributes.get("alt") or ""
    inner = re.sub(r"^\s*\\(?:displaystyle|scriptstyle|textstyle|scriptscriptstyle)\s*", "", tx.clean(alt)[0])
    return inner if inner and tx.may_be_tex(inner) else None
