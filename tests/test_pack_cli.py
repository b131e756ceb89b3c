"""The words of packing on the command line."""

from __future__ import annotations

import argparse
import json

import pack_help
import pytest

from proofpile2 import cli_pack
from proofpile2.errors import ConfigError
from proofpile2.executors import Serial
from proofpile2.packing import tokens

pytest.importorskip("tokenizers")


def parse(*words):
    """As the command line does, with the parsers of this module alone."""
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers()

    def command(name, call, text, *examples, to=commands):
        one = to.add_parser(name, help=text)
        one.set_defaults(call=call)
        return one

    run = command("run", None, "run")
    for name in ("--json", "--quiet"):
        run.add_argument(name, action="store_true")
    run.add_argument("pipeline")
    run.add_argument("--out")
    run.add_argument("--input", nargs="+", default=[])
    cli_pack.add_run_options(run)
    cli_pack.commands(command)
    cli_pack.train_commands(command, commands.add_parser("train").add_subparsers())
    return parser.parse_args(words)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli")
    pack_help.write(folder / "web.parquet", ["first $x$", "second <|endoftext|>", "third"] * 9 + [""])
    pack_help.write(folder / "code.parquet", ["lemma"] * 9, subset=["lean", "coq", "r"] * 3)
    pack_help.tokenizer(folder)
    return folder


def run(folder, *more, call=None):
    given = parse(
        "run", "proofpile2", "--out", str(folder / "out"), "--tokenizer", str(folder / "tokenizer-400.json"),
        "--component", f"web={folder / 'web.parquet'}", "--component", f"code={folder / 'code.parquet'}",
        "--leave-out", "arxiv", *pack_help.GENERAL, "--quiet", *more,
    )  # fmt: skip
    settings = {"mixture.length": 16, "mixture.validation": 0.2}
    return call(given, settings) if call else cli_pack.run_mixture(given, Serial(), settings)


def test_run_prints_tokens_beside_the_papers_and_the_new_weights(folder, capsys):
    """Left out components are named and the shares are those of the rest, 4 : 1 (of 14 sequences 11 and 3); each
    language has a line."""
    assert run(folder) == 0
    printed = capsys.readouterr().out
    assert "left out: arxiv, general-code, general-text" in printed
    web = next(line for line in printed.split("\n") if line.startswith("web"))
    assert "15,000,000,000" in web
    assert "78.6%" in web
    lean = next(line for line in printed.split("\n") if line.startswith("  lean "))
    assert "285,600,000" in lean
    assert "rows that are no documents: web: empty 1" in printed
    assert "neox.yml" in printed
    assert run(folder, call=cli_pack.plan_mixture) == 0
    assert "web  done  (1 of 1 files tokenized, 80.0% of the run)" in capsys.readouterr().out
    assert run(folder, "--json") == 0
    assert json.loads(capsys.readouterr().out)["components"]["web"]["weight"] == 4.0


def test_tokens_prints_documents_sequences_and_steps(folder, capsys):
    """A document comes out as its text, a sequence piece by piece; a step names what it drew; bad numbers are told."""
    run(folder)
    capsys.readouterr()
    given = parse("tokens", str(folder / "out"), "--document", "0", "--component", "web", "--json")
    assert given.call(given) == 0
    found = json.loads(capsys.readouterr().out)
    end = tokens.read(str(folder / "tokenizer-400.json")).end
    assert found["texts"][0].removesuffix("<|endoftext|>") in {"first $x$", "second <|endoftext|>", "third"}
    assert found["ids"][0].count(end) == 1
    for words in (["--sequence", "0"], ["--step", "1", "--batch", "2"], []):
        given = parse("tokens", str(folder / "out"), *words)
        assert given.call(given) == 0
    printed = capsys.readouterr().out
    assert "piece 1:" in printed
    assert "step 1: " in printed
    assert "epochs" in printed
    for words in (["--sequence", "999"], ["--component", "arxiv", "--sequence", "0"], ["--step", "99999"]):
        given = parse("tokens", str(folder / "out"), *words)
        with pytest.raises(ConfigError, match=r"999 of|arxiv|99999 of"):
            given.call(given)


def test_train_tokenizer(folder, capsys):
    """Trains on any documents and writes a tokenizer.json of the size asked for; equal inputs give equal bytes."""
    for name in ("a.json", "b.json"):
        given = parse("train", "tokenizer", "--input", str(folder / "web.parquet"), "--out", str(folder / name),
                      "--vocab-size", "270")  # fmt: skip
        assert given.call(given) == 0
    assert "270 ids from 27 documents" in capsys.readouterr().out
    assert (folder / "a.json").read_bytes() == (folder / "b.json").read_bytes()
    assert tokens.read(str(folder / "a.json")).vocab_size == 270
    given = parse("train", "tokenizer", "--input", "x", "--out", "x.json", "--vocab-size", "10")
    with pytest.raises(ConfigError, match="at least 258"):
        given.call(given)


def test_wrong_words_are_told(folder):
    """--input has no meaning for a mixture, --component wants NAME=PATH, --set only knows mixture."""
    for words, message in ((["--input", "x"], "--component NAME=PATH"), (["--component", "web"], "expected NAME=PATH")):
        with pytest.raises(ConfigError, match=message):
            cli_pack.run_mixture(parse("run", "proofpile2", "--out", "x", *words), Serial(), {})
    with pytest.raises(ConfigError, match="a mixture has one place"):
        cli_pack.run_mixture(parse("run", "proofpile2", "--out", "x"), Serial(), {"html.x": 1})
