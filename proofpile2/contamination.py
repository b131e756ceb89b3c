"""Statements of formal proofs as fingerprints: what of a benchmark stands in a file, whatever it is called there.

A statement is what a declaration claims, without its name, comments, attributes, white space and the names of its
hypotheses and variables. Its fingerprint is BLAKE2b-64. Short statements (``dom = Dom``) mean different things in
different files, so they count only together with their name. Informal problems are found by n-grams of words.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from itertools import pairwise

import numpy as np
import numpy.typing as npt

__all__ = ["LANGUAGES", "NGRAM", "SHORT", "Declaration", "cut", "declarations", "grams", "key", "words"]

NGRAM = 30
"""Words of an n-gram of informal text; the length of Llemma's overlap analysis (arXiv:2310.10631)."""

SHORT = 12
"""Statements of fewer tokens are compared together with their name."""

LANGUAGES = ("lean", "isabelle", "coq")


@dataclass(frozen=True)
class Declaration:
    """One top-level command and what belongs to it: ``text[start:end]`` with documentation, attributes and proof.

    ``statement``  normalised tokens of what it claims; empty where it claims nothing (a definition)
    ``name``       as written; ``qualified`` with the namespaces around it; both empty where it has none
    ``content``    it says something: no import, no opening of a namespace
    """

    start: int
    end: int
    keyword: str
    name: str = ""
    qualified: str = ""
    statement: tuple[str, ...] = ()
    content: bool = True


def key(kind: str, *parts: str) -> int:
    """64 bits of BLAKE2b over ``parts``; ``kind`` keeps languages and uses apart."""
    digest = blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=8, person=kind.encode()[:16])
    return int.from_bytes(digest.digest(), "big")


def declarations(text: str, language: str) -> list[Declaration]:
    """Top-level commands of a file of ``language`` (one of :data:`LANGUAGES`), in order. Never raises; linear time."""
    syntax = _SYNTAX[language]
    source = _Masked(text, syntax)
    commands = list(syntax.command.finditer(source.bare))
    balance = _Balance(source.bare) if language == "lean" else None
    found: list[Declaration] = []
    scopes: list[str] = []
    at, before = 0, 0
    while at < len(commands):
        match = commands[at]
        word = match["word"]
        after = at + 1
        if word not in syntax.plain:
            after = _next_command(commands, at, source, syntax, balance)
        stop = commands[after].start() if after < len(commands) else len(text)
        end = match.end() + len(source.code[match.end() : stop].rstrip())
        start = _skip_blank(text, match.start())
        if word in syntax.claims:
            start = source.lead(start, before)
        name, statement = "", tuple[str, ...]()
        if word in syntax.claims:
            name, statement = syntax.read(source, match.end("word"), stop)
        qualified = ".".join([*(scope for scope in scopes if scope), name]) if name else ""
        found.append(
            Declaration(start, end, word, name, qualified.removeprefix("_root_."), statement, word not in syntax.plain)
        )
        if word in {"namespace", "section", "mutual"}:
            scopes.append(_rest_of_line(source.bare, match.end()) if word == "namespace" else "")
        elif word == "end" and scopes:
            scopes.pop()
        before, at = end, after
    return found


def cut(text: str, gone: Sequence[Declaration]) -> str:
    """``text`` without the declarations ``gone`` (in order); a blank line stands in the place of each."""
    pieces, place = [], 0
    for one in gone:
        pieces.append(text[place : one.start])
        place = max(place, one.end)
    pieces.append(text[place:])
    out = pieces[0]
    for before, after in pairwise(pieces):
        del before
        joint = "\n\n" if out.strip() and after.strip() else "\n"
        out = out.rstrip(" \t\n") + joint + after.lstrip("\n") if after.strip() else out.rstrip(" \t\n") + "\n"
    return out


_WORD = re.compile(r"[^\W_]+")


def words(text: str) -> list[str]:
    """Words of informal text for n-grams: letters and digits, lower case; punctuation and mark-up do not count."""
    return _WORD.findall(text.lower())


