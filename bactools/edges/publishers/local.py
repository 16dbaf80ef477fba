"""Publishes results on this host: where they are, or as one file in a folder of the host's choice."""

from __future__ import annotations

import os
from contextlib import suppress
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any

from bactools.core.errors import BacError
from bactools.edges.publishers import tarballs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bactools.core.placeholders import Placeholders

SUFFIX = ".tar.gz"


def publish(folder: Path) -> dict[str, Any]:
    """Bacalhau's word for where the results are: the folder itself, as a ``local`` source."""
    return _source(folder)


def publish_packed(
    folder: Path, names: Placeholders, directory: Path, progress: Callable[[str | None], None]
) -> dict[str, Any]:
    """Pack the results into ``EXECUTION.tar.gz`` in ``directory``, and tell it as a ``local`` source.

    The file is there whole or not at all. Raises BacError ``unwritable_file``, or as ``tarballs.pack``.
    """
    target = directory / f"{names.execution}{SUFFIX}"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=directory, prefix=".bactools-", delete=False) as file:
            try:
                tarballs.pack(folder, file, progress)
                file.flush()
                os.fchmod(file.fileno(), 0o644)
                os.replace(file.name, target)  # noqa: PTH105 (a name is what there is)
            except BaseException:
                with suppress(OSError):
                    os.unlink(file.name)  # noqa: PTH108 (as above)
                raise
    except OSError as error:
        raise BacError("unwritable_file", f"cannot publish to {target}: {error.strerror}") from error
    return _source(target)


def _source(path: Path) -> dict[str, Any]:
    return {"Type": "local", "Params": {"SourcePath": str(path.absolute())}}
