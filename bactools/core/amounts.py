"""How much a job asks for beyond what a node has free, or has at all, or lets one job have.

What a node does not state is not held against it. Cores, bytes, and GPUs by kind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bactools.core import gpu_kinds
from bactools.core.needs import amount
from bactools.core.reasons import LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from msgspec import UnsetType

    from bactools.core.needs import Need
    from bactools.core.records import Gpu, Resources


class Short(NamedTuple):
    """A resource of which too much is wanted: the reason's code, what is wanted and what there is.

    Of GPUs that are too small, ``have`` says how many there are and how much ``memory`` each has at least; of GPUs
    of another kind, how many are of the right one, and how many there are in ``all`` where those would be enough.
    ``free``: held against what is free, not against what there is.
    """

    code: str
    want: float | str
    have: float | dict[str, int]
    free: bool = False


def shortages(
    need: Need,
    resources: Resources | UnsetType | None,
    available: Resources | UnsetType | None,
    limits: Resources | UnsetType | None,
) -> Iterator[Short]:
    """What a node falls short of, by what it has (``available`` before ``resources``), and by its limits."""
    for name, wanted in need.amounts:
        for code, have in ((name, offered(resources, available, name)), (name + LIMIT, offered(limits, None, name))):
            if have is not None and wanted > have:
                yield Short(code, wanted, have, code == name and is_free(available, name))
    if need.gpus:
        for code, cards in (("gpu", offered_gpus(resources, available)), ("gpu" + LIMIT, offered_gpus(limits, None))):
            short = None if cards is None else gpu_kinds.shortage(need.gpus, cards)
            if short:
                yield Short(code, gpu_kinds.said(short), there(short), code == "gpu" and is_free(available, "gpus"))


def there(short: gpu_kinds.Shortage) -> float | dict[str, int]:
    """The GPUs that a node has instead."""
    if short.memory:
        return {"gpus": short.want, "memory": short.memory}
    return {"gpus": short.have, "all": short.all} if short.all else short.have


def is_free(available: Resources | UnsetType | None, name: str) -> bool:
    """Whether what a node has to give of a resource is what it says to be free."""
    return bool(available) and isinstance(getattr(available, name), int | float | list)


def offered(
    resources: Resources | UnsetType | None, available: Resources | UnsetType | None, name: str
) -> float | None:
    """How much of ``cpu``, ``memory`` or ``disk`` a node has to give; None when it does not say."""
    have = amount(available, name) if available else None
    return amount(resources, name) if have is None and resources else have


def offered_gpus(resources: Resources | UnsetType | None, available: Resources | UnsetType | None) -> list[Gpu] | None:
    """The GPUs that a node has to give; None when it does not say."""
    for stated in (available, resources):
        if stated and isinstance(stated.gpus, list):
            return stated.gpus
    return None
