"""What a page tells MathJax or KaTeX: delimiters, macros, what to skip.

The settings stand in JavaScript, which is read by a small reader of literals (strings, numbers, arrays, objects,
comments); nothing is ever executed. Names of options are those of MathJax 1 to 4 (docs.mathjax.org, "tex2jax" and
"TeX input processor options") and of KaTeX's auto-render extension.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

__all__ = ["Config", "read", "read_literal"]

Pair = tuple[str, str]

_DISPLAY: tuple[Pair, ...] = (("$$", "$$"), ("\\[", "\\]"))
_INLINE: tuple[Pair, ...] = (("\\(", "\\)"),)
_ASCII: tuple[Pair, ...] = (("`", "`"),)
_MAX_SCRIPT = 200_000


@dataclass(frozen=True)
class Config:
    """Delimiters and exceptions of one page.

    ``typeset``      the page loads a program that typesets TeX between delimiters
    ``explicit``     the page itself lists inline delimiters, so a ``$`` that is not listed is none
    ``asciimath``    delimiters of AsciiMath, empty where the page does not load it
    ``skip_tags``    elements whose text is never typeset, beside those that no page typesets
    ``ignore``       class names below which nothing is typeset, ``process`` those where it begins again
    ``macros``       ``\\newcommand`` lines for the macros the configuration defines, by name without backslash
    """

    inline: tuple[Pair, ...] = _INLINE
    display: tuple[Pair, ...] = _DISPLAY
    asciimath: tuple[Pair, ...] = ()
    typeset: bool = False
    explicit: bool = False
    environments: bool = True
    skip_tags: frozenset[str] = frozenset()
    ignore: frozenset[str] = frozenset({"tex2jax_ignore", "mathjax_ignore"})
    process: frozenset[str] = frozenset({"tex2jax_process", "mathjax_process"})
    macros: dict[str, str] = field(default_factory=dict)

    @property
    def dollar(self) -> bool:
        """Whether the page says that single dollars are delimiters."""
        return ("$", "$") in self.inline


_PLAIN = Config()
_MAX_REMEMBERED = 20_000
_PROGRAMS = ("mathjax", "katex", "jsmath", "asciimath", "mathquill", "rendermathinelement", "tex2jax")
_ASCIIMATH = re.compile(
    r"asciimath2jax|ascii(?:math)?mathml|asciimath\.js|input/asciimath|[?&]config=(?:[\w,-]*[_-])?AM[_-]|TeX-AMS-MML_HTMLorMML-full-AM",
    re.IGNORECASE,
)
_KEY = re.compile(
    r"""["']?\b(inlineMath|displayMath|delimiters|skipTags|skipHtmlTags|ignoreClass|ignoreHtmlClass|processClass|"""
    r"""processHtmlClass|processEnvironments|macros|Macros)\b["']?\s*[:=]\s*""",
)
_ASCII_SECTION = re.compile(r"""["']?\b(?:asciimath2jax|asciimath|AsciiMath)\b["']?\s*:\s*\{""")


def read(scripts: list[str], sources: list[str]) -> Config:
    """Settings from the texts of a page's scripts and the addresses (``src``) of its scripts."""
    texts = tuple(text for text in scripts if _loads(text))
    loads = tuple(address for address in sources if _loads(address))
    if not texts and not loads:
        return _PLAIN
    if sum(map(len, texts)) > _MAX_REMEMBERED:
        return _read(texts, loads)
    return _remembered(texts, loads)


@lru_cache(maxsize=512)
def _remembered(texts: tuple[str, ...], loads: tuple[str, ...]) -> Config:
    """The pages of a site have the same few lines of settings."""
    return _read(texts, loads)


