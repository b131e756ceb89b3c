"""Repositories of GitHub as they were at a day: found, fetched once into a folder, read from there.

The folder (``--out`` of ``proofpile2 github``) holds all that is needed to go on after a stop::

    github.json                        what was asked for
    search/lean/2019-01-01..2019-12-31.json    repositories of a language made in these days
    repositories/OWNER/NAME.json       status of one: done, none_before, missing, refused, empty, too_large, failed
    files/OWNER/NAME.parquet           its files of the languages, decoded

An archive is read while it comes over the network; nothing of it touches the disk but the files wanted, as rows.
"""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, cast

import pyarrow as pa
import pyarrow.compute as pc

from proofpile2 import shards
from proofpile2.errors import ConfigError, InputError
from proofpile2.schema import DOCUMENT
from proofpile2.sources.archives import Limits, members
from proofpile2.sources.code_files import REASONS, CodeFile, batches, chosen, language_of
from proofpile2.sources.github_http import Client, Gone
from proofpile2.step import DROP

__all__ = ["CUTOFF", "STATE", "Github", "Repository", "Wanted", "fetch", "found", "search", "statuses"]

CUTOFF = "2023-04-01"
"""The day to which Proof-Pile-2 goes (math-lm, ``process_github.py``); that day itself is not part of it."""

STATE = "github.json"

_AGAIN = 4  # times that an incomplete answer is asked for again
_AT_MOST = 1_000  # results that the search gives of one question
_NAMES: Mapping[str, tuple[str, ...]] = {
    "agda": ("Agda",), "c": ("C",), "coq": ("Coq", "Rocq Prover"), "cpp": ("C++",),
    "fortran": ("Fortran", "Fortran Free Form"),
    "gap": ("GAP",), "haskell": ("Haskell",), "idris": ("Idris",), "isabelle": ("Isabelle",), "julia": ("Julia",),
    "jupyter": ("Jupyter Notebook",), "lean": ("Lean", "Lean 4"), "maple": ("Maple",), "matlab": ("MATLAB",),
    "python": ("Python",), "r": ("R",), "tex": ("TeX",),
}  # fmt: skip
_FULL_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})/[A-Za-z0-9._-]{1,100}")
_SCHEMA = DOCUMENT.append(pa.field(DROP, pa.string()))


@dataclass(frozen=True)
class Wanted:
    """What is looked for: languages, days of making, and how repositories are read.

    ``cutoff``  the last commit before the beginning of this day (UTC) is taken
    ``stars``   at least so many
    ``most``    repositories of a language, those with most stars first; 0 takes all
    ``repositories``  ``owner/name`` each: no search
    """

    langs: tuple[str, ...] = ()
    since: str = "2008-01-01"
    cutoff: str = CUTOFF
    stars: int = 0
    most: int = 0
    max_archive_bytes: int = 1_000_000_000
    max_bytes: int = 20_000_000_000
    repositories: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("since", "cutoff"):
            try:
                date.fromisoformat(getattr(self, name))
            except ValueError:
                raise ConfigError(f"{name}: expected a day such as {CUTOFF}, found {getattr(self, name)!r}") from None
        if self.since >= self.cutoff:
            raise ConfigError(f"since ({self.since}) must be before cutoff ({self.cutoff})")
        for name in self.repositories:
            if not _is_name(name):
                raise ConfigError(f"expected owner/name, found {name!r}")


@dataclass(frozen=True)
class Repository:
    """What the search says of one."""

    name: str
    stars: int = 0
    license: str | None = None
    branch: str = ""


