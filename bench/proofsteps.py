"""Traces of provers to documents: MB of trace per CPU second, beside the JSON parser. By hand, never by the tests.

    python bench/proofsteps.py [--megabytes N] [FILE ...]

FILE are traces of any kind that is read; without them those of the folder `shared` beside the repository, and an
extraction in PISA's form that is made here. Each is repeated until it has N megabytes (default 20), read three times
as the source reads it, rows and column of steps included, and the fastest counts. `json.loads` of the same lines shows
what part of the time parsing alone takes.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from proofpile2.sources.traces import Traces

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = (
    "lean/Init_Data_List_Perm.jsonl", "lean/Init_Data_Int_Order.jsonl", "repl/calc.expected.out",
    "repl/infotree_theorem.expected.out", "leandojo/leandojo_benchmark_4_random_val.sample.json",
)  # fmt: skip


def pisa(size: int, assumptions: int) -> str:
    """An extraction of about ``size`` bytes: theorems with a structured proof, goals with so many assumptions."""
    count = 1 + size // (1_200 + 400 * assumptions)
    more = "".join(
        f"\\<forall>k < {n}. g (h k + {n}) \\<le> f (k + {n}) \\<Longrightarrow> " for n in range(assumptions)
    )
    rows: list[list[object]] = []
    for n in range(count):
        state = f"proof (prove)\ngoal (1 subgoal):\n 1. \\<And>x. {more}x < {n} \\<Longrightarrow> f x = g (x + {n})"
        have = f"proof (state)\nthis:\n  f x = h (x + {n})\n\ngoal (1 subgoal):\n 1. {more}f x = g (x + {n})"
        rows += [
            ["", f'lemma eq_{n} [simp]:\n  assumes "x < {n}"\n  shows "f x = g (x + {n})"', 0, ""],
            [state, "proof -", 1, ""],
            [state.replace("prove", "state"), f'have "f x = h (x + {n})"', 1, ""],
            [state, "using assms", 2, ""],
            [state, "by (simp add: f_def h_def algebra_simps)", 2, ""],
            [have, "then", 1, ""],
            [have.replace("state", "chain"), "show ?thesis", 1, ""],
            [state, "by (metis h_eq_g)", 2, ""],
            [have, "qed", 1, ""],
        ]
    return json.dumps({"problem_names": [], "translations": rows, "theory_file_path": "afp/thys/Toy/Toy.thy"})


def repeated(text: str, name: str, size: int) -> str:
    """``text`` again and again, as a tool would have written more of it."""
    times = 1 + size // len(text.encode())
    if name.endswith(".jsonl"):  # the same module again: other lines of the file
        last = max(int(line) for line in re.findall(r'"line":(\d+)', text))
        return "".join(
            re.sub(r'"line":(\d+)', lambda found, by=n * last: f'"line":{int(found[1]) + by}', text)
            for n in range(times)
        )
    if text.lstrip().startswith("["):  # other theorems of the same file
        values = json.loads(text)
        more = [one | {"start": [one["start"][0] + 1000 * n, 1]} for n in range(times) for one in values]
        return json.dumps(more)
    return "\n".join([text] * times)


def fastest(call: Callable[[], Iterable[Any]]) -> float:
    """CPU seconds of the fastest of three rounds through what ``call`` gives."""
    seconds = []
    for _ in range(3):
        before = time.process_time()
        deque(call(), maxlen=0)
        seconds.append(time.process_time() - before)
    return min(seconds)


def parse(text: str) -> int:
    """Parse the values of ``text``, one after another."""
    decode, at = json.JSONDecoder().raw_decode, 0
    blank = re.compile(r"\s*")
    while (at := blank.match(text, at).end()) < len(text):  # type: ignore[union-attr]
        _, at = decode(text, at)
    return 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--megabytes", type=float, default=20)
    given = parser.parse_args()
    size = int(given.megabytes * 1e6)
    shared = ROOT.parent / "shared" / "corpora" / "proofsteps"
    files = given.files or [shared / name for name in SAMPLES if (shared / name).exists()]
    texts = {path.name: repeated(path.read_text("utf-8"), path.name, size) for path in files}
    if not given.files:
        texts |= {f"{name}.thy_output.json": pisa(size, n) for name, n in (("short", 0), ("long", 7))}
    print(f"{'trace':<48} {'MB':>6} {'steps':>9} {'MB/s':>7} {'json MB/s':>10}")
    with tempfile.TemporaryDirectory() as folder:
        for name, text in texts.items():
            path = Path(folder) / name
            path.write_text(text, "utf-8")
            source = Traces((str(path),))
            (unit,) = source.units()

            steps = sum(sum(map(len, batch.column("steps").to_pylist())) for batch in source.read(unit, print))
            seconds = fastest(partial(source.read, unit, print))
            lines = text.splitlines() if name.endswith(".jsonl") else [text]
            alone = fastest(partial(map, parse, lines))
            megabytes = path.stat().st_size / 1e6
            print(f"{name:<48} {megabytes:>6.1f} {steps:>9,} {megabytes / seconds:>7.1f} {megabytes / alone:>10.1f}")


if __name__ == "__main__":
    main()
