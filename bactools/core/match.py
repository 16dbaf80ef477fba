"""Whether a node can run a job, on which platform and how; and if not, every reason why.

``decide`` holds one node against what ``needs.need`` makes of a job, an image or a module. What a node
does not state is not held against it: unknown is not none.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from msgspec import UNSET

from bactools.core import platforms, wasi
from bactools.core.needs import RESOURCES, Need, Wanted, amount
from bactools.core.reasons import reason, said
from bactools.core.selectors import satisfied, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bactools.core.records import Engine, How, Node, Offer, Reason

# Best first: what is proved before what is assumed, and an emulator last for it is many times slower.
HOW_ORDER: tuple[How, ...] = ("native", "compatible", "assumed", "emulated")


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


def decide(need: Need, node: Node) -> Verdict:
    """Hold one node against a need."""
    engines = find_engines(need.engine, node)
    general = tuple(general_reasons(need, node))
    if not engines:
        return Verdict(None, (engine_reason(need.engine, node), *general))
    verdicts = [hold(need, engine) for engine in engines]
    best = min(verdicts, key=lambda verdict: len(verdict.reasons)) if len(verdicts) > 1 else verdicts[0]
    return Verdict(best.choice, (*best.reasons, *general))


def find_engines(name: str, node: Node) -> list[Engine]:
    """The node's engines of that name; there may be several."""
    return [engine for engine in node.engines or () if engine.engine == name]


def engine_reason(name: str, node: Node) -> Reason:
    """Say that the engine is not there, or that nobody has looked."""
    if node.engines is UNSET or node.engines is None:
        return reason("unknown_engines", name, None, "run bac-probe on the node")
    have = [item.engine for item in node.engines]
    return reason("engine", name, have, f"install a {name} engine on the node, and probe it again")


def hold(need: Need, engine: Engine) -> Verdict:
    """Hold one engine against a need."""
    offers = tuple(engine.platforms)
    choice = choose(need.wanted, offers)
    found = [] if choice else [platform_reason(need.engine, need.wanted, offers)]
    if need.engine == "wasm":
        found.extend(wasm_reasons(need, engine))
    return Verdict(choice, tuple(found))


@lru_cache(maxsize=4096)
def choose(wanted: tuple[Wanted, ...], offers: tuple[Offer, ...]) -> Choice | None:
    """The best wanted platform that one of the offers runs; ties go to what the artifact lists first."""
    best: tuple[tuple[int, int, int], Choice] | None = None
    for position, item in enumerate(wanted):
        for offer in offers:
            place = platforms.rank(platforms.parse(offer.platform), item.platform, assume=offer.how == "assumed")
            if place is None:
                continue
            how = compatible(offer.how, item.platform, place)
            key = (HOW_ORDER.index(how), place, position)
            if best is None or key < best[0]:
                via = None if offer.via is UNSET else offer.via
                best = key, Choice(str(item.platform), how, via, item.digest)
    return best[1] if best else None


def compatible(how: How, platform: platforms.Platform, place: int) -> How:
    """How an offer runs a platform that is ``place`` steps below it: an older 32-bit ARM is run compatibly."""
    return "compatible" if how == "native" and place and platform.architecture == "arm" else how


@lru_cache(maxsize=4096)
def platform_reason(engine: str, wanted: tuple[Wanted, ...], offers: tuple[Offer, ...]) -> Reason:
    """Say which platforms were wanted and which the engine has."""
    want = [str(item.platform) for item in wanted]
    have = [offer.platform for offer in offers]
    if not want:
        return reason("no_platform", want, have, "publish the artifact for a platform")
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
    labels = {} if node.labels is UNSET else node.labels or {}
    for constraint in need.constraints if node.labels is not UNSET else ():
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
            yield reason(code, wanted, have, f"lower {code} to {said(have)}" if have else None)


def free(node: Node, name: str) -> float | None:
    """How much of a resource a node has to give; None when it does not say."""
    have = amount(getattr(node.available, name)) if node.available else None
    if have is None and node.resources:
        have = amount(getattr(node.resources, name))
    return have


def favours(need: Need, node: Node) -> int:
    """How many of the job's preferences the node meets."""
    labels = node.labels or {}
    return sum(satisfied(item, labels) for item in need.preferences)