@dataclass(frozen=True)
class Status:
    """What became of one repository; ``reason`` in words where it is not ``done``."""

    repository: str
    status: str
    reason: str = ""
    revision: str = ""
    created: str = ""
    license: str | None = None
    files: int = 0
    bytes: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Window:
    """Days on which repositories were made, both included, and stars."""

    first: date
    last: date
    least: int
    most: int | None = None

    def __str__(self) -> str:
        stars = (
            f",{self.least}..{'' if self.most is None else self.most}" if self.least or self.most is not None else ""
        )
        return f"{self.first}..{self.last}{stars}"

    def halves(self) -> tuple[_Window, _Window] | None:
        """By weeks, then by days, then by stars; None where nothing is left to part."""
        days = (self.last - self.first).days + 1
        if days > 1:
            half = days // 2 if days < 14 else days // 14 * 7
            middle = self.first + timedelta(half - 1)
            return (
                _Window(self.first, middle, self.least, self.most),
                _Window(middle + timedelta(1), self.last, self.least, self.most),
            )
        if self.most is None:
            middle_stars = max(2 * self.least, 1)
        elif self.least < self.most:
            middle_stars = (self.least + self.most) // 2
        else:
            return None
        if middle_stars > 1 << 24:
            return None
        return (
            _Window(self.first, self.last, self.least, middle_stars),
            _Window(self.first, self.last, middle_stars + 1, self.most),
        )


def _silent(text: str) -> None:
    pass


def search(folder: str, wanted: Wanted, client: Client, say: Callable[[str], None] = _silent) -> int:
    """Find the repositories of every language, window by window; those that were answered before are not asked again.

    Returns how many there are. Raises InputError where the server keeps failing; calling again goes on.
    """
    top = Path(folder)
    asked = {"since": wanted.since, "cutoff": wanted.cutoff, "stars": wanted.stars, "base": client.base}
    place = top / STATE
    if place.exists():
        before = json.loads(place.read_text(encoding="utf-8"))
        if before != asked:
            raise ConfigError(f"{folder} was made with {before}, not {asked}; use another folder")
    else:
        shards.write_bytes(str(place), json.dumps(asked).encode())
    last = date.fromisoformat(wanted.cutoff) - timedelta(1)
    for language in () if wanted.repositories else sorted(chosen(wanted.langs)):
        for name in _NAMES[language]:
            window = _Window(date.fromisoformat(wanted.since), last, wanted.stars)
            _windows(top / "search" / language, name, window, client, say)
    return len(found(folder, wanted))


def _windows(folder: Path, language: str, window: _Window, client: Client, say: Callable[[str], None]) -> None:
    place = folder / f"{language.lower().replace(' ', '-')}-{window}.json"
    if place.exists():
        known = json.loads(place.read_text(encoding="utf-8"))
        if known.get("parted"):
            for half in window.halves() or ():
                _windows(folder, language, half, client, say)
        return
    stars = f"{window.least}..{'*' if window.most is None else window.most}"
    query = f'language:"{language}" created:{window.first}..{window.last} stars:{stars}'
    total, rows, page, again = 0, [], 1, 0
    while True:
        answer = client.json("/search/repositories", q=query, sort="stars", order="desc", per_page=100, page=page)
        total = int(answer.get("total_count", 0))
        if total > _AT_MOST and (halves := window.halves()):
            shards.write_bytes(str(place), json.dumps({"parted": True, "total": total}).encode())
            for half in halves:
                _windows(folder, language, half, client, say)
            return
        if answer.get("incomplete_results") and again < _AGAIN:  # the search ran out of time
            again += 1
            client.sleep(2.0**again)
            continue
        again = 0
        rows += [_repository(one) for one in answer.get("items", ())]
        if not answer.get("items") or len(rows) >= min(total, _AT_MOST):
            break
        page += 1
    missing = f" of {total}" if len(rows) < total else ""
    say(f"{language} {window}: {len(rows)}{missing} repositories")
    known = {"total": total, "repositories": [asdict(one) for one in rows if _is_name(one.name)]}
    shards.write_bytes(str(place), json.dumps(known).encode())


def _repository(one: Mapping[str, Any]) -> Repository:
    given = one.get("license") or {}
    name = given.get("spdx_id") if isinstance(given, dict) else None
    return Repository(
        str(one.get("full_name")), int(one.get("stargazers_count") or 0), None if name == "NOASSERTION" else name,
        str(one.get("default_branch") or ""),
    )  # fmt: skip


