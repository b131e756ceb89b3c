"""Isabelle: from PISA's extractions, and from our own records, to one document a theorem.

PISA (albertqjiang/Portal-to-ISAbelle, ``PisaOS.scala`` and ``extract_data.py``) runs a theory command by command and
writes ``[state, action, level, hammer]`` for each, state and level (``Toplevel.level``) taken before the action: the
statement of a theorem has level 0, everything up to the end of its proof has at least 1. So a proof is what follows a
statement until the level is 0 again. AlgebraicStack splits where the state is ``''`` instead (EleutherAI/math-lm,
``process_isabelle_proofsteps.py``), which is the same as long as every state is there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from proofpile2.json_lines import as_text
from proofpile2.proofs.isabelle_text import (
    CLAIMS,
    UNFINISHED,
    depth_after,
    goals,
    head,
    is_step,
    target_of,
    without_comments,
)
from proofpile2.proofs.steps import ProofDocument, ProofStep

__all__ = ["Command", "Theory", "from_pisa", "is_pisa", "place", "statement_of", "theorems"]


class Command(NamedTuple):
    """One command of a theory as Isabelle ran it.

    ``source``  as written; ``state`` what Isabelle printed before it, '' where it printed nothing
    ``level``   of proof blocks before it, 0 outside of proofs; None where it is not known
    ``kind``    of its keyword (``thy_goal_stmt``, ``prf_script``, ``diag``, ...), '' where it is not known
    ``line``    of its first character from 1, 0 where it is not known; ``column`` from 0
    ``after_gap``  something before it was lost, so its state says nothing about the step before
    """

    source: str
    state: str
    level: int | None
    kind: str = ""
    line: int = 0
    column: int = 0
    after_gap: bool = False


@dataclass(frozen=True)
class Theory:
    """Where a theory stands: fields as of :class:`~proofpile2.proofs.steps.ProofDocument`."""

    origin: str
    path: str
    module: str
    version: str = ""
    revision: str | None = None
    url: str | None = None


def statement_of(text: str) -> str:
    """The statement of a theorem from its source, for comparison: comments and the modifier out, blanks made one."""
    bare = without_comments(text)
    _, word, end = head(bare)
    return " ".join(bare[end - len(word) :].split()) if word else " ".join(bare.split())


def is_pisa(value: object) -> bool:
    """Whether the JSON of a file is an extraction of PISA's, with or without anything in it."""
    return isinstance(value, dict) and ("translations" in value or "problem_names" in value)


def from_pisa(value: Mapping[str, Any], name: str, note: Callable[[str], None]) -> Iterator[ProofDocument]:
    """Theorems of the JSON of one ``*.thy_output.json`` called ``name``; ``note`` takes what was stepped over."""
    entries = value.get("translations")
    if not isinstance(entries, list) or not entries:
        note("no translations in it" if entries is None else "its translations are empty")
        return
    where = place(value, name, _theory_name(entries[:_HEADER]))
    yield from theorems(_commands(entries, note), where, note)


def _commands(entries: Iterable[Any], note: Callable[[str], None]) -> Iterator[Command]:
    lost = short = 0
    gap = False
    for entry in entries:
        size = len(entry) if isinstance(entry, list) else 0
        if size < 2 or not isinstance(state := entry[0], str) or not isinstance(action := entry[1], str):
            lost, gap = lost + 1, True
            continue
        level = entry[2] if size > 2 else None
        short += size < 3
        level = level if type(level) is int and level >= 0 else _level(level)
        yield Command(_valid(action), _valid(state).strip(), level, "", 0, 0, gap)
        gap = False
    if lost:
        note(f"{lost} entries are not [state, action, level, ..]; stepped over")
    if short:
        note(f"{short} entries have no level; it was counted")


def _valid(text: str) -> str:
    return text if text.isascii() else as_text(text) or ""


def _level(value: object) -> int | None:
    if isinstance(value, str) and value.strip().lstrip("-").isdecimal():
        value = int(value)
    return max(0, value) if isinstance(value, int) and not isinstance(value, bool) else None


def _theory_name(entries: Iterable[Any]) -> str:
    for entry in entries:
        if isinstance(entry, list) and len(entry) > 1 and isinstance(entry[1], str):
            found = _THEORY.match(without_comments(entry[1]))
            if found:
                return found[1].strip('"').rpartition("/")[2]
    return ""


