"""Lake projects on this machine, run through our extractor: the goals before and after every tactic of each module."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from proofpile2 import inputs
from proofpile2.contamination import declarations
from proofpile2.errors import ConfigError
from proofpile2.proofs import lake
from proofpile2.proofs.documents import COLUMNS, REASONS, batches
from proofpile2.proofs.lean import Whence, read_records
from proofpile2.proofs.lean_run import EXTRACTOR, Extraction, extract
from proofpile2.proofs.steps import ProofDocument

__all__ = ["LeanProject"]

_BEAT = 20.0  # seconds
_ASK_SECONDS = 600  # elan may have to fetch the toolchain first
_MAX_ROOTS = 32


@dataclass(frozen=True)
class _Project:
    root: Path
    revision: str | None
    version: str
    lakefile: lake.Lakefile
    unknown: str = ""  # why its options are not known
    setup: str = ""  # digest of what else decides how its modules are elaborated


@dataclass(frozen=True)
class LeanProject:
    """Every Lean file of the Lake projects in ``input``, or right below it, is a unit and a document.

    **This runs the code of the files**, as ``lake build`` would; and the project must be built before, since a module
    needs the compiled modules that it imports. One process a module, which is ended with all it started when it takes
    too long or too much memory, or when the worker is gone.

    ``program``      with which Lean is run in the project's folder; ``lean`` alone where ``LEAN_PATH`` says all
    ``modules``      names of modules; only they and those below them: ``Mathlib.Data``; none: all
    ``options``      of Lean, such as ``autoImplicit=false``, over those that the lakefile sets
    ``seconds``      for a module; ``memory`` in MB for a module, see :func:`proofpile2.proofs.lean_run.group_memory`
    ``keep_flawed``  keep modules in which Lean reported errors
    ``extractor``    a Lean file to take instead of ours, of the same format, for a Lean that ours does not fit
    """

    name: ClassVar[str] = "lean"
    version: ClassVar[int] = 1
    adds: ClassVar[Mapping[str, pa.DataType]] = COLUMNS
    reasons: ClassVar[tuple[str, ...]] = REASONS

    input: tuple[str, ...]
    program: str = "lake env lean"
    modules: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    seconds: float = 600.0
    memory: int = 8192
    keep_flawed: bool = False
    extractor: str = ""

    @cached_property
    def _command(self) -> tuple[str, ...]:
        words = shlex.split(self.program)
        found = shutil.which(words[0]) if words else None
        if not found:
            raise ConfigError(
                f"lean: no program {words[0] if words else ''!r}; install Lean 4 (elan brings lake and lean), or say"
                ' where lake is with the setting program, such as "/opt/lean/bin/lake env lean"'
            )
        return (os.path.abspath(found), *words[1:])

    @property
    def _lake(self) -> str | None:
        return self._command[0] if self._command[1:2] == ("env",) else None

    @cached_property
    def _extractor(self) -> Path:
        path = Path(self.extractor).resolve() if self.extractor else EXTRACTOR
        if not path.is_file():
            raise ConfigError(f"lean: no file {str(path)!r} (setting extractor)")
        return path

    @cached_property
    def _projects(self) -> Mapping[str, _Project]:
        roots = [root for text in self.input for root in self._roots(Path(text))]
        named = inputs.named_folders(roots, "lean")
        return {origin: self._project(root) for origin, root in named.items()}

    def _roots(self, root: Path) -> list[Path]:
        """A project, or those right below a folder that is none."""
        if not self._lake or not root.is_dir() or lake.lakefile_of(root):
            return [root]
        below = [one for one in sorted(root.iterdir()) if one.is_dir() and lake.lakefile_of(one)]
        if not below:
            raise ConfigError(f"lean: {str(root)!r} is no Lake project: it has no lakefile.toml or lakefile.lean")
        return below

    def _project(self, root: Path) -> _Project:
        version = self._version(root)
        self._check(root, version)
        path = lake.lakefile_of(root)
        lakefile, unknown = lake.Lakefile({}), ""
        digest = blake2b(digest_size=8)
        for name in ("lean-toolchain", "lake-manifest.json"):
            if (root / name).is_file():
                digest.update((root / name).read_bytes())
        if path is not None and path.suffix == ".toml":
            lakefile = lake.read_toml(path.read_text(encoding="utf-8", errors="replace"))
        elif path is not None:
            lakefile, unknown = self._told_by_lake(root, path)
        digest.update(repr(lakefile).encode())
        return _Project(root, lake.revision(root), version, lakefile, unknown, digest.hexdigest())

    def _ask(self, root: Path, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(  # noqa: S603
                words, cwd=root, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                timeout=_ASK_SECONDS, check=False,
            )  # fmt: skip
        except (OSError, subprocess.SubprocessError) as error:
            raise ConfigError(f"lean: {shlex.join(words)} does not run in {root}: {error}") from None

    def _version(self, root: Path) -> str:
        done = self._ask(root, [*self._command, "--version"])
        number = re.search(r"version (\d+\.\d+\.[^\s,)]+)", done.stdout)
        if done.returncode or not number:
            said = (done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}").splitlines()[0]
            raise ConfigError(f"lean: {self.program} --version does not work in {root}: {said[:300]}")
        return number[1]

    def _check(self, root: Path, version: str) -> None:
        """Said once, rather than of every module."""
        done = self._ask(root, [*self._command, str(self._extractor)])
        if done.returncode:
            name = self._extractor.name
            lines = (done.stdout + done.stderr).splitlines()
            said = next((line for line in lines if "error" in line), f"exit code {done.returncode}")
            said = said[said.find(name) :] if name in said else said
            raise ConfigError(
                f"lean: Lean {version} does not take the extractor: {said[:300]}; the setting extractor names another"
            )

    def _told_by_lake(self, root: Path, path: Path) -> tuple[lake.Lakefile, str]:
        """Options of a ``lakefile.lean``, which is a program: asked of Lake for one module of every library."""
        text = path.read_text(encoding="utf-8", errors="replace")
        folders = sorted({os.path.normpath(one) for one in _SOURCE_FOLDER.findall(text)} - {"."}, key=len, reverse=True)
        plain = lake.Lakefile({}, (), tuple(folders))
        first: dict[str, str] = {}
        for file in lake.modules(root):
            if self._wanted(name := plain.module(file)):
                first.setdefault(name.partition(".")[0], file)
        libraries, unknown = [], ""
        if not self._lake:
            return (
                plain,
                "the options of a lakefile.lean are not known without Lake; give them with the setting options",
            )
        for name, file in list(first.items())[:_MAX_ROOTS]:
            done = self._ask(root, [self._lake, "setup-file", str(root / file), "--no-build", "--no-cache"])
            options = _options_of(done.stdout)
            if options is None:
                said = (done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1][:200]
                unknown = (
                    unknown or f"Lake does not tell the options of {file} ({said}); give them with the setting options"
                )
            elif options:
                libraries.append(((name,), options))
        return lake.Lakefile({}, tuple(libraries), tuple(folders)), unknown

    def _wanted(self, module: str) -> bool:
        return not self.modules or any(module == one or module.startswith(one + ".") for one in self.modules)

    @cached_property
    def _files(self) -> Mapping[str, tuple[str, str, str]]:
        """Unit -> origin, path below its folder, module."""
        found = {}
        for origin, project in self._projects.items():
            for path in lake.modules(project.root):
                if self._wanted(module := project.lakefile.module(path)):
                    found[f"{origin}/{path}"] = (origin, path, module)
        return dict(sorted(found.items()))

    def uses(self) -> Mapping[str, str]:
        """The extractor; Lean and the setup of each project. ConfigError where Lean does not run."""
        mark = blake2b(self._extractor.read_bytes(), digest_size=8).hexdigest()
        told = {f"{origin}: lean": project.version for origin, project in self._projects.items()}
        setups = {f"{origin}: setup": project.setup for origin, project in self._projects.items()}
        return {"extractor": mark} | told | setups

    def units(self) -> Mapping[str, str]:
        """Modules with a digest of them and of those they import. ConfigError without modules, or without Lean."""
        for text in self.options:
            lake.option(text)
        if not self._files:
            below = f" below {', '.join(self.modules)}" if self.modules else ""
            raise ConfigError(f"lean: no module{below} in {', '.join(self.input)}")
        digests: dict[tuple[str, str], str] = {}
        for origin, project in self._projects.items():
            texts = {
                project.lakefile.module(path): (project.root / path).read_bytes() for path in lake.modules(project.root)
            }
            digests |= {(origin, module): digest for module, digest in lake.digests(texts).items()}
        return {unit: digests[origin, module] for unit, (origin, _, module) in self._files.items()}

    def read(self, unit: str, note: Callable[[str], None]) -> Iterator[pa.RecordBatch]:
        """The document of one module; where Lean gave nothing, one that is dropped as ``prover_failed:<cause>``.

        A batch without rows is a sign of life.
        """
        origin, path, module = self._files[unit]
        project = self._projects[origin]
        whence = Whence(origin, path, module, project.version, project.revision)
        nothing = ProofDocument("lean", origin, path, module, version=project.version, revision=project.revision)
        sign = next(batches([nothing])).slice(0, 0)
        options = project.lakefile.options_of(module) | dict(map(lake.option, self.options))
        outcome: Extraction | None = None
        beat = time.monotonic()
        for outcome in extract(
            self._command, project.root, path, [lake.command(*one) for one in options.items()],
            self.seconds, self.memory << 20, self._extractor,
        ):  # fmt: skip
            if outcome is None and time.monotonic() - beat > _BEAT:
                beat = time.monotonic()
                yield sign
        assert outcome is not None
        if outcome.cause:
            note(f"{outcome.cause}: {outcome.said}")
            yield from batches([_failed(nothing, outcome.cause)])
            return
        self._remark(project, options, outcome, note)
        source = (project.root / path).read_bytes().decode("utf-8", "replace")
        yield from batches(
            read_records(
                outcome.lines, whence, note, keep_errors=self.keep_flawed, source=source,
                declare=partial(declarations, language="lean"),
            )
        )  # fmt: skip

    def _remark(
        self, project: _Project, options: Mapping[str, lake.Option], outcome: Extraction, note: Callable[[str], None]
    ) -> None:
        weak = {lake.command(*one) for one in options.items() if one[0].startswith("weak.")}
        for said in outcome.refused:
            if not any(said.startswith(f"{one}:") for one in weak):
                note(f"an option was refused: {said[:300]}")
        if outcome.errors:
            note(f"{outcome.errors} errors, the first: {outcome.said[:500]}")
            if project.unknown:
                note(project.unknown)
            if project.lakefile.left_out:
                note(f"arguments of the lakefile that were not passed on: {' '.join(project.lakefile.left_out)[:300]}")


_SOURCE_FOLDER = re.compile(r'\bsrcDir\s*:=\s*"([^"]+)"')


def _options_of(printed: str) -> dict[str, lake.Option] | None:
    """Options in what ``lake setup-file`` prints, one JSON object: ``options``, or ``setupOptions`` in older ones."""
    for line in reversed(printed.splitlines()):
        try:
            told: Any = json.loads(line)
        except ValueError:
            continue
        if isinstance(told, dict):
            found = told.get("options", told.get("setupOptions", {}))
            if isinstance(found, dict):
                return {str(name): value for name, value in found.items() if isinstance(value, str | bool | int)}
    return None


def _failed(document: ProofDocument, cause: str) -> ProofDocument:
    return ProofDocument(
        document.prover, document.origin, document.path, document.module,
        version=document.version, revision=document.revision, drop=f"prover_failed:{cause}",
    )  # fmt: skip
