"""Which foreign architectures binfmt_misc runs, from the text of its entries.

The kernel's admin-guide/binfmt-misc.rst describes the entries: it tries them newest first, and one
matches a file whose bytes at ``offset``, masked, are its ``magic``. An entry's name says nothing that can
be relied on, so each entry is tried on an ELF header of every Go architecture. A container has its own
root, so only entries with flag F, whose interpreter the kernel holds open, work in it.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from bactools.core.records import Offer

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

STATUS = "status"
"""The file beside the entries that says whether any of them works."""

FIX_BINARY = "F"


class Entry(NamedTuple):
    """One registration. ``magic`` and ``mask`` are empty for an entry that goes by ``extension``."""

    name: str
    enabled: bool = False
    interpreter: str = ""
    flags: str = ""
    offset: int = 0
    magic: bytes = b""
    mask: bytes = b""
    extension: str = ""


class Emulation(NamedTuple):
    """What containers get from binfmt_misc, and what keeps them from getting more."""

    offers: tuple[Offer, ...]
    warnings: tuple[str, ...]


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

# qemu-arm's default CPU is the newest it knows: it runs v7 and, as every v7 does, what is older.
EMULATED_VARIANTS = {"arm": "/v7"}

_EXECUTABLE = 2
_EM_OFFSETS = {32: "III", 64: "QQQ"}
_KERNEL_READS = 256


def elf_header(architecture: str) -> bytes:
    """The first 256 bytes, as the kernel reads them, of a static Linux executable for this Go architecture."""
    machine, bits, order, flags = HEADERS[architecture]
    word = 2 if bits == 64 else 1  # noqa: PLR2004 (ELFCLASS64 and ELFCLASS32)
    identification = b"\x7fELF" + bytes([word, 1 if order == "<" else 2, 1])
    sizes = (64, 56, 1, 64, 0, 0) if word == 2 else (52, 32, 1, 40, 0, 0)  # noqa: PLR2004
    fields = struct.pack(f"{order}HHI{_EM_OFFSETS[bits]}I6H", _EXECUTABLE, machine, 1, 0, 0, 0, flags, *sizes)
    return (identification.ljust(16, b"\0") + fields).ljust(_KERNEL_READS, b"\0")


def entries(files: Mapping[str, str]) -> tuple[Entry, ...]:
    """The enabled entries among the files of the folder, by name, in the folder's order (newest first).

    None where the ``status`` file says that binfmt_misc as a whole is off.
    """
    if files.get(STATUS, "enabled").strip() != "enabled":
        return ()
    parsed = (parse(name, text) for name, text in files.items() if name != STATUS)
    return tuple(entry for entry in parsed if entry.enabled)


def parse(name: str, text: str) -> Entry:
    """Read the text of one entry. A line that is not known, or not understood, is as good as absent."""
    values: dict[str, str] = {}
    for line in text.splitlines():
        key, _, value = line.strip().partition(" ")
        values.setdefault(key.rstrip(":"), value.strip())
    offset = values.get("offset", "")
    return Entry(
        name=name,
        enabled="enabled" in values and "disabled" not in values,
        interpreter=values.get("interpreter", ""),
        flags=values.get("flags", ""),
        offset=int(offset) if offset.isdecimal() and offset.isascii() and len(offset) <= 3 else 0,  # noqa: PLR2004
        magic=_bytes(values.get("magic", "")),
        mask=_bytes(values.get("mask", "")),
        extension=values.get("extension", ""),
    )


def _bytes(digits: str) -> bytes:
    try:
        return bytes.fromhex(digits)
    except ValueError:
        return b""


def matches(entry: Entry, start: bytes) -> bool:
    """Whether the kernel would give a file that starts with these bytes to the entry's interpreter."""
    size = len(entry.magic)
    if not size or len(entry.mask) not in (0, size):
        return False
    mask = entry.mask or b"\xff" * size
    found = start[entry.offset : entry.offset + size]
    return len(found) == size and all(not ((a ^ b) & m) for a, b, m in zip(found, entry.magic, mask, strict=True))


def architectures(entry: Entry) -> tuple[str, ...]:
    """The Go architectures whose executables the entry takes, in the order of HEADERS."""
    return tuple(architecture for architecture in HEADERS if matches(entry, elf_header(architecture)))


def offers(enabled: Iterable[Entry], native: Collection[str]) -> Emulation:
    """The platforms that containers of this host run by emulation, sorted; ``native`` architectures need none.

    Of several entries for one architecture the first has it, as in the kernel. ``via`` is the entry's name.
    """
    taken: dict[str, Entry] = {}
    for entry in enabled:
        for architecture in architectures(entry):
            taken.setdefault(architecture, entry)
    found: list[Offer] = []
    warnings: list[str] = []
    for architecture in sorted(set(taken) - set(native)):
        entry = taken[architecture]
        platform = f"linux/{architecture}{EMULATED_VARIANTS.get(architecture, '')}"
        if FIX_BINARY in entry.flags:
            found.append(Offer(platform, "emulated", entry.name))
        else:
            warnings.append(
                f"containers cannot use the emulator of {platform}: binfmt_misc entry {entry.name} lacks flag F; "
                "register it again with flag F"
            )
    return Emulation(tuple(found), tuple(warnings))
