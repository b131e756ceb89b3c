"""One ``coqtop -emacs``: a sentence in, what it printed and where it stands out.

Its prompt (``<prompt>name < 12 |theorem|outer| 3 < </prompt>``) tells the number of the state and the open proofs, so
that a sentence was accepted where the number grew, whatever the sentence printed. coqtop was taken and not
``coqidetop`` (XML) since it comes with every installation and prints states as people see them.
"""

from __future__ import annotations

import os
import re
import selectors
import signal
import subprocess
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass

__all__ = ["Answer", "Coqtop", "Gone"]

_PROMPT = re.compile(r"<prompt>([^\n]*) < (\d+) \|([^\n]*)\| \d+ < </prompt>\Z")
_INNER_PROMPT = re.compile(r"^<prompt>[^\n]* < \d+ \|[^\n]*\| \d+ < </prompt>", re.M)
_ERROR = re.compile(
    r"^(?:Toplevel input, characters|Error\b|Anomaly\b|User interrupt|Timeout!|Out of memory|Stack overflow)", re.M
)
_MESSAGE = re.compile(r"^(?:Error|Anomaly)[^\n]*", re.M)
MAX_ANSWER = 256 << 20
_BEAT, _GRACE, _SETTLE = 10.0, 10.0, 0.3  # seconds


class Gone(Exception):
    """The process is no more; the text is a short, stable detail: ``timeout``, ``memory``, ``output``,
    ``out_of_step``, ``exit_1``, ``signal_9``."""


@dataclass(frozen=True)
class Answer:
    """What was printed before the prompt, the state's number, the names of the open proofs, innermost first."""

    body: str
    state: int
    proofs: tuple[str, ...]
    name: str = ""  # of the innermost; right where ``proofs`` has ``branch``, as 8.16 does for some
    late: bool = False

    def failed(self, before: int) -> bool:
        """Whether the sentence was refused; ``before`` is the number of the state it was sent in."""
        return self.late or (self.state <= before and _ERROR.search(self.body) is not None)

    @property
    def message(self) -> str:
        """The error on one line, at most 200 characters."""
        found = _MESSAGE.search(self.body)
        return " ".join(self.body[found.start() if found else 0 :].split())[:200]


class Coqtop:
    """A process of its own group, with a limit on its address space (``memory`` in MB, 0: none)."""

    def __init__(self, command: Sequence[str], folder: str, memory: int) -> None:
        limited = ["/bin/sh", "-c", 'ulimit -v "$0"; exec "$@"', str(memory << 10), *command] if memory else [*command]
        self._process = subprocess.Popen(  # noqa: S603
            limited, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=folder,
            start_new_session=True, bufsize=0,
        )  # fmt: skip
        assert self._process.stdin
        assert self._process.stdout
        self._in, self._out = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._in, False)
        os.set_blocking(self._out, False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._out, selectors.EVENT_READ)

    def close(self) -> None:
        """End the process and all it started."""
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()
        self._selector.close()
        for stream in (self._process.stdin, self._process.stdout):
            if stream:
                stream.close()

    def ask(self, sentence: str, seconds: float) -> Generator[None, None, Answer]:
        """Send a sentence (nothing: wait for the first prompt); yields while it waits, at least every ten seconds.

        After ``seconds`` coqtop is interrupted as by Ctrl-C; if it answers to that, the answer is ``late``. Gone where
        the process ended, did not heed the interrupt, or printed without end.
        """
        if sentence and self._read(bytearray()):  # two answers to one sentence: it was two
            raise Gone("out_of_step")
        pending = memoryview((sentence + "\n").encode("utf-8", "surrogateescape") if sentence else b"")
        deadline, late, got = time.monotonic() + seconds, False, bytearray()
        next_beat = time.monotonic() + _BEAT
        while True:
            pending = self._write(pending)
            # while there is something to write, look often: it is a long sentence, and the pipe drains fast
            self._selector.select(0.01 if pending else min(_BEAT, max(0.0, deadline - time.monotonic())))
            if self._read(got) and not pending and got.endswith(b"</prompt>"):
                answer = _answer(got, late)
                if answer and late:
                    return self._settled(got, answer)
                if answer and _INNER_PROMPT.search(answer.body):
                    raise Gone("out_of_step")
                if answer:
                    return answer
            now = time.monotonic()
            if len(got) > MAX_ANSWER:
                raise Gone("output")
            if now >= deadline:
                if late:
                    raise Gone("timeout")
                os.kill(self._process.pid, signal.SIGINT)
                deadline, late = now + _GRACE, True
            if now >= next_beat:
                next_beat = now + _BEAT
                yield

    def _settled(self, got: bytearray, answer: Answer) -> Answer:
        """An interrupt that comes late gives a second prompt: the last one counts."""
        time.sleep(_SETTLE)
        return (self._read(got) and _answer(got, True)) or answer

    def _write(self, pending: memoryview) -> memoryview:
        while pending:
            try:
                pending = pending[os.write(self._in, pending[:65536]) :]
            except BlockingIOError:
                break
            except BrokenPipeError:
                raise self._gone(b"") from None
        return pending

    def _read(self, got: bytearray) -> bool:
        before = len(got)
        while True:
            try:
                piece = os.read(self._out, 1 << 18)
            except BlockingIOError:
                return len(got) > before
            if not piece:
                raise self._gone(bytes(got[-4096:]))
            got += piece
            if len(got) > MAX_ANSWER:
                return True

    def _gone(self, last: bytes) -> Gone:
        code = self._process.wait()
        if b"ut of memory" in last or b"cannot allocate" in last.lower():
            return Gone("memory")
        if b"rror: can" in last or b"rror: Can" in last or b"Don't know" in last or b"Unknown option" in last:
            return Gone("start")
        return Gone(f"exit_{code}" if code >= 0 else f"signal_{-code}")


def _answer(got: bytearray, late: bool) -> Answer | None:
    text = got.decode("utf-8", "replace")
    # the prompt is the last line but for messages without a line break at their end
    found = _PROMPT.search(text, max(0, text.rfind("<prompt>")))
    if not found:
        return None
    proofs = tuple(name for name in found.group(3).split("|") if name)
    return Answer(text[: found.start()], int(found.group(2)), proofs, found.group(1), late)
