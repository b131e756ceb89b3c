r"""TeX as text: is this string a formula, and what of it is the formula itself.

Nothing here typesets or expands; "parses" means that braces and environments nest and that no run of English words
stands outside ``\text{}`` and its relatives.
"""

from __future__ import annotations

import re
from functools import lru_cache

from proofpile2.extraction.words import words

__all__ = [
    "DISPLAY_ENVIRONMENTS",
    "balanced",
    "clean",
    "close_of",
    "definitions",
    "is_tex",
    "may_be_tex",
    "only_definitions",
    "prose",
    "strip_delimiters",
    "used_macros",
]

MAX_FORMULA = 20_000
"""Characters; a longer string is never one formula."""

DISPLAY_ENVIRONMENTS = words(
    """
    equation equation* align align* alignat alignat* flalign flalign* gather gather* multline multline* eqnarray
    eqnarray* displaymath dmath dmath* IEEEeqnarray IEEEeqnarray* subequations xalignat xalignat* darray
    """
)

_COMMANDS = words(
    """
    frac dfrac tfrac cfrac binom dbinom tbinom sqrt root over choose atop sum prod coprod int iint iiint oint
    lim limsup liminf sup inf max min arg det dim ker deg gcd hom Pr log ln lg exp sin cos tan cot sec csc
    arcsin arccos arctan sinh cosh tanh coth bmod pmod mod alpha beta gamma delta epsilon varepsilon zeta eta
    theta vartheta iota kappa lambda mu nu xi pi varpi rho varrho sigma varsigma tau upsilon phi varphi chi psi
    omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega ell hbar imath jmath partial nabla infty
    emptyset varnothing forall exists nexists neg lnot land lor wedge vee cap cup bigcap bigcup bigsqcup
    bigoplus bigotimes biguplus setminus smallsetminus subset subseteq subsetneq supset supseteq sqsubset
    sqsubseteq in ni notin leq le geq ge neq ne ll gg equiv sim simeq cong approx propto prec succ preceq succeq
    leqslant geqslant lt gt pm mp times div cdot ast star circ bullet oplus ominus otimes odot dagger amalg wr
    to gets rightarrow leftarrow leftrightarrow Rightarrow Leftarrow Leftrightarrow longrightarrow longleftarrow
    Longrightarrow Longleftarrow Longleftrightarrow mapsto longmapsto hookrightarrow hookleftarrow
    rightharpoonup xrightarrow xleftarrow implies iff impliedby uparrow downarrow updownarrow rightsquigarrow
    leadsto vdash dashv models vDash perp parallel mid nmid angle triangle square Box Diamond ldots cdots vdots
    ddots dots dotsc dotsb colon langle rangle lfloor rfloor lceil rceil lvert rvert lVert rVert vert Vert left
    right middle big Big bigg Bigg bigl bigr Bigl Bigr hat bar tilde vec dot ddot widehat widetilde overline
    underline overbrace underbrace overrightarrow overleftarrow check breve acute grave mathring mathbb mathbf
    mathrm mathcal mathfrak mathscr mathsf mathtt mathit boldsymbol bm operatorname text textrm textbf textit
    mbox hbox mathop mathrel mathbin mathord begin end quad qquad displaystyle textstyle limits nolimits
    stackrel overset underset substack prime top bot aleph beth Re Im wp ce unit mathbbm cases matrix pmatrix
    bmatrix array label tag boxed cancel not lbrace rbrace lbrack rbrack mathstrut phantom backslash triangleq
    coloneqq asymp bowtie gtrsim lesssim degree ddagger diamond flat sharp natural surd newcommand
    DeclareMathOperator def rm bf it cal frak color
    """
)
_COMMAND = re.compile(r"\\([A-Za-z]+)")
_SCRIPT = re.compile(
    r"(?<![A-Za-z_/])(?:\\?[A-Za-z]+|[)\]}0-9|])\s?'*[_^]\s*(?:\{|\\[A-Za-z]|[A-Za-z0-9+*-](?![A-Za-z0-9_]))"
)
_RELATION = re.compile(r"[A-Za-z0-9)\]}|]\s*[=<>≤≥≠≈+/∈∼→−-]\s*[-−(\[{|\\A-Za-z0-9]")
_TEXT_GROUP = re.compile(
    r"\\(?:text(?:rm|bf|it|normal|sf|tt|up|sc)?|mbox|hbox|operatorname\*?|mathrm|mathsf|mathtt|mathit|mathbf|tag\*?|label|"
    r"(?:eq)?ref|intertext|shortintertext|begin|end|cite|ce|unit|newcommand|class|style|cssId|href|url|require|color|textcolor|"
    r"fcolorbox|colorbox|vbox|fbox|emph|small|operatorname|DeclareMathOperator\*?|mathop|unicode)\s*\{(?:[^{}]|\{[^{}]*\})*\}"
)
_WORDS = re.compile(r"(?<![\\A-Za-z])(?:[A-Za-z][a-z]{2,}|a|of|in|is|to|we|if|on|as|be|by|an|or)(?:[,;:.]?\s+|$)")
_RUN = re.compile(
    r"(?<![\\A-Za-z])(?:(?:[A-Za-z][a-z]{2,}|a|of|in|is|to|we|if|on|as|be|by|an|or|it|so|at)(?:'[a-z]+)?[,;:.]?\s+){3}[A-Za-z]+"
)
_STOP = re.compile(
    r"(?<![\\A-Za-z{])(?:the|and|that|this|with|from|have|which|are|was|were|you|your|they|not|but|can|will|per|each|than|about|only)"
    r"(?![A-Za-z])",
)
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_ENVIRONMENT = re.compile(r"\\(begin|end)\s*\{([^{}]*)\}")


