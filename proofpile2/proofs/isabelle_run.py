"""Runs Isabelle over a session with our extractor in it, and reads what that wrote.

The theories of a session are loaded once more, in a session of our own on the session's parent: its ROOT, a theory
that loads ``extract_goals.ML``, and the records lie in a folder of their own, and nothing of the user's is changed.
**Isabelle runs the ML of the theories it loads**, so only sessions that one trusts are to be named.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proofpile2 import json_lines
from proofpile2.errors import ConfigError, InputError
from proofpile2.proofs.isabelle import Command, Theory
from proofpile2.proofs.isabelle_root import Session

__all__ = ["EXTRACTOR", "Records", "getenv", "outcome", "prepare", "records", "running", "version"]

EXTRACTOR = Path(__file__).with_name("extract_goals.ML")
"""Our ML, run in the user's Isabelle."""

_THEORY = "Proofpile2_Goals"
_POLL = 0.1  # seconds between looks at a process; the first ones are shorter


def version(program: str) -> str:
    """``2024`` of ``Isabelle2024``. ConfigError where ``program`` can't be run."""
    found = re.search(r"Isabelle(\d{4}\S*)", _asked(program, "version"))
    return found[1].rstrip(":") if found else ""


def getenv(program: str, name: str) -> str:
    """A variable of Isabelle's settings; empty where it has none."""
    return _asked(program, "getenv", "-b", name).strip()


def _asked(program: str, *words: str) -> str:
    if shutil.which(program) is None:
        raise ConfigError(
            f"isabelle: no program {program!r}; install Isabelle (https://isabelle.in.tum.de) and name its "
            f"bin/isabelle with the setting 'program'"
        )
    try:
        done = subprocess.run(  # noqa: S603  (the program the user named)
            [program, *words], capture_output=True, text=True, errors="replace", timeout=120, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigError(f"isabelle: {program} {' '.join(words)} failed: {error}") from None
    if done.returncode:
        what = (done.stderr or done.stdout).strip().split("\n")[0]
        raise ConfigError(f"isabelle: {program} {' '.join(words)} failed: {what or f'exit {done.returncode}'}")
    return done.stdout


def prepare(folder: Path, session: Session) -> str:
    """Write our session for ``session`` into ``folder``; its name is returned.

    The options of the session and of its groups of theories stay, but for the time limit and documents; proofs are
    never skipped.
    """
    name = f"Proofpile2-Goals-{session.name}"
    options = [*session.options, "document = false", "browser_info = false", "timeout = 0", "skip_proofs = false"]
    lines = [
        f"session {_quoted(name)} = {_quoted(session.parent or 'Pure')} +",
        f"  options [{', '.join(options)}]",
        f"  sessions {_quoted(session.name)}",
        f"  theories {_THEORY}",
    ]
    for group, theories in session.theories:
        given = f" [{', '.join(group)}]" if group else ""
        lines.append(f"  theories{given} {' '.join(_quoted(theory) for theory in theories)}")
    (folder / "records").mkdir()
    (folder / "ROOT").write_text("\n".join(lines) + "\n", encoding="utf-8")
    shutil.copyfile(EXTRACTOR, folder / EXTRACTOR.name)
    where = f"{{folder = {_ml(str(folder / 'records'))}, sessions = [{_ml(session.name)}]}}"
    (folder / f"{_THEORY}.thy").write_text(
        f'theory {_THEORY}\n  imports Pure\nbegin\n\nML_file "{EXTRACTOR.name}"\n'
        f"ML \\<open>Build.add_hook (Extract_Goals.record {where})\\<close>\n\nend\n",
        encoding="utf-8",
    )
    return name


def _quoted(name: str) -> str:
    return f'"{name}"'


def _ml(text: str) -> str:
    """An ML string: all but plain characters by their number."""
    return '"' + "".join(c if c.isascii() and (c.isalnum() or c in "/._-+ ") else _code(c) for c in text) + '"'


def _code(character: str) -> str:
    return "".join(f"\\{byte:03d}" for byte in character.encode())


def running(command: Sequence[str], log: Path, seconds: float) -> Iterator[str]:
    """Run ``command``, its output into ``log``; yields ``''`` now and then and at last how it ended.

    ``done``, ``timeout``, ``memory`` (killed by signal 9), ``exit_<status>``. No process of it is left then.
    """
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(  # noqa: S603  (the program the user named)
                list(command), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )
        except OSError as error:
            output.write(f"*** {error}\n".encode())
            yield "exit_127"
            return
        limit, beat, pause = time.monotonic() + seconds, time.monotonic(), _POLL / 16
        try:
            while process.poll() is None:
                now = time.monotonic()
                if now > limit:
                    yield "timeout"
                    return
                if now - beat > 10:
                    beat = now
                    yield ""
                time.sleep(pause)
                pause = min(_POLL, 2 * pause)
        finally:
            _stop(process)
    status = process.returncode
    yield "done" if status == 0 else "memory" if status in {-9, 137} else f"exit_{status}"


def _stop(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
    process.wait()


def outcome(log: Path, limit: int = 300) -> str:
    """The first error in the output of ``isabelle build``, on one line; empty where it told of none."""
    text = log.read_text(encoding="utf-8", errors="replace")
    errors = [line[3:].strip() for line in text.splitlines() if line.startswith("***") and line[3:].strip()]
    return " ".join(errors[:3])[:limit]


@dataclass(frozen=True)
class Records:
    """What was recorded of one theory; ``whole`` is false where the end of the file is missing."""

    theory: Theory
    commands: tuple[Command, ...]
    whole: bool


def records(path: Path, session: Session) -> Records | None:
    """Read the file of one theory. None where it is not of our making."""
    try:
        lines = json_lines.read(str(path))
        first = next(lines, None)
        name = first.get("theory") if first else None
        if first is None or not isinstance(name, str):
            return None
        commands: list[Command] = []
        spans, whole = 0, False
        line, column = 1, 0
        for one in lines:
            source = one.get("source") if one else None
            if one is None or not isinstance(source, str):
                whole = one is not None and one.get("spans") == spans
                continue
            spans += 1
            if "command" in one:
                commands.append(_command(one, source, line, column))
            line, column = _moved(source, line, column)
    except InputError:
        return None
    return Records(_theory(name, first, session), tuple(commands), whole)


def _command(one: Mapping[str, Any], source: str, line: int, column: int) -> Command:
    state, level = one.get("state"), one.get("level")
    return Command(
        source, state.strip() if isinstance(state, str) else "", level if isinstance(level, int) else None,
        str(one.get("kind") or ""), line, column,
    )  # fmt: skip


def _moved(source: str, line: int, column: int) -> tuple[int, int]:
    breaks = source.count("\n")
    return (line + breaks, len(source) - source.rfind("\n") - 1) if breaks else (line, column + len(source))


def _theory(name: str, first: Mapping[str, Any], session: Session) -> Theory:
    file = first.get("file")
    path = f"{name.rpartition('.')[2]}.thy"
    if isinstance(file, str) and file:
        absolute = os.path.realpath(file.replace("\\", "/"))
        root = os.path.realpath(session.folder)
        if absolute.startswith(root + os.sep):
            path = os.path.relpath(absolute, root).replace(os.sep, "/")
    release = str(first.get("isabelle") or "").removeprefix("Isabelle")
    return Theory(session.name, path, name if "." in name else f"{session.name}.{name}", release)
