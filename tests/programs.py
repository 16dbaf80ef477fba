"""Real programs for many machines, as clang compiles them: they do nothing, and say what a compiler makes them say."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SOURCE = "void _start(void) { for (;;); }\nvoid __start(void) { _start(); }\n"
LLD = "-fuse-ld=lld"
GNU = "-fuse-ld=bfd"  # lld writes no x86 ISA property


class Target(NamedTuple):
    """How to compile a program, and the platform and the level that it is for."""

    platform: str
    level: str | None
    words: tuple[str, ...]


def static(platform: str, level: str | None, triple: str, *words: str) -> Target:
    return Target(platform, level, (f"--target={triple}", "-static", *(words or (LLD,))))


TARGETS = {
    "amd64": static("linux/amd64", None, "x86_64-linux-gnu"),
    "amd64-v1": static("linux/amd64", "v1", "x86_64-linux-gnu", GNU, "-Wl,-z,x86-64-baseline"),
    "amd64-v2": static("linux/amd64/v2", "v2", "x86_64-linux-gnu", GNU, "-Wl,-z,x86-64-v2"),
    "amd64-v3": static("linux/amd64/v3", "v3", "x86_64-linux-gnu", GNU, "-Wl,-z,x86-64-v3"),
    "386": static("linux/386", None, "i386-linux-gnu"),
    "arm64": static("linux/arm64", None, "aarch64-linux-gnu"),
    "arm-v7": static("linux/arm/v7", "v7", "armv7-linux-gnueabihf"),
    "arm-v6": static("linux/arm/v6", "v6", "armv6-linux-gnueabihf"),
    "arm-v5": static("linux/arm/v5", "v5", "armv5te-linux-gnueabi"),
    "riscv64": static("linux/riscv64/rva20u64", "rva20u64", "riscv64-linux-gnu", "-march=rv64gc", "-mno-relax", LLD),
    "riscv64-b": static(
        "linux/riscv64/rva22u64", "rva22u64", "riscv64-linux-gnu", "-march=rv64gc_zba_zbb_zbs", "-mno-relax", LLD
    ),
    "ppc64le": static("linux/ppc64le", None, "powerpc64le-linux-gnu"),
    "ppc64": static("linux/ppc64", None, "powerpc64-linux-gnu"),
    "mips64le": static("linux/mips64le", None, "mips64el-linux-gnuabi64"),
    "mips": static("linux/mips", None, "mips-linux-gnu"),
    "dynamic": Target(
        "linux/arm64",
        None,
        ("--target=aarch64-linux-gnu", "-pie", "-Wl,--dynamic-linker=/lib/ld-musl-aarch64.so.1", LLD),
    ),
}


def compiled(folder: Path, tool: Callable[[str], str]) -> dict[str, bytes]:
    """The bytes of each program of TARGETS."""
    clang = tool("clang")
    tool("ld.lld")
    tool("ld.bfd")
    source = folder / "program.c"
    source.write_text(SOURCE, encoding="ascii")
    found = {}
    for name, target in TARGETS.items():
        words = [clang, *target.words, "-ffreestanding", "-nostdlib", "-o", str(folder / name), str(source)]
        subprocess.run(words, check=True, capture_output=True, timeout=60)
        found[name] = (folder / name).read_bytes()
    return found
