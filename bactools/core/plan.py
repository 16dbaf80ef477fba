"""A job's task as one run on this host: what to mount where, which variables, which limits.

What a spec asks for and a single host cannot give is refused here, before anything is fetched or started:
a job runs as it says or not at all. Paths are the guest's and absolute. Values of ``env:NAME`` come from the
mapping that is passed in; they go into the Run and nowhere else.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any, NamedTuple

from bactools.core.errors import BacError, encodable
from bactools.core.linking import path_of
from bactools.core.ports import variables as published
from bactools.core.running import RESULT_FILES, Run

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bactools.core.jobspec import Input, ResultPath, Task
    from bactools.core.ports import Port
    from bactools.core.running import Ending, Mount

DEFAULT_OUTPUT = ("outputs", "/outputs")
FORWARD = "env:"
"""The start of a value that stands for a variable of this host."""

LOCAL_SOURCES = frozenset({"local", "localDirectory"})
SOURCES = ("inline", *sorted(LOCAL_SOURCES), "urlDownload")
"""Bacalhau's names of the sources that bac-exec fetches on every host."""

EQUIPPED_SOURCES = ("s3", "ipfs")
"""Those for which a host needs something: boto3, an endpoint."""

PUBLISHERS = ("local", "noop")
"""Bacalhau's names of the publishers that bac-exec has on every host."""

EQUIPPED_PUBLISHERS = EQUIPPED_SOURCES
"""Those for which a host needs the same."""

IPFS_GATEWAY = "BACTOOLS_IPFS_GATEWAY"
IPFS_API = "BACTOOLS_IPFS_API"
"""The variables of this host that name its IPFS endpoints: a trustless gateway, a Kubo node's RPC."""

WITH_AN_ORCHESTRATOR = {
    "s3managed": "the addresses to publish to are given out by a Bacalhau orchestrator, and there is none",
    "s3PreSigned": "its address is given out by a Bacalhau orchestrator, and there is none",
}
"""What no single host has, and why."""

PUBLISHED = frozenset({"completed", "failed"})
"""How a run ends whose results are published: by itself, well or badly, and not cut short."""

TAKEN = frozenset({*RESULT_FILES, ".exitCode", ".", "..", ""})
"""Names that an output's folder cannot have beside the other results."""

MAX_NAME = 255
"""Bytes of a folder's name (NAME_MAX of Linux's file systems)."""


class Equipment(NamedTuple):
    """What a host has that not every one has: a client for S3, an IPFS gateway, an IPFS node's RPC endpoint."""

    s3: bool = False
    gateway: bool = False
    api: bool = False

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources that bac-exec fetches on this host, by Bacalhau's names."""
        has = {"s3": self.s3, "ipfs": self.gateway or self.api}
        return (*SOURCES, *(name for name in EQUIPPED_SOURCES if has[name]))

    @property
    def publishers(self) -> tuple[str, ...]:
        """The publishers that bac-exec has on this host, by Bacalhau's names."""
        has = {"s3": self.s3, "ipfs": self.api}
        return (*PUBLISHERS, *(name for name in EQUIPPED_PUBLISHERS if has[name]))


class Folder(NamedTuple):
    """An output: the name of its folder in the results, and where the guest writes it."""

    name: str
    guest: str


class Execution(NamedTuple):
    """What a run is known by, for the variables that Bacalhau sets; one ``partition`` of ``partitions``."""

    job: str
    execution: str
    job_type: str
    partition: int = 0
    partitions: int = 1


