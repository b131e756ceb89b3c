r"""Text without its formulas and its code, and the words of it: what the classifiers read, in training and in use.

``prose(text)`` takes the Markdown of the pipeline and removes

* display and inline formulas: ``$$..$$``, ``\[..\]``, ``\(..\)``, ``$..$`` and bare environments such as ``align``;
* fenced code blocks and inline code;
* what is left of LaTeX outside of them: commands with their arguments (the arguments of text commands such as ``\emph``
  stay), ``\begin`` and ``\end``;
* addresses (``https://...``).

Each becomes one space: nothing marks the place. ``\$`` and the other Markdown escapes become the plain character.
What counts as a formula is what a reader of the Markdown would take for one: an unescaped ``$`` toggles, as in TeX; an
inline formula ends before the next blank line, else its ``$`` is a plain dollar; a ``$`` inside of braces
(``\text{if $n$ is even}``) does not close; a ``$`` before a digit that would be closed by a ``$`` before a digit is a
price.

``split(text)`` gives what was taken out as well. ``sample(text)`` is ``prose`` of a few stretches of a long page, which
is all that the classifiers read of it. ``words(prose)`` then makes one line: lower case, letters and spaces.
Punctuation and digits go too, because a lonely full stop where a formula ended the sentence would tell that there had
been one.

Both take time in proportion to the text: a scan for three characters, bounded look-aheads, no backtracking.
"""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["MATH_ENVIRONMENTS", "excerpt", "prose", "sample", "split", "stretches", "words"]

_ENVIRONMENTS = (
    "align alignat aligned array Bmatrix bmatrix cases CD dcases displaymath dmath eqnarray equation "
    "flalign gather gathered IEEEeqnarray math matrix multline pmatrix prooftree smallmatrix split "
    "subequations tikzcd tikzpicture Vmatrix vmatrix xalignat"
)
MATH_ENVIRONMENTS = frozenset(_ENVIRONMENTS.split())
"""Environments whose whole content is mathematics; a star at the end of the name does not count."""

_KEEP_ARGUMENT = (
    "bf caption chapter em emph footnote headline it item large mbox paragraph part section sl "
    "subparagraph subsection subsubsection text textbf textit textmd textnormal textrm textsc textsf "
    "textsl textup title underline"
)
_TEXT_COMMANDS = frozenset(_KEEP_ARGUMENT.split())
_REACH = 20_000  # characters; a display formula or environment that is longer is not one
# Each branch begins with a plain character, so that the search skips to it in C.
_TOKEN = re.compile(r"``*|\$\$?|\\(?:begin\{([A-Za-z]+)\*?\}|([A-Za-z]+)\*?|[^A-Za-z])", re.DOTALL)
_ARGUMENTS = re.compile(r"(?:\[[^\[\]\n]{0,80}\]|\{[^{}\s]{0,80}\})*")
_CLOSING = {"$$": "$$", "\\(": "\\)", "\\[": "\\]"}
_TILDE_FENCE = re.compile(r"^([ \t]*)(~{3,})", re.MULTILINE)
_ADDRESS = re.compile(r"https?://[^\s)>\]]+")
_KEPT_ESCAPES = frozenset("$*_`#[]()<>|~{}!&%-+.\"'")


def prose(text: str) -> str:
    """``text`` without formulas, code, LaTeX and addresses; see the module's text for what counts as one."""
    return split(text)[0]


@lru_cache(maxsize=256)  # the stages of one pass ask for the same texts, one batch after the other
def sample(text: str) -> str:
    """:func:`prose` of the :func:`stretches` of ``text``: of a short page all, of a long one enough to judge it."""
    return "\n\n".join(map(prose, stretches(text)))


