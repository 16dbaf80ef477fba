from __future__ import annotations

from pathlib import Path

import pytest
import wasmtime
from hypothesis import given
from hypothesis import strategies as st

from bactools.core import wasm
from bactools.core.errors import BacError

EXAMPLES = Path(__file__).parents[2] / "examples"
PREAMBLE = b"\0asm\x01\0\0\0"
COMPONENT_PREAMBLE = b"\0asm\x0d\0\x01\0"
COMPONENT = """
  (component
    (import "wasi:cli/stdout@0.2.3" (instance))
    (import "thing" (type (sub resource)))
    (import "suffixed" (versionsuffix ".1") (instance))
    (component (import "hidden" (func)) (core module (tag)))
    (core module (import "host" "f" (func)) (memory 17) (type (struct)))
    (export "run" (instance 0)))
"""


def binary(text: str) -> bytes:
    return bytes(wasmtime.wat2wasm(text))


def section(number: int, *contents: bytes) -> bytes:
    body = b"".join(contents)
    return bytes([number, len(body)]) + body


def refusal(data: bytes) -> BacError:
    with pytest.raises(BacError) as caught:
        wasm.read(data, "app.wasm")
    assert caught.value.code == "bad_module"
    assert caught.value.input == "app.wasm"
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "it is empty"),
        (b"\0as", "it is cut off after 3 bytes"),
        (b"\0asm\x01\0\0", "it is cut off after 7 bytes"),
        (b"\0asm\x02\0\0\0", "unknown binary version 2"),
        (b"\0asm\x0a\0\x01\0", "a component of the binary version 10, not 13"),
        (b"\n <!DOCTYPE html><html>", "an HTML or XML page"),
        (b'\xef\xbb\xbf{"message": "Not Found"}', "a JSON document"),
        (b"\x1f\x8b\x08\0", "compressed with gzip"),
        (b"\x28\xb5\x2f\xfd\0", "compressed with Zstandard"),
        (b"PK\x03\x04", "a zip archive"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:", "a Git LFS pointer"),
        (b"\x7fELF\x02\x01\x01\0", "a native program (ELF)"),
        (b"\x7fELF\x02\x01\x01\xc8 no such sections", "a native program (ELF)"),
        (b"#!/bin/sh\n", "a script"),
        (b"(module)", "in WebAssembly's text format"),
        (b"\xff\xfe\0\0", "something else, which begins with the bytes ff fe 00 00"),
    ],
)
def test_other_files_are_named(data, said):
    error = refusal(data)
    assert error.message.startswith("cannot read app.wasm as WebAssembly: ")
    assert said in error.message


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\x01", "ends too early (byte 9)"),
        (b"\x01\x05\x00", "a section of 5 bytes where 1 are left"),
        (section(1, b"\xff\xff\xff\xff\x0f"), "announces 4294967295 items where 0 bytes are left"),
        (section(1, b"\x80\x80\x80\x80\x80\x00"), "a number of more than 32 bits"),
        (section(1, b"\xff\xff\xff\xff\x1f"), "a number of more than 32 bits"),
        (section(1, b"\x01\x60\x00"), "ends too early"),
        (section(1, b"\x01\x60\x01\x40\x00"), "an unknown type 0x40"),
        (section(1, b"\x01\x21"), "an unknown kind of type 0x21"),
        (section(1, b"\x00\x00"), "a section with 1 bytes too many"),
        (section(2, b"\x01\x01\xff\x00\x00\x00"), "a name that is not UTF-8"),
        (section(2, b"\x01\x01a\x01b\x09\x00"), "imports something of an unknown kind 0x09"),
        (section(2, b"\x01\xc1\x84\x3d" + b"a" * 20), "a name of 1000001 bytes where engines take 100000"),
        (section(5, b"\x01\x10\x00"), "limits with unknown flags 0x10"),
        (section(5, b"\x01\x08\x00\x11"), "memory pages of 2^17 bytes"),
        (section(6, b"\x01\x7f\x04\x0b"), "a global with unknown flags 0x04"),
        (section(6, b"\x01\x7f\x00\x10\x0b"), "an unknown instruction 0x10"),
        (section(6, b"\x01\x7f\x00\x41\x80\x80\x80\x80\x10\x0b"), "a number of more than 32 bits"),
        (section(7, b"\x01\x01a\x05\x00"), "exports something of an unknown kind 0x05"),
        (section(14), "a section of an unknown kind 14"),
        (section(2, b"\x00") * 2, "a section of kind 2 where it does not belong"),
        (section(2, b"\x00") + section(1, b"\x00"), "a section of kind 1 where it does not belong"),
        (section(3, b"\x02\x00\x00"), "has 0 of the 2 functions that it announces"),
    ],
)
def test_damage_is_located(data, said):
    assert said in refusal(PREAMBLE + data).message


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (section(13), "a section of an unknown kind 13"),
        (section(1, b"\0asm\x02\0\0\0"), "an unknown binary version"),
        (section(4, PREAMBLE), "an unknown binary version"),
        (section(10, b"\x01\x03\x01a\x05\x00"), "a name of an unknown form 0x03"),
        (section(10, b"\x01\x00\x01a\x06\x00"), "something of an unknown kind 0x06"),
        (section(10, b"\x01\x00\x01a\x03\x02"), "a type bound of an unknown kind 0x02"),
        (section(10, b"\x01\x00\x01a\x00\x10\x00"), "a core item that is no module"),
        (section(11, b"\x01\x00\x01a\x06\x00\x00"), "exports something of an unknown kind 0x06"),
    ],
)
def test_damage_in_a_component_is_located(data, said):
    assert said in refusal(COMPONENT_PREAMBLE + data).message


