"""Amounts rounded down to few that are easily said, so that many nodes share one.

Rounding keeps the order: of two amounts the smaller one never becomes the larger. So whoever asks for the rounded
amount of one node is given it by every node whose own rounded amount is at least that.
"""

from __future__ import annotations

SIZE_DIGITS = 2
CORE_DIGITS = 3
MOST_CORES = 1e12
"""More are rounded down to this."""
STEP = 1024
SMALL = 10
QUARTERS = 4


def size(count: float) -> int:
    """Bytes, down to two decimal digits (8.3 GB) or a short number of binary units (512 MiB), whichever is nearer."""
    whole = max(int(count), 0)
    return max(_decimal(whole, SIZE_DIGITS), _binary(whole))


def cores(count: float) -> float:
    """Cores, down to three digits; 0.47 is that many, though its nearest binary fraction is a little less."""
    most = min(max(count, 0), MOST_CORES)
    over, under = most.as_integer_ratio()
    whole = over * 1000 // under
    return _decimal(whole + ((whole + 1) / 1000 <= most), CORE_DIGITS) / 1000


def _decimal(whole: int, digits: int) -> int:
    power = int("1".ljust(len(str(whole)) - digits + 1, "0"))
    return whole // power * power


def _binary(whole: int) -> int:
    """Down to a whole number of the largest unit that is in it; below ten of them to a quarter."""
    unit = 1
    while whole >= unit * STEP:
        unit *= STEP
    if unit > 1 and whole < SMALL * unit:
        unit //= QUARTERS
    return whole // unit * unit
