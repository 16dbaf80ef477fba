"""Executables: the smallest Linux program of each architecture, whose running is the proof that a host can run it.

Each is an ELF header, one segment and the few instructions that exit with status 0. The bytes come from a table:
no compiler, no libc and no emulator has a part in them. The same headers tell which architectures a binfmt_misc
entry takes.
"""

from __future__ import annotations

import struct
from typing import NamedTuple


class Header(NamedTuple):
    """What sets an architecture's ELF header apart: ``e_machine``, class, byte order, ``e_flags``."""

    machine: int
    bits: int
    order: str
    flags: int = 0


# Numbers: elf.h and each architecture's ELF supplement; flags: what Go and LLVM write for Linux.
HEADERS: dict[str, Header] = {
    "amd64": Header(62, 64, "<"),
    "386": Header(3, 32, "<"),
    "arm64": Header(183, 64, "<"),
    "arm": Header(40, 32, "<", 0x05000200),
    "riscv64": Header(243, 64, "<", 0x4),
    "ppc64le": Header(21, 64, "<", 0x2),
    "ppc64": Header(21, 64, ">", 0x2),
    "s390x": Header(22, 64, ">"),
    "mips64le": Header(8, 64, "<", 0x80000007),
    "mips64": Header(8, 64, ">", 0x80000007),
    "mipsle": Header(8, 32, "<", 0x50001007),
    "mips": Header(8, 32, ">", 0x50001007),
    "loong64": Header(258, 64, "<", 0x43),
}

ARCHITECTURES: tuple[str, ...] = tuple(HEADERS)
"""Go's names of the architectures that there is a program for."""

# exit(0): the status, the number of the system call as syscall(2) has it, and the instruction that makes the call.
# Only what the first CPU of an architecture's Linux knows is used, so that no level is asked for.
EXITS: dict[str, str] = {
    "amd64": "bf00000000 b83c000000 0f05",  # mov $0, %edi; mov $60, %eax; syscall
    "386": "31db b801000000 cd80",  # xor %ebx, %ebx; mov $1, %eax; int $0x80
    "arm64": "000080d2 a80b80d2 010000d4",  # mov x0, #0; mov x8, #93; svc #0
    "arm": "0000a0e3 0170a0e3 000000ef",  # mov r0, #0; mov r7, #1; svc #0
    "riscv64": "13050000 9308d005 73000000",  # li a0, 0; li a7, 93; ecall
    "ppc64le": "01000038 00006038 02000044",  # li r0, 1; li r3, 0; sc
    "ppc64": "38000001 38600000 44000002",
    "s390x": "a7290000 0a01",  # lghi %r2, 0; svc 1
    "mips64le": "c2130224 00000424 0c000000",  # li $v0, 5058; li $a0, 0; syscall
    "mips64": "240213c2 24040000 0000000c",
    "mipsle": "a10f0224 00000424 0c000000",  # li $v0, 4001; li $a0, 0; syscall
    "mips": "24020fa1 24040000 0000000c",
    "loong64": "04008003 0b748103 00002b00",  # li.w $a0, 0; li.w $a7, 93; syscall 0
}

MAGIC = b"\x7fELF"
SCRIPT = b"#!"
KERNEL_READS = 256
"""Bytes of a file that the kernel looks at to tell what executes it."""


class Shape(NamedTuple):
    """The layout of a class of ELF files (gABI, ELF Header and Program Header). Sizes in bytes."""

    number: int
    header: int
    segment: int
    section: int
    address: str


SHAPES = {32: Shape(1, 52, 32, 40, "I"), 64: Shape(2, 64, 56, 64, "Q")}
_ORDERS = {"<": 1, ">": 2}
_EXECUTABLE = 2
_LOAD, _INTERPRETER = 1, 3
_READ_AND_EXECUTE = 5
_BASE = 0x400000
_ALIGNMENT = 0x10000
"""The largest page that Linux uses on any of these."""


def program(architecture: str) -> bytes:
    """A static Linux executable for one of ARCHITECTURES that does nothing but exit with status 0."""
    machine, bits, order, flags = HEADERS[architecture]
    shape = SHAPES[bits]
    code = bytes.fromhex(EXITS[architecture])
    start = shape.header + shape.segment
    identification = (MAGIC + bytes([shape.number, _ORDERS[order], 1])).ljust(16, b"\0")
    places = (_BASE + start, shape.header, 0)
    sizes = (shape.header, shape.segment, 1, shape.section, 0, 0)
    fields = struct.pack(f"{order}HHI3{shape.address}I6H", _EXECUTABLE, machine, 1, *places, flags, *sizes)
    return identification + fields + _segment(order, bits, start + len(code)) + code


def _segment(order: str, bits: int, size: int) -> bytes:
    """The program header that maps the whole file. Its flags have another place in each class."""
    place = (0, _BASE, _BASE, size, size)
    if bits == 64:  # noqa: PLR2004 (ELFCLASS64)
        return struct.pack(f"{order}II6Q", _LOAD, _READ_AND_EXECUTE, *place, _ALIGNMENT)
    return struct.pack(f"{order}8I", _LOAD, *place, _READ_AND_EXECUTE, _ALIGNMENT)


def is_dynamic(data: bytes) -> bool | None:
    """Whether a program needs another file of its host to start: its loader, or what runs the script that it is.

    None where its beginning, ``data``, is no ELF file, or does not hold all that would tell.
    """
    # Not with core.elf: a probe that asks nothing else would take twice as long for loading pyelftools.
    if data.startswith(SCRIPT):
        return True
    bits = next((bits for bits, shape in SHAPES.items() if data[4:5] == bytes([shape.number])), None)
    order = next((order for order, number in _ORDERS.items() if data[5:6] == bytes([number])), None)
    if not data.startswith(MAGIC) or bits is None or order is None or len(data) < SHAPES[bits].header:
        return None
    types = _segment_types(data, bits, order)
    return None if types is None else _INTERPRETER in types


def _segment_types(data: bytes, bits: int, order: str) -> list[int] | None:
    """The ``p_type`` of every program header; None where one lies outside of ``data``."""
    shape = SHAPES[bits]
    (table,) = struct.unpack_from(f"{order}{shape.address}", data, struct.calcsize(f"{order}16xHHI{shape.address}"))
    size, count = struct.unpack_from(f"{order}HH", data, shape.header - 10)
    if size < shape.segment or table + size * count > len(data):
        return None
    return [struct.unpack_from(f"{order}I", data, table + size * number)[0] for number in range(count)]
