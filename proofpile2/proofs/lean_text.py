"""Texts that Lean's tools print and people write: comments, goals, names, statements; what could not be printed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

__all__ = [
    "file_of",
    "flaw_of",
    "module_of",
    "name_of",
    "path_of",
    "plain",
    "split_goals",
    "statement_of",
    "statement_of_goal",
    "unbroken",
    "unprinted",
    "without_blanks",
]

_UNPRINTED = re.compile(r"failed to pretty print|\[Error pretty printing|\A<unprintable>\Z")
_SORRY = re.compile(r"(?<![\w.'])(?:sorry|admit)(?![\w'])")


def unprinted(goals: Iterable[str]) -> bool:
    """Whether Lean failed to print one of ``goals`` or a part of it."""
    for goal in goals:  # noqa: SIM110 (twice as fast as any())
        if ("pretty" in goal or goal[:1] == "<") and _UNPRINTED.search(goal):
            return True
    return False


def flaw_of(text: str, before: Sequence[str]) -> str | None:
    """Why a step is not to be shown: a goal or the tactic that Lean could not print, or a gap in the proof."""
    if unprinted(before):
        return "unprintable_goal"
    if "failed to pretty print" in text:
        return "unprintable_tactic"
    if ("sorry" in text or "admit" in text) and _SORRY.search(text):
        return "sorry"
    return None


_COMMENT_OR_STRING = re.compile(r"'(?:\\.|[^\\'\n])'|\"(?:[^\"\\]|\\.)*+\"?|--[^\n]*|/-", re.DOTALL)
_COMMENT_MARK = re.compile(r"/-|-/")
_TRAILING = re.compile(r"(?<![ \t])[ \t]++(?=\n)")
_BLANK_LINES = re.compile(r"\n(?:[ \t]*\n)+")


def without_blanks(text: str) -> str:
    """``text`` without blanks at the ends of lines and without empty lines."""
    return _BLANK_LINES.sub("\n", _TRAILING.sub("", text)).strip()


def plain(text: str) -> str:
    """Lean source without its comments; strings stay. Lines that held only comments go; linear time."""
    if "--" not in text and "/-" not in text:
        return text
    kept, at = [], 0
    while match := _COMMENT_OR_STRING.search(text, at):
        if match[0][0] in "'\"":
            kept.append(text[at : match.end()])
            at = match.end()
            continue
        kept.append(text[at : match.start()])
        at = match.end()
        depth = 1 if match[0] == "/-" else 0
        while depth:
            mark = _COMMENT_MARK.search(text, at)
            if mark is None:
                at, depth = len(text), 0
            else:
                depth += 1 if mark[0] == "/-" else -1
                at = mark.end()
    kept.append(text[at:])
    return _BLANK_LINES.sub("\n", "".join(kept))


_GOAL_LINE = re.compile(r"\n(?![ \t])")


def statement_of_goal(goal: str) -> str:
    """The theorem that a goal would be the first one of, ``theorem _ (x : A) [B] : p``; empty where it is no such goal.

    Lean prints terms anew, so this is what an author may have written, not what one wrote.
    """
    binders, target = [], ""
    for line in _GOAL_LINE.split(goal):
        if line.startswith("⊢"):
            target = line[1:]
        elif not line.startswith("case "):
            names, colon, kind = line.partition(" :")
            if not colon or kind[:1] not in {" ", "\n"} or ("✝" in names and not names.startswith("inst✝")):
                return ""  # something was introduced, so it is not the first goal
            binders.append(f"[{kind.strip()}]" if names.startswith("inst✝") else f"({names} :{kind})")
    return f"theorem _ {' '.join(binders)} :{target}" if target else ""


_GOAL_END = re.compile(r"^(?:⊢|\|(?=[ \n]))", re.MULTILINE)


def split_goals(text: str) -> tuple[str, ...]:
    """The goals of a state that a tool printed as one text, one below the other, with or without blank lines between.

    A goal is an optional line ``case x``, hypotheses, and its target, a line that begins with ``⊢`` (``|`` under
    ``conv``), each with indented lines that go on. ``no goals`` and the empty text hold none. A text without a target
    is one goal: it is shown, not lost.
    """
    text = text.strip("\n")
    if not text or text == "no goals":
        return ()
    if text.count("⊢") == 1 and "\n|" not in text and text[0] != "|":
        return (text,)
    found = list(_GOAL_END.finditer(text))
    if len(found) <= 1:
        return (text,)
    goals, at = [], 0
    for match in found[:-1]:
        stop = text.find("\n", match.end())
        while text[stop + 1 : stop + 2] in {" ", "\t"}:
            stop = text.find("\n", stop + 1)
        goals.append(text[at:stop])
        at = stop
        while text[at : at + 1] == "\n":
            at += 1
    goals.append(text[at:])
    return tuple(goals)


_PRIVATE = re.compile(r"^_private\.(?:.*\.)?0\.")
_TRACE_ENDINGS = re.compile(r"(?:\.(?:lean|jsonl?|txt|out|expected|proofstep|gz|zst|bz2|xz))+$")


def name_of(declaration: Any) -> str:
    """Name of a declaration as its author knows it: without the module of private names, empty for an ``example``."""
    name = declaration if isinstance(declaration, str) else ""
    if name.startswith("_private."):
        name = _PRIVATE.sub("", name)
    return "" if name.startswith("_example") or name == "[anonymous]" else name


_SURROGATE = re.compile(r"\\u[dD][89abAB]..(?P<second>\\u[dD][c-fC-F]..)?|\\u[dD][c-fC-F]..")


def unbroken(value: Any, text: str, start: int, end: int) -> Any:
    """``value`` of the JSON ``text[start:end]``, with question marks for halves of surrogate pairs, which JSON can hold
    and UTF-8 can't."""
    for found in _SURROGATE.finditer(text, start, end):
        if found["second"] is None:
            return _encodable(value)
    return value


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_encodable(one) for one in value]
    if isinstance(value, dict):
        return {_encodable(key): _encodable(one) for key, one in value.items()}
    return value


