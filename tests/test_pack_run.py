"""From Parquet to binaries: formats read by independent readers, workers, resume, splits, mixture, reader."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pack_help
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from proofpile2 import manifest, pack, shards
from proofpile2.errors import ConfigError, MissingFile
from proofpile2.executors import LocalProcesses, Serial
from proofpile2.packing import components, merge, tokenize, tokens
from proofpile2.packing.flat import header
from proofpile2.packing.mmap_index import read_index
from proofpile2.packing.reader import open_tokens

pytest.importorskip("tokenizers")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Two components: web in three files (with an empty text, a null and a forged end token), code in two languages."""
    folder = tmp_path_factory.mktemp("source")
    texts = pack_help.documents(300)
    web = [
        pack_help.write(folder / "web" / f"{n}.parquet", [*texts[n::3], *(["", None] if n == 1 else [])])
        for n in range(3)
    ]
    code = pack_help.documents(80, seed=1)
    languages = ["lean" if n % 2 else "coq" for n in range(80)]
    splits = ["validation" if n < 5 else "test" if n < 9 else "train" for n in range(80)]
    path = pack_help.write(folder / "code" / "a.parquet", code, subset=languages, split=splits)
    return {"folder": folder, "texts": texts, "code": code, "places": {"web": web, "code": [path]}}


