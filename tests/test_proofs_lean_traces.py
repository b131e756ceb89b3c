"""Traces of other Lean tools -> steps: the REPL, lean-training-data, LeanDojo, ntp-toolkit; telling them apart."""

from __future__ import annotations

import io
import json
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofpile2 import contamination
from proofpile2.proofs import lean_traces, lean_values
from proofpile2.proofs.documents import batches
from proofpile2.proofs.lean import Whence, read_records
from proofpile2.proofs.lean_traces import READERS, sniff

HERE = Whence("project", "traces/some.out", version="4.9.0")


def read(kind, text, **more):
    """Documents of a text, and what was noted."""
    notes = []
    return list(READERS[kind](io.StringIO(text), HERE, notes.append, **more)), notes


def said(document):
    return [(one.tactic, one.before, one.after, one.depth, one.flaw) for one in document.steps]


# --- The REPL --------------------------------------------------------------------------------------------------------


def tactic(text, line, column, end, goals, **more):
    last = line + text.count("\n")
    return {
        "tactic": text,
        "pos": {"line": line, "column": column},
        "endPos": {"line": last, "column": end},
        "goals": goals,
        **more,
    }


ANSWER = {
    "tactics": [
        tactic("induction n with\n| zero => simp\n| succ n ih => exact ih", 2, 2, 24, "n : Nat\n⊢ p"),
        tactic("| zero => simp", 3, 0, 14, "case zero\n⊢ p 0"),
        tactic("simp", 3, 10, 14, "case zero\n⊢ p 0"),
        tactic("exact ih", 4, 15, 23, "case succ\nih : q\n⊢ p"),
        tactic("constructor", 5, 2, 13, "⊢ a\n⊢ b\n\n⊢ c"),
        tactic("done", 6, 2, 6, "no goals"),
    ],
    "env": 0,
}


def test_all_tactics():
    """Ranges tell what stands in what, even without kinds of syntax; goals are kept apart; none after are known."""
    (document,), notes = read("repl", json.dumps(ANSWER, indent=1))
    assert not notes
    assert said(document) == [
        ("induction n with\n| zero =>\n| succ n ih =>", ("n : Nat\n⊢ p",), None, 0, None),
        ("simp", ("case zero\n⊢ p 0",), None, 1, None),
        ("exact ih", ("case succ\nih : q\n⊢ p",), None, 1, None),
        ("constructor", ("⊢ a", "⊢ b", "⊢ c"), None, 0, None),
        ("done", (), None, 0, None),
    ]
    assert (document.module, document.path, document.version) == ("traces.some", "traces/some.out", "4.9.0")
    assert [(one.line, one.column) for one in document.steps][:2] == [(2, 2), (3, 10)]


def test_printed_anew():
    """The REPL prints a tactic again: where the inner text is broken otherwise, blanks do not count; where it is not
    found at all the outer step is marked, never repeated."""
    outer = tactic("have h : p := by\n  simp only [a,\n    b]", 1, 0, 30, "⊢ q")
    (document,), notes = read(
        "repl", json.dumps({"tactics": [outer, tactic("simp only [a, b]", 1, 17, 30, "⊢ p")], "env": 0})
    )
    assert [one[0] for one in said(document)] == ["have h : p := by", "simp only [a, b]"]
    (document,), notes = read("repl", json.dumps({"tactics": [outer, tactic("omega", 1, 17, 30, "⊢ p")], "env": 0}))
    assert [one.flaw for one in document.steps] == ["inner_text_not_found", None]
    assert len(notes) == 1


def test_spelling_of_lean_interact():
    """The same answer with the names of lean-interact's Python classes, one object a line, is the same document."""
    names = {"pos": "start_pos", "endPos": "end_pos"}
    other = {
        **ANSWER,
        "tactics": [{names.get(key, key): value for key, value in one.items()} for one in ANSWER["tactics"]],
    }
    assert read("repl", json.dumps(other) + "\n") == read("repl", json.dumps(ANSWER))