def grams(found: Sequence[str], length: int = NGRAM) -> npt.NDArray[np.uint64]:
    """Hashes of all n-grams of ``length`` words, in order; empty for shorter texts."""
    count = len(found) - length + 1
    if count <= 0:
        return np.zeros(0, np.uint64)
    if len(_HASHES) > 1 << 20:
        _HASHES.clear()
    hashes = np.fromiter(map(_HASHES.__getitem__, found), np.uint64, len(found))
    total = np.zeros(count, np.uint64)
    factor = np.uint64(0x9E3779B97F4A7C15)
    for place in range(length):
        total = total * factor + hashes[place : place + count]
    return total


class _Hashes(dict[str, int]):
    """64 bits of BLAKE2b for each word that was met."""

    def __missing__(self, word: str) -> int:
        digest = blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        self[word] = int.from_bytes(digest, "big")
        return self[word]


_HASHES = _Hashes()


# The three languages -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Syntax:
    """Comments and strings (``flat``: group ``c`` or ``s``; ``nested``: opening, closing, whether it is a comment)."""

    flat: str
    nested: tuple[tuple[str, str, bool], ...]
    command: re.Pattern[str]
    claims: frozenset[str]
    plain: frozenset[str]  # commands that say nothing themselves, and have no body
    documents: str  # comments that begin so belong to what follows, even over a blank line
    apart: tuple[str, ...]  # comments that begin so never belong to a declaration
    read: Callable[[_Masked, int, int], _Read]
    prose: frozenset[str] = frozenset()  # may stand inside a proof too
    proof: re.Pattern[str] | None = None


class _Masked:
    """A text with its comments (``code``), and with its comments and strings (``bare``), blanked, places unchanged."""

    def __init__(self, text: str, syntax: _Syntax) -> None:
        self.text, self.syntax = text, syntax
        self.comments: list[tuple[int, int]] = []
        code: list[str] = []
        bare: list[str] = []
        place = 0
        for start, end, comment in _spans(text, syntax):
            before, span = text[place:start], text[start:end]
            inside = "\n".join([" " * len(line) for line in span.split("\n")]) if "\n" in span else " " * len(span)
            code += [before, inside if comment else span]
            bare += [before, inside]
            place = end
            if comment:
                self.comments.append((start, end))
        self.code = "".join([*code, text[place:]])
        self.bare = "".join([*bare, text[place:]])
        self._ends = [end for _, end in self.comments]

    def lead(self, start: int, least: int) -> int:
        """Where the comments begin that stand right above ``start`` and belong to what begins there."""
        number = bisect_left(self._ends, start + 1) - 1
        while number >= 0:
            begin, end = self.comments[number]
            own = self.text.startswith(self.syntax.documents, begin) if self.syntax.documents else False
            gap = self.text[end:start]
            line = self.text.rfind("\n", 0, begin) + 1
            if begin < least or gap.strip() or (gap.count("\n") > 1 and not own) or self.code[line:begin].strip():
                break
            if self.text.startswith(self.syntax.apart, begin) or "opyright" in self.text[begin:end]:
                break
            start = begin
            number -= 1
        return start


def _spans(text: str, syntax: _Syntax) -> Iterator[tuple[int, int, bool]]:
    outside, inside = _scanners(syntax.flat, syntax.nested)
    place = 0
    while match := outside.search(text, place):
        kind = str(match.lastgroup)
        place = match.end()
        if kind in {"c", "s"}:
            yield match.start(), place, kind == "c"
            continue
        number, depth = int(kind[1:]), 1
        while depth:
            edge = inside[number].search(text, place)
            if edge is None:
                place = len(text)
                break
            depth += 1 if edge.lastgroup == "o" else -1
            place = edge.end()
        yield match.start(), place, syntax.nested[number][2]


@cache
def _scanners(
    flat: str, nested: tuple[tuple[str, str, bool], ...]
) -> tuple[re.Pattern[str], tuple[re.Pattern[str], ...]]:
    opens = "|".join(f"(?P<n{number}>{pair[0]})" for number, pair in enumerate(nested))
    inside = tuple(re.compile(f"(?P<o>{pair[0]})|{pair[1]}") for pair in nested)
    return re.compile(f"{flat}|{opens}"), inside


_BEGIN = re.compile(r"\bbegin\b")
_BALANCED = re.compile(r"\b(?:begin|match|end)\b")


