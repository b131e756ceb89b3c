"""Isabelle's sessions as a source. There is no Isabelle here: a script of ours answers as ``isabelle`` does, and where
Poly/ML is installed the extractor itself runs, on states that were made by hand."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pytest

from proofpile2 import dataset
from proofpile2.errors import ConfigError
from proofpile2.executors import Serial
from proofpile2.pipeline import Pass, Plan
from proofpile2.proofs.documents import REASONS
from proofpile2.proofs.isabelle_root import Session, find_sessions, read_root
from proofpile2.proofs.isabelle_run import EXTRACTOR, outcome, prepare, records, running
from proofpile2.run import run
from proofpile2.schema import DOCUMENT
from proofpile2.sources.isabelle_session import IsabelleSessions
from proofpile2.step import describe

ROOT_FILE = """\
chapter AFP

session Good (AFP slow) in "good" = "HOL-Base" +
  description \\<open>theories A and session words\\<close>
  options [timeout = 600, document_variants = "a:b"]
  sessions
    "HOL-Library"
  directories "sub"
  theories [condition = FOO, quick_and_dirty]
    A (* the first *)
    "sub/B"
  theories
    Main_Thing (global)
    "HOL-Library.Multiset"
  document_files "root.tex"

session Plain = Good + theories C
session Empty = HOL + description "none"
"""

FAKE = """\
#!{python}
import json, os, re, signal, sys, time
words = sys.argv[1:]
with open({log!r}, "a") as log:
    log.write(" ".join(words[:2] + words[-1:]) + "\\n")
if words[0] == "version":
    print("Isabelle2024")
elif words[0] == "getenv":
    print({home!r})
elif words[1] == "-b":
    if words[-1] == "Bad_Parent":
        print("Bad_Parent FAILED\\n*** Undefined fact: x (line 3)\\n*** At command by")
        sys.exit(1)
else:
    session = words[-1].removeprefix("Proofpile2-Goals-")
    folder = [words[at + 1] for at, word in enumerate(words) if word == "-d"][-1]
    theory = open(os.path.join(folder, "Proofpile2_Goals.thy")).read()
    into = eval(re.search(r'folder = (".*?")', theory)[1])
    assert os.path.isdir(into)
    if session == "Slow":
        if os.fork() == 0:
            open({log!r} + ".child", "w").write(str(os.getpid()))
        time.sleep(600)
    if session == "Broken":
        print('Broken FAILED\\n*** Failed to finish proof (line 7 of "A.thy"):\\n*** goal (1 subgoal):')
        sys.exit(1)
    if session == "Killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if session not in ("Silent",):
        for name, lines in json.load(open({records!r})).items():
            lines = lines[:-1] if session == "Cut" and name.endswith("B") else lines
            with open(os.path.join(into, name.replace("Good", session) + ".jsonl"), "w") as out:
                out.writelines(json.dumps(line) + "\\n" for line in lines)
