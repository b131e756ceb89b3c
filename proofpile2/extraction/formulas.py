r"""Formulas in the tree: what an element, its attributes or its text say about the TeX it stands for.

One source a formula, in this order: TeX that the page carries (annotation, script, data attribute), TeX in an ``alt``,
a ``title`` or an address, MathML, AsciiMath, and last the layout a program rendered. Evidence is general: an attribute
whose name or an element whose class speaks of mathematics needs a value that parses; any other needs a value that can
be nothing but TeX.
"""

from __future__ import annotations

import re
from functools import lru_cache
from html import unescape
from typing import NamedTuple
from urllib.parse import unquote, unquote_plus

from selectolax.lexbor import LexborHTMLParser, LexborNode

from proofpile2.extraction import asciimath, layout, mathml
from proofpile2.extraction import tex as tx
from proofpile2.extraction.delimiters import simple

__all__ = [
    "Formula",
    "from_attributes",
    "from_comment",
    "from_image",
    "from_math",
    "from_rendered",
    "from_script",
    "from_text",
]


class Formula(NamedTuple):
    """Clean TeX, and whether it is displayed (None: the markup does not say)."""

    tex: str
    display: bool | None


Attributes = dict[str, "str | None"]

_TEX_ENCODING = re.compile(r"tex", re.IGNORECASE)
_DISPLAY_WORD = re.compile(
    r"(?<![a-z])(?:display(?!style)|displayed|block|dsp|center|centered|displaymath|mathdisplay|latexcenter|numbered|blockmath|bmath)(?![a-z])",
    re.IGNORECASE,
)
_INLINE_WORD = re.compile(r"(?<![a-z])(?:inline|inl|inlinemath|imath|mathinline)(?![a-z])", re.IGNORECASE)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


@lru_cache(maxsize=16384)
def _form_of_names(names: str) -> bool | None:
    names = _CAMEL.sub("-", names).replace("_", "-")
    if _INLINE_WORD.search(names):
        return False
    return True if _DISPLAY_WORD.search(names) else None


def form_of(attributes: Attributes, tag: str = "") -> bool | None:
    """Display (True) or inline (False) as the attributes have it, else None."""
    for name in (
        "display",
        "data-display",
        "mode",
        "data-mode",
        "displaymode",
        "data-math-style",
        "data-type",
        "data-displaymode",
    ):
        value = attributes.get(name)
        if value is None:
            if name in attributes and name != "display":
                return True
            continue
        low = value.strip().lower()
        if low in ("true", "block", "display", "1", "yes", "displaymath", ""):
            return True
        if low in ("false", "inline", "0", "no", "inlinemath"):
            return False
    style = attributes.get("style")
    if style and "block" in style and re.search(r"display\s*:\s*(?:block|flex)", style):
        return True
    return _form_of_names(f"{attributes.get('class') or ''} {tag if '-' in tag or 'math' in tag else ''}")


def _made(raw: str, display: bool | None) -> Formula | None:
    tex, own = tx.clean(raw)
    if not tex:
        return None
    return Formula(tex, own if own is not None and display is None else display)


def _decoded(value: str) -> str:
    """Undo percent and entity escapes that a site left in a value."""
    if "%" in value and re.search(r"%(?:5[CcBbDdEe]|7[BbDd]|2[0-9A-Fa-f]|3[A-Fa-f])", value) and "\\" not in value:
        value = unquote(value)
    if "&" in value and ";" in value:
        value = unescape(value)
    return value


# ---------------------------------------------------------------- elements


