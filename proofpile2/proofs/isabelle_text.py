"""Isabelle's outer syntax, as far as commands must be read: comments, keywords, names of theorems, printed goals.

Facts are of the reference manual (isar-ref, "Outer syntax") and of Pure's ``Isar/token.ML``, ``Pure.thy`` and
``goal_display.ML``.
"""

from __future__ import annotations

import re

__all__ = [
    "CLAIMS",
    "UNFINISHED",
    "depth_after",
    "goals",
    "head",
    "is_step",
    "target_of",
    "without_comments",
]


def _words(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


CLAIMS = _words(
    "lemma theorem corollary proposition schematic_goal schematic_lemma schematic_theorem schematic_corollary"
)
"""Commands that state a theorem; the last three went with Isabelle2016."""

UNFINISHED = frozenset({"sorry", "oops", "\\<proof>"})
"""Steps after which nothing is proved; ``\\<proof>`` stands for a proof that is not shown."""

_DOCUMENT = _words(
    "chapter section subsection subsubsection paragraph subparagraph text txt text_raw txt_raw header sect subsect "
    "subsubsect"
)
_ML = _words("ML ML_prf ML_val ML_command SML_import SML_export ML_export ML_file")
_LOOKS = _words(
    "thm prf full_prf prop term typ value values find_theorems find_consts find_unused_assms sledgehammer",
    "sledgehammer_params try try0 solve_direct nitpick nitpick_params quickcheck quickcheck_params",
    "quickcheck_generator refute refute_params help welcome unused_thms thm_deps thy_deps class_deps locale_deps",
    "thm_oracles code_thms code_deps smt_status explore explore_have explore_lemma explore_quote pr pwd",
)
_NO_STEPS = _DOCUMENT | _ML | _LOOKS
_TERMINAL = {"by": -1, ".": -1, "..": -1, "sorry": -1, "\\<proof>": -1, "done": -1, "qed": -2}
_OPENING = {
    "proof": 1, "have": 1, "hence": 1, "show": 1, "thus": 1, "obtain": 1, "consider": 1, "interpret": 1, "guess": 1,
    "subgoal": 1, "{": 2, "}": -2, "notepad": 2,
}  # fmt: skip
_KINDS = {
    "qed": -1, "qed_script": -1, "qed_block": -2, "prf_block": 1, "prf_goal": 1, "prf_asm_goal": 1,
    "prf_script_goal": 1, "prf_script_asm_goal": 1, "prf_open": 2, "prf_close": -2,
    "thy_goal": 1, "thy_goal_defn": 1, "thy_goal_stmt": 1,
}  # fmt: skip


def depth_after(word: str, depth: int, kind: str = "") -> int:
    """Level of ``Proof.level`` after a command at level ``depth``: 0 outside of proofs, 1 after a statement.

    ``proof`` and each goal open one block, ``{`` two; ``qed`` closes its own and its goal's (``Isar/proof.ML``).
    ``kind`` is the keyword's, where Isabelle told it; without it the commands of Pure are known.
    """
    if word == "oops" or kind == "qed_global":
        return 0
    if word in CLAIMS:
        return 1
    return max(0, depth + (_KINDS.get(kind, 0) if kind else _TERMINAL.get(word, _OPENING.get(word, 0))))


def is_step(word: str, kind: str = "") -> bool:
    """Whether a command inside a proof belongs to it: no heading or text, no ML, nothing that only looks."""
    if kind and (kind == "diag" or kind.startswith("document_")):
        return False
    return word not in _NO_STEPS and not word.startswith("print_")


_COMMENT = re.compile(
    r"""(?P<string>"(?:[^"\\]|\\.)*+"|`[^`]*+`)|(?P<comment>\(\*)|(?P<open>\\<open>|‹|\{\*)"""
    r"""|(?P<formal>(?:\\<comment>|―|\\<\^(?:marker|cancel|latex)>|--)(?=\s*+(?:"|\\<open>|‹|\{\*)))""",
    re.DOTALL,
)
_NESTED = {
    "comment": re.compile(r"(?P<in>\(\*)|\*\)"),
    "open": re.compile(r"(?P<in>\\<open>|‹)|\\<close>|›"),
    "verbatim": re.compile(r"\*\}"),
}


def without_comments(text: str) -> str:
    """``text`` without ``(* .. *)`` and formal comments, and without blanks around it. Strings and cartouches stay.

    A line that held nothing but comments goes with them. A comment that is not closed stays.
    """
    if "(*" not in text and "\\<comment>" not in text and "\\<^" not in text and "--" not in text and "―" not in text:
        return text.strip()
    pieces: list[str] = []
    place = kept = 0
    while found := _COMMENT.search(text, place):
        place = found.end()
        if found["open"]:
            place = _end_of_block(text, found.start())
        elif found["comment"] or found["formal"]:
            end = _end_of_nested(text, place, "comment") if found["comment"] else _end_of_argument(text, place)
            if end < 0:
                break
            pieces.append(text[kept : found.start()])
            place = kept = end
    if not pieces:
        return text.strip()
    pieces.append(text[kept:])
    lines = "\0".join(pieces).split("\n")
    tidied = [_without_gaps(line) if "\0" in line else line for line in lines]
    return "\n".join(line for line in tidied if line is not None).strip()


def _without_gaps(line: str) -> str | None:
    """A line with one blank where comments were, none at its end or before a bracket; None if nothing else is on it."""
    parts = line.split("\0")
    words = [part.strip(" \t") for part in parts]
    joined = "".join(word if word[0] in ")],;" else f" {word}" for word in words if word)
    indent = parts[0] if not words[0] else parts[0][: len(parts[0]) - len(parts[0].lstrip(" \t"))]
    return indent + joined[joined[0] == " " :] if joined else None


def _end_of_nested(text: str, place: int, kind: str) -> int:
    """End of the block whose opening ends at ``place``, -1 where it is not closed."""
    depth = 1
    for found in _NESTED[kind].finditer(text, place):
        depth += 1 if found.lastgroup == "in" else -1
        if depth == 0:
            return found.end()
    return -1


def _end_of_block(text: str, place: int) -> int:
    """End of the cartouche or ``{* .. *}`` that begins at ``place``; the end of the text where it is not closed."""
    verbatim = text.startswith("{*", place)
    begun = place + (2 if verbatim else 1 if text[place] == "‹" else len("\\<open>"))
    end = _end_of_nested(text, begun, "verbatim" if verbatim else "open")
    return len(text) if end < 0 else end


def _end_of_argument(text: str, place: int) -> int:
    found = _ARGUMENT.match(text, place)
    if found is None:
        return -1
    return found.end() if found["string"] else _end_of_block(text, found.start("open"))


_ARGUMENT = re.compile(r"""\s*+(?:(?P<string>"(?:[^"\\]|\\.)*+")|(?P<open>\\<open>|‹|\{\*))""", re.DOTALL)


_HEAD = re.compile(
    r"(?:(private|qualified)(?![\w'.])\s*+)?([A-Za-z][\w']*+(?:\.[A-Za-z][\w']*+)*+|\.\.?|[{}]|\\<proof>)?"
)


def head(text: str) -> tuple[str, str, int]:
    """Of a command without comments: ``private`` or ``qualified`` or '', its keyword or '', and where that ends."""
    found = _HEAD.match(text)
    assert found is not None  # everything in the pattern is optional
    return found[1] or "", found[2] or "", found.end()


_TARGET = re.compile(r"\s*+\(\s*+in\s++(\"[^\"]*+\"|[^)\s]++)\s*+\)")
_TAG = re.compile(r"\s*+%[\w-]*+")
_NAME = re.compile(r"\s*+(\"(?:[^\"\\]|\\.)*+\"|(?:\\<\^?\w+>|[\w'.?])++)?+\s*+")
_BRACKET = re.compile(
    r"""(?P<in>\[)|(?P<out>\])|"(?:[^"\\]|\\.)*+"|\\<open>(?:[^\\]|\\(?!<close>))*+\\<close>""", re.DOTALL
)


def target_of(statement: str, start: int) -> tuple[str | None, str]:
    """Locale of ``(in locale)`` (None where there is none) and name, empty where the theorem has none.

    ``start`` is the end of the keyword: ``lemma (in order) foo.bar[simp, intro!]: "..."`` gives ``order``, ``foo.bar``.
    """
    while tag := _TAG.match(statement, start):
        start = tag.end()
    locale = None
    if found := _TARGET.match(statement, start):
        locale, start = found[1].strip('"'), found.end()
    name = _NAME.match(statement, start)
    assert name is not None  # everything in the pattern is optional
    end = name.end()
    if statement.startswith("[", end):
        depth = 0
        for mark in _BRACKET.finditer(statement, end):
            depth += {"in": 1, "out": -1}.get(mark.lastgroup or "", 0)
            if depth == 0:
                end = mark.end()
                break
        end += len(statement[end:]) - len(statement[end:].lstrip())
    is_head = statement.startswith(":", end) and not statement.startswith("::", end)
    return locale, (name[1] or "").strip('"') if is_head else ""


_GOALS = re.compile(r"^goal(?: \([^\n]*\))?:\n", re.MULTILINE)


def goals(state: str) -> tuple[str, ...] | None:
    """The numbered goals in a printed state, each whole with its lines; None where it shows no list of goals.

    ``using this:`` and ``this:`` before the list, and the lists of variables after it, are no goals. Isabelle prints
    ten at most (``goals_limit``) and says how many there are.
    """
    start = state.rfind("\ngoal") + 1
    found = _GOALS.match(state, start)
    if found is None and start:  # something else begins with ``goal``, such as ``goal instantiation:``
        found = max(_GOALS.finditer(state), key=re.Match.start, default=None)
    if found is None:
        return None
    place = found.end()
    listed: list[str] = []
    while state.startswith(f" {len(listed) + 1}.", place):
        begin = place + len(str(len(listed) + 1)) + 2
        place = state.find("\n", begin)
        while place >= 0 and state.startswith("\n  ", place):
            place = state.find("\n", place + 1)
        if place < 0:
            listed.append(state[begin:].strip())
            break
        listed.append(state[begin:place].strip())
        place += 1
    return tuple(listed)
