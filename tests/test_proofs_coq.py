"""Coq: sentences, what coqtop prints, documents of its runs. What needs coqtop skips where it is not installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofpile2.errors import ConfigError
from proofpile2.proofs.coq import SETUP, Limits, prove
from proofpile2.proofs.coq_display import dedent, goals_of, shown_state
from proofpile2.proofs.coq_project import Folder, module_of, read_project
from proofpile2.proofs.coqtop import Coqtop, Gone
from proofpile2.proofs.layout import text_of
from proofpile2.proofs.steps import ProofDocument, from_column
from proofpile2.proofs.vernacular import keyword, name_of, sentences
from proofpile2.sources.coq_files import CoqFiles

FILES = Path(__file__).parent / "fixtures" / "coq"
SAMPLE = Path(__file__).resolve().parents[2] / "shared" / "corpora" / "proofsteps" / "coq" / "ListSet.steps.txt"
needs_coqtop = pytest.mark.skipif(not shutil.which("coqtop"), reason="coqtop is not installed")


def plain(text):
    return [one.plain for one in sentences(text)]


# sentences


def test_sentences_end_where_coq_ends_them():
    """The odd file of ours: comments with strings, quotes, `..` and `...`, bullets that touch, selectors."""
    found = plain((FILES / "plain" / "lexical.v").read_text("utf-8"))
    assert found[:3] == [
        "#[local] Definition first := 1.",
        "Definition second:=Nat.add first 1.",
        'Notation "x <+> y" := (x + y) (at level 50).',
    ]
    assert 'Notation "[[ x , .. , y ]]" := (cons x .. (cons y nil) ..) (at level 0).' in found
    assert 'Definition text := "it ends. (* here *) with a "" quote. ".' in found
    assert "Definition one := {| left := 1; right := 2 |}." in found
    bullets = found[found.index("Proof with auto.") :][:14]
    assert bullets == [
        "Proof with auto.", "split.", "-", "split.", "++", "exact I.", "++", "{", "exact I.", "}", "-", "split...",
        "Qed.", "Lemma selectors : True /\\ True.",
    ]  # fmt: skip
    assert found[found.index("2: {") :][:6] == ["2: {", "exact I.", "}", "1:{", "exact I.", "}"]
    assert [one for one in found if one.startswith(("[n]", "all"))] == ["[n]: exact 1.", "all: reflexivity."]
    assert found[-1] == "Definition last := 1 ."


def test_positions_are_lines_and_code_points():
    """Line from 1, column from 0, also behind comments of several lines and outside ASCII."""
    text = '(* α\n *) Lemma α : True.\r\n  Proof. (* . *) exact "é. ". Qed.'
    found = [(text[one.start : one.end], one.line, one.column) for one in sentences(text)]
    assert found == [
        ("Lemma α : True.", 2, 4),
        ("Proof.", 3, 2),
        ('exact "é. ".', 3, 17),
        ("Qed.", 3, 30),
    ]


def test_odd_ends():
    """A dot before anything but a blank ends nothing; what has no dot is not complete; comments may stay open."""
    assert plain("a.(*c. d*)e. (* f. ") == ["a.(*c.", "d*)e."]  # .( is a token
    assert plain("Check x.+1. Check (f .2). 1.5. ") == ["Check x.+1.", "Check (f .2).", "1.5."]
    assert plain("Elpi Accumulate lp:{{ p. {{ q. }} r. }}. Next.") == [
        "Elpi Accumulate lp:{{ p. {{ q. }} r. }}.",
        "Next.",
    ]
    last = list(sentences("Qed. Lemma"))[-1]
    assert (last.plain, last.complete) == ("Lemma", False)
    assert plain("") == plain(" (* only (* a *) comment *) ") == []


PIECES = st.sampled_from(
    [
        "Lemma",
        " ",
        "\n",
        ".",
        "..",
        "...",
        "(*",
        "*)",
        '"',
        "-",
        "+",
        "*",
        "{",
        "}",
        "{|",
        "1:",
        "[x]:",
        "α",
        "x.y",
        "(",
    ]
)


@given(st.lists(PIECES, max_size=40).map("".join))
def test_sentences_and_gaps_give_the_file_back(text):
    """Nothing is lost, nothing twice: between sentences stand only blanks and comments."""
    at = 0
    for one in sentences(text):
        gap = text[at : one.start]
        assert not gap.strip() or gap.lstrip("\ufeff \n").startswith("(*")
        assert one.start < one.end
        assert text.count("\n", 0, one.start) + 1 == one.line
        assert one.start - (text.rfind("\n", 0, one.start) + 1) == one.column
        at = one.end
    rest = text[at:].strip()
    assert not rest or rest.startswith("(*")


@given(st.lists(PIECES, max_size=40).map("".join))
def test_a_plain_sentence_is_one_sentence(text):
    """What is sent to coqtop is again one sentence, the same one."""
    for one in sentences(text):
        if one.complete and '"' not in one.plain:
            assert plain(one.plain + "\n") == [one.plain]


def test_keywords_and_names():
    """Attributes, modifiers and measuring are passed over; Program's obligations and morphisms have two words."""
    assert keyword('#[global, deprecated(note="no. ]")] Program Instance x : A.') == "Instance"
    assert keyword("Local Lemma x : A.") == "Lemma"
    assert keyword("Next  Obligation.") == "Next Obligation"
    assert keyword("Add Parametric Morphism A : f with signature x.") == "Add Parametric Morphism"
    assert keyword("Time simpl.") == "simpl"
    assert keyword("- ") == keyword("2: {") == ""
    assert name_of("Local Lemma foo' : A.") == "foo'"


