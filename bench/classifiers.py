"""Language, MathScore and the rules: speed on one core, and quality on the real pages of shared/corpora/web by site.

    python bench/classifiers.py                              # speed, and quality of the model that ships
    python bench/classifiers.py --train DOCS [--train ...]   # quality on sites not trained on, see below

The model that ships has seen these sites, so its figures flatter it. With ``--train`` (documents as ``proofpile2 train
mathscore`` takes them; those of the sites at hand among them) a model is trained for each fold of sites on the
documents of the others, and each page is scored by the model that has not seen its site.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pyarrow as pa
from fastwarc import ArchiveIterator

from proofpile2 import train
from proofpile2.extraction import extract
from proofpile2.stages.content_rules import ContentRules
from proofpile2.stages.language import Language
from proofpile2.stages.mathscore import MathScore, features, raw_scorer, scorer
from proofpile2.stages.prefilter import Prefilter
from proofpile2.stages.url_rules import UrlRules

CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpora" / "web"


def pages() -> list[dict]:
    """The corpus: manifest line, payload, extracted text and number of formulas of each page."""
    found = []
    for line in (CORPUS / "manifest.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        with (CORPUS / row["warc"]).open("rb") as file:
            file.seek(row["offset"])
            row["payload"] = next(iter(ArchiveIterator(file))).reader.read()
        started = time.process_time()
        page = extract(row["payload"].decode(row["charset"] or "utf-8", "replace"), row["url"])
        row["seconds"] = time.process_time() - started
        row["text"] = page.text
        row["formulas"] = page.formulas if isinstance(page.formulas, int) else len(page.formulas)
        found.append(row)
    return found


def batches(rows: list[dict], size: int = 128) -> list[pa.RecordBatch]:
    return [
        pa.RecordBatch.from_pydict(
            {
                "id": pa.array([row["url"] for row in part], pa.string()),
                "url": pa.array([row["url"] for row in part], pa.string()),
                "text": pa.array([row["text"] for row in part], pa.large_string()),
                "formulas": pa.array([row["formulas"] for row in part], pa.int32()),
                "_payload": pa.array([row["payload"] for row in part], pa.large_binary()),
                "_charset": pa.array([row["charset"] for row in part], pa.string()),
            }
        )
        for part in (rows[start : start + size] for start in range(0, len(rows), size))
    ]


def speed(rows: list[dict]) -> None:
    given = batches(rows)
    megabytes = sum(len(row["text"].encode()) for row in rows) / 1e6
    total = 0.0
    print(
        f"\n{len(rows)} pages, {megabytes:.1f} MB of text, CPU time of one process\n"
        "\n| stage | s | MB/s |\n|---|---|---|"
    )
    for step in (UrlRules(), Language(), MathScore(), ContentRules()):
        apply = step.load()
        apply(given[0])
        started = time.process_time()
        for batch in given:
            apply(batch)
        taken = time.process_time() - started
        total += taken
        print(f"| {step.name} | {taken:.2f} | {megabytes / taken:.1f} |")
    extraction = sum(row["seconds"] for row in rows)
    print(
        f"| together | {total:.2f} | {megabytes / total:.1f} |\n"
        f"| (extraction) | {extraction:.2f} | {megabytes / extraction:.1f} |"
    )


def dropped(step, rows: list[dict]) -> list[str | None]:
    apply = step.load()
    return [reason for batch in batches(rows) for reason in apply(batch).column("drop").to_pylist()]


def held_out(rows: list[dict], documents: list[str]) -> list[float]:
    """Scores by models that have not seen the page's site. The calibration is each model's own."""
    recipe = train.Recipe()
    popular = train.popular_commands(recipe.commands)
    examples = train.balanced(train.examples_of(train.read_documents(documents), popular, recipe), recipe)
    number = train.folds([*(row["site"] for row in rows), *(example.site for example in examples)], recipe.folds)
    odds, known = np.zeros(len(rows)), np.zeros(len(examples))
    with tempfile.TemporaryDirectory() as folder:
        for fold in range(recipe.folds):
            model = os.path.join(folder, f"{fold}.ftz")
            train.fit([example for example in examples if number[example.site] != fold], model, recipe, small=True)
            log_odds = raw_scorer(model)
            for place, row in enumerate(rows):
                if number[row["site"]] == fold:
                    odds[place] = log_odds(features(row["text"]))
            for place, example in enumerate(examples):
                if number[example.site] == fold:
                    known[place] = log_odds(example.line)
    labels = np.array([example.positive for example in examples])
    slope, offset = train.anchored(known, labels, train.site_weights(examples), recipe)
    print(
        f"{len(examples)} documents, {int(labels.sum())} with LaTeX; AUC of that label {train.auc(known, labels):.4f}"
    )
    return [float(1 / (1 + math.exp(-(slope * value + offset)))) for value in odds]


def quality(rows: list[dict], scores: list[float]) -> None:
    language, urls, content = (dropped(step, rows) for step in (Language(), UrlRules(), ContentRules()))
    prefilter = dropped(Prefilter(), rows)
    told = [(row, drop) for row, drop in zip(rows, language, strict=True) if row["language"] != "und"]
    right = [(drop is None) == (row["language"] == "en") for row, drop in told]
    mathematical = [ok for (row, _), ok in zip(told, right, strict=True) if row["is_math"]]
    print(f"\nLanguage: {np.mean(right):.4f} of {len(right)} as labelled; mathematical {np.mean(mathematical):.4f}")

    clear = [n for n, row in enumerate(rows) if row["language"] == "en" and not row["ambiguous"]]
    english = [n for n in clear if language[n] is None]
    value = np.array(scores)
    is_math = np.array([row["is_math"] for row in rows])
    found = np.array([row["formulas"] > 0 for row in rows])
    sites = {row["site"] for row in rows if row["is_math"]}

    def area(chosen: list[int]) -> float:
        return train.auc(value[chosen], is_math[chosen])

    print("\n| MathScore against `is_math`, English, not ambiguous | pages | |\n|---|---|---|")
    print(f"| AUC, all | {len(english)} | {area(english):.4f} |")
    chosen = [n for n in english if is_math[n] or rows[n]["site"] not in sites]
    print(f"| AUC, negatives of sites without mathematics only | {len(chosen)} | {area(chosen):.4f} |")
    chosen = [n for n in english if is_math[n] == found[n]]
    print(f"| AUC, where formulas were found if and only if the label says so | {len(chosen)} | {area(chosen):.4f} |")
    chosen = [n for n in english if is_math[n] and found[n]]
    print(f"| recall at 0.17, LaTeX found | {len(chosen)} | {np.mean(value[chosen] >= 0.17):.4f} |")
    chosen = [n for n in english if not is_math[n] and found[n]]
    print(f"| of the others with LaTeX found, at 0.17 or more | {len(chosen)} | {np.mean(value[chosen] >= 0.17):.4f} |")
    chosen = [n for n in english if value[n] >= 0.8]
    print(
        f"| precision at 0.8, as if no LaTeX had been found anywhere | {len(chosen)} | {is_math[chosen].mean():.4f} |"
    )
    chosen = [n for n in english if value[n] >= 0.8 and not found[n]]
    print(
        f"| precision at 0.8, no LaTeX found | {len(chosen)} | {is_math[chosen].mean() if chosen else math.nan:.4f} |"
    )

    low = np.where(found, value < 0.17, value < 0.8)
    fate = {True: Counter(), False: Counter()}
    table = defaultdict(lambda: [0, 0, 0, 0])
    lost: list[str] = []
    for n in clear:
        row = rows[n]
        reason = prefilter[n] or urls[n] or language[n] or ("low_math_score" if low[n] else None) or content[n]
        fate[row["is_math"]][reason or "kept"] += 1
        cells = table[row["site"]]
        cells[0 if row["is_math"] else 2] += 1
        cells[1 if row["is_math"] else 3] += reason is None
        if (reason is None) != row["is_math"]:
            lost.append(
                f"{'lost' if row['is_math'] else 'kept'} {value[n]:.2f} {row['formulas']:3d} {reason} {row['url']}"
            )
    for label, name in ((True, "mathematical"), (False, "clearly not")):
        count = fate[label].total()
        print(
            f"\n{name}, English: {fate[label]['kept']} of {count} kept"
            f" ({fate[label]['kept'] / count:.4f}); {dict(fate[label])}"
        )
    print("\n| site | mathematical | kept | others | kept |\n|---|---|---|---|---|")
    for site, cells in sorted(table.items()):
        print(f"| {site} | {' | '.join(map(str, cells))} |")
    print("\n" + "\n".join(sorted(lost)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", action="append", metavar="DOCS", help="documents to train on, fold by fold")
    given = parser.parse_args()
    if not CORPUS.is_dir():
        print(f"no corpus at {CORPUS}", file=sys.stderr)
        return 2
    rows = pages()
    speed(rows)
    score = scorer("mathscore.ftz")
    quality(rows, held_out(rows, given.train) if given.train else [score(features(row["text"])) for row in rows])
    return 0


if __name__ == "__main__":
    sys.exit(main())