def test_info_trees():
    """Info trees have both sides; what macros made and what is no tactic is left out."""

    def node(kind, pp, start, finish, children=(), before=("⊢ a",), after=(), synthetic=False, name="x"):
        spot = {"start": {"line": 1, "column": start}, "finish": {"line": 1, "column": finish}, "synthetic": synthetic}
        stx = {"pp": pp, "kind": kind, "argKinds": [], "range": spot}
        info = {"stx": stx, "name": name, "goalsBefore": list(before), "goalsAfter": list(after)}
        return {"kind": "TacticInfo", "node": info, "children": list(children)}

    rewrite = node("Lean.Parser.Tactic.rewriteSeq", "rewrite [h]", 3, 9, synthetic=True)
    tree = node(
        "Lean.Parser.Term.byTactic",
        "by rw [h]; trivial",
        0,
        18,
        [
            node("by", "<failed to pretty print>", 0, 2, name=None),
            node("Lean.Parser.Tactic.rwSeq", "rw [h]", 3, 9, [rewrite], after=["⊢ b"]),
            {"kind": "TermInfo", "node": {"stx": {}}, "children": [node("t", "trivial", 11, 18, before=["⊢ b"])]},
        ],
    )
    (document,), notes = read("repl", json.dumps({"infotree": [tree], "tactics": [{"tactic": "other"}], "env": 0}))
    assert not notes
    assert said(document) == [("rw [h]", ("⊢ a",), ("⊢ b",), 0, None), ("trivial", ("⊢ b",), (), 0, None)]


def test_requests_errors_and_damage():
    """Requests give files and statements; an answer with errors marks its steps, unless they are to be kept; what is no
    JSON is noted and the next answer is read."""
    one = {"tactics": [tactic("simp", 1, 26, 30, "⊢ a")], "env": 1}
    wrong = {**one, "messages": [{"severity": "error", "data": "unsolved goals"}]}
    declare = partial(contamination.declarations, language="lean")
    asked = {"cmd": "theorem foo (h : a) : a := by simp", "allTactics": True}
    text = "\n\n".join([json.dumps(asked), json.dumps(one), json.dumps(wrong), '{"tactics": [{"tac', json.dumps(one)])
    (document,), notes = read("repl", text, declare=declare)
    assert [(each.declaration, each.kind, each.statement, each.flaw) for each in document.steps] == [
        ("", "theorem", "theorem foo (h : a) : a", None),
        ("", "", "", "lean_error"),
        ("", "", "", None),
    ]
    assert document.drop is None
    assert len(notes) == 1
    (document,), _ = read("repl", json.dumps(wrong))
    assert document.drop == "file_with_errors"
    (document,), _ = read("repl", json.dumps(wrong), keep_errors=True)
    assert (document.drop, document.steps[0].flaw) == (None, None)
    files = [{"path": path, "response": one} for path in ("A/B.lean", "A/B.lean", "/home/me/C.lean")]
    documents, notes = read("repl", "\n".join(map(json.dumps, files)))
    assert [(each.path, each.module, len(each.steps)) for each in documents] == [
        ("A/B.lean", "A.B", 2),
        ("C.lean", "C", 1),
    ]
    assert not notes
    documents, notes = read("repl", '{"message": "Unknown environment."}')
    assert len(notes) == 1
    assert documents[0].steps == ()


# --- lean-training-data ----------------------------------------------------------------------------------------------

