"""CIDs, as texts and as bytes. The literal ones are what Kubo calls the bytes beside them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bactools.core import cid
from bactools.core.cid import DAG_PB, IDENTITY, RAW, SHA2_256, Cid
from bactools.core.errors import BacError

HELLO = b"hello\n"
HELLO_RAW = "bafkreicysg23kiwv34eg2d7qweipxwosdo2py4ldv42nbauguluen5v6am"
EMPTY_FILE = "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH"
EMPTY_FILE_BLOCK = bytes.fromhex("0a0408021800")
DIGESTS = st.binary(min_size=32, max_size=32)


def test_a_raw_block_has_its_known_name():
    assert str(cid.of(HELLO, RAW)) == HELLO_RAW


def test_a_version_0_name_is_that_of_a_dag_pb_block():
    assert str(cid.of(EMPTY_FILE_BLOCK, DAG_PB, 0)) == EMPTY_FILE
    assert cid.parse(EMPTY_FILE) == cid.of(EMPTY_FILE_BLOCK, DAG_PB, 0)


def base36(encoded):
    number, digits = int.from_bytes(encoded, "big"), ""
    while number:
        number, digit = divmod(number, 36)
        digits = cid.BASE36[digit] + digits
    return digits


@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize(("base", "encode"), [("f", bytes.hex), ("k", base36), ("b", lambda _: HELLO_RAW[1:])])
def test_every_base_says_the_same(base, encode, upper):
    text = base + encode(cid.parse(HELLO_RAW).encoded())
    assert cid.parse(text.upper() if upper else text) == cid.parse(HELLO_RAW)


def test_version_1_may_be_in_base58():
    text = "zb2rhe5P4gXftAwvA4eXQ5HJwsER2owDyS9sKaQRRVQPn93bA"
    assert cid.parse(text) == Cid(1, RAW, SHA2_256, cid.parse(text).digest)
    assert str(cid.parse(text)).startswith("bafkrei")


@given(DIGESTS, st.sampled_from([RAW, DAG_PB, 0x71]))
def test_a_name_survives_its_text_and_its_bytes(digest, codec):
    name = Cid(1, codec, SHA2_256, digest)
    assert cid.parse(str(name)) == name
    assert cid.read(b"x" + name.encoded() + b"y", 1) == (name, 1 + len(name.encoded()))


@given(DIGESTS)
def test_a_version_0_name_survives_its_text(digest):
    name = Cid(0, DAG_PB, SHA2_256, digest)
    assert cid.parse(str(name)) == name


@given(st.text(max_size=80) | st.text(cid.BASE58, min_size=40, max_size=60).map("Qm".__add__))
def test_any_text_is_a_name_or_refused(text):
    try:
        name = cid.parse(text)
    except BacError as error:
        assert error.code in {"bad_input", "unsupported"}  # noqa: PT017 (either outcome will do)
    else:
        assert cid.parse(str(name)) == name


@given(st.binary(max_size=60))
def test_any_bytes_are_a_name_or_refused(data):
    try:
        name, end = cid.read(data, 0)
    except BacError as error:
        assert error.code in {"bad_input", "unsupported"}  # noqa: PT017 (either outcome will do)
    else:
        assert len(data) >= end >= len(name.digest)


@pytest.mark.parametrize(
    "text", ["", "b", "Qm", EMPTY_FILE[:-1], EMPTY_FILE + "1", HELLO_RAW + "a", "x" * 600, "B" + HELLO_RAW[1:]]
)
def test_what_is_no_cid_is_refused_with_a_hint(text):
    with pytest.raises(BacError) as caught:
        cid.parse(text)
    assert caught.value.code == "bad_input"


def test_a_hash_function_that_cannot_be_verified_is_named():
    with pytest.raises(BacError) as caught:
        cid.read(bytes((1, RAW, 0x1E, 32)) + bytes(32), 0)
    assert caught.value.code == "unsupported"
    assert "0x1e" in caught.value.message


def test_a_block_is_held_against_its_name():
    cid.verify(cid.of(HELLO, RAW), HELLO)
    cid.verify(Cid(1, RAW, IDENTITY, HELLO), HELLO)
    for name in (cid.of(HELLO, RAW), Cid(1, RAW, IDENTITY, HELLO)):
        with pytest.raises(BacError) as caught:
            cid.verify(name, b"hellp\n")
        assert caught.value.code == "digest_mismatch"
        assert str(name) in caught.value.message
