"""GitHub: search, fetching, limits and failures, against a server on this machine that speaks its endpoints."""

from __future__ import annotations

import argparse
import io
import json
import shlex
import tarfile
import threading
from collections import Counter
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from proofpile2 import cli_code
from proofpile2.errors import ConfigError, InputError
from proofpile2.sources import github
from proofpile2.sources.github import Github, Wanted, fetch, found, search, statuses
from proofpile2.sources.github_http import Client, Gone

SHA = "a" * 40
LEAN = b"theorem two_pos : 0 < 2 := by norm_num\n"


def tarball(files: dict[str, bytes], links: dict[str, str] | None = None) -> bytes:
    """As GitHub makes it: everything below ``name-revision/``."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(f"name-{SHA[:7]}/{name}")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
        for name, target in (links or {}).items():
            entry = tarfile.TarInfo(f"name-{SHA[:7]}/{name}")
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            archive.addfile(entry)
    return out.getvalue()


class Hub:
    """What the server knows; ``script`` holds answers to be given before the true one, by path."""

    def __init__(self) -> None:
        self.repositories: dict[str, dict] = {}  # name -> created, stars, commit date, tarball
        self.script: dict[str, list] = {}
        self.seen: Counter[str] = Counter()
        self.tokens: dict[str, set[str | None]] = {}

    def add(self, name: str, created: str = "2020-01-01", stars: int = 1, commit: str = "2020-01-02", **files: bytes):
        data = tarball({key.replace("__", "/") + ".lean": value for key, value in files.items()} or {"A.lean": LEAN})
        self.repositories[name] = {"created": created, "stars": stars, "commit": commit, "tarball": data}


@pytest.fixture
def hub():
    state = Hub()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *given):
            pass

        def answer(self, status: int, body: bytes = b"{}", **headers: str):
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            url = urlsplit(self.path)
            state.seen[url.path] += 1
            state.tokens.setdefault(url.path, set()).add(self.headers.get("Authorization"))
            waiting = state.script.get(url.path)
            if waiting:
                waiting.pop(0)(self)
                return
            query = {key: values[0] for key, values in parse_qs(url.query).items()}
            if url.path == "/search/repositories":
                self.search(query)
                return
            parts = url.path.split("/")
            if parts[1] == "codeload":
                self.answer(200, state.repositories["/".join(parts[2:4])]["tarball"])
                return
            known = state.repositories.get("/".join(parts[2:4]))
            if known is None:
                self.answer(404, b'{"message": "Not Found"}')
                return
            if parts[4] == "commits":
                rows = [{"sha": SHA, "commit": {"committer": {"date": known["commit"] + "T00:00:00Z"}}}]
                early = known["commit"] <= query["until"][:10]
                self.answer(200, json.dumps(rows if early else []).encode())
                return
            host = self.headers["Host"].replace("127.0.0.1", "localhost")  # another host, as codeload is
            self.answer(302, b"", Location=f"http://{host}/codeload/{'/'.join(parts[2:4])}")
            return

        def search(self, query):
            wanted = dict(part.split(":", 1) for part in shlex.split(query["q"]))
            first, last = wanted["created"].split("..")
            least, most = wanted["stars"].split("..")
            rows = [
                {"full_name": name, "stargazers_count": one["stars"], "license": {"spdx_id": "MIT"}}
                for name, one in sorted(state.repositories.items(), key=lambda item: -item[1]["stars"])
                if wanted["language"] == "Lean"
                and first <= one["created"] <= last
                and int(least) <= one["stars"] <= float(most.replace("*", "inf"))
            ]
            page = int(query["page"]) - 1
            items = rows[:1000][page * 100 : page * 100 + 100]
            self.answer(200, json.dumps({"total_count": len(rows), "items": items}).encode())

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    yield state
    server.shutdown()
    server.server_close()


@pytest.fixture
def naps():
    return []


@pytest.fixture
def client(hub, naps):
    return Client(hub.url, "secret-token", timeout=5, sleep=naps.append, clock=lambda: 1000.0)


LEANS = Wanted(langs=("lean",), since="2019-01-01")


def test_search_parts_by_week_day_and_stars(hub, client, tmp_path, monkeypatch):
    """More results than one question gives are parted by weeks, days and stars until all are there, each once."""
    monkeypatch.setattr(github, "_AT_MOST", 3)
    for n in range(20):
        hub.add(f"o/same{n}", created="2020-05-05", stars=n)
    for n in range(10):
        hub.add(f"o/day{n}", created=f"2021-03-{n + 1:02}")
    assert search(str(tmp_path), LEANS, client) == 30
    assert [one.name for one in found(str(tmp_path), Wanted(langs=("lean",), most=2))] == ["o/same18", "o/same19"]


def test_search_goes_on_where_it_stopped(hub, client, tmp_path):
    """What was answered is not asked again; another question in the same folder is refused."""
    hub.add("o/one")
    search(str(tmp_path), LEANS, client)
    before = hub.seen["/search/repositories"]
    assert search(str(tmp_path), LEANS, client) == 1
    assert hub.seen["/search/repositories"] == before
    with pytest.raises(ConfigError, match="another folder"):
        search(str(tmp_path), Wanted(langs=("lean",), cutoff="2024-01-01"), client)


def test_incomplete_answers_are_asked_for_again(hub, client, naps, tmp_path):
    """An answer that the search itself calls incomplete is not taken for all there is."""
    hub.add("o/one")
    part = json.dumps({"total_count": 0, "incomplete_results": True, "items": []}).encode()
    hub.script["/search/repositories"] = [lambda one: one.answer(200, part)] * 2
    assert search(str(tmp_path), LEANS, client) == 1
    assert naps == [2.0, 4.0]


def test_windows_part_at_weeks_first():
    """A long window is parted at the border of a week, and all days stay in one of the halves."""
    window = github._Window(date(2020, 1, 1), date(2020, 3, 31), 0)
    left, right = window.halves()
    assert (left.last - left.first).days % 7 == 6
    assert (right.first - left.last).days == 1
    assert right.last == window.last


def test_files_of_a_repository_as_rows(hub, client, tmp_path):
    """An archive becomes rows with origin, revision, licence, date and a URL; links and other files are left out."""
    hub.add("o/one", src__B=b"lemma x : 1 = 1 := rfl\n")
    hub.repositories["o/one"]["tarball"] = tarball(
        {"src/B.lean": LEAN, "../../evil.lean": LEAN, "photo.png": b"\x89PNG", "bad.lean": b"\0\1\2" * 99},
        {"link.lean": "/etc/passwd"},
    )
    search(str(tmp_path), LEANS, client)
    assert fetch(str(tmp_path), LEANS, client) == {"done": 1}
    source = Github((str(tmp_path),), ("lean",))
    assert source.units() == {"o/one": SHA}
    rows = [row for batch in source.read("o/one", print) for row in batch.to_pylist()]
    places = {row["locator"]: row["drop"] for row in rows}
    assert places == {
        f"o/one@{SHA}:src/B.lean": None,
        f"o/one@{SHA}:evil.lean": None,
        f"o/one@{SHA}:bad.lean": "binary",
    }
    assert rows[0]["text"] == LEAN.decode()
    assert rows[0]["license"] == "MIT"
    assert rows[0]["created"] == "2020-01-02T00:00:00Z"
    assert rows[0]["url"] == f"https://github.com/o/one/blob/{SHA}/src/B.lean"
    assert not list(tmp_path.rglob("*.lean"))


def test_every_fate_has_a_status(hub, client, tmp_path):
    """Nothing before the cut-off, gone, refused, empty: each is settled with a reason; none takes today's state."""
    hub.add("o/late", commit="2023-04-01")
    hub.add("o/fine")
    for name, status in (("o/law", 451), ("o/shut", 403), ("o/void", 409)):
        hub.add(name)
        hub.script[f"/repos/{name}/commits"] = [lambda one, status=status: one.answer(status, b'{"message": "no"}')] * 9
    wanted = Wanted(langs=("lean",), repositories=("o/late", "o/fine", "o/lost", "o/law", "o/shut", "o/void"))
    search(str(tmp_path), wanted, client)
    fetch(str(tmp_path), wanted, client)
    assert {one.repository: one.status for one in statuses(str(tmp_path))} == {
        "o/late": "none_before", "o/fine": "done", "o/lost": "missing", "o/law": "refused",
        "o/shut": "refused", "o/void": "empty",
    }  # fmt: skip
    seen = hub.seen.total()
    fetch(str(tmp_path), wanted, client)
    assert hub.seen.total() == seen


