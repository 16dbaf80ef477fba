import struct
from pathlib import Path

import programs as compiler
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bactools.core import elf, elf_tables, go_binary
from bactools.core.platforms import Platform

WORD_SIZES = {"386": 32, "arm-v5": 32, "arm-v6": 32, "arm-v7": 32, "mips": 32}
BIG_ENDIAN = {"ppc64", "mips"}
GO_SETTING = b"GOAMD64=v1"


def go_blob(text, version=b"go1.24.4"):
    return b"\xff Go buildinf:\x08\x02" + bytes(16) + bytes([len(version)]) + version + bytes([len(text)]) + text


@pytest.mark.parametrize("name", compiler.TARGETS)
def test_a_program_says_what_it_was_compiled_for(programs, name):
    target = compiler.TARGETS[name]
    found = elf.read(programs[name])
    assert str(Platform("linux", found.architecture, found.variant)) == target.platform
    assert found.level == target.level
    assert found.bits == WORD_SIZES.get(name, 64)
    assert found.big_endian is (name in BIG_ENDIAN)


def test_a_dynamic_program_names_its_loader_and_a_static_one_none(programs):
    assert elf.read(programs["dynamic"]).interpreter == "/lib/ld-musl-aarch64.so.1"
    assert elf.read(programs["arm64"]).interpreter is None


@pytest.mark.parametrize("name", ["arm64", "arm-v7", "ppc64le", "amd64"])
def test_the_header_alone_tells_the_architecture(programs, name):
    found = elf.read(programs[name][:64])
    assert found.architecture == name.partition("-")[0]
    assert (found.level, found.interpreter) == (None, None)


def test_arm_of_no_known_version_is_the_lowest(programs):
    assert elf.read(programs["arm-v7"][:64]).variant == "v5"


def test_a_program_that_go_built_tells_its_settings(tool):
    data = Path(tool("skopeo")).read_bytes()
    found = go_binary.settings(data)
    assert (found["GOOS"], found["GOARCH"], found["GOAMD64"]) == ("linux", "amd64", "v1")
    assert elf.read(data).level == "v1"
    assert elf.read(data.replace(GO_SETTING, b"GOAMD64=v3")).level == "v3"


@pytest.mark.parametrize(
    ("settings", "architecture", "level"),
    [
        ({"GOARCH": "arm", "GOARM": "6"}, "arm", "v6"),
        ({"GOARCH": "arm", "GOARM": "7,softfloat"}, "arm", "v7"),
        ({"GOARCH": "arm64", "GOARM64": "v8.1,lse"}, "arm64", "v8.1"),
        ({"GOARCH": "ppc64le", "GOPPC64": "power9"}, "ppc64le", "power9"),
        ({"GOARCH": "riscv64", "GORISCV64": "rva22u64"}, "riscv64", "rva22u64"),
        ({"GOARCH": "amd64"}, "amd64", None),
        ({"GOARCH": "mips", "GOMIPS": "softfloat"}, "mips", None),
        ({"GOARCH": "amd64", "GOAMD64": "v3"}, "arm64", None),
        ({}, "amd64", None),
    ],
)
def test_the_level_that_go_was_told_to_build_for(settings, architecture, level):
    assert go_binary.level(settings, architecture) == level


def test_go_settings_are_found_where_they_are_aligned_only():
    blob = go_blob(b"\tbuild\nbuild\tGOARCH=arm\nbuild\tGOARM=5\n")
    assert go_binary.settings(bytes(32) + blob) == {"GOARCH": "arm", "GOARM": "5"}
    assert go_binary.settings(bytes(33) + blob) == {}
    assert go_binary.settings(bytes(32) + blob.replace(b"\x08\x02", b"\x08\x00")) == {}


@pytest.mark.parametrize(
    ("isa", "profile"),
    [
        ("rv64i2p1_m2p0_a2p1_f2p2_d2p2_c2p0_zicsr2p0_zifencei2p0_zmmul1p0", "rva20u64"),
        ("rv64imafdc_zba_zbb_zbs", None),
        ("rv64i2p0_zba1p0", "rva22u64"),
        ("rv64i2p0_v1p0_zve64d1p0", "rva23u64"),
        ("rv64i2p0_xtheadba1p0", None),
        ("rv32i2p0", None),
        ("", None),
        (None, None),
    ],
)
def test_the_lowest_riscv_profile_that_has_every_extension(isa, profile):
    assert elf_tables.riscv_level(isa) == profile


@pytest.mark.parametrize(
    ("machine", "bits", "flags", "big", "name"),
    [
        (62, 32, 0, False, "amd64p32"),
        (22, 64, 0, True, "s390x"),
        (258, 64, 0, False, "loong64"),
        (8, 32, 0x20, True, "mips64p32"),
        (8, 32, 0x20, False, "mips64p32le"),
        (183, 64, 0, True, "arm64be"),
        (22, 64, 0, False, ""),
        (9999, 64, 0, False, ""),
    ],
)
def test_machines_have_the_names_that_go_gives_them(machine, bits, flags, big, name):
    assert elf_tables.architecture(machine, bits, flags, big_endian=big) == name


@pytest.mark.parametrize("data", [b"", b"\x7fELF", b"\x7fELF\x03\x01" + bytes(60), b"#!/bin/sh\n", b"MZ", b"\0asm"])
def test_what_is_no_elf_file_is_no_program(data):
    assert elf.read(data) is None


@pytest.mark.parametrize("number", [0, 2**64 - 1])
def test_headers_without_size_or_end_are_given_up(programs, number):
    damaged = bytearray(programs["arm64"])
    struct.pack_into("<QQ", damaged, 32, 2**64 - 1, number)  # e_phoff, e_shoff
    struct.pack_into("<HHHH", damaged, 54, 0, 0xFFFF, 0, 0xFFFF)  # sizes of none, as many as there can be
    assert elf.read(bytes(damaged)).architecture == "arm64"


@settings(max_examples=300, deadline=None)
@given(
    name=st.sampled_from(sorted(compiler.TARGETS)),
    changes=st.lists(st.tuples(st.integers(6, 3000), st.binary(min_size=1, max_size=8)), max_size=6),
    length=st.integers(0, 6000),
)
def test_damage_is_not_known_rather_than_an_error(programs, name, changes, length):
    damaged = bytearray(programs[name])
    for place, data in changes:
        damaged[place : place + len(data)] = data
    found = elf.read(bytes(damaged[:length]))
    assert found is None or found.bits in (32, 64)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_after_the_magic_are_read(data):
    for header in (b"\x7fELF\x01\x01", b"\x7fELF\x02\x02"):
        elf.read(header + data)
    go_binary.settings(bytes(16) + go_binary.MAGIC + data)
