"""Inputs that are in the job itself: Bacalhau's ``inline``, a data URL (RFC 2397).

``application/gzip`` means a packed folder there, not a file; that is refused until folders are unpacked here.
"""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING, Any, NamedTuple

from bactools.core.errors import BacError
from bactools.core.running import Mount

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MAX_DATA = 10 * 1024 * 1024
"""Bytes of one input, Bacalhau's own limit."""

PACKED = frozenset({"application/gzip", "application/x-gzip"})


class Inline(NamedTuple):
    """What a data URL holds; the media type is lower case and without parameters."""

    media_type: str
    data: bytes


def mount(params: Mapping[str, Any], guest: str, path: Path) -> Mount:
    """Write the data of ``URL`` to the new file ``path`` and tell its read-only mount at ``guest``.

    Raises BacError ``bad_spec``, ``too_large``, ``unsupported``, or ``unwritable_file``.
    """
    data = read(params, guest)
    try:
        path.write_bytes(data)
    except OSError as error:
        raise BacError("unwritable_file", f"cannot write the input for {guest} to {path}: {error.strerror}") from error
    return Mount(str(path), guest, writable=False)


def read(params: Mapping[str, Any], guest: str) -> bytes:
    """The data of an inline input. Raises as ``mount``."""
    url = params.get("URL")
    if not isinstance(url, str):
        raise BacError("bad_spec", f"the inline input for {guest} has no URL")
    inline = parse(url, f"the inline input for {guest}")
    if inline.media_type in PACKED:
        raise BacError(
            "unsupported",
            f"the inline input for {guest} is a packed folder, which bac-exec does not unpack",
            hint="Put the files into a folder of this host and use a local input.",
        )
    return inline.data


def parse(url: str, name: str) -> Inline:
    """Take a data URL apart. Raises BacError ``bad_spec`` or ``too_large``; ``name`` says what it is in messages."""
    from urllib.parse import unquote_to_bytes

    head, comma, body = url.partition(",")
    if head[:5].lower() != "data:" or not comma:
        raise BacError("bad_spec", f"{name} is not a data URL", hint="It looks like data:text/plain;base64,aGVsbG8=")
    media_type, *parameters = head[5:].split(";")
    data = unquote_to_bytes(body)
    if parameters and parameters[-1].strip().lower() == "base64":
        try:
            data = binascii.a2b_base64(data)
        except binascii.Error as error:
            raise BacError("bad_spec", f"{name} is not valid base64: {error}") from error
    if len(data) > MAX_DATA:
        raise BacError("too_large", f"{name} holds {len(data)} bytes; the limit is {MAX_DATA}")
    return Inline(media_type.strip().lower() or "text/plain", data)
