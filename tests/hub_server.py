"""A small Hugging Face Hub on loopback, over real HTTP: as much of its API as huggingface_hub and datasets use.

Repositories, commits with parents, trees and large files (LFS batch, upload, verify) are held in memory. Faults are
laid on requests beforehand: a status, a connection that is cut, bytes that are damaged.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha1, sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "hf_" + "w" * 34
READ_TOKEN = "hf_" + "r" * 34
STRANGER = "hf_" + "s" * 34
USERS = {TOKEN: ("ada", "write"), READ_TOKEN: ("ada", "read"), STRANGER: ("bob", "write")}


@dataclass(frozen=True)
class File:
    """One file of a commit."""

    data: bytes
    large: bool

    @property
    def git(self) -> str:
        return sha1(b"blob %d\0" % len(self.data) + self.data).hexdigest()

    @property
    def sha256(self) -> str:
        return sha256(self.data).hexdigest()


@dataclass
class Commit:
    id: str
    title: str
    files: dict[str, File]


@dataclass
class Repository:
    private: bool = False
    commits: list[Commit] = field(default_factory=lambda: [Commit("0" * 40, "initial commit", {})])

    def commit(self, title: str, files: dict[str, File]) -> Commit:
        one = Commit(sha1(f"{self.commits[-1].id}{title}{len(self.commits)}".encode()).hexdigest(), title, files)
        self.commits.append(one)
        return one

    def at(self, revision: str) -> Commit | None:
        if revision == "main":
            return self.commits[-1]
        return next((one for one in self.commits if one.id == revision), None)


@dataclass
class Fault:
    """What goes wrong with the next ``times`` requests whose method and path match, after ``skip`` of them.

    ``status``: answer with it and ``message``. ``cut``: close the connection, on a GET after half the bytes, and after
    the work is done if ``late``. ``damage``: flip a bit of each file sent, or (PUT) received.
    """

    method: str
    path: str
    status: int = 0
    message: str = "as asked"
    cut: bool = False
    late: bool = False
    damage: bool = False
    times: int = 1
    skip: int = 0


class Hub(ThreadingHTTPServer):
    """The server; tests look at ``repositories`` and at the ``log`` of requests."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.lock = threading.RLock()
        self.repositories: dict[str, Repository] = {}
        self.other_types: set[str] = set()
        self.blobs: dict[str, bytes] = {}
        self.faults: list[Fault] = []
        self.log: list[tuple[str, str]] = []
        self.largest_commit = 10**9
        self.meanwhile: Callable[[], object] | None = None  # done once, just before the next commit
        self.bugs: list[Exception] = []  # of this server: a test that meets one proves nothing

    def files(self, name: str) -> dict[str, File]:
        """Files at the tip of a repository."""
        return self.repositories[name].commits[-1].files

    def count(self, method: str, path: str) -> int:
        """How many requests matched."""
        return sum(one == method and bool(re.search(path, two)) for one, two in self.log)

    def fault(self, method: str, path: str) -> Fault | None:
        with self.lock:
            self.log.append((method, path))
            for one in self.faults:
                if one.method == method and re.search(one.path, path):
                    if one.skip:
                        one.skip -= 1
                        continue
                    one.times -= 1
                    if one.times <= 0:
                        self.faults.remove(one)
                    return one
        return None

    def handle_error(self, request, client_address):  # clients go away in the middle; that is what is tested
        pass


@contextmanager
def running() -> Iterator[Hub]:
    """A server that runs until the block is left."""
    hub = Hub()
    thread = threading.Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()
        thread.join()


class _Cut(Exception):
    """The connection is to be cut."""