class _Balance:
    """Whether an ``end`` of Lean 3 closes a ``begin`` or a ``match``, rather than a namespace."""

    def __init__(self, bare: str) -> None:
        self.opens: list[int] = []
        self.ends: list[int] = []
        if _BEGIN.search(bare):  # Lean 4 has no begin, and its match has no end
            for found in _BALANCED.finditer(bare):
                (self.ends if found[0] == "end" else self.opens).append(found.start())

    def closes(self, since: int, place: int) -> bool:
        opened = bisect_left(self.opens, place) - bisect_left(self.opens, since)
        return opened > bisect_left(self.ends, place) - bisect_left(self.ends, since)


def _next_command(
    commands: Sequence[re.Match[str]], at: int, source: _Masked, syntax: _Syntax, balance: _Balance | None
) -> int:
    here = commands[at]
    indent = _indent(here)
    for after in range(at + 1, len(commands)):
        one = commands[after]
        if balance is not None:
            if _indent(one) > indent or (one["word"] == "end" and balance.closes(here.start(), one.start("word"))):
                continue
        elif one["word"] in syntax.prose and syntax.proof is not None:
            stop = commands[after + 1].start() if after + 1 < len(commands) else len(source.bare)
            if syntax.proof.search(source.bare, one.end(), stop):
                continue
        return after
    return len(commands)


def _indent(match: re.Match[str]) -> int:
    return len(match[0]) - len(match[0].lstrip(" \t"))


def _rest_of_line(text: str, place: int) -> str:
    end = text.find("\n", place)
    return text[place : end if end >= 0 else len(text)].strip()


def _skip_blank(text: str, place: int) -> int:
    while place < len(text) and text[place] in " \t":
        place += 1
    return place


_TOKEN = re.compile(r"λ|[^\W\d][\w']*|\d+(?:\.\d+)?|:=|[^\w\s]|\w")
_READ_AT_MOST = 50_000  # characters of a statement

_Read = tuple[str, tuple[str, ...]]


def _lean(source: _Masked, start: int, stop: int) -> _Read:
    """``name binders : claim`` up to ``:=`` or the first equation; names bound in the binders become numbers."""
    stop = min(stop, start + _READ_AT_MOST)
    head = _LEAN_NAME.match(source.bare, start, stop)
    name = ""
    if head:
        name, start = _LEAN_UNIVERSES.sub("", head[1]).strip("«»"), head.end()
    depth, end = 0, stop
    for mark in _LEAN_MARK.finditer(source.bare, start, stop):
        if mark[0] in "([{⟨⦃":
            depth += 1
        elif mark[0] in ")]}⟩⦄":
            depth = max(0, depth - 1)
        elif depth == 0:
            end = mark.start()
            break
    tokens = _TOKEN.findall(source.code[start:end])
    same = _LEAN_SAME | _numbered(tokens)
    return name, tuple([same.get(token, token) for token in tokens])


_LEAN_NAME = re.compile(r"\s++([^\s:(\[{⦃|]+(?:\.\{[^}\n]*\})?)")
_LEAN_UNIVERSES = re.compile(r"\.\{[^}\n]*\}|\.$")
_LEAN_MARK = re.compile(r"[(\[{⟨⦃)\]}⟩⦄]|:=|^[ \t]*\|(?=[^\n]*(?::=|=>))", re.MULTILINE)
_LEAN_SAME = {"fun": "λ", "{": "(", "}": ")", "⦃": "(", "⦄": ")", "->": "→", "<->": "↔"}


def _numbered(tokens: Sequence[str]) -> dict[str, str]:
    """Numbers for the names that binders ``(x y : T)`` before the claim introduce: other names change nothing."""
    numbers: dict[str, str] = {}
    depth, names = 0, False
    for place, token in enumerate(tokens):
        if token in _OPEN:
            depth += 1
            names = depth == 1 and _binds(tokens, place)
        elif token in _CLOSE:
            depth -= 1
        elif token == _COLON:
            if depth == 0:
                break
            names = False
        elif names and depth == 1 and (token[0].isalpha() or token[0] == "_"):
            numbers.setdefault(token, f"#{len(numbers)}")
    return numbers


_OPEN, _CLOSE, _COLON = frozenset("([{⦃"), frozenset(")]}⦄"), ":"


