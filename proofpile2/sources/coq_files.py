"""Files of Coq and Rocq, run through ``coqtop``: the goals before and after every step of their proofs."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import ClassVar

import pyarrow as pa

from proofpile2 import inputs
from proofpile2.errors import ConfigError
from proofpile2.proofs.coq import Limits, prove
from proofpile2.proofs.coq_project import Folder, Project, installed, module_of, read_project
from proofpile2.proofs.documents import COLUMNS, REASONS, batches
from proofpile2.proofs.steps import ProofDocument

__all__ = ["CoqFiles"]

_PROJECT_FILES = ("_CoqProject", "_RocqProject")
_BEAT = 20.0  # seconds
_ASK_SECONDS = 60


@dataclass(frozen=True)
class CoqFiles:
    """Every ``.v`` file below the folders of ``input`` is a unit, and each theorem in it a document.

    **This runs the code of the files**, as compiling them would; the project must be built before (``make``), since a
    file needs the compiled files that it imports. The nearest ``_CoqProject`` at or above a file, up to the folder of
    ``input``, says where they lie; without one that folder is searched (``-R folder ""``). A folder of the installation
    itself (the standard library, installed packages) needs nothing.

    ``program``       coqtop or ``rocq repl``, with its place where it is not on the path
    ``arguments``     more options for it, such as ``-R . Name``, ``-noinit``
    ``seconds``       for one sentence; ``file_seconds`` for a file; ``memory`` in MB for each process, 0 for no limit
    ``max_state``     characters of a state, beyond which a step has the flaw ``huge_state``
    """

    name: ClassVar[str] = "coq"
    version: ClassVar[int] = 1
    adds: ClassVar[Mapping[str, pa.DataType]] = COLUMNS
    reasons: ClassVar[tuple[str, ...]] = REASONS

    input: tuple[str, ...]
    program: str = "coqtop"
    arguments: tuple[str, ...] = ()
    seconds: float = 60.0
    file_seconds: float = 3600.0
    memory: int = 8192
    max_state: int = 100_000

    @cached_property
    def _command(self) -> tuple[str, ...]:
        words = shlex.split(self.program)
        found = shutil.which(words[0]) if words else None
        if not found:
            raise ConfigError(
                f"coq: no program {self.program!r}; install Coq or Rocq (Debian: apt install coq), or say where coqtop"
                " is with the setting program"
            )
        return (found, *words[1:])

    def _told(self, *options: str) -> str:
        """What the program answers to ``options``."""
        try:
            done = subprocess.run(  # noqa: S603
                [*self._command, *options], capture_output=True, text=True, timeout=_ASK_SECONDS, check=True
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise ConfigError(f"coq: {self.program} {' '.join(options)} does not run: {error}") from None
        return done.stdout.strip()

    @cached_property
    def _version(self) -> str:
        told = self._told("--version")
        number = re.search(r"(?:Coq|Rocq)\b.*?(\d+\.\d+(?:[.+]\w+)*)", told)
        if not number:
            raise ConfigError(f"coq: {self.program} --version says {told[:80]!r}, which is no version of Coq or Rocq")
        return number.group(1)

    @cached_property
    def _library(self) -> Path:
        return Path(self._told("-where")).resolve()

    @cached_property
    def _files(self) -> Mapping[str, tuple[Path, Path]]:
        """Unit -> folder of ``input``, file."""
        found: dict[str, tuple[Path, Path]] = {}
        for origin, root in inputs.named_folders(self.input, "coq").items():
            for path in _vernacular(root):
                found[f"{origin}/{path.relative_to(root).as_posix()}"] = (root, path)
        return dict(sorted(found.items()))

    def uses(self) -> Mapping[str, str]:
        """The version of Coq. ConfigError where it is not installed."""
        return {"coq": self._version}

    def units(self) -> Mapping[str, str]:
        """Files with a digest of them and of their ``_CoqProject``. ConfigError without files, or without Coq."""
        _ = self._version
        if not self._files:
            raise ConfigError(f"coq: no .v file below {', '.join(self.input)}")
        digests = {}
        for unit, (root, path) in self._files.items():
            digest = blake2b(path.read_bytes(), digest_size=8)
            if project := _project_file(root, path):
                digest.update(project.read_bytes())
            digests[unit] = digest.hexdigest()
        return digests

    def read(self, unit: str, note: Callable[[str], None]) -> Iterator[pa.RecordBatch]:
        """Documents of one file. What went wrong is noted and is the reason of the documents concerned."""
        root, path = self._files[unit]
        origin, _, below = unit.partition("/")
        commands, module = self._called(root, path)
        document = ProofDocument("coq", origin, below, module, version=self._version)
        nothing = next(batches([document])).slice(0, 0)
        text = path.read_bytes().decode("utf-8", "surrogateescape")
        limits = Limits(self.seconds, self.file_seconds, self.memory, self.max_state)
        documents: list[ProofDocument] = []
        notes: list[str] = []
        beat = time.monotonic()
        for command in commands:
            documents, notes = [], []
            for one in prove(text, document, command, limits, notes.append):
                if one:
                    documents.append(one)
                if time.monotonic() - beat > _BEAT:
                    beat = time.monotonic()
                    yield nothing
            if not documents or documents[-1].drop != "prover_failed:missing_import":
                break
        for line in notes:
            note(line)
        yield from batches(documents)

    def _called(self, root: Path, path: Path) -> tuple[tuple[tuple[str, ...], ...], str]:
        """The commands to try for a file until its imports are found, and the name of its module."""
        own = installed(self._library, self._version)
        if path.is_relative_to(self._library):
            project = own
        else:
            file = _project_file(root, path)
            project = Project((Folder("-R", root, ""),))
            if file:
                project = read_project(file.read_text("utf-8", "replace"), file.parent)
        module = module_of(path, [project])
        arguments = () if project is own else project.arguments()
        # the prelude is made of these files, so it can't be there when they are read
        bare = ("-noinit",) if module.startswith(("Coq.Init.", "Corelib.Init.")) else ()
        first = (*self._command, "-top", module, *bare, *arguments, *self.arguments)
        package = self._package(path)
        if not package:
            return (first,), module
        # built with -R, a package imports its own files by short names, which its installation does not give
        return (first, (*first, "-R", str(package), package.name)), module

    def _package(self, path: Path) -> Path | None:
        """Folder of the installed package that ``path`` belongs to."""
        packages = self._library / "user-contrib"
        return packages / path.relative_to(packages).parts[0] if path.is_relative_to(packages) else None


def _project_file(root: Path, path: Path) -> Path | None:
    for folder in path.parents:
        for name in _PROJECT_FILES:
            if (folder / name).is_file():
                return folder / name
        if folder == root:
            return None
    return None


def _vernacular(root: Path) -> Iterator[Path]:
    for place, below, names in os.walk(root, followlinks=False):
        below[:] = sorted(name for name in below if not name.startswith((".", "_build")))
        for name in sorted(names):
            path = Path(place) / name
            if name.endswith(".v") and path.is_file() and not path.is_symlink():
                yield path
