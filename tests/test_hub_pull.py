"""Pull against a Hub on loopback, and what datasets and the command line make of it."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import hub_runs
import hub_server
import pytest
from hub_server import Fault, File

import proofpile2
from proofpile2 import cli_hub, inspection
from proofpile2.errors import ConfigError, Error, InputError, NotWhole
from proofpile2.publish.pull import pull
from proofpile2.publish.push import push
from proofpile2.publish.trouble import HubError

pytest_plugins = ("hub_fixtures",)
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # of huggingface_hub's own calls

NAME = "ada/set"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A web run and a code run with two languages."""
    folder = str(tmp_path_factory.mktemp("runs"))
    hub_runs.make(folder, "web", ("CC-MAIN-2023-23",), units=2, count=30)
    hub_runs.make(folder, "algebraicstack", ("coq", "lean"), units=1, count=50)
    return folder


_PUSHED: dict[str, hub_server.Repository] = {}


@pytest.fixture
def published(hub, runs):
    """The server with both subsets published; the push is done once and then remembered."""
    if not _PUSHED:
        push(runs, NAME, shard_bytes=5_000, waits=())
        _PUSHED.update(hub.repositories)
    hub.repositories.update({name: hub_server.Repository(commits=list(one.commits)) for name, one in _PUSHED.items()})
    hub.log.clear()
    return hub


def fetch(tmp_path, **settings):
    """Pull without waits beyond the library's."""
    return pull(NAME, str(tmp_path / "back"), waits=(0.0,), **settings)


def assert_whole(hub, tmp_path, subsets=("algebraic-stack", "open-web-math")):
    """Each published file is there with its bytes, and nothing else."""
    back = tmp_path / "back"
    here = {path.relative_to(back).as_posix(): path.read_bytes() for path in back.rglob("*") if path.is_file()}
    assert here == {
        path: one.data
        for path, one in hub.files(NAME).items()
        if path in ("README.md", "SHA256SUMS") or path.partition("/")[0] in subsets
    }


def test_what_comes_back_is_what_was_pushed(published, runs, tmp_path):
    """Hashes agree, the folders verify and open as a run does, and a second pull fetches no data."""
    done = fetch(tmp_path)
    assert_whole(published, tmp_path)
    assert done.folders == tuple(str(tmp_path / "back" / name) for name in ("algebraic-stack", "open-web-math"))
    for folder, pipeline in zip(done.folders, ("algebraicstack", "web"), strict=True):
        assert inspection.verify(folder) == []
        theirs = {row["id"]: row for row in proofpile2.open(Path(runs, pipeline))}
        assert {row["id"]: row for row in proofpile2.open(folder)} == theirs
    published.log.clear()
    again = fetch(tmp_path)
    assert again.fetched == ()
    assert again.unchanged == len(done.fetched)
    assert published.count("GET", "parquet") == 0


def test_what_was_pulled_can_be_pushed_elsewhere(published, tmp_path):
    """A copy under another name has the same documents, and its card still tells how they were made."""
    fetch(tmp_path)
    push(str(tmp_path / "back"), "ada/copy", shard_bytes=5_000, waits=())
    cards = [published.files(name)["README.md"].data.decode() for name in (NAME, "ada/copy")]
    funnels = [card[card.index("## How it was made") : card.index("## How to make it again")] for card in cards]
    assert funnels[0] == funnels[1]
    assert "| final | lines | 62 | 60 | 96.8 % | blank 2 |" in funnels[1]


TROUBLE = {
    "401": Fault("HEAD", r"coq-train.*parquet", 401, times=99),
    "403": Fault("HEAD", r"coq-train.*parquet", 403, times=99),
    "404": Fault("GET", r"resolve.*coq-train.*parquet", 404, times=99),
    "429": Fault("GET", r"resolve.*coq-train.*parquet", 429, times=99),
    "500": Fault("GET", r"resolve.*coq-train.*parquet", 500, times=99),
    "damaged for ever": Fault("GET", r"resolve.*coq-train.*parquet", damage=True, times=99),
    "500 on the list": Fault("GET", r"/tree/", 500, times=99),
}