_HEADER = 50  # commands among which ``theory`` stands, after comments and headings
_THEORY = re.compile(r'theory\s+("[^"]+"|[\w\'./-]+)')


@dataclass
class _Proof:
    """A theorem whose proof is being read; ``ended`` once its last step has closed its last block."""

    kind: str
    name: str
    declaration: str
    statement: str
    steps: list[tuple[Command, str, tuple[str, ...] | None, int]] = field(default_factory=list)
    unfinished: bool = False
    open_end: bool = True


def theorems(commands: Iterable[Command], theory: Theory, note: Callable[[str], None]) -> Iterator[ProofDocument]:
    """One document for each theorem that the commands of one theory state, in order.

    Steps of proofs of other things (``instance``, ``termination``, ``interpretation``: the obligations of definitions)
    are counted in a note and left out, for there is no statement to them; so is a ``notepad``.
    """
    name = theory.module.rpartition(".")[2]
    targets: list[str] = []
    others: Counter[str] = Counter()
    proof: _Proof | None = None
    depth, modifier, other = 0, "", ""
    for one in commands:
        text = without_comments(one.source)
        alone, word, end = head(text)
        if not text or not is_step(word, one.kind):
            continue
        claims = word in CLAIMS
        if not claims and _inside(one, depth):
            level = one.level or max(1, depth)
            depth = depth_after(word, level, one.kind)
            if other:
                others[other] += 1
                other = ""
            if proof is not None:
                _add(proof, one, text, word, level - 1)
                proof.open_end = depth > 0
            continue
        if proof is not None:
            proof.open_end &= claims and one.level != 0  # level 0 is Isabelle's word that the proof has ended
            yield _document(proof, theory)
            proof = None
        other = ""
        if alone and not word:  # PISA cuts before the keyword, so the modifier stands alone
            modifier = alone
            continue
        if claims:
            if modifier:
                text, end = f"{modifier} {text}", end + len(modifier) + 1
            proof = _begin(text, word, end, [name, *targets])
        else:
            _enter_or_leave(targets, word, text, end)
            other = word
        modifier = ""
        depth = depth_after(word, 0, one.kind) if word != "notepad" else 0
    if proof is not None:
        yield _document(proof, theory)
    if others:
        counts = ", ".join(f"{word} {count}" for word, count in sorted(others.items()))
        note(f"proofs that are not of theorems, left out: {counts}")


def _inside(one: Command, depth: int) -> bool:
    """Whether a command that states no theorem stands in a proof."""
    if one.state.startswith("proof (") or (depth and one.kind.startswith(("prf_", "qed", "next_"))):
        return True  # in a build, Isabelle passes over what ends with ``oops``: its level is 0 and its states are empty
    return one.level > 0 if one.level is not None else depth > 0


def _begin(text: str, word: str, end: int, scope: list[str]) -> _Proof:
    locale, name = target_of(text, end)
    if locale is not None:
        scope = [scope[0], "" if locale == "-" else locale.rpartition(".")[2]]
    declaration = ".".join(part for part in [*scope, name] if part) if name else ""
    return _Proof(word, name, declaration, text)


def _add(proof: _Proof, one: Command, text: str, word: str, depth: int) -> None:
    proof.unfinished |= word in UNFINISHED
    proof.steps.append((one, text, goals(one.state), depth))


def _document(proof: _Proof, theory: Theory) -> ProofDocument:
    drop = "no_steps" if not proof.steps else "unfinished_proof" if proof.unfinished or proof.open_end else None
    steps: list[ProofStep] = []
    after: tuple[str, ...] | None = () if drop is None else None
    for one, text, before, depth in reversed(proof.steps):
        steps.append(
            ProofStep(
                text, before or (), after, one.state, proof.declaration, proof.kind, proof.statement,
                one.line, one.column, depth,
            )
        )  # fmt: skip
        after = None if one.after_gap else before
    return ProofDocument(
        "isabelle", theory.origin, theory.path, theory.module, proof.name, tuple(reversed(steps)), theory.version,
        theory.revision, theory.url, drop,
    )  # fmt: skip


_BLOCKS = frozenset({"theory", "locale", "class", "context", "instantiation", "overloading", "experiment", "bundle"})
_BEGINS = re.compile(r"(?<![\w'.])begin\Z")
_SCOPE = re.compile(r'\s+("[^"]+"|[\w\'.]+)')
_NO_SCOPE = frozenset({"begin", "fixes", "assumes", "constrains", "defines", "notes", "includes"})


