"""Send what a run made: verify, lay out, write the card, commit in bounded steps, check what arrived."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from proofpile2 import shards
from proofpile2.errors import ConfigError, NotWhole
from proofpile2.publish import card, layout
from proofpile2.publish.export import export
from proofpile2.publish.layout import SHARD_BYTES, Layout
from proofpile2.publish.remote import WAITS, Entry, Remote, connect, entry_of
from proofpile2.publish.send import is_last, send
from proofpile2.publish.trouble import HubError
from proofpile2.shards import join

__all__ = ["SUMS", "Pushed", "push", "read_sums"]

SUMS = "SHA256SUMS"
"""Hashes of all published files, in the form that ``sha256sum -c`` reads."""

CARD = "README.md"


@dataclass(frozen=True)
class Pushed:
    """What a push did. ``staging`` is where the files lie that were made for it, None once they are gone."""

    name: str
    url: str
    commit: str | None  # None where nothing was sent
    subsets: Mapping[str, str]  # subset -> its folder in the repository
    sent: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: int
    bytes_sent: int
    staging: str | None


def push(
    out: str,
    name: str,
    subsets: Sequence[str] = (),
    private: bool = False,
    dry_run: bool = False,
    text_meta: bool = False,
    staging: str | None = None,
    endpoint: str | None = None,
    shard_bytes: int = SHARD_BYTES,
    waits: Sequence[float] = WAITS,
    quiet: bool = True,
) -> Pushed:
    """Publish the finished runs under ``out`` as the dataset ``name`` (``user/name``).

    ``subsets`` picks some by the subset's or the pipeline's name; others that are in the repository stay as they are.
    ``dry_run`` makes all files in ``staging`` and sends nothing; it needs no token. ``text_meta`` gives the two columns
    of the published Proof-Pile-2. ``staging`` is a folder on this machine, by default ``<out>/hub``; the files for the
    repository are made there and removed once they have arrived.

    Readers see the old data until the last commit, then the new: the folder of a subset has the fingerprint of its
    content in its name, and the card names the folder. Raises NotWhole, ConfigError, Conflict, HubError.
    """
    found = layout.discover(str(out), subsets)
    tree = _staging(str(out), name, found, staging)
    remote = connect(name, endpoint, write=not dry_run, waits=waits)
    tip = None if dry_run else remote.head()
    if tip and private and not tip.private:
        raise ConfigError(f"{name} is public already; make it private in its settings, or push without --private")
    layout.check([run for runs in found.values() for run in runs])
    plans = {subset: layout.plan(subset, runs, text_meta, shard_bytes) for subset, runs in found.items()}
    there = remote.tree(tip.commit) if tip else {}
    sums = _remote_sums(remote, there, tip.commit, tree) if tip else {}
    todo = {subset: one for subset, one in plans.items() if not _arrived(one, there, sums)}
    kept = {path: digest for path, digest in sums.items() if path.partition("/")[0] in _subsets(there) - set(todo)}

    _tidy(tree, todo)
    with tqdm(total=sum(len(one.shards) for one in todo.values()), desc="lay out", disable=quiet or None) as bar:
        for one in todo.values():
            try:
                export(one, tree, lambda _: bar.update() and None)
            except OSError as error:
                raise HubError(f"{tree}: {error.strerror}; name a folder with more room with --staging") from None
    if tip:
        _fetch_manifests(remote, kept, tip.commit, tree)
    local = _local_files(tree, [*todo], quiet)
    _write_sums(tree, kept | {path: str(entry.sha256) for path, entry in local.items()})
    shards.write_bytes(join(tree, CARD), card.render(tree, name).encode())
    local |= {path: entry_of(join(tree, path)) for path in (CARD, SUMS)}

    sending = {path: entry for path, entry in local.items() if not (path in there and there[path].same(entry))}
    stale = _stale(there, plans)
    folders = {subset: join(subset, one.folder) for subset, one in plans.items()}
    size = sum(entry.bytes for entry in sending.values())
    unchanged = len(local) - len(sending) + len(kept)
    if dry_run:
        return Pushed(name, remote.url, None, folders, tuple(sending), tuple(stale), unchanged, size, tree)
    if tip is None:
        remote.create(private)
        tip = remote.head()
        if tip is None:
            raise HubError(f"{name}: the name is taken by something that is not a dataset; choose another")
    commit = send(remote, tip.commit, tree, sending, stale, quiet)
    _check_arrived(remote, commit, local, todo)
    shards.remove(tree)
    if not shards.listdir(home := os.path.dirname(tree)):
        shards.remove(home)
    return Pushed(name, remote.url, commit, folders, tuple(sending), tuple(stale), unchanged, size, None)


def read_sums(text: str) -> dict[str, str]:
    """Path -> SHA-256 of a file as ``sha256sum`` writes it. NotWhole where it is something else or a path leads out."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        digest, _, path = line.partition("  ")
        parts = path.split("/")
        safe = path.endswith((".parquet", ".json", ".txt")) and not any(
            part.startswith(".") or not part for part in parts
        )
        if len(digest) != 64 or not safe or "\\" in path or ":" in path:
            raise NotWhole(f"{SUMS}: not a list of hashes and relative paths: {line[:100]!r}")
        found[path] = digest
    return found