def stretches(text: str, size: int = 3_000, count: int = 4) -> list[str]:
    """The text where it is short, else ``count`` stretches of about ``size`` characters from equally spaced places.

    They begin and end between paragraphs and outside of fenced code, so that each can be read alone: no formula is cut
    in two. A text that is one paragraph is one stretch.
    """
    if len(text) <= size * count:
        return [text]
    found: list[str] = []
    end = counted = 0
    fenced = text.startswith("```")
    for number in range(count):
        start = max(end, (len(text) - size) * number // (count - 1))
        if number:
            start = text.find("\n\n", start)
            if start < 0:
                break
            fenced ^= text.count("\n```", counted, start) % 2 == 1
            counted = start
            if fenced:
                start = text.find("\n```", start) + 1
                if not start:
                    break
                start, counted, fenced = text.find("\n", start), start, False
                if start < 0:
                    break
        end = text.find("\n\n", start + size)
        end = len(text) if end < 0 else end
        found.append(text[start:end])
    return found


@lru_cache(maxsize=256)
def split(text: str) -> tuple[str, str]:
    """``text`` without formulas, code, LaTeX and addresses, and the formulas and LaTeX taken out, one a line."""
    latex = ""
    if "~~~" in text:
        text = _TILDE_FENCE.sub(lambda found: found[1] + "`" * len(found[2]), text)
    if "`" in text or "$" in text or "\\" in text:
        text, latex = _split(text)
    return (_ADDRESS.sub(" ", text) if "://" in text else text), latex


def excerpt(text: str, piece: int, pieces: int) -> str:
    """The text where it is short, else ``pieces`` stretches of ``piece`` characters from equally spaced places."""
    if len(text) <= piece * pieces:
        return text
    stride = (len(text) - piece) // (pieces - 1)
    return "\n".join(text[place * stride : place * stride + piece] for place in range(pieces))


def _split(text: str) -> tuple[str, str]:
    latex: list[str] = []
    pieces: list[str] = []
    place = 0  # everything before it is dealt with
    paragraph = -1  # where the paragraph that ``place`` is in ends
    dry: dict[str, int] = {}  # closing delimiter -> up to where there is none, so that no stretch is searched twice
    while found := _TOKEN.search(text, place):
        start, after = found.span()
        token = found[0]
        pieces.append(text[place:start])
        kept = " "
        if token[0] in "$`" and start > paragraph:
            paragraph = text.find("\n\n", start)
            paragraph = len(text) if paragraph < 0 else paragraph
        if token[0] == "$" and len(token) == 1:
            end = _inline_end(text, after, paragraph, dry)
        elif token[0] == "`":
            if len(token) >= 3 and not text[text.rfind("\n", 0, start) + 1 : start].strip(" \t>"):
                end = _fence_end(text, after, token)
            else:
                end = text.find(token, after, paragraph)
                end = end + len(token) if end >= 0 else -1
        elif closing := _CLOSING.get(token):
            end = _unescaped(text, closing, after, dry)
        elif found[1]:
            end = after
            if found[1] in MATH_ENVIRONMENTS:
                end = _unescaped(text, "\\end" + token[6:], after, dry)
        elif found[2]:
            end = after
            if found[2] not in _TEXT_COMMANDS and (arguments := _ARGUMENTS.match(text, after)):
                end = arguments.end()
        else:
            end = after
            kept = token[1] if token[1] in _KEPT_ESCAPES else " "
        if end < 0:  # opens nothing: a dollar or a backtick stands for itself
            end = after
            kept = token if token[0] in "$`" else " "
        elif token[0] != "`" and kept == " ":
            latex.append(text[start:end])
        pieces.append(kept)
        place = end
    pieces.append(text[place:])
    return "".join(pieces), "\n".join(latex)


def _fence_end(text: str, start: int, fence: str) -> int:
    """After the closing fence, a line of as many backticks or more; the end of the text when there is none."""
    while (found := text.find(fence, start)) >= 0:
        line_end = text.find("\n", found)
        line_end = len(text) if line_end < 0 else line_end
        if not text[text.rfind("\n", start, found) + 1 : line_end].strip(" \t>`"):
            return line_end
        start = line_end
    return len(text)


def _unescaped(text: str, closing: str, start: int, dry: dict[str, int]) -> int:
    """After the first ``closing`` within reach that no backslash stands before, or -1."""
    limit = start + _REACH
    while (found := text.find(closing, max(start, dry.get(closing, 0)), limit)) >= 0:
        if text[found - 1] != "\\" or text[found - 2 : found] == "\\\\":
            return found + len(closing)
        dry[closing] = found + 1
    dry[closing] = max(start, limit - len(closing) + 1)
    return -1


def _inline_end(text: str, start: int, paragraph: int, dry: dict[str, int]) -> int:
    """After the ``$`` that closes the inline formula which starts at ``start``, or -1."""
    if start < dry.get("$", 0):
        return -1
    after, open_braces = start, 0
    for _ in range(16):
        found = text.find("$", after, paragraph)
        if found < 0:
            return -1
        piece = text[after:found]
        after = found + 1
        if "\\" in piece:
            if piece[-1] == "\\" and piece[-2:] != "\\\\":
                continue  # an escaped dollar; the braces before it don't matter enough
            piece = piece.replace("\\{", "").replace("\\}", "")
        open_braces += piece.count("{") - piece.count("}")
        if open_braces <= 0:
            price = text[start].isdigit() and text[after : after + 1].isdigit()
            return -1 if price else after
    dry["$"] = after
    return -1


# Bytes of UTF-8 that are letters stay, ASCII capitals become small, everything else becomes a space.
_LETTERS = bytes(
    byte + 32 if 65 <= byte <= 90 else byte if 97 <= byte <= 122 or byte >= 128 else 32 for byte in range(256)
)
# Punctuation and symbols beyond ASCII, in UTF-8: U+0080-00BF, multiplication and division signs, U+2000-2BFF,
# U+3000-303F, U+FE00-FFFF's byte order mark, full stop forms and replacement character, private use,
# mathematical alphanumerics and pictographs (all of U+10000 and up).
_SYMBOLS = re.compile(
    rb"\xc2[\x80-\xbf]|\xc3[\x97\xb7]|\xe2[\x80-\xaf][\x80-\xbf]|\xe3\x80[\x80-\xbf]"
    rb"|\xef[\xb8-\xbf][\x80-\xbf]|\xee[\x80-\xbf][\x80-\xbf]|\xf0[\x80-\xbf]{3}"
)


def words(text: str) -> str:
    """The words of ``text`` in one line: small letters and spaces, neither digits nor punctuation nor symbols."""
    if text.isascii():
        return text.encode().translate(_LETTERS).decode()
    return _SYMBOLS.sub(b" ", text.lower().encode("utf-8", "replace")).translate(_LETTERS).decode()
