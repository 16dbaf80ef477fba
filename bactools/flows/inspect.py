"""What an operand refers to, wherever that is: a registry, the local engine, a layout, an archive, a file, a URL."""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING

from msgspec import UNSET

from bactools.core import manifest, platforms, reference, wasm_artifact
from bactools.core.errors import BacError
from bactools.core.records import Image, Module, ModulePlatform
from bactools.core.reference import DOCKER_HUB, Reference
from bactools.flows import archived, images

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bactools.flows.registries import Registries

DAEMON = "docker-daemon:"
FILE = "file://"
PATHS = ("./", "../", "/", FILE)
URLS = ("https://", "http://")
MODULE_SUFFIXES = (".wasm", ".wat", ".cwasm")
SPEC_SUFFIXES = (".yaml", ".yml", ".json")


def inspect_all(word: str, places: Registries) -> Iterator[Image | Module | BacError]:
    """The records that an operand stands for: one, or as many as an archive of ``docker save`` has images.

    Of several the failure of one is yielded in its place. Raises BacError as the grammar, the place or the content
    gives reason to.
    """
    for found in _found(word, places):
        if not isinstance(found, BacError):
            found.input = shown(word)
        yield found


def shown(word: str) -> str:
    """An operand for a record or a message: a URL without user and query, which may hold secrets."""
    if not word.startswith(URLS):
        return word
    from bactools.edges import http

    return http.shown(word)


def spec_file(word: str) -> Path | None:
    """The file of job specifications that an operand means, if it means one."""
    return _path(word) if _is_file(word, SPEC_SUFFIXES) else None


def _found(word: str, places: Registries) -> Iterator[Image | Module | BacError]:
    transport, colon, rest = word.partition(":")
    if word.startswith(DAEMON):
        yield engine_image(word.removeprefix(DAEMON))
    elif colon and transport in archived.READERS:
        yield from archived.inspect(transport, rest)
    elif word.startswith(URLS):
        yield _from_url(word, places)
    elif word.startswith(PATHS) or _is_file(word, MODULE_SUFFIXES):
        from bactools.flows import modules

        yield modules.record(modules.from_file(_path(word)))
    else:
        yield registry_image(word, places)


def _from_url(word: str, places: Registries) -> Module:
    """The module at a URL. What else has a URL is refused here, before anything quotes what may hold a secret."""
    named = shown(word)
    if not named.endswith(MODULE_SUFFIXES):
        hint = "An image is named without https://."
        raise BacError("bad_reference", f"{named} names no .wasm, .wat or .cwasm", hint=hint, input=named)
    from bactools.flows import modules

    return modules.record(modules.from_url(places.client(), word))


def registry_image(word: str, places: Registries) -> Image | Module:
    """The image that a reference names, in its registry or as the cache has it. Raises BacError."""
    named = reference.parse(word).tagged()
    return images.image(places.place(named), named.digest or named.tag or "", str(named), "registry")


def engine_image(word: str) -> Image | Module:
    """An image that the local engine holds, by name or ID; its digest is known if it came from a registry.

    The digest of its platform is the image's ID, by which alone the engine finds exactly this one. Raises BacError.
    """
    from bactools.edges.docker_engine.client import connect
    from bactools.edges.docker_engine.images import inspect as held_image

    if not word or not (word.isascii() and word.isprintable()):
        raise BacError("bad_reference", f"{DAEMON} names no image", hint=f"Write for example {DAEMON}busybox.")
    with closing(connect()) as engine:
        held = held_image(engine, word)
    told = platforms.Platform(held.os, held.architecture, held.variant, os_version=held.os_version)
    marked: wasm_artifact.Mark = "wasm" if wasm_artifact.is_program(held.program) else ""
    facts = wasm_artifact.relabelled(told, marked)
    platform = None if facts else manifest.described(told, held.id)
    if not facts and platform is None:
        raise BacError("bad_manifest", f"the engine does not tell the platform of {word}")
    is_id = held.id.removeprefix("sha256:").startswith(word.removeprefix("sha256:"))
    named = None if is_id else _reference(word)
    digests = dict(text.partition("@")[::2] for text in held.repo_digests)
    own = digests.get(Reference(named.domain, named.path).familiar) if named else None
    name = str(named.tagged()) if named else word
    digest = own or next(iter(digests.values()), None)
    if platform:
        return Image(reference=name, digest=digest, source="daemon", platforms=[platform])
    offered = [ModulePlatform(str(facts.platform), labelled=facts.labelled or UNSET)] if facts else []
    return Module(reference=name, digest=digest, source="daemon", platforms=offered)


def _reference(word: str) -> Reference | None:
    """The reference that a word is, if it follows the grammar."""
    try:
        return reference.parse(word)
    except BacError:
        return None


def _is_file(word: str, suffixes: tuple[str, ...]) -> bool:
    """Whether an operand means a file with a suffix: it looks like a path, names no registry, or is there."""
    if not word.endswith(suffixes):
        return False
    if word.startswith(PATHS):
        return True
    named = _reference(word)
    unqualified = named is None or (named.domain == DOCKER_HUB and not word.startswith(DOCKER_HUB))
    return unqualified or os.path.exists(word)  # noqa: PTH110 (a Path fails on names that are too long)


def _path(word: str) -> Path:
    from pathlib import Path
    from urllib.parse import unquote

    if not word.startswith(FILE):
        return Path(word)
    return Path(unquote(word.removeprefix(FILE).removeprefix("localhost")))
