"""PISA extractions: each theorem becomes one document, in the published layout, with every step once and in order."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from isabelle_corpus import CASES, DROPPED, LONG, entry, prove, state

from proofpile2.proofs.documents import REASONS, batches
from proofpile2.proofs.isabelle import Command, Theory, from_pisa, is_pisa, place, statement_of, theorems
from proofpile2.proofs.isabelle_text import depth_after, goals, head, is_step, target_of, without_comments
from proofpile2.proofs.layout import text_of

BEGIN, END = entry("", "theory T imports Main begin", 0), entry("", "end", 0)


def convert(entries, name="T.thy_output.json", **more):
    """Documents and notes of the JSON of one file."""
    notes: list[str] = []
    value = json.loads(json.dumps({"problem_names": [], "translations": entries, **more}))
    assert is_pisa(value)
    return list(from_pisa(value, name, notes.append)), notes


def texts(documents):
    return [text_of(one.prover, one.steps) for one in documents]


@pytest.mark.parametrize("case", CASES)
def test_layout(case):
    """Each case of the corpus, in a theory, becomes exactly the text that is written beside it."""
    entries, expected = CASES[case]
    documents, _ = convert([BEGIN, *entries, END])
    assert texts(documents) == expected
    assert [one.drop for one in documents] == [None] * len(expected)


def test_layout_of_all_cases_in_one_theory():
    """No step of one theorem gets into another: all cases after each other give all texts after each other."""
    documents, _ = convert([BEGIN, *(one for entries, _ in CASES.values() for one in entries), END])
    assert texts(documents) == [text for _, expected in CASES.values() for text in expected]


@pytest.mark.parametrize("spoil", ["missing", "null", "text", "zero"])
def test_levels_that_are_missing_or_odd(spoil):
    """Without levels, or with levels that are all 0, the blocks are counted and the texts are the same."""
    value = {"missing": None, "null": None, "text": None, "zero": 0}[spoil]
    for case, (entries, expected) in CASES.items():
        if "empty state" in case and spoil == "zero":
            continue  # nothing is left that says that this step is inside
        spoiled = [
            one[:2] if spoil == "missing" else [*one[:2], str(one[2]) if spoil == "text" else value, "NA"]
            for one in entries
        ]
        documents, notes = convert([BEGIN, *spoiled, END])
        assert texts(documents) == expected, case
        assert any("no level" in note for note in notes) == (spoil == "missing"), case


@pytest.mark.parametrize("case", DROPPED)
@pytest.mark.parametrize("tail", [[], [END]])
def test_dropped(case, tail):
    """Unfinished proofs and statements without a step are dropped with their reason, at the end of a file too."""
    entries, reason = DROPPED[case]
    documents, _ = convert([*entries, *tail])
    assert [one.drop for one in documents] == [reason]
    assert reason in REASONS


def test_a_file_that_ends_within_a_proof():
    """What PISA did not get to the end of is unfinished; a proof that is whole at the end of the file is kept."""
    entries, expected = CASES["nested blocks, with what is no step between them"]
    for length in range(2, len(entries)):
        documents, _ = convert(entries[:length])
        assert [one.drop for one in documents] == ["no_steps" if length < 3 else "unfinished_proof"], length
    documents, _ = convert(entries)
    assert texts(documents) == expected
    assert documents[0].drop is None


def test_one_theorem_right_after_an_unfinished_one():
    """A statement closes what is open before it, whatever the levels say."""
    documents, _ = convert(
        [
            entry("", 'lemma a: "P"', 0), entry(prove("P"), "proof -", 1), entry(state("P"), "show P", 2),
            entry("", 'lemma b: "Q"', 3), entry(prove("Q"), "by blast", 1), END,
        ]
    )  # fmt: skip
    assert [(one.name, one.drop, len(one.steps)) for one in documents] == [("a", "unfinished_proof", 2), ("b", None, 1)]


def test_commands_that_are_not_known():
    """A proof that a package's own command ends is whole when the next command has level 0, whichever that is."""
    for after in [entry("", 'lemma b: "Q"', 0), entry("", "definition d", 0), END]:
        documents, _ = convert([entry("", 'lemma a: "P"', 0), entry(prove("P"), "eval_magic", 1), after])
        assert (documents[0].drop, len(documents[0].steps)) == (None, 1)


