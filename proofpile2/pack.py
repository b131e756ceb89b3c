"""From final Parquet to training-ready binaries: tokenize each file, merge each component, mix.

Three kinds of directories, each with the fingerprint of what made it in its name, as the passes of a pipeline have:
``tokens-<component>-<fingerprint>`` (a shard a file), ``packed-<component>-<fingerprint>`` (what trainers read, split
by split) and ``mixture-<fingerprint>`` (weights, epochs, order). Done is a receipt, so the same command goes on where
a stopped one was; other weights make another mixture and touch nothing else; a component more tokenizes that one
alone.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tqdm import tqdm

from proofpile2 import manifest, shards
from proofpile2.config import nearest
from proofpile2.errors import ConfigError, MissingFile
from proofpile2.executors import Executor, Failure, Serial
from proofpile2.manifest import Manifest, Receipt
from proofpile2.packing import components, mixture, neox, tokens
from proofpile2.packing.components import SPLITS, Part
from proofpile2.packing.merge import MergeSplit
from proofpile2.packing.settings import Component, Mixture, is_mixture, load
from proofpile2.packing.tokenize import DOCS, TokenizePart
from proofpile2.packing.tokens import Spec
from proofpile2.shards import join
from proofpile2.step import Task

__all__ = ["Component", "Mixture", "Outcome", "Progress", "is_mixture", "load", "run", "status"]

VERSION = 1
"""Raised when the same settings give other binaries."""

SMALL = 1 << 27
"""Tokens below which the merge is done here and now: it takes less time than a worker needs to start."""


@dataclass(frozen=True)
class Outcome:
    """``facts`` is the ``mixture.json`` that was written (empty after a failure), ``folder`` where it is."""

    folder: str
    facts: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()


@dataclass(frozen=True)
class Progress:
    """How far a component is: files to tokenize and those done, and whether its binaries are there."""

    name: str
    weight: float
    files: int
    files_done: int
    packed: bool
    shards: str
    binaries: str


@dataclass(frozen=True)
class _Job:
    """One component on its way."""

    component: Component
    parts: tuple[Part, ...]
    shards: str  # directory of the shards
    packed: str  # directory of the binaries
    token_mark: str
    packed_mark: str
    recipe: Mapping[str, Any]
    receipts: tuple[Receipt, ...] = ()
    splits: Mapping[str, Receipt] = field(default_factory=dict)


def run(
    plan: Mixture,
    out: str,
    executor: Executor,
    places: Mapping[str, Sequence[str]] | None = None,
    leave_out: Sequence[str] = (),
    quiet: bool = True,
) -> Outcome:
    """Make what is not made yet, under ``out/<name of the mixture>``.

    ``places`` says where a component's documents are (component -> folders, files, globs), where they are not under
    ``out``; ``leave_out`` names the components to do without, whose weights fall to the others. MissingFile for any
    other component that is not there, ConfigError for a name that is none.
    """
    chosen = _chosen(plan, out, places or {}, leave_out)
    spec = tokens.read(plan.tokenizer, plan.end_of_document)
    root = join(out, plan.name)
    tokenizer = f"tokenizer-{spec.digest[:12]}{spec.suffix}"
    if not shards.exists(join(root, tokenizer)):
        shards.write_bytes(join(root, tokenizer), spec.data)
    jobs = [_job(plan, spec, root, component, parts) for component, parts in chosen]
    pending = [job for job in jobs if not shards.exists(join(job.packed, "manifest.json"))]
    todo = [job for job in pending if not shards.exists(join(job.shards, "manifest.json"))]
    if failures := _run(_token_tasks(plan, join(root, tokenizer), spec, todo), executor, "tokenize", quiet):
        return Outcome("", {}, failures=tuple(failures))
    for job in todo:
        receipts = [manifest.read(join(job.shards, f"{key}.json"), Receipt) for key in _keys(job)]
        _finish(plan, f"tokens-{job.component.name}", job.shards, job.token_mark, job.recipe, receipts, ".bin")
    merging = _merge_tasks(plan, spec, pending)
    small = sum(task.tokens for task in merging) < SMALL
    if failures := _run(merging, Serial() if small else executor, "merge", quiet):
        return Outcome("", {}, failures=tuple(failures))
    for job in pending:
        receipts = [manifest.read(join(job.packed, f"{split}.json"), Receipt) for split in SPLITS]
        recipe = {"before": job.token_mark, **_packed_recipe(plan)}
        _finish(plan, f"packed-{job.component.name}", job.packed, job.packed_mark, recipe, receipts, ".bin")
    done = [
        replace(job, splits={split: manifest.read(join(job.packed, f"{split}.json"), Receipt) for split in SPLITS})
        for job in jobs
    ]
    return _mix(plan, spec, root, tokenizer, done)


def status(
    plan: Mixture, out: str, places: Mapping[str, Sequence[str]] | None = None, leave_out: Sequence[str] = ()
) -> list[Progress]:
    """How far :func:`run` with the same arguments is, component by component; the same errors."""
    chosen = _chosen(plan, out, places or {}, leave_out)
    spec = tokens.read(plan.tokenizer, plan.end_of_document)
    found = []
    for job in (_job(plan, spec, join(out, plan.name), component, parts) for component, parts in chosen):
        packed, there = shards.exists(join(job.packed, "manifest.json")), set(shards.listdir(job.shards))
        done = len(job.parts) if packed else sum(f"{key}.json" in there for key in _keys(job))
        found.append(
            Progress(job.component.name, job.component.weight, len(job.parts), done, packed, job.shards, job.packed)
        )
    return found


def _chosen(
    plan: Mixture, out: str, places: Mapping[str, Sequence[str]], leave_out: Sequence[str]
) -> list[tuple[Component, list[Part]]]:
    known = [one.name for one in plan.components]
    for name in [*places, *leave_out]:
        if name not in known:
            raise ConfigError(f"{plan.name}: no component {name!r}{nearest(name, known)}")
    chosen, missing = [], []
    for one in plan.components:
        if one.name in leave_out:
            continue
        where = list(places.get(one.name) or one.input or ([join(out, one.made_by)] if one.made_by else []))
        try:
            parts = components.find(where)
        except MissingFile as error:
            if one.name in places or one.input:
                raise MissingFile(f"component {one.name}: {error}") from None
            parts = []
        if parts:
            chosen.append((one, parts))
        else:
            maker = (
                f"`proofpile2 run {one.made_by} --out {out}` makes it"
                if one.made_by
                else "no pipeline of ours makes it: any Parquet or JSON lines with a text column will do"
            )
            missing.append(f"  {one.name}: {maker}; or --component {one.name}=PATH; or --leave-out {one.name}")
    if missing:
        raise MissingFile("components without documents:\n" + "\n".join(missing))
    if not chosen:
        raise ConfigError(f"{plan.name}: every component is left out")
    return chosen


def _packed_recipe(plan: Mixture) -> dict[str, Any]:
    recipe: dict[str, Any] = {"order": plan.order, "formats": sorted(plan.formats), "steps": []}
    if {"npy", "parquet"} & set(plan.formats):  # nothing else depends on these
        recipe |= {"packing": plan.packing, "length": plan.length}
        recipe |= {"seed": plan.seed} if plan.packing == "best_fit" else {}
    return recipe


def _job(plan: Mixture, spec: Spec, root: str, one: Component, parts: Sequence[Part]) -> _Job:
    recipe = {
        "format": manifest.FORMAT, "version": VERSION, "tokenizer": spec.digest, "end": spec.end, "text": one.text,
        "order": plan.order, "seed": plan.seed if plan.order == "hash" else "", "validation": plan.validation,
        "test": plan.test, "before": "", "steps": [{"name": "tokenize"}],
        "parts": [[part.name, part.mark, part.split] for part in parts],
    }  # fmt: skip
    token_mark = manifest.fingerprint(recipe)
    packed_mark = manifest.fingerprint([token_mark, _packed_recipe(plan)])
    return _Job(
        one, tuple(parts), join(root, f"tokens-{one.name}-{token_mark[:12]}"),
        join(root, f"packed-{one.name}-{packed_mark[:12]}"), token_mark, packed_mark, recipe,
    )  # fmt: skip


def _keys(job: _Job) -> list[str]:
    return [f"part-{n:05d}-of-{len(job.parts):05d}" for n in range(len(job.parts))]


def _token_tasks(plan: Mixture, tokenizer: str, spec: Spec, jobs: Sequence[_Job]) -> list[Task]:
    tasks: list[Task] = []
    for job in jobs:
        there = set(shards.listdir(job.shards))
        for n, (key, part) in enumerate(zip(_keys(job), job.parts, strict=True)):
            if f"{key}.json" not in there:
                mark = manifest.fingerprint([job.token_mark, part.name, part.mark])
                tasks.append(
                    TokenizePart(
                        key, job.shards, mark, part, n, tokenizer, spec.end_token, job.component.text, plan.engine,
                        plan.order, plan.seed, plan.validation, plan.test,
                    )
                )  # fmt: skip
    return tasks


def _merge_tasks(plan: Mixture, spec: Spec, jobs: Sequence[_Job]) -> list[MergeSplit]:
    tasks: list[MergeSplit] = []
    for job in jobs:
        there = set(shards.listdir(job.packed))
        keys = _keys(job)
        counts: Counter[str] = Counter()
        for key in keys:
            counts.update(manifest.read(join(job.shards, f"{key}.json"), Receipt).counts)
        for split in SPLITS:
            if f"{split}.json" in there:
                continue
            kinds = (f"/{split}/", "dropped/") if split == "train" else (f"/{split}/",)
            own = {name: n for name, n in sorted(counts.items()) if any(kind in name for kind in kinds)}
            total = {
                kind: sum(n for name, n in own.items() if name.startswith(kind)) for kind in ("tokens", "documents")
            }
            tasks.append(
                MergeSplit(
                    split, job.packed, job.packed_mark, tuple(join(job.shards, key) for key in keys), own,
                    total["tokens"], total["documents"], spec.dtype.str, spec.end, plan.order, plan.formats,
                    plan.packing, plan.length, plan.seed,
                )
            )  # fmt: skip
    return tasks


def _run(tasks: Sequence[Task], executor: Executor, label: str, quiet: bool) -> list[Failure]:
    failures = []
    with tqdm(total=len(tasks), desc=label, unit="part", disable=True if quiet or not tasks else None) as bar:
        for result in executor.map(tasks, _no_beat):
            if isinstance(result, Failure):
                failures.append(result)
            bar.update()
    return failures


def _no_beat(step: str, unit: str, ids: Sequence[str]) -> None:
    """Progress is counted by the part."""


def _finish(
    plan: Mixture,
    name: str,
    folder: str,
    mark: str,
    recipe: Mapping[str, Any],
    receipts: Sequence[Receipt],
    ending: str,
) -> None:
    dropped: dict[str, Counter[str]] = {}
    for receipt in receipts:
        for step, reasons in receipt.dropped.items():
            dropped.setdefault(step, Counter()).update(reasons)
    parts = {}
    for receipt in receipts:
        size = sum(facts.bytes for file, facts in receipt.files.items() if file.endswith(ending))
        parts[receipt.key] = (receipt.rows_out, size, shards.facts(join(folder, f"{receipt.key}.json")).digest)
    whole = Manifest(
        plan.name, name, mark, recipe, {item.name: str(item.type) for item in DOCS},
        sum(one.rows_in for one in receipts), sum(one.rows_out for one in receipts),
        sum(one.characters for one in receipts), {step: dict(sorted(one.items())) for step, one in dropped.items()},
        sum(len(one.notes) for one in receipts), parts,
    )  # fmt: skip
    manifest.write(join(folder, "manifest.json"), whole)
    shards.sweep(folder)


def _mix(plan: Mixture, spec: Spec, root: str, tokenizer: str, jobs: Sequence[_Job]) -> Outcome:
    facts = _facts(plan, spec, tokenizer, jobs)
    mark = manifest.fingerprint(facts)
    folder = join(root, f"mixture-{mark[:12]}")
    data = (json.dumps(facts, indent=1, ensure_ascii=False) + "\n").encode()
    if not shards.exists(join(folder, "mixture.json")):
        shards.write_bytes(join(folder, "mixture.json"), data)
    _configs(plan, spec, root, tokenizer, jobs, facts)
    _receipt(plan, folder, mark, jobs)
    latest = {os.path.basename(path).rpartition("-")[0]: os.path.basename(path)
              for job in jobs for path in (job.shards, job.packed) if shards.exists(path)}  # fmt: skip
    latest["mixture"] = os.path.basename(folder)
    shards.write_bytes(join(root, "latest.json"), (json.dumps(latest, indent=1) + "\n").encode())
    notes = []
    for job in jobs:
        for key in _keys(job) if shards.exists(job.shards) else ():
            receipt = manifest.read(join(job.shards, f"{key}.json"), Receipt)
            notes += [f"{job.component.name}, {receipt.units[0]}: {note}" for note in receipt.notes]
    return Outcome(folder, facts, tuple(notes))


def _receipt(plan: Mixture, folder: str, mark: str, jobs: Sequence[_Job]) -> None:
    """The mixture's receipt and manifest, so that ``verify`` knows its file."""
    rows = sum(receipt.rows_out for job in jobs for receipt in job.splits.values())
    files = {"mixture.json": shards.facts(join(folder, "mixture.json"))}
    receipt = Receipt("receipt", mark, tuple(job.packed_mark for job in jobs), rows, rows, files=files)
    manifest.write(join(folder, "receipt.json"), receipt)
    _finish(
        plan,
        "mixture",
        folder,
        mark,
        {"before": "", "steps": [], "packed": [job.packed_mark for job in jobs]},
        [receipt],
        ".json",
    )


