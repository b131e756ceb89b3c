"""What the folders of a path say: copies of other people's packages, test suites of compilers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = ["Folders", "path_judge", "path_of"]


@dataclass(frozen=True)
class Folders:
    """One ``[[folders]]`` table: neighbouring segments of a path, ``*`` for any characters of one segment."""

    reason: str
    paths: tuple[str, ...]
    why: str = ""
    languages: tuple[str, ...] = ()


def path_of(locator: str | None, origin: str | None) -> str:
    """The path in its repository or archive: what follows ``origin:`` or ``origin@revision:``, else the locator."""
    locator = locator or ""
    rest = locator[len(origin) :] if origin and locator.startswith(origin) else ""
    return rest.partition(":")[2] if rest[:1] in (":", "@") and ":" in rest else locator


def path_judge(tables: Sequence[Folders], language: str) -> Callable[[str], str | None]:
    """A function from a path to the reason of the first table that has one of its folders."""
    compiled = [
        (table.reason, re.compile(f"/(?:{'|'.join(map(_folder, table.paths))})/"))
        for table in tables
        if not table.languages or language in table.languages
    ]

    def judge(path: str) -> str | None:
        path = "/" + path.replace(":", "/").lower()
        for reason, pattern in compiled:
            if pattern.search(path):
                return reason
        return None

    return judge


def _folder(path: str) -> str:
    return "/".join("[^/]*".join(map(re.escape, part.lower().split("*"))) for part in path.strip("/").split("/"))
