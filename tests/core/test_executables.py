from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bactools.core import elf
from bactools.core.executables import ARCHITECTURES, EXITS, HEADERS, is_dynamic, program

# What each file weighs; the headers of 64-bit ELF take 120 bytes, those of 32-bit ELF 84.
SIZES = {
    "amd64": 132,
    "386": 93,
    "arm64": 132,
    "arm": 96,
    "riscv64": 132,
    "ppc64le": 132,
    "ppc64": 132,
    "s390x": 126,
    "mips64le": 132,
    "mips64": 132,
    "mipsle": 96,
    "mips": 96,
    "loong64": 132,
}
# The whole program for arm64, field by field.
ARM64 = "".join(
    """
    7f454c46 02 01 01 00 0000000000000000  0200 b700 01000000 7800400000000000 4000000000000000 0000000000000000
    00000000 4000 3800 0100 4000 0000 0000
    01000000 05000000 0000000000000000 0000400000000000 0000400000000000 8400000000000000 8400000000000000
    0000010000000000
    000080d2 a80b80d2 010000d4
    """.split()
)


@pytest.mark.parametrize(("architecture", "size"), SIZES.items())
def test_a_program_is_a_static_executable_of_its_architecture(architecture, size):
    data = program(architecture)
    found = elf.read(data)
    assert (len(data), found.architecture, found.interpreter) == (size, architecture, None)


def test_every_architecture_with_a_header_has_a_program():
    assert set(ARCHITECTURES) == set(EXITS) == set(HEADERS) == set(SIZES)


def test_the_program_for_arm64_to_the_byte():
    assert program("arm64").hex() == ARM64


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_program_starts_at_its_first_instruction(architecture):
    data = program(architecture)
    header = HEADERS[architecture]
    (entry,) = struct.unpack_from(f"{header.order}{'Q' if header.bits == 64 else 'I'}", data, 24)
    assert data[entry - 0x400000 :] == bytes.fromhex(EXITS[architecture])


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_program_of_ours_needs_no_other_file(architecture):
    assert is_dynamic(program(architecture)) is False


def test_compiled_programs_are_told_apart_as_pyelftools_does(programs):
    found = {name: is_dynamic(data) for name, data in programs.items()}
    assert found == {name: elf.read(data).interpreter is not None for name, data in programs.items()}
    assert found["dynamic"] is True


def test_a_script_needs_what_runs_it():
    assert is_dynamic(b"#!/bin/sh\n") is True


@pytest.mark.parametrize("length", [0, 4, 6, 63, 64, 119])
def test_a_program_cut_within_its_headers_tells_nothing(length):
    assert is_dynamic(program("arm64")[:length]) is None


@pytest.mark.parametrize(
    "data", [b"MZ\x90\x00" + bytes(60), b"\x7fELF\x03\x01" + bytes(60), b"\x7fELF\x02\x03" + bytes(60)]
)
def test_what_is_no_elf_file_tells_nothing(data):
    assert is_dynamic(data) is None


@given(st.sampled_from(ARCHITECTURES), st.integers(0, 63), st.binary(min_size=1, max_size=8))
def test_no_damage_is_an_error(architecture, place, damage):
    data = bytearray(program(architecture))
    data[place : place + len(damage)] = damage
    assert is_dynamic(bytes(data)) in (True, False, None)