def check(task: Task) -> None:
    """Refuse what bac-exec cannot do. Raises BacError ``unsupported`` or ``bad_spec``."""
    if task.network == "http":
        hint = "Use None, or Bridge if the job may reach every host."
        raise _unsupported("a network limited to domains, which is not enforced here", hint)
    if task.engine == "wasm" and task.network != "none":
        raise _unsupported("a network for WebAssembly", "Remove Network from the spec.")
    if task.engine == "wasm" and task.gpu:
        raise _unsupported("a GPU for WebAssembly", "Remove Resources.GPU from the spec.")
    if task.publisher:
        _check_known("publisher", task.publisher["Type"], (*PUBLISHERS, *EQUIPPED_PUBLISHERS))
    for item in task.inputs:
        guest_path(task, item.target)
        _check_known("input of type", item.source_type, (*SOURCES, *EQUIPPED_SOURCES))
    outputs(task)


def count(spec: Mapping[str, Any]) -> int:
    """How many executions a canonical specification asks for; daemons and ops jobs run once on each node.

    Raises BacError ``bad_spec`` for a count of 0, with which Bacalhau stops a job.
    """
    found: int = spec.get("Count", 1)
    if spec["Type"] in ("daemon", "ops"):
        return 1
    if found == 0:
        raise BacError("bad_spec", "the job's Count is 0: there is nothing to run", hint="Leave Count out to run it.")
    return found


def outputs(task: Task) -> tuple[Folder, ...]:
    """The job's declared outputs; one named ``outputs`` at ``/outputs`` when it declares none.

    Raises BacError ``bad_spec`` for a name that cannot be a folder beside ``stdout``.
    """
    if not task.outputs:
        return (Folder(*DEFAULT_OUTPUT),)
    return tuple(Folder(_folder_name(item), guest_path(task, item.path)) for item in task.outputs)


def guest_path(task: Task, path: str) -> str:
    """A path of the guest, absolute and without dots; WebAssembly's may be written without the first slash.

    Raises BacError ``bad_spec``.
    """
    if not path.startswith("/") and task.engine != "wasm":
        raise BacError("bad_spec", f"the job's path {path!r} is not absolute", hint=f"Write '/{path}'.")
    normal = posixpath.normpath("/" + path.lstrip("/"))
    if normal == "/":
        raise BacError("bad_spec", f"the job's path {path!r} would cover the whole file system")
    return normal


def mounted(task: Task) -> tuple[Input, ...]:
    """The inputs that the guest sees: all but the module that is run."""
    return tuple(item for item in task.inputs if not is_module(task, item))


def is_module(task: Task, item: Input) -> bool:
    """Whether an input is the module that the task runs, or one that it imports from."""
    return path_of(item.target) in map(path_of, module_names(task))


def module_input(task: Task, target: str) -> Input:
    """The input that a task's module comes from, by its target. Raises BacError ``bad_spec``."""
    for item in task.inputs:
        if path_of(item.target) == path_of(target):
            return item
    raise BacError("bad_spec", f"the job runs the module {target}, which is none of its inputs")


def module_names(task: Task) -> tuple[str, ...]:
    """The targets of a task's modules: of the one that it runs, then of those that this imports from."""
    return (task.entry_module or "", *task.import_modules) if task.engine == "wasm" else ()


def total_timeout(spec: Mapping[str, Any]) -> int | None:
    """The seconds that all of a run may take, fetching and pulling included; None: for ever."""
    if spec["Type"] in ("daemon", "service"):
        return None
    return spec["Tasks"][0].get("Timeouts", {}).get("TotalTimeout") or None


def cut_short(ending: Ending) -> bool:
    """Whether a run did not come to its own end, so that what it was writing may be half written."""
    return ending.status in ("timeout", "cancelled", "oom") or (ending.status == "failed" and ending.exit_code is None)


def run(
    task: Task, mounts: Iterable[Mount], variables: dict[str, str], timeout: float | None, ports: tuple[Port, ...] = ()
) -> Run:
    """The run of a task that ``check`` let pass, in its ``environment``; ``timeout`` in seconds goes over its own.

    ``ports`` are those that the task publishes, with their numbers. Raises BacError ``bad_spec`` for text that no
    program can be given, and for two mounts at one path; ``unsupported`` for ports that have no numbers.
    """
    if task.publishes_ports and not ports:
        raise _unsupported("published ports", "Remove Network.Ports from the spec.")
    found = Run(
        arguments=tuple(task.parameters),
        environment={**variables, **published(ports)},
        mounts=tuple(mounts),
        entrypoint=tuple(task.entrypoint),
        working_directory=task.working_directory,
        memory=task.memory,
        cpu=task.cpu,
        network=task.network,
        timeout=timeout or task.timeout or None,
        gpus=task.gpu,
        ports=ports,
    )
    _check_text(found)
    _check_places(found.mounts)
    return found


