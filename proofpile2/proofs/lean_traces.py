"""Traces that other Lean tools wrote -> steps, one document a module; and which tool wrote a file."""

from __future__ import annotations

import marshal
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from tempfile import TemporaryFile
from typing import Any, TextIO

from proofpile2.proofs.lean import Note, Whence, read_records
from proofpile2.proofs.lean_nesting import Record, Said, steps_by_range
from proofpile2.proofs.lean_order import steps_in_order
from proofpile2.proofs.lean_repl import read_repl
from proofpile2.proofs.lean_text import module_of, path_of, split_goals, statement_of
from proofpile2.proofs.lean_values import CHUNK, DAMAGED, NOTHING, document_of, text_of, values
from proofpile2.proofs.steps import ProofDocument, ProofStep

__all__ = ["READERS", "read_leandojo", "read_ntp_toolkit", "read_repl", "read_training_data", "sniff"]


def sniff(head: bytes, name: str = "") -> str | None:
    """Which reader of :data:`READERS` a file is for, by its first bytes (some thousand do); None: none of them."""
    text = head.decode("utf-8", "ignore").lstrip("\ufeff \t\r\n")
    if text.startswith("[GOAL]"):
        return "lean-training-data"
    if text.startswith("===") and "\n---\n" in text.replace("\r\n", "\n"):
        return "lean-training-data"
    if text[:1] not in {"{", "["} or name.endswith((".ilean", ".ast.json")):
        return None
    keys = set(_KEY.findall(text))
    if "traced_tactics" in keys or {"file_path", "full_name"} <= keys:
        return "leandojo"
    if keys & {"nextTactic", "srcUpToTactic", "declUpToTactic"}:
        return "ntp-toolkit"
    if '"proofpile2 goals' in text[:200] or ("goalsBefore" in keys and "pos" in keys and "node" not in keys):
        return "extract-goals"
    if keys & {"usedConstants", "used_constants", "proofState", "proof_state", "infotree", "allTactics", "all_tactics"}:
        return "repl"
    return "repl" if "env" in keys and keys & {"messages", "sorries", "tactics", "cmd"} else None


_KEY = re.compile(r'"(\w+)"\s*:')


# --- lean-training-data ----------------------------------------------------------------------------------------------

_DECLARATION = re.compile(
    r"^(?:@\[[^\n]*\]\s*)?(?:(?:private|protected|noncomputable|nonrec|partial|unsafe|scoped|local)\s+)*"
    r"(?:theorem|lemma|example|def|instance|abbrev|irreducible_def|structure|class|inductive)\b",
    re.MULTILINE,
)
_NAME = re.compile(r"\w+\s+([^\s:(\[{⦃]+)")
_RANGE = re.compile(r"(\d+):(\d+)-(\d+):(\d+)")


def _claim(source: str) -> Said:
    """What the last declaration of ``source`` is; its name as written, without namespaces."""
    last = None
    for last in _DECLARATION.finditer(source):  # noqa: B007
        pass
    keyword, statement = statement_of(source[last.start() :] if last else "")
    name = _NAME.match(statement) if keyword not in {"", "example"} else None
    return (name[1] if name else "", keyword, statement)


def read_training_data(stream: TextIO, whence: Whence, note: Note, **_unused: Any) -> Iterator[ProofDocument]:
    """Text of lean-training-data's ``training_data`` (kim-em/lean-training-data), a module a file or several in a row.

    Without ``--proofstep`` there are module, place, the beginning of the declaration, and goals after. With it there
    are goals and tactics only: which tactic stands in which is told by their texts, and where a tactic ran on several
    goals each run is a step, as that format prints them. Tactics are as Lean prints them, not as written.
    """
    head = stream.read(max(CHUNK, 64)).lstrip("\ufeff \r\n")
    if head.startswith("==="):
        yield from _verbose(_pieces(head, stream, "\n===\n"), whence, note)
        return
    records: list[Record] = []
    for piece in _pieces("\n" + head, stream, "\n[GOAL]\n"):
        goal, mark, tactic = piece.partition("\n[PROOFSTEP]\n")
        if not mark and piece.startswith("[PROOFSTEP]\n"):
            goal, mark, tactic = "", "\n", piece.removeprefix("[PROOFSTEP]\n")
        if mark:
            records.append(Record(tactic.strip(), split_goals(goal), None))
        elif piece.strip():
            note(f"{whence.path}: a goal without a tactic: {piece[:40]!r}")
    if records:
        yield document_of(whence, whence.module or module_of(whence.path), steps_in_order(records, note))


def _pieces(head: str, stream: TextIO, border: str) -> Iterator[str]:
    """What stands between ``border`` in ``head`` and the rest of ``stream``; in memory is a piece, or a little more."""
    text, more = "", head
    while more:
        text += more
        if "\r" in text:
            text = text.replace("\r\n", "\n")
        *pieces, text = text.split(border)
        yield from pieces
        more = stream.read(max(CHUNK, len(text)))
    yield text


def _verbose(pieces: Iterable[str], whence: Whence, note: Note) -> Iterator[ProofDocument]:
    records: list[Record] = []
    module = ""
    known: tuple[str, Said] = ("", NOTHING)

    def document() -> ProofDocument:
        where = replace(whence, path=path_of(module)) if module else whence
        return document_of(where, module or whence.module or module_of(whence.path), steps_by_range(records, note))

    for piece in pieces:
        block = piece.removeprefix("===\n")
        fields = f"{block.rstrip()}\n".split("\n---\n")
        at, spot = len(fields) - 4, None
        while at > 3 and not (spot := _RANGE.fullmatch(fields[at])):
            at -= 1
        if spot is None or fields[-1]:
            note(f"{whence.path}: no step: {block[:60]!r}")
            continue
        if fields[0] != module and records:
            yield document()
            records = []
        module = fields[0].strip()
        if known[0] != fields[1]:
            known = (fields[1], _claim("\n---\n".join(fields[2 : at - 1])))
        left, first, right, last = (int(number[:9]) for number in spot.groups())
        records.append(
            Record(
                "\n---\n".join(fields[at + 1 : -2]).strip(),
                split_goals(fields[at - 1]),
                split_goals(fields[-2]),
                (left, first),
                (right, last),
                "",
                known[1],
            )
        )
    if records:
        yield document()


