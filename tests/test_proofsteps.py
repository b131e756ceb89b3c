"""Proof steps as rows, as text, as pairs; their benchmarks, splits and rules. Not provers and traces."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofpile2 import cli, shards
from proofpile2.benchmarks import load, make
from proofpile2.manifest import Manifest
from proofpile2.manifest import write as write_manifest
from proofpile2.proofs.documents import COLUMNS, REASONS, batches
from proofpile2.proofs.layout import text_of
from proofpile2.proofs.lean_text import statement_of_goal
from proofpile2.proofs.pairs import FORMS, pair
from proofpile2.proofs.steps import STEPS, ProofDocument, ProofStep, from_column, prover_of, subset_of, to_column
from proofpile2.schema import DOCUMENT
from proofpile2.stages.code_rules import CodeRules
from proofpile2.stages.decontaminate import Decontaminate, examine_steps
from proofpile2.stages.split import Split

GOALS = ("case inl\nh : p\n⊢ q ∨ p", "case inr\nh : q\n⊢ q ∨ p")
LEAN = (
    ProofStep(
        "intro h", ("p q : Prop\n⊢ p ∨ q → q ∨ p",), ("h : p ∨ q\n⊢ q ∨ p",), declaration="swap", line=3, column=2
    ),
    ProofStep("cases h", ("h : p ∨ q\n⊢ q ∨ p",), GOALS, declaration="swap", line=4, column=2),
    ProofStep("all_goals simp [*]", GOALS, (), declaration="swap", line=5, column=2, depth=1),
)
ISABELLE = (
    ProofStep(
        "by auto", ("\\<And>x. P x",), (), state="proof (prove)\ngoal (1 subgoal):\n 1. \\<And>x. P x",
        declaration="all_p", kind="lemma", statement='lemma all_p: "\\<And>x. P x"',
    ),
)  # fmt: skip

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
steps = st.lists(
    st.builds(
        ProofStep,
        tactic=text,
        before=st.lists(text, max_size=3).map(tuple),
        after=st.none() | st.lists(text, max_size=3).map(tuple),
        state=text, declaration=text, kind=text, statement=text, depth=st.integers(0, 9),
        line=st.integers(1, 99), column=st.integers(0, 99), flaw=st.none() | text, whole=text,
    ),
    max_size=4,
)  # fmt: skip


@given(steps)
@settings(deadline=None)
def test_steps_come_back_from_their_column(given_steps):
    """Through Arrow and back they are the same, whether the goals afterwards are none or not known."""
    column = to_column([given_steps, None, (), given_steps])
    assert column.type == STEPS
    first, none, empty, last = column.to_pylist()
    assert from_column(first) == from_column(last) == tuple(given_steps)
    assert (none, empty) == (None, [])


def test_lean_layout():
    """A module: goals under each other, then the tactic, as lean-training-data prints them."""
    assert text_of("lean", LEAN[:2]) == (
        "[GOAL]\np q : Prop\n⊢ p ∨ q → q ∨ p\n[PROOFSTEP]\nintro h\n[GOAL]\nh : p ∨ q\n⊢ q ∨ p\n[PROOFSTEP]\ncases h\n"
    )
    assert text_of("lean", LEAN[2:]).startswith("[GOAL]\ncase inl\nh : p\n⊢ q ∨ p\ncase inr\n")


def test_isabelle_layout():
    """A theorem: its statement once, then what Isabelle printed and the step; no line end at the end."""
    assert text_of("isabelle", ISABELLE) == (
        '[STATEMENT]\nlemma all_p: "\\<And>x. P x"\n[PROOF STATE]\nproof (prove)\ngoal (1 subgoal):\n'
        " 1. \\<And>x. P x\n[PROOF STEP]\nby auto"
    )


def test_flawed_steps_are_kept_and_not_shown():
    """The column has them, the text and the pairs do not."""
    flawed = ProofStep("simp", ("⊢ ?",), flaw="unprintable_goal")
    assert text_of("lean", (*LEAN, flawed)) == text_of("lean", LEAN)
    assert text_of("lean", (flawed,)) == ""
    assert all(pair(flawed, form) is None for form in FORMS)


def test_rows():
    """Every column of a document, a name that tells theorems of one file apart, and why something is no document."""
    found = list(batches([
        ProofDocument("isabelle", "afp", "Toy/A.thy", "Toy.A", "all_p", ISABELLE, "2025"),
        ProofDocument("isabelle", "afp", "Toy/A.thy", "Toy.A", "all_p", ISABELLE, "2025"),
        ProofDocument("isabelle", "afp", "Toy/A.thy", "Toy.A", "", ()),
        ProofDocument("lean", "toy", "Toy.lean", "Toy", steps=LEAN, revision="abc", version="4.35.0"),
        ProofDocument("lean", "toy", "Bad.lean", "Bad", drop="prover_failed:timeout"),
        ProofDocument("lean", "toy", "Odd.lean", "Odd", steps=(ProofStep("simp", flaw="unprintable_goal"),)),
    ]))  # fmt: skip
    assert len(found) == 1
    assert found[0].schema.names == [*DOCUMENT.names, *COLUMNS, "drop"]
    assert [found[0].schema.field(name).type for name in COLUMNS] == list(COLUMNS.values())
    rows = found[0].to_pylist()
    assert [row["locator"] for row in rows] == [
        "afp:Toy/A.thy#all_p", "afp:Toy/A.thy#all_p~2", "afp:Toy/A.thy", "toy@abc:Toy.lean", "toy:Bad.lean",
        "toy:Odd.lean",
    ]  # fmt: skip
    assert len({row["id"] for row in rows}) == 6
    assert [row["drop"] for row in rows] == [
        None, None, "no_steps", None, "prover_failed:timeout", "flawed_steps"
    ]  # fmt: skip
    assert {row["drop"].partition(":")[0] for row in rows if row["drop"]} <= set(REASONS)
    assert [(row["subset"], row["source"], row["prover"], row["module"]) for row in rows[2:4]] == [
        ("isabelle_proofsteps", "isabelle", "isabelle", "Toy.A"), ("lean_proofsteps", "lean", "lean 4.35.0", "Toy"),
    ]  # fmt: skip
    assert from_column(rows[3]["steps"]) == LEAN
    assert rows[3]["text"] == text_of("lean", LEAN)


def test_batches_are_bounded():
    """Large modules do not pile up in memory, and no row is lost on the way."""
    large = ProofStep("x" * 5_000_000, ("⊢ p",))
    found = list(batches(ProofDocument("lean", "toy", f"{n}.lean", str(n), steps=(large,)) for n in range(5)))
    assert [one.num_rows for one in found] == [2, 2, 1]


def test_pair_forms():
    """LLMSTEP's, the few-shot prompt of Llemma's evaluation, and a plain one with goals kept apart."""
    assert pair(LEAN[2], "plain") == {
        "state": "\n\n".join(GOALS), "tactic": "all_goals simp [*]", "goals": list(GOALS), "goals_after": [],
    }  # fmt: skip
    assert pair(LEAN[1], "llmstep", "<|endoftext|>") == {
        "input": "[GOAL]h : p ∨ q\n⊢ q ∨ p[PROOFSTEP]", "output": "cases h<|endoftext|>",
    }  # fmt: skip
    assert pair(LEAN[1], "few-shot") == {
        "prompt": "Tactic state:\n---\nh : p ∨ q\n⊢ q ∨ p\n---\nNext tactic:\n---\n", "completion": "cases h\n---\n",
    }  # fmt: skip
    assert pair(ProofStep("done"), "plain") is None
    outer = ProofStep("have h : p := by", ("⊢ q",), whole="have h : p := by simp")
    assert pair(outer, "llmstep")["output"] == "have h : p := by simp"
    assert "by simp" not in text_of("lean", (outer,))


def test_subsets_have_a_way_back():
    """``lean_proofsteps`` is Lean's; ``lean`` itself is no subset of steps."""
    assert prover_of(subset_of("coq")) == "coq"
    assert prover_of("coq") == ""


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """A benchmark of our own with statements in three languages, and one with names only, as LeanDojo's."""
    folder = tmp_path_factory.mktemp("benchmarks")
    items = [
        {
            "name": "i0",
            "formal_statement": "theorem toy_sum (a b : ℕ) (h : a + b = 17) (hb : b = 3 * a + 1) : a = 4 :=",
        },
        {
            "name": "i1",
            "formal_statement": 'lemma fixes x y :: nat assumes "x \\<le> y" "0 < x" shows "2 * x \\<le> 2 * y"',
        },
        {"name": "i2", "formal_statement": "Theorem toy_assoc : forall (a b c : nat), a + (b + c) + 0 = (a + b) + c."},
    ]
    (folder / "items.jsonl").write_text("\n".join(map(json.dumps, items)))
    make([folder / "items.jsonl"], str(folder / "toy.parquet"), names="own")
    named = [{"full_name": "Zoo.lion_roars", "file_path": "Zoo/Lion.lean"}]
    (folder / "named.json").write_text(json.dumps(named))
    make([folder / "named.json"], str(folder / "named.parquet"))
    return load([str(folder / "toy.parquet"), str(folder / "named.parquet")])


