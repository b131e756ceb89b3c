"""A theory as PISA would have extracted it, written by hand, and the documents it must become.

States are what Isabelle 2022 prints for such goals. Entries are ``[state, action, level, hammer]``.
"""

from __future__ import annotations


def prove(*goals: str, before: str = "") -> str:
    """``proof (prove)`` with its numbered goals."""
    return f"proof (prove)\n{before}{listed(*goals)}"


def state(*goals: str, this: str = "") -> str:
    """``proof (state)``, with the facts just proved where there are some."""
    facts = f"this:\n{this}\n\n" if this else ""
    return f"proof (state)\n{facts}{listed(*goals)}"


def listed(*goals: str) -> str:
    """``goal (n subgoals):`` and the goals."""
    if not goals:
        return "goal:\nNo subgoals!"
    lines = "\n".join(f" {number}. {goal}" for number, goal in enumerate(goals, 1))
    return f"goal ({len(goals)} subgoal{'s' if len(goals) > 1 else ''}):\n{lines}"


def entry(state_: str, action: str, level: object) -> list[object]:
    return [state_, action, level, "NA"]


ADD = "Suc m + n = Suc (m + n)"
EX = "\\<exists>y. P x y"
THESIS = "(\\<And>y. P x y \\<Longrightarrow> thesis) \\<Longrightarrow> thesis"
OR = "A \\<or> B \\<Longrightarrow> B \\<or> A"
OR_A = "A \\<Longrightarrow> B \\<or> A"
OR_B = "B \\<Longrightarrow> B \\<or> A"
LONG = (
    "\\<lbrakk>finite A; \\<And>x. x \\<in> A \\<Longrightarrow> f x = g x; a \\<in> A\\<rbrakk>\n"
    "    \\<Longrightarrow> sum f A = sum g A"
)

