"""Tokenizing and packing beside its peers, in one run on one machine.

    python bench/pack.py [--mb 200] [--peer-mb 30] [--text FILE.parquet ...] [--tokenizer FILE]

Makes an environment of its own under .bench/pack. Without --text, the text comes from the reference corpora beside
the repository (web pages by Resiliparse, source code); where they do not reach --mb, paragraphs of the pages are mixed
anew. Peers are slow, so they get --peer-mb of it; rates are per CPU second (user and system, children too) and are
compared as rates. Every measurement is a process of its own and counts the starts of its workers. `encoder` lines are
the ceilings: texts in memory, nothing written.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / ".bench" / "pack"
NEEDS = ["datatrove[processing]==0.10.1", "fastokens", "fsspec", "fastwarc", "numpy", "pyarrow", "resiliparse",
         "tokenizers", "tqdm", "zstandard"]  # fmt: skip
FILES = 4
END = "<|endoftext|>"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mb", type=float, default=200.0)
    parser.add_argument("--peer-mb", type=float, default=30.0)
    parser.add_argument("--text", nargs="+", default=[], help="Parquet files with a column `text`")
    parser.add_argument(
        "--tokenizer", default="", help="a tokenizer.json (default: a BPE of 32,000 trained on the text)"
    )
    parser.add_argument("--only", nargs="+", default=[], help="names of measurements")
    parser.add_argument("--task", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.task:
        return task(*given.task)
    python = environment()
    HOME.mkdir(parents=True, exist_ok=True)
    corpus = HOME / f"text-{given.mb:g}-{given.peer_mb:g}"
    call(python, "corpus", str(corpus), str(given.mb), str(given.peer_mb), *given.text)
    tokenizer = given.tokenizer or str(HOME / "bpe-32000.json")
    if not Path(tokenizer).exists():
        call(python, "tokenizer", str(corpus), tokenizer)
    big, small = str(corpus / "all"), str(corpus / "peer")
    plan = {
        "encoder: fastokens": ("encode", "fastokens", big), "ours, 1 worker": ("ours", big, "1", "auto"),
        "ours, 2 workers": ("ours", big, "2", "auto"), "ours, hash order, best fit": ("best", big, "1", "auto"),
        "packing 1 M documents": ("million", big), "encoder: encode_batch_fast": ("encode", "tokenizers", small),
        "ours, reference engine": ("ours", small, "1", "tokenizers"),
        "ours on the peers' text": ("ours", small, "1", "auto"), "GPT-NeoX's loop": ("neox", small),
        "datatrove": ("datatrove", small),
    }  # fmt: skip
    results: dict[str, Any] = {}
    print(f"{'':<30}{'MB':>7}{'M tok':>8}{'CPU s':>8}{'wall s':>8}{'MB/CPU s':>10}{'M tok/CPU s':>13}{'peak MB':>9}")
    for name, arguments in plan.items():
        if given.only and name not in given.only:
            continue
        found = call(python, *arguments, tokenizer)
        results[name] = found
        if "cpu" in found:
            size, tokens, cpu = found["bytes"] / 1e6, found["tokens"] / 1e6, found["cpu"]
            print(f"{name:<30}{size:>7.0f}{tokens:>8.1f}{cpu:>8.1f}{found['wall']:>8.1f}{size / cpu:>10.2f}"
                  f"{tokens / cpu:>13.2f}{found['peak']:>9.0f}", flush=True)  # fmt: skip
        else:
            print(f"{name}: {json.dumps(found)}", flush=True)
    summary(results)
    (HOME / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return 0


def summary(results: dict[str, Any]) -> None:
    def rate(name: str) -> float:
        return results[name]["tokens"] / results[name]["cpu"] if name in results else 0.0

    for one, other, words in (
        ("ours, 1 worker", "datatrove", "times datatrove"),
        ("ours on the peers' text", "datatrove", "times datatrove"),
        ("ours on the peers' text", "GPT-NeoX's loop", "times GPT-NeoX's loop"),
        ("ours, 1 worker", "encoder: fastokens", "of the fast encoder's ceiling"),
        ("ours, reference engine", "encoder: encode_batch_fast", "of the reference engine's ceiling"),
    ):
        if rate(one) and rate(other):
            print(f"{one}: {rate(one) / rate(other):.2f} {words}")
    ours, theirs = HOME / "out-peers", HOME / "out-datatrove"
    if ours.exists() and theirs.exists():
        pairs = {one: (next(ours.glob(f"**/train{one}")), next(theirs.glob(f"*{one}"))) for one in (".bin", ".idx")}
        same = {one: left.read_bytes() == right.read_bytes() for one, (left, right) in pairs.items()}
        print(f"byte-identical to datatrove's Megatron writer: {same}")


def environment() -> str:
    python = HOME / "venv" / "bin" / "python"
    mark = HOME / "venv" / "needs"
    if not mark.exists() or mark.read_text(encoding="utf-8") != "\n".join(NEEDS):
        subprocess.run([sys.executable, "-m", "venv", str(HOME / "venv")], check=True)
        subprocess.run(
            [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *NEEDS], check=True
        )
        mark.write_text("\n".join(NEEDS), encoding="utf-8")
    return str(python)


def call(python: str, *arguments: str) -> Any:
    """One task in a process of its own; what it prints last is its result."""
    settings = {
        "PYTHONPATH": str(ROOT),
        "TOKENIZERS_PARALLELISM": "false",
        "RAYON_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [python, __file__, "--task", *arguments],
        check=False,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | settings,
    )
    if done.returncode:
        raise SystemExit(f"{arguments[0]} failed")
    return json.loads(done.stdout.strip().split("\n")[-1])


def task(name: str, *arguments: str) -> int:
    kinds: dict[str, Callable[..., Any]] = {
        "corpus": corpus, "tokenizer": tokenizer, "encode": encode, "ours": ours, "best": best, "neox": neox,
        "datatrove": datatrove, "million": million,
    }  # fmt: skip
    print(json.dumps(kinds[name](*arguments) or {}))
    return 0


def measured(work: Callable[[], tuple[int, int]]) -> dict[str, float]:
    """Runs ``work``, which gives bytes and tokens; CPU of this process and its children from here on."""

    def cpu() -> float:
        return sum(
            one.ru_utime + one.ru_stime
            for one in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        )

    begin, clock = cpu(), time.perf_counter()
    size, tokens = work()
    spent, wall = cpu() - begin, time.perf_counter() - clock
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1000
    return {"bytes": size, "tokens": tokens, "cpu": spent, "wall": wall, "peak": peak}


def texts(folder: str) -> Iterator[str]:
    import pyarrow.parquet as pq

    for path in sorted(Path(folder).glob("*.parquet")):
        for batch in pq.ParquetFile(path).iter_batches(batch_size=256, columns=["text"]):
            yield from batch.column(0).to_pylist()


def corpus(folder: str, mb: str, peer_mb: str, *files: str) -> None:
    if Path(folder).exists():
        return
    import pyarrow as pa
    import pyarrow.parquet as pq

    found = [text for path in files for text in pq.read_table(path).column("text").to_pylist() if text] or list(
        shared()
    )
    found = [text for text in found if END not in text]  # datatrove would make control tokens of them
    rng = random.Random(1)
    rng.shuffle(found)
    size, wanted = sum(len(text.encode()) for text in found), float(mb) * 1e6
    paragraphs = [part for text in found[: len(found) // 2] for part in text.split("\n\n")]
    while size < wanted:
        found.append("\n\n".join(rng.choices(paragraphs, k=rng.randint(2, 60))))
        size += len(found[-1].encode())
    for name, limit, count in (("all", wanted, FILES), ("peer", float(peer_mb) * 1e6, 1)):
        chosen, size = [], 0
        for text in found:
            if size >= limit:
                break
            chosen.append(text)
            size += len(text.encode())
        target = Path(folder) / name
        target.mkdir(parents=True)
        for n in range(count):
            rows = chosen[n::count]
            ids = [f"{n}-{k}" for k in range(len(rows))]
            pq.write_table(pa.table({"id": ids, "text": pa.array(rows, pa.large_string())}), target / f"{n}.parquet",
                           compression="zstd", row_group_size=1000)  # fmt: skip


def shared() -> Iterator[str]:
    import pyarrow.parquet as pq
    from fastwarc.warc import ArchiveIterator, WarcRecordType
    from resiliparse.extract.html2text import extract_plain_text

    folder = ROOT.parent / "shared" / "corpora"
    if not folder.is_dir():
        raise SystemExit("no reference corpora beside the repository: give --text")
    for path in sorted(folder.glob("web/*.warc.gz")):
        with open(path, "rb") as stream:
            for record in ArchiveIterator(stream, record_types=WarcRecordType.response, parse_http=True):
                text = extract_plain_text(record.reader.read().decode("utf-8", "replace"), main_content=True)
                if text.strip():
                    yield text
    for path in sorted(folder.glob("code/*.parquet")):
        table = pq.read_table(path)
        name = "text" if "text" in table.column_names else "content"
        yield from (text for text in table.column(name).to_pylist() if text)


def tokenizer(folder: str, out: str) -> None:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer, made.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=32_000, special_tokens=[END], show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())  # fmt: skip
    made.train_from_iterator((text for text in texts(folder + "/peer")), trainer)
    made.save(out)


def encode(engine: str, folder: str, tokenizer: str) -> dict[str, float]:
    found = list(texts(folder))
    size = sum(len(text.encode()) for text in found)
    data = Path(tokenizer).read_text(encoding="utf-8")
    if engine == "fastokens":
        import fastokens

        fast = fastokens.Tokenizer.from_json_str(data)
        return measured(
            lambda: (size, sum(len(fast.encode_batch_flat(one, False, True)[0]) // 4 for one in batches(found)))
        )
    from tokenizers import Tokenizer

    sure = Tokenizer.from_str(data)

    def work() -> tuple[int, int]:
        return size, sum(
            len(e.ids) for one in batches(found) for e in sure.encode_batch_fast(one, add_special_tokens=False)
        )

    return measured(work)


def batches(found: list[str], characters: int = 1 << 20) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for text in found:
        batch.append(text)
        size += len(text)
        if size >= characters:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def ours(folder: str, workers: str, engine: str, tokenizer: str, **settings: Any) -> dict[str, float]:
    """From Parquet to .bin and .idx, with receipts, digests, checks and the merge."""
    from proofpile2 import pack
    from proofpile2.executors import LocalProcesses

    out = HOME / ("out-peers" if folder.endswith("peer") and engine == "auto" else "out")
    shutil.rmtree(out, ignore_errors=True)
    size = sum(len(text.encode()) for text in texts(folder))
    fixed = {"tokenizer": tokenizer, "engine": engine, "order": "input", "validation": 0.0, "test": 0.0}
    plan = pack.load("proofpile2", fixed | settings)
    left = [one.name for one in plan.components if one.name != "web"]

    def work() -> tuple[int, int]:
        outcome = pack.run(plan, str(out), LocalProcesses(int(workers)), {"web": [folder]}, left)
        assert not outcome.failures, outcome.failures
        assert not outcome.notes, outcome.notes
        return size, outcome.facts["components"]["web"]["splits"]["train"]["tokens"]

    return measured(work)


def best(folder: str, workers: str, engine: str, tokenizer: str) -> dict[str, float]:
    return ours(folder, workers, engine, tokenizer, order="hash", packing="best_fit", formats=("megatron", "npy"))


def neox(folder: str, tokenizer: str) -> dict[str, float]:
    """What GPT-NeoX tools/datasets/preprocess_data.py does with one worker: JSON lines, a document at a time."""
    import numpy as np
    from tokenizers import Tokenizer

    source = HOME / "peer.jsonl"
    with open(source, "w", encoding="utf-8") as out:
        out.writelines(json.dumps({"text": text}) + "\n" for text in texts(folder))
    sure = Tokenizer.from_file(tokenizer)
    end = sure.token_to_id(END)

    def work() -> tuple[int, int]:
        size = count = 0
        lengths = []
        with open(source, encoding="utf-8") as lines, open(HOME / "neox.bin", "wb") as out:
            for line in lines:
                text = json.loads(line)["text"]
                ids = [*sure.encode(text, add_special_tokens=False).ids, end]
                out.write(np.array(ids, np.uint16).tobytes())
                lengths.append(len(ids))
                size, count = size + len(text.encode()), count + len(ids)
        with open(HOME / "neox.idx", "wb") as out:
            offsets = np.concatenate([[0], np.cumsum(lengths[:-1])]) * 2
            out.write(np.array(lengths, np.int32).tobytes() + offsets.astype(np.int64).tobytes())
        return size, count

    return measured(work)


def datatrove(folder: str, tokenizer: str) -> dict[str, float]:
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.readers import ParquetReader
    from datatrove.pipeline.tokens import MegatronDocumentTokenizer

    out = HOME / "out-datatrove"
    shutil.rmtree(out, ignore_errors=True)
    size = sum(len(text.encode()) for text in texts(folder))
    steps = [ParquetReader(folder), MegatronDocumentTokenizer(str(out), None, tokenizer, END, 1000)]
    executor = LocalPipelineExecutor(steps, tasks=1, workers=1, logging_dir=str(HOME / "log"), skip_completed=False)

    def work() -> tuple[int, int]:
        executor.run()
        return size, next(out.glob("*.bin")).stat().st_size // 2

    return measured(work)


def million(folder: str, tokenizer: str) -> dict[str, Any]:
    """Best fit of 1 M documents whose lengths are drawn from the text's, at 4,096 tokens; and what is cut otherwise."""
    import numpy as np
    import pyarrow.parquet as pq

    from proofpile2.packing.sequences import best_fit, cut, waste

    path = next((HOME / "out").glob("**/train.documents.parquet"), None)
    if path is None:
        ours(folder, "1", "auto", tokenizer)
        path = next((HOME / "out").glob("**/train.documents.parquet"))
    real = pq.read_table(path).column("tokens").to_numpy()
    lengths = np.random.default_rng(1).choice(real, 1_000_000).astype(np.int64)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.process_time()
    documents, _, sizes = cut(lengths, 4096)
    bins = best_fit(sizes, 4096)
    took = time.process_time() - begin
    ends = np.cumsum(lengths)
    split = (ends - lengths) // 4096 != (ends - 1) // 4096
    fits = lengths <= 4096
    return {"documents": len(lengths), "tokens": int(lengths.sum()), "mean": round(float(lengths.mean())),
            "median": int(np.median(lengths)), "cpu_s": round(took, 2),
            "extra_peak_MB": round((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1000),
            "waste": f"{waste(sizes, bins, 4096):.4%}", "sequences": int(bins.max()) + 1,
            "cut_though_they_fit": int((np.bincount(documents)[fits] > 1).sum()),
            "concatenate_cuts_of_those": f"{split[fits].mean():.1%}"}  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
