"""Why a node takes no jobs: the words for it among the warnings of a node record, and what would change each.

A warning is one of CAUSES, or one of them with a colon and a detail. Other warnings say nothing about that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

REQUESTER = "it is a requester"
NOT_APPROVED = "it is not approved"
NOT_CONNECTED = "it is not connected"
CORDONED = "it is cordoned"
TAINTED = "it has a taint"
DRAINED = "it is drained"
NOT_ACTIVE = "it is not active"
NOT_ELIGIBLE = "it is not eligible"
NOT_READY = "it is not ready"

# {detail} is what stands after the colon; None: nothing helps
CAUSES: dict[str, str | None] = {
    REQUESTER: None,
    NOT_APPROVED: "approve the node",
    NOT_CONNECTED: "reconnect the node",
    CORDONED: "uncordon the node",
    TAINTED: "tolerate or remove the taint {detail}",
    DRAINED: "undrain the node",
    NOT_ACTIVE: "make the node active",
    NOT_ELIGIBLE: "make the node eligible",
    NOT_READY: "make the node ready",
}
ANY = "make the node schedulable"
"""The remedy where no cause is known."""


def caused(cause: str, detail: str = "") -> str:
    """The warning that tells of a cause."""
    return f"{cause}: {detail}" if detail else cause


def causes(warnings: Iterable[str]) -> list[str]:
    """The warnings that say why no job is taken, each once."""
    return list(dict.fromkeys(each for each in warnings if each.partition(": ")[0] in CAUSES))


def remedy(found: Sequence[str]) -> str | None:
    """What removes all of these causes; None where nothing does."""
    parts = list(dict.fromkeys(_remedies(found)))
    return None if None in parts else " and ".join(filter(None, parts)) or ANY


def _remedies(found: Iterable[str]) -> Iterator[str | None]:
    for each in found:
        cause, _, detail = each.partition(": ")
        text = CAUSES[cause]
        yield text and text.format(detail=detail).rstrip()
