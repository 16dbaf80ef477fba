"""Whose the files are that a container wrote: the caller's, whichever user its image ran as.

Root gives them away with chown. Anyone else may not, but the engine may: it unpacks an archive into a container's
mounts as root, with the owners that the archive names (Engine API, "Extract an archive"). A folder that is there
already gets its entry's owner, and an entry that is a hard link gives its owner to the file that it links to. So no
byte is copied and no program of the image is needed.
"""

from __future__ import annotations

import io
import os
import posixpath
import stat
import tarfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from bactools.core.errors import BacError
from bactools.edges import trees
from bactools.edges.docker_engine.client import translated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docker import DockerClient

    from bactools.core.running import Mount

BATCH = 5000
"""Entries of one archive; it is held in memory, about a KiB for each."""

DEPTH = 100
"""Folders within folders that are closed to others; each takes another round."""

OPEN = 0o755
"""Of an output whose job has ended, whatever the job made of it."""

ROOT = 0
ROOTLESS = "name=rootless"


def claim(client: DockerClient, container: str, outputs: list[Mount]) -> tuple[str, ...]:
    """Make all that is in the outputs of a container that has ended the caller's; say what could not be."""
    warnings = []
    for output in outputs:
        trouble = _claim(client, container, output)
        if trouble:
            warnings.append(f"what the job wrote to {output.host} belongs to another user: {trouble}")
    return tuple(warnings)


def _claim(client: DockerClient, container: str, output: Mount) -> str | None:
    """Why something in an output is still another's, if it is."""
    try:
        if os.geteuid() == ROOT:
            _give_away(output.host)
            return None
        with suppress(PermissionError):  # another's folder is opened as it is given away
            os.chmod(output.host, OPEN)  # noqa: PTH101 (text)
        if next(_foreign(output.host), None) is None:
            return None
        _through_engine(client, container, output)
    except OSError as error:
        return error.strerror or str(error)
    except BacError as error:
        return error.message
    left = next(_foreign(output.host), None)
    return None if left is None else f"the engine does not give {left} away"


def _give_away(folder: str) -> None:
    """As root: no symbolic link is followed, in case the container still runs."""
    user, group = os.geteuid(), os.getegid()
    for descriptor, names in trees.opened(Path(folder)):
        os.chown(descriptor, user, group)
        for name in names:
            try:
                os.chown(name, user, group, dir_fd=descriptor, follow_symlinks=False)
            except FileNotFoundError:
                continue


def _through_engine(client: DockerClient, container: str, output: Mount) -> None:
    owner = _identity(client)
    # The engine leaves out the folder that it unpacks in, so that is the one above.
    parent, base = posixpath.split(output.guest)
    # The links of the archives are made in here.
    links = f".bactools-{os.urandom(8).hex()}"
    try:
        for _ in range(DEPTH):
            found = _foreign(output.host)
            size = 0
            while batch := list(_taken(found)):
                archive = _archive(Path(output.host), base, links, batch, owner)
                with translated(f"giving away {output.host}"):
                    client.api.put_archive(container, parent, archive)
                trees.remove(Path(output.host, links))
                size += len(batch)
            if not size:
                return
    finally:
        trees.remove(Path(output.host, links))


def _taken(found: Iterator[str]) -> Iterator[str]:
    for _, name in zip(range(BATCH), found, strict=False):
        yield name


def _identity(client: DockerClient) -> tuple[int, int]:
    """The caller's user and group as the engine counts them: to a rootless one, its own user is root."""
    with translated("asking the Docker engine whether it is rootless"):
        told = client.api.info().get("SecurityOptions") or ()
    return (ROOT, ROOT) if ROOTLESS in told else (os.geteuid(), os.getegid())


def _foreign(folder: str) -> Iterator[str]:
    """What belongs to others in a folder, itself (``.``) included, but not what is in a closed folder of theirs."""
    if _is_foreign(folder):
        yield "."
    for entry in trees.readable(folder, PermissionError):
        if _is_foreign(entry.path):
            yield os.path.relpath(entry.path, folder)


def _is_foreign(path: str) -> bool:
    try:
        return os.lstat(path).st_uid != os.geteuid()
    except PermissionError:  # in a folder that can be read but not entered
        return False


def _archive(folder: Path, base: str, links: str, names: list[str], owner: tuple[int, int]) -> bytes:
    """An archive that gives what is in a folder, which the container has as ``base``, to its owner."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.GNU_FORMAT) as archive:
        place = tarfile.TarInfo(f"{base}/{links}")
        place.type, place.mode = tarfile.DIRTYPE, 0o700
        entries = [_entry(folder / name, f"{base}/{name}", f"{base}/{links}/{at}") for at, name in enumerate(names)]
        for entry in (place, *entries):
            entry.uid, entry.gid = owner
            archive.addfile(entry)
    return raw.getvalue()


def _entry(path: Path, name: str, link: str) -> tarfile.TarInfo:
    """What keeps a file or folder as it is, but for its owner, who may look into a folder and clear it.

    The engine sets permissions and time too.
    """
    status = path.lstat()
    entry = tarfile.TarInfo(name)
    entry.mode = stat.S_IMODE(status.st_mode) & 0o777
    if stat.S_ISDIR(status.st_mode):
        entry.type = tarfile.DIRTYPE
        entry.mode |= stat.S_IRWXU
    else:
        entry.name, entry.type, entry.linkname = link, tarfile.LNKTYPE, name
    entry.mtime = int(status.st_mtime)
    return entry
