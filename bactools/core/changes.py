"""What would change an answer: for each reason every single change that removes it, the cheapest first.

A change of the question costs least, then one of the job, then one of its artifact, and one of the node most:
only its owner can make that. KINDS is that order. A change that cannot be promised to help is marked by its kind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec import structs

from bactools.core import obstacles, platforms, rounding, wasi
from bactools.core.emulation import EMULATED_VARIANTS
from bactools.core.needs import PAGE, UNKNOWN, covers
from bactools.core.platform_tables import BASELINE
from bactools.core.reasons import MEASURES, resource_of, said, size
from bactools.core.records import Offer
from bactools.core.routes import TERMS, choose, nearest, route

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from bactools.core.needs import Need
    from bactools.core.records import Reason
    from bactools.core.routes import Terms

    Maker: TypeAlias = Callable[[Need, Reason, Terms], Iterator["Change"]]

# kind: what it says; cheapest first
KINDS: dict[str, str] = {
    "allow": "allow {target}",
    "lower": "lower {target} to {amount}",
    "relax": "ask for {target}",
    "omit": "ask for no {target}",
    "raise": "raise {target} to {amount}",
    "network": "use network {target}",
    "accept": "accept {target}",
    "drop": "drop the constraint {target}",
    "publish": "publish {target}",
    "build": "build {target}",
    "register": "register {target} with flag F",
    "enable": "enable the {target} on the node",
    "schedule": "{target}",
    "offer": "make the node offer {target}",
    "probe": "run bac-probe on the node",
    "install": "install a {target} engine on the node, and probe it again",
}
UNSURE = frozenset({"probe", "install"})
"""Kinds after which the node may still not fit."""

# Go's architecture -> the end of the name of QEMU's user-mode emulator (QEMU, linux-user targets)
QEMU = {
    "386": "i386",
    "amd64": "x86_64",
    "arm": "arm",
    "arm64": "aarch64",
    "loong64": "loongarch64",
    "mips": "mips",
    "mips64": "mips64",
    "mips64le": "mips64el",
    "mipsle": "mipsel",
    "ppc64": "ppc64",
    "ppc64le": "ppc64le",
    "riscv64": "riscv64",
    "s390x": "s390x",
}
COMMON_ARM = ("v7", "v6", "v5")
"""The variants that images for 32-bit ARM are published for; a CPU of v8 runs them."""

ROUNDED: dict[str, Callable[[float], float]] = {
    "cpu": rounding.cores,
    "memory": rounding.size,
    "disk": rounding.size,
    "gpu memory": rounding.size,
}
LEAST: dict[str, float] = {"cpu": 0.01, "memory": 6 * 1024**2, "disk": 1024**2, "gpu memory": 1024**2}
"""Less is not proposed: less CPU or memory Docker gives to no container, and less of the others is good for nothing."""
UNITS = {"memory": " of memory", "disk": " of disk"}


class Change(NamedTuple):
    """One thing to do. ``amount`` is the most (``lower``) or the least (``raise``) that ``target`` may then be."""

    kind: str
    target: str = ""
    amount: int | float | None = None

    def __str__(self) -> str:
        measured = "" if self.amount is None else MEASURES[self.target](self.amount)
        return KINDS[self.kind].format(target=self.target, amount=measured)


def platform_changes(need: Need, reason: Reason, terms: Terms) -> Iterator[Change]:
    """What makes the artifact run on what a node has: accept that, publish for it, or emulate what there is."""
    offers = told(reason)
    yield from publications(need, offers, terms)
    if terms.emulated and need.engine == "docker":
        yield from registrations(need, offers, terms)
    if not offers:
        yield Change("probe")


def told(reason: Reason) -> tuple[Offer, ...]:
    """The platforms of a node that a reason tells of, taken for native: of those that are not, less may be promised."""
    return tuple(Offer(text, "native") for text in reason.have if UNKNOWN not in platforms.parse(text)[:2])


def publications(need: Need, offers: tuple[Offer, ...], terms: Terms) -> Iterator[Change]:
    """What makes the artifact one for a platform of the node: accept what it offers, or publish another."""
    if need.narrowed:
        return
    for item in need.refused:
        if route(item, offers, terms):
            yield Change("accept", str(item.platform))
    there = {item.platform for item in need.wanted}
    hosts = [platforms.parse(offer.platform) for offer in offers]
    for platform in dict.fromkeys(platform for host in hosts for platform in published_for(host)):
        if platform not in there and nearest(platform, offers, terms):
            target = str(platform)
            yield Change("publish", target if covers(need.declared, platform) else f"{target} and accept it")


def published_for(host: platforms.Platform) -> tuple[platforms.Platform, ...]:
    """The platforms under which images for a host are published: any CPU's and the oldest Windows', not its own."""
    if host.os == "windows":
        host = host._replace(os_version=platforms.oldest_version(host.os_version))
    if host.architecture == "arm":
        lower = [each for each in platforms.ladder(host, assume=False) if each.variant in COMMON_ARM]
        return tuple(lower) if host in lower else (*lower, host)
    plain = host._replace(variant="")
    any_cpu = host.architecture in BASELINE and platforms.rank(host, plain, assume=False) is not None
    return (plain if any_cpu else host,)


def registrations(need: Need, offers: tuple[Offer, ...], terms: Terms) -> Iterator[Change]:
    """The emulators with each of which a Linux host that offers this runs the artifact too."""
    hosts = [platforms.parse(offer.platform) for offer in offers]
    known = {host.architecture for host in hosts}
    if not any(host.os == "linux" for host in hosts):
        return
    for architecture in dict.fromkeys(item.platform.architecture for item in need.wanted):
        if architecture in known or architecture not in QEMU:
            continue
        emulated = platforms.Platform("linux", architecture, EMULATED_VARIANTS.get(architecture, ""))
        if choose(need.wanted, (*offers, Offer(str(emulated), "emulated")), terms):
            yield Change("register", f"qemu-{QEMU[architecture]}")


def allowed(need: Need, reason: Reason, terms: Terms) -> Iterator[Change]:
    """Ask for less, or make the artifact one that runs as it is asked to."""
    yield Change("allow", "emulation" if reason.code == "only_emulated" else "compatible platforms")
    yield from publications(need, told(reason), terms)


def own(need: Need, reason: Reason, terms: Terms) -> Iterator[Change]:
    """Programs that are what their labels say."""
    offers = told(reason)
    for item in need.wanted:
        if item.program and nearest(item.platform, offers, terms):
            aim = f"every {item.platform} CPU" if reason.code == "cpu_level" else str(item.platform)
            yield Change("build", f"the program of {item.platform} for {aim}")
    yield from publications(need, offers, terms)


def lower(need: Need, reason: Reason, _terms: Terms) -> Iterator[Change]:
    """Ask for as much as there is, rounded down; a module's memory only down to what it starts with."""
    resource = resource_of(reason.code)
    started = need.module_memory if resource == "memory" else 0
    amount = max(ROUNDED[resource](reason.have), started)
    if amount <= reason.have and (amount >= LEAST[resource] or amount == started > 0):
        yield Change("lower", resource, amount)
    elif reason.have < started and rounding.size(reason.have) >= max(PAGE, need.memory or 0):
        yield Change("build", f"the module to start with at most {size(rounding.size(reason.have))}")
    else:
        yield Change("offer", said(resource, reason.want) + UNITS.get(resource, ""))


