"""Runs the ``[[example]]`` tables of rule files: what a rule says it does, it does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from proofpile2 import assets, code, rules
from proofpile2.config import read_toml
from proofpile2.errors import ConfigError
from proofpile2.stages import prefilter

__all__ = ["run_examples"]


def run_examples(files: Sequence[str] = ()) -> dict[str, list[str]]:
    """File -> what its examples show to be wrong, for the named rule files or all that ship.

    Files without examples are left out; one that was named and has none, or is of no known kind, is a ConfigError.
    """
    if files:
        return {name: _run(Path(name), named=True) or [] for name in files}
    shipped = sorted({path for root in assets.roots("filters") for path in root.rglob("*.toml")})
    found = {str(path): _run(path, named=False) for path in shipped}
    return {name: failures for name, failures in found.items() if failures is not None}


def _run(path: Path, named: bool) -> list[str] | None:
    tables = read_toml(path)
    if path.parent.name == "code":
        return code.run_examples(path)
    if "example" not in tables:
        if named:
            raise ConfigError(f"{path}: no [[example]] in it")
        return None
    if "evidence" in tables:
        return prefilter.failing_examples(path)
    if "rule" in tables:
        return rules.run_examples(path)
    raise ConfigError(f"{path}: neither [[evidence]] (prefilter) nor [[rule]] tables in it")
