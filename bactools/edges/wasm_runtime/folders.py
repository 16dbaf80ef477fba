"""Mounts as the folders that a WASI guest can open.

WASI opens folders only, so a file is put alone into a private folder, by a hard link where the file
system allows it and else by a copy; the folder is removed when the run is over.
"""

from __future__ import annotations

import os
import posixpath
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bactools.core.errors import BacError
from bactools.core.running import Mount

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@contextmanager
def opened(mounts: Sequence[Mount]) -> Iterator[tuple[Mount, ...]]:
    """The same mounts in their order with folders only, for as long as the context lasts.

    Raises BacError: ``unreadable_file``, ``unwritable_file``, ``unsupported`` when two mounts want one
    place, or a file and another mount one of the guest's folders.
    """
    normal = [mount._replace(guest=posixpath.normpath(mount.guest)) for mount in mounts]
    for number, mount in enumerate(normal):
        if any(mount.guest == other.guest for other in normal[:number]):
            raise _taken(mount, mount.guest)
    if all(Path(mount.host).is_dir() for mount in normal):
        yield tuple(normal)
        return
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="bactools-inputs-") as scratch:
        yield _staged(normal, Path(scratch))


def _staged(mounts: Sequence[Mount], scratch: Path) -> tuple[Mount, ...]:
    """Each file moved into a private folder that stands for its folder in the guest, in place of the first."""
    taken = {mount.guest for mount in mounts if Path(mount.host).is_dir()}
    folders: dict[str, Mount] = {}
    for mount in mounts:
        if Path(mount.host).is_dir():
            folders[mount.guest] = mount
            continue
        guest, name = posixpath.split(mount.guest)
        folder = folders.setdefault(guest, Mount(str(scratch / str(len(folders))), guest, mount.writable))
        if guest in taken or folder.writable != mount.writable:
            raise _taken(mount, guest)
        Path(folder.host).mkdir(exist_ok=True)
        _place(mount, Path(folder.host, name))
    return tuple(folders.values())


def _taken(mount: Mount, guest: str) -> BacError:
    return BacError(
        "unsupported",
        f"mounting {mount.host} at {mount.guest}: {guest} already holds another mount",
        hint="Give each a folder of its own in the guest, or mount the folder that holds the file.",
    )


def _place(file: Mount, place: Path) -> None:
    # A link to a symbolic link would lead out of the folder, which the engine forbids the guest.
    source = Path(os.path.realpath(file.host))
    try:
        os.link(source, place)
    except FileNotFoundError as error:
        raise BacError("unreadable_file", f"mounting {file.host}: no such file") from error
    except OSError as error:
        if file.writable:
            raise BacError(
                "unsupported",
                f"mounting {file.host} writable: it cannot be linked into {place.parent}: {error.strerror}",
                hint="Mount the folder that holds it.",
            ) from error
        _copy(file, source, place)


def _copy(file: Mount, source: Path, place: Path) -> None:
    import errno
    import shutil

    try:
        shutil.copyfile(source, place)
    except OSError as error:
        # A failure in the middle names both files, the source first.
        full = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
        at_fault = "unreadable_file" if error.filename == str(source) and not full else "unwritable_file"
        raise BacError(at_fault, f"copying {file.host} for the guest: {error.strerror}") from error