@pytest.mark.parametrize("name", TROUBLE)
def test_trouble_ends_in_our_error_and_the_next_pull_mends_it(published, tmp_path, name):
    """The message is ours, no file stands at its place with a wrong hash, and the next pull fetches the rest only."""
    published.faults.append(Fault(**vars(TROUBLE[name])))
    with pytest.raises(Error) as caught:
        fetch(tmp_path)
    assert NAME in str(caught.value)
    assert hub_server.TOKEN not in str(caught.value)
    files = published.files(NAME)
    here = [path for path in (tmp_path / "back").rglob("*.parquet") if ".fetching" not in path.parts]
    assert all(files[path.relative_to(tmp_path / "back").as_posix()].data == path.read_bytes() for path in here)
    published.faults.clear()
    done = fetch(tmp_path)
    assert_whole(published, tmp_path)
    assert done.unchanged >= len(here)


PASSING = {
    "cut in the middle": Fault("GET", r"resolve.*parquet", cut=True),
    "damaged once": Fault("GET", r"resolve.*parquet", damage=True),
    "429 once": Fault("GET", r"resolve.*parquet", 429),
    "500 once": Fault("GET", r"resolve.*parquet", 500),
}


@pytest.mark.parametrize("name", PASSING)
def test_passing_trouble_is_ridden_out(published, tmp_path, name):
    """A cut goes on in the middle, a damaged transfer is made again."""
    published.faults.append(Fault(**vars(PASSING[name])))
    fetch(tmp_path)
    assert published.faults == []
    assert_whole(published, tmp_path)


def test_local_damage_is_mended(published, tmp_path):
    """A file that lost bytes on this machine is fetched again, the others are not."""
    fetch(tmp_path)
    victim = next((tmp_path / "back").rglob("coq-train-*.parquet"))
    victim.write_bytes(victim.read_bytes()[:-1])
    assert fetch(tmp_path).fetched == (victim.relative_to(tmp_path / "back").as_posix(),)
    assert_whole(published, tmp_path)


def test_parts_of_a_set_and_older_ones(published, tmp_path):
    """One subset by its name or its pipeline's; an older commit; names that are not there."""
    commits = published.repositories[NAME].commits
    published.repositories[NAME].commit("later", {**commits[-1].files, "README.md": File(b"later", False)})
    done = fetch(tmp_path, subsets=["algebraicstack"], revision=commits[-2].id)
    assert done.commit == commits[-2].id
    assert [Path(folder).name for folder in done.folders] == ["algebraic-stack"]
    assert (tmp_path / "back/README.md").read_bytes() != b"later"
    with pytest.raises(ConfigError, match="has no arxiv; there are: algebraic-stack, open-web-math"):
        fetch(tmp_path, subsets=["arxiv"])
    with pytest.raises(HubError, match="no revision v9"):
        fetch(tmp_path, revision="v9")
    with pytest.raises(HubError, match="no such dataset"):
        pull("ada/nothing", str(tmp_path / "back"), waits=())


def test_private_sets_need_their_owner(published, tmp_path, monkeypatch):
    """Without a token or with a stranger's there is no such dataset, as the Hub has it."""
    published.repositories[NAME].private = True
    for token in (None, hub_server.STRANGER):
        monkeypatch.setenv("HF_TOKEN", token) if token else monkeypatch.delenv("HF_TOKEN")
        with pytest.raises(HubError, match="no such dataset"):
            fetch(tmp_path)


@pytest.mark.parametrize(
    "path",
    [
        "../evil.json",
        "/etc/evil.json",
        "a/../../evil.json",
        "a\\..\\evil.json",
        "x/.ssh/k.json",
        "x/run.py",
        "x//a.json",
    ],
)
def test_paths_that_lead_out_are_refused(hub, tmp_path, path):
    """A list of hashes from somebody else can't name files outside the folder, hidden ones or programs."""
    line = f"{File(b'evil', False).sha256}  {path}\n".encode()
    hub.repositories[NAME] = hub_server.Repository()
    hub.repositories[NAME].commit("evil", {"SHA256SUMS": File(line, False), path: File(b"evil", False)})
    with pytest.raises(NotWhole, match="not a list of hashes"):
        fetch(tmp_path)
    assert not list(tmp_path.rglob("evil*"))


