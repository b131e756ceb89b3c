"""One dataset repository of the Hub: who we are, what is there, commits; every failure in plain words."""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha1, sha256
from typing import TYPE_CHECKING, TypeVar

from proofpile2.errors import ConfigError
from proofpile2.publish.trouble import Busy, HubError, NotThere, translated

if TYPE_CHECKING:  # its import takes a while, and only these commands need it
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

__all__ = ["WAITS", "Entry", "Remote", "Tip", "connect", "entry_of"]

WAITS = (2.0, 5.0, 10.0, 30.0, 60.0, 120.0)
"""Seconds to wait before trying again, after the library's own few tries, where the server is busy or unreachable."""

FIRST_TRIES = 2
"""Pauses before giving up on a server that was never reached: an address may be wrong."""

LONGEST = 3600.0
"""Seconds for which a server may ask us to stay away; the Hub counts commits by the hour."""

T = TypeVar("T")

_LOG = logging.getLogger(__name__)


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
            info = self.ask("look it up", lambda: self.api.dataset_info(self.name, revision=revision), FIRST_TRIES)
        except NotThere:
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

    def ask(self, what: str, call: Callable[[], T], tries: int | None = None) -> T:
        """``call()``, repeated with growing pauses while the server is busy. Whatever fails becomes a HubError."""
        for wait in (*self.waits[:tries], None):
            try:
                return call()
            except Exception as error:
                ours = translated(error, what, self.name, self.api.endpoint, self.token)
                if not isinstance(ours, Busy):
                    raise ours from None
                if wait is None:
                    raise Busy(f"{ours}; run the same command again and it goes on") from None
                pause = max(wait, min(ours.after, LONGEST))
                _LOG.warning("%s; trying again in %.0f s", ours, pause)
                time.sleep(pause)
        raise AssertionError


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
        me = remote.ask("find out whose token it is", lambda: remote.api.whoami(token=token), FIRST_TRIES)
        role = ((me.get("auth") or {}).get("accessToken") or {}).get("role")
        if role == "read":
            raise HubError(f"the token of {me.get('name')} may only read; make one that may write")
    return remote