PROOFSTEPS = """[GOAL]
n : Nat
⊢ p n
[PROOFSTEP]
induction n with
| zero => constructor <;> simp
| succ n ih => exact f (by rfl)
[GOAL]
case zero
⊢ p 0
[PROOFSTEP]
constructor
[GOAL]
case left
⊢ a
[PROOFSTEP]
simp
[GOAL]
case right
⊢ b
[PROOFSTEP]
simp
[GOAL]
case succ
ih : p n
⊢ p (n + 1)
[PROOFSTEP]
exact f (by rfl)
[GOAL]
⊢ c
[PROOFSTEP]
rfl
[GOAL]
⊢ d
⊢ e
[PROOFSTEP]
first | simp | rfl
[GOAL]
⊢ d
[PROOFSTEP]
simp
[GOAL]
⊢ d
[PROOFSTEP]
rfl
[GOAL]
⊢ e
[PROOFSTEP]
rfl -- so
"""


def test_goal_and_proofstep():
    """Without places: inner tactics are found in the outer text, runs of one tactic stay apart as in that format, and
    what ``first`` tried is no step."""
    (document,), notes = read("lean-training-data", PROOFSTEPS)
    assert not notes
    assert [(text, before, depth) for text, before, _, depth, _ in said(document)] == [
        ("induction n with\n| zero =>\n| succ n ih =>", ("n : Nat\n⊢ p n",), 0),
        ("constructor", ("case zero\n⊢ p 0",), 1),
        ("simp", ("case left\n⊢ a",), 1),
        ("simp", ("case right\n⊢ b",), 1),
        ("exact f (by)", ("case succ\nih : p n\n⊢ p (n + 1)",), 1),
        ("rfl", ("⊢ c",), 2),
        ("first | simp | rfl", ("⊢ d", "⊢ e"), 0),
        ("rfl", ("⊢ e",), 0),
    ]


def test_goal_without_tactic_is_noted():
    """A file cut off, and text before the first goal."""
    documents, notes = read("lean-training-data", f"warning\n{PROOFSTEPS}[GOAL]\n⊢ x\n")
    assert len(notes) == 2
    assert len(documents[0].steps) == 8
    assert read("lean-training-data", "") == ([], [])


@pytest.mark.parametrize("chunk", [1, 5, 1 << 20])
def test_pieces_of_text(monkeypatch, chunk):
    """Windows line ends, and however the text is cut for reading."""
    expected = read("lean-training-data", PROOFSTEPS)
    verbose = block("A.B", "60", "x", "⊢ p", "64:2-64:6", "simp", "") * 2
    monkeypatch.setattr(lean_traces, "CHUNK", chunk)
    monkeypatch.setattr(lean_values, "CHUNK", chunk)
    for kind in ("\n", "\r\n"):
        stream = io.TextIOWrapper(io.BytesIO(PROOFSTEPS.replace("\n", kind).encode()), "utf-8", newline="")
        assert (list(READERS["lean-training-data"](stream, HERE, print)), []) == expected
        stream = io.TextIOWrapper(io.BytesIO(verbose.replace("\n", kind).encode()), "utf-8", newline="")
        (document,) = READERS["lean-training-data"](stream, HERE, print)
        assert said(document) == [("simp", ("⊢ p",), (), 0, None)]


def block(module, offset, source, state, place, text, after):
    return "===\n" + "\n---\n".join([module, offset, source, state, place, text, after]) + "\n---\n\n"


