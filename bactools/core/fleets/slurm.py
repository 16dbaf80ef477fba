"""A node of ``scontrol show nodes --json`` or of slurmrestd's /nodes, from v0.0.37 on.

Slurm runs programs: whether a node has a container engine, only the features tell that its owner gave it. If they
name none, one is assumed, and the node says so in a warning. What is available is what jobs have not been given.
Source: slurm.schedmd.com, REST API, v0.0.37 to v0.0.42 (node); gres.conf(5); scontrol(1), NODE STATE CODES.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET, UnsetType

from bactools.core import obstacles
from bactools.core.errors import BacError
from bactools.core.fleets import stated
from bactools.core.records import Engine, Gpu, Node, Resources

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTAINERS = ("docker", "podman", "apptainer", "singularity", "enroot", "charliecloud", "sarus", "shifter")
SHOWN = 60
ASSUMED = "Slurm does not say whether containers run here: a feature named docker or wasm would"
# States and flags under which a node takes no job from just anybody.
UNUSABLE = frozenset(
    """
    DOWN DRAIN DRAINED DRAINING FAIL FAILING ERROR UNKNOWN FUTURE NOT_RESPONDING NO_RESPOND MAINT MAINTENANCE RESERVED
    INVAL INVALID INVALID_REG BLOCKED REBOOT REBOOT_ISSUED REBOOT_REQUESTED POWERING_DOWN
    """.split()
)
DRAINING = frozenset({"DRAIN", "DRAINED", "DRAINING"})
# How Slurm writes that it does not know a number of 32 or of 64 bits, before it had objects for that.
UNKNOWN_NUMBERS = (-2, -1, 2**32 - 2, 2**32 - 1, 2**64 - 2, 2**64 - 1)
_GPU = re.compile(
    r"gpu(?::(?P<type>[^:,()=]+?))??(?::no_consume)?(?::(?P<count>[0-9]{1,18})(?P<unit>[KMGTP]?))?", re.IGNORECASE
)
# gres.conf(5), Count: a number with a suffix is multiplied by so many 1024s.
_UNITS = ("", "K", "M", "G", "T", "P")
_PARENTHESES = re.compile(r"\([^()]*\)")


class Number(msgspec.Struct):
    """A number that may be unknown or without limit."""

    set: bool = True
    infinite: bool = False
    number: float = 0


Amount = int | float | Number | None
Words = list[str] | str | None


class SlurmNode(msgspec.Struct):
    """The object. Memory and disk are in MiB; before v0.0.39 lists were texts, and free_mem was free_memory."""

    name: str
    hostname: str | None = None
    cluster_name: str | None = None
    architecture: str | None = None
    operating_system: str | None = None
    state: Words = None
    state_flags: Words = None
    features: Words = None
    active_features: Words = None
    partitions: Words = None
    cpus: Amount = None
    effective_cpus: Amount = None
    alloc_cpus: Amount = None
    real_memory: Amount = None
    specialized_memory: Amount = None
    alloc_memory: Amount = None
    free_mem: Amount = None
    free_memory: Amount = None
    temporary_disk: Amount = None
    gres: Words = None
    gres_used: Words = None


def node(raw: msgspec.Raw) -> Node:
    """A Slurm node as a node record. Raises msgspec.DecodeError, BacError ``bad_nodes``.

    Each feature is a label with the value true, and so is each partition, as ``partition/NAME``.
    """
    found = msgspec.json.decode(raw, type=SlurmNode, strict=False)
    here = stated.host(*host_words(found))
    features = words(found.active_features) or words(found.features)
    offered = list(engines(features, here))
    hindered = list(hindrances(states(found)))
    names = features + [f"partition/{name}" for name in words(found.partitions)]
    return Node(
        id=f"{found.cluster_name}/{found.name}" if found.cluster_name else found.name,
        name=found.name,
        os=here.os or UNSET,
        architecture=here.architecture or UNSET,
        engines=offered or [stated.containers(here)] if here.stated else UNSET,
        resources=resources(found),
        available=available(found),
        labels=dict.fromkeys(names, "true"),
        schedulable=not hindered,
        warnings=hindered + [ASSUMED] * (not offered and here.stated) or UNSET,
    )


def host_words(found: SlurmNode) -> tuple[str | None, str | None]:
    """The first word of what uname says of the system, and the architecture; a node that never came up has neither."""
    system = (found.operating_system or "").split()
    return (system[0].lower() if system else None), found.architecture


def words(value: Words) -> list[str]:
    """A list, or a text with commas, or one of Slurm's ways to say that there is none."""
    items = value if isinstance(value, list) else (value or "").split(",")
    return [item.strip() for item in items if item.strip() not in ("", "(null)", "N/A")]


