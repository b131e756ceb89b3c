"""The code rules on real files: labelled ones of many projects, and parsers of the languages as judges.

Both need a folder ``shared`` beside the repository with ``corpora/code``; the parsers are used where they are installed
(``Rscript``, ``octave-cli``, ``gap``, ``gfortran``).
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import ROOT

from proofpile2.stages.code_rules import LANGUAGES, CodeRules
from proofpile2.stages.notebooks import Notebooks

CORPUS = ROOT.parent / "shared" / "corpora" / "code"
pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="no corpus of labelled code beside the repository")
EVERY = 8
"""Every eighth gold row, so that the suite stays light; bench/code.py takes all."""


def labels():
    lines = (CORPUS / "labels.jsonl").read_text(encoding="utf-8").splitlines()
    return {(label["lang"], label["id"]): label for label in map(json.loads, lines)}


def judged(language, known, every=EVERY, only=lambda label: label["conf"] == "gold"):
    """Labels, texts and reasons of some rows."""
    name = "jupyter-notebook" if language == "jupyter" else language
    path = CORPUS / f"{name}.parquet"
    keys = [known[name, key] for key in pq.read_table(path, columns=["id"]).column("id").to_pylist()]
    chosen = [number for number, label in enumerate(keys) if only(label)][::every]
    table = pq.read_table(path, columns=["id", "content", "raw"]).take(chosen).to_pylist()
    rows = [(keys[number], row) for number, row in zip(chosen, table, strict=True)]
    texts = [row["content"] if row["content"] is not None else row["raw"].decode("latin-1") for _, row in rows]
    batch = pa.RecordBatch.from_pydict(
        {
            "id": [row["id"] for _, row in rows],
            "text": pa.array(texts, pa.large_string()),
            "subset": [language] * len(rows),
            "origin": [label["repo"] for label, _ in rows],
            "locator": [f"{label['repo']}:{label['path']}" for label, _ in rows],
        }
    )
    first: list[str | None] = [None] * len(rows)
    if language == "jupyter":
        batch = Notebooks().load()(batch)
        first = batch.column("drop").to_pylist()
    then = CodeRules(languages=(language,)).load()(batch).column("drop").to_pylist()
    return [label for label, _ in rows], texts, [a or b for a, b in zip(first, then, strict=True)]


def test_f1_on_labelled_files():
    """Macro F1 at least 0.95, no language under 0.88, and at least 95 % of each kind of noise gone; benchmark rows are
    the decontamination's."""
    known, scores, noise = labels(), {}, {}
    for language in LANGUAGES:
        truth, _, reasons = judged(language, known)
        counts = {"tp": 0, "fp": 0, "fn": 0}
        for label, reason in zip(truth, reasons, strict=True):
            keep, kept = label["label"] == "keep", reason is None
            if keep or kept:
                counts["tp" if keep and kept else "fn" if keep else "fp"] += label["cls"] != "benchmark"
            if not keep:
                noise.setdefault(label["cls"], []).append(not kept)
        scores[language] = 2 * counts["tp"] / (2 * counts["tp"] + counts["fp"] + counts["fn"])
    assert min(scores.values()) >= 0.88, scores
    assert sum(scores.values()) / len(scores) >= 0.95, scores
    gone = [flag for name in ("wrong_type", "generated", "data_dump") for flag in noise.get(name, ())]
    assert sum(gone) / len(gone) >= 0.95


PARSERS = {
    "r": lambda path: ["Rscript", "--vanilla", "-e", f"invisible(parse({json.dumps(path)}, encoding = 'UTF-8'))"],
    "fortran": lambda path: ["gfortran", "-fsyntax-only", "-w", "-cpp", "-fmax-errors=5", path],
    "gap": lambda path: [
        *("gap", "-q", "-A", "-r", "--nointeract", "-c"),
        f"QUIT_GAP(READ_AS_FUNC({json.dumps(path)}) <> fail);",
    ],
}
"""Commands that fail where a file does not parse."""


@pytest.mark.parametrize("language", sorted(PARSERS))
def test_parsers_agree(language, tmp_path: Path):
    """What goes as another language does not parse, and what stays does, by the language's own parser: nine in ten."""
    program = PARSERS[language]("")[0]
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")

    def only(label):
        listing = label["path"].endswith(".tst")  # sessions of GAP with their answers
        return not listing and (label["cls"] == "wrong_type" or (label["label"] == "keep" and label["conf"] == "gold"))

    truth, texts, reasons = judged(language, labels(), 4, only)
    few = 2 if language == "gap" else 6  # GAP takes seconds to start
    wrong = [number for number, reason in enumerate(reasons) if (reason or "").startswith("wrong_type")][:few]
    kept = [number for number, reason in enumerate(reasons) if reason is None][::10][:few]
    assert kept
    disagree = []
    for number in [*wrong, *kept]:
        path = tmp_path / f"file{number}{Path(truth[number]['path']).suffix}"
        path.write_text(texts[number], encoding="utf-8")
        done = subprocess.run(
            PARSERS[language](str(path)),
            capture_output=True,
            timeout=60,
            check=False,
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
        )
        elsewhere = b"Cannot open module file" in done.stderr or b"No such file" in done.stderr  # it needs other files
        if (done.returncode == 0 or elsewhere) != (reasons[number] is None):
            disagree.append((truth[number]["path"], reasons[number], done.stderr[-200:] + done.stdout[-200:]))
    assert len(disagree) <= 1, disagree
