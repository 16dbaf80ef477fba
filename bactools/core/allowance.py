"""What the owner of a host lets one job have: its share of the host, and which of the host's files.

A job that asks for more is refused by name; one that does not say how much gets the limit as its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bactools.core.errors import BacError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bactools.core.hostfile import Limits, LocalPath
    from bactools.core.jobspec import Task

INPUTS = 10 * 1024**3
"""Bytes that the inputs of a job may have together where nobody says how many."""

WASM_DEFAULT = 512 * 1000**2
"""Bytes of memory of a WebAssembly job that does not say how much: ``512Mb``, as Bacalhau's orchestrator sets it."""

WASM_MOST = 4 * 1024**3
"""Bytes that a module can address, and the most that Bacalhau lets a WebAssembly job have."""

HINT = "Ask for less, or have the limit raised in the host file."


def limited(task: Task, limits: Limits | None) -> Task:
    """The task with what it does not say about cores and memory set to the host's limits.

    The memory of WebAssembly has a limit on every host: Bacalhau's default where the job says none.

    Raises BacError ``not_allowed`` for one that asks for more, ``unsupported`` for what no module can address.
    """
    if task.engine == "wasm":
        task = _of_wasm(task, limits)
    if limits is None:
        return task
    if limits.cpu is not None and task.cpu is not None and task.cpu > limits.cpu:
        raise _too_much(f"{task.cpu:g} cores", f"{limits.cpu:g}")
    if limits.memory is not None and task.memory is not None and task.memory > limits.memory:
        raise _too_much(f"{task.memory} bytes of memory", str(limits.memory))
    if limits.gpus is not None and task.gpu > limits.gpus:
        raise _too_much(f"{task.gpu} GPUs", str(limits.gpus))
    return task._replace(
        cpu=limits.cpu if task.cpu is None else task.cpu,
        memory=limits.memory if task.memory is None else task.memory,
    )


def _of_wasm(task: Task, limits: Limits | None) -> Task:
    if task.memory is None:
        most = limits.memory if limits else None
        return task._replace(memory=WASM_DEFAULT if most is None else min(most, WASM_DEFAULT))
    if task.memory > WASM_MOST:
        message = f"the job asks for {task.memory} bytes of memory; WebAssembly may have {WASM_MOST}"
        raise BacError("unsupported", message, hint="Ask for less.")
    return task


def for_inputs(disk: int | None, limits: Limits | None) -> int:
    """The bytes that the inputs of a job may have together; ``disk`` is what it asks for.

    Raises BacError ``not_allowed`` for a job that asks for more than the host's limit.
    """
    most = limits.disk if limits else None
    if most is None:
        return max(INPUTS, disk or 0)
    if disk is not None and disk > most:
        raise _too_much(f"{disk} bytes of disk", str(most))
    return most


def check_path(path: str, real: str, allowed: Iterable[LocalPath], *, writable: bool) -> None:
    """Refuse a file of the host that jobs may not have, or not so: ``writable`` is what the job wants.

    ``path`` is how the job names it; ``real`` and the paths of ``allowed`` have every link and ``..`` resolved.
    Raises BacError ``not_allowed``.
    """
    covering = [each for each in allowed if _covers(each.path, real)]
    if not covering:
        shown = path if path == real else f"{path}, which is {real},"
        hint = "The host file lists what they may have under local_paths."
        raise BacError("not_allowed", f"the input {shown} is not one that jobs may have on this host", hint=hint)
    if writable and not any(each.writable for each in covering):
        hint = "Without ReadWrite it can be read."
        raise BacError("not_allowed", f"the input {path} may not be written by jobs on this host", hint=hint)


def _covers(allowed: str, path: str) -> bool:
    return path == allowed or path.startswith(allowed.rstrip("/") + "/")


def _too_much(wanted: str, limit: str) -> BacError:
    return BacError("not_allowed", f"the job asks for {wanted}; one job may have {limit} on this host", hint=HINT)
