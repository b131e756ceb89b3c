"""Sentences of Coq and Rocq files, by Coq's own lexical rules (``parsing/cLexer.ml``).

A sentence ends with a ``.`` before a blank or the end of the file, or with ``...`` there; ``..`` ends nothing
(``x .. y`` in notations). Where a sentence may begin, a bullet (a run of ``-``, ``+`` or ``*``) and a brace, also
behind a goal selector (``2: {``, ``[x]: {``), is one by itself. Comments nest, strings in them count, and ``""`` in a
string is a quote. ``lp:{{ ... }}`` is a quotation of the Elpi plugin.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["COMMANDS", "STATEMENTS", "Sentence", "ends_proof", "keyword", "name_of", "sentences", "without_attributes"]


@dataclass(frozen=True)
class Sentence:
    """``text[start:end]`` of a file, and the same without comments on one line (blanks in strings stay).

    ``line`` from 1, ``column`` from 0 in code points. ``complete`` is false for what stands behind the last sentence.
    """

    start: int
    end: int
    plain: str
    line: int
    column: int
    complete: bool = True


_GAP = re.compile(r"[\s\ufeff]+")
_ALONE = re.compile(r"-+|\++|\*+|[{}]|(?:\d+|\[\s*\w[\w']*\s*\])\s*:\s*\{(?!\|)")
_NEXT = re.compile(r"""["][^"]*(?:"|\Z)|\(\*|lp:\{\{|\.+(?:\(|(?=(\s|\Z)))?""")
_COMMENT = re.compile(r"""\(\*|\*\)|"[^"]*(?:"|\Z)""")
_QUOTATION = re.compile(r"\{\{|\}\}")
_BLANKS_OR_STRING = re.compile(r"""("[^"]*(?:"|\Z))|\s+""")


def sentences(text: str) -> Iterator[Sentence]:
    """Sentences of a file in order; between them stand only blanks and comments. Linear in the length of ``text``."""
    at, line, line_start, counted = 0, 1, 0, 0
    while (start := _after_gap(text, at)) < len(text):
        newlines = text.count("\n", counted, start)
        if newlines:
            line += newlines
            line_start = text.rfind("\n", counted, start) + 1
        counted = start
        if alone := _ALONE.match(text, start):
            at, plain, complete = alone.end(), " ".join(alone.group().split()), True
        else:
            at, plain, complete = _to_full_stop(text, start)
        yield Sentence(start, at, plain, line, start - line_start, complete)


def _after_gap(text: str, at: int) -> int:
    while True:
        if blanks := _GAP.match(text, at):
            at = blanks.end()
        elif text.startswith("(*", at):
            at = _closed(_COMMENT, "(*", "*)", text, at)
        else:
            return at


def _closed(tokens: re.Pattern[str], opening: str, closing: str, text: str, at: int) -> int:
    """Where what is opened at ``at`` is closed; the end of the text where it is not."""
    depth = 0
    for word in tokens.finditer(text, at):
        depth += (word.group() == opening) - (word.group() == closing)
        if depth == 0:
            return word.end()
    return len(text)


def _to_full_stop(text: str, start: int) -> tuple[int, str, bool]:
    """End of the sentence that starts at ``start``, its plain text, and whether there was a full stop."""
    pieces: list[str] = []
    at = begin = start
    end, complete = len(text), False
    while found := _NEXT.search(text, at):
        at, word = found.end(), found.group()
        if word == "(*":
            pieces.append(text[begin : found.start()])
            at = begin = _closed(_COMMENT, "(*", "*)", text, found.start())
        elif word == "lp:{{":
            at = _closed(_QUOTATION, "{{", "}}", text, found.start())
        elif word == "..(":
            at -= 1  # after ``..`` a comment may begin; but ``.(`` is a token, and none does in ``x.(*``
        elif word[0] == "." and found.group(1) is not None and word != "..":
            end, complete = at, True
            break
    pieces.append(text[begin:end])
    plain = _BLANKS_OR_STRING.sub(lambda match: match.group(1) or " ", " ".join(pieces)).strip()
    return end, plain, complete


