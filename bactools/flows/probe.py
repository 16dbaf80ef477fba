"""What a host can run: ask it and its engines, and make a node record of it.

An engine that is not there, or a tool that fails, is a warning in the record and never a failure. Of a captured host
only files are read: nothing is run and nobody is asked.
"""

from __future__ import annotations

import os
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bactools.core import hostfacts, hostfile, node, plan
from bactools.core.errors import BacError
from bactools.edges import host
from bactools.edges.host.tree import Tree
from bactools.flows import probe_wasm
from bactools.flows.probing import Clock, Probing

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import datetime

    from bactools.core.hostfile import Settings
    from bactools.core.records import Engine, Gpu, Node, Program
    from bactools.flows.probing import Found

HOST_FILE = Path("/etc/bactools/node.yaml")
HERE = Path()
"""Where bac-exec puts its results, and therefore the disk that is measured."""
ROOT = Path("/")
CAPTURED = ("docker",)
"""The engines of which a captured host can tell."""
TIMEOUT = 30.0
"""Seconds for all of a probe."""
GPU_TIMEOUT = 5.0
USUAL_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where runtimes are looked for beside PATH, which cron keeps short."""


class Request(NamedTuple):
    """What to probe, and how: the host file, the root of the host's files, and seconds for all of it.

    ``deep`` proves the platforms in containers of the engine, too; ``progress`` is told what is being done.
    """

    settings: Settings
    root: Path = ROOT
    deep: bool = False
    timeout: float = TIMEOUT
    progress: Callable[[str | None], None] = lambda _: None


def settings(path: Path | None = None) -> Settings:
    """The host file at ``path``, else the usual one, which may be absent.

    Raises BacError ``unreadable_file``, ``bad_document``, ``too_large`` or ``bad_config``.
    """
    chosen = path or HOST_FILE
    if path is None and not _exists(chosen):
        return hostfile.Settings()
    from bactools.edges import documents

    return hostfile.settings(documents.located(str(chosen)), str(chosen))


def _exists(path: Path) -> bool:
    """Whether a file is there, also when this user may not look: what it withholds must not be published."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def probe(request: Request, labels: Mapping[str, str], now: datetime) -> Node:
    """The whole node; ``labels`` go over those of the host file.

    Raises BacError ``unreadable_file`` or ``bad_platform`` where a captured host does not tell what it is.
    """
    probing = _probing(request)
    found, warnings = _engines(hostfile.ENGINES, probing)
    gpus, trouble = _gpus(probing)
    doubts = hostfacts.doubts(probing.facts) if probing.tree.captured else []
    bare = node.identified(probing.facts, request.settings, found, [*doubts, *warnings, *trouble])
    whole = node.measured(bare, probing.facts, gpus, None if probing.tree.captured else _runtimes())
    equipment = plan.Equipment() if probing.tree.captured else _equipment()
    return node.published(whole, request.settings, {**request.settings.labels, **labels}, equipment, now)


def engines(names: Collection[str], settings: Settings) -> Node:
    """The id, name and platform of this host, and only these engines (``docker``, ``wasm``): cheap."""
    probing = _probing(Request(settings))
    found, warnings = _engines(names, probing)
    return node.identified(probing.facts, settings, found, warnings)


def _probing(request: Request) -> Probing:
    clock = Clock(time.monotonic() + request.timeout)
    tree = Tree(request.root)
    return Probing(tree, host.read(HERE, tree), request.settings, clock, request.deep, request.progress)


def _engines(names: Collection[str], probing: Probing) -> tuple[list[Engine] | None, list[str]]:
    """The engines of these names that are there and not withheld, and why others are not.

    None where a captured host tells of no engine at all.
    """
    known = CAPTURED if probing.tree.captured else hostfile.ENGINES
    found: list[Engine] = []
    warnings: list[str] = []
    for name in known:
        if name in names and name not in probing.settings.withhold:
            try:
                engine, remarks = _engine(name, probing)
            except BacError as error:
                warnings.append(error.advice())
            else:
                found.append(engine)
                warnings.extend(remarks)
    return (None if probing.tree.captured and warnings and not found else found), warnings


def _engine(name: str, probing: Probing) -> Found:
    """An engine, and warnings. Raises BacError as asking it does."""
    if name == "wasm":
        return probe_wasm.wasm(probing)
    from bactools.flows import probe_docker  # here, as who runs modules alone need not load it

    return probe_docker.captured(probing) if probing.tree.captured else probe_docker.docker(probing)


def _gpus(probing: Probing) -> tuple[list[Gpu] | None, list[str]]:
    from bactools.edges.host import gpus

    return gpus.read(probing.tree, probing.clock.left(GPU_TIMEOUT), decode=_decode)


def _equipment() -> plan.Equipment:
    """What bac-exec would find here for inputs and results."""
    gateway, api = (bool(os.environ.get(name)) for name in (plan.IPFS_GATEWAY, plan.IPFS_API))
    return plan.Equipment(find_spec("boto3") is not None, gateway, api)


def _decode(data: bytes, name: str) -> list[object]:
    from bactools.edges import documents

    return documents.load(data, name)


def _runtimes() -> list[Program]:
    from bactools.edges.host import programs

    return programs.find(os.pathsep.join((os.environ.get("PATH", ""), USUAL_PATH)))
