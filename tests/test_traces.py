"""Traces beside code: told by their content, plain or packed, damaged or whole."""

from __future__ import annotations

import gzip
import json
import lzma

import pytest
import zstandard

from proofpile2 import cli
from proofpile2 import open as open_dataset
from proofpile2.errors import ConfigError
from proofpile2.proofs.documents import COLUMNS
from proofpile2.sources.code import Code
from proofpile2.sources.traces import Traces

PISA = {
    "problem_names": ["lemma a"],
    "translations": [
        ["", 'lemma plus_comm_toy: "x + y = y + (x::nat)"', 0, ""],
        ["proof (prove)\ngoal (1 subgoal):\n 1. x + y = y + x", "by simp", 1, ""],
    ],
    "theory_file_path": "/home/someone/afp/thys/Toy/Plus.thy",
    "working_directory": "/home/someone/afp/thys/Toy",
}
LEAN = {
    "decl": "Toy.swap", "tactic": "exact h.symm", "kind": "Lean.Parser.Tactic.exact",
    "goalsBefore": ["h : a = b\n⊢ b = a"],
    "goalsAfter": [], "pos": {"line": 2, "column": 2}, "endPos": {"line": 2, "column": 14},
}  # fmt: skip
TRAINING = "[GOAL]\np : Prop\n⊢ p → p\n[PROOFSTEP]\nexact id\n"


@pytest.fixture
def folder(tmp_path):
    """One file of three kinds, each packed in another way, and one that is no trace."""
    made = tmp_path / "steps"
    (made / "pisa").mkdir(parents=True)
    (made / "pisa" / "Plus.thy_output.json.gz").write_bytes(gzip.compress(json.dumps(PISA).encode()))
    (made / "Swap.jsonl.zst").write_bytes(zstandard.compress(json.dumps(LEAN).encode()))
    (made / "Id.txt.xz").write_bytes(lzma.compress(TRAINING.encode()))
    (made / "numbers.json").write_text("[1, 2, 3]")
    return made


def read(source):
    """Rows and notes of all units."""
    notes: list[str] = []
    return [
        row for unit in source.units() for batch in source.read(unit, notes.append) for row in batch.to_pylist()
    ], notes


def test_a_folder_of_traces(folder):
    """Each file by its own reader; what is no trace is passed over; no path of this machine anywhere."""
    rows, notes = read(Traces((str(folder),)))
    texts = {row["subset"]: row["text"] for row in rows}
    assert texts["isabelle_proofsteps"] == (
        '[STATEMENT]\nlemma plus_comm_toy: "x + y = y + (x::nat)"\n[PROOF STATE]\nproof (prove)\ngoal (1 subgoal):\n'
        " 1. x + y = y + x\n[PROOF STEP]\nby simp"
    )
    assert sorted(row["text"] for row in rows if row["subset"] == "lean_proofsteps") == [
        "[GOAL]\nh : a = b\n⊢ b = a\n[PROOFSTEP]\nexact h.symm\n", TRAINING,
    ]  # fmt: skip
    assert not notes
    assert not any(str(folder.parent) in str(row) or "/home/someone" in str(row) for row in rows)


@pytest.mark.parametrize(("langs", "count"), [(("isabelle",), 1), (("lean",), 2), (("coq",), 0), ((), 3)])
def test_languages(folder, langs, count):
    """A trace is of the language of its prover."""
    assert len(Traces((str(folder),), langs).units()) == count


@pytest.mark.parametrize("keep", [0, 30, 80])
def test_a_cut_file(folder, keep):
    """Noted, and the other files are read."""
    packed = folder / "pisa" / "Plus.thy_output.json.gz"
    packed.write_bytes(packed.read_bytes()[:keep])
    rows, notes = read(Traces((str(folder),)))
    assert len(rows) == 2
    assert len(notes) == 1
    assert "Plus.thy_output.json.gz" in notes[0]


def test_a_file_that_is_no_trace_is_an_error_if_it_is_named(folder):
    """In a folder it is passed over."""
    with pytest.raises(ConfigError, match="no trace of a prover"):
        Traces((str(folder / "numbers.json"),)).units()
    with pytest.raises(ConfigError, match="expected a folder, traces of a prover, or a file"):
        Code((str(folder / "numbers.json"),)).units()


def test_code_and_traces_in_one_run(folder, tmp_path, capsys):
    """A project, a folder of traces and a single trace; a prover without a project is told, and the rest is made."""
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "Main.lean").write_text("theorem t (a b : Nat) (h : a = b) : b = a := h.symm\n" * 3)
    source = Code((str(tmp_path / "project"), str(folder), str(folder / "Swap.jsonl.zst")))
    assert {unit.partition(":")[0] for unit in source.units()} == {"traces", "tree"}
    rows, _ = read(source)
    assert [row["subset"] for row in rows].count("lean") == 1
    assert all(set(COLUMNS) <= row.keys() for row in rows)
    command = ["run", "algebraicstack", "--input", str(tmp_path / "project"), str(folder), "--provers", "isabelle",
               "--out", str(tmp_path / "out"), "--executor", "serial", "--quiet"]  # fmt: skip
    assert cli.main(command) == 0
    assert "no proof steps: isabelle: no project of isabelle among the inputs" in capsys.readouterr().err
    made = {row["subset"]: row for row in open_dataset(str(tmp_path / "out")) if row["steps"]}
    assert set(made) == {"lean_proofsteps", "isabelle_proofsteps"}
    assert made["isabelle_proofsteps"]["module"]
    assert made["isabelle_proofsteps"]["split"] in {"train", "validation", "test"}


def test_settings_of_a_prover_change_only_its_units(tmp_path, monkeypatch):
    """The recipe is the same with and without provers, so that what was made of the code is taken over."""
    from proofpile2.step import describe

    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "a.v").write_text("Lemma a : True. Proof. exact I. Qed.\n")
    plain = Code((str(tmp_path / "p"),))
    proving = Code((str(tmp_path / "p"),), provers=("coq",), coq={"program": "no-such-coqtop"})
    assert describe(plain) == describe(proving)
    assert plain.units() == proving.units()
    assert "no program 'no-such-coqtop'" in proving.missing["coq"]
    with pytest.raises(ConfigError, match="no prover 'koq'; did you mean 'coq'"):
        Code((str(tmp_path / "p"),), provers=("koq",)).units()
    with pytest.raises(ConfigError, match=r"source\.coq: unknown key 'secs'"):
        Code((str(tmp_path / "p"),), provers=("coq",), coq={"secs": 1}).units()
