"""What a container gets, in the terms of the engine's API: decided here once, for running it and for showing it.

A job gets what it asks for and little else: no network, no privilege that it did not bring, the capabilities that
images need to set up files and users, a limit to its processes. Nothing here looks at the host.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bactools.core.errors import BacError
from bactools.core.loosening import capability

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from bactools.core.ports import Port
    from bactools.core.running import Mount, Run

PIDS = 4096
"""Processes and threads of one container; a fork bomb ends there, and no honest job of one host needs more."""

CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETPCAP", "SETUID")
"""Of Docker's own default those with which an image's entry script gives files away, changes to its user and stops its
children. Left out: NET_RAW, NET_BIND_SERVICE, MKNOD, AUDIT_WRITE, SETFCAP and SYS_CHROOT."""

SMALLEST_CPU = 0.01
"""Cores; an engine takes no less (Docker: "Range of CPUs is from 0.01")."""

SMALLEST_MEMORY = 6 * 1024 * 1024
"""Bytes; an engine takes no less (Docker: "--memory … minimum allowed value is 6m")."""

HOST_NAME = ("host.docker.internal", "host-gateway")
"""The name by which a job with a network reaches this host, as Bacalhau gives it, and the engine's word for it."""

NO_CORES = ("core", 0, 0)
"""A crash leaves no memory image among the results."""

NO_NEW_PRIVILEGES = "no-new-privileges"
NVIDIA, AMD, INTEL = "NVIDIA", "AMD", "Intel"


class Gpus(NamedTuple):
    """The GPUs of a host: for each what an engine is to be given, a device's ID (NVIDIA) or its files under /dev.

    ``shared`` are the files that every one of them needs. Without ``devices``, NVIDIA's runtime chooses by count.
    """

    vendor: str
    devices: tuple[tuple[str, ...], ...] = ()
    shared: tuple[str, ...] = ()


class GpuRequest(NamedTuple):
    """A request to NVIDIA's runtime: so many, or these."""

    number: int
    ids: tuple[str, ...]


class Options(NamedTuple):
    """One container. Memory in bytes, CPU in cores; None: the image's or the engine's own."""

    image: str
    platform: str
    command: tuple[str, ...]
    entrypoint: str | None
    environment: Mapping[str, str]
    workdir: str | None
    mounts: tuple[Mount, ...]
    network: str
    ports: tuple[Port, ...]
    extra_hosts: tuple[tuple[str, str], ...]
    memory: int | None
    cpu: float | None
    pids: int
    ulimits: tuple[tuple[str, int, int], ...]
    security: tuple[str, ...]
    cap_drop: tuple[str, ...]
    cap_add: tuple[str, ...]
    devices: tuple[str, ...]
    gpus: GpuRequest | None
    labels: Mapping[str, str]
    init: bool = True
    """As process 1 a program would not hear SIGTERM."""
    log_driver: str = "none"
    """What is printed comes by the attached connection; the engine need not keep it too."""


def options(wanted: Run, image: str, platform: str, labels: Mapping[str, str], gpus: Gpus | None = None) -> Options:
    """What the container of a run gets; ``gpus`` are those of the host.

    Raises BacError ``unsupported`` for GPUs that the host does not have.
    """
    # The CLI takes one word as entrypoint, and an engine runs the same whichever of both lists a word stands in.
    first, rest = (wanted.entrypoint[0], wanted.entrypoint[1:]) if wanted.entrypoint else (None, ())
    files, request = _gpus(wanted.gpus, gpus)
    return Options(
        image=image,
        platform=platform,
        command=(*rest, *wanted.arguments),
        entrypoint=first,
        environment=wanted.environment,
        workdir=wanted.working_directory,
        mounts=wanted.mounts,
        network=wanted.network,
        ports=wanted.ports if wanted.network == "bridge" else (),
        extra_hosts=() if wanted.network == "none" else (HOST_NAME,),
        memory=wanted.memory,
        cpu=None if wanted.cpu is None else max(SMALLEST_CPU, wanted.cpu),
        pids=wanted.pids or PIDS,
        ulimits=(NO_CORES,),
        security=() if wanted.privileges else (NO_NEW_PRIVILEGES,),
        cap_drop=("ALL",),
        cap_add=tuple(sorted({*CAPABILITIES, *map(capability, wanted.capabilities)})),
        devices=files,
        gpus=request,
        labels=labels,
    )


def check(cpu: float | None, memory: int | None, cores: int) -> None:
    """Refuse cores that the engine's host has not (0: their number is unknown), and memory that no engine limits to.

    Raises BacError ``unsupported``.
    """
    if cpu is not None and cores and cpu > cores:
        hint = f"Ask for {cores} or less, or run it on a node that has more."
        raise BacError("unsupported", f"the job asks for {cpu:g} cores; the Docker engine here has {cores}", hint=hint)
    if memory is not None and memory < SMALLEST_MEMORY:
        message = f"the job asks for {memory} bytes of memory; the Docker engine gives no less than {SMALLEST_MEMORY}"
        raise BacError("unsupported", message, hint="Ask for 6 MiB or more.")


def preferred(vendors: Collection[str]) -> str | None:
    """The vendor whose GPUs jobs get on a host that has several: the one that most images are made for."""
    return next((vendor for vendor in (NVIDIA, AMD, INTEL) if vendor in vendors), next(iter(vendors), None))


def _gpus(count: int, host: Gpus | None) -> tuple[tuple[str, ...], GpuRequest | None]:
    """The device files and the request for ``count`` of the host's GPUs."""
    if not count:
        return (), None
    if host is None:
        raise _no_gpu(count, "this host has none that bac-exec knows", "Run it on a node that has one.")
    if host.vendor not in (NVIDIA, AMD, INTEL):
        raise _no_gpu(count, f"those here are of {host.vendor}", f"Known are {NVIDIA}, {AMD} and {INTEL}.")
    if len(host.devices) < count and (host.devices or host.vendor != NVIDIA):
        raise _no_gpu(count, f"this host has {len(host.devices)}", "Ask for fewer.")
    chosen = tuple(part for device in host.devices[:count] for part in device)
    if host.vendor == NVIDIA:
        return (), GpuRequest(0 if chosen else count, chosen)
    return (*host.shared, *chosen), None


def _no_gpu(count: int, why: str, hint: str) -> BacError:
    asked = "a GPU" if count == 1 else f"{count} GPUs"
    return BacError("unsupported", f"the job asks for {asked}; {why}", hint=hint)
