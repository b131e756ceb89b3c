"""Records of the Lean extractor -> steps: the nesting rule, golden counts of real records, damaged input."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofpile2 import contamination
from proofpile2.proofs.lean import Whence, read_records
from proofpile2.proofs.lean_text import name_of, plain, split_goals, statement_of

HERE = Whence("project", "Some/File.lean")
TACTIC = "Lean.Parser.Tactic."


def record(source, text, before=("⊢ a",), after=(), kind="x", nth=0, decl="foo", **more):
    """What the extractor writes for the ``nth`` occurrence of ``text`` in ``source``."""
    at = -1
    for _ in range(nth + 1):
        at = source.index(text, at + 1)

    def place(offset):
        line = source.count("\n", 0, offset)
        return {"line": line + 1, "column": offset - source.rfind("\n", 0, offset) - 1}

    return {
        "decl": decl,
        "tactic": text,
        "kind": kind if "." in kind else TACTIC + kind,
        "goalsBefore": list(before),
        "goalsAfter": list(after),
        "pos": place(at),
        "endPos": place(at + len(text)),
        **more,
    }


def read(records, **settings):
    """The only document of records, and what was noted."""
    notes = []
    (document,) = read_records([json.dumps(one) + "\n" for one in records], HERE, notes.append, **settings)
    return document, notes


def steps(records):
    document, notes = read(records)
    assert not notes
    return [(one.tactic, one.before, one.after, one.depth) for one in document.steps]


def test_induction_keeps_its_branches_and_gives_each_tactic_once():
    """The text of an enclosing tactic is what stands around the inner ones, without comments; these follow."""
    inner = "induction n with\n  | zero => rfl\n  | succ n ih =>\n    -- why\n    rw [f]\n    exact ih"
    source = f"theorem foo : a := by\n  {inner}\n"
    found = steps(
        [
            record(source, inner, kind="induction"),
            record(source, "rfl", ["case zero\n⊢ b"], kind="tacticRfl"),
            record(source, "rw [f]", ["case succ\nih : c\n⊢ d"], ["case succ\nih : c\n⊢ c"], kind="rwSeq"),
            record(source, "exact ih", ["case succ\nih : c\n⊢ c"], kind="exact"),
        ]
    )
    assert found == [
        ("induction n with\n  | zero =>\n  | succ n ih =>", ("⊢ a",), (), 0),
        ("rfl", ("case zero\n⊢ b",), (), 1),
        ("rw [f]", ("case succ\nih : c\n⊢ d",), ("case succ\nih : c\n⊢ c",), 1),
        ("exact ih", ("case succ\nih : c\n⊢ c",), (), 1),
    ]


def test_by_in_a_statement_and_in_terms():
    """``by`` stays with the outer tactic, what it introduces becomes steps; also several in one term."""
    source = "have h : p := by\n  · simp\n  · exact (q)\nexact f (by simp; done) ⟨by rfl, x⟩ y"
    first, second = source.split("\nexact f")
    second = "exact f" + second
    found = steps(
        [
            record(source, first, after=["h : p\n⊢ a"]),
            record(source, "simp", ["⊢ p"]),
            record(source, "exact (q)", ["⊢ p'"]),
            record(source, second, ["h : p\n⊢ a"]),
            record(source, "simp", ["⊢ r"], ["⊢ r'"], nth=1),
            record(source, "done", []),
            record(source, "rfl", ["⊢ s"]),
        ]
    )
    assert [(text, depth) for text, _, _, depth in found] == [
        ("have h : p := by", 0),
        ("simp", 1),
        ("exact (q)", 1),
        ("exact f (by) ⟨by, x⟩ y", 0),
        ("simp", 1),
        ("done", 1),
        ("rfl", 1),
    ]


def test_calc_is_one_step_and_its_proofs_follow():
    """``calc`` keeps its chain of terms; the record of its steps alone, without goals, is no step."""
    chain = "a = b := by simp\n    _ = c := by\n      rw [h]\n    _ = d := e"
    source = f"calc\n    {chain}"
    found = steps(
        [
            record(source, source, kind="Lean.calcTactic"),
            record(source, chain, [], kind="Lean.calcSteps"),
            record(source, "simp", ["⊢ a = b"]),
            record(source, "rw [h]", ["⊢ b = c"], kind="rwSeq"),
        ]
    )
    assert found == [
        ("calc\n    a = b := by\n    _ = c := by\n    _ = d := e", ("⊢ a",), (), 0),
        ("simp", ("⊢ a = b",), (), 1),
        ("rw [h]", ("⊢ b = c",), (), 1),
    ]


def test_then_all_is_each_side_once_with_the_goals_of_all_runs():
    """``t <;> s``: t, then s once; its goals are those of all its runs, as Lean shows them at that place. The record of
    the whole, which our extractor writes, is no step."""
    source = "constructor <;> (intro h; simp [h])"
    found = steps(
        [
            record(source, source, kind="«tactic_<;>_»"),
            record(source, "constructor", after=["⊢ p", "⊢ q"]),
            record(source, "intro h", ["⊢ p"], ["h : x\n⊢ p'"]),
            record(source, "simp [h]", ["h : x\n⊢ p'"]),
            record(source, "intro h", ["⊢ q"], ["h : y\n⊢ q'"]),
            record(source, "simp [h]", ["h : y\n⊢ q'"], ["h : y\n⊢ q''"]),
        ]
    )
    assert found == [
        ("constructor", ("⊢ a",), ("⊢ p", "⊢ q"), 0),
        ("intro h", ("⊢ p", "⊢ q"), ("h : x\n⊢ p'", "h : y\n⊢ q'"), 0),
        ("simp [h]", ("h : x\n⊢ p'", "h : y\n⊢ q'"), ("h : y\n⊢ q''",), 0),
    ]


def test_a_run_that_repeats_another_adds_no_goals():
    """A term elaborated twice gives its tactics twice, with the same goals."""
    source = "simp"
    assert steps([record(source, "simp"), record(source, "simp")]) == [("simp", ("⊢ a",), (), 0)]


def test_rw_is_one_step_whatever_lean_records_in_it():
    """Rules, their sequence and what a macro expands to in the same place are no steps; what ``by`` brings is one."""
    source = "rw [f, show p by simp, g] at h"
    found = steps(
        [
            record(source, source, kind="rwSeq"),
            record(source, source, kind="rewriteSeq"),
            record(source, "f", kind="rwRule"),
            record(source, "[f, show p by simp, g]", kind="rwRuleSeq"),
            record(source, "simp", ["⊢ p"]),
        ]
    )
    assert found == [("rw [f, show p by, g] at h", ("⊢ a",), (), 0), ("simp", ("⊢ p",), (), 1)]


def test_conv_has_its_own_steps():
    """Moves under ``conv`` are steps with conv goals; the sequence that holds them is none."""
    source = "conv => lhs; rw [f]"
    found = steps(
        [
            record(source, source, after=["⊢ b"], kind="Conv.conv"),
            record(source, "lhs; rw [f]", ["| a = c"], kind="Conv.convSeq"),
            record(source, "lhs; rw [f]", ["| a = c"], kind="Conv.convSeq1Indented"),
            record(source, "lhs", ["| a = c"], ["| a"], kind="Conv.lhs"),
            record(source, "rw [f]", ["| a"], ["| b"], kind="Conv.convRw__"),
        ]
    )
    assert found == [
        ("conv =>", ("⊢ a",), ("⊢ b",), 0),
        ("lhs", ("| a = c",), ("| a",), 1),
        ("rw [f]", ("| a",), ("| b",), 1),
    ]


@pytest.mark.parametrize(
    "text",
    ["first | simp | exact h", "try simp", "all_goals simp", "any_goals\n  simp", "repeat simp", "iterate 3 simp"],
)
def test_what_tries_or_repeats_stays_whole(text):
    """What runs inside may have failed (its goals after are those before): no step is made of it."""
    source = f"{text}\nrfl"
    records = [record(source, text), record(source, "simp", ["⊢ a"], ["⊢ a"]), record(source, "rfl")]
    assert [one[0] for one in steps(records)] == [text, "rfl"]


def test_case_if_match_and_classical():
    """Each keeps what it says: which case, which condition, which patterns."""
    source = (
        "case inl h =>\n  exact h\nif c : p then simp else\n  rfl\nclassical\ndecide\nmatch x with\n| 0 | 1 => omega"
    )
    found = steps(
        [
            record(source, "case inl h =>\n  exact h", ["case inl\n⊢ a", "case inr\n⊢ b"], ["case inr\n⊢ b"]),
            record(source, "exact h", ["h : a\n⊢ a"]),
            record(source, "if c : p then simp else\n  rfl"),
            record(source, "simp"),
            record(source, "rfl"),
            record(source, source[source.index("classical") :]),
            record(source, "decide"),
            record(source, source[source.index("match") :]),
            record(source, "omega", ["⊢ 0"]),
            record(source, "omega", ["⊢ 1"]),
        ]
    )
    assert [(text, depth, len(before)) for text, before, _, depth in found] == [
        ("case inl h =>", 0, 2),
        ("exact h", 1, 1),
        ("if c : p then else", 0, 1),
        ("simp", 1, 1),
        ("rfl", 1, 1),
        ("classical", 0, 1),
        ("decide", 1, 1),
        ("match x with\n| 0 | 1 =>", 1, 1),
        ("omega", 2, 2),
    ]


def test_brackets_and_decreasing_by_are_no_steps():
    """A record that is nothing but brackets or ``decreasing_by`` around others adds neither step nor depth; a comment
    is no text, and a dash in a string is no comment."""
    source = 'decreasing_by { simp -- why\n  norm "--" /- no /- really -/ -/ }'
    found = steps([record(source, source), record(source, "simp"), record(source, 'norm "--" /- no /- really -/ -/')])
    assert [(text, depth) for text, _, _, depth in found] == [("simp", 0), ('norm "--"', 0)]


def test_focus_and_lists_of_tactics():
    """``t <;> [a; b]`` of Batteries and ``focus`` say nothing themselves."""
    source = "constructor <;> [simp; focus (rfl; done)]"
    found = steps([record(source, one) for one in (source, "constructor", "simp", "focus (rfl; done)", "rfl", "done")])
    assert [(one[0], one[3]) for one in found] == [("constructor", 0), ("simp", 0), ("rfl", 0), ("done", 0)]


def test_a_discharger_stays_in_its_simp():
    """The argument of ``disch`` runs inside the simplifier, as often as it likes: no step."""
    source = "simp (disch := first | assumption | omega) [f (by rfl)]"
    records = [record(source, source), record(source, "first | assumption | omega", ["⊢ x"])]
    records += [record(source, "assumption", ["⊢ x"], ["⊢ x"]), record(source, "rfl", ["⊢ y"])]
    assert [one[0] for one in steps(records)] == ["simp (disch := first | assumption | omega) [f (by)]", "rfl"]


def test_flaws():
    """Goals that Lean could not print, and gaps, are marked; where a goal after was not printed, it is not known."""
    bad = "h : failed to pretty print expression (use 'set_option pp.rawOnError true' for raw representation)\n⊢ a"
    records = [record("a\nb\nc\nd\nexact sorry\nexact foo.sorry_free", text) for text in "abc"]
    records[0]["goalsBefore"] = [bad]
    records[1]["goalsBefore"] = ["⊢ a", "<unprintable>"]
    records[2]["goalsAfter"] = [bad]
    source = "a\nb\nc\nd\nexact sorry\nexact foo.sorry_free"
    records += [record(source, "exact sorry"), record(source, "exact foo.sorry_free")]
    document, _ = read(records)
    assert [one.flaw for one in document.steps] == ["unprintable_goal", "unprintable_goal", None, "sorry", None]
    assert document.steps[2].after is None
    assert document.steps[0].before == (bad,)


def test_first_and_last_line():
    """Version and file of the first line; errors of the last drop the document, unless they are to be kept; a file
    without its last line is not whole."""
    head = {"format": "proofpile2 goals 1", "file": "./A/B.lean", "version": "4.35.0"}
    one = record("simp", "simp", decl="_private.Some.File.0.Foo.bar")
    last = {"done": True, "errors": 2, "messages": ["x", "y"], "trees": 1, "refused": []}
    document, notes = read([head, one, last])
    assert (document.version, document.module, document.path) == ("4.35.0", "A.B", "A/B.lean")
    assert (document.drop, document.steps[0].declaration, notes) == ("file_with_errors", "Foo.bar", [])
    assert read([head, one, last], keep_errors=True)[0].drop is None
    assert read([head, one, {**last, "errors": 0}])[0].drop is None
    assert read([head, one])[0].drop == "prover_failed:incomplete"
    assert (read([one])[0].drop, read([one])[0].module) == (None, "Some.File")
    both = [json.dumps(one) for one in (head, one, last, {**head, "file": "/home/me/C.lean"}, {**last, "errors": 0})]
    assert [(one.module, one.drop) for one in read_records(both, HERE, notes.append)] == [
        ("A.B", "file_with_errors"),
        ("C", None),
    ]
    (document,) = read_records(both[:3], Whence("project", "src/D.lean", "D"), notes.append)
    assert (document.module, document.path) == ("D", "src/D.lean")
    assert not notes


def test_source_gives_statements_and_tactics():
    """With the text of the file: keyword and statement by position, and a tactic whose text Lean did not give."""
    source = (
        "/-- docs := -/\r\n@[simp] theorem foo (n : Nat := by exact 0) :\r\n    let m := n; m = n := by\r\n  simp\r\n"
        "\r\nexample : True := by trivial\r\n"
    )
    declare = partial(contamination.declarations, language="lean")
    clean = source.replace("\r\n", "\n")
    records = [record(clean, "simp", nth=1), record(clean, "trivial", decl="_example")]
    records[0]["tactic"] = None
    document, notes = read(records, source=source, declare=declare)
    assert not notes
    assert [(one.tactic, one.declaration, one.kind, one.statement) for one in document.steps] == [
        ("simp", "foo", "theorem", "theorem foo (n : Nat := by exact 0) :\n    let m := n; m = n"),
        ("trivial", "", "example", "example : True"),
    ]
    document, notes = read(records)
    assert [one.tactic for one in document.steps] == ["trivial"]
    assert len(notes) == 1


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("theorem a : x := y", ("theorem", "theorem a : x")),
        ("private def f : Nat → Nat\n  | 0 => 1\n  | n => n", ("def", "def f : Nat → Nat")),
        ("instance : Foo where\n  x := 1", ("instance", "instance : Foo")),
        (
            "lemma a (h : ∀ x, (fun y := z) x) -- c\n  : p /- q -/ := by simp",
            ("lemma", "lemma a (h : ∀ x, (fun y := z) x)\n  : p"),
        ),
        ("#eval 1", ("", "")),
    ],
)
def test_statements(source, expected):
    """From the keyword to the proof, comments out."""
    assert statement_of(source) == expected


def test_names():
    """Private names lose their module; an example has none."""
    assert name_of("_private.A.B.0.C.d") == "C.d"
    assert name_of("_example") == name_of(None) == ""
    assert name_of("A.b") == "A.b"


def test_damaged_lines_are_noted_and_stepped_over():
    """What is no record is told, one note each, and the rest is kept."""
    good = json.dumps(record("simp", "simp"), ensure_ascii=False)
    bad = [
        "{",
        "[]",
        "3",
        "null",
        '{"tactic": 1}',
        '{"x": 2}',
        good.replace('["⊢ a"]', "[1]"),
        good.replace('"line": 1', '"line": "1"'),
    ]
    bad += [json.dumps({**record("simp", "simp"), "goalsBefore": "⊢"}), good[:-1], good + "}"]
    notes = []
    (document,) = read_records([*bad[:6], good, *bad[6:], "\n"], HERE, notes.append)
    assert len(document.steps) == 1
    assert len(notes) == len(bad)
    assert not list(read_records(["\n"], HERE, notes.append))


# --- Laws ------------------------------------------------------------------------------------------------------------


@st.composite
def proofs(draw):
    """A proof as source, the records of its tactics, and the steps that are expected (text, goals, depth)."""
    lines, records, expected = [], [], []
    count = iter(range(10_000))

    def block(indent, depth, size):
        for _ in range(draw(st.integers(1, 3))):
            number = next(count)
            goal = f"⊢ g{number}"
            form = draw(
                st.sampled_from(["plain", "bullet", "by", "cases", "term", "runs"] if size else ["plain", "runs"])
            )
            start = (len(lines) + 1, len(indent) + 2 * (form == "bullet"))
            if form in {"plain", "bullet", "runs"}:
                lines.append(f"{indent}{'· ' if form == 'bullet' else ''}t{number} x; s{number}")
                runs = draw(st.integers(2, 3)) if form == "runs" else 1
                goals = tuple(f"{goal}.{run}" for run in range(runs))
                for text, column in ((f"t{number} x", 0), (f"s{number}", len(f"t{number} x; "))):
                    expected.append((text, goals, depth))
                    records.extend((text, (one,), (start[0], start[1] + column), None) for one in goals)
                continue
            at = len(expected)
            if form == "term":
                lines.append(f"{indent}exact f{number} (by t{number})")
                column = len(indent) + len(f"exact f{number} (by ")
                expected.append((f"exact f{number} (by)", (goal,), depth))
                expected.append((f"t{number}", (goal,), depth + 1))
                records.append((f"t{number}", (goal,), (start[0], column), None))
            else:
                head = f"have h{number} := by" if form == "by" else f"cases h{number} with\n{indent}| inl =>"
                lines.extend((indent + head).split("\n"))
                expected.append((head, (goal,), depth))
                block(indent + "  ", depth + 1, size - 1)
                assert len(expected) > at
            records.append((None, (goal,), start, len(lines)))

    block("  ", 0, 3)
    source = "\n".join(lines)
    out = []
    for text, goals, (line, column), last in records:
        if text is None:
            text = "\n".join([lines[line - 1][column:], *lines[line:last]])
            end = (last, len(lines[last - 1]))
        else:
            end = (line, column + len(text))
        out.append(
            {
                "decl": "d", "tactic": text, "kind": "k", "goalsBefore": list(goals), "goalsAfter": [],
                "pos": {"line": line, "column": column}, "endPos": {"line": end[0], "column": end[1]},
            }
        )  # fmt: skip
    return source, out, expected


@settings(max_examples=150, deadline=None)
@given(proofs())
def test_every_step_once_and_in_order(proof):
    """Whatever nests in whatever: each tactic is one step, in reading order, with the goals of its runs and what it
    says itself, and every character of the proof that is no structure stands in exactly one step."""
    source, records, expected = proof
    document, notes = read(records)
    assert not notes
    assert [(one.tactic, one.before, one.depth) for one in document.steps] == expected
    assert letters(source) == letters("".join(one.tactic for one in document.steps))


def letters(text):
    return Counter(re.sub(r"[\s;·(){}]|<;>", "", text))


LINE = st.text("abh₁✝ :→⊢|(){}=", min_size=1, max_size=12).map(lambda text: f"x{text}".rstrip())


@st.composite
def goals(draw):
    """A goal as Lean prints it."""
    lines = [f"case {draw(st.sampled_from(['a', 'inl.h', 'x✝']))}"] if draw(st.booleans()) else []
    for _ in range(draw(st.integers(0, 3))):
        lines.append(f"{draw(LINE)} : {draw(LINE)}")
        lines += [f"  {one}" for one in draw(st.lists(LINE, max_size=2))]
    lines.append(f"{draw(st.sampled_from('⊢|'))} {draw(LINE)}")
    lines += [f"  {one}" for one in draw(st.lists(LINE | st.just("| y => ⊢ z"), max_size=2))]
    return "\n".join(lines)


@given(st.lists(goals(), max_size=5), st.sampled_from(["\n", "\n\n"]))
def test_goals_joined_and_split_are_the_goals(found, between):
    """Whether a tool puts blank lines between goals or not."""
    assert split_goals(between.join(found)) == tuple(found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", ()), ("no goals", ()), ("\n", ()), ("something else", ("something else",)), ("a : b\n", ("a : b",))],
)
def test_states_without_targets(text, expected):
    """No goals, or a text of which nothing is known."""
    assert split_goals(text) == expected


@given(st.text("-/\"\\ab\n'", max_size=40))
def test_comments_never_raise_and_stay_out(text):
    """A text without marks of comments is as it was; no new characters appear."""
    assert not Counter(plain(text)) - Counter(text)
    if "--" not in text and "/-" not in text:
        assert plain(text) == text


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_cut_or_changed_records_never_raise(data):
    """A file damaged anywhere gives documents or notes, never a traceback."""
    source = "induction n with\n| zero => simp\n| succ => rfl"
    records = [record(source, source), record(source, "simp"), record(source, "rfl")]
    text = "\n".join(
        json.dumps(one) for one in [{"format": "proofpile2 goals 1"}, *records, {"done": True, "errors": 0}]
    )
    at = data.draw(st.integers(0, len(text)))
    text = text[:at] + data.draw(st.text('{}[]":,0\n\\', max_size=3)) + text[data.draw(st.integers(at, len(text))) :]
    list(read_records(text.splitlines(), HERE, [].append))


# --- Real records ----------------------------------------------------------------------------------------------------

REAL = {
    "Init_Data_Nat_Gcd": (171, 162, 23, "e5001c577e395ba8"),
    "Init_Data_List_Perm": (352, 268, 8, "9873b0c3c448c937"),
    "Init_Data_Int_Order": (505, 450, 256, "0c371940f21832cd"),
}
"""Records, steps, steps with goals that were not printed, digest of all steps."""


@pytest.mark.parametrize("name", REAL)
def test_real_records(shared, name):
    """The unedited records of three library modules (1,028 in all) convert to the same steps as ever, which obey the
    laws: each range is accounted for, each character once, goals as recorded, reading order."""
    path = shared / "proofsteps" / "lean" / f"{name}.jsonl"
    records = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    document, notes = read(records)
    found = document.steps
    assert not notes
    said = [[one.tactic, one.before, one.after, one.declaration, one.line, one.column, one.depth] for one in found]
    digest = hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]
    assert (len(records), len(found), sum(one.flaw is not None for one in found), digest) == REAL[name]
    assert {one.flaw for one in found} == {None, "unprintable_goal"}
    assert all(a < b for a, b in pairwise((one.line, one.column) for one in found))

    def span(one):
        return tuple((one[key]["line"], one[key]["column"]) for key in ("pos", "endPos"))

    whole = [span(one) for one in records if one["tactic"].startswith("try ")]
    starts = {(one.line, one.column): one for one in found}
    for one in records:
        start, end = span(one)
        kind = one["kind"].rsplit(".", 1)[-1]
        if not any(left <= start and end <= right and (left, right) != (start, end) for left, right in whole):
            assert start in starts or kind in {"convSeq", "convSeq1Indented", "calcSteps", "decreasingBy"}
    by_start = {}
    for one in records:
        by_start.setdefault(span(one)[0], []).append(one)
    for one in found:
        recorded = by_start[one.line, one.column]
        assert set(one.before) <= {goal for each in recorded for goal in each["goalsBefore"]}
        assert set(one.after or ()) <= {goal for each in recorded for goal in each["goalsAfter"]}

    outer, reached = [], (0, 0)
    for one in sorted(records, key=lambda one: (span(one)[0], [-x for x in span(one)[1]])):
        if span(one)[1] > reached:
            outer.append(one)
            reached = span(one)[1]
    text = "".join(plain(one["tactic"]).removeprefix("decreasing_by") for one in outer)
    assert letters(text) == letters("".join(one.tactic for one in found))


def test_real_excerpts(shared):
    """Shapes of real proofs, read by eye."""
    texts = {}
    for name in REAL:
        with (shared / "proofsteps" / "lean" / f"{name}.jsonl").open(encoding="utf-8") as lines:
            (document,) = read_records(lines, Whence("lean4", f"{name}.jsonl"), [].append)
        for one in document.steps:
            texts[name.rsplit("_", 1)[1], one.line, one.column] = one
    assert texts["Gcd", 99, 2].tactic == "induction m, n using gcd.induction with\n  | H0 n =>\n  | H1 n m _ IH =>"
    assert texts["Gcd", 99, 42].tactic == "intro km kn"
    assert len(texts["Gcd", 99, 42].before) == 2
    assert texts["Gcd", 453, 2].tactic == "refine (Nat.eq_zero_or_pos n).elim (by) (fun hn => ?_)"
    assert texts["Gcd", 454, 2].tactic == "conv =>"
    assert texts["Gcd", 454, 15].before == ("k n m : Nat\nhn : n > 0\n| (n ^ k).gcd (m ^ k)",)
    assert texts["Perm", 374, 10].tactic == "try exact p.cons _"
    assert (len(texts["Perm", 374, 10].before), len(texts["Perm", 374, 10].after)) == (9, 5)
    assert texts["Perm", 503, 4].tactic == "have ab : a = b := by"
    assert texts["Perm", 510, 10].depth == 1
    assert texts["Order", 55, 4].tactic == "rwa [show -(b - a) = a - b by] at H"
    assert texts["Order", 608, 4].tactic == "cases h with\n    | inr h =>"
    assert texts["Order", 1269, 2].tactic == "match z with | 0 | succ _ | -[_+1] =>"
    assert len(texts["Order", 1269, 40].before) == 3
