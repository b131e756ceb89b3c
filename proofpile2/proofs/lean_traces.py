"""Traces that other Lean tools wrote -> steps, one document a module; and which tool wrote a file."""

from __future__ import annotations

import json
import marshal
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from tempfile import TemporaryFile
from typing import Any, TextIO

from proofpile2.proofs.lean import Declare, Note, Whence, fits, read_records, said_in
from proofpile2.proofs.lean_nesting import Place, Record, Said, steps_by_range
from proofpile2.proofs.lean_order import steps_in_order
from proofpile2.proofs.lean_text import file_of, module_of, path_of, split_goals, statement_of, unbroken
from proofpile2.proofs.steps import ProofDocument, ProofStep

__all__ = ["READERS", "read_leandojo", "read_ntp_toolkit", "read_repl", "read_training_data", "sniff"]

_NOTHING: Said = ("", "", "")
_DAMAGED = (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError)
"""What values of an unexpected shape raise."""


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


def _document(whence: Whence, module: str, steps: list[ProofStep], drop: str | None = None) -> ProofDocument:
    return ProofDocument(
        prover="lean",
        origin=whence.origin,
        path=whence.path,
        module=module,
        steps=tuple(steps),
        version=whence.version,
        revision=whence.revision,
        url=whence.url,
        drop=drop,
    )


# --- JSON values, one after another ----------------------------------------------------------------------------------

_CHUNK, _LARGEST = 1 << 18, 1 << 27  # characters
_BETWEEN = re.compile(r"[\s,\[\]\ufeff]*")
_ANEW = re.compile(r'\n\s*(?=\{)|(?=\{\s*"url"\s*:)')


def _values(stream: TextIO, path: str, note: Note) -> Iterator[Any]:
    """Objects of a stream, whether in an array, on lines, or with anything between them; in bounded memory."""
    decode = json.JSONDecoder().raw_decode
    text, at, ended = "", 0, False
    while True:
        if not ended and len(text) - at < _CHUNK // 4:
            more = stream.read(_CHUNK)
            text, at, ended = text[at:] + more, 0, not more
        while True:
            at = _BETWEEN.match(text, at).end()  # type: ignore[union-attr]
            if at == len(text):
                break
            try:
                value, end = decode(text, at)
                value = unbroken(value, text, at, end)
            except (ValueError, RecursionError) as error:
                cut = not isinstance(error, json.JSONDecodeError) or (
                    error.pos > len(text) - 16 or error.msg.startswith("Unterminated")
                )
                if cut and not ended and len(text) - at < _LARGEST:
                    break
                note(f"{path}: damaged: {text[at : at + 40]!r}")
                anew = _ANEW.search(text, at + 1)
                text, at = text[anew.end() :] if anew else "", 0  # json counts the lines before each error
            else:
                at = end
                yield value
        if ended:
            return
        more = stream.read(max(_CHUNK, len(text) - at))
        text, at, ended = text[at:] + more, 0, not more


def _place(value: Any) -> Place:
    line, column = value["line"], value["column"]
    if not fits(line, column):
        raise ValueError
    return line, column


def _text(value: Any) -> str:
    if type(value) is not str:
        raise TypeError
    return value


def _strings(values: Any) -> tuple[str, ...]:
    goals = tuple(values)
    if not all(type(goal) is str for goal in goals):
        raise TypeError
    return goals


# --- The REPL --------------------------------------------------------------------------------------------------------


def read_repl(
    stream: TextIO, whence: Whence, note: Note, *, keep_errors: bool = False, declare: Declare | None = None
) -> Iterator[ProofDocument]:
    """Answers of the REPL (leanprover-community/repl, and lean-interact's, in either spelling of the keys).

    Of an answer ``infotree`` is read, which has the goals after, or else ``tactics`` (of ``allTactics``), without them.
    Requests may stand before their answers, or around them as ``{"cmd": ..., "response": {...}}``: they give ``path``
    and, with ``declare``, statements. Answers follow each other in one document, as long as no other ``path`` is asked
    for. Where an answer has errors its steps have the flaw ``lean_error`` unless ``keep_errors``; a document without
    any other steps gets ``drop="file_with_errors"``. Positions count from the beginning of each request.
    """
    steps: list[ProofStep] = []
    asked: Mapping[str, Any] = {}
    path, errors, answers = "", 0, 0

    def document() -> ProofDocument:
        drop = "file_with_errors" if errors and all(one.flaw for one in steps) else None
        where = replace(whence, path=path) if path else whence
        return _document(where, whence.module or module_of(where.path), steps, drop)

    for number, value in enumerate(_values(stream, whence.path, note), 1):
        try:
            answer = next((value[key] for key in ("response", "result", "answer") if key in value), value)
            if answer is not value:
                asked = value.get("request", value)
            elif value.keys() & {"cmd", "path"} and not value.keys() & _ANSWERS:
                asked = value
                continue
            if (there := file_of(asked.get("path"))) != path:
                if answers:
                    yield document()
                steps, errors, answers = [], 0, 0
                path = there
            answers += 1
            records = _answer(answer, _said(asked, declare), note)
            wrong = any(one["severity"] == "error" for one in answer.get("messages") or ())
            if isinstance(answer.get("message"), str):
                note(f"{whence.path}: answer {number}: {answer['message'][:100]!r}")
            errors += wrong
            found = steps_by_range(records, note)
            steps += (
                [one._replace(flaw=one.flaw or "lean_error") for one in found] if wrong and not keep_errors else found
            )
        except _DAMAGED:
            note(f"{whence.path}: object {number} is no answer of the REPL")
        else:
            asked = {}
    if answers:
        yield document()


