"""Runs the extractor on one Lean file: in a process of its own, watched, and ended with all that it started.

Lean runs code of the file it elaborates (macros, ``#eval``, initialisers): only for projects that the user trusts.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

__all__ = ["EXTRACTOR", "Extraction", "extract", "group_memory"]

EXTRACTOR = Path(__file__).with_name("extract_goals.lean")
"""The Lean program; its first comment says what it prints."""

MAX_OUTPUT = 2 << 30
"""Bytes that a run may print before it is ended."""

_MAX_LINE = 64 << 20
_MAX_SAID = 64 << 10
_POLL = 0.5

_GUARD = """
ulimit -c 0
{ echo 1000 >/proc/self/oom_score_adj; } 2>/dev/null
exec 3<&0 </dev/null
"$@" 3<&- &
run=$!
{ read -r _ <&3; kill -KILL 0; } >/dev/null 2>&1 &
watch=$!
exec 3<&-
wait "$run"
code=$?
kill "$watch" 2>/dev/null
exit "$code"
"""
"""Ends its process group when its standard input ends, which is when whoever holds the other end dies, however it dies.

Where memory runs out, the kernel is to take Lean and not the worker.
"""


@dataclass(frozen=True)
class Extraction:
    """What a run gave.

    ``cause``    why there is nothing, empty where all is there: ``timeout``, ``memory``, ``output`` (it printed without
                 end), ``missing_import``, ``extractor_failed``, ``killed``, ``crashed``, ``truncated`` (it ended by
                 itself before its last line), ``exit_1`` and the like
    ``said``     for a person: what to do about the cause, or the first error of the file
    ``lines``    JSON, as the extractor prints it, from the first line to the last; none where there is a cause
    ``errors``   error messages of the file; ``refused``: commands that gave an error, with the message
    """

    cause: str = ""
    said: str = ""
    lines: tuple[str, ...] = ()
    errors: int = 0
    refused: tuple[str, ...] = ()


def extract(
    program: Sequence[str],
    folder: str | Path,
    path: str,
    commands: Sequence[str] = (),
    seconds: float = 600.0,
    memory: int = 8 << 30,
    extractor: Path = EXTRACTOR,
) -> Iterator[Extraction | None]:
    """Run ``program`` (such as ``lake env lean``) in ``folder`` on the file ``path`` below it.

    Yields None twice a second while Lean works, and at last an Extraction. When the iterator is closed, or
    this process dies, Lean and all in its process group end. ``memory`` is in bytes: what its processes hold for
    themselves (the compiled library, mapped from files and shared by all, is not counted); see :func:`group_memory`.
    """
    mark = f"goals-{secrets.token_hex(8)} "
    arguments = [*program, "--run", str(extractor), path, mark, *commands]
    with tempfile.TemporaryFile() as printed:
        process = subprocess.Popen(  # noqa: S603
            ["/bin/sh", "-c", _GUARD, "sh", *arguments],
            cwd=folder, stdin=subprocess.PIPE, stdout=printed, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        try:
            assert process.stderr is not None
            said = _Head(process.stderr)
            cause = ""
            end = time.monotonic() + seconds
            while not cause and not _ended(process):
                yield None
                if time.monotonic() > end:
                    cause = "timeout"
                elif group_memory(process.pid) > memory:
                    cause = "memory"
                elif os.fstat(printed.fileno()).st_size > MAX_OUTPUT:
                    cause = "output"
        finally:
            _end(process)
        errors = said.text()
        printed.seek(0)
        if cause:
            yield Extraction(cause, _LIMITS[cause].format(seconds=seconds, memory=memory / (1 << 30)))
        else:
            yield _outcome(printed, mark.encode(), process.returncode, errors, extractor.name, str(folder))


_LIMITS = {
    "timeout": "not done after {seconds:g} s (setting seconds)",
    "memory": "took more than {memory:.3g} GiB of memory (setting memory_gib)",
    "output": "printed without end",
}


def _ended(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(_POLL)
    except subprocess.TimeoutExpired:
        return False
    return True


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the whole group; it may be gone already."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # macOS says the latter of a group of zombies
        pass
    process.wait()
    assert process.stdin is not None
    process.stdin.close()


class _Head:
    """Keeps the first part of a stream and lets the rest go by, so that whoever writes never waits."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._kept = stream, bytearray()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with self._stream:
            while piece := os.read(self._stream.fileno(), 1 << 16):
                self._kept += piece[: _MAX_SAID - len(self._kept)]

    def text(self) -> str:
        """What was kept, once the writers are gone; a process outside the group may hold the stream open."""
        self._thread.join(5)
        return bytes(self._kept).decode("utf-8", "replace")