STATEMENTS = frozenset(
    """
    Theorem Lemma Fact Remark Corollary Proposition Property Example Goal Definition Fixpoint CoFixpoint Instance
    Let Function Equations Derive Next Final Obligation Obligations Add SubClass Coercion Canonical Program Existing
    """.split()  # noqa: SIM905
)
"""First words of sentences that may begin a proof."""

_END = re.compile(r"(?:Qed|Defined|Save|Admitted|Abort)\b|Proof\s(?!with\b|using\b|Mode\b)")

COMMANDS = frozenset(
    """
    About Arguments Axiom Back BackTo Bind Canonical Cd Check Class Close CoInductive Coercion Collection Comments
    Compute Conjecture Constraint Context Create Cumulative Debug Declare Delimit Derive Drop Elpi Enable Disable
    End Eval Existing Export Extract Extraction Fail Finish From Generalizable Global Guarded HB Hint Hypotheses
    Hypothesis Identity Implicit Import Include Inductive Infix Inspect Lemmas Library Load Local Locate Ltac
    Ltac2 Module Monomorphic Notation Number Numeral Opaque Open Optimize Parameter Parameters Polymorphic Prenex
    Primitive Print Pwd Quit Recursive Record Redirect Register Remove Require Reserved Reset Scheme Search
    SearchAbout SearchHead SearchPattern SearchRewrite Section Separate Set Show Strategy String Structure Succeed
    Tactic Test Timeout Transparent Typeclasses Undelimit Universe Universes Unset Validate Variable Variables
    Variant
    """.split()  # noqa: SIM905
) | (STATEMENTS - {"Goal"})
"""First words that are no tactic where a proof is open. (``Proof``, ``Qed``, bullets, ``Unshelve`` and so on are steps;
a tactic of a user may well begin with a capital.)"""

_ATTRIBUTES = re.compile(r"""\s*#\[(?:[^]"]|"[^"]*")*\]\s*""")
_PREFIX = re.compile(r"""(?:Time|Instructions|Timeout\s+\d+|Redirect\s+"[^"]*"|Profile)\s+(?=\S)""")
_MODIFIER = re.compile(r"(?:Local|Global|Program|Polymorphic|Monomorphic|Cumulative|NonCumulative|Private)\s+(?=[A-Z])")
_WORD = re.compile(r"Add\s+Parametric\s+\w+|Add\s+\w+|(?:Next|Final)\s+Obligation|[^\W\d][\w']*")
_NAME = re.compile(r"[^\W\d][\w']*")


def without_attributes(plain: str) -> str:
    """A sentence without ``#[...]`` and without what only measures it, such as ``Time``."""
    while found := _ATTRIBUTES.match(plain) or _PREFIX.match(plain):
        plain = plain[found.end() :]
    return plain


def keyword(plain: str) -> str:
    """What a sentence begins with: ``Lemma``, ``Next Obligation``, ``Add Parametric Morphism``, ``intros``; empty for
    bullets and selectors. ``Local``, ``Program`` and the like are passed over.
    """
    plain = without_attributes(plain)
    while found := _MODIFIER.match(plain):
        plain = plain[found.end() :]
    word = _WORD.match(plain)
    return " ".join(word.group().split()) if word else ""


def ends_proof(plain: str) -> bool:
    """Whether a sentence ends a proof: ``Qed.``, ``Abort.``, also ``Proof term.``"""
    return _END.match(without_attributes(plain)) is not None


def name_of(plain: str) -> str:
    """The name that a statement gives, as far as it can be seen without Coq; empty where there is none."""
    _, _, rest = without_attributes(plain).partition(keyword(plain))
    word = _NAME.match(rest.strip())
    return word.group() if word else ""
