"""Training of the models that ship: MathScore.

OpenWebMath's MathScore (arXiv 2310.06786, section 3.3) was never released with its training code. The recipe: a page is
positive if the text extracted from it has popular LaTeX commands in it; what the model sees is the text with every
piece of LaTeX taken out, so that it learns the words that go with mathematics; fastText, supervised.

What is added here: a page with one command or two, or with formulas but no popular command, is neither positive nor
negative; at most so many pages of a site for each label, so that no large site decides; evaluation on sites that the
model has not seen (folds of sites); calibration of the score on those; a report; the same model for the same seed.
"""

from __future__ import annotations

import html
import json
import math
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt

from proofpile2 import assets
from proofpile2.config import read_toml
from proofpile2.errors import ConfigError, InputError
from proofpile2.prose import split
from proofpile2.schema import unit_interval
from proofpile2.stages.language import Language
from proofpile2.stages.mathscore import NEGATIVE, POSITIVE, features, raw_scorer

__all__ = ["Recipe", "site_of", "train_mathscore"]

Floats = npt.NDArray[np.float64]
_COMMAND = re.compile(r"\\([A-Za-z]+)")
_SHARED = frozenset({"co", "com", "ac", "edu", "org", "net", "gov", "github", "gitlab", "readthedocs", "wordpress"})
_SHARED |= {"blogspot", "sourceforge", "pages", "netlify", "web"}


@dataclass(frozen=True)
class Recipe:
    """Settings of :func:`train_mathscore`.

    ``popular_needed``   popular commands of LaTeX that make a page positive; with fewer, but some, it is not used
    ``languages``        documents in other languages are not trained on
    ``per_site``         largest number of documents of one site and label
    ``min_words``        documents with fewer different words are not trained on
    ``piece_words``, ``pieces``  documents are trained on in pieces of so many words, so many from each
    ``low``, ``high``    what two scores mean, see :func:`anchored`

    The rounds are few on purpose: some thousand documents of a few hundred sites are soon learnt by heart, and then the
    log odds run to the ends and say nothing on a new site.
    """

    commands: str = "web/latex_commands.toml"
    popular_needed: int = 3
    languages: tuple[str, ...] = ("en",)
    seed: int = 1
    per_site: int = 40
    min_words: int = 8
    folds: int = 4
    dimensions: int = 16
    piece_words: int = 60
    pieces: int = 6
    epochs: int = 8
    learning_rate: float = 0.1
    word_ngrams: int = 1
    min_count: int = 4
    buckets: int = 200_000
    features_kept: int = 60_000
    low: tuple[float, float] = (0.17, 0.005)
    high: tuple[float, float] = (0.8, 0.01)


@dataclass(frozen=True)
class Example:
    key: str
    site: str
    positive: bool
    line: str


