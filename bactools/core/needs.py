"""What a job, an image or a module needs of a node, boiled down to what can be held against one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec import UNSET

from bactools.core import platforms
from bactools.core.errors import BacError
from bactools.core.records import Image, Job, Module, Requires
from bactools.core.selectors import is_preference

if TYPE_CHECKING:
    from bactools.core.records import Constraint, Import

# The fields of Resources, and what a shortage of each is called.
RESOURCES = {"cpu": "cpu", "memory": "memory", "disk": "disk", "gpus": "gpu"}


class Wanted(NamedTuple):
    """A platform that the job can run on, and the digest of the manifest or module to run there."""

    platform: platforms.Platform
    digest: str | None


class Need(NamedTuple):
    """What a node must have; ``features`` and ``imports`` are a WebAssembly module's.

    ``amounts`` are the resources that are asked for, by their field in Resources; GPUs are counted.
    """

    engine: str
    wanted: tuple[Wanted, ...]
    features: tuple[str, ...]
    imports: tuple[Import, ...]
    amounts: tuple[tuple[str, float], ...]
    constraints: tuple[Constraint, ...]
    preferences: tuple[Constraint, ...]
    sources: tuple[str, ...]
    publisher: str | None


def need(record: Job | Image | Module) -> Need:
    """What a job, or an image or module run as it is, needs of a node.

    Raises BacError ``not_inspected`` when neither the artifact's platforms nor declared ones are known,
    and ``platforms_disjoint`` when the job declares none of those that its artifact offers.
    """
    if isinstance(record, Image):
        return bare("docker", artifact_wanted(record))
    if isinstance(record, Module):
        return bare("wasm", artifact_wanted(record))._replace(
            features=tuple(record.features or ()), imports=tuple(record.imports or ())
        )
    if record.requires is UNSET:
        raise BacError("not_inspected", f"job {record.id} has no requires", hint="Pipe it through bac-inspect first.")
    requires = record.requires
    constraints = tuple(item for item in requires.constraints if not is_preference(item))
    return Need(
        engine=requires.engine,
        wanted=job_wanted(record, requires),
        features=tuple(requires.features or ()),
        imports=tuple(requires.imports or ()),
        amounts=amounts(requires),
        constraints=constraints,
        preferences=tuple(item for item in requires.constraints if is_preference(item)),
        sources=tuple(requires.sources),
        publisher=requires.publisher,
    )


def bare(engine: str, wanted: tuple[Wanted, ...]) -> Need:
    """The need of an artifact without a job around it."""
    return Need(engine, wanted, (), (), (), (), (), (), None)


def artifact_wanted(artifact: Image | Module) -> tuple[Wanted, ...]:
    """The platforms that an image or module offers, with what to run for each."""
    if isinstance(artifact, Module):
        whole = None if artifact.digest is UNSET else artifact.digest
        return tuple(
            Wanted(platforms.parse(entry.platform), whole if entry.digest is UNSET else entry.digest)
            for entry in artifact.platforms
        )
    return tuple(
        Wanted(platforms.parse(entry.platform), None if entry.digest is UNSET else entry.digest)
        for entry in artifact.platforms
    )


def job_wanted(job: Job, requires: Requires) -> tuple[Wanted, ...]:
    """What the job's artifact offers and the job accepts."""
    declared = [platforms.parse(item) for item in requires.declared]
    if job.artifact is not UNSET:
        offered = artifact_wanted(job.artifact)
    elif requires.platforms is not UNSET:
        offered = tuple(Wanted(platforms.parse(item), None) for item in requires.platforms)
    elif declared:
        return tuple(Wanted(item, None) for item in declared)
    else:
        raise BacError(
            "not_inspected",
            f"job {job.id} does not say which platforms it can run on",
            hint="Pipe it through bac-inspect, or declare them with bac-job --platform.",
        )
    return accepted(offered, declared)


def accepted(offered: tuple[Wanted, ...], declared: list[platforms.Platform]) -> tuple[Wanted, ...]:
    """The offered platforms that one of the declared ones covers; all, when none is declared."""
    if not declared:
        return offered
    kept = tuple(
        item
        for item in offered
        if any(platforms.rank(accepts, item.platform, assume=False) is not None for accepts in declared)
    )
    if not kept:
        names = ", ".join(str(item.platform) for item in offered) or "none"
        raise BacError(
            "platforms_disjoint",
            f"the job accepts {', '.join(map(str, declared))} and its artifact offers {names}",
            hint="Publish the artifact for a declared platform, or declare one that it offers.",
        )
    return kept


def amounts(requires: Requires) -> tuple[tuple[str, float], ...]:
    """The resources that a job states; its memory is at least what the module starts with."""
    stated = {name: amount(getattr(requires.resources, name)) for name in RESOURCES}
    if requires.memory_min is not UNSET:
        stated["memory"] = max(stated["memory"] or 0, requires.memory_min)
    return tuple((name, wanted) for name, wanted in stated.items() if wanted is not None)


def amount(value: object) -> float | None:
    """A quantity, or the length of a list of GPUs; None when it is not stated."""
    if isinstance(value, list):
        return len(value)
    return value if isinstance(value, int | float) else None
