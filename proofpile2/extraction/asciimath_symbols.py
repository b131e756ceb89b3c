r"""The symbols of AsciiMath (asciimath.org) and what they are in LaTeX. Data only; read by `asciimath`."""

from __future__ import annotations

import re

_OPERATORS = r"""
* \cdot   ** \ast   *** \star   // /   \\ \setminus   setminus \setminus   xx \times   -: \div   |>< \ltimes
><| \rtimes   |><| \bowtie   @ \circ   o+ \oplus   ox \otimes   o. \odot   ^^ \wedge   vv \vee   nn \cap
uu \cup   +- \pm   -+ \mp   != \neq   <= \leq   >= \geq   lt <   gt >   le \leq   ge \geq   ne \neq   mlt \ll
mgt \gg   -< \prec   -lt \prec   >- \succ   -<= \preceq   >-= \succeq   in \in   !in \notin   sub \subset
sup \supset   sube \subseteq   supe \supseteq   -= \equiv   ~= \cong   ~~ \approx   ~ \sim   prop \propto
=> \Rightarrow   <=> \Leftrightarrow   _|_ \perp   |-- \vdash   |== \models   -> \to   >-> \rightarrowtail
->> \twoheadrightarrow   >->> \twoheadrightarrow   |-> \mapsto   uarr \uparrow   darr \downarrow
rarr \rightarrow   larr \leftarrow   harr \leftrightarrow   rArr \Rightarrow   lArr \Leftarrow
hArr \Leftrightarrow   := :=   :. \therefore   :' \because   to \to   !sub \not\subset   !sube \nsubseteq
/in \notin   mid \mid
"""
_LETTERS = r"""
oo \infty   O/ \emptyset   del \partial   grad \nabla   AA \forall   EE \exists   TT \top   CC \mathbb{C}
NN \mathbb{N}   QQ \mathbb{Q}   RR \mathbb{R}   ZZ \mathbb{Z}   aleph \aleph   /_ \angle   /_\ \triangle
diamond \diamond   square \square   ... \ldots   |...| |\ldots|   |cdots| |\cdots|   cdots \cdots   vdots \vdots
ddots \ddots   epsi \epsilon   not \neg   frown \frown   ldots \ldots   hbar \hbar   ell \ell   degree ^{\circ}
deg \deg
"""
# names that are the same in LaTeX
_OPERATOR_NAMES = """
ast star divide times div ltimes rtimes bowtie circ oplus otimes odot wedge vee cap cup pm mp neq leq geq ll gg
prec succ preceq succeq notin subset supset subseteq supseteq equiv cong approx sim propto perp vdash models
uparrow downarrow rightarrow leftarrow leftrightarrow Rightarrow Leftarrow Leftrightarrow mapsto rightarrowtail
twoheadrightarrow therefore because implies iff backslash cdot parallel
"""
_LETTER_NAMES = """
alpha beta gamma Gamma delta Delta epsilon varepsilon zeta eta theta Theta vartheta iota kappa lambda Lambda mu
nu xi Xi pi Pi rho sigma Sigma tau upsilon phi Phi varphi chi psi Psi omega Omega infty emptyset partial nabla
forall exists neg bot top angle triangle
"""
BIG = {
    "sum": r"\sum", "prod": r"\prod", "coprod": r"\coprod", "int": r"\int", "oint": r"\oint", "^^^": r"\bigwedge",
    "vvv": r"\bigvee", "nnn": r"\bigcap", "uuu": r"\bigcup", "bigwedge": r"\bigwedge", "bigvee": r"\bigvee",
    "bigcap": r"\bigcap", "bigcup": r"\bigcup", "iint": r"\iint", "iiint": r"\iiint",
}  # fmt: skip
WORDS = {"and": r"\text{ and }", "or": r"\text{ or }", "if": r"\text{ if }", "otherwise": r"\text{otherwise}"}
SPACES = {"\\ ": r"\ ", "quad": r"\quad", "qquad": r"\qquad"}
_PLAIN_FUNCTIONS = """
sin cos tan sec csc cot arcsin arccos arctan sinh cosh tanh coth exp log ln det gcd dim ker arg hom
"""
_NAMED_FUNCTIONS = "sech csch lcm lub glb arcsec arccsc arccot sgn rank"
LIMITS = {
    "lim": r"\lim", "Lim": r"\operatorname{Lim}", "max": r"\max", "min": r"\min", "inf": r"\inf",
    "limsup": r"\limsup", "liminf": r"\liminf",
}  # fmt: skip
UNARY = {
    "sqrt": "sqrt", "hat": "hat", "bar": "bar", "overline": "overline", "ul": "underline",
    "underline": "underline", "vec": "vec", "tilde": "tilde", "dot": "dot", "ddot": "ddot", "ubrace": "underbrace",
    "underbrace": "underbrace", "obrace": "overbrace", "overbrace": "overbrace", "cancel": "cancel",
    "overarc": "overparen", "boxed": "boxed",
}  # fmt: skip
AROUND = {
    "abs": ("|", "|"), "norm": (r"\|", r"\|"), "floor": (r"\lfloor", r"\rfloor"), "ceil": (r"\lceil", r"\rceil"),
    "Abs": ("|", "|"),
}  # fmt: skip
FONTS = {
    "bb": "mathbf", "mathbf": "mathbf", "bbb": "mathbb", "mathbb": "mathbb", "cc": "mathcal", "mathcal": "mathcal",
    "tt": "mathtt", "mathtt": "mathtt", "fr": "mathfrak", "mathfrak": "mathfrak", "sf": "mathsf",
    "mathsf": "mathsf", "mathrm": "mathrm", "mathit": "",
}  # fmt: skip
BINARY = frozenset({"frac", "root", "stackrel", "overset", "underset", "color", "id", "class"})
TEXT_WORDS = frozenset({"text", "mbox"})
LEFT = {
    "(": "(", "[": "[", "{": r"\{", "(:": r"\langle", "<<": r"\langle", "langle": r"\langle", "{:": "",
    "lfloor": r"\lfloor", "lceil": r"\lceil", "|__": r"\lfloor", "|~": r"\lceil", "left(": "(", "left[": "[",
    "left{": r"\{",
}  # fmt: skip
RIGHT = {
    ")": ")", "]": "]", "}": r"\}", ":)": r"\rangle", ">>": r"\rangle", "rangle": r"\rangle", ":}": "",
    "rfloor": r"\rfloor", "rceil": r"\rceil", "__|": r"\rfloor", "~|": r"\rceil", "right)": ")", "right]": "]",
    "right}": r"\}",
}  # fmt: skip
BARS = {"|": "|", "||": r"\|"}
STRIPPED = frozenset({"(", "[", r"\{"})  # brackets that only group an operand
CLOSERS = {"(": ")", "[": "]", "{": "}"}


