"""What each level of an architecture adds, in the words of /proc/cpuinfo: data, lowest level first.

Only what a program can see and Linux prints is listed, so a level that is found is there at least: a kernel or a
hypervisor may hide a feature, and an old kernel has no word for a new one.
"""

from __future__ import annotations

# x86-64 psABI, "Micro-Architecture Levels". Linux calls SSE3 pni and LZCNT abm, and prints the AVX and AVX-512 words
# only when it has enabled their state (the psABI's OSXSAVE, for which it has no word).
AMD64: dict[str, frozenset[str]] = {
    "v2": frozenset({"cx16", "lahf_lm", "pni", "popcnt", "sse4_1", "sse4_2", "ssse3"}),
    "v3": frozenset({"abm", "avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe", "xsave"}),
    "v4": frozenset({"avx512bw", "avx512cd", "avx512dq", "avx512f", "avx512vl"}),
}

# Arm ARM, A2.2 and A2.3: what is mandatory in each version, by the names of Linux, elf_hwcaps. Not asked for: ssbs,
# which Linux hides from programs on cores whose erratum makes it useless, and what no program can see.
ARM64: dict[str, frozenset[str]] = {
    "v8.1": frozenset({"asimdrdm", "atomics", "crc32"}),
    "v8.2": frozenset({"dcpop"}),
    "v8.3": frozenset({"fcma", "jscvt", "lrcpc", "paca", "pacg"}),
    "v8.4": frozenset({"asimddp", "dit", "flagm", "ilrcpc", "uscat"}),
    "v8.5": frozenset({"bti", "dcpodp", "flagm2", "frint", "sb"}),
    "v8.6": frozenset({"bf16", "ecv", "i8mm"}),
    "v8.7": frozenset({"afp", "wfxt"}),
    "v8.8": frozenset({"hbc", "mops"}),
    "v8.9": frozenset({"cssc"}),
}
# Each of the ninth version is one of the eighth and this.
ARM64_V9: dict[str, tuple[str, frozenset[str]]] = {
    "v9": ("v8.5", frozenset({"sve", "sve2"})),
    "v9.1": ("v8.6", frozenset()),
    "v9.2": ("v8.7", frozenset()),
    "v9.3": ("v8.8", frozenset()),
    "v9.4": ("v8.9", frozenset({"sve2p1"})),
}

# RISC-V Profiles, the mandatory extensions of the user-mode profiles. Not asked for: what Linux has no word for in
# most of its versions and a program can only profit from (hints, cache line sizes, counters, timing).
RISCV64: dict[str, frozenset[str]] = {
    "rva20u64": frozenset({"i", "m", "a", "f", "d", "c"}),
    "rva22u64": frozenset({"zba", "zbb", "zbs", "zfhmin", "zicbom", "zicboz"}),
    "rva23u64": frozenset({"supm", "v", "zawrs", "zcb", "zcmop", "zfa", "zicond", "zimop", "zvbb", "zvfhmin"}),
}
# Extensions that are others under one name: The RISC-V Instruction Set Manual, "B" and "Zfhmin".
RISCV64_PARTS: dict[str, frozenset[str]] = {
    "b": frozenset({"zba", "zbb", "zbs"}),
    "zfh": frozenset({"zfhmin"}),
    "zvfh": frozenset({"zvfhmin"}),
    "zvbb": frozenset({"zvkb"}),
}

# Go's GOPPC64; a later processor runs what the last of them runs.
PPC64LE = {8: "power8", 9: "power9", 10: "power10"}
