"""Digests: which texts are any, and what they are of."""

from __future__ import annotations

import pytest

from bactools.core.digests import digest_of, is_digest

# SHA-256 and SHA-512 of "abc": FIPS 180-2, B.1 and C.1
SHA256 = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
SHA512 = (
    "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
)


def test_a_digest_is_computed_by_the_algorithm_of_its_model():
    assert digest_of(b"abc") == SHA256
    assert digest_of(b"abc", SHA512) == SHA512


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        (SHA256, True),
        (SHA512, True),
        (SHA256.upper(), False),
        (SHA256[:-1], False),
        (SHA256 + "0", False),
        (SHA256[:-1] + "g", False),
        (SHA256[:-1] + "/", False),
        (SHA256[:-1] + "\n", False),
        (SHA512.replace("512", "256"), False),
        (SHA256.replace("sha256", "md5"), False),
        (SHA256.removeprefix("sha256:"), False),
        ("sha256:", False),
        ("sha256", False),
        ("", False),
    ],
)
def test_a_digest_is_one_that_can_be_verified(text, digest):
    assert is_digest(text) is digest
