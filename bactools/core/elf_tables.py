"""What the numbers in ELF files mean: machines as Go names them, and the CPU levels that attributes name.

Sources: elf.h and each architecture's ELF supplement for machines and flags; x86-64 psABI, Program Property; Arm
IHI0045, Tag_CPU_arch; RISC-V ELF psABI, Tag_RISCV_arch, and RISC-V Profiles for what each profile has.
"""

from __future__ import annotations

import re

# (e_machine, word size in bits) -> the architecture in big-endian and in little-endian
MACHINES: dict[tuple[int, int], tuple[str, str]] = {
    (2, 32): ("sparc", ""),
    (3, 32): ("", "386"),
    (8, 32): ("mips", "mipsle"),
    (8, 64): ("mips64", "mips64le"),
    (18, 32): ("sparc", ""),
    (20, 32): ("ppc", ""),
    (21, 64): ("ppc64", "ppc64le"),
    (22, 32): ("s390", ""),
    (22, 64): ("s390x", ""),
    (40, 32): ("armbe", "arm"),
    (43, 64): ("sparc64", ""),
    (62, 32): ("", "amd64p32"),
    (62, 64): ("", "amd64"),
    (183, 64): ("arm64be", "arm64"),
    (243, 32): ("", "riscv"),
    (243, 64): ("", "riscv64"),
    (258, 64): ("", "loong64"),
}
MIPS = 8
EF_MIPS_ABI2 = 0x20
"""The n32 ABI: 64-bit registers, 32-bit addresses."""

# Bit by bit, GNU_PROPERTY_X86_ISA_1_NEEDED.
X86_LEVELS = ("v1", "v2", "v3", "v4")

# Tag_CPU_arch of the A profile and of what came before profiles; the M and R profiles run no Linux.
ARM_LEVELS: dict[int, str] = {
    **dict.fromkeys((3, 4, 5), "v5"),
    **dict.fromkeys((6, 7, 8, 9), "v6"),
    10: "v7",
    **dict.fromkeys((14, 18, 19, 20, 22), "v8"),
}

_RVA20 = frozenset(
    """
    i m a f d c zicsr zifencei zicntr ziccif ziccrse ziccamoa zicclsm za128rs zmmul zaamo zalrsc zca zcd
    """.split()
)
_RVA22 = _RVA20 | frozenset(
    "b zihpm za64rs zihintpause zba zbb zbs zic64b zicbom zicbop zicboz zfhmin zkt".split(),
)
_RVA23 = _RVA22 | frozenset(
    """
    v zvfhmin zvbb zvkb zvkt zihintntl zicond zimop zcmop zcb zfa zawrs supm zve32x zve32f zve64x zve64f zve64d
    zvl32b zvl64b zvl128b
    """.split()
)
RISCV_PROFILES = (("rva20u64", _RVA20), ("rva22u64", _RVA22), ("rva23u64", _RVA23))
_BASE = re.compile(r"rv64(?=i)")
_EXTENSION = re.compile(r"([a-z][a-z0-9]*?)(?:[0-9]+p[0-9]+)?")


def architecture(machine: int, bits: int, flags: int, *, big_endian: bool) -> str:
    """Go's name for what an ELF header says; empty for a machine that has none."""
    name = MACHINES.get((machine, bits), ("", ""))[0 if big_endian else 1]
    if machine == MIPS and bits == 32 and flags & EF_MIPS_ABI2:  # noqa: PLR2004
        return "mips64p32" if big_endian else "mips64p32le"
    return name


def x86_levels(needed: object) -> tuple[str, ...]:
    """The levels that GNU_PROPERTY_X86_ISA_1_NEEDED sets."""
    bits = needed if isinstance(needed, int) else 0
    return tuple(level for place, level in enumerate(X86_LEVELS) if bits >> place & 1)


def arm_level(tag: object) -> str | None:
    """The variant that Tag_CPU_arch asks for."""
    return ARM_LEVELS.get(tag) if isinstance(tag, int) else None


def riscv_level(isa: object) -> str | None:
    """The lowest profile that has every extension of a Tag_RISCV_arch; None when none has."""
    wanted = _extensions(isa) if isinstance(isa, str) else frozenset()
    if not wanted:
        return None
    return next((name for name, has in RISCV_PROFILES if wanted <= has), None)


def _extensions(isa: str) -> frozenset[str]:
    """The extensions of an ISA string such as ``rv64i2p1_m2p0_zba1p0``, empty when it is none."""
    words = isa.split("_")
    base = _BASE.match(words[0])
    if base is None:
        return frozenset()
    found = [_EXTENSION.fullmatch(word) for word in (words[0][base.end() :], *words[1:])]
    return frozenset(match[1] if match else "" for match in found)
