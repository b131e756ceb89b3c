"""Sessions of Isabelle, built with our extractor in them."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from hashlib import blake2b
from pathlib import Path
from typing import ClassVar, TextIO

import pyarrow as pa

from proofpile2 import shards
from proofpile2.errors import ConfigError
from proofpile2.proofs import isabelle_run
from proofpile2.proofs.documents import COLUMNS, REASONS, batches
from proofpile2.proofs.isabelle import theorems
from proofpile2.proofs.isabelle_root import Session, find_sessions
from proofpile2.proofs.steps import ProofDocument

__all__ = ["IsabelleSessions"]


@dataclass(frozen=True)
class IsabelleSessions:
    """Theorems of sessions, one document each. A unit is a session.

    ``input``     folders with a ROOT or ROOTS file, as for ``isabelle build -d``
    ``sessions``  names; without any, all that the ROOT and ROOTS files of ``input`` name
    ``program``   ``isabelle``, or the path of ``bin/isabelle``
    ``seconds``   for one session, its parent included (which Isabelle builds once and keeps)
    ``options``   Isabelle's own, such as ``threads=4`` or ``ML_process_policy=nice``

    Isabelle is started, and with it the ML of the theories: name only sessions that you trust. A session that can't be
    built gives one document, dropped as ``prover_failed:<why>``: ``timeout``, ``memory``, ``parent`` (its parent can't
    be built), ``no_records``, ``exit_<status>``.
    """

    name: ClassVar[str] = "isabelle"
    version: ClassVar[int] = 1
    adds: ClassVar[Mapping[str, pa.DataType]] = COLUMNS
    reasons: ClassVar[tuple[str, ...]] = REASONS

    input: tuple[str, ...]
    sessions: tuple[str, ...] = ()
    program: str = "isabelle"
    seconds: float = 7200
    options: tuple[str, ...] = ()

    @cached_property
    def _release(self) -> str:
        return isabelle_run.version(self.program)

    @cached_property
    def _known(self) -> Mapping[str, Session]:
        return find_sessions(self.input)

    @cached_property
    def _chosen(self) -> Mapping[str, Session]:
        known = dict(self._known)
        if not self.sessions:
            return {name: one for name, one in sorted(known.items()) if one.theories}
        if any(name not in known for name in self.sessions):
            known = find_sessions((isabelle_run.getenv(self.program, "ISABELLE_HOME"), *self._components())) | known
        for name in self.sessions:
            if name not in known:
                where = ", ".join(self.input) or "Isabelle itself"
                raise ConfigError(f"isabelle: no session {name!r} in the ROOT files of {where}")
        return {name: known[name] for name in sorted(self.sessions)}

    def _components(self) -> tuple[str, ...]:
        return tuple(isabelle_run.getenv(self.program, "ISABELLE_COMPONENTS").split(":"))

    def uses(self) -> Mapping[str, str]:
        """Isabelle's release and the digest of our extractor."""
        return {"isabelle": self._release, "extractor": shards.facts(str(isabelle_run.EXTRACTOR)).digest}

    def units(self) -> Mapping[str, str]:
        """Sessions with a digest of the theories in their folders. ConfigError where Isabelle or a session is not
        there."""
        self.uses()  # says so where there is no Isabelle
        if not self._chosen:
            raise ConfigError(f"isabelle: no session with theories in the ROOT files of {', '.join(self.input)}")
        return {name: _digest(Path(one.folder)) for name, one in self._chosen.items()}

    def read(self, unit: str, note: Callable[[str], None]) -> Iterator[pa.RecordBatch]:
        """Theorems of one session, theory by theory; empty batches while Isabelle works."""
        session = self._chosen[unit]
        empty = next(batches([self._failed(unit, "no_records")])).slice(0, 0)
        with tempfile.TemporaryDirectory(prefix="proofpile2-isabelle-") as folder:
            ended = ""
            for ended in self._build(session, Path(folder), note):
                if not ended:
                    yield empty
            paths = sorted((Path(folder) / "records").glob("*.jsonl"))
            if ended == "done" and not paths:
                note("Isabelle built the session and wrote no records")
                ended = "no_records"
            if ended != "done":
                yield from batches([self._failed(unit, ended)])
                return
            yield from batches(self._documents(paths, session, note))

    def _build(self, session: Session, folder: Path, note: Callable[[str], None]) -> Iterator[str]:
        """As :func:`isabelle_run.running`, for the parent and then for our session on it."""
        name = isabelle_run.prepare(folder, session)
        log = folder / "log"
        places = [word for one in (*self.input, str(folder)) for word in ("-d", os.path.abspath(one))]
        options = [word for option in self.options for word in ("-o", option)]
        for target, flag in ((session.parent, "-b"), (name, "-c")):
            if not target:
                continue
            with (Path(tempfile.gettempdir()) / f"proofpile2-isabelle-{os.getuid()}.lock").open("w") as lock:
                if flag == "-b":  # two builds of one parent at once would write one heap
                    yield from _turn(lock)
                command = [self.program, "build", flag, *options, *places, target]
                ended = yield from self._beating(isabelle_run.running(command, log, self.seconds))
            if ended != "done":
                note(f"{target}: {ended}: {isabelle_run.outcome(log)}")
                yield "parent" if flag == "-b" and ended.startswith("exit") else ended
                return
        yield "done"

    def _beating(self, events: Iterator[str]) -> Generator[str, None, str]:
        ended = ""
        for ended in events:
            if not ended:
                yield ""
        return ended

    def _documents(self, paths: list[Path], session: Session, note: Callable[[str], None]) -> Iterator[ProofDocument]:
        for path in paths:
            found = isabelle_run.records(path, session)
            if found is None or not found.whole:
                note(f"{path.name}: not whole; left out")
                yield self._failed(session.name, "no_records", path.stem)
                continue
            yield from theorems(found.commands, found.theory, partial(_tell, note, path.stem))

    def _failed(self, session: str, why: str, theory: str = "") -> ProofDocument:
        path = f"{theory.rpartition('.')[2]}.thy" if theory else "ROOT"
        return ProofDocument(
            "isabelle", session, path, theory or session, version=self._release, drop=f"prover_failed:{why}"
        )


def _tell(note: Callable[[str], None], theory: str, text: str) -> None:
    note(f"{theory}: {text}")


def _digest(folder: Path) -> str:
    """Of the theories, ML files and ROOT below a session's folder."""
    digest = blake2b(digest_size=8)
    for path in sorted(folder.rglob("*")):
        if (path.suffix in {".thy", ".ML"} or path.name == "ROOT") and path.is_file():
            digest.update(f"{path.relative_to(folder)}\0{shards.facts(str(path)).digest}\n".encode())
    return digest.hexdigest()


def _turn(lock: TextIO) -> Iterator[str]:
    """Wait until no other process of ours holds ``lock``; it is free again once the file is closed."""
    import fcntl  # noqa: PLC0415  (not on Windows, where the rest of the package works)

    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            yield ""
            time.sleep(2)
