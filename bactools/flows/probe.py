"""What this host can run: ask the host and its engines, and make a node record of it.

An engine that is not there, or a tool that fails, is a warning in the record and never a failure.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bactools.core import binfmt, hostfile, node
from bactools.core.errors import BacError
from bactools.edges import emulators, host

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from bactools.core.hostfile import Settings
    from bactools.core.node import HostFacts
    from bactools.core.records import Engine, Gpu, Node

HOST_FILE = Path("/etc/bactools/node.yaml")
HERE = Path()
"""Where bac-exec puts its results, and therefore the disk that is measured."""
DOCKER_TIMEOUT = 10
"""Seconds for each answer of an engine, which has nothing to look up for what is asked."""


def settings(path: Path | None = None) -> Settings:
    """The host file at ``path``, else the usual one, which may be absent.

    Raises BacError ``unreadable_file`` or ``bad_config``.
    """
    chosen = path or HOST_FILE
    if path is None and not _exists(chosen):
        return hostfile.Settings()
    from bactools.edges import documents

    return hostfile.settings(documents.read(str(chosen)), str(chosen))


def _exists(path: Path) -> bool:
    """Whether a file is there, also when this user may not look: what it withholds must not be published."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def probe(settings: Settings, labels: Mapping[str, str], now: datetime) -> Node:
    """The whole node; ``labels`` go over those of the host file."""
    facts = host.read(disk=HERE)
    found, warnings = _engines(hostfile.ENGINES, settings, facts)
    gpus, trouble = _gpus()
    bare = node.identified(facts, settings, found, warnings + trouble)
    return node.measured(bare, facts, gpus, {**settings.labels, **labels}, now)


def engines(names: Collection[str], settings: Settings) -> Node:
    """The id, name and platform of this host, and only these engines (``docker``, ``wasm``): cheap."""
    facts = host.read(disk=HERE)
    found, warnings = _engines(names, settings, facts)
    return node.identified(facts, settings, found, warnings)


def _engines(names: Collection[str], settings: Settings, facts: HostFacts) -> tuple[list[Engine], list[str]]:
    found: list[Engine] = []
    warnings: list[str] = []
    if "docker" in names and "docker" not in settings.withhold:
        try:
            engine, remarks = _docker(settings, facts)
        except BacError as error:
            warnings.append(error.message)
        else:
            found.append(engine)
            warnings.extend(remarks)
    if "wasm" in names and "wasm" not in settings.withhold:
        wasm = _wasm()
        if wasm is None:
            warnings.append(
                "there is no WebAssembly engine: the Python package wasmtime is not installed for this machine"
            )
        else:
            found.append(wasm)
    return found, warnings


def _docker(settings: Settings, facts: HostFacts) -> tuple[Engine, list[str]]:
    from bactools.edges.docker_engine import client

    local = client.address().startswith("unix://")
    connection = client.connect(timeout=DOCKER_TIMEOUT)
    try:
        answer = client.describe(connection)
    finally:
        connection.close()
    docker = node.DockerFacts(answer.version, answer.os, answer.architecture, local)
    entries = binfmt.entries(emulators.read()) if settings.emulation else ()
    return node.docker_engine(docker, facts, entries)


def _wasm() -> Engine | None:
    from bactools.edges import wasm_runtime

    found = wasm_runtime.describe()
    return None if found is None else node.wasm_engine(found.version, found.platforms, found.features)


def _gpus() -> tuple[list[Gpu] | None, list[str]]:
    from bactools.edges import gpus

    try:
        return gpus.read(), []
    except BacError as error:
        return None, [error.message]