def test_records_of_steps():
    """Goals before and after, depth, full name, kind and statement of a proof with blocks."""
    entries, _ = CASES["nested blocks, with what is no step between them"]
    (document,), _ = convert([BEGIN, *entries, END])
    steps = document.steps
    assert {(one.declaration, one.kind) for one in steps} == {("T.disj_swap", "theorem")}
    assert {one.statement for one in steps} == {'theorem disj_swap: "A \\<or> B \\<Longrightarrow> B \\<or> A"'}
    a, b = "A \\<Longrightarrow> B \\<or> A", "B \\<Longrightarrow> B \\<or> A"
    assert [(one.tactic, one.before, one.after, one.depth) for one in steps[:7]] == [
        ("proof (elim disjE)", ("A \\<or> B \\<Longrightarrow> B \\<or> A",), (a, b), 0),
        ("assume a: A", (a, b), (a, b), 1),
        ('have "A \\<and> True"', (a, b), ("A \\<and> True",), 1),
        ("proof", ("A \\<and> True",), ("A", "True"), 2),
        ("show A", ("A", "True"), ("A",), 3),
        ("by (rule a)", ("A",), ("True",), 4),
        ("next", ("True",), ("True",), 3),
    ]
    chain = next(one for one in steps if one.state.startswith("proof (chain)"))
    assert chain.before == ()
    assert (steps[-1].tactic, steps[-1].before, steps[-1].after) == ("qed", (), ())
    before = steps[[one.tactic for one in steps].index("then")]
    assert before.after is None  # a chain shows no goals


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        (prove("A", "B"), ("A", "B")),
        (prove(LONG, "B"), (LONG, "B")),
        (prove("A", before="using this:\n  goal (1 subgoal):\n  1. x\n\n"), ("A",)),
        (state(), ()),
        ("proof (chain)\npicking this:\n  A", None),
        ("", None),
        (prove(*"ABCDEFGHIJ") + "\nA total of 12 subgoals...", tuple("ABCDEFGHIJ")),
        (prove("x = ?y") + "\ngoal instantiation:\n  ?x \\<leadsto> a", ("x = ?y",)),
        (state() + "\ngoal instantiation:\n  ?x \\<leadsto> a", ()),
        (prove("x = ?y") + "\nvariables:\n  x :: nat", ("x = ?y",)),
        ("proof (prove): step 1\n\ngoal (lemma (a), 1 subgoal):\n 1. A", ("A",)),
    ],
)
def test_goals(printed, expected):
    """Goals with their continuation lines; facts before and notices after them are none."""
    assert goals(printed) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("by simp (* a (* nested *) one *)", "by simp"),
        ("by (simp add: foo) \\<comment> \\<open>a \\<open>b\\<close> c\\<close>", "by (simp add: foo)"),
        ("(* only *)", ""),
        ("apply (rule (* which *) refl)", "apply (rule refl)"),
        ("using a\n  (* b *)\n  b ― ‹c›\n  c", "using a\n  b\n  c"),
        ('lemma "f (* 1 *) x" (* 2 *)', 'lemma "f (* 1 *) x"'),
        ('lemma "x \\" (* 1 *)"', 'lemma "x \\" (* 1 *)"'),
        ("have \\<open>a (* b *)\\<close>", "have \\<open>a (* b *)\\<close>"),
        ("show P -- {* old (* style *} ..", "show P .."),
        ('note `a (* b *)` -- "c"', "note `a (* b *)`"),
        ("by (auto simp(* a *)) (* b *) (* c *)\n    (* d *) (* e\n  *)\n  (* f *) auto", "by (auto simp)\n  auto"),
        ("by (rule x) (* not closed", "by (rule x) (* not closed"),
        ('lemma \\<^marker>\\<open>tag important\\<close> a: "A"', 'lemma a: "A"'),
        ("define x where \\<open>x = 1 -- 2\\<close>", "define x where \\<open>x = 1 -- 2\\<close>"),
    ],
)
def test_comments(source, expected):
    """Comments of all kinds go, in strings and cartouches they are text."""
    assert without_comments(source) == expected


