"""Running Lean over a project: what is kept, what each way to fail is called, what is left running (nothing)."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import fake_lake
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from proofpile2 import manifest
from proofpile2.errors import ConfigError
from proofpile2.executors import LocalProcesses, Serial
from proofpile2.pipeline import Pass, Plan
from proofpile2.proofs import lake, lean_run
from proofpile2.proofs.documents import COLUMNS
from proofpile2.run import run
from proofpile2.schema import DOCUMENT
from proofpile2.sources.lean_project import LeanProject
from proofpile2.step import describe


@pytest.fixture
def program(tmp_path):
    """A fake ``lake`` and how to call it."""
    return f"{fake_lake.install(tmp_path / 'bin')} env lean"


def read(source: LeanProject, unit: str) -> tuple[list[dict], list[str]]:
    """Rows of a unit and what was noted."""
    notes: list[str] = []
    return [row for batch in source.read(unit, notes.append) for row in batch.to_pylist()], notes


def plan(source: LeanProject) -> Plan:
    """A run of the source alone, one module a part."""
    columns = {item.name: item.type for item in DOCUMENT} | dict(COLUMNS)
    recipe = {"before": describe(source), "steps": [], "batch": 0}
    mark = manifest.fingerprint([recipe, dict(source.units())])
    return Plan(
        "lean", source, source.units(), (Pass("final", (), None, pa.schema(list(columns.items())), recipe, mark, 1),)
    )


def kept(out: Path, made: Plan) -> dict[str, dict]:
    """Rows that were kept, by locator."""
    folder = Path(made.folder(str(out), made.passes[0]))
    parts = [path for path in folder.glob("part-*.parquet") if ".dropped." not in path.name]
    return {row["locator"]: row for path in parts for row in pq.read_table(path).to_pylist()}


def alive(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(pids: Path, seconds: float = 10.0) -> bool:
    """Whether all processes that were remembered end within ``seconds``."""
    numbers = [int(word) for word in pids.read_text().split()]
    end = time.monotonic() + seconds
    while any(map(alive, numbers)) and time.monotonic() < end:
        time.sleep(0.05)
    return bool(numbers) and not any(map(alive, numbers))


# --- One module ------------------------------------------------------------------------------------------------------


def test_a_module_becomes_one_document(tmp_path, program):
    """Steps with goals, statement and place; a tactic that Lean had no text for is taken from the source."""
    toy = fake_lake.project(tmp_path / "toy", {"Toy/Swap.lean": "good"})
    (toy / ".git").mkdir()
    (toy / ".git" / "HEAD").write_text("a" * 40 + "\n")
    ((row,), notes) = read(LeanProject((str(toy),), program), "toy/Toy/Swap.lean")
    assert notes == []
    assert row["drop"] is None
    assert (row["prover"], row["module"], row["origin"], row["revision"]) == (
        "lean 4.35.0",
        "Toy.Swap",
        "toy",
        "a" * 40,
    )
    steps = [(one["tactic"], one["before"], one["line"], one["column"], one["declaration"]) for one in row["steps"]]
    assert steps == [
        ("constructor", ["p : Prop\n⊢ line 4"], 4, 2, "swap0"),
        ("exact h.2", ["p : Prop\n⊢ line 5"], 5, 4, "swap0"),
        ("exact h.1", ["p : Prop\n⊢ line 6"], 6, 4, "swap0"),
        ("exact h", ["p : Prop\n⊢ line 9"], 9, 2, "keep"),
    ]
    assert row["steps"][0]["statement"] == "theorem swap0 (p q : Prop) (h : p ∧ q) : q ∧ p"
    assert row["text"].startswith("[GOAL]\np : Prop\n⊢ line 4\n[PROOFSTEP]\nconstructor\n[GOAL]\n")


def test_what_the_file_prints_is_not_mixed_with_records(tmp_path, program):
    """Output without a line break in front of ours, and ten megabytes of warnings, change nothing."""
    toy = fake_lake.project(tmp_path / "toy", {"Good.lean": "good", "Noise.lean": "noise", "Flood.lean": "flood"})
    source = LeanProject((str(toy),), program)
    texts = {read(source, unit)[0][0]["text"] for unit in source.units()}
    assert len(texts) == 1
    assert "hello" not in texts.pop()


@pytest.mark.parametrize(
    ("play", "cause", "said"),
    [
        ("missing", "missing_import", "lake build"),
        ("extractor", "extractor_failed", "unknown constant 'LeanOptions.toOptions'"),
        ("early", "exit_1", "configuration file failed to load"),
        ("crash", "crashed", "signal 11"),
        ("killed", "killed", "fewer workers"),
        ("cut", "truncated", "before its last line"),
        ("leave", "truncated", "before its last line"),
        ("fail", "exit_7", "something odd"),
    ],
)
def test_a_module_without_whole_output_is_dropped_by_name(tmp_path, program, play, cause, said):
    """One dropped row without text, and a note that says what to do; records before the end are not kept."""
    toy = fake_lake.project(tmp_path / "toy", {"Bad.lean": play})
    ((row,), (note,)) = read(LeanProject((str(toy),), program), "toy/Bad.lean")
    assert (row["drop"], row["text"], row["steps"]) == (f"prover_failed:{cause}", None, [])
    assert note.startswith(f"{cause}: ")
    assert said in note
    assert str(tmp_path) not in note, "no places of this machine"


def test_a_module_that_hangs_is_ended_with_its_children(tmp_path, program):
    """Time-out; batches without rows came meanwhile, and neither Lean nor what it started is left."""
    toy = fake_lake.project(tmp_path / "toy", {"Hang.lean": "hang"})
    ((row,), (note,)) = read(LeanProject((str(toy),), program, seconds=1.0), "toy/Hang.lean")
    assert row["drop"] == "prover_failed:timeout"
    assert "1 s" in note
    assert gone(tmp_path / "bin" / "pids")


def test_a_module_that_takes_too_much_memory_is_ended(tmp_path, program):
    """The limit is of what the whole process group holds."""
    toy = fake_lake.project(tmp_path / "toy", {"Hog.lean": "hog"})
    ((row,), (note,)) = read(LeanProject((str(toy),), program, memory=150), "toy/Hog.lean")
    assert row["drop"] == "prover_failed:memory"
    assert "0.146 GiB" in note


def test_a_module_that_prints_without_end_is_ended(tmp_path, program, monkeypatch):
    """Disks are finite."""
    monkeypatch.setattr(lean_run, "MAX_OUTPUT", 1 << 20)
    toy = fake_lake.project(tmp_path / "toy", {"Endless.lean": "endless"})
    assert read(LeanProject((str(toy),), program), "toy/Endless.lean")[0][0]["drop"] == "prover_failed:output"


def test_signs_of_life(tmp_path, program, monkeypatch):
    """While Lean works, batches without rows come, with the columns of the others."""
    monkeypatch.setattr("proofpile2.sources.lean_project._BEAT", 0.2)
    toy = fake_lake.project(tmp_path / "toy", {"Hang.lean": "hang"})
    batches = list(LeanProject((str(toy),), program, seconds=2.2).read("toy/Hang.lean", print))
    assert [batch.num_rows for batch in batches][-1] == 1
    assert len(batches) >= 3
    assert all(batch.num_rows == 0 for batch in batches[:-1])
    assert len({batch.schema for batch in batches}) == 1


def test_closing_the_iterator_ends_lean(tmp_path, program):
    """An error in the worker leaves nothing running."""
    toy = fake_lake.project(tmp_path / "toy", {"Hang.lean": "hang"})
    running = lean_run.extract(program.split(), toy, "Hang.lean")
    while not (tmp_path / "bin" / "pids").exists():
        assert next(running) is None
    running.close()
    assert gone(tmp_path / "bin" / "pids")


def test_files_with_errors_are_kept_out_unless_asked_for(tmp_path, program):
    """The note tells how many errors there were, and the first."""
    toy = fake_lake.project(tmp_path / "toy", {"Err.lean": "errors"})
    ((row,), notes) = read(LeanProject((str(toy),), program), "toy/Err.lean")
    assert row["drop"] == "file_with_errors"
    assert notes == ["2 errors, the first: Err.lean:3:0: error: unsolved goals"]
    ((row,), _) = read(LeanProject((str(toy),), program, keep_flawed=True), "toy/Err.lean")
    assert (row["drop"], len(row["steps"])) == (None, 4)


def test_goals_that_lean_could_not_print_are_marked(tmp_path, program):
    """The step is in the column with its flaw, and not in the text."""
    toy = fake_lake.project(tmp_path / "toy", {"Odd.lean": "unprintable"})
    ((row,), _) = read(LeanProject((str(toy),), program), "toy/Odd.lean")
    assert [one["flaw"] for one in row["steps"]] == ["unprintable_goal", None, None, None]
    assert "failed to pretty print" not in row["text"]


def test_lean_alone(tmp_path):
    """Without Lake, any folder will do; the file may have Windows line ends."""
    toy = fake_lake.project(tmp_path / "toy", {"A.lean": "good"})
    (toy / "lakefile.toml").unlink()
    (toy / "A.lean").write_bytes((toy / "A.lean").read_bytes().replace(b"\n", b"\r\n"))
    source = LeanProject((str(toy),), str(fake_lake.install(tmp_path / "bin", "lean")))
    ((row,), notes) = read(source, "toy/A.lean")
    assert (row["drop"], notes, row["prover"]) == (None, [], "lean 4.35.0")
    assert [one["tactic"] for one in row["steps"]] == ["constructor", "exact h.2", "exact h.1", "exact h"]
    (toy / "lakefile.lean").touch()
    (toy / "A.lean").write_text("-- play: errors\n")
    _, notes = read(LeanProject((str(toy),), source.program), "toy/A.lean")
    assert notes[-1].startswith("the options of a lakefile.lean are not known without Lake")


# --- A run -----------------------------------------------------------------------------------------------------------


def test_one_failed_module_never_stops_the_rest(tmp_path, program):
    """Two workers; the funnel counts why, the receipts say what happened."""
    plays = {"A.lean": "good", "B.lean": "crash", "C.lean": "good", "D.lean": "missing", "E.lean": "errors"}
    toy = fake_lake.project(tmp_path / "toy", plays)
    made = plan(LeanProject((str(toy),), program))
    outcome = run(made, str(tmp_path / "out"), LocalProcesses(2))
    assert outcome.failures == ()
    assert sorted(kept(tmp_path / "out", made)) == ["toy:A.lean", "toy:C.lean"]
    (done,) = outcome.manifests
    assert (done.rows_in, done.rows_out) == (5, 2)
    folder = Path(made.folder(str(tmp_path / "out"), made.passes[0]))
    receipts = [json.loads(path.read_text()) for path in sorted(folder.glob("part-*.json"))]
    assert [one["dropped"] for one in receipts] == [
        {}, {"lean": {"prover_failed": 1}}, {}, {"lean": {"prover_failed": 1}}, {"lean": {"file_with_errors": 1}},
    ]  # fmt: skip
    assert receipts[3]["notes"][0].startswith("toy/D.lean: missing_import: run `lake build` first")


KILLED = """
    import sys
    from pathlib import Path
    sys.path.insert(0, {tests!r})
    from test_lean_run import plan
    from proofpile2.executors import LocalProcesses
    from proofpile2.run import run
    from proofpile2.sources.lean_project import LeanProject

    if __name__ == "__main__":
        run(plan(LeanProject(({toy!r},), {program!r})), {out!r}, LocalProcesses(2))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_killed_in_the_middle_it_leaves_nothing_running_and_goes_on_where_it_was(tmp_path, program):
    """kill -9 of the run while Lean works: Lean ends too; the second run does only what was not done."""
    plays = {"A.lean": "good", "B.lean": "good", "C.lean": "slow", "D.lean": "slow", "E.lean": "good"}
    toy = fake_lake.project(tmp_path / "toy", plays)
    (toy / "stay").touch()  # the slow ones hang
    script = tmp_path / "script.py"
    out = tmp_path / "out"
    script.write_text(
        textwrap.dedent(KILLED).format(
            tests=str(Path(__file__).parent), toy=str(toy), program=program, out=str(out)
        )
    )  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    running = subprocess.Popen([sys.executable, str(script)], env=environment)
    pids = tmp_path / "bin" / "pids"
    while not (pids.exists() and len(pids.read_text().splitlines()) == 2):
        assert running.poll() is None
        time.sleep(0.05)
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert gone(pids)

    (toy / "stay").unlink()
    calls = tmp_path / "bin" / "calls"
    before = calls.read_text().splitlines()
    made = plan(LeanProject((str(toy),), program))
    assert run(made, str(out), Serial()).failures == ()
    assert sorted(kept(out, made)) == [f"toy:{path}" for path in plays]
    again = [json.loads(line)[2] for line in calls.read_text().splitlines()[len(before) :]]
    assert again == ["C.lean", "D.lean", "E.lean"]


