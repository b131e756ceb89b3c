"""The wheel, apart from the checkout: all it needs is inside."""

from __future__ import annotations

import subprocess
import sys
import zipfile

import pytest
from conftest import ROOT

PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
sys.path = [place for place in sys.path if place != sys.argv[2]]
import proofpile2
from proofpile2 import assets, cli
assert proofpile2.__file__.startswith(sys.argv[1]), proofpile2.__file__
roots = [root for kind in ("pipelines", "filters", "data") for root in assets.roots(kind)]
assert all(str(root).startswith(sys.argv[1]) for root in roots), roots
sys.exit(cli.main(["run", "web", "--out", sys.argv[3], "--executor", "serial", "--quiet"]))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Folder of the unpacked wheel, built from the checkout."""
    out = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next(out.glob("*.whl"))) as archive:
        archive.extractall(out / "unpacked")
    return out / "unpacked"


def test_the_wheel_holds_pipelines_filters_and_models(wheel):
    """Data files travel with the code."""
    for folder in ("pipelines", "filters"):
        ours = {str(path.relative_to(ROOT / folder)) for path in (ROOT / folder).rglob("*.toml")}
        packed = {
            str(path.relative_to(wheel / "proofpile2" / folder))
            for path in (wheel / "proofpile2" / folder).rglob("*.toml")
        }
        assert ours == packed
    data = {path.name for path in (wheel / "proofpile2" / "data").rglob("*") if path.is_file()}
    assert {"lid.176.ftz", "mathscore.ftz", "web.warc.gz"} <= data
    assert (wheel / "proofpile2" / "py.typed").is_file()


def test_the_main_job_runs_from_the_wheel_alone(wheel, tmp_path):
    """With the checkout off the path, the sample runs to the end."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(wheel), str(ROOT), str(tmp_path / "out")],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Parquet:" in done.stdout
