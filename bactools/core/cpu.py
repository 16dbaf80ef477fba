"""The variant of a processor, from what the kernel says of it: its machine name and /proc/cpuinfo.

An unknown variant is None; an architecture that has no variants here, or is at its lowest, is "". What cpuinfo says
in the words of another architecture says nothing: an emulated process sees the cpuinfo of the host.
"""

from __future__ import annotations

import re
from itertools import takewhile
from typing import TYPE_CHECKING

from bactools.core import cpu_levels as levels

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

_POWER = re.compile(r"^cpu\s*:\s*POWER\s?([0-9]{1,2})", re.MULTILINE | re.IGNORECASE)


def variant(architecture: str, machine: str, cpuinfo: str) -> str | None:
    """The variant of a host of this Go architecture, in the words of ``bactools.core.platforms``.

    amd64: ``v1`` to ``v4``. arm: ``v5`` to ``v8``. arm64: "", ``v8.1`` to ``v8.9``, ``v9`` to ``v9.4``. ppc64le:
    ``power8`` to ``power10``. riscv64: "" or a profile. All others, s390x among them, have no names for levels: "".
    ``machine`` is uname's; ``cpuinfo`` is the text of /proc/cpuinfo, "" where there is none.
    """
    if architecture == "arm":
        return arm_variant(machine, cpuinfo)
    reader = {"amd64": amd64_level, "arm64": arm64_level, "ppc64le": ppc64le_level, "riscv64": riscv64_profile}
    return reader[architecture](cpuinfo) if architecture in reader else ""


def amd64_level(cpuinfo: str) -> str | None:
    """The highest level all of whose features, and those of the levels below, the first processor has."""
    flags = _words(cpuinfo, "flags")
    return None if flags is None else _highest(_reached(levels.AMD64, flags)) or "v1"


def arm64_level(cpuinfo: str) -> str | None:
    """The highest version of the architecture that the processors have at least.

    Linux prints for every processor what all of them have.
    """
    features = _words(cpuinfo, "Features")
    if features is None or "asimd" not in features:
        return None
    eighth = _reached(levels.ARM64, features)
    ninth = {name: adds | {base} for name, (base, adds) in levels.ARM64_V9.items()}
    return _highest(_reached(ninth, features.union(eighth)) or eighth)


def arm_variant(machine: str, cpuinfo: str) -> str | None:
    """The architecture version of a 32-bit ARM, from uname's ``armv7l``, else from cpuinfo.

    uname goes first: a Raspberry Pi Zero's cpuinfo calls its ARMv6 processor architecture 7, and an
    emulated process sees the cpuinfo of the host.
    """
    version = re.match(r"armv([5-8])", machine) or re.search(r"^CPU architecture\s*:\s*([5-8])", cpuinfo, re.MULTILINE)
    return f"v{version[1]}" if version else None


def ppc64le_level(cpuinfo: str) -> str | None:
    """The level of the processor that Linux names; one in the mode of an older one has that one's name."""
    named = _POWER.search(cpuinfo)
    if named is None:
        return None
    return levels.PPC64LE.get(min(int(named[1]), max(levels.PPC64LE)), "")


def riscv64_profile(cpuinfo: str) -> str | None:
    """The highest profile that every hart has at least; "" where even the first is not there."""
    harts = [_extensions(isa) for isa in re.findall(r"^isa\s*:\s*rv64(\S+)\n", cpuinfo, re.MULTILINE)]
    return _highest(_reached(levels.RISCV64, frozenset.intersection(*harts))) if harts else None


def _words(cpuinfo: str, field: str) -> frozenset[str] | None:
    """The words of a field of the first processor that has it; a line without an end may have lost some."""
    listed = re.search(rf"^{field}\s*:(.*)\n", cpuinfo, re.MULTILINE)
    return None if listed is None else frozenset(listed[1].split())


def _reached(ladder: Mapping[str, AbstractSet[str]], features: AbstractSet[str]) -> list[str]:
    """The levels before the first that lacks something, lowest first."""
    return list(takewhile(lambda name: ladder[name] <= features, ladder))


def _highest(reached: list[str]) -> str:
    return reached[-1] if reached else ""


def _extensions(isa: str) -> frozenset[str]:
    """The extensions of ``imafdcv_zicsr_zba``, also those that are in others; g is Linux's own old word for imafd."""
    single, *named = isa.lower().split("_")
    found = {*single.replace("g", "imafd"), *named}
    return frozenset(found.union(*(levels.RISCV64_PARTS.get(name, frozenset()) for name in found)))
