"""Folders within folders, for what must not call itself for each, or keep each open."""

from __future__ import annotations

import os
from pathlib import Path

LEVELS = 1100
"""More than calls may be nested, or files open."""


def deep(folder: Path, name: str, levels: int = LEVELS) -> None:
    """So many folders within one another, each with a file."""
    before = Path.cwd()
    try:
        os.chdir(folder)
        for _ in range(levels):
            Path(name).mkdir()
            os.chdir(name)
            Path("file").touch()
    finally:
        os.chdir(before)
