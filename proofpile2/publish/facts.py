"""What the data card tells of a published subset, from the manifests and receipts that travel with it."""

from __future__ import annotations

import json
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from proofpile2 import manifest, pipeline, shards
from proofpile2.errors import ConfigError, NotWhole
from proofpile2.manifest import Manifest, Receipt
from proofpile2.shards import join

__all__ = ["Amount", "Subset", "Trail", "command", "read", "tools"]

_KEY = re.compile(r"(?:(?P<language>.+)-)?(?P<split>train|validation|test)-\d{5}-of-\d{5}")


@dataclass(frozen=True)
class Amount:
    """How much there is; ``tokens`` is None where nobody counted."""

    documents: int = 0
    text_bytes: int = 0
    characters: int = 0
    file_bytes: int = 0
    tokens: int | None = None

    def __add__(self, other: Amount) -> Amount:
        tokens = None if self.tokens is None and other.tokens is None else (self.tokens or 0) + (other.tokens or 0)
        return Amount(
            self.documents + other.documents, self.text_bytes + other.text_bytes,
            self.characters + other.characters, self.file_bytes + other.file_bytes, tokens,
        )  # fmt: skip


@dataclass(frozen=True)
class Trail:
    """How one run came to its documents."""

    label: str
    manifests: tuple[Manifest, ...]
    inputs: tuple[str, ...]
    statistics: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Subset:
    """A published subset."""

    name: str
    folder: str  # in the repository
    manifest: Manifest
    amounts: Mapping[tuple[str | None, str], Amount]  # by language and split
    counts: Mapping[str, int]
    trails: tuple[Trail, ...]

    @property
    def languages(self) -> list[str]:
        """Languages with files of their own."""
        return sorted({language for language, _ in self.amounts if language is not None})

    def amount(self, language: str | None = None, split: str | None = None) -> Amount:
        """Of one language or split, or of all."""
        chosen = [n for (one, two), n in self.amounts.items() if language in (None, one) and split in (None, two)]
        return sum(chosen, Amount())

    def named(self, kind: str) -> list[tuple[str, int]]:
        """Counted names of ``license``, ``subset`` or ``source``, the commonest first."""
        head = f"{kind}="
        found = [(key[len(head) :], n) for key, n in self.counts.items() if key.startswith(head)]
        return sorted(found, key=lambda item: (-item[1], item[0]))


def read(tree: str) -> list[Subset]:
    """The subsets laid out below ``tree``; their Parquet files need not be there."""
    names = [name for name in shards.listdir(tree) if shards.exists(join(tree, name, "latest.json"))]
    return sorted((_subset(tree, name) for name in names), key=lambda one: one.name)


def _subset(tree: str, name: str) -> Subset:
    home = join(tree, name)
    try:
        folder = str(json.loads(shards.read_bytes(join(home, "latest.json")))["published"])
    except (ValueError, KeyError, TypeError):
        raise NotWhole(f"{join(home, 'latest.json')}: does not name the published folder") from None
    whole = manifest.read(join(home, folder, "manifest.json"), Manifest)
    amounts: dict[tuple[str | None, str], Amount] = {}
    counts: Counter[str] = Counter()
    for key in whole.parts:
        receipt = manifest.read(join(home, folder, f"{key}.json"), Receipt)
        found = _KEY.fullmatch(key)
        if not found:
            raise NotWhole(f"{join(home, folder)}: {key} is no name of a published file")
        group = (found["language"], found["split"])
        bytes_ = sum(one.bytes for one in receipt.files.values())
        tokens = receipt.counts.get("tokens")
        one = Amount(receipt.rows_out, receipt.counts.get("text_bytes", 0), receipt.characters, bytes_, tokens)
        amounts[group] = amounts.get(group, Amount()) + one
        _merge(counts, receipt.counts)
    trails = [_trail(join(home, "manifests"), label) for label in shards.listdir(join(home, "manifests"))]
    return Subset(name, f"{name}/{folder}", whole, amounts, counts, tuple(trails))