_ANSWERS = frozenset({"messages", "tactics", "infotree", "sorries"})


def _said(asked: Mapping[str, Any], declare: Declare | None) -> Callable[[Place], Said] | None:
    source = asked.get("cmd")
    if declare is None or not isinstance(source, str):
        return None
    said = said_in(source, declare)
    return lambda place: said(place, "")


def _answer(answer: Any, said: Callable[[Place], Said] | None, note: Note) -> list[Record]:
    if trees := answer.get("infotree"):
        return list(_tactics(trees, said, note))
    records = []
    for one in answer.get("tactics") or ():
        try:
            start = _place(one["pos"] if "pos" in one else one["start_pos"])
            goals = one["goals"]
            records.append(
                Record(
                    _text(one["tactic"]).strip(),
                    split_goals(goals) if isinstance(goals, str) else _strings(goals),
                    None,
                    start,
                    _place(one["endPos"] if "endPos" in one else one["end_pos"]),
                    "",
                    said(start) if said else _NOTHING,
                )
            )
        except _DAMAGED:
            note("a tactic of the REPL without text, goals or place")
    return records


def _tactics(trees: Any, said: Callable[[Place], Said] | None, note: Note) -> Iterator[Record]:
    """Tactics of info trees as the REPL prints them; those that macros made are left out."""
    waiting = list(reversed(trees))
    while waiting:
        try:
            tree = waiting.pop()
            waiting += reversed(tree.get("children") or ())
            node = tree.get("node")
            if tree.get("kind") != "TacticInfo" or not node or not node.get("name"):
                continue
            syntax = node["stx"]
            spot = syntax["range"]
            if spot.get("synthetic"):
                continue
            start = _place(spot["start"])
            before, after = (node.get(one, node.get(other, ())) for one, other in _GOALS)
            record = Record(
                _text(syntax["pp"] or "").strip(),
                _strings(before),
                _strings(after),
                start,
                _place(spot["finish"]),
                _text(syntax["kind"]),
                said(start) if said else _NOTHING,
            )
        except _DAMAGED:
            note("a node of an info tree without text, goals or place")
        else:
            yield record


_GOALS = (("goalsBefore", "goals_before"), ("goalsAfter", "goals_after"))

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
    head = stream.read(max(_CHUNK, 64)).lstrip("\ufeff \r\n")
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
        yield _document(whence, whence.module or module_of(whence.path), steps_in_order(records, note))


def _pieces(head: str, stream: TextIO, border: str) -> Iterator[str]:
    """What stands between ``border`` in ``head`` and the rest of ``stream``; in memory is a piece, or a little more."""
    text, more = "", head
    while more:
        text += more
        if "\r" in text:
            text = text.replace("\r\n", "\n")
        *pieces, text = text.split(border)
        yield from pieces
        more = stream.read(max(_CHUNK, len(text)))
    yield text


def _verbose(pieces: Iterable[str], whence: Whence, note: Note) -> Iterator[ProofDocument]:
    records: list[Record] = []
    module = ""
    known: tuple[str, Said] = ("", _NOTHING)

    def document() -> ProofDocument:
        where = replace(whence, path=path_of(module)) if module else whence
        return _document(where, module or whence.module or module_of(whence.path), steps_by_range(records, note))

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
    known: tuple[str, Said] = ("", _NOTHING)

    def document() -> ProofDocument:
        named = module or whence.module
        where = replace(whence, path=path_of(module)) if module else whence
        return _document(where, named or module_of(whence.path), steps_by_range(records, note))

    for number, value in enumerate(_values(stream, whence.path, note), 1):
        try:
            text, source = _text(value["nextTactic"]).rstrip(), _text(value["srcUpToTactic"])
            identity = _text(value.get("declId") or "")
            found = _DECLARATION_ID.fullmatch(identity)
            there = found[1] if found else identity.rsplit(".", 1)[0] if "." in identity else ""
            if there != module and records:
                yield document()
                records = []
            module = there
            if known[0] != identity or not identity:
                name, keyword, statement = _claim(_text(value.get("decl") or value.get("declUpToTactic") or ""))
                known = (identity, (_text(value.get("declName") or name), keyword, statement))
            line, column = source.count("\n") + 1, len(source) - source.rfind("\n") - 1
            more = text.count("\n")
            end = (line + more, len(text) - text.rfind("\n") - 1 if more else column + len(text))
            records.append(Record(text, split_goals(value["state"]), None, (line, column), end, "", known[1]))
        except _DAMAGED:
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
        for number, value in enumerate(_values(stream, whence.path, note), 1):
            try:
                key = (_text(value.get("url") or ""), _text(value.get("commit") or ""), _text(value["file_path"]))
                start = value.get("start") or (0, 0)
                tactics = [tuple(_text(one[key]) for key in _TRACED) for one in value["traced_tactics"]]
                claim = _text(value.get("theorem_statement") or "")
                packed = marshal.dumps((_text(value.get("full_name") or ""), claim, tactics))
                files.setdefault(key, []).append(((int(start[0]), int(start[1])), end, len(packed)))
            except _DAMAGED:
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
            yield _document(where, module_of(_PACKAGE.sub("", path, count=1)), steps)


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
