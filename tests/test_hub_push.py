"""Push against a Hub on loopback over real HTTP: whatever goes wrong, no shard is lost or doubled."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import hub_runs
import hub_server
import pytest
from hub_server import Fault

from proofpile2.errors import ConfigError, Error, NotWhole
from proofpile2.publish import layout, push
from proofpile2.publish.trouble import Conflict, HubError

pytest_plugins = ("hub_fixtures",)
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # of huggingface_hub's own calls

NAME = "ada/set"
SMALL = 3_000  # bytes of a shard: the run becomes seven


def send(out, tmp_path, name=NAME, **settings):
    """Push with small shards and no waits beyond the library's."""
    given = {"shard_bytes": SMALL, "staging": str(tmp_path / "staging"), "waits": (0.0,)} | settings
    return push.push(out, name, **given)


def assert_published(hub, out, name=NAME):
    """The repository holds the run's shards with their bytes, each once, all that points to them, and nothing else."""
    files = hub.files(name)
    plans = {subset: layout.plan(subset, runs, shard_bytes=SMALL) for subset, runs in layout.discover(out).items()}
    for subset, one in plans.items():
        home = f"{subset}/{one.folder}"
        wanted = {f"{home}/{shard.key}{ending}" for shard in one.shards for ending in (".parquet", ".json")}
        assert {path for path in files if path.startswith(f"{subset}/published-")} == {*wanted, f"{home}/manifest.json"}
        for shard in one.shards:
            facts = json.loads(files[f"{home}/{shard.key}.json"].data)["files"][f"{shard.key}.parquet"]
            data = files[f"{home}/{shard.key}.parquet"].data
            assert (len(data), layout.manifest.blake2b(data, digest_size=16).hexdigest()) == (
                facts["bytes"],
                facts["digest"],
            )
        whole = json.loads(files[f"{home}/manifest.json"].data)
        assert whole["rows_out"] == sum(run.manifests[-1].rows_out for run in one.runs)
    sums = push.read_sums(files["SHA256SUMS"].data.decode())
    assert sums == {path: one.sha256 for path, one in files.items() if path.partition("/")[0] in plans}
    card = files["README.md"].data.decode()
    assert all(one.folder in card for one in plans.values())
    assert hub_server.TOKEN not in "".join(one.data.decode("latin-1") for one in files.values())


def test_push_again_sends_nothing(hub, out, tmp_path):
    """The first push publishes everything in bounded commits, the second finds it there and changes nothing."""
    first = send(out, tmp_path)
    assert_published(hub, out)
    assert first.url == f"{hub.url}/datasets/{NAME}"
    assert first.commit == hub.repositories[NAME].commits[-1].id
    assert len(first.sent) == len(hub.files(NAME))
    assert not (tmp_path / "staging").exists()
    commits, uploads = len(hub.repositories[NAME].commits), hub.count("PUT", "/lfs/")
    second = send(out, tmp_path)
    assert second.sent == ()
    assert second.commit == first.commit
    assert second.unchanged == len(first.sent)
    assert (commits, uploads) == (len(hub.repositories[NAME].commits), hub.count("PUT", "/lfs/"))


TROUBLE = {
    "who am I, 401": Fault("GET", "whoami", 401),
    "who am I, 429": Fault("GET", "whoami", 429, times=3),
    "look up, 500": Fault("GET", "/api/datasets/ada/set$", 500, times=3),
    "create, 403": Fault("POST", "repos/create", 403),
    "create, 500": Fault("POST", "repos/create", 500, times=3),
    "preupload, 429": Fault("POST", "preupload", 429, times=99),
    "preupload, 404": Fault("POST", "preupload", 404),
    "batch, 403": Fault("POST", "objects/batch", 403),
    "upload, 500 for ever": Fault("PUT", "/lfs/", 500, times=99, skip=2),
    "upload, 413": Fault("PUT", "/lfs/", 413, times=99, skip=1),
    "upload, cut for ever": Fault("PUT", "/lfs/", cut=True, times=99, skip=3),
    "commit, 401": Fault("POST", "/commit/", 401),
    "commit, 403": Fault("POST", "/commit/", 403, skip=1),
    "commit, 409": Fault("POST", "/commit/", 409, "another operation is in progress", skip=1),
    "commit, 413": Fault("POST", "/commit/", 413, times=99, skip=1),
    "commit, 429": Fault("POST", "/commit/", 429, times=9, skip=1),
    "commit, 500": Fault("POST", "/commit/", 500, times=9),
    "commit, cut": Fault("POST", "/commit/", cut=True, times=9, skip=1),
    "last commit, 500": Fault("POST", "/commit/", 500, times=9, skip=2),
    "list, 404": Fault("GET", "/tree/", 404),
}


