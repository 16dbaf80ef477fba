"""Inputs that are on this host already: Bacalhau's ``local`` and the older ``localDirectory``.

Nothing is copied and nothing is created: what ``SourcePath`` names has to be there.
"""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bactools.core.errors import BacError
from bactools.core.running import Mount

if TYPE_CHECKING:
    from collections.abc import Mapping


def mount(params: Mapping[str, Any], guest: str) -> Mount:
    """The mount of ``SourcePath`` at ``guest``, read-only unless ``ReadWrite`` (a boolean, or "true").

    Raises BacError ``bad_spec`` without a ``SourcePath``, ``unreadable_file`` when it is not there, ``unsupported``
    when the job would have it created, and for a device, pipe or socket: an input is data, which a job reads to an end.
    """
    path = source_path(params, guest)
    writable = str(params.get("ReadWrite", "false")).lower() == "true"
    return Mount(str(path), guest, writable)


def source_path(params: Mapping[str, Any], guest: str) -> Path:
    """The existing file or folder that an input names, made absolute. Raises as ``mount``."""
    text = params.get("SourcePath")
    if not isinstance(text, str) or not text or "\0" in text:
        raise BacError("bad_spec", f"the local input for {guest} has no SourcePath")
    path = Path(text).absolute()
    try:
        mode = path.stat().st_mode
    except FileNotFoundError as error:
        create = params.get("CreateAs", "noCreate")
        if create != "noCreate":
            message = f"the input {path} is not there, and is not made here as CreateAs {create} says"
            raise BacError("unsupported", message, hint="Make it before the job runs.") from error
        raise _unusable(path, error) from error
    except OSError as error:
        raise _unusable(path, error) from error
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise BacError("unsupported", f"cannot use the input {path}: it is neither a file nor a folder")
    return path


def _unusable(path: Path, error: OSError) -> BacError:
    hint = "Inputs are looked for on the host that runs the job."
    return BacError("unreadable_file", f"cannot use the input {path}: {error.strerror}", hint=hint)
