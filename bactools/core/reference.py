"""Image references: which registry, which repository, which tag or digest.

The grammar is that of distribution/reference: ``[DOMAIN/]PATH[:TAG][@DIGEST]``. The first part is a domain
when it holds a dot or a colon, is ``localhost``, or has an upper-case letter; otherwise the domain is
``docker.io``, and a path of one part there belongs to ``library/``. A path has at most 255 characters, a tag at
most 128.
Which host serves ``docker.io`` is the registry edge's business.
"""

from __future__ import annotations

import re
from typing import NamedTuple, NoReturn

from bactools.core.digests import is_digest
from bactools.core.errors import BacError

DOCKER_HUB = "docker.io"
OFFICIAL = "library/"
DEFAULT_TAG = "latest"
MAX_PATH = 255
MAX_TEXT = 1024  # a DNS name, a path, a tag and a sha512 digest fit in it
QUOTED = 80

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:]+\])(?::[0-9]+)?")
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_IMAGE_ID = re.compile(r"[0-9a-f]{64}")
_SCHEME = re.compile(r"([a-z][a-z-]*)://")


class Reference(NamedTuple):
    """An image's full name; ``str`` writes it canonically, domain and ``library/`` included."""

    domain: str
    path: str
    tag: str | None = None
    digest: str | None = None

    @property
    def name(self) -> str:
        """Domain and path, without tag and digest."""
        return f"{self.domain}/{self.path}"

    @property
    def familiar(self) -> str:
        """The shortest text that parses to this reference, as people write it: ``alpine:3``."""
        path = self.path.removeprefix(OFFICIAL)
        for short in (path, self.path):
            if _split_domain(short) == (self.domain, self.path) and not _IMAGE_ID.fullmatch(short):
                return short + self._suffix()
        return str(self)

    def tagged(self) -> Reference:
        """The reference itself, with the tag ``latest`` when it has neither tag nor digest."""
        return self if self.tag or self.digest else self._replace(tag=DEFAULT_TAG)

    def _suffix(self) -> str:
        return (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")

    def __str__(self) -> str:
        return self.name + self._suffix()


def parse(text: str) -> Reference:
    """The reference that ``text`` writes, short names completed. Raises BacError ``bad_reference``."""
    if len(text) > MAX_TEXT:
        _refuse(text, f"it is longer than {MAX_TEXT} characters")
    _refuse_schemes(text)
    rest, at, digest = text.partition("@")
    if at and not is_digest(digest):
        _refuse(text, f"{digest!r} is not a digest", "A digest is sha256: and 64 lower-case hexadecimal digits.")
    name, tag = _split_tag(rest)
    if tag is not None and not _TAG.fullmatch(tag):
        _refuse(text, f"{tag!r} is not a tag", "A tag is at most 128 letters, digits, dots, dashes and underscores.")
    if _IMAGE_ID.fullmatch(name):
        _refuse(text, "64 hexadecimal digits are an image ID", "Name the image by its repository.")
    domain, path = _split_domain(name)
    _check_name(text, domain, path)
    return Reference(domain, path, tag, digest or None)


def is_domain(text: str) -> bool:
    """Whether a text is a registry's host, with its port if it has one."""
    return bool(_DOMAIN.fullmatch(text))


def is_loopback(host: str) -> bool:
    """Whether ``host`` (perhaps with a port) names this machine: localhost, 127.0.0.0/8 or ::1."""
    if host.startswith("["):
        bare = host[1:].partition("]")[0]
    else:
        bare = host.partition(":")[0] if host.count(":") == 1 else host
    if bare.lower() == "localhost":
        return True
    from ipaddress import ip_address  # the name is enough for most

    try:
        return ip_address(bare).is_loopback
    except ValueError:
        return False


def _split_tag(rest: str) -> tuple[str, str | None]:
    """A colon after the last slash starts a tag; one before it belongs to a port."""
    colon = rest.rfind(":")
    return (rest[:colon], rest[colon + 1 :]) if colon > rest.rfind("/") else (rest, None)


def _split_domain(name: str) -> tuple[str, str]:
    first, slash, rest = name.partition("/")
    has_domain = slash and (first == "localhost" or first != first.lower() or "." in first or ":" in first)
    domain, path = (first, rest) if has_domain else (DOCKER_HUB, name)
    if domain == "index.docker.io":
        domain = DOCKER_HUB
    if domain == DOCKER_HUB and "/" not in path:
        path = OFFICIAL + path
    return domain, path


def _check_name(text: str, domain: str, path: str) -> None:
    if not _DOMAIN.fullmatch(domain):
        _refuse(text, f"{domain!r} is not a registry's host name")
    if len(path) > MAX_PATH:
        _refuse(text, f"its repository name is longer than {MAX_PATH} characters")
    if _PATH.fullmatch(path):
        return
    if _PATH.fullmatch(path.lower()):
        _refuse(
            text,
            "a repository name has no upper-case letters",
            f"Did you mean {path.removeprefix(OFFICIAL).lower()!r}?",
        )
    _refuse(
        text,
        "its repository name does not follow the grammar",
        "A name is lower-case letters and digits, joined by '.', '_', '__', '-' and '/'.",
    )


def _refuse_schemes(text: str) -> None:
    scheme = _SCHEME.match(text)
    if scheme:
        _refuse(text, f"{scheme[0]!r} does not belong there", f"Write {text[scheme.end() :]!r}.")


def _refuse(text: str, why: str, hint: str | None = None) -> NoReturn:
    quoted = repr(text if len(text) <= QUOTED else text[:QUOTED] + "…")
    raise BacError("bad_reference", f"{quoted} is not an image reference: {why}", hint=hint, input=text[:MAX_TEXT])
