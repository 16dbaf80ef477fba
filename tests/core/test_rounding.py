"""Amounts are rounded down, to few, in order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bactools.core import rounding
from bactools.core.reasons import cores, size

SIZES = st.integers(0, 2**64)


@pytest.mark.parametrize(
    ("exact", "rounded"),
    [
        (8 * 10**9, "8 GB"),
        (8 * 2**30, "8 GiB"),
        (8 * 2**30 + 1, "8 GiB"),
        (8_310_000_000, "8.3 GB"),
        (536_870_912, "512 MiB"),
        (536_870_911, "511 MiB"),
        (16_777_216_000, "15 GiB"),
        (16_050_000_000, "16 GB"),
        (999, "999 bytes"),
        (1, "1 byte"),
        (0, "0 bytes"),
    ],
)
def test_sizes(exact, rounded):
    assert size(rounding.size(exact)) == rounded


@pytest.mark.parametrize(
    ("exact", "rounded"),
    [(25.6, "25.6 cores"), (127.99, "127 cores"), (0.1, "0.1 cores"), (0.47, "0.47 cores"), (1.0, "1 core")],
)
def test_cores(exact, rounded):
    assert cores(rounding.cores(exact)) == rounded


@given(SIZES, SIZES)
def test_rounding_never_goes_up_and_keeps_the_order(one, other):
    assert rounding.size(one) <= one
    assert (rounding.size(one) <= rounding.size(other)) or one > other


@given(st.floats(0, 1e308), st.floats(0, 1e308))
def test_cores_too(one, other):
    assert rounding.cores(one) <= one
    assert (rounding.cores(one) <= rounding.cores(other)) or one > other


@given(SIZES)
def test_a_rounded_amount_stays(amount):
    assert rounding.size(rounding.size(amount)) == rounding.size(amount)


@given(st.integers(0, 10**16))
def test_a_size_is_said_exactly(amount):
    number, unit = size(amount).split()
    factors = {"byte": 1, "bytes": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "PB": 10**15}
    factors |= {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40, "PiB": 2**50}
    whole, _, decimals = number.partition(".")
    assert int(whole + decimals) * factors[unit] == amount * 10 ** len(decimals)
