"""The settings of a mixture: a TOML file of ``[[component]]`` tables, read strictly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from proofpile2 import assets
from proofpile2.config import build, read_toml
from proofpile2.errors import ConfigError
from proofpile2.packing.merge import FORMATS

__all__ = ["Component", "Mixture", "is_mixture", "load"]


@dataclass(frozen=True)
class Component:
    """A source of documents. ``made_by`` is our pipeline that makes it, whose output is looked for under ``--out``;
    ``weight`` its share of the tokens that the model sees, beside the others'."""

    name: str
    weight: float
    made_by: str = ""
    input: tuple[str, ...] = ()
    text: str = "text"
    paper_tokens: int = 0  # of Proof-Pile-2, to compare with
    paper_subsets: dict[str, Any] = field(default_factory=dict)  # the same by subset


@dataclass(frozen=True)
class Mixture:
    """Settings of a mixture file."""

    name: str
    component: tuple[dict[str, Any], ...]
    tokenizer: str
    end_of_document: str = ""
    engine: str = "auto"
    order: str = "hash"  # of documents in the binaries; input keeps them as they come
    formats: tuple[str, ...] = ("megatron",)
    packing: str = "concatenate"
    length: int = 4096
    budget_tokens: int = 0
    seed: str = "1"
    validation: float = 0.005
    test: float = 0.005

    def __post_init__(self) -> None:
        for value, allowed in ((self.packing, ("concatenate", "best_fit")), (self.order, ("hash", "input"))):
            if value not in allowed:
                raise ValueError(f"{value!r} is none of {', '.join(allowed)}")
        unknown = set(self.formats) - set(FORMATS)
        if unknown or not self.formats:
            raise ValueError(f"formats are {', '.join(FORMATS)}; found {', '.join(sorted(unknown)) or 'none'}")
        if self.packing == "best_fit" and not {"npy", "parquet"} & set(self.formats):
            raise ValueError("best_fit makes packed sequences: add npy or parquet to formats")
        if self.length < 2 or self.budget_tokens < 0 or not 0 <= self.validation + self.test < 1:
            raise ValueError("length is at least 2, budget_tokens at least 0, validation + test below 1")

    @property
    def components(self) -> list[Component]:
        """The ``[[component]]`` tables."""
        made = [build(Component, one, f"{self.name}: component {n + 1}") for n, one in enumerate(self.component)]
        names = [one.name for one in made]
        if len(set(names)) < len(names) or any(one.weight < 0 for one in made):
            raise ConfigError(f"{self.name}: components have different names and weights of at least 0")
        if bad := [name for name in names if not name or set(name) & set("/\\ ")]:
            raise ConfigError(f"{self.name}: {bad[0]!r} can't be a component's name: it names a folder")
        return made


def is_mixture(name: str) -> bool:
    """Whether the pipeline ``name`` (shipped, or a ``.toml``) is a mixture and not a pipeline of passes."""
    return "component" in read_toml(_path(name))


def _path(name: str) -> Path:
    return Path(name) if name.endswith(".toml") else assets.find("pipelines", f"{name}.toml")


def load(name: str, settings: Mapping[str, Any] | None = None) -> Mixture:
    """The mixture ``name``, with ``settings`` (field -> value, as ``--set mixture.field=value`` gives them)."""
    path = _path(name)
    return build(Mixture, {**read_toml(path), **(settings or {})}, path.name)
