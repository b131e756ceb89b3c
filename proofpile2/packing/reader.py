"""Reads what packing made: sequences in the order of the run, from any step, for any rank; and single documents.

Needs the standard library and NumPy only, so that a trainer's machine needs nothing else. Files are memory-mapped, so
they must be on a local or mounted disk.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from proofpile2.packing.mixture import Order, Share
from proofpile2.packing.mmap_index import read_index

__all__ = ["Batch", "Packed", "Sequence", "TokenSet", "open_tokens"]

Tokens = npt.NDArray[Any]


class Sequence(NamedTuple):
    """``length`` tokens. Pieces of documents end at ``cu_seqlens`` (0 first; what follows the last is padding) and come
    from ``documents``, numbers in the component's split."""

    tokens: Tokens
    cu_seqlens: npt.NDArray[np.int32]
    documents: npt.NDArray[np.int64]

    def positions(self) -> npt.NDArray[np.int32]:
        """Position of each token in its piece; they go on counting in the padding."""
        starts = np.zeros(len(self.tokens), np.int32)
        starts[self.cu_seqlens[1:-1]] = np.diff(self.cu_seqlens[:-1])
        return np.arange(len(self.tokens), dtype=np.int32) - np.cumsum(starts, dtype=np.int32)


class Batch(NamedTuple):
    """``tokens`` is int64 ``[batch, length]``; ``components`` numbers of the components; ``step`` the step it belongs
    to."""

    step: int
    tokens: npt.NDArray[np.int64]
    components: npt.NDArray[np.int64]
    sequences: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Packed:
    """One split of one component, from its ``.bin`` and ``.idx`` or from its ``.npy`` files. ``prefix`` is the path
    without the ending."""

    prefix: str
    length: int
    pad: int
    packed: bool = False  # read the .npy files

    def __reduce__(self) -> tuple[Any, ...]:
        """Without the maps of the files: a worker of a data loader opens its own."""
        return Packed, (self.prefix, self.length, self.pad, self.packed)

    @cached_property
    def _index(self) -> Any:
        return read_index(self.prefix + ".idx")

    @cached_property
    def _stream(self) -> Tokens:
        return np.memmap(self.prefix + ".bin", self._index.dtype, mode="r")

    @cached_property
    def _ends(self) -> npt.NDArray[np.int64]:
        """Where each document starts in the stream, in tokens, and the end of the last."""
        return np.append(self._index.offsets // self._index.dtype.itemsize, len(self._stream)).astype(np.int64)

    @cached_property
    def _files(self) -> list[dict[str, Tokens]]:
        folder, name = os.path.split(self.prefix)
        found = sorted(Path(folder or ".").glob(f"{name}-*.tokens.npy"))
        if not found:
            raise FileNotFoundError(f"{self.prefix}-*.tokens.npy: no packed sequences")
        kinds = ("tokens", "cu_seqlens", "starts", "documents")
        return [{kind: np.load(str(path)[: -len("tokens.npy")] + f"{kind}.npy", mmap_mode="r") for kind in kinds}
                for path in found]  # fmt: skip

    @cached_property
    def _firsts(self) -> npt.NDArray[np.int64]:
        return np.cumsum([0, *(len(file["tokens"]) for file in self._files)])

    def __len__(self) -> int:
        """Sequences."""
        return int(self._firsts[-1]) if self.packed else -(-len(self._stream) // self.length)

    @property
    def documents(self) -> int:
        """Documents."""
        return len(self._index.lengths)

    def document(self, k: int) -> Tokens:
        """Tokens of document ``k``, with the end-of-document token. IndexError if there is none."""
        if not 0 <= k < self.documents:
            raise IndexError(f"{self.prefix}: document {k} of {self.documents}")
        begin = int(self._index.offsets[k]) // self._index.dtype.itemsize
        return self._stream[begin : begin + int(self._index.lengths[k])]

    def tokens(self, k: int) -> Tokens:
        """The ``length`` tokens of sequence ``k``."""
        if not 0 <= k < len(self):
            raise IndexError(f"{self.prefix}: sequence {k} of {len(self)}")
        if self.packed:
            file = int(np.searchsorted(self._firsts, k, side="right")) - 1
            return np.asarray(self._files[file]["tokens"][k - int(self._firsts[file])])
        found = np.asarray(self._stream[k * self.length : (k + 1) * self.length])
        if len(found) == self.length:
            return found
        return np.concatenate([found, np.full(self.length - len(found), self.pad, found.dtype)])

    def sequence(self, k: int) -> Sequence:
        """Sequence ``k`` with its pieces."""
        tokens = self.tokens(k)
        if self.packed:
            file = int(np.searchsorted(self._firsts, k, side="right")) - 1
            one, n = self._files[file], k - int(self._firsts[file])
            begin, end = int(one["starts"][n]), int(one["starts"][n + 1])
            return Sequence(tokens, np.asarray(one["cu_seqlens"][begin:end]), one["documents"][begin - n : end - n - 1])
        begin = k * self.length
        end = min(begin + self.length, len(self._stream))
        first = int(np.searchsorted(self._ends, begin, side="right"))
        last = int(np.searchsorted(self._ends, end))
        borders = np.concatenate([[begin], self._ends[first:last], [end]])
        return Sequence(tokens, (borders - begin).astype(np.int32), np.arange(first - 1, last))


@dataclass(frozen=True)
class TokenSet:
    """A mixture on disk. ``folder`` is its directory, ``facts`` what its ``mixture.json`` says."""

    folder: str
    facts: Mapping[str, Any]

    def __reduce__(self) -> tuple[Any, ...]:
        """As of :class:`Packed`."""
        return TokenSet, (self.folder, self.facts)

    @property
    def length(self) -> int:
        """Tokens of a sequence."""
        return int(self.facts["length"])

    @property
    def vocab_size(self) -> int:
        """One more than the largest id."""
        return int(self.facts["vocab_size"])

    @property
    def end(self) -> int:
        """Id of the token that ends a document; padding too."""
        return int(self.facts["end"])

    @property
    def tokenizer(self) -> str:
        """Path of the tokenizer's file."""
        return os.path.normpath(os.path.join(self.folder, self.facts["tokenizer"]))

    @property
    def components(self) -> list[str]:
        """Names of the components, in the order of their numbers."""
        return list(self.facts["components"])

    def part(self, component: str, split: str = "train") -> Packed:
        """One split of one component. KeyError if it has no document there."""
        facts = self.facts["components"][component]
        if not facts["splits"].get(split, {}).get("documents"):
            raise KeyError(f"{component} has no documents in {split}")
        prefix = os.path.normpath(os.path.join(self.folder, facts["folder"], split))
        key = (prefix, self.length)
        if key not in self._parts:
            self._parts[key] = Packed(prefix, self.length, self.end, bool(self.facts["packed"]))
        return self._parts[key]

    @cached_property
    def _parts(self) -> dict[tuple[str, int], Packed]:
        return {}

    @cached_property
    def order(self) -> Order:
        """Which sequence stands where in the run."""
        shares = [
            Share(name, one["weight"], one["splits"].get("train", {}).get("tokens", 0), one["sequences"], one["count"])
            for name, one in self.facts["components"].items()
        ]
        return Order(shares, str(self.facts["seed"]))

    def steps(self, batch: int, world: int = 1) -> int:
        """Whole steps of ``batch`` sequences on each of ``world`` ranks."""
        return len(self.order) // (batch * world)

    def batch(self, step: int, batch: int, rank: int = 0, world: int = 1) -> Batch:
        """What rank ``rank`` of ``world`` reads at ``step``. Any step costs the same; IndexError past the last one."""
        if not 0 <= rank < world:
            raise ValueError(f"rank {rank} of {world}")
        if not 0 <= step < self.steps(batch, world):
            raise IndexError(f"step {step} of {self.steps(batch, world)}")
        first = (step * world + rank) * batch
        return Batch(step, *self.at(np.arange(first, first + batch)))

    def at(self, positions: npt.ArrayLike) -> tuple[Any, Any, Any]:
        """Tokens, component and number of the sequences at ``positions`` of the run."""
        components, numbers = self.order(positions)
        names = self.components
        rows = [self.part(names[one]).tokens(k) for one, k in zip(components.tolist(), numbers.tolist(), strict=True)]
        return np.stack(rows).astype(np.int64), components, numbers

    def batches(self, batch: int, start: int = 0, rank: int = 0, world: int = 1) -> Iterator[Batch]:
        """All steps from ``start`` on: to resume, give the number of the first step that was not taken."""
        for step in range(start, self.steps(batch, world)):
            yield self.batch(step, batch, rank, world)


def open_tokens(path: str | os.PathLike[str]) -> TokenSet:
    """The mixture at ``path``: its folder, the pipeline's, or the ``--out`` of the run. FileNotFoundError if none is
    there."""
    root = Path(path)
    found = _mixture(root)
    if not found and root.is_dir():
        several = [one for folder in sorted(root.iterdir()) if (one := _mixture(folder))]
        if len(several) > 1:
            raise FileNotFoundError(
                f"{path}: several mixtures; name one: {', '.join(str(one.parent) for one in several)}"
            )
        found = several[0] if several else None
    if not found:
        raise FileNotFoundError(f"{path}: no mixture here (proofpile2 run proofpile2 --out DIR makes one)")
    return TokenSet(str(found), json.loads((found / "mixture.json").read_text(encoding="utf-8")))


def _mixture(folder: Path) -> Path | None:
    """The folder with the ``mixture.json`` that ``folder`` is, or that its ``latest.json`` names."""
    if (folder / "latest.json").is_file():
        name = json.loads((folder / "latest.json").read_text(encoding="utf-8")).get("mixture")
        return _mixture(folder / name) if name else None
    return folder if (folder / "mixture.json").is_file() else None
