"""Encoders: the reference, a faster one with the same ids, and the check that they are the same.

``tokenizers`` is the reference. ``fastokens`` (Apache-2.0) gives the same ids many times faster where it knows the
tokenizer's parts; it is believed only as far as it is checked: on :data:`PROBES` when a worker loads it, and on
documents of every shard. Special tokens that stand in a document are text: no engine turns them into control tokens.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt

from proofpile2 import assets, shards
from proofpile2.errors import ConfigError, MissingFile

__all__ = ["PROBES", "Encoder", "EngineFailed", "Spec", "agree", "fast", "load", "read", "reference"]

_HUB = re.compile(r"[\w-][\w.-]*(/[\w.-]+)?")
Ids = npt.NDArray[np.uint32]
Offsets = npt.NDArray[np.int64]

PROBES = (
    "",
    " ",
    "\n\n\n\t \r\n  x\u00a0\u2003y",
    "Let $f\\colon \\mathbb{R}^n\\to\\mathbb{R}$; then $$\\int_0^1 f\\,dx = \\frac{1}{2}.$$",
    "don't WE'LL it's they\u2019re I'M",
    "0123456789 1234567 3.14159e-10 \u0661\u0662\u0663 \u2460 \u00bd",
    "cafe\u0301 caf\u00e9 \u1e9e\u00df \u01c4 \u0130i\u0307 \ufb01",
    "\u6570\u5b66 \u3059\u3046\u304c\u304f \uc218\ud559",
    "\u0645\u062a\u0641\u0627\u0636\u0644 \u05d7\u05e9\u05d1\u05d5\u05df \u0917\u0923\u093f\u0924",
    "\U0001d53d\U0001d4b6\U0001d7d9 \U0001f469\u200d\U0001f52c \U0001f1eb\U0001f1f7 \u2200\u03b5>0\u2203\u03b4",
    "\x00\x01\x7f\x85\u2028\u2029\ufeff\ufffd\u200b\ue000\U0010ffff",
    "def f(x):\n    return {\n\t'a': x ** 2,  # ???\n    }\n\n\n\n    ",
    "a" * 300 + " " * 300 + "\n" * 100,
)
"""Texts on which encoders are known to part ways: Unicode classes, spaces, digits, contractions, control characters."""


class EngineFailed(Exception):
    """The fast engine broke down on a text that the reference may well take."""


class Encoder(Protocol):
    """One way to turn texts into ids."""

    @property
    def engine(self) -> str:
        """Name of the library."""

    def encode(self, texts: Sequence[str]) -> tuple[Ids, Offsets]:
        """All ids one after the other, and ``len(texts) + 1`` offsets into them. No token is added to a text."""

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ``ids``."""


@dataclass(frozen=True)
class Spec:
    """A tokenizer: ``data`` is a ``tokenizer.json`` or a SentencePiece model; ``end`` the id that ends a document.

    ``vocab_size`` is one more than the largest id; ``specials`` are tokens that the file adds to the model's.
    """

    kind: str  # json or sentencepiece
    data: bytes
    end: int
    end_token: str
    vocab_size: int
    specials: tuple[str, ...] = ()

    @cached_property
    def digest(self) -> str:
        """BLAKE2b-128 of the file."""
        return blake2b(self.data, digest_size=16).hexdigest()

    @property
    def dtype(self) -> np.dtype[Any]:
        """uint16 below 65,500 ids, int32 otherwise, as GPT-NeoX and Megatron-Core choose it."""
        return np.dtype("<u2") if self.vocab_size < 65_500 else np.dtype("<i4")

    @property
    def suffix(self) -> str:
        """Ending of its file."""
        return ".json" if self.kind == "json" else ".model"


