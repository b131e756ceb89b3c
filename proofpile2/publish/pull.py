"""Bring a published set back, and verify it against the hashes and manifests that travelled with it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tqdm import tqdm

from proofpile2 import inspection, shards
from proofpile2.errors import ConfigError, InputError, NotWhole
from proofpile2.publish.layout import SUBSETS
from proofpile2.publish.push import CARD, SUMS, read_sums
from proofpile2.publish.remote import WAITS, Remote, connect, entry_of
from proofpile2.publish.trouble import HubError
from proofpile2.shards import join

__all__ = ["Pulled", "pull"]

AT_ONCE = 4

_WORK = ".fetching"
"""Folder below ``out`` in which files are until their hash is checked."""


@dataclass(frozen=True)
class Pulled:
    """What a pull did."""

    name: str
    commit: str
    folders: tuple[str, ...]  # of the subsets on this machine, to give to proofpile2.open()
    fetched: tuple[str, ...]
    unchanged: int


def pull(
    name: str,
    out: str,
    subsets: Sequence[str] = (),
    revision: str | None = None,
    endpoint: str | None = None,
    waits: Sequence[float] = WAITS,
    quiet: bool = True,
) -> Pulled:
    """Fetch the dataset ``name`` (``user/name``) into the folder ``out``, or some of its subsets.

    Files that are there with the right hash are not fetched again, so the same call goes on after a cut. All is of one
    commit, even if somebody pushes meanwhile. Raises NotWhole if in the end anything is not as the manifests say.
    """
    if "://" in out:
        raise ConfigError(f"{out}: expected a folder on this machine")
    remote = connect(name, endpoint, waits=waits)
    found = remote.head(revision)
    if found is None:
        what = f"no such dataset or no revision {revision}" if revision else "no such dataset"
        raise HubError(f"{remote.url}: {what}, or the token may not see it")
    commit = found.commit
    there = remote.tree(commit)
    if SUMS not in there:
        raise InputError(
            f"{name} was not published with proofpile2 (it has no {SUMS}); `hf download` fetches it as it is"
        )
    _fetch(remote, SUMS, commit, out)
    sums = read_sums(shards.read_bytes(join(out, SUMS)).decode("utf-8", "replace"))
    known = sorted({path.partition("/")[0] for path in sums if "/" in path})
    wanted = {SUBSETS.get(one, one) for one in subsets} or set(known)
    if missing := sorted(wanted - set(known)):
        raise ConfigError(f"{name} has no {', '.join(missing)}; there are: {', '.join(known)}")
    if lost := sorted(path for path in sums if path.partition("/")[0] in wanted and path not in there):
        raise NotWhole(f"{name}: {len(lost)} files of {SUMS} are not in the repository, first {lost[0]}")
    paths = [path for path in sorted(sums) if path.partition("/")[0] in wanted]
    if CARD in there:
        _fetch(remote, CARD, commit, out)
    with (
        ThreadPoolExecutor(AT_ONCE) as pool,
        tqdm(total=len(paths), desc="fetch", unit="file", disable=quiet or None) as bar,
    ):
        try:
            fetched = []
            for path, is_new in zip(
                paths, pool.map(lambda path: _have(remote, path, commit, out, sums[path]), paths), strict=True
            ):
                if is_new:
                    fetched.append(path)
                bar.update()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    folders = tuple(join(out, subset) for subset in sorted(wanted))
    problems = [problem for folder in folders for problem in inspection.verify(folder)]
    if problems:
        raise NotWhole(f"{name}: fetched, but not whole:\n  " + "\n  ".join(problems[:20]))
    shards.remove(join(out, _WORK))
    return Pulled(name, commit, folders, tuple(fetched), len(paths) - len(fetched))


def _fetch(remote: Remote, path: str, commit: str, out: str, digest: str | None = None) -> bool:
    """Fetch a file; it comes to its place only with its hash. Returns whether it has."""
    work = join(out, _WORK)
    shards.remove(join(work, path))
    came = remote.download(path, commit, work)
    if digest is not None and entry_of(came).sha256 != digest:
        return False
    os.makedirs(os.path.dirname(join(out, path)), exist_ok=True)
    os.replace(came, join(out, path))
    return True


def _have(remote: Remote, path: str, commit: str, out: str, digest: str) -> bool:
    """See to it that the file is there with its hash; returns whether it had to be fetched."""
    local = join(out, path)
    if os.path.isfile(local) and entry_of(local).sha256 == digest:
        return False
    # A damaged transfer is worth a second try; a damaged repository is not worth a third.
    if not any(_fetch(remote, path, commit, out, digest) for _ in range(2)):
        raise NotWhole(f"{remote.name}: {path} came twice with another hash than {SUMS} says: it is damaged there")
    return True