def test_verbose_blocks():
    """Module, place, declaration and goals after; ``---`` in a comment of the declaration does no harm; a damaged block
    is noted and the rest kept."""
    source = "/-- Docs.\n---\n-/\n@[simp] protected theorem Foo.bar (n : Nat) :\n    p n := by\n  "
    text = "".join(
        [
            block("A.B", "60", source, "⊢ p n", "64:2-65:12", "have h : q := by\n  simp", "h : q\n⊢ p n"),
            block("A.B", "60", source + "have h : q := by\n  ", "⊢ q", "65:4-65:12", "simp", ""),
            "===\nA.B\n---\nnonsense\n---\n\n",
            block("A.B", "70", "  rw [x]\n  ", "⊢ q\n⊢ r", "80:2-80:5", "rfl", "⊢ r"),
            block("A.C", "1", "example : x = y := ", "⊢ q", "2:4-2:8", "simp", ""),
        ]
    )
    documents, notes = read("lean-training-data", text)
    assert [(one.module, one.path) for one in documents] == [("A.B", "A/B.lean"), ("A.C", "A/C.lean")]
    assert said(documents[0]) == [
        ("have h : q := by", ("⊢ p n",), ("h : q\n⊢ p n",), 0, None),
        ("simp", ("⊢ q",), (), 1, None),
        ("rfl", ("⊢ q", "⊢ r"), ("⊢ r",), 0, None),
    ]
    first, _, third = documents[0].steps
    assert (first.declaration, first.kind, first.line, first.column) == ("Foo.bar", "theorem", 64, 2)
    assert first.statement == "theorem Foo.bar (n : Nat) :\n    p n"
    assert (third.declaration, third.statement) == ("", "")
    assert documents[1].steps[0].statement == "example : x = y"
    assert len(notes) == 1


# --- ntp-toolkit -----------------------------------------------------------------------------------------------------


def test_ntp_toolkit():
    """Places come from the source before; module and statement from the ids and ``decl``; names where there are."""
    source = "import A\n\ntheorem foo : p :=\n  by\n  have h : q := by simp\n  exact h"
    examples = []
    for text, state in (("have h : q := by simp", "⊢ p"), ("simp", "⊢ q"), ("exact h", "h : q\n⊢ p")):
        before = source[: source.index(text)]
        one = {
            "declId": "A.B.3_0.hAsH123",
            "decl": "theorem foo : p ",
            "srcUpToTactic": before,
            "declUpToTactic": before[10:],
        }
        examples.append({**one, "state": state, "nextTactic": text})
    examples.append({**examples[0], "declId": "A.C.9_0.hAsH123", "declName": "N.foo"})
    documents, notes = read("ntp-toolkit", "\n".join(map(json.dumps, examples)) + '\n{"state": 1}\n')
    assert [(one.module, one.path) for one in documents] == [("A.B", "A/B.lean"), ("A.C", "A/C.lean")]
    assert [(one.tactic, one.line, one.column, one.depth) for one in documents[0].steps] == [
        ("have h : q := by", 5, 2, 0),
        ("simp", 5, 19, 1),
        ("exact h", 6, 2, 0),
    ]
    step = documents[1].steps[0]
    assert (step.declaration, step.kind, step.statement) == ("N.foo", "theorem", "theorem foo : p")
    assert documents[0].steps[0].declaration == "foo"
    assert len(notes) == 1


# --- LeanDojo --------------------------------------------------------------------------------------------------------


def theorem(name, path, line, *tactics, **more):
    traced = [
        {"tactic": text, "annotated_tactic": [text, []], "state_before": before, "state_after": after}
        for text, before, after in tactics
    ]
    return {
        "url": "https://github.com/leanprover-community/mathlib4", "commit": "29dc", "file_path": path,
        "full_name": name, "start": [line, 1], "end": [line + 3, 9], "traced_tactics": traced, **more,
    }  # fmt: skip


BENCHMARK = [
    theorem(
        "b",
        "Mathlib/B.lean",
        90,
        ("cases h with\n  | inl h => simp\n  | inr h =>\n    · rw [f]\n      rfl", "h : a ∨ b\n⊢ c", "no goals"),
        ("simp", "case inl\n⊢ c", "no goals"),
        ("· rw [f]\n      rfl", "case inr\n⊢ c", "no goals"),
        ("rw [f]", "case inr\n⊢ c", "case inr\n⊢ d"),
        ("rfl", "case inr\n⊢ d", "no goals"),
    ),
    theorem(
        "c", ".lake/packages/std/Std/C.lean", 5, ("constructor <;> simp", "⊢ a", "⊢ a\n\n⊢ b"), ("simp", "⊢ a", "⊢ b")
    ),
    theorem(
        "a",
        "Mathlib/B.lean",
        10,
        ("ext x", "⊢ f = g", "case h\n⊢ f x = g x"),
        theorem_statement="theorem a : f = g := by",
    ),
    theorem("d", "Mathlib/D.lean", 1),
]