def environment(task: Task, execution: Execution, host: Mapping[str, str]) -> dict[str, str]:
    """The task's variables with their references resolved, and over them those that Bacalhau sets.

    Values of ``env:NAME`` come from ``host``. Raises BacError ``bad_spec`` for one that it does not have, and for
    text that no program can be given.
    """
    found = {
        **{name: _resolved(name, value, host) for name, value in task.environment.items()},
        "BACALHAU_JOB_ID": execution.job,
        "BACALHAU_EXECUTION_ID": execution.execution,
        "BACALHAU_JOB_TYPE": execution.job_type,
        "BACALHAU_PARTITION_INDEX": str(execution.partition),
        "BACALHAU_PARTITION_COUNT": str(execution.partitions),
    }
    for name, value in found.items():
        if not _is_text(name) or not _is_text(value):  # the value is not told, for it may be secret
            raise BacError("bad_spec", f"the job's variable {name!r} holds a NUL or is not Unicode")
    return found


def _resolved(name: str, value: str, host: Mapping[str, str]) -> str:
    if not value.startswith(FORWARD):
        return value
    source = value[len(FORWARD) :]
    if source not in host:
        hint = f"Set {source} for bac-exec, or give {name} a value in the spec."
        raise BacError(
            "bad_spec", f"the job's variable {name} takes the value of {source}, which is not set", hint=hint
        )
    return host[source]


def _check_text(wanted: Run) -> None:
    """Refuse what an engine would cut at its NUL, as WASI does, or could not be sent."""
    for mount in wanted.mounts:
        if not _is_text(mount.host):
            hint = "--results names another folder." if mount.output else "Name another file."
            message = f"cannot mount {encodable(mount.host)} for the job: a path that is not Unicode"
            raise BacError("unsupported", message, hint=hint)
    guests = [mount.guest for mount in wanted.mounts]
    if not all(map(_is_text, (*wanted.arguments, *wanted.entrypoint, *guests, wanted.working_directory or ""))):
        raise BacError("bad_spec", "an argument or path of the job holds a NUL or is not Unicode")


def _is_text(text: str) -> bool:
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False


def _check_places(mounts: tuple[Mount, ...]) -> None:
    seen: set[str] = set()
    for mount in mounts:
        if mount.guest in seen:
            hint = "An output that is not declared is at /outputs."
            raise BacError("bad_spec", f"the job mounts two things at {mount.guest}", hint=hint)
        seen.add(mount.guest)


def _folder_name(item: ResultPath) -> str:
    name = item.name
    if name in TAKEN or "/" in name or not _is_text(name) or len(name.encode()) > MAX_NAME:
        shown = name if len(name) <= MAX_NAME else f"{name[:MAX_NAME]}…"
        raise BacError("bad_spec", f"an output cannot be named {shown!r}", hint="Its name becomes a folder's.")
    return name


def _check_known(what: str, name: str, known: tuple[str, ...]) -> None:
    if name in WITH_AN_ORCHESTRATOR:
        hint = "Use another that this host has, such as s3."
        raise BacError("unsupported", f"the job asks for the {what} {name}: {WITH_AN_ORCHESTRATOR[name]}", hint=hint)
    if name not in known:
        raise _unsupported(f"the {what} {name}", f"Known are {', '.join(known)}.")


def _unsupported(what: str, hint: str) -> BacError:
    return BacError("unsupported", f"the job asks for {what}; bac-exec cannot give it that", hint=hint)
