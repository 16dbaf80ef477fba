"""Containers of a bac-exec that was killed: found by their label, and taken away by the next one."""

from __future__ import annotations

import hashlib
import os
import re
import time
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bactools.core.errors import BacError
from bactools.core.leftovers import LABEL, RESULTS, Owner, has_gone, has_restarted, is_forsaken, parse
from bactools.core.running import Mount
from bactools.edges import signals
from bactools.edges.docker_engine import ownership
from bactools.edges.docker_engine.client import translated

if TYPE_CHECKING:
    from collections.abc import Callable

    from docker import DockerClient

PROC = Path("/proc")
MACHINE_ID = Path("/etc/machine-id")
APPLICATION = b"bactools owner 1\n"
"""machine-id(5): a machine id is confidential; publish a hash of it that is of one application's own."""
BORN = 19
"""The place of a process's start time after its name in /proc/PID/stat (proc(5), field 22)."""
DEAD = ("Z", "X")
"""States of a process that has ended and that nobody has waited for yet."""
JOB = "bactools"
STOPPING = 10
"""Seconds that a killed container may take to end."""
RUNNING = {"running", "paused", "restarting"}


def this_process() -> Owner:
    """The process that this is, among those of its pid namespace since the host's start."""
    return _owner(os.getpid())  # a child is another owner


def _nothing(_folder: Path) -> None:
    pass


def clear_left(client: DockerClient, seal: Callable[[Path], None] = _nothing) -> tuple[str, ...]:
    """Remove the containers whose bac-exec has died, running or not; the jobs' ids.

    Of those from this machine what they wrote becomes the caller's, and ``seal`` is given the folders of their results.
    One that cannot be removed is left to the next. Raises BacError as ``translated`` where the engine does not answer.
    """
    mine = this_process()
    with translated("looking for what a killed bac-exec has left"):
        listed: list[dict[str, Any]] = client.api.containers(all=True, filters={"label": LABEL})
    left = [each for each in listed if str(mine) != each["Labels"][LABEL] and _is_left(client, each, mine)]
    return tuple(each["Labels"].get(JOB, "") for each in left if _cleared(client, each, mine, seal))


def _cleared(client: DockerClient, container: dict[str, Any], mine: Owner, seal: Callable[[Path], None]) -> bool:
    owner = parse(container["Labels"][LABEL])
    of_here = owner and (owner.place == mine.place or has_restarted(owner, mine.place))
    folder = container["Labels"].get(RESULTS) if of_here else None
    if folder is None:
        return _remove(client, container["Id"])
    _claim(client, container, Path(folder))
    removed = _remove(client, container["Id"])
    if removed:
        seal(Path(folder))
    return removed


def _claim(client: DockerClient, container: dict[str, Any], folder: Path) -> None:
    """Stop a container, and make what it wrote into a folder of ours the caller's."""
    if not _is_ours(folder):
        return
    outputs = [
        Mount(each["Source"], each["Destination"], writable=True, output=True)
        for each in container["Mounts"]
        if each["RW"] and Path(each["Source"]).parent == folder
    ]
    try:
        with translated("stopping what a killed bac-exec has left", conflict="not_found"):
            client.api.kill(container["Id"])
            client.api.wait(container["Id"], timeout=STOPPING)
    except BacError as error:
        if error.code != "not_found":
            return
    ownership.claim(client, container["Id"], outputs)


def _is_ours(folder: Path) -> bool:
    try:
        return folder.lstat().st_uid == os.geteuid()
    except OSError:
        return False


def is_dead(label: str) -> bool:
    """Whether a label names a process of this place that has died."""
    owner = parse(label)
    return owner is not None and has_gone(owner, this_process().place, _born) is True


@lru_cache(maxsize=1)
def _owner(process: int) -> Owner:
    """Without a /proc every place is another, and only what has stopped long ago is taken away."""
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text("ascii").strip()
        place = f"{_machine()}{boot}.{(PROC / 'self/ns/pid').stat().st_ino}"
    except OSError:
        place = os.urandom(16).hex()
    return Owner(place, process, _born(process) or 0)


def _machine() -> str:
    """What begins the place of a process, the same whenever the machine is started; nothing where it has no id."""
    try:
        with MACHINE_ID.open("rb") as file:
            found = file.read(64).strip()
    except OSError:
        return ""
    return f"{hashlib.sha256(APPLICATION + found).hexdigest()[:32]}." if re.fullmatch(rb"[0-9a-f]{32}", found) else ""


def _born(process: int) -> int | None:
    """When a process started, in clock ticks since the host did; None if none has this number, or a dead one."""
    try:
        status = (PROC / str(process) / "stat").read_text("utf-8", "replace")
    except OSError:
        return None
    state, *fields = status.rpartition(")")[2].split()
    return None if state in DEAD else int(fields[BORN - 1])


def _is_left(client: DockerClient, container: dict[str, Any], mine: Owner) -> bool:
    owner = parse(container["Labels"][LABEL])
    if owner is None:
        return False
    if has_restarted(owner, mine.place):
        return container["State"] not in RUNNING
    gone = has_gone(owner, mine.place, _born)
    return is_forsaken(_stopped(client, container)) if gone is None else gone


def _stopped(client: DockerClient, container: dict[str, Any]) -> float | None:
    """Seconds since a container of somewhere else ended, or was made and never started; None if it runs or has gone."""
    if container["State"] in RUNNING:
        return None
    try:
        with translated("looking at a container of another host"):
            details = client.api.inspect_container(container["Id"])
    except BacError:
        return None
    moments = [_seconds(details["State"]["FinishedAt"]), _seconds(details["Created"])]
    return time.time() - max(moments)


def _seconds(moment: str) -> float:
    """Unix time of RFC 3339 to the second; an engine says the year 1 for never."""
    never = moment.startswith("0001-")
    return 0 if never else datetime.fromisoformat(f"{moment[:19]}+00:00").timestamp()


def _remove(client: DockerClient, container: str) -> bool:
    try:
        with signals.held(), translated(f"removing the container {container[:12]}"):
            client.api.remove_container(container, v=True, force=True)
    except BacError:  # another bac-exec may be at it
        return False
    return True