def test_steps_of_a_benchmark_theorem_leave_the_module(index):
    """By statement under another name, or by full name alone where a trace has no statement; the other steps stay."""
    renamed = ProofStep(
        "omega", ("⊢ m = 4",), declaration="Other.renamed",
        statement="theorem renamed (m n : ℕ) (h0 : m + n = 17)\n  (h1 : n = 3 * m + 1) : m = 4",
    )  # fmt: skip
    lion = ProofStep("roar", ("⊢ lion",), declaration="Zoo.lion_roars")
    all_steps = (LEAN[0], renamed, LEAN[1], lion)
    verdict = examine_steps(text_of("lean", all_steps), all_steps, "lean", "zoo:Zoo/All.lean", index)
    assert verdict.steps == LEAN[:2]
    assert verdict.text == text_of("lean", LEAN[:2])
    assert verdict.cuts == ("toy:i0", "named:Zoo.lion_roars")
    assert verdict.drop is None
    only = examine_steps("...", (renamed, lion), "lean", "zoo:Zoo/All.lean", index)
    assert only.drop == "benchmark:toy"


def test_a_trace_without_statements_is_judged_by_its_goals(index):
    """The goal a proof begins with is the claim: with a name that theorem goes, without any the whole trace."""
    goal = "m n : ℕ\nh : m + n = 17\nhb :\n  n =\n    3 * m + 1\n⊢ m = 4"
    first, later = ProofStep("omega", (goal,), declaration="A.a"), ProofStep("simp", (goal,), declaration="A.b")
    other = ProofStep("rfl", ("⊢ 1 = 1",), declaration="A.b")
    verdict = examine_steps("...", (first, other, later), "lean", "o:A.lean", index)
    assert verdict.steps == (other, later)  # a goal on the way is no claim
    assert verdict.cuts == ("toy:i0",)
    nameless = [one._replace(declaration="") for one in (other, first)]
    assert examine_steps("...", nameless, "lean", "o:A.lean", index).drop == "benchmark:toy"
    introduced = nameless[1]._replace(before=(goal.replace("h :", "h✝ :"),))
    assert examine_steps("...", (introduced,), "lean", "o:A.lean", index).drop is None


