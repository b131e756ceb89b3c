r"""Token elements of MathML: `mi`, `mn`, `mo`, `mtext`, `ms` and stray characters, each to one atom.

The functions for plain tokens are cached: a formula is mostly made of tokens that occurred before.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from proofpile2.extraction import mathml_content
from proofpile2.extraction import mathml_symbols as sym
from proofpile2.extraction.mathml_row import (
    APPLY,
    BIG,
    CLOSE,
    FUNCTION,
    MACRO,
    NOTHING,
    OP,
    OPEN,
    ORD,
    PRIME,
    ROW,
    SPACE,
    TEXT,
    VERTICAL,
    WORD,
    Atom,
    join,
    operator_name,
    row,
    word,
)

MAX_TOKEN = 200
"""Characters of a token that are kept in the caches, and of a style attribute that are looked at."""

Attributes = dict[str, str | None]

CALLIGRAPHIC = "script-capitals"
"""What `fontstyle="italic"` means: a letter is italic anyway, so who says it (TtM) means a calligraphic capital."""

_WHITE = re.compile(r"[ \t\r\n\f]+")
_LETTERS = re.compile(r"[A-Za-z]+")
_WORDLIKE = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_TWO_WORDS = re.compile(r"(?:arg|ess) (?:max|min|sup|inf)")
_NUMBER = re.compile(r"[0-9]+(?:[.,][0-9]+)*\.?|\.[0-9]+")
_ENTITY = re.compile(r"&([A-Za-z]+);")
_STRAY = re.compile(r"\\[A-Za-z]+|[0-9]+(?:\.[0-9]+)?|[A-Za-z]+|\S")
_LENGTH = re.compile(r"\s*([+-]?[0-9]*\.?[0-9]+)\s*(em|ex|px|pt|mu|cm|mm|in|pc|%)?")
_EM = {"em": 1.0, "ex": 0.43, "px": 1 / 16, "pt": 0.1, "mu": 1 / 18, "cm": 2.4, "mm": 0.24, "in": 6.0, "pc": 1.2}


def variant_of(attributes: Attributes) -> str | None:
    if not attributes:
        return None
    variant = attributes.get("data-mjx-variant") or attributes.get("mathvariant")
    if variant:
        return variant.strip().lower()
    weight, style = attributes.get("fontweight"), attributes.get("fontstyle")
    if weight == "bold":
        return "bold-italic" if style == "italic" else "bold"
    return {"normal": "normal", "italic": CALLIGRAPHIC}.get(style or "")


def stray(text: str) -> list[Atom]:
    """Character data where elements should be, read like a formula typed by hand."""
    atoms = []
    for found in _STRAY.finditer(text):
        token = found.group()
        if token[0] == "\\" and len(token) > 1:
            atoms.append(Atom(token, MACRO, raw=token[1:]))
        elif token[0].isdecimal():
            atoms.append(number(token, None))
        elif len(token) > 3 and token.isascii() and token.isalpha() and token not in sym.FUNCTIONS:
            atoms.append(text_atom(token, None))
        elif token.isalpha():
            known = len(token) == 1 or token in sym.FUNCTIONS
            atoms.extend([identifier(token, None)] if known else [identifier(c, None) for c in token])
        else:
            atoms.append(operator(token, None, "", "", "", ""))
    return atoms


_ALTERNATES = {"∅": r"\varnothing", "∖": r"\smallsetminus"}  # MathJax marks the second shape of a character


def token(tag: str, text: str, attributes: Attributes, inherited: str | None) -> Atom:
    if len(text) > MAX_TOKEN:
        return Atom(f"\\text{{{escape(_cleaned(text))}}}", TEXT)
    if not attributes:
        if tag == "mi":
            return identifier(text, inherited)
        if tag == "mn":
            return number(text, inherited)
        if tag == "mo":
            return operator(text, None, "", "", "", "")
    variant = variant_of(attributes) or inherited
    if tag == "mi":
        if "data-mjx-alternate" in attributes and text in _ALTERNATES:
            return Atom(_ALTERNATES[text], raw=text)
        return identifier(text, variant)
    if tag == "mn":
        return number(text, variant)
    if tag == "mo":
        return _operator_token(text, attributes, variant or "")
    if tag == "mtext":
        return text_atom(text, variant)
    if tag == "ms":
        left, right = attributes.get("lquote"), attributes.get("rquote")
        quoted = ('"' if left is None else left) + text + ('"' if right is None else right)
        return Atom(f"\\text{{{escape(quoted)}}}", TEXT, raw=text)
    return mathml_content.token(tag, text, attributes, identifier, number)


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
    atom = operator(
        text, stretch, form, attributes.get("minsize") or "", texclass or ("FENCE" if fence else ""), variant
    )
    if atom.raw == ":" and (
        texclass == "PUNCT" or (length(attributes.get("lspace")) == 0 and length(attributes.get("rspace")))
    ):
        return Atom(r"\colon", OP, raw="colon")
    if atom.raw == "|" and stretch is False and atom.kind == VERTICAL and (length(attributes.get("lspace")) or 0) > 0.1:
        return Atom(r"\mid", OP, raw="∣")  # Temml's relation; a bar that is a fence has no space of its own
    if atom.kind == OP and "rspace" in attributes:
        after = length(attributes.get("rspace"))
        if after is not None and after > 0.8:  # LaTeXML keeps \quad and \qquad here
            return Atom(atom.tex + sym.space(after), OP, raw=atom.raw)
    return atom


def length(source: str | None) -> float | None:
    """A length of MathML in em; None for one that is absent or not understood."""
    if not source:
        return None
    source = source.strip()
    named = sym.NAMED_WIDTHS.get(source.removeprefix("negative"))
    if named is not None:
        return -named if source.startswith("negative") else named
    found = _LENGTH.match(source)
    return float(found.group(1)) * _EM.get(found.group(2) or "em", 0.0) if found else None


@lru_cache(maxsize=8192)
def identifier(text: str, variant: str | None) -> Atom:
    if text.isspace() and not text.isascii():
        return _white(text, negative=False)
    text = _cleaned(text)
    if len(text) > 1:
        return _name(text, variant)
    if not text:
        return NOTHING
    if text == "\u2061":
        return Atom("", APPLY)
    if text == "\xa0":
        return Atom(r"\ ", SPACE)
    if text in sym.VERTICAL:
        return Atom(sym.VERTICAL[text], VERTICAL, raw="‖" if sym.VERTICAL[text] == r"\|" else "|", stretch=False)
    if text in sym.OPEN or text in sym.CLOSE or text in sym.BIG_OPERATORS or text in "+-=<>*/,;:−≤≥≠∈→×⋅·±|":
        return operator(text, None, "", "", "", "")
    if text in "'′″‴⁗’":
        return Atom(sym.COMMANDS[text], PRIME, raw=text)
    if variant == CALLIGRAPHIC:
        variant = "script" if "A" <= text <= "Z" else "italic"
    font = sym.VARIANTS.get(variant) if variant else None
    if "À" <= text <= "ſ" or "Ḁ" <= text <= "ỿ":
        parts = unicodedata.normalize("NFD", text)
        accented = _combined(parts) if len(parts) == 2 else None
        if accented is not None:
            return Atom(accented, raw=text)
    letter = sym.alphabet(text)
    if letter is not None:
        font = letter[0] if not font or font == "mathrm" else font
        text = letter[1]
    if font is None:
        return Atom(sym.symbol(text), raw=text, font="")
    tex = sym.styled(font, text)
    return Atom(tex, raw=text, font=font if font and tex.startswith("\\" + font) and text.isascii() else "")


def _name(text: str, variant: str | None) -> Atom:
    """An identifier of several characters."""
    known = sym.FUNCTIONS.get(text)
    if known is not None:
        return Atom(known, FUNCTION)
    if _TWO_WORDS.fullmatch(text):
        return Atom(f"\\mathrm{{{text.replace(' ', chr(92) + ',')}}}", WORD, raw=text.replace(" ", r"\,"))
    if text in {"...", ".."} or text in sym.WORDS:
        return operator(text, None, "", "", "", "")
    if len(text) == 2:
        combined = _combined(text)
        if combined is not None:
            return Atom(combined, raw=text)
        if text in {"dx", "dy", "dz", "dt", "ds", "du", "dv", "dr"}:
            return Atom(text, ROW, simple=False)
    font = sym.VARIANTS.get(variant.replace(CALLIGRAPHIC, "italic")) if variant else None
    if _LETTERS.fullmatch(text):
        if variant is not None and font == "":
            return Atom(text, ROW)  # a product of letters, of which the last takes the scripts
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
        return Atom(f"\\text{{{escape(text)}}}", TEXT, raw=text)
    parts = [identifier(char, variant) for char in text if not char.isspace()]
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
        return sym.symbol(composed) if len(composed) == 1 else "\\not" + spaced(sym.symbol(text[0]))
    accent = _COMBINING.get(text[1])
    return f"\\{accent}{{{sym.symbol(text[0])}}}" if accent else None


def spaced(tex: str) -> str:
    return " " + tex if tex[:1].isalpha() else tex


@lru_cache(maxsize=8192)
def number(text: str, variant: str | None) -> Atom:
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
        return identifier(text, variant)
    return Atom(join(parts), ROW, simple=False)


_BIG_SIZES = ((1.5, "big"), (2.1, "Big"), (2.7, "bigg"), (9.0, "Bigg"))
_OPERANDS = frozenset("∞∂∇∅∀∃∄…⋯⋮⋱⋰!%°ºℵℶ⊤⊥△□◯◻♯♭♮#$&")


@lru_cache(maxsize=8192)
def operator(text: str, stretch: bool | None, form: str, size: str, texclass: str, variant: str) -> Atom:
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
        return identifier(text, variant or None)
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
    entity = _ENTITY.fullmatch(text)
    if entity is not None and entity.group(1) in sym.NAMES:
        return Atom("\\" + entity.group(1), OP, raw=text)  # one that HTML does not know
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
        return Atom(f"\\text{{{escape(text)}}}", TEXT, raw=text)
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


_ESCAPES = {char: "\\" + char for char in "$%#&_{}"}
_ESCAPES |= {"\\": r"\textbackslash{}", "^": r"\^{}", "~": r"\textasciitilde{}"}


def escape(text: str) -> str:
    return "".join([_ESCAPES.get(char, char) for char in text])


_TEXT_FONTS = {
    "bold": "textbf",
    "italic": "textit",
    "bold-italic": "textbf",
    "monospace": "texttt",
    "sans-serif": "textsf",
}


@lru_cache(maxsize=4096)
def text_atom(text: str, variant: str | None) -> Atom:
    negative = "\u2063" in text
    text = text.translate(_DROPPED)
    words = text.strip()
    if not words:
        return _white(text, negative)
    if len(words) == 1 and not words.isascii() and not words.isalnum():
        return operator(words, None, "", "", "", "")
    if "\\" in words and re.fullmatch(r"\\[A-Za-z]+", words):
        return Atom(words)  # a macro that the renderer did not know
    before = " " if text[0].isspace() and "\n" not in text[: len(text) - len(text.lstrip())] else ""
    after = " " if text[-1].isspace() and "\n" not in text[len(text.rstrip()) :] else ""
    body = "".join([" " if char.isspace() else char for char in _WHITE.sub(" ", words)])
    font = _TEXT_FONTS.get(variant or "", "text")
    return Atom(f"\\{font}{{{escape(before + body + after)}}}", TEXT, raw=words)


def _white(text: str, negative: bool) -> Atom:
    """A text of spaces only: KaTeX writes its spaces so, negative ones with an invisible separator."""
    em = sum(sym.SPACES.get(char, 0.0) for char in text) * (-1 if negative else 1)
    if em:
        tex = sym.space(em)
        return Atom(tex, SPACE) if tex else NOTHING
    return Atom(r"\ ", SPACE) if text else NOTHING