@pytest.mark.parametrize("chunk", [1 << 20, 1, 7, 50])
@pytest.mark.parametrize("between", [", ", ",\n", "\n"])
def test_leandojo(monkeypatch, chunk, between):
    """A document a file, theorems in its order though scattered; ``t <;> s`` stays one tactic; however the text is cut
    into pieces for reading, and whether it is an array or lines."""
    monkeypatch.setattr(lean_traces, "CHUNK", chunk)
    monkeypatch.setattr(lean_values, "CHUNK", chunk)
    text = between.join(json.dumps(one) for one in BENCHMARK)
    documents, notes = read("leandojo", text if between == "\n" else f"[{text}]\n")
    assert not notes
    assert [(one.origin, one.revision, one.path, one.module) for one in documents] == [
        ("leanprover-community/mathlib4", "29dc", "Mathlib/B.lean", "Mathlib.B"),
        ("leanprover-community/mathlib4", "29dc", ".lake/packages/std/Std/C.lean", "Std.C"),
        ("leanprover-community/mathlib4", "29dc", "Mathlib/D.lean", "Mathlib.D"),
    ]
    assert said(documents[0]) == [
        ("ext x", ("⊢ f = g",), ("case h\n⊢ f x = g x",), 0, None),
        ("cases h with\n  | inl h =>\n  | inr h =>", ("h : a ∨ b\n⊢ c",), (), 0, None),
        ("simp", ("case inl\n⊢ c",), (), 1, None),
        ("rw [f]", ("case inr\n⊢ c",), ("case inr\n⊢ d",), 1, None),
        ("rfl", ("case inr\n⊢ d",), (), 1, None),
    ]
    assert [one[0] for one in said(documents[1])] == ["constructor <;> simp", "simp"]
    assert [(one.declaration, one.statement, one.line) for one in documents[0].steps[:2]] == [
        ("a", "theorem a : f = g", 0),
        ("b", "", 0),
    ]
    assert documents[2].steps == ()


def test_a_damaged_entry_of_leandojo():
    """What is broken is noted, the entries behind it are read."""
    entries = [json.dumps(one) for one in BENCHMARK]
    entries[0] = entries[0].replace('"full_name": "b"', '"full_name": b')
    documents, notes = read("leandojo", f"[{', '.join(entries)}]")
    assert [one.module for one in documents] == ["Std.C", "Mathlib.B", "Mathlib.D"]
    assert len(notes) == 1
    documents, notes = read("leandojo", f"[{', '.join(entries[1:])}"[:-30])
    assert [one.module for one in documents] == ["Std.C", "Mathlib.B"]
    assert len(notes) == 1


# --- All -------------------------------------------------------------------------------------------------------------


def record(text="simp"):
    place = {"line": 1, "column": 0}
    return {
        "decl": "a",
        "tactic": text,
        "kind": "k",
        "goalsBefore": ["⊢ a"],
        "goalsAfter": [],
        "pos": place,
        "endPos": {"line": 1, "column": 4},
    }


