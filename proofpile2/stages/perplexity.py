"""Perplexity: do the words of a page follow each other as words do? (OpenWebMath's KenLM filter, section 3.4)"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from proofpile2 import assets
from proofpile2.errors import ConfigError
from proofpile2.prose import excerpt, sample, words
from proofpile2.step import DROP, Apply, with_columns

__all__ = ["Perplexity", "line_of", "scorer"]

_PIECE, _PIECES = 1_500, 4  # characters, places: what a page is judged by, as for MathScore


@dataclass(frozen=True)
class Perplexity:
    """Adds ``perplexity``, that of the words beside the formulas, and drops rows above ``threshold``.

    The perplexity is ``10 ** (-log10 p / words)`` of an n-gram model: how many words, on average, the next one is as
    hard to guess among. Word lists, keyword stuffing, broken encodings and bad scans have thousands; a line repeated
    for ever has little, and is not caught here. ``proofpile2 train perplexity`` makes a model and says which
    threshold goes with it; OpenWebMath's 15,000 and 30,000 (keirp/OpenWebMath) belong to a model that was not released.

    A page with fewer than ``min_words`` words beside its formulas has no perplexity (null) and stays.

    Scoring needs KenLM. Where the package ``kenlm-ex`` is not installed (it has no wheel for every platform), the step
    warns that it is off: every perplexity is null and nothing is dropped.
    """

    name: ClassVar[str] = "perplexity"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("text",)
    adds: ClassVar[Mapping[str, pa.DataType]] = {"perplexity": pa.float32()}
    reasons: ClassVar[tuple[str, ...]] = ("high_perplexity",)

    threshold: float = 10_000.0
    min_words: int = 50
    model: str = "perplexity.arpa.gz"

    def __post_init__(self) -> None:
        if self.threshold < 1:
            raise ValueError(f"threshold must be 1 or more, as a perplexity is, found {self.threshold}")

    def uses(self) -> Mapping[str, str]:
        digest = blake2b(Path(assets.find("data", self.model)).read_bytes(), digest_size=16).hexdigest()
        try:
            library = installed("kenlm-ex")
        except PackageNotFoundError:
            library = "not installed"
            warnings.warn(
                "perplexity is off: KenLM is not installed. No page gets a perplexity, and none is dropped for it. "
                "To switch it on: pip install kenlm-ex (with CMake and a C++ compiler, where there is no wheel)",
                stacklevel=2,
            )
        return {"model": digest, "kenlm-ex": library}

    def load(self) -> Apply:
        try:
            score = scorer(assets.find("data", self.model))
        except ModuleNotFoundError:
            score = None

        def judge(text: str) -> float | None:
            line = line_of(text)
            count = line.count(" ") + 1
            if score is None or count < self.min_words:
                return None
            return float(min(10 ** (-score(line) / count), 3e38))

        def apply(batch: pa.RecordBatch) -> pa.RecordBatch:
            values = [judge(text or "") for text in batch.column("text").to_pylist()]
            drops = ["high_perplexity" if value is not None and value > self.threshold else None for value in values]
            columns: dict[str, pa.Array[Any]] = {
                "perplexity": pa.array(values, pa.float32()),
                DROP: pa.array(drops, pa.string()),
            }
            return with_columns(batch, columns)

        return apply


def line_of(text: str) -> str:
    """What the model reads, in training too: the words around the formulas, single spaces between, in one line.

    Of a long page four stretches. Formulas go without a trace, as everywhere (``proofpile2.prose``); a token in their
    place told prose from bad prose no better.
    """
    return " ".join(words(excerpt(sample(text), _PIECE, _PIECES)).split())


def scorer(model: Path) -> Callable[[str], float]:
    """Loads ``model``, in ARPA's format or KenLM's own, gzipped or not; the function gives ``log10 p`` of a line.

    The line is a piece out of a text: neither its beginning nor its end is scored.
    """
    import kenlm  # noqa: PLC0415  (may be missing, see Perplexity)

    config = kenlm.Config()
    config.show_progress = False
    config.arpa_complain = kenlm.ARPALoadComplain.NONE
    try:
        loaded = kenlm.Model(str(model), config)
    except OSError as error:
        raise ConfigError(f"{model}: KenLM can't read this model: {error}") from None
    return lambda line: float(loaded.score(line, bos=False, eos=False))
