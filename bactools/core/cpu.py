"""The variant of a processor, from what the kernel says of it: its machine name and /proc/cpuinfo.

An unknown variant is None; an architecture that has no variants here, or is at its default, is "".
"""

from __future__ import annotations

import re

# x86-64 psABI, "Micro-Architecture Levels", under the names that Linux prints (its pni is SSE3, its abm LZCNT).
# Linux prints AVX and AVX-512 only when it has enabled their state, so OSXSAVE needs no check of its own.
AMD64_LEVELS: dict[str, frozenset[str]] = {
    "v2": frozenset({"cx16", "lahf_lm", "pni", "popcnt", "sse4_1", "sse4_2", "ssse3"}),
    "v3": frozenset({"abm", "avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe", "xsave"}),
    "v4": frozenset({"avx512bw", "avx512cd", "avx512dq", "avx512f", "avx512vl"}),
}


def variant(architecture: str, machine: str, cpuinfo: str) -> str | None:
    """The variant of a host of this Go architecture: ``v1`` to ``v4`` for amd64, ``v5`` to ``v8`` for arm, else "".

    ``machine`` is uname's; ``cpuinfo`` is the text of /proc/cpuinfo, "" where there is none.
    """
    if architecture == "amd64":
        return amd64_level(cpuinfo)
    if architecture == "arm":
        return arm_variant(machine, cpuinfo)
    return ""


def amd64_level(cpuinfo: str) -> str | None:
    """The highest level all of whose features, and those of the levels below, the first processor has."""
    listed = re.search(r"^flags\s*:(.*)$", cpuinfo, re.MULTILINE)
    if listed is None:
        return None
    flags = set(listed[1].split())
    level = "v1"
    for name, features in AMD64_LEVELS.items():
        if not features <= flags:
            break
        level = name
    return level


def arm_variant(machine: str, cpuinfo: str) -> str | None:
    """The architecture version of a 32-bit ARM, from uname's ``armv7l``, else from cpuinfo.

    uname goes first: a Raspberry Pi Zero's cpuinfo calls its ARMv6 processor architecture 7, and an
    emulated process sees the cpuinfo of the host.
    """
    version = re.match(r"armv([5-8])", machine) or re.search(r"^CPU architecture\s*:\s*([5-8])", cpuinfo, re.MULTILINE)
    return f"v{version[1]}" if version else None
