"""Benchmarks out of files: by what is claimed, wherever it stands, and nothing else with it."""

from __future__ import annotations

import argparse
import json
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofpile2 import benchmarks, cli_code
from proofpile2.benchmarks import load, make
from proofpile2.contamination import cut, declarations, grams, words
from proofpile2.errors import ConfigError, InputError, MissingFile
from proofpile2.stages.decontaminate import Decontaminate, examine

LEAN3 = "theorem toy_sum (a b : ℕ) (h : a + b = 17) (hb : b = 3 * a + 1) : a = 4 :="
LEAN4 = "lemma Toy.double (x y : ℝ) (hx : 2 * x = y) (hy : y ≤ 12) : x ≤ 6 := by sorry"
SHORT = "theorem toy_short : 7 % 4 = 3 := by sorry"
ISABELLE = 'lemma (in toy) twice_mono: fixes x y :: nat assumes h: "x \\<le> y" and "0 < x" shows "2 * x \\<le> 2 * y"'
COQ = "Theorem toy_assoc : forall (a b c : nat), a + (b + c) + 0 = (a + b) + c."
WORDS = (
    "A farmer has {} sheep and twice as many goats as sheep while his neighbour keeps only half of the goats that the "
    "farmer has on the northern field so how many animals graze there in all"
)


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """A benchmark of our own, ``toy``, with names that are rare; and ``text``, an informal one."""
    folder = tmp_path_factory.mktemp("benchmarks")
    items = [{"name": f"i{n}", "formal_statement": text} for n, text in enumerate((LEAN3, LEAN4, SHORT, ISABELLE, COQ))]
    (folder / "items.jsonl").write_text("\n".join(map(json.dumps, items)))
    made = make([folder / "items.jsonl"], str(folder / "toy.parquet"), names="rare")
    assert made.items == 5
    assert made.without == ()
    (folder / "text.json").write_text(json.dumps([{"question": WORDS.format(12)}, {"question": "too short"}]))
    assert make([folder / "text.json"], str(folder / "text.parquet")).without == ("text:1",)
    return load([str(folder / "toy.parquet"), str(folder / "text.parquet")])


FILE3 = """/-
Copyright (c) someone.
-/
import data.nat.basic

open nat

namespace zoo

/-- Something else. -/
lemma before : 1 = 1 := rfl

/-- The sum,

with a story. -/
@[simp, to_additive "x"]
theorem renamed (m n : ℕ) /- a remark -/
  (h0 : m + n = 17) -- why not
  (h1 : n = 3 * m + 1) :
  m = 4 :=
begin
  have : m = 4,
  { match h0 with
    | _ := by linarith
    end },
  exact this,
end

-- about the next
def after_it : ℕ := 5

end zoo
"""


def test_lean_3_copy_under_another_name(index):
    """Renamed theorem, variables and hypotheses: it goes with documentation, attribute and proof, and nothing else."""
    verdict = examine(FILE3, "lean", "o/p:zoo.lean", index)
    start, end = FILE3.index("/-- The sum"), FILE3.index("-- about")
    assert verdict.text == FILE3[:start] + FILE3[end:]
    assert verdict.cuts == ("toy:i0",)
    assert verdict.drop is None


FILE4 = """import Mathlib
set_option maxHeartbeats 400000 in
@[simp]
private lemma other (x y : ℝ)
    (hx : 2 * x = y) (hy : y ≤ 12) : x ≤ 6 := by
  have h : (match 3 with | _ => 1) = 1 := rfl
  linarith
#check other
theorem keep_me (x y : ℝ) (hx : 2 * x = y) (hy : y ≤ 13) : x ≤ 6.5 := by
  linarith
"""


def test_lean_4_copy(index):
    """The command before and the one after stay whole; a statement with another number is another statement."""
    verdict = examine(FILE4, "lean", "A.lean", index)
    assert verdict.cuts == ("toy:i1",)
    assert verdict.text == "import Mathlib\n\n#check other\n" + FILE4.partition("#check other\n")[2]