def _merge(counts: Counter[str], more: Mapping[str, int]) -> None:
    for key, n in more.items():
        if key == "first_day":
            counts[key] = min(counts[key] or n, n)
        elif key == "last_day":
            counts[key] = max(counts[key], n)
        else:
            counts[key] += n


def _trail(home: str, label: str) -> Trail:
    names = shards.listdir(join(home, label))
    passes = sorted((name for name in names if name[0].isdigit()), key=lambda name: int(name.partition("-")[0]))
    statistics = (
        json.loads(shards.read_bytes(join(home, label, "statistics.json"))) if "statistics.json" in names else {}
    )
    inputs = shards.read_bytes(join(home, label, "inputs.txt")).decode("utf-8", "replace").splitlines()
    manifests = tuple(manifest.read(join(home, label, name), Manifest) for name in passes)
    return Trail(label, manifests, tuple(inputs), statistics)


def parts_of(trail: Trail) -> Iterable[Mapping[str, Any]]:
    """Source and steps of a run as their recipes describe them, in order."""
    for one in trail.manifests:
        if isinstance(one.recipe["before"], dict):
            yield one.recipe["before"]
        yield from one.recipe["steps"]


def tools(trails: Iterable[Trail]) -> list[tuple[str, str, list[str]]]:
    """Library, rule file or model; version or digest; the steps that use it."""
    found: dict[tuple[str, str], list[str]] = {}
    for trail in trails:
        for part in parts_of(trail):
            for name, value in part.get("uses", {}).items():
                named = part.get("settings", {}).get(name)  # the file behind `model` or `rules`
                what = named.rsplit("/", 1)[-1] if isinstance(named, str) and named.startswith("/") else named
                generic = name in ("model", "rules", "scheme", "bands")
                what = what if isinstance(what, str) and what else f"{part['name']}: {name}" if generic else name
                users = found.setdefault((what, str(value)), [])
                if part["name"] not in users:
                    users.append(part["name"])
    return [(name, value, users) for (name, value), users in sorted(found.items())]


def command(trail: Trail) -> tuple[str, str]:
    """The command that makes a run again, and what is to be said about it."""
    last = trail.manifests[-1]
    few = len(trail.inputs) <= 3
    inputs = " ".join(shlex.quote(name) for name in trail.inputs) if few else "INPUTS"
    note = "" if few else f"INPUTS are the {len(trail.inputs):,} names in `inputs.txt`. "
    run = f"proofpile2 run {last.pipeline}"
    try:
        plan = pipeline.load(last.pipeline)
    except ConfigError:
        return f"{run} --input {inputs}", f"{note}All settings are in the recipes of the manifests."
    if plan.passes[-1].fingerprint == last.fingerprint:
        return run, "Without `--input` it reads the sample that ships with the package, which is what was done here."
    ours = [
        part for one in plan.passes for part in (one.recipe["before"], *one.recipe["steps"]) if isinstance(part, dict)
    ]
    theirs = list(parts_of(trail))
    if [part["name"] for part in ours] != [part["name"] for part in theirs]:
        return (
            f"{run} --input {inputs}",
            f"{note}The pipeline file was not the one that ships; its steps are listed above.",
        )
    flags = _flags(ours, theirs)
    if any(a.get("uses") != b.get("uses") for a, b in zip(ours, theirs, strict=True)):
        note += (
            "Rule files, models or libraries were not those of the package that wrote this card: see the table above."
        )
    return " ".join([run, "--input", inputs, *flags]), note.strip() or "All other settings are those that ship."


def _flags(ours: Sequence[Mapping[str, Any]], theirs: Sequence[Mapping[str, Any]]) -> list[str]:
    flags = []
    for n, (shipped, used) in enumerate(zip(ours, theirs, strict=True)):
        place = "source" if n == 0 else used["name"]
        for key, value in used.get("settings", {}).items():
            if key != "input" and shipped.get("settings", {}).get(key) != value:
                flags.append("--set " + shlex.quote(f"{place}.{key}={json.dumps(value, ensure_ascii=False)}"))
    return flags