def from_math(node: LexborNode, attributes: Attributes) -> Formula | None:
    """A ``<math>`` element: its TeX annotation, its TeX alternative text, or its MathML turned into TeX."""
    display: bool | None = mathml.is_display(node) or None
    if display is None and attributes.get("display"):
        display = False
    for annotation in node.css("annotation"):
        encoding = annotation.attributes.get("encoding") or ""
        if _TEX_ENCODING.search(encoding):
            made = _made(annotation.text(), display)
            if made:
                return made
    for name in ("alttext", "data-latex", "data-tex"):
        value = attributes.get(name)
        if value and (tx.is_tex(tx.clean(value)[0]) or (name != "alttext" and tx.may_be_tex(value)) or simple(value)):
            made = _made(value, display)
            if made:
                return made
    tex = mathml.to_latex(node)
    if tex:
        return _made(tex, display)
    text = node.text().strip()  # MediaWiki source left as it was typed: <math>\frac12</math>
    return _made(text, display) if tx.may_be_tex(text) else None


def from_script(attributes: Attributes, text: str) -> Formula | None:
    """A script of a mathematical type (``math/tex``, ``math/mml``, ``math/asciimath``, ``text/latex`` ...)."""
    kind = (attributes.get("type") or "").lower()
    display = True if re.search(r"mode\s*=\s*display", kind) else None
    if display is None and kind.startswith("math/"):
        display = False
    if "asciimath" in kind:
        tex = asciimath.to_latex(text)
        return _made(tex, None) if tex else None
    if "mml" in kind or "mathml" in kind or text.lstrip().startswith("<math"):
        return _from_mathml_text(text, display)
    if "tex" in kind:
        return _made(text, display)
    return None


def is_math_script(kind: str) -> bool:
    """Whether a script's type is that of mathematics and not of a program or its settings."""
    low = kind.lower()
    return low.startswith("math/") or low.split(";")[0].strip() in (
        "text/x-latex",
        "text/latex",
        "text/tex",
        "application/x-tex",
        "application/x-latex",
        "text/mathml",
        "application/mathml+xml",
        "text/asciimath",
    )


def _from_mathml_text(text: str, display: bool | None) -> Formula | None:
    """MathML as text, such as an attribute holds it; also the form of WIRIS with its own signs for ``<`` and ``>``."""
    if "«" in text:
        text = text.replace("«", "<").replace("»", ">").replace("¨", '"').replace("§", "&").replace("`", "'")
    if "&lt;" in text and "<math" not in text:
        text = unescape(text)
    if "<" not in text or len(text) > 200_000:
        return None
    node = LexborHTMLParser(re.sub(r"<(/?)(?:mml|m):", r"<\1", text)).css_first("math")
    if node is None:
        return None
    made = from_math(node, node.attributes)
    return Formula(made.tex, made.display if display is None else display) if made else None


_DATA_NAMES = re.compile(
    r"tex(?!t)|latex|math|katex|formula|equation|(?:^|-)(?:expr|expression|eqn?|asciimath|am|mml|equatio)(?:$|-)",
    re.IGNORECASE,
)
_NOT_SOURCE = re.compile(
    r"src|href|url|id$|style|class|type|display|mode|font|size|align|loaded|processed|rendered|number|label"
)
_OPEN_NAMES = (
    "data-original",
    "data-content",
    "data-value",
    "data-source",
    "data-src-text",
    "data-code",
    "data-alt",
    "content",
    "value",
)


def may_hold_source(name: str) -> bool:
    """Whether an attribute of any element may hold a formula, by its name."""
    if name.startswith("data-"):
        return _DATA_NAMES.search(name) is not None and not _NOT_SOURCE.search(name)
    return name in _PLAIN_NAMES


_PLAIN_NAMES = frozenset(("latex", "tex", "asciimath", "formula", "equation", "expr", "mathml", "alttext"))


def from_attributes(attributes: Attributes, mathematical: bool, tag: str = "") -> Formula | None:
    """TeX, MathML or AsciiMath in an attribute that says so, or in a telling place of a mathematical element."""
    for name, value in attributes.items():
        if not value or len(value) > tx.MAX_FORMULA * 4:
            continue
        if name.startswith("data-") or mathematical or "-" in tag:
            named = _DATA_NAMES.search(name) is not None and not _NOT_SOURCE.search(name)
        else:
            named = name in _PLAIN_NAMES
        if named or (mathematical and name in _OPEN_NAMES):
            made = _from_value(name, value, form_of(attributes, tag), named)
            if made:
                return made
    if mathematical:
        for name in ("aria-label", "title", "alt"):
            value = attributes.get(name)
            if not value:
                continue
            inner = tx.clean(_decoded(value))[0]
            typeset = "mjx-math" in (attributes.get("class") or "")  # MathJax's page tools put the TeX there
            if (tx.is_tex(inner) and "\\" in value) or (typeset and (tx.is_tex(inner) or simple(inner))):
                return _made(_decoded(value), form_of(attributes, tag))
    return None


