"""Language, MathScore and the rules: speed on one core, and quality on the real pages of shared/corpora/web by site.

    python bench/classifiers.py                              # speed, and quality of the model that ships
    python bench/classifiers.py --train DOCS [--train ...]   # quality on sites not trained on, see below

The model that ships has seen these sites, so its figures flatter it. With ``--train`` (documents as ``proofpile2 train
mathscore`` takes them; those of the sites at hand among them) a model is trained for each fold of sites on the
documents of the others, and each page is scored by the model that has not seen its site. A package and a site with the
same contents must have the same ``site``: the corpus's manifest says which package a page is from.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
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
from proofpile2.prose import prose, sample
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
        row["formulas"] = page.formulas
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
    print(
        f"\n{len(rows)} pages, {megabytes:.1f} MB of text, CPU time of one process, the best of five passes\n"
        "\n| stage | s | MB/s |\n|---|---|---|"
    )
    total = 0.0
    for steps in ((UrlRules(),), (Language(), MathScore()), (ContentRules(),)):
        taken = min(passed([step.load() for step in steps], given) for _ in range(5))
        total += taken
        print(f"| {', '.join(step.name for step in steps)} | {taken:.2f} | {megabytes / taken:.1f} |")
    extraction = sum(row["seconds"] for row in rows)
    print(
        f"| together | {total:.2f} | {megabytes / total:.1f} |\n"
        f"| (extraction) | {extraction:.2f} | {megabytes / extraction:.1f} |"
    )


def passed(steps: list, given: list[pa.RecordBatch]) -> float:
    """Seconds of CPU that the steps take over the batches, the text of each batch read once for all of them."""
    sample.cache_clear()
    started = time.process_time()
    for batch in given:
        for apply in steps:
            apply(batch)
    return time.process_time() - started


_SMALL = "a an and are as be but by for from has have in is it not of on or that the this to was with"
ENGLISH = frozenset(_SMALL.split())


def clear_language(row: dict) -> bool:
    """Whether the page is in one language and its label is of that one, told without the model.

    A line of eight words or more is English if a sixth of them are articles, prepositions and the like. At least 30
    words must stand in such lines. An English page has nine of ten words in English lines, and hardly a letter of
    China, Japan or Korea; a page in another language has at most one of ten words in English lines.
    """
    text = prose(row["text"])
    long = english = 0
    for line in text.splitlines():
        words = re.findall(r"[^\W\d_]+", line.lower())
        if len(words) >= 8:
            long += len(words)
            english += len(words) if sum(word in ENGLISH for word in words) * 6 >= len(words) else 0
    letters = sum(map(str.isalpha, text))
    eastern = sum(map(str.isalpha, re.findall(r"[\u3040-\u9fff\uac00-\ud7af]", text)))
    if row["language"] == "en":
        return long >= 30 and english >= 0.9 * long and eastern <= 0.01 * letters
    return (long >= 30 and english <= 0.1 * long) or eastern >= 0.5 * letters > 25


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
    clear_ones = [ok for (row, _), ok in zip(told, right, strict=True) if clear_language(row)]
    print(
        f"\nLanguage: {np.mean(right):.4f} of {len(right)} as labelled; mathematical {np.mean(mathematical):.4f}; "
        f"with a clear label {np.mean(clear_ones):.4f} of {len(clear_ones)}"
    )
    for (row, drop), ok in zip(told, right, strict=True):
        if not ok:
            print(f"  {'clear' if clear_language(row) else 'mixed'} {row['language']} {drop or 'kept'} {row['url']}")

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

    print("\nAt 0.8 or more without LaTeX, to be read:")
    print("\n".join(f"  {value[n]:.2f} is_math={is_math[n]} {rows[n]['url']}" for n in chosen if not found[n]))

    print("\n| pairs of a mathematical page and another | AUC |\n|---|---|")
    inside, outside, by_site = pairs(rows, value, english)
    print(f"| of one site | {inside:.4f} |\n| of two sites | {outside:.4f} |\n| site by site, mean | {by_site:.4f} |")

    low = np.where(found, value < 0.17, value < 0.8)
    fate = {True: Counter(), False: Counter()}
    table = defaultdict(lambda: [0, 0, 0, 0])
    scores_of = defaultdict(lambda: ([], []))
    lost: list[str] = []
    for n in clear:
        row = rows[n]
        reason = prefilter[n] or urls[n] or language[n] or ("low_math_score" if low[n] else None) or content[n]
        fate[row["is_math"]][reason or "kept"] += 1
        cells = table[row["site"]]
        cells[0 if row["is_math"] else 2] += 1
        cells[1 if row["is_math"] else 3] += reason is None
        scores_of[row["site"]][row["is_math"]].append(value[n])
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
    print(
        "\n| site | mathematical | kept | median score | others | kept | median score | AUC |"
        "\n|---|---|---|---|---|---|---|---|"
    )
    for site, cells in sorted(table.items()):
        negative, positive = scores_of[site]
        area = train.auc(np.array(negative + positive), np.array([False] * len(negative) + [True] * len(positive)))
        print(
            f"| {site} | {cells[0]} | {cells[1]} | {np.median(positive) if positive else math.nan:.2f} | {cells[2]} | "
            f"{cells[3]} | {np.median(negative) if negative else math.nan:.2f} | {area:.2f} |"
        )
    print("\n" + "\n".join(sorted(lost)))


def pairs(rows: list[dict], value: np.ndarray, chosen: list[int]) -> tuple[float, float, float]:
    """AUC over pairs within a site, over pairs across sites, and the mean of the sites with three of each or more."""
    sites = defaultdict(lambda: ([], []))
    for n in chosen:
        sites[rows[n]["site"]][0 if rows[n]["is_math"] else 1].append(value[n])
    won, count, mean = [0.0, 0.0], [0, 0], []
    for site, (positive, _) in sites.items():
        for other, (_, negative) in sites.items():
            if positive and negative:
                area = train.auc(
                    np.array(positive + negative), np.array([True] * len(positive) + [False] * len(negative))
                )
                place = int(site != other)
                won[place] += area * len(positive) * len(negative)
                count[place] += len(positive) * len(negative)
                if site == other and min(len(positive), len(negative)) >= 3:
                    mean.append(area)
    return won[0] / count[0], won[1] / count[1], float(np.mean(mean))


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
