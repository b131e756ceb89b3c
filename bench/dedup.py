"""Dedup beside datasketch, rensa and text-dedup: documents per CPU second, peak memory, precision, recall.

    python bench/dedup.py [--documents 100000] [--only ours,datasketch] [--dir .bench/dedup]

The documents are made here: words of a Zipf distribution with formulas among them, 250 words in the middle
(log-normal), and 15 % planted copies, in families of up to six: exact ones, with up to a third of the words changed,
cut off, or with a passage put in. Truth is the exact Jaccard similarity of the shingles within a family (texts of two
families have none in common to speak of). Peers run in an environment of their own, which is made on the first run;
each tool runs in a process of its own, whose CPU time (from reading the Parquet file to knowing what goes; imports
left out) and peak memory are taken.

* *resolved*: of the pairs with similarity of at least 0.8, those of which at most one document is left
* *wrong*: of the removed documents, those that resemble no document left of their family by 0.5

Run it on an idle machine; rates of different runs do not compare.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import time
import venv
from collections import defaultdict
from itertools import combinations
from pathlib import Path

PEERS = ("datasketch", "xxhash", "pyarrow", "rensa", "text-dedup")
TOOLS = ("ours", "datasketch", "datasketch-xxh32", "rensa", "text-dedup")
ROOT = Path(__file__).resolve().parents[1]
WORD = re.compile(r"\w+")


def make(path: Path, documents: int) -> None:
    """Write the Parquet file; the id of a document is ``family-member``."""
    import numpy as np
    import pyarrow as pa

    from proofpile2.shards import write_parquet

    rng = np.random.default_rng(2026)
    letters = np.array(list("etaoinshrdlucmfwygpbvk"))
    words = np.array(["".join(rng.choice(letters, size)) for size in rng.integers(2, 11, 50_000)])
    formulas = np.array(
        [rf"$\{a}_{{{b}}} + {n}$" for a in ("alpha", "frac", "sum", "int") for b in "ijk" for n in range(200)]
    )
    share = 1 / np.arange(10, len(words) + 10)
    share /= share.sum()

    def some(size: int) -> list[str]:
        row = rng.choice(words, size, p=share)
        row[rng.random(size) < 0.08] = rng.choice(formulas)
        return list(row)

    ids, texts = [], []
    family = 0
    while len(texts) < documents:
        base = some(int(np.clip(rng.lognormal(np.log(250), 0.8), 20, 20_000)))
        ids.append(f"{family:07}-0")
        texts.append(" ".join(base))
        copies = int(rng.choice([1, 2, 5])) if rng.random() < 0.15 / 0.85 / 2.67 else 0
        for member in range(1, copies + 1):
            row, size = list(base), len(base)
            kind, amount = (
                rng.choice(["same", "words", "words", "words", "cut", "insert"]),
                rng.choice([0.005, 0.02, 0.05, 0.1, 0.3]),
            )
            if kind == "words":
                for at in rng.integers(0, size, max(1, int(size * amount))):
                    row[at] = str(rng.choice(words))
            elif kind == "cut":
                row = row[: max(5, int(size * (1 - amount)))]
            elif kind == "insert":
                row[size // 2 : size // 2] = some(max(1, int(size * amount)))
            ids.append(f"{family:07}-{member}")
            texts.append(" ".join(row))
        family += 1
    order = rng.permutation(len(texts))[:documents]
    table = pa.table({"id": pa.array(ids).take(order), "text": pa.array(texts, pa.large_string()).take(order)})
    write_parquet(str(path), table.schema, table.to_batches())


def ours(data: Path, work: Path) -> list[str]:
    """Ids that go."""
    from proofpile2.shards import open_parquet
    from proofpile2.stages.dedup import Dedup

    whole = Dedup()
    whole.uses()  # chooses the bands, once in a plan
    yield_start()
    for phase in whole.phases([str(data)], str(work)):
        start = time.process_time()
        counts: dict[str, int] = defaultdict(int)
        for task in phase:
            for name, n in task().items():
                counts[name] += n
        print(f"  {phase[0].key[:6]:8}{time.process_time() - start:8.2f} s  {dict(counts)}", file=sys.stderr)
    apply = whole.step(str(work), 0).load()
    gone: list[str] = []
    for batch in open_parquet(str(data)).iter_batches(256, columns=["id"]):
        after = apply(batch)
        gone += after.column("id").filter(after.column("drop").is_valid()).to_pylist()
    return gone


def rows(data: Path):  # type: ignore[no-untyped-def]
    """Ids and texts, as Python strings."""
    import pyarrow.parquet as pq

    for batch in pq.ParquetFile(data).iter_batches(1000):
        yield from zip(batch.column("id").to_pylist(), batch.column("text").to_pylist(), strict=True)


def grams(text: str) -> set[bytes]:
    """Word 5-grams, as users of these libraries write them."""
    words = WORD.findall(text.lower())
    return {" ".join(words[at : at + 5]).encode() for at in range(max(1, len(words) - 4))}


def datasketch(data: Path, fast: bool) -> list[str]:
    from datasketch import MinHash, MinHashLSH
    from xxhash import xxh32_intdigest

    index, gone = MinHashLSH(threshold=0.7, num_perm=128), []
    given = {"hashfunc": xxh32_intdigest} if fast else {}
    empty = MinHash(num_perm=128, scheme="affine32", **given)
    yield_start()
    for key, text in rows(data):
        sketch = empty.copy()
        sketch.update_batch(grams(text))
        if index.query(sketch):
            gone.append(key)
        else:
            index.insert(key, sketch)
    return gone


def rensa(data: Path) -> list[str]:
    from rensa import RMinHash, RMinHashDeduplicator

    index, gone = RMinHashDeduplicator(0.7, 128, True, seed=42), []
    yield_start()
    for key, text in rows(data):
        sketch = RMinHash(128, 42)
        sketch.update(list(grams(text)))
        if not index.add(key, sketch):
            gone.append(key)
    return gone


def text_dedup(data: Path, work: Path) -> list[str]:
    os.environ["HF_HOME"] = os.environ["HF_DATASETS_CACHE"] = str(work / "hf")
    from datasets import load_from_disk
    from text_dedup import minhash

    yield_start()
    minhash.main(
        ["--path", "parquet", "--data_files", str(data), "--split", "train", "--column", "text", "--num_perm", "128",
         "--cache_dir", str(work / "hf"), "--output", str(work / "out"), "--num_proc", "1"],
        standalone_mode=False,
    )  # fmt: skip
    left = set(load_from_disk(str(work / "out"))["id"])
    return [key for key, _ in rows(data) if key not in left]


def cpu() -> float:
    """CPU seconds of this process and its children that ended."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