def _binds(tokens: Sequence[str], place: int) -> bool:
    """Whether the bracket at ``place`` opens a binder: names, then a colon."""
    for token in tokens[place + 1 : place + 60]:
        if token == _COLON:
            return True
        if not (token[0].isalpha() or token[0] in "_'"):
            return False
    return False


def _isabelle(source: _Masked, start: int, stop: int) -> _Read:
    """``(in locale) name [attributes]: fixes .. assumes .. shows ..`` up to the proof, without labels."""
    stop = min(stop, start + _READ_AT_MOST)
    if locale := _ISABELLE_LOCALE.match(source.bare, start, stop):
        start = locale.end()
    name = ""
    if head := _ISABELLE_HEAD.match(source.bare, start, stop):
        name, start = head["name"] or "", head.end()
    proof = _ISABELLE_PROOF.search(source.bare, start, stop)
    end = proof.start() if proof else stop
    tokens: list[str] = []
    place = start
    for quote in _ISABELLE_QUOTE.finditer(source.code, start, end):
        before = source.code[place : quote.start()]
        tokens += _outer(before)
        if not _ISABELLE_PATTERN.search(before):
            tokens += _TOKEN.findall(_plain_symbols(quote[0]))
        place = quote.end()
    tokens += _outer(source.code[place:end])
    return name, tuple(tokens)


_ISABELLE_LOCALE = re.compile(r"\s*+\(\s*+in\s[^)]*+\)")
_ISABELLE_ATTRIBUTES = r"\[(?:[^\[\]]|\[(?:[^\[\]]|\[[^\[\]]*+\])*+\])*+\]"
_ISABELLE_HEAD = re.compile(rf"\s*+(?P<name>[^\s:\[(\"]++)?+\s*+(?:{_ISABELLE_ATTRIBUTES}\s*+)?+:(?!:)")
_ISABELLE_PROOF = re.compile(
    r"\b(?:proof|by|apply|using|unfolding|sorry|oops|supply|subgoal|nitpick|quickcheck|sledgehammer|done)\b|\.\.|\.(?=\s|\Z)"
)
_ISABELLE_QUOTE = re.compile(
    r'"(?:[^"\\]|\\.)*+"|\\<open>(?:[^\\]|\\(?!<close>))*+(?:\\<close>|\Z)|‹[^›]*+(?:›|\Z)', re.DOTALL
)
_ISABELLE_PATTERN = re.compile(r"(?:\(|^)\s*+is\s*+\Z")  # (is "?l = _"): names for parts, no claim
_ISABELLE_LABEL = re.compile(
    rf"(?<![\w'.])[\w'.]++\s*+(?:{_ISABELLE_ATTRIBUTES}\s*+)?+:(?!:)|(?:\(|^)\s*+is\b|\b(?:assumes|shows|and)\b"
)


def _outer(code: str) -> list[str]:
    found = _TOKEN.findall(_ISABELLE_LABEL.sub(" ", _plain_symbols(code)))
    return [one for one in found if one not in '()[]"_']


def _plain_symbols(code: str) -> str:
    """Isabelle's symbols, its ASCII spellings and Unicode as one."""
    code = _ISABELLE_SYMBOL.sub(lambda found: _SYMBOLS.get(found[1], f" {found[1]} "), code)
    return (
        _ISABELLE_ASCII.sub(lambda found: _ASCII[found[0]], code).replace('"', " ").replace("‹", " ").replace("›", " ")
    )


