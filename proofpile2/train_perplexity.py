"""Training of the perplexity model: documents, balanced by site, to an n-gram model, its threshold and its report.

OpenWebMath (arXiv 2310.06786, section 3.4) used a KenLM model trained on Proof-Pile, which was not released, and two
thresholds in two scripts. Here: the words beside the formulas, of at most so many pages of a site; the estimate of
``proofpile2.ngrams``; and a threshold chosen on sites that the model has not seen.
"""

from __future__ import annotations

import heapq
import html
import json
import math
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from proofpile2.corruptions import KINDS, corrupt, in_sentences
from proofpile2.errors import ConfigError, InputError
from proofpile2.ngrams import UNK, Model, estimate, write_arpa
from proofpile2.prose import split
from proofpile2.schema import unit_interval
from proofpile2.stages.perplexity import line_of, scorer
from proofpile2.train import auc, folds, read_documents

__all__ = ["PerplexityRecipe", "train_perplexity"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PerplexityRecipe:
    """Settings of :func:`train_perplexity`.

    ``languages``    documents in other languages are not trained on
    ``per_site``     largest number of documents of one site, chosen by a hash
    ``most``         largest number of documents; where there are more, fewer of each site are taken. A document has
                     6,000 characters at most, and a word takes 150 bytes: 2 GB for as many as this
    ``min_words``    documents with fewer words beside their formulas are not trained on
    ``word_sites``   number of sites on which a word must stand to be in the vocabulary
    ``cuts``         number of sites that must use an n-gram of 1, 2, 3 ... words for it to be in the model
    ``lost``         share of documents with formulas, of sites not seen, that may lie above the threshold
    ``tested``       largest number of documents in sentences that are corrupted for the report
    """

    languages: tuple[str, ...] = ("en",)
    seed: int = 1
    per_site: int = 100
    most: int = 20_000
    min_words: int = 50
    word_sites: int = 2
    cuts: tuple[int, ...] = (1, 2, 2)
    folds: int = 4
    lost: float = 0.005
    tested: int = 3_000


@dataclass(frozen=True)
class Page:
    url: str
    site: str
    formulas: bool
    prose: bool
    line: str


def train_perplexity(inputs: Sequence[str], out: str, recipe: PerplexityRecipe = PerplexityRecipe()) -> dict[str, Any]:
    """Trains on the documents of ``inputs`` and writes ``out`` (``.arpa.gz``) with its threshold and its report.

    ``inputs`` are Parquet or JSONL files, or folders of them, with ``text`` (Markdown with formulas, as the ``html``
    stage makes it) and ``url``; a ``site`` column, where there is one, says which documents belong together. Beside
    ``out`` stand ``.toml`` (threshold and what was used), ``.report.json`` and ``.report.html``; all figures are of
    documents whose site the scoring model had not seen. The same documents give the same bytes, in any order (but of
    equal documents the report names the first). Returns the report. Raises InputError where there is too little to
    learn from, ConfigError without KenLM.
    """
    if not out.endswith(".arpa.gz"):
        raise ConfigError(f"{out}: expected a name that ends in .arpa.gz")
    pages = balanced(read_documents(inputs, recipe.languages), recipe)
    sites = sorted({page.site for page in pages})
    if len(sites) < recipe.folds or not any(page.prose for page in pages):
        raise InputError(
            f"a perplexity model needs documents of {recipe.min_words} words or more, in sentences, of at least "
            f"{recipe.folds} sites; found {len(pages)} documents of {len(sites)} sites"
        )
    fold = folds(sites, recipe.folds)
    tested = [page for page in pages if page.prose]
    tested = sorted(tested, key=lambda page: unit_interval(page.line, "tested"))[: recipe.tested]
    real, bad = np.zeros(len(pages)), {kind: np.zeros(len(tested)) for kind in KINDS}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.arpa.gz"
        for number in range(recipe.folds):
            write_arpa(fit([page for page in pages if fold[page.site] != number], recipe), file)
            perplexity = _perplexity(file)
            here = [page.line for page in pages if fold[page.site] == number]
            for place, page in enumerate(pages):
                if fold[page.site] == number:
                    real[place] = perplexity(page.line)
            for place, page in enumerate(tested):
                if fold[page.site] == number:
                    for kind, values in bad.items():
                        values[place] = perplexity(line_of(corrupt(kind, page.line, page.line, here)))
    model = fit(pages, recipe)
    report = {
        "documents": len(pages),
        "sites": len(sites),
        "words": sum(page.line.count(" ") + 1 for page in pages),
        "vocabulary": len(model.words),
        "unknown": model.unknown,
        "ngrams": [int(level.kept.sum()) for level in model.levels],
        **_report(pages, real, tested, bad, recipe),
        "recipe": vars(recipe),
    }
    target = Path(out)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_arpa(model, target)
    beside = str(target).removesuffix(".arpa.gz")
    card = [
        "# What the model beside this file was made from. The threshold goes into the setting of the stage:",
        "# proofpile2 run web --set perplexity.model=... --set perplexity.threshold=...",
        *(
            f"{name} = {report[name]}"
            for name in ("threshold", "documents", "sites", "words", "vocabulary", "unknown", "ngrams")
        ),
        f"held_out_median = {report['quantiles']['0.5']}",
        f"held_out_auc_shuffled_words = {report['corruptions'][0]['auc']:.4f}",
    ]
    Path(beside + ".toml").write_text("\n".join(card) + "\n", encoding="utf-8")
    Path(beside + ".report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    Path(beside + ".report.html").write_text(_html(report), encoding="utf-8")
    return report


def balanced(documents: Iterable[tuple[str, str, str]], recipe: PerplexityRecipe) -> list[Page]:
    """At most ``per_site`` documents of a site, those with the lowest hash, equal ones once; ordered by site and hash.

    Where that comes to more than ``most``, the number for each site is lowered until it does not, so memory is bounded
    however much is read, and the choice does not depend on the order of reading.
    """
    chosen: dict[str, list[tuple[float, str, str, bool, bool]]] = defaultdict(list)  # heaps, the highest hash on top
    lines: set[tuple[str, str]] = set()
    limit, total = recipe.per_site, 0

    def drop_from(each: str) -> None:
        lines.discard((each, heapq.heappop(chosen[each])[1]))

    for url, site, text in documents:
        line = line_of(text)
        if line.count(" ") + 1 < recipe.min_words or (site, line) in lines:
            continue
        place = unit_interval(line, f"perplexity{recipe.seed}")
        plain, latex = split(text)
        heapq.heappush(chosen[site], (-place, line, url, bool(latex), in_sentences(plain) >= 0.5))
        lines.add((site, line))
        if len(chosen[site]) > limit:
            drop_from(site)
        else:
            total += 1
        while total > recipe.most and limit > 1:
            limit -= 1
            for each in [each for each in chosen if len(chosen[each]) > limit]:
                drop_from(each)
                total -= 1
    return [
        Page(url, site, formulas, prose, line)
        for site in sorted(chosen)
        for _, line, url, formulas, prose in sorted(chosen[site], reverse=True)
    ]


def fit(pages: Sequence[Page], recipe: PerplexityRecipe) -> Model:
    """The model of ``pages``, which are ordered by site."""
    places: dict[str, set[str]] = defaultdict(set)
    for page in pages:
        for word in set(page.line.split()):
            places[word].add(page.site)
    known = sorted(word for word, found in places.items() if len(found) >= recipe.word_sites)
    number = {word: n for n, word in enumerate(known, 3)}
    sites = {site: n for n, site in enumerate(dict.fromkeys(page.site for page in pages))}
    documents = [np.array([number.get(word, UNK) for word in page.line.split()], np.int32) for page in pages]
    unknown = max(len(places) - len(known), 1)
    vocabulary = ["<unk>", "<s>", "</s>", *known]
    return estimate(documents, [sites[page.site] for page in pages], vocabulary, unknown, recipe.cuts)


def _perplexity(model: Path) -> Any:
    try:
        score = scorer(model)
    except ModuleNotFoundError:
        raise ConfigError("training measures the model with KenLM: pip install kenlm-ex") from None
    return lambda line: 10 ** min(-score(line) / (line.count(" ") + 1), 30)


def _report(
    pages: Sequence[Page], real: Floats, tested: Sequence[Page], bad: Mapping[str, Floats], recipe: PerplexityRecipe
) -> dict[str, Any]:
    formulas = np.array([page.formulas for page in pages])
    judged = real[formulas] if formulas.sum() >= 100 else real
    threshold = _rounded(float(np.quantile(judged, 1 - recipe.lost)))
    value = dict(zip((page.line for page in pages), real, strict=True))
    originals = np.array([value[page.line] for page in tested])
    corruptions = [
        {
            "kind": kind,
            "auc": auc(np.concatenate([originals, values]), np.arange(2 * len(values)) >= len(values)),
            "median": float(np.median(values)),
            "above_threshold": float(np.mean(values > threshold)),
        }
        for kind, values in bad.items()
    ]
    by_site: dict[str, list[int]] = defaultdict(list)
    for place, page in enumerate(pages):
        by_site[page.site].append(place)
    by_median = [
        {
            "site": site,
            "documents": len(places),
            "median": float(np.median(real[places])),
            "above_threshold": float(np.mean(real[places] > threshold)),
        }
        for site, places in by_site.items()
    ]
    edges = np.arange(1, 6.01, 0.1)
    shuffled = bad["shuffled words"]
    worst = sorted(range(len(pages)), key=lambda n: (-real[n], pages[n].line))
    return {
        "threshold": threshold,
        "quantiles": {str(q): round(float(np.quantile(real, q)), 1) for q in (0.01, 0.1, 0.5, 0.9, 0.99, 0.999)},
        "with_formulas": int(formulas.sum()),
        "corrupted": len(tested),
        "thresholds": [
            {
                "threshold": each,
                "documents_lost": float(np.mean(real > each)),
                "with_formulas_lost": float(np.mean(judged > each)),
                **{kind: float(np.mean(values > each)) for kind, values in bad.items()},
            }
            for each in sorted({1_000, 2_000, 3_000, 5_000, 7_500, 10_000, 15_000, 30_000, threshold})
        ],
        "corruptions": corruptions,
        "histogram": {
            "log10_from": [round(float(edge), 1) for edge in edges[:-1]],
            "pages": np.histogram(np.log10(real), edges)[0].tolist(),
            "shuffled_words": np.histogram(np.log10(shuffled), edges)[0].tolist(),
        },
        "by_site": sorted(by_median, key=lambda row: (-float(str(row["median"])), str(row["site"]))),
        "worst": [
            {
                "url": pages[n].url,
                "site": pages[n].site,
                "formulas": pages[n].formulas,
                "perplexity": round(float(real[n]), 1),
                "words": pages[n].line[:400],
            }
            for n in worst[:50]
        ],
    }


def _rounded(value: float) -> int:
    """``value`` with two figures."""
    unit: int = 10 ** max(int(math.log10(max(value, 1))) - 1, 0)
    return max(round(value / unit), 1) * unit


def _html(report: Mapping[str, Any]) -> str:
    """The report as one HTML file without scripts."""

    def table(rows: Sequence[Mapping[str, Any]]) -> str:
        def cell(value: Any) -> str:
            return f"<td>{html.escape(f'{value:.4g}' if isinstance(value, float) else str(value))}</td>"

        head = "".join(f"<th>{html.escape(name)}</th>" for name in rows[0])
        body = "".join(f"<tr>{''.join(map(cell, row.values()))}</tr>" for row in rows)
        return f"<table><tr>{head}</tr>{body}</table>"

    bars = []
    for name, colour in (("pages", "#06c"), ("shuffled_words", "#c60")):
        counts = report["histogram"][name]
        points = " ".join(f"{10 + 10 * n},{210 - 200 * count / max(*counts, 1):.0f}" for n, count in enumerate(counts))
        bars.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
    labels = "".join(
        f'<text x="{10 + 100 * n}" y="228" font-size="12">{label}</text>'
        for n, label in enumerate(("10", "100", "1,000", "10,000", "100,000"))
    )
    picture = f'<svg width="530" height="235" viewBox="0 0 530 235">{"".join(bars)}{labels}</svg>'
    quantiles = [{"share below": share, "perplexity": value} for share, value in report["quantiles"].items()]
    sites = report["by_site"]
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Perplexity</title>'
        "<style>body{font:14px sans-serif;margin:2em;max-width:80em}td,th{padding:2px 8px;text-align:left;"
        "vertical-align:top;border-bottom:1px solid #ddd}</style><h1>Perplexity, on sites the model has not seen</h1>"
        f"<p>{report['documents']} documents of {report['sites']} sites, {report['words']} words; vocabulary "
        f"{report['vocabulary']}, n-grams {report['ngrams']}. Threshold {report['threshold']}.</p>"
        f"{table(quantiles)}<h2>Pages (blue) and the same with their words shuffled (orange)</h2>{picture}"
        f"<h2>Against corrupted pages</h2>{table(report['corruptions'])}"
        f"<h2>Shares above thresholds</h2>{table(report['thresholds'])}"
        f"<h2>The 50 highest</h2>{table(report['worst'])}<h2>Sites by median</h2>{table(sites)}</html>"
    )
