"""The binaries train a model: the loss falls, on a CPU, from the files alone."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys

import pack_help
import pytest
from conftest import ROOT

torch = pytest.importorskip("torch", reason="pip install 'proofpile2[train]'")


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("train")
    places = {name: [pack_help.write(folder / f"{name}.parquet", pack_help.documents(400, n))]
              for n, name in enumerate(("web", "code"))}  # fmt: skip
    pack_help.run(folder, folder / "out", places, validation=0.05)
    return folder / "out"


def test_loss_falls_from_the_logarithm_of_the_vocabulary(out, tmp_path):
    """examples/train_smoke.py: the first loss is ln V, the last clearly lower, and each component has a validation loss
    that fell; the sequences drawn follow the weights."""
    report = tmp_path / "report.json"
    small = ["--width", "48", "--layers", "1", "--batch", "8", "--steps", "40", "--lr", "0.01", "--eval-sequences", "8"]
    command = [sys.executable, str(ROOT / "examples" / "train_smoke.py"), str(out), *small, "--json", str(report)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([*command, "--device", "cpu"], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(report.read_text(encoding="utf-8"))
    assert found["loss_start"] == pytest.approx(math.log(400), abs=0.3)
    assert found["loss_end"] < found["loss_start"] - 1.5
    for name in ("web", "code"):
        assert found["validation_end"][name] < found["validation_start"][name] - 1
    assert found["drawn"]["web"] == pytest.approx(4 / 5, abs=0.1)


def test_dataset_gives_what_the_reader_gives(out):
    """RunDataset under a DataLoader: the batches of the reader, from any step and for any rank; positions restart at
    each document."""
    from proofpile2.packing.reader import open_tokens
    from proofpile2.packing.torch_dataset import RunDataset

    tokens = open_tokens(out)
    loader = torch.utils.data.DataLoader(RunDataset(tokens, 4, start=3, rank=1, world=2), batch_size=4)
    for step, batch in zip(range(3, 6), loader, strict=False):
        assert batch.tolist() == tokens.batch(step, 4, 1, 2).tokens.tolist()
    dataset = RunDataset(tokens, 4, boundaries=True)
    assert len(dataset) == tokens.steps(4) * 4
    assert {int(dataset[n]["positions"][0]) for n in range(8)} == {0}
    assert dataset[2]["tokens"].tolist() == tokens.batch(0, 4).tokens[2].tolist()
