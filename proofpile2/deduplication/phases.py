"""The phases of dedup: tasks over files in a folder ``work``, one after the other over all parts.

Memory does not grow with the number of documents, but in the last one, which
takes some 16 bytes a linked pair and 150 a document in a cluster. Everything goes through files under ``work``:

    digests/ bands/      per part: digests and band keys, sorted, with an index of buckets
    sketches/ lengths/   per part: a byte of each signature value; bytes of each text
    exact/     per bucket of digests: which document is an exact copy of which
    near/      per bucket of band keys: pairs that are near duplicates
    decide/    per part: id, reason, number of documents removed in favour of it, for rows in a cluster
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from proofpile2.deduplication.clusters import agreement, candidates, cluster, pivoted, sketch
from proofpile2.deduplication.heads import without_head
from proofpile2.deduplication.minhash import EMPTY, band_keys, digests, signatures
from proofpile2.deduplication.spill import ROW, file_of, gather, load, load_bucket, save, save_buckets
from proofpile2.shards import open_parquet, write_parquet

__all__ = ["DECISION", "Decide", "Exact", "Near", "Sign", "Signing"]

U8 = npt.NDArray[np.uint8]
U64 = npt.NDArray[np.uint64]
Index = npt.NDArray[np.int64]

DECISION = pa.schema([("id", pa.string()), ("reason", pa.string()), ("duplicates", pa.int32())])
"""Columns of a file of decisions, which has the rows of documents in clusters; a null reason keeps the document."""

_BATCH, _BYTES = 1_000, 1 << 22  # documents and bytes of text signed at a time
_PAIRS = 1 << 17  # compared at a time


@dataclass(frozen=True)
class Signing:
    """How documents are signed: the settings of the whole, and its bands."""

    num_perm: int
    ngram: int
    seed: int
    bands: int
    rows: int
    exact: bool
    skip_heads: bool
    exact_only: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sign:
    """Phase 1: what is needed of the documents of one part."""

    path: str
    part: int
    work: str
    buckets: int
    signing: Signing

    @property
    def key(self) -> str:
        return f"sign-{self.part:05}"

    def __call__(self) -> Mapping[str, int]:
        signing, count = self.signing, 0
        keys, hashed = [np.zeros((0, 2), np.uint64)], [np.zeros((0, 3), np.uint64)]
        sketches, lengths = [np.zeros((0, signing.num_perm), np.uint8)], [np.zeros(0, np.uint64)]
        for text, subset in _texts(self.path):
            if signing.skip_heads:
                text = pa.array([value and without_head(value) for value in text.to_pylist()], text.type)
            number = np.arange(count, count + len(text), dtype=np.uint64) + np.uint64(self.part << 32)
            count += len(text)
            signed = signatures(text, signing.num_perm, signing.ngram, signing.seed)
            compared = np.any(signed != EMPTY, axis=1)
            if signing.exact_only:
                compared &= ~np.asarray(pc.is_in(subset, value_set=pa.array(signing.exact_only, pa.string())))
            found = band_keys(signed[compared], signing.bands, signing.rows)
            keys.append(np.column_stack([found.ravel(), np.repeat(number[compared], signing.bands)]))
            sketches.append(sketch(signed))
            length = pc.fill_null(pc.binary_length(text), 0)
            lengths.append(np.asarray(length).astype(np.uint64))
            if signing.exact:
                there = np.asarray(pc.is_valid(text))
                hashed.append(np.column_stack([digests(text)[there], number[there]]))
        save(file_of(self.work, "sketches", self.part), np.concatenate(sketches))
        save(file_of(self.work, "lengths", self.part), np.concatenate(lengths))
        save_buckets(file_of(self.work, "digests", self.part), np.concatenate(hashed), self.buckets)
        entries = np.concatenate(keys)
        save_buckets(file_of(self.work, "bands", self.part), entries, self.buckets)
        return {"documents": count, "not_compared": count - len(entries) // signing.bands}


def _texts(path: str) -> Iterator[tuple[pa.Array, pa.Array]]:
    """Texts of a part and their subsets, some at a time; by row group, since Arrow reads ahead as far as it may."""
    part = open_parquet(path)
    columns = [name for name in ("text", "subset") if name in part.schema_arrow.names]
    for group in range(part.num_row_groups):
        for batch in part.iter_batches(_BATCH, row_groups=[group], columns=columns):
            text = batch.column("text")
            subset = batch.column("subset") if "subset" in columns else pa.nulls(len(text), pa.string())
            rows = max(1, len(text) * _BYTES // max(1, text.nbytes))
            yield from ((text.slice(at, rows), subset.slice(at, rows)) for at in range(0, len(text), rows))


@dataclass(frozen=True)
class Exact:
    """Phase 2: pairs (copy, the first document of the same bytes) of one bucket of digests."""

    work: str
    bucket: int
    buckets: int
    parts: int

    @property
    def key(self) -> str:
        return f"exact-{self.bucket:05}"

    def __call__(self) -> Mapping[str, int]:
        rows = load_bucket(self.work, "digests", self.parts, self.bucket, self.buckets, 3)
        rows = rows[np.lexsort((rows[:, 2], rows[:, 1], rows[:, 0]))]
        begins = np.ones(len(rows), bool)
        begins[1:] = np.any(rows[1:, :2] != rows[:-1, :2], axis=1)
        firsts = rows[begins, 2][np.cumsum(begins) - 1]
        pairs = np.column_stack([rows[~begins, 2], firsts[~begins]])
        save(file_of(self.work, "exact", self.bucket), pairs)
        return {"exact_copies": len(pairs)}


@dataclass(frozen=True)
class Near:
    """Phase 3: pairs of documents of different bytes that share a band key of one bucket and agree in the threshold."""

    work: str
    bucket: int
    buckets: int
    parts: int
    signing: Signing
    threshold: float

    @property
    def key(self) -> str:
        return f"near-{self.bucket:05}"

    def __call__(self) -> Mapping[str, int]:
        entries = load_bucket(self.work, "bands", self.parts, self.bucket, self.buckets, 2)
        copies = np.sort(_exact_pairs(self.signing, self.work, self.buckets)[:, 0])
        at = np.searchsorted(copies, entries[:, 1])
        known = at < len(copies)
        known[known] = copies[at[known]] == entries[known, 1]
        keys, documents = entries[~known].T
        agree = _Agree(self.work, self.signing.num_perm, documents)
        compared, found = 0, []
        for left, right in candidates(keys):
            compared += len(left)
            near = agree(left, right) >= self.threshold
            found.append((left[near], right[near]))
        found.extend(pivoted(keys, agree.read, self.threshold))
        pairs = [np.sort(np.column_stack([documents[left], documents[right]]), axis=1) for left, right in found]
        linked = _unique(np.concatenate([np.zeros((0, 2), np.uint64), *pairs]))
        save(file_of(self.work, "near", self.bucket), linked)
        return {"compared_pairs": compared, "near_pairs": len(linked)}


@dataclass(frozen=True)
class _Agree:
    """Estimated similarity of documents, given by their places in ``documents``."""

    work: str
    num_perm: int
    documents: U64

    def __call__(self, left: Index, right: Index) -> npt.NDArray[np.float64]:
        result = np.empty(len(left))
        for at in range(0, len(left), _PAIRS):
            here = slice(at, at + _PAIRS)
            result[here] = agreement(self._sketches(left[here]), self._sketches(right[here]))
        return result

    def _sketches(self, places: Index) -> U8:
        return gather(self.work, "sketches", "u1", self.num_perm, self.documents[places])

    def read(self, places: Index) -> tuple[U8, Index]:
        """Sketches, and lengths in bytes."""
        return self._sketches(places), gather(self.work, "lengths", "<i8", 1, self.documents[places])[:, 0]


@dataclass(frozen=True)
class Decide:
    """Phase 4: clusters, and what becomes of their documents."""

    paths: tuple[str, ...]
    work: str
    buckets: int
    signing: Signing
    floor: float
    key: ClassVar[str] = "decide"

    def __call__(self) -> Mapping[str, int]:
        exact = _exact_pairs(self.signing, self.work, self.buckets)
        near = [load(file_of(self.work, "near", bucket)).reshape(-1, 2) for bucket in range(self.buckets)]
        links = np.concatenate([exact, _unique(np.concatenate(near))])
        documents = np.unique(links)  # in what follows a document is its place in here
        ids, alike = self._ids(documents)
        length = gather(self.work, "lengths", "<u8", 1, documents)[:, 0]
        table = pa.table({"length": length, "id": ids, "document": documents})
        keys = [("length", "descending"), ("id", "ascending"), ("document", "ascending")]
        order = np.asarray(pc.sort_indices(table, sort_keys=keys)).astype(np.int64)
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        left, right = rank[np.searchsorted(documents, links.T)]
        agree = _Agree(self.work, self.signing.num_perm, documents[order])
        keeper = order[cluster(len(order), left, right, agree, self.floor)[rank]]
        keeper[alike] = alike
        text = np.arange(len(documents))  # the same number for the same bytes
        text[np.searchsorted(documents, exact[:, 0])] = np.searchsorted(documents, exact[:, 1])
        removed = keeper != np.arange(len(keeper))
        copy = text == text[keeper]
        stands_for = np.bincount(keeper[removed], minlength=len(keeper))
        for part, first, last in self._slices(documents):
            own = keeper[first:last]
            kind = pc.if_else(pa.array(copy[first:last]), "exact_duplicate", "near_duplicate")
            named = pc.binary_join_element_wise(kind, ids.take(pa.array(own)).cast(pa.string()), ":")
            fate = pa.table(
                {
                    "id": ids.slice(first, last - first).cast(pa.string()),
                    "reason": pc.if_else(pa.array(removed[first:last]), named, None),
                    "duplicates": pa.array(stands_for[first:last], pa.int32()),
                }
            )
            fate = fate.filter(pa.array(removed[first:last] | (stands_for[first:last] > 0)))
            write_parquet(file_of(self.work, "decide", part) + ".parquet", DECISION, fate.to_batches())
        return {
            "exact_duplicates": int(np.count_nonzero(removed & copy)),
            "near_duplicates": int(np.count_nonzero(removed & ~copy)),
            "clusters": int(np.count_nonzero(stands_for)),
            "ids_not_unique": len(alike),
        }

    def _slices(self, documents: U64) -> Iterator[tuple[int, int, int]]:
        """Each part, and from where to where its documents stand."""
        edges = np.arange(len(self.paths) + 1, dtype=np.uint64) << np.uint64(32)
        bounds = np.searchsorted(documents, edges).tolist()
        yield from zip(range(len(self.paths)), bounds, bounds[1:], strict=False)

    def _ids(self, documents: U64) -> tuple[pa.Array, Index]:
        """Ids of the documents, and the places of those whose id stands more than once in their part."""
        found, alike = [pa.array([], pa.large_string())], [np.zeros(0, np.int64)]
        for part, first, last in self._slices(documents):
            if first == last:
                continue
            column = open_parquet(self.paths[part]).read(columns=["id"]).column("id").combine_chunks()
            own = column.take(pa.array(documents[first:last] & ROW))
            found.append(own.cast(pa.large_string()))
            if pc.count_distinct(column).as_py() < len(column):
                counts = pc.value_counts(column)
                twice = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
                alike.append(np.flatnonzero(np.asarray(pc.is_in(own, value_set=twice))) + first)
        return pa.concat_arrays(found), np.concatenate(alike)


def _exact_pairs(signing: Signing, work: str, buckets: int) -> U64:
    """Pairs (copy, first) of all buckets."""
    pairs = [np.zeros((0, 2), np.uint64)]
    if signing.exact:
        pairs += [load(file_of(work, "exact", bucket)).reshape(-1, 2) for bucket in range(buckets)]
    return np.concatenate(pairs)


def _unique(pairs: U64) -> U64:
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    first = np.ones(len(pairs), bool)
    first[1:] = np.any(pairs[1:] != pairs[:-1], axis=1)
    return pairs[first]