def _read(texts: tuple[str, ...], loads: tuple[str, ...]) -> Config:
    found: dict[str, Any] = {}
    macros: dict[str, str] = {}
    asciimath: tuple[Pair, ...] = ()
    if any(_ASCIIMATH.search(piece) for piece in (*texts, *loads)):
        asciimath = _ASCII
    for text in texts:
        code = text[:_MAX_SCRIPT]
        ascii_spans = _sections(code)
        for match in _KEY.finditer(code):
            key = match.group(1)
            value = read_literal(code, match.end())
            if any(start <= match.start() < end for start, end in ascii_spans):
                if key == "delimiters":
                    asciimath = _pairs(value) or asciimath
                continue
            if key in ("macros", "Macros"):
                macros.update(_macros(value))
            elif key == "delimiters":
                found.setdefault("delimiters", value)
            else:
                found[key] = value
    inline, display, explicit = _INLINE, _DISPLAY, False
    if "inlineMath" in found:
        added = isinstance(found["inlineMath"], dict)
        inline = (*_INLINE, *_pairs(found["inlineMath"])) if added else _pairs(found["inlineMath"])
        explicit = True
    if "displayMath" in found:
        added = isinstance(found["displayMath"], dict)
        display = (*_DISPLAY, *_pairs(found["displayMath"])) if added else _pairs(found["displayMath"])
    katex = found.get("delimiters")
    if isinstance(katex, list) and any(isinstance(entry, dict) for entry in katex):
        entries = [(e.get("left"), e.get("right"), e.get("display")) for e in katex if isinstance(e, dict)]
        good = [(a, b, bool(d)) for a, b, d in entries if isinstance(a, str) and isinstance(b, str) and a and b]
        if good:
            inline = tuple((a, b) for a, b, d in good if not d)
            display = tuple((a, b) for a, b, d in good if d)
            explicit = True
    environments = found.get("processEnvironments") is not False
    tags = _words(found.get("skipTags")) | _words(found.get("skipHtmlTags"))
    base = Config()
    return Config(
        inline=tuple(dict.fromkeys(inline)),
        display=tuple(dict.fromkeys(display)),
        asciimath=asciimath,
        typeset=True,
        explicit=explicit,
        environments=environments,
        skip_tags=frozenset(tag.lower() for tag in tags),
        ignore=base.ignore | _words(found.get("ignoreClass")) | _words(found.get("ignoreHtmlClass")),
        process=base.process | _words(found.get("processClass")) | _words(found.get("processHtmlClass")),
        macros=macros,
    )


def _loads(text: str) -> bool:
    """Whether a script, or its address, names a program that typesets."""
    low = text.lower()
    return any(name in low for name in _PROGRAMS)


def _sections(code: str) -> list[tuple[int, int]]:
    """Where the settings of AsciiMath stand, so that its delimiters are not taken for those of TeX."""
    spans = []
    for match in _ASCII_SECTION.finditer(code):
        depth, place = 1, match.end()
        limit = min(len(code), place + 4000)
        while place < limit and depth:
            depth += {"{": 1, "}": -1}.get(code[place], 0)
            place += 1
        spans.append((match.end(), place))
    return spans


def _pairs(value: Any) -> tuple[Pair, ...]:
    """Pairs of delimiters in ``[['$','$'], ...]`` or in MathJax 3's ``{'[+]': [...]}``."""
    if isinstance(value, dict):
        value = [entry for part in value.values() if isinstance(part, list) for entry in part]
    if not isinstance(value, list):
        return ()
    if len(value) == 2 and all(isinstance(entry, str) for entry in value):
        value = [value]
    pairs = [entry for entry in value if isinstance(entry, list) and len(entry) == 2]
    return tuple((a, b) for a, b in pairs if isinstance(a, str) and isinstance(b, str) and a.strip() and b.strip())


def _words(value: Any) -> frozenset[str]:
    """Names in a list, in MathJax 3's ``{'[+]': [...]}``, or in a regular expression that is only an alternation."""
    if isinstance(value, dict):
        value = [entry for name, part in value.items() if name != "[-]" and isinstance(part, list) for entry in part]
    if isinstance(value, list):
        return frozenset(entry for entry in value if isinstance(entry, str))
    if isinstance(value, str):
        return frozenset(word for word in value.split("|") if re.fullmatch(r"[\w-]+", word))
    return frozenset()


def _macros(value: Any) -> dict[str, str]:
    """``{RR: "\\mathbb R", bold: ["\\mathbf{#1}", 1]}`` as ``\\newcommand`` lines."""
    lines: dict[str, str] = {}
    if not isinstance(value, dict):
        return lines
    for raw, body in value.items():
        name = raw.removeprefix("\\")
        if not re.fullmatch(r"[A-Za-z]+", name):
            continue
        if isinstance(body, str):
            arguments = max((int(n) for n in re.findall(r"#([1-9])", body)), default=0)
            lines[name] = rf"\newcommand{{\{name}}}{f'[{arguments}]' if arguments else ''}{{{body}}}"
        elif isinstance(body, list) and len(body) >= 2 and isinstance(body[0], str) and isinstance(body[1], int):
            default = f"[{body[2]}]" if len(body) > 2 and isinstance(body[2], str) else ""
            lines[name] = rf"\newcommand{{\{name}}}{f'[{body[1]}]' if body[1] else ''}{default}{{{body[0]}}}"
    return lines