# --- Projects --------------------------------------------------------------------------------------------------------

TOML = """
name = "toy"
srcDir = "src"
moreLeanArgs = ["-DmaxHeartbeats=400000", "-D", "pp.all=false", "--plugin=x.so"]

[leanOptions]
autoImplicit = false
pp.unicode.fun = true
weak.linter.nosuch = true

[[lean_lib]]
name = "Toy"
leanOptions = [{ name = "autoImplicit", value = true }, { name = "s.t", value = "a \\"b\\"" }]

[[lean_lib]]
name = "Tests"
srcDir = "more"
globs = ["Checks.+"]

[[lean_exe]]
name = "tool"
root = "Main"
"""


def test_options_of_a_lakefile(tmp_path):
    """Package, then library; from either way to write them; what can't be passed on is told."""
    read = lake.read_toml(TOML)
    package = {"autoImplicit": False, "pp.unicode.fun": True, "weak.linter.nosuch": True, "maxHeartbeats": 400000}
    assert read.options == {**package, "pp.all": False}
    assert read.left_out == ("--plugin=x.so",)
    assert read.options_of("Main") == read.options
    assert read.options_of("Toyish") == read.options
    assert read.options_of("Toy.Basic") == {**read.options, "autoImplicit": True, "s.t": 'a "b"'}
    assert [read.module(path) for path in ("src/Toy/Basic.lean", "src/more/Checks/A.lean", "scripts/x.lean")] == [
        "Toy.Basic",
        "Checks.A",
        "scripts.x",
    ]
    commands = [lake.command(*one) for one in read.options_of("Toy.Basic").items()]
    assert commands == [
        "set_option autoImplicit true",
        "set_option pp.unicode.fun true",
        "set_option linter.nosuch true",
        "set_option maxHeartbeats 400000",
        "set_option pp.all false",
        'set_option s.t "a \\"b\\""',
    ]
    with pytest.raises(ConfigError, match=r"lakefile\.toml"):
        lake.read_toml("a = ")


