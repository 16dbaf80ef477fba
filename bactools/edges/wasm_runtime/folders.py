"""Mounts as the folders that a WASI guest can open.

WASI opens folders only, and only by the names that it is given. So that a guest can list ``/`` and whatever else leads
to a mount, there is a folder for ``/`` that holds empty ones in their places; what is below a mount is found by the
longest name. See ``staging`` for files.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from bactools.core.errors import BacError
from bactools.edges.wasm_runtime import staging

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bactools.core.running import Mount


def opened(mounts: Sequence[Mount], place: Path) -> tuple[Mount, ...]:
    """The same mounts in their order with folders only, and what leads to them, made in a new folder at ``place``.

    Raises BacError: ``unreadable_file``, ``unwritable_file``, ``unsupported`` when two mounts want one
    place, or a file cannot be shown among what else is there.
    """
    normal = [mount._replace(guest=posixpath.normpath(mount.guest)) for mount in mounts]
    for number, mount in enumerate(normal):
        if any(mount.guest == other.guest for other in normal[:number]):
            raise staging.taken(mount.guest, "another mount is there")
    if not normal:
        return ()
    try:
        place.mkdir()
        return staging.staged(normal, str(place))
    except OSError as error:
        doing = f"putting together in {place} what the module is shown"
        raise BacError("unwritable_file", f"{doing}: {error.strerror}", hint="Set TMPDIR to another folder.") from error
