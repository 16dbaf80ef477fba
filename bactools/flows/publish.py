"""Where the results of a run go once it is over. Whatever fails here, the results folder stays as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from bactools.core.errors import BacError, encodable
from bactools.edges import alarm

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from bactools.core.placeholders import Placeholders

    Progress = Callable[[str | None], None]
    Published = dict[str, Any]


NAMED = 3
"""Names that a sentence lists."""

LEAST = 600.0
"""Seconds that publishing may take at least."""


class Publishers(NamedTuple):
    """What publishing needs of this host: the URL of a Kubo node's RPC endpoint, the folder for packed results."""

    ipfs_api: str | None = None
    packed: Path | None = None


def publish(
    publisher: Mapping[str, Any], folder: Path, names: Placeholders, places: Publishers, progress: Progress
) -> Published | None:
    """Publish a results folder as the job says, and tell where: Bacalhau's ``{Type, Params}``, None for ``noop``.

    Raises BacError ``bad_config`` without an endpoint that is needed, or as the publisher does.
    """
    params = publisher.get("Params", {})
    if publisher["Type"] == "local":
        return _local(folder, names, places, progress)
    if publisher["Type"] == "s3":
        from bactools.edges.publishers import tarballs
        from bactools.edges.s3 import publisher as s3

        return s3.publish(params, folder, names, tarballs.pack, progress)
    if publisher["Type"] == "ipfs":
        return _ipfs(folder, places, progress)
    return None


def left_out(publisher: Mapping[str, Any], folder: Path, places: Publishers) -> str | None:
    """What of a published folder is not in the publication, in a sentence."""
    if publisher["Type"] == "noop" or (publisher["Type"] == "local" and places.packed is None):
        return None
    from bactools.edges.publishers import special

    found = special.find(folder)
    named = ", ".join(encodable(name) for name in found[:NAMED])
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return f"not published, for it holds no data: {named}{more}" if found else None


def in_time(total: float | None) -> AbstractContextManager[None]:
    """The time for publishing: as long again as all of the run might take (seconds), ten minutes at least.

    Without a total timeout it is as long as something moves. Raises BacError ``timed_out``.
    """
    if total is None:
        return alarm.ringing(None)
    return alarm.limited(max(total, LEAST), "publishing", "Publish the results folder yourself.")


def check(publisher: Mapping[str, Any] | None, places: Publishers) -> None:
    """Refuse, before anything runs, what could not be published.

    Raises BacError ``bad_config``, ``bad_spec``, or ``unsupported`` without boto3.
    """
    if publisher and publisher["Type"] == "s3":
        from bactools.edges.s3 import client

        client.check(publisher["Params"].get("Endpoint"))
    if publisher and publisher["Type"] == "ipfs":
        if not places.ipfs_api:
            raise _no_endpoint()
        from bactools.edges.http import endpoint

        endpoint(places.ipfs_api, "IPFS node")


def _local(folder: Path, names: Placeholders, places: Publishers, progress: Progress) -> Published:
    from bactools.edges.publishers import local

    if places.packed is None:
        return local.publish(folder)
    return local.publish_packed(folder, names, places.packed, progress)


def _ipfs(folder: Path, places: Publishers, progress: Progress) -> Published:
    if not places.ipfs_api:
        raise _no_endpoint()
    from bactools.edges.publishers import ipfs

    return {"Type": "ipfs", "Params": {"CID": ipfs.publish(folder, places.ipfs_api, progress)}}


def _no_endpoint() -> BacError:
    hint = "Set BACTOOLS_IPFS_API to the URL of a Kubo node's RPC endpoint."
    return BacError("bad_config", "nothing says which IPFS node the results are to be published to", hint=hint)