@pytest.mark.parametrize("name", TROUBLE)
def test_trouble_ends_in_our_error_and_the_next_push_mends_it(hub, out, tmp_path, name, monkeypatch):
    """A fault that lasts ends the push with a message of ours; the same command then publishes all, and sends no file
    a second time that had arrived."""
    monkeypatch.setattr("proofpile2.publish.send.COMMIT_FILES", 8)
    fault = TROUBLE[name]
    hub.faults.append(Fault(**vars(fault)))
    with pytest.raises(Error) as caught:
        send(out, tmp_path)
    assert NAME in str(caught.value)
    assert hub_server.TOKEN not in str(caught.value)
    assert "README.md" not in (hub.files(NAME) if NAME in hub.repositories and fault.method != "GET" else ())
    hub.faults.clear()
    arrived, done = set(hub.blobs), len(hub.log)
    send(out, tmp_path)
    assert_published(hub, out)
    resent = [path for method, path in hub.log[done:] if method == "PUT" and path.rpartition("/")[2] in arrived]
    assert resent == []


PASSING = {
    "upload, cut once": Fault("PUT", "/lfs/", cut=True, skip=1),
    "upload, 500 twice": Fault("PUT", "/lfs/", 500, times=2),
    "upload, answer lost": Fault("PUT", "/lfs/", cut=True, late=True),
    "verify, 500 once": Fault("POST", "lfs-verify", 500, skip=1),
    "commit, 429 once": Fault("POST", "/commit/", 429),
    "commit, 503 once": Fault("POST", "/commit/", 503, skip=1),
    "commit done, answer 500": Fault("POST", "/commit/", 500, late=True, skip=1),
    "commit done, answer cut": Fault("POST", "/commit/", cut=True, late=True),
    "last commit done, answer cut": Fault("POST", "/commit/", cut=True, late=True, skip=2),
}


@pytest.mark.parametrize("name", PASSING)
def test_passing_trouble_is_ridden_out(hub, out, tmp_path, name, monkeypatch):
    """Trouble that passes ends in a whole set, and a commit whose answer was lost is not made twice."""
    monkeypatch.setattr("proofpile2.publish.send.COMMIT_FILES", 8)
    hub.faults.append(Fault(**vars(PASSING[name])))
    done = send(out, tmp_path)
    assert hub.faults == []
    assert_published(hub, out)
    commits = hub.repositories[NAME].commits
    assert done.commit == commits[-1].id
    assert len({one.title for one in commits}) == len(commits) == 4


def test_too_large_commits_are_halved(hub, out, tmp_path):
    """A server that takes seven files a commit still gets all of them."""
    hub.largest_commit = 7
    send(out, tmp_path)
    assert_published(hub, out)
    assert [len(one.files) for one in hub.repositories[NAME].commits] == [0, 5, 10, 17]


def test_a_change_by_somebody_else_is_an_error(hub, out, tmp_path):
    """A commit that comes in between stops the push; theirs stays, also after ours is pushed again."""

    def meddle():
        repository = hub.repositories[NAME]
        repository.commit("theirs", {**repository.commits[-1].files, "notes.md": hub_server.File(b"mine", False)})

    hub.meanwhile = meddle
    with pytest.raises(Conflict, match="somebody else changed the repository"):
        send(out, tmp_path)
    assert set(hub.files(NAME)) == {"notes.md"}
    send(out, tmp_path)
    assert hub.files(NAME).pop("notes.md").data == b"mine"
    assert_published(hub, out)


def test_a_damaged_file_on_the_other_side_is_found(hub, out, tmp_path):
    """What arrived with another hash than was sent is an error, though the server said that all is well."""
    hub.faults.append(Fault("PUT", "/lfs/", damage=True))
    with pytest.raises(NotWhole, match=r"what arrived is not what was sent.*\n.*parquet: not what was sent"):
        send(out, tmp_path)


def test_new_content_takes_the_place_of_the_old_in_the_last_commit(hub, tmp_path):
    """Until the last commit readers find the old card and the old files; after it the new ones alone. Another subset
    stays as it was, in the card and in the sums."""
    old, new = str(tmp_path / "old"), str(tmp_path / "new")
    hub_runs.make(old, "web", ("x",), units=1, count=20)
    hub_runs.make(old, "algebraicstack", ("coq", "lean"), units=1, count=30)
    hub_runs.make(new, "web", ("x",), units=1, count=20, extra="new")
    send(old, tmp_path)
    before = dict(hub.files(NAME))
    done = send(new, tmp_path)
    commits = hub.repositories[NAME].commits
    for one in commits[-2:-1]:
        assert before.items() <= one.files.items()
    assert done.removed == tuple({path.rpartition("/")[0] for path in before if path.startswith("open-web-math/pub")})
    hub_runs.make(new, "algebraicstack", ("coq", "lean"), units=1, count=30)  # as pushed before
    assert_published(hub, new)
    theirs = {path: one for path, one in before.items() if path.startswith("algebraic-stack/")}
    assert theirs.items() <= hub.files(NAME).items()
    assert "algebraic-stack-lean" in hub.files(NAME)["README.md"].data.decode()


