"""The shards of a component to the files that a trainer reads, split by split.

The merge takes a range of keys at a time, which every run holds as one stretch, so it reads in long stretches (as well
from an object store) and holds about :data:`RANGE_TOKENS` tokens, beside 20 bytes for each document of the split.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, cast

import fsspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from proofpile2 import manifest, shards
from proofpile2.manifest import Receipt
from proofpile2.packing.components import SPLITS
from proofpile2.packing.flat import FILE_TOKENS, flat_dtype, header
from proofpile2.packing.mmap_index import index_bytes
from proofpile2.packing.sequences import BestFit, Concatenate, Sequences
from proofpile2.shards import FileFacts, join

__all__ = ["FORMATS", "Chunk", "MergeSplit", "chunks"]

FORMATS = ("megatron", "flat", "npy", "parquet")
RANGE_TOKENS = 1 << 25
RANGE_DOCUMENTS = 1 << 18
DOCUMENTS = pa.schema([("id", pa.string()), ("subset", pa.string()), ("tokens", pa.int32())])
Tokens = npt.NDArray[Any]


@dataclass(frozen=True)
class Chunk:
    """Some documents one after the other: their tokens, the length of each, and a batch of ``id`` and ``subset``."""

    tokens: Tokens
    lengths: npt.NDArray[np.int32]
    documents: pa.Table


@dataclass(frozen=True)
class _Run:
    """The documents of one split in one run of a shard."""

    path: str
    part: int
    keys: npt.NDArray[np.uint64]
    rows: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]  # in tokens of the .bin, the start of the first one first
    table: pa.RecordBatch


def chunks(prefixes: Sequence[str], split: str, order: str, dtype: np.dtype[Any]) -> Iterator[Chunk]:
    """All documents of ``split`` in the shards ``prefixes`` (paths without ending), in the order of their keys."""
    runs = [run for part, prefix in enumerate(prefixes) for run in _runs(prefix, part, SPLITS.index(split))]
    for low, high in _ranges(runs, order):
        found = []
        for run in runs:
            begin = int(np.searchsorted(run.keys, np.uint64(low)))
            end = int(np.searchsorted(run.keys, np.uint64(high - 1), side="right"))
            if begin < end:
                found.append((run, begin, end))
        if found:
            yield _sorted(found, dtype)


def _runs(prefix: str, part: int, split: int) -> Iterator[_Run]:
    path = f"{prefix}.docs.arrow"
    local = "://" not in path
    file = pa.ipc.open_file(pa.memory_map(path) if local else pa.BufferReader(shards.read_bytes(path)))
    base = 0
    for n in range(file.num_record_batches):
        batch = file.get_batch(n)
        splits = batch.column("split").to_numpy()
        begin, end = int(np.searchsorted(splits, split)), int(np.searchsorted(splits, split, side="right"))
        lengths = batch.column("length").to_numpy()
        before = base + int(lengths[:begin].sum(dtype=np.int64))
        if begin < end:
            ends = before + np.concatenate([[0], np.cumsum(lengths[begin:end], dtype=np.int64)])
            own = batch.slice(begin, end - begin)
            keys, rows = own.column("key").to_numpy(), own.column("row").to_numpy()
            yield _Run(f"{prefix}.bin", part, keys, rows, ends, own)
        base += int(lengths.sum(dtype=np.int64))


def _ranges(runs: Sequence[_Run], order: str) -> Iterator[tuple[int, int]]:
    if order == "input":  # each run is a stretch of the input
        starts = [int(run.keys[0]) for run in runs]
        yield from zip(starts, [*starts[1:], 1 << 64], strict=True)
        return
    tokens, documents = sum(int(run.ends[-1] - run.ends[0]) for run in runs), sum(len(run.keys) for run in runs)
    count = -(-max(tokens * RANGE_DOCUMENTS, documents * RANGE_TOKENS) // (RANGE_TOKENS * RANGE_DOCUMENTS))
    yield from (((n << 64) // count, ((n + 1) << 64) // count) for n in range(count))


def _read(path: str, begin: int, end: int, dtype: np.dtype[Any]) -> Tokens:
    if "://" not in path:
        return np.fromfile(path, dtype, end - begin, offset=begin * dtype.itemsize)
    with fsspec.open(path, "rb") as handle:
        handle.seek(begin * dtype.itemsize)
        return np.frombuffer(handle.read((end - begin) * dtype.itemsize), dtype)


def _sorted(found: Sequence[tuple[_Run, int, int]], dtype: np.dtype[Any]) -> Chunk:
    lengths = np.concatenate([np.diff(run.ends[begin : end + 1]) for run, begin, end in found]).astype(np.int32)
    table = pa.Table.from_batches([run.table.slice(begin, end - begin) for run, begin, end in found])
    buffer, at = np.empty(int(lengths.sum(dtype=np.int64)), dtype), 0
    for run, begin, end in found:
        piece = _read(run.path, int(run.ends[begin]), int(run.ends[end]), dtype)
        buffer[at : at + len(piece)] = piece
        at += len(piece)
    keys = np.concatenate([run.keys[begin:end] for run, begin, end in found])
    parts = np.concatenate([np.full(end - begin, run.part) for run, begin, end in found])
    rows = np.concatenate([run.rows[begin:end] for run, begin, end in found])
    order = np.lexsort((rows, parts, keys))
    if not (order[1:] > order[:-1]).all():
        ends = np.cumsum(lengths, dtype=np.int64)
        places = zip((ends - lengths)[order].tolist(), ends[order].tolist(), strict=True)
        buffer = np.concatenate([buffer[begin:end] for begin, end in places])
        lengths, table = lengths[order], table.take(pa.array(order))
    return Chunk(buffer, lengths, table.select(["id", "subset"]))


@dataclass(frozen=True)
class MergeSplit:
    """Writes all formats of one split of a component. ``tokens`` and ``documents`` are what the receipts promise."""

    key: str  # the split
    folder: str
    fingerprint: str
    prefixes: tuple[str, ...]
    counts: Mapping[str, int]
    tokens: int
    documents: int
    dtype: str
    end: int
    order: str = "hash"
    formats: tuple[str, ...] = ("megatron",)
    packing: str = "concatenate"
    length: int = 4096
    seed: str = "1"

    def __call__(self) -> Mapping[str, int]:
        files: dict[str, FileFacts] = {}
        counts: Counter[str] = Counter(dict(self.counts))
        if self.documents:
            self._write(files, counts)
        receipt = Receipt(
            self.key,
            self.fingerprint,
            rows_in=self.documents,
            rows_out=self.documents,
            files=files,
            counts=dict(counts),
        )
        manifest.write(join(self.folder, f"{self.key}.json"), receipt)
        return receipt.counts

    def _write(self, files: dict[str, FileFacts], counts: Counter[str]) -> None:
        dtype = np.dtype(self.dtype)
        lengths: list[npt.NDArray[np.int32]] = []
        with ExitStack() as stack:
            named = join(self.folder, f"{self.key}.documents.parquet")
            documents = stack.enter_context(shards.parquet_out(named, DOCUMENTS))
            data = (
                stack.enter_context(shards.atomic(join(self.folder, f"{self.key}.bin")))
                if "megatron" in self.formats
                else None
            )
            flat = stack.enter_context(_Flat(self, files)) if "flat" in self.formats else None
            packed = _Packed(self, files, counts) if {"npy", "parquet"} & set(self.formats) else None
            first = 0
            for chunk in chunks(self.prefixes, self.key, self.order, dtype):
                if data:
                    data.write(chunk.tokens.data)
                if flat:
                    flat.add(chunk.tokens)
                if packed:
                    packed.add(chunk, first)
                table = chunk.documents.append_column("tokens", pa.array(chunk.lengths))
                for batch in table.to_batches():
                    documents.write(batch)
                lengths.append(chunk.lengths)
                first += len(chunk.lengths)
            if packed:
                packed.finish(dtype)
        files[f"{self.key}.documents.parquet"] = documents.facts()
        if data:
            files[f"{self.key}.bin"] = data.facts()
            with shards.atomic(join(self.folder, f"{self.key}.idx")) as out:
                for piece in index_bytes(np.concatenate(lengths), dtype):
                    out.write(piece)
            files[f"{self.key}.idx"] = out.facts()
        found = sum(int(one.sum(dtype=np.int64)) for one in lengths)
        if (first, found) != (self.documents, self.tokens):
            raise AssertionError(
                f"{self.key}: merged {first} documents of {found} tokens; expected {self.documents} of {self.tokens}"
            )


class _Flat:
    """Cuts a stream of known length into flat files."""

    def __init__(self, task: MergeSplit, files: dict[str, FileFacts]) -> None:
        self._task, self._files, self._left, self._number, self._room = task, files, task.tokens, 0, 0
        self._dtype = flat_dtype(np.dtype(task.dtype))
        self._stack = ExitStack()

    def __enter__(self) -> _Flat:
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)

    def add(self, tokens: Tokens) -> None:
        while len(tokens):
            if not self._room:
                self._open()
            piece, tokens = tokens[: self._room], tokens[self._room :]
            self._out.write(piece.astype(self._dtype).data)
            self._room -= len(piece)
            if not self._room:
                self._stack.close()
                self._files[self._name] = self._out.facts()

    def _open(self) -> None:
        self._name = f"{self._task.key}.flat-{self._number:05d}.bin"
        self._room = min(FILE_TOKENS, self._left)
        self._out = self._stack.enter_context(shards.atomic(join(self._task.folder, self._name)))
        self._out.write(header(self._room, self._dtype))
        self._left, self._number = self._left - self._room, self._number + 1


class _Packed:
    """Writes packed sequences, a file for each chunk."""

    def __init__(self, task: MergeSplit, files: dict[str, FileFacts], counts: Counter[str]) -> None:
        self._task, self._files, self._counts, self._number = task, files, counts, 0
        kind = BestFit(task.length, task.end, task.seed) if task.packing == "best_fit" else None
        self._packer = kind or Concatenate(task.length, task.end)

    def add(self, chunk: Chunk, first: int) -> None:
        self._write(self._packer.add(chunk.tokens, chunk.lengths, first))

    def finish(self, dtype: np.dtype[Any]) -> None:
        last = self._packer.finish()
        self._write(Sequences(last.tokens.astype(dtype), last.cu_seqlens, last.starts, last.documents))

    def _write(self, made: Sequences) -> None:
        if not len(made):
            return
        self._counts.update(sequences=len(made), padding=made.padding())
        name = f"{self._task.key}-{self._number:05d}"
        self._number += 1
        if "npy" in self._task.formats:
            arrays = {"tokens": made.tokens, "cu_seqlens": made.cu_seqlens, "starts": made.starts,
                      "documents": made.documents}  # fmt: skip
            for inner, array in arrays.items():
                self._npy(f"{name}.{inner}.npy", array)
        if "parquet" in self._task.formats:
            self._parquet(f"{name}.sequences.parquet", made)

    def _npy(self, name: str, array: npt.NDArray[Any]) -> None:
        head = io.BytesIO()
        np.lib.format.write_array_header_1_0(head, np.lib.format.header_data_from_array_1_0(array))
        with shards.atomic(join(self._task.folder, name)) as out:
            out.write(head.getvalue())
            out.write(np.ascontiguousarray(array).data)
        self._files[name] = out.facts()

    def _parquet(self, name: str, made: Sequences) -> None:
        kind = pa.uint16() if made.tokens.dtype.itemsize == 2 else pa.int32()
        schema = pa.schema(
            [("input_ids", pa.list_(kind, self._task.length)), ("cu_seqlens", pa.list_(pa.int32())),
             ("documents", pa.list_(pa.int64()))]
        )  # fmt: skip
        flat = pa.array(made.tokens.reshape(-1))
        tokens = pa.FixedSizeListArray.from_arrays(flat, self._task.length)
        ends = pa.ListArray.from_arrays(pa.array(made.starts.astype(np.int32)), pa.array(made.cu_seqlens))
        starts = (made.starts - np.arange(len(made.starts))).astype(np.int32)
        documents = pa.ListArray.from_arrays(pa.array(starts), pa.array(made.documents))
        batch = pa.RecordBatch.from_arrays([tokens, ends, documents], names=schema.names)
        self._files[name] = shards.write_parquet(join(self._task.folder, name), schema, cast(Any, [batch]))
