"""The places of mounts within inputs, which a container's runtime cannot make where an input is read-only.

Those in what was fetched for this run are made; a file or folder of this host stays as it is, and is refused without.
Where a link leads to is the container's to find.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from bactools.core import mount_places
from bactools.core.errors import BacError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bactools.core.mount_places import Kind, Place
    from bactools.core.running import Mount

READABLE = 0o755
"""Of a folder, whatever our umask: a container's user need not be ours."""


def prepare(mounts: Sequence[Mount], fetched: str | None = None) -> None:
    """Have a place for each mount, making those in inputs that are below the folder ``fetched``.

    Mounts without a ``host`` are still to come: there is none to make in them, and either kind may be one for them.
    Raises BacError ``unsupported``, ``unwritable_file``.
    """
    for place in mount_places.places(mounts):
        if not place.outer.host:
            continue
        kind = _kind(place.inner)
        found = _found(place)
        if found is None and fetched is not None and place.outer.host.startswith(f"{fetched}/"):
            _make(place, kind)
        elif found is None or not _fits(found, kind):
            raise place.missing(kind)


def _kind(inner: Mount) -> Kind | None:
    if not inner.host:
        return "folder" if inner.output else None
    return "folder" if os.path.isdir(inner.host) else "file"  # noqa: PTH112 (text)


def _fits(found: int, kind: Kind | None) -> bool:
    return kind is None or stat.S_ISLNK(found) or stat.S_ISDIR(found) == (kind == "folder")


def _found(place: Place) -> int | None:
    """The mode of what is there, or of the first link on the way; None where there is nothing."""
    path = place.outer.host
    mode = stat.S_IFDIR
    for name in place.path.split("/"):
        path = f"{path}/{name}"
        try:
            mode = os.lstat(path).st_mode
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError:  # closed to us, but not to an engine
            return stat.S_IFLNK
        if stat.S_ISLNK(mode):
            break
    return mode


def _make(place: Place, kind: Kind | None) -> None:
    path = Path(place.outer.host, place.path)
    folders = [path, *path.parents] if kind == "folder" else [*path.parents]
    try:
        for folder in reversed(folders[: folders.index(Path(place.outer.host))]):
            if not folder.is_dir():
                folder.mkdir()
                folder.chmod(READABLE)
        if kind != "folder":
            path.touch()
    except (FileExistsError, NotADirectoryError):
        raise place.missing(kind) from None
    except OSError as error:
        raise BacError("unwritable_file", f"cannot make {path} for a mount: {error.strerror}") from error
