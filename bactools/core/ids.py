"""Ids as Bacalhau writes them: a letter for the kind, a hyphen, and 32 digits grouped as in a UUID."""

from __future__ import annotations

SIZE = 16


def format_id(prefix: str, octets: bytes) -> str:
    """The id made of the first 16 octets, such as ``j-48932cd7-9fcd-f67a-1375-2988744f66b1``."""
    digits = octets[:SIZE].hex()
    parts = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
    return f"{prefix}-{'-'.join(parts)}"
