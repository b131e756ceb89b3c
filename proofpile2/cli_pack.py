"""The words of packing on the command line: options of ``run`` for a mixture, ``train tokenizer``, ``tokens``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import Any

from proofpile2 import pack
from proofpile2.errors import ConfigError, MissingFile
from proofpile2.executors import Executor
from proofpile2.packing import reader, tokens
from proofpile2.train_tokenizer import train_tokenizer

__all__ = ["add_run_options", "commands", "plan_mixture", "run_mixture", "train_commands"]

Command = Callable[..., argparse.ArgumentParser]


def add_run_options(one: argparse.ArgumentParser) -> None:
    """Options of ``proofpile2 run`` that only a mixture has."""
    group = one.add_argument_group("a mixture (proofpile2 run proofpile2)")
    group.add_argument(
        "--component", action="append", default=[], metavar="NAME=PATH",
        help="where a component's documents are: a folder of ours, or Parquet or JSON lines; may be repeated",
    )  # fmt: skip
    group.add_argument("--leave-out", nargs="+", default=[], metavar="NAME", help="components to do without")
    group.add_argument(
        "--tokenizer", metavar="FILE", help="tokenizer.json, SentencePiece .model, URL or Hub repository"
    )


def run_mixture(given: argparse.Namespace, executor: Executor, overrides: Mapping[str, Any]) -> int:
    """``proofpile2 run`` for a mixture; ``overrides`` are those of ``--set``, such as ``mixture.length``."""
    plan, places = _planned(given, overrides)
    outcome = pack.run(plan, given.out, executor, places, given.leave_out, quiet=given.quiet or given.json)
    for failure in outcome.failures:
        print(f"proofpile2: failed: {failure.message}", file=sys.stderr)
    if outcome.failures:
        print("proofpile2: mend the cause and run the same command again; what is done is kept", file=sys.stderr)
        return 1
    if given.json:
        print(json.dumps({"folder": outcome.folder, **outcome.facts, "notes": outcome.notes}, indent=1))
        return 0
    seen: dict[str, list[str]] = {}
    for note in outcome.notes:
        where, _, text = note.partition(": ")
        seen.setdefault(text, []).append(where)
    for text, places_ in seen.items():
        print(f"note: {text} ({places_[0]}{f', and {len(places_) - 1} more' if places_[1:] else ''})", file=sys.stderr)
    left = [one.name for one in plan.components if one.name in given.leave_out]
    print("\n".join(table(outcome.facts, left)))
    print(f"\nmixture:  {outcome.folder}")
    if "megatron" in outcome.facts["formats"]:
        root = outcome.folder.rpartition("/")[0]
        print(f"trainers: {root}/neox.yml  {root}/megatron_blend.json")
    return 0


def _planned(given: argparse.Namespace, overrides: Mapping[str, Any]) -> tuple[pack.Mixture, dict[str, list[str]]]:
    settings: dict[str, Any] = {}
    for key, value in overrides.items():
        place, _, name = key.rpartition(".")
        if place != "mixture":
            raise ConfigError(f"--set {key}: a mixture has one place: mixture.length, mixture.packing ...")
        settings[name] = value
    if given.tokenizer:
        settings["tokenizer"] = given.tokenizer
    if given.input:
        raise ConfigError("--input: a mixture has components; name their places with --component NAME=PATH")
    places: dict[str, list[str]] = {}
    for text in given.component:
        name, sign, path = text.partition("=")
        if not sign or not path:
            raise ConfigError(f"--component {text}: expected NAME=PATH")
        places.setdefault(name, []).append(path)
    return pack.load(given.pipeline, settings), places


def plan_mixture(given: argparse.Namespace, overrides: Mapping[str, Any]) -> int:
    """``proofpile2 plan`` and ``status`` for a mixture: what is done and what is to do; nothing is changed."""
    plan, places = _planned(given, overrides)
    found = pack.status(plan, given.out, places, given.leave_out)
    if given.json:
        print(json.dumps([asdict(one) for one in found], indent=1))
        return 0
    total = sum(one.weight for one in found) or 1.0
    print(f"{plan.name}: {plan.tokenizer}, {', '.join(plan.formats)}, {plan.packing}, sequences of {plan.length:,}")
    for one in found:
        state = "done" if one.packed else "to do"
        tokenized = f"{one.files_done} of {one.files} files tokenized"
        print(f"\n{one.name}  {state}  ({tokenized}, {one.weight / total:.1%} of the run)")
        print(f"  {one.shards}\n  {one.binaries}")
    return 0


def table(facts: Mapping[str, Any], left_out: Sequence[str] = ()) -> list[str]:
    """Lines that show each component's tokens beside the paper's, its share of the run, and its epochs."""
    lines = []
    if left_out:
        lines.append(f"left out: {', '.join(left_out)}; the weights below are those of the rest")
    lines.append(f"{'component':<16}{'documents':>12}{'tokens':>16}{'paper':>16}{'weight':>9}{'share':>9}{'epochs':>9}")
    total = paper = 0
    for name, one in facts["components"].items():
        count = sum(split["tokens"] for split in one["splits"].values())
        documents = sum(split["documents"] for split in one["splits"].values())
        total, paper = total + count, paper + one["paper_tokens"]
        theirs = f"{one['paper_tokens']:,}" if one["paper_tokens"] else "-"
        lines.append(
            f"{name:<16}{documents:>12,}{count:>16,}{theirs:>16}{one['weight']:>9.4g}{one['share']:>8.1%}"
            f"{one['epochs']:>9.2f}"
        )
        subsets, known = {key: value for key, value in one["subsets"].items() if key}, one["paper_subsets"]
        for key, value in subsets.items() if len(subsets) > 1 else ():
            lines.append(f"  {key[:24]:<26}{value:>16,}{f'{known[key]:,}' if key in known else '-':>16}")
    lines.append(f"{'together':<28}{total:>16,}{paper:>16,}")
    dropped = [
        f"{name}: {', '.join(f'{reason} {n:,}' for reason, n in one['dropped'].items())}"
        for name, one in facts["components"].items()
        if one["dropped"]
    ]
    if dropped:
        lines.append("rows that are no documents: " + "; ".join(dropped))
    splits = {
        split: sum(one["splits"][split]["tokens"] for one in facts["components"].values())
        for split in ("train", "validation", "test")
    }
    lines.append("splits: " + ", ".join(f"{split} {count:,}" for split, count in splits.items()) + " tokens")
    sequences = sum(one["splits"]["train"]["sequences"] for one in facts["components"].values())
    padding = sum(one["splits"]["train"]["padding"] for one in facts["components"].values())
    waste = padding / (sequences * facts["length"]) if sequences else 0.0
    lines.append(
        f"run: {facts['run_tokens']:,} tokens in sequences of {facts['length']:,} "
        f"({facts['packing']}, padding {waste:.3%})"
    )
    return lines


def commands(command: Command) -> None:
    """Adds ``proofpile2 tokens``; ``command`` is the command line's own helper."""
    one = command(
        "tokens", show, "show packed tokens as text: a document or a sequence",
        "proofpile2 tokens out --document 7 --component web",
        "proofpile2 tokens out --sequence 12 --component code --split validation",
        "proofpile2 tokens out --step 40000 --batch 4       # what a trainer reads at a step",
    )  # fmt: skip
    one.add_argument("folder", metavar="DIR", help="what --out named, or a mixture in it")
    what = one.add_mutually_exclusive_group()
    what.add_argument("--document", type=int, metavar="K", help="document K of a component's split")
    what.add_argument("--sequence", type=int, metavar="K", help="sequence K of a component's split")
    what.add_argument("--step", type=int, metavar="N", help="the sequences of step N of the run")
    one.add_argument("--component", metavar="NAME", help="default: the first one")
    one.add_argument("--split", default="train", choices=["train", "validation", "test"])
    one.add_argument("--batch", type=int, default=1, metavar="N", help="sequences of a step (with --step)")
    one.add_argument("--json", action="store_true", help="print JSON for machines, with the ids")