def test_options_reach_lean_and_refused_ones_are_told(tmp_path, program):
    """Those of the user go over those of the lakefile; a weak one may be refused without a word."""
    lakefile = 'name = "toy"\n[leanOptions]\nautoImplicit = false\nweak.linter.nosuch = true\n'
    toy = fake_lake.project(tmp_path / "toy", {"A.lean": "good"}, lakefile)
    _, notes = read(LeanProject((str(toy),), program, options=("-DautoImplicit=true", "nosuch=3")), "toy/A.lean")
    assert len(notes) == 1
    assert notes[0].startswith("an option was refused: set_option nosuch 3: ")
    call = json.loads((tmp_path / "bin" / "calls").read_text().splitlines()[-1])
    assert call[1:] == [
        "run", "A.lean", "set_option autoImplicit true", "set_option linter.nosuch true", "set_option nosuch 3",
    ]  # fmt: skip
    with pytest.raises(ConfigError, match="is no option"):
        LeanProject((str(toy),), program, options=("autoImplicit",)).units()


def test_options_of_a_lakefile_that_is_a_program_are_asked_of_lake(tmp_path, program):
    """Once for every root module; where Lake can't tell, modules with errors say so."""
    toy = fake_lake.project(tmp_path / "toy", {"Toy.lean": "good", "Toy/A.lean": "good", "Other/B.lean": "errors"})
    (toy / "lakefile.toml").unlink()
    (toy / "lakefile.lean").write_text("import Lake\n")
    source = LeanProject((str(toy),), program)
    assert list(source.units()) == ["toy/Other/B.lean", "toy/Toy.lean", "toy/Toy/A.lean"]
    read(source, "toy/Toy/A.lean")
    calls = [json.loads(line)[1:] for line in (tmp_path / "bin" / "calls").read_text().splitlines()]
    assert calls == [
        ["setup-file", str(toy / "Toy.lean"), "--no-build", "--no-cache"],
        ["setup-file", str(toy / "Other" / "B.lean"), "--no-build", "--no-cache"],
        ["run", "Toy/A.lean", "set_option autoImplicit false", "set_option maxRecDepth 1000"],
    ]
    (toy / "no-setup").touch()
    _, notes = read(LeanProject((str(toy),), program), "toy/Other/B.lean")
    assert "Lake does not tell the options of Toy.lean" in notes[1]


