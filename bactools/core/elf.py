"""The bytes of an ELF executable, whole or only their start, -> which platform it is for and what it needs to start.

The platform is that of the ELF header. The lowest CPU that will do is known where the program says so itself: on
x86-64 in its GNU property (x86-64 psABI, Program Property), on 32-bit ARM and RISC-V in their attributes (Arm
IHI0045, RISC-V ELF psABI), and everywhere in what Go's linker records. Instructions are not looked at: a program
may need more than it says. Bytes are not trusted: what is broken is told as not known, and every loop has an end.
"""

from __future__ import annotations

import struct
from io import BytesIO
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from bactools.core import elf_tables as tables
from bactools.core import go_binary
from bactools.core.platform_tables import ARM64_V9, LEVELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from elftools.elf.structs import ELFStructs

MAGIC = b"\x7fELF"
HEADER = 64
MAX_HEADERS = 4096
"""Program headers, and section headers, that are looked at."""
MAX_PART = 64 * 1024
"""Bytes of a note segment or an attribute section that are looked at."""
MAX_PATH = 4096
MAX_ATTRIBUTES = 256
MAX_SCOPES = 16
ATTRIBUTES_VERSION = b"A"


class Program(NamedTuple):
    """An executable. ``architecture`` is Go's name, empty for a machine that Go has none for, ``level`` the lowest CPU.

    ``level`` is a variant of the architecture (``v3`` for amd64, ``v7`` for arm, ``power9``), None where the program
    does not say. ``interpreter`` is the path of its loader, None when it is linked statically.
    """

    architecture: str
    machine: int
    bits: int
    big_endian: bool
    level: str | None = None
    interpreter: str | None = None

    @property
    def variant(self) -> str:
        """The variant that an image needs to promise: ``level``, else the architecture's lowest."""
        lowest = LEVELS.get(self.architecture, ("",))[0] if self.architecture == "arm" else ""
        return self.level or lowest


class _File(NamedTuple):
    """The readable part of a file, its header, and the shapes of what else is in it."""

    data: bytes
    header: Any
    structs: ELFStructs
    bits: int
    big_endian: bool


def read(data: bytes) -> Program | None:
    """The program that these bytes are or begin; None when they are no ELF file."""
    file = _open(data)
    if file is None:
        return None
    machine, big = struct.unpack_from(">H" if file.big_endian else "<H", data, 18)[0], file.big_endian
    architecture = tables.architecture(machine, file.bits, file.header["e_flags"], big_endian=big)
    said = [*_go_levels(data, architecture), *_attribute_levels(file, architecture), *_note_levels(file, architecture)]
    return Program(architecture, machine, file.bits, big, _highest(architecture, said), _interpreter(file))


def _open(data: bytes) -> _File | None:
    from elftools.elf.structs import ELFStructs

    if not data.startswith(MAGIC) or data[4:5] not in (b"\1", b"\2") or data[5:6] not in (b"\1", b"\2"):
        return None
    bits, big = (32, 64)[data[4] - 1], data[5] == 2  # noqa: PLR2004 (ELFCLASS, ELFDATA: gABI, ELF Identification)
    structs = ELFStructs(little_endian=not big, elfclass=bits)
    structs.create_basic_structs()
    header = _parsed(structs.Elf_Ehdr, data, 0, HEADER)
    if header is None:
        return None
    structs.create_advanced_structs(header["e_type"], header["e_machine"], header["e_ident"]["EI_OSABI"])
    return _File(data, header, structs, bits, big)


def _parsed(shape: Any, data: bytes, at: int, size: int) -> Any:
    """What stands at an offset; None when it is not there or has no such shape."""
    from elftools.construct import ConstructError

    try:
        return shape.parse(data[at : at + size])
    except (ConstructError, ValueError):
        return None


def _headers(file: _File, shape: Any, name: str) -> Iterator[Any]:
    """The program headers (``ph``) or section headers (``sh``)."""
    start, size = file.header[f"e_{name}off"], file.header[f"e_{name}entsize"]
    for number in range(min(file.header[f"e_{name}num"], MAX_HEADERS)):
        found = _parsed(shape, file.data, start + number * size, size)
        if found is None:
            return
        yield found