@pytest.mark.parametrize(
    ("statement", "locale", "name"),
    [
        ('lemma foo: "A"', None, "foo"),
        ('lemma foo[simp]: "A"', None, "foo"),
        ('lemma foo [where x = "a]:" and y=\\<open>]\\<close>, simp] : "A"', None, "foo"),
        ('lemma [simp]: "A"', None, ""),
        ('lemma "A"', None, ""),
        ('lemma(in foo)bar\': "A"', "foo", "bar'"),
        ('lemma (in "A.foo") "x = x"', "A.foo", ""),
        ('lemma %invisible (in -) a.b_c: "A"', "-", "a.b_c"),
        ('lemma x\\<^sub>1_\\<alpha>: "A"', None, "x\\<^sub>1_\\<alpha>"),
        ('lemma fixes x :: nat assumes a: "A" shows "B"', None, ""),
        ('lemma assumes "A" shows "B"', None, ""),
        ("lemma \\<open>A\\<close>", None, ""),
        ('lemma "my fact": "A"', None, "my fact"),
    ],
)
def test_names(statement, locale, name):
    """Names of theorems in all the forms that statements take."""
    assert target_of(statement, head(statement)[2]) == (locale, name)


def test_full_names():
    """The theory, the locale around or in the head, and the name; anonymous theorems have none."""
    entries = []
    for action in [
        "locale group = fixes f :: nat", "begin", 'lemma a: "A"', "end", "locale g2 = group begin", 'lemma b: "A"',
        "context begin", 'lemma (in other) c: "A"', 'lemma d: "A"', "end", 'lemma e: "A"', "end", 'lemma f: "A"',
        'lemma (in x.y) g: "A"', 'lemma "A"', "instantiation nat :: foo begin", 'lemma h: "A"', "end",
    ]:  # fmt: skip
        if action == "begin":
            continue
        entries.append(entry("", action, 0))
        if action.startswith("lemma"):
            entries.append(entry(prove("A"), "by simp", 1))
    entries[0][1] += " begin"
    documents, _ = convert([BEGIN, *entries, END])
    names = [one.steps[0].declaration for one in documents]
    assert names == ["T.group.a", "T.g2.b", "T.other.c", "T.g2.d", "T.g2.e", "T.f", "T.y.g", "", "T.h"]


def test_damage_is_noted():
    """Entries that are none are stepped over with a note; a step before them does not lead to the state after."""
    documents, notes = convert(
        [
            BEGIN, entry("", 'lemma a: "P"', 0), entry(prove("P"), "apply auto", 1), ["lost"], None,
            {"a": 1}, [1, 2, 3, 4],
            entry(prove("Q"), "apply (rule x)", 1), entry(prove(), "done", 1), END,
        ]
    )  # fmt: skip
    assert [one.after for one in documents[0].steps] == [None, (), ()]
    assert notes == ["4 entries are not [state, action, level, ..]; stepped over"]


@pytest.mark.parametrize(
    ("value", "note"),
    [
        ({"problem_names": ["lemma a"]}, "no translations in it"),
        ({"translations": []}, "its translations are empty"),
        ({"translations": "x"}, "its translations are empty"),
    ],
)
def test_files_with_nothing_in_them(value, note):
    """Files without translations give no document and a note."""
    notes: list[str] = []
    assert is_pisa(value)
    assert list(from_pisa(value, "T.thy_output.json", notes.append)) == []
    assert notes == [note]
    assert not is_pisa({"error": "x"})
    assert not is_pisa([])


