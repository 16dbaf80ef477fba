"""The kernel's binfmt_misc folder: the text of every file in it. What the text means is core/binfmt's."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from bactools.core import executables

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bactools.edges.host.tree import Tree

FOLDER = "proc/sys/fs/binfmt_misc"
FILE_LIMIT = 4096
START_LIMIT = 64 * 1024
"""Bytes of an interpreter: its headers stand at its beginning."""
_WRITE_ONLY = "register"


def read(tree: Tree) -> dict[str, str]:
    """Name to text, in the folder's own order, newest registration first; empty without binfmt_misc.

    A file that cannot be read, or went away meanwhile, is left out.
    """
    names = (name for name in tree.names(FOLDER) if name != _WRITE_ONLY)
    texts = ((name, tree.text(f"{FOLDER}/{name}", FILE_LIMIT)) for name in names)
    return {os.fsencode(name).decode("utf-8", "replace"): text for name, text in texts if text is not None}


def dynamic(paths: Iterable[str], tree: Tree) -> dict[str, bool | None]:
    """Whether each interpreter needs other files of the host to start; None for one that cannot be looked at."""
    return {path: None if (data := _start(path, tree)) is None else executables.is_dynamic(data) for path in paths}


def _start(path: str, tree: Tree) -> bytes | None:
    """The beginning of a regular file within the tree: a link may lead out of a copy of a host."""
    try:
        place = tree.path(path).resolve()
        if not place.is_relative_to(tree.root.resolve()) or not stat.S_ISREG(place.stat().st_mode):
            return None
        with place.open("rb", buffering=0) as stream:
            return stream.read(START_LIMIT)
    except (OSError, RuntimeError, ValueError):  # a loop of links, a path with a null character
        return None
