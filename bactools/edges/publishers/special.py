"""What a job may leave that holds no data: devices, pipes and sockets. No publisher takes them along."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def is_special(entry: os.DirEntry[str]) -> bool:
    """Whether something is neither a folder nor a file nor a link. Raises OSError."""
    return not (entry.is_dir(follow_symlinks=False) or entry.is_file(follow_symlinks=False) or entry.is_symlink())


def find(folder: Path) -> list[str]:
    """All such below a folder, in order, by their paths in it; that one cannot be read is for the publisher to say."""
    found: list[str] = []
    folders = [str(folder)]
    while folders:
        with suppress(OSError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                elif is_special(entry):
                    found.append(os.path.relpath(entry.path, folder))
    return sorted(found)