def _pairs(table: str) -> dict[str, str]:
    words = table.split()
    return dict(zip(words[::2], words[1::2], strict=True))


OPERATORS = _pairs(_OPERATORS) | {name: "\\" + name for name in _OPERATOR_NAMES.split()} | {"divide": r"\div"}
LETTERS = _pairs(_LETTERS) | {name: "\\" + name for name in _LETTER_NAMES.split()}
_CAPITAL_FUNCTIONS = "sin cos tan sec csc cot sinh cosh tanh arcsin arccos arctan log ln"
FUNCTIONS = {name: "\\" + name for name in _PLAIN_FUNCTIONS.split()}
FUNCTIONS |= {name.capitalize(): "\\" + name for name in _CAPITAL_FUNCTIONS.split()}
FUNCTIONS |= {name: f"\\operatorname{{{name}}}" for name in _NAMED_FUNCTIONS.split()}
NAMES = frozenset(
    [*OPERATORS, *LETTERS, *BIG, *WORDS, *SPACES, *FUNCTIONS, *LIMITS, *UNARY, *AROUND, *FONTS,
     *BINARY, *TEXT_WORDS, *LEFT, *RIGHT, *BARS, "mod", "dx", "dy", "dz", "dt", "prime", "'", "/", "_", "^"]
)  # fmt: skip
# longest first, as ASCIIMathML.js reads; `|__` must not take the bar of `|_`
_ALTERNATIVES = "|".join(re.escape(name) for name in sorted(NAMES, key=lambda name: (-len(name), name)))
TOKEN = re.compile(rf'"[^"]*"|\d+(?:\.\d+)?|\.\d+|{_ALTERNATIVES}|\\[A-Za-z]+|\S')
