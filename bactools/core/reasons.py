"""Why a node does not fit: one sentence for one node, one clause for many, from one table; and amounts in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bactools.core.records import Reason

if TYPE_CHECKING:
    from collections.abc import Callable

# code: (said of one node, said of several); {want} is filled in
PHRASES: dict[str, tuple[str, str]] = {
    "unschedulable": ("takes no jobs", "take no jobs"),
    "engine": ("has no {want} engine", "have no {want} engine"),
    "unknown_engines": ("does not say which engines it has", "do not say which engines they have"),
    "no_platform": ("has nothing to run: no platform is offered", "have nothing to run: no platform is offered"),
    "platform": ("does not run {want}", "do not run {want}"),
    "only_compatible": ("runs {want} only as a compatible platform", "run {want} only as a compatible platform"),
    "only_emulated": ("runs {want} only by emulation", "run {want} only by emulation"),
    "cpu_level": ("has no {want} CPU, which the program needs", "have no {want} CPU, which the program needs"),
    "mislabelled": (
        "does not run {want}, which the program is whatever its label says",
        "do not run {want}, which the program is whatever its label says",
    ),
    "feature": ("lacks the WebAssembly feature {want}", "lack the WebAssembly feature {want}"),
    "import": ("does not provide the import {want}", "do not provide the import {want}"),
    "network": ("gives WebAssembly no network of type {want}", "give WebAssembly no network of type {want}"),
    "module_memory": (
        "would give the module less than the {want} that it starts with",
        "would give the module less than the {want} that it starts with",
    ),
    "engine_memory": (
        "has an engine that gives a job less than {want} of memory",
        "have an engine that gives a job less than {want} of memory",
    ),
    "cpu": ("has fewer than {want}", "cannot give {want}"),
    "cpu_limit": ("lets a job have fewer than {want}", "let a job have fewer than {want}"),
    "memory": ("has less than {want} of memory", "cannot give {want} of memory"),
    "memory_limit": ("lets a job have less than {want} of memory", "let a job have less than {want} of memory"),
    "disk": ("has less than {want} of disk", "cannot give {want} of disk"),
    "disk_limit": ("lets a job have less than {want} of disk", "let a job have less than {want} of disk"),
    "gpu": ("has fewer than {want}", "cannot give {want}"),
    "gpu_limit": ("lets a job have fewer than {want}", "let a job have fewer than {want}"),
    "constraint": ("does not satisfy {want}", "do not satisfy {want}"),
    "source": ("has no {want} source", "have no {want} source"),
    "publisher": ("has no {want} publisher", "have no {want} publisher"),
}

LIMIT = "_limit"
"""The end of the codes of reasons that are about what a node's owner lets one job have."""

ABOUT_THE_PLATFORM = frozenset(
    {
        "engine",
        "platform",
        "no_platform",
        "only_compatible",
        "only_emulated",
        "cpu_level",
        "mislabelled",
        "feature",
        "import",
    }
)
"""Codes of reasons that hold whatever the node's labels say and however much it has."""

SIZE_UNITS: tuple[tuple[str, int], ...] = (
    ("PB", 10**15),
    ("PiB", 2**50),
    ("TB", 10**12),
    ("TiB", 2**40),
    ("GB", 10**9),
    ("GiB", 2**30),
    ("MB", 10**6),
    ("MiB", 2**20),
    ("kB", 10**3),
    ("KiB", 2**10),
)


def size(count: float) -> str:
    """Bytes in the unit that says them exactly and shortest, with at most three decimals: ``8 GB``, ``512 MiB``."""
    whole = int(count)
    said = [
        f"{whole // unit}{f'.{whole * 1000 // unit % 1000:03}'.rstrip('.0')} {name}"
        for name, unit in SIZE_UNITS
        if whole >= unit and whole * 1000 % unit == 0
    ]
    return min(said, key=len) if said else f"{whole} byte{'s' * (whole != 1)}"


def cores(count: float) -> str:
    """A number of cores: ``1 core``, ``1.5 cores``."""
    return f"{count:.15g} core{'s' * (count != 1)}"


def gpus(count: int | str) -> str:
    """A number of GPUs; what is said of their kind stays as it is."""
    return f"{count} GPU{'s' * (count != 1)}" if isinstance(count, int) else count


MEASURES: dict[str, Callable[[Any], str]] = {
    "cpu": cores,
    "memory": size,
    "disk": size,
    "gpu": gpus,
    "gpu memory": size,
}
"""How the amount of a resource is said."""


def resource_of(code: str) -> str:
    """The resource that a reason is about, if it is about one."""
    return "memory" if code in ("module_memory", "engine_memory") else code.removesuffix(LIMIT)


def said(code: str, want: Any) -> str:
    """What was wanted, in a sentence: alternatives are joined by ``or``."""
    resource = resource_of(code)
    if resource in MEASURES:
        return MEASURES[resource](want)
    return " or ".join(want) if isinstance(want, list) else str(want)


def reason(code: str, want: Any = None, have: Any = None, more: str = "") -> Reason:
    """A reason whose message is made from the table, with ``more`` about one node at its end."""
    return Reason(code, PHRASES[code][0].format(want=said(code, want)) + more, want, have)


def clause(code: str, want: str, nodes: int) -> str:
    """How many nodes have a reason: ``8 do not run linux/arm64``. ``want`` is what ``said`` made of it."""
    return f"{nodes} {PHRASES[code][nodes != 1].format(want=want)}"
