"""Commands that train the models of the web pipeline."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from typing import Any

from proofpile2.train import train_mathscore
from proofpile2.train_perplexity import train_perplexity

__all__ = ["commands"]


def commands(command: Callable[..., argparse.ArgumentParser], group: Any) -> None:
    """Add ``mathscore`` and ``perplexity`` to ``group``; ``command`` makes a parser for one command."""
    one = command(
        "mathscore", _mathscore, "train the MathScore classifier",
        "proofpile2 train mathscore --input out/web/extract-* --out mathscore.ftz",
        "proofpile2 run web --set mathscore.model=mathscore.ftz", to=group,
    )  # fmt: skip
    _files(one, "the model to write (.ftz); its report goes beside it")
    one.add_argument(
        "--filters", action="append", default=[], metavar="DIR", help="rule files that go before those that ship"
    )
    one = command(
        "perplexity", _perplexity, "train the n-gram model of the perplexity filter",
        "proofpile2 train perplexity --input out/web/extract-* --out perplexity.arpa.gz",
        "proofpile2 run web --set perplexity.model=perplexity.arpa.gz --set perplexity.threshold=10000", to=group,
    )  # fmt: skip
    _files(one, "the model to write (.arpa.gz); threshold and report go beside it")


def _files(one: argparse.ArgumentParser, out: str) -> None:
    one.add_argument(
        "--input", nargs="+", required=True, metavar="PATH", help="Parquet or JSON lines with text and url"
    )
    one.add_argument("--out", required=True, metavar="FILE", help=out)
    one.add_argument("--json", action="store_true", help="print JSON for machines")


def _mathscore(given: argparse.Namespace) -> int:
    report = train_mathscore(given.input, given.out, overlay=given.filters)
    return _said(given, report, f"AUC {report['auc']:.3f} on held-out sites")


def _perplexity(given: argparse.Namespace) -> int:
    report = train_perplexity(given.input, given.out)
    shuffled = report["corruptions"][0]["auc"]
    found = f"threshold {report['threshold']}, median {report['quantiles']['0.5']}, AUC {shuffled:.3f}"
    return _said(given, report, f"{found} against shuffled words, on held-out sites")


def _said(given: argparse.Namespace, report: Mapping[str, Any], text: str) -> int:
    if given.json:
        print(json.dumps(report, indent=1, ensure_ascii=False))
    else:
        print(f"{given.out}: {text}; the report stands beside it")
    return 0