def train_mathscore(
    inputs: Sequence[str], out: str, recipe: Recipe = Recipe(), overlay: Sequence[str] = ()
) -> Mapping[str, Any]:
    """Trains on the documents of ``inputs`` and writes ``out`` (``.ftz``) with its calibration and its report.

    ``inputs`` are Parquet or JSONL files, or folders of them, with ``text`` (Markdown with formulas, as the ``html``
    stage makes it) and ``url``; a ``site`` column, where there is one, says which documents belong together. Beside
    ``out`` stand ``.toml`` (calibration and what was used), ``.report.json`` and ``.report.html``. Returns the report.
    Raises InputError where there is too little to learn from.
    """
    target = Path(out)
    if target.suffix != ".ftz":
        raise ConfigError(f"{out}: expected a name that ends in .ftz")
    popular = popular_commands(recipe.commands, overlay)
    examples = balanced(examples_of(read_documents(inputs, recipe.languages), popular, recipe), recipe)
    sites = sorted({example.site for example in examples})
    positives = sum(example.positive for example in examples)
    if min(positives, len(examples) - positives) < 10 or len(sites) < recipe.folds:
        raise InputError(
            f"MathScore needs documents with and without LaTeX of at least {recipe.folds} sites; "
            f"found {positives} with, {len(examples) - positives} without, of {len(sites)} sites"
        )
    fold = folds(sites, recipe.folds)
    odds = np.zeros(len(examples))
    with tempfile.TemporaryDirectory() as folder:
        model = str(Path(folder) / "model.ftz")
        for number in range(recipe.folds):
            fit([e for e in examples if fold[e.site] != number], model, recipe, small=False)
            score = raw_scorer(model)
            for place, example in enumerate(examples):
                if fold[example.site] == number:
                    odds[place] = score(example.line)
        fit(examples, model, recipe, small=True)
        data = Path(model).read_bytes()
    labels = np.array([example.positive for example in examples])
    weights = site_weights(examples)
    slope, offset = anchored(odds, labels, weights, recipe)
    scores = 1 / (1 + np.exp(-np.clip(slope * odds + offset, -50, 50)))
    report = _report(examples, labels, scores, weights) | {"sites": len(sites), "recipe": vars(recipe)}
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    card = [
        "# Calibration of the model beside this file: score = 1 / (1 + exp(-(slope * log odds + offset)))",
        f"slope = {slope:.6f}",
        f"offset = {offset:.6f}",
        f"documents = {len(examples)}",
        f"sites = {len(sites)}",
        f"held_out_auc = {report['auc']:.4f}",
    ]
    target.with_suffix(".toml").write_text("\n".join(card) + "\n", encoding="utf-8")
    target.with_suffix(".report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    target.with_suffix(".report.html").write_text(_page(report), encoding="utf-8")
    return report


def popular_commands(name: str, overlay: Sequence[str] = ()) -> frozenset[str]:
    """Names of the LaTeX commands whose presence makes a page positive: those at or above the file's cut-off."""
    path = assets.find("filters", name, overlay)
    table = read_toml(path)
    try:
        cutoff, counts = float(table["cutoff"]), dict(table["commands"])
        return frozenset(command for command, share in counts.items() if float(share) >= cutoff)
    except (KeyError, TypeError, ValueError):
        raise ConfigError(f"{path}: expected a number cutoff and a table commands of numbers") from None


def label_of(latex: str, popular: frozenset[str], needed: int = 3) -> bool | None:
    """What a page is by its LaTeX, the second value of :func:`proofpile2.prose.split`: None is neither.

    A page with ``needed`` popular commands is mathematical, one without any formula is not. One that mentions a command
    or has letters set as formulas may be either, and teaches nothing.
    """
    if not latex:
        return False
    return sum(found[1] in popular for found in _COMMAND.finditer(latex)) >= needed or None


def site_of(url: str) -> str:
    """What pages are counted as one site: the last two labels of the host, three where the last but one is shared."""
    try:
        labels = (urlsplit(url).hostname or "").split(".")
    except ValueError:
        return ""
    return ".".join(labels[-3:] if len(labels) > 2 and labels[-2] in _SHARED else labels[-2:])


def read_documents(inputs: Sequence[str], languages: tuple[str, ...] = ("en",)) -> Iterator[tuple[str, str, str]]:
    """``(url, site, text)`` of the documents in ``languages`` of Parquet and JSONL files and of folders of them."""
    import pyarrow.json  # noqa: PLC0415
    import pyarrow.parquet  # noqa: PLC0415

    files: list[Path] = []
    for item in map(Path, inputs):
        if not item.exists():
            raise InputError(f"{item}: no such file or folder")
        files += (
            sorted(p for p in item.rglob("*") if _kind(p) and ".dropped." not in p.name) if item.is_dir() else [item]
        )
    if not files:
        raise InputError(f"no .parquet, .jsonl or .jsonl.gz files in {', '.join(inputs)}")
    judge = Language(languages=languages).load()
    for path in files:
        if _kind(path) == "parquet":
            batches = pyarrow.parquet.ParquetFile(path).iter_batches(256)
        else:
            options = pyarrow.json.ReadOptions(block_size=1 << 28)
            batches = iter(pyarrow.json.read_json(path, read_options=options).to_batches(256))
        for batch in batches:
            names = batch.schema.names
            if "text" not in names or not {"url", "site"} & set(names):
                raise InputError(f"{path}: expected columns text and url, found {', '.join(names)}")
            rows = batch.select([n for n in ("text", "url", "site") if n in names]).to_pylist()
            foreign = judge(batch.select(["text"])).column("drop").to_pylist()
            for row, reason in zip(rows, foreign, strict=True):
                url = row.get("url") or ""
                if row["text"] and reason is None:
                    yield url, row.get("site") or site_of(url), row["text"]


def _kind(path: Path) -> str:
    name = path.name
    return "parquet" if name.endswith(".parquet") else "json" if name.endswith((".jsonl", ".jsonl.gz")) else ""


def examples_of(
    documents: Iterable[tuple[str, str, str]], popular: frozenset[str], recipe: Recipe
) -> Iterator[Example]:
    for url, site, text in documents:
        line = features(text)
        label = label_of(split(text)[1], popular, recipe.popular_needed)
        if label is not None and line.count(" ") + 1 >= recipe.min_words:
            yield Example(f"{site} {url} {line[:200]}", site, label, line)


def balanced(examples: Iterable[Example], recipe: Recipe) -> list[Example]:
    """At most ``per_site`` examples of each site and label, chosen and ordered by a hash; equal lines once."""
    groups: dict[tuple[str, bool], dict[str, Example]] = defaultdict(dict)
    for example in examples:
        groups[example.site, example.positive].setdefault(example.line, example)
    seed = f"mathscore{recipe.seed}"

    def place(example: Example) -> float:
        return unit_interval(example.key, seed)

    chosen = [e for group in groups.values() for e in sorted(group.values(), key=place)[: recipe.per_site]]
    return sorted(chosen, key=place)


def fit(examples: Sequence[Example], model: str, recipe: Recipe, small: bool) -> None:
    """Trains on one thread, which is what makes fastText give the same model twice; ``small`` quantises it."""
    import fasttext  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder) / "lines.txt"
        with lines.open("w", encoding="utf-8") as file:
            for label, piece in _pieces(examples, recipe):
                file.write(f"{label} {piece}\n")
        trained = fasttext.train_supervised(
            input=str(lines),
            dim=recipe.dimensions,
            epoch=recipe.epochs,
            lr=recipe.learning_rate,
            wordNgrams=recipe.word_ngrams,
            minCount=recipe.min_count,
            bucket=recipe.buckets,
            loss="softmax",
            seed=recipe.seed,
            thread=1,
            verbose=0,
        )
        if small:
            kept = recipe.features_kept
            # a code for each number, not for each two: half a point of AUC for half a megabyte
            trained.quantize(input=str(lines), cutoff=kept, retrain=False, qnorm=True, dsub=1, thread=1, verbose=0)
        trained.save_model(model)


