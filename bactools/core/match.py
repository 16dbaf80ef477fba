"""Whether a node can run a job, on which platform and how; and if not, every reason why.

``need`` boils a job, image or module down to what a node must have; ``decide`` holds one node against it.
What a node does not state is not held against it: unknown is not none.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from msgspec import UNSET

from bactools.core import platforms, wasi
from bactools.core.errors import BacError
from bactools.core.reasons import reason
from bactools.core.records import How, Image, Job, Module, Offer, Reason, Requires
from bactools.core.selectors import is_preference, satisfied, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bactools.core.records import Constraint, Engine, Import, Node

# Best first: what is proved before what is assumed, and an emulator last for it is many times slower.
HOW_ORDER: tuple[How, ...] = ("native", "compatible", "assumed", "emulated")


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


class Choice(NamedTuple):
    """The platform that a node runs the job on; ``via`` names the emulator."""

    platform: str
    how: How
    via: str | None
    digest: str | None


class Verdict(NamedTuple):
    """A choice and no reasons, or reasons; ``choice`` may stand beside reasons that are not about platforms."""

    choice: Choice | None
    reasons: tuple[Reason, ...]

    @property
    def ok(self) -> bool:
        """Whether the node fits."""
        return not self.reasons


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


def decide(need: Need, node: Node) -> Verdict:
    """Hold one node against a need."""
    engine = find_engine(need.engine, node)
    found = list(general_reasons(need, node))
    if engine is None:
        have = [item.engine for item in node.engines or ()]
        remedy = f"install a {need.engine} engine on the node, and probe it again"
        return Verdict(None, (reason("engine", need.engine, have, remedy), *found))
    offers = tuple(engine.platforms)
    choice = choose(need.wanted, offers)
    if choice is None:
        found.insert(0, platform_reason(need.engine, need.wanted, offers))
    if need.engine == "wasm":
        found.extend(wasm_reasons(need, engine))
    return Verdict(choice, tuple(found))


def find_engine(name: str, node: Node) -> Engine | None:
    """The node's engine of that name."""
    for engine in node.engines or ():
        if engine.engine == name:
            return engine
    return None


@lru_cache(maxsize=4096)
def choose(wanted: tuple[Wanted, ...], offers: tuple[Offer, ...]) -> Choice | None:
    """The best wanted platform that one of the offers runs; ties go to what the artifact lists first."""
    best: tuple[tuple[int, int, int], Choice] | None = None
    for position, item in enumerate(wanted):
        for offer in offers:
            place = platforms.rank(platforms.parse(offer.platform), item.platform, assume=offer.how == "assumed")
            if place is None:
                continue
            key = (HOW_ORDER.index(offer.how), place, position)
            if best is None or key < best[0]:
                via = None if offer.via is UNSET else offer.via
                best = key, Choice(str(item.platform), offer.how, via, item.digest)
    return best[1] if best else None


@lru_cache(maxsize=4096)
def platform_reason(engine: str, wanted: tuple[Wanted, ...], offers: tuple[Offer, ...]) -> Reason:
    """Say which platforms were wanted and which the engine has."""
    want = [str(item.platform) for item in wanted]
    have = [offer.platform for offer in offers]
    if not want:
        return Reason("platform", "has nothing to run: the artifact offers no platform", want, have)
    if engine == "wasm":
        remedy = "use an engine that offers this WASI generation"
    else:
        remedy = f"publish the image for {' or '.join(have) or 'a platform of the node'}, or register an emulator"
    return reason("platform", want, have, remedy)


def wasm_reasons(need: Need, engine: Engine) -> Iterator[Reason]:
    """The proposals and imports that a WebAssembly engine does not have."""
    if engine.features is not UNSET:
        for feature in need.features:
            if feature not in engine.features:
                yield reason("feature", feature, engine.features, "build the module without it")
    generations = {platforms.parse(offer.platform).variant for offer in engine.platforms}
    for item in need.imports:
        if not wasi.provided(item, generations):
            name = f"{item.module} {item.name}".strip()
            yield reason("import", name, sorted(generations), "provide it by an import module")


def general_reasons(need: Need, node: Node) -> Iterator[Reason]:
    """What speaks against a node whatever its engines are."""
    if node.schedulable is False:
        yield reason("unschedulable", remedy="make the node schedulable")
    if need.amounts:
        yield from resource_reasons(need.amounts, node)
    for constraint in need.constraints:
        labels = node.labels or {}
        if not satisfied(constraint, labels):
            have = labels.get(constraint.Key)
            yield reason("constraint", text(constraint), have, f"label the node so that {text(constraint)}")
    for source in missing(need.sources, node.sources):
        yield reason("source", source, node.sources, f"enable the {source} source on the node")
    for publisher in missing((need.publisher,) if need.publisher else (), node.publishers):
        yield reason("publisher", publisher, node.publishers, f"enable the {publisher} publisher on the node")


def missing(want: tuple[str, ...], have: object) -> list[str]:
    """The names that a stated list lacks; Bacalhau compares them without regard to case."""
    if not want or not isinstance(have, list):
        return []
    known = {name.lower() for name in have}
    return [name for name in want if name.lower() not in known]


def resource_reasons(wants: tuple[tuple[str, float], ...], node: Node) -> Iterator[Reason]:
    """What is wanted beyond what is free, or where that is not stated, beyond what there is."""
    for name, wanted in wants:
        have = free(node, name)
        if have is not None and wanted > have:
            code = RESOURCES[name]
            yield reason(code, wanted, have, f"lower {code} to {have}" if have else None)


def free(node: Node, name: str) -> float | None:
    """How much of a resource a node has to give; None when it does not say."""
    have = amount(getattr(node.available, name)) if node.available else None
    if have is None and node.resources:
        have = amount(getattr(node.resources, name))
    return have


def amount(value: object) -> float | None:
    """A quantity, or the length of a list of GPUs; None when it is not stated."""
    if isinstance(value, list):
        return len(value)
    return value if isinstance(value, int | float) else None


def favours(need: Need, node: Node) -> int:
    """How many of the job's preferences the node meets."""
    labels = node.labels or {}
    return sum(satisfied(item, labels) for item in need.preferences)
