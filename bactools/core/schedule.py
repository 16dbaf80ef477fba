"""Which job may start while others run: within the host's cores and memory, in the order in which jobs came.

A job that does not say what it needs is not counted. No job is passed over for a smaller one behind it, and one that
is larger than the whole host starts alone, since waiting would not make it smaller. A port of the host is one job's,
and so are its GPUs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection

ROUNDING = 1e-9
"""Cores: sums of decimal fractions are not exact."""


class Demand(NamedTuple):
    """What a job takes while it runs: cores and bytes, 0 where it does not say; ports of the host that it names; GPUs.

    Every job with GPUs gets the host's first ones, so two of them cannot run at once.
    """

    cpu: float = 0.0
    memory: int = 0
    ports: frozenset[int] = frozenset()
    gpus: int = 0


class Room(NamedTuple):
    """What there is for all jobs together: how many may run at once, cores and bytes (None: not known, no limit)."""

    jobs: int
    cpu: float | None = None
    memory: int | None = None


def may_start(next_job: Demand, running: Collection[Demand], room: Room) -> bool:
    """Whether the job that is next in turn fits beside those that run."""
    if not running:
        return True
    if len(running) >= room.jobs or any(_clash(next_job, each) for each in running):
        return False
    cpu = next_job.cpu + sum(each.cpu for each in running)
    memory = next_job.memory + sum(each.memory for each in running)
    # A job without a demand of one kind takes nothing of it, however much is taken.
    enough_cpu = room.cpu is None or not next_job.cpu or cpu <= room.cpu + ROUNDING
    enough_memory = room.memory is None or not next_job.memory or memory <= room.memory
    return enough_cpu and enough_memory


def _clash(one: Demand, other: Demand) -> bool:
    return bool(one.ports & other.ports or (one.gpus and other.gpus))
