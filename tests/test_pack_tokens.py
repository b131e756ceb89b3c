"""Encoders: the fast one against the reference, special tokens as text, round trips, bad tokenizers."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pack_help
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofpile2.errors import ConfigError, MissingFile
from proofpile2.packing import tokens

pytest.importorskip("tokenizers")


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    return tokens.read(pack_help.tokenizer(tmp_path_factory.mktemp("tokenizer")))


@given(st.lists(st.text(max_size=200), max_size=6))
@settings(max_examples=60, deadline=None)
def test_fast_encoder_gives_the_ids_of_the_reference_and_texts_come_back(spec, texts):
    """Law: for any texts both engines give the same ids and offsets, and decoding gives the texts."""
    sure = tokens.reference(spec)
    fast, why = tokens.fast(spec)
    ids, offsets = sure.encode(texts)
    if fast is not None:
        assert tokens.agree(fast, sure, texts) == ""
    else:
        assert "not installed" in why
    assert [sure.decode(ids[a:b].tolist()) for a, b in pairwise(offsets)] == texts


@pytest.mark.parametrize("engine", ["auto", "tokenizers"])
def test_special_tokens_in_a_text_are_text(spec, engine):
    """No document can forge the end of a document: its id never comes out of a text, and the text comes back."""
    encoder, _ = tokens.load(spec, engine)
    text = "a<|endoftext|>b <|padding|>"
    ids, _ = encoder.encode([text])
    assert spec.end == 0
    assert spec.end not in ids.tolist()
    assert tokens.reference(spec).decode(ids.tolist()) == text


def test_disagreement_is_told_and_falls_back(spec, monkeypatch):
    """An encoder that differs in one token is found by the probes, and the reference is used, with a note."""

    class Wrong(tokens._Fast):
        def encode(self, texts):
            ids, offsets = super().encode(texts)
            ids = ids.copy()
            ids[-1:] += 1
            return ids, offsets

    pytest.importorskip("fastokens")
    monkeypatch.setattr(tokens, "_Fast", Wrong)
    monkeypatch.setattr(tokens, "_LOADED", {})
    encoder, note = tokens.load(spec)
    assert encoder.engine == "tokenizers"
    assert "differs from tokenizers" in note
    assert "token" in note


def test_types_follow_the_vocabulary(tmp_path):
    """uint16 below 65,500 ids, int32 from there on, as GPT-NeoX and Megatron-Core choose."""
    assert tokens.read(pack_help.tokenizer(tmp_path)).dtype == np.uint16
    wide = tokens.read(pack_help.tokenizer(tmp_path, 65_500))
    assert (wide.vocab_size, wide.dtype) == (65_500, np.int32)


def test_bad_tokenizers_say_what_is_wrong(tmp_path):
    """Missing file, no JSON, no such end token: each names the file and what to do."""
    with pytest.raises(MissingFile, match=r"nothing\.json"):
        tokens.read(str(tmp_path / "nothing.json"))
    (tmp_path / "bad.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"not a tokenizer\.json"):
        tokens.read(str(tmp_path / "bad.json"))
    with pytest.raises(ConfigError, match="end_of_document"):
        tokens.read(pack_help.tokenizer(tmp_path), "<eot>")


def test_shipped_tokenizer_is_lossless_and_agrees():
    """The tokenizer that ships: all probes come back, and the fast engine agrees on them."""
    spec = tokens.read("tokenizer/sample.json")
    sure = tokens.reference(spec)
    ids, offsets = sure.encode(tokens.PROBES)
    back = [sure.decode(ids[a:b].tolist()) for a, b in pairwise(offsets)]
    assert back == list(tokens.PROBES)
    pytest.importorskip("fastokens")
    assert tokens.fast(spec)[1] == ""


def test_truncation_and_padding_of_the_file_are_ignored(tmp_path):
    """A tokenizer.json that truncates to 4 tokens, as saved by a fine-tuning script, still gives whole documents."""
    path = tmp_path / "short.json"
    table = json.loads(Path(pack_help.tokenizer(tmp_path)).read_text(encoding="utf-8"))
    table["truncation"] = {"direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0}
    path.write_text(json.dumps(table), encoding="utf-8")
    spec = tokens.read(str(path))
    for engine in ("auto", "tokenizers"):
        encoder, note = tokens.load(spec, engine)
        assert len(encoder.encode(["one two three four five six"])[0]) > 4
        assert "differs" not in note


def test_sentencepiece_models(tmp_path):
    """A SentencePiece model: its end token, control tokens in a text as text, and the text comes back."""
    sentencepiece = pytest.importorskip("sentencepiece", reason="pip install 'proofpile2[sentencepiece]'")
    source = tmp_path / "lines.txt"
    source.write_text("\n".join(pack_help.documents(200)).replace("\r", " "), encoding="utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(source), model_prefix=str(tmp_path / "m"), vocab_size=420, model_type="bpe", byte_fallback=True,
        normalization_rule_name="identity", remove_extra_whitespaces=False, minloglevel=2,
    )  # fmt: skip
    spec = tokens.read(str(tmp_path / "m.model"))
    encoder, note = tokens.load(spec)
    assert (spec.end_token, encoder.engine, note) == ("</s>", "sentencepiece", "")
    texts = ["a</s>b", "", "two  spaces\nand a line"]
    ids, offsets = encoder.encode(texts)
    assert spec.end not in ids.tolist()
    assert [encoder.decode(ids[a:b].tolist()) for a, b in pairwise(offsets)] == texts


def test_a_tokenizer_of_llamas_kind(tmp_path):
    """Byte fallback and no pre-tokenizer, as Llama's and Code Llama's: the fast engine agrees on texts that it was not
    tried on, and the end token in a text is text."""
    pytest.importorskip("fastokens")
    pieces = sorted({text[a:b] for text in pack_help.TEXTS for a in range(30) for b in (a + 1, a + 2)} - {""})
    pieces = [piece.replace(" ", "\u2581") for piece in pieces]
    words = [
        "<unk>",
        "<s>",
        "</s>",
        *(f"<0x{n:02X}>" for n in range(256)),
        *map(chr, range(33, 127)),
        *"".join(pieces),
        *pieces,
    ]
    vocabulary = {word: n for n, word in enumerate(dict.fromkeys(words))}
    merges = [[piece[0], piece[1]] for piece in dict.fromkeys(pieces) if len(piece) == 2]
    added = [{"id": n, "content": word, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
              "special": True} for n, word in enumerate(["<unk>", "<s>", "</s>"])]  # fmt: skip
    table = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "pre_tokenizer": None,
        "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "\u2581"},
                       {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]},
        "post_processor": None,
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}, {"type": "ByteFallback"},
            {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
        "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True, "ignore_merges": False,
                  "vocab": vocabulary, "merges": merges},
    }  # fmt: skip
    path = tmp_path / "llama.json"
    path.write_text(json.dumps(table), encoding="utf-8")
    spec = tokens.read(str(path))
    encoder, note = tokens.load(spec)
    assert (spec.end_token, note) == ("</s>", "")
    texts = [*pack_help.documents(40), "a</s>b \u26c4"]
    sure = tokens.reference(spec)
    assert tokens.agree(encoder, sure, texts) == ""
    ids, offsets = encoder.encode(texts)
    assert spec.end not in ids.tolist()
    assert [sure.decode(ids[a:b].tolist()) for a, b in pairwise(offsets)] == texts


def test_an_end_token_that_is_not_special_is_made_so(tmp_path):
    """Some tokenizers add their end token as an ordinary word: in a document it is text all the same."""
    path = tmp_path / "ordinary.json"
    table = json.loads(Path(pack_help.tokenizer(tmp_path)).read_text(encoding="utf-8"))
    for item in table["added_tokens"]:
        item["special"] = False
    path.write_text(json.dumps(table), encoding="utf-8")
    spec = tokens.read(str(path))
    for engine in ("auto", "tokenizers"):
        encoder, note = tokens.load(spec, engine)
        ids, _ = encoder.encode(["a<|endoftext|>b"])
        assert spec.end not in ids.tolist()
        assert "differs" not in note
