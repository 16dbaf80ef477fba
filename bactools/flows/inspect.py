"""What an operand or a job refers to, wherever that is: a registry, the local engine, a file, the job itself."""

from __future__ import annotations

import os
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from msgspec import UNSET, structs

from bactools.core import jobspec, manifest, needs, platforms, reference, requirements
from bactools.core.errors import BacError
from bactools.core.records import Image, Module
from bactools.core.reference import DOCKER_HUB, Reference
from bactools.edges import credentials
from bactools.edges.http import Client
from bactools.edges.registry.content import Repository
from bactools.edges.registry.login import Logins
from bactools.flows import images, modules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bactools.core.jobspec import Task
    from bactools.core.records import Import, Job, Requires

DAEMON = "docker-daemon:"
FILE = "file://"
PATHS = ("./", "../", "/", FILE)
MODULE_SUFFIXES = (".wasm", ".wat", ".cwasm")
PAGE = 64 * 1024
"""Bytes of a page of linear memory."""

# What a registry says of an image that was only ever built here, or cannot say while it is out of reach.
NOT_THERE = frozenset({"not_found", "unauthorized", "rate_limited", "unreachable", "timed_out"})


class Registries(NamedTuple):
    """The connections and logins that many questions share."""

    client: Client
    logins: Logins


@contextmanager
def registries() -> Iterator[Registries]:
    """The registries, as this user; nothing is opened, read or imported before the first question."""
    with closing(Client()) as client:
        yield Registries(client, Logins(client, credentials.find))


def inspect(word: str, places: Registries) -> Image | Module:
    """The record of an image in a registry or in the local engine (``docker-daemon:``), or of a WebAssembly file.

    Raises BacError as the grammar, the place or the content gives reason to.
    """
    found: Image | Module
    if word.startswith(DAEMON):
        found = _engine_image(word.removeprefix(DAEMON))
    elif _is_file(word):
        found = modules.record(modules.from_file(_path(word)))
    else:
        found = _registry_image(word, places)
    found.input = word
    return found


def resolve(job: Job, places: Registries) -> dict[str, object]:
    """The fields ``requires`` and ``artifact`` of a job, from what it runs.

    Raises BacError ``platforms_disjoint``, ``unsupported``, ``bad_spec``, or as ``inspect``.
    """
    spec = jobspec.canonical(job.spec)
    task = jobspec.task(spec)
    requires = structs.replace(requirements.of(spec) if job.requires is UNSET else job.requires)
    artifact: Image | Module
    if task.engine == "docker":
        artifact = _job_image(task, places)
    elif task.engine == "wasm":
        artifact = _job_module(task, requires)
    else:
        raise BacError("unsupported", f"cannot inspect what a job of the engine {task.engine!r} runs")
    declared = [platforms.parse(text) for text in requires.declared]
    needs.accepted(needs.artifact_wanted(artifact), declared)
    requires.platforms = [entry.platform for entry in artifact.platforms]
    return {"requires": requires, "artifact": artifact}


def _registry_image(word: str, places: Registries) -> Image:
    named = reference.parse(word).tagged()
    repository = Repository(places.client, places.logins, named)
    return images.image(repository, named.digest or named.tag or "", str(named), "registry")


def _engine_image(word: str) -> Image:
    """An image that the local engine holds, by name or ID; its digest is known if it came from a registry.

    The digest of its platform is the image's ID, by which alone the engine finds exactly this one.
    """
    from bactools.edges.docker_engine.client import connect
    from bactools.edges.docker_engine.images import inspect as held_image

    if not word:
        raise BacError("bad_reference", f"{DAEMON} names no image", hint=f"Write for example {DAEMON}busybox.")
    with closing(connect()) as engine:
        held = held_image(engine, word)
    platform = manifest.described(
        platforms.Platform(held.os, held.architecture, held.variant, os_version=held.os_version), held.id
    )
    if platform is None:
        raise BacError("bad_manifest", f"the engine does not tell the platform of {word}")
    is_id = held.id.removeprefix("sha256:").startswith(word.removeprefix("sha256:"))
    named = None if is_id else _reference(word)
    digests = dict(text.partition("@")[::2] for text in held.repo_digests)
    own = digests.get(Reference(named.domain, named.path).familiar) if named else None
    return Image(
        reference=str(named.tagged()) if named else word,
        digest=own or next(iter(digests.values()), None),
        source="daemon",
        platforms=[platform],
    )


def _reference(word: str) -> Reference | None:
    """The reference that a word is, if it follows the grammar."""
    try:
        return reference.parse(word)
    except BacError:
        return None


def _is_file(word: str) -> bool:
    """Whether an operand means a file: it looks like a path, or has a module's suffix and names no registry."""
    if word.startswith(PATHS):
        return True
    if not word.endswith(MODULE_SUFFIXES):
        return False
    named = _reference(word)
    unqualified = named is None or (named.domain == DOCKER_HUB and not word.startswith(DOCKER_HUB))
    return unqualified or os.path.exists(word)  # noqa: PTH110 (a Path fails on names that are too long)


def _path(word: str) -> Path:
    if not word.startswith(FILE):
        return Path(word)
    return Path(unquote(word.removeprefix(FILE).removeprefix("localhost")))


def _job_image(task: Task, places: Registries) -> Image:
    """The image of a job, from its registry, else as the local engine holds it."""
    word = task.image or ""
    try:
        found = _registry_image(word, places)
    except BacError as error:
        if error.code not in NOT_THERE:
            raise
        try:
            found = _engine_image(word)
        except BacError:
            raise error from None
    found.input = word
    return found


def _job_module(task: Task, requires: Requires) -> Module:
    """The module of a job; what it and its import modules need of a node goes into ``requires``."""
    entry = modules.record(modules.from_job(task, task.entry_module or ""))
    linked = [modules.record(modules.from_job(task, target)) for target in task.import_modules]
    provided = {target.lstrip("/") for target in task.import_modules}
    features: dict[str, None] = {}
    imports: dict[Import, None] = {}
    for module in (entry, *linked):
        features.update(dict.fromkeys(module.features or ()))
        imports.update(dict.fromkeys(each for each in module.imports or () if each.module.lstrip("/") not in provided))
    requires.features = list(features)
    requires.imports = list(imports)
    if entry.memory:
        requires.memory_min = entry.memory.min * PAGE
    return entry
