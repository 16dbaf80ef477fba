"""What a job reads, brought to this host: every input from its source, and where the job finds it.

One place that knows all of Bacalhau's source types. All inputs of a job share one budget; what is written for them
goes into a folder that the caller takes away.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from bactools.core import allowance, plan
from bactools.core.errors import BacError
from bactools.core.linking import path_of
from bactools.core.running import Mount
from bactools.edges import private

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bactools.core.budget import Budget
    from bactools.core.hostfile import LocalPath, Settings
    from bactools.core.jobspec import Input, Task

    Progress = Callable[[str | None], None]

Kind = Literal["file", "folder", "file or folder"]

READABLE = 0o755
FETCHED = frozenset({"urlDownload", "s3", "ipfs"})
"""The sources that are elsewhere."""


class Sources(NamedTuple):
    """Where inputs may come from: IPFS endpoints by their URLs, and the files of this host that jobs may have."""

    gateway: str | None = None
    api: str | None = None
    local_paths: tuple[LocalPath, ...] | None = None


class Place(NamedTuple):
    """What fetching for one execution needs: which partition of how many it is, its budget, a folder of its own."""

    sources: Sources
    partition: tuple[int, int]
    budget: Budget
    scratch: Path
    progress: Progress


def sources(environment: Mapping[str, str], settings: Settings) -> Sources:
    """What the environment and the host file say of sources."""
    gateway, api = (environment.get(name) or None for name in (plan.IPFS_GATEWAY, plan.IPFS_API))
    return Sources(gateway, api, settings.local_paths)


def check(task: Task, known: Sources) -> None:
    """Refuse files of this host that jobs may not have. Raises BacError ``not_allowed``, or as ``local.mount``."""
    for item in task.inputs:
        if item.source_type in plan.LOCAL_SOURCES:
            here(item, "/", known)


def mounts(task: Task, place: Place) -> list[Mount]:
    """Every input but modules, fetched and mounted. Raises BacError as the source does."""
    return [fetched(item, plan.guest_path(task, item.target), place) for item in plan.mounted(task)]


def fetched(item: Input, guest: str, place: Place) -> Mount:
    """An input, fetched if it is not here, and its mount. Raises BacError as the source does."""
    if item.source_type in plan.LOCAL_SOURCES:
        return here(item, guest, place.sources)
    fetch = FETCHES.get(item.source_type)
    if fetch is None:
        raise BacError("unsupported", f"an input of type {item.source_type} is not fetched here")
    return fetch(item, guest, _folder(place), place)


def kind(item: Input) -> Kind:
    """What the guest finds at the target of an input that is to be fetched, as far as the job tells.

    A download and an object are in the folder there, by names of their own. Raises BacError as the source does for
    what the job says of it.
    """
    if item.source_type == "inline":
        from bactools.edges.sources import inline

        return "folder" if inline.is_folder(item.params, item.target) else "file"
    if item.source_type == "ipfs":
        from bactools.edges.sources import ipfs

        return "file" if ipfs.wanted(item.params).is_block else "file or folder"
    return "folder"


def _folder(place: Place) -> Path:
    folder = place.scratch / str(len(os.listdir(place.scratch)))  # noqa: PTH208 (only to count)
    folder.mkdir()
    folder.chmod(READABLE)  # a container's user need not be ours
    return folder


def _kept(data: bytes, place: Place) -> Path:
    path = _folder(place) / "module"
    try:
        path.write_bytes(data)
    except OSError as error:
        raise BacError("unwritable_file", f"cannot write a module to {path}: {error.strerror}") from error
    return path


def module(item: Input, place: Place, digests: Mapping[str, str | None]) -> Path:
    """An input that is a module, wherever it comes from: its file, or a folder. Raises BacError as the source does.

    One that was fetched to be inspected is not fetched again, as far as the cache has it: ``digests`` are those
    of modules that were, by their paths in the job.
    """
    digest = digests.get(path_of(item.target))
    data = _cached(digest) if digest and item.source_type in FETCHED else None
    if data is not None:
        return _kept(data, place)
    return Path(fetched(item, "/module", place).host)


def _cached(digest: str) -> bytes | None:
    from bactools.edges import cache

    known = cache.find()
    return known.content(digest) if known else None


def here(item: Input, guest: str, known: Sources) -> Mount:
    """The mount of an input that is a file or folder of this host. Raises as ``check``."""
    from bactools.edges.sources import local

    found = local.mount(item.params, guest)
    if known.local_paths is None:
        return found
    real = os.path.realpath(found.host)
    allowed = [each._replace(path=os.path.realpath(each.path)) for each in known.local_paths]
    allowance.check_path(found.host, real, allowed, writable=found.writable)
    return found._replace(host=real)  # what was looked at, wherever the links lead by then


def _inline(item: Input, guest: str, folder: Path, place: Place) -> Mount:
    from bactools.edges.sources import inline

    return inline.mount(item.params, guest, folder / "data", place.budget)


def _download(item: Input, guest: str, folder: Path, place: Place) -> Mount:
    from contextlib import closing

    from bactools.edges.http import Client
    from bactools.edges.sources import url_download

    with closing(Client()) as client:
        path = url_download.fetch(item.params, folder, place.budget, place.progress, client)
    return Mount(str(path), f"{guest}/{path.name}", writable=False)


def _s3(item: Input, guest: str, folder: Path, place: Place) -> Mount:
    from bactools.edges.s3 import source

    path = source.fetch(item.params, folder, place.budget, place.progress, partition=place.partition)
    return Mount(str(path), guest, writable=False)


def _ipfs(item: Input, guest: str, folder: Path, place: Place) -> Mount:
    from bactools.edges.sources import ipfs

    kept = private.folder()
    keep = Path(kept, "ipfs") if kept else None
    at = ipfs.Endpoints(place.sources.gateway, place.sources.api, keep)
    return Mount(str(ipfs.fetch(item.params, folder, place.budget, place.progress, at)), guest, writable=False)


FETCHES: dict[str, Callable[[Input, str, Path, Place], Mount]] = {
    "inline": _inline,
    "urlDownload": _download,
    "s3": _s3,
    "ipfs": _ipfs,
}
"""By Bacalhau's names of the types of source; what is on this host as it is needs none."""
