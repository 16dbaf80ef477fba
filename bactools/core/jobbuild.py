"""From the flags of ``bac-job docker`` and ``bac-job wasm`` to a job specification that is yet to be validated.

What a flag says in a short form is read here, with the flag's name in every message; whether the parts
fit together is decided where every specification is read (``bactools.core.jobspec``).
"""

from __future__ import annotations

import base64
import posixpath
import re
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from bactools.core import quantities, shortforms
from bactools.core.errors import BacError
from bactools.core.jobfields import platform_list
from bactools.core.jobrules import PLATFORMS_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# Upstream's limit of an inline file (pkg/storage/inline).
INLINE_LIMIT = 10 * 1024 * 1024
WASM_MAGIC = b"\0asm"
MODULES = "/modules/"
TARGETS = {"any": "batch", "all": "ops"}
# where a mistake is found in the specification -> what it is called on the command line
FLAG_NAMES = {
    "Name": "--name",
    "Namespace": "--namespace",
    "Priority": "--priority",
    "Count": "--count",
    "Constraints": "--constraints",
    "Labels": "--labels",
    "Tasks[0].Engine.Params.Image": "IMAGE",
    "Tasks[0].Engine.Params.Parameters": "ARG",
    "Tasks[0].Engine.Params.WorkingDirectory": "--workdir",
    "Tasks[0].Publisher": "--publisher",
    "Tasks[0].Env": "--env",
    "Tasks[0].InputSources": "input",
    "Tasks[0].ResultPaths": "--output",
    "Tasks[0].Network.Domains": "--domain",
    "Tasks[0].Timeouts": "--timeout",
}
_NAMED = re.compile(rf"(^|, as )({'|'.join(map(re.escape, FLAG_NAMES))})(?=[\[. :])(\.?)")


@dataclass(frozen=True)
class Flags:
    """What both forms of the command take, as written; ``timeout`` and ``queue_timeout`` in seconds."""

    name: str | None = None
    namespace: str | None = None
    priority: int | None = None
    count: int | None = None
    target: str = "any"
    labels: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    input: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    publisher: str | None = None
    cpu: str | None = None
    memory: str | None = None
    disk: str | None = None
    gpu: str | None = None
    network: str | None = None
    domain: tuple[str, ...] = ()
    timeout: int | None = None
    queue_timeout: int | None = None
    platform: tuple[str, ...] = ()


def docker_engine(
    image: str, arguments: Iterable[str], *, workdir: str | None, entrypoint: str | None
) -> dict[str, Any]:
    """The engine of a container; ``entrypoint`` is a list with commas, as upstream reads it."""
    params = {
        "Image": image,
        "Entrypoint": entrypoint.split(",") if entrypoint else None,
        "Parameters": list(arguments),
        "WorkingDirectory": workdir,
    }
    return {"Type": "docker", "Params": params}


def wasm_engine(
    module: dict[str, Any], imports: list[dict[str, Any]], arguments: Iterable[str], *, entry_point: str
) -> dict[str, Any]:
    """The engine of a WebAssembly module, given as inputs of the task. Raises BacError ``bad_spec``."""
    targets = [each["Target"] for each in (module, *imports)]
    taken = next((target for index, target in enumerate(targets) if target in targets[:index]), None)
    if taken is not None:
        raise BacError("bad_spec", f"--import-modules: two modules are at {taken}: give one its own MODULE:TARGET")
    params = {
        "EntryModule": module["Target"],
        "Entrypoint": entry_point,
        "Parameters": list(arguments),
        "ImportModules": targets[1:],
    }
    return {"Type": "wasm", "Params": params}


def job(engine: dict[str, Any], modules: list[dict[str, Any]], flags: Flags, cwd: Callable[[], str]) -> dict[str, Any]:
    """The specification of a job with one task; ``cwd`` is asked only for relative paths.

    Raises BacError ``bad_spec`` or ``bad_platform``, naming the flag.
    """
    task = {
        "Name": "main",
        "Engine": engine,
        "Publisher": _one("--publisher", shortforms.publisher, flags.publisher),
        "Env": dict(_each("--env", shortforms.environment, flags.env)),
        "InputSources": [*modules, *_inputs(flags, cwd)],
        "ResultPaths": _each("--output", shortforms.output, flags.outputs),
        "Resources": {
            "CPU": _checked("--cpu", quantities.cpu, flags.cpu),
            "Memory": _checked("--memory", quantities.size, flags.memory),
            "Disk": _checked("--disk", quantities.size, flags.disk),
            "GPU": _checked("--gpu", quantities.gpu, flags.gpu),
        },
        "Network": {"Type": flags.network, "Domains": list(flags.domain)},
        "Timeouts": {"QueueTimeout": flags.queue_timeout, "TotalTimeout": flags.timeout},
    }
    platforms = _read("--platform", platform_list, list(flags.platform))
    return {
        "Name": flags.name,
        "Namespace": flags.namespace,
        "Type": TARGETS[flags.target],
        "Priority": flags.priority,
        "Count": flags.count,
        "Constraints": list(chain.from_iterable(_each("--constraints", shortforms.constraints, flags.constraints))),
        "Meta": {PLATFORMS_KEY: platforms} if platforms else {},
        "Labels": dict(_each("--labels", shortforms.label, flags.labels)),
        "Tasks": [task],
    }


def in_flags(mistake: str) -> str:
    """A mistake that starts with a path in the specification, with the flag's name for it."""
    return _NAMED.sub(lambda found: found[1] + FLAG_NAMES[found[2]] + (found[3] and " "), mistake)


def module_input(source: dict[str, Any], written: shortforms.Written) -> dict[str, Any]:
    """A module as an input: at the target that was asked for, else under its own name."""
    name = posixpath.basename(written.source.rstrip("/")) or "module"
    return {"Source": source, "Target": written.target or MODULES + name}


def local_source(path: str) -> dict[str, Any]:
    """A file of this host, by absolute path."""
    return {"Type": "local", "Params": {"SourcePath": path}}


def inline_source(data: bytes) -> dict[str, Any]:
    """A file inside the job itself: a data URL (RFC 2397)."""
    media_type = "application/wasm" if data.startswith(WASM_MAGIC) else "text/plain"
    return {"Type": "inline", "Params": {"URL": f"data:{media_type};base64,{base64.b64encode(data).decode()}"}}


def _inputs(flags: Flags, cwd: Callable[[], str]) -> list[dict[str, Any]]:
    found = [_read("--input", lambda text: shortforms.input_source(text, cwd), text) for text in flags.input]
    if sum(each["Target"] == shortforms.DEFAULT_TARGET for each in found) > 1:
        raise BacError(
            "bad_spec",
            f"--input: several inputs at {shortforms.DEFAULT_TARGET}, the default: give each its own SRC:/DST",
        )
    return found


def _one(flag: str, read: Callable[[str], Any], text: str | None) -> Any:
    return _read(flag, read, text) if text else None


def _each(flag: str, read: Callable[[str], Any], texts: Iterable[str]) -> list[Any]:
    return [_read(flag, read, text) for text in texts]


def _checked(flag: str, read: Callable[[str], Any], text: str | None) -> str | None:
    _one(flag, read, text)
    return text


def _read(flag: str, read: Callable[[Any], Any], value: Any) -> Any:
    try:
        return read(value)
    except BacError as error:
        raise BacError(error.code, f"{flag}: {error.message}", hint=error.hint) from error