def test_modules_of_a_project(tmp_path, program):
    """Not those of dependencies, of builds, of projects inside it; and only those that are asked for."""
    paths = [
        "Toy.lean",
        "Toy/A.lean",
        "Toy/B/C.lean",
        ".lake/packages/x/X.lean",
        "build/Y.lean",
        "lake-packages/z/Z.lean",
    ]
    toy = fake_lake.project(tmp_path / "toy", dict.fromkeys([*paths, "inner/Q.lean", "Toys/D.lean"], "good"))
    (toy / "inner" / "lakefile.lean").touch()
    (toy / "README.md").touch()
    assert list(lake.modules(toy)) == ["Toy.lean", "Toy/A.lean", "Toy/B/C.lean", "Toys/D.lean"]
    assert list(LeanProject((str(toy),), program, modules=("Toy.B", "Toys")).units()) == [
        "toy/Toy/B/C.lean",
        "toy/Toys/D.lean",
    ]
    with pytest.raises(ConfigError, match="no module below Nothing"):
        LeanProject((str(toy),), program, modules=("Nothing",)).units()
    assert len(LeanProject((str(tmp_path),), program).units()) == 4, "a folder of projects"


def test_a_unit_changes_with_what_it_imports(tmp_path, program):
    """Goals depend on notation that is declared elsewhere, at any distance; circles do no harm."""
    texts = {"A": b"public meta import B\n", "B": b"import all C\n", "C": b"x", "D": b"import C.E\n-- import D"}
    before = lake.digests(texts)
    after = lake.digests({**texts, "C": b"y"})
    assert {name for name in texts if before[name] != after[name]} == {"A", "B", "C"}
    assert set(lake.digests({"A": b"import B", "B": b"import A"})) == {"A", "B"}
    toy = fake_lake.project(tmp_path / "toy", {"A.lean": "good", "B.lean": "good"})
    first = LeanProject((str(toy),), program).units()
    (toy / "A.lean").write_text("-- play: good\n")
    second = LeanProject((str(toy),), program).units()
    assert [first[unit] == second[unit] for unit in first] == [False, True]


