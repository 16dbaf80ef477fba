"""What the HTTP statuses of registries and their token servers mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bactools.core.errors import BacError

if TYPE_CHECKING:
    from bactools.edges.http import Answer

OK = 200
UNAUTHORIZED = 401
FORBIDDEN = 403
NOT_FOUND = 404
TOO_MANY = 429
SERVER_ERRORS = 500


def check(answer: Answer, doing: str) -> None:
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
        seconds = answer.headers.get("retry-after", "")
        hint = f"Wait {seconds} seconds." if seconds.isdecimal() else "Try again later, or log in with docker login."
        raise BacError("rate_limited", f"{doing}: the registry asks to wait", hint=hint)
    hint = "Try again later." if status >= SERVER_ERRORS else "Is there a registry at that address?"
    raise BacError("unreachable", f"{doing}: the registry answers {status}", hint=hint)
