"""What blocks say about files and directories, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bactools.core import cid, dagpb, hamt, unixfs
from bactools.core.cid import DAG_PB, RAW, Cid
from bactools.core.dagpb import Link, field, number_field
from bactools.core.errors import BacError
from bactools.core.unixfs import Entry, File, Part

LEAF = cid.of(b"x", RAW)


def read(message, links=()):
    block = dagpb.encode(links, message)
    return unixfs.read(cid.of(block, DAG_PB), block)


def refusal(message, links=()):
    with pytest.raises(BacError) as caught:
        read(message, links)
    return caught.value.code


def test_a_raw_block_is_a_file():
    assert unixfs.read(LEAF, b"x") == File(b"x", (), 1)


def test_a_file_may_have_data_and_parts():
    message = unixfs.encode_file(b"ab", (3,))
    assert read(message, [Link(b"", LEAF, 3)]) == File(b"ab", (Part(LEAF, 3),), 5)


def test_sizes_may_be_packed():
    message = number_field(1, 2) + number_field(3, 7) + field(4, b"\x03\x04")
    assert read(message, [Link(b"", LEAF, 3), Link(b"", LEAF, 4)]).parts == (Part(LEAF, 3), Part(LEAF, 4))


@pytest.mark.parametrize(("mode", "executable"), [(0o644, False), (0o755, True), (0o100, True)])
def test_a_file_may_say_that_it_is_a_program(mode, executable):
    assert read(unixfs.encode_file(b"x") + number_field(7, mode)).executable is executable


def test_a_file_must_say_the_size_of_each_part():
    assert refusal(unixfs.encode_file(b""), [Link(b"", LEAF, 3)]) == "bad_input"


def test_a_file_must_say_the_size_that_its_parts_have():
    assert refusal(number_field(1, 2) + number_field(3, 9) + number_field(4, 3), [Link(b"", LEAF, 3)]) == "bad_input"


def test_a_name_that_is_not_utf8_is_refused():
    assert refusal(unixfs.encode_directory(), [Link(b"\xff", LEAF, 1)]) == "bad_input"


@pytest.mark.parametrize("type", [3, 6])
def test_what_is_no_file_or_directory_is_refused(type):
    assert refusal(number_field(1, type)) == "unsupported"


def test_another_codec_is_named():
    with pytest.raises(BacError) as caught:
        unixfs.read(Cid(1, 0x71, LEAF.hash, LEAF.digest), b"\xa0")
    assert caught.value.code == "unsupported"
    assert "dag-cbor" in caught.value.message


def test_a_shard_tells_entries_and_deeper_shards_by_place():
    shard = read(unixfs.encode_shard(1 << 0x0A | 1), [Link(b"0Aname", LEAF, 1), Link(b"00", LEAF, 1)])
    assert (shard.entries, shard.deeper, shard.fanout) == ({0x0A: Entry("name", LEAF)}, {0: LEAF}, 256)


@pytest.mark.parametrize("names", [[b"0a"], [b"0"], [b""], [b"+1"], [b"00", b"00a"], [b"zzname"]])
def test_a_wrong_place_in_a_shard_is_refused(names):
    assert refusal(unixfs.encode_shard(1), [Link(name, LEAF, 1) for name in names]) == "bad_input"


@pytest.mark.parametrize("fanout", [0, 1, 4, 100, 2048])
def test_an_odd_number_of_places_is_refused(fanout):
    message = number_field(1, 5) + number_field(5, 0x22) + number_field(6, fanout)
    assert refusal(message) == "bad_input"


def test_a_shard_by_another_hash_function_is_refused():
    assert refusal(number_field(1, 5) + number_field(5, 0x12) + number_field(6, 256)) == "unsupported"


@given(st.binary(max_size=60), st.integers(0, 3))
def test_any_message_is_read_or_refused(message, links):
    try:
        read(message, [Link(b"00", LEAF, 1)] * links)
    except BacError as error:
        assert error.code in {"bad_input", "unsupported"}  # noqa: PT017 (either outcome will do)


# The figures are MurmurHash3's own, of the 128-bit variant for 64-bit machines, seed 0.
@pytest.mark.parametrize(
    ("text", "hashed"),
    [
        ("", 0),
        ("hello", 0xCBD8A7B341BD9B02),
        ("The quick brown fox jumps over the lazy dog", 0xE34BBC7BBC071B6C),
    ],
)
def test_murmur3_is_what_it_is_elsewhere(text, hashed):
    assert hamt.murmur3(text.encode()) == hashed


def test_the_places_of_a_name_are_the_bits_of_its_hash():
    assert hamt.places(b"hello", 256) == (0xCB, 0xD8, 0xA7, 0xB3, 0x41, 0xBD, 0x9B, 0x02)
    assert hamt.places(b"hello", 8)[:3] == (0b110, 0b010, 0b111)