def _is_name(name: str) -> bool:
    return (
        _FULL_NAME.fullmatch(name) is not None
        and not name.rsplit("/", 1)[1].startswith("..")
        and not name.endswith("/.")
    )


def found(folder: str, wanted: Wanted) -> list[Repository]:
    """What the searches so far gave, by name; of each language the ``most`` with most stars."""
    if wanted.repositories:
        return [Repository(name) for name in sorted(set(wanted.repositories))]
    kept: dict[str, Repository] = {}
    for language in sorted(chosen(wanted.langs)):
        rows: dict[str, Repository] = {}
        for place in sorted((Path(folder) / "search" / language).glob("*.json")):
            for one in json.loads(place.read_text(encoding="utf-8")).get("repositories", ()):
                rows[one["name"]] = Repository(**one)
        ranked = sorted(rows.values(), key=lambda one: (-one.stars, one.name))
        kept |= {one.name: one for one in (ranked[: wanted.most] if wanted.most else ranked)}
    return [kept[name] for name in sorted(kept)]


def fetch(folder: str, wanted: Wanted, client: Client, say: Callable[[str], None] = _silent) -> dict[str, int]:
    """Fetch every repository that is not settled yet; returns how many have which status.

    What failed (``failed``: the connection broke again and again) is tried again by the next call; all else is settled.
    """
    counts: Counter[str] = Counter()
    langs = chosen(wanted.langs)
    for one in found(folder, wanted):
        place = Path(folder) / "repositories" / f"{one.name}.json"
        if place.exists() and (known := json.loads(place.read_text(encoding="utf-8")))["status"] != "failed":
            counts[known["status"]] += 1
            continue
        try:
            status = _fetch_one(Path(folder), one, wanted, langs, client)
        except Gone as error:
            kind = {404: "missing", 410: "missing", 451: "refused", 403: "refused", 409: "empty"}.get(
                error.status, "failed"
            )
            status = Status(one.name, kind, str(error))
        except InputError as error:
            status = Status(one.name, "failed", str(error))
        shards.write_bytes(str(place), (json.dumps(asdict(status), indent=1) + "\n").encode())
        say(f"{one.name}: {status.status}{' ' + status.reason if status.reason else f', {status.files} files'}")
        counts[status.status] += 1
    return dict(sorted(counts.items()))


def _fetch_one(folder: Path, one: Repository, wanted: Wanted, langs: frozenset[str], client: Client) -> Status:
    before = f"{date.fromisoformat(wanted.cutoff) - timedelta(1)}T23:59:59Z"
    commits = client.json(f"/repos/{one.name}/commits", until=before, per_page=1)
    if not commits:
        return Status(one.name, "none_before", f"no commit before {wanted.cutoff}", license=one.license)
    revision = str(commits[0]["sha"])
    if not re.fullmatch(r"[0-9a-f]{40,64}", revision):
        raise InputError(f"{one.name}: {revision!r} is no commit")
    created = str(((commits[0].get("commit") or {}).get("committer") or {}).get("date") or "")
    base = Status(one.name, "done", "", revision, created, one.license)
    return client.ask(  # type: ignore[no-any-return]
        f"/repos/{one.name}/tarball/{revision}", lambda answer: _stream(folder, base, wanted, langs, answer)
    )


