"""What may be believed of a cache: how long a tag means what it meant, and what goes when it is full.

Content is named by its digest and true for ever. What a repository has under a tag or a digest is kept as a note: five
lines, which are the reference, the digest, the media type, when the registry last said so (whole seconds since 1970),
and the SHA-256 of the four lines before.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from bactools.core.digests import is_digest

if TYPE_CHECKING:
    from collections.abc import Iterable

SWEEPS = 64
"""How often everything is looked at while as much is written as there may be."""
KEPT = 7 / 8
"""How much of what there may be is left when something has to go."""
LINES = 5


class Rules(NamedTuple):
    """When to ask: tags confirmed less than ``max_age`` seconds ago are believed, and ``offline`` everything is."""

    max_age: float = 0.0
    offline: bool = False
    use_cache: bool = True


class Note(NamedTuple):
    """What a registry has under ``reference``, a repository's name with a tag or a digest."""

    reference: str
    digest: str
    media_type: str
    confirmed: float


class Stored(NamedTuple):
    """Something in the cache: its name, what it takes on the disk in bytes, when it was used last."""

    name: str
    size: int
    used: float


def is_fresh(note: Note, now: float, max_age: float) -> bool:
    """Whether to believe a note without asking: a digest never changes its meaning, a tag may at any time.

    A note from the future, as one looks when the clock was set back, is not believed.
    """
    return note.reference.endswith(f"@{note.digest}") or 0 <= now - note.confirmed < max_age


def written(note: Note) -> bytes:
    """A note as it is kept."""
    text = f"{note.reference}\n{note.digest}\n{note.media_type}\n{int(note.confirmed)}\n"
    return f"{text}{_checksum(text)}\n".encode()


def read(data: bytes, reference: str) -> Note | None:
    """A note that was kept for a reference; None when it is damaged, or one for another reference."""
    text = data.decode("utf-8", "replace")
    lines = text.split("\n")
    if len(lines) != LINES + 1 or lines[0] != reference or not is_digest(lines[1]) or not lines[3].isdecimal():
        return None
    checked = "".join(f"{line}\n" for line in lines[: LINES - 1])
    return Note(lines[0], lines[1], lines[2], float(lines[3])) if _checksum(checked) == lines[LINES - 1] else None


def is_sweep_due(draw: int, size: int, limit: int) -> bool:
    """Whether to look at everything after writing ``size`` bytes where ``limit`` may be; ``draw`` is 32 random bits.

    Processes that know nothing of each other come so to one look for every ``limit / SWEEPS`` bytes that they write.
    """
    return draw * limit < size * SWEEPS * 2**32


def expendable(stored: Iterable[Stored], limit: int) -> list[Stored]:
    """What has to go, the least recently used first, when there are more bytes than ``limit``; else nothing."""
    by_use = sorted(stored, key=lambda item: item.used)
    excess = sum(item.size for item in by_use)
    if excess <= limit:
        return []
    going = []
    for item in by_use:
        if excess <= limit * KEPT:
            break
        going.append(item)
        excess -= item.size
    return going


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
