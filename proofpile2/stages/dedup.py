"""Duplicates: exact ones first, then near ones by MinHash; one document of each cluster is kept.

Two texts are exact duplicates if their bytes are the same. Two are near duplicates if their signatures share a band
(the bands of datasketch's ``MinHashLSH(threshold, num_perm)``) *and* agree in at least a share ``threshold`` of their
values, which estimates the Jaccard similarity of their shingles (:mod:`proofpile2.deduplication.minhash` defines them).

A cluster is what near duplicates link together. Kept is its longest text, of equally long ones that with the least
id: of a page and its cut-off copy the page should stay. A chain of small changes can link texts that have little in
common, so a document is removed only if it agrees with the kept one in at least ``threshold - 0.2`` itself; those of
a cluster that do not form clusters among themselves, by the same rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from proofpile2.deduplication.phases import DECISION, Decide, Exact, Near, Sign, Signing
from proofpile2.deduplication.spill import file_of
from proofpile2.errors import ConfigError, MissingFile
from proofpile2.shards import open_parquet
from proofpile2.step import DROP, Apply, Step, Task, with_columns

__all__ = ["Dedup", "Fate"]

MARGIN = 0.2
"""A removed document agrees with the kept one in at least ``threshold - MARGIN`` of the signature."""

_DOCUMENTS_A_BUCKET = 1 << 20  # with 14 bands 235 MB of keys, and about three times that while they are sorted


@cache
def _bands(threshold: float, num_perm: int) -> tuple[int, int]:
    """Number of bands and rows of each, as datasketch chooses them."""
    from datasketch import MinHashLSH  # noqa: PLC0415 - brings SciPy, half a second

    lsh = MinHashLSH(threshold=threshold, num_perm=num_perm)
    return lsh.b, lsh.r


@dataclass(frozen=True)
class Dedup:
    """Keeps one document of each cluster of exact and near duplicates.

    ``threshold`` is the estimated Jaccard similarity of near duplicates (0.7 is OpenWebMath's, arXiv:2310.06786),
    ``num_perm`` the length of signatures, ``ngram`` the words of a shingle, ``seed`` that of datasketch's permutations,
    ``buckets`` into how many pieces digests and band keys are split, which bounds memory and changes no result (0: one
    for a million documents), ``exact`` whether texts of the same bytes are looked for first,
    ``skip_heads`` whether comments about licence and authors at the beginning of a source file are left out of both,
    ``exact_only`` subsets of which only exact duplicates are removed: proofs of ``a <= b`` and ``a < b`` go alike.

    Adds ``duplicates``: how many documents were removed in favour of this one. The detail of a reason is the id of the
    kept document. Ids must be unique within a part; rows of a part that share one are kept: nothing tells them apart.
    """

    name: ClassVar[str] = "dedup"
    version: ClassVar[int] = 1
    needs: ClassVar[Sequence[str]] = ("id", "text")
    adds: ClassVar[Mapping[str, pa.DataType]] = {"duplicates": pa.int32()}
    reasons: ClassVar[Sequence[str]] = ("exact_duplicate", "near_duplicate")

    threshold: float = 0.7
    num_perm: int = 128
    ngram: int = 5
    seed: int = 1
    buckets: int = 0
    exact: bool = True
    skip_heads: bool = False
    exact_only: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for field, least, most in (("threshold", 0.3, 0.95), ("num_perm", 64, 1024), ("ngram", 1, 50)):
            if not least <= getattr(self, field) <= most:
                raise ConfigError(f"dedup: {field} must be from {least} to {most}, not {getattr(self, field)}")
        if self.seed not in range(1 << 32) or self.buckets not in range(1 << 16):
            raise ConfigError(f"dedup: seed {self.seed} or buckets {self.buckets} is negative or too large")

    def uses(self) -> Mapping[str, str]:
        """The permutation scheme and the bands, which datasketch chooses."""
        bands, rows = _bands(self.threshold, self.num_perm)
        return {"scheme": "affine32", "bands": f"{bands}x{rows}"}

    def phases(self, parts: Sequence[str], work: str) -> Iterator[Sequence[Task]]:
        """Sign the parts, find exact copies, find near ones, decide."""
        documents = sum(open_parquet(path).metadata.num_rows for path in parts)
        buckets = self.buckets or 1 + documents // _DOCUMENTS_A_BUCKET
        signing = Signing(
            self.num_perm, self.ngram, self.seed, *_bands(self.threshold, self.num_perm), self.exact, self.skip_heads,
            self.exact_only,
        )  # fmt: skip
        yield [Sign(path, number, work, buckets, signing) for number, path in enumerate(parts)]
        if self.exact:
            yield [Exact(work, number, buckets, len(parts)) for number in range(buckets)]
        yield [Near(work, number, buckets, len(parts), signing, self.threshold) for number in range(buckets)]
        yield [Decide(tuple(parts), work, buckets, signing, self.threshold - MARGIN)]

    def step(self, work: str, part: int) -> Step:
        """The step that drops the duplicates among the rows of a part."""
        return Fate(work, part)


@dataclass(frozen=True)
class Fate:
    """Gives the rows of one part the fate that the phases decided."""

    name: ClassVar[str] = Dedup.name
    version: ClassVar[int] = Dedup.version
    needs: ClassVar[Sequence[str]] = ("id",)
    adds: ClassVar[Mapping[str, pa.DataType]] = Dedup.adds
    reasons: ClassVar[Sequence[str]] = Dedup.reasons

    work: str
    part: int

    def uses(self) -> Mapping[str, str]:
        """Nothing beside the decisions."""
        return {}

    def load(self) -> Apply:
        """MissingFile if the decisions for the part are not there."""
        path = file_of(self.work, "decide", self.part) + ".parquet"
        try:
            table = open_parquet(path).read(columns=DECISION.names)
        except FileNotFoundError:
            raise MissingFile(f"{path}: decisions on duplicates expected, none found; run the pass again") from None
        known, reasons, duplicates = (column.combine_chunks() for column in table.columns)

        def apply(batch: pa.RecordBatch) -> pa.RecordBatch:
            found = pc.index_in(batch.column("id"), value_set=known)
            removed = pc.fill_null(duplicates.take(found), 0)  # those of no cluster are unique
            return with_columns(batch, {"duplicates": removed, DROP: reasons.take(found)})

        return apply