@pytest.mark.parametrize(
    ("goal", "statement"),
    [
        ("⊢ 1 = 1", "theorem _  : 1 = 1"),
        (
            "case inl\nα : Type u\ninst✝ : Group α\na b : α\n⊢ a * b =\n    b",
            "theorem _ (α : Type u) [Group α] (a b : α) : a * b =\n    b",
        ),
        ("x✝ : ℕ\n⊢ x✝ = x✝", ""),
        ("no goals", ""),
        ("h : p\n| p", ""),
    ],
)
def test_goals_as_statements(goal, statement):
    """Hypotheses become binders; what was introduced without a name shows that it is no first goal."""
    assert statement_of_goal(goal) == statement


@pytest.mark.parametrize(
    ("prover", "statement"),
    [
        (
            "isabelle",
            'theorem other [simp]: fixes a b :: nat assumes h: "a \\<le> b" and "0 < a" shows "2 * a \\<le> 2 * b"',
        ),
        ("isabelle", 'lemma fixes x y :: nat assumes "x \\<le> y" and p: "0 < x" shows "2 * x \\<le> 2 * y"'),
        ("coq", "Lemma renamed : forall (a b c : nat), a + (b + c) + 0 = (a + b) + c."),
    ],
)
def test_a_benchmark_theorem_goes_whole(index, prover, statement):
    """Isabelle and Coq have one document a theorem; a name or label does not matter, variables of Isabelle do."""
    found = (ProofStep("by simp", state="goal", declaration="x", statement=statement),)
    verdict = examine_steps("...", found, prover, "o:A.thy#x", index)
    assert verdict.drop == (None if "fixes a b" in statement else "benchmark:toy")


