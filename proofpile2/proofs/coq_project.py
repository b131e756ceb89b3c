"""Where the libraries of a Coq project lie, and what a file is called in them: ``_CoqProject`` and the like."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Folder", "Project", "installed", "module_of", "read_project"]


@dataclass(frozen=True)
class Folder:
    """``option`` (``-R`` or ``-Q``) maps the folder ``place`` to the logical name ``name``."""

    option: str
    place: Path
    name: str


@dataclass(frozen=True)
class Project:
    """Folders with logical names, and options that stay as they are."""

    folders: tuple[Folder, ...] = ()
    options: tuple[str, ...] = ()

    def arguments(self) -> tuple[str, ...]:
        """For the command line of coqtop."""
        mapped = (part for one in self.folders for part in (one.option, str(one.place), one.name))
        return (*mapped, *self.options)


def read_project(text: str, folder: Path) -> Project:
    """A ``_CoqProject``: ``-R``, ``-Q``, ``-I`` (made absolute by ``folder``) and ``-arg``; the rest is for make."""
    words = _words(text)
    folders: list[Folder] = []
    options: list[str] = []
    at = 0
    while at < len(words):
        word, rest = words[at], words[at + 1 :]
        at += 1
        if word in ("-R", "-Q") and len(rest) >= 2:
            place, name = rest[:2]
            if name == "-as" and len(rest) >= 3:  # -R folder -as name, as of old
                name = rest[2]
                at += 1
            folders.append(Folder(word, (folder / place).resolve(), "" if name in ('""', "Top") else name))
            at += 2
        elif word == "-I" and rest:
            options += ["-I", str((folder / rest[0]).resolve())]
            at += 1
        elif word == "-arg" and rest:
            options += _words(rest[0])
            at += 1
    return Project(tuple(folders), tuple(_without_warnings(options)))


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text, comments=True)
    except ValueError:  # a quote that is not closed
        return text.split()


def _without_warnings(options: Sequence[str]) -> list[str]:
    """``-w`` says what to warn about or what is an error; we ask for neither."""
    return [
        one for n, one in enumerate(options) if one != "-w" and not (n and options[n - 1] == "-w") and one != "-quiet"
    ]


def installed(library: Path, version: str) -> Project:
    """Folders of an installation, which coqtop knows by itself: for the names of the files alone."""
    core = "Coq" if int(re.match(r"\d*", version).group() or 0) < 9 else "Corelib"  # type: ignore[union-attr]
    return Project((Folder("-R", library / "theories", core), Folder("-R", library / "user-contrib", "")))


def module_of(path: Path, projects: Sequence[Project]) -> str:
    """Name of the library file ``path`` in the deepest folder that has it: ``Coq.Lists.ListSet``.

    Characters that no name may have become ``_``.
    """
    best: tuple[int, str] = (-1, "")
    for one in (folder for project in projects for folder in project.folders):
        if path.is_relative_to(one.place):
            inner = path.relative_to(one.place).with_suffix("").parts
            best = max(best, (len(one.place.parts), ".".join([*one.name.split("."), *inner]).strip(".")))
    return re.sub(r"[^\w'.]|(?<=\.)(?=\d)|^(?=\d)", "_", best[1] or path.stem)
