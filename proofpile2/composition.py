"""What a run made of each language or crawl: files in, kept, why the others went, tokens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow.compute as pc

from proofpile2 import dataset, manifest, shards
from proofpile2.manifest import Manifest

__all__ = ["Share", "render", "shares"]


@dataclass(frozen=True)
class Share:
    """One subset of a run; ``tokens`` is None where they were not counted. ``reasons`` are ``step: reason``."""

    subset: str
    documents_in: int
    kept: int
    characters: int
    tokens: int | None
    reasons: tuple[tuple[str, int], ...]


def shares(path: str) -> list[Share]:
    """The subsets of the latest run under ``path``, by name.

    Empty where a step records only a sample of what it drops (the prefilter), since nothing would add up.
    """
    folders = dataset.find(path)
    passes = [manifest.read(shards.join(folder, "manifest.json"), Manifest) for folder in folders]
    kept, characters, tokens = Counter[str](), Counter[str](), Counter[str]()
    reasons: dict[str, Counter[str]] = {}
    recorded = 0
    for folder, one in zip(folders, passes, strict=True):
        for key in one.parts:
            with shards.open_parquet(shards.join(folder, f"{key}.dropped.parquet")) as parquet:
                rows = parquet.read(["subset", "step", "reason"]).to_pylist()
            recorded += len(rows)
            for row in rows:
                reason = row["reason"].partition(":")[0]
                reasons.setdefault(row["subset"] or "", Counter())[f"{row['step']}: {reason}"] += 1
    last = passes[-1]
    if recorded + last.rows_out != passes[0].rows_in:
        return []
    columns = [name for name in ("subset", "characters", "tokens") if name in last.columns]
    for key in last.parts:
        with shards.open_parquet(shards.join(folders[-1], f"{key}.parquet")) as parquet:
            for row in parquet.read(columns).group_by("subset").aggregate(_sums(columns)).to_pylist():
                name = row["subset"] or ""
                kept[name] += row["subset_count"]
                characters[name] += row.get("characters_sum") or 0
                tokens[name] += row.get("tokens_sum") or 0
    return [
        Share(
            name,
            kept[name] + sum(reasons.get(name, {}).values()),
            kept[name],
            characters[name],
            tokens[name] if "tokens" in columns else None,
            tuple(reasons.get(name, Counter()).most_common()),
        )
        for name in sorted({*kept, *reasons})
    ]


def _sums(columns: Sequence[str]) -> list[tuple[str, str] | tuple[str, str, pc.CountOptions]]:
    counted = ("subset", "count", pc.CountOptions(mode="all"))
    return [counted, *((name, "sum") for name in columns if name != "subset")]


def render(rows: Sequence[Share], top: int = 3) -> str:
    """A line a subset, with its ``top`` reasons."""
    lines = [f"{'subset':<18}{'in':>10}{'kept':>10}{'characters':>16}{'tokens':>14}  most dropped as"]
    lines.append("-" * 100)
    for row in rows:
        tokens = "-" if row.tokens is None else f"{row.tokens:,}"
        why = ", ".join(f"{reason} {count:,}" for reason, count in row.reasons[:top])
        counts = f"{row.documents_in:>10,}{row.kept:>10,}{row.characters:>16,}{tokens:>14}"
        lines.append(f"{row.subset or '(none)':<18}{counts}  {why}")
    return "\n".join(lines)
