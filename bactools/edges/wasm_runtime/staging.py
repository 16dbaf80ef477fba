"""What a guest's own folders are made of: empty ones that lead to mounts, and those that show files.

A file is shown by a hard link where the file system allows it and else by a copy, in a folder of its own. Where it is
to be seen within a read-only mount, and where that has no place for another mount, the guest gets a view of the
mount in its stead: a tree of hard links. What is written to is never beside what is only read.
"""

from __future__ import annotations

import os
import posixpath
from pathlib import Path
from typing import TYPE_CHECKING

from bactools.core.errors import BacError
from bactools.core.running import Mount
from bactools.edges import trees

if TYPE_CHECKING:
    from collections.abc import Sequence

ENTRIES = 10_000
"""Files and folders of a view, which takes about a tenth of a second for so many."""


def staged(mounts: Sequence[Mount], scratch: str) -> tuple[Mount, ...]:
    """Folders to open: the mounts in their order, then ``/``, unless that is among them; no two have one place.

    ``scratch`` is an empty folder by its real path. Raises BacError as ``folders.opened``.
    """
    folders = {mount.guest: mount for mount in mounts if Path(mount.host).is_dir()}
    files = [mount for mount in mounts if mount.guest not in folders]
    views = _views(mounts, folders, scratch)
    opened: dict[str, Mount] = {}
    own: dict[str, Mount] = dict(views)
    for mount in mounts:
        if mount.guest in folders:
            opened[mount.guest] = views.get(mount.guest, mount)
        elif _holder(mount.guest, folders) is None:
            parent = posixpath.dirname(mount.guest)
            if parent not in own:
                own[parent] = Mount(_new(scratch), parent, mount.writable)
            elif own[parent].writable != mount.writable:
                raise taken(mount.guest, "one file of its folder may be written to and another may not")
            opened[parent] = own[parent]
    if "/" not in opened:
        own["/"] = opened["/"] = Mount(_new(scratch), "/", writable=False)
    for area in own.values():
        _lead(area, opened)
    for file in files:
        _show(file, mounts, folders, own)
    return tuple(opened.values())


def taken(guest: str, why: str) -> BacError:
    """A mount that cannot be where it is wanted."""
    return BacError(
        "unsupported",
        f"the module cannot have a mount at {guest}: {why}",
        hint="Give each mount a folder of its own, or mount the folder that holds the file.",
    )


def _holder(guest: str, folders: dict[str, Mount]) -> Mount | None:
    """The innermost folder that a place is in."""
    while guest != "/":
        guest = posixpath.dirname(guest)
        if guest in folders:
            return folders[guest]
    return None


def _views(mounts: Sequence[Mount], folders: dict[str, Mount], scratch: str) -> dict[str, Mount]:
    """Views of the folders that do not show what is mounted in them. A writable one is left as it is."""
    views: dict[str, Mount] = {}
    tried: set[str] = set()
    for mount in mounts:
        holder = _holder(mount.guest, folders)
        if holder is None or holder.writable or holder.guest in tried:
            continue
        rest = posixpath.relpath(mount.guest, holder.guest)
        if mount.guest in folders and Path(holder.host, rest).is_dir():
            continue
        tried.add(holder.guest)
        place = _new(scratch)
        if _mirrored(holder.host, place):
            views[holder.guest] = holder._replace(host=place)
    return views


def _mirrored(source: str, place: str) -> bool:
    """Whether a folder could be made the same as another, out of hard links."""
    left = ENTRIES
    pairs = [(source, place)]
    try:
        while pairs:
            source, place = pairs.pop()
            with os.scandir(source) as found:
                for entry in found:
                    left -= 1
                    if left < 0:
                        return False
                    target = f"{place}/{entry.name}"
                    if entry.is_dir(follow_symlinks=False):
                        os.mkdir(target)  # noqa: PTH102 (a name without a Path for each)
                        pairs.append((entry.path, target))
                    else:
                        os.link(entry.path, target, follow_symlinks=False)
    except OSError:
        return False
    return True


def _new(scratch: str) -> str:
    place = f"{scratch}/{len(os.listdir(scratch))}"  # noqa: PTH208 (only to count)
    os.mkdir(place)  # noqa: PTH102
    return place


def _lead(area: Mount, opened: dict[str, Mount]) -> None:
    """Have a folder of ours list what the guest finds in it."""
    start = area.guest.rstrip("/") + "/"
    for guest in opened:
        if guest.startswith(start) and guest != area.guest:
            place = f"{area.host}/{guest[len(start) :]}"
            if _free(place):
                trees.make(place)


def _free(place: str) -> bool:
    """Whether there may be something new at a place of ours, to which no link and no file leads; a file there goes."""
    parent = os.path.dirname(place)  # noqa: PTH120
    if os.path.realpath(parent) != parent or not _only_folders(parent):
        return False
    if os.path.islink(place) or os.path.isfile(place):  # noqa: PTH113, PTH114
        os.unlink(place)  # noqa: PTH108
    return True


def _only_folders(path: str) -> bool:
    while not os.path.lexists(path):
        path = os.path.dirname(path)  # noqa: PTH120
    return os.path.isdir(path)  # noqa: PTH112


def _show(file: Mount, mounts: Sequence[Mount], folders: dict[str, Mount], own: dict[str, Mount]) -> None:
    if any(other.guest.startswith(f"{file.guest}/") for other in mounts):
        raise taken(file.guest, "it is a file, and another mount is within it")
    holder = _holder(file.guest, folders)
    at = posixpath.dirname(file.guest) if holder is None else holder.guest
    if at not in own:
        raise taken(file.guest, f"it is a file, and the mount at {at} cannot show it among its own")
    if file.writable != own[at].writable:
        raise taken(file.guest, f"it may be written to, and the mount at {at} may not")
    place = f"{own[at].host}/{posixpath.relpath(file.guest, at)}"
    if not _free(place) or os.path.isdir(place):  # noqa: PTH112
        raise taken(file.guest, f"the mount at {at} has something else there")
    trees.make(os.path.dirname(place))  # noqa: PTH120
    _place(file, place)


def _place(file: Mount, place: str) -> None:
    # A link to a symbolic link would lead out of the folder, which the engine forbids the guest.
    source = os.path.realpath(file.host)
    try:
        os.link(source, place)
    except FileNotFoundError as error:
        raise BacError("unreadable_file", f"mounting {file.host}: no such file") from error
    except OSError as error:
        if file.writable:
            raise BacError(
                "unsupported",
                f"mounting {file.host} writable: it cannot be linked into a folder of its own: {error.strerror}",
                hint="Mount the folder that holds it.",
            ) from error
        _copy(file, source, place)


def _copy(file: Mount, source: str, place: str) -> None:
    import errno
    import shutil

    try:
        shutil.copyfile(source, place)
    except OSError as error:
        # A failure in the middle names both files, the source first.
        full = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
        at_fault = "unreadable_file" if error.filename == source and not full else "unwritable_file"
        raise BacError(at_fault, f"copying {file.host} for the guest: {error.strerror}") from error