# what coqtop prints

TWO = """<infomsg>seen "1 goal"</infomsg>
2 focused goals (shelved: 1) (ID 10)
  
  n : nat
  H : f (ID 12)
  ============================
  ?x = n

goal 2 (ID 13) is:
 long
   conclusion

"""  # noqa: W293


def test_states_as_printed():
    """Messages go, but those that say why no goal is in focus; goals come apart, without their indentation."""
    shown = shown_state(TWO)
    assert shown.startswith("2 focused goals (shelved: 1) (ID 10)\n")
    first, second = goals_of(shown)
    assert (first.evar, first.number, second.evar, second.number) == ("10", 1, "13", 2)
    assert first.text == "n : nat\nH : f (ID 12)\n============================\n?x = n"
    assert second.text == "long\n   conclusion"
    away = (
        "<infomsg>\nThis subproof is complete, but there are some unfocused goals.\n    Try unfocusing.\n    </infomsg>"
    )
    assert shown_state(away + "\n1 goal\n\ngoal 1 (ID 3) is:\n A\n").split("\n") == [
        "This subproof is complete, but there are some unfocused goals.", "Try unfocusing.", "",
        "1 goal", "", "goal 1 (ID 3) is:", " A",
    ]  # fmt: skip
    assert goals_of(shown_state(away + "\n1 goal\n\ngoal 1 (ID 3) is:\n A\n")) == ()
    assert shown_state("<infomsg>1 goal</infomsg>\n\n") == shown_state("x is defined\n") == ""
    assert shown_state("\nNo more goals.\n\n") == "No more goals."
    assert dedent("  \n  A : Type\n  ====\n    A\n") == "A : Type\n====\n  A"


def test_project_files(tmp_path):
    """-R, -Q, -I and -arg of a _CoqProject count, with comments and quotes; the deepest folder names a file."""
    project = read_project(
        '# -R x Y\n-R . Lib\n-Q src/deep ""\n-I plugin -arg "-w -all -noinit"\n-docroot d\nX = y\nfile.v', tmp_path
    )
    assert project.folders == (Folder("-R", tmp_path, "Lib"), Folder("-Q", tmp_path / "src" / "deep", ""))
    assert project.options == ("-I", str(tmp_path / "plugin"), "-noinit")
    assert module_of(tmp_path / "a" / "b.v", [project]) == "Lib.a.b"
    assert module_of(tmp_path / "src" / "deep" / "c-d.v", [project]) == "c_d"
    assert module_of(tmp_path / "1" / "2.v", [project]) == "Lib._1._2"


