"""Where a name is in a sharded UnixFS directory: the bits of its murmur3-x64-64 (UnixFS specification).

Each level takes as many bits as count its places, the most significant first. A link's name is the place in
upper-case hexadecimal: alone for a deeper shard, before the entry's own name for an entry.
"""

from __future__ import annotations

MURMUR3_X64_64 = 0x22
FANOUT = 256
"""Places of a shard, as every known writer has it."""
MIN_FANOUT, MAX_FANOUT = 8, 1024
HASH_BITS = 64

MASK = (1 << 64) - 1
C1 = 0x87C37B91114253D5
C2 = 0x4CF5AD432745937F


def width(fanout: int) -> int:
    """Characters of a place in a link's name."""
    return len(f"{fanout - 1:X}")


def places(name: bytes, fanout: int) -> tuple[int, ...]:
    """The places of a name, from the root shard down to where the hash has no more bits."""
    bits = fanout.bit_length() - 1
    hashed = murmur3(name)
    return tuple(hashed >> (HASH_BITS - used - bits) & (fanout - 1) for used in range(0, HASH_BITS - bits + 1, bits))


def murmur3(data: bytes) -> int:
    """The first 64 bits of MurmurHash3_x64_128 with the seed 0."""
    first = second = 0
    whole = len(data) & ~15
    for at in range(0, whole, 16):
        first ^= _mix_first(int.from_bytes(data[at : at + 8], "little"))
        first = _rotated(first, 27) + second & MASK
        first = first * 5 + 0x52DCE729 & MASK
        second ^= _mix_second(int.from_bytes(data[at + 8 : at + 16], "little"))
        second = _rotated(second, 31) + first & MASK
        second = second * 5 + 0x38495AB5 & MASK
    second ^= _mix_second(int.from_bytes(data[whole + 8 :], "little"))
    first ^= _mix_first(int.from_bytes(data[whole : whole + 8], "little"))
    first ^= len(data)
    second ^= len(data)
    first = first + second & MASK
    second = second + first & MASK
    return _final(first) + _final(second) & MASK


def _mix_first(word: int) -> int:
    return _rotated(word * C1 & MASK, 31) * C2 & MASK


def _mix_second(word: int) -> int:
    return _rotated(word * C2 & MASK, 33) * C1 & MASK


def _rotated(word: int, count: int) -> int:
    return (word << count | word >> (64 - count)) & MASK


def _final(word: int) -> int:
    word ^= word >> 33
    word = word * 0xFF51AFD7ED558CCD & MASK
    word ^= word >> 33
    word = word * 0xC4CEB9FE1A85EC53 & MASK
    return word ^ word >> 33
