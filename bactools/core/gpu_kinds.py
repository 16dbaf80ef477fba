"""Graphics processors that a job asks for, by kind, held against those that a node has.

What a node does not say of a GPU is not held against it. Vendors have several names: Bacalhau writes ``AMD/ATI``.
"""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from bactools.core.errors import BacError
from bactools.core.reasons import gpus as counted
from bactools.core.reasons import size

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bactools.core.records import Gpu

MOST_KINDS = 6
"""Every set of kinds is looked at, so their number is limited."""

VENDORS = {"amd/ati": "amd", "ati": "amd", "advanced micro devices": "amd", "nvidia corporation": "nvidia"}
"""Other names of vendors, in lower case."""


class Kind(NamedTuple):
    """What a GPU must be, where it matters; memory in bytes, at least."""

    vendor: str | None = None
    name: str | None = None
    memory: int | None = None


class Shortage(NamedTuple):
    """GPUs that are wanted and not there: how many of which kinds, and how many there are.

    ``memory`` is how much each has of as many as are wanted, in bytes, if nothing but their memory is too small;
    ``all`` is how many there are of any kind, if those would be enough for the whole job.
    """

    kinds: tuple[Kind, ...]
    want: int
    have: int
    memory: int | None = None
    all: int = 0


def kinds(wanted: Iterable[Gpu]) -> tuple[tuple[Kind, int], ...]:
    """How many GPUs of each kind are wanted, in the order of their first. Raises BacError ``bad_record``."""
    found = Counter(Kind(gpu.vendor, gpu.name, gpu.memory) for gpu in wanted)
    if len(found) > MOST_KINDS:
        raise BacError("bad_record", f"the job asks for {len(found)} kinds of GPU; at most {MOST_KINDS} are told apart")
    return tuple(found.items())


def shortage(wanted: Sequence[tuple[Kind, int]], have: Sequence[Gpu]) -> Shortage | None:
    """The smallest set of kinds for which there are too few GPUs; None where each wanted one can have its own.

    That is so when every set of kinds finds as many GPUs as it asks for (Hall's theorem).
    """
    for several in range(1, len(wanted) + 1):
        for chosen in combinations(wanted, several):
            group = tuple(kind for kind, _ in chosen)
            want = sum(count for _, count in chosen)
            able = sum(any(is_kind(gpu, kind) for kind in group) for gpu in have)
            if able < want:
                enough = len(have) >= sum(count for _, count in wanted)
                return Shortage(group, want, able, _memory(group, want, have), len(have) if enough else 0)
    return None


def is_kind(gpu: Gpu, kind: Kind) -> bool:
    """Whether a GPU is of a kind, as far as is known of it."""
    return (
        _same(gpu.vendor, kind.vendor)
        and _same(gpu.name, kind.name)
        and (kind.memory is None or gpu.memory is None or gpu.memory >= kind.memory)
    )


def said(short: Shortage) -> str | int:
    """What is wanted: a number where any GPU will do, else words: ``2 NVIDIA GPUs of 40 GB``."""
    if short.kinds == (Kind(),):
        return short.want
    if len(short.kinds) > 1:
        return f"{counted(short.want)} ({' or '.join(map(_described, short.kinds))})"
    kind = short.kinds[0]
    model = " ".join(filter(None, (kind.vendor, kind.name, "GPU" + "s" * (short.want != 1))))
    return f"{short.want} {model}" + (f" of {size(kind.memory)}" if kind.memory else "")


def _described(kind: Kind) -> str:
    memory = f"of {size(kind.memory)}" if kind.memory else ""
    return " ".join(filter(None, (kind.vendor, kind.name, memory))) or "any"


def _same(have: str | None, want: str | None) -> bool:
    return not have or not want or _plain(have) == _plain(want)


def _plain(name: str) -> str:
    lower = name.strip().lower()
    return VENDORS.get(lower, lower)


def _memory(group: tuple[Kind, ...], want: int, have: Sequence[Gpu]) -> int | None:
    """How much memory the wanted number of GPUs has that differ from the one wanted kind in nothing else."""
    if len(group) > 1 or not group[0].memory:
        return None
    larger = group[0]._replace(memory=None)
    sizes = sorted((gpu.memory or group[0].memory for gpu in have if is_kind(gpu, larger)), reverse=True)
    return sizes[want - 1] if len(sizes) >= want else None