def test_the_fingerprint_holds_lean_and_the_setup(tmp_path, program):
    """Version, extractor, lakefile options, manifest of dependencies; where the project lies does not matter."""
    marks = []
    for number, lakefile in enumerate(('name = "a"', 'name = "a"', 'name = "a"\nleanOptions = {x = 1}')):
        toy = fake_lake.project(tmp_path / str(number) if number else tmp_path / "toy", {"A.lean": "good"}, lakefile)
        if number:
            (tmp_path / "moved").mkdir(exist_ok=True)
            shutil.rmtree(tmp_path / "moved" / "toy", ignore_errors=True)
            toy = toy.rename(tmp_path / "moved" / "toy")
        marks.append(dict(LeanProject((str(toy),), program).uses()))
    assert marks[0] == marks[1] != marks[2]
    assert marks[0]["toy: lean"] == "4.35.0"
    assert set(marks[0]) == {"extractor", "toy: lean", "toy: setup"}


def test_revision_is_read_from_git_without_running_it(tmp_path):
    """A detached head, a branch, a packed branch, a work tree; and none."""
    git = tmp_path / ".git"
    assert lake.revision(tmp_path) is None
    git.mkdir()
    (git / "HEAD").write_text("b" * 40)
    assert lake.revision(tmp_path) == "b" * 40
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    assert lake.revision(tmp_path) is None
    (git / "packed-refs").write_text(f"# pack-refs with: peeled\n{'c' * 40} refs/heads/main\n^{'d' * 40}\n")
    assert lake.revision(tmp_path) == "c" * 40
    (git / "refs" / "heads").mkdir(parents=True)
    (git / "refs" / "heads" / "main").write_text("e" * 40 + "\n")
    assert lake.revision(tmp_path) == "e" * 40
    inner = git / "worktrees" / "w"
    inner.mkdir(parents=True)
    (inner / "HEAD").write_text("ref: refs/heads/main\n")
    (inner / "commondir").write_text("../..\n")
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / ".git").write_text(f"gitdir: {inner}\n")
    assert lake.revision(tmp_path / "tree") == "e" * 40


