"""CAR files, which arrive in chunks of any size."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bactools.core import car, cid, varint
from bactools.core.cid import RAW
from bactools.core.errors import BacError

# made by hand from the CARv1 specification: one root, and one raw block with the bytes "hi"
ROOT = cid.of(b"hi", RAW)
BODY = b"\xa2\x65roots\x81\xd8\x2a\x58\x25\x00" + ROOT.encoded() + b"\x67version\x01"
HI = bytes((len(BODY),)) + BODY + bytes((38,)) + ROOT.encoded() + b"hi"


def read(*chunks):
    return [(name, bytes(block)) for name, block in car.blocks(chunks)]


def test_a_car_of_one_block_is_read():
    assert read(HI) == [(ROOT, b"hi")]


def test_a_car_is_written_as_it_is_read():
    assert car.header(ROOT) + car.section(ROOT, b"hi") == HI


def test_the_order_of_the_header_does_not_matter():
    body = b"\xa2\x67version\x01" + BODY[1:-9]
    assert read(bytes((len(body),)) + body + HI[1 + len(BODY) :]) == [(ROOT, b"hi")]


@given(st.lists(st.binary(max_size=50), max_size=6), st.lists(st.integers(0, 500), max_size=9))
def test_blocks_come_whatever_the_chunks(blocks, cuts):
    file = HI + b"".join(car.section(cid.of(block, RAW), block) for block in blocks)
    places = [0, *sorted(cuts), len(file)]
    chunks = [file[start:end] for start, end in pairwise(places)]
    assert [block for _, block in read(*chunks)] == [b"hi", *blocks]


def test_a_block_is_there_before_the_next_one_arrives():
    arrived = []

    def chunks():
        arrived.append("first")
        yield HI
        arrived.append("second")
        yield car.section(ROOT, b"hi")

    reader = car.blocks(chunks())
    next(reader)
    assert arrived == ["first"]


@pytest.mark.parametrize("length", range(1, len(HI)))
def test_a_car_that_is_cut_off_is_refused(length):
    if length == 1 + len(BODY):
        assert read(HI[:length]) == []
        return
    with pytest.raises(BacError) as caught:
        read(HI[:length])
    assert caught.value.code == "bad_input"


@given(st.integers(1 + len(BODY), len(HI) - 1), st.integers(0, 7))
def test_no_flipped_bit_of_a_block_is_accepted(place, bit):
    damaged = bytearray(HI)
    damaged[place] ^= 1 << bit
    try:
        found = read(bytes(damaged))
    except BacError as error:
        assert error.code in {"digest_mismatch", "bad_input", "unsupported"}  # noqa: PT017 (or another name)
    else:
        assert [name.digest for name, _ in found] == [ROOT.digest]


@given(st.binary(max_size=200))
def test_any_bytes_are_a_car_or_refused(data):
    try:
        read(data)
    except BacError as error:
        assert error.code in {"bad_input", "too_large", "unsupported", "digest_mismatch"}  # noqa: PT017 (see above)


def test_version_2_is_refused():
    with pytest.raises(BacError) as caught:
        read(b"\x0a\xa1\x67version\x02" + bytes(40))
    assert caught.value.code == "bad_input"


@pytest.mark.parametrize("start", [b"", HI])
def test_a_length_beyond_the_limit_is_refused_before_anything_is_read(start):
    with pytest.raises(BacError) as caught:
        read(start + varint.encode(2**40))
    assert caught.value.code == "too_large"