def test_obligations_are_counted():
    """Proofs that are of no theorem are left out and a note says how many."""
    _, notes = convert([BEGIN, *CASES["obligations of definitions and notepads are no theorems"][0], END])
    assert notes == [
        (
            "proofs that are not of theorems, left out: function 1, instance 1, interpretation 1, lift_definition 1, "
            "notepad 1, sublocale 1, termination 1, typedef 1"
        )
    ]


AFP = "/data/afp-2022-12-06/thys/pGCL/Tutorial/Primitives.thy"
STD = "/opt/Isabelle2022/src/HOL/Analysis/ex/Circle_Area.thy"


@pytest.mark.parametrize(
    ("value", "name", "theory", "expected"),
    [
        (
            {"theory_file_path": AFP, "working_directory": "/data/afp-2022-12-06/thys/pGCL"}, "x.json", "",
            ("afp/pGCL", "thys/pGCL/Tutorial/Primitives.thy", "pGCL.Primitives", "", "2022-12-06"),
        ),
        (
            {}, "2022-12-06_thys_Foo_Bar.thy_output.json", "",
            ("afp/Foo", "thys/Foo/Bar.thy", "Foo.Bar", "", "2022-12-06"),
        ),
        (
            {}, "_home_me_afp-2021-10-22_thys_Echelon_Form_Rank_Nullity.thy_output.json", "Rank_Nullity",
            ("afp/Echelon_Form", "thys/Echelon_Form/Rank_Nullity.thy", "Echelon_Form.Rank_Nullity", "", "2021-10-22"),
        ),
        (
            {"theory_file_path": STD, "working_directory": "/opt/Isabelle2022/src/HOL/Analysis"}, "x.json", "",
            ("HOL-Analysis", "src/HOL/Analysis/ex/Circle_Area.thy", "HOL-Analysis.Circle_Area", "2022", None),
        ),
        (
            {"theory_file_path": "/Applications/Isabelle2021-1.app/src/HOL/List.thy"}, "x.json", "",
            ("HOL", "src/HOL/List.thy", "HOL.List", "2021-1", None),
        ),
        (
            {}, "_opt_Isabelle2022_src_HOL_Analysis_Ball_Volume.thy_output.json", "Ball_Volume",
            ("HOL-Analysis", "src/HOL/Analysis/Ball_Volume.thy", "HOL-Analysis.Ball_Volume", "2022", None),
        ),
        (
            {"theory_file_path": "C:\\me\\proofs\\sub\\A.thy", "working_directory": "C:\\me\\proofs"}, "x.json", "",
            ("proofs", "sub/A.thy", "proofs.A", "", None),
        ),
        ({}, "Foo.thy_output.json", "", ("isabelle", "Foo.thy", "Foo", "", None)),
    ],
)  # fmt: skip
def test_places(value, name, theory, expected):
    """Archive and library, by path and by name of the file; no path of a machine in what comes out."""
    found = place(value, name, theory)
    assert (found.origin, found.path, found.module, found.version, found.revision) == expected


def test_rows():
    """Documents as rows: ids of place and name, the theory as module, reasons."""
    entries = [*CASES["apply .. done"][0], *CASES["anonymous, by"][0], *CASES["anonymous, by"][0], *DROPPED["oops"][0]]
    documents, _ = convert([*entries, END], "2022-12-06_thys_Foo_Bar.thy_output.json")
    (batch,) = batches(documents)
    rows = batch.to_pylist()
    place_ = "afp/Foo@2022-12-06:thys/Foo/Bar.thy"
    assert [row["locator"] for row in rows] == [f"{place_}#add_Suc_left", place_, f"{place_}~2", f"{place_}#a"]
    assert {(row["module"], row["subset"], row["url"]) for row in rows} == {
        ("Foo.Bar", "isabelle_proofsteps", "https://www.isa-afp.org/entries/Foo.html")
    }
    assert [row["drop"] for row in rows] == [None, None, None, "unfinished_proof"]


def test_statement_of():
    """Statements of a benchmark's files compare without comments, modifiers and line breaks."""
    assert statement_of('private lemma a:\n  (* b *)\n  "x  = x"') == 'lemma a: "x = x"'


