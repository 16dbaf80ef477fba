"""Whether a node can run a job, on which platform and how; and if not, every reason why.

``decide`` holds one node against what ``needs.need`` makes of a job, an image or a module. What a node
does not state is not held against it: unknown is not none. Each function but that one looks at one or a few
fields of the node, so that alike fields of many nodes can be decided on once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import UNSET

from bactools.core import obstacles, platforms, selectors, wasi
from bactools.core.amounts import offered, shortages
from bactools.core.needs import Need
from bactools.core.reasons import reason
from bactools.core.routes import HOW_ORDER, TERMS, choose, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias, TypeVar

    from msgspec import UnsetType

    from bactools.core.records import Engine, Node, Offer, Reason, Resources
    from bactools.core.routes import Choice, Terms

    Stated = TypeVar("Stated")
    Unsure: TypeAlias = Stated | UnsetType | None

NETWORKS: dict[str, tuple[str, ...]] = {"wasmtime": ("none",), "wazero": ("none", "http", "host")}
"""The networks that jobs of a WebAssembly engine can have, by its runtime: bac-exec's own gives none, and Bacalhau's
refuses every host to one of type bridge. Of other runtimes, and of Docker, a node record tells nothing."""


NOTHING = Need("", ())
"""For reasons that are no matter of the need."""


class Verdict(NamedTuple):
    """A choice and no reasons, or reasons; ``choice`` may stand beside reasons that are not about platforms."""

    choice: Choice | None
    reasons: tuple[Reason, ...]

    @property
    def ok(self) -> bool:
        """Whether the node fits."""
        return not self.reasons


def decide(need: Need, node: Node, terms: Terms = TERMS) -> Verdict:
    """Hold one node against a need: the verdict on its engines, then whatever else speaks against it.

    Raises BacError ``bad_platform`` for an engine that offers what is no platform.
    """
    verdict = platform_verdict(need, node.engines, terms)
    others = (
        *resource_reasons(need, node.resources, node.available, node.limits, terms),
        *label_reasons(need, node.labels),
        *reach_reasons(need, node.sources, node.publishers),
        *schedulable_reasons(node.schedulable, node.warnings),
    )
    return Verdict(verdict.choice, (*verdict.reasons, *others)) if others else verdict


def find_engines(name: str, node: Node) -> list[Engine]:
    """The node's engines of that name; there may be several."""
    return [engine for engine in node.engines or () if engine.engine == name]


def platform_verdict(need: Need, engines: Unsure[list[Engine]], terms: Terms) -> Verdict:
    """Hold a node's engines against a need; of several of the wanted kind, the one with the fewest reasons.

    Raises BacError ``bad_platform``.
    """
    if engines is UNSET or engines is None:
        return Verdict(None, (explained(need, "unknown_engines", need.engine),))
    able = [hold(need, engine, terms) for engine in engines if engine.engine == need.engine]
    if not able:
        have = [engine.engine for engine in engines]
        return Verdict(None, (explained(need, "engine", need.engine, have),))
    return min(able, key=order) if len(able) > 1 else able[0]


def order(verdict: Verdict) -> tuple[int, int]:
    """The order of verdicts on engines, best first."""
    return len(verdict.reasons), HOW_ORDER.index(verdict.choice.how) if verdict.choice else len(HOW_ORDER)


def hold(need: Need, engine: Engine, terms: Terms) -> Verdict:
    """Hold one engine against a need."""
    offers = tuple(engine.platforms)
    choice = choose(need.wanted, offers, terms)
    found = [] if choice else [platform_reason(need, offers, terms)]
    if need.engine == "wasm":
        found.extend(wasm_reasons(need, engine))
    memory = next((wanted for name, wanted in need.amounts if name == "memory"), 0)
    if engine.memory is not UNSET and memory > engine.memory:
        found.append(explained(need, "engine_memory", memory, engine.memory))
    return Verdict(choice, tuple(found))