def _facts(plan: Mixture, spec: Spec, tokenizer: str, jobs: Sequence[_Job]) -> dict[str, Any]:
    """``mixture.json``: all that a reader needs, relative to its folder."""
    packed = bool({"npy", "parquet"} & set(plan.formats))
    splits = {job.component.name: {split: _split_facts(plan, receipt, packed) for split, receipt in job.splits.items()}
              for job in jobs}  # fmt: skip
    made = mixture.shares(
        {job.component.name: job.component.weight for job in jobs},
        {name: one["train"]["tokens"] for name, one in splits.items()},
        {name: one["train"]["sequences"] for name, one in splits.items()},
        plan.budget_tokens,
        plan.length,
    )
    total = sum(share.count for share in made)
    table = {}
    for job, share in zip(jobs, made, strict=True):
        name = job.component.name
        table[name] = {
            "folder": f"../{os.path.basename(job.packed)}",
            "weight": share.weight,
            "share": round(share.count / total, 6) if total else 0.0,
            "sequences": share.sequences,
            "count": share.count,
            "epochs": round(share.epochs, 4),
            "paper_tokens": job.component.paper_tokens,
            "paper_subsets": dict(job.component.paper_subsets),
            "dropped": {name[8:]: n for name, n in job.splits["train"].counts.items() if name.startswith("dropped/")},
            "splits": splits[name],
            "subsets": _subsets(job),
        }
    return {
        "format": 1, "name": plan.name, "length": plan.length, "packing": plan.packing, "packed": "npy" in plan.formats,
        "formats": list(plan.formats), "seed": plan.seed, "vocab_size": spec.vocab_size, "dtype": spec.dtype.name,
        "end": spec.end, "end_token": spec.end_token, "tokenizer": f"../{tokenizer}", "run_tokens": total * plan.length,
        "components": table,
    }  # fmt: skip


