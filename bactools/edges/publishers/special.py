"""What a job may leave that holds no data: devices, pipes and sockets. No publisher takes them along."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bactools.edges import trees

if TYPE_CHECKING:
    from pathlib import Path


def is_special(entry: os.DirEntry[str]) -> bool:
    """Whether something is neither a folder nor a file nor a link. Raises OSError."""
    return not (entry.is_dir(follow_symlinks=False) or entry.is_file(follow_symlinks=False) or entry.is_symlink())


def find(folder: Path) -> list[str]:
    """All such below a folder, in order, by their paths in it; that one cannot be read is for the publisher to say."""
    found = (entry.path for entry in trees.readable(str(folder), OSError) if is_special(entry))
    return sorted(os.path.relpath(path, folder) for path in found)