def balanced(tex: str) -> bool:
    """Whether braces nest and every environment that begins ends, in order."""
    depth = 0
    for match in _BRACE.finditer(tex):
        brace = match.group()
        if brace == "{":
            depth += 1
        elif brace == "}":
            depth -= 1
            if depth < 0:
                return False
    if depth:
        return False
    if "\\begin" not in tex and "\\end" not in tex:
        return True
    open_names = []
    for match in _ENVIRONMENT.finditer(tex):
        if match.group(1) == "begin":
            open_names.append(match.group(2))
        elif not open_names or open_names.pop() != match.group(2):
            return False
    return not open_names


def prose(tex: str) -> bool:
    r"""Whether words of a language stand in it outside ``\text{}``: four in a row, or English function words."""
    if len(tex) < 8:
        return False
    bare = _TEXT_GROUP.sub(" \\t ", tex) if "\\" in tex else tex
    if _RUN.search(bare):
        return True
    words = len(_WORDS.findall(bare))
    return words >= 2 and len(_STOP.findall(bare)) >= 1 and words * 12 > len(bare) - bare.count("\\") * 8


@lru_cache(maxsize=4096)
def is_tex(tex: str) -> bool:
    """Whether the string alone shows that it is a formula in TeX: a known command or a script, and it parses."""
    if not tex or len(tex) > MAX_FORMULA or not balanced(tex):
        return False
    commands = _COMMAND.findall(tex)
    if not any(name in _COMMANDS for name in commands) and not _SCRIPT.search(tex):
        return False
    return not prose(tex)


@lru_cache(maxsize=4096)
def may_be_tex(tex: str) -> bool:
    """Whether a string that the markup calls mathematics can be a formula: it parses, and it is no prose."""
    if not tex or len(tex) > MAX_FORMULA or not tex.strip() or not balanced(tex):
        return False
    return not prose(tex)


_DELIMITED = [
    (
        re.compile(r"\$\$\s*((?:[^$\\]|\\.)*(?:\$(?!\$)(?:[^$\\]|\\.)+\$(?!\$)(?:[^$\\]|\\.)*)*?)\s*\$\$", re.DOTALL),
        True,
    ),
    (re.compile(r"\\{1,2}\[\s*(.*?)\s*\\{1,2}\]", re.DOTALL), True),
    (re.compile(r"\\{1,2}\(\s*(.*?)\s*\\{1,2}\)", re.DOTALL), False),
    (re.compile(r"\$\s*((?:[^$\\]|\\.)*)\s*\$", re.DOTALL), False),
    (re.compile(r"\[(?:tex|latex|math|eq)\]\s*(.*?)\s*\[/(?:tex|latex|math|eq)\]", re.DOTALL | re.IGNORECASE), None),
    (
        re.compile(
            r"\\begin\s*\{(?:equation|displaymath)\*?\}\s*(.*?)\s*\\end\s*\{(?:equation|displaymath)\*?\}", re.DOTALL
        ),
        True,
    ),
    (re.compile(r"\\begin\s*\{math\}\s*(.*?)\s*\\end\s*\{math\}", re.DOTALL), False),
]
_DISPLAY_ENV = re.compile(
    r"\\begin\s*\{(" + "|".join(re.escape(name) for name in sorted(DISPLAY_ENVIRONMENTS)) + r")\}"
)