_SYMBOLS = {
    "Rightarrow": "⇒", "Longrightarrow": "⟹", "longrightarrow": "⟶", "rightarrow": "→", "leftrightarrow": "↔",
    "longleftrightarrow": "⟷", "equiv": "≡", "and": "∧", "or": "∨", "not": "¬", "forall": "∀", "exists": "∃",
    "And": "⋀",
    "lambda": "λ", "le": "≤", "ge": "≥", "noteq": "≠", "in": "∈", "notin": "∉", "subseteq": "⊆", "subset": "⊂",
    "union": "∪", "inter": "∩", "Union": "⋃", "Inter": "⋂", "times": "×", "circ": "∘", "Sum": "∑", "Prod": "∏",
    "lbrakk": "⟦", "rbrakk": "⟧", "bar": "¦", "dots": "…", "open": " ", "close": " ", "infinity": "∞", "int": "∫",
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "sigma": "σ", "tau": "τ", "phi": "φ",
    "Gamma": "Γ", "Delta": "Δ", "Sigma": "Σ", "Phi": "Φ", "rho": "ρ", "mu": "μ", "pi": "π", "omega": "ω", "theta": "θ",
    "langle": "⟨", "rangle": "⟩", "turnstile": "⊢", "Turnstile": "⊨", "sqsubseteq": "⊑", "bottom": "⊥", "top": "⊤",
}  # fmt: skip
_ASCII = {
    "<-->": "⟷", "==>": "⟹", "-->": "⟶", "=>": "⇒", "==": "≡", "<=": "≤", ">=": "≥", "~=": "≠", "[|": "⟦", "|]": "⟧",
    "!!": "⋀", "ALL": "∀", "EX": "∃", "~:": "∉", "/\\": "∧", "\\/": "∨", "%": "λ", "...": "…", "&": "∧", "|": "∨",
    "~": "¬",
}  # fmt: skip
_ISABELLE_SYMBOL = re.compile(r"\\<\^?(\w+)>")
_ISABELLE_ASCII = re.compile("|".join(rf"\b{one}\b" if one.isalpha() else re.escape(one) for one in _ASCII))


def _coq(source: _Masked, start: int, stop: int) -> _Read:
    """``name binders : claim.``"""
    head = _COQ_NAME.match(source.bare, start, stop)
    if head is None:
        return "", ()
    sentence = _COQ_END.search(source.bare, head.end(), min(stop, start + _READ_AT_MOST))
    end = sentence.start() if sentence else stop
    assigned = source.bare.find(":=", head.end(), end)
    return head[1], tuple(_TOKEN.findall(source.code[head.end() : assigned if assigned >= 0 else end]))


_COQ_NAME = re.compile(r"\s++([\w']+)")
_COQ_END = re.compile(r"\.(?=\s|\Z)")


def _line(before: str, words_: str, other: str = "") -> re.Pattern[str]:
    """A line that begins with one of ``words_`` (or with ``other``), after ``before``."""
    return re.compile(rf"^[ \t]*+{before}(?P<word>(?:{'|'.join(words_.split())})(?![\w'!?]){other})", re.MULTILINE)


_LEAN_CLAIMS = "theorem lemma example corollary proposition instance"
_LEAN_PLAIN = (
    "namespace section end open export import universe universes variable variables parameter parameters include omit "
    "mutual theory set_option prelude module local_notation"
)
_LEAN_CONTENT = (
    "def definition abbrev abbreviation structure class inductive coinductive axiom constant constants opaque "
    "notation infix infixl infixr prefix postfix macro macro_rules syntax elab elab_rules attribute run_cmd initialize "
    "declare_syntax_cat simproc alias irreducible_def deriving add_decl_doc mk_simp_attribute meta_def reserve"
)
_ISABELLE_CLAIMS = "lemma theorem corollary proposition schematic_goal"
_ISABELLE_PROSE = "text txt section subsection subsubsection chapter paragraph subparagraph text_raw header"
_ISABELLE_PLAIN = "theory imports begin end context declare hide_const hide_type hide_fact no_notation unbundle"
_ISABELLE_CONTENT = (
    "lemmas theorems definition abbreviation fun function primrec datatype codatatype inductive inductive_set "
    "coinductive "
    "coinductive_set record locale class instantiation instance interpretation sublocale global_interpretation "
    "type_synonym typedef typedecl consts axiomatization axioms nonterminal syntax translations notation "
    "termination method named_theorems ML ML_file setup local_setup export_code value overloading bundle experiment "
    "lift_definition setup_lifting quotient_type nominal_datatype nominal_inductive partial_function primcorec "
    "primcorecursive code_printing code_reflect specification attribute_setup method_setup simproc_setup "
    "parse_translation print_translation constdefs defs recdef types nominal_primrec nominal_function "
    "inductive_cases inductive_simps fun_cases free_constructors functor copy_bnf bnf old_rep_datatype rep_datatype "
    "code_pred values term thm typ prop find_theorems print_theorems oracle extract extract_type realizers notepad "
    "case_of_simps simps_of_case derive code_datatype code_identifier defer_recdef domain fixrec adhoc_overloading "
    "syntax_declaration declaration subclass subsumption lift_bnf crunch crunches"
)
_COQ_CLAIMS = "Theorem Lemma Example Corollary Proposition Remark Fact Property Goal"
_COQ_PLAIN = (
    "Require From Import Export Module Section End Open Close Set Unset Local Global Context "
    "Variable Variables Hypothesis Generalizable Arguments Declare"
)
_COQ_CONTENT = (
    "Definition Fixpoint CoFixpoint Inductive CoInductive Record Structure Class Instance Axiom Parameter Parameters "
    "Notation Infix Ltac Ltac2 Hint Function Program Equations Canonical Coercion Scheme Tactic Existing Reserved "
    "Conjecture Variant Derive Extraction Check Print Eval Compute Goal"
)