STARTED = 0.0


def yield_start() -> None:
    """Called by each tool once it has imported what it needs."""
    global STARTED  # noqa: PLW0603
    STARTED = cpu()


def child(tool: str, data: Path, work: Path) -> None:
    """Run one tool here and print what it did as JSON."""
    calls = {
        "ours": lambda: ours(data, work),
        "datasketch": lambda: datasketch(data, False),
        "datasketch-xxh32": lambda: datasketch(data, True),
        "rensa": lambda: rensa(data),
        "text-dedup": lambda: text_dedup(data, work),
    }
    gone = calls[tool]()
    # For itself not ru_maxrss, which a new process takes over from the one that started it
    peak = int(re.findall(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[0])
    peak = max(peak, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) * 1024
    (work / "result.json").write_text(json.dumps({"seconds": cpu() - STARTED, "peak": peak, "gone": gone}))


def truth(data: Path) -> tuple[dict[tuple[str, str], float], int]:
    """Similarity of each pair within a family, and the number of documents."""
    from proofpile2.deduplication.minhash import shingles

    families: dict[str, list[str]] = defaultdict(list)
    texts = dict(rows(data))
    for key in texts:
        families[key.partition("-")[0]].append(key)
    pairs = {}
    for members in families.values():
        if len(members) > 1:
            sets = {key: shingles(texts[key]) for key in members}
            for a, b in combinations(members, 2):
                pairs[a, b] = len(sets[a] & sets[b]) / len(sets[a] | sets[b])
    return pairs, len(texts)


def score(gone: set[str], pairs: dict[tuple[str, str], float]) -> tuple[float, float]:
    """Share of resolved pairs, share of documents removed wrongly."""
    high = [pair for pair, similarity in pairs.items() if similarity >= 0.8]
    best: dict[str, float] = defaultdict(float)
    for (a, b), similarity in pairs.items():
        for one, other in ((a, b), (b, a)):
            if one in gone and other not in gone:
                best[one] = max(best[one], similarity)
    resolved = sum(a in gone or b in gone for a, b in high) / max(1, len(high))
    return resolved, sum(best[key] < 0.5 for key in gone) / max(1, len(gone))


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--documents", type=int, default=100_000)
    words.add_argument("--only", default=",".join(TOOLS))
    words.add_argument("--dir", type=Path, default=ROOT / ".bench" / "dedup")
    words.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    given = words.parse_args()
    sys.path.insert(0, str(ROOT))
    if given.child:
        child(given.child[0], Path(given.child[1]), Path(given.child[2]))
        return
    data = given.dir / f"documents-{given.documents}.parquet"
    if not data.exists():
        make(data, given.documents)
    tools = given.only.split(",")
    python = given.dir / "peers" / "bin" / "python"
    if set(tools) != {"ours"} and not python.exists():
        venv.create(given.dir / "peers", with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *PEERS], check=True)
    pairs, count = truth(data)
    above = {least: sum(similarity >= least for similarity in pairs.values()) for least in (0.7, 0.8)}
    print(
        f"{count} documents, {data.stat().st_size / 1e6:.0f} MB of Parquet, {len(pairs)} pairs within families: {above}"
    )
    print(f"{'tool':18}{'docs / CPU s':>14}{'peak GB':>10}{'removed':>10}{'resolved':>10}{'wrong':>9}")
    here = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    for tool in tools:
        work = given.dir / "work"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        environment = {**os.environ, "PYTHONPATH": here if tool == "ours" else ""}
        command = [sys.executable if tool == "ours" else python, __file__, "--child", tool, data, work]
        if subprocess.run(command, check=False, env=environment).returncode:
            print(f"{tool:18}failed", flush=True)
            continue
        found = json.loads((work / "result.json").read_text())
        resolved, wrong = score(set(found["gone"]), pairs)
        rate, peak = count / found["seconds"], found["peak"] / 1e9
        print(f"{tool:18}{rate:14,.0f}{peak:10.2f}{len(found['gone']):10,}{resolved:10.4f}{wrong:9.2%}", flush=True)


if __name__ == "__main__":
    main()