def strip_delimiters(tex: str) -> tuple[str, bool | None]:
    """The formula without the delimiters round all of it, and whether they said display (None without any)."""
    display: bool | None = None
    for _ in range(3):
        if not tex or tex[0] not in "$\\[" or len(tex) > MAX_FORMULA:
            break
        for pattern, kind in _DELIMITED:
            match = pattern.fullmatch(tex)
            if match and (kind is None or balanced(match.group(1))):
                inner = match.group(1)
                if ("\\)" in inner or "\\]" in inner) and pattern in (_DELIMITED[1][0], _DELIMITED[2][0]):
                    continue  # several formulas in a row
                if ("\\end{equation" in inner or "\\end{displaymath" in inner) and tex.startswith("\\begin"):
                    continue
                tex = inner
                display = kind if display is None else display
                break
        else:
            break
    if display is None and _DISPLAY_ENV.match(tex):
        display = True
    return tex, display


_NAMED = re.compile(r"^(?:La)?TeX(?: (?:code|source|formula))?\s*[:=]\s*")
_DOCUMENT = re.compile(r"\\begin\{document\}(.*?)\\end\{document\}", re.DOTALL)
_CDATA = re.compile(r"%?\s*<!\[CDATA\[|%?\s*\]\]>")
_COMMENT = re.compile(r"(?<!\\)((?:\\\\)*)%[^\n]*\n[ \t]*")
_LAST_COMMENT = re.compile(r"(?<!\\)((?:\\\\)*)%[^\n]*\Z")
_STYLE = re.compile(r"\s*\\(?:displaystyle|textstyle)(?![A-Za-z])\s*")
_RENDER = re.compile(
    r"\s*(?:\\(?:inline|tiny|small|large|Large|LARGE|huge|Huge|normalsize|usepackage\{[^{}]*\})(?![A-Za-z])"
    r"|\\(?:dpi|fn|bg|gammacorrection|opaque|reverse)(?:_[a-z]+|\{[^{}]*\})|\\(?:png|gif)(?![A-Za-z]))\s*"
)
_LINES = re.compile(r"[ \t\r\f\v]*\n\s*")
_SPACES = re.compile(r"[ \t\r\f\v\u00a0\u200b]+")
_ENTITY = re.compile(r"&(lt|gt|amp|quot|nbsp|space|plus|minus|#39|apos|#x27);")
_ENTITIES = {
    "lt": "<",
    "gt": ">",
    "amp": "&",
    "quot": '"',
    "nbsp": " ",
    "space": " ",
    "plus": "+",
    "minus": "-",
    "#39": "'",
}
_ENTITIES |= {"apos": "'", "#x27": "'"}


def clean(raw: str) -> tuple[str, bool | None]:
    r"""A formula as it shall stand between dollars, and whether its delimiters said display, inline or nothing.

    Delimiters, CDATA wrappers, comments at line ends, blank lines, a ``\displaystyle`` over all of it and the size
    commands of image services go; the author's spelling stays. Empty where nothing is left.
    """
    return _clean(raw) if len(raw) > 500 else _clean_short(raw)


@lru_cache(maxsize=8192)
def _clean_short(tex: str) -> tuple[str, bool | None]:
    """As :func:`clean`; the short formulas of a page come again and again."""
    return _clean(tex)


def _clean(tex: str) -> tuple[str, bool | None]:
    tex = tex.strip()
    if "TeX" in tex[:8]:
        tex = _NAMED.sub("", tex)
    if "\\end{document}" in tex and (match := _DOCUMENT.search(tex)):
        tex = match.group(1).strip()
    if "§" in tex:  # TexMaths: size, kind, source, format, resolution
        tex = max(tex.split("§"), key=len).strip()
    if "]]>" in tex or "<![CDATA[" in tex:
        tex = _CDATA.sub("", tex).strip()
    if "%" in tex:
        if "\n" in tex:
            tex = _COMMENT.sub(r"\1", tex)
        if tex.endswith("%"):
            tex = _LAST_COMMENT.sub(r"\1", tex)
    if "&" in tex and ";" in tex:
        tex = _ENTITY.sub(lambda match: _ENTITIES[match.group(1)], tex)
    tex, display = strip_delimiters(tex.strip())
    while match := _STYLE.match(tex):
        tex = tex[match.end() :]
    if tex.startswith("{") and (wrapped := _wrapped_style(tex)) is not None:
        tex = wrapped
    if tex.startswith("\\"):
        before = tex
        while match := _RENDER.match(tex):
            tex = tex[match.end() :]
        if "\\inline" in before and before != tex and display is None and before.lstrip().startswith("\\inline"):
            display = False
        while match := _STYLE.match(tex):
            tex = tex[match.end() :]
    tex = tex.removesuffix("\\nocache")
    if "\n" in tex:
        tex = _LINES.sub("\n", tex)
    tex = _SPACES.sub(" ", tex).strip()
    if tex.endswith("\\"):
        tex += " "  # a control space at the end would swallow the closing dollar, a line break seems to do so
    if "$" in tex:
        tex = _inner_dollars(tex)
    return ("" if _EMPTY.fullmatch(tex) else tex), display