def _set(*texts: str) -> frozenset[str]:
    return frozenset(word for text in texts for word in text.split())


_SYNTAX: Mapping[str, _Syntax] = {
    "lean": _Syntax(
        flat=r"""(?P<c>--[^\n]*+)|(?P<s>"(?:[^"\\]|\\.)*+"|'(?:[^'\\\n]|\\[^\n]{1,6})')""",
        nested=(("/-", "-/", True),),
        command=_line(
            r"(?:@\[(?:[^\[\]]|\[[^\[\]]*+\])*+\]\s*+)*+"
            r"(?:(?:(?:open|set_option|omit|include|variable|attribute)\b[^\n]*?[ \t]in\s+"
            r"|(?:private|protected|noncomputable|public|meta|nonrec|local|scoped|unsafe|partial)\s+"
            r"|@\[(?:[^\[\]]|\[[^\[\]]*+\])*+\]\s*+))*+",
            f"{_LEAN_CLAIMS} {_LEAN_CONTENT} {_LEAN_PLAIN}",
            r"|#\w+",
        ),
        claims=_set(_LEAN_CLAIMS),
        plain=_set(_LEAN_PLAIN),
        documents="/--",
        apart=("/-!", "/- ****", "/-\nCopyright"),
        read=_lean,
    ),
    "isabelle": _Syntax(
        flat=r"""(?P<s>"(?:[^"\\]|\\.)*+"|`[^`\n]*+`)"""
        r"|(?P<c>\\<(?:comment|\^cancel|\^marker)>\s*+\\<open>(?:[^\\]|\\(?!<(?:open|close)>)"
        r"|\\<open>(?:[^\\]|\\(?!<close>))*+\\<close>)*+\\<close>|―\s*+‹[^‹›]*+›)",
        nested=((r"\(\*", r"\*\)", True), (r"\\<open>", r"\\<close>", False), ("‹", "›", False),
                (r"\{\*", r"\*\}", False)),
        command=_line(
            r"(?:(?:private|qualified)\s+)?",
            f"{_ISABELLE_CLAIMS} {_ISABELLE_PROSE} {_ISABELLE_PLAIN} {_ISABELLE_CONTENT}",
        ),
        claims=_set(_ISABELLE_CLAIMS),
        plain=_set(_ISABELLE_PLAIN, _ISABELLE_PROSE),
        documents="",
        apart=(),
        read=_isabelle,
        prose=_set(_ISABELLE_PROSE),
        proof=re.compile(
            r"^[ \t]*+(?:apply|by|done|qed|proof|have|show|thus|hence|also|finally|moreover|ultimately|next|fix|assume"
            r"|using|obtain|with|from|then)\b",
            re.MULTILINE,
        ),
    ),
    "coq": _Syntax(
        flat=r"""(?P<s>"(?:[^"]|"")*+")""",
        nested=((r"\(\*", r"\*\)", True),),
        command=_line(
            r"(?:#\[[^\]]*\]\s*)?(?:(?:Local|Global|Polymorphic|Monomorphic|Private)\s+)*",
            f"{_COQ_CLAIMS} {_COQ_CONTENT} {_COQ_PLAIN}",
        ),
        claims=_set(_COQ_CLAIMS),
        plain=_set(_COQ_PLAIN),
        documents="(**",
        apart=(),
        read=_coq,
    ),
}  # fmt: skip