def test_kinds_of_keywords_decide():
    """Where Isabelle tells the kind of a keyword, commands that Pure does not have are known by it."""
    assert not is_step("my_look", "diag")
    assert not is_step("my_text", "document_body")
    assert is_step("my_tactic", "prf_script")
    assert depth_after("my_by", 1, "qed") == 0
    commands = [
        Command('lemma a: "P"', "", 0, "thy_goal_stmt"),
        Command("my_look", prove("P"), 1, "diag"),
        Command("my_by", prove("P"), 1, "qed"),
    ]
    (document,) = theorems(commands, Theory("S", "A.thy", "S.A"), [].append)
    assert [one.tactic for one in document.steps] == ["my_by"]
    assert document.drop is None


def test_oops_in_a_build():
    """A build passes over proofs that end with ``oops``: level 0 and no states. They are unfinished, not empty."""
    commands = [
        Command('lemma a: "P"', "", 0, "thy_goal_stmt"),
        Command("apply auto", "", 0, "prf_script"),
        Command("text \\<open>t\\<close>", "", 0, "document_body"),
        Command("oops", "", 0, "qed_global"),
        Command('lemma b: "P"', "", 0, "thy_goal_stmt"),
        Command("by simp", prove("P"), 1, "qed"),
    ]
    documents = list(theorems(commands, Theory("S", "A.thy", "S.A"), [].append))
    assert [(one.name, one.drop) for one in documents] == [("a", "unfinished_proof"), ("b", None)]


# a proof as a tree: a leaf is a terminal step, a node is proof .. qed with goals inside
PROOFS = st.recursive(
    st.sampled_from(["by", "..", ".", "done"]),
    lambda inner: st.lists(st.tuples(st.sampled_from(["have", "show", "obtain"]), inner), max_size=3),
    max_leaves=12,
)
NOISE = [
    "(* c *)",
    "text \\<open>t\\<close>",
    "section \\<open>s\\<close>",
    "thm refl",
    "sledgehammer",
    "ML_val \\<open>1\\<close>",
]
BETWEEN = [
    'definition d where "d = 0"',
    "lemmas x = y",
    "declare a[simp]",
    "(* c *)",
    "end",
    "context l begin",
    "private",
]


def lay(tree, level, out, counter):
    """Entries of the proof of one goal at ``level``, every step with a number of its own."""

    def add(word, at):
        counter[0] += 1
        out.append(entry(f"proof (prove)\ngoal (1 subgoal):\n 1. G{counter[0]}", f"{word} s{counter[0]}", at))

    if isinstance(tree, str):
        out.append(entry("proof (prove)\ngoal (1 subgoal):\n 1. G", tree, level))
        return
    add("proof", level)
    for word, inner in tree:
        add("note", level + 1)
        add(word, level + 1)
        lay(inner, level + 2, out, counter)
    add("qed", level + 1)


@settings(max_examples=150, deadline=None)
@given(st.lists(PROOFS, min_size=1, max_size=4), st.data())
def test_every_step_once_and_in_order(proofs, data):
    """Whatever proofs look like and whatever stands between their steps, with levels or without."""
    entries, expected = [BEGIN], []
    levels = data.draw(st.booleans())
    for number, tree in enumerate(proofs):
        entries.append(entry("", f'lemma t{number}: "A"', 0))
        steps: list[list[object]] = []
        lay(tree, 1, steps, [1000 * number])
        expected.append([one[1] for one in steps])
        for one in steps:
            entries += [
                entry(one[0], noise, one[2]) for noise in data.draw(st.lists(st.sampled_from(NOISE), max_size=1))
            ]
            entries.append(one)
        entries += [entry("", one, 0) for one in data.draw(st.lists(st.sampled_from(BETWEEN), max_size=2))]
    entries.append(END)
    if not levels:
        entries = [[*one[:2], None, "NA"] for one in entries]
    documents, _ = convert(entries)
    assert [[one.tactic for one in document.steps] for document in documents] == expected
    assert [document.name for document in documents] == [f"t{number}" for number in range(len(proofs))]
    assert all(document.drop is None for document in documents)
