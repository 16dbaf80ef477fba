from __future__ import annotations

from itertools import pairwise

import archspec.cpu
import pytest

from bactools.core import cpu, cpu_levels
from bactools.core.platforms import parse, rank

V1 = "fpu tsc cx8 cmov fxsr sse sse2 syscall nx lm"
V2 = f"{V1} pni ssse3 cx16 sse4_1 sse4_2 popcnt lahf_lm"
V3 = f"{V2} avx avx2 bmi1 bmi2 f16c fma abm movbe xsave"
V4 = f"{V3} avx512f avx512dq avx512cd avx512bw avx512vl"


def cpuinfo(flags: str) -> str:
    return f"processor\t: 0\nvendor_id\t: Someone\nflags\t\t: {flags}\nbugs\t\t:\n"


@pytest.mark.parametrize(("flags", "level"), [(V1, "v1"), (V2, "v2"), (V3, "v3"), (V4, "v4")])
def test_amd64_level_is_the_highest_with_all_its_features(flags, level):
    assert cpu.variant("amd64", "x86_64", cpuinfo(flags)) == level


@pytest.mark.parametrize(
    ("flags", "missing", "level"),
    [(V2, "popcnt", "v1"), (V3, "movbe", "v2"), (V3, "abm", "v2"), (V4, "avx512vl", "v3"), (V4, "xsave", "v2")],
)
def test_one_missing_feature_keeps_a_level_away(flags, missing, level):
    assert cpu.amd64_level(cpuinfo(" ".join(set(flags.split()) - {missing}))) == level


def test_avx512_without_avx2_is_not_v4():
    assert cpu.amd64_level(cpuinfo(" ".join(set(V4.split()) - {"avx2"}))) == "v2"


def test_a_feature_is_a_whole_word():
    assert cpu.amd64_level(cpuinfo(V2.replace("popcnt", "popcntx"))) == "v1"


@pytest.mark.parametrize("text", ["", "processor\t: 0\nFeatures\t: fp asimd\n"], ids=["none", "of another kind"])
def test_amd64_without_flags_cannot_be_told(text):
    assert cpu.variant("amd64", "x86_64", text) is None


@pytest.mark.parametrize(
    ("machine", "variant"), [("armv5tel", "v5"), ("armv6l", "v6"), ("armv7l", "v7"), ("armv8l", "v8")]
)
def test_arm_variant_is_in_the_machine_name(machine, variant):
    assert cpu.variant("arm", machine, "") == variant


@pytest.mark.parametrize(("line", "variant"), [("7", "v7"), ("5TEJ", "v5"), ("8", "v8"), ("AArch64", None)])
def test_arm_variant_is_in_cpuinfo_where_the_machine_name_has_none(line, variant):
    assert cpu.variant("arm", "arm", f"processor\t: 0\nCPU architecture: {line}\n") == variant


def test_the_machine_name_wins_over_a_raspberry_pi_zero():
    assert cpu.variant("arm", "armv6l", "CPU architecture: 7\n") == "v6"


# The words of a Features line of Linux, as the Arm ARM's versions add them.
V8 = "fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid"
V8_2 = f"{V8} atomics fphp asimdhp asimdrdm dcpop"
V8_4 = f"{V8_2} jscvt fcma lrcpc paca pacg asimddp dit flagm ilrcpc uscat"
V8_5 = f"{V8_4} sb dcpodp flagm2 frint bti"
V8_7 = f"{V8_5} i8mm bf16 ecv afp wfxt"
V8_9 = f"{V8_7} mops hbc cssc"

ARM64 = [
    (V8, ""),
    (V8_2, "v8.2"),
    (V8_2.replace(" dcpop", ""), "v8.1"),
    (V8_4, "v8.4"),
    (V8_4.replace(" paca pacg", ""), "v8.2"),
    (V8_5, "v8.5"),
    (f"{V8_5} sve sve2", "v9"),
    (f"{V8_5} sve sve2 i8mm bf16", "v9"),
    (f"{V8_4} sve sve2", "v8.4"),
    (V8_7, "v8.7"),
    (f"{V8_7} sve sve2", "v9.2"),
    (V8_9, "v8.9"),
    (f"{V8_9} sve sve2", "v9.3"),
    (f"{V8_9} sve sve2 sve2p1", "v9.4"),
    ("half thumb fastmult vfp edsp neon vfpv3", None),
]


@pytest.mark.parametrize(("features", "level"), ARM64)
def test_arm64_level_is_the_highest_that_is_there_at_least(features, level):
    assert cpu.variant("arm64", "aarch64", f"processor\t: 0\nFeatures\t: {features}\nCPU part\t: 0xd0c\n") == level


RV64GC = "rv64imafdc"
RVA22 = f"{RV64GC}_zicbom_zicboz_zicntr_zicsr_zifencei_zihpm_zfh_zba_zbb_zbs"
RVA23 = f"{RV64GC}v_supm_zawrs_zcb_zcmop_zfa_zicond_zimop_zvbb_zvfhmin_zicbom_zicboz_zfhmin_zba_zbb_zbs"