def test_cut_connections_are_tried_again(hub, client, naps, tmp_path):
    """An archive that breaks off is asked for again, whole; 5xx too; pauses grow."""
    hub.add("o/one", A=LEAN * 3000, B=bytes(range(32, 127)) * 500)
    data = hub.repositories["o/one"]["tarball"]

    def cut(one):
        one.send_response(200)
        one.send_header("Content-Length", str(len(data)))
        one.end_headers()
        one.wfile.write(data[: len(data) // 2])
        one.close_connection = True

    def chunked(one):
        one.send_response(200)
        one.end_headers()
        one.wfile.write(data[: len(data) // 3])

    hub.script["/codeload/o/one"] = [cut, lambda one: one.answer(502), chunked]
    wanted = Wanted(langs=("lean",), repositories=("o/one",))
    search(str(tmp_path), wanted, client)
    assert fetch(str(tmp_path), wanted, client) == {"done": 1}
    assert statuses(str(tmp_path))[0].files == 2
    assert naps == [1.0, 2.0, 4.0]


def test_what_failed_is_tried_by_the_next_call(hub, client, tmp_path):
    """A server that keeps failing leaves the status ``failed``, which the next call takes up."""
    hub.add("o/one")
    hub.script["/codeload/o/one"] = [lambda one: one.answer(500)] * 5
    wanted = Wanted(langs=("lean",), repositories=("o/one",))
    search(str(tmp_path), wanted, client)
    assert fetch(str(tmp_path), wanted, client) == {"failed": 1}
    assert not (tmp_path / "files" / "o" / "one.parquet").exists()
    assert fetch(str(tmp_path), wanted, client) == {"done": 1}


@pytest.mark.parametrize(
    ("status", "headers", "body", "wait"),
    [
        (429, {"Retry_After": "7"}, b"{}", 7.0),
        (403, {"Retry_After": "60"}, b"{}", 60.0),
        (403, {"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": "1090"}, b"{}", 91.0),
        (403, {}, b'{"message": "You have exceeded a secondary rate limit."}', 60.0),
        (429, {}, b"{}", 60.0),
        (503, {"Retry_After": "3"}, b"{}", 3.0),
    ],
)
def test_rate_limits(hub, client, naps, status, headers, body, wait):
    """Each way in which GitHub says wait is obeyed to the second, and then the request is made again."""
    hub.add("o/one")
    hub.script["/repos/o/one/commits"] = [lambda one: one.answer(status, body, **headers)]
    assert client.json("/repos/o/one/commits", until="2023-01-01T00:00:00Z")[0]["sha"] == SHA
    assert naps == [wait]


def test_refusals_and_endless_failure(hub, client):
    """404 is Gone at once, a refused token is a matter of configuration, garbage is tried again and then an error."""
    with pytest.raises(Gone, match="404"):
        client.json("/repos/o/none/commits")
    hub.script["/x"] = [lambda one: one.answer(401)]
    with pytest.raises(ConfigError, match="GITHUB_TOKEN"):
        client.json("/x")
    hub.script["/y"] = [lambda one: one.answer(200, b"<html>")] * 5
    with pytest.raises(InputError, match="failed 5 times"):
        client.json("/y")


def test_the_token_stays_with_its_host(hub, client, tmp_path):
    """The host that a tarball is redirected to does not get the token, and it is in no representation."""
    hub.add("o/one")
    wanted = Wanted(langs=("lean",), repositories=("o/one",))
    fetch(str(tmp_path), wanted, client)
    assert hub.tokens["/repos/o/one/commits"] == {"Bearer secret-token"}
    assert hub.tokens["/codeload/o/one"] == {None}
    assert "secret" not in repr(client)


def test_too_large_an_archive(hub, client, tmp_path):
    """By its length if it is told, else by what comes; and a bomb is ended by what comes out of it."""
    hub.add("o/one")

    def untold(one):
        one.send_response(200)
        one.end_headers()
        one.wfile.write(hub.repositories["o/one"]["tarball"] + bytes(3000))

    small = Wanted(langs=("lean",), repositories=("o/one",), max_archive_bytes=100)
    assert fetch(str(tmp_path / "a"), small, client) == {"too_large": 1}
    hub.script["/codeload/o/one"] = [untold]
    assert fetch(str(tmp_path / "b"), small, client) == {"too_large": 1}
    hub.add("o/bomb", A=LEAN, B=bytes(50_000_000), C=LEAN)
    few = Wanted(langs=("lean",), repositories=("o/bomb",), max_bytes=1_000_000)
    assert fetch(str(tmp_path / "c"), few, client) == {"done": 1}
    assert "1,000,000 bytes" in statuses(str(tmp_path / "c"))[0].notes[0]


def test_names_are_no_paths(hub, client, tmp_path):
    """A server that gives a path for a name makes no file outside the folder."""
    with pytest.raises(ConfigError, match="owner/name"):
        Wanted(repositories=("../../etc/passwd",))
    hub.add("../up")
    hub.add("o/..")
    hub.add("o/one")
    assert search(str(tmp_path), LEANS, client) == 1


@pytest.mark.parametrize("given", [{"cutoff": "yesterday"}, {"cutoff": "2000-01-01"}, {"langs": ("cobol",)}])
def test_wrong_settings(given, tmp_path, client):
    """Days and languages are checked before anything is asked."""
    with pytest.raises(ConfigError):
        search(str(tmp_path), Wanted(**given), client)


def test_the_command(hub, tmp_path, monkeypatch, capsys):
    """``proofpile2 github`` searches, fetches and tells what became of each; it never shows the token."""
    monkeypatch.setenv("GITHUB_TOKEN", "secret-token")
    hub.add("o/one")
    hub.add("o/late", commit="2024-01-01")
    top = argparse.ArgumentParser()
    sub = top.add_subparsers()

    def command(name, call, text, *examples):
        one = sub.add_parser(name)
        one.set_defaults(call=call)
        return one

    cli_code.commands(command)
    out = str(tmp_path / "state")
    given = top.parse_args(["github", "--langs", "lean", "--since", "2019-01-01", "--out", out, "--base-url", hub.url])
    assert given.call(given) == 0
    printed = capsys.readouterr()
    assert printed.out == "2 repositories; done: 1; none_before: 1\n"
    assert "o/late: none_before no commit before 2023-04-01" in printed.err
    given = top.parse_args(["github", "--status", "--out", out])
    assert given.call(given) == 0
    shown = capsys.readouterr().out
    assert f"o/one  done  1 files, {len(LEAN)} bytes, at {SHA[:12]} of 2020-01-02" in shown
    state = "".join(path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file())
    assert "secret" not in printed.out + printed.err + shown + state
