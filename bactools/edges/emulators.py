"""The kernel's binfmt_misc folder: the text of every file in it. What the text means is core/binfmt's."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = "proc/sys/fs/binfmt_misc"
FILE_LIMIT = 4096
COUNT_LIMIT = 1024
_WRITE_ONLY = "register"


def read(root: Path = Path("/")) -> dict[str, str]:
    """Name to text, in the folder's own order, newest registration first; empty without binfmt_misc.

    A file that cannot be read, or went away meanwhile, is left out.
    """
    folder = root / FOLDER
    try:
        names = os.listdir(folder)  # noqa: PTH208 (the order is the kernel's, and pathlib promises none)
    except OSError:
        return {}
    texts: dict[str, str] = {}
    for name in names[:COUNT_LIMIT]:
        text = None if name == _WRITE_ONLY else _text(folder / name)
        if text is not None:
            texts[os.fsencode(name).decode("utf-8", "replace")] = text
    return texts


def _text(path: Path) -> str | None:
    try:
        with path.open("rb") as stream:
            return stream.read(FILE_LIMIT).decode("utf-8", "replace")
    except OSError:
        return None
