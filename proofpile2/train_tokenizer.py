"""Training of a byte-level BPE on documents of ours or anybody's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from proofpile2.errors import ConfigError, InputError
from proofpile2.packing import components
from proofpile2.schema import unit_interval

__all__ = ["train_tokenizer"]

DIGITS = r"\p{N}{1,3}"


def train_tokenizer(
    inputs: Sequence[str],
    out: str,
    vocab_size: int = 32_000,
    text: str = "text",
    share: float = 1.0,
    special: Sequence[str] = ("<|endoftext|>", "<|padding|>"),
) -> dict[str, Any]:
    """Trains on the documents of ``inputs`` and writes ``out``, a ``tokenizer.json``; gives what was learnt from.

    Byte-level, so any text comes back as it was; numbers are cut into groups of three digits, and leading spaces go
    with words, as in GPT-NeoX's and Llama 3's tokenizers. ``share`` takes that part of the documents, chosen by a hash
    of the id. The same documents in the same order give the same file. ConfigError for a vocabulary too small for the
    bytes, InputError where there is no text.
    """
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers  # noqa: PLC0415

    least = 256 + len(special)
    if vocab_size < least or not out.endswith(".json"):
        raise ConfigError(f"expected a vocabulary of at least {least} and a name that ends in .json")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(DIGITS), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    facts = {"documents": 0, "characters": 0}

    def texts() -> Iterator[str]:
        for part in components.find(inputs):
            for rows in components.documents(part, text):
                for key, one in zip(rows.ids, rows.texts, strict=True):
                    if unit_interval(key, "tokenizer") < share:
                        facts["documents"] += 1
                        facts["characters"] += len(one)
                        yield one

    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size, special_tokens=list(special), show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    tokenizer.train_from_iterator(texts(), trainer)
    if not facts["documents"]:
        raise InputError(f"no text in {', '.join(inputs)}")
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    tokenizer.save(out)
    return {**facts, "vocab_size": tokenizer.get_vocab_size(), "out": out}
