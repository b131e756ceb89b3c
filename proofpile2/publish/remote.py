"""One dataset repository of the Hub: who we are, what is there, commits; every failure in plain words."""

from __future__ import annotations

import errno
import os
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha1, sha256
from typing import TYPE_CHECKING, TypeVar

from proofpile2.errors import ConfigError, Error

if TYPE_CHECKING:  # its import takes a while, and only these commands need it
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

__all__ = ["WAITS", "Conflict", "Entry", "HubError", "Remote", "Tip", "TooLarge", "connect", "entry_of"]

WAITS = (2.0, 5.0, 10.0, 30.0, 60.0, 120.0)
"""Seconds to wait before trying again, after the library's own few tries, where the server is busy or unreachable."""

BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})

T = TypeVar("T")


class HubError(Error):
    """The Hub, or the way to it, failed; the message says what to do. What was sent stays sent."""


class Conflict(HubError):
    """Somebody else changed the repository meanwhile."""


class TooLarge(HubError):
    """The server takes less in one request."""


class Busy(HubError):
    """The server is busy, failed, or could not be reached: the same request may succeed later."""


@dataclass(frozen=True)
class Entry:
    """What the Hub knows of a file: size, and SHA-256 of a large one or git's SHA-1 of a small one."""

    bytes: int
    sha256: str | None
    git: str | None

    def same(self, other: Entry) -> bool:
        """Whether it is the same file as ``other``, which has both hashes."""
        return self.bytes == other.bytes and (
            self.sha256 == other.sha256 if self.sha256 is not None else self.git == other.git
        )


def entry_of(path: str) -> Entry:
    """Size and both hashes of a local file."""
    size = os.path.getsize(path)
    large, small = sha256(), sha1(b"blob %d\0" % size, usedforsecurity=False)
    with open(path, "rb") as handle:
        while block := handle.read(1 << 20):
            large.update(block)
            small.update(block)
    return Entry(size, large.hexdigest(), small.hexdigest())


@dataclass(frozen=True)
class Tip:
    """Where a repository stands."""

    commit: str
    private: bool


@dataclass(frozen=True)
class Remote:
    """A dataset repository and the right to use it. Requests that fail for want of time or network are repeated."""

    name: str  # user/name
    api: HfApi
    token: str | None = field(repr=False)
    waits: Sequence[float] = WAITS

    @property
    def url(self) -> str:
        """Where people see it."""
        return f"{self.api.endpoint}/datasets/{self.name}"

    def head(self, revision: str | None = None) -> Tip | None:
        """The newest commit, or that of ``revision``; None where there is no such repository."""
        try:
            info = self.ask("look it up", lambda: self.api.dataset_info(self.name, revision=revision))
        except _NotFound:
            return None
        return Tip(str(info.sha), bool(info.private))

    def create(self, private: bool) -> None:
        """Make the repository; nothing happens if it is there."""
        visibility = True if private else None  # None: as the account's settings have it
        self.ask(
            "create it",
            lambda: self.api.create_repo(self.name, repo_type="dataset", private=visibility, exist_ok=True),
        )

    def tree(self, revision: str) -> dict[str, Entry]:
        """All files at a commit."""

        def call() -> dict[str, Entry]:
            from huggingface_hub.hf_api import RepoFile  # noqa: PLC0415

            found: dict[str, Entry] = {}
            for item in self.api.list_repo_tree(self.name, repo_type="dataset", revision=revision, recursive=True):
                if isinstance(item, RepoFile):
                    found[item.path] = Entry(item.size, item.lfs.sha256 if item.lfs else None, item.blob_id)
            return found

        return self.ask("list its files", call)

    def download(self, path: str, revision: str, to: str) -> str:
        """Fetch one file below the folder ``to``; goes on where a cut connection stopped."""

        def call() -> str:
            from huggingface_hub import hf_hub_download  # noqa: PLC0415

            return hf_hub_download(
                self.name, path, repo_type="dataset", revision=revision, local_dir=to,
                endpoint=self.api.endpoint, token=self.token or False,
            )  # fmt: skip

        return self.ask(f"fetch {path}", call)

    def commit(
        self, operations: Sequence[CommitOperationAdd | CommitOperationDelete], parent: str, message: str
    ) -> str:
        """Send files and commit them on top of ``parent``; returns the new commit.

        Conflict if the tip is not ``parent`` any more; TooLarge if it should be tried with fewer files. An answer that
        got lost is no second commit: before anything is repeated, the history is looked at. ``message`` tells commits
        of one push apart.
        """
        tried = False

        def call() -> str:
            nonlocal tried
            if tried and (landed := self._landed(parent, message)):
                return landed
            tried = True
            try:
                info = self.api.create_commit(
                    self.name, list(operations), repo_type="dataset", commit_message=message, parent_commit=parent
                )
            except Exception:
                if landed := self._landed(parent, message):
                    return landed
                raise
            return str(info.oid)

        return self.ask("commit", call)

    def _landed(self, parent: str, message: str) -> str | None:
        """The commit on top of ``parent`` with this message, if that is the tip."""
        try:
            commits = self.api.list_repo_commits(self.name, repo_type="dataset")[:2]
        except Exception:
            return None  # whatever it is, what led here is reported
        ours = len(commits) == 2 and commits[0].title == message and commits[1].commit_id == parent
        return commits[0].commit_id if ours else None

    def ask(self, what: str, call: Callable[[], T]) -> T:
        """``call()``, repeated with growing pauses while the server is busy. Whatever fails becomes a HubError."""
        for wait in (*self.waits, None):
            try:
                return call()
            except Exception as error:
                ours = _translated(error, self, what)
                if not isinstance(ours, Busy) or wait is None:
                    raise ours from None
                time.sleep(wait)
        raise AssertionError


