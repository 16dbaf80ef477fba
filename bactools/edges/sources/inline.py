"""Inputs that are in the job itself: Bacalhau's ``inline``, a data URL (RFC 2397).

``application/gzip`` means a packed folder there, a tar.gz, and not a file.
"""

from __future__ import annotations

import base64
import binascii
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple

from bactools.core.budget import Budget
from bactools.core.errors import BacError
from bactools.core.running import Mount

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MAX_DATA = 10 * 1024 * 1024
"""Bytes of one input, Bacalhau's own limit."""
MAX_UNPACKED = 1024**3
"""Bytes of one input, unpacked, where the caller has no limit for all inputs."""

LINE_BREAKS = b"\r\n"
"""What base64 may hold beside its alphabet, as Go's decoder has it, which is Bacalhau's."""
READABLE = 0o644
"""Of a file, whatever our umask: a container's user need not be ours."""

PACKED = frozenset({"application/gzip", "application/x-gzip"})


class Inline(NamedTuple):
    """What a data URL holds; the media type is lower case and without parameters."""

    media_type: str
    data: bytes


def mount(params: Mapping[str, Any], guest: str, path: Path, budget: Budget | None = None) -> Mount:
    """Write the data of ``URL`` to the new file or folder ``path`` and tell its read-only mount at ``guest``.

    Raises BacError ``bad_spec``, ``bad_input``, ``too_large``, or ``unwritable_file``.
    """
    name = f"the inline input for {guest}"
    inline = _parsed(params, name)
    budget = budget or Budget(MAX_UNPACKED)
    if inline.media_type in PACKED:
        from bactools.edges.sources import packed

        packed.unpack(BytesIO(inline.data), path, budget, name)
        return Mount(str(path), guest, writable=False)
    budget.take(len(inline.data))
    try:
        path.write_bytes(inline.data)
        path.chmod(READABLE)
    except OSError as error:
        raise BacError("unwritable_file", f"cannot write {name} to {path}: {error.strerror}") from error
    return Mount(str(path), guest, writable=False)


def read(params: Mapping[str, Any], guest: str) -> bytes:
    """The data of an inline input that is a file. Raises BacError ``bad_spec``, ``too_large``, ``unsupported``."""
    inline = _parsed(params, f"the inline input for {guest}")
    if inline.media_type in PACKED:
        raise BacError(
            "unsupported",
            f"the inline input for {guest} is a packed folder, not a file",
            hint="Give the file itself.",
        )
    return inline.data


def is_folder(params: Mapping[str, Any], guest: str) -> bool:
    """Whether an inline input is a packed folder, and not a file. Raises BacError ``bad_spec`` or ``too_large``."""
    return _parsed(params, f"the inline input for {guest}").media_type in PACKED


def _parsed(params: Mapping[str, Any], name: str) -> Inline:
    url = params.get("URL")
    if not isinstance(url, str):
        raise BacError("bad_spec", f"{name} has no URL")
    return parse(url, name)


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
            data = base64.b64decode(data.translate(None, LINE_BREAKS), validate=True)
        except binascii.Error as error:
            raise BacError("bad_spec", f"{name} is not valid base64: {error}") from error
    if len(data) > MAX_DATA:
        raise BacError("too_large", f"{name} holds {len(data)} bytes; the limit is {MAX_DATA}")
    return Inline(media_type.strip().lower() or "text/plain", data)