# --- ntp-toolkit -----------------------------------------------------------------------------------------------------

_DECLARATION_ID = re.compile(r"(.+)\.\d+_\d+\.\w+")


def read_ntp_toolkit(stream: TextIO, whence: Whence, note: Note, **_unused: Any) -> Iterator[ProofDocument]:
    """JSON lines of ntp-toolkit's ``training_data`` (cmu-l3/ntp-toolkit), premises or not; one document a module.

    The place of a tactic is the end of ``srcUpToTactic``; it ends where its text does.
    """
    records: list[Record] = []
    module = ""
    known: tuple[str, Said] = ("", NOTHING)

    def document() -> ProofDocument:
        named = module or whence.module
        where = replace(whence, path=path_of(module)) if module else whence
        return document_of(where, named or module_of(whence.path), steps_by_range(records, note))

    for number, value in enumerate(values(stream, whence.path, note), 1):
        try:
            text, source = text_of(value["nextTactic"]).rstrip(), text_of(value["srcUpToTactic"])
            identity = text_of(value.get("declId") or "")
            found = _DECLARATION_ID.fullmatch(identity)
            there = found[1] if found else identity.rsplit(".", 1)[0] if "." in identity else ""
            if there != module and records:
                yield document()
                records = []
            module = there
            if known[0] != identity or not identity:
                name, keyword, statement = _claim(text_of(value.get("decl") or value.get("declUpToTactic") or ""))
                known = (identity, (text_of(value.get("declName") or name), keyword, statement))
            line, column = source.count("\n") + 1, len(source) - source.rfind("\n") - 1
            more = text.count("\n")
            end = (line + more, len(text) - text.rfind("\n") - 1 if more else column + len(text))
            records.append(Record(text, split_goals(value["state"]), None, (line, column), end, "", known[1]))
        except DAMAGED:
            note(f"{whence.path}: object {number} is no example of a tactic")
    if records:
        yield document()


# --- LeanDojo --------------------------------------------------------------------------------------------------------

_GITHUB = re.compile(r"https?://github\.com/([^/]+/[^/]+?)(?:\.git)?/?")
_TRACED = ("tactic", "state_before", "state_after")
_PACKAGE = re.compile(r"(?:\.lake|lake-packages)/(?:packages/)?[^/]+/(?:src/lean/)?")


def read_leandojo(stream: TextIO, whence: Whence, note: Note, **_unused: Any) -> Iterator[ProofDocument]:
    """A LeanDojo benchmark file: entries are theorems in any order; a document is what it has of one file of Lean.

    Theorems of a document stand in the order of the file; documents in the order in which their files come up. What
    they need is kept in a temporary file meanwhile, not in memory. Tactics have no places here (``line`` is 0), and
    which stands in which is told by their texts; ``t <;> s`` is one tactic.
    """
    files: dict[tuple[str, str, str], list[tuple[tuple[int, int], int, int]]] = {}
    with TemporaryFile() as spool:
        end = 0
        for number, value in enumerate(values(stream, whence.path, note), 1):
            try:
                key = (text_of(value.get("url") or ""), text_of(value.get("commit") or ""), text_of(value["file_path"]))
                start = value.get("start") or (0, 0)
                tactics = [tuple(text_of(one[key]) for key in _TRACED) for one in value["traced_tactics"]]
                claim = text_of(value.get("theorem_statement") or "")
                packed = marshal.dumps((text_of(value.get("full_name") or ""), claim, tactics))
                files.setdefault(key, []).append(((int(start[0]), int(start[1])), end, len(packed)))
            except DAMAGED:
                note(f"{whence.path}: entry {number} is no theorem")
                continue
            spool.write(packed)
            end += len(packed)
        for (url, commit, path), theorems in files.items():
            steps: list[ProofStep] = []
            for _, at, size in sorted(theorems):
                spool.seek(at)
                steps += _theorem(note, *marshal.loads(spool.read(size)))  # noqa: S302 (our own bytes)
            origin = _GITHUB.fullmatch(url)
            where = replace(
                whence,
                origin=origin[1] if origin else whence.origin,
                path=path,
                revision=commit or whence.revision,
                url=url or whence.url,
            )
            yield document_of(where, module_of(_PACKAGE.sub("", path, count=1)), steps)


def _theorem(note: Note, name: str, claim: str, tactics: list[tuple[str, str, str]]) -> list[ProofStep]:
    keyword, statement = statement_of(claim) if claim else ("", "")
    said = (name, keyword, statement)
    records = []
    for tactic, before, after in tactics:
        records.append(Record(tactic.strip(), split_goals(before), split_goals(after), said=said))
    return steps_in_order(records, note, pieces=False)


READERS: Mapping[str, Callable[..., Iterator[ProofDocument]]] = {
    "extract-goals": read_records,
    "repl": read_repl,
    "lean-training-data": read_training_data,
    "leandojo": read_leandojo,
    "ntp-toolkit": read_ntp_toolkit,
}
"""Readers by what :func:`sniff` says; each takes a text stream, a :class:`~proofpile2.proofs.lean.Whence`, a ``note``,
and by name ``keep_errors`` and ``declare`` (which only some make use of)."""