class _Answered(Exception):
    """An error was sent as the answer, and that was it."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one segment: else each answer waits for an acknowledgement
    disable_nagle_algorithm = True
    server: Hub

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        self._serve("GET")

    def do_HEAD(self):
        self._serve("HEAD")

    def do_POST(self):
        self._serve("POST")

    def do_PUT(self):
        self._serve("PUT")

    def _serve(self, method):
        parts = urlsplit(self.path)
        self.route, self.query = unquote(parts.path), parse_qs(parts.query)
        self.fault = self.server.fault(method, self.route)
        fault = self.fault
        try:
            if fault and fault.cut and not fault.late and method in ("POST", "PUT"):
                raise _Cut
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get("Transfer-Encoding") == "chunked":
                body = self._chunked()
            if fault and fault.status and not fault.late:
                self._error(fault.status, fault.message)
                return
            self._route(method, body)
        except _Answered:
            pass
        except (_Cut, ConnectionError):
            self.close_connection = True
        except Exception as error:
            self.server.bugs.append(error)
            raise

    def _chunked(self):
        body = b""
        while size := int(self.rfile.readline().strip() or b"0", 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _route(self, method, body):
        for verb, pattern, call in _ROUTES:
            found = re.fullmatch(pattern, self.route)
            if verb == method and found:
                with self.server.lock:
                    call(self, body, **found.groupdict())
                return
        self._error(404, f"no such address: {method} {self.route}")

    # answers

    def _send(self, status, data, headers=()):
        if self.fault and self.fault.late:
            if self.fault.cut:
                raise _Cut
            status, data, headers = self.fault.status, b'{"error": "as asked"}', ()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _json(self, value, status=200):
        self._send(status, json.dumps(value).encode(), [("Content-Type", "application/json")])

    def _error(self, status, message, code=""):
        headers = [("Content-Type", "application/json"), ("X-Error-Message", message)]
        headers += [("X-Error-Code", code)] if code else []
        self._send(status, json.dumps({"error": message}).encode(), headers)

    # who asks, and for what

    def _user(self):
        given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if given and given not in USERS:
            self._error(401, "Invalid credentials in Authorization header")
            raise _Answered
        return USERS.get(given, (None, None))

    def _repository(self, name, write=False):
        user, role = self._user()
        one = self.server.repositories.get(name)
        owner = name.partition("/")[0]
        if one is None or (one.private and user != owner):
            self._error(404 if user else 401, "Repository not found", "RepoNotFound")
            raise _Answered
        if write and (user != owner or role != "write"):
            self._error(403, "You don't have the rights to write to this repository")
            raise _Answered
        return one

    def _commit(self, name, revision):
        one = self._repository(name).at(revision)
        if one is None:
            self._error(404, "Revision not found", "RevisionNotFound")
            raise _Answered
        return one

    def whoami(self, body):
        user, role = self._user()
        if user is None:
            self._error(401, "Invalid username or password.")
            return
        self._json(
            {"type": "user", "name": user, "orgs": [], "auth": {"accessToken": {"displayName": "t", "role": role}}}
        )

    def create(self, body):
        user, role = self._user()
        asked = json.loads(body)
        owner = asked.get("organization") or user
        name = f"{owner}/{asked['name']}"
        if user is None or owner != user or role != "write":
            self._error(401 if user is None else 403, f"You don't have the rights to create a dataset under {owner}")
        elif name in self.server.repositories or name in self.server.other_types:
            self._json({"error": "You already created this repo", "url": f"{self.server.url}/datasets/{name}"}, 409)
        else:
            private = asked.get("visibility") == "private" or bool(asked.get("private"))
            self.server.repositories[name] = Repository(private)
            self._json({"url": f"{self.server.url}/datasets/{name}", "name": name, "id": "1"})

    def info(self, body, name, revision="main"):
        one = self._commit(name, revision)
        files = [{"rfilename": path} for path in sorted(one.files)]
        private = self.server.repositories[name].private
        facts = {"id": name, "_id": "1", "author": name.partition("/")[0], "sha": one.id, "private": private}
        facts |= {"gated": False, "disabled": False, "downloads": 0, "likes": 0, "tags": [], "siblings": files}
        self._json(facts | {"lastModified": "2026-01-01T00:00:00.000Z"})

    def preupload(self, body, name, revision):
        one = self._commit(name, revision)
        self._repository(name, write=True)
        answers = []
        for item in json.loads(body)["files"]:
            path = item["path"]
            there = one.files.get(path)
            oid = there and (there.sha256 if there.large else there.git)
            large = path.endswith(".parquet")
            answers.append(
                {"path": path, "uploadMode": "lfs" if large else "regular", "shouldIgnore": False, "oid": oid}
            )
        self._json({"files": answers})

    def batch(self, body, name):
        self._repository(name, write=True)
        objects = []
        for item in json.loads(body)["objects"]:
            one = {"oid": item["oid"], "size": item["size"]}
            if item["oid"] not in self.server.blobs:
                one["actions"] = {
                    "upload": {"href": f"{self.server.url}/lfs/{item['oid']}", "header": {}},
                    "verify": {"href": f"{self.server.url}/lfs-verify", "header": {}},
                }
            objects.append(one)
        self._json({"transfer": "basic", "objects": objects})

    def upload(self, body, oid):
        if self.fault and self.fault.damage:
            body = bytes([body[0] ^ 1]) + body[1:]
        elif sha256(body).hexdigest() != oid:
            self._error(400, "Content does not match its hash")
            return
        self.server.blobs[oid] = body
        self._send(200, b"")

    def verify(self, body):
        asked = json.loads(body)
        there = self.server.blobs.get(asked["oid"])
        if there is None or len(there) != asked["size"]:
            self._error(404, "Object not found")
        else:
            self._json({})

    def validate(self, body):
        self._json({"errors": [], "warnings": []})

    def commit(self, body, name, revision):
        repository = self._repository(name, write=True)
        if self.server.meanwhile:
            self.server.meanwhile()
            self.server.meanwhile = None
        lines = [json.loads(line) for line in body.splitlines() if line]
        header, operations = lines[0]["value"], lines[1:]
        if header.get("parentCommit") not in (None, repository.commits[-1].id):
            self._error(412, "A commit has happened since. Please refresh and try again.")
            return
        if len(operations) > self.server.largest_commit:
            self._error(413, "Payload too large")
            return
        files = dict(repository.commits[-1].files)
        for item in operations:
            kind, value = item["key"], item["value"]
            if kind == "file":
                files[value["path"]] = File(base64.b64decode(value["content"]), False)
            elif kind == "lfsFile":
                if value["oid"] not in self.server.blobs:
                    self._error(400, f"The object of {value['path']} was not uploaded")
                    return
                files[value["path"]] = File(self.server.blobs[value["oid"]], True)
            elif kind == "deletedFolder":
                files = {
                    path: one for path, one in files.items() if not path.startswith(value["path"].rstrip("/") + "/")
                }
            else:
                files.pop(value["path"], None)
        one = repository.commit(header["summary"], files)
        self._json(
            {"success": True, "commitOid": one.id, "commitUrl": f"{self.server.url}/datasets/{name}/commit/{one.id}"}
        )

    def commits(self, body, name, revision):
        self._commit(name, revision)
        found = reversed(self.server.repositories[name].commits)
        self._json([{"id": one.id, "title": one.title, "message": "", "authors": [{"user": "ada"}],
                     "date": "2026-01-01T00:00:00.000Z"} for one in found])  # fmt: skip

    def refs(self, body, name):
        tip = self._commit(name, "main").id
        branch = {"name": "main", "ref": "refs/heads/main", "targetCommit": tip}
        self._json({"branches": [branch], "tags": [], "converts": []})

    def tree(self, body, name, revision, path):
        one = self._commit(name, revision)
        deep = self.query.get("recursive", ["false"])[0].lower() in ("true", "1")
        path = (path or "").strip("/")
        listed = _listing(one.files, path, deep)
        if path and not listed:
            self._error(404, "Entry not found", "EntryNotFound")
            return
        self._json(listed)

    def paths_info(self, body, name, revision):
        one = self._commit(name, revision)
        if "json" in self.headers.get("Content-Type", ""):
            wanted = json.loads(body)["paths"]
        else:
            wanted = parse_qs(body.decode())["paths"]
        everything = {item["path"]: item for item in _listing(one.files, "", True)}
        self._json([everything[path] for path in wanted if path in everything])

    def resolve(self, body, name, revision, path):
        one = self._commit(name, revision)
        file = one.files.get(path)
        if file is None:
            self._error(404, "Entry not found", "EntryNotFound")
            return
        data, status = file.data, 200
        headers = [("X-Repo-Commit", one.id), ("ETag", f'"{file.sha256 if file.large else file.git}"'),
                   ("Accept-Ranges", "bytes"), ("X-Linked-Size", str(len(data)))]  # fmt: skip
        if self.fault and self.fault.damage:
            data = bytes([data[0] ^ 1]) + data[1:]
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if asked:
            start, end = int(asked[1]), min(int(asked[2] or len(data) - 1), len(data) - 1)
            headers.append(("Content-Range", f"bytes {start}-{end}/{len(data)}"))
            data, status = data[start : end + 1], 206
        if self.fault and self.fault.cut and self.command == "GET":
            self.send_response(status)
            for key, value in [*headers, ("Content-Length", str(len(data)))]:
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(data[: len(data) // 2])
            self.wfile.flush()
            raise _Cut
        self._send(status, data, headers)


def _listing(files, folder, deep):
    head = f"{folder}/" if folder else ""
    found = {}
    for path, file in sorted(files.items()):
        if not path.startswith(head):
            continue
        names = path[len(head) :].split("/")
        for depth in range(1, len(names)):
            inner = head + "/".join(names[:depth])
            if deep or depth == 1:
                found[inner] = {"type": "directory", "path": inner, "oid": sha1(inner.encode()).hexdigest(), "size": 0}
        if deep or len(names) == 1:
            item = {"type": "file", "path": path, "oid": file.git, "size": len(file.data)}
            if file.large:
                item["lfs"] = {"oid": file.sha256, "size": len(file.data), "pointerSize": 134}
            found[path] = item
    return list(found.values())


_NAME = r"(?P<name>[\w.-]+/[\w.-]+)"
_REVISION = r"(?P<revision>[^/]+)"
_ROUTES = [
    ("GET", "/api/whoami-v2", _Handler.whoami),
    ("POST", "/api/repos/create", _Handler.create),
    ("POST", "/api/validate-yaml", _Handler.validate),
    ("GET", f"/api/datasets/{_NAME}", _Handler.info),
    ("GET", f"/api/datasets/{_NAME}/revision/{_REVISION}", _Handler.info),
    ("GET", f"/api/datasets/{_NAME}/refs", _Handler.refs),
    ("GET", f"/api/datasets/{_NAME}/commits/{_REVISION}", _Handler.commits),
    ("GET", f"/api/datasets/{_NAME}/tree/{_REVISION}(?P<path>/.*)?", _Handler.tree),
    ("POST", f"/api/datasets/{_NAME}/paths-info/{_REVISION}", _Handler.paths_info),
    ("POST", f"/api/datasets/{_NAME}/preupload/{_REVISION}", _Handler.preupload),
    ("POST", f"/api/datasets/{_NAME}/commit/{_REVISION}", _Handler.commit),
    ("POST", f"/datasets/{_NAME}.git/info/lfs/objects/batch", _Handler.batch),
    ("PUT", "/lfs/(?P<oid>[0-9a-f]{64})", _Handler.upload),
    ("POST", "/lfs-verify", _Handler.verify),
    ("GET", f"/datasets/{_NAME}/resolve/{_REVISION}/(?P<path>.+)", _Handler.resolve),
    ("HEAD", f"/datasets/{_NAME}/resolve/{_REVISION}/(?P<path>.+)", _Handler.resolve),
]