_EMPTY = re.compile(r"(?:[{}\s~]|\\\$|\\\\|\\[,;:! ]|\\(?:quad|qquad|displaystyle)(?![a-zA-Z])|\\end\{[^{}]*\})*")


def _wrapped_style(tex: str) -> str | None:
    r"""The inside of ``{\displaystyle ...}`` if that is all there is."""
    match = re.match(r"\{\s*\\(?:displaystyle|textstyle|scriptstyle)(?![A-Za-z])\s*", tex)
    if not match:
        return None
    end = close_of(tex, 1, "}")
    return tex[match.end() : end].strip() if end == len(tex) - 1 else None


def close_of(text: str, start: int, close: str, limit: int = MAX_FORMULA) -> int:
    """Where ``close`` stands at brace level 0 after ``start``, as TeX and MathJax look for it; -1 where it does not."""
    pattern = _close_pattern(close)
    depth = 0
    for match in pattern.finditer(text, start, min(len(text), start + limit)):
        found = match.group()
        if found == close and depth <= 0:
            return match.start()
        if found == "{":
            depth += 1
        elif found == "}":
            depth -= 1
    return -1


@lru_cache(maxsize=256)
def _close_pattern(close: str) -> re.Pattern[str]:
    return re.compile(re.escape(close) + r"|\\.|[{}]", re.DOTALL)


_TEXT_OPEN = re.compile(r"\\(?:text(?:rm|bf|it|normal)?|mbox|hbox)\s*\{")


def _inner_dollars(tex: str) -> str:
    r"""Dollars stay where they pair inside ``\text{}``; any other becomes ``\$``, so that it closes nothing."""
    keep: set[int] = set()
    for match in _TEXT_OPEN.finditer(tex):
        end = close_of(tex, match.end(), "}")
        places = [k for k in range(match.end(), end) if tex[k] == "$" and tex[k - 1] != "\\"] if end > 0 else []
        flat = end > 0 and "{" not in tex[match.end() : end]
        if len(places) % 2 == 0 and flat and "$$" not in tex[match.end() : end]:
            keep.update(places)
    out = []
    place = 0
    while place < len(tex):
        char = tex[place]
        if char == "\\":
            out.append(tex[place : place + 2])
            place += 2
            continue
        out.append("\\$" if char == "$" and place not in keep else char)
        place += 1
    return "".join(out)


_DEFINITION = re.compile(
    r"\\(?:(?:re|provide)?newcommand\*?\s*\{?\s*\\(?P<a>[A-Za-z]+)\s*\}?\s*(?:\[\d\]\s*(?:\[[^\]]*\])?)?"
    r"|DeclareMathOperator\*?\s*\{?\s*\\(?P<b>[A-Za-z]+)\s*\}?|def\s*\\(?P<c>[A-Za-z]+)\s*(?:#\d\s*)*|let\s*\\(?P<d>[A-Za-z]+)\s*=?\s*\\[A-Za-z]+)\s*"
)


def definitions(tex: str) -> dict[str, str]:
    r"""Macros that a piece of TeX defines with ``\newcommand``, ``\def`` and relatives: name to definition."""
    found: dict[str, str] = {}
    for match in _DEFINITION.finditer(tex):
        name = match.group("a") or match.group("b") or match.group("c") or match.group("d")
        end = match.end()
        if not match.group("d"):
            if tex[end : end + 1] != "{":
                continue
            close = close_of(tex, end + 1, "}")
            if close < 0:
                continue
            end = close + 1
        found[name] = " ".join(tex[match.start() : end].split())
    return found


def only_definitions(tex: str) -> bool:
    """Whether there is nothing in it but definitions of macros (and the commands that load extensions)."""
    rest = _REQUIRE.sub("", tex)
    for definition in definitions(rest).values():
        rest = " ".join(rest.split()).replace(definition, "")
    return not _DEFINITION.search(rest) and not rest.strip(" {}%;.,~")


_REQUIRE = re.compile(
    r"\\(?:require|newenvironment|setcounter|setlength|allowdisplaybreaks)(?:\s*\{[^{}]*\})*(?:\[\d\])?"
)


def used_macros(formulas: list[str], macros: dict[str, str]) -> list[str]:
    """Names of ``macros`` that the formulas use, with those that these use in turn, in the order of ``macros``."""
    wanted: set[str] = set()
    todo = [name for tex in formulas for name in _COMMAND.findall(tex) if name in macros]
    while todo:
        name = todo.pop()
        if name not in wanted:
            wanted.add(name)
            todo += [other for other in _COMMAND.findall(macros[name]) if other in macros]
    return [name for name in macros if name in wanted]
