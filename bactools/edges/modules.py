"""WebAssembly files on this host: their bytes, and nothing about what is in them."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from bactools.core.errors import BacError

if TYPE_CHECKING:
    from pathlib import Path

MODULE_LIMIT = 256 * 1024 * 1024
SUFFIX = ".wasm"


def read(path: Path) -> bytes:
    """The bytes of a file. Raises BacError ``unreadable_file`` or ``too_large``."""
    try:
        # A pipe or a device could keep its reader waiting for ever.
        if not stat.S_ISREG(path.stat().st_mode):
            raise BacError("unreadable_file", f"{path} is not a file", input=str(path))
        with path.open("rb") as stream:
            data = stream.read(MODULE_LIMIT + 1)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    if len(data) > MODULE_LIMIT:
        raise BacError("too_large", f"{path} is larger than {MODULE_LIMIT} bytes", input=str(path))
    return data


def in_folder(path: Path) -> Path:
    """The path itself, or for a folder the one ``.wasm`` file in it. Raises BacError ``unreadable_file``."""
    if not path.is_dir():
        return path
    try:
        names = sorted(child for child in path.iterdir() if child.suffix == SUFFIX)
    except OSError as error:
        raise _unreadable(path, error) from error
    if len(names) != 1:
        raise BacError("unreadable_file", f"{path} holds {len(names)} {SUFFIX} files, not one", input=str(path))
    return names[0]


def _unreadable(path: Path, error: OSError | ValueError) -> BacError:
    reason = error.strerror if isinstance(error, OSError) else "a path has no NUL in it"
    return BacError("unreadable_file", f"cannot read {path}: {reason}", input=str(path))