def test_short_statements_need_their_name(index):
    """What says little is cut only where it has the name of the item too."""
    assert examine("theorem x : 7 % 4 = 3 := rfl\ndef a := 1", "lean", "", index).cuts == ()
    assert examine("theorem toy_short : 7 % 4 = 3 := rfl\ndef a := 1", "lean", "", index).cuts == ("toy:i2",)


def test_copies_of_a_benchmark_go_whole(index):
    """A file of which nothing is left, and one whose claims have the benchmark's own names, go with its name."""
    alone = "import Mathlib\nopen Nat\n\n" + LEAN4.replace("sorry", "nlinarith") + "\n"
    assert examine(alone, "lean", "", index).drop == "benchmark:toy"
    other = "\n".join(
        f"theorem {name} : 1 + 1 = 2 ∧ 2 + 2 = 4 ∧ 3 = 3 := by simp" for name in ("toy_sum", "toy_short", "x")
    )
    assert examine(f"def a := 1\n{other}", "lean", "", index).text == "def a := 1\n\n" + other.splitlines()[2]
    three = other.replace("theorem x ", "theorem Toy.double ")
    assert examine(f"def a := 1\n{three}\n", "lean", "", index).drop == "benchmark:toy"


ISA_FILE = r"""theory Zoo imports Main begin

text \<open>A lemma: lemma foo.\<close>

definition d where "d = (1::nat)"

(* about it *)
lemma copied [simp]:
  fixes x y :: "nat"
  assumes "x ≤ y" (* here *)
    and pos: \<open>0 < x\<close>
  shows "2 * x <= 2 * y" (is "?l \<le> _")
proof -
  text \<open>In a proof.\<close>
  have "x \<le> y" by fact
  then show ?thesis
    by simp
qed

lemma next_one: "2 * x \<le> 2 * (y::nat)"
  oops

end
"""


def test_isabelle_copy(index):
    """Symbols, their Unicode and ASCII, quotes and labels do not matter; the proof goes whole, text within it too."""
    verdict = examine(ISA_FILE, "isabelle", "Zoo.thy", index)
    start, end = ISA_FILE.index("(* about it *)"), ISA_FILE.index("lemma next_one")
    assert verdict.text == ISA_FILE[:start] + ISA_FILE[end:]
    assert verdict.cuts == ("toy:i3",)


def test_unnamed_isabelle_lemmas_match_nothing_else():
    """Statement by statement: an unnamed lemma is no query that matches anything (as upstream's was)."""
    first, second = declarations('lemma "x = (y::nat)" by simp\nlemma "a = b" sorry', "isabelle")
    assert (first.name, second.name) == ("", "")
    assert first.statement != second.statement != ()


def test_coq_copy(index):
    """Coq too, up to the next command."""
    lemma = (
        "(** doc *)\nLemma mine :\n  forall (a b c : nat), a + (b + c) + 0 = (a + b) + c.\nProof. intros; lia. Qed.\n"
    )
    text = f"Require Import Arith.\n{lemma}\nDefinition x := 1.\n"
    verdict = examine(text, "coq", "", index)
    assert verdict.cuts == ("toy:i4",)
    assert verdict.text == "Require Import Arith.\n\nDefinition x := 1.\n"


def test_texts(index):
    """A text with 37 words of a problem in a row goes; one with fewer than 30 stays."""
    problem = WORDS.format(12)
    assert examine(f"\\begin{{exercise}} So: {problem}? \\end{{exercise}}", "tex", "", index).drop == "benchmark:text"
    assert examine(" ".join(problem.split()[:25]) + " and so on" * 20, "tex", "", index).drop is None