"""


def span(command, kind, source, level=0, state=None):
    more = {"state": state} if level else {}
    return {"command": command, "kind": kind, "source": source, "level": level, **more}


def theory(name, file, *spans):
    head = {"theory": name, "session": name.split(".")[0], "file": file, "isabelle": "Isabelle2024"}
    return [head, *spans, {"spans": len(spans)}]


GOAL = "proof (prove)\ngoal (1 subgoal):\n 1. {}"
STATES = {
    "Good.A": theory(
        "Good.A",
        "{folder}/good/A.thy",
        span("theory", "thy_begin", "theory A imports Main begin"),
        {"source": "\n\n"},
        span("lemma", "thy_goal_stmt", 'private lemma a: "\\<alpha> = \\<alpha>"'),
        {"source": "\n  "},
        span("text", "document_body", "text \\<open>t\\<close>", 1, GOAL.format("A")),
        {"source": " (* c *) "},
        span("my_by", "qed", "my_by", 1, GOAL.format("\\<alpha> = \\<alpha>")),
        {"source": "\n"},
        span("end", "thy_end", "end"),
    ),
    "Good.B": theory(
        "Good.B",
        "{folder}/good/sub/B.thy",
        span("corollary", "thy_goal_stmt", "corollary b: B"),
        {"source": " "},
        span("oops", "qed_global", "oops", 1, GOAL.format("B")),
    ),
}


@pytest.fixture
def workplace(tmp_path):
    """A project, a program ``isabelle`` and the log of what it was asked."""
    folder = tmp_path / "project"
    (folder / "good" / "sub").mkdir(parents=True)
    (folder / "good" / "A.thy").write_text("theory A imports Main begin end")
    sessions = "\n".join(
        f'session {name} in "good" = {"Bad_Parent" if name == "Orphan" else "HOL"} + theories A "sub/B"'
        for name in ["Good", "Slow", "Broken", "Killed", "Silent", "Cut", "Orphan"]
    )
    (folder / "ROOT").write_text(sessions + "\nsession Pure_Thing = Pure + theories X")
    program, log = tmp_path / "bin" / "isabelle", tmp_path / "asked"
    canned = tmp_path / "records.json"
    canned.write_text(json.dumps(STATES).replace("{folder}", str(folder)))
    home = tmp_path / "home"
    home.mkdir()
    (home / "ROOTS").write_text("src\n# not this\n")
    (home / "src").mkdir()
    (home / "src" / "ROOT").write_text("session Far = Pure + theories Far_Away")
    program.parent.mkdir()
    program.write_text(FAKE.format(python=sys.executable, log=str(log), home=str(home), records=str(canned)))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return folder, program, log


def read(source, unit):
    notes: list[str] = []
    source.units()
    rows = [row for batch in source.read(unit, notes.append) for row in batch.to_pylist()]
    return rows, notes


def source_of(workplace, *sessions, **more):
    folder, program, _ = workplace
    return IsabelleSessions(input=(str(folder),), sessions=sessions, program=str(program), **more)


def test_a_session_becomes_documents(workplace):
    """Records of two theories: layout, positions, kinds of the prover's own keywords, modules and versions."""
    source = source_of(workplace, "Good")
    rows, notes = read(source, "Good")
    assert [row["drop"] for row in rows] == [None, "unfinished_proof"]
    assert rows[0]["text"] == (
        '[STATEMENT]\nprivate lemma a: "\\<alpha> = \\<alpha>"\n'
        "[PROOF STATE]\nproof (prove)\ngoal (1 subgoal):\n 1. \\<alpha> = \\<alpha>\n[PROOF STEP]\nmy_by"
    )
    assert [row["locator"] for row in rows] == ["Good:A.thy#a", "Good:sub/B.thy#b"]
    assert [row["module"] for row in rows] == ["Good.A", "Good.B"]
    assert {(row["prover"], row["subset"]) for row in rows} == {("isabelle 2024", "isabelle_proofsteps")}
    (step,) = rows[0]["steps"]
    assert (step["line"], step["column"], step["declaration"], step["after"]) == (4, 32, "A.a", [])
    assert notes == []
    asked = workplace[2].read_text().splitlines()
    assert asked == ["version version", "build -b HOL", "build -c Proofpile2-Goals-Good"]


@pytest.mark.parametrize(
    ("session", "reason", "said"),
    [
        ("Broken", "exit_1", 'Failed to finish proof (line 7 of "A.thy"):'),
        ("Killed", "memory", "Proofpile2-Goals-Killed: memory"),
        ("Silent", "no_records", "wrote no records"),
        ("Orphan", "parent", "Undefined fact: x (line 3) At command by"),
    ],
)
def test_sessions_that_fail(workplace, session, reason, said):
    """One dropped row with a stable reason, and a note with Isabelle's own words; the others are not touched."""
    source = source_of(workplace, "Good", session)
    rows, notes = read(source, session)
    assert [(row["drop"], row["text"], row["module"]) for row in rows] == [(f"prover_failed:{reason}", None, session)]
    assert "prover_failed" in REASONS
    assert len(notes) == 1
    assert said in notes[0]
    assert [row["drop"] for row in read(source, "Good")[0]] == [None, "unfinished_proof"]


def test_in_a_run(workplace, tmp_path):
    """Through the runner: sessions that fail beside one that is made, and no path of the machine in the receipts."""
    source = source_of(workplace, "Broken", "Good", "Silent")
    columns = {item.name: item.type for item in DOCUMENT} | dict(source.adds)
    recipe = {"before": describe(source), "steps": [], "batch": 0}
    one = Pass("final", (), None, pa.schema(list(columns.items())), recipe, "0" * 16, 1)
    outcome_ = run(Plan("proofs", source, source.units(), (one,)), str(tmp_path / "out"), Serial())
    (made,) = outcome_.manifests
    assert (made.rows_in, made.rows_out) == (4, 1)
    rows = list(dataset.open(str(tmp_path / "out")))
    assert [row["locator"] for row in rows] == ["Good:A.thy#a"]
    receipts = [path.read_text() for path in (tmp_path / "out").rglob("part-*.json")]
    assert "prover_failed" in "".join(receipts)
    assert "Failed to finish proof (line 7 of" in "".join(receipts)
    assert str(tmp_path) not in "".join(receipts)


