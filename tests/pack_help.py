"""Small tokenizers, documents and runs for the tests of packing."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from proofpile2 import pack
from proofpile2.executors import Serial

GENERAL = ["general-code", "general-text"]
TEXTS = [
    "Let $x\\in\\mathbb{R}$ and $\\epsilon > 0$. Then $|x| < \\epsilon$ implies nothing.\n",
    "theorem foo : 1 + 1 = 2 := by\n  norm_num\n",
    "<|endoftext|> in a text is text <|padding|>, not a control token.",
    "Zahlen \u2115 \u2286 \u2124, \u6570\u5b66, e\u0301 and \u00e9, \U0001d53d, 3.14159 \t\t tabs\r\n",
    "   leading and trailing spaces   ",
    "a",
]


def tokenizer(folder: Path, vocab: int = 400) -> str:
    """A byte-level BPE trained on a few lines; ``vocab`` beyond 65,500 is filled up with words."""
    from proofpile2.train_tokenizer import train_tokenizer

    source = folder / "tokenizer-source.jsonl"
    source.write_text("".join(json.dumps({"text": text * 3}) + "\n" for text in TEXTS), encoding="utf-8")
    out = folder / f"tokenizer-{vocab}.json"
    train_tokenizer([str(source)], str(out), min(vocab, 400))
    if vocab > 400:
        table = json.loads(out.read_text(encoding="utf-8"))
        size = len(table["model"]["vocab"])
        table["model"]["vocab"] |= {f"word{n}": n for n in range(size, vocab)}
        out.write_text(json.dumps(table, ensure_ascii=False), encoding="utf-8")
    return str(out)


def documents(count: int, seed: int = 0) -> list[str]:
    """Texts of very different lengths, from 1 to some thousand characters."""
    rng = np.random.default_rng(seed)
    made = []
    for n in range(count):
        size = int(rng.lognormal(4.5, 1.3)) + 1
        made.append((f"{n} " + TEXTS[n % len(TEXTS)] * (size // 20 + 1))[:size])
    return made


def write(path: Path, texts: list[str | None], **columns: list[object]) -> str:
    """A Parquet file of documents with ids."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ids = [f"{path.stem}-{n}" for n in range(len(texts))]
    pq.write_table(pa.table({"id": ids, "text": pa.array(texts, pa.large_string()), **columns}), path)
    return str(path)


def plan(folder: Path, **settings: object) -> pack.Mixture:
    """The shipped mixture with a tiny tokenizer and short sequences."""
    return pack.load("proofpile2", {"tokenizer": tokenizer(folder), "length": 64, **settings})


def run(folder: Path, out: Path, places: dict[str, list[str]], executor: object = None, **settings: object):
    """Run it; components without a place are left out."""
    made = plan(folder, **settings)
    left = [one.name for one in made.components if one.name not in places]
    return pack.run(made, str(out), executor or Serial(), places, left)


def packed(outcome: pack.Outcome, component: str, split: str = "train") -> str:
    """Path without ending of a component's binaries."""
    return str(Path(outcome.folder) / outcome.facts["components"][component]["folder"] / split)


def read_pair(prefix: str) -> list[list[int]]:
    """Documents of a .bin and .idx, read by the description of the format in docs/packing.md and nothing else."""
    raw = Path(prefix + ".idx").read_bytes()
    assert raw[:9] == b"MMIDIDX\x00\x00"
    version, code, count, documents = struct.unpack("<QBQQ", raw[9:34])
    assert version == 1
    kind, size = {8: ("H", 2), 4: ("i", 4)}[code]
    lengths = struct.unpack(f"<{count}i", raw[34 : 34 + 4 * count])
    offsets = struct.unpack(f"<{count}q", raw[34 + 4 * count : 34 + 12 * count])
    index = struct.unpack(f"<{documents}q", raw[34 + 12 * count :])
    assert index == tuple(range(count + 1))
    data = Path(prefix + ".bin").read_bytes()
    assert len(data) == size * sum(lengths)
    return [
        list(struct.unpack(f"<{n}{kind}", data[at : at + n * size])) for n, at in zip(lengths, offsets, strict=True)
    ]