def _split_facts(plan: Mixture, receipt: Receipt, packed: bool) -> dict[str, int]:
    count = sum(n for name, n in receipt.counts.items() if name.startswith("tokens/"))
    sequences = receipt.counts.get("sequences", 0) if packed else -(-count // plan.length)
    padding = receipt.counts.get("padding", 0) if packed else sequences * plan.length - count
    return {"documents": receipt.rows_out, "tokens": count, "sequences": sequences, "padding": padding}


def _subsets(job: _Job) -> dict[str, int]:
    """Tokens by subset (a language, a crawl), all splits together."""
    found: Counter[str] = Counter()
    for receipt in job.splits.values():
        for name, count in receipt.counts.items():
            if name.startswith("tokens/"):
                found[name.split("/", 2)[2]] += count
    return dict(sorted(found.items()))


def _configs(
    plan: Mixture, spec: Spec, root: str, tokenizer: str, jobs: Sequence[_Job], facts: Mapping[str, Any]
) -> None:
    """Ready configurations beside ``latest.json``. They hold whole paths, so every run writes them anew."""
    if "megatron" not in plan.formats:
        return

    def whole(path: str) -> str:
        return path if "://" in path else os.path.abspath(path)

    paths: dict[str, dict[str, str]] = {split: {} for split in SPLITS}
    weights: dict[str, dict[str, float]] = {split: {} for split in SPLITS}
    for job in jobs:
        one = facts["components"][job.component.name]
        for split in SPLITS:
            if one["splits"][split]["documents"] and (split != "train" or one["count"]):
                paths[split][job.component.name] = whole(join(job.packed, split))
                weights[split][job.component.name] = job.component.weight
    text = neox.neox_config(
        paths, weights, whole(join(root, tokenizer)), spec.vocab_size, plan.length, int(facts["run_tokens"])
    )
    shards.write_bytes(join(root, "neox.yml"), text.encode())
    blend = json.dumps(neox.megatron_blend(paths, weights), indent=1) + "\n"
    shards.write_bytes(join(root, "megatron_blend.json"), blend.encode())