@lru_cache(maxsize=8)
def read(name: str, end_token: str = "") -> Spec:
    """The tokenizer ``name``: a path or URL of a ``tokenizer.json`` or ``.model``, a folder with one, a shipped one
    (``tokenizer/sample.json``), or a repository of the Hugging Face Hub (``org/name``).

    ``end_token`` ends a document; without it, the first of the usual ones that the tokenizer has is taken.
    """
    data = _bytes(name)
    if name.endswith(".model"):
        return _sentencepiece_spec(data, name, end_token)
    try:
        table = json.loads(data)
        added = {str(item["content"]): int(item["id"]) for item in table.get("added_tokens") or []}
        vocabulary = _vocabulary(table["model"]["vocab"]) | added
    except (ValueError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{name}: not a tokenizer.json ({type(error).__name__}: {error})") from None
    usual = ("<|endoftext|>", "</s>", "<|end_of_text|>", "<eos>", "[SEP]")
    chosen = end_token or next((token for token in usual if token in vocabulary), "")
    if chosen not in vocabulary:
        wanted = repr(end_token) if end_token else " or ".join(usual)
        raise ConfigError(f"{name}: has no token {wanted}; name the one that ends a document: end_of_document")
    return Spec(
        "json", _clean(table, data, chosen), vocabulary[chosen], chosen, max(vocabulary.values()) + 1, tuple(added)
    )


def _clean(table: dict[str, Any], data: bytes, end: str) -> bytes:
    """The file without truncation and padding, as documents are neither cut nor filled up, and with the end token among
    the special ones, which stay text in a document; as it is where all that holds."""
    items = table.get("added_tokens") or []
    if table.get("truncation") or table.get("padding") or any(i["content"] == end and not i["special"] for i in items):
        items = [item | {"special": item["special"] or item["content"] == end} for item in items]
        changed = table | {"truncation": None, "padding": None, "added_tokens": items}
        return json.dumps(changed, ensure_ascii=False).encode()
    return data


def _vocabulary(found: Any) -> dict[str, int]:
    if isinstance(found, dict):
        return {str(token): int(number) for token, number in found.items()}
    return {str(item[0]): number for number, item in enumerate(found)}  # a Unigram model: pairs of token and score


def _bytes(name: str) -> bytes:
    if Path(name, "tokenizer.json").is_file():
        name = str(Path(name, "tokenizer.json"))
    if "://" in name or Path(name).is_file():
        try:
            return shards.read_bytes(name)
        except FileNotFoundError:
            raise MissingFile(f"{name}: no such file") from None
    if name.endswith((".json", ".model")) or not _HUB.fullmatch(name):
        return assets.find("data", name).read_bytes()
    from tokenizers import Tokenizer  # noqa: PLC0415

    try:
        return str(Tokenizer.from_pretrained(name).to_str()).encode()
    except Exception as error:  # whatever the Hub and the network raise
        raise ConfigError(f"{name}: no such file, and the Hugging Face Hub did not give it ({error})") from None


def _sentencepiece_spec(data: bytes, name: str, end_token: str) -> Spec:
    model = _sentencepiece(data)
    end = model.piece_to_id(end_token) if end_token else model.eos_id()
    if end < 0 or (end_token and model.id_to_piece(end) != end_token):
        raise ConfigError(f"{name}: has no token {end_token or 'for the end of a text'!r}; set end_of_document")
    return Spec("sentencepiece", data, end, model.id_to_piece(end), model.get_piece_size())


def _sentencepiece(data: bytes) -> Any:
    try:
        import sentencepiece  # noqa: PLC0415
    except ImportError:
        raise ConfigError("a SentencePiece model needs: pip install 'proofpile2[sentencepiece]'") from None
    return sentencepiece.SentencePieceProcessor(model_proto=data)


class _Reference:
    engine = "tokenizers"

    def __init__(self, spec: Spec) -> None:
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # a worker is one process, and so one core
        from tokenizers import Tokenizer  # noqa: PLC0415

        try:
            self._tokenizer = Tokenizer.from_str(spec.data.decode())
        except Exception as error:
            raise ConfigError(f"tokenizer.json: tokenizers can't read it ({error})") from None
        self._tokenizer.encode_special_tokens = True

    def encode(self, texts: Sequence[str]) -> tuple[Ids, Offsets]:
        found = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        pieces = [np.array(one.ids, np.uint32) for one in found]
        offsets = np.zeros(len(pieces) + 1, np.int64)
        np.cumsum([len(piece) for piece in pieces], out=offsets[1:])
        return np.concatenate([np.empty(0, np.uint32), *pieces]), offsets

    def decode(self, ids: Sequence[int]) -> str:
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=False))


