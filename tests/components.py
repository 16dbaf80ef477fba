"""The real things that tests need: find each one, or end the test because it is missing.

`tests/stack/docker.sh up` provides all of them on a Debian machine.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docker import DockerClient

REQUIRE_ALL = os.environ.get("BACTOOLS_TEST_REQUIRE_ALL") == "1"
ENGINE = os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
REGISTRY = "localhost:5000"
IMAGE_INDEX = "application/vnd.oci.image.index.v1+json"
BINFMT = Path("/proc/sys/fs/binfmt_misc")
ELF_MACHINES = {"b700": "arm64", "2800": "arm"}  # e_machine, little endian, as binfmt_misc prints a magic
REMOVAL_TIME = 10  # seconds that an engine may take to remove a container that was asked to go


def missing(reason: str) -> NoReturn:
    """End the test: skipped, or failed where everything must be there."""
    if REQUIRE_ALL:
        pytest.fail(f"{reason}, and BACTOOLS_TEST_REQUIRE_ALL=1", pytrace=False)
    pytest.skip(reason)


def connect() -> DockerClient:
    """A client of the engine that the commands use. Raises OSError."""
    if ENGINE.startswith("unix://"):
        with socket.socket(socket.AF_UNIX) as attempt:  # the SDK leaves its own open where nobody listens
            attempt.connect(ENGINE.removeprefix("unix://"))
    import docker
    from docker.errors import DockerException

    try:
        return docker.from_env()  # asks for the engine's version
    except DockerException as error:
        raise ConnectionError(str(error)) from error


def engine() -> DockerClient:
    try:
        return connect()
    except OSError as error:
        missing(f"no Docker engine answers at {ENGINE}: {error}")


def registry() -> str:
    connection = HTTPConnection(REGISTRY, timeout=10)
    try:
        connection.request("HEAD", "/v2/busybox/manifests/multi", headers={"Accept": IMAGE_INDEX})
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        missing(f"no registry answers at {REGISTRY}: {error}")
    finally:
        connection.close()
    if status != 200:
        missing(f"the registry at {REGISTRY} has no busybox:multi: HTTP status {status}")
    return REGISTRY


def emulation() -> None:
    found = set()
    for entry in BINFMT.glob("*"):
        if entry.name in ("register", "status"):
            continue
        fields = dict(line.partition(" ")[::2] for line in entry.read_text("ascii").splitlines())
        if "enabled" in fields and "F" in fields.get("flags:", ""):
            found.add(ELF_MACHINES.get(fields.get("magic", "")[36:40]))
    if absent := sorted(set(ELF_MACHINES.values()) - found):
        missing(f"no emulator is registered with flag F for {' and '.join(absent)}")


def program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        missing(f"{name} is not installed")
    return path


@contextmanager
def tmpfs(folder: Path, size: str) -> Iterator[Path]:
    """A disk of its own at ``folder``, of ``size`` as mount(8) takes it."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode != 0:
        missing(f"cannot mount a small disk: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        # lazily: a process of the test that is reaped later may still stand in it
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def containers_left_behind(since: float) -> list[str]:
    """The containers labelled ``bactools``, made since that time, that are there and stay."""
    try:
        client = connect()
    except OSError:
        return []
    with client.api:
        end = time.monotonic() + REMOVAL_TIME
        while True:
            labelled = client.api.containers(all=True, filters={"label": "bactools"})
            left = [container for container in labelled if container["Created"] >= int(since)]
            if not left or time.monotonic() > end:
                return [f"{item['Id'][:12]} {item['Image']} {item['Command']}: {item['Status']}" for item in left]
            time.sleep(0.2)
