"""Small finished runs in the documented tree, to publish."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import pyarrow as pa
import toys

from proofpile2.executors import Serial
from proofpile2.run import run
from proofpile2.stages.split import Split
from proofpile2.step import with_columns


@dataclass(frozen=True)
class Origin:
    """Fills what real sources fill: the first word of a text is its subset, licences and days go round."""

    name: ClassVar[str] = "origin"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("text",)
    adds: ClassVar[Mapping[str, pa.DataType]] = {
        "subset": pa.string(), "license": pa.string(), "created": pa.string(), "tokens": pa.int32(),
    }  # fmt: skip
    reasons: ClassVar[tuple[str, ...]] = ()

    def uses(self):
        return {"model": "0123456789abcdef0123456789abcdef", "toy-library": "1.2.3"}

    def load(self):
        def apply(batch):
            texts = batch.column("text").to_pylist()
            columns = {
                "subset": pa.array([text.split()[0] for text in texts], pa.string()),
                "license": pa.array([("mit", "bsd-3-clause", None)[len(text) % 3] for text in texts], pa.string()),
                "created": pa.array([f"2023-06-{1 + len(text) % 28:02d}T10:00:00Z" for text in texts], pa.string()),
                "tokens": pa.array([len(text.split()) for text in texts], pa.int32()),
            }
            return with_columns(batch, columns)

        return apply


def texts(unit: str, words: tuple[str, ...], count: int) -> str:
    """A unit of the toy source: ``count`` documents whose first words go round ``words``."""
    rows = [
        f"{words[n % len(words)]} theorem {unit}{n} says: $x^{n} + é$ " + "and so on " * (n % 7) for n in range(count)
    ]
    return f"{unit}=" + "|".join([*rows, " "])  # the last one is dropped as blank


def make(out: str, pipeline: str, words: tuple[str, ...], units: int = 3, count: int = 40, extra: str = "") -> None:
    """Run the toy source under the name of a pipeline; ``extra`` changes the content."""
    inputs = tuple(texts(f"{pipeline}{extra}{n}", words, count) for n in range(units))
    plan = toys.plan(inputs, Origin(), toys.Length(9), Split(0.1, 0.1), batch=16)
    outcome = run(replace(plan, name=pipeline), out, Serial())
    assert not outcome.failures
