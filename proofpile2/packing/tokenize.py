"""A part of a component to a shard of tokens, in sorted runs that can be merged without tokenizing again.

A shard is ``KEY.bin``, the tokens of run after run, and ``KEY.docs.arrow``, one record batch a run with a row a
document in the same order: ``split``, ``key`` (what the merge sorts by: a hash of the id, or the place in the input),
``row`` of the input, ``length`` in tokens with the end-of-document token, ``id``, ``subset``. A run holds about
:data:`RUN_TOKENS` tokens, sorted by split and key, which bounds the memory of making and of merging it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from proofpile2 import manifest, shards
from proofpile2.manifest import Receipt
from proofpile2.packing import tokens
from proofpile2.packing.components import SPLITS, Part, Rows, documents
from proofpile2.packing.tokens import Encoder, Spec
from proofpile2.schema import split_of
from proofpile2.shards import join

__all__ = ["DOCS", "RUN_TOKENS", "TokenizePart"]

RUN_TOKENS = 1 << 25
RUN_DOCUMENTS = 1 << 18
BATCH_CHARACTERS = 1 << 20
"""Characters encoded at once: the reference engine holds more than 100 bytes a token."""

CHECK_EVERY = 1 << 24
"""Characters of a shard for which one document is encoded by the reference engine too."""

CHECK_CHARACTERS = 10_000
CHECK_FIRST = 4

DOCS = pa.schema(
    [
        pa.field("split", pa.int8(), nullable=False),
        pa.field("key", pa.uint64(), nullable=False),
        pa.field("row", pa.int64(), nullable=False),
        pa.field("length", pa.int32(), nullable=False),
        pa.field("id", pa.string()),
        pa.field("subset", pa.string()),
    ]
)


class _Differs(Exception):
    """The fast engine and the reference part ways on a document."""


@dataclass(frozen=True)
class TokenizePart:
    """Makes the shard of one file. ``order`` is ``hash`` (of id and ``seed``) or ``input``; ``number`` is the file's
    place among the component's files."""

    key: str
    folder: str
    fingerprint: str
    part: Part
    number: int
    tokenizer: str  # path of its file
    end_token: str
    text: str = "text"
    engine: str = "auto"
    order: str = "hash"
    seed: str = "1"
    validation: float = 0.005
    test: float = 0.005

    def __call__(self) -> Mapping[str, int]:
        spec = tokens.read(self.tokenizer, self.end_token)
        encoder, note = tokens.load(spec, self.engine)
        try:
            receipt = self._make(spec, encoder, [note] if note else [])
        except (_Differs, tokens.EngineFailed) as error:
            receipt = self._make(spec, tokens.reference(spec), [f"{error}; the reference engine is used"])
        manifest.write(join(self.folder, f"{self.key}.json"), receipt)
        return receipt.counts

    def _make(self, spec: Spec, encoder: Encoder, notes: list[str]) -> Receipt:
        tally, run = _Tally(notes), _Run(spec.dtype)
        names = f"{self.key}.bin", f"{self.key}.docs.arrow"
        with (
            shards.atomic(join(self.folder, names[0])) as out,
            shards.atomic(join(self.folder, names[1])) as out_docs,
            pa.ipc.new_file(pa.PythonFile(out_docs, mode="w"), DOCS) as docs,
        ):
            for rows in documents(self.part, self.text):
                tally.take_dropped(rows)
                for batch in _batches(rows):
                    self._check(spec, encoder, batch.texts, tally)
                    lengths = run.add(encoder, spec.end, batch.texts)
                    splits = [self._split(key, own) for key, own in zip(batch.ids, batch.splits, strict=True)]
                    keys = [self._key(key, row) for key, row in zip(batch.ids, batch.rows, strict=True)]
                    run.add_documents(splits, keys, batch)
                    tally.count(splits, batch, lengths)
                    tally.inside, run.inside = tally.inside + run.inside, 0
                    if run.tokens >= RUN_TOKENS or run.documents >= RUN_DOCUMENTS:
                        run.write(out, docs)
                        run = _Run(spec.dtype)
            if run.tokens:
                run.write(out, docs)
        files = {names[0]: out.facts(), names[1]: out_docs.facts()}
        return tally.receipt(self, files)

    def _split(self, key: str, own: str | None) -> int:
        return SPLITS.index(self.part.split or own or split_of(key, self.validation, self.test))

    def _key(self, key: str, row: int) -> int:
        if self.order == "input":
            return self.number << 40 | row
        digest = blake2b(key.encode("utf-8", "replace"), digest_size=8, person=b"order", key=self.seed.encode()[:64])
        return int.from_bytes(digest.digest(), "big")

    def _check(self, spec: Spec, encoder: Encoder, texts: Sequence[str], tally: _Tally) -> None:
        """Encode some documents by the reference too, and decode them again."""
        tally.seen += sum(map(len, texts))
        for text in texts:
            if tally.checked >= CHECK_FIRST + tally.seen // CHECK_EVERY:
                break
            tally.checked += 1
            piece, sure = text[:CHECK_CHARACTERS], tokens.reference(spec)
            expected = sure.encode([piece])
            if encoder is not sure and (difference := tokens.agree(encoder, sure, [piece], expected)):
                raise _Differs(f"{encoder.engine} differs from {sure.engine} ({difference})")
            if sure.decode(expected[0].tolist()) != piece:
                tally.changed += 1