def _segments(file: _File, kind: str) -> Iterator[bytes]:
    for header in _headers(file, file.structs.Elf_Phdr, "ph"):
        if header["p_type"] == kind:
            yield _part(file, header["p_offset"], header["p_filesz"])


def _part(file: _File, start: int, size: int) -> bytes:
    return file.data[start : start + min(size, MAX_PART)]


def _interpreter(file: _File) -> str | None:
    for path in _segments(file, "PT_INTERP"):
        return path[:MAX_PATH].partition(b"\0")[0].decode("utf-8", "surrogateescape")
    return None


def _note_levels(file: _File, architecture: str) -> Iterator[str]:
    """x86-64's levels, from GNU_PROPERTY_X86_ISA_1_NEEDED."""
    if architecture != "amd64":
        return
    for number, notes in enumerate(_segments(file, "PT_NOTE")):
        if number == MAX_ATTRIBUTES:
            return
        for note in _undamaged(_notes(file, notes)):
            properties = note["n_desc"] if note["n_type"] == "NT_GNU_PROPERTY_TYPE_0" else ()
            for each in properties:
                if not isinstance(each, int) and each["pr_type"] == "GNU_PROPERTY_X86_ISA_1_NEEDED":
                    yield from tables.x86_levels(each["pr_data"])


class _Notes(NamedTuple):
    """A note segment by itself, in place of the file in which pyelftools would look for it."""

    stream: BytesIO
    structs: ELFStructs
    elfclass: int


def _notes(file: _File, data: bytes) -> Iterator[Any]:
    from elftools.elf.notes import iter_notes

    segment: Any = _Notes(BytesIO(data), file.structs, file.bits)
    yield from islice(iter_notes(segment, 0, len(data)), MAX_ATTRIBUTES)


def _attribute_levels(file: _File, architecture: str) -> Iterator[str]:
    """The levels in the build attributes of 32-bit ARM and of RISC-V."""
    from elftools.elf.sections import ARMAttributesSubsection, RISCVAttributesSubsection

    if architecture == "arm":
        attributes = _attributes(file, "SHT_ARM_ATTRIBUTES", ARMAttributesSubsection, "TAG_CPU_ARCH")
        yield from filter(None, map(tables.arm_level, _undamaged(attributes)))
    elif architecture == "riscv64":
        attributes = _attributes(file, "SHT_RISCV_ATTRIBUTES", RISCVAttributesSubsection, "TAG_ARCH")
        yield from filter(None, map(tables.riscv_level, _undamaged(attributes)))


def _attributes(file: _File, kind: str, shape: Any, tag: str) -> Iterator[Any]:
    """The values of a tag for the whole file, in an attribute section's first part, which is the architecture's own."""
    header = next((each for each in _headers(file, file.structs.Elf_Shdr, "sh") if each["sh_type"] == kind), None)
    if header is None:
        return
    stream = BytesIO(_part(file, header["sh_offset"], header["sh_size"]))
    for scope in islice(shape(stream, file.structs, len(ATTRIBUTES_VERSION)).iter_subsubsections(), MAX_SCOPES):
        if scope.header.tag == "TAG_FILE":
            for attribute in islice(scope.iter_attributes(), MAX_ATTRIBUTES):
                if attribute.tag == tag:
                    yield attribute.value
            return


def _undamaged(found: Iterator[Any]) -> Iterator[Any]:
    """What pyelftools finds until it stumbles; it checks little, so damage shows in many ways."""
    from elftools.common.exceptions import ELFError
    from elftools.construct import ConstructError

    try:
        yield from found
    except (ELFError, ConstructError, LookupError, TypeError, ValueError, OverflowError, RecursionError):
        return


def _go_levels(data: bytes, architecture: str) -> Iterable[str]:
    level = go_binary.level(go_binary.settings(data), architecture)
    return (level,) if level else ()


def _highest(architecture: str, said: Iterable[str]) -> str | None:
    """The highest of what is said; a level without a place among the others counts least."""
    ladder = LEVELS.get(architecture, ()) + (ARM64_V9 if architecture == "arm64" else ())
    return max(said, key=lambda level: ladder.index(level) if level in ladder else -1, default=None)
