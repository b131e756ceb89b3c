"""The commands that talk to the Hugging Face Hub."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict

from proofpile2.hub import pull, push
from proofpile2.publish.layout import SHARD_BYTES

__all__ = ["commands"]


def commands(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Add ``push`` and ``pull``; ``command(name, call, text, *examples)`` makes a parser for one command."""
    one = command(
        "push", _push, "publish what a run made as a dataset of the Hugging Face Hub",
        "proofpile2 push out user/name --dry-run             # make the files and the data card, send nothing",
        "proofpile2 push out user/name --private",
        "proofpile2 push out user/name --subset web          # other subsets in the repository stay",
        "the token comes from HF_TOKEN or from `hf auth login`; HF_ENDPOINT names another server",
    )  # fmt: skip
    one.add_argument("folder", metavar="OUT", help="what --out named, or a pipeline or pass in it")
    one.add_argument("name", metavar="USER/NAME", help="the dataset; made if it is not there")
    one.add_argument("--subset", nargs="+", default=[], metavar="NAME",
                     help="only these: open-web-math, arxiv, algebraic-stack or names of pipelines")  # fmt: skip
    one.add_argument("--private", action="store_true", help="make the dataset private")
    one.add_argument("--dry-run", action="store_true", help="verify, make all files and the card, and send nothing")
    one.add_argument(
        "--text-meta", action="store_true", help="the published set's two columns, text and meta, not the typed ones"
    )
    one.add_argument(
        "--staging", metavar="DIR", help="where the files are made before they are sent (default: OUT/hub)"
    )
    one.add_argument("--shard-bytes", type=int, default=SHARD_BYTES, metavar="N",
                     help=f"size of the published files, about (default: {SHARD_BYTES:_})")  # fmt: skip
    _common(one)

    one = command(
        "pull", _pull, "fetch a published dataset and verify it; the same command goes on after a cut",
        "proofpile2 pull user/name data",
        "proofpile2 pull user/name data --subset algebraic-stack --revision v1",
    )  # fmt: skip
    one.add_argument("name", metavar="USER/NAME", help="a dataset that proofpile2 has published")
    one.add_argument("folder", metavar="OUT", help="a folder on this machine")
    one.add_argument("--subset", nargs="+", default=[], metavar="NAME", help="only these subsets")
    one.add_argument("--revision", metavar="REV", help="a branch, tag or commit (default: main)")
    _common(one)


def _common(one: argparse.ArgumentParser) -> None:
    one.add_argument("--quiet", action="store_true", help="no progress bars")
    one.add_argument("--json", action="store_true", help="print JSON for machines")


def _push(given: argparse.Namespace) -> int:
    done = push(
        given.folder, given.name, given.subset, given.private, given.dry_run, given.text_meta, given.staging,
        shard_bytes=given.shard_bytes, quiet=given.quiet or given.json,
    )  # fmt: skip
    if given.json:
        print(json.dumps(asdict(done), indent=1, ensure_ascii=False))
        return 0
    for subset, folder in done.subsets.items():
        print(f"{subset}: {folder}")
    if done.staging:
        print(f"would send {len(done.sent)} files, {done.bytes_sent:,} bytes, to {done.url}")
        print(f"they lie in {done.staging}; read the card: {done.staging}/README.md")
    else:
        print(f"sent {len(done.sent)} files, {done.bytes_sent:,} bytes; {done.unchanged} were there already")
        print(f"published: {done.url} at {done.commit}")
    return 0


def _pull(given: argparse.Namespace) -> int:
    done = pull(given.name, given.folder, given.subset, given.revision, quiet=given.quiet or given.json)
    if given.json:
        print(json.dumps(asdict(done), indent=1, ensure_ascii=False))
        return 0
    print(f"fetched {len(done.fetched)} files; {done.unchanged} were there already; all are as the manifests say")
    for folder in done.folders:
        print(f"Parquet: {folder}")
    return 0
