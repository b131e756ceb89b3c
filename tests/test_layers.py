"""Imports go one way: a module may import only what stands below it in the list of the design."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from conftest import ROOT

LAYERS = [
    {"__main__"},
    {"cli"},
    {"cli_hub", "cli_pack", "cli_code", "cli_proofs", "cli_train"},
    {"hub"},
    {"publish"},
    {"train_perplexity"},
    {"inspection", "composition", "train", "filter_examples", "pack", "train_tokenizer"},
    {"run"},
    {"executors"},
    {"pipeline"},
    {"stages", "sources"},
    {"benchmarks"},
    {"extraction", "deduplication", "code", "packing", "proofs", "rules", "contamination"},
    {"prose", "charset"},
    {"inputs", "json_lines", "ngrams", "corruptions"},
    {"dataset"},
    {"funnel", "step", "assets", "config"},
    {"manifest"},
    {"shards"},
    {"schema"},
    {"errors"},
]
"""From the top. Packages stand for all their modules; ``proofpile2/__init__`` re-exports and stands above all."""

PACKAGE = ROOT / "proofpile2"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def room(name: str) -> str:
    """``proofpile2.stages.html`` -> ``stages``."""
    return name.split(".")[1] if "." in name else "__init__"


def imports(path: Path) -> set[str]:
    """Full names of the modules of ours that a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("proofpile2"):
            for item in node.names:
                inner = f"{node.module}.{item.name}"
                is_module = (ROOT / inner.replace(".", "/")).is_dir() or (
                    ROOT / (inner.replace(".", "/") + ".py")
                ).is_file()
                found.add(inner if is_module else str(node.module))
            assert node.level == 0, "relative imports hide the layer"
        elif isinstance(node, ast.Import):
            found |= {item.name for item in node.names if item.name.startswith("proofpile2")}
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_only_downward(path):
    """Same-layer imports are allowed within a package only, and no stage or source imports another stage."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    here = parts[0]
    level = {name: n for n, names in enumerate(LAYERS) for name in names}
    assert here in level, f"{here} is new: give it a layer"
    for name in imports(path):
        there = room(name)
        if there == "__init__":
            assert here in {"cli", "__main__", "publish"}, f"{path} imports the package itself"
        elif there != here:
            assert level[there] > level[here], f"{here} imports {there}, which stands above it or beside it"
        elif here == "stages" and parts[-1] != "__init__":
            raise AssertionError(f"{path} imports another stage: {name}")
