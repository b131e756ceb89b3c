"""What a user names as input, and remote files as streams: against a real HTTP server and a real S3 server."""

from __future__ import annotations

import gzip
import os
import re
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from proofpile2 import inputs
from proofpile2.errors import ConfigError, InputError

SUFFIXES = (".warc", ".warc.gz")


def tree(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    return folder


def names(found: list[inputs.Input]) -> list[str]:
    return [entry.name for entry in found]


def test_a_folder_gives_its_files_by_their_paths_below_it(tmp_path: Path) -> None:
    """Other suffixes are left out, the order is the names', sizes are known, and no name holds the local path."""
    tree(tmp_path, "b/2.warc.gz", "a/1.warc", "a/notes.html", "3.warc.gz")
    found = inputs.expand([str(tmp_path)], SUFFIXES)
    assert names(found) == ["3.warc.gz", "a/1.warc", "b/2.warc.gz"]
    assert [entry.size for entry in found] == [9, 8, 11]
    assert found[1].path == str(tmp_path / "a/1.warc")


def test_globs_files_and_repeats(tmp_path: Path) -> None:
    """A glob names by what stands behind its fixed part, a file by its base name, and nothing comes twice."""
    tree(tmp_path, "x/1.warc.gz", "y/1.warc.gz", "y/2.warc.gz", "odd.name")
    assert names(inputs.expand([str(tmp_path / "*" / "*.warc.gz")], SUFFIXES)) == [
        "x/1.warc.gz", "y/1.warc.gz", "y/2.warc.gz"]  # fmt: skip
    assert names(inputs.expand([str(tmp_path / "**" / "2.*")], SUFFIXES)) == ["y/2.warc.gz"]
    assert names(inputs.expand([str(tmp_path / "[xy]")], SUFFIXES)) == ["x/1.warc.gz", "y/1.warc.gz", "y/2.warc.gz"]
    file = str(tmp_path / "odd.name")
    assert names(inputs.expand([file, file], SUFFIXES)) == ["odd.name"]


def test_common_crawl_names_do_not_depend_on_where_the_mirror_lies(tmp_path: Path) -> None:
    """A local mirror, a URL and an index name the same file alike, so that a page has one id whichever way it came."""
    name = "crawl-data/CC-MAIN-2023-23/segments/1/warc/x-00000.warc.gz"
    tree(tmp_path, f"mirror/{name}")
    assert names(inputs.expand([str(tmp_path)], SUFFIXES)) == [name]
    assert names(inputs.expand([str(tmp_path / "mirror" / name)], SUFFIXES)) == [name]
    assert inputs.resolve(name, "s3://commoncrawl") == inputs.Input(f"s3://commoncrawl/{name}", name)
    assert inputs.resolve(f"https://data.commoncrawl.org/{name}", "").name == name


def test_lists_of_paths(tmp_path: Path) -> None:
    """Relative lines are taken below the base, URLs and absolute paths as they are; comments don't count."""
    tree(tmp_path, "here/1.warc.gz", "other/2.warc.gz")
    (tmp_path / "warc.paths.gz").write_bytes(
        gzip.compress(b"a/b.warc.gz\n\n# no\nc.warc.gz\nhttps://x.example/d.warc\n")
    )
    found = inputs.expand([str(tmp_path / "warc.paths.gz")], SUFFIXES, base="https://data.example/")
    assert [(entry.name, entry.path) for entry in found] == [
        ("a/b.warc.gz", "https://data.example/a/b.warc.gz"),
        ("c.warc.gz", "https://data.example/c.warc.gz"),
        ("https://x.example/d.warc", "https://x.example/d.warc"),
    ]
    (tmp_path / "list.txt").write_text(f"here/1.warc.gz\n{tmp_path}/other/2.warc.gz\n")
    assert names(inputs.expand([str(tmp_path / "list.txt")], SUFFIXES)) == ["2.warc.gz", "here/1.warc.gz"]


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    """Nothing found, a listed file that is missing, and two files of one name are configuration errors that help."""
    tree(tmp_path, "a/1.warc", "b/1.warc", "c/readme")
    with pytest.raises(ConfigError, match=r"found nothing.*\.warc"):
        inputs.expand([str(tmp_path / "c")], SUFFIXES)
    with pytest.raises(ConfigError, match="found nothing"):
        inputs.expand([str(tmp_path / "missing.warc")], SUFFIXES)
    (tmp_path / "l.txt").write_text("gone.warc\n")
    with pytest.raises(ConfigError, match=re.escape("gone.warc")):
        inputs.expand([str(tmp_path / "l.txt")], SUFFIXES)
    with pytest.raises(ConfigError, match=r"two inputs have the name '1\.warc'.*rename"):
        inputs.expand([str(tmp_path / "a"), str(tmp_path / "b")], SUFFIXES)
    with pytest.raises(InputError, match="No such file"):
        inputs.open_input(str(tmp_path / "missing.warc"))


class Handler(SimpleHTTPRequestHandler):
    """Serves a folder with byte ranges; ``/flaky/`` fails every other time, ``/whole/`` knows no ranges."""

    requests: int = 0
    sent: int = 0

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.answer(body=True)

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def answer(self, body: bool) -> None:
        kind = type(self)
        kind.requests += body
        area, _, name = self.path.lstrip("/").partition("/")
        file = Path(self.directory) / name
        if not file.is_file():
            self.send_error(404)
            return
        data = file.read_bytes()
        whole, match = data, re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        ranged = match is not None and area != "whole"
        if ranged and match:
            data = data[int(match[1]) : int(match[2]) + 1 if match[2] else None]
        if area == "flaky" and body and kind.requests % 2 == 0:
            self.send_error(503)
            return
        if area == "cut" and body and kind.requests % 2 == 0:
            self.send_response(206)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[: len(data) // 2])
            self.close_connection = True
            return
        self.send_response(206 if ranged else 200)
        if ranged and match:
            self.send_header("Content-Range", f"bytes {match[1]}-{int(match[1]) + len(data) - 1}/{len(whole)}")
        if area != "whole":
            self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if body:
            kind.sent += len(data)
            self.wfile.write(data)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path, type[Handler]]]:
    """Address, folder and the handler's counters of a running HTTP server."""
    pytest.importorskip("aiohttp", reason="remote files need the extra 'remote'")
    handler = type("Counting", (Handler,), {})
    running = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(tmp_path)))
    thread = threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{running.server_address[1]}", tmp_path, handler
    running.shutdown()
    running.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "FIRST_PAUSE", 0.01)