def test_names_of_a_list(tmp_path):
    """LeanDojo's form: full names with their namespaces; names without a dot only in a file of the same name."""
    rows = [{"full_name": "nat.foo.bar", "file_path": "src/a.lean"}, {"full_name": "lift", "file_path": "src/b.lean"}]
    (tmp_path / "test.json").write_text(json.dumps(rows))
    make([tmp_path / "test.json"], str(tmp_path / "dojo.parquet"))
    index = load([str(tmp_path / "dojo.parquet")])
    one = "theorem {} : p := q\n".format
    text = f"namespace nat\nsection\n{one('foo.bar')}end\n{one('bar')}end nat\n{one('bar')}{one('lift')}"
    assert examine(text, "lean", "c.lean", index).cuts == ("dojo:nat.foo.bar",)
    assert examine(text, "lean", "o/p@1:x/b.lean", index).cuts == ("dojo:nat.foo.bar", "dojo:lift")


def test_the_step(tmp_path, index):
    """The step fills text, ``cuts`` and ``cut_items``, drops with the benchmark's name; unknown names are errors."""
    (tmp_path / "toy.jsonl").write_text(json.dumps({"name": "i1", "formal_statement": LEAN4}))
    make([tmp_path / "toy.jsonl"], str(tmp_path / "toy.parquet"))
    step = Decontaminate((str(tmp_path / "toy.parquet"),))
    assert len(step.uses()) == 1
    rows = {"text": [FILE4, "import Mathlib\n" + LEAN4, "def a := 1", None], "subset": ["lean"] * 3 + [None]}
    batch = pa.RecordBatch.from_pydict({**rows, "locator": ["a"] * 4})
    out = step.load()(batch)
    assert out.column("cuts").to_pylist() == [1, 0, 0, 0]
    assert out.column("cut_items").to_pylist() == ["toy:i1", None, None, None]
    assert out.column("drop").to_pylist() == [None, "benchmark:toy", None, None]
    with pytest.raises(MissingFile, match="known: "):
        Decontaminate(("none",)).load()


FREE = st.text(alphabet="ab \n\t\"'(){}[]|-/*\\:=.,<>@#‹›λ∀ℝ", max_size=60)
KEYWORDS = st.sampled_from(
    ["theorem ", "lemma ", "\nend", "begin ", ":= ", "proof ", "(*", "/-", "-/", "*)", "\\<open>", "def x "]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(FREE, KEYWORDS), max_size=20), st.sampled_from(["lean", "isabelle", "coq"]))
def test_declarations_lie_in_order(pieces, language):
    """Of any text: declarations are in order, apart and within the text; cutting none changes nothing."""
    text = "".join(pieces)
    place = 0
    for one in declarations(text, language):
        assert place <= one.start < one.end <= len(text)
        place = one.end
    assert cut(text, []) == text


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="abcxyz", min_size=1, max_size=5), st.sampled_from([" ", "\n  ", " /- note -/ ", " -- n\n "]))
def test_names_and_space_do_not_matter(name, space):
    """A statement is the same under every name, with every white space and comment."""
    (first,) = declarations(LEAN3, "lean")
    (other,) = declarations(LEAN3.replace("toy_sum", name).replace(" (", f"{space}("), "lean")
    assert other.statement == first.statement
    assert other.name == name


@pytest.mark.parametrize("language", ["lean", "isabelle", "coq"])
def test_linear_time(language):
    """Long runs of blanks, brackets, open comments and keywords are done in no time (a hang would show here)."""
    for piece in (
        "(*",
        "/-",
        '"',
        "lemma ",
        " \n",
        "lemma x:\n",
        "end\n",
        "@[",
        "\\<open>",
        "begin match ",
        "a.",
        "text\n",
    ):
        declarations(piece * 5_000, language)
        declarations("lemma a" + piece * 5_000 + ":= x", language)