def group_memory(group: int) -> int:
    """Bytes of memory that the processes of a group hold.

    On Linux only what is their own: Lean maps the compiled library from files, which count as resident but are shared
    by all workers and given back when memory is short. Elsewhere ``ps`` tells only the resident set, mapped files and
    all, so the limit wants to be higher there.
    """
    if not sys.platform.startswith("linux"):
        listed = subprocess.run(["ps", "-A", "-o", "pgid=,rss="], capture_output=True, text=True, check=False)  # noqa: S607
        rows = [line.split() for line in listed.stdout.splitlines()]
        return sum(1024 * int(row[1]) for row in rows if row[:1] == [str(group)])
    total, page = 0, os.sysconf("SC_PAGE_SIZE")
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as stream:
                    state = stream.read().rpartition(b")")[2].split()  # the name before it may hold anything
                if int(state[2]) == group:
                    with open(f"/proc/{name}/statm", "rb") as stream:
                        _, resident, shared = map(int, stream.read().split()[:3])
                    total += (resident - shared) * page
            except (OSError, IndexError, ValueError):
                continue  # it ended just now
    return total


# --- What was printed ------------------------------------------------------------------------------------------------

_MISSING = re.compile(
    r"object file '[^']*' of module \S+ does not exist|unknown module prefix '[^']*'|unknown package '[^']*'"
    r"|incompatible header|failed to read file '[^']*\.olean'"
)


def _outcome(printed: IO[bytes], mark: bytes, code: int, said: str, extractor: str, folder: str) -> Extraction:
    lines: list[str] = []
    noise: list[str] = []
    while line := printed.readline(_MAX_LINE):
        at = line.find(mark)
        text = line[at + len(mark) if at >= 0 else 0 :].decode("utf-8", "replace").strip()
        if at >= 0:
            lines.append(text)
        elif len(noise) < 50:
            noise.append(text[:500])
    head, tail = (_object(lines[0]), _object(lines[-1])) if lines else ({}, {})
    if "format" in head and "done" in tail:
        return Extraction(
            said=next(iter(tail.get("messages", ())), ""),
            lines=tuple(lines),
            errors=int(tail.get("errors", 0)),
            refused=tuple(tail.get("refused", ())),
        )
    other = [line.strip().replace(folder + os.sep, "") for line in [*said.splitlines(), *noise]]
    return Extraction(*_cause("format" in head, code, other, extractor))


def _object(line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError:
        value = None
    return value if isinstance(value, dict) else {}


def _cause(started: bool, code: int, lines: Sequence[str], extractor: str) -> tuple[str, str]:
    """Why there is no whole output, and what to tell the user."""
    first = next((line for line in lines if "error" in line.lower() or "uncaught" in line), "")
    first = (first or next((line for line in lines if line), "") or f"exit code {code}")[:500]
    number = code - 128 if code > 128 else -code if code < 0 else 0
    if number == signal.SIGKILL:
        return "killed", "killed from outside, for want of memory perhaps: fewer workers at a time"
    if number:
        return "crashed", f"signal {number}: {first}"
    if code == 0:
        return "truncated", f"ended before its last line: {first}"
    if not started:
        if wrong := next((line for line in lines if extractor in line and "error" in line), ""):
            return "extractor_failed", f"this Lean does not take it: {wrong[wrong.find(extractor) :][:500]}"
        return f"exit_{code}", first
    if missing := next((line for line in lines if _MISSING.search(line)), ""):
        return "missing_import", f"run `lake build` first: {missing[:500]}"
    return f"exit_{code}", first
