from __future__ import annotations

import pytest

from bactools.core import cpu

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


@pytest.mark.parametrize(("architecture", "machine"), [("arm64", "aarch64"), ("386", "i686"), ("s390x", "s390x")])
def test_other_architectures_are_at_their_default(architecture, machine):
    assert cpu.variant(architecture, machine, cpuinfo(V4)) == ""
