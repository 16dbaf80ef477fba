"""DAG-PB blocks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bactools.core import cid, dagpb, varint
from bactools.core.cid import RAW
from bactools.core.dagpb import Link, Node
from bactools.core.errors import BacError

LINKS = st.builds(
    Link,
    st.binary(max_size=20),
    st.binary(max_size=9).map(lambda block: cid.of(block, RAW)),
    st.integers(0, 2**64 - 1),
)


@given(st.lists(LINKS, max_size=5), st.binary(max_size=300))
def test_a_node_survives_its_block(links, data):
    assert dagpb.decode(dagpb.encode(links, data)) == Node(tuple(links), data)


@given(st.binary(max_size=100))
def test_any_bytes_are_a_node_or_refused(block):
    try:
        dagpb.decode(block)
    except BacError as error:
        assert error.code in {"bad_input", "unsupported"}  # noqa: PT017 (either outcome will do)


@pytest.mark.parametrize("cut", range(1, 6))
def test_a_block_that_is_cut_off_is_refused(cut):
    block = dagpb.encode([Link(b"a", cid.of(b"x", RAW), 1)], b"data")
    with pytest.raises(BacError) as caught:
        dagpb.decode(block[:-cut])
    assert caught.value.code == "bad_input"


@pytest.mark.parametrize("block", [b"\x12\x02\x18\x00", b"\x0a", b"\x08\x01", b"\x1a\x00", b"\x0b", b"\xff" * 11])
def test_what_is_no_node_is_refused(block):
    with pytest.raises(BacError):
        dagpb.decode(block)


@given(st.integers(0, 2**64 - 1))
def test_a_number_survives(value):
    encoded = varint.encode(value)
    assert varint.read(encoded + b"\0", 0) == (value, len(encoded))


def test_a_number_of_more_than_64_bits_is_refused():
    with pytest.raises(BacError):
        varint.read(varint.encode(2**64), 0)
