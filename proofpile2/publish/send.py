"""Sends files in bounded commits: the data first, and in the last commit what makes them the current ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tqdm import tqdm

from proofpile2.publish.remote import Entry, Remote
from proofpile2.publish.trouble import TooLarge
from proofpile2.shards import join

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

__all__ = ["is_last", "send"]

COMMIT_FILES = 100
COMMIT_BYTES = 10_000_000_000
"""A commit holds no more files and bytes than this, so that little is to be done again after a cut."""


def is_last(path: str) -> bool:
    """Files of the last commit: what points to the data, as against the data."""
    return not (path.count("/") == 2 and path.split("/")[1].startswith("published-")) or path.endswith("/manifest.json")


def send(remote: Remote, head: str, tree: str, sending: Mapping[str, Entry], stale: Sequence[str], quiet: bool) -> str:
    """Commit the data in bounded steps, then in one what makes them current; returns the last commit."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete  # noqa: PLC0415

    queue = [*_batches([path for path in sending if not is_last(path)], sending)]
    last = [path for path in sending if is_last(path)]
    with _one_bar(), tqdm(total=len(sending), desc="send", unit="file", disable=quiet or None) as bar:
        while queue:
            batch = queue.pop(0)
            folder, _, first = batch[0].rpartition("/")
            additions = [CommitOperationAdd(path, join(tree, path)) for path in batch]
            try:
                head = remote.commit(additions, head, f"Add {len(batch)} files to {folder}, from {first}")
            except TooLarge:
                if len(batch) == 1:
                    raise
                queue[:0] = [batch[: len(batch) // 2], batch[len(batch) // 2 :]]
                continue
            bar.update(len(batch))
        operations: list[CommitOperationAdd | CommitOperationDelete]
        operations = [CommitOperationAdd(path, join(tree, path)) for path in last]
        operations += [CommitOperationDelete(f"{folder}/", is_folder=True) for folder in stale]
        if operations:
            names = sorted({path.partition("/")[0] for path in last if "/" in path}) or ["the card"]
            head = remote.commit(operations, head, f"Publish {', '.join(names)}")
        bar.update(len(last))
    return head


@contextmanager
def _one_bar() -> Iterator[None]:
    """Without the library's bars: ours counts the files of the whole push."""
    from huggingface_hub.utils.tqdm import (  # noqa: PLC0415
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    was_off = are_progress_bars_disabled()
    disable_progress_bars()
    try:
        yield
    finally:
        if not was_off:
            enable_progress_bars()


def _batches(paths: Sequence[str], entries: Mapping[str, Entry]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for path in paths:
        if batch and (len(batch) == COMMIT_FILES or size + entries[path].bytes > COMMIT_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(path)
        size += entries[path].bytes
    if batch:
        yield batch
