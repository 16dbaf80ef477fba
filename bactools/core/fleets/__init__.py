"""Node lists of others as node records: Bacalhau, Kubernetes, Docker Swarm, Nomad and Slurm, told apart by shape.

What such a list says of a platform is offered as ``assumed``: nobody has run anything there to see. Where the list
says nothing, the record says nothing. Values in, lines out: who reads the file, and who parses YAML, is elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from bactools.core import lines, platforms
from bactools.core.errors import BacError
from bactools.core.fleets import documents, shape, stated
from bactools.core.records import Engine, Node, Offer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BY = "bac-match"
# What a JSON document, an HTML page or an XML document starts with; YAML that people have starts with none of these.
NOT_YAML = tuple("{[<")
HALF = bytes(documents.HALF)
BYTE_ORDER_MARK = documents.BYTE_ORDER_MARK


def node_lines(data: bytes, name: str, by: str = BY) -> Iterator[bytes]:
    """Each node of a JSON document, or of several one after another, as a node line; a record keeps its bytes.

    A node whose values cannot be is an ``error`` line in its place, written in the name of ``by``. HALF comes last
    where somebody is still writing a document after others.
    Raises BacError ``bad_line`` for what is not JSON, and ``bad_nodes`` for a document of another shape.
    """
    for document, where in documents.parted(data, name):
        if document is documents.HALF:
            yield HALF
        else:
            yield from shape.converted(document, where, shape.Reading(by))


def from_values(values: Sequence[object], name: str, by: str = BY) -> Iterator[bytes]:
    """As ``node_lines``, of documents that are parsed already, such as those of a YAML file."""
    for number, value in enumerate(values, 1):
        where = name if len(values) == 1 else f"document {number} of {name}"
        try:
            document = msgspec.Raw(lines.encode_value(value))
        except (ValueError, OverflowError, RecursionError) as error:
            raise BacError("bad_nodes", f"{where} holds a value that JSON cannot: {error}", input=name) from error
        written = isinstance(value, str)
        yield from shape.converted(document, where, shape.Reading(by, written=written))


def looks_like_yaml(data: bytes) -> bool:
    """Whether a document that is no node line is better read as YAML and given to ``from_values``."""
    start = data[:4096].removeprefix(BYTE_ORDER_MARK).decode("utf-8", "replace").lstrip()
    return bool(start) and not start.startswith(NOT_YAML)


def platform_line(text: str) -> bytes:
    """A host of which only its platform is known, as a node line: the operand ``platform:TEXT``.

    What it runs is what an engine for containers runs there: on a Mac linux, in a virtual machine.
    Raises BacError ``bad_platform``.
    """
    platform = platforms.parse(text)
    engine = Engine(platform.engine, [Offer(str(platform), "assumed")])
    if platform.engine == "docker":
        engine = stated.containers(stated.Host(platform.os, platform.architecture, platform))
    node = Node(
        id=f"platform:{platform}",
        name=f"platform:{platform}",
        engines=[engine],
    )
    if platform.engine == "docker":
        node.os, node.architecture = platform.os, platform.architecture
    return lines.encode(node)
