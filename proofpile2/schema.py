"""The document: one Arrow schema for every source, and how ids, digests and splits are made."""

from __future__ import annotations

from hashlib import blake2b

import pyarrow as pa

__all__ = ["DOCUMENT", "document_id", "empty_columns", "split_of", "unit_interval"]

DOCUMENT = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("text", pa.large_string()),
        pa.field("source", pa.string(), nullable=False),
        pa.field("subset", pa.string()),
        pa.field("url", pa.string()),
        pa.field("created", pa.string()),
        pa.field("license", pa.string()),
        pa.field("origin", pa.string()),
        pa.field("revision", pa.string()),
        pa.field("locator", pa.string(), nullable=False),
        pa.field("split", pa.string()),
    ]
)
"""Columns of every document.

``id``        32 hex digits, see :func:`document_id`
``source``    which reader made it: ``web``, ``arxiv``, ``stack``, ``github``, ``local`` ...
``subset``    language or dump, such as ``coq`` or ``CC-MAIN-2023-23``
``created``   ISO 8601 time at which the source says the document was made or fetched
``origin``    the file it came out of (a WARC, an archive, a Parquet file), by name and never by local path
``locator``   where in the source it stands, enough to fetch it again: ``name.warc.gz:1234`` is file and byte offset
``split``     ``train``, ``validation`` or ``test``, null until the last pass
"""


def document_id(source: str, locator: str) -> str:
    """32 hex digits of BLAKE2b-128 over source and locator: says where a document came from, never its row number."""
    return blake2b(f"{source}\0{locator}".encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def unit_interval(key: str, seed: str = "") -> float:
    """A number in [0, 1) that depends on ``key`` and ``seed`` alone; all randomness of the project comes from it."""
    return int.from_bytes(blake2b(key.encode(), digest_size=8, person=seed.encode()[:16]).digest(), "big") / 2.0**64


def split_of(key: str, validation: float, test: float) -> str:
    """Split for a key (a document id, a repository); it does not shift as data are added."""
    place = unit_interval(key, "split")
    if place < test:
        return "test"
    return "validation" if place < test + validation else "train"


def empty_columns(rows: int, given: dict[str, pa.Array]) -> dict[str, pa.Array]:
    """The columns of :data:`DOCUMENT` in order, nulls where ``given`` has none, then the other columns of ``given``."""
    columns = {field.name: given.get(field.name, pa.nulls(rows, field.type)) for field in DOCUMENT}
    return columns | {name: array for name, array in given.items() if name not in columns}
