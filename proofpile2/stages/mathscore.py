"""MathScore: does the prose of a page look like prose that has LaTeX around it? (OpenWebMath, section 3.3)"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from proofpile2 import assets
from proofpile2.config import read_toml
from proofpile2.errors import ConfigError
from proofpile2.prose import excerpt, sample, split, words
from proofpile2.step import DROP, Apply, with_columns

__all__ = ["MathScore", "features", "raw_scorer", "scorer"]

POSITIVE, NEGATIVE = "__label__math", "__label__other"
_PIECE, _PIECES = 2_000, 4  # characters, places: what a score is made from on a long page
_DOUBT = 40  # words: the log odds of a page with as many count half


@dataclass(frozen=True)
class MathScore:
    """Adds ``math_score``, the calibrated probability that text with these words has popular LaTeX commands in it.

    Rows are dropped below ``with_formulas`` where LaTeX was found on the page (``formulas`` above 0), and below
    ``without_formulas`` where none was: OpenWebMath's 0.17 and 0.8 (keirp/OpenWebMath, ``filter_dataset.py`` and
    ``extract_from_warc.py``). A page with fewer than ``min_words`` different words beside its formulas has no score
    (null): it stays where LaTeX was found and goes where there is none. Without a ``formulas`` column, LaTeX is looked
    for in the text.

    ``model`` names a fastText model and, with the ending ``.toml``, its calibration; ``proofpile2 train mathscore``
    makes both. What the model sees is :func:`features`.
    """

    name: ClassVar[str] = "mathscore"
    version: ClassVar[int] = 2
    needs: ClassVar[tuple[str, ...]] = ("text",)
    adds: ClassVar[Mapping[str, pa.DataType]] = {"math_score": pa.float32()}
    reasons: ClassVar[tuple[str, ...]] = ("low_math_score",)

    with_formulas: float = 0.17
    without_formulas: float = 0.8
    min_words: int = 5
    model: str = "mathscore.ftz"

    def __post_init__(self) -> None:
        for name in ("with_formulas", "without_formulas"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be a probability, found {getattr(self, name)}")

    def uses(self) -> Mapping[str, str]:
        model = Path(assets.find("data", self.model))
        digest = blake2b(model.read_bytes() + _calibration_file(model).read_bytes(), digest_size=16).hexdigest()
        return {"model": digest, "fasttext-community": installed("fasttext-community")}

    def load(self) -> Apply:
        score = scorer(self.model)

        def judge(text: str, formulas: int | None) -> tuple[float | None, str | None]:
            line = features(text)
            if formulas is None:
                formulas = len(split(text)[1])
            value = score(line) if len(line.split(None, self.min_words)) >= self.min_words else None
            needed = self.with_formulas if formulas > 0 else self.without_formulas
            if value is None:
                return None, None if formulas > 0 else "low_math_score"
            return value, None if value >= needed else "low_math_score"

        def apply(batch: pa.RecordBatch) -> pa.RecordBatch:
            counted = "formulas" in batch.schema.names
            formulas = batch.column("formulas").to_pylist() if counted else [None] * batch.num_rows
            rows = zip(batch.column("text").to_pylist(), formulas, strict=True)
            judged = [judge(text or "", count) for text, count in rows]
            columns: dict[str, pa.Array[Any]] = {
                "math_score": pa.array([row[0] for row in judged], pa.float32()),
                DROP: pa.array([row[1] for row in judged], pa.string()),
            }
            return with_columns(batch, columns)

        return apply


def features(text: str) -> str:
    """The words around the formulas, each once, in one line; of a long page those of four stretches.

    The same in training. A word that a page repeats tells little more than one that it uses: with repetitions,
    an index of functions of linear algebra is nothing but "matrix".
    """
    return " ".join(dict.fromkeys(words(excerpt(sample(text), _PIECE, _PIECES)).split()))


def raw_scorer(model: str | Path) -> Callable[[str], float]:
    """Loads ``model``; the function gives the log odds of "has LaTeX" for a line of :func:`features`, uncalibrated.

    fastText takes the mean of what the words say, and the mean of ten words is often extreme: with ``n`` words it is
    taken times ``n / (n + 40)``. What it says of the end of the line is left out: it would weigh more the shorter the
    page is.
    """
    import fasttext  # noqa: PLC0415  (loads NumPy and a C++ library)

    loaded = fasttext.load_model(str(model)).f  # the wrapper's predict() adds the end of the line

    def log_odds(line: str) -> float:
        chance = {label: float(probability) for probability, label in loaded.predict(line, 2, 0.0, "strict")}
        # fastText's floor for a probability is 1e-5
        odds = math.log(max(chance.get(POSITIVE, 0.0), 1e-5) / max(chance.get(NEGATIVE, 0.0), 1e-5))
        count = line.count(" ") + 1
        return odds * count / (count + _DOUBT)

    return log_odds


def scorer(model: str) -> Callable[[str], float]:
    """Loads ``model`` and its calibration; the function gives the score in [0, 1] of a line of :func:`features`.

    The score is ``1 / (1 + exp(-(slope * log_odds + offset)))``: fastText's probabilities crowd at 0 and 1, and a
    threshold means little there.
    """
    path = Path(assets.find("data", model))
    calibration = read_toml(_calibration_file(path))
    try:
        slope, offset = float(calibration["slope"]), float(calibration["offset"])
    except (KeyError, TypeError, ValueError):
        raise ConfigError(f"{_calibration_file(path)}: expected the numbers slope and offset") from None
    log_odds = raw_scorer(path)
    # far out on either side exp() would overflow; 1e-13 is as good as 0
    return lambda line: 1 / (1 + math.exp(min(max(-(slope * log_odds(line) + offset), -30), 30)))


def _calibration_file(model: Path) -> Path:
    return Path(assets.find("data", str(model.with_suffix(".toml"))))
