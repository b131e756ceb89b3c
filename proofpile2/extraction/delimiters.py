r"""Formulas between delimiters in a run of text: ``\(..\)``, ``$..$``, ``\begin{align}..``, ``[tex]..[/tex]``, others.

A run is the text of one block (paragraph, cell, heading). Characters of the private use area mark what is not text:

    REF + digits + END   a formula, a piece of code or another finished thing, by number
    BREAK                a line break (<br>)
    EDGE                 the edge of an inline element; MathJax never lets a single dollar reach across one
    EMPHASIS             the edge of <em>: where a Markdown program took the underscores of a formula for emphasis
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from proofpile2.extraction import tex as tx
from proofpile2.extraction.config import Config
from proofpile2.extraction.words import words

__all__ = ["BREAK", "EDGE", "EMPHASIS", "END", "MARKS", "REF", "Add", "Rules", "rules_for", "tokenise"]

REF, END, BREAK, EDGE, EMPHASIS = "\ue000", "\ue001", "\ue002", "\ue003", "\ue004"
MARKS = re.compile("[\ue000-\ue00f]")

Add = Callable[[str, "bool | None", str], "str | None"]
"""Takes a raw formula, whether it is displayed, and its language (``tex``, ``asciimath``); gives what stands for it."""

Pair = tuple[str, str]


@dataclass(frozen=True)
class Rules:
    """What opens a formula on one page.

    ``dollar``: ``listed`` where the page lists it, ``seen`` where several dollars on the page enclose sure TeX,
    ``wary`` elsewhere: then only what can be nothing but TeX is taken.
    """

    inline: tuple[Pair, ...]
    display: tuple[Pair, ...]
    asciimath: tuple[Pair, ...] = ()
    environments: bool = True
    typeset: bool = False
    dollar: str = "wary"


_PAIR = re.compile(r"(?<![\\$])\$(?![\s$])([^$\ue003]{1,300}?)(?<![\s\\])\$(?![\d$])")


def rules_for(config: Config, texts: Iterable[str]) -> Rules:
    """The rules of a page from its configuration and from the texts of its blocks."""
    dollar = "listed" if config.dollar else "wary"
    if dollar == "wary" and not config.explicit:
        sure = 0
        for text in texts:
            if text.count("$") < 2:
                continue
            for match in _PAIR.finditer(text):
                if tx.is_tex(match.group(1)):
                    sure += 2 if "\\" in match.group(1) else 1
            if not config.typeset and text.count("$$") >= 2 and "\\" in text:
                sure += 2
            if sure >= 2:
                dollar = "seen"
                break
    return Rules(config.inline, config.display, config.asciimath, config.environments, config.typeset, dollar)


_TAGS = (
    r"tex|latex|itex|math|imath|dmath|katex|mathjax|eqn?|equation|formula|displaymath|inlinemath|mathinline|mathdisplay"
    r"|asciimath|amath|am|\$\$?"
)
_DISPLAY_TAGS = frozenset({"dmath", "displaymath", "mathdisplay", "$$", "equation", "eqn"})
_INLINE_TAGS = frozenset({"itex", "imath", "inlinemath", "mathinline", "$"})
_ASCII_TAGS = frozenset({"asciimath", "amath", "am"})
_ENVIRONMENTS = "|".join(re.escape(name) for name in sorted(tx.DISPLAY_ENVIRONMENTS | {"math"}))
_QUICK = re.compile(r"[$\\`#@]|\[/|\{/|</|\[;")


@lru_cache(maxsize=256)
def _opener(rules: Rules) -> tuple[re.Pattern[str], dict[str, tuple[str, bool | None, str]]]:
    """One pattern for all that may open a formula, and what an opener of the lists means: close, form, language."""
    means: dict[str, tuple[str, bool | None, str]] = {"\\(": ("\\)", False, "tex"), "\\[": ("\\]", True, "tex")}
    means["$$"] = ("$$", True, "tex")
    means |= {left: (right, False, "tex") for left, right in rules.inline if left != "$"}
    means |= {left: (right, True, "tex") for left, right in rules.display if not left.startswith("\\begin")}
    means |= {left: (right, False, "asciimath") for left, right in rules.asciimath if left != "$"}
    lefts = sorted(means, key=len, reverse=True)
    parts = [
        r"(?P<esc>\\\$)",
        r"\$latex(?=[\s{\\])",
        r"(?P<tick>\$`|:math:`)",
        r"(?P<three>\${3,6}(?!\$))",
        "(?P<open>" + "|".join(re.escape(left) for left in lefts) + ")",
        r"(?P<twice>\\\\[(\[])",
        r"(?P<hash>##(?!#))",
        r"(?P<semi>\[;)",
        rf"\[(?P<bracket>{_TAGS})(?:[ =][^\]\n]*)?\]",
        rf"<(?P<angle>{_TAGS})(?: [^<>\n]*)?>",
        r"\{(?P<curly>tex|latex|math|katex)\}",
        r"(?P<dollar>\$)",
        r"(?P<other>\\.)",
    ]
    if rules.environments:
        parts.insert(1, rf"\\begin\s*\{{(?P<env>{_ENVIRONMENTS})\}}")
    return re.compile("|".join(parts), re.DOTALL | re.IGNORECASE), means


def tokenise(text: str, rules: Rules, add: Add) -> str:
    r"""The text with each formula replaced by what ``add`` gives for it, and ``\$`` by a plain dollar.

    ``add`` may refuse (None); then the opener is text. Everything outside of formulas stays as it is.
    """
    if not _QUICK.search(text):
        return text
    pattern, means = _opener(rules)
    out: list[str] = []
    done = place = 0
    failures: Counter[str] = Counter()
    while match := pattern.search(text, place):
        start, after = match.span()
        kind = match.lastgroup
        place = after
        if kind == "other":
            continue
        if kind == "esc":
            out.append(text[done:start] + "$")
            done = after
            continue
        if kind == "dollar":
            if failures["$"] > _PATIENCE:
                continue
            end, closed = _dollar(text, after, rules)
            if end < 0:
                failures["$"] += not closed
                continue
            stand_in = add(_body(text[after:end]), False, "tex")
            stop = end + 1
        else:
            token = match.group()
            close, display, language = _meaning(match, kind, token, means)
            if failures[close] > _PATIENCE:
                continue
            if kind in ("env", "bracket", "angle", "curly"):
                reach = after + tx.MAX_FORMULA
                spellings = (text.find(form, after, reach) for form in (close, close.lower(), close.upper()))
                end = next((found for found in spellings if found >= 0), -1)
            else:
                end = tx.close_of(text, after, close)
            if end < 0:
                failures[close] += 1
                continue
            stop = end + len(close)
            body = _body(text[start:stop] if kind == "env" else text[after:end])
            if not _accept(kind, body, language, rules):
                continue
            stand_in = add(body, display, language)
        if stand_in is None:
            continue
        out.append(text[done:start])
        out.append(stand_in)
        done = place = stop
    out.append(text[done:])
    return "".join(out)


def _meaning(
    match: re.Match[str], kind: str | None, opener: str, means: dict[str, tuple[str, bool | None, str]]
) -> tuple[str, bool | None, str]:
    """Close, form and language of an opener."""
    if kind == "open":
        return means.get(opener) or next(means[left] for left in means if left.lower() == opener.lower())
    if kind == "env":
        name = match.group("env")
        return f"\\end{{{name}}}", name.lower() != "math", "tex"
    if kind in ("bracket", "angle", "curly"):
        tag = match.group(kind)
        low = tag.lower()
        shape = {"bracket": "[/{}]", "angle": "</{}>", "curly": "{{/{}}}"}[kind]
        form = True if low in _DISPLAY_TAGS else False if low in _INLINE_TAGS else None
        if kind == "bracket" and re.search(
            r"display\s*=?\s*[\"']?(?:true|block|1)|mode=display", opener, re.IGNORECASE
        ):
            form = True
        return shape.format(tag), form, "asciimath" if low in _ASCII_TAGS else "tex"
    if kind == "tick":
        return ("`$" if opener == "$`" else "`"), False, "tex"
    if kind == "three":
        return opener, len(opener) > 3, "tex"
    if kind == "twice":
        return ("\\\\)", False, "tex") if opener.endswith("(") else ("\\\\]", True, "tex")
    if kind == "hash":
        return "##", False, "tex"
    if kind == "semi":
        return ";]", None, "tex"
    return "$", None, "tex"  # $latex ...$


def _body(raw: str) -> str:
    """What was typed: breaks are newlines, edges nothing, an emphasis the underscore it was made of."""
    if not MARKS.search(raw) or REF in raw:
        return raw
    return raw.replace(BREAK, "\n").replace(EDGE, "").replace(EMPHASIS, "_")


_PLAIN = re.compile(r"[A-Za-z]+")
_FUNCTIONS = words(
    """
    sin cos tan cot sec csc log exp lim max min sup inf det dim ker gcd deg mod arg
    """
)
_SIMPLE = re.compile(r"(?:\\[%#&_{},;:! ]|[-−+*/=<>≤≥≠≈!|()\[\]{}.,;:'′^_\s\dA-Za-zͰ-Ͽ∀-⋿ℂℕℝℤℚ→↦×·±∞°√…~&%]){1,120}")


def simple(body: str) -> bool:
    """A short expression of letters, figures and signs, such as ``n``, ``f(x)=2n-1`` or ``0 < x < 1``."""
    if not _SIMPLE.fullmatch(body):
        return False
    return all(len(word) <= 2 or word in _FUNCTIONS for word in _PLAIN.findall(body))


def _accept(kind: str | None, body: str, language: str, rules: Rules) -> bool:
    if REF in body or not body.strip():
        return False
    if language == "asciimath":
        return len(body) < 2000 and not tx.prose(body)
    if kind == "env":
        return True
    if kind == "open":
        return rules.typeset or tx.may_be_tex(body.strip()) or tx.is_tex(tx.clean(body)[0])
    if kind in ("hash", "semi", "twice"):
        return tx.is_tex(body.strip()) or simple(body)
    if kind in ("bracket", "curly", "angle"):
        return not tx.prose(body) or "\\" in body
    return tx.may_be_tex(body.strip()) or tx.is_tex(tx.clean(body)[0])


_PATIENCE = 64  # openers of one kind in a run that were looked at to the end of their reach and did not close
_REACH = 4000
_PRICE = re.compile(r"\d[\d,.]*\s*(?:[a-z]{3,}|[kKmMbB]n?\b(?!\s*[-+*/=^_<>]\s*[\w(\\]|$)|[-–—]\s*$|/\s*$|$)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{2,}")


def _dollar(text: str, after: int, rules: Rules) -> tuple[int, bool]:
    """Where the single dollar before ``after`` closes, -1 where it opens nothing; and whether one was near."""
    if text[after : after + 1] == "$":
        return -1, True
    end = tx.close_of(text, after, "$", _REACH)
    near = end >= 0
    if end < 0:  # a brace that does not close hides the dollar; take the next one
        end = text.find("$", after, after + _REACH)
        if end < 0 or text[end - 1] == "\\":
            return -1, False
    return (end if _encloses(text, after, end, rules) else -1), near


def _another(text: str, place: int, rules: Rules) -> bool:
    """Whether the dollar at ``place``, right behind one that closes, opens the next formula: ``$a$$b$``."""
    follows = text[place + 1 : place + 2]
    return rules.dollar == "listed" and follows not in ("", "$", " ") and tx.close_of(text, place + 1, "$", _REACH) > 0


def _encloses(text: str, after: int, end: int, rules: Rules) -> bool:
    """Whether what stands between two single dollars is a formula."""
    if text[end + 1 : end + 2] == "$" and not _another(text, end + 1, rules):
        return False
    raw = text[after:end]
    if REF in raw or raw.count(BREAK) > 4:
        return False
    body = _body(raw).strip()
    if not body:
        return False
    sure = tx.is_tex(body)
    figure = re.fullmatch(r"[\d.,]+", body) is not None
    if text[after - 2 : after - 1] == EDGE == text[end + 1 : end + 2] and EDGE not in raw and not raw[0].isspace():
        short = simple(body) or body.count(" ") < 4
        return sure or figure or (short and tx.may_be_tex(body) and not _PRICE.match(body))
    if EDGE in raw and not sure:
        return False
    tight = not raw[0].isspace() and not raw[-1].isspace()
    following = text[end + 1 : end + 2]
    if tx.prose(body):
        return "\\" in body and rules.dollar == "listed" and tight
    if sure and (tight or "\\" in body or rules.dollar == "listed"):
        return not (following.isdigit() and "\\" not in body)
    if not tight and (rules.dollar != "listed" or not simple(body) or raw[0].isspace() != raw[-1].isspace()):
        return False
    if following.isalnum() and (following.isdigit() or len(body) > 1 or rules.dollar == "wary"):
        return False
    if _PRICE.match(body) and not (tight and rules.dollar != "wary" and figure):
        return False
    if rules.dollar == "listed":
        return simple(body) or (tight and len(body.split()) <= 3 and tx.may_be_tex(body))
    return rules.dollar == "seen" and simple(body) and tight