def train_commands(command: Command, group: Any) -> None:
    """Adds ``proofpile2 train tokenizer`` to the group of ``train``."""
    one = command(
        "tokenizer", _train, "train a byte-level BPE",
        "proofpile2 train tokenizer --input out/web --out tokenizer.json --vocab-size 32000", to=group,
    )  # fmt: skip
    one.add_argument("--input", nargs="+", required=True, metavar="PATH", help="outputs of ours, Parquet or JSON lines")
    one.add_argument("--out", required=True, metavar="FILE", help="the tokenizer.json to write")
    one.add_argument("--vocab-size", type=int, default=32_000, metavar="N")
    one.add_argument("--text", default="text", metavar="COLUMN")
    one.add_argument("--share", type=float, default=1.0, help="share of the documents to learn from (default: all)")
    one.add_argument("--json", action="store_true", help="print JSON for machines")


def _train(given: argparse.Namespace) -> int:
    facts = train_tokenizer(given.input, given.out, given.vocab_size, given.text, given.share)
    if given.json:
        print(json.dumps(facts))
    else:
        print(f"{given.out}: {facts['vocab_size']:,} ids from {facts['documents']:,} documents")
    return 0


def show(given: argparse.Namespace) -> int:
    """``proofpile2 tokens``."""
    try:
        found = reader.open_tokens(given.folder)
    except FileNotFoundError as error:
        raise MissingFile(str(error)) from None
    name = given.component or found.components[0]
    try:
        if given.step is not None:
            return _print_step(found, given)
        part = found.part(name, given.split)
        if given.document is not None:
            return _print(
                found, given, f"{name}, {given.split}, document {given.document}", [part.document(given.document)]
            )
        if given.sequence is None:
            return _print_mixture(found, given)
        one = part.sequence(given.sequence)
    except (IndexError, KeyError) as error:
        raise ConfigError(str(error.args[0])) from None
    ends = one.cu_seqlens.tolist()
    pieces = [one.tokens[begin:end] for begin, end in pairwise(ends)]
    title = f"{name}, {given.split}, sequence {given.sequence}, documents {one.documents.tolist()}"
    return _print(found, given, title, pieces)


def _print_mixture(found: reader.TokenSet, given: argparse.Namespace) -> int:
    print(json.dumps(found.facts, indent=1, ensure_ascii=False) if given.json else "\n".join(table(found.facts)))
    return 0


def _print_step(found: reader.TokenSet, given: argparse.Namespace) -> int:
    batch = found.batch(given.step, given.batch)
    for row, component, number in zip(batch.tokens, batch.components.tolist(), batch.sequences.tolist(), strict=True):
        name = found.components[component]
        _print(found, given, f"step {given.step}: {name}, sequence {number}", [row])
    return 0


def _print(found: reader.TokenSet, given: argparse.Namespace, title: str, pieces: Sequence[Any]) -> int:
    encoder = tokens.reference(tokens.read(found.tokenizer, found.facts["end_token"]))
    texts = [encoder.decode([int(one) for one in piece]) for piece in pieces]
    if given.json:
        print(
            json.dumps({"what": title, "texts": texts, "ids": [piece.tolist() for piece in pieces]}, ensure_ascii=False)
        )
        return 0
    print(f"--- {title}")
    for n, (piece, text) in enumerate(zip(pieces, texts, strict=True)):
        if len(pieces) > 1:
            print(f"--- piece {n}: {len(piece)} tokens")
        print(text)
    return 0