def _from_value(name: str, value: str, display: bool | None, named: bool) -> Formula | None:
    stripped = value.strip()
    if (
        "<math" in stripped[:200]
        or "«math" in stripped[:200]
        or "&lt;math" in stripped[:200]
        or "<mml:math" in stripped[:200]
    ):
        return _from_mathml_text(stripped, display)
    if stripped[:1] in "{[" and '"' in stripped[:3]:
        return None  # JSON
    if stripped.startswith(("http://", "https://", "/", "data:")):
        return None
    decoded = _decoded(stripped)
    if "asciimath" in name or name.endswith("-am"):
        tex = asciimath.to_latex(decoded)
        return _made(tex, display) if tex else None
    inner = tx.clean(decoded)[0]
    if tx.is_tex(inner) or (named and tx.may_be_tex(inner) and _formula_like(inner)):
        return _made(decoded, display)
    return None


def _formula_like(value: str) -> bool:
    """Not a keyword of a program: ``true``, ``inline``, ``katex``."""
    return simple(value) or "\\" in value or re.search(r"[=^_<>+*/{}()|]", value) is not None or len(value) <= 2


# ---------------------------------------------------------------- images

_QUERY = re.compile(
    r"[?&](?:latex|tex|eq|eqn|equation|formula|formdata|math|chl|expr|expression|code|string|data|text|input)=([^&#]*)",
    re.I,
)
_SHORT_QUERY = re.compile(r"[?&][fmtqsx]=([^&#]*)")
_RENDERER = re.compile(
    r"latex|mimetex|mathtex|codecogs|[/.]tex(?:\.|/|$|\?)|cht=tx|formula|/math|mathurl|equation|[?&/]eq(?:n|uation)?[=/_.]|webtex|texify|katex|gladtex|texrender",
    re.IGNORECASE,
)
_FILE = re.compile(r"\.(?:png|gif|jpe?g|svg|bmp|webp)$", re.IGNORECASE)


_PICTURE = re.compile(
    r"\\begin\s*\{(?:figure|picture|tabular|table|center|tikzpicture)\*?\}|\\(?:epsfig|includegraphics|psfig)\b"
)
_BUTTONS = frozenset(("up", "next", "previous", "prev", "contents", "index", "home", "top", "back", "go"))
_ADDRESSES = (
    "src",
    "data",
    "data-src",
    "data-original",
    "data-lazy-src",
    "data-url",
    "data-lazy",
    "data-orig-file",
    "href",
)


def from_image(attributes: Attributes, mathematical: bool) -> Formula | None:
    """An image of a formula: its alternative text, its title, an attribute with the source, or its address."""
    source = attributes.get("src") or attributes.get("data") or ""
    if source.startswith("data:"):
        source = ""
    said = mathematical or (bool(source) and _RENDERER.search(source) is not None)
    display = form_of(attributes)
    if display is None and source:
        display = (
            _form_of_names(source.rsplit("?", 1)[0][-120:]) if re.search(r"inline|block|display", source) else None
        )
    if any(may_hold_source(name) and "ml" not in name for name in attributes):
        made = from_attributes({name: value for name, value in attributes.items() if "mathml" not in name}, said)
        if made:
            return made
    for name in ("alt", "title", "data-alt", "aria-label", "longdesc"):
        value = attributes.get(name)
        if not value:
            continue
        value = _decoded(value)
        inner = tx.clean(value)[0]
        if not inner or _FILE.search(inner) or _PICTURE.search(inner):
            continue
        if name == "alt" and (inner in _BUTTONS or "icon" in source):
            return None
        delimited = tx.strip_delimiters(value.strip())[1] is not None
        if (said or delimited) and tx.may_be_tex(inner) and (delimited or tx.is_tex(inner) or _likely(inner, name)):
            return _made(value, display)
        if (
            tx.is_tex(inner)
            and ("\\" in inner or "{" in inner or "^" in inner)
            and not re.search(r"[\w-]{12,}", inner.replace("\\", ""))
        ):
            return _made(value, display)
    made = from_attributes(attributes, said)
    if made:
        return made
    for name in _ADDRESSES:
        source = attributes.get(name) or ""
        if source and not source.startswith("data:"):
            said = said or _RENDERER.search(source) is not None
            made = _from_address(source, said, display)
            if made:
                return made
    return None


