"""The files of this machine that say how to reach registries: podman's ``registries.conf``, folders of certificates.

A user's ``registries.conf`` is read instead of the system's; beside either, the files of its ``registries.conf.d``
count. ``CONTAINERS_REGISTRIES_CONF`` names one file that is read instead of all (containers-registries.conf.d(5)).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from bactools.core import registries_conf
from bactools.core.errors import BacError
from bactools.edges.registry.hosts import Hosts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bactools.core.access import Access

CONFIG_LIMIT = 1024 * 1024
SYSTEM = Path("/etc")


def hosts(access: Access, system: Path = SYSTEM) -> Hosts:
    """The registries as this user reaches them. Raises BacError ``bad_config``, ``unreadable_file``."""
    user = config_home() / "containers"
    files = [registries_conf.parse(_read(path), str(path)) for path in _files(user, system / "containers")]
    folders = (user / "certs.d", system / "containers" / "certs.d", system / "docker" / "certs.d")
    return Hosts(access, registries_conf.merged(files), folders)


def config_home() -> Path:
    """The folder of this user's configuration files; below the root for one that has no home, as in a container."""
    home = os.path.expanduser("~")  # noqa: PTH111 (Path.home raises where there is none)
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path(home if home.startswith("/") else "/", ".config"))


def _files(user: Path, system: Path) -> Iterator[Path]:
    named = os.environ.get("CONTAINERS_REGISTRIES_CONF")
    if named:
        yield Path(named)
        return
    own = (user / "registries.conf").is_file()
    if own:
        yield user / "registries.conf"
    else:
        if (system / "registries.conf").is_file():
            yield system / "registries.conf"
        yield from sorted((system / "registries.conf.d").glob("*.conf"))
    yield from sorted((user / "registries.conf.d").glob("*.conf"))


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            data = stream.read(CONFIG_LIMIT + 1)
    except OSError as error:
        raise BacError("unreadable_file", f"cannot read {path}: {error.strerror}", input=str(path)) from error
    if len(data) > CONFIG_LIMIT:
        raise BacError("bad_config", f"{path} is larger than {CONFIG_LIMIT} bytes", input=str(path))
    return data
