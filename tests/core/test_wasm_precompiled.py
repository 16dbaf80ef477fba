from __future__ import annotations

from importlib import metadata

import one_thread
import pytest
import wasmtime
from hypothesis import example, given
from hypothesis import strategies as st

from bactools.core import wasm_precompiled
from bactools.core.records import Precompiled

VERSION = metadata.version("wasmtime").partition(".")[0]
COMPILED = bytes(wasmtime.Module(one_thread.engine(), b"\0asm\1\0\0\0").serialize())
HEADER = b"\0" + bytes([len(VERSION)]) + VERSION.encode()
"""How the section begins."""


def test_wasmtime_says_its_version_and_target():
    found = wasm_precompiled.read(COMPILED)
    assert (found.runtime, found.version) == ("wasmtime", VERSION)
    assert found.target is not None
    assert "-linux-" in found.target


@pytest.mark.parametrize(
    ("data", "version"),
    [
        (COMPILED[:100], None),
        (COMPILED.replace(b".wasmtime.engine\0", b".wasmtime.motors\0"), None),
        (COMPILED.replace(HEADER, b"\1" + HEADER[1:]), None),
        (COMPILED.replace(HEADER, b"\0\0" + HEADER[2:]), None),
        (COMPILED.replace(HEADER, HEADER[:-1] + b"\n"), None),
        (COMPILED.replace(b"\x18x86_64", b"\xffx86_64").replace(b"\x19aarch64", b"\xffaarch64"), VERSION),
    ],
)
def test_what_it_does_not_say_is_not_known(data, version):
    assert wasm_precompiled.read(data) == Precompiled("wasmtime", version, None)


@given(st.lists(st.tuples(st.integers(0, len(COMPILED) - 1), st.binary(min_size=1, max_size=8)), max_size=6))
@example([(40, b"\xff" * 8)])
@example([(58, b"\xff" * 6)])
def test_no_damage_does_more_than_hide_it(changes):
    data = bytearray(COMPILED)
    for place, value in changes:
        data[place : place + len(value)] = value
    assert wasm_precompiled.read(bytes(data)).runtime == "wasmtime"