def test_grams():
    """One hash for each run of thirty words; mark-up, case and punctuation do not count."""
    text = " ".join(f"w{n}" for n in range(40))
    assert len(grams(words(text))) == 11
    assert (grams(words(text)) == grams(words(text.upper().replace(" ", ", \\")))).all()
    assert len(grams(words("too short"))) == 0


def parser_of(*given_):
    top = argparse.ArgumentParser()
    sub = top.add_subparsers()

    def command(name, call, text, *examples):
        one = sub.add_parser(name, description=text)
        one.set_defaults(call=call)
        return one

    cli_code.commands(command)
    return top.parse_args(given_)


def run(*given_):
    parsed = parser_of(*given_)
    return parsed.call(parsed)


def test_commands(tmp_path, capsys):
    """``benchmarks list`` names what ships, ``make`` writes a file; wrong arguments say what was expected."""
    assert run("benchmarks", "list", "--json") == 0
    shipped = json.loads(capsys.readouterr().out)
    assert {"minif2f", "proofnet", "pisa"} <= set(shipped)
    (tmp_path / "a.thy").write_text(
        'theory A imports Main begin\nlemma "x + y + z + 1 = z + y + x + (1::nat)" by simp\nend'
    )
    out = str(tmp_path / "mine.parquet")
    assert run("benchmarks", "make", "--input", str(tmp_path / "a.thy"), "--out", out) == 0
    assert "1 items, isabelle 1" in capsys.readouterr().out
    with pytest.raises(ConfigError, match="--input"):
        run("benchmarks", "make")
    (tmp_path / "x.jsonl").write_text('{"y": 1}')
    with pytest.raises(InputError, match="--field"):
        run("benchmarks", "make", "--input", str(tmp_path / "x.jsonl"), "--out", out)


def test_what_ships_holds_no_text():
    """The files that ship hold numbers and names of items only."""
    for path in benchmarks.known().values():
        table = pq.read_table(path)
        assert table.schema.names == ["benchmark", "kind", "key", "item"]
        assert max(map(len, table.column("item").to_pylist())) < 200


def test_real_files(shared):
    """All copies of benchmarks among real files go; of ordinary files outside the AFP nothing is cut."""
    folder = shared / "code"
    if not folder.is_dir():
        pytest.skip("no files of code beside the repository")
    labels = {row["id"]: row for row in map(json.loads, (folder / "labels.jsonl").read_text().splitlines())}
    index = load(("minif2f", "proofnet", "pisa"))
    fates: Counter[tuple[bool, str]] = Counter()
    for language in ("lean", "isabelle"):
        for row in pq.read_table(folder / f"{language}.parquet").to_pylist():
            label = labels[row["id"]]
            if "afp" in row["max_stars_repo_name"] or label["cls"] not in {"benchmark", "math"}:
                continue
            verdict = examine(row["content"] or "", language, row["max_stars_repo_path"], index)
            fates[label["cls"] == "benchmark", "drop" if verdict.drop else "cut" if verdict.cuts else "keep"] += 1
    assert fates[True, "drop"] == 80
    assert fates[True, "keep"] == 2  # import lists, which the rules for code drop
    assert fates[False, "cut"] == fates[False, "drop"] == 0


@pytest.mark.parametrize(
    "head",
    [
        "lemma toy_head:", "lemma toy_head [simp, THEN bar[rotated, of x[y]]]:",
        "lemma toy_head: \\<comment> \\<open>why \\<open>this\\<close> holds\\<close>", "lemma toy_head: ― ‹why›",
    ],
)  # fmt: skip
def test_attributes_and_formal_comments_of_isabelle_are_no_statement(head):
    """Brackets within brackets, and comments that Isabelle checks, stand before the same claim."""
    (one,) = declarations(f'{head}\n  "a + b = b + (a::nat)"\n  by simp\n', "isabelle")
    assert one.name == "toy_head"
    assert one.statement == ("a", "+", "b", "=", "b", "+", "(", "a", ":", ":", "nat", ")")