class _NotFound(HubError):
    """No such repository, revision or file, or no right to see it."""


def connect(name: str, endpoint: str | None = None, write: bool = False, waits: Sequence[float] = WAITS) -> Remote:
    """The repository ``user/name``, at ``endpoint``, ``HF_ENDPOINT`` or the public Hub, with the token of ``HF_TOKEN``
    or the login file. ConfigError without a token that may ``write``."""
    if not re.fullmatch(r"[\w.-]{1,96}/[\w.-]{1,96}", name, re.ASCII):
        raise ConfigError(f"{name!r} names no repository; expected user/name or organisation/name")
    try:
        from huggingface_hub import HfApi, get_token  # noqa: PLC0415
    except ImportError:
        raise ConfigError("huggingface_hub is not installed: pip install 'proofpile2[hub]'") from None
    token = get_token()
    if write and not token:
        raise ConfigError(
            "no token for the Hub: set HF_TOKEN, or log in with `hf auth login`; it needs the right to write "
            "(https://huggingface.co/settings/tokens)"
        )
    place = (endpoint or os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")
    remote = Remote(name, HfApi(endpoint=place, token=token or False, library_name="proofpile2"), token, waits)
    if write:
        me = remote.ask("find out whose token it is", lambda: remote.api.whoami(token=token))
        role = ((me.get("auth") or {}).get("accessToken") or {}).get("role")
        if role == "read":
            raise HubError(f"the token of {me.get('name')} may only read; make one that may write")
    return remote


def _translated(error: BaseException, remote: Remote, what: str) -> Error:
    """Our error for whatever the library, the network or the server came up with."""
    from huggingface_hub import errors as theirs  # noqa: PLC0415

    chain: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in chain:
        chain.append(cause)
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, Error):
        return error
    head = f"{remote.name}: could not {what}"
    for one in chain:
        if isinstance(one, theirs.HfHubHTTPError) and getattr(one, "response", None) is not None:
            said = one.server_message or ""
            return _of_status(one.response.status_code, _clean(said, remote), head, remote, one)
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return HubError(f"{head}: no space left on this machine")
    text = _clean(str(error), remote)
    if re.search(r"storage|quota|space", text, re.IGNORECASE) and isinstance(error, ValueError):
        return HubError(f"{head}: the account is out of space ({text})")
    kinds = {kind.__name__ for one in chain for kind in type(one).__mro__}
    if kinds & {"TransportError", "RequestError", "ConnectionError", "TimeoutError", "FileMetadataError"} or (
        isinstance(error, OSError) and "Consistency check failed" in text
    ):
        if "OfflineModeIsEnabled" in kinds:
            return HubError(f"{head}: HF_HUB_OFFLINE is set, so nothing is sent or fetched")
        return Busy(
            f"{head}: {remote.api.endpoint} can't be reached or cut the connection ({type(chain[-1]).__name__}); "
            "run the same command again and it goes on"
        )
    deepest = chain[-1]
    return HubError(f"{head}: {type(deepest).__name__}: {_clean(str(deepest), remote)}")


def _of_status(status: int, said: str, head: str, remote: Remote, error: BaseException) -> HubError:
    quoted = f" ({said})" if said else ""
    if status == 412 or (status == 409 and "exist" not in said):
        return Conflict(
            f"{remote.name}: somebody else changed the repository meanwhile{quoted}. Nothing of theirs was touched; "
            "look at it, then run the same command again: files that are there already are not sent twice"
        )
    if status == 409:
        return HubError(f"{head}: the name is taken{quoted}")
    if status == 413:
        return TooLarge(
            f"{head}: the server does not take that much in one request{quoted}; use a smaller --shard-bytes"
        )
    if status in (402, 507) or (status == 403 and re.search(r"storage|quota|space", said, re.IGNORECASE)):
        return HubError(
            f"{head}: the account is out of space{quoted}; free some or ask the Hub for more, then run again"
        )
    missing = type(error).__name__ in {"RepositoryNotFoundError", "RevisionNotFoundError", "RemoteEntryNotFoundError"}
    if status == 404 or (missing and remote.token):
        return _NotFound(f"{head}: there is no such dataset, revision or file, or the token may not see it{quoted}")
    if status == 401:
        return HubError(
            f"{head}: the Hub does not accept the token{quoted}; set a valid HF_TOKEN or run `hf auth login`"
            if remote.token
            else f"{head}: there is no such dataset, or it needs a token: set HF_TOKEN or run `hf auth login`"
        )
    if status == 403:
        return HubError(f"{head}: the token has no right to do that{quoted}; it needs to write to {remote.name}")
    if status in BUSY:
        return Busy(f"{head}: the server is busy or failing (HTTP {status}){quoted}; run the same command again later")
    return HubError(f"{head}: HTTP {status}{quoted}")


def _clean(text: str, remote: Remote) -> str:
    """One line, without the token, signed addresses or pages of HTML."""
    if remote.token:
        text = text.replace(remote.token, "***")
    text = re.sub(r"https?://\S+", lambda found: found[0].partition("?")[0], text)
    return " ".join(text.split())[:300]