def test_a_session_that_takes_too_long(workplace):
    """It is stopped with all its processes, and says so."""
    started = time.monotonic()
    rows, notes = read(source_of(workplace, "Slow", seconds=1.0), "Slow")
    assert [row["drop"] for row in rows] == ["prover_failed:timeout"]
    assert notes == ["Proofpile2-Goals-Slow: timeout: "]
    assert time.monotonic() - started < 60
    child = int(Path(f"{workplace[2]}.child").read_text())
    for _ in range(200):
        if not alive(child):
            break
        time.sleep(0.05)
    assert not alive(child)


def alive(process):
    """Whether a process runs; one that has ended and that nobody waited for does not."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{process}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"


def test_records_that_are_cut_off(workplace):
    """A file without its last line gives no theorem, for its last proof may be cut; the other theory is there."""
    rows, notes = read(source_of(workplace, "Cut"), "Cut")
    assert [(row["locator"], row["drop"]) for row in rows] == [
        ("Cut:A.thy#a", None),
        ("Cut:B.thy", "prover_failed:no_records"),
    ]
    assert notes == ["Cut.B.jsonl: not whole; left out"]


def test_units(workplace):
    """All sessions of the folders, or those named, also from Isabelle's own; they change with their theories."""
    folder, _, _ = workplace
    source = source_of(workplace)
    first = source.units()
    assert list(first) == ["Broken", "Cut", "Good", "Killed", "Orphan", "Pure_Thing", "Silent", "Slow"]
    assert list(source_of(workplace, "Far").units()) == ["Far"]
    (folder / "good" / "A.thy").write_text("theory A imports Main begin lemma x: True by simp end")
    assert source_of(workplace).units()["Good"] != first["Good"]
    assert source.uses()["isabelle"] == "2024"
    assert len(source.uses()["extractor"]) == 32


def test_without_isabelle(workplace, tmp_path):
    """One sentence that says what to do; likewise for sessions that are not there."""
    folder, program, _ = workplace
    with pytest.raises(ConfigError, match=r"no program 'isabelle-not-here'; install Isabelle .* setting 'program'"):
        IsabelleSessions(input=(str(folder),), program="isabelle-not-here").units()
    with pytest.raises(ConfigError, match="no session 'Nowhere' in the ROOT files of"):
        source_of(workplace, "Nowhere").units()
    (tmp_path / "void").mkdir()
    with pytest.raises(ConfigError, match="no session with theories"):
        IsabelleSessions(input=(str(tmp_path / "void"),), program=str(program)).units()


def test_root_files():
    """Groups, folders, options, comments, keywords in descriptions, theories by path, global and from afar."""
    good, plain, empty = read_root(ROOT_FILE)
    assert good == Session(
        "Good", "HOL-Base", "good", ("timeout = 600", 'document_variants = "a:b"'),
        (
            (("condition = FOO", "quick_and_dirty"), ("Good.A", "Good.B")),
            ((), ("Main_Thing", "HOL-Library.Multiset")),
        ),
    )  # fmt: skip
    assert plain == Session("Plain", "Good", ".", (), (((), ("Plain.C",)),))
    assert (empty.parent, empty.theories) == ("HOL", ())
    assert [one.theories for one in read_root('session "A')] == [()]
    assert read_root("") == []