def _batches(rows: Rows) -> Iterator[Rows]:
    begin = size = 0
    for n, text in enumerate(rows.texts):
        size += len(text)
        if size >= BATCH_CHARACTERS or n + 1 == len(rows.texts):
            place = slice(begin, n + 1)
            yield Rows(
                rows.ids[place], rows.texts[place], rows.splits[place], rows.subsets[place], rows.rows[place], {}
            )
            begin, size = n + 1, 0


@dataclass
class _Run:
    """Documents that are sorted together."""

    dtype: np.dtype[Any]
    tokens: int = 0
    inside: int = 0  # end tokens that a text itself made
    _arrays: list[npt.NDArray[Any]] = field(default_factory=list)
    _lengths: list[npt.NDArray[np.int32]] = field(default_factory=list)
    _documents: list[tuple[int, int, int, str, str | None]] = field(default_factory=list)

    def add(self, encoder: Encoder, end: int, texts: Sequence[str]) -> npt.NDArray[np.int32]:
        """Encode ``texts``, with the token ``end`` after each; their lengths."""
        ids, offsets = encoder.encode(texts)
        last = offsets[1:] + np.arange(len(texts))
        made = np.empty(len(ids) + len(texts), self.dtype)
        inside = np.ones(len(made), np.bool_)
        inside[last] = False
        made[inside] = ids
        made[last] = end
        self.inside += int(np.count_nonzero(ids == end))
        lengths = np.diff(offsets).astype(np.int32) + np.int32(1)
        self._arrays.append(made)
        self._lengths.append(lengths)
        self.tokens += len(made)
        return lengths

    def add_documents(self, splits: Sequence[int], keys: Sequence[int], batch: Rows) -> None:
        self._documents += zip(splits, keys, batch.rows, batch.ids, batch.subsets, strict=True)

    @property
    def documents(self) -> int:
        return len(self._documents)

    def write(self, out: Any, docs: Any) -> None:
        splits, keys, rows, ids, subsets = zip(*self._documents, strict=True)
        lengths = np.concatenate(self._lengths)
        split, key = np.array(splits, np.int8), np.array(keys, np.uint64)
        order = np.lexsort((np.array(rows, np.int64), key, split))
        pieces: list[npt.NDArray[Any]] = []
        for array, sizes in zip(self._arrays, self._lengths, strict=True):
            ends = np.cumsum(sizes).tolist()
            pieces += [array[begin:end] for begin, end in zip([0, *ends[:-1]], ends, strict=True)]
        for start in range(0, len(order), 2048):
            out.write(np.concatenate([pieces[n] for n in order[start : start + 2048].tolist()]).tobytes())
        columns = [
            pa.array(split), pa.array(key), pa.array(np.array(rows, np.int64)), pa.array(lengths),
            pa.array(ids, pa.string()), pa.array(subsets, pa.string()),
        ]  # fmt: skip
        docs.write_batch(pa.RecordBatch.from_arrays(columns, schema=DOCS).take(pa.array(order)))


@dataclass
class _Tally:
    notes: list[str]
    rows: int = 0
    characters: int = 0
    seen: int = 0
    checked: int = 0
    changed: int = 0
    inside: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)

    def take_dropped(self, rows: Rows) -> None:
        self.dropped.update(rows.dropped)

    def count(self, splits: Sequence[int], batch: Rows, lengths: npt.NDArray[np.int32]) -> None:
        self.rows += len(batch.texts)
        self.characters += sum(map(len, batch.texts))
        for split, subset, length in zip(splits, batch.subsets, lengths.tolist(), strict=True):
            place = f"{SPLITS[split]}/{subset or ''}"
            self.counts[f"documents/{place}"] += 1
            self.counts[f"tokens/{place}"] += length

    def receipt(self, task: TokenizePart, files: Mapping[str, shards.FileFacts]) -> Receipt:
        if self.changed:
            self.notes.append(f"{self.changed} of {self.checked} texts checked are not the same when decoded again")
        if self.inside:
            self.notes.append(f"{self.inside} end tokens came out of texts: the tokenizer's model has it as a piece")
        dropped = {"tokenize": dict(sorted(self.dropped.items()))} if self.dropped else {}
        self.counts.update({f"dropped/{reason}": n for reason, n in self.dropped.items()})
        return Receipt(
            task.key, task.fingerprint, (task.part.name,), self.rows + sum(self.dropped.values()), self.rows,
            self.characters, dropped, tuple(self.notes), files,
            dict(sorted(self.counts.items())) | {"checked": self.checked, "changed": self.changed},
        )  # fmt: skip
