"""JSON Schema (2020-12) of the record kinds, made from the Structs that read and write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from bactools import PROTOCOL
from bactools.core.records import KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema(kinds: Sequence[str]) -> bytes:
    """One schema that admits any of ``kinds`` and ``error``, indented, with a newline at its end."""
    types = [KINDS[kind] for kind in dict.fromkeys((*kinds, "error"))]
    references, definitions = msgspec.json.schema_components(types, ref_template="#/$defs/{name}")
    for definition in definitions.values():
        # Python 3.13 keeps docstrings without their indentation, earlier versions with it.
        definition["description"] = " ".join(definition["description"].split())
    for record in types:
        definitions[record.__name__]["properties"]["v"] = {"const": PROTOCOL}
        definitions[record.__name__]["required"].insert(1, "v")
    document = {"$schema": DIALECT, "anyOf": list(references), "$defs": definitions}
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"
