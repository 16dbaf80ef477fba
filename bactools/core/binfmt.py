"""Which foreign architectures binfmt_misc runs, from the text of its entries.

The kernel's admin-guide/binfmt-misc.rst describes the entries: it tries them newest first, and one
matches a file whose bytes at ``offset``, masked, are its ``magic``. An entry's name says nothing that can
be relied on, so each entry is tried on an executable of every architecture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bactools.core import executables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

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
    """The Go architectures whose executables the entry takes, in the order of executables.ARCHITECTURES."""
    starts = (
        (name, executables.program(name).ljust(executables.KERNEL_READS, b"\0")) for name in executables.ARCHITECTURES
    )
    return tuple(name for name, start in starts if matches(entry, start))


def takers(enabled: Iterable[Entry]) -> dict[str, Entry]:
    """The entry that has each Go architecture: of several the first, as in the kernel."""
    taken: dict[str, Entry] = {}
    for entry in enabled:
        for architecture in architectures(entry):
            taken.setdefault(architecture, entry)
    return taken