_SPACE = re.compile(r"(?:\s+|//[^\n]*|/\*.*?\*/)+", re.DOTALL)
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?")
_NAME = re.compile(r"[A-Za-z_$][\w$]*")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "\n": ""}


def read_literal(code: str, start: int = 0) -> Any:
    """The JavaScript literal at ``start``: str, int, float, bool, list, dict, or None for anything else or broken."""
    try:
        return _value(code, start, 0)[0]
    except (_Broken, IndexError):
        return None


class _Broken(Exception):
    pass


def _skip(code: str, place: int) -> int:
    match = _SPACE.match(code, place)
    return match.end() if match else place


def _value(code: str, place: int, depth: int) -> tuple[Any, int]:
    if depth > 20:
        raise _Broken
    place = _skip(code, place)
    char = code[place]
    if char in "\"'`":
        text, place = _string(code, place)
        after = _skip(code, place)
        while code[after : after + 1] == "+":  # 'a' + 'b'
            after = _skip(code, after + 1)
            if code[after : after + 1] not in ('"', "'"):
                raise _Broken
            more, place = _string(code, after)
            text += more
            after = _skip(code, place)
        return text, place
    if char == "[":
        return _array(code, place + 1, depth)
    if char == "{":
        return _object(code, place + 1, depth)
    if match := _NUMBER.match(code, place):
        text = match.group()
        return (float(text) if "." in text else int(text)), match.end()
    if match := re.compile(r"String\.raw(?=`)").match(code, place):
        end = code.index("`", match.end() + 1)
        return code[match.end() + 1 : end], end + 1
    if char == "/":
        end = place + 1
        while code[end] != "/":
            if code[end] == "\n":
                raise _Broken
            end += 2 if code[end] == "\\" else 1
        tail = _NAME.match(code, end + 1)
        return None, tail.end() if tail else end + 1
    if match := _NAME.match(code, place):
        names = {"true": True, "false": False}
        end = match.end()
        if match.group() not in names:  # a name, a call or a function: skip it, its value is not known
            end = _skip_expression(code, end)
        return names.get(match.group()), end
    raise _Broken


def _skip_expression(code: str, place: int) -> int:
    depth = 0
    limit = min(len(code), place + 20_000)
    while place < limit:
        char = code[place]
        if char in "\"'`":
            place = _string(code, place)[1]
            continue
        if char in "([{":
            depth += 1
        elif char in ")]}":
            if depth == 0:
                return place
            depth -= 1
        elif char in ",;" and depth == 0:
            return place
        place += 1
    raise _Broken


def _string(code: str, place: int) -> tuple[str, int]:
    quote = code[place]
    out = []
    place += 1
    while (char := code[place]) != quote:
        if char == "\n" and quote != "`":
            raise _Broken
        if char == "\\":
            nxt = code[place + 1]
            width = {"u": 4, "x": 2}.get(nxt)
            if width:
                try:
                    out.append(chr(int(code[place + 2 : place + 2 + width], 16)))
                except ValueError:
                    raise _Broken from None
                place += 2 + width
                continue
            out.append(_ESCAPES.get(nxt, nxt))
            place += 2
            continue
        out.append(char)
        place += 1
    return "".join(out), place + 1


def _array(code: str, place: int, depth: int) -> tuple[list[Any], int]:
    items: list[Any] = []
    while True:
        place = _skip(code, place)
        if code[place] == "]":
            return items, place + 1
        if code[place] == ",":
            place += 1
            continue
        item, place = _value(code, place, depth + 1)
        items.append(item)


def _object(code: str, place: int, depth: int) -> tuple[dict[str, Any], int]:
    items: dict[str, Any] = {}
    while True:
        place = _skip(code, place)
        if code[place] == "}":
            return items, place + 1
        if code[place] == ",":
            place += 1
            continue
        if code[place] in "\"'`":
            key, place = _string(code, place)
        elif match := re.compile(r"[\w$]+").match(code, place):
            key, place = match.group(), match.end()
        else:
            raise _Broken
        place = _skip(code, place)
        if code[place] == "(":  # a method: name() {...}
            place = _skip_expression(code, place)
            continue
        if code[place] != ":":
            raise _Broken
        items[key], place = _value(code, place + 1, depth + 1)
