"""What texts of /proc and /sys say of a host: proc(5) and the kernel's Documentation/filesystems/proc.rst."""

from __future__ import annotations

import re

MAX_PROCESSORS = 1 << 16
_KILOBYTES = re.compile(r"^(\w+):\s+([0-9]{1,16}) kB$", re.MULTILINE)
_RANGE = re.compile(r"([0-9]{1,6})(?:-([0-9]{1,6}))?")
_PROCESSOR = re.compile(r"^processor\s*(?:[0-9]+\s*)?:", re.MULTILINE)
_LOAD = re.compile(r"([0-9]{1,9}\.[0-9]{1,4}) ")
_PAGE = re.compile(r"^KernelPageSize:\s+([0-9]{1,9}) kB$", re.MULTILINE)

# Bytes, where the architecture leaves Linux no choice.
PAGE_SIZES = dict.fromkeys(("386", "amd64", "riscv64", "s390x"), 4096)

# How a line of cpuinfo begins that only one machine's has -> what uname calls the machine; the first that is found
# counts. The words are those of each architecture's show_cpuinfo() in Linux.
_MACHINES = (
    (r"flags\s*:.*\blm\b", "x86_64"),
    (r"flags\s*:", "i686"),
    (r"Features\s*:.*\basimd\b", "aarch64"),
    (r"(?:model name|Processor)\s*:.*\(v8l\)", "armv8l"),
    (r"(?:model name|Processor)\s*:.*\(v7l\)", "armv7l"),
    (r"(?:model name|Processor)\s*:.*\(v6l\)", "armv6l"),
    (r"(?:model name|Processor)\s*:.*\(v5l\)", "armv5l"),
    (r"isa\s*:\s*rv64", "riscv64"),
    (r"isa\s*:\s*rv32", "riscv32"),
    (r"vendor_id\s*:\s*IBM/S390", "s390x"),
    (r"CPU Family\s*:\s*Loongson-64bit", "loongarch64"),
)
_POWER = r"^cpu\s*:\s*POWER"


def memory(meminfo: str) -> tuple[int | None, int | None]:
    """Bytes in all and bytes that could be had without swapping, from /proc/meminfo, whose kB are 1024 bytes."""
    sizes = {name: int(kilobytes) * 1024 for name, kilobytes in _KILOBYTES.findall(meminfo)}
    return sizes.get("MemTotal"), sizes.get("MemAvailable")


def cpu_list(text: str) -> frozenset[int]:
    """The numbers of a list such as ``0-3,8``; none of one that is not a list."""
    ranges = [_RANGE.fullmatch(item) for item in text.strip().split(",")]
    bounds = [(int(item[1]), int(item[2] or item[1])) for item in ranges if item]
    if len(bounds) < len(ranges) or any(last >= MAX_PROCESSORS for _, last in bounds):
        return frozenset()
    return frozenset(number for first, last in bounds for number in range(first, last + 1))


def processors(cpuinfo: str) -> int | None:
    """How many processors /proc/cpuinfo lists; None where it lists none."""
    return len(_PROCESSOR.findall(cpuinfo)) or None


def load(loadavg: str) -> float | None:
    """The processes that ran or wanted to in the last minute, on average, from /proc/loadavg."""
    found = _LOAD.match(loadavg)
    return float(found[1]) if found else None


def page_size(smaps: str, architecture: str) -> int | None:
    """Bytes, from /proc/PID/smaps or, without one, from an architecture that has but one size."""
    found = _PAGE.search(smaps)
    return int(found[1]) * 1024 if found else PAGE_SIZES.get(architecture)


def machine(cpuinfo: str, byte_order: str) -> str | None:
    """The machine as uname calls it, from the shape of /proc/cpuinfo; ``byte_order`` is that of /sys/kernel, or "".

    POWER has one cpuinfo for both byte orders; a host that does not say is little-endian, as nearly all are.
    """
    if re.search(_POWER, cpuinfo, re.MULTILINE | re.IGNORECASE):
        return "ppc64" if byte_order.strip() == "big" else "ppc64le"
    return next((name for start, name in _MACHINES if re.search(f"^{start}", cpuinfo, re.MULTILINE)), None)
