"""What a download is called and when a broken one may go on: Bacalhau's rule for names, RFC 9110 for ranges."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from bactools.core import safe_paths
from bactools.core.errors import BacError

if TYPE_CHECKING:
    from collections.abc import Mapping

STATUSES = {401: "unauthorized", 403: "unauthorized", 404: "not_found", 410: "not_found", 429: "rate_limited"}
SHA256_BYTES = 32
_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(?:\d{1,19}|\*)")


def refusal(status: int, name: str) -> BacError:
    """Why a server gives nothing: an answer with this HTTP status to who asked for what is called ``name``."""
    code = STATUSES.get(status, "unreachable")
    return BacError(code, f"fetching {name}: the server answers {status}", hint="Check the address.")


def name(url: str, headers: Mapping[str, str], *, redirected: bool, fallback: str) -> str:
    """The file's name: of ``Content-Disposition`` after a redirect only, else the end of the final URL's path.

    ``fallback`` is for a URL that ends in no name. Raises BacError ``bad_input``.
    """
    told = _disposition(headers.get("content-disposition", "")) if redirected else ""
    last = told or unquote(urlsplit(url).path.rpartition("/")[2])
    return safe_paths.entry(last.rpartition("/")[2] or fallback)


def _disposition(header: str) -> str:
    """The file name of a Content-Disposition (RFC 6266), in either of its forms; empty without one."""
    from email.message import Message

    message = Message()
    message["content-disposition"] = header
    return message.get_filename("") if header else ""


def validator(headers: Mapping[str, str]) -> str | None:
    """What an ``If-Range`` may hold (RFC 9110, 13.1.5): a strong entity tag, else the time of the last change."""
    tag = headers.get("etag", "")
    return tag if tag.startswith('"') else headers.get("last-modified")


def starts_at(headers: Mapping[str, str]) -> int | None:
    """The offset of the first byte of a partial answer, by its ``Content-Range`` (RFC 9110, 14.4)."""
    found = _RANGE.fullmatch(headers.get("content-range", "").strip())
    return int(found[1]) if found else None


def sha256(text: str) -> bytes:
    """A SHA-256 digest written in hex, with or without ``sha256:``, or in base64 as S3 has it.

    Raises BacError ``bad_spec``.
    """
    word = text.removeprefix("sha256:")
    try:
        digest = bytes.fromhex(word) if len(word) == 2 * SHA256_BYTES else base64.b64decode(word, validate=True)
    except (ValueError, binascii.Error):
        digest = b""
    if len(digest) != SHA256_BYTES:
        raise BacError("bad_spec", f"{text!r} is no SHA-256 digest", hint="Write it in hex, or in base64.")
    return digest
