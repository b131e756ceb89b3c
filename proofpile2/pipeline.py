"""pipelines/*.toml to a Plan: passes, their steps, columns and fingerprints. Reads only; changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, cast

import pyarrow as pa

from proofpile2 import assets, manifest, shards
from proofpile2.config import build, nearest, read_toml
from proofpile2.errors import ConfigError
from proofpile2.schema import DOCUMENT
from proofpile2.sources import SOURCES
from proofpile2.stages import STEPS, WHOLES
from proofpile2.step import DROP, Source, Step, Whole, describe

__all__ = ["Pass", "Plan", "load", "single"]


@dataclass(frozen=True)
class Pass:
    """A list of steps fused into one reading, and what they write."""

    name: str
    steps: tuple[Step, ...]
    whole: Whole | None
    schema: pa.Schema  # columns that reach the disk
    recipe: Mapping[str, Any]  # what decides a part's content beside its units
    fingerprint: str  # of recipe and all units
    units_per_part: int = 1
    part_bytes: int = 0  # parts of the pass before are put together up to this size; 0 keeps them apart
    mark: bool = False

    @property
    def folder(self) -> str:
        """Name of its directory under the pipeline's."""
        return f"{self.name}-{self.fingerprint[:12]}"


@dataclass(frozen=True)
class Plan:
    """A pipeline with its settings, ready to run."""

    name: str
    source: Source
    units: Mapping[str, str]
    passes: tuple[Pass, ...]

    def folder(self, out: str, one: Pass | None = None) -> str:
        """Directory of the pipeline, or of one of its passes, under ``out``."""
        return shards.join(out, self.name, one.folder) if one else shards.join(out, self.name)


@dataclass(frozen=True)
class _PassTable:
    name: str
    step: tuple[dict[str, Any], ...] = ()
    whole: dict[str, Any] = field(default_factory=dict)
    units_per_part: int = 1
    part_bytes: int = 0


@dataclass(frozen=True)
class _PipelineTable:
    name: str
    source: dict[str, Any]
    sample: str = ""
    # TOML calls an array of tables by its singular
    passes: tuple[dict[str, Any], ...] = ()


def load(
    name: str,
    inputs: Sequence[str] = (),
    settings: Mapping[str, Any] | None = None,
    filters: Sequence[str] = (),
) -> Plan:
    """The plan of a shipped pipeline, or of a pipeline file.

    ``inputs`` replace the source's; without any, the sample that ships is taken. ``settings`` are ``step.field`` ->
    value (``source.field`` for the source); ``filters`` are folders of rule files that go before those that ship.
    Raises ConfigError.
    """
    path = Path(name) if name.endswith(".toml") else assets.find("pipelines", f"{name}.toml")
    where = path.name
    raw = read_toml(path)
    raw["passes"] = raw.pop("pass", [])
    table = build(_PipelineTable, raw, where)
    overrides = _Overrides(settings or {}, tuple(filters))
    source_table = dict(table.source)
    if inputs:
        source_table["input"] = list(inputs)
    elif not source_table.get("input"):
        if not table.sample:
            raise ConfigError(f"{where}: name what to read with --input")
        source_table["input"] = [str(assets.find("data", table.sample))]
    source = cast(Source, overrides.make(SOURCES, source_table, f"{where}: source", ("source",)))
    passes = [build(_PassTable, one, f"{where}: pass {n + 1}") for n, one in enumerate(table.passes)]
    return _plan(table.name, source, [_made(one, overrides, where) for one in passes], overrides)


def single(
    stage: str, source: Source, settings: Mapping[str, Any], filters: Sequence[str] = (), mark: bool = False
) -> Plan:
    """The plan of one stage alone: a pipeline of its name with the one pass ``final``."""
    overrides = _Overrides(settings, tuple(filters))
    kind = "whole" if stage in WHOLES else "step"
    table: dict[str, Any] = {"name": "final", kind: {"use": stage} if kind == "whole" else [{"use": stage}]}
    if stage not in WHOLES and stage not in STEPS:
        raise ConfigError(f"no stage {stage!r}{nearest(stage, [*STEPS, *WHOLES])}")
    made = _made(build(_PassTable, table, stage), overrides, stage)
    first = [] if kind == "step" else [_Made("read", (), None, 1, 0, False)]  # a whole needs parts to stand on
    return _plan(stage, source, [*first, replace(made, mark=mark)], overrides)


