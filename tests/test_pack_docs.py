"""The lines of docs/packing.md that read each format read it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pack_help
import pyarrow.parquet as pq
import pytest
from conftest import ROOT

pytest.importorskip("tokenizers")


def test_the_lines_that_read_each_format(tmp_path, monkeypatch):
    """Run as printed in the folder of the binaries: a document, the tokens, a sequence and its positions come out as
    our reader gives them."""
    from proofpile2.packing.reader import open_tokens

    path = pack_help.write(tmp_path / "web.parquet", pack_help.documents(60))
    formats = ("megatron", "flat", "npy", "parquet")
    outcome = pack_help.run(tmp_path, tmp_path / "out", {"web": [path]}, formats=formats)
    monkeypatch.chdir(Path(pack_help.packed(outcome, "web")).parent)
    page = (ROOT / "docs" / "packing.md").read_text(encoding="utf-8")
    section = page[page.index("## Formats") : page.index("## Packing")]
    blocks = re.findall(r"```python\n(.*?)```", section, re.S)
    part = open_tokens(tmp_path / "out").part("web")
    assert len(blocks) == 4
    for k in (0, 5):
        megatron, flat, npy, parquet = ({"np": np, "pq": pq, "k": k} for _ in blocks)
        for block, space in zip(blocks, (megatron, flat, npy, parquet), strict=True):
            exec(block, space)
        assert np.array_equal(megatron["document"], part.document(k))
        assert np.array_equal(flat["tokens"], np.fromfile("train.bin", "<u2"))
        one = part.sequence(k)
        assert npy["tokens"][k].tolist() == parquet["row"]["input_ids"] == one.tokens.tolist()
        assert npy["cu_seqlens"].tolist() == parquet["row"]["cu_seqlens"] == one.cu_seqlens.tolist()
        assert npy["of"].tolist() == parquet["row"]["documents"] == one.documents.tolist()
        assert npy["positions"][: one.cu_seqlens[-1]].tolist() == one.positions()[: one.cu_seqlens[-1]].tolist()