@pytest.mark.parametrize("text", ["(module (memory 1) (func) (global i32 (i32.const 1)))", COMPONENT])
def test_a_file_cut_inside_a_section_is_refused(text):
    whole = binary(text)
    complete = [size for size in range(8, len(whole)) if not _refused(whole[:size])]
    ends = _section_ends(whole)
    assert set(complete) <= ends


def _refused(data: bytes) -> bool:
    try:
        wasm.read(data, "x")
    except BacError:
        return True
    return False


def _section_ends(data: bytes) -> set[int]:
    ends, at = {8}, 8
    while at < len(data):
        size, shift, at = 0, 0, at + 1
        while data[at] & 0x80:
            size, shift, at = size | (data[at] & 0x7F) << shift, shift + 7, at + 1
        at += 1 + (size | data[at] << shift)
        ends.add(at)
    return ends


SEEDS = [
    binary(COMPONENT),
    binary((EXAMPLES / "hello.wat").read_text()),
    binary('(module (type (struct (field i8))) (import "a" "b" (global (mut (ref null 0)))) (memory i64 1 2) (tag)'
           ' (global v128 (v128.const i64x2 1 2)) (table 1 (ref null extern)) (export "g" (global 0)))'),
]  # fmt: skip


@given(st.sampled_from([b"", PREAMBLE, COMPONENT_PREAMBLE]), st.binary(max_size=200))
def test_random_bytes_are_read_or_refused(preamble, rest):
    _refused(preamble + rest)


@given(st.sampled_from(SEEDS), st.data())
def test_changed_bytes_are_read_or_refused(seed, data):
    changed = bytearray(seed)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(8, len(seed) - 1))] = data.draw(st.integers(0, 255))
    del changed[data.draw(st.integers(8, len(seed))) :]
    _refused(bytes(changed))


def test_deeply_nested_components_are_read():
    data = b""
    for _ in range(1200):
        size = len(data) + 8
        data = b"\x04" + bytes([size & 0x7F | 0x80, size >> 7 & 0x7F | 0x80, size >> 14]) + COMPONENT_PREAMBLE + data
    assert wasm.read(COMPONENT_PREAMBLE + data, "x").format == "component"


@given(st.binary(max_size=100))
def test_any_bytes_are_text_or_not(data):
    assert wasm.is_text(b"(module " + data)
    assert not wasm.is_text(b"\0asm" + data)
