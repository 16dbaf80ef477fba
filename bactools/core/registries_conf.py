"""``registries.conf`` of podman, skopeo and the others, version 2: where else a repository can be had.

A ``[[registry]]`` says for all names below its ``prefix`` that they are at ``location``, or at one of its mirrors,
which are asked first. The longest prefix counts; ``*.example.org`` stands for the hosts below a domain
(containers-registries.conf(5)). Short names are completed as Docker completes them, so
``unqualified-search-registries`` and aliases are not read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from bactools.core.errors import BacError
from bactools.core.reference import is_domain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bactools.core.reference import Reference

_TABLE = re.compile(rb"^[ \t]*(?:\[+[ \t]*[\"']?registry[\"' \t\].]|[\"']?registry[\"']?[ \t]*[.=])", re.MULTILINE)


class Place(NamedTuple):
    """A host with a path at which a repository may be had; ``insecure``: no valid certificate is needed."""

    domain: str
    path: str
    insecure: bool = False


class Mirror(msgspec.Struct, frozen=True, rename="kebab"):
    """A copy of a registry or of a part of it."""

    location: str
    insecure: bool = False
    pull_from_mirror: Literal["", "all", "digest-only", "tag-only"] = ""


class Registry(msgspec.Struct, frozen=True, rename="kebab"):
    """What is said of the names below a prefix."""

    prefix: str = ""
    location: str = ""
    insecure: bool = False
    blocked: bool = False
    mirror_by_digest_only: bool = False
    mirror: tuple[Mirror, ...] = ()


class _File(msgspec.Struct):
    registry: tuple[Registry, ...] = ()


def parse(data: bytes, name: str) -> list[Registry]:
    """The registries in a file, each with its prefix. Raises BacError ``bad_config``."""
    if not _TABLE.search(data):
        return []
    try:
        found = msgspec.toml.decode(data, type=_File).registry
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BacError("bad_config", f"{name} is not registries.conf, version 2: {error}", input=name) from error
    return [_completed(each, name) for each in found]


def merged(files: Iterable[list[Registry]]) -> tuple[Registry, ...]:
    """The registries of several files: of those with one prefix, the last counts."""
    return tuple({each.prefix: each for file in files for each in file}.values())


def places(registries: Iterable[Registry], wanted: Reference) -> list[Place]:
    """Where to ask for a reference, in this order; the last is its registry itself. Raises BacError ``blocked``."""
    matching = [each for each in registries if _matched(each.prefix, wanted) is not None]
    if not matching:
        return [Place(wanted.domain, wanted.path)]
    registry = max(matching, key=lambda each: len(each.prefix))
    if registry.blocked:
        raise BacError("blocked", f"{wanted}: registries.conf blocks {registry.prefix}", input=str(wanted))
    mirrors = [_rewritten(registry, each.location, each.insecure, wanted) for each in _usable(registry, wanted)]
    return [*mirrors, _rewritten(registry, registry.location, registry.insecure, wanted)]


def _completed(registry: Registry, name: str) -> Registry:
    location = registry.location.rstrip("/")
    prefix = registry.prefix.rstrip("/") or location
    places = [each for each in (location, *(mirror.location for mirror in registry.mirror)) if each]
    if not prefix or "://" in prefix or not all(is_domain(each.partition("/")[0]) for each in places):
        reason = "a registry needs a prefix or a location, and neither is a URL"
        raise BacError("bad_config", f"{name} is not registries.conf, version 2: {reason}", input=name)
    return msgspec.structs.replace(registry, prefix=prefix, location=location)


def _usable(registry: Registry, wanted: Reference) -> Iterable[Mirror]:
    for mirror in registry.mirror:
        use = mirror.pull_from_mirror or ("digest-only" if registry.mirror_by_digest_only else "all")
        if use == "all" or (use == "digest-only") == bool(wanted.digest):
            yield mirror


def _matched(prefix: str, wanted: Reference) -> int | None:
    """How much of a name a prefix stands for; it ends where a part of the name ends."""
    name = wanted.name
    if prefix.startswith("*."):
        host = wanted.domain.partition(":")[0]
        return len(wanted.domain) if host.endswith(prefix[1:]) or wanted.domain.endswith(prefix[1:]) else None
    whole = str(wanted)
    if not whole.startswith(prefix):
        return None
    rest = whole[len(prefix) :]
    ended = not rest or rest[0] == "/" or (len(prefix) >= len(name) and rest[0] in ":@")
    return min(len(prefix), len(name)) if ended else None


def _rewritten(registry: Registry, location: str, insecure: bool, wanted: Reference) -> Place:
    if not location:
        return Place(wanted.domain, wanted.path, insecure)
    length = _matched(registry.prefix, wanted) or 0
    moved = location.rstrip("/") + wanted.name[length:]
    domain, _, path = moved.partition("/")
    return Place(domain, path, insecure)