def _staging(out: str, name: str, found: Mapping[str, Sequence[layout.Run]], staging: str | None) -> str:
    """The folder for the files to send; all in it is ours."""
    if staging is None:
        if "://" in out:
            raise ConfigError(
                f"{out} is not on this machine: name a folder with --staging, in which the files are made"
            )
        is_pass = any(run.place == run.folders[-1] for runs in found.values() for run in runs)
        staging = join(str(Path(out).resolve().parent) if is_pass else out, "hub")
    elif "://" in staging:
        raise ConfigError(f"--staging {staging}: expected a folder on this machine")
    return join(staging, name.replace("/", "--"))


def _tidy(tree: str, todo: Mapping[str, Layout]) -> None:
    """Remove what an earlier push with other settings left in the staging folder."""
    for name in shards.listdir(tree):
        if name not in todo:
            shards.remove(join(tree, name))
    for subset, one in todo.items():
        for name in shards.listdir(join(tree, subset)):
            if name != one.folder:
                shards.remove(join(tree, subset, name))


def _fetch(remote: Remote, path: str, commit: str, tree: str) -> None:
    """Fetch one small file into the staging folder."""
    work = join(tree, ".fetched")
    os.makedirs(os.path.dirname(join(tree, path)), exist_ok=True)
    os.replace(remote.download(path, commit, work), join(tree, path))
    shards.remove(work)


def _fetch_manifests(remote: Remote, kept: Mapping[str, str], commit: str, tree: str) -> None:
    """What the card tells of subsets that stay as they are in the repository."""
    for path, digest in sorted(kept.items()):
        if not path.endswith(".parquet"):
            _fetch(remote, path, commit, tree)
            if entry_of(join(tree, path)).sha256 != digest:
                subset = path.partition("/")[0]
                raise NotWhole(
                    f"{remote.name}: {path} was changed in the repository since it was published; "
                    f"remove {subset}/latest.json there and push {subset} again"
                )


def _remote_sums(remote: Remote, there: Mapping[str, Entry], commit: str, tree: str) -> dict[str, str]:
    if SUMS not in there:
        return {}
    _fetch(remote, SUMS, commit, tree)
    return read_sums(shards.read_bytes(join(tree, SUMS)).decode("utf-8", "replace"))


def _arrived(one: Layout, there: Mapping[str, Entry], sums: Mapping[str, str]) -> bool:
    """Whether all files of the layout are in the repository, with the hashes that were written down there."""
    home = join(one.subset, one.folder)
    wanted = [join(home, f"{shard.key}{ending}") for shard in one.shards for ending in (".parquet", ".json")]
    wanted += [join(home, "manifest.json"), join(one.subset, "latest.json")]
    return all(path in there and path in sums and there[path].sha256 in (None, sums[path]) for path in wanted)


def _subsets(there: Mapping[str, Entry]) -> set[str]:
    return {path.partition("/")[0] for path in there if path.endswith("/latest.json") and path.count("/") == 1}


def _local_files(tree: str, subsets: Sequence[str], quiet: bool) -> dict[str, Entry]:
    """Files of the subsets: data with their receipts first, then what makes them the current ones."""
    paths = [
        path.relative_to(tree).as_posix()
        for subset in subsets
        for path in sorted(Path(tree, subset).rglob("*"))
        if path.is_file() and not path.name.endswith(".tmp")
    ]
    paths.sort(key=lambda path: (is_last(path), path))
    return {path: entry_of(join(tree, path)) for path in tqdm(paths, desc="hash", unit="file", disable=quiet or None)}


def _write_sums(tree: str, sums: Mapping[str, str]) -> None:
    text = "".join(f"{digest}  {path}\n" for path, digest in sorted(sums.items()))
    shards.write_bytes(join(tree, SUMS), text.encode())


def _stale(there: Mapping[str, Entry], plans: Mapping[str, Layout]) -> list[str]:
    """Folders of the subsets that are pushed with other content: older, or of a push that was given up."""
    folders = {"/".join(path.split("/")[:2]) for path in there if path.count("/") == 2}
    return sorted(
        folder
        for folder in folders
        for subset, one in plans.items()
        if folder.startswith(f"{subset}/published-") and folder != f"{subset}/{one.folder}"
    )


def _check_arrived(remote: Remote, commit: str, local: Mapping[str, Entry], todo: Mapping[str, Layout]) -> None:
    """NotWhole unless the repository holds just our files: each with our hash, none twice, none missing."""
    there = remote.tree(commit)
    wrong = [f"{path}: missing" for path in local if path not in there]
    wrong += [
        f"{path}: not what was sent" for path, one in local.items() if path in there and not there[path].same(one)
    ]
    ours = tuple(f"{subset}/published-" for subset in todo)
    wrong += [f"{path}: not ours" for path in there if ours and path.startswith(ours) and path not in local]
    if wrong:
        listed = "\n  ".join(wrong[:20])
        raise NotWhole(f"{remote.name}: what arrived is not what was sent; push again to mend it:\n  {listed}")
