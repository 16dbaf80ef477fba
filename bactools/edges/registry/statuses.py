"""What the HTTP statuses of registries and their token servers mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bactools.core import retries
from bactools.core.errors import BacError
from bactools.core.retries import BEYOND, SERVER_ERRORS, TOO_MANY

if TYPE_CHECKING:
    from bactools.edges.http import Answer, Stream

OK = 200
UNAUTHORIZED = 401
FORBIDDEN = 403
NOT_FOUND = 404

# What is asked for may be missing; a token server that is missing says nothing about that.
TELLING = (OK, UNAUTHORIZED, FORBIDDEN, TOO_MANY)


def check(answer: Answer | Stream, doing: str) -> None:
    """Raise what a status other than 200 means: ``not_found``, ``unauthorized``, ``rate_limited``, ``unreachable``."""
    status = answer.status
    if status == OK:
        return
    if status == NOT_FOUND:
        raise BacError("not_found", f"{doing}: the registry does not have it", hint="Check the name and the tag.")
    if status in (UNAUTHORIZED, FORBIDDEN):
        hint = "Check the name, or log in with docker login: a missing image can look like a private one."
        raise BacError("unauthorized", f"{doing}: the registry answers {status}", hint=hint)
    if status == TOO_MANY:
        hint = _waiting(answer.headers.get("retry-after", "").strip())
        raise BacError("rate_limited", f"{doing}: the registry asks to wait", hint=hint)
    hint = "Try again later." if SERVER_ERRORS <= status < BEYOND else "Is there a registry at that address?"
    raise BacError("unreachable", f"{doing}: the registry answers {status}", hint=hint)


def _waiting(retry_after: str) -> str:
    if retry_after.isascii() and retry_after.isdecimal():
        return f"Wait {retry_after} seconds."
    if retries.date(retry_after) is not None:
        return f"Wait until {retry_after}."
    return "Try again later, or log in with docker login."