def test_what_a_given_up_push_left_is_taken_away(hub, tmp_path, monkeypatch):
    """New content that came half, then the old again: the half goes, and the old is not sent anew."""
    old, new = str(tmp_path / "old"), str(tmp_path / "new")
    hub_runs.make(old, "web", ("x",), units=1, count=20)
    hub_runs.make(new, "web", ("x",), units=2, count=20, extra="new")
    send(old, tmp_path)
    monkeypatch.setattr("proofpile2.publish.send.COMMIT_FILES", 2)
    hub.faults.append(Fault("POST", "/commit/", 403, skip=1))
    with pytest.raises(HubError):
        send(new, tmp_path)
    uploads = hub.count("PUT", "/lfs/")
    send(old, tmp_path)
    assert_published(hub, old)
    assert hub.count("PUT", "/lfs/") == uploads


def test_a_changed_manifest_in_the_repository_is_not_built_upon(hub, tmp_path):
    """A subset that stays is described from its manifests; if somebody edited them, that is an error."""
    out = str(tmp_path / "out")
    hub_runs.make(out, "web", ("x",), units=1, count=20)
    send(out, tmp_path)
    repository = hub.repositories[NAME]
    path = next(path for path in hub.files(NAME) if path.endswith("1-final.json"))
    repository.commit("edit", {**hub.files(NAME), path: hub_server.File(b"{}", False)})
    hub_runs.make(out, "algebraicstack", ("coq",), units=1, count=20)
    with pytest.raises(NotWhole, match=r"1-final\.json was changed in the repository"):
        send(out, tmp_path, subsets=["algebraicstack"])


def test_dry_run_sends_nothing_and_needs_no_token(hub, out, tmp_path, monkeypatch):
    """All files and the card lie in the staging folder, the server hears nothing; a real push then makes none anew."""
    monkeypatch.delenv("HF_TOKEN")
    done = send(out, tmp_path, dry_run=True)
    assert hub.log == []
    assert done.commit is None
    assert {
        path.relative_to(done.staging).as_posix() for path in Path(done.staging).rglob("*") if path.is_file()
    } == set(done.sent)
    sums = push.read_sums(Path(done.staging, "SHA256SUMS").read_text())
    assert all(sha256(Path(done.staging, path).read_bytes()).hexdigest() == digest for path, digest in sums.items())
    times = {path: path.stat().st_mtime_ns for path in Path(done.staging).rglob("*.parquet")}
    monkeypatch.setenv("HF_TOKEN", hub_server.TOKEN)
    hub.faults.append(Fault("POST", "/commit/", 403))
    with pytest.raises(HubError):
        send(out, tmp_path)
    assert {path: path.stat().st_mtime_ns for path in Path(done.staging).rglob("*.parquet")} == times


def test_tokens_and_names(hub, out, tmp_path, monkeypatch):
    """No token, a bad one, one that only reads, somebody else's, a name that is none, and one that is taken."""
    with pytest.raises(ConfigError, match="expected user/name"):
        send(out, tmp_path, name="set")
    hub.other_types.add("ada/model")
    with pytest.raises(HubError, match="taken by something that is not a dataset"):
        send(out, tmp_path, name="ada/model")
    for token, words in ((hub_server.READ_TOKEN, "may only read"), ("hf_wrong", "does not accept the token"),
                         (hub_server.STRANGER, "no right")):  # fmt: skip
        monkeypatch.setenv("HF_TOKEN", token)
        with pytest.raises(HubError, match=words) as caught:
            send(out, tmp_path)
        assert token not in str(caught.value)
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(ConfigError, match=r"no token.*HF_TOKEN.*hf auth login"):
        send(out, tmp_path)
    assert hub.repositories == {}


@pytest.mark.parametrize(
    "fault",
    [Fault("PUT", "/lfs/", 507, times=99), Fault("POST", "batch", 403, "Private repository storage limit reached")],
    ids=["507", "403"],
)
def test_out_of_space_says_so(hub, out, tmp_path, fault):
    """Whatever the server calls it, the message names the space."""
    hub.faults.append(fault)
    with pytest.raises(HubError, match="out of space"):
        send(out, tmp_path)


def test_private(hub, out, tmp_path):
    """A private set is made private; a public one is not pushed to as if it were private."""
    send(out, tmp_path, private=True)
    assert hub.repositories[NAME].private
    hub.repositories[NAME].private = False
    with pytest.raises(ConfigError, match="is public already"):
        send(out, tmp_path, private=True)


def test_a_damaged_run_is_refused_before_anything_is_sent(hub, tmp_path):
    """The verification comes first, and names what does not hold."""
    hub_runs.make(str(tmp_path / "out"), "web", ("x",), units=1, count=20)
    next(tmp_path.glob("out/web/final-*/part-*-of-00001.parquet")).write_bytes(b"PAR1")
    with pytest.raises(NotWhole, match="4 bytes, digest"):
        send(str(tmp_path / "out"), tmp_path)
    assert hub.repositories == {}


def test_the_server_says_how_long_to_wait():
    """Retry-After and the Hub's own RateLimit header are heeded, whatever else stands in them is not."""
    from proofpile2.publish.trouble import _after

    assert _after({"retry-after": "17"}) == 17
    assert _after({"ratelimit": '"api";r=0;t=55'}) == 55
    assert _after({"ratelimit": '"api";r=12;t=55'}) == 0
    assert _after({"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT"}) == 0
    assert _after({}) == 0
