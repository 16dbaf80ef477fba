"""The runtimes that are installed on this host: programs on a search path. None of them is run."""

from __future__ import annotations

import os
import re
from itertools import islice

from bactools.core.records import Program

NAMES_LIMIT = 65536
"""Names of one folder that are looked at."""

# Those of WebAssembly, then those of containers.
RUNTIMES = (
    *("wasmtime", "wasmer", "wasmedge", "iwasm", "wazero", "wasmi", "spin"),
    *("podman", "nerdctl", "crun", "runc", "youki", "runsc", "kata-runtime", "apptainer", "singularity"),
)
_SHIM_PREFIX = "containerd-shim-"
_SHIM = re.compile(_SHIM_PREFIX + r"[a-z0-9-]+-v[0-9]+")


def find(path: str) -> list[Program]:
    """The runtimes on a PATH, each where the path finds it first: those of RUNTIMES in their order, then shims by name.

    A relative folder is left out: it is another one for each process.
    """
    found: dict[str, str] = {}
    for folder in dict.fromkeys(filter(os.path.isabs, path.split(os.pathsep))):
        for name in _names(folder):
            file = f"{folder.rstrip('/')}/{name}"
            if name not in found and os.path.isfile(file) and os.access(file, os.X_OK):  # noqa: PTH113
                found[name] = file
    order = {name: place for place, name in enumerate(RUNTIMES)}
    names = sorted(found, key=lambda name: (order.get(name, len(order)), name))
    return [Program(name, found[name]) for name in names]


def _names(folder: str) -> list[str]:
    """The runtimes that have a file of their name in a folder."""
    try:
        with os.scandir(folder) as entries:
            names = {entry.name for entry in islice(entries, NAMES_LIMIT)}
    except OSError:
        return []
    shims = (name for name in names if name.startswith(_SHIM_PREFIX) and _SHIM.fullmatch(name))
    return [*(name for name in RUNTIMES if name in names), *shims]
