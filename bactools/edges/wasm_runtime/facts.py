"""What the installed wasmtime can run, found without loading it here: that alone costs 50 ms and more.

Every WASI generation and proposal is tried, in a process of its own (``proposals``). What came of it is kept in the
user's cache for this version and machine, and tried again where it cannot be kept, or was not kept by this user.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeGuard

import msgspec

from bactools.core.errors import BacError
from bactools.core.wasm_facts import WasmFacts
from bactools.edges import private
from bactools.edges.wasm_runtime import TRIAL_TIMEOUT, proposals
from bactools.edges.wasm_runtime.versions import installed

if TYPE_CHECKING:
    from collections.abc import Mapping

MEMORY = 65536 * 65536
"""Bytes: a memory of 32-bit addresses has at most 2^16 pages of 64 KiB (WebAssembly core specification, limits)."""

# The names of the machines that wasmtime's wheels carry a library for.
MACHINES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}

KEPT_LIMIT = 64 * 1024
ROOM = "engines"
# Run with -I and the path of this process: this very bactools, and nothing of the working directory.
TRIAL = """
import sys
sys.path[:] = sys.argv[1:]
from bactools.edges.wasm_runtime import proposals
proposals.main()
"""


class _Trial(NamedTuple):
    platforms: tuple[str, ...]
    features: tuple[str, ...]


def describe(timeout: float = TRIAL_TIMEOUT) -> WasmFacts | None:
    """What ``wasm_runtime.describe`` tells."""
    spec = find_spec("wasmtime")
    if spec is None or spec.origin is None:
        return None
    package = Path(spec.origin).parent
    machine = MACHINES.get(os.uname().machine.lower())
    if machine is None or not (package / f"{sys.platform}-{machine}").is_dir():
        return None
    version = _version(package)
    trial = _tried(timeout) if version is None else _known(version, machine, timeout)
    return WasmFacts(version, trial.platforms, trial.features, MEMORY)


def _version(package: Path) -> str | None:
    found = installed(package)
    return found[0] if found else None


def _known(version: str, machine: str, timeout: float) -> _Trial:
    """What came of the trials when they were last made, else now."""
    tables = repr((proposals.PROGRAMS, proposals.MODULES, proposals.BINARIES))
    key = f"wasmtime {version} {sys.platform} {machine} {hashlib.sha256(tables.encode()).hexdigest()}"
    folder = private.folder()
    if folder is None:
        return _tried(timeout)
    path = Path(folder, ROOM, f"wasmtime-{version}-{machine}.json")
    kept = _kept(path, key)
    if kept is None:
        kept = _tried(timeout)
        _keep(path, key, kept)
    return kept


def _tried(timeout: float) -> _Trial:
    import subprocess

    doing = "trying what the WebAssembly engine wasmtime runs"
    try:
        ended = subprocess.run(
            [sys.executable, "-I", "-c", TRIAL, *sys.path],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise BacError("timed_out", f"{doing}: it did not end within {timeout:g} seconds") from error
    except OSError as error:
        raise BacError("engine_failed", f"{doing}: cannot start {sys.executable}: {error.strerror}") from error
    found = _trial(ended.stdout) if ended.returncode == 0 else None
    if found is None or not found.platforms:
        how = f"it ended with status {ended.returncode}" if ended.returncode else "it runs not even an empty module"
        raise BacError("engine_failed", f"{doing}: {how}", hint="Install it again with python -m pip install wasmtime.")
    return found


def _trial(data: bytes, key: str | None = None) -> _Trial | None:
    """What a trial printed or, with a key, what was kept under it; None for anything else."""
    try:
        told = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(told, dict) or told.get("key") != key:
        return None
    platforms, features = told.get("platforms"), told.get("features")
    if not _among(platforms, proposals.PROGRAMS) or not _among(features, {**proposals.MODULES, **proposals.BINARIES}):
        return None
    return _Trial(tuple(platforms), tuple(features))


def _among(words: object, known: Mapping[str, object]) -> TypeGuard[list[str]]:
    return isinstance(words, list) and all(isinstance(word, str) and word in known for word in words)


def _kept(path: Path, key: str) -> _Trial | None:
    """What this user, and nobody else, kept in a file; None where that cannot be told."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(number, "rb") as stream:  # noqa: PTH123 (a descriptor)
            status = os.fstat(number)
            if not stat.S_ISREG(status.st_mode) or status.st_size > KEPT_LIMIT:
                return None
            if not private.is_private(status):
                return None
            return _trial(stream.read(KEPT_LIMIT), key)
    except OSError:
        return None


def _keep(path: Path, key: str, trial: _Trial) -> None:
    """Keep what came of the trials; where that cannot be, they are made again next time."""
    data = msgspec.json.encode({"key": key, **trial._asdict()})
    with suppress(OSError):
        for folder in (path.parent.parent, path.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        number = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            private.put(number, path.name, data)
        finally:
            os.close(number)
