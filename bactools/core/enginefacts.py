"""What is known of a Docker engine: its two answers taken apart.

It answers ``GET /version`` in Go's names and ``GET /info`` in uname's. Both are taken apart here,
whether they come from an engine or from files that were captured of one. What is missing or has another shape
is unknown, but for what every engine tells: its version and its platform.
"""

from __future__ import annotations

import re
from typing import Any, Literal, NamedTuple

from bactools.core import platforms
from bactools.core.errors import BacError

ROOTLESS = "name=rootless"
"""How an engine's ``SecurityOptions`` say that it runs without root (Engine API, SystemInfo)."""
PODMAN = "Podman"
"""How the name of podman's own component starts (``Podman Engine``) in its answer to ``GET /version``."""
UNTOLD = "<unknown>"
"""What moby says of a kernel whose release it cannot read (daemon/info.go, kernelVersion)."""
_RELEASE = r"(?s)([0-9]{1,9})\.([0-9]{1,9})(?:\.([0-9]{1,9}))?(.*)"


class DockerFacts(NamedTuple):
    """An engine of containers: ``os``, ``architecture`` and ``variant`` in Go's names; cores and bytes.

    ``local`` if it runs on this host's kernel; ``address`` holds no secret; ``runtimes`` are the names of its OCI
    runtimes. ``kernel`` and ``name`` are the kernel's release and the host name where it runs. None: not told.
    """

    version: str
    os: str
    architecture: str
    variant: str = ""
    local: bool = False
    address: str = ""
    runtime: Literal["docker", "podman"] = "docker"
    runtimes: tuple[str, ...] = ()
    rootless: bool | None = None
    cpu: float | None = None
    memory: int | None = None
    kernel: str | None = None
    name: str | None = None


def docker(version: object, info: object, address: str, local: bool) -> DockerFacts:
    """The facts in the parsed answers to ``GET /version`` and ``GET /info`` (None: there is none).

    ``local``: the engine was reached within this host, which ``on_host`` holds against its kernel. Raises BacError
    ``engine_failed`` where the first answer does not tell a version and a platform.
    """
    told, more = _mapping(version), _mapping(info)
    number, system, architecture = (_text(told.get(name)) for name in ("Version", "Os", "Arch"))
    if not (number and system and architecture):
        raise BacError("engine_failed", "the Docker engine does not tell its platform", hint="Is it a Docker engine?")
    options, cores = more.get("SecurityOptions"), _amount(more.get("NCPU"))
    return DockerFacts(
        version=number,
        os=system,
        architecture=architecture,
        variant=_variant(system, architecture, _text(more.get("Architecture"))),
        local=local,
        address=address,
        runtime="podman" if _is_podman(told.get("Components")) else "docker",
        runtimes=tuple(sorted(_mapping(more.get("Runtimes")))),
        rootless=any(_is_rootless(item) for item in options) if isinstance(options, list) else None,
        cpu=None if cores is None else float(cores),
        memory=_amount(more.get("MemTotal")),
        kernel=_kernel(more.get("KernelVersion")) or _kernel(told.get("KernelVersion")),
        name=_text(more.get("Name")),
    )


def on_host(facts: DockerFacts, kernel: str, hostname: str, *, told: bool = False) -> DockerFacts:
    """The facts, ``local`` only where the engine names this host's kernel (uname's release) and host name as its own.

    Also a socket of this host may lead into a virtual machine (Docker Desktop) or, forwarded, to another host, which
    has neither the CPU nor the emulators of this one. What the engine does not tell speaks against nothing, unless
    it has to be ``told``, as by an engine that was reached through the network. A container that was handed its
    host's socket has a name of its own, and so is told less than there is.
    """
    kernels = facts.kernel and _release(facts.kernel), _release(kernel)
    same = all(said == own or not (said or told) for said, own in (kernels, (facts.name, hostname)))
    return facts._replace(local=facts.local and same)


def _release(text: str) -> str:
    """A kernel's release as moby prints it, with three numbers (pkg/parsers/kernel): 3.12-1-amd64 is 3.12.0-1-amd64."""
    found = re.fullmatch(_RELEASE, text)
    return f"{int(found[1])}.{int(found[2])}.{int(found[3] or 0)}{found[4]}" if found else text


def _variant(system: str, architecture: str, machine: str | None) -> str:
    """The variant that uname's name fixes, as ``armv6l`` does, if it is one of this architecture."""
    if machine is None:
        return ""
    try:
        found = platforms.parse(f"{system}/{machine}")
    except BacError:
        return ""
    return found.variant if found.architecture == architecture and machine != architecture else ""


def _is_podman(components: object) -> bool:
    named = [_text(_mapping(item).get("Name")) for item in components] if isinstance(components, list) else []
    return any(name.startswith(PODMAN) for name in named if name)


def _is_rootless(option: object) -> bool:
    return isinstance(option, str) and option.partition(",")[0] == ROOTLESS


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _kernel(value: object) -> str | None:
    return None if value == UNTOLD else _text(value)


def _amount(value: object) -> int | None:
    """A number above zero, which is what an engine says that cannot tell."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
