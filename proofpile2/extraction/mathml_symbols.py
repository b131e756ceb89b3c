r"""Unicode character to LaTeX command, for formulas.

The tables hold facts (which command prints which character) as in LaTeX, amssymb and unicode-math; they were
written for this module. Names are given without the backslash. Everything is plain data; the only function is
`symbol`, which also covers the mathematical alphanumerics, superscript digits and negated relations by rule.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

# one pair a word: command then character(s); several characters may share a command
_COMMANDS = """
alpha α beta β gamma γ delta δ epsilon ϵ varepsilon ε zeta ζ eta η theta θ vartheta ϑ iota ι kappa κ varkappa ϰ
lambda λ mu μµ nu ν xi ξ pi π varpi ϖ rho ρ varrho ϱ sigma σ varsigma ς tau τ upsilon υ phi ϕ varphi φ chi χ psi ψ
omega ω Gamma Γ Delta Δ∆ Theta Θϴ Lambda Λ Xi Ξ Pi Π Sigma Σ Upsilon Υϒ Phi Φ Psi Ψ Omega ΩΩ digamma ϝ mho ℧
hbar ℏħ ell ℓ wp ℘ Re ℜ Im ℑ aleph ℵ beth ℶ gimel ℷ daleth ℸ imath ı𝚤 jmath ȷ𝚥 partial ∂ nabla ∇ infty ∞
forall ∀ exists ∃ nexists ∄ emptyset ∅ varnothing ⌀ complement ∁ eth ð angle ∠ measuredangle ∡ sphericalangle ∢
top ⊤ bot ⊥ surd √ flat ♭ natural ♮ sharp ♯ clubsuit ♣ diamondsuit ♢♦ heartsuit ♡♥ spadesuit ♠ checkmark ✓ maltese ✠
triangle △ triangledown ▽ blacktriangle ▲ blacktriangledown ▼ square □◻ blacksquare ■◼∎ lozenge ◊ blacklozenge ⧫
bigstar ★ Pr ⪻ circledS Ⓢ circledR ® yen ¥ pounds £ copyright © degree ° backprime ‵ S § P ¶
therefore ∴ because ∵ dagger † ddagger ‡ diagup ╱ diagdown ╲
pm ± mp ∓ times × div ÷ ast ∗ star ⋆☆ circ ∘ bullet ∙• cdot ⋅· cap ∩ cup ∪ uplus ⊎ sqcap ⊓ sqcup ⊔ vee ∨ wedge ∧
setminus ∖⧵ wr ≀ diamond ⋄ bigtriangleup △ oplus ⊕ ominus ⊖ otimes ⊗ oslash ⊘ odot ⊙ bigcirc ◯○ amalg ⨿ dotplus ∔
ltimes ⋉ rtimes ⋊ leftthreetimes ⋋ rightthreetimes ⋌ Cap ⋒ Cup ⋓ barwedge ⊼ veebar ⊻ doublebarwedge ⩞ curlywedge ⋏
curlyvee ⋎ circleddash ⊝ circledast ⊛ circledcirc ⊚ boxplus ⊞ boxminus ⊟ boxtimes ⊠ boxdot ⊡ intercal ⊺ divideontimes ⋇
lhd ⊲ rhd ⊳ triangleleft ◃ triangleright ▹ blacktriangleleft ◀ blacktriangleright ▶
leq ≤ geq ≥ leqslant ⩽ geqslant ⩾ leqq ≦ geqq ≧ neq ≠ equiv ≡ sim ∼ simeq ≃ approx ≈ approxeq ≊ cong ≅ ncong ≇
asymp ≍ propto ∝ doteq ≐ doteqdot ≑ risingdotseq ≓ fallingdotseq ≒ circeq ≗ eqcirc ≖ triangleq ≜ bumpeq ≏ Bumpeq ≎
ll ≪ gg ≫ lll ⋘ ggg ⋙ lessgtr ≶ gtrless ≷ lesseqgtr ⋚ gtreqless ⋛ lesssim ≲ gtrsim ≳ lessapprox ⪅ gtrapprox ⪆
eqslantless ⪕ eqslantgtr ⪖ lessdot ⋖ gtrdot ⋗ lneq ⪇ gneq ⪈ lneqq ≨ gneqq ≩ lnsim ⋦ gnsim ⋧ nless ≮ ngtr ≯ nleq ≰ ngeq ≱
prec ≺ succ ≻ preceq ⪯ succeq ⪰ preccurlyeq ≼ succcurlyeq ≽ curlyeqprec ⋞ curlyeqsucc ⋟ precsim ≾ succsim ≿
precapprox ⪷ succapprox ⪸ nprec ⊀ nsucc ⊁ precnsim ⋨ succnsim ⋩
in ∈∊ notin ∉ ni ∋∍ subset ⊂ supset ⊃ subseteq ⊆ supseteq ⊇ nsubseteq ⊈ nsupseteq ⊉ subsetneq ⊊ supsetneq ⊋
subseteqq ⫅ supseteqq ⫆ subsetneqq ⫋ supsetneqq ⫌ Subset ⋐ Supset ⋑ sqsubset ⊏ sqsupset ⊐ sqsubseteq ⊑ sqsupseteq ⊒
vdash ⊢ dashv ⊣ models ⊨⊧ Vdash ⊩ Vvdash ⊪ nvdash ⊬ nvDash ⊭ nVdash ⊮ nVDash ⊯ perp ⟂ mid ∣❘ nmid ∤
parallel ∥ nparallel ∦
between ≬ pitchfork ⋔ smile ⌣ frown ⌢ bowtie ⋈ vartriangle ▵ nsim ≁ backsim ∽ backsimeq ⋍ thickapprox ≈
trianglelefteq ⊴ trianglerighteq ⊵ ntriangleleft ⋪ ntriangleright ⋫ ntrianglelefteq ⋬ ntrianglerighteq ⋭ multimap ⊸
leftarrow ← to → uparrow ↑ downarrow ↓ leftrightarrow ↔ updownarrow ↕ nwarrow ↖ nearrow ↗ searrow ↘ swarrow ↙
Leftarrow ⇐ Rightarrow ⇒ Uparrow ⇑ Downarrow ⇓ Leftrightarrow ⇔ Updownarrow ⇕ mapsto ↦ longleftarrow ⟵
longrightarrow ⟶ longleftrightarrow ⟷ Longleftarrow ⟸ implies ⟹ iff ⟺ longmapsto ⟼ hookleftarrow ↩
hookrightarrow ↪ leftharpoonup ↼ leftharpoondown ↽ rightharpoonup ⇀ rightharpoondown ⇁ upharpoonleft ↿
upharpoonright ↾ downharpoonleft ⇃ downharpoonright ⇂ rightleftharpoons ⇌ leftrightharpoons ⇋ twoheadleftarrow ↞
twoheadrightarrow ↠ leftarrowtail ↢ rightarrowtail ↣ leftleftarrows ⇇ rightrightarrows ⇉ upuparrows ⇈ downdownarrows ⇊
leftrightarrows ⇆ rightleftarrows ⇄ rightsquigarrow ⇝ leadsto ⤳ leftrightsquigarrow ↭ nleftarrow ↚ nrightarrow ↛
nleftrightarrow ↮ nLeftarrow ⇍ nRightarrow ⇏ nLeftrightarrow ⇎ Lleftarrow ⇚ Rrightarrow ⇛ Lsh ↰ Rsh ↱ looparrowleft ↫
looparrowright ↬ curvearrowleft ↶ curvearrowright ↷ circlearrowleft ↺ circlearrowright ↻ dashleftarrow ⇠
dashrightarrow ⇢
ldots … cdots ⋯ vdots ⋮ ddots ⋱ iddots ⋰ prime ′ coloneqq ≔⩴ eqqcolon ≕ not ̸ neg ¬
sum ∑ prod ∏ coprod ∐ int ∫ iint ∬ iiint ∭ iiiint ⨌ oint ∮ oiint ∯ oiiint ∰ bigwedge ⋀ bigvee ⋁ bigcap ⋂ bigcup ⋃
bigodot ⨀ bigoplus ⨁ bigotimes ⨂ biguplus ⨄ bigsqcup ⨆
lceil ⌈ rceil ⌉ lfloor ⌊ rfloor ⌋ lgroup ⟮ rgroup ⟯ lmoustache ⎰ rmoustache ⎱ ulcorner ⌜⌈
urcorner ⌝ llcorner ⌞ lrcorner ⌟ llbracket ⟦ rrbracket ⟧ | ‖ AA Å
overparen ⏜ underparen ⏝ blacktriangleright ▸ ast * Finv Ⅎ Game ⅁ Bbbk 𝕜 bigtriangledown ▽
"""

# characters that are written as other plain characters
_PLAIN = {
    "−": "-", "–": "-", "‐": "-", "‑": "-", "‒": "-", "—": "-", "﹣": "-", "－": "-",
    "∗": "*", "＊": "*", "*": "*", "∕": "/", "⁄": "/", "∶": ":", "꞉": ":", "＝": "=", "＋": "+", "⩵": "==", "≔": ":=",
    "≕": "=:", "⩴": "::=", "∷": "::", "│": "|", "｜": "|", "❘": "|", "‥": "..", "，": ",", "．": ".", "（": "(",
    "）": ")", "；": ";", "：": ":", "！": "!", "？": "?", "＜": "<", "＞": ">", "～": r"\sim", "ⅆ": "d", "ⅅ": "D",
    "ⅇ": "e", "ⅈ": "i", "ⅉ": "j", "ℎ": "h", "°": r"^{\circ}", "º": r"^{\circ}", "˚": r"^{\circ}",
    "″": "''", "‴": "'''", "⁗": "''''", "′": "'", "'": "'", "’": "'", "ʹ": "'", "‵": r"\backprime",
    "Å": r"\mathring{A}",
    "$": r"\$", "%": r"\%", "#": r"\#", "&": r"\&", "_": r"\_", "{": r"\{", "}": r"\}", "\\": r"\backslash",
    "~": r"\sim", "^": r"\wedge", "`": "`", '"': "''", "“": "``", "”": "''", "‘": "`",
    "‰": r"\text{‰}", "€": r"\text{€}",
    "¢": r"\text{¢}", "ı": r"\imath", "ȷ": r"\jmath", "⊄": r"\not\subset", "⊅": r"\not\supset", "≢": r"\not\equiv",
    "∌": r"\not\ni", "≉": r"\not\approx", "≄": r"\not\simeq", "≭": r"\not\asymp", "≴": r"\not\lesssim",
    "≵": r"\not\gtrsim", "⋠": r"\not\preccurlyeq", "⋡": r"\not\succcurlyeq", "⋢": r"\not\sqsubseteq",
    "⋣": r"\not\sqsupseteq", "⪯̸": r"\npreceq", "⪰̸": r"\nsucceq", "¼": r"\frac{1}{4}", "½": r"\frac{1}{2}",
    "¾": r"\frac{3}{4}", "¨": r"\ddot{}", "¯": r"\bar{}", "‾": r"\overline{}", "\u2028": "", "\u2029": "",
}  # fmt: skip

INVISIBLE = frozenset("\u2061\u2062\u2063\u2064\u200b\u200c\u200d\u2060\ufeff\u00ad\ufe0e\ufe0f\u200e\u200f")

# widths in em; a plain or no-break space is an interword space
SPACES = {
    "\u2001": 1.0, "\u2003": 1.0, "\u2000": 0.5, "\u2002": 0.5, "\u2004": 0.333, "\u2005": 0.222, "\u2006": 0.167,
    "\u2007": 0.5, "\u2008": 0.25, "\u2009": 0.167, "\u200a": 0.056, "\u202f": 0.167, "\u205f": 0.222, "\u3000": 1.0,
}  # fmt: skip
NAMED_WIDTHS = {
    "veryverythinmathspace": 1 / 18, "verythinmathspace": 2 / 18, "thinmathspace": 3 / 18, "mediummathspace": 4 / 18,
    "thickmathspace": 5 / 18, "verythickmathspace": 6 / 18, "veryverythickmathspace": 7 / 18,
}  # fmt: skip

_NAMES = """
    sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh coth log ln lg exp lim limsup liminf max min sup inf det
    dim ker deg gcd hom arg Pr injlim projlim
