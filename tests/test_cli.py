"""The command line, as a user types it."""

from __future__ import annotations

import json
import shlex

import pytest

from proofpile2 import cli, shards

COMMANDS = ["run", "stage", "plan", "status", "funnel", "explain", "verify", "clean", "filters test", "train mathscore",
            "train perplexity", "train tokenizer", "tokens", "push", "pull"]  # fmt: skip

PIPELINE = """
name = "mine"
[source]
use = "table"
[[pass]]
name = "filter"
[[pass.step]]
use = "content_rules"
[[pass]]
name = "dedup"
[pass.whole]
use = "dedup"
[[pass]]
name = "final"
part_bytes = 1_000_000
[[pass.step]]
use = "split"
"""

LONG = "A sentence of the {}. It has enough words to be kept by every rule, and it speaks of matrices and rings. "


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A folder with a pipeline file and documents: four kept, one exact duplicate, one too short."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text(PIPELINE)
    texts = [LONG.format(word) * 3 + word * 9 for word in ("first", "second", "third", "fourth")]
    for name, chosen in (("a", texts[:2]), ("b", [*texts[2:], texts[0], "short"])):
        lines = [json.dumps({"text": text, "url": f"https://{name}{n}.example/"}) for n, text in enumerate(chosen)]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    return tmp_path


def run(words: str, capsys) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    code = cli.main(shlex.split(words))
    return code, *capsys.readouterr()


def test_a_run_from_start_to_end(mine, capsys):
    """Run, run again, funnel, verify, explain, status, plan: all by the words a user would type."""
    code, out, err = run("run mine.toml --input a.jsonl b.jsonl --workers 2", capsys)
    assert (code, err) == (0, "")
    assert "4 documents" in out
    assert "Parquet: out/mine/final-" in out
    code, again, _ = run("run mine.toml --input '*.jsonl' --executor serial", capsys)
    assert (code, again) == (0, out)
    code, out, _ = run("funnel out/mine --json", capsys)
    table = {row["step"]: row for row in json.loads(out)}
    assert (table["table"]["in"], table["dedup"]["dropped"]) == (6, {"exact_duplicate": 1})
    assert table["split"]["kept"] == 4
    assert run("verify out/mine", capsys)[0] == 0
    code, out, _ = run("explain out/mine https://b3.example/", capsys)
    assert code == 0
    assert "dropped by content_rules" in out
    assert run("explain out/mine https://nowhere.example/", capsys)[0] == 1
    code, out, _ = run("status mine.toml --input a.jsonl b.jsonl", capsys)
    assert out.count("done") == 3
    code, out, _ = run("plan mine.toml --input a.jsonl --set dedup.threshold=0.8", capsys)
    assert "to do" in out
    assert "threshold=0.8" in out


def test_damage_makes_verify_fail(mine, capsys):
    """Exit code 1 and a line that names the file."""
    run("run mine.toml --input a.jsonl b.jsonl --executor serial", capsys)
    part = next((mine / "out" / "mine").glob("final-*/part-*-of-00001.parquet"))
    part.write_bytes(part.read_bytes()[:-3])
    code, out, _ = run("verify out/mine", capsys)
    assert code == 1
    assert part.name in out


def test_clean_shows_first_and_removes_on_demand(mine, capsys):
    """Only what newer settings superseded."""
    run("run mine.toml --input a.jsonl b.jsonl --executor serial", capsys)
    run("run mine.toml --input a.jsonl b.jsonl --executor serial --set split.test=0.5", capsys)
    folders = set(shards.listdir("out/mine"))
    _, out, _ = run("clean out/mine", capsys)
    assert out.startswith("would remove out/mine/final-")
    assert set(shards.listdir("out/mine")) == folders
    run("clean out/mine --yes", capsys)
    assert len(folders) - len(shards.listdir("out/mine")) == 1
    assert run("verify out/mine", capsys)[0] == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("run wbe", "no file 'wbe.toml'"),
        ("run mine.toml --input none.jsonl", "none.jsonl"),
        ("run mine.toml --input a.jsonl --set dedup.treshold=1", "did you mean 'threshold'"),
        ("run mine.toml --input a.jsonl --set nonsense", "expected STEP.FIELD=VALUE"),
        ("run mine.toml --input a.jsonl --workers=-1", "--workers -1"),
        ("stage dedupe --input a.jsonl", "did you mean 'dedup'"),
        ("verify nowhere", "no finished run here"),
    ],
)
def test_usage_errors_end_with_2_and_one_line(mine, capsys, words, message):
    """No traceback, nothing run."""
    code, out, err = run(words, capsys)
    assert (code, out) == (2, "")
    assert err.startswith("proofpile2: ")
    assert message in err
    assert err.count("\n") == 1
    assert not (mine / "out").exists()


def test_a_failed_part_ends_with_1_and_says_what_to_do(mine, capsys):
    """A file that is not what its name says fails its part; the rest of the pass is done."""
    (mine / "c.jsonl.gz").write_bytes(b"not gzip at all")
    code, _, err = run("run mine.toml --input a.jsonl b.jsonl c.jsonl.gz --executor serial", capsys)
    assert code == 1
    assert "c.jsonl.gz: can't be read" in err
    assert "run the same command again" in err
    assert len(list((mine / "out" / "mine").glob("filter-*/part-*.parquet"))) == 4


def test_one_stage_alone(mine, capsys):
    """On JSON lines with another name for the text; ``--mark`` keeps all rows with the reason."""
    (mine / "c.jsonl").write_text(json.dumps({"content": "short"}) + "\n" + json.dumps({"content": LONG * 3}) + "\n")
    code, out, _ = run("stage content_rules --input c.jsonl --text content --mark --out marked --json", capsys)
    report = json.loads(out)
    assert (code, report["done"]) == (0, True)
    with shards.open_parquet(next((mine / "marked").rglob("part-00000-of-00001.parquet")).as_posix()) as parquet:
        assert sorted(map(bool, parquet.read().column("drop").to_pylist())) == [False, True]


def test_a_stage_on_what_a_run_made(mine, capsys):
    """A folder of ours stands for its documents; the files of dropped rows beside them are not read."""
    run("run mine.toml --input a.jsonl b.jsonl --executor serial", capsys)
    code, out, _ = run("stage mathscore --input out/mine --out scored --mark --json --executor serial", capsys)
    assert code == 0
    assert json.loads(out)["funnel"][0]["in"] == 4


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command, capsys):
    """The words of the example are a command that exists."""
    with pytest.raises(SystemExit) as ended:
        cli.main([*command.split(), "--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert f"examples:\n  proofpile2 {command.split()[0]}" in text


def test_no_command_is_a_usage_error(capsys):
    """argparse's own message and exit code."""
    with pytest.raises(SystemExit) as ended:
        cli.main([])
    assert ended.value.code == 2
    assert "COMMAND" in capsys.readouterr().err
