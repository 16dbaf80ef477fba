"""What really runs in a container of the engine: the programs of core/executables, each as an image of its own.

Nothing is pulled, and a container gets no network, no privilege and nothing to write on. Image and container have a
label that says whose they are: they are removed at the end, however that comes, and by the next proof where this
process is killed.
"""

from __future__ import annotations

import errno
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from bactools.core import executables, platforms, scratch_image
from bactools.core.emulation import NO_TIME, Outcome
from bactools.core.errors import BacError
from bactools.core.leftovers import PROOF
from bactools.edges import signals
from bactools.edges.docker_engine import leftovers
from bactools.edges.docker_engine.client import translated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from docker import DockerClient

    from bactools.core.platforms import Platform

CONTAINERS = "bactools"
"""The label of every container that bactools makes."""
SIGNALLED = 128
"""What an engine adds to the number of the signal that ended a container's process."""
SIGNALS = 64
NOT_STARTED = {"not_started", "not_found", "engine_failed"}
REFUSED = {"not_started", "not_found"}
"""An engine makes no container of such a platform, or takes its image for one of another."""
GONE = {"not_found", "no_engine"}


def prove(
    client: DockerClient, wanted: Iterable[str], timeout: float, progress: Callable[[str | None], None]
) -> dict[str, Outcome]:
    """What became of the program of each of these platforms (``linux/arm64``), one after the other.

    One whose turn does not come within ``timeout`` seconds, or of which the engine makes no container, is untried.
    Raises BacError as ``translated`` where the engine fails, which says nothing about a platform.
    """
    end = time.monotonic() + timeout
    owner = str(leftovers.this_process())
    _clear(client, leftovers.is_dead)
    outcomes: dict[str, Outcome] = {}
    try:
        for platform in wanted:
            if time.monotonic() >= end:
                outcomes[platform] = Outcome(False, untried=NO_TIME)
                continue
            progress(f"running a program for {platform} in a container")
            asked = scratch_image.plain(platforms.parse(platform))
            outcomes[platform] = _proved(client, asked, owner, end)
    finally:
        progress(None)
    return outcomes


def _proved(client: DockerClient, platform: Platform, owner: str, end: float) -> Outcome:
    removed = False
    try:
        outcome = _tried(client, platform, owner, end)
        _clear(client, lambda label: label == owner)
        removed = True
        return outcome
    finally:
        if not removed:
            with suppress(BacError):  # the engine is what failed, or this process is to end
                _clear(client, lambda label: label == owner)


def _tried(client: DockerClient, platform: Platform, owner: str, end: float) -> Outcome:
    with signals.held():
        image = _loaded(client, platform, owner)
        try:
            container = _created(client, image, platform, owner)
        except BacError as error:
            if error.code in REFUSED:
                return Outcome(False, untried=error.message)
            raise
    return _outcome(client, container, end)


def _loaded(client: DockerClient, platform: Platform, owner: str) -> str:
    """The ID of the image for a platform, once the engine has it."""
    archive = scratch_image.archive(executables.program(platform.architecture), platform, {PROOF: owner})
    with translated(f"loading an image for {platform}"):
        for message in client.api.load_image(archive):  # type: ignore[no-untyped-call]
            if "error" in message:
                raise BacError("engine_failed", f"loading an image for {platform}: {message['error']}")
        # Which digest is an image's ID depends on where the engine stores images.
        images = client.api.images(filters={"label": f"{PROOF}={owner}"})
    if not images:
        raise BacError("engine_failed", f"loading an image for {platform}: the engine does not have it afterwards")
    return str(images[0]["Id"])


def _created(client: DockerClient, image: str, platform: Platform, owner: str) -> str:
    """The ID of a container. Raises BacError with a code of REFUSED where the engine makes none of this platform."""
    host = client.api.create_host_config(
        network_mode="none",
        read_only=True,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        log_config={"Type": "none"},  # type: ignore[arg-type]
    )
    labels = {PROOF: owner, CONTAINERS: "proof"}
    with translated(f"creating a container for {platform}", bad_request="not_started"):
        created: dict[str, Any] = client.api.create_container(
            image, platform=str(platform), labels=labels, host_config=host
        )
    return str(created["Id"])


def _outcome(client: DockerClient, container: str, end: float) -> Outcome:
    try:
        with translated("starting a container", bad_request="not_started"):
            client.api.start(container)
    except BacError as error:
        if error.code in NOT_STARTED:
            return Outcome(False)
        raise
    try:
        with translated("waiting for a container"):
            left = max(0.001, end - time.monotonic())
            code = int(client.api.wait(container, timeout=left)["StatusCode"])  # type: ignore[arg-type]
    except BacError as error:
        if error.code == "timed_out":
            return Outcome(False, errno.ETIMEDOUT)
        raise
    return Outcome(code == 0, signal=code - SIGNALLED if SIGNALLED < code <= SIGNALLED + SIGNALS else None)


def _clear(client: DockerClient, whose: Callable[[str], bool]) -> None:
    """Remove the containers, running or not, and then the images whose label has a value that is asked for."""
    labelled = {"label": PROOF}
    with signals.held(), translated("removing what a proof left"):
        for container in client.api.containers(all=True, filters=labelled):
            if whose(container["Labels"][PROOF]):
                _remove(client.api.remove_container, container["Id"], v=True)
        for image in client.api.images(filters=labelled):
            if whose(image["Labels"][PROOF]):
                _remove(client.api.remove_image, image["Id"])


def _remove(remove: Callable[..., Any], identity: str, **options: bool) -> None:
    try:
        with translated(f"removing {identity}"):
            remove(identity, force=True, **options)
    except BacError as error:
        if error.code not in GONE:
            raise