@pytest.mark.parametrize("area", ["plain", "flaky", "cut", "whole"])
def test_remote_files_read_as_local_ones(server: tuple[str, Path, type[Handler]], area: str) -> None:
    """Reading and seeking give the file's bytes, from servers that fail, that cut answers, and that know no ranges."""
    address, folder, _ = server
    data = os.urandom(300_000)
    (folder / "x.warc").write_bytes(data)
    with inputs.open_input(f"{address}/{area}/x.warc") as stream:
        assert stream.read(10) == data[:10]
        stream.seek(250_000)
        assert stream.read(100) == data[250_000:250_100]
        stream.seek(5)
        assert stream.read() == data[5:]


def test_a_range_does_not_fetch_the_file(
    server: tuple[str, Path, type[Handler]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what is asked for travels, to the block."""
    address, folder, handler = server
    (folder / "big.warc").write_bytes(bytes(4_000_000))
    assert inputs.read_range(f"{address}/plain/big.warc", 1_000_000, 500) == bytes(500)
    assert handler.sent == 500


def test_remote_failures_end_in_an_input_error(
    server: tuple[str, Path, type[Handler]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing file is said at once, a silent server after the time-out and the retries; nothing hangs."""
    address, _, _ = server
    with pytest.raises(InputError, match="no such file"):
        inputs.open_input(f"{address}/plain/missing.warc")
    monkeypatch.setattr(inputs, "TRIES", 2)
    with pytest.raises(InputError, match="failed 2 times"):
        inputs.open_input("http://127.0.0.1:9/x.warc")


def test_s3(monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders, globs and files of a bucket, anonymously for Common Crawl's."""
    pytest.importorskip("s3fs", reason="remote files need the extra 'remote'")
    server = pytest.importorskip("moto.server", reason="moto[server] is not installed")
    boto3 = pytest.importorskip("boto3")
    running = server.ThreadedMotoServer(port=0, verbose=False)
    running.start()
    try:
        host, port = running.get_host_and_port()
        address = f"http://{host}:{port}"
        for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_ROLE_ARN"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        client = boto3.client(
            "s3", endpoint_url=address, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
        )
        client.create_bucket(Bucket="commoncrawl")
        name = "crawl-data/CC-MAIN-2023-23/segments/1/warc/a.warc.gz"
        client.put_object(Bucket="commoncrawl", Key=name, Body=b"0123456789", ACL="public-read")
        client.put_object(Bucket="commoncrawl", Key="crawl-data/CC-MAIN-2023-23/other.txt", Body=b"x")
        for text in (
            "s3://commoncrawl/crawl-data",
            f"s3://commoncrawl/{name}",
            "s3://commoncrawl/crawl-data/*/segments/*/warc/*.warc.gz",
        ):
            (found,) = inputs.expand([text], SUFFIXES)
            assert (found.path, found.name) == (f"s3://commoncrawl/{name}", name)
        assert inputs.read_range(found.path, 3, 4) == b"3456"
    finally:
        running.stop()
