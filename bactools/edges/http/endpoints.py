"""URLs: how they are shown, and those of services that the owner of a host names, before anything is sent there."""

from __future__ import annotations

from urllib.parse import urlsplit

from bactools.core.errors import BacError


def endpoint(url: str, what: str) -> str:
    """The URL without a slash at its end. Raises BacError ``bad_config`` unless it is a plain http or https one."""
    if not is_address(url) or urlsplit(url).query or urlsplit(url).fragment:
        message = f"the {what} {shown(url)} is no http or https URL, or has a user or a query"
        raise BacError("bad_config", message, hint="It looks like http://127.0.0.1:5001.")
    return url.rstrip("/")


def is_address(url: str) -> bool:
    """Whether a URL is an http or https one that can be, without a user."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False
    return usable and parts.username is None


def shown(url: str) -> str:
    """A URL, or what was meant as one, for a message: without user and query, which may hold secrets."""
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if not parts.netloc:  # without slashes a user would be a scheme, and the password a path
        return url.partition("?")[0].rpartition("@")[2]
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
