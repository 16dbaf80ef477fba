"""Images of the Docker engine: look at one that it holds, and pull one platform's image by its own digest.

A tag is never pulled: engines before 23 keep one platform a tag and run whichever they hold.
A login is passed in; the SDK's own way to find one is not used.
"""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from bactools.core.errors import BacError
from bactools.core.wasm_artifact import program
from bactools.edges import signals
from bactools.edges.docker_engine.client import translated
from bactools.edges.docker_engine.patience import Patience

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from docker import DockerClient

    from bactools.core.credentials import Credential

MIB = 1024 * 1024
GLANCE = 0.2
"""Seconds between two looks at whether a pull is still wanted."""


class LocalImage(NamedTuple):
    """An image that the engine holds: ``id`` is the digest of its configuration, sizes and layers aside.

    ``repo_digests`` are the ``name@sha256:…`` by which registries know it; empty for one built here. ``program`` is the
    first word of what it runs when nothing else is said, empty if it does not say.
    """

    id: str
    repo_digests: tuple[str, ...]
    os: str
    architecture: str
    variant: str
    os_version: str
    size: int
    program: str


class Wanted(NamedTuple):
    """The manifest of one platform in a repository, and the login for it, if any."""

    repository: str
    digest: str
    platform: str
    login: Credential | None = None

    def __str__(self) -> str:
        return f"{self.repository}@{self.digest}"


def inspect(client: DockerClient, reference: str) -> LocalImage:
    """What the engine holds under a name, a digest or an image ID. Raises BacError as ``translated``."""
    with translated(f"looking for {reference} in the Docker engine"):
        found: dict[str, Any] = client.api.inspect_image(reference)  # type: ignore[no-untyped-call]
    configured = found.get("Config") or {}
    return LocalImage(
        id=found["Id"],
        repo_digests=tuple(found.get("RepoDigests") or ()),
        os=found.get("Os") or "",
        architecture=found.get("Architecture") or "",
        variant=found.get("Variant") or "",
        os_version=found.get("OsVersion") or "",
        size=found.get("Size") or 0,
        program=program(configured.get("Entrypoint"), configured.get("Cmd")),
    )


def pull(
    client: DockerClient,
    image: Wanted,
    progress: Callable[[str | None], None],
    patience: Patience = Patience(),  # noqa: B008 (a constant: waiting without an end)
) -> None:
    """Pull an image, telling ``progress`` how far it is.

    The engine retries on its own. An interruption here makes it stop, and so do Expired and Stopped, which are raised
    as ``patience`` says. Raises BacError ``not_found``, ``unauthorized``, ``engine_failed`` or as ``translated``.
    """
    doing = f"pulling {image}"
    progress(doing)
    layers: dict[str, tuple[int, int]] = {}
    try:
        for message in _messages(client, image, doing, patience):
            if "error" in message:  # that is how it fails after the engine has answered 200
                raise BacError("engine_failed", f"{doing}: {message['error']}")
            if _count(layers, message):
                progress(f"{doing}: {_amount(layers)}")
    finally:
        progress(None)


def _messages(client: DockerClient, image: Wanted, doing: str, patience: Patience) -> Iterator[dict[str, Any]]:
    """What the engine tells about a pull.

    The engine may be silent for long, and a read of the SDK cannot be called off: it is done in a thread that dies with
    the process, or ends with the engine's next word after nobody wants to hear it.
    """
    told: queue.SimpleQueue[dict[str, Any] | BacError | None] = queue.SimpleQueue()
    abandoned = threading.Event()

    def listen() -> None:
        try:
            with translated(doing):
                for message in client.api.pull(
                    image.repository,
                    tag=image.digest,
                    platform=image.platform,
                    auth_config=_login(image.login),
                    stream=True,
                    decode=True,
                ):
                    if abandoned.is_set():
                        return
                    told.put(message)
        except BacError as error:
            told.put(error)
        finally:
            told.put(None)

    with signals.held():  # the thread takes over that they wait, or it would take them from the main one
        threading.Thread(target=listen, name="pull", daemon=True).start()
    try:
        while (message := _next(told, patience)) is not None:
            if isinstance(message, BacError):
                raise message
            yield message
    finally:
        abandoned.set()


def _next(told: queue.SimpleQueue[Any], patience: Patience) -> Any:
    while True:
        patience.check()
        try:
            return told.get(timeout=patience.left(GLANCE))
        except queue.Empty:
            continue


def _login(login: Credential | None) -> dict[str, str]:
    """As the engine API has it ("Authentication"); an empty one keeps the SDK from looking for its own."""
    if login is None:
        return {}
    if login.identity_token:
        return {"identitytoken": login.identity_token}
    return {"username": login.username, "password": login.password}


def _count(layers: dict[str, tuple[int, int]], message: dict[str, Any]) -> bool:
    """Take note of how far a layer is; it is counted again from nothing while it is unpacked."""
    detail = message.get("progressDetail") or {}
    done, total = detail.get("current"), detail.get("total")
    if done is None:
        return False
    before = layers.get(message.get("id", ""), (0, 0))
    layers[message.get("id", "")] = max(before[0], done), max(before[1], total or 0)
    return True


def _amount(layers: dict[str, tuple[int, int]]) -> str:
    done = sum(each[0] for each in layers.values())
    total = sum(max(each) for each in layers.values())
    return f"{done / MIB:.1f} of {total / MIB:.1f} MiB"