@pytest.mark.parametrize(
    ("isa", "profile"),
    [
        (RV64GC, "rva20u64"),
        ("rv64g", ""),
        ("rv64gc", "rva20u64"),
        (RVA22, "rva22u64"),
        (RVA22.replace("_zbs", ""), "rva20u64"),
        (RVA22.replace("_zba_zbb_zbs", "").replace("imafdc", "imafdcb"), "rva22u64"),
        (RVA23, "rva23u64"),
        (RVA23.replace("_supm", ""), "rva22u64"),
        (RVA23.replace("imafdcv", "imafdc"), "rva22u64"),
        ("rv32imafdc", None),
    ],
)
def test_riscv64_profile_is_the_highest_that_is_there_at_least(isa, profile):
    assert cpu.variant("riscv64", "riscv64", f"processor\t: 0\nhart\t\t: 1\nisa\t\t: {isa}\nmmu\t\t: sv39\n") == profile


def test_a_riscv64_host_has_what_all_its_harts_have():
    lines = "".join(f"processor\t: {number}\nisa\t\t: {isa}\n\n" for number, isa in enumerate((RVA22, RV64GC)))
    assert cpu.variant("riscv64", "riscv64", lines) == "rva20u64"


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("POWER8E (raw), altivec supported", "power8"),
        ("POWER9, altivec supported", "power9"),
        ("POWER9 (architected), altivec supported", "power9"),
        ("POWER10 (raw), altivec supported", "power10"),
        ("Power11 (architected), altivec supported", "power10"),
        ("POWER7 (raw), altivec supported", ""),
        ("Cell Broadband Engine, altivec supported", None),
    ],
)
def test_ppc64le_level_is_in_the_name_of_the_processor(name, level):
    assert cpu.variant("ppc64le", "ppc64le", f"processor\t: 0\ncpu\t\t: {name}\n") == level


@pytest.mark.parametrize("architecture", ["amd64", "arm64", "ppc64le", "riscv64"])
@pytest.mark.parametrize(
    "text",
    [
        "",
        "vendor_id       : IBM/S390\nfeatures\t: esan3 zarch stfle\n",
        "processor\t: 0\nFeatures\t: half thumb neon\nCPU architecture: 7\n",
    ],
    ids=["none", "s390x", "arm"],
)
def test_the_words_of_another_architecture_say_nothing(architecture, text):
    assert cpu.variant(architecture, architecture, text) is None


@pytest.mark.parametrize(("architecture", "machine"), [("arm64", "aarch64"), ("ppc64le", "ppc64le")])
def test_an_emulated_process_learns_nothing_from_the_cpuinfo_of_its_host(architecture, machine):
    assert cpu.variant(architecture, machine, cpuinfo(V4)) is None


def test_a_line_that_was_cut_off_says_nothing():
    assert cpu.amd64_level(f"processor\t: 0\nflags\t\t: {V2}") is None
    assert cpu.riscv64_profile(f"isa\t\t: {RVA22}\n\nisa\t\t: rv64im") == "rva22u64"


@pytest.mark.parametrize(("architecture", "machine"), [("386", "i686"), ("s390x", "s390x"), ("loong64", "loongarch64")])
def test_other_architectures_have_no_names_for_levels(architecture, machine):
    assert cpu.variant(architecture, machine, cpuinfo(V4)) == ""


LEVELS = {
    "amd64": ["v1", *cpu_levels.AMD64],
    "arm64": ["", *cpu_levels.ARM64, *cpu_levels.ARM64_V9],
    "arm": ["v5", "v6", "v7", "v8"],
    "ppc64le": [*cpu_levels.PPC64LE.values()],
    "riscv64": ["", *cpu_levels.RISCV64],
}


@pytest.mark.parametrize("architecture", LEVELS)
def test_each_level_runs_the_one_below_and_what_names_none(architecture):
    steps = [parse(f"linux/{architecture}/{level}".rstrip("/")) for level in LEVELS[architecture]]
    plain = parse(f"linux/{architecture}" if architecture != "arm" else "linux/arm/v5")
    assert all(rank(step, plain, assume=False) is not None for step in steps)
    pairs = [pair for pair in pairwise(steps) if pair[1].variant != "v9"]
    assert all(rank(upper, lower, assume=False) is not None for lower, upper in pairs)
    assert all(rank(lower, upper, assume=False) is None for lower, upper in pairs if lower.variant)


def linux(features):
    """The features as Linux calls them; archspec has one name of its own."""
    return " ".join("pni" if word == "sse3" else word for word in sorted(features))


def targets(family):
    return [target for target in archspec.cpu.TARGETS.values() if target.family.name == family and target.features]


@pytest.mark.parametrize("target", targets("x86_64"), ids=str)
def test_amd64_level_agrees_with_archspec(target):
    named = target.generic.name.removeprefix("x86_64").removeprefix("_") or "v1"
    assert cpu.amd64_level(cpuinfo(linux(target.features))) == named


# archspec puts the M2 at v8.5, LLVM's AArch64Processors.td at v8.6, whose BF16, ECV and I8MM it has.
UNDERRATED = {"m2": "v8.6"}


@pytest.mark.parametrize("target", targets("aarch64"), ids=str)
def test_arm64_level_is_never_above_archspecs(target):
    generic = target.generic.name.removeprefix("aarch64").removeprefix("arm").removesuffix("a")
    named = UNDERRATED.get(target.name, generic)
    level = cpu.arm64_level(f"Features\t: {' '.join(target.features)}\n")
    host, found = (parse(f"linux/arm64/{variant}".rstrip("/")) for variant in (named, level))
    assert rank(host, found, assume=False) is not None