def states(found: SlurmNode) -> set[str]:
    """The state and its flags in capitals, without the signs that stand for flags, such as the star of ``down*``."""
    said = [part for item in words(found.state) + words(found.state_flags) for part in item.split("+")]
    return {part.strip("*~#!%$@^-").upper() for part in said}


def hindrances(said: set[str]) -> Iterator[str]:
    """Why it takes no job from just anybody, by its states and flags."""
    if said & DRAINING:
        yield obstacles.DRAINED
    others = sorted(said & UNUSABLE - DRAINING)
    if others:
        yield obstacles.caused(obstacles.NOT_READY, ", ".join(others))


def engines(features: list[str], here: stated.Host) -> Iterator[Engine]:
    """The engines that features name."""
    for name in map(str.lower, features):
        if name in CONTAINERS:
            yield stated.containers(here, runtime=None if name == "docker" else name)
        elif stated.is_wasm(name):
            yield stated.modules(None if name == "wasm" else name)


def number(value: Amount) -> float | None:
    """A number, if Slurm knows it."""
    if isinstance(value, Number):
        return value.number if value.set and not value.infinite else None
    return None if value is None or value in UNKNOWN_NUMBERS else value


def mebibytes(value: Amount) -> int | None:
    """An amount of MiB in bytes."""
    known = number(value)
    return None if known is None else int(known * stated.MIB)


def resources(found: SlurmNode) -> Resources:
    """What the node has; Slurm hands out no GPU that is not among its generic resources."""
    return stated.resources(
        cpu=number(found.cpus),
        memory=mebibytes(found.real_memory),
        disk=mebibytes(found.temporary_disk) or None,
        gpus=[] if found.gres is None else graphics(counted(found.gres)),
    )


def available(found: SlurmNode) -> Resources | UnsetType:
    """What is neither given to jobs nor kept for the system; memory that the kernel has free where that is not said."""
    cpus, given = number(found.effective_cpus) or number(found.cpus), number(found.alloc_cpus)
    memory, used = mebibytes(found.real_memory), mebibytes(found.alloc_memory)
    if memory is not None and used is not None:
        memory = max(memory - used - (mebibytes(found.specialized_memory) or 0), 0)
    else:
        memory = mebibytes(found.free_mem) if found.free_mem is not None else mebibytes(found.free_memory)
    gpus: list[Gpu] | UnsetType = UNSET
    if found.gres_used is not None:
        gpus = graphics(left(counted(found.gres or ""), counted(found.gres_used)))
    cpu = None if cpus is None or given is None else max(cpus - given, 0)
    return stated.resources(cpu=cpu, memory=memory, gpus=gpus)


def counted(gres: Words) -> Counter[str]:
    """How many GPUs of each type, of ``gpu:a100:4(S:0-1),shard:8``; the type of those without one is the empty text.

    Raises BacError ``bad_nodes``.
    """
    found: Counter[str] = Counter()
    for item in [gres] if isinstance(gres, str) else gres or ():
        for part in words(_PARENTHESES.sub("", item)):
            gpu = _GPU.fullmatch(part)
            if gpu:
                found[gpu["type"] or ""] += int(gpu["count"] or 1) * 1024 ** _UNITS.index((gpu["unit"] or "").upper())
            elif part.lower().startswith("gpu:"):
                raise BacError("bad_nodes", f"gres is {part[:SHOWN]!r}, which is no number of GPUs")
    return found


def left(total: Counter[str], used: Counter[str]) -> Counter[str]:
    """What is not used; uses of no known type are taken from the types in their order."""
    found = Counter(total)
    for name, count in used.items():
        for candidate in [name] if name in total else list(total):
            taken = min(found[candidate], count)
            found[candidate] -= taken
            count -= taken  # noqa: PLW2901
    return found


def graphics(counts: Counter[str]) -> list[Gpu]:
    """So many GPUs by type. Slurm knows neither their vendor nor their memory."""
    return [gpu for name, count in counts.items() for gpu in stated.repeated(Gpu(name=name or None), count)]
