"""Records in other forms than lines: as a table for people, nodes as labels for schedulers.

A table has the same records in the same order, in fewer words. A column is a heading and the way from a record to a
short text. Consecutive records of one kind share a table; a kind that has no columns here is shown by its kind and
its first fields.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Fields = dict[str, Any]
Column = tuple[str, "Callable[[Fields], object]"]

GIB = 1024**3


def table(lines: Iterable[bytes]) -> str:
    """Draw records, given as JSON lines, as one text that ends in a newline (empty when there are none)."""
    from tabulate import tabulate

    blocks = []
    for headings, group in groupby(map(drawn, lines), key=lambda row: row[0]):
        blocks.append(tabulate([cells for _, cells in group], headings, tablefmt="plain", disable_numparse=True))
    return "\n\n".join(blocks) + "\n" if blocks else ""


def labels(lines: Iterable[bytes]) -> str:
    """The labels of nodes, given as JSON lines, as ``key=value`` lines."""
    import msgspec

    from bactools.core import node_labels
    from bactools.core.records import Node

    return "".join(node_labels.text(msgspec.json.decode(line, type=Node)) for line in lines)


def drawn(line: bytes) -> tuple[list[str], list[str]]:
    """The headings and the cells of a record; one that is not shaped as its kind is drawn by its first fields."""
    import msgspec

    try:
        record = msgspec.json.decode(line)
        columns = COLUMNS.get(record["kind"], OTHER)
        cells = [text(cell(record)) for _, cell in columns]
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError, ValueError):
        fields = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
        columns = OTHER
        cells = [text(cell({name: bytes(value).decode() for name, value in fields.items()})) for _, cell in columns]
    return [heading for heading, _ in columns], cells


def text(value: object) -> str:
    """A cell: nothing for what was not looked at, a question mark for what could not be told."""
    if value is None:
        return ""
    printable = str(value)
    return "".join(letter if letter.isprintable() else "?" for letter in printable)


def field(name: str) -> Callable[[Fields], object]:
    """The way to a top-level field."""
    return lambda record: record.get(name)


def size(count: object) -> str | None:
    """Bytes in GiB, as people compare hosts."""
    return f"{count / GIB:.1f} GiB" if isinstance(count, int | float) else None


def offers(record: Fields) -> str:
    """The platforms of a node by engine, with how each is run when it is not natively."""
    parts = []
    for engine in record.get("engines") or []:
        names = [offer["platform"] + how(offer.get("how")) for offer in engine.get("platforms") or []]
        parts.append(f"{engine['engine']}: {', '.join(names) or 'none'}")
    return "; ".join(parts)


def how(value: str | None) -> str:
    """A mark for a platform that is not run natively."""
    return "" if value in (None, "native") else f" ({value})"


def platforms(record: Fields) -> str:
    """The platforms of an image or a module, and what was found where their labels were verified."""
    return ", ".join(entry["platform"] + verdict(entry) for entry in record.get("platforms") or [])


def verdict(entry: Fields) -> str:
    """A mark for a platform whose label was held against its program."""
    found = entry.get("verified")
    if "verified" not in entry:
        return ""
    if found is None:
        return " (cannot tell)"
    return " (verified)" if found["agrees"] else f" (is {found['platform']})"


def short(digest: object) -> str | None:
    """A digest as docker shows it: the first twelve digits."""
    return digest.partition(":")[2][:12] if isinstance(digest, str) else None


def named(record: Fields) -> object:
    """What a person calls a job, a node, an image or a module."""
    return record.get("name") or record.get("reference") or record.get("id")


def wanted(record: Fields) -> str:
    """The platforms that a job can run on and accepts."""
    requires = record.get("requires") or {}
    return ", ".join(requires.get("declared") or requires.get("platforms") or []) or "?"


def reasons(record: Fields) -> str:
    """Why a node does not fit."""
    return "; ".join(reason["message"] for reason in record.get("reasons") or [])


def last_line(record: Fields) -> object:
    """The message of a run, or the last thing it printed."""
    printed = ((record.get("stdout") or {}).get("tail") or "").strip().split("\n")
    return record.get("message") or printed[-1][:60]


COLUMNS: dict[str, tuple[Column, ...]] = {
    "node": (
        ("NODE", named),
        ("PLATFORMS", offers),
        ("CPU", lambda record: (record.get("resources") or {}).get("cpu")),
        ("MEMORY", lambda record: size((record.get("resources") or {}).get("memory"))),
        ("WARNINGS", lambda record: "; ".join(record.get("warnings") or [])),
    ),
    "image": (
        ("IMAGE", field("reference")),
        ("DIGEST", lambda record: short(record.get("digest"))),
        ("SOURCE", field("source")),
        ("PLATFORMS", platforms),
    ),
    "module": (
        ("MODULE", field("reference")),
        ("DIGEST", lambda record: short(record.get("digest"))),
        ("FORMAT", field("format")),
        ("PLATFORMS", platforms),
        ("FEATURES", lambda record: ", ".join(record.get("features") or [])),
    ),
    "job": (
        ("JOB", lambda record: record["id"][:10]),
        ("NAME", field("name")),
        ("ENGINE", lambda record: (record.get("requires") or {}).get("engine")),
        ("PLATFORMS", wanted),
    ),
    "match": (
        ("FITS", lambda record: "yes" if record.get("ok") else "no"),
        ("JOB", lambda record: named(record["job"])),
        ("NODE", lambda record: named(record["node"])),
        ("PLATFORM", lambda record: (record.get("platform") or "") + how(record.get("how"))),
        ("REASONS", reasons),
    ),
    "result": (
        ("JOB", lambda record: record["job"][:10]),
        ("STATUS", field("status")),
        ("EXIT", field("exit_code")),
        ("PLATFORM", field("platform")),
        ("SECONDS", lambda record: f"{record['seconds']:.2f}" if "seconds" in record else None),
        ("RESULTS", field("results")),
        ("SAID", last_line),
    ),
    "error": (("ERROR", field("code")), ("INPUT", field("input")), ("MESSAGE", field("message"))),
}

FORMS: dict[str, Callable[[Iterable[bytes]], str]] = {"table": table, "labels": labels}

OTHER: tuple[Column, ...] = (
    ("KIND", lambda record: str(record.get("kind")).strip('"')),
    ("RECORD", lambda record: ", ".join(f"{key}={str(record[key])[:40]}" for key in list(record)[2:6])),
)
