"""A partition as a task for another process, and what became of it: texts, which any cluster can carry.

    driver   task_text(work, partition, attempt) ──▶ worker   perform(text)
    driver   done_of(text)                       ◀── worker   what became of it, or why it could not be billed

What a partition fails of travels as data, so that it is told at the driver as it would be told here, at once: a cluster
that saw an exception would try the same again, some times, and tell of its own insides. What a cluster repeats are the
partitions of a worker that died.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from functools import cache
from typing import Final

import pyarrow as pa
from pydantic import TypeAdapter

from engine.bulk.partition_run import WrongBook
from engine.bulk.partitions import Done, Partition, Work
from engine.bulk.problems import FileProblem
from engine.runs.code import code_hash
from engine.runs.watched import bill_partition

THREADS: Final = 1  # of a worker, per library: the cluster counts a task as one core


class WorkerFailed(RuntimeError):
    """A worker met something that nobody foresaw; the text is what it said."""


@dataclass(frozen=True, slots=True)
class Task:
    """What a worker is asked for; `code` is the hash of the code that planned the run."""

    work: Work
    partition: Partition
    attempt: int
    code: str


@dataclass(frozen=True, slots=True)
class Problem:
    """A `FileProblem`, by its parts."""

    code: str
    file: str
    parameters: dict[str, str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a task; one of these is given."""

    done: Done | None = None
    problem: Problem | None = None
    system: tuple[int, str, str] | None = None  # errno, what it says, file
    memory: str | None = None
    book: str | None = None
    failure: str | None = None


def task_text(work: Work, partition: Partition, attempt: int) -> str:
    """Write a task."""
    return _tasks().dump_json(Task(work, partition, attempt, code_hash())).decode()


def perform(text: str) -> str:
    """Bill the partition of a task, in a worker, and write what became of it."""
    pa.set_cpu_count(THREADS)
    pa.set_io_thread_count(THREADS)
    return _outcomes().dump_json(_perform(_tasks().validate_json(text))).decode()


def done_of(text: str) -> Done:
    """Read what became of a task.

    Raises:
        FileProblem, WrongBook, OSError, MemoryError: as the worker met it.
        WorkerFailed: the worker met something else.
    """
    outcome = _outcomes().validate_json(text)
    if outcome.problem is not None:
        raise FileProblem(outcome.problem.code, outcome.problem.file, **outcome.problem.parameters)
    if outcome.book is not None:
        raise WrongBook(outcome.book)
    if outcome.system is not None:
        raise OSError(*outcome.system)
    if outcome.memory is not None:
        raise MemoryError(outcome.memory)
    if outcome.done is None:
        raise WorkerFailed(outcome.failure)
    return outcome.done


def _perform(task: Task) -> Outcome:
    try:
        if task.code != code_hash():
            raise FileProblem("engine-code", task.work.run, here=code_hash()[:12], there=task.code[:12])
        return Outcome(done=bill_partition(task.work, task.partition, task.attempt))
    except FileProblem as found:
        return Outcome(problem=Problem(found.code, found.file, found.parameters))
    except WrongBook as found:
        return Outcome(book=str(found))
    except MemoryError as found:
        return Outcome(memory=str(found))
    except OSError as found:
        if found.errno is None:
            return Outcome(failure=traceback.format_exc())
        return Outcome(system=(found.errno, found.strerror or "", str(found.filename or "")))
    except Exception:  # noqa: BLE001  # whatever it is, the driver is told, and no cluster tries it again
        return Outcome(failure=traceback.format_exc())


@cache
def _tasks() -> TypeAdapter[Task]:
    return TypeAdapter(Task)


@cache
def _outcomes() -> TypeAdapter[Outcome]:
    return TypeAdapter(Outcome)