def file_of(path: Any) -> str:
    """A path that a tool was given, as far as it is no place on a machine; empty if it is none."""
    if not isinstance(path, str):
        return ""
    return re.split(r"[/\\]", path)[-1] if re.match(r"[/\\~]|\w:", path) else path.removeprefix("./")


def module_of(path: str) -> str:
    """``Mathlib/Logic/Hydra.lean`` -> ``Mathlib.Logic.Hydra``; endings of traces go too."""
    return _TRACE_ENDINGS.sub("", path).strip("/").replace("/", ".")


def path_of(module: str) -> str:
    """``Mathlib.Logic.Hydra`` -> ``Mathlib/Logic/Hydra.lean``."""
    return module.replace(".", "/") + ".lean"


_MARK = re.compile(
    r"\"(?:[^\"\\]|\\.)*+\"?|(?P<open>[(\[{⟨⦃])|(?P<close>[)\]}⟩⦄])|(?P<is>:=)|(?P<bind>\b(?:let|have)I?\b)"
    r"|(?P<end>\bwhere\b|\bderiving\b|^[ \t]*\|(?=[^\n]*=>)|(?<!\S)by\b)",
    re.MULTILINE,
)
_KEYWORDS = (
    "theorem lemma example def instance abbrev structure class inductive opaque axiom irreducible_def alias "
    "problem proposition corollary"
)
_KEYWORD = re.compile(rf"(?<![\w.])(?:{'|'.join(_KEYWORDS.split())})(?![\w'])")


def statement_of(command: str) -> tuple[str, str]:
    """Keyword of a command and what it claims, from the keyword on up to the proof, without comments; or empty ones."""
    command = plain(command)
    found = _KEYWORD.search(command)
    if found is None:
        return "", ""
    depth = binds = 0
    stop = len(command)
    for mark in _MARK.finditer(command, found.end()):
        if mark["open"]:
            depth += 1
        elif mark["close"]:
            depth -= 1
        elif depth <= 0 and mark["bind"]:
            binds += 1
        elif depth <= 0 and mark["is"] and binds:
            binds -= 1
        elif depth <= 0 and (mark["is"] or mark["end"]):
            stop = mark.start()
            break
    return found[0], without_blanks(command[found.start() : stop])
