"""The logins of this user: Docker's ``config.json``, podman's ``auth.json``, and the helpers that these name.

``REGISTRY_AUTH_FILE`` names the only file to read. Else Docker's comes first (in ``DOCKER_CONFIG`` or ``~/.docker``),
then podman's: of this session, of this user. The first login counts. A helper that is not installed or has no login
counts as none: most registries serve public images to anyone.
"""

from __future__ import annotations

import os
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from bactools.core import credentials
from bactools.core.errors import BacError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bactools.core.credentials import Credential, Helper, Logins

CONFIG_LIMIT = 1024 * 1024
HELPER_TIMEOUT = 30.0
"""Seconds for a helper, which may ask a person to unlock a key ring."""


class Keyring:
    """Reads each file and asks each helper once. Threads may share it; one at a time asks."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._files: list[Logins] | None = None
        self._answers: dict[Helper, Credential | None] = {}

    def find(self, name: str) -> Credential | None:
        """The login for a registry or for a repository of it (``domain/path``), if any.

        Raises BacError ``bad_config``, ``unreadable_file``, ``timed_out``.
        """
        with self._lock:
            if self._files is None:
                self._files = list(_files())
            for logins in self._files:
                for candidate in credentials.candidates(logins, name):
                    login = self._asked(candidate) if isinstance(candidate, credentials.Helper) else candidate
                    if login is not None:
                        return login
        return None

    def _asked(self, helper: Helper) -> Credential | None:
        if helper not in self._answers:
            self._answers[helper] = _ask(helper)
        return self._answers[helper]


def _files() -> Iterator[Logins]:
    for path in _paths():
        data = _read(path)
        if data is not None:
            yield credentials.parse(data, str(path))


def _paths() -> Iterator[Path]:
    named = os.environ.get("REGISTRY_AUTH_FILE")
    if named:
        yield Path(named)
        return
    user = _home()
    yield Path(os.environ.get("DOCKER_CONFIG") or user / ".docker", "config.json")
    session = os.environ.get("XDG_RUNTIME_DIR")
    yield (Path(session, "containers") if session else Path(f"/run/containers/{os.getuid()}")) / "auth.json"
    yield Path(os.environ.get("XDG_CONFIG_HOME") or user / ".config", "containers", "auth.json")


def _home() -> Path:
    """The home of this user; the root, as in a container, for one that no HOME and no passwd gives any."""
    found = os.path.expanduser("~")  # noqa: PTH111 (Path.home raises where there is none)
    return Path(found if found.startswith("/") else "/")


def _read(path: Path) -> bytes | None:
    try:
        with path.open("rb") as stream:
            data = stream.read(CONFIG_LIMIT + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise BacError("unreadable_file", f"cannot read {path}: {error.strerror}", input=str(path)) from error
    if len(data) > CONFIG_LIMIT:
        raise BacError("bad_config", f"{path} is larger than {CONFIG_LIMIT} bytes", input=str(path))
    return data


def _ask(helper: Helper) -> Credential | None:
    import subprocess

    program = f"docker-credential-{helper.name}"
    try:
        answer = subprocess.run(
            [program, "get"],
            input=helper.server.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=HELPER_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise BacError("timed_out", f"{program} did not answer within {HELPER_TIMEOUT:g} seconds") from error
    except OSError:
        return None
    return credentials.answered(answer.stdout, helper) if answer.returncode == 0 else None