def test_roots_lead_on(tmp_path):
    """ROOTS names folders below; a folder that leads back to itself is read once, the first of a name counts."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "ROOT").write_text(
            f"session S_{name} = HOL + theories T\nsession Twice = {name} + theories T"
        )
    (tmp_path / "ROOTS").write_text("a\n# c\nb\n.\nmissing\n")
    found = find_sessions([str(tmp_path)])
    assert sorted(found) == ["S_a", "S_b", "Twice"]
    assert found["Twice"].parent == "a"
    assert Path(found["S_b"].folder) == tmp_path / "b"


def test_the_session_that_is_made(tmp_path):
    """Its ROOT reads as one, keeps the options that matter and loads the theories again, ours first."""
    folder = tmp_path / 'odd "name" \\ü'
    folder.mkdir()
    (good, *_) = read_root(ROOT_FILE)
    assert prepare(folder, good) == "Proofpile2-Goals-Good"
    (made,) = read_root((folder / "ROOT").read_text())
    assert (made.name, made.parent) == ("Proofpile2-Goals-Good", "HOL-Base")
    assert made.options[:2] == good.options
    assert made.options[2:] == ("document = false", "browser_info = false", "timeout = 0", "skip_proofs = false")
    assert made.theories[0] == ((), ("Proofpile2-Goals-Good.Proofpile2_Goals",))
    assert made.theories[1] == good.theories[0]
    assert 'sessions "Good"' in (folder / "ROOT").read_text()
    theory_ = (folder / "Proofpile2_Goals.thy").read_text()
    assert "\\034name\\034 \\092\\195\\188/records" in theory_
    assert (folder / "extract_goals.ML").read_bytes() == EXTRACTOR.read_bytes()


def test_running(tmp_path):
    """How a process ended, in a word, and the first error lines of its output."""
    log = tmp_path / "log"
    said = "print('*** a'); print('*** '); print('*** b\\n***  c\\n*** d'); raise SystemExit(3)"
    assert list(running([sys.executable, "-c", said], log, 30))[-1] == "exit_3"
    assert outcome(log) == "a b c"
    assert list(running(["/nowhere/isabelle"], log, 30)) == ["exit_127"]


def test_records_of_another_make(tmp_path):
    """A file that is no record of ours is none."""
    path = tmp_path / "x.jsonl"
    for text in ["", "[]\n", '{"theory": 1}\n', "\x00\n"]:
        path.write_text(text)
        assert records(path, Session("S")) is None


RUN = """\
val segments =
 [{span = ["theory", " A"], command = ("theory", [("file", "/p/good/A.thy"), ("line", "1")]),
    prev_state = Toplevel.Theory, state = Toplevel.Theory},
  {span = ["\\n"], command = ("", []), prev_state = Toplevel.Theory, state = Toplevel.Theory},
  {span = ["lemma", " ", "a: \\"\\\\<alpha>\\tx\\\\\\""], command = ("lemma", []),
    prev_state = Toplevel.Theory, state = Toplevel.Theory},
  {span = [" "], command = ("", []), prev_state = Toplevel.Theory, state = Toplevel.Theory},
  {span = ["apply", " x"], command = ("apply", []),
    prev_state = Toplevel.Proof (Proof.State (1, "bad")), state = Toplevel.Theory},
  {span = ["by", " ", "\\"\\195\\188\\001\\""], command = ("by", []),
    prev_state = Toplevel.Proof (Proof.State (1, "\\005proof (prove)\\ngoal (1 subgoal):\\n 1. A\\005")),
    state = Toplevel.Theory},
  {span = ["by"], command = ("by", []), prev_state = Toplevel.Skipped, state = Toplevel.Theory}];
val hook: Build.hook = Extract_Goals.record {folder = "FOLDER", sessions = ["Good"]};
val _ = hook "x" [("Good.A", segments), ("Other.B", segments), ("Good.C", [])];
"""


@pytest.mark.skipif(shutil.which("poly") is None, reason="no Poly/ML (Debian: apt-get install polyml)")
def test_the_extractor_compiles_and_writes(tmp_path):
    """Poly/ML compiles the extractor against the signatures that it uses, and what it writes is read back."""
    (tmp_path / "run.ML").write_text(RUN.replace("FOLDER", str(tmp_path)))
    stub = Path(__file__).with_name("isabelle_stub.ML")
    uses = "".join(f'use "{path}";' for path in (stub, EXTRACTOR, tmp_path / "run.ML"))
    done = subprocess.run(
        ["poly", "-q", "--error-exit"], input=uses, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert "Warning" not in done.stdout, done.stdout
    assert sorted(path.name for path in tmp_path.glob("*.jsonl")) == ["Good.A.jsonl", "Good.C.jsonl"]
    found = records(tmp_path / "Good.A.jsonl", Session("Good", folder="/p"))
    assert found is not None
    assert found.whole
    assert (found.theory.path, found.theory.module, found.theory.version) == ("good/A.thy", "Good.A", "2024")
    assert [(one.source, one.kind, one.level, one.state) for one in found.commands] == [
        ("theory A", "", 0, ""),
        ('lemma a: "\\<alpha>\tx\\"', "thy_goal_stmt", 0, ""),
        ("apply x", "", 1, ""),
        ('by "ü\x01"', "qed", 1, "proof (prove)\ngoal (1 subgoal):\n 1. A"),
        ("by", "qed", 1, ""),
    ]
    assert [(one.line, one.column) for one in found.commands] == [(1, 0), (2, 0), (2, 23), (2, 30), (2, 37)]
    assert records(tmp_path / "Good.C.jsonl", Session("Good")) is not None
