"""Digests, ``algorithm:hexadecimal``: sha256 and sha512, the two that the OCI image specification registers."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bactools.core.content import Content

PIECE = 1024 * 1024
LENGTHS = {"sha256": 64, "sha512": 128}
HEXADECIMAL = frozenset("0123456789abcdef")


def is_digest(text: str) -> bool:
    """Whether ``text`` is a digest of an algorithm that we can verify, so safe to put in a URL."""
    algorithm, _, value = text.partition(":")
    return len(value) == LENGTHS.get(algorithm) and HEXADECIMAL.issuperset(value)


def digest_of(data: Content, like: str | None = None) -> str:
    """The digest of ``data``, by the algorithm of the digest ``like`` (default sha256)."""
    algorithm = like.partition(":")[0] if like else "sha256"
    digest = hashlib.new(algorithm)
    for at in range(0, len(data), PIECE):
        digest.update(data[at : at + PIECE])
    return f"{algorithm}:{digest.hexdigest()}"
