"""Perplexity: speed on one core, separation from corrupted pages, and what is dropped of shared/corpora/web.

    python bench/perplexity.py                 # the model that ships, which has seen these sites
    python bench/perplexity.py --train DOCS    # by folds of sites: each page by a model that has not seen its site

DOCS are documents as ``proofpile2 train perplexity`` takes them, those of the sites at hand among them.
"""

from __future__ import annotations

import argparse
import html
import re
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
from classifiers import CORPUS, batches, dropped, pages

from proofpile2 import assets, train_perplexity
from proofpile2.corruptions import KINDS, corrupt, in_sentences
from proofpile2.ngrams import write_arpa
from proofpile2.prose import prose
from proofpile2.stages.language import Language
from proofpile2.stages.mathscore import MathScore
from proofpile2.stages.perplexity import Perplexity, line_of, scorer
from proofpile2.train import auc, folds, read_documents

LINK = re.compile(rb"(?is)<a\b[^>]*>(.{2,200}?)</a>")
MENU = "link texts of the pages, as they are"


def speed(rows: list[dict]) -> None:
    given = batches(rows)
    megabytes = sum(len(row["text"].encode()) for row in rows) / 1e6
    started = time.process_time()
    steps = [(step.name, step.load()) for step in (Language(), MathScore(), Perplexity())]
    print(f"{len(rows)} pages, {megabytes:.1f} MB of text; loading all three {time.process_time() - started:.2f} s\n")
    taken: Counter[str] = Counter()
    for batch in given:
        for name, apply in steps:
            started = time.process_time()
            apply(batch)
            taken[name] += time.process_time() - started
    taken |= {"together": taken.total()}
    taken["(extraction)"] = sum(row["seconds"] for row in rows)
    print("| stage | s | MB/s |\n|---|---|---|")
    for name, seconds in taken.items():
        print(f"| {name} | {seconds:.2f} | {megabytes / seconds:.1f} |")


def judges(rows: list[dict], documents: list[str] | None) -> dict[str, Callable[[str], float]]:
    """Site -> perplexity of a line by a model for it."""

    def judge(model: Path) -> Callable[[str], float]:
        score = scorer(model)
        return lambda line: 10 ** min(-score(line) / (line.count(" ") + 1), 30)

    sites = {row["site"] for row in rows}
    if not documents:
        return dict.fromkeys(sites, judge(assets.find("data", Perplexity().model)))
    recipe = train_perplexity.PerplexityRecipe()
    known = train_perplexity.balanced(read_documents(documents), recipe)
    number = folds([*sites, *(page.site for page in known)], recipe.folds)
    made = []
    with tempfile.TemporaryDirectory() as folder:
        for fold in range(recipe.folds):
            model = Path(folder) / f"{fold}.arpa.gz"
            others = [page for page in known if number[page.site] != fold]
            write_arpa(train_perplexity.fit(others, recipe), model)
            made.append(judge(model))
    print(f"\n{len(known)} documents of {len({page.site for page in known})} sites, {recipe.folds} folds")
    return {site: made[number[site]] for site in sites}


def quality(rows: list[dict], judge: dict[str, Callable[[str], float]]) -> None:
    step = Perplexity()
    foreign = dropped(Language(), rows)
    rows = [row for row, reason in zip(rows, foreign, strict=True) if reason is None and row["language"] == "en"]
    plain = [prose(row["text"]) for row in rows]
    lines = [line_of(row["text"]) for row in rows]
    enough = [n for n, line in enumerate(lines) if line.count(" ") + 1 >= step.min_words]
    value = np.full(len(rows), np.nan)
    for n in enough:
        value[n] = judge[rows[n]["site"]](lines[n])
    is_math = np.array([row["is_math"] for row in rows])
    sentences = np.array([in_sentences(text) >= 0.5 for text in plain])
    links = [
        " ".join(html.unescape(re.sub(r"<[^>]*>", " ", found.decode("utf-8", "replace"))).split())
        for row in rows
        for found in LINK.findall(row["payload"])[:100]
    ]
    print(
        f"\n{len(enough)} English pages of {step.min_words} words or more, median perplexity "
        f"{np.nanmedian(value):.0f}; {np.sum(sentences[enough])} of them prose (half of the words in lines that end as "
        "sentences do)\n\n"
        "| gone bad | AUC, prose | AUC, mathematical pages | AUC, all pages | median | over the threshold |\n"
        "|---|---|---|---|---|---|"
    )
    for kind in (*KINDS, MENU):
        bad = np.full(len(rows), np.nan)
        for n in enough:
            words = len(plain[n].split())
            text = (
                "\n".join(links[(n * 9973 + k) % len(links)] for k in range(words))
                if kind == MENU
                else corrupt(kind, plain[n], rows[n]["url"], plain)
            )
            line = line_of(text)
            if line.count(" ") >= 20:
                bad[n] = judge[rows[n]["site"]](line)
        cells = []
        for chosen in (sentences, is_math, np.ones(len(rows), bool)):
            both = chosen & ~np.isnan(value) & ~np.isnan(bad)
            scores = np.concatenate([value[both], bad[both]])
            cells.append(f"{auc(scores, np.arange(len(scores)) >= both.sum()):.3f}")
        there = bad[~np.isnan(bad)]
        print(f"| {kind} | {' | '.join(cells)} | {np.median(there):.0f} | {np.mean(there > step.threshold):.2f} |")

    over = value > step.threshold
    clear = np.array([not row["ambiguous"] for row in rows])
    print(
        f"\nover {step.threshold:.0f}: {np.sum(over & is_math & clear)} of {np.sum(is_math & clear)} mathematical "
        f"pages, {np.sum(over & ~is_math & clear)} of {np.sum(~is_math & clear)} others\n"
    )
    for n in np.argsort(-np.nan_to_num(value))[: int(over.sum())]:
        print(f"{value[n]:7.0f} {'math ' if is_math[n] else 'other'} {rows[n]['url']}\n        {lines[n][150:260]}")
    by_site: dict[str, list[int]] = defaultdict(list)
    for n in enough:
        by_site[rows[n]["site"]].append(n)
    print("\n| site | pages | median | over |\n|---|---|---|---|")
    for site, places in sorted(by_site.items(), key=lambda item: -float(np.median(value[item[1]]))):
        print(f"| {site} | {len(places)} | {np.median(value[places]):.0f} | {over[places].sum()} |")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", action="append", metavar="DOCS", help="documents to train on, fold by fold")
    given = parser.parse_args()
    if not CORPUS.is_dir():
        print(f"no corpus at {CORPUS}", file=sys.stderr)
        return 2
    rows = pages()
    speed(rows)
    quality(rows, judges(rows, given.train))
    return 0


if __name__ == "__main__":
    sys.exit(main())