# a prover that behaves badly: a stand-in for coqtop

STAND_IN = """
import os, signal, sys, time
state = 1
def prompt(name="Coq", proofs=""):
    sys.stdout.write(f"\\n<prompt>{name} < {state} |{proofs}| 0 < </prompt>"); sys.stdout.flush()
prompt()
for line in sys.stdin:
    line = line.strip()
    if line == "die.": os.kill(os.getpid(), signal.SIGKILL)
    if line == "leave.": sys.exit(3)
    if line == "out.": print("Fatal error: out of memory"); sys.exit(2)
    if line == "hang.":
        signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(60)
    if line == "sleep.":
        try: time.sleep(60)
        except KeyboardInterrupt: print("User interrupt."); prompt("l", "l"); continue
    if line == "twice.": prompt("l", "l")
    state += 1
    if line.startswith("Lemma") : print("1 goal (ID 1)\\n  \\n  ====\\n  A\\n"); prompt("l", "l")
    elif line.startswith("huge"): print("1 goal (ID 2)\\n  \\n  ====\\n  " + "A " * 300); prompt("l", "l")
    elif line.startswith(("Set", "Qed", "Admitted")): prompt()
    else: prompt("l", "l")
"""


def stand_in(text, **limits):
    notes = []
    document = ProofDocument("coq", "o", "f.v", "M")
    command = [sys.executable, "-c", STAND_IN]
    settings = Limits(**{"seconds": 1.0, "file_seconds": 30.0, "memory": 0, "state": 200} | limits)
    return [one for one in prove(text, document, command, settings, notes.append) if one], notes


@pytest.mark.parametrize(
    ("sentence", "detail"),
    [("die.", "signal_9"), ("leave.", "exit_3"), ("out.", "memory"), ("twice. t. ", "out_of_step")],
)
def test_a_prover_that_ends(sentence, detail):
    """What was proved before stays; the proof at hand and the rest of the file go, with one reason."""
    documents, notes = stand_in(f"Lemma a. t. Qed. Lemma b. {sentence} t. Qed. Lemma c. Qed.")
    assert [(one.name, one.drop) for one in documents] == [
        ("l", None),
        ("l", f"prover_failed:{detail}"),
        ("", f"prover_failed:{detail}"),
    ]
    assert len(notes) == 1
    assert "line 1" in notes[0]


def test_a_hang(monkeypatch):
    """Interrupted after its seconds; killed where it does not heed that."""
    monkeypatch.setattr("proofpile2.proofs.coqtop._GRACE", 0.5)
    documents, _ = stand_in("Lemma a. sleep. t. Qed. Lemma b. t. Qed. Lemma c. hang. Qed. ")
    assert [one.drop for one in documents] == [
        "prover_failed:timeout", None, "prover_failed:timeout", "prover_failed:timeout",
    ]  # fmt: skip
    documents, _ = stand_in("Lemma a. t. Qed.", file_seconds=0.0)
    assert [one.drop for one in documents] == ["prover_failed:file_timeout"]


def test_a_huge_state_is_a_flaw():
    """The step from such a state is marked and not shown; the step that led there stays, without what came after."""
    (document,), _ = stand_in("Lemma a. huge1. next. last. Qed.")
    assert [(one.tactic, one.flaw, one.after) for one in document.steps] == [
        ("huge1.", None, None),
        ("next.", "huge_state", None),
        ("last.", "huge_state", None),
        ("Qed.", "huge_state", ()),
    ]
    assert "huge1." in text_of("coq", document.steps)
    assert "next." not in text_of("coq", document.steps)


def test_processes_end_with_us():
    """close() kills the group."""
    coq = Coqtop([sys.executable, "-c", STAND_IN], ".", 0)
    list(coq.ask("", 10))
    coq.close()
    with pytest.raises(ProcessLookupError):
        os.killpg(coq._process.pid, 0)


