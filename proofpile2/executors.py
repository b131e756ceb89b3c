"""Where tasks run. The results do not depend on it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
import traceback
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol

import pyarrow as pa

from proofpile2.errors import Error
from proofpile2.step import Beat, PartTask, Task, isolate

__all__ = ["Executor", "Failure", "LocalProcesses", "Serial", "call"]

MAX_DEATHS = 12
"""Workers a part may cost before it is given up."""


@dataclass(frozen=True)
class Failure:
    """A task that could not be done: why, for a person, and the traceback for a bug report."""

    key: str
    message: str
    detail: str = ""


class Executor(Protocol):
    """Runs tasks in any order and yields the key of each that is done, or its failure. Receipts are on disk by then."""

    def map(self, tasks: Sequence[Task | PartTask], beat: Beat) -> Iterator[str | Failure]: ...


def call(task: Task | PartTask, beat: Beat) -> str | Failure:
    """Run one task here; whatever it raises becomes a Failure."""
    try:
        if isinstance(task, PartTask):
            task(beat)
        else:
            task()
    except Error as error:
        return Failure(task.key, str(error))
    except Exception as error:
        return Failure(task.key, f"{task.key}: {type(error).__name__}: {error}", traceback.format_exc())
    return task.key


@dataclass(frozen=True)
class Serial:
    """All in this process, one after the other; for debugging and for tests."""

    def map(self, tasks: Sequence[Task | PartTask], beat: Beat) -> Iterator[str | Failure]:
        for task in tasks:
            yield call(task, beat)


@dataclass(frozen=True)
class LocalProcesses:
    """Worker processes on this machine.

    A worker that dies or gives no sign of life for ``timeout`` seconds is replaced, and its part tried again with the
    documents it was working on one by one, until the one at fault is alone: it is dropped as ``error:worker_died`` or
    ``error:timeout``.
    """

    workers: int = field(
        default_factory=lambda: len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    )
    timeout: float = 300.0

    def map(self, tasks: Sequence[Task | PartTask], beat: Beat) -> Iterator[str | Failure]:
        waiting, deaths = deque(tasks), Counter[str]()
        team: list[_Worker] = []
        try:
            while waiting or any(worker.task for worker in team):
                while waiting and len(team) < self.workers and all(worker.task for worker in team):
                    team.append(_Worker())
                for worker in team:
                    if waiting and not worker.task:
                        worker.give(waiting.popleft())
                busy = [worker for worker in team if worker.task]
                ready = wait([worker.pipe for worker in busy], timeout=1.0)
                for worker in busy:
                    done: str | Failure | None = None
                    if worker.pipe in ready:
                        try:
                            done = worker.listen(beat)
                        except (EOFError, OSError):
                            done = self._after_death(worker, "worker_died", deaths, waiting)
                            team.remove(worker)
                    elif worker.started and isinstance(worker.task, PartTask) and worker.silence() > self.timeout:
                        done = self._after_death(worker, "timeout", deaths, waiting)
                        team.remove(worker)
                    if done is not None:
                        yield done
        finally:
            for worker in team:
                worker.kill()

    def _after_death(
        self, worker: _Worker, reason: str, deaths: Counter[str], waiting: deque[Task | PartTask]
    ) -> Failure | None:
        worker.kill()
        task, (step, unit, ids) = worker.task, worker.doing
        assert task is not None
        deaths[task.key] += 1
        ended = f"gave no sign of life for {self.timeout:g} s" if reason == "timeout" else worker.ended()
        place = f" in step {step} of {unit}" if step else ""
        if isinstance(task, PartTask) and ids:
            if deaths[task.key] < MAX_DEATHS:
                waiting.appendleft(isolate(task, step, ids, f"error:{reason}"))
                return None
        elif deaths[task.key] < 2:
            waiting.appendleft(task)
            return None
        return Failure(task.key, f"{task.key}: a worker {ended}{place}, {deaths[task.key]} times; given up")


class _Worker:
    """A process and what is known of it."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()
        self.task: Task | PartTask | None = None
        self.doing: tuple[str, str, Sequence[str]] = ("", "", ())
        self.heard = time.monotonic()
        self.started = False  # importing may take longer than a time-out on a busy machine

    def silence(self) -> float:
        """Seconds since it was heard of."""
        return time.monotonic() - self.heard

    def give(self, task: Task | PartTask) -> None:
        self.task, self.doing, self.heard = task, ("", "", ()), time.monotonic()
        try:
            self.pipe.send(task)
        except OSError:
            pass  # it has died: listening finds that out

    def listen(self, beat: Beat) -> str | Failure | None:
        kind, value = self.pipe.recv()
        self.heard, self.started = time.monotonic(), True
        if kind == "beat":
            self.doing = value
            beat(*value)
            return None
        self.task = None
        result: str | Failure = value
        return result

    def ended(self) -> str:
        code = self.process.exitcode or 0
        if code == -signal.SIGKILL:
            return "was killed (out of memory?)"
        return f"died of signal {-code}" if code < 0 else f"ended with exit code {code}"

    def kill(self) -> None:
        if self.task is None:
            self.pipe.close()  # it ends by itself, between tasks
        else:
            self.process.join(0.2)
            self.process.kill()
        self.process.join(5)


def _work(pipe: Connection[Any, Any]) -> None:
    """Life of a worker: tasks in, beats and results out, until the other end is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    pa.set_cpu_count(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    while True:
        try:
            task = pipe.recv()  # which imports what the task needs
            pipe.send(("beat", ("", "", ())))
            pipe.send(("done", call(task, lambda *doing: pipe.send(("beat", doing)))))
        except (EOFError, OSError):
            return


def _end_with_parent() -> None:
    """A killed run leaves no workers behind, not even one that hangs."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
