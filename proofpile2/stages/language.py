"""Language: what language the prose of a page is in, by fastText's identification model, on text without formulas."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from proofpile2 import assets
from proofpile2.prose import excerpt, prose, sample
from proofpile2.step import DROP, Apply, with_columns

__all__ = ["Language", "identifier", "natural_words"]

_PIECE, _PIECES = 300, 4  # characters, places: enough to tell, whatever the length of the page
_WORD = re.compile(r"(?<![\w.\\/:@<$-])[^\W\d_]+(?:['’-][^\W\d_]+)*(?![\w(\\/@=]|[.:]\w|::)")


@dataclass(frozen=True)
class Language:
    """Adds ``lang``, the ISO 639 code of the likeliest language, and ``lang_score``, and drops rows with a low score.

    The score is the probability of the likeliest of ``languages`` against the likeliest of the others; rows below
    ``threshold`` go.

    What is looked at are the natural words of the prose: no formulas, no code, no identifiers, file names and
    addresses, which the model takes for Latin or Tamil. They still spread its belief over many languages, so one
    language is weighed against another instead of against one half; on plain prose that is the same.

    ``lang`` and ``lang_score`` are null and the row is kept where there is nothing to tell it by: fewer than 25 letters
    (code blocks are read where the prose has fewer), fewer than 200 letters and no other language at 0.8, or no
    language at 0.2. A page of formulas with "Proof." between them is nobody's French; length and MathScore judge it.

    The model is fastText's ``lid.176.ftz`` (Joulin et al., 2016), shipped in ``data/``. OpenWebMath used its unpruned
    sibling at 0.5 on text that had its formulas (keirp/OpenWebMath, ``extract_from_warc.py``).
    """

    name: ClassVar[str] = "language"
    version: ClassVar[int] = 2
    needs: ClassVar[tuple[str, ...]] = ("text",)
    adds: ClassVar[Mapping[str, pa.DataType]] = {"lang": pa.string(), "lang_score": pa.float32()}
    reasons: ClassVar[tuple[str, ...]] = ("language",)
    count_details: ClassVar[bool] = True

    languages: tuple[str, ...] = ("en",)
    threshold: float = 0.5
    model: str = "lid.176.ftz"

    def __post_init__(self) -> None:
        if not self.languages:
            raise ValueError("languages must name at least one language, such as en")
        if not 0 <= self.threshold <= 1:
            raise ValueError(f"threshold must be a probability, found {self.threshold}")

    def uses(self) -> Mapping[str, str]:
        digest = blake2b(Path(assets.find("data", self.model)).read_bytes(), digest_size=16).hexdigest()
        return {"model": digest, "fasttext-community": installed("fasttext-community")}

    def load(self) -> Apply:
        identify = identifier(self.model)

        def judge(text: str) -> tuple[str | None, float | None, str | None]:
            shown = natural_words(excerpt(sample(text), _PIECE, _PIECES))
            if len(shown) < 25:
                shown = natural_words(prose(excerpt(text, _PIECE, _PIECES).replace("`", " ")))
                if len(shown) < 25:
                    return None, None, None
            beliefs = identify(" ".join(dict.fromkeys(shown.split(" "))))  # a word twice is work twice
            likeliest = max(beliefs, key=lambda code: beliefs[code], default="und")
            wanted = max((beliefs.get(code, 0.0) for code in self.languages), default=0.0)
            other = max((chance for code, chance in beliefs.items() if code not in self.languages), default=0.0)
            score = wanted / max(wanted + other, 1e-9)
            if score >= self.threshold:
                return likeliest, score, None
            if other < (0.8 if len(shown) < 200 else 0.2):
                return None, None, None
            return likeliest, score, f"language:{likeliest}"

        def apply(batch: pa.RecordBatch) -> pa.RecordBatch:
            judged = [judge(text or "") for text in batch.column("text").to_pylist()]
            columns: dict[str, pa.Array[Any]] = {
                "lang": pa.array([row[0] for row in judged], pa.string()),
                "lang_score": pa.array([row[1] for row in judged], pa.float32()),
                DROP: pa.array([row[2] for row in judged], pa.string()),
            }
            return with_columns(batch, columns)

        return apply


def identifier(model: str) -> Callable[[str], dict[str, float]]:
    """Loads ``model``; the function gives the five likeliest languages of a line of text with their probabilities."""
    import fasttext  # noqa: PLC0415  (loads NumPy and a C++ library)

    loaded = fasttext.load_model(str(assets.find("data", model)))

    def identify(text: str) -> dict[str, float]:
        labels, chances = loaded.predict(text, k=5)
        return {label.removeprefix("__label__"): float(chance) for label, chance in zip(labels, chances, strict=True)}

    return identify


def natural_words(text: str) -> str:
    """The words of ``text`` in one line, without ``snake_case``, ``a.b``, ``f(``, ``camelCase`` and ``x``."""
    return " ".join([word for word in _WORD.findall(text) if (word.islower() and len(word) > 1) or _natural(word)])


def _natural(word: str) -> bool:
    return (word[1:] == word[1:].lower() or word.isupper()) and (len(word) > 1 or not word.isascii())