@dataclass(frozen=True)
class _Made:
    name: str
    steps: tuple[Step, ...]
    whole: Whole | None
    units_per_part: int
    part_bytes: int
    mark: bool


def _made(table: _PassTable, overrides: _Overrides, where: str) -> _Made:
    if table.units_per_part < 1 or table.part_bytes < 0:
        raise ConfigError(f"{where}: pass {table.name}: units_per_part is at least 1 and part_bytes at least 0")
    if table.whole and table.part_bytes:
        raise ConfigError(f"{where}: pass {table.name}: a whole keeps the parts it finds, so part_bytes has no place")
    steps = []
    for one in table.step:
        place = f"{where}: pass {table.name}: step {one.get('use', '?')}"
        steps.append(
            cast(Step, overrides.make(STEPS, one, place, (str(one.get("use")), f"{table.name}.{one.get('use')}")))
        )
    whole = None
    if table.whole:
        use = str(table.whole.get("use"))
        whole = cast(Whole, overrides.make(WHOLES, table.whole, f"{where}: pass {table.name}: whole", (use,)))
    return _Made(table.name, tuple(steps), whole, table.units_per_part, table.part_bytes, False)


class _Overrides:
    """``--set`` and ``--filters``, and which of them were used."""

    def __init__(self, settings: Mapping[str, Any], filters: tuple[str, ...]) -> None:
        self.settings, self.filters = dict(settings), filters
        self.places: set[str] = set()
        self.left = set(settings)

    def make(self, kinds: Mapping[str, type], table: Mapping[str, Any], where: str, places: Sequence[str]) -> object:
        values = dict(table)
        use = values.pop("use", None)
        if use not in kinds:
            raise ConfigError(f"{where}: use = {use!r} is none of ours{nearest(str(use), kinds)}")
        kind = kinds[use]
        self.places |= set(places) | {use}
        for key, value in self.settings.items():
            place, _, name = key.rpartition(".")
            outer, _, table_name = place.rpartition(".")
            if place in {*places, use}:
                values[name] = value
                self.left.discard(key)
            elif outer in {*places, use} and isinstance(values.get(table_name, {}), dict):  # source.coq.seconds
                values[table_name] = {**values.get(table_name, {}), name: value}
                self.left.discard(key)
        if self.filters and "overlay" in {item.name for item in fields(kind)}:
            values.setdefault("overlay", list(self.filters))
        return build(kind, values, where)

    def check(self) -> None:
        for key in sorted(self.left):
            raise ConfigError(f"--set {key}: no such place{nearest(key.rpartition('.')[0], self.places)}")


def _plan(name: str, source: Source, tables: Sequence[_Made], overrides: _Overrides) -> Plan:
    overrides.check()
    if not tables:
        raise ConfigError(f"{name}: a pipeline has at least one pass")
    units = source.units()
    columns = {item.name: item.type for item in DOCUMENT} | dict(source.adds)
    before: Any = describe(source)
    passes: list[Pass] = []
    for n, made in enumerate(tables):
        parts: list[Step | Whole] = [*([made.whole] if made.whole else []), *made.steps]
        for part in parts:
            for need in part.needs:
                if need not in columns:
                    raise ConfigError(
                        f"pass {made.name}: {part.name} needs the column {need!r}{nearest(need, columns)}"
                    )
            columns |= part.adds
        if made.mark:
            columns |= {DROP: pa.string()}
        schema = pa.schema([(key, kind) for key, kind in columns.items() if not key.startswith("_")])
        columns = {item.name: item.type for item in schema if item.name != DROP}
        recipe = {
            "format": manifest.FORMAT, "pass": made.name, "before": before, "steps": [describe(part) for part in parts],
            "units_per_part": made.units_per_part, "part_bytes": made.part_bytes, "mark": made.mark,
        }  # fmt: skip
        mark = manifest.fingerprint([recipe, dict(units)] if n == 0 else recipe)
        passes.append(
            Pass(
                made.name, made.steps, made.whole, schema, recipe, mark, made.units_per_part, made.part_bytes, made.mark
            )
        )
        before = mark
    if len({one.name for one in passes}) < len(passes):
        raise ConfigError(f"{name}: two passes have the same name")
    return Plan(name, source, units, tuple(passes))
