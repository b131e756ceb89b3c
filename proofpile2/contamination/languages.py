"""Lean, Isabelle and Coq: their top-level commands, and how to read what a declaration claims."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from proofpile2.contamination.masked import Masked, Read, Syntax

__all__ = ["SYNTAX"]

_TOKEN = re.compile(r"λ|[^\W\d][\w']*|\d+(?:\.\d+)?|:=|[^\w\s]|\w")
_READ_AT_MOST = 50_000  # characters of a statement


def _lean(source: Masked, start: int, stop: int) -> Read:
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


def _isabelle(source: Masked, start: int, stop: int) -> Read:
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


def _coq(source: Masked, start: int, stop: int) -> Read:
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


SYNTAX: Mapping[str, Syntax] = {
    "lean": Syntax(
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
    "isabelle": Syntax(
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
    "coq": Syntax(
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