CASES: dict[str, tuple[list[list[object]], list[str]]] = {
    "apply .. done": (
        [
            entry("", 'lemma add_Suc_left[simp, intro!]: "Suc m + n = Suc (m + n)"', 0),
            entry(prove(ADD), "apply (induct m)", 1),
            entry(prove("Suc 0 + n = Suc (0 + n)", f"\\<And>m. {ADD}"), "apply simp_all", 1),
            entry(prove(), "done", 1),
        ],
        [
            (
                "[STATEMENT]\n"
                'lemma add_Suc_left[simp, intro!]: "Suc m + n = Suc (m + n)"\n'
                "[PROOF STATE]\n"
                "proof (prove)\ngoal (1 subgoal):\n 1. Suc m + n = Suc (m + n)\n"
                "[PROOF STEP]\n"
                "apply (induct m)\n"
                "[PROOF STATE]\n"
                "proof (prove)\ngoal (2 subgoals):\n"
                " 1. Suc 0 + n = Suc (0 + n)\n 2. \\<And>m. Suc m + n = Suc (m + n)\n"
                "[PROOF STEP]\n"
                "apply simp_all\n"
                "[PROOF STATE]\n"
                "proof (prove)\ngoal:\nNo subgoals!\n"
                "[PROOF STEP]\n"
                "done"
            )
        ],
    ),
    "anonymous, by": (
        [entry("", 'lemma "x = x"', 0), entry(prove("x = x"), "by (rule refl)", 1)],
        [
            (
                "[STATEMENT]\n"
                'lemma "x = x"\n'
                "[PROOF STATE]\n"
                "proof (prove)\ngoal (1 subgoal):\n 1. x = x\n"
                "[PROOF STEP]\n"
                "by (rule refl)"
            )
        ],
    ),
    "in a locale, with dots and primes; ..": (
        [
            entry("", 'theorem (in order) less.le_trans\': "x \\<le> x"', 0),
            entry(prove("x \\<le> x"), "..", 1),
        ],
        [
            (
                "[STATEMENT]\n"
                'theorem (in order) less.le_trans\': "x \\<le> x"\n'
                "[PROOF STATE]\n"
                "proof (prove)\ngoal (1 subgoal):\n 1. x \\<le> x\n"
                "[PROOF STEP]\n"
                ".."
            )
        ],
    ),
    "corollary with a quoted name; .": (
        [
            entry("", 'corollary "my fact" [intro]: assumes "A" shows "A"', 0),
            entry(prove("A"), "using assms", 1),
            entry(prove("A", before="using this:\n  A\n\n"), ".", 1),
        ],
        [
            (
                "[STATEMENT]\n"
                'corollary "my fact" [intro]: assumes "A" shows "A"\n'
                "[PROOF STATE]\n"
                "proof (prove)\ngoal (1 subgoal):\n 1. A\n"
                "[PROOF STEP]\n"
                "using assms\n"
                "[PROOF STATE]\n"
                "proof (prove)\nusing this:\n  A\n\ngoal (1 subgoal):\n 1. A\n"
                "[PROOF STEP]\n"
                "."
            )
        ],
    ),
    "private: PISA cuts before the keyword, after a comment": (
        [
            entry("", "(* helps below *)\n\nprivate", 0),
            entry("", 'proposition helper: "True"', 0),
            entry(prove("True"), "by simp", 1),
            entry("", 'qualified lemma helper2: "True"', 0),
            entry(prove("True"), "by simp", 1),
        ],
        [
            (
                "[STATEMENT]\n"
                'private proposition helper: "True"\n'
                "[PROOF STATE]\n"
                "proof (prove)\ngoal (1 subgoal):\n 1. True\n"
                "[PROOF STEP]\n"
                "by simp"
            ),
            (
                "[STATEMENT]\n"
                'qualified lemma helper2: "True"\n'
                "[PROOF STATE]\n"
                "proof (prove)\ngoal (1 subgoal):\n 1. True\n"
                "[PROOF STEP]\n"
                "by simp"
            ),
        ],
    ),
    "schematic goal": (
        [
            entry("", 'schematic_goal "?x + 0 = (3::nat)"', 0),
            entry(prove("?x + 0 = 3"), "by (rule add_0_right)", 1),
        ],
        [
            (
                "[STATEMENT]\n"
                'schematic_goal "?x + 0 = (3::nat)"\n'
                "[PROOF STATE]\n"
                "proof (prove)\ngoal (1 subgoal):\n 1. ?x + 0 = 3\n"
                "[PROOF STEP]\n"
                "by (rule add_0_right)"
            )
        ],
    ),
    "a long statement, a goal over two lines, tokens cut by comments": (
        [
            entry(
                "",
                "lemma sum_cong': (* the usual one *)\n"
                "  fixes f g :: \"'a \\<Rightarrow> 'b::comm_monoid_add\""
                " \\<comment> \\<open>any \\<open>sum\\<close>\\<close>\n"
                '  assumes "finite A" and eq: "\\<And>x. x \\<in> A \\<Longrightarrow> f x = g x"\n'
                "  (* obtains would do (* as well *) *)\n"
                '  shows "sum f A = sum g A (* not this one *)"',
                0,
            ),
            entry(prove(LONG), "using assms (* both *)\n    \\<comment> \\<open>eq alone fails\\<close>", 1),
            entry(
                prove(LONG, before="using this:\n  finite A\n  ?x \\<in> A \\<Longrightarrow> f ?x = g ?x\n\n"),
                "by (auto\n      simp: sum.cong (* congruence *)\n      intro: refl)",
                1,
            ),
        ],
        [
            (
                "[STATEMENT]\n"
                "lemma sum_cong':\n"
                "  fixes f g :: \"'a \\<Rightarrow> 'b::comm_monoid_add\"\n"
                '  assumes "finite A" and eq: "\\<And>x. x \\<in> A \\<Longrightarrow> f x = g x"\n'
                '  shows "sum f A = sum g A (* not this one *)"\n'
                "[PROOF STATE]\n"
                "proof (prove)\ngoal (1 subgoal):\n"
                " 1. \\<lbrakk>finite A; \\<And>x. x \\<in> A \\<Longrightarrow> f x = g x; a \\<in> A\\<rbrakk>\n"
                "    \\<Longrightarrow> sum f A = sum g A\n"
                "[PROOF STEP]\n"
                "using assms\n"
                "[PROOF STATE]\n"
                "proof (prove)\nusing this:\n  finite A\n  ?x \\<in> A \\<Longrightarrow> f ?x = g ?x\n\n"
                "goal (1 subgoal):\n"
                " 1. \\<lbrakk>finite A; \\<And>x. x \\<in> A \\<Longrightarrow> f x = g x; a \\<in> A\\<rbrakk>\n"
                "    \\<Longrightarrow> sum f A = sum g A\n"
                "[PROOF STEP]\n"
                "by (auto\n      simp: sum.cong\n      intro: refl)"
            )
        ],
    ),
    "nested blocks, with what is no step between them": (
        [
            entry("", 'theorem disj_swap: "A \\<or> B \\<Longrightarrow> B \\<or> A"', 0),
            entry(prove(OR), "text \\<open>By cases.\\<close>", 1),
            entry(prove(OR), "proof (elim disjE)", 1),
            entry(state(OR_A, OR_B), "(* first *)", 2),
            entry(state(OR_A, OR_B), "assume a: A", 2),
            entry(state(OR_A, OR_B, this="  A"), 'have "A \\<and> True"', 2),
            entry(prove("A \\<and> True"), "sledgehammer", 3),
            entry(prove("A \\<and> True"), "proof", 3),
            entry(state("A", "True"), "show A", 4),
            entry(prove("A"), "by (rule a)", 5),
            entry(state("True", this="  A"), "next", 4),
            entry(state("True"), "show True", 4),
            entry(prove("True"), "..", 5),
            entry(state(this="  True"), "qed", 4),
            entry(state(OR_A, OR_B, this="  A \\<and> True"), "then", 2),
            entry("proof (chain)\npicking this:\n  A \\<and> True", 'show "B \\<or> A"', 2),
            entry(prove("B \\<or> A", before="using this:\n  A \\<and> True\n\n"), "by blast", 3),
            entry(state(OR_B, this="  B \\<or> A"), "subsection \\<open>The other case\\<close>", 2),
            entry(state(OR_B, this="  B \\<or> A"), "next", 2),
            entry(state(OR_B), "{", 2),
            entry(state(), "fix z", 4),
            entry(state(), "}", 4),
            entry(state(OR_B), "assume B", 2),
            entry(state(OR_B, this="  B"), 'thus "B \\<or> A"', 2),
            entry(prove("B \\<or> A", before="using this:\n  B\n\n"), "ML_prf \\<open>val x = 1\\<close>", 3),
            entry(prove("B \\<or> A", before="using this:\n  B\n\n"), "..", 3),
            entry(state(), "qed", 2),
        ],
        [
            (
                "[STATEMENT]\n"
                'theorem disj_swap: "A \\<or> B \\<Longrightarrow> B \\<or> A"\n'
                "[PROOF STATE]\n"
                "proof (prove)\ngoal (1 subgoal):\n 1. A \\<or> B \\<Longrightarrow> B \\<or> A\n"
                "[PROOF STEP]\n"
                "proof (elim disjE)\n"
                "[PROOF STATE]\n"
                "proof (state)\ngoal (2 subgoals):\n"
                " 1. A \\<Longrightarrow> B \\<or> A\n 2. B \\<Longrightarrow> B \\<or> A\n"
                "[PROOF STEP]\n"
                "assume a: A\n"
                "[PROOF STATE]\n"
                "proof (state)\nthis:\n  A\n\ngoal (2 subgoals):\n"
                " 1. A \\<Longrightarrow> B \\<or> A\n 2. B \\<Longrightarrow> B \\<or> A\n"
                "[PROOF STEP]\n"
                'have "A \\<and> True"\n'
                "[PROOF STATE]\n"
                "proof (prove)\ngoal (1 subgoal):\n 1. A \\<and> True\n"
                "[PROOF STEP]\n"
                "proof\n"
                "[PROOF STATE]\n"
                "proof (state)\ngoal (2 subgoals):\n 1. A\n 2. True\n"
                "[PROOF STEP]\n"
                "show A\n"
                "[PROOF STATE]\n"
                "proof (prove)\ngoal (1 subgoal):\n 1. A\n"
                "[PROOF STEP]\n"
                "by (rule a)\n"
                "[PROOF STATE]\n"
                "proof (state)\nthis:\n  A\n\ngoal (1 subgoal):\n 1. True\n"
                "[PROOF STEP]\n"
                "next\n"
                "[PROOF STATE]\n"
                "proof (state)\ngoal (1 subgoal):\n 1. True\n"
                "[PROOF STEP]\n"
                "show True\n"
                "[PROOF STATE]\n"
                "proof (prove)\ngoal (1 subgoal):\n 1. True\n"
                "[PROOF STEP]\n"
                "..\n"
                "[PROOF STATE]\n"
                "proof (state)\nthis:\n  True\n\ngoal:\nNo subgoals!\n"
                "[PROOF STEP]\n"
                "qed\n"
                "[PROOF STATE]\n"
                "proof (state)\nthis:\n  A \\<and> True\n\ngoal (2 subgoals):\n"
                " 1. A \\<Longrightarrow> B \\<or> A\n 2. B \\<Longrightarrow> B \\<or> A\n"
                "[PROOF STEP]\n"
                "then\n"
                "[PROOF STATE]\n"
                "proof (chain)\npicking this:\n  A \\<and> True\n"
                "[PROOF STEP]\n"
                'show "B \\<or> A"\n'
                "[PROOF STATE]\n"
                "proof (prove)\nusing this:\n  A \\<and> True\n\ngoal (1 subgoal):\n 1. B \\<or> A\n"
                "[PROOF STEP]\n"
                "by blast\n"
                "[PROOF STATE]\n"
                "proof (state)\nthis:\n  B \\<or> A\n\ngoal (1 subgoal):\n 1. B \\<Longrightarrow> B \\<or> A\n"
                "[PROOF STEP]\n"
                "next\n"
                "[PROOF STATE]\n"
                "proof (state)\ngoal (1 subgoal):\n 1. B \\<Longrightarrow> B \\<or> A\n"
                "[PROOF STEP]\n"
                "{\n"
                "[PROOF STATE]\n"
                "proof (state)\ngoal:\nNo subgoals!\n"
                "[PROOF STEP]\n"
                "fix z\n"
                "[PROOF STATE]\n"
                "proof (state)\ngoal:\nNo subgoals!\n"
                "[PROOF STEP]\n"
                "}\n"
                "[PROOF STATE]\n"
                "proof (state)\ngoal (1 subgoal):\n 1. B \\<Longrightarrow> B \\<or> A\n"
                "[PROOF STEP]\n"
                "assume B\n"
                "[PROOF STATE]\n"
                "proof (state)\nthis:\n  B\n\ngoal (1 subgoal):\n 1. B \\<Longrightarrow> B \\<or> A\n"
                "[PROOF STEP]\n"
                'thus "B \\<or> A"\n'
                "[PROOF STATE]\n"
                "proof (prove)\nusing this:\n  B\n\ngoal (1 subgoal):\n 1. B \\<or> A\n"
                "[PROOF STEP]\n"
                "..\n"
                "[PROOF STATE]\n"
                "proof (state)\ngoal:\nNo subgoals!\n"
                "[PROOF STEP]\n"
                "qed"
            )
        ],
    ),
    "proof -, note, moreover, obtain; the level counts, an empty state does not": (
        [
            entry("", 'lemma\n  assumes ex: "\\<exists>y. P x y"\n  obtains z where "P x z"', 0),
            entry(prove("(\\<And>z. P x z \\<Longrightarrow> thesis) \\<Longrightarrow> thesis"), "proof -", 1),
            entry("", "note ex", 2),
            entry(state("thesis", this="  " + EX), "moreover", 2),
            entry(state("thesis"), "from ex", 2),
            entry("proof (chain)\npicking this:\n  " + EX, 'obtain y where "P x y"', 2),
            entry(prove(THESIS, before=f"using this:\n  {EX}\n\n"), "by blast", 3),
            entry(state("thesis", this="  P x y"), "ultimately", 2),
            entry("proof (chain)\npicking this:\n  P x y", "show thesis", 2),
            entry(prove("thesis"), "by (rule that)", 3),
            entry(state(this="  thesis"), "qed", 2),
        ],
        [
            (
                "[STATEMENT]\n"
                'lemma\n  assumes ex: "\\<exists>y. P x y"\n  obtains z where "P x z"\n'
                "[PROOF STATE]\n"
                "proof (prove)\ngoal (1 subgoal):\n"
                " 1. (\\<And>z. P x z \\<Longrightarrow> thesis) \\<Longrightarrow> thesis\n"
                "[PROOF STEP]\n"
                "proof -\n"
                "[PROOF STATE]\n"
                "no goals\n"
                "[PROOF STEP]\n"
                "note ex\n"
                "[PROOF STATE]\n"
                "proof (state)\nthis:\n  \\<exists>y. P x y\n\ngoal (1 subgoal):\n 1. thesis\n"
                "[PROOF STEP]\n"
                "moreover\n"
                "[PROOF STATE]\n"
                "proof (state)\ngoal (1 subgoal):\n 1. thesis\n"
                "[PROOF STEP]\n"
                "from ex\n"
                "[PROOF STATE]\n"
                "proof (chain)\npicking this:\n  \\<exists>y. P x y\n"
                "[PROOF STEP]\n"
                'obtain y where "P x y"\n'
                "[PROOF STATE]\n"
                "proof (prove)\nusing this:\n  \\<exists>y. P x y\n\ngoal (1 subgoal):\n"
                " 1. (\\<And>y. P x y \\<Longrightarrow> thesis) \\<Longrightarrow> thesis\n"
                "[PROOF STEP]\n"
                "by blast\n"
                "[PROOF STATE]\n"
                "proof (state)\nthis:\n  P x y\n\ngoal (1 subgoal):\n 1. thesis\n"
                "[PROOF STEP]\n"
                "ultimately\n"
                "[PROOF STATE]\n"
                "proof (chain)\npicking this:\n  P x y\n"
                "[PROOF STEP]\n"
                "show thesis\n"
                "[PROOF STATE]\n"
                "proof (prove)\ngoal (1 subgoal):\n 1. thesis\n"
                "[PROOF STEP]\n"
                "by (rule that)\n"
                "[PROOF STATE]\n"
                "proof (state)\nthis:\n  thesis\n\ngoal:\nNo subgoals!\n"
                "[PROOF STEP]\n"
                "qed"
            )
        ],
    ),
    "obligations of definitions and notepads are no theorems": (
        [
            entry("", "instance nat :: foo", 0),
            entry(prove("OFCLASS(nat, foo_class)"), "by standard", 1),
            entry("", 'function f where "f x = f x"', 0),
            entry(prove("P"), "apply auto", 1),
            entry(prove(), "done", 1),
            entry("", "termination", 0),
            entry(prove("All f_dom"), "by lexicographic_order", 1),
            entry("", 'lift_definition g :: "nat \\<Rightarrow> int" is int', 0),
            entry(prove("rel"), ".", 1),
            entry("", 'interpretation n: monoid "(+)" 0', 0),
            entry(prove("monoid (+) 0"), "proof", 1),
            entry(state("a"), "show a", 2),
            entry(prove("a"), "by simp", 3),
            entry(state(), "qed", 2),
            entry("", "sublocale order < preorder", 0),
            entry(prove("preorder"), "..", 1),
            entry("", 'typedef t = "{x::nat. True}"', 0),
            entry(prove("\\<exists>x. x \\<in> {x. True}"), "by blast", 1),
            entry("", "lemmas both = refl sym", 0),
            entry("", "declare refl [simp]", 0),
            entry("", "notepad begin", 0),
            entry("proof (state)", "have True", 2),
            entry(prove("True"), "by simp", 3),
            entry("proof (state)\nthis:\n  True", "end", 2),
            entry("", "thm refl", 0),
            entry("", 'lemma after: "True"', 0),
            entry(prove("True"), "by simp", 1),
        ],
        [
            (
                "[STATEMENT]\n"
                'lemma after: "True"\n'
                "[PROOF STATE]\n"
                "proof (prove)\ngoal (1 subgoal):\n 1. True\n"
                "[PROOF STEP]\n"
                "by simp"
            )
        ],
    ),
}
"""What it shows -> entries, expected documents (none of these is dropped)."""

DROPPED: dict[str, tuple[list[list[object]], str]] = {
    "sorry": (
        [entry("", 'lemma a: "P"', 0), entry(prove("P"), "apply auto", 1), entry(prove("P"), "sorry", 1)],
        "unfinished_proof",
    ),
    "sorry in a block": (
        [
            entry("", 'lemma a: "P"', 0),
            entry(prove("P"), "proof -", 1),
            entry(state("P"), "show P", 2),
            entry(prove("P"), "sorry (* for now *)", 3),
            entry(state(), "qed", 2),
        ],
        "unfinished_proof",
    ),
    "oops": ([entry("", 'lemma a: "P"', 0), entry(prove("P"), "oops", 1)], "unfinished_proof"),
    "not shown": ([entry("", 'lemma a: "P"', 0), entry(prove("P"), "\\<proof>", 1)], "unfinished_proof"),
    "no step": ([entry("", 'lemma a: "P"', 0)], "no_steps"),
    "only a look": ([entry("", 'lemma a: "P"', 0), entry(prove("P"), "nitpick [expect = none]", 1)], "no_steps"),
}
"""What it shows -> entries, reason."""
