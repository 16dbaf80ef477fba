"""What Wasmtime's native code for a module is bound to: the section ``.wasmtime.engine`` of its ELF file.

The section begins with the byte 0, the version of Wasmtime as a string behind its length in one byte, and the target
triple as a string behind its length in LEB128 (wasmtime, crates/wasmtime/src/engine/serialization.rs). Bytes are not
trusted: what is not as it should be is told as not known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bactools.core.records import Precompiled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bactools.core.content import Content

RUNTIME = "wasmtime"
SECTION = b".wasmtime.engine\0"
LAYOUT = 0
HEADER, SECTION_HEADER = 64, 64
MAX_SECTIONS = 1024
MAX_STRING = 128
"""Bytes of a version or a target triple: the length of either fits in one byte."""
BIG_ENDIAN = 2


def read(data: Content) -> Precompiled:
    """The runtime with its version and target, each None where the file does not say."""
    section = _section(data)
    if section[:1] != bytes([LAYOUT]):
        return Precompiled(RUNTIME)
    version, rest = _string(section[1:])
    target, _ = _string(rest)
    return Precompiled(RUNTIME, version, target if version else None)


def _string(data: bytes) -> tuple[str | None, bytes]:
    size = data[0] if data else 0
    found, rest = data[1 : size + 1], data[size + 1 :]
    if not 0 < size < MAX_STRING or len(found) < size or not found.isascii():
        return None, b""
    text = found.decode("ascii")
    return (text, rest) if text.isprintable() else (None, b"")


def _section(data: Content) -> bytes:
    """The start of the section; empty when there is none."""
    from elftools.elf.structs import ELFStructs

    structs = ELFStructs(little_endian=data[5:6] != bytes([BIG_ENDIAN]), elfclass=64)
    structs.create_basic_structs()
    header = _parsed(structs.Elf_Ehdr, data, 0, HEADER)
    if header is None:
        return b""
    structs.create_advanced_structs()
    sections = list(_sections(structs, header, data))
    if header["e_shstrndx"] >= len(sections):
        return b""
    names = sections[header["e_shstrndx"]]["sh_offset"]
    for each in sections:
        start, place = each["sh_offset"], names + each["sh_name"]
        if data[place : place + len(SECTION)] == SECTION:
            return data[start : start + min(each["sh_size"], 2 * MAX_STRING + 3)]
    return b""


def _sections(structs: Any, header: Any, data: Content) -> Iterator[Any]:
    for number in range(min(header["e_shnum"], MAX_SECTIONS)):
        found = _parsed(structs.Elf_Shdr, data, header["e_shoff"] + number * SECTION_HEADER, SECTION_HEADER)
        if found is None:
            return
        yield found


def _parsed(shape: Any, data: Content, at: int, size: int) -> Any:
    """What stands at an offset; None when it is not there or has no such shape."""
    from elftools.construct import ConstructError

    try:
        return shape.parse(data[at : at + size])
    except (ConstructError, ValueError):
        return None
