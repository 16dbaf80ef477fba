"""What a job, an image or a module needs of a node, boiled down to what can be held against one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec import UNSET

from bactools.core import gpu_kinds, platforms, selectors
from bactools.core.errors import BacError
from bactools.core.records import Image, Job, Module, Requires

if TYPE_CHECKING:
    from bactools.core.records import Constraint, ImagePlatform, Import, Resources

PAGE = 64 * 1024
"""Bytes of a page of linear memory."""

UNKNOWN = "unknown"
"""What an image index or a node list writes for a system or an architecture that it does not know."""

AMOUNTS = ("cpu", "memory", "disk")
"""The fields of Resources that are numbers."""


class Wanted(NamedTuple):
    """A platform that the job can run on, and the digest of the manifest or module to run there.

    ``program`` is what its program was found to be for, if a host of the platform need not run that.
    """

    platform: platforms.Platform
    digest: str | None
    program: platforms.Platform | None = None


class Need(NamedTuple):
    """What a node must have; ``features`` and ``imports`` are a WebAssembly module's.

    ``amounts`` are the resources that are asked for, by their field in Resources, GPUs aside; ``memory`` is what
    the job itself states, ``module_memory`` what its module starts with, in bytes. ``declared`` are the platforms
    that the job accepts (none: any), ``refused`` those that its artifact offers and the job does not accept.
    ``narrowed``: ``wanted`` is one of several platforms, and what others would do is not asked.
    """

    engine: str
    wanted: tuple[Wanted, ...]
    features: tuple[str, ...] = ()
    imports: tuple[Import, ...] = ()
    amounts: tuple[tuple[str, float], ...] = ()
    gpus: tuple[tuple[gpu_kinds.Kind, int], ...] = ()
    memory: int | None = None
    module_memory: int = 0
    constraints: tuple[Constraint, ...] = ()
    preferences: tuple[Constraint, ...] = ()
    sources: tuple[str, ...] = ()
    publisher: str | None = None
    network: str = "none"
    declared: tuple[platforms.Platform, ...] = ()
    refused: tuple[Wanted, ...] = ()
    narrowed: bool = False


def need(record: Job | Image | Module) -> Need:
    """What a job, or an image or module run as it is, needs of a node.

    Raises BacError ``not_inspected`` when neither the artifact's platforms nor declared ones are known,
    ``platforms_disjoint`` when the job declares none of those that its artifact offers, and ``bad_record`` for a
    constraint that says nothing.
    """
    if isinstance(record, Image):
        return Need("docker", artifact_wanted(record))
    if isinstance(record, Module):
        return bare_module(record)
    if record.requires is UNSET:
        raise BacError("not_inspected", f"job {record.id} has no requires", hint="Pipe it through bac-inspect first.")
    requires = record.requires
    for each in requires.constraints:
        selectors.check(each)
    declared = tuple(platforms.parse(item) for item in requires.declared)
    offered = offered_platforms(record, requires, declared)
    wanted = accepted(offered, list(declared))
    module_memory = started_with(record, requires)
    memory = requires.resources.memory
    return Need(
        engine=requires.engine,
        wanted=wanted,
        features=tuple(requires.features or ()),
        imports=tuple(requires.imports or ()),
        amounts=amounts(requires.resources, module_memory),
        gpus=gpu_kinds.kinds(requires.resources.gpus or ()),
        memory=None if memory is UNSET else memory,
        module_memory=module_memory,
        constraints=tuple(item for item in requires.constraints if not selectors.is_preference(item)),
        preferences=tuple(item for item in requires.constraints if selectors.is_preference(item)),
        sources=tuple(requires.sources),
        publisher=requires.publisher,
        network=requires.network or "none",
        declared=declared,
        refused=tuple(item for item in offered if item not in wanted),
    )


def narrowed(need: Need, platform: str) -> Need:
    """The need for one of the platforms that the job can run on."""
    return need._replace(wanted=tuple(item for item in need.wanted if str(item.platform) == platform), narrowed=True)


def bare_module(module: Module) -> Need:
    """The need of a module without a job around it."""
    memory = module.memory.min * PAGE if module.memory else 0
    return Need(
        "wasm",
        artifact_wanted(module),
        features=tuple(module.features or ()),
        imports=tuple(module.imports or ()),
        amounts=(("memory", memory),) if memory else (),
        module_memory=memory,
    )


def artifact_wanted(artifact: Image | Module) -> tuple[Wanted, ...]:
    """The platforms that an image or module offers, with what to run for each."""
    if isinstance(artifact, Module):
        whole = None if artifact.digest is UNSET else artifact.digest
        return tuple(
            Wanted(platforms.parse(entry.platform), whole if entry.digest is UNSET else entry.digest)
            for entry in artifact.platforms
        )
    return tuple(
        Wanted(platforms.parse(entry.platform), None if entry.digest is UNSET else entry.digest, program(entry))
        for entry in artifact.platforms
    )


def program(entry: ImagePlatform) -> platforms.Platform | None:
    """What the program of a platform was verified to be for, where the platform does not promise that."""
    return platforms.parse(entry.verified.platform) if entry.verified and not entry.verified.agrees else None


def offered_platforms(job: Job, requires: Requires, declared: tuple[platforms.Platform, ...]) -> tuple[Wanted, ...]:
    """What the job's artifact offers; of an artifact that nobody looked at, what the job declares."""
    if job.artifact is not UNSET:
        return artifact_wanted(job.artifact)
    if requires.platforms is not UNSET:
        return tuple(Wanted(platforms.parse(item), None) for item in requires.platforms)
    if declared:
        return tuple(Wanted(item, None) for item in declared)
    raise BacError(
        "not_inspected",
        f"job {job.id} does not say which platforms it can run on",
        hint="Pipe it through bac-inspect, or declare them with bac-job --platform.",
    )


def accepted(offered: tuple[Wanted, ...], declared: list[platforms.Platform]) -> tuple[Wanted, ...]:
    """The offered platforms that one of the declared ones covers; all, when none is declared."""
    kept = tuple(item for item in offered if covers(declared, item.platform))
    if declared and not kept:
        names = ", ".join(str(item.platform) for item in offered) or "none"
        raise BacError(
            "platforms_disjoint",
            f"the job accepts {', '.join(map(str, declared))} and its artifact offers {names}",
            hint="Publish the artifact for a declared platform, or declare one that it offers.",
        )
    return kept


def covers(declared: tuple[platforms.Platform, ...] | list[platforms.Platform], platform: platforms.Platform) -> bool:
    """Whether a job that declares these platforms accepts one more; it accepts any if it declares none."""
    return not declared or any(platforms.rank(accepts, platform, assume=False) is not None for accepts in declared)


def started_with(job: Job, requires: Requires) -> int:
    """The bytes of memory that the job's module starts with, as far as somebody looked; an image has none."""
    if requires.memory_min is not UNSET:
        return requires.memory_min
    module = job.artifact
    return module.memory.min * PAGE if isinstance(module, Module) and module.memory else 0


def amounts(resources: Resources, module_memory: int) -> tuple[tuple[str, float], ...]:
    """The resources that a job states, GPUs aside; its memory is at least what the module starts with."""
    stated = {name: amount(resources, name) or 0 for name in AMOUNTS}
    stated["memory"] = max(stated["memory"], module_memory)
    return tuple((name, wanted) for name, wanted in stated.items() if wanted)


def amount(resources: Resources, name: str) -> float | None:
    """A quantity; None when it is not stated."""
    value = getattr(resources, name)
    return value if isinstance(value, int | float) else None
