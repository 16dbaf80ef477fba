"""What an executor is asked to do, and how it ended: the same two values for containers and WebAssembly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from bactools.core.ports import Port

Ended = Literal["completed", "failed", "timeout", "cancelled", "oom", "refused"]

RESULT_FILES = ("stdout", "stderr", "exitCode")
"""The files in the folder of a run's results, beside its outputs."""


Stream = Literal["stdout", "stderr"]
"""What a job prints to."""


class Printing(NamedTuple):
    """What takes what a job prints, as ``edges.results.Recorder`` does.

    ``write`` keeps a piece. ``show`` has those who watch see what is kept, as far as they take it, and returns the
    descriptor of one who has not taken all yet: what comes before that has is soon not shown any more. Both may raise
    BacError, and BrokenPipeError when whoever reads our standard output has gone.
    """

    write: Callable[[Stream, bytes], object]
    show: Callable[[], int | None] = lambda: None


class Mount(NamedTuple):
    """A folder or file of this host at an absolute path of the guest.

    What a run writes into an ``output`` belongs to its caller afterwards, whoever the guest was.
    """

    host: str
    guest: str
    writable: bool
    output: bool = False


class Linked(NamedTuple):
    """A WebAssembly module: its path in the job, which is its name, a file of this host, the digest if one is known."""

    name: str
    host: str
    digest: str | None = None


class Deadline(NamedTuple):
    """When all of a run has to be over, pulling included: a reading of ``time.monotonic``, and its total in seconds."""

    at: float
    seconds: float


class Run(NamedTuple):
    """One run: arguments, environment and limits. Memory in bytes, CPU in cores, timeout in seconds.

    ``entrypoint`` replaces an image's entrypoint, or names the function of a module (one element).
    ``network`` is ``none``, ``bridge`` or ``host``. ``stop`` is a descriptor that becomes readable when the run shall
    be stopped. Of a container: ``pids`` is how many processes it may have (None: the usual number), ``gpus`` a count;
    ``capabilities`` (``NET_RAW``) come on top of the usual ones, and with ``privileges`` a program may gain some.
    ``modules`` are those that a WebAssembly module imports from, in the order in which the job names them.
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
    deadline: Deadline | None = None
    stop: int | None = None
    pids: int | None = None
    gpus: int = 0
    ports: tuple[Port, ...] = ()
    capabilities: tuple[str, ...] = ()
    privileges: bool = False
    modules: tuple[Linked, ...] = ()


class Ending(NamedTuple):
    """How a run ended; ``message`` says why when it did not complete.

    ``interruption`` is what is to be raised once the record is written: the KeyboardInterrupt or Terminated that
    cancelled the run, or the BacError that cut it short, such as a full disk or an engine that has gone.
    ``cpu_seconds`` and ``peak_memory`` (bytes) are None where they could not be told. ``warnings`` are sentences about
    what did not go as promised although the run is over.
    """

    status: Ended
    exit_code: int | None
    message: str | None = None
    interruption: BaseException | None = None
    cpu_seconds: float | None = None
    peak_memory: int | None = None
    warnings: tuple[str, ...] = ()