"""
FUNCTIONS = {name: "\\" + name for name in _NAMES.split()}
FUNCTIONS |= {"lim sup": r"\limsup", "lim inf": r"\liminf", "inj lim": r"\injlim", "proj lim": r"\projlim"}
_LIMITS = """
    lim limsup liminf max min sup inf det gcd Pr injlim projlim varinjlim varprojlim varlimsup varliminf
"""
LIMIT_FUNCTIONS = frozenset("\\" + name for name in _LIMITS.split())

BIG_OPERATORS = frozenset("∑∏∐∫∬∭⨌∮∯∰∱∲∳⋀⋁⋂⋃⨀⨁⨂⨃⨄⨅⨆⨉⨍⨏⨖⨑⅀")
INTEGRALS = frozenset("∫∬∭⨌∮∯∰∱∲∳⨍⨏⨖⨑")

OPEN = {"(": "(", "[": "[", "{": r"\{", "⟨": r"\langle", "\u2329": r"\langle", "\u3008": r"\langle", "⌈": r"\lceil",
        "⌊": r"\lfloor", "⟦": r"\llbracket", "〚": r"\llbracket", "⟮": r"\lgroup", "⎰": r"\lmoustache",
        "⌜": r"\ulcorner", "⌞": r"\llcorner", "（": "(", "［": "[", "｛": r"\{"}  # fmt: skip
CLOSE = {")": ")", "]": "]", "}": r"\}", "⟩": r"\rangle", "\u232a": r"\rangle", "\u3009": r"\rangle", "⌉": r"\rceil",
         "⌋": r"\rfloor", "⟧": r"\rrbracket", "〛": r"\rrbracket", "⟯": r"\rgroup", "⎱": r"\rmoustache",
         "⌝": r"\urcorner", "⌟": r"\lrcorner", "）": ")", "］": "]", "｝": r"\}"}  # fmt: skip
VERTICAL = {"|": "|", "∣": "|", "❘": "|", "│": "|", "｜": "|", "‖": r"\|", "∥": r"\|", "||": r"\|",
            r"\|": r"\|"}  # fmt: skip

# multi-character operators typed in plain text
WORDS = {
    "<=": r"\leq", ">=": r"\geq", "!=": r"\neq", "/=": r"\neq", "<>": r"\neq", "->": r"\to", "-->": r"\longrightarrow",
    "<-": r"\leftarrow", "=>": r"\Rightarrow", "==>": r"\implies", "<=>": r"\iff", "<->": r"\leftrightarrow",
    "|->": r"\mapsto", "...": r"\ldots", "+-": r"\pm", "-+": r"\mp", "<<": r"\ll", ">>": r"\gg", "~=": r"\cong",
    "~~": r"\approx", ":=": ":=", "=:": "=:", "mod": r"\bmod", "&&": r"\land", "**": "**", "--": "--", "++": "++",
}  # fmt: skip

# the accent command for a single character over (or under) a base: (one symbol wide, stretched over more)
ACCENTS = {
    "^": ("hat", "widehat"), "ˆ": ("hat", "widehat"), "\u0302": ("hat", "widehat"), "⌃": ("hat", "widehat"),
    "~": ("tilde", "widetilde"), "˜": ("tilde", "widetilde"), "\u0303": ("tilde", "widetilde"),
    "∼": ("tilde", "widetilde"), "¯": ("bar", "overline"), "ˉ": ("bar", "overline"), "\u0304": ("bar", "overline"),
    "‾": ("bar", "overline"), "―": ("overline", "overline"), "\u0305": ("overline", "overline"),
    "_": ("bar", "overline"), "-": ("bar", "overline"), "−": ("bar", "overline"), "–": ("bar", "overline"),
    "—": ("overline", "overline"), "─": ("overline", "overline"), "⎯": ("overline", "overline"),
    "→": ("vec", "overrightarrow"), "⃗": ("vec", "overrightarrow"), "⟶": ("overrightarrow", "overrightarrow"),
    "⇀": ("vec", "overrightharpoon"), "\u20d1": ("vec", "vec"),
    "←": ("overleftarrow", "overleftarrow"), "⃖": ("overleftarrow", "overleftarrow"),
    "⟵": ("overleftarrow", "overleftarrow"), "↔": ("overleftrightarrow", "overleftrightarrow"),
    "⃡": ("overleftrightarrow", "overleftrightarrow"), "⟷": ("overleftrightarrow", "overleftrightarrow"),
    "˙": ("dot", "dot"), ".": ("dot", "dot"), "\u0307": ("dot", "dot"), "⋅": ("dot", "dot"), "·": ("dot", "dot"),
    "¨": ("ddot", "ddot"), "\u0308": ("ddot", "ddot"), "..": ("ddot", "ddot"),
    "\u00b7\u00b7": ("ddot", "ddot"), "⋅⋅": ("ddot", "ddot"), "⃛": ("dddot", "dddot"),
    "...": ("dddot", "dddot"), "…": ("dddot", "dddot"), "⃜": ("ddddot", "ddddot"), "....": ("ddddot", "ddddot"),
    "ˇ": ("check", "check"), "\u030c": ("check", "check"), "∨": ("check", "check"), "˘": ("breve", "breve"),
    "\u0306": ("breve", "breve"), "´": ("acute", "acute"), "\u0301": ("acute", "acute"), "ˊ": ("acute", "acute"),
    "`": ("grave", "grave"), "\u0300": ("grave", "grave"), "ˋ": ("grave", "grave"), "˚": ("mathring", "mathring"),
    "\u030a": ("mathring", "mathring"), "⏞": ("overbrace", "overbrace"), "︷": ("overbrace", "overbrace"),
    "⎴": ("overbracket", "overbracket"), "⏜": ("overparen", "overparen"), "⌢": ("overparen", "overparen"),
}  # fmt: skip
UNDER_ACCENTS = {
    "_": "underline", "¯": "underline", "‾": "underline", "―": "underline", "ˍ": "underline", "\u0332": "underline",
    "\u0331": "underline", "-": "underline", "−": "underline", "–": "underline", "—": "underline", "─": "underline",
    "⎯": "underline", "⏟": "underbrace", "︸": "underbrace", "⎵": "underbracket", "⏝": "underparen",
    "→": "underrightarrow", "⟶": "underrightarrow", "←": "underleftarrow", "⟵": "underleftarrow",
    "↔": "underleftrightarrow", "~": "utilde", "˜": "utilde", "∼": "utilde", "⌣": "underparen",
}  # fmt: skip

ARROWS = {
    "→": "xrightarrow", "⟶": "xrightarrow", "←": "xleftarrow", "⟵": "xleftarrow", "↔": "xleftrightarrow",
    "⟷": "xleftrightarrow", "⇒": "xRightarrow", "⟹": "xRightarrow", "⇐": "xLeftarrow", "⟸": "xLeftarrow",
    "⇔": "xLeftrightarrow", "⟺": "xLeftrightarrow", "↦": "xmapsto", "⟼": "xmapsto", "↪": "xhookrightarrow",
    "↩": "xhookleftarrow", "⇌": "xrightleftharpoons", "⇋": "xleftrightharpoons", "⇀": "xrightharpoonup",
    "⇁": "xrightharpoondown", "↼": "xleftharpoonup", "↽": "xleftharpoondown", "↠": "xtwoheadrightarrow",
    "↞": "xtwoheadleftarrow",
}  # fmt: skip

# fonts: value of mathvariant -> command; "" is the default shape
VARIANTS = {
    "normal": "mathrm", "italic": "", "bold": "mathbf", "bold-italic": "boldsymbol", "double-struck": "mathbb",
    "script": "mathcal", "bold-script": "mathcal", "fraktur": "mathfrak", "bold-fraktur": "mathfrak",
    "sans-serif": "mathsf", "bold-sans-serif": "mathsf", "sans-serif-italic": "mathsf",
    "sans-serif-bold-italic": "mathsf", "monospace": "mathtt", "-tex-calligraphic": "mathcal",
    "-tex-bold-calligraphic": "mathcal", "-tex-mathit": "", "-tex-oldstyle": "",
}  # fmt: skip


def _commands() -> dict[str, str]:
    table: dict[str, str] = {}
    words = _COMMANDS.split()
    for name, chars in zip(words[::2], words[1::2], strict=True):
        for char in chars:
            table.setdefault(char, "\\" + name)
    return table | _PLAIN


COMMANDS = _commands()
NAMES = frozenset(tex[1:] for tex in COMMANDS.values() if tex[:1] == "\\" and tex[1:].isalpha())
"""Names of commands without arguments, without the backslash."""

# by Unicode name, most specific first
_ALPHABETS = (
    ("BOLD FRAKTUR", "mathfrak"), ("BOLD SCRIPT", "mathcal"), ("SANS-SERIF", "mathsf"), ("DOUBLE-STRUCK", "mathbb"),
    ("FRAKTUR", "mathfrak"), ("BLACK-LETTER", "mathfrak"), ("SCRIPT", "mathcal"), ("MONOSPACE", "mathtt"),
    ("BOLD ITALIC", "boldsymbol"), ("BOLD", "mathbf"), ("ITALIC", ""),
)  # fmt: skip


@lru_cache(maxsize=4096)
def alphabet(char: str) -> tuple[str, str] | None:
    r"""(font command, plain letter) of a mathematical alphanumeric such as 𝐱, ℝ or ℋ; None for any other character."""
    if char < "ℂ" or char in COMMANDS:
        return None
    name = unicodedata.name(char, "")
    if not (name.startswith("MATHEMATICAL ") or "\u2100" <= char <= "\u214f"):
        return None
    plain = unicodedata.normalize("NFKC", char)
    if len(plain) != 1 or not plain.isalnum() or plain == char:
        return None
    for key, font in _ALPHABETS:
        if key in name:
            return font, plain
    return None


@lru_cache(maxsize=4096)
def styled(font: str, plain: str) -> str:
    r"""A letter, digit or symbol in a font: `\mathbb{R}`, `\boldsymbol{\alpha}`; fonts without such a letter fall
    back to the letter (upright Greek is what TeX prints anyway)."""
    tex = symbol(plain)
    if not font:
        return tex
    ascii_alnum = len(plain) == 1 and plain.isascii() and plain.isalnum()
    if font == "mathrm" and not ascii_alnum:
        return tex
    if font == "mathbf" and not ascii_alnum:
        font = "boldsymbol"
    elif font != "boldsymbol" and not ascii_alnum and not plain.isalpha():
        return tex
    return f"\\{font}{{{tex}}}"


@lru_cache(maxsize=8192)
def symbol(char: str) -> str:
    r"""LaTeX for one character in mathematics; the character itself where LaTeX has no command for it.

    Invisible characters give an empty string, spaces `\ `. Never returns a bare special character of TeX.
    """
    if char.isascii() and char.isalnum():
        return char
    found = COMMANDS.get(char)
    if found is not None:
        return found
    if char in INVISIBLE:
        return ""
    if char in OPEN:
        return OPEN[char]
    if char in CLOSE:
        return CLOSE[char]
    if char.isspace():
        return space(SPACES.get(char))
    letter = alphabet(char)
    if letter is not None:
        return styled(*letter)
    if char < "\x20" or char == "\x7f":
        return ""
    if char.isascii():
        return char
    name = unicodedata.name(char, "")
    parts = unicodedata.normalize("NFKC", char)
    if name.startswith("SUPERSCRIPT ") or name in {"FEMININE ORDINAL INDICATOR", "MODIFIER LETTER SMALL N"}:
        return "^{" + "".join(map(symbol, parts)) + "}" if parts != char else char
    if "SUBSCRIPT " in name and parts != char:
        return "_{" + "".join(map(symbol, parts)) + "}"
    if name.startswith("VULGAR FRACTION ") and "⁄" in parts:
        top, _, bottom = parts.partition("⁄")
        return rf"\frac{{{top}}}{{{bottom}}}"
    canonical = unicodedata.normalize("NFD", char)
    if len(canonical) == 2 and canonical[1] == "\u0338":
        return "\\not" + symbol(canonical[0])
    if name.startswith("MATHEMATICAL ") and len(parts) == 1 and parts != char:
        return symbol(parts)
    return char


def space(em: float | None) -> str:
    r"""The spacing command nearest to a width in em; None is an interword space."""
    if em is None:
        return r"\ "
    if em < -0.1:
        return r"\!"
    if em < 0.1:
        return ""
    if em < 0.2:
        return r"\,"
    if em < 0.25:
        return r"\:"
    if em < 0.42:
        return r"\;"
    if em < 0.75:
        return r"\enspace"
    return r"\quad" if em < 1.5 else r"\qquad"
