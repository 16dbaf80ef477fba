from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bactools.core import procfs


def test_memory_is_in_kibibytes():
    text = "MemTotal:        2048 kB\nMemFree:          512 kB\nMemAvailable:    1024 kB\nHugePages_Total:       0\n"
    assert procfs.memory(text) == (2 * 2**20, 2**20)
    assert procfs.memory("MemTotal: many kB\n") == (None, None)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("0\n", {0}),
        ("0-3\n", {0, 1, 2, 3}),
        ("0-1,8,10-11", {0, 1, 8, 10, 11}),
        ("", set()),
        ("\n", set()),
        ("3-1", set()),
        ("0-x", set()),
        ("0,", set()),
        ("0-999999", set()),
        ("٣", set()),
    ],
)
def test_a_list_of_processors_is_ranges(text, numbers):
    assert procfs.cpu_list(text) == numbers


@given(st.text())
def test_any_text_is_a_list_of_processors_or_none(text):
    assert all(0 <= number < procfs.MAX_PROCESSORS for number in procfs.cpu_list(text))


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("processor\t: 0\nflags\t\t: fpu\n\nprocessor\t: 1\nflags\t\t: fpu\n", 2),
        ("vendor_id       : IBM/S390\n# processors    : 2\nprocessor 0: version = FF\nprocessor 1: version = FF\n", 2),
        ("Processor\t: ARMv7 Processor rev 4 (v7l)\nprocessor\t: 0\nprocessor\t: 1\n", 2),
        ("", None),
    ],
    ids=["usual", "s390x", "old arm", "none"],
)
def test_processors_are_counted(text, count):
    assert procfs.processors(text) == count


@pytest.mark.parametrize(("text", "load"), [("0.52 0.58 0.59 3/467 12345\n", 0.52), ("", None), ("nan 0 0\n", None)])
def test_load_is_that_of_the_last_minute(text, load):
    assert procfs.load(text) == load


@pytest.mark.parametrize(
    ("smaps", "architecture", "size"),
    [
        ("Size: 4 kB\nKernelPageSize:       64 kB\nMMUPageSize:          64 kB\n", "arm64", 65536),
        ("KernelPageSize:        4 kB\n", "arm64", 4096),
        ("", "arm64", None),
        ("", "ppc64le", None),
        ("", "amd64", 4096),
        ("", "s390x", 4096),
    ],
)
def test_page_size_is_told_or_goes_with_the_architecture(smaps, architecture, size):
    assert procfs.page_size(smaps, architecture) == size


MACHINES = [
    ("flags\t\t: fpu lm sse2\n", "", "x86_64"),
    ("flags\t\t: fpu sse2\n", "", "i686"),
    ("Features\t: fp asimd crc32\nCPU architecture: 8\n", "", "aarch64"),
    ("model name\t: ARMv7 Processor rev 4 (v7l)\nFeatures\t: half thumb neon\n", "", "armv7l"),
    ("model name\t: ARMv6-compatible processor rev 7 (v6l)\nCPU architecture: 7\n", "", "armv6l"),
    ("Processor\t: Feroceon 88FR131 rev 1 (v5l)\n", "", "armv5l"),
    ("isa\t\t: rv64imafdc\n", "", "riscv64"),
    ("cpu\t\t: POWER9, altivec supported\n", "", "ppc64le"),
    ("cpu\t\t: Power11 (raw), altivec supported\n", "little\n", "ppc64le"),
    ("cpu\t\t: POWER8 (raw), altivec supported\n", "big\n", "ppc64"),
    ("vendor_id       : IBM/S390\n", "", "s390x"),
    ("CPU Family\t\t: Loongson-64bit\n", "", "loongarch64"),
    ("nothing of use\n", "", None),
]


@pytest.mark.parametrize(("cpuinfo", "order", "machine"), MACHINES)
def test_a_machine_is_known_by_the_shape_of_its_cpuinfo(cpuinfo, order, machine):
    assert procfs.machine(f"processor\t: 0\n{cpuinfo}", order) == machine
