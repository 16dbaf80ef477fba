from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bactools.core.binfmt import Entry, architectures, entries, parse, takers
from bactools.core.executables import HEADERS

# ELF64, little endian, any OS ABI, executable or shared object, e_machine 183 (AArch64)
ARM64 = """\
enabled
interpreter /usr/libexec/emulator-a64
flags: OCF
offset 0
magic 7f454c460201010000000000000000000200b700
mask ffffffffffffff00fffffffffffffffffeffffff
"""
ARM = ARM64.replace("a64", "a32").replace("0201010000", "0101010000").replace("b700", "2800")

# magic and mask of bytes 0 to 19: class, byte order and e_machine are what differs
MAGICS = {
    "amd64": "7f454c4602010100000000000000000002003e00",
    "386": "7f454c4601010100000000000000000002000300",
    "arm64": "7f454c460201010000000000000000000200b700",
    "arm": "7f454c4601010100000000000000000002002800",
    "riscv64": "7f454c460201010000000000000000000200f300",
    "ppc64le": "7f454c4602010100000000000000000002001500",
    "ppc64": "7f454c4602020100000000000000000000020015",
    "s390x": "7f454c4602020100000000000000000000020016",
    "mips64le": "7f454c4602010100000000000000000002000800",
    "mips64": "7f454c4602020100000000000000000000020008",
    "mipsle": "7f454c4601010100000000000000000002000800",
    "mips": "7f454c4601020100000000000000000000020008",
    "loong64": "7f454c4602010100000000000000000002000201",
}


def test_an_entry_is_read_field_by_field():
    assert parse("qemu-aarch64", ARM64) == Entry(
        name="qemu-aarch64",
        enabled=True,
        interpreter="/usr/libexec/emulator-a64",
        flags="OCF",
        offset=0,
        magic=bytes.fromhex("7f454c460201010000000000000000000200b700"),
        mask=bytes.fromhex("ffffffffffffff00fffffffffffffffffeffffff"),
        extension="",
    )


def test_lines_of_newer_kernels_are_ignored():
    newer = ARM64 + "bpf handler\nbpf-interpreter handler /usr/bin/other\nsomething\n\n"
    assert parse("a", newer) == parse("a", ARM64)


def test_an_entry_by_extension_serves_no_architecture():
    entry = parse("WSLInterop", "enabled\ninterpreter /init\nflags: PF\nextension .exe\n")
    assert entry.extension == ".exe"
    assert architectures(entry) == ()


@pytest.mark.parametrize("magic", ["", "7f454c46zz", "7f4", "4d5a"], ids=["empty", "no hex", "odd", "MZ"])
def test_a_magic_that_no_elf_has_serves_no_architecture(magic):
    assert architectures(parse("x", f"enabled\nflags: F\noffset 0\nmagic {magic}\n")) == ()


@pytest.mark.parametrize(("architecture", "magic"), MAGICS.items())
def test_magic_names_one_architecture_whatever_the_entry_is_called(architecture, magic):
    text = f"enabled\ninterpreter /x\nflags: F\noffset 0\nmagic {magic}\n"
    assert architectures(parse("rosetta", text)) == (architecture,)


def test_every_architecture_has_a_magic_here():
    assert set(MAGICS) == set(HEADERS)


def test_mask_hides_what_it_does_not_cover():
    every_elf = "enabled\nflags: F\noffset 0\nmagic 7f454c46ff\nmask ffffffff00\n"
    assert architectures(parse("all", every_elf)) == tuple(HEADERS)


def test_offset_is_where_the_magic_is_looked_for():
    machine = "enabled\nflags: F\noffset 18\nmagic b700\n"
    assert architectures(parse("x", machine)) == ("arm64",)
    assert architectures(parse("x", machine.replace("18", "19"))) == ()


def test_mips_headers_are_of_the_abi_that_go_uses():
    # The last byte of e_flags, big endian, of a 32-bit header; its bit 0x20 marks the n32 ABI, which Go does not have.
    n32, o32 = (
        f"enabled\nflags: F\noffset 16\nmagic 00020008{'00' * 19}{abi}\nmask ffffffff{'00' * 19}20\n"
        for abi in ("20", "00")
    )
    assert architectures(parse("x", n32)) == ()
    assert architectures(parse("x", o32)) == ("mips64", "mips")


def test_a_mask_of_another_length_matches_nothing():
    assert architectures(parse("x", "enabled\noffset 0\nmagic 7f454c46\nmask ff\n")) == ()


def test_disabled_entries_are_left_out():
    files = {"a": ARM64.replace("enabled", "disabled"), "b": ARM}
    assert [entry.name for entry in entries(files)] == ["b"]


def test_the_global_switch_turns_all_of_them_off():
    assert entries({"a": ARM64, "status": "disabled\n"}) == ()
    assert [entry.name for entry in entries({"a": ARM64, "status": "enabled\n"})] == ["a"]


def test_the_newest_entry_has_an_architecture():
    assert takers(entries({"newer": ARM64, "older": ARM64, "other": ARM})) == {
        "arm64": parse("newer", ARM64),
        "arm": parse("other", ARM),
    }


WORDS = st.sampled_from(["enabled", "disabled", "interpreter", "flags:", "offset", "magic", "mask", "extension", "bpf"])


@given(st.text() | st.lists(st.tuples(WORDS, st.text(max_size=20)).map(" ".join)).map("\n".join))
def test_no_text_of_an_entry_is_an_error(text):
    entry = parse("x", text)
    assert set(architectures(entry)) <= set(HEADERS)
    assert set(takers([entry])) == set(architectures(entry))


@given(st.binary(min_size=1, max_size=64), st.integers(0, 128), st.data())
def test_magic_and_mask_survive_the_text_form(magic, offset, data):
    mask = data.draw(st.binary(min_size=len(magic), max_size=len(magic)))
    text = f"enabled\ninterpreter /x\nflags: F\noffset {offset}\nmagic {magic.hex()}\nmask {mask.hex()}\n"
    assert parse("x", text)[4:7] == (offset, magic, mask)
