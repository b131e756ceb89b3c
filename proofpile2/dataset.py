"""What a run made, to read: ``open(path)`` gives the documents of a finished pass."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.compute as pc

from proofpile2 import manifest, shards
from proofpile2.errors import MissingFile
from proofpile2.manifest import Manifest
from proofpile2.shards import join

__all__ = ["Dataset", "domain", "find", "open", "statistics"]


@dataclass(frozen=True)
class Dataset:
    """Documents of one pass on disk, part by part."""

    folder: str
    manifest: Manifest

    @property
    def files(self) -> list[str]:
        """Paths of the Parquet files, in order."""
        return [join(self.folder, f"{key}.parquet") for key in self.manifest.parts]

    def __len__(self) -> int:
        return self.manifest.rows_out

    def batches(self, columns: Sequence[str] | None = None, size: int = 1024) -> Iterator[pa.RecordBatch]:
        """Record batches of at most ``size`` rows, of all columns or the named ones."""
        for path in self.files:
            with shards.open_parquet(path) as parquet:
                yield from parquet.iter_batches(batch_size=size, columns=list(columns) if columns else None)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for batch in self.batches(size=128):
            yield from batch.to_pylist()

    def table(self, columns: Sequence[str] | None = None) -> pa.Table:
        """All in memory."""
        return pa.concat_tables(
            [shards.open_parquet(path).read(list(columns) if columns else None) for path in self.files]
        )


def find(path: str) -> list[str]:
    """Folders of the passes of the latest run under ``path``, in order.

    ``path`` may be the folder of a pass, of a pipeline, or the ``--out`` of a run with one pipeline in it.
    """
    if shards.exists(join(path, "manifest.json")):
        return [path]
    folders = [path, *(join(path, name) for name in shards.listdir(path) if not name.endswith((".json", ".parquet")))]
    found = [folder for folder in folders if shards.exists(join(folder, "latest.json"))]
    if not found:
        raise MissingFile(f"{path}: no finished run here (expected latest.json or a pass with manifest.json)")
    if len(found) > 1:
        raise MissingFile(f"{path}: several pipelines here; name one: {', '.join(found)}")
    latest = json.loads(shards.read_bytes(join(found[0], "latest.json")))
    return [join(found[0], name) for name in latest.values()]


def open(path: str) -> Dataset:  # noqa: A001
    """The documents of the last pass (``final``) under ``path``. MissingFile if no run ended there."""
    folder = find(str(path))[-1]
    return Dataset(folder, manifest.read(join(folder, "manifest.json"), Manifest))


SECOND_LEVEL = frozenset({"ac", "co", "com", "edu", "go", "gob", "gov", "ne", "net", "nhs", "or", "org", "sch"})
"""Labels under a country's domain that belong to everybody: example.ac.uk is a site, ac.uk is not."""


def domain(url: str) -> str:
    """The site of an address, as OpenWebMath's table of domains has it: the last two labels, three in ``ac.uk``."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return ""
    labels = host.rstrip(".").split(".")
    if labels[-1].isdigit():
        return host
    long = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in SECOND_LEVEL
    return ".".join(labels[-3:] if long else labels[-2:])


def statistics(files: Sequence[str], top: int = 100) -> dict[str, Any]:
    """Documents and characters of Parquet files with the columns ``url``, ``split`` and ``characters``, by split and
    by domain, the ``top`` domains by characters first, as in the table of OpenWebMath's README."""
    documents, characters, splits = Counter[str](), Counter[str](), Counter[str]()
    for path in files:
        with shards.open_parquet(path) as parquet:
            for batch in parquet.iter_batches(columns=["url", "split", "characters"], batch_size=8192):
                splits.update(batch.column("split").to_pylist())
                sizes = pc.fill_null(batch.column("characters"), 0).to_pylist()
                for url, size in zip(batch.column("url").to_pylist(), sizes, strict=True):
                    site = domain(url or "")
                    documents[site] += 1
                    characters[site] += size
    total = sum(characters.values())
    rows = sorted(characters, key=lambda site: (-characters[site], site))[:top]
    return {
        "documents": sum(documents.values()),
        "characters": total,
        "domains": len(documents),
        "splits": dict(sorted(splits.items())),
        "top_domains": [
            {"domain": site, "documents": documents[site], "characters": characters[site],
             "share": round(characters[site] / total, 6) if total else 0.0}
            for site in rows
        ],
    }  # fmt: skip
