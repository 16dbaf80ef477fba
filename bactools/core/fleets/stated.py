"""What node lists state, in the words of a node record: platforms, engines, amounts, labels and times.

An architecture that nobody knows is kept as it was written; if it cannot be a platform, no platform is offered.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from msgspec import UNSET, UnsetType

from bactools.core import platforms, quantities
from bactools.core.errors import BacError
from bactools.core.records import Engine, Gpu, Offer, Resources

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")

MIB = 1024**2
# More would be a mistake, and a list of them a line too long.
LARGEST_GPUS = 4096
LONGEST_NAME = 256
# Docker runs Linux containers in a virtual machine on these.
LINUX_IN_A_MACHINE = ("darwin",)
# What runs WebAssembly calls itself so, in names such as crun-wasm, wasmtime-spin-v1 and kwasm.
WASM_WORDS = re.compile(r"(?:^|[^a-z0-9])(?:k?wasm[a-z0-9]*|wamr|spin|slight|wws|lunatic)(?:$|[^a-z0-9])")
# Go's zero time is of the year 1.
EPOCH = "1970"
_TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})")
_WINDOWS = re.compile(r"[0-9]{1,9}\.[0-9]{1,9}\.[0-9]{1,9}")


class Host(NamedTuple):
    """The system that a node states; ``platform`` is None where it is not stated, or not in the grammar."""

    os: str | None
    architecture: str | None
    platform: platforms.Platform | None

    @property
    def stated(self) -> bool:
        """Whether both of its words are there, whatever they are."""
        return bool(self.os and self.architecture)


def host(os: str | None, architecture: str | None, *, variant: str = "", version: str | None = None) -> Host:
    """The host that these words tell of, in Go's or in uname's names; ``version`` counts on Windows only."""
    if not os or not architecture:
        return Host(os or None, architecture or None, None)
    build = _WINDOWS.match(version or "") if os.lower() == "windows" else None
    try:
        platform = platforms.normalise(platforms.Platform(os, architecture, variant, build[0] if build else ""))
    except BacError:
        return Host(os, architecture, None)
    return Host(platform.os, platform.architecture, platform)


def containers(
    here: Host, *, runtime: str | None = None, version: str | None = None, features: list[str] | UnsetType = UNSET
) -> Engine:
    """An engine that runs container images of the host's platform."""
    platform = here.platform
    if platform is not None and platform.os in LINUX_IN_A_MACHINE:
        platform = platform._replace(os="linux")
    offers = [Offer(str(platform), "assumed")] if platform is not None and platform.engine == "docker" else []
    return Engine("docker", offers, runtime=runtime or UNSET, version=version or UNSET, features=features)


def modules(runtime: str | None = None) -> Engine:
    """An engine that runs WebAssembly; that it knows WASI preview 1 is assumed."""
    return Engine("wasm", [Offer("wasm32/wasi", "assumed")], runtime=runtime or UNSET)


def is_wasm(name: str) -> bool:
    """Whether a runtime, a driver, a feature or a label of this name tells of WebAssembly."""
    return WASM_WORDS.search(name.lower()) is not None


def resources(
    cpu: float | UnsetType | None = UNSET,
    memory: int | UnsetType | None = UNSET,
    disk: int | UnsetType | None = UNSET,
    gpus: list[Gpu] | UnsetType = UNSET,
) -> Resources:
    """Cores, bytes, bytes and GPUs; None is not stated. Raises BacError ``bad_nodes`` for what cannot be."""
    found = Resources(cpu=or_unset(cpu), memory=or_unset(memory), disk=or_unset(disk), gpus=gpus)
    for name, value, largest in (
        ("cpu", found.cpu, quantities.LARGEST_CPU),
        ("memory", found.memory, quantities.LARGEST_SIZE),
        ("disk", found.disk, quantities.LARGEST_SIZE),
    ):
        if value is not UNSET and value is not None and not 0 <= value <= largest:
            raise BacError("bad_nodes", f"{name} is {value}, which is not between 0 and {largest}")
    if isinstance(gpus, list) and len(gpus) > LARGEST_GPUS:
        raise BacError("bad_nodes", f"it states {len(gpus)} GPUs, which is more than {LARGEST_GPUS}")
    for gpu in gpus if isinstance(gpus, list) else ():
        if gpu.memory is not None and not 0 <= gpu.memory <= quantities.LARGEST_SIZE:
            why = f"which is not between 0 and {quantities.LARGEST_SIZE}"
            raise BacError("bad_nodes", f"the memory of a GPU is {gpu.memory}, {why}")
    return found


def or_unset(value: T | UnsetType | None) -> T | UnsetType:
    """The value, or that it is not stated."""
    return UNSET if value is None else value


def repeated(gpu: Gpu, count: float) -> list[Gpu]:
    """So many of a GPU. Raises BacError ``bad_nodes`` for a number or a name of them that cannot be."""
    if gpu.name and len(gpu.name) > LONGEST_NAME:
        raise BacError("bad_nodes", f"the name of a GPU is longer than {LONGEST_NAME} characters")
    if not 0 <= count <= LARGEST_GPUS or count != int(count):
        raise BacError("bad_nodes", f"it states {count} GPUs, which is not a whole number up to {LARGEST_GPUS}")
    return [gpu] * int(count)


def labels(stated: Mapping[str, object] | None) -> dict[str, str]:
    """Labels as text, however YAML or JSON had them."""
    return {key: as_text(value) for key, value in (stated or {}).items()}


def as_text(value: object) -> str:
    """A label's value: text as it is, nothing for null, and true for True."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def moment(stated: str | None) -> str | UnsetType:
    """A time as node records have it, RFC 3339 in UTC to the second; absent if it is none."""
    found = _TIME.fullmatch(stated or "")
    if not found or found[1] < EPOCH:
        return UNSET
    try:
        local = datetime.fromisoformat(found[1] + found[2].replace("Z", "+00:00"))
        return local.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError):
        return UNSET