class _Fast:
    engine = "fastokens"

    def __init__(self, spec: Spec) -> None:
        os.environ.setdefault("RAYON_NUM_THREADS", "1")
        import fastokens  # noqa: PLC0415

        self._tokenizer = fastokens.Tokenizer.from_json_str(spec.data.decode())

    def encode(self, texts: Sequence[str]) -> tuple[Ids, Offsets]:
        try:
            ids, offsets = self._tokenizer.encode_batch_flat(list(texts), False, True)
        except BaseException as error:  # a panic of Rust is no Exception
            if isinstance(error, Exception) or type(error).__name__ == "PanicException":
                raise EngineFailed(f"fastokens failed ({type(error).__name__}: {error})") from None
            raise
        return np.frombuffer(ids, "<u4"), np.frombuffer(offsets, "<u8").astype(np.int64)

    def decode(self, ids: Sequence[int]) -> str:
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=False))


class _SentencePiece:
    engine = "sentencepiece"

    def __init__(self, spec: Spec) -> None:
        self._model = _sentencepiece(spec.data)

    def encode(self, texts: Sequence[str]) -> tuple[Ids, Offsets]:
        pieces = [np.array(one, np.uint32) for one in self._model.encode(list(texts), num_threads=1)]
        offsets = np.zeros(len(pieces) + 1, np.int64)
        np.cumsum([len(piece) for piece in pieces], out=offsets[1:])
        return np.concatenate([np.empty(0, np.uint32), *pieces]), offsets

    def decode(self, ids: Sequence[int]) -> str:
        return str(self._model.decode([int(one) for one in ids]))


_LOADED: dict[tuple[str, str], Any] = {}


def reference(spec: Spec) -> Encoder:
    """The encoder that defines the ids; loaded once per process."""
    key = ("reference", spec.digest)
    if key not in _LOADED:
        _LOADED[key] = _SentencePiece(spec) if spec.kind == "sentencepiece" else _Reference(spec)
    return cast(Encoder, _LOADED[key])


def fast(spec: Spec) -> tuple[Encoder | None, str]:
    """The fast encoder, or None and why it can't be used for this tokenizer; tried once per process."""
    key = ("fast", spec.digest)
    if key not in _LOADED:
        _LOADED[key] = _try_fast(spec)
    return cast("tuple[Encoder | None, str]", _LOADED[key])


def _try_fast(spec: Spec) -> tuple[Encoder | None, str]:
    if spec.kind != "json":
        return None, ""
    try:
        made = _Fast(spec)
    except ImportError:
        return None, "fastokens is not installed; the reference engine is many times slower"
    except Exception as error:  # a library of others, asked about parts of a tokenizer that it may not know
        return None, f"fastokens does not know this tokenizer ({error}); the reference engine is used"
    specials = spec.specials[:50]
    probes = [*PROBES, *specials, "x".join(specials), spec.end_token + " " + spec.end_token]
    if difference := agree(made, reference(spec), probes):
        return None, f"fastokens differs from tokenizers ({difference}); the reference engine is used"
    return made, ""


def load(spec: Spec, engine: str = "auto") -> tuple[Encoder, str]:
    """The encoder to use, and a note where it is not the one that was hoped for.

    ``engine``: ``auto`` takes the fast one where it agrees, ``tokenizers`` the reference.
    """
    if engine not in {"auto", "tokenizers"}:
        raise ConfigError(f"engine {engine!r}: expected auto or tokenizers")
    if engine == "tokenizers":
        return reference(spec), ""
    made, why = fast(spec)
    return (made, "") if made else (reference(spec), why)


def agree(one: Encoder, other: Encoder, texts: Sequence[str], expected: tuple[Ids, Offsets] | None = None) -> str:
    """Empty if both give the same ids for all ``texts``, else where they part, in words. ``expected`` is what ``other``
    gives, where it is known."""
    try:
        left, left_at = one.encode(texts)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    right, right_at = expected or other.encode(texts)
    if np.array_equal(left, right) and np.array_equal(left_at, right_at):
        return ""
    for n, text in enumerate(texts):
        mine, theirs = left[left_at[n] : left_at[n + 1]], right[right_at[n] : right_at[n + 1]]
        if not np.array_equal(mine, theirs):
            size = min(len(mine), len(theirs))
            differs = np.flatnonzero(mine[:size] != theirs[:size])
            place = int(differs[0]) if len(differs) else size
            return f"token {place} of a text that begins {text[:60]!r}"
    return "offsets"
