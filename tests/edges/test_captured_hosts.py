"""Hosts that are not here, as trees of /proc and /sys with the facts that their makers and Linux publish.

The shape of each cpuinfo is that of show_cpuinfo() of its architecture in Linux; the source of the rest stands by it.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest

from bactools.core import binfmt, cpu, emulation, platforms
from bactools.core.records import Offer
from bactools.edges import host
from bactools.edges.host import emulators
from bactools.edges.host.tree import Tree

BINFMT = "proc/sys/fs/binfmt_misc"
GIB = 2**20
"""In the kB of meminfo."""


class Host(NamedTuple):
    """What is in the tree, and what is to be read from it. ``memory`` is MemTotal in kB."""

    platform: str
    machine: str
    cpu: float
    page_size: int | None
    kernel: str
    memory: int
    files: dict[str, str]
    offers: tuple[Offer, ...] = ()


def arm64(features, part, *, count, implementer="0x41"):
    """Linux, arch/arm64/kernel/cpuinfo.c; implementers and parts are those of asm/cputype.h."""
    return "\n".join(
        f"processor\t: {number}\nBogoMIPS\t: 100.00\nFeatures\t: {features}\nCPU implementer\t: {implementer}\n"
        f"CPU architecture: 8\nCPU variant\t: 0x1\nCPU part\t: {part}\nCPU revision\t: 0\n"
        for number in range(count)
    )


def arm(model, architecture, part, *, count):
    """Linux, arch/arm/kernel/setup.c."""
    return "\n".join(
        f"processor\t: {number}\nmodel name\t: {model}\nBogoMIPS\t: 50.00\nFeatures\t: half thumb fastmult vfp edsp\n"
        f"CPU implementer\t: 0x41\nCPU architecture: {architecture}\nCPU variant\t: 0x0\nCPU part\t: {part}\n"
        for number in range(count)
    )


def amd64(model, flags, *, count):
    """Linux, arch/x86/kernel/cpu/proc.c."""
    return "\n".join(
        f"processor\t: {number}\nvendor_id\t: GenuineIntel\nmodel name\t: {model}\nflags\t\t: {flags}\nbugs\t\t:\n"
        for number in range(count)
    )


def power(name, *, count):
    """Linux, arch/powerpc/kernel/setup-common.c."""
    processors = (f"processor\t: {number}\ncpu\t\t: {name}\nclock\t\t: 2300.0MHz\n" for number in range(count))
    return "\n".join(processors) + "\ntimebase\t: 512000000\nplatform\t: PowerNV\n"


def riscv(isa, uarch, *, count):
    """Linux, arch/riscv/kernel/cpu.c."""
    return "\n".join(
        f"processor\t: {number}\nhart\t\t: {number}\nisa\t\t: {isa}\nmmu\t\t: sv39\nuarch\t\t: {uarch}\n"
        for number in range(count)
    )


def s390x(machine, *, count):
    """Linux, arch/s390/kernel/processor.c."""
    processors = "".join(
        f"processor {number}: version = FF,  identification = 0A0A0A,  machine = {machine}\n" for number in range(count)
    )
    return (
        f"vendor_id       : IBM/S390\n# processors    : {count}\nbogomips per cpu: 3241.00\nmax thread id   : 0\n"
        f"features\t: esan3 zarch stfle msa ldisp eimm dfp edat etf3eh highgprs te vx vxd vxe gs vxe2 vxp sort dflt \n"
        f"facilities      : 0 1 2 3 4\n{processors}"
    )


# Arm's Technical Reference Manuals: A53 and A72 are Armv8.0-A with CRC32, in Broadcom's chips without the crypto
# extension; A76 and Neoverse N1 Armv8.2-A with dot product and RCpc; Neoverse V1 Armv8.4-A with SVE, BF16 and I8MM.
A72 = "fp asimd evtstrm crc32 cpuid"
A76 = "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp"
N1 = f"{A76} ssbs"
V1 = (
    f"{A76} jscvt fcma sha3 sm3 sm4 sha512 sve asimdfhm dit uscat ilrcpc flagm ssbs paca pacg dcpodp svei8mm "
    "svebf16 i8mm bf16 dgh rng"
)
V2 = (
    f"{A76} jscvt fcma sha3 sha512 sve asimdfhm dit uscat ilrcpc flagm sb paca pacg dcpodp sve2 sveaes svebitperm "
    "flagm2 frint svei8mm svebf16 i8mm bf16 dgh bti"
)
# Apple's M1 is Armv8.4-A and most of 8.5 (LLVM, AArch64Processors.td).
M1 = f"{A76} jscvt fcma sha3 sha512 asimdfhm dit uscat ilrcpc flagm sb paca pacg dcpodp flagm2 frint"
# Intel's Software Developer's Manual: Westmere has SSE4.2 and POPCNT, and no AVX.
WESTMERE = "fpu lm nx sse sse2 pni ssse3 cx16 sse4_1 sse4_2 popcnt aes lahf_lm"
SKYLAKE = f"{WESTMERE} avx avx2 bmi1 bmi2 f16c fma abm movbe xsave"

ROSETTA = """\
enabled
interpreter /run/rosetta/rosetta
flags: OCF
offset 0
magic 7f454c4602010100000000000000000002003e00
mask fffffffffffefe00fffffffffffffffffeffffff
"""
QEMU_ARM = """\
enabled
interpreter /usr/bin/qemu-arm
flags: OCF
offset 0
magic 7f454c4601010100000000000000000002002800
mask ffffffffffffff00fffffffffffffffffeffffff
"""

HOSTS = {
    # raspberrypi.com, documentation of the processors: BCM2835 is an ARM1176JZF-S, whose CPUID says architecture 7
    "Raspberry Pi Zero, Raspberry Pi OS": Host(
        "linux/arm/v6",
        "armv6l",
        1.0,
        None,
        "6.1.21+",
        GIB // 2,
        {
            "proc/sys/kernel/arch": "armv6l\n",
            "proc/cpuinfo": arm("ARMv6-compatible processor rev 7 (v6l)", 7, "0xb76", count=1),
        },
    ),
    # BCM2837, Cortex-A53, with a 32-bit kernel from before /proc/sys/kernel/arch (Linux 6.1)
    "Raspberry Pi 3, 32-bit": Host(
        "linux/arm/v7",
        "armv7l",
        4.0,
        None,
        "5.15.84-v7+",
        GIB,
        {"proc/cpuinfo": arm("ARMv7 Processor rev 4 (v7l)", 7, "0xd03", count=4)},
    ),
    # BCM2711, Cortex-A72, 4 GiB
    "Raspberry Pi 4": Host(
        "linux/arm64",
        "aarch64",
        4.0,
        4096,
        "6.6.31+rpt-rpi-v8",
        4 * GIB,
        {
            "proc/sys/kernel/arch": "aarch64\n",
            "proc/cpuinfo": arm64(A72, "0xd08", count=4),
            "proc/self/smaps": "KernelPageSize:        4 kB\n",
        },
    ),
    # BCM2712, Cortex-A76, whose kernel of its own has pages of 16 KiB
    "Raspberry Pi 5": Host(
        "linux/arm64/v8.2",
        "aarch64",
        4.0,
        16384,
        "6.6.31+rpt-rpi-2712",
        8 * GIB,
        {
            "proc/sys/kernel/arch": "aarch64\n",
            "proc/cpuinfo": arm64(A76, "0xd0b", count=4),
            "proc/self/smaps": "KernelPageSize:       16 kB\n",
        },
    ),
    # AWS, Graviton Technical Guide: Graviton2 is Neoverse N1; c6g.4xlarge has 16 processors and 32 GiB
    "Graviton 2": Host(
        "linux/arm64/v8.2",
        "aarch64",
        16.0,
        None,
        "5.10.215-203.850.amzn2.aarch64",
        32 * GIB,
        {"proc/cpuinfo": arm64(N1, "0xd0c", count=16)},
    ),
    # the same guide: Graviton3 is Neoverse V1; c7g.16xlarge has 64 processors, more than 64 KiB of cpuinfo tell of
    "Graviton 3": Host(
        "linux/arm64/v8.4",
        "aarch64",
        64.0,
        None,
        "6.1.79-99.167.amzn2023.aarch64",
        128 * GIB,
        {
            "proc/sys/kernel/arch": "aarch64\n",
            "proc/cpuinfo": arm64(V1, "0xd40", count=64),
            "sys/devices/system/cpu/online": "0-63\n",
        },
    ),
    # the same guide: Graviton4 is Neoverse V2, Armv9.0-A; many processors, and only cpuinfo to count them by
    "Graviton 4": Host(
        "linux/arm64/v9",
        "aarch64",
        192.0,
        None,
        "6.1.79-99.167.amzn2023.aarch64",
        384 * GIB,
        {"proc/sys/kernel/arch": "aarch64\n", "proc/cpuinfo": arm64(V2, "0xd4f", count=192)},
    ),
    # IBM, Power System AC922: two POWER9 of 16 cores with four threads
    "POWER9": Host(
        "linux/ppc64le/power9",
        "ppc64le",
        128.0,
        65536,
        "4.18.0-553.el8.ppc64le",
        256 * GIB,
        {
            "proc/cpuinfo": power("POWER9, altivec supported", count=128),
            "sys/kernel/cpu_byteorder": "little\n",
            "proc/self/smaps": "KernelPageSize:       64 kB\n",
        },
    ),
    # SiFive, HiFive Unmatched: four U74 cores of RV64GC for applications, 16 GiB
    "riscv64 board": Host(
        "linux/riscv64/rva20u64",
        "riscv64",
        4.0,
        4096,
        "5.19.0-1021-generic",
        16 * GIB,
        {"proc/cpuinfo": riscv("rv64imafdc", "sifive,u74-mc", count=4)},
    ),
    # SpacemiT, K1 product brief: eight X60 cores, RVA22 with vectors of 256 bits
    "riscv64 board with RVA22": Host(
        "linux/riscv64/rva22u64",
        "riscv64",
        8.0,
        4096,
        "6.6.36",
        8 * GIB,
        {
            "proc/sys/kernel/arch": "riscv64\n",
            "proc/cpuinfo": riscv(
                "rv64imafdcv_zicbom_zicboz_zicntr_zicond_zicsr_zihpm_zfh_zfhmin_zba_zbb_zbs_zkt_zvfh",
                "spacemit,x60",
                count=8,
            ),
        },
    ),
    # IBM, machine types: 8561 is a z15
    "s390x": Host(
        "linux/s390x",
        "s390x",
        2.0,
        4096,
        "5.14.0-427.el9.s390x",
        8 * GIB,
        {"proc/cpuinfo": s390x("8561", count=2)},
    ),
    # Docker Desktop's documentation: a VM by Apple's Virtualization framework, Rosetta for amd64 and qemu for arm
    "Docker's VM on a Mac": Host(
        "linux/arm64/v8.4",
        "aarch64",
        8.0,
        4096,
        "6.10.14-linuxkit",
        8 * GIB,
        {
            "proc/sys/kernel/arch": "aarch64\n",
            "proc/cpuinfo": arm64(M1, "0x000", count=8, implementer="0x61"),
            "proc/self/smaps": "KernelPageSize:        4 kB\n",
            f"{BINFMT}/status": "enabled\n",
            f"{BINFMT}/register": "",
            f"{BINFMT}/rosetta": ROSETTA,
            f"{BINFMT}/qemu-arm": QEMU_ARM,
        },
        (Offer("linux/amd64", "emulated", "rosetta"), Offer("linux/arm/v7", "emulated", "qemu-arm")),
    ),
    # Microsoft, WSL documentation and its kernel's releases: an entry for MZ files, that is for Windows programs
    "WSL 2": Host(
        "linux/amd64/v3",
        "x86_64",
        4.0,
        4096,
        "5.15.153.1-microsoft-standard-WSL2",
        16 * GIB,
        {
            "proc/cpuinfo": amd64("Intel(R) Core(TM) i7-6700 CPU @ 3.40GHz", SKYLAKE, count=4),
            f"{BINFMT}/status": "enabled\n",
            f"{BINFMT}/WSLInterop": "enabled\ninterpreter /init\nflags: PF\noffset 0\nmagic 4d5a\n",
            f"{BINFMT}/WSLInterop-late": "enabled\ninterpreter /init\nflags: P\nextension .exe\n",
        },
    ),
    "an old amd64": Host(
        "linux/amd64/v2",
        "x86_64",
        2.0,
        4096,
        "3.10.0-1160.el7.x86_64",
        4 * GIB,
        {"proc/cpuinfo": amd64("Intel(R) Xeon(R) CPU X5650 @ 2.67GHz", WESTMERE, count=2)},
    ),
    # Microsoft, Windows Server 2022 is build 20348: no /proc to copy, so that its owner wrote down what it is
    "Windows": Host(
        "windows/amd64",
        "amd64",
        4.0,
        4096,
        "10.0.20348",
        8 * GIB,
        {
            "proc/sys/kernel/ostype": "Windows\n",
            "proc/sys/kernel/arch": "AMD64\n",
            "sys/devices/system/cpu/online": "0-3\n",
        },
    ),
}


@pytest.fixture(params=HOSTS)
def known(request, tmp_path):
    """A host and its tree."""
    wanted = HOSTS[request.param]
    usual = {
        "proc/sys/kernel/ostype": "Linux\n",
        "proc/sys/kernel/osrelease": f"{wanted.kernel}\n",
        "proc/sys/kernel/hostname": "captured\n",
        "proc/meminfo": f"MemTotal:       {wanted.memory} kB\nMemAvailable:   {wanted.memory // 2} kB\n",
    }
    for name, text in {**usual, **wanted.files}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return wanted, Tree(tmp_path)


def platform(facts):
    architecture = platforms.parse(f"{facts.os}/{facts.machine}").architecture
    variant = cpu.variant(architecture, facts.machine, facts.cpuinfo)
    return platforms.normalise(platforms.Platform(facts.os, architecture, variant or ""))


def test_a_captured_host_is_what_it_was(known):
    wanted, tree = known
    facts = host.read(tree.root, tree)
    assert facts.machine.lower() == wanted.machine
    assert str(platform(facts)) == wanted.platform
    assert facts.cpu == wanted.cpu
    assert facts.page_size == wanted.page_size
    assert facts.kernel == wanted.kernel
    assert facts.hostname == "captured"
    assert (facts.memory, facts.memory_available) == (wanted.memory * 1024, wanted.memory * 512)
    assert (facts.disk, facts.disk_available) == (None, None)


def test_a_captured_host_runs_its_plain_architecture(known):
    wanted, _ = known
    own = platforms.parse(wanted.platform)
    lowest = own._replace(variant="v5" if own.architecture == "arm" else "")
    assert platforms.rank(own, lowest, assume=False) is not None


def test_a_captured_host_emulates_what_its_entries_say(known):
    wanted, tree = known
    own = platforms.parse(wanted.platform)
    found = emulation.decide(own, binfmt.entries(emulators.read(tree)), None, {})
    assert found.offers == (Offer(wanted.platform, "native"), *wanted.offers)
    assert found.warnings == ()
