"""The commands that code needs beside ``run``: GitHub's repositories, and fingerprints of benchmarks."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict

from proofpile2 import benchmarks
from proofpile2.errors import ConfigError
from proofpile2.sources import github
from proofpile2.sources.github_http import BASE, Client

__all__ = ["commands"]


def commands(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Add ``github`` and ``benchmarks``; ``command(name, call, text, *examples)`` makes a parser for one command."""
    defaults = github.Wanted()
    one = command(
        "github", _github, "find and fetch repositories of GitHub as they were at a day; the same command goes on",
        "proofpile2 github --langs lean,isabelle --out repositories",
        "proofpile2 github owner/name other/name --out repositories --cutoff 2026-01-01",
        "proofpile2 run algebraicstack --input repositories --out out",
        "GITHUB_TOKEN is sent to the server if it is set: 5,000 requests an hour instead of 60",
    )  # fmt: skip
    one.add_argument("repositories", nargs="*", metavar="OWNER/NAME", help="fetch these (default: search for them)")
    one.add_argument("--out", required=True, metavar="DIR", help="folder for what is found and fetched")
    one.add_argument("--langs", nargs="+", default=[], metavar="LANG", help="languages (default: all)")
    one.add_argument(
        "--cutoff", default=defaults.cutoff, metavar="DAY", help=f"state before this day (default: {defaults.cutoff})"
    )
    one.add_argument("--since", default=defaults.since, metavar="DAY", help=f"made since (default: {defaults.since})")
    one.add_argument("--stars", type=int, default=0, metavar="N", help="at least so many stars (default: 0)")
    one.add_argument("--most", type=int, default=0, metavar="N", help="so many of a language, by stars (default: all)")
    one.add_argument("--max-archive-bytes", type=int, default=defaults.max_archive_bytes, metavar="N",
                     help=f"larger archives are left out (default: {defaults.max_archive_bytes:_})")  # fmt: skip
    one.add_argument("--base-url", default=BASE, metavar="URL", help=f"the server (default: {BASE})")
    one.add_argument("--timeout", type=float, default=60, metavar="S", help="seconds a connection may stay silent")
    one.add_argument("--search-only", action="store_true", help="find, and fetch nothing")
    one.add_argument("--status", action="store_true", help="only say what became of each repository; no connection")
    _common(one)

    one = command(
        "benchmarks", _benchmarks, "fingerprints of benchmarks, for the stage decontaminate: make them, list them",
        "proofpile2 benchmarks list",
        "proofpile2 benchmarks make --input items.jsonl --out mine.parquet",
        "proofpile2 benchmarks make --input test.json --out leandojo.parquet     # full_name and file_path",
        "proofpile2 run algebraicstack --set decontaminate.benchmarks='[\"minif2f\", \"mine.parquet\"]'",
    )  # fmt: skip
    one.add_argument("action", choices=("make", "list"), help="make a file of fingerprints, or list those that ship")
    one.add_argument("--input", nargs="+", default=[], metavar="FILE", help="JSON, JSON lines, .lean, .thy or .v files")
    one.add_argument("--out", metavar="FILE", help="the file to write, NAME.parquet")
    one.add_argument("--name", default="", help="name of the benchmark (default: that of the file)")
    one.add_argument(
        "--field", default="", metavar="KEY", help="key of the statement or the text (default: the usual ones)"
    )
    one.add_argument("--lang", default="", choices=("", "lean", "isabelle", "coq"), help="language of the statements")
    one.add_argument("--names", default="no", choices=benchmarks.NAMES,
                     help="what a name alone is worth: nothing, a sign of a copy, or enough")  # fmt: skip
    one.add_argument("--stride", type=int, default=8, metavar="N", help="keep each Nth n-gram of texts (default: 8)")
    one.add_argument("--no-texts", action="store_true", help="formal statements only")
    _common(one)


def _common(one: argparse.ArgumentParser) -> None:
    one.add_argument("--quiet", action="store_true", help="say only what came out")
    one.add_argument("--json", action="store_true", help="print JSON for machines")


def _github(given: argparse.Namespace) -> int:
    if given.status:
        return _show(github.statuses(given.out), given.json)
    wanted = github.Wanted(
        tuple(given.langs), given.since, given.cutoff, given.stars, given.most, given.max_archive_bytes,
        repositories=tuple(given.repositories),
    )  # fmt: skip

    def say(text: str) -> None:
        if not given.quiet:
            print(text, file=sys.stderr)

    token = os.environ.get("GITHUB_TOKEN", "").strip()
    client = Client(given.base_url, token, given.timeout, say=say)
    count = github.search(given.out, wanted, client, say)
    counts = {} if given.search_only else github.fetch(given.out, wanted, client, say)
    if given.json:
        print(json.dumps({"repositories": count, "statuses": counts}, indent=1))
    else:
        print(f"{count} repositories" + "".join(f"; {name}: {number}" for name, number in counts.items()))
    return 1 if counts.get("failed") else 0


def _show(found: list[github.Status], as_json: bool) -> int:
    if as_json:
        print(json.dumps([asdict(one) for one in found], indent=1, ensure_ascii=False))
        return 0
    for one in found:
        detail = one.reason or f"{one.files} files, {one.bytes:,} bytes, at {one.revision[:12]} of {one.created[:10]}"
        print(f"{one.repository}  {one.status}  {detail}")
    return 0


def _benchmarks(given: argparse.Namespace) -> int:
    if given.action == "list":
        rows = {name: benchmarks.counts(path) for name, path in benchmarks.known().items()}
        if given.json:
            print(json.dumps(rows, indent=1))
        else:
            for name, kinds in rows.items():
                print(f"{name:10} " + ", ".join(f"{kind} {count:,}" for kind, count in kinds.items()))
        return 0
    if not given.input or not given.out:
        raise ConfigError("benchmarks make: expected --input FILES and --out FILE")
    if not given.out.endswith(".parquet"):
        raise ConfigError(f"benchmarks make: expected a name that ends in .parquet, found {given.out!r}")
    made = benchmarks.make(
        given.input, given.out, given.name, given.names, given.field, given.lang, given.stride, not given.no_texts
    )
    if given.json:
        print(json.dumps(asdict(made), indent=1, ensure_ascii=False))
        return 0
    print(f"{made.path}: {made.items} items, " + ", ".join(f"{kind} {count:,}" for kind, count in made.kinds.items()))
    if made.without:
        print(
            f"{len(made.without)} items gave no fingerprint (too short, or no language of ours): "
            + ", ".join(made.without[:5])
        )
    return 0
