"""Code rules and notebooks on a labelled corpus: precision, recall and speed per language.

    python bench/code.py ../shared/corpora/code                # table per language, gold rows
    python bench/code.py ../shared/corpora/code --mistakes     # and every mistake
    python bench/code.py ../shared/corpora/code --nbconvert    # and nbconvert's speed on the same notebooks

The corpus is a folder of ``<language>.parquet`` in The Stack's schema with ``labels.jsonl``. Speed is CPU time of one
process over the bytes of the files as they are stored, the best of ``--rounds`` passes, each with rules compiled anew,
so that nothing is remembered of the files.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from proofpile2.stages.code_rules import LANGUAGES, CodeRules
from proofpile2.stages.notebooks import Notebooks

UPSTREAM = {  # F1 of the published filters on the same rows, from the corpus' README (precision, recall)
    "agda": (0.83, 1.0), "c": (0.82, 0.31), "coq": (0.97, 0.99), "cpp": (0.82, 0.34), "fortran": (0.85, 1.0),
    "gap": (0.60, 1.0), "haskell": (1.0, 0.41), "idris": (0.93, 1.0), "isabelle": (0.75, 0.98), "julia": (0.66, 0.99),
    "jupyter": (0.86, 0.08), "lean": (1.0, 1.0), "maple": (1.0, 1.0), "matlab": (0.55, 0.98), "python": (1.0, 0.97),
    "r": (0.59, 1.0), "tex": (1.0, 0.46),
}  # fmt: skip


def rows_of(folder: Path, language: str) -> pa.RecordBatch:
    """The files of a language as rows of the pipeline, Latin-1 where they are not UTF-8."""
    path = folder / f"{'jupyter-notebook' if language == 'jupyter' else language}.parquet"
    rows = pq.read_table(path).to_pylist()
    texts = [row["content"] if row["content"] is not None else (row["raw"] or b"").decode("latin-1") for row in rows]
    repos = [row["max_stars_repo_name"] for row in rows]
    return pa.RecordBatch.from_pydict(
        {
            "id": [row["id"] for row in rows],
            "text": pa.array(texts, pa.large_string()),
            "subset": [language] * len(rows),
            "origin": repos,
            "locator": [f"{repo}:{row['max_stars_repo_path']}" for repo, row in zip(repos, rows, strict=True)],
        }
    )


def verdicts(language: str, batch: pa.RecordBatch) -> tuple[list[str | None], float]:
    """Reason or None for each row, and CPU seconds."""
    rules, notebooks = CodeRules(languages=(language,)).load(), Notebooks().load()
    pieces = [batch.slice(start, 64) for start in range(0, batch.num_rows, 64)]
    reasons: list[str | None] = []
    begin = time.process_time()
    for piece in pieces:
        first: list[str | None] = [None] * piece.num_rows
        if language == "jupyter":
            piece = notebooks(piece)
            first = piece.column("drop").to_pylist()
        then = rules(piece).column("drop").to_pylist()
        reasons += [a or b for a, b in zip(first, then, strict=True)]
    return reasons, time.process_time() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--langs", default=",".join(LANGUAGES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--mistakes", action="store_true")
    parser.add_argument("--nbconvert", action="store_true")
    args = parser.parse_args()
    labels: dict[tuple[str, str], dict[str, str]] = {}
    for line in (args.corpus / "labels.jsonl").read_text(encoding="utf-8").splitlines():
        label = json.loads(line)
        labels["jupyter" if label["lang"].startswith("jupyter") else label["lang"], label["id"]] = label
    scores, noise, speeds, sure = [], Counter[str](), [], []
    print(
        "| language | keep | drop | precision | recall | F1 | without benchmark rows | upstream F1 | files/s | MB/s |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for language in args.langs.split(","):
        batch = rows_of(args.corpus, language)
        rounds = [verdicts(language, batch) for _ in range(args.rounds)]
        reasons, seconds = rounds[0][0], min(seconds for _, seconds in rounds)
        size = sum(len(text.encode("utf-8", "replace")) for text in batch.column("text").to_pylist())
        counts, mistakes = Counter[str](), []
        for key, path, reason in zip(
            batch.column("id").to_pylist(), batch.column("locator").to_pylist(), reasons, strict=True
        ):
            label = labels[language, key]
            if label["conf"] != "gold":
                continue
            keep, kept = label["label"] == "keep", reason is None
            kind = ("t" if keep == kept else "f") + ("p" if kept else "n")
            counts[kind] += 1
            counts["benchmark"] += kind == "fp" and label["cls"] == "benchmark"
            noise[label["cls"] + (":gone" if not kept else ":kept")] += not keep
            if keep != kept:
                mistakes.append(f"    {label['cls']:10} {reason or 'keep':24} {path}")
        precision = counts["tp"] / max(1, counts["tp"] + counts["fp"])
        recall = counts["tp"] / max(1, counts["tp"] + counts["fn"])
        f1 = 2 * counts["tp"] / max(1, 2 * counts["tp"] + counts["fp"] + counts["fn"])
        sans = 2 * counts["tp"] / max(1, 2 * counts["tp"] + counts["fp"] - counts["benchmark"] + counts["fn"])
        p, r = UPSTREAM[language]
        scores.append(f1)
        sure.append(sans)
        speeds.append(size / seconds / 1e6)
        keeps, drops = counts["tp"] + counts["fn"], counts["fp"] + counts["tn"]
        print(
            f"| {language} | {keeps} | {drops} | {precision:.3f} | {recall:.3f} | {f1:.3f} | {sans:.3f} |"
            f" {2 * p * r / (p + r):.2f} | {len(reasons) / seconds:,.0f} | {speeds[-1]:.0f} |"
        )
        if args.mistakes:
            print("\n".join(mistakes))
    median = sorted(speeds)[len(speeds) // 2]
    print(f"\nmacro F1 {sum(scores) / len(scores):.3f}, without benchmark rows {sum(sure) / len(sure):.3f}")
    print(f"median {median:.0f} MB/s, slowest {min(speeds):.0f} MB/s")
    for name in sorted({key.partition(":")[0] for key in noise}):
        gone, kept = noise[name + ":gone"], noise[name + ":kept"]
        if gone + kept:
            print(f"{name}: {gone} of {gone + kept} gold drops gone ({gone / (gone + kept):.1%})")
    if args.nbconvert:
        compare(args.corpus)


def compare(folder: Path) -> None:
    """Files a second of our converter and of nbconvert's MarkdownExporter on the same notebooks."""
    import nbformat
    from nbconvert import MarkdownExporter

    from proofpile2.code.notebook import convert

    texts = [text for text in rows_of(folder, "jupyter").column("text").to_pylist() if text][:60]
    begin = time.process_time()
    for text in texts:
        convert(text.encode())
    ours = time.process_time() - begin
    exporter, done = MarkdownExporter(), 0
    begin = time.process_time()
    for text in texts:
        try:
            exporter.from_notebook_node(nbformat.reads(text, as_version=4))
        except Exception:  # (whatever it stumbles over, its time counts)
            continue
        done += 1
    theirs = time.process_time() - begin
    print(f"notebooks: ours {len(texts) / ours:.0f} files/s, nbconvert {done / theirs:.1f}: {theirs / ours:.0f} times")


if __name__ == "__main__":
    main()