def _enter_or_leave(targets: list[str], word: str, text: str, end: int) -> None:
    """Keep the names of the locales around: ``locale group = .. begin`` .. ``end``."""
    if word == "end":
        del targets[-1:]
    elif word in _BLOCKS and word != "theory" and _BEGINS.search(text):
        found = _SCOPE.match(text, end) if word in {"locale", "class", "context"} else None
        scope = found[1].strip('"').rpartition(".")[2] if found else ""
        targets.append("" if scope in _NO_SCOPE else scope)


_ARCHIVE = re.compile(r"(?:^|/)thys/([^/]+)/(.+)\.thy\Z")
_LIBRARY = re.compile(r"(?:^|/)src/((?:[^/]+/)*)([^/]+)\.thy\Z")
_VERSION = re.compile(r"Isabelle(\d{4}(?:-\d+)?(?:-RC\d+)?)(?![\d-])")
_DATE = re.compile(r"(?<!\d)(\d{4}-\d\d-\d\d)(?=[/_])")
_FILE_NAME = re.compile(r"(?:^|_)(thys|src)_(.+)\Z")
_ENDINGS = ("_output.json", ".json", ".thy")


def place(value: Mapping[str, Any], name: str, theory: str = "") -> Theory:
    """Where the theory of an extraction is from, by its paths, or by the name of the file where it has none.

    Of the Archive of Formal Proofs: ``afp/<entry>``, the archive's date as revision. Of Isabelle's library: the session
    as PISA names it after the folders (``HOL-Analysis``), the version. Of anything else: the working directory's name.
    """
    given = value.get("theory_file_path") or value.get("file_name")
    path = given.replace("\\", "/") if isinstance(given, str) and given.endswith(".thy") else ""
    folder = value.get("working_directory")
    folder = folder.replace("\\", "/").rstrip("/") if isinstance(folder, str) else ""
    if not path:
        path = _path_of(name, theory)
    found = _DATE.search(path) or _DATE.search(name)
    if archive := _ARCHIVE.search(path):
        entry, below = archive[1], archive[2]
        return Theory(
            f"afp/{entry}", f"thys/{entry}/{below}.thy", f"{entry}.{below.rpartition('/')[2]}",
            revision=found[1] if found else None, url=f"https://www.isa-afp.org/entries/{entry}.html",
        )  # fmt: skip
    if library := _LIBRARY.search(path):
        version = _VERSION.search(path[: library.start(1)]) or _VERSION.search(name)
        session = "-".join(_session(library[1].strip("/"), folder))
        return Theory(
            session, f"src/{library[1]}{library[2]}.thy", f"{session}.{library[2]}".strip("."),
            version[1] if version else "",
        )  # fmt: skip
    base = path.rpartition("/")[2]
    if folder and path.startswith(folder + "/"):
        path, origin = path[len(folder) + 1 :], folder.rpartition("/")[2]
    else:
        path, origin = base, path.split("/")[-2] if "/" in path else "isabelle"
    return Theory(origin, path, f"{origin}.{base.removesuffix('.thy')}" if origin != "isabelle" else base[:-4])


def _session(folders: str, working: str) -> list[str]:
    """Folders below ``src`` that PISA worked in: two of them where it does not say."""
    parts = folders.split("/") if folders else []
    below = working.rpartition("/src/")[2].split("/") if "/src/" in working else []
    return below if below and parts[: len(below)] == below else parts[:2]


def _path_of(name: str, theory: str) -> str:
    """A path from ``2022-12-06_thys_Foo_Bar.thy_output.json``, in which ``/`` became ``_``: the theory's own name says
    where the folders end, or else the last ``_`` does."""
    stem = name.replace("\\", "/").rpartition("/")[2]
    for ending in _ENDINGS:
        stem = stem.removesuffix(ending)
    found = _FILE_NAME.search(stem)
    if found is None:
        return (theory or stem) + ".thy"
    rest = found[2]
    split = len(rest) - len(theory) if theory and rest.endswith("_" + theory) else rest.rfind("_") + 1
    folders, last = rest[:split].strip("_"), rest[split:]
    if found[1] == "src":
        folders = folders.replace("_", "/", 1)
    return "/".join(part for part in (stem[: found.start(1)], found[1], folders, last) if part) + ".thy"
