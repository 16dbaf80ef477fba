"""The logins of this user: Docker's ``config.json`` and the credential helpers that it names.

The file is in ``DOCKER_CONFIG``, else in ``~/.docker``. A helper that is not installed or has no login counts as none:
most registries serve public images to anyone.
"""

from __future__ import annotations

import os
from pathlib import Path

from bactools.core import credentials
from bactools.core.errors import BacError

CONFIG_LIMIT = 1024 * 1024
HELPER_TIMEOUT = 30.0
"""Seconds for a helper, which may ask a person to unlock a key ring."""


def find(domain: str) -> credentials.Credential | None:
    """The login for a registry's domain, if any. Raises BacError ``bad_config``, ``unreadable_file``, ``timed_out``."""
    data = _read(_path())
    if data is None:
        return None
    found = credentials.find(credentials.parse(data, str(_path())), domain)
    return _ask(found) if isinstance(found, credentials.Helper) else found


def _path() -> Path:
    folder = os.environ.get("DOCKER_CONFIG")
    return (Path(folder) if folder else Path("~/.docker").expanduser()) / "config.json"


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


def _ask(helper: credentials.Helper) -> credentials.Credential | None:
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