def _stream(folder: Path, base: Status, wanted: Wanted, langs: frozenset[str], answer: Any) -> Status:
    """Rows of one archive; ConnectionError where it breaks off, so that it is asked for again."""
    length = int(answer.headers.get("Content-Length") or 0)
    if length > wanted.max_archive_bytes:
        return replace(base, status="too_large", reason=f"{length:,} bytes")
    taken = _AtMost(answer, wanted.max_archive_bytes)
    notes: list[str] = []
    files = bytes_ = 0

    def rows() -> Iterator[CodeFile]:
        nonlocal files, bytes_
        found_ = members(
            cast(BinaryIO, taken), base.repository, lambda path: language_of(path) in langs,
            Limits(bytes=wanted.max_bytes), notes.append,
            seekable=False,
        )  # fmt: skip
        for member in found_:
            path = member.path.split("/", 1)[-1]  # below name-revision/
            files += 1
            bytes_ += len(member.data or b"")
            yield CodeFile(
                base.repository, path, member.data, language_of(path) or "", base.revision,
                f"https://github.com/{base.repository}/blob/{base.revision}/{path}", base.license, base.created or None,
                None if member.data is not None else "too_large",
            )  # fmt: skip

    path = str(folder / "files" / f"{base.repository}.parquet")
    try:
        with shards.parquet_out(path, _SCHEMA) as out:
            for batch in batches("github", rows()):
                out.write(batch)
            if taken.over:
                raise _TooLarge
            if any(note.startswith("damaged") for note in notes):
                raise ConnectionError(notes[-1])
    except (_TooLarge, InputError):
        if not taken.over:
            raise
        return replace(base, status="too_large", reason=f"more than {wanted.max_archive_bytes:,} bytes")
    return replace(base, files=files, bytes=bytes_, notes=tuple(notes[:20]))


class _TooLarge(Exception):
    """The archive goes past its budget."""


class _AtMost(io.RawIOBase):
    """An answer read up to a limit, past which it ends."""

    def __init__(self, answer: Any, most: int) -> None:
        self._answer, self._left, self.over = answer, most, False

    def read(self, size: int = -1) -> bytes:
        data = bytes(self._answer.read(size))
        self._left -= len(data)
        self.over = self.over or self._left < 0
        return b"" if self.over else data


def statuses(folder: str) -> list[Status]:
    """What became of the repositories, by name."""
    top = Path(folder) / "repositories"
    return [Status(**json.loads(path.read_text(encoding="utf-8"))) for path in sorted(top.glob("*/*.json"))]


@dataclass(frozen=True)
class Github:
    """Files of the repositories in folders that ``proofpile2 github`` filled; a unit is a repository."""

    name: ClassVar[str] = "github"
    version: ClassVar[int] = 1
    adds: ClassVar[Mapping[str, pa.DataType]] = {}
    reasons: ClassVar[Sequence[str]] = REASONS

    input: tuple[str, ...]
    langs: tuple[str, ...] = ()

    @cached_property
    def _units(self) -> Mapping[str, tuple[str, str]]:
        units: dict[str, tuple[str, str]] = {}
        for folder in self.input:
            if not (Path(folder) / STATE).exists():
                raise ConfigError(f"github: no {STATE} in {folder!r}; fill it with: proofpile2 github --out {folder}")
            for one in statuses(folder):
                if one.status == "done":
                    path = str(Path(folder) / "files" / f"{one.repository}.parquet")
                    if units.setdefault(one.repository, (path, one.revision))[1] != one.revision:
                        raise ConfigError(f"github: two folders have {one.repository}, at different revisions")
        return dict(sorted(units.items()))

    def uses(self) -> Mapping[str, str]:
        return {}

    def units(self) -> Mapping[str, str]:
        """Repositories with their revisions. ConfigError where none was fetched."""
        if not self._units:
            raise ConfigError(f"github: no repository was fetched into {', '.join(self.input)}")
        return {name: revision for name, (_, revision) in self._units.items()}

    def read(self, unit: str, note: Callable[[str], None]) -> Iterator[pa.RecordBatch]:  # noqa: ARG002
        """Files of one repository, in the order of its archive."""
        wanted = pa.array(sorted(chosen(self.langs)), pa.string())
        with shards.open_parquet(self._units[unit][0]) as parquet:
            for batch in parquet.iter_batches(batch_size=128, use_threads=False):
                kept = batch.filter(pc.is_in(batch.column("subset"), value_set=wanted))
                if kept.num_rows:
                    yield kept