def _likely(value: str, name: str) -> bool:
    """Short mathematics without a command in an attribute of an image that is a formula: ``x``, ``F'=f``, ``O(n)``."""
    if simple(value):
        return True
    if name != "alt":
        return False
    if "\\" in value or re.search(r"[=^_<>{}]", value):
        return True
    return re.fullmatch(r"[^\s]{1,40}", value) is not None and not re.fullmatch(r"[A-Za-z]{4,}|[\w-]+\.\w+", value)


def _from_address(source: str, said: bool, display: bool | None) -> Formula | None:
    head, _, query = source.partition("?")
    if not query and "%" not in source and not (said and simple(head.rsplit("/", 1)[-1])):
        return None
    candidates = []
    if query:
        candidates += [unquote_plus(match.group(1)) for match in _QUERY.finditer("?" + query)]
        if said or "\\" in query or "%5C" in query:
            # without a name the query is no form, so a plus is a plus, unless pluses are written as %2B
            candidates.append(unquote_plus(query) if "%2b" in query.lower() else unquote(query))
        candidates += [unquote_plus(match.group(1)) for match in _SHORT_QUERY.finditer("?" + query)]
    else:
        candidates.append(unquote(head.rsplit("/", 1)[-1]))
    for candidate in candidates:
        value = _entities(candidate).strip()
        inner = tx.clean(value)[0]
        if (tx.is_tex(inner) and ("\\" in inner or said)) or (
            said and tx.may_be_tex(inner) and ("\\" in inner or _likely(inner, "title"))
        ):
            return _made(value, display)
    return None


def _entities(value: str) -> str:
    return value.replace("&space;", " ").replace("&plus;", "+").replace("&hash;", "#").replace("&amp;", "&")


def from_delimiters(raw: str, display: bool | None, language: str) -> Formula | None:
    """What stood between delimiters in a text, in TeX or AsciiMath."""
    if language == "asciimath":
        tex = asciimath.to_latex(raw)
        return _made(tex, None) if tex else None
    if "’" in raw and "\\text" not in raw:
        raw = raw.replace("’", "'")  # a program for typographic quotes has been at the primes
    return _made(raw, display)


# ---------------------------------------------------------------- comments, text, rendered output

_LATEX2HTML = re.compile(r"\s*MATH\s*:?\s*(.*)", re.DOTALL)


def from_comment(text: str) -> Formula | None:
    r"""A comment with the source of what follows: LaTeX2HTML's ``<!-- MATH $x^2$ -->``, or TeX between delimiters."""
    match = _LATEX2HTML.fullmatch(text)
    body = match.group(1) if match else text.strip()
    inner, form = tx.strip_delimiters(body.strip())
    if not match and (form is None or not tx.is_tex(inner)):
        return None
    if not inner or len(inner) > tx.MAX_FORMULA:
        return None
    return _made(body, None)


_NUMBER = re.compile(r"\(\s*[\w.*′']{1,8}\s*\)")  # of an equation