def gpu_changes(need: Need, reason: Reason, _terms: Terms) -> Iterator[Change]:
    """Ask for smaller ones, for as many as there are, for any, or for none."""
    have = reason.have if isinstance(reason.have, dict) else {"gpus": reason.have}
    memory = rounding.size(have.get("memory", 0))
    alike = len(need.gpus) == 1
    if alike and memory >= LEAST["gpu memory"]:
        yield Change("lower", "gpu memory", memory)
    if alike and have["gpus"] and "memory" not in have:
        yield Change("lower", "gpu", have["gpus"])
    if "all" in have:
        yield Change("relax", "GPUs of any kind")
    yield Change("omit", "GPU")


def import_changes(need: Need, reason: Reason, terms: Terms) -> Iterator[Change]:
    """An import that the module's own WASI generation gives goes with the generation; others have to be linked in."""
    generations = {item.platform.variant for item in need.wanted}
    if any(wasi.called(item) == reason.want and wasi.provided(item, generations) for item in need.imports):
        yield from platform_changes(need, reason, terms)
    else:
        yield Change("build", f"the module without the import {reason.want}")


def scheduled(_need: Need, reason: Reason, _terms: Terms) -> Iterator[Change]:
    """Remove every cause that is known; nothing makes a compute node of a requester."""
    remedy = obstacles.remedy(reason.have or ())
    if remedy:
        yield Change("schedule", remedy)


def _one(kind: str, target: str = "") -> Maker:
    """The same change for every node; ``{want}`` in its target stands for what was wanted."""

    def make(_need: Need, reason: Reason, _terms: Terms) -> Iterator[Change]:
        yield Change(kind, target.format(want=said(reason.code, reason.want)))

    return make


def _raised(_need: Need, reason: Reason, _terms: Terms) -> Iterator[Change]:
    yield Change("raise", "memory", reason.want)


def _network(_need: Need, reason: Reason, _terms: Terms) -> Iterator[Change]:
    yield Change("network", reason.have[-1])


CHANGES: dict[str, Maker] = {
    "unschedulable": scheduled,
    "engine": _one("install", "{want}"),
    "unknown_engines": _one("probe"),
    **dict.fromkeys(("platform", "no_platform"), platform_changes),
    **dict.fromkeys(("only_compatible", "only_emulated"), allowed),
    **dict.fromkeys(("cpu_level", "mislabelled"), own),
    "feature": _one("build", "the module without the feature {want}"),
    "import": import_changes,
    "network": _network,
    "module_memory": _raised,
    **dict.fromkeys(("engine_memory", "cpu", "cpu_limit", "memory", "memory_limit", "disk", "disk_limit"), lower),
    **dict.fromkeys(("gpu", "gpu_limit"), gpu_changes),
    "constraint": _one("drop", "{want}"),
    "source": _one("enable", "{want} source"),
    "publisher": _one("enable", "{want} publisher"),
}
"""By the code of a reason, what makes its changes: of the need, the reason, and the terms of the decision."""


def changes(need: Need, reason: Reason, terms: Terms = TERMS) -> Iterator[Change]:
    """Every change that alone removes a reason, cheapest first; those of kinds in UNSURE may not be enough."""
    return CHANGES[reason.code](need, reason, terms)


def remedied(need: Need, found: Reason, terms: Terms = TERMS) -> Reason:
    """The reason with its cheapest remedy."""
    cheapest = next(changes(need, found, terms), None)
    return found if cheapest is None else structs.replace(found, remedy=str(cheapest))