def test_without_lean_one_sentence(tmp_path, program):
    """No program, no toolchain, no project, no folder, two of one name."""
    toy = fake_lake.project(tmp_path / "toy", {"A.lean": "good"})
    with pytest.raises(ConfigError, match=r"no program 'nolake'; install Lean 4 .* setting program"):
        LeanProject((str(toy),), "nolake env lean").units()
    (toy / "no-toolchain").touch()
    with pytest.raises(
        ConfigError, match=r"--version does not work in .*toolchain 'leanprover/lean4:v9' is not installed"
    ):
        LeanProject((str(toy),), program).units()
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="is no Lake project"):
        LeanProject((str(tmp_path / "empty"),), program).units()
    with pytest.raises(ConfigError, match="is no folder"):
        LeanProject((str(tmp_path / "nothing"),), program).units()
    (toy / "no-toolchain").unlink()
    (toy / "old").touch()
    with pytest.raises(
        ConfigError, match=r"Lean 4\.35\.0 does not take the extractor: extract_goals\.lean:83:12: error: unk"
    ):
        LeanProject((str(toy),), program).units()
    (toy / "old").unlink()
    fake_lake.project(tmp_path / "empty" / "toy", {})
    with pytest.raises(ConfigError, match="two folders are called 'toy'"):
        LeanProject((str(toy), str(tmp_path / "empty" / "toy")), program).units()


# --- A real Lean -----------------------------------------------------------------------------------------------------

REAL = """theorem swap (p q : Prop) (h : p ∧ q) : q ∧ p := by
  constructor
  · exact h.2
  · exact h.1

theorem two (a b : Nat) (h : a = b) : b = a ∧ a = a := by
  refine ⟨?_, ?_⟩ <;> simp [h]

def five : Fin 6 := ⟨5, by decide⟩
"""


@pytest.mark.skipif(shutil.which("lake") is None, reason="no lake on the path")
def test_a_real_lean(tmp_path):
    """Goals before and after as Lean prints them, bullets, ``<;>`` and a ``by`` in a term."""
    toy = tmp_path / "toy"
    toy.mkdir()
    (toy / "lakefile.toml").write_text(
        'name = "toy"\n[[lean_lib]]\nname = "Toy"\n[leanOptions]\nautoImplicit = false\n'
    )
    (toy / "Toy.lean").write_text(REAL, encoding="utf-8")
    ((row,), notes) = read(LeanProject((str(toy),)), "toy/Toy.lean")
    assert (row["drop"], notes) == (None, [])
    steps = {one["tactic"]: one for one in row["steps"]}
    assert steps["constructor"]["before"] == ["p q : Prop\nh : p ∧ q\n⊢ q ∧ p"]
    assert steps["constructor"]["after"] == [
        "case left\np q : Prop\nh : p ∧ q\n⊢ q",
        "case right\np q : Prop\nh : p ∧ q\n⊢ p",
    ]
    assert steps["exact h.1"]["after"] == []
    assert steps["decide"]["declaration"] == "five"
    assert len(steps["simp [h]"]["before"]) == 2