def from_text(text: str, attributes: Attributes, tag: str) -> Formula | None:
    """The text of a small element whose class or tag says mathematics."""
    stripped = text.strip()
    if not stripped or len(stripped) > tx.MAX_FORMULA:
        return None
    if stripped[0] in "#`" and stripped[-1] == stripped[0] and len(stripped) > 2 and "\\" not in stripped:
        tex = asciimath.to_latex(stripped[1:-1])
        return _made(tex, form_of(attributes, tag)) if tex else None
    if stripped.startswith(("<math", "&lt;math")):
        return _from_mathml_text(stripped, form_of(attributes, tag))
    inner, form = tx.clean(stripped)
    if (
        _NUMBER.fullmatch(inner)
        or not inner
        or not (tx.is_tex(inner) or (tx.may_be_tex(inner) and (form is not None or _formula_like(inner))))
    ):
        return None
    if form is None and re.search(r"\\[\])]\s*.*\\[\[(]|\$[^$]+\$", stripped, re.DOTALL):
        return None  # several formulas, or text with formulas
    return Formula(inner, form if form is not None else form_of(attributes, tag))


_LAYOUT_TEXT = re.compile(r"[A-Za-z]{3,}\s+[A-Za-z]{3,}")


def from_layout(node: LexborNode, attributes: Attributes, tag: str) -> Formula | None:
    """A small element that is mathematical and set with ``<i>``, ``<sub>``, ``<sup>`` and pictures of symbols."""
    text = node.text()
    if len(text) > 600 or _LAYOUT_TEXT.search(text) or tx.prose(text) or _NUMBER.fullmatch(text.strip()):
        return None
    if "$" in text or "\\" in text or node.css_first("i, em, b, sub, sup, img, var") is None:
        return None
    made = _made(layout.to_latex(node) or "", form_of(attributes, tag))
    return made if made and tx.may_be_tex(made.tex) else None


def from_display_table(node: LexborNode) -> Formula | None:
    """A displayed formula that HeVeA sets as a table of cells."""
    if len(node.text()) > 1500:
        return None
    made = _made(layout.to_latex(node) or "", True)
    return made if made and tx.balanced(made.tex) else None


_SOURCES = 'annotation, tex-math, script[type^="math/"], math, [data-latex], [data-mathml], .mjx-math[aria-label]'


def from_rendered(node: LexborNode, attributes: Attributes, tag: str) -> Formula | None:
    """What MathJax, KaTeX, Temml or MediaWiki made of one formula, from the best source it kept inside."""
    said = form_of(attributes, tag)
    display = said or None
    own = from_attributes(attributes, True, tag)
    if own and "mathml" not in " ".join(attributes):
        return Formula(own.tex, display if own.display is None else own.display)
    best: tuple[int, Formula] | None = (2, own) if own else None
    for found in node.css(_SOURCES):
        name = found.tag
        attrs = found.attributes
        if name == "annotation":
            rank, made = (
                (0, _made(found.text(), None)) if _TEX_ENCODING.search(attrs.get("encoding") or "") else (9, None)
            )
        elif name == "tex-math":
            made, rank = _made(found.text(), None), 0
        elif name == "script":
            made, rank = from_script(attrs, found.text()), 0
        elif name == "math":
            if best and best[0] <= 1:
                continue
            made, rank = from_math(found, attrs), 2
        else:
            made, rank = from_attributes(attrs, True, name or ""), 1
        if made and made.display:
            display = True
        if made and (best is None or rank < best[0]):
            best = (rank, made)
        if best and best[0] <= 1:
            break
        if name == "math" and found.attributes.get("display") == "block":
            display = True
    if best is None:
        image = node.css_first("img")
        if image is not None:
            made = from_image(image.attributes, True)
            best = (3, made) if made else None
    if best is None:
        made = _made(layout.to_latex(node) or "", None)
        best = (4, made) if made else None
    if best is None:
        return None
    if (
        not display
        and tag != "span"
        and node.css_first('[display="true"], [display="block"], .katex-display') is not None
    ):
        display = True
    if said is False:
        return Formula(best[1].tex, False)
    return Formula(best[1].tex, True if display else (False if best[1].display is None else best[1].display))
