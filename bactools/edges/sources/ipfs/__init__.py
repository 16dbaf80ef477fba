"""Inputs from IPFS: a file or directory by its CID, with every block held against its own name.

Blocks come from a trustless gateway or from a Kubo node's RPC endpoint; since what arrives is verified, neither need
be trusted. What was fetched once is kept by its CID where the caller says.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple

from bactools.core import cid, safe_paths
from bactools.core.errors import BacError
from bactools.edges import trees
from bactools.edges.sources.ipfs import kept
from bactools.edges.sources.ipfs.blocks import Blocks, below
from bactools.edges.sources.ipfs.places import Gateway, Node, Place
from bactools.edges.sources.ipfs.tree import Writer, find

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from bactools.core.budget import Budget
    from bactools.core.cid import Cid

PREFIXES = ("ipfs://", "/ipfs/")


class Endpoints(NamedTuple):
    """Where to fetch from, and where to keep what may be wanted again.

    ``gateway`` is the URL of a trustless gateway, ``rpc`` that of a Kubo node's RPC endpoint, which goes first.
    """

    gateway: str | None = None
    rpc: str | None = None
    keep: Path | None = None


class Wanted(NamedTuple):
    """A CID and a path below it."""

    root: Cid
    path: tuple[str, ...]

    @property
    def is_block(self) -> bool:
        """Whether the CID says itself that it is a file's: its one block is the file."""
        return self.root.codec == cid.RAW and not self.path

    def __str__(self) -> str:
        return "/".join((str(self.root), *self.path))


def wanted(params: Mapping[str, Any]) -> Wanted:
    """What an input's ``CID`` names: ``CID``, ``CID/path``, and both behind ``ipfs://`` or ``/ipfs/``.

    Raises BacError ``bad_spec``, ``bad_input``, ``unsupported``.
    """
    text = params.get("CID")
    if not isinstance(text, str) or not text:
        raise BacError("bad_spec", "an ipfs input has no CID")
    for prefix in PREFIXES:
        text = text.removeprefix(prefix)
    root, _, path = text.partition("/")
    parts = safe_paths.member(path).split("/") if path.strip("/") else []
    return Wanted(cid.parse(root), tuple(parts))


def fetch(
    params: Mapping[str, Any],
    folder: Path,
    budget: Budget,
    progress: Callable[[str | None], None],
    at: Endpoints,
) -> Path:
    """Put what ``CID`` names into ``folder``, and tell where: a file or a directory.

    It is named as the end of the path, or as the CID. On an error nothing is left in ``folder``.

    Raises BacError ``bad_spec``, ``bad_input``, ``bad_config`` without any endpoint, ``too_large``,
    ``digest_mismatch``, ``not_found``, ``unreachable``, ``timed_out``, ``unauthorized``, ``rate_limited``,
    ``unsupported``, ``unwritable_file``.
    """
    what = wanted(params)
    target = folder / (what.path[-1] if what.path else str(what.root))
    if target.is_symlink() or target.exists():
        raise BacError("unwritable_file", f"cannot put ipfs://{what} at {target}: something is there already")
    wishes = _Wishes(budget, progress, str(what), at.keep if at.keep and kept.prepare(at.keep) else None)
    try:
        if what.path or not _again(what.root, target, wishes):
            _fetch(what, target, wishes, at)
    finally:
        progress(None)
    return target


def _fetch(what: Wanted, target: Path, wishes: _Wishes, at: Endpoints) -> None:
    with closing(_place(what, at)) as place:
        name = find(Blocks(place), what.root, what.path)
        if not what.path or not _again(name, target, wishes):
            _put(place, name, target, wishes)


def _place(what: Wanted, at: Endpoints) -> Place:
    if at.rpc:
        return Node(at.rpc)
    if at.gateway:
        return Gateway(at.gateway)
    hint = "Set BACTOOLS_IPFS_GATEWAY to the URL of a trustless gateway."
    raise BacError("bad_config", f"nothing says where to fetch ipfs://{what} from", hint=hint)


class _Wishes(NamedTuple):
    budget: Budget
    progress: Callable[[str | None], None]
    title: str
    keep: Path | None


def _again(name: Cid, target: Path, wishes: _Wishes) -> bool:
    """Whether it was kept, and is at ``target`` now."""
    found = kept.find(wishes.keep, str(name)) if wishes.keep else None
    if found is None:
        return False
    wishes.budget.take(found[1])
    return kept.copy(found[0], target)


def _put(place: Place, name: Cid, target: Path, wishes: _Wishes) -> None:
    if wishes.keep is None:
        _download(place, name, target, wishes)
        return
    with kept.adding(wishes.keep, str(name)) as path:
        _download(place, name, path, wishes)
        kept.copy(path, target)
    kept.sweep(wishes.keep)


def _download(place: Place, name: Cid, target: Path, wishes: _Wishes) -> None:
    try:
        with below(place, name) as blocks:
            Writer(blocks, wishes.budget, wishes.progress, wishes.title).write(name, target)
    except BaseException:
        if target.is_dir() and not target.is_symlink():
            trees.remove(target)
        else:
            target.unlink(missing_ok=True)
        raise
