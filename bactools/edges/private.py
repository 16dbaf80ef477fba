"""What is kept for this user on the disk, of which nobody else may change anything: where, and how it is written."""

from __future__ import annotations

import os
from contextlib import suppress

USE_INTERVAL = 3600.0
"""Seconds within which a second use of a file is not written down."""
TEMPORARY = ".tmp"
"""How the name of a file ends that is still being written."""
TEMPORARY_AGE = 3600.0
"""Seconds after which such a file has lost its writer."""
OTHERS_MAY_WRITE = 0o022


def folder() -> str | None:
    """The folder for all of it: in ``XDG_CACHE_HOME``, else in ``~/.cache``; None for a user without a home."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    home = os.environ.get("HOME", "")
    if base.startswith("/"):  # the XDG base directory specification: a relative path is invalid and ignored
        return f"{base}/bactools"
    return f"{home}/.cache/bactools" if home.startswith("/") else None


def put(folder: int, name: str, data: bytes | bytearray) -> None:
    """Write a file into an open folder under a name of its own, and move it in place. Raises OSError."""
    temporary = os.urandom(12).hex() + TEMPORARY
    try:
        number = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder)
        with open(number, "wb") as stream:  # noqa: PTH123 (a descriptor)
            stream.write(data)
        os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=folder)


def is_private(status: os.stat_result) -> bool:
    """Whether a file or folder is this user's, and nobody else may write to it."""
    return status.st_uid == os.geteuid() and not status.st_mode & OTHERS_MAY_WRITE