SAMPLES = {
    "extract-goals": json.dumps(record()),
    "repl": json.dumps(ANSWER),
    "lean-training-data": PROOFSTEPS,
    "leandojo": json.dumps(BENCHMARK),
    "ntp-toolkit": json.dumps(
        {"declId": "A.1_0.x", "decl": "d", "srcUpToTactic": "", "state": "⊢ a", "nextTactic": "simp"}
    ),
}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *((text, kind) for kind, text in SAMPLES.items()),
        (json.dumps({"format": "proofpile2 goals 1", "file": "x", "version": "4.35.0"}), "extract-goals"),
        (block("A.B", "60", "x", "⊢ p n", "64:2-65:12", "a", ""), "lean-training-data"),
        (json.dumps({"env": 0, "messages": []}), "repl"),
        (json.dumps({"cmd": "x", "allTactics": True}), "repl"),
        (json.dumps(BENCHMARK, indent=2), "leandojo"),
        ("\ufeff" + PROOFSTEPS, "lean-training-data"),
        ("", None),
        ("{}", None),
        ("[1, 2]", None),
        ("=== \nnothing", None),
        ("theorem foo : a := by simp", None),
        ('{"problem_names": ["x"], "translations": [["", "lemma", 0, ""]]}', None),
        ('{"text": "[GOAL]", "env": 1}', None),
    ],
)
def test_sniff(text, kind):
    """By content, not by name."""
    assert sniff(text.encode()[:4096], "any.json") == kind


def test_what_no_column_can_hold():
    """Halves of surrogate pairs become question marks, whole pairs stay; places beyond 32 bits are damage."""
    for kind in ("extract-goals", "repl", "leandojo", "ntp-toolkit"):
        text = SAMPLES[kind].replace("simp", "simp \\ud835 \\uDD5C \\ud835\\udd5c \\\\ud8ab")
        (document, *_), _ = read(kind, text)
        assert any("simp ? ? 𝕜 \\ud8ab" in one.tactic for one in document.steps)
        assert list(batches([document]))
    for kind in ("extract-goals", "repl"):
        documents, notes = read(kind, SAMPLES[kind].replace('"line": ', '"line": 99999999999'))
        assert not any(document.steps for document in documents)
        assert notes


@pytest.mark.parametrize("kind", SAMPLES)
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damage_never_raises(kind, data):
    """A trace cut or changed anywhere gives documents or notes, never a traceback."""
    text = SAMPLES[kind]
    at = data.draw(st.integers(0, len(text)))
    inserted = data.draw(st.text('{}[]":,09-\n\\=GOALud', max_size=6))
    text = text[:at] + inserted + text[data.draw(st.integers(at, min(len(text), at + 20))) :]
    documents, _ = read(kind, text)
    list(batches(documents))


@pytest.mark.parametrize("kind", [kind for kind in SAMPLES if kind != "lean-training-data"])
@pytest.mark.parametrize("value", [None, 3, "x", [], {}, [3], [[]], {"a": 1}, True])
def test_values_of_other_kinds_never_raise(kind, value):
    """Each value of a record in turn is something else."""

    def changed(whole):
        """``whole`` with one value replaced, for each value in it."""
        yield value
        items = whole.items() if isinstance(whole, dict) else enumerate(whole) if isinstance(whole, list) else ()
        for key, inner in items:
            for other in changed(inner):
                copy = whole.copy()
                copy[key] = other
                yield copy

    sample = json.loads(SAMPLES[kind])
    for other in changed(sample[2:] if isinstance(sample, list) else sample):
        read(kind, json.dumps(other))


# --- Real traces -----------------------------------------------------------------------------------------------------


def real(shared, folder, name):
    path = shared / "proofsteps" / folder / name
    kind = sniff(path.read_bytes()[:4096], name)
    notes = []
    with path.open(encoding="utf-8") as stream:
        return kind, list(READERS[kind](stream, Whence("samples", name), notes.append)), notes


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("all_tactics-20250622", [("exact hp", ("P : Prop\nhp : P\n⊢ P",), None, 0, None)]),
        ("all_tactics", [("have t := 37", ("⊢ Nat",), None, 0, None), ("exact t", ("t : Nat\n⊢ Nat",), None, 0, None)]),
        (
            "calc",
            [
                ("calc\n  3 = 4 := by\n  4 = 5 := by", ("⊢ 3 = 5",), None, 0, "sorry"),
                ("sorry", ("⊢ 3 = 4",), None, 1, "sorry"),
                ("sorry", ("⊢ 4 = 5",), None, 1, "sorry"),
            ],
        ),
        ("infotree", [("constructor", ("h : Int\n⊢ Nat",), (), 0, None)]),
        ("infotree_theorem", [("exact h", ("p : Prop\nh : p\n⊢ p",), (), 0, None)]),
    ],
)
def test_real_answers_of_the_repl(shared, name, expected):
    """Answers from the REPL's own tests."""
    kind, (document,), notes = real(shared, "repl", f"{name}.expected.out")
    assert (kind, notes, document.drop) == ("repl", [], None)
    assert document.module == name
    assert said(document) == expected