def test_program_that_is_not_there(tmp_path):
    """One clear sentence, from units and uses alike; the same for a program that is no Coq, and for no files."""
    (tmp_path / "a.v").write_text("Check 1.")
    source = CoqFiles((str(tmp_path),), program="no-such-coqtop")
    for ask in (source.units, source.uses):
        with pytest.raises(ConfigError, match="no program 'no-such-coqtop'; install Coq or Rocq"):
            ask()
    with pytest.raises(ConfigError, match="no version of Coq"):
        CoqFiles((str(tmp_path),), program="echo").units()


def test_installed_packages_are_tried_by_short_names(tmp_path, monkeypatch):
    """A file of an installed package that does not find an import is read again with -R; nothing else is."""
    asked = []

    def prove(text, document, command, limits, note):
        asked.append(command)
        note("tried")
        missing = "-R" not in command and "short" in text
        yield ProofDocument(
            "coq", "o", "f.v", document.module, "a", drop="prover_failed:missing_import" if missing else "x"
        )

    monkeypatch.setattr("proofpile2.sources.coq_files.prove", prove)
    for place in ("theories/Init/A.v", "user-contrib/Pack/sub/B.v", "user-contrib/Pack/C.v"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text("short" if "B" in place else "long")
    source = CoqFiles((str(tmp_path),))
    source.__dict__.update(_library=tmp_path, _version="9.0.1", _command=("rocq", "repl"))
    notes = []
    for unit in source.units():
        list(source.read(unit, notes.append))
    place = str(tmp_path / "user-contrib" / "Pack")
    assert asked == [
        ("rocq", "repl", "-top", "Corelib.Init.A", "-noinit"),
        ("rocq", "repl", "-top", "Pack.C"),
        ("rocq", "repl", "-top", "Pack.sub.B"),
        ("rocq", "repl", "-top", "Pack.sub.B", "-R", place, "Pack"),
    ]
    assert notes == ["tried"] * 3


# runs of coqtop itself


@pytest.fixture(scope="module")
def runs():
    """Documents and notes of a folder, by unit."""
    done = {}

    def run(folder, **settings):
        key = (folder, *settings.items())
        if key not in done:
            source = CoqFiles((str(folder),), **settings)
            done[key] = {}
            for unit in source.units():
                notes = []
                rows = [row for batch in source.read(unit, notes.append) for row in batch.to_pylist()]
                done[key][unit] = (rows, notes)
        return done[key]

    return run


def named(rows):
    return {row["locator"].partition("#")[2]: row for row in rows}


@needs_coqtop
def test_every_way_to_begin_and_end_a_proof(runs):
    """Each is a document under its name; what was given up or never ended goes."""
    rows, notes = runs(FILES / "plain")["plain/cases.v"]
    assert notes == []
    found = {name: row["drop"] for name, row in named(rows).items()}
    assert [name for name, drop in found.items() if drop is None] == [
        "by_name", "with_attribute", "fact", "remark", "corollary", "proposition", "property", "example", "Unnamed_thm",
        "in_steps", "recursive", "reflexive", "successor_Proper", "positive_obligation_1", "derived", "mutual_one",
        "local", "in_section", "Outer.Inner.deep", "Outer.shallow", "structured", "selected", "noisy", "within",
        "outer", "shelved", "你好",
    ]  # fmt: skip
    assert {name for name, drop in found.items() if drop == "unfinished_proof"} == {
        "admitted", "aborted", "given_up", "never_ended",
    }  # fmt: skip
    assert len(found) == 31


@needs_coqtop
def test_a_document(runs):
    """The whole of one: text in the published layout, and the steps with goals in full on both sides."""
    row = named(runs(FILES / "plain")["plain/cases.v"][0])["by_name"]
    assert (row["module"], row["subset"], row["source"]) == ("cases", "coq_proofsteps", "coq")
    assert re.fullmatch(r"coq \d+\.\d+.*", row["prover"])
    steps = from_column(row["steps"])
    assert [one.tactic for one in steps] == [
        "Proof.", "induction n as [|n IH]; [ reflexivity | ].", "simpl.", "rewrite IH.", "reflexivity.", "Qed.",
    ]  # fmt: skip
    assert {(one.declaration, one.kind, one.statement) for one in steps} == {
        ("cases.by_name", "Theorem", "Theorem by_name : forall n : nat, n + 0 = n.")
    }
    assert [(one.line, one.column) for one in steps][:5] == [(6, 0), (7, 2), (8, 2), (8, 9), (8, 41)]
    assert steps[2].before == ("n : nat\nIH : n + 0 = n\n============================\nS n + 0 = S n",)
    assert steps[-1].before == steps[-1].after == ()
    for one, following in pairwise(steps):
        assert one.after == following.before
    assert row["text"].startswith(
        "[STATEMENT]\nTheorem by_name : forall n : nat, n + 0 = n.\n[PROOF STATE]\n1 goal\n  \n"
        "  ============================\n  forall n : nat, n + 0 = n\n[PROOF STEP]\nProof.\n[PROOF STATE]\n"
    )
    assert row["text"].endswith("[PROOF STATE]\nNo more goals.\n[PROOF STEP]\nQed.")


@needs_coqtop
def test_depth_and_other_goals(runs):
    """Bullets and braces nest; goals out of the first place come with their hypotheses; out of focus there are none."""
    rows = named(runs(FILES / "plain")["plain/cases.v"][0])
    structured = from_column(rows["structured"]["steps"])
    assert [(one.tactic, one.depth, len(one.before)) for one in structured] == [
        ("Proof.", 0, 1), ("split.", 0, 1), ("-", 0, 2), ("split.", 1, 1), ("+", 1, 2), ("exact I.", 2, 1), ("+", 1, 0),
        ("{", 2, 1), ("reflexivity.", 3, 1), ("}", 2, 0), ("-", 0, 0), ("eexists.", 1, 1), ("reflexivity.", 1, 1),
        ("Qed.", 0, 0),
    ]  # fmt: skip
    split = from_column(rows["recursive"]["steps"])[1]
    assert split.after == (
        "recursive : nat -> nat\n============================\nnat",
        "recursive : nat -> nat\nm : nat\n============================\nnat",
    )
    within, outer = (from_column(rows[name]["steps"]) for name in ("within", "outer"))
    assert [one.depth for one in within] == [1, 1, 1]
    assert [one.tactic for one in outer] == ["Proof.", "split.", "exact I.", "exact I.", "Qed."]


@needs_coqtop
def test_messages_and_commands_are_no_steps(runs):
    """Queries, settings and Fail leave no step; messages that look like goals or prompts do no harm."""
    steps = from_column(named(runs(FILES / "plain")["plain/cases.v"][0])["noisy"]["steps"])
    assert [one.tactic for one in steps][:4] == ["Proof.", 'idtac "1 goal".', 'idtac "</prompt>".', "Time intro H."]
    assert steps[1].before == steps[2].before == steps[3].before == ("============================\nTrue -> True",)
    assert steps[4].before == ("H : True\n============================\nTrue",)


@needs_coqtop
def test_errors_cost_their_own_proof(runs):
    """Later theorems stay, also those that use it; after a command that failed they go."""
    rows, notes = runs(FILES / "plain")["plain/errors.v"]
    assert {name: row["drop"] for name, row in named(rows).items()} == {
        "before": None,
        "wrong_step": "file_with_errors:step_failed",
        "uses_it": None,
        "wrong_statement": "file_with_errors:statement_failed",
        "not_closed": "file_with_errors:step_failed",
        "syntax": "file_with_errors:step_failed",
        "wrong_again": "file_with_errors:statement_failed",
        "uses_notation": None,
        "still": None,
        "after_command": "file_with_errors:earlier_command",
    }
    assert notes[0].startswith('line 4: Error: The term "I" has type "True"')
    assert len(notes) == 7


@needs_coqtop
def test_a_sentence_that_takes_too_long(tmp_path):
    """It is interrupted, its theorem goes with that reason, and the next one stays."""
    text = "Ltac loop := idtac; loop.\nLemma a : True. Proof. loop. exact I. Qed.\nLemma b : True. Proof. exact I. Qed."
    (tmp_path / "x.v").write_text(text)
    notes = []
    source = CoqFiles((str(tmp_path),), seconds=2.0)
    rows = [row for batch in source.read(f"{tmp_path.name}/x.v", notes.append) for row in batch.to_pylist()]
    assert [row["drop"] for row in rows] == ["prover_failed:timeout", None]
    assert notes == ["line 2: timeout: loop."]


@needs_coqtop
def test_a_file_of_another_language(tmp_path):
    """Verilog has the same ending: one dropped document and few notes, not silence."""
    lines = "\n".join(f"assign a{n} = b. c{n};" for n in range(30))
    (tmp_path / "x.v").write_text(f"module counter(input clk);\n{lines}\nendmodule\n")
    notes = []
    source = CoqFiles((str(tmp_path),))
    rows = [row for batch in source.read(f"{tmp_path.name}/x.v", notes.append) for row in batch.to_pylist()]
    assert [row["drop"] for row in rows] == ["file_with_errors:earlier_command"]
    assert len(notes) == 11
    assert notes[-1] == "and 21 more"


@needs_coqtop
def test_a_missing_import_ends_the_file(runs):
    """What stands before it stays; the note says to build first."""
    rows, notes = runs(FILES / "plain")["plain/needs.v"]
    assert [(row["drop"], row["text"] is not None) for row in rows] == [
        (None, True),
        ("prover_failed:missing_import", False),
    ]
    assert "build the project first" in notes[-1]


@needs_coqtop
def test_a_project(tmp_path):
    """_CoqProject says where the libraries are; not built, a file that imports another has no documents."""
    project = tmp_path / "project"
    shutil.copytree(FILES / "project", project)
    source = CoqFiles((str(project),), seconds=20.0)
    assert list(source.units()) == ["project/theories/base.v", "project/theories/top.v"]

    def rows():
        return [row for b in source.read("project/theories/top.v", lambda _: None) for row in b.to_pylist()]

    assert [row["drop"] for row in rows()] == ["prover_failed:missing_import"]
    subprocess.run(["coqc", "-q", "-Q", "theories", "Fixture", "theories/base.v"], cwd=project, check=True, timeout=60)
    (row,) = rows()
    assert (row["module"], row["locator"], row["drop"]) == ("Fixture.top", "project:theories/top.v#uses", None)


@needs_coqtop
@pytest.mark.parametrize("name", ["lexical", "cases"])
def test_sentences_are_those_of_coqc(name, tmp_path):
    """coqc -time tells where Coq found each sentence, in bytes; ours are the same, to the last it reads."""
    path = FILES / "plain" / f"{name}.v"
    done = subprocess.run(
        ["coqc", "-q", "-w", "none", "-time", str(path), "-o", str(tmp_path / f"{name}.vo")],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    # a command in a proof is run, and told, again at its end
    theirs = sorted({(int(a), int(b)) for a, b in re.findall(r"(?m)^Chars (\d+) - (\d+) \[", done.stdout)})
    text = path.read_text("utf-8")
    ours = [(len(text[: one.start].encode()), len(text[: one.end].encode())) for one in sentences(text)]
    assert len(theirs) > 30
    assert ours == theirs


def replayed(path, module, steps_of, folder, bare=False):
    """Sends a file again, and in place of each proof the statement and the tactics that were recorded of it; the number
    of states that were compared, and what was different."""
    command = ["coqtop", "-top", module, *(["-noinit"] if bare else []), "-emacs", "-q", "-w", "none"]
    coq = Coqtop(command, str(folder), 0)
    compared, wrong, skip = 0, [], ()

    def say(sentence):
        waiting = coq.ask(sentence, 60)
        while True:
            try:
                next(waiting)
            except StopIteration as done:
                return done.value

    try:
        for sentence in ("", *SETUP):
            say(sentence)
        for one in sentences(path.read_text("utf-8")):
            if (one.line, one.column) in skip:
                continue
            steps = steps_of.get(keyword(one.plain) and one.plain, ())
            if not steps:
                say(one.plain)
                continue
            skip = {(step.line, step.column) for step in steps}
            answer = say(steps[0].statement)
            for step in steps:
                shown = shown_state(answer.body)
                if shown:
                    compared += 1
                    without = re.sub(r"(?m)^((?:\d+ |goal )[^\n]*?) \(ID \d+\)", r"\1", shown)
                    if without != step.state:
                        wrong.append((step.statement, step.tactic, without, step.state))
                answer = say(step.tactic)
            if answer.proofs:
                wrong.append((steps[0].statement, "not closed"))
    finally:
        coq.close()
    return compared, wrong


@needs_coqtop
def test_recorded_tactics_reach_the_recorded_states(runs, tmp_path):
    """Our files and one of the standard library: statement and tactics sent again give just the recorded states."""
    library = Path(subprocess.run(["coqtop", "-where"], capture_output=True, text=True, check=True).stdout.strip())
    wanted = [library / "theories" / name for name in ("Arith/Compare_dec.v",)]
    present = [path for path in wanted if path.is_file()]
    source = CoqFiles((str(library / "theories"),)) if present else None
    total = theorems = 0
    for path in [*present, FILES / "plain" / "lexical.v", FILES / "plain" / "cases.v"]:
        if path in present:
            unit = f"theories/{path.relative_to(library / 'theories').as_posix()}"
            notes = []
            rows = [row for batch in source.read(unit, notes.append) for row in batch.to_pylist()]
            assert notes == []
        else:
            rows = runs(FILES / "plain")[f"plain/{path.name}"][0]
        kept = [from_column(row["steps"]) for row in rows if row["drop"] is None]
        # proofs in whose midst another stands or a command, which is no step, are left as they are
        left_out = ("Lemma outer", "Lemma within", "Lemma noisy")
        again = {steps[0].statement: steps for steps in kept if not steps[0].statement.startswith(left_out)}
        compared, wrong = replayed(path, rows[0]["module"], again, tmp_path)
        assert wrong == []
        total, theorems = total + compared, theorems + len(again)
    assert theorems >= (60 if present else 25)
    assert total > 2 * theorems


@needs_coqtop
@pytest.mark.skipif(not SAMPLE.is_file(), reason="the shared corpora are not here")
def test_the_sample_of_the_prototype():
    """ListSet of the standard library gives the 40 documents of the sample, character by character."""
    source = CoqFiles((str(Path(subprocess.check_output(["coqtop", "-where"], text=True).strip()) / "theories"),))
    if source.uses()["coq"] != "8.16.1":
        pytest.skip("the sample was made with 8.16.1")
    rows = [row for batch in source.read("theories/Lists/ListSet.v", lambda _: None) for row in batch.to_pylist()]
    wanted = [f"[STATEMENT]\n{one.strip()}" for one in SAMPLE.read_text("utf-8").split("[STATEMENT]\n")[1:]]
    assert [row["text"] for row in rows] == wanted
    assert rows[0]["module"] == "Coq.Lists.ListSet"


@needs_coqtop
def test_memory_is_limited(tmp_path):
    """A process that wants more than its share ends or is refused it; the theorem before it stays."""
    text = "Lemma a : True. Proof. exact I. Qed.\nDefinition big := Eval vm_compute in List.repeat 0 100000000.\n"
    (tmp_path / "x.v").write_text("Require Import List.\n" + text)
    begun = time.monotonic()
    source = CoqFiles((str(tmp_path),), memory=700, seconds=30.0)
    rows = [row for batch in source.read(f"{tmp_path.name}/x.v", lambda _: None) for row in batch.to_pylist()]
    assert rows[0]["drop"] is None
    assert {row["drop"] for row in rows[1:]} <= {"prover_failed:memory", "prover_failed:exit_2"}
    assert time.monotonic() - begun < 60


def test_gone_says_what_happened():
    """A program that is not what it should be ends at once."""
    coq = Coqtop([sys.executable, "-c", "raise SystemExit(1)"], ".", 0)
    with pytest.raises(Gone, match="exit_1"):
        list(coq.ask("", 10))
    coq.close()