def test_sets_of_others(hub, tmp_path):
    """A dataset that was not published with proofpile2 is not taken for one."""
    hub.repositories[NAME] = hub_server.Repository()
    hub.repositories[NAME].commit("a", {"data.csv": File(b"1,2", False)})
    with pytest.raises(InputError, match="was not published with proofpile2"):
        fetch(tmp_path)


def test_a_manifest_that_was_changed_is_found(published, tmp_path):
    """Hashes may all be right; that counts and receipts agree is looked at, too."""
    files = dict(published.files(NAME))
    path = next(path for path in files if path.endswith("/manifest.json") and "published-" in path)
    whole = json.loads(files[path].data)
    files[path] = File(json.dumps(whole | {"rows_out": whole["rows_out"] + 1}).encode(), False)
    sums = {one: file.sha256 for one, file in files.items() if "/" in one}
    files["SHA256SUMS"] = File("".join(f"{sums[one]}  {one}\n" for one in sorted(sums)).encode(), False)
    published.repositories[NAME].commit("changed", files)
    with pytest.raises(NotWhole, match="counts are not those of its receipts"):
        fetch(tmp_path)


LOAD = """
import json, sys
from datasets import get_dataset_config_names, get_dataset_split_names, load_dataset
found = {}
for config in get_dataset_config_names(sys.argv[1]):
    for split in get_dataset_split_names(sys.argv[1], config):
        found[f"{config}/{split}"] = load_dataset(sys.argv[1], config, split=split).to_list()
streamed = list(load_dataset(sys.argv[1], "open-web-math", split="train", streaming=True))
assert streamed == found["open-web-math/train"]
print(json.dumps(found))
"""


def test_datasets_loads_every_configuration_and_split(published, runs, tmp_path):
    """load_dataset gives the rows of the run: all of a subset, and those of each language, split by split."""
    pytest.importorskip("datasets")
    place = {"HF_ENDPOINT": published.url, "HF_HOME": str(tmp_path), "HF_HUB_DISABLE_XET": "1"}
    settings = os.environ | place | {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_DATASETS_DISABLE_PROGRESS_BARS": "1"}
    done = subprocess.run([sys.executable, "-c", LOAD, NAME], env=settings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    expected: dict[str, list] = {}
    for pipeline, subset in (("web", "open-web-math"), ("algebraicstack", "algebraic-stack")):
        for row in proofpile2.open(Path(runs, pipeline)):
            expected.setdefault(f"{subset}/{row['split']}", []).append(row)
            if pipeline == "algebraicstack":
                expected.setdefault(f"{subset}-{row['subset']}/{row['split']}", []).append(row)
    found = json.loads(done.stdout)
    assert {key: by_id(rows) for key, rows in found.items()} == {key: by_id(rows) for key, rows in expected.items()}


def by_id(rows):
    return sorted(rows, key=lambda row: row["id"])


def command_line(*words):
    """Run push or pull as the command line does, with the server of HF_ENDPOINT."""
    parser = argparse.ArgumentParser()
    adder = parser.add_subparsers(required=True)

    def command(name, call, text, *examples):
        one = adder.add_parser(name, description=text, epilog="\n".join(examples))
        one.set_defaults(call=call)
        return one

    cli_hub.commands(command)
    given = parser.parse_args(words)
    return given.call(given)


def test_the_commands(hub, runs, tmp_path, capsys):
    """push and pull through HF_ENDPOINT say what they did; the token is in no output; --json is for machines."""
    staging = str(tmp_path / "staging")
    assert command_line("push", runs, NAME, "--dry-run", "--staging", staging, "--quiet") == 0
    assert "would send" in capsys.readouterr().out
    assert command_line("push", runs, NAME, "--staging", staging, "--subset", "web", "--quiet") == 0
    assert f"published: {hub.url}/datasets/{NAME}" in (first := capsys.readouterr()).out
    assert command_line("push", runs, NAME, "--staging", staging, "--json") == 0
    assert set(json.loads((second := capsys.readouterr()).out)["subsets"]) == {"algebraic-stack", "open-web-math"}
    assert command_line("pull", NAME, str(tmp_path / "back"), "--quiet") == 0
    assert "all are as the manifests say" in (third := capsys.readouterr()).out
    assert_whole(hub, tmp_path)
    assert all(hub_server.TOKEN not in one.out + one.err for one in (first, second, third))
