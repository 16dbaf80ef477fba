"""Unsigned LEB128 numbers, as protobuf, multiformats and CAR files have them."""

from __future__ import annotations

from bactools.core.errors import BacError

MAX_BYTES = 10
"""Bytes of a number below 2**64."""
MORE = 0x80
BITS = 0x7F


def read(data: bytes | memoryview, at: int) -> tuple[int, int]:
    """The number at a place, below 2**64, and the place behind it. Raises BacError ``bad_input``."""
    value = 0
    for place in range(at, min(at + MAX_BYTES, len(data))):
        byte = data[place]
        value |= (byte & BITS) << (7 * (place - at))
        if byte < MORE:
            if value >> 64:
                break
            return value, place + 1
    raise BacError("bad_input", "a number in an IPFS block is cut off or too large")


def encode(value: int) -> bytes:
    """The shortest bytes of a number that is not negative."""
    encoded = bytearray()
    while value >= MORE:
        encoded.append(value & BITS | MORE)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
