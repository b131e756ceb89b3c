"""Rebuild Proof-Pile-2 from raw sources to the binaries a trainer memory-maps."""

from __future__ import annotations

from proofpile2.dataset import Dataset, open, statistics  # noqa: A004
from proofpile2.errors import ConfigError, Error, InputError, MissingFile, NotWhole, PartFailed
from proofpile2.packing.reader import open_tokens

__all__ = [
    "ConfigError", "Dataset", "Error", "InputError", "MissingFile", "NotWhole", "PartFailed", "__version__", "open",
    "open_tokens", "statistics",
]  # fmt: skip

__version__ = "0.1.0"