def platform_reason(need: Need, offers: tuple[Offer, ...], terms: Terms) -> Reason:
    """Say why no platform of the artifact runs: the terms, the program, or what there is."""
    left_out = {"emulated": not terms.emulated, "compatible": not terms.compatible}
    have = [offer.platform for offer in offers if not left_out.get(offer.how)]
    if not need.wanted:
        return explained(need, "no_platform", [], have, terms=terms)
    excluded = choose(need.wanted, offers, TERMS)
    if excluded:
        code = "only_emulated" if excluded.how == "emulated" else "only_compatible"
        return explained(need, code, excluded.platform, have, terms=terms)
    for item in need.wanted:
        if item.program and nearest(item.platform, offers, terms):
            same = item.program[:2] == item.platform[:2]
            return explained(need, "cpu_level" if same else "mislabelled", str(item.program), have, terms=terms)
    return explained(need, "platform", [str(item.platform) for item in need.wanted], have, terms=terms)


def wasm_reasons(need: Need, engine: Engine) -> Iterator[Reason]:
    """The proposals, imports, network and memory that a WebAssembly engine does not give, or the job its module."""
    if engine.features is not UNSET:
        for feature in need.features:
            if feature not in engine.features:
                yield explained(need, "feature", feature, engine.features)
    have = [offer.platform for offer in engine.platforms]
    generations = {platforms.parse(offer).variant for offer in have}
    for item in need.imports:
        if not wasi.provided(item, generations):
            yield explained(need, "import", wasi.called(item), have)
    proved = all(offer.how != "assumed" for offer in engine.platforms)
    networks = NETWORKS.get(engine.runtime or "") if proved else None
    if networks and need.network not in networks:
        yield explained(need, "network", need.network, list(networks))
    if need.memory is not None and need.memory < need.module_memory:
        yield explained(need, "module_memory", need.module_memory, need.memory)


def resource_reasons(
    need: Need,
    resources: Unsure[Resources],
    available: Unsure[Resources],
    limits: Unsure[Resources],
    terms: Terms,
) -> tuple[Reason, ...]:
    """What is wanted beyond what is free, or where that is not stated or not asked for, beyond what there is."""
    short = shortages(need, resources, None if terms.capacity else available, limits)
    found = (reason(each.code, each.want, each.have, " free" * each.free) for each in short)
    return tuple(_remedied(need, each) for each in found)


def label_reasons(need: Need, labels: Unsure[dict[str, str]]) -> tuple[Reason, ...]:
    """The constraints that a node's labels do not satisfy; none when its labels are not known."""
    if labels is UNSET or labels is None:
        return ()
    return tuple(
        explained(need, "constraint", selectors.text(each), labels.get(each.Key))
        for each in need.constraints
        if not selectors.satisfied(each, labels)
    )


def favours(need: Need, labels: Unsure[dict[str, str]]) -> int:
    """How many of the job's preferences the labels meet."""
    return sum(selectors.satisfied(each, labels or {}) for each in need.preferences)


def reach_reasons(need: Need, sources: Unsure[list[str]], publishers: Unsure[list[str]]) -> tuple[Reason, ...]:
    """The sources and the publisher that a node is known not to have."""
    publisher = (need.publisher,) if need.publisher else ()
    return (
        *(explained(need, "source", name, sources) for name in missing(need.sources, sources)),
        *(explained(need, "publisher", name, publishers) for name in missing(publisher, publishers)),
    )


def missing(want: tuple[str, ...], have: Unsure[list[str]]) -> list[str]:
    """The names that a stated list lacks; Bacalhau compares them without regard to case."""
    if not want or not isinstance(have, list):
        return []
    known = {name.lower() for name in have}
    return [name for name in want if name.lower() not in known]


def schedulable_reasons(schedulable: Unsure[bool], warnings: Unsure[list[str]] = UNSET) -> tuple[Reason, ...]:
    """Whether the node is known to take no jobs, and why as far as its warnings tell."""
    if schedulable is not False:
        return ()
    causes = obstacles.causes(warnings or ())
    why = f": {'; '.join(causes)}" if causes else ""
    return (_remedied(NOTHING, reason("unschedulable", None, causes or None, why)),)


def explained(need: Need, code: str, want: Any = None, have: Any = None, *, terms: Terms = TERMS) -> Reason:
    """A reason with its cheapest remedy."""
    return _remedied(need, reason(code, want, have), terms)


def _remedied(need: Need, found: Reason, terms: Terms = TERMS) -> Reason:
    from bactools.core import changes  # what fits does not pay for remedies

    return changes.remedied(need, found, terms)


def free(node: Node, name: str) -> float | None:
    """How much of ``cpu``, ``memory`` or ``disk`` a node has to give; None when it does not say."""
    return offered(node.resources, node.available, name)
