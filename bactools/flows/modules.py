"""WebAssembly modules, as files of this host or as inputs of a job: their bytes, and the record of what is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from bactools.core import download, plan, wasm, wasm_precompiled
from bactools.core.digests import digest_of
from bactools.core.errors import BacError
from bactools.core.records import Module, ModulePlatform
from bactools.core.reference import is_loopback
from bactools.edges import modules

if TYPE_CHECKING:
    from pathlib import Path

    from bactools.core.content import Content
    from bactools.core.jobspec import Input, Task
    from bactools.edges.http import Answer, Client

OK = 200
INLINE = "inline"
TOO_LARGE = "a module of the job is larger than {} bytes, the most that is read"


class Loaded(NamedTuple):
    """A module's bytes as they are kept, and what to call it."""

    data: Content
    name: str


def from_file(path: Path) -> Loaded:
    """A file of this host. Raises BacError ``unreadable_file`` or ``too_large``."""
    absolute = path.absolute()
    return Loaded(modules.read(absolute), str(absolute))


def from_url(client: Client, url: str) -> Loaded:
    """What a server has at a URL, which is named without its user and query: these may hold secrets.

    Plain http is spoken to this machine only. Raises BacError ``bad_reference``, ``not_found``, ``unauthorized``,
    ``rate_limited``, ``unreachable``, ``timed_out`` or ``too_large``.
    """
    from bactools.edges.http import shown

    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError as error:
        raise BacError("bad_reference", f"{shown(url)} is no URL: {error}") from error
    if parts.username is not None:
        hint = "Fetch it yourself and give the file."
        raise BacError("bad_reference", f"{shown(url)} comes with a user, who is sent to no server here", hint=hint)
    if parts.scheme == "http" and not is_loopback(host):
        raise BacError("bad_reference", f"{shown(url)} is not https", hint="Write https, or fetch it yourself.")
    answer = client.get(url, limit=modules.MODULE_LIMIT)
    _check(answer, shown(url))
    return Loaded(answer.body, shown(url))


def from_job(task: Task, target: str, kept: modules.Fetched | None = None) -> Loaded:
    """The module that a job places at ``target``, wherever it comes from; one that has to be fetched is ``kept``.

    Raises BacError ``bad_spec``, ``unsupported``, or as the source fails.
    """
    return _from_input(plan.module_input(task, target), kept)


def record(loaded: Loaded) -> Module:
    """What is in a module; text is read as the binary that it stands for, the digest is that of the bytes as they are.

    Raises BacError ``bad_module``, or ``no_engine`` for text without wasmtime.
    """
    data = loaded.data
    if wasm.is_text(data):
        from bactools.edges import wasm_runtime

        data = wasm_runtime.to_binary(data[:], loaded.name)
    facts = wasm.read(data, loaded.name)
    found = Module(
        reference=loaded.name,
        digest=digest_of(loaded.data),
        platforms=[ModulePlatform(facts.platform)] if facts.platform else [],
        format=facts.format,
        size=len(loaded.data),
    )
    if facts.format == "precompiled":
        found.precompiled = wasm_precompiled.read(data)
    else:
        found.features = list(facts.features)
        found.imports = list(facts.imports)
        found.exports = list(facts.exports)
        found.memory = facts.memory
    return found


def _check(answer: Answer, name: str) -> None:
    if answer.status != OK:
        raise download.refusal(answer.status, name)


def _from_input(item: Input, kept: modules.Fetched | None) -> Loaded:
    from bactools.edges.sources import inline, local

    if item.source_type == INLINE:
        return Loaded(inline.read(item.params, item.target), f"{INLINE}:{item.target}")
    if item.source_type in plan.LOCAL_SOURCES:
        return from_file(modules.in_folder(local.source_path(item.params, item.target)))
    return _fetched(item, kept)


def _fetched(item: Input, kept: modules.Fetched | None) -> Loaded:
    """A module from elsewhere, fetched to be looked at."""
    name = f"{item.source_type}:{item.target}"
    here = kept.path(item.target) if kept else None
    return Loaded(modules.read(here) if here else _fetch(item, kept), name)


def _fetch(item: Input, kept: modules.Fetched | None) -> Content:
    import os

    from bactools.core.budget import Budget
    from bactools.core.hostfile import Settings
    from bactools.edges import scratch
    from bactools.flows import inputs

    known = inputs.sources(os.environ, Settings())
    scratch.clear_left()
    with scratch.folder() as folder:
        budget = Budget(modules.MODULE_LIMIT, TOO_LARGE, "Build it smaller, and give it its data as another input.")
        place = inputs.Place(known, (0, 1), budget, folder, lambda _: None)
        path = modules.in_folder(inputs.module(item, place, {}))
        data = modules.read(path)
        if kept:
            kept.keep(item.target, path)
    _keep(data)
    return data


def _keep(data: Content) -> None:
    """What one command fetched to look at it another need not fetch to run it: an address may serve only once."""
    from contextlib import suppress

    from bactools.edges import cache

    known = cache.find()
    if known and len(data) <= cache.ENTRY_LIMIT:
        with suppress(BacError):  # then it is fetched again
            known.keep_content(digest_of(data), data[:])