def _pieces(examples: Sequence[Example], recipe: Recipe) -> Iterator[tuple[str, str]]:
    """Label and words of the pieces to train on, all of one length: those of short documents say their words again.

    fastText takes the end of a line for one of its words, and would learn from it how long the pages of a kind are.
    """
    size = recipe.piece_words
    for number in range(recipe.pieces):
        for example in examples:
            line = example.line.split()
            count = max(1, min(recipe.pieces, len(line) // size))
            if number < count:
                piece = (line * -(-size // len(line)))[number::count][:size]
                yield POSITIVE if example.positive else NEGATIVE, " ".join(piece)


def site_weights(examples: Sequence[Example]) -> Floats:
    """Weights that give both labels the same total, and within a label every site the root of its number of pages."""
    counts: dict[tuple[str, bool], int] = defaultdict(int)
    for example in examples:
        counts[example.site, example.positive] += 1
    weights = np.array([1 / math.sqrt(counts[e.site, e.positive]) for e in examples])
    labels = np.array([e.positive for e in examples])
    for label in (True, False):
        weights[labels == label] /= max(weights[labels == label].sum(), 1e-9) * 2
    return weights


def anchored(odds: Floats, labels: npt.NDArray[np.bool_], weights: Floats, recipe: Recipe) -> tuple[float, float]:
    """Slope and offset with which the thresholds of the stage mean what they are used for.

    ``low = (score, share)``: that share of the pages with LaTeX, of sites not seen, score lower; ``high``: that
    share of those without score higher. OpenWebMath's two thresholds keep nearly all where LaTeX was found and little
    where it was not; a logistic fit to the labels (Platt) comes close, and puts neither threshold where it is wanted.
    """
    bottom = _quantile(odds[labels], weights[labels], recipe.low[1])
    top = _quantile(odds[~labels], weights[~labels], 1 - recipe.high[1])
    if top - bottom < 2:  # the labels are told apart all but perfectly: a soft step between them
        bottom, top = (bottom + top) / 2 - 1, (bottom + top) / 2 + 1
    ends = [math.log(score / (1 - score)) for score in (recipe.low[0], recipe.high[0])]
    slope = (ends[1] - ends[0]) / (top - bottom)
    return slope, ends[0] - slope * bottom


def _quantile(values: Floats, weights: Floats, share: float) -> float:
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order]) / weights.sum()
    return float(values[order][min(int(np.searchsorted(reached, share)), len(values) - 1)])


def folds(sites: Iterable[str], count: int) -> dict[str, int]:
    """Site -> number of its fold, by a hash."""
    ordered = sorted(set(sites), key=lambda site: unit_interval(site, "fold"))
    return {site: number % count for number, site in enumerate(ordered)}


def auc(scores: Floats, labels: npt.NDArray[np.bool_], weights: Floats | None = None) -> float:
    """Probability that a positive has the higher score than a negative, ties counting half."""
    weight = np.ones(len(scores)) if weights is None else weights
    order = np.argsort(scores, kind="stable")
    values, label, weight = scores[order], labels[order], weight[order]
    _, group = np.unique(values, return_inverse=True)
    positive = np.bincount(group, np.where(label, weight, 0.0))
    negative = np.bincount(group, np.where(label, 0.0, weight))
    below = np.cumsum(negative) - negative
    total = positive.sum() * negative.sum()
    return float((positive * (below + negative / 2)).sum() / total) if total else math.nan


def _report(
    examples: Sequence[Example], labels: npt.NDArray[np.bool_], scores: Floats, weights: Floats
) -> dict[str, Any]:
    """Figures on pages of sites that the scoring model had not seen."""
    thresholds = []
    for threshold in (0.05, 0.1, 0.17, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95):
        taken = scores >= threshold
        right = int((taken & labels).sum())
        thresholds.append(
            {
                "threshold": threshold,
                "precision": right / max(int(taken.sum()), 1),
                "recall": right / max(int(labels.sum()), 1),
                "false_positive_rate": int((taken & ~labels).sum()) / max(int((~labels).sum()), 1),
            }
        )
    reliability = []
    for low in np.arange(0, 1, 0.1):
        inside = (scores >= low) & (scores < low + 0.1 if low < 0.85 else scores <= 1)
        share = float(weights[inside & labels].sum() / max(weights[inside].sum(), 1e-12))
        reliability.append({"from": round(float(low), 1), "documents": int(inside.sum()), "positive": share})
    by_site: dict[str, list[int]] = defaultdict(list)
    for place, example in enumerate(examples):
        by_site[example.site].append(place)
    sites = [
        {
            "site": site,
            "documents": len(places),
            "positive": int(labels[places].sum()),
            "mean_score": float(scores[places].mean()),
            "auc": None if len(set(labels[places])) < 2 else auc(scores[places], labels[places]),
        }
        for site, places in by_site.items()
    ]
    wrong = sorted(range(len(examples)), key=lambda n: -abs(scores[n] - labels[n]))[:50]
    return {
        "documents": len(examples),
        "positive": int(labels.sum()),
        "auc": auc(scores, labels),
        "auc_weighted": auc(scores, labels, weights),
        "thresholds": thresholds,
        "reliability": reliability,
        "by_site": sorted(sites, key=lambda s: (-float(str(s["mean_score"])), str(s["site"]))),
        "worst": [
            {
                "key": examples[n].key.split(" ")[1],
                "site": examples[n].site,
                "has_latex": bool(labels[n]),
                "score": round(float(scores[n]), 4),
                "words": examples[n].line[:400],
            }
            for n in wrong
        ],
    }


def _page(report: Mapping[str, Any]) -> str:
    """The report as one HTML file without scripts; the reliability curve is an inline SVG."""

    def table(rows: Sequence[Mapping[str, Any]]) -> str:
        def cell(value: Any) -> str:
            return f"<td>{html.escape(f'{value:.3f}' if isinstance(value, float) else str(value))}</td>"

        head = "".join(f"<th>{html.escape(name)}</th>" for name in rows[0]) if rows else ""
        return (
            f"<table><tr>{head}</tr>{''.join('<tr>' + ''.join(map(cell, r.values())) + '</tr>' for r in rows)}</table>"
        )

    points = [(row["from"] + 0.05, row["positive"]) for row in report["reliability"] if row["documents"]]
    line = " ".join(f"{20 + 260 * x:.0f},{280 - 260 * y:.0f}" for x, y in points)
    dots = "".join(f'<circle cx="{20 + 260 * x:.0f}" cy="{280 - 260 * y:.0f}" r="4"/>' for x, y in points)
    curve = (
        '<svg width="300" height="300" viewBox="0 0 300 300"><rect x="20" y="20" width="260" height="260" fill="none" '
        'stroke="#999"/><line x1="20" y1="280" x2="280" y2="20" stroke="#bbb"/>'
        f'<polyline points="{line}" fill="none" stroke="#06c" stroke-width="2"/>{dots}</svg>'
    )
    sites = report["by_site"]
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>MathScore</title>'
        "<style>body{font:14px sans-serif;margin:2em;max-width:70em}td,th{padding:2px 8px;text-align:left;"
        "vertical-align:top;border-bottom:1px solid #ddd}</style><h1>MathScore, on sites it has not seen</h1>"
        f"<p>{report['documents']} documents of {report['sites']} sites, {report['positive']} with LaTeX. "
        f"AUC {report['auc']:.4f}; with sites weighted alike {report['auc_weighted']:.4f}.</p>"
        f"<h2>Thresholds</h2>{table(report['thresholds'])}"
        f"<h2>Reliability</h2><p>Score across, share of pages with LaTeX up.</p>{curve}{table(report['reliability'])}"
        f"<h2>Most mathematical sites</h2>{table(sites[:25])}<h2>Least mathematical sites</h2>{table(sites[-25:])}"
        f"<h2>The 50 worst mistakes</h2>{table(report['worst'])}</html>"
    )
