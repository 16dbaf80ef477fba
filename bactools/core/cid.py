"""Content identifiers: names of blocks that say by a digest what the block must be (multiformats, CID specification).

Version 0 is 46 characters in base58btc, always dag-pb and sha2-256; version 1 says its base by its first character.
Of digests sha2-256 is read, and identity, which is the block itself.
"""

from __future__ import annotations

import binascii
import hashlib
from base64 import b32decode, b32encode
from typing import NamedTuple

from bactools.core import varint
from bactools.core.errors import BacError, encodable

RAW = 0x55
DAG_PB = 0x70
IDENTITY = 0x00
SHA2_256 = 0x12

DIGEST = 32
MAX_IDENTITY = 128
"""Bytes of a block that may be in its own name: what Kubo allows."""
MAX_TEXT = 512
V0_TEXT = 46
V0_START = bytes((SHA2_256, DIGEST))

BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"

CODECS = {0x71: "dag-cbor", 0x72: "libp2p-key", 0x78: "git-raw", 0x85: "dag-jose", 0x0129: "dag-json"}


class Cid(NamedTuple):
    """``codec`` and ``hash`` are numbers of the multicodec table."""

    version: int
    codec: int
    hash: int
    digest: bytes

    def __str__(self) -> str:
        """The usual text: base58btc for version 0, base32 for version 1."""
        if self.version == 0:
            return _to_digits(self.encoded(), BASE58)
        return "b" + b32encode(self.encoded()).decode("ascii").lower().rstrip("=")

    def encoded(self) -> bytes:
        """The bytes, as links and CAR files have them."""
        multihash = varint.encode(self.hash) + varint.encode(len(self.digest)) + self.digest
        if self.version == 0:
            return multihash
        return varint.encode(self.version) + varint.encode(self.codec) + multihash

    def same_block(self) -> tuple[int, bytes]:
        """What is equal for CIDs of one block, whatever their version."""
        return self.hash, self.digest


def of(block: bytes | memoryview, codec: int, version: int = 1) -> Cid:
    """The CID of a block by sha2-256; version 0 is for dag-pb alone."""
    return Cid(version, codec, SHA2_256, hashlib.sha256(block).digest())


def parse(text: str) -> Cid:
    """Read a CID in base58btc, base32, base36 or base16. Raises BacError ``bad_input``, ``unsupported``."""
    try:
        encoded = _decoded(text)
    except ValueError as error:
        raise _bad(text) from error
    cid, end = read(encoded, 0)
    if end != len(encoded) or (cid.version == 0) != (len(text) == V0_TEXT and text.startswith("Qm")):
        raise _bad(text)
    return cid


def read(data: bytes | memoryview, at: int) -> tuple[Cid, int]:
    """The CID at a place in bytes, and the place behind it. Raises BacError ``bad_input``, ``unsupported``."""
    if bytes(data[at : at + 2]) == V0_START:
        return _with_digest(data, at + 2, DIGEST, (0, DAG_PB, SHA2_256))
    version, at = varint.read(data, at)
    if version != 1:
        raise BacError("bad_input", f"a CID has the version {version}; there are 0 and 1")
    codec, at = varint.read(data, at)
    hash_code, at = varint.read(data, at)
    length, at = varint.read(data, at)
    return _with_digest(data, at, length, (1, codec, hash_code))


def verify(cid: Cid, block: bytes | memoryview) -> None:
    """Hold a block against its name. Raises BacError ``digest_mismatch``."""
    right = hashlib.sha256(block).digest() if cid.hash == SHA2_256 else bytes(block)
    if right != cid.digest:
        raise BacError(
            "digest_mismatch",
            f"the bytes sent as IPFS block {cid} are not that block",
            hint="The gateway is broken or lies: use another one.",
        )


def _with_digest(data: bytes | memoryview, at: int, length: int, start: tuple[int, int, int]) -> tuple[Cid, int]:
    version, codec, hash_code = start
    if hash_code not in (SHA2_256, IDENTITY):
        message = f"an IPFS block is named by the hash function {hash_code:#x}; only sha2-256 (0x12) can be verified"
        raise BacError("unsupported", message)
    wrong = length != DIGEST if hash_code == SHA2_256 else length > MAX_IDENTITY
    if wrong or at + length > len(data):
        raise BacError("bad_input", "a CID has a digest of the wrong length")
    return Cid(version, codec, hash_code, bytes(data[at : at + length])), at + length


def _decoded(text: str) -> bytes:
    """The bytes of a CID's text. Raises ValueError."""
    if len(text) > MAX_TEXT or not text.isascii():
        raise ValueError(text)
    if len(text) == V0_TEXT and text.startswith("Qm"):
        return _from_digits(text, BASE58)
    base, digits = text[:1], text[1:]
    if base == "z":
        return _from_digits(digits, BASE58)
    if digits != (digits.lower() if base.islower() else digits.upper()):
        raise ValueError(text)
    match base.lower():
        case "b":
            return _from_base32(digits.upper())
        case "k":
            return _from_digits(digits.lower(), BASE36)
        case "f":
            return binascii.unhexlify(digits)
    raise ValueError(text)


def _from_base32(digits: str) -> bytes:
    """Unpadded RFC 4648, of which there is one text only for given bytes. Raises ValueError."""
    decoded = b32decode(digits + "=" * (-len(digits) % 8))
    if b32encode(decoded).decode("ascii").rstrip("=") != digits:
        raise ValueError(digits)
    return decoded


def _from_digits(text: str, alphabet: str) -> bytes:
    """A number in the digits of an alphabet, each leading zero a zero byte. Raises ValueError."""
    number = 0
    for digit in text:
        number = number * len(alphabet) + alphabet.index(digit)
    zeros = len(text) - len(text.lstrip(alphabet[0]))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")


def _to_digits(data: bytes, alphabet: str) -> str:
    number = int.from_bytes(data, "big")
    digits = ""
    while number:
        number, digit = divmod(number, len(alphabet))
        digits = alphabet[digit] + digits
    return alphabet[0] * (len(data) - len(data.lstrip(b"\0"))) + digits


def _bad(text: str) -> BacError:
    shown = encodable(text if len(text) <= 2 * V0_TEXT else text[: 2 * V0_TEXT] + "…")
    return BacError(
        "bad_input", f"{shown!r} is not a CID", hint="A CID begins with Qm or, as version 1, with b, k or z."
    )
