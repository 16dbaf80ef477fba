"""What an executor is asked to do, and how it ended: the same two values for containers and WebAssembly."""

from __future__ import annotations

from typing import Literal, NamedTuple

Ended = Literal["completed", "failed", "timeout", "cancelled", "oom", "refused"]

RESULT_FILES = ("stdout", "stderr", "exitCode")
"""The files in the folder of a run's results, beside its outputs."""


class Mount(NamedTuple):
    """A folder or file of this host at an absolute path of the guest."""

    host: str
    guest: str
    writable: bool


class Run(NamedTuple):
    """One run: arguments, environment and limits. Memory in bytes, CPU in cores, timeout in seconds.

    ``entrypoint`` replaces an image's entrypoint, or names the function of a module (one element).
    ``network`` is ``none``, ``bridge`` or ``host``.
    """

    arguments: tuple[str, ...]
    environment: dict[str, str]
    mounts: tuple[Mount, ...]
    entrypoint: tuple[str, ...] = ()
    working_directory: str | None = None
    memory: int | None = None
    cpu: float | None = None
    network: str = "none"
    timeout: float | None = None


class Ending(NamedTuple):
    """How a run ended; ``message`` says why when it did not complete.

    ``interruption`` is what is to be raised once the record is written: the KeyboardInterrupt or Terminated that
    cancelled the run, or the BacError that cut it short, such as a full disk or an engine that has gone.
    ``cpu_seconds`` and ``peak_memory`` (bytes) are None where they could not be told.
    """

    status: Ended
    exit_code: int | None
    message: str | None = None
    interruption: BaseException | None = None
    cpu_seconds: float | None = None
    peak_memory: int | None = None
