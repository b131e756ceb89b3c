"""Runs a plan: pending parts, executor, progress, manifests. Running again goes on where the last run stopped."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tqdm import tqdm

from proofpile2 import dataset, manifest, shards
from proofpile2.errors import PartFailed
from proofpile2.executors import Executor, Failure
from proofpile2.funnel import add_up
from proofpile2.manifest import Manifest, Receipt
from proofpile2.pipeline import Pass, Plan
from proofpile2.shards import join
from proofpile2.sources.parts import Parts
from proofpile2.step import PartTask, Source, Task

__all__ = ["MANIFEST", "Outcome", "part_tasks", "run"]

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Outcome:
    """Manifests of the passes that are done, and what failed (then later passes were not run)."""

    manifests: tuple[Manifest, ...]
    failures: tuple[Failure, ...]


def run(
    plan: Plan,
    out: str,
    executor: Executor,
    error_budget: float = 0.001,
    keep_dropped_text: bool = False,
    quiet: bool = True,
) -> Outcome:
    """Run the passes that are not done yet, each part once; ``out`` is a folder or an fsspec URL.

    Failures of single parts are in the outcome; the other parts of the pass are finished all the same.
    """
    done: list[Manifest] = []
    for one in plan.passes:
        folder = plan.folder(out, one)
        if not shards.exists(join(folder, MANIFEST)):
            before = (plan.folder(out, plan.passes[len(done) - 1]), done[-1]) if done else None
            failures = _run_pass(plan, one, before, folder, executor, error_budget, keep_dropped_text, quiet)
            if failures:
                return Outcome(tuple(done), tuple(failures))
        done.append(manifest.read(join(folder, MANIFEST), Manifest))
    latest = {one.name: one.folder for one in plan.passes}
    shards.write_bytes(join(plan.folder(out), "latest.json"), (json.dumps(latest, indent=1) + "\n").encode())
    return Outcome(tuple(done), ())


def part_tasks(plan: Plan, one: Pass, before: tuple[str, Manifest] | None, folder: str) -> list[PartTask]:
    """The parts of a pass; ``before`` is folder and manifest of the pass before, None for the first."""
    source: Source = plan.source
    if before is None:
        units = list(plan.units)
        groups = [tuple(units[n : n + one.units_per_part]) for n in range(0, len(units), one.units_per_part)]
    else:
        files = tuple(f"{key}.parquet" for key in before[1].parts)
        source, groups = Parts(before[0], files), _grouped(before[1], one.part_bytes)
    tasks = []
    for n, group in enumerate(groups):
        key = f"part-{n:05d}-of-{len(groups):05d}"
        identity = [[unit, plan.units.get(unit, "")] for unit in group]
        whole = (one.whole.step(join(folder, "work"), n),) if one.whole else ()
        mark = manifest.fingerprint([one.recipe, identity])
        tasks.append(PartTask(key, folder, mark, source, group, (*whole, *one.steps), one.schema, mark=one.mark))
    return tasks


def _grouped(before: Manifest, part_bytes: int) -> list[tuple[str, ...]]:
    groups: list[list[str]] = []
    size = 0
    for key, (_, count, _) in before.parts.items():
        if not groups or not part_bytes or size + count > part_bytes:
            groups.append([])
            size = 0
        groups[-1].append(f"{key}.parquet")
        size += count
    return [tuple(group) for group in groups]


def _run_pass(
    plan: Plan,
    one: Pass,
    before: tuple[str, Manifest] | None,
    folder: str,
    executor: Executor,
    error_budget: float,
    keep_dropped_text: bool,
    quiet: bool,
) -> list[Failure]:
    if one.whole and before:
        parts = [join(before[0], f"{key}.parquet") for key in before[1].parts]
        work = join(folder, "work")
        for n, phase in enumerate(one.whole.phases(parts, work)):
            tasks = [_Once(task, work) for task in phase]
            label = f"{plan.name}: {one.name}, phase {n + 1}"
            if failures := _run_tasks(tasks, work, executor, label, quiet):
                return failures
    tasks_ = [
        replace(task, error_budget=error_budget, keep_dropped_text=keep_dropped_text)
        for task in part_tasks(plan, one, before, folder)
    ]
    if before is None:
        _adopt(folder.rsplit("/", 1)[0], one, tasks_)
    if failures := _run_tasks(tasks_, folder, executor, f"{plan.name}: {one.name}", quiet):
        return failures
    if "split" in one.schema.names and "characters" in one.schema.names:
        facts = dataset.statistics([join(folder, f"{task.key}.parquet") for task in tasks_])
        shards.write_bytes(join(folder, "statistics.json"), (json.dumps(facts, indent=1) + "\n").encode())
    _finish(plan, one, folder, [task.key for task in tasks_])
    return []


@dataclass(frozen=True)
class _Once:
    """A task of a whole, with the receipt that says it is done."""

    task: Task
    work: str

    @property
    def key(self) -> str:
        return self.task.key

    def __call__(self) -> dict[str, int]:
        counts = dict(self.task())
        manifest.write(join(self.work, f"{self.key}.json"), Receipt(self.key, "", counts=counts))
        return counts


def _run_tasks(
    tasks: Sequence[PartTask | _Once], folder: str, executor: Executor, label: str, quiet: bool
) -> list[Failure]:
    there = set(shards.listdir(folder))
    pending: list[Task | PartTask] = [task for task in tasks if f"{task.key}.json" not in there]
    failures: list[Failure] = []
    if not pending:
        return failures
    with tqdm(
        total=len(tasks), initial=len(tasks) - len(pending), desc=label, unit="part", disable=True if quiet else None
    ) as bar:
        documents = 0

        def beat(step: str, unit: str, ids: Sequence[str]) -> None:
            nonlocal documents
            if not bar.disable:
                documents += len(ids)
                bar.set_postfix_str(f"{unit[-30:]} {step} {documents:,} steps", refresh=False)

        for result in executor.map(pending, beat):
            if isinstance(result, Failure):
                failures.append(result)
                text = result.message + "\n\n" + result.detail
                shards.write_bytes(join(folder, f"{result.key}.error.txt"), text.encode("utf-8", "replace"))
            bar.update()
    return failures


def _adopt(pipeline_folder: str, one: Pass, tasks: Sequence[PartTask]) -> None:
    """Take parts that an earlier run of the same recipe over other inputs made: new inputs only add work."""
    there = set(shards.listdir(tasks[0].folder)) if tasks else set()
    wanted = {task.fingerprint: task for task in tasks if f"{task.key}.json" not in there}
    others = set(shards.listdir(pipeline_folder)) - {one.folder}
    siblings = [name for name in sorted(others) if name.startswith(f"{one.name}-")]
    for found, receipt in _receipts(pipeline_folder, siblings):
        task = wanted.pop(receipt.fingerprint, None)
        if task is None:
            continue
        for name in receipt.files:
            data = shards.read_bytes(join(found, name))
            shards.write_bytes(join(task.folder, name.replace(receipt.key, task.key)), data)
        files = {name.replace(receipt.key, task.key): facts for name, facts in receipt.files.items()}
        manifest.write(join(task.folder, f"{task.key}.json"), replace(receipt, key=task.key, files=files))


def _receipts(pipeline_folder: str, siblings: Sequence[str]) -> Iterator[tuple[str, Receipt]]:
    for sibling in siblings:
        folder = join(pipeline_folder, sibling)
        for name in shards.listdir(folder):
            if name.startswith("part-") and name.endswith(".json"):
                yield folder, manifest.read(join(folder, name), Receipt)


def _finish(plan: Plan, one: Pass, folder: str, keys: Sequence[str]) -> None:
    receipts = [manifest.read(join(folder, f"{key}.json"), Receipt) for key in keys]
    missing = [receipt.key for receipt in receipts if f"{receipt.key}.parquet" not in receipt.files]
    if missing:
        raise PartFailed(f"{folder}: receipts without a part: {', '.join(missing)}")
    digests = [shards.facts(join(folder, f"{key}.json")).digest for key in keys]
    parts = {
        receipt.key: (receipt.rows_out, receipt.files[f"{receipt.key}.parquet"].bytes, digest)
        for receipt, digest in zip(receipts, digests, strict=True)
    }
    summed = add_up(receipts)
    columns = {item.name: str(item.type) for item in one.schema}
    whole = Manifest(
        plan.name, one.name, one.fingerprint, one.recipe, columns, summed.rows_in, summed.rows_out, summed.characters,
        summed.dropped, len(summed.notes), parts,
    )  # fmt: skip
    manifest.write(join(folder, MANIFEST), whole)
    shards.remove(join(folder, "work"))
    shards.sweep(folder)
