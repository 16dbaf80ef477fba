"""Images of the Docker engine: look at one that it holds, and pull one platform's image by its own digest.

A tag is never pulled: engines before 23 keep one platform a tag and run whichever they hold.
Credentials are those of Docker's ``config.json`` and its helpers, read by the SDK.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

from bactools.core.errors import BacError
from bactools.core.wasm_artifact import program
from bactools.edges.docker_engine.client import bad_config, translated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from docker import DockerClient

MIB = 1024 * 1024


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
    repository: str,
    digest: str,
    platform: str,
    progress: Callable[[str | None], None],
) -> None:
    """Pull ``repository@digest``, the manifest of one platform, telling ``progress`` how far it is.

    There is no time limit: the engine retries on its own, and an interruption here makes it stop.
    Raises BacError ``not_found``, ``unauthorized``, ``engine_failed``, ``bad_config`` or as ``translated``.
    """
    doing = f"pulling {repository}@{digest}"
    progress(doing)
    try:
        with translated(doing), warnings.catch_warnings():
            # The SDK warns of a credential helper that is missing, and then fails for it.
            warnings.simplefilter("ignore", UserWarning)
            try:
                messages = client.api.pull(repository, tag=digest, platform=platform, stream=True, decode=True)
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                raise bad_config() from error
            _follow(messages, doing, progress)
    finally:
        progress(None)


def _follow(messages: Iterable[Any], doing: str, progress: Callable[[str | None], None]) -> None:
    """Read the engine's messages to their end; one with ``error`` is how it fails after it has answered 200."""
    layers: dict[str, int] = {}
    for message in messages:
        if "error" in message:
            raise BacError("engine_failed", f"{doing}: {message['error']}")
        done = (message.get("progressDetail") or {}).get("current")
        if done is not None:
            layers[message.get("id", "")] = done
            progress(f"{doing}: {sum(layers.values()) // MIB} MiB")