def test_all_answers_of_the_repl_are_read(shared):
    """Every answer file is known for what it is; those whose Lean code has errors are dropped for that."""
    drops = {}
    for path in sorted((shared / "proofsteps" / "repl").glob("*.out")):
        kind, (document,), _ = real(shared, "repl", path.name)
        assert kind == "repl"
        drops[path.name.split(".")[0]] = document.drop
    assert sorted(name for name, drop in drops.items() if drop) == [
        "have_by_sorry",
        "incomplete",
        "invalid_tactic",
        "unfinished_tactic_block",
    ]


def test_real_leandojo(shared):
    """Three theorems of the published benchmark, one of them without tactics."""
    kind, documents, notes = real(shared, "leandojo", "leandojo_benchmark_4_random_val.sample.json")
    assert (kind, notes) == ("leandojo", [])
    assert [(one.module, len(one.steps), one.revision[:8], one.origin) for one in documents] == [
        ("Mathlib.Analysis.NormedSpace.ProdLp", 2, "29dcec07", "leanprover-community/mathlib4"),
        ("Mathlib.MeasureTheory.Measure.NullMeasurable", 0, "29dcec07", "leanprover-community/mathlib4"),
        ("Mathlib.Topology.ContinuousOn", 1, "29dcec07", "leanprover-community/mathlib4"),
    ]
    first, second = documents[0].steps
    assert (first.tactic, first.declaration, second.tactic) == (
        "ext",
        "WithLp.prod_nnnorm_eq_add",
        "simp [prod_norm_eq_add (p.toReal_pos_iff_ne_top.mpr hp)]",
    )
    assert first.after == second.before
    assert second.after == ()
    assert first.before[0].endswith("\n⊢ ‖f‖₊ = (‖f.1‖₊ ^ p.toReal + ‖f.2‖₊ ^ p.toReal) ^ (1 / p.toReal)")


@pytest.mark.parametrize("name", ["Init_Data_Nat_Gcd", "Init_Data_List_Perm", "Init_Data_Int_Order"])
def test_formats_agree(shared, name):
    """The real records, written as the REPL and as lean-training-data would write them, give the same tactics: by
    ranges alone exactly the same steps, by texts alone the same tactics, with runs apart."""
    path = shared / "proofsteps" / "lean" / f"{name}.jsonl"
    records = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    (expected,) = read_records(map(json.dumps, records), HERE, [].append)
    tactics = [
        {key: one[key] for key in ("tactic", "pos", "endPos")} | {"goals": "\n".join(one["goalsBefore"]) or "no goals"}
        for one in records
    ]
    (document,), notes = read("repl", json.dumps({"tactics": tactics, "env": 0}))
    assert not notes
    assert [(one.tactic, one.line, one.depth) for one in document.steps] == [
        (one.tactic, one.line, one.depth) for one in expected.steps
    ]
    goals = ["\n".join(one["goalsBefore"]) for one in records]
    text = "".join(f"[GOAL]\n{g}\n[PROOFSTEP]\n{one['tactic']}\n" for g, one in zip(goals, records, strict=True))
    (document,), notes = read("lean-training-data", text)
    assert not notes
    assert {one.tactic for one in document.steps} == {one.tactic for one in expected.steps}
