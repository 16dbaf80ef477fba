"""Bacalhau's job specification: any spelling of it to the canonical one, and the views that commands need.

Accepted: a job of v1.4 to v1.9 with keys in any case, bare or as the API wraps it, and a ``job`` line.
The canonical form has upstream's casing and order and nothing that the server sets; ``env:NAME`` stays a
reference. Reading a canonical form again changes nothing, so a job's id is that of its content.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import UNSET

from bactools.core import ids, quantities, requirements
from bactools.core.errors import BacError
from bactools.core.jobfields import JOB, platform_list
from bactools.core.jobrules import PLATFORMS_KEY
from bactools.core.lines import encode_value
from bactools.core.mistakes import Mistakes
from bactools.core.records import Job
from bactools.core.shapes import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LISTED_MISTAKES = 8
# What stands beside ``Job`` in requests, and in what ``bacalhau job describe`` prints.
WRAPPER_FIELDS = {"job", "executions", "history", "force"}
DEFAULT_ENTRYPOINT = "_start"


class Input(NamedTuple):
    """An input: Bacalhau's source type and its parameters, and where the job finds it."""

    source_type: str
    params: dict[str, Any]
    target: str


class ResultPath(NamedTuple):
    """A folder whose content is kept: its name in the results and its path in the job."""

    name: str
    path: str


class Task(NamedTuple):
    """What is run. Memory in bytes, CPU in cores, timeout in seconds; None: not said.

    ``entrypoint`` replaces an image's entrypoint (empty: keep it), or is the one function of a module.
    Values ``env:NAME`` in ``environment`` are references. ``network`` is none, bridge, host or http.
    """

    engine: str
    image: str | None
    entry_module: str | None
    entrypoint: tuple[str, ...]
    parameters: tuple[str, ...]
    working_directory: str | None
    environment: dict[str, str]
    inputs: tuple[Input, ...]
    outputs: tuple[ResultPath, ...]
    cpu: float | None
    memory: int | None
    gpu: int
    network: str
    publishes_ports: bool
    timeout: int | None
    import_modules: tuple[str, ...]
    publisher: dict[str, Any] | None


def canonical(value: object, shown: Callable[[str], str] = str, *, lenient: bool = False) -> dict[str, Any]:
    """The canonical form of a job; ``shown`` words a mistake, which starts with its path, for the reader.

    ``lenient`` leaves out fields that are not known, instead of counting them as mistakes.
    Raises BacError ``bad_spec`` that lists the mistakes.
    """
    mistakes = Mistakes(lenient=lenient)
    spec: dict[str, Any] = JOB(_unwrapped(value, lenient=lenient), "", mistakes)
    if mistakes:
        listed = "; ".join(map(shown, mistakes.texts[:LISTED_MISTAKES]))
        more = f"; and {len(mistakes) - LISTED_MISTAKES} more" if len(mistakes) > LISTED_MISTAKES else ""
        raise BacError("bad_spec", f"the job spec does not validate: {listed}{more}")
    return spec


def declaring(spec: Mapping[str, Any], platforms: Sequence[str]) -> dict[str, Any]:
    """The canonical form of ``spec`` that also accepts these platforms.

    Raises BacError ``bad_platform`` or ``bad_spec``.
    """
    names = platform_list([*requirements.declared(spec), *platforms])
    return canonical({**spec, "Meta": {**spec.get("Meta", {}), PLATFORMS_KEY: names}})


def identity(spec: Mapping[str, Any]) -> str:
    """The id of a canonical specification: the same content has the same id, everywhere."""
    return ids.format_id("j", hashlib.sha256(encode_value(spec)).digest())


def job(spec: dict[str, Any]) -> Job:
    """The record of a canonical specification."""
    name = spec.get("Name")
    return Job(
        id=identity(spec),
        name=UNSET if name is None else name,
        spec=spec,
        requires=requirements.of(spec),
    )


def task(spec: Mapping[str, Any]) -> Task:
    """The task of a canonical specification."""
    found = spec["Tasks"][0]
    engine, params = found["Engine"]["Type"], found["Engine"]["Params"]
    wanted = found.get("Resources", {})
    return Task(
        engine=engine,
        image=params.get("Image"),
        entry_module=params.get("EntryModule"),
        entrypoint=_entrypoint(engine, params),
        parameters=tuple(params.get("Parameters", ())),
        working_directory=params.get("WorkingDirectory"),
        environment=_environment(found),
        inputs=tuple(map(_input, found.get("InputSources", ()))),
        outputs=tuple(ResultPath(each["Name"], each["Path"]) for each in found.get("ResultPaths", ())),
        cpu=quantities.cpu(wanted.get("CPU", "0")) or None,
        memory=quantities.size(wanted.get("Memory", "0")) or None,
        gpu=quantities.gpu(wanted.get("GPU", "0")),
        network=requirements.network(found),
        publishes_ports=bool(found.get("Network", {}).get("Ports")),
        timeout=_timeout(spec, found),
        import_modules=tuple(params.get("ImportModules", ())),
        publisher=found.get("Publisher"),
    )


def _unwrapped(value: object, *, lenient: bool) -> object:
    """The specification itself, out of a job line, an API request or a description."""
    if not isinstance(value, Mapping):
        raise BacError("bad_spec", f"the job spec does not validate: the job is {describe(value)}, not a mapping")
    if "kind" in value:
        if value["kind"] != "job":
            raise BacError("unexpected_kind", f"a record of kind {describe(value['kind'])} is not a job")
        return value.get("spec")
    names = {str(name).lower(): name for name in value}
    if "job" not in names:
        return value
    others = sorted(set(names) - WRAPPER_FIELDS)
    if others and not lenient:
        raise BacError(
            "bad_spec", f"the job spec does not validate: {names[others[0]]} beside Job is not a known field"
        )
    return value[names["job"]]


def _entrypoint(engine: str, params: Mapping[str, Any]) -> tuple[str, ...]:
    if engine == "wasm":
        return (params.get("Entrypoint", DEFAULT_ENTRYPOINT),)
    return tuple(params.get("Entrypoint", ()))


def _environment(found: Mapping[str, Any]) -> dict[str, str]:
    """The task's variables, with those of the engine over them, as upstream merges them."""
    assignments = found["Engine"]["Params"].get("EnvironmentVariables", [])
    return {**found.get("Env", {}), **dict(each.split("=", 1) for each in assignments)}


def _input(found: Mapping[str, Any]) -> Input:
    source = found["Source"]
    return Input(source["Type"], source.get("Params", {}), found["Target"])


def _timeout(spec: Mapping[str, Any], found: Mapping[str, Any]) -> int | None:
    """The seconds that a run may take; daemons and services have no end, so upstream ignores it there."""
    if spec["Type"] in ("daemon", "service"):
        return None
    limits = found.get("Timeouts", {})
    return limits.get("ExecutionTimeout") or limits.get("TotalTimeout") or None