def test_stage_rewrites_text_and_steps_together(index, tmp_path):
    """In a batch with files of code beside it, which have no steps."""
    (tmp_path / "named.json").write_text(json.dumps([{"full_name": "Zoo.lion_roars", "file_path": "Zoo/Lion.lean"}]))
    make([tmp_path / "named.json"], str(tmp_path / "named.parquet"))
    lion = ProofStep("roar", ("⊢ lion",), declaration="Zoo.lion_roars")
    rows = next(batches([ProofDocument("lean", "zoo", "All.lean", "All", steps=(*LEAN, lion))]))
    code = rows.set_column(rows.schema.get_field_index("steps"), "steps", pa.nulls(1, STEPS))
    code = code.set_column(code.schema.get_field_index("subset"), "subset", pa.array(["lean"]))
    batch = pa.Table.from_batches([rows, code]).combine_chunks().to_batches()[0]
    out = Decontaminate(benchmarks=(str(tmp_path / "named.parquet"),)).load()(batch).to_pylist()
    assert from_column(out[0]["steps"]) == LEAN
    assert out[0]["text"] == text_of("lean", LEAN)
    assert (out[0]["cuts"], out[0]["cut_items"], out[0]["drop"]) == (1, "named:Zoo.lion_roars", None)
    assert (out[1]["steps"], out[1]["cuts"], out[1]["text"]) == (None, 0, code.column("text")[0].as_py())


def test_modules_are_split_and_code_is_split_by_repository():
    """All theorems of a theory stand on one side; a library's theories on several."""
    documents = [
        ProofDocument("isabelle", "afp", f"A{n}.thy", f"A{n}", str(k), ISABELLE) for n in range(60) for k in range(3)
    ]
    rows = pa.Table.from_batches(batches(documents)).combine_chunks().to_batches()[0]
    splits = Split(0.3, 0.3, "origin").load()(rows).column("split").to_pylist()
    assert all(len(set(splits[at : at + 3])) == 1 for at in range(0, 180, 3))
    assert len(set(splits)) == 3
    nameless = rows.set_column(rows.schema.get_field_index("module"), "module", pa.nulls(180, pa.string()))
    assert len(set(Split(0.3, 0.3, "origin").load()(nameless).column("split").to_pylist())) == 1


def test_code_rules_let_steps_pass():
    """They are no files of a language, and a prover has read them."""
    rows = next(batches([ProofDocument("isabelle", "afp", "A.thy", "A", "p", ISABELLE)]))
    assert CodeRules(languages=("lean",)).load()(rows.drop_columns(["drop"])).column("drop").to_pylist() == [None]


def test_pairs_of_a_run(tmp_path):
    """A file a split, in the order of the documents; code is passed over; a run without steps is an error."""
    folder = tmp_path / "made"
    rows = next(batches([ProofDocument("lean", "toy", "T.lean", "T", steps=LEAN),
                         ProofDocument("isabelle", "afp", "A.thy", "A", "all_p", ISABELLE)]))  # fmt: skip
    rows = rows.drop_columns(["drop"]).set_column(
        rows.schema.get_field_index("split"), "split", pa.array(["train", "test"])
    )
    facts = shards.write_parquet(str(folder / "part.parquet"), rows.schema, [rows])
    columns = {item.name: str(item.type) for item in rows.schema}
    made = Manifest("toy", "final", "f", {}, columns, 2, 2, 9, {}, 0, {"part": (2, facts.bytes, "")})
    write_manifest(str(folder / "manifest.json"), made)
    assert cli.main(["pairs", str(folder), "--out", str(tmp_path / "pairs"), "--form", "llmstep"]) == 0
    train = [json.loads(line) for line in (tmp_path / "pairs" / "train.jsonl").read_text("utf-8").splitlines()]
    assert [one["output"] for one in train] == ["intro h", "cases h", "all_goals simp [*]"]
    test = json.loads((tmp_path / "pairs" / "test.jsonl").read_text("utf-8"))
    assert test == {"input": f"[GOAL]{ISABELLE[0].state}[PROOFSTEP]", "output": "by auto"}
    assert cli.main(["pairs", str(folder), "--out", str(tmp_path / "lean"), "--provers", "lean"]) == 0
    assert not (tmp_path / "lean" / "test.jsonl").exists()
    plain = json.loads((tmp_path / "lean" / "train.jsonl").read_text("utf-8").splitlines()[2])
    assert (plain["goals"], plain["goals_after"], plain["declaration"], plain["module"]) == (
        list(GOALS),
        [],
        "swap",
        "T",
    )
