"""Which versions of the engine's package are installed, as the names of the folders beside it tell (PEP 376)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

END = ".dist-info"


def installed(package: Path) -> list[str]:
    """The versions of a package by its folder: one, unless something went wrong. Raises OSError."""
    start = f"{package.name}-"
    beside = os.listdir(package.parent)  # noqa: PTH208 (a tenth of the time)
    return [
        name.removeprefix(start).removesuffix(END) for name in beside if name.startswith(start) and name.endswith(END)
    ]