@pytest.fixture(scope="module")
def made(source, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    formats = ("megatron", "flat", "npy", "parquet")
    return pack_help.run(source["folder"], out, source["places"], formats=formats), out


def texts_of(spec, prefix):
    sure = tokens.reference(spec)
    found = pack_help.read_pair(prefix)
    assert all(one[-1] == spec.end for one in found)
    return [sure.decode(one[:-1]) for one in found]


def test_independent_reader_gives_every_document_back(source, made):
    """The .bin and .idx of all splits, read from the description of the format alone, hold every document of the input
    once and no other; the empty text and the null are counted as dropped."""
    outcome, _ = made
    spec = tokens.read(pack_help.tokenizer(source["folder"]))
    for name in ("web", "code"):
        found = []
        for split, facts in outcome.facts["components"][name]["splits"].items():
            if facts["documents"]:
                found += texts_of(spec, pack_help.packed(outcome, name, split))
        assert sorted(found) == sorted(source["texts" if name == "web" else "code"])
    shard = next(Path(outcome.folder).parent.glob("tokens-web-*/part-00001-of-00003.json"))
    assert json.loads(shard.read_text(encoding="utf-8"))["dropped"] == {"tokenize": {"empty": 1, "no_text": 1}}


def test_splits_are_packed_apart(source, made):
    """Documents that say their split go there, the others by the hash of their id; subsets are counted."""
    outcome, _ = made
    spec = tokens.read(pack_help.tokenizer(source["folder"]))
    prefix = pack_help.packed(outcome, "code", "validation")
    assert sorted(texts_of(spec, prefix)) == sorted(source["code"][:5])
    assert outcome.facts["components"]["code"]["splits"]["test"]["documents"] == 4
    subsets = outcome.facts["components"]["code"]["subsets"]
    counted = sum(one["tokens"] for one in outcome.facts["components"]["code"]["splits"].values())
    assert set(subsets) == {"coq", "lean"}
    assert sum(subsets.values()) == counted


def test_documents_file_names_each_document(made):
    """Row k of documents.parquet is document k of the .bin: its length agrees, and its id is the input's."""
    outcome, _ = made
    prefix = pack_help.packed(outcome, "web")
    table = pq.read_table(prefix + ".documents.parquet")
    assert table.column("tokens").to_pylist() == [len(one) for one in pack_help.read_pair(prefix)]
    assert all("-" in one for one in table.column("id").to_pylist())


def test_other_formats_hold_the_same_tokens(made):
    """Flat files (1,024 bytes of header: magic, version, count), .npy and Parquet sequences hold the tokens of the .bin
    in its order; cumulative lengths in all of them are those that the reader finds from the .idx."""
    outcome, out = made
    prefix = pack_help.packed(outcome, "web")
    stream = np.fromfile(prefix + ".bin", "<u2")
    raw = Path(prefix + ".flat-00000.bin").read_bytes()
    assert np.frombuffer(raw[:12], "<i4").tolist() == [20240520, 1, len(stream)]
    assert not any(raw[12:1024])
    assert np.array_equal(np.frombuffer(raw[1024:], "<u2"), stream)
    table = pa.concat_tables([pq.read_table(one) for one in sorted(Path(prefix).parent.glob("train-*.parquet"))])
    rows = table.to_pylist()
    opened = open_tokens(out)
    from_npy = opened.part("web")
    from_bin = replace(from_npy, packed=False)
    assert from_npy.packed
    assert len(rows) == len(from_npy) == len(from_bin) == -(-len(stream) // 64)
    for k, row in enumerate(rows):
        one, other = from_npy.sequence(k), from_bin.sequence(k)
        assert row["input_ids"] == one.tokens.tolist() == other.tokens.tolist()
        assert row["cu_seqlens"] == one.cu_seqlens.tolist() == other.cu_seqlens.tolist()
        assert row["documents"] == one.documents.tolist() == other.documents.tolist()
    flat = np.concatenate([row["input_ids"] for row in rows])
    assert np.array_equal(flat[: len(stream)], stream)


def test_flat_header_of_wide_vocabularies():
    """int32 tokens become uint32 behind Llama 3's magic and version; a count that an int32 can't hold is refused."""
    assert np.frombuffer(header(5, np.dtype("<u4"))[:12], "<i4").tolist() == [20240801, 7, 5]
    with pytest.raises(ValueError, match="do not fit"):
        header(2**31, np.dtype("<u2"))


def test_positions_restart_at_each_piece(made):
    """Position ids count from 0 at the start of the sequence and of each document's piece."""
    _, out = made
    one = next(seq for seq in map(open_tokens(out).part("web").sequence, range(200)) if len(seq.cu_seqlens) > 2)
    ends = one.cu_seqlens.tolist()
    expected = [n for begin, end in pairwise(ends) for n in range(end - begin)]
    assert one.positions().tolist() == expected


def tree(folder: Path) -> dict[str, bytes]:
    kept = {one for one in folder.rglob("*") if one.is_file() and one.name not in ("neox.yml", "megatron_blend.json")}
    return {str(one.relative_to(folder)): one.read_bytes() for one in kept}


def test_same_bytes_with_any_number_of_workers(source, tmp_path):
    """This process alone and two workers: every file of the tree is the same to the byte."""
    runs = []
    for n, executor in enumerate((Serial(), LocalProcesses(2))):
        pack_help.run(source["folder"], tmp_path / str(n), source["places"], executor, formats=("megatron", "npy"))
        runs.append(tree(tmp_path / str(n)))
    assert runs[0] == runs[1]


def test_runs_and_ranges_do_not_change_the_order(source, tmp_path, monkeypatch):
    """Many small sorted runs, merged a range at a time, give the .bin that one run gives; best fit keeps every token, a
    file for each range."""
    one = pack_help.run(source["folder"], tmp_path / "one", source["places"])
    monkeypatch.setattr(tokenize, "RUN_TOKENS", 500)
    monkeypatch.setattr(tokenize, "BATCH_CHARACTERS", 300)
    monkeypatch.setattr(merge, "RANGE_TOKENS", 700)
    many = pack_help.run(source["folder"], tmp_path / "many", source["places"])
    for split in ("train", "test"):
        left, right = pack_help.packed(one, "code", split), pack_help.packed(many, "code", split)
        assert Path(left + ".bin").read_bytes() == Path(right + ".bin").read_bytes()
        assert Path(left + ".idx").read_bytes() == Path(right + ".idx").read_bytes()
    best = pack_help.run(
        source["folder"], tmp_path / "best", source["places"], packing="best_fit", formats=("megatron", "npy")
    )
    part = open_tokens(tmp_path / "best").part("web")
    found = [token for k in range(len(part)) for token in part.tokens(k)[: part.sequence(k).cu_seqlens[-1]].tolist()]
    stream = np.fromfile(pack_help.packed(best, "web") + ".bin", "<u2")
    assert sorted(found) == sorted(stream.tolist())
    assert len(list(Path(pack_help.packed(best, "web")).parent.glob("train-*.tokens.npy"))) > 1


def test_input_order_is_kept_when_asked(source, tmp_path):
    """order = input: documents come out in the order of files and rows."""
    outcome = pack_help.run(
        source["folder"], tmp_path, {"web": source["places"]["web"]}, order="input", validation=0.0, test=0.0
    )
    spec = tokens.read(pack_help.tokenizer(source["folder"]))
    expected = [text for n in range(3) for text in source["texts"][n::3]]
    assert texts_of(spec, pack_help.packed(outcome, "web")) == expected


def test_resume_makes_only_what_is_missing(source, tmp_path):
    """After a receipt and the manifests are gone, as a kill leaves things, the same command makes that part again and
    nothing else, and the tree is the same; another budget makes a new mixture and no new binaries."""
    pack_help.run(source["folder"], tmp_path, source["places"])
    before = tree(tmp_path)
    root = tmp_path / "proofpile2"
    shard = next(root.glob("tokens-web-*"))
    for path in (shard / "part-00001-of-00003.json", shard / "manifest.json", shard / "part-00001-of-00003.bin"):
        path.unlink()
    binaries = next(root.glob("packed-web-*"))
    for name in ("manifest.json", "train.json", "train.idx"):
        (binaries / name).unlink()
    (shard / "part-00001-of-00003.bin.abcd.tmp").write_bytes(b"half")
    untouched = (shard / "part-00000-of-00003.bin").stat().st_mtime_ns
    pack_help.run(source["folder"], tmp_path, source["places"])
    assert tree(tmp_path) == before
    assert (shard / "part-00000-of-00003.bin").stat().st_mtime_ns == untouched
    pack_help.run(source["folder"], tmp_path, source["places"], seed="1", budget_tokens=3200)
    assert len(list(root.glob("mixture-*"))) == 2
    assert len(list(root.glob("packed-web-*"))) == 1


def test_missing_components_name_the_pipeline_that_makes_them(source, tmp_path):
    """All that is missing is told at once, with what makes it; a wrong name gets the nearest one."""
    plan = pack_help.plan(source["folder"])
    with pytest.raises(MissingFile, match=r"arxiv: `proofpile2 run arxiv --out .*--leave-out arxiv") as error:
        pack.run(plan, str(tmp_path), Serial(), source["places"])
    assert "general-text: no pipeline of ours makes it" in str(error.value)
    with pytest.raises(ConfigError, match="did you mean 'arxiv'"):
        pack.run(plan, str(tmp_path), Serial(), source["places"], ["arxive"])
    with pytest.raises(MissingFile, match=r"component web: .*found nothing"):
        pack.run(plan, str(tmp_path), Serial(), {"web": [str(tmp_path / "none" / "*.parquet")]}, ["arxiv"])


def test_settings_that_make_no_sense_are_refused(source):
    """Unknown formats and packings, and best fit without a format to hold it."""
    for settings, message in (
        ({"formats": ("megatrn",)}, "megatrn"),
        ({"packing": "bestfit"}, "none of concatenate, best_fit"),
        ({"packing": "best_fit"}, "add npy or parquet"),
        ({"length": 1}, "at least 2"),
        ({"lenght": 64}, "did you mean 'length'"),
    ):
        with pytest.raises(ConfigError, match=message):
            pack_help.plan(source["folder"], **settings)


def test_our_own_outputs_are_found(source, tmp_path):
    """A finished run (latest.json) gives the parts of its last pass; several languages below a folder go together."""
    rows = {"lean": ["by simp"], "coq": ["Qed.", "Admitted."]}
    for language, texts in rows.items():
        last = tmp_path / "algebraicstack" / language / "final-0123"
        pack_help.write(last / "part-00000-of-00001.parquet", texts)
        pack_help.write(last / "part-00000-of-00001.dropped.parquet", ["dropped"])
        facts = {"pipeline": "x", "name": "final", "fingerprint": "", "recipe": {}, "columns": {}, "rows_in": 1,
                 "rows_out": 1, "characters": 0, "dropped": {}, "notes": 0,
                 "parts": {"part-00000-of-00001": [1, 1, "digest"]}}  # fmt: skip
        (last / "manifest.json").write_text(json.dumps(facts), encoding="utf-8")
        (last.parent / "latest.json").write_text(json.dumps({"final": "final-0123"}), encoding="utf-8")
    found = components.find([str(tmp_path / "algebraicstack")])
    assert [part.name for part in found] == ["coq/part-00000-of-00001.parquet", "lean/part-00000-of-00001.parquet"]
    outcome = pack.run(
        pack_help.plan(source["folder"], validation=0.0, test=0.0), str(tmp_path), Serial(),
        leave_out=["arxiv", "web", *pack_help.GENERAL],
    )  # fmt: skip
    assert outcome.facts["components"]["code"]["splits"]["train"]["documents"] == 3


def test_json_lines_and_splits_of_folders(tmp_path):
    """Compressed JSON lines as the published set has them: splits from the folders, broken lines told, lone surrogates
    mended, ids kept."""
    import zstandard

    lines = [
        '{"text": "one", "meta": {}}',
        "{broken",
        '{"text": ""}',
        '{"text": null}',
        '{"text": "\\ud800x", "id": "k"}',
    ]
    for split in ("train", "validation"):
        path = tmp_path / "algebraic-stack" / split / "agda.jsonl.zst"
        path.parent.mkdir(parents=True)
        path.write_bytes(zstandard.ZstdCompressor().compress("\n".join(lines).encode()))
    parts = components.find([str(tmp_path / "algebraic-stack")])
    assert [part.split for part in parts] == ["train", "validation"]
    (rows,) = components.documents(parts[0], "text")
    assert rows.texts == ["one", "?x"]
    assert rows.ids[1] == "k"
    assert rows.dropped == {"broken_json": 1, "empty": 1, "no_text": 1}
    with pytest.raises(ConfigError, match="no row with a field 'content'"):
        list(components.documents(parts[0], "content"))


def test_fast_engine_that_errs_on_a_document_is_replaced(source, tmp_path, monkeypatch):
    """A difference that the probes miss and a document shows: the shard is made again by the reference, and says so."""
    pytest.importorskip("fastokens")

    class Wrong(tokens._Fast):
        def encode(self, texts):
            ids, offsets = super().encode(texts)
            ids = ids.copy()
            ids[:: 2 if any("norm_num" in text for text in texts) else len(ids) + 1] = 7
            return ids, offsets

    right = pack_help.run(source["folder"], tmp_path / "right", source["places"])
    monkeypatch.setattr(tokens, "_Fast", Wrong)
    monkeypatch.setattr(tokens, "_LOADED", {})
    wrong = pack_help.run(source["folder"], tmp_path / "wrong", source["places"])
    assert any("fastokens differs from tokenizers" in note for note in wrong.notes)
    assert not right.notes
    left, other = pack_help.packed(right, "web"), pack_help.packed(wrong, "web")
    assert Path(left + ".bin").read_bytes() == Path(other + ".bin").read_bytes()


def test_int32_binaries(source, tmp_path):
    """A vocabulary of 65,500 ids makes int32 tokens (type code 4) that read back."""
    wide = pack_help.tokenizer(source["folder"], 65_500)
    outcome = pack_help.run(source["folder"], tmp_path, {"code": source["places"]["code"]}, tokenizer=wide)
    prefix = pack_help.packed(outcome, "code", "validation")
    assert read_index(prefix + ".idx").dtype == np.int32
    assert sorted(texts_of(tokens.read(wide), prefix)) == sorted(source["code"][:5])
    assert open_tokens(tmp_path).part("code").tokens(0).dtype == np.int32


def test_an_object_store_takes_all(source, tmp_path):
    """Everything is written, merged and found again on an fsspec URL, and is what a local run writes."""
    import fsspec

    pack_help.run(source["folder"], tmp_path, source["places"])
    pack_help.run(source["folder"], "memory://pack", source["places"])
    memory = fsspec.filesystem("memory")
    found = {name.removeprefix("/pack/"): memory.cat_file(name) for name in memory.find("/pack")}
    assert {k: v for k, v in found.items() if not k.endswith(("neox.yml", "megatron_blend.json"))} == tree(tmp_path)


def test_core_verify_finds_every_file_and_damage(source, tmp_path):
    """Receipts and manifests are those of any pass: each file has its digest in a receipt, nothing else lies there."""
    outcome = pack_help.run(source["folder"], tmp_path, source["places"])
    root = Path(outcome.folder).parent
    for folder in [path for path in root.iterdir() if path.is_dir()]:
        whole = manifest.read(str(folder / "manifest.json"), manifest.Manifest)
        named = {"manifest.json", *(f"{key}.json" for key in whole.parts)}
        for key, (rows, _, digest) in whole.parts.items():
            assert shards.facts(str(folder / f"{key}.json")).digest == digest
            receipt = manifest.read(str(folder / f"{key}.json"), manifest.Receipt)
            assert receipt.rows_out == rows
            assert receipt.rows_in == rows + sum(sum(one.values()) for one in receipt.dropped.values())
            for name, facts in receipt.files.items():
                found = shards.facts(str(folder / name))
                assert (found.bytes, found.digest) == (facts.bytes, facts.digest)
            named |= set(receipt.files)
        assert {path.name for path in folder.iterdir()} == named


def test_a_reader_can_be_sent_to_a_worker(made):
    """Pickled, it carries no file: a worker of a data loader maps its own, and reads the same."""
    _, out = made
    opened = open_tokens(out)
    before = opened.batch(1, 4).tokens
    data = pickle.dumps(opened)
    assert len(data) < 10_000
    assert np.array_equal(pickle.loads(data).batch(1, 4).tokens, before)


def test_a_fast_engine_that_breaks_down_is_replaced(source, tmp_path, monkeypatch):
    """An exception in the fast engine, on one document, makes the shard go to the reference, with a note."""
    pytest.importorskip("fastokens")

    class Broken(tokens._Fast):
        def encode(self, texts):
            if any(text.startswith("7 ") for text in texts):
                raise tokens.EngineFailed("fastokens failed (PanicException: capacity overflow)")
            return super().encode(texts)

    monkeypatch.setattr(tokens, "_Fast", Broken)
    monkeypatch.setattr(tokens, "_LOADED", {})
    outcome = pack_help.run(source["folder"], tmp_path, source["places"])
    assert len(outcome.notes) == 2  # one of the three files of the web, and the one of code
    assert all("capacity overflow" in note for note in outcome.notes)


def test_end_tokens_out_of_texts_are_told(source, tmp_path):
    """A model that has the end token as a piece (a Unigram's) can make it of a text: that is told, never silent."""
    table = {
        "version": "1.0", "truncation": None, "padding": None, "normalizer": None, "pre_tokenizer": None,
        "post_processor": None, "decoder": None, "added_tokens": [],
        "model": {"type": "Unigram", "unk_id": 0, "byte_fallback": False,
                  "vocab": [["<unk>", 0.0], ["</s>", -1.0], *([chr(n), -3.0] for n in range(32, 127))]},
    }  # fmt: skip
    (tmp_path / "unigram.json").write_text(json.dumps(table), encoding="utf-8")
    path = pack_help.write(tmp_path / "web.parquet", ["fine", "forged </s> end"])
    outcome = pack_help.run(
        source["folder"], tmp_path / "out", {"web": [path]}, tokenizer=str(tmp_path / "unigram.json")
    )
    assert any("1 end tokens came out of texts" in note for note in outcome.notes)


def test_reader_resumes_and_slices_by_rank(made):
    """Any step is what the whole run has there; two ranks together read what one reads with the double batch; and the
    run follows the weights."""
    _, out = made
    opened = open_tokens(out)
    whole = list(opened.batches(4))
    assert len(whole) == opened.steps(4)
    resumed = next(opened.batches(4, start=7))
    assert np.array_equal(resumed.tokens, whole[7].tokens)
    assert resumed.step == 7
    for step in (0, 5):
        ranks = [opened.batch(step, 2, rank, 2).tokens for rank in range(2)]
        assert np.array_equal(np.concatenate(ranks), whole[step].tokens)
    drawn = np.concatenate([one.components for one in whole])
    assert (drawn == 0).mean() == pytest.approx(4 / 5, abs=0.05)
    assert opened.components == ["web", "code"]
    with pytest.raises(IndexError):
        opened.batch(len(whole), 4)
    with pytest.raises(ValueError, match="rank 2 of 2"):
        opened.batch(0, 1, 2, 2)


def test_configurations_for_trainers(made):
    """neox.yml is JSON after its comments and names files that are there, with the weights; so does the blend."""
    _, out = made
    text = (out / "proofpile2" / "neox.yml").read_text(encoding="utf-8")
    config = json.loads("\n".join(line for line in text.split("\n") if not line.startswith("#")))
    assert config["train-data-weights"] == [4.0, 1.0]
    assert config["seq-length"] == 64
    assert (config["num-layers"], config["hidden-size"], config["rotary-emb-base"]) == (32, 4096, 10_000)
    assert -(-int(config["intermediate-size"] * 2 / 3) // 2 // 256) * 256 == 11_008  # as NeoX computes it for SwiGLU
    for path in config["train-data-paths"] + config["valid-data-paths"] + config["test-data-paths"]:
        assert read_index(path + ".idx").dtype == np.uint16
    blend = json.loads((out / "proofpile2" / "megatron_blend.json").read_text(encoding="utf-8"))
    assert blend["train"][::2] == ["4", "1"]
    assert blend["train"][1::2] == config["train-data-paths"]


def test_damaged_index_is_refused(tmp_path):
    """No MMIDIDX, or one that is cut off: a ValueError that names the file."""
    path = tmp_path / "x.idx"
    path.write_bytes(b"nothing")
    with pytest.raises(ValueError, match="not an MMIDIDX"):
        read_index(str(path))
    path.write_bytes(b"MMIDIDX\x00\x00" + np.array([1], "<u8").tobytes() + b"\x08" + np.array([9, 10], "<u8").tobytes())
    with pytest.raises(ValueError, match="cut off"):
        read_index(str(path))
