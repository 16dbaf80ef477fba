"""What decoding alone costs: node lines in blocks of 1 MiB through msgspec's decode_lines, and nothing done with them.

usage: python bare.py node|lean FILE      the whole record, or the six fields that decide, undecoded
"""

import gc
import sys
from pathlib import Path

import msgspec

from bactools.core.records import Node

BLOCK = 1 << 20
FIELDS = ("engines", "resources", "available", "limits", "schedulable")


def blocks(stream):
    """The stream in blocks that end with a line."""
    rest = b""
    while data := stream.read(BLOCK):
        end = data.rfind(b"\n") + 1
        yield rest + data[:end]
        rest = data[end:]
    if rest:
        yield rest


def lean():
    """A Struct of the fields that decide, each in its own bytes."""
    raw = [(name, msgspec.Raw, msgspec.Raw(b"")) for name in FIELDS]
    return msgspec.defstruct("Lean", [("kind", str), ("v", int), ("id", str), *raw], gc=False)


if __name__ == "__main__":
    gc.disable()
    decoder = msgspec.json.Decoder(lean() if sys.argv[1] == "lean" else Node)
    with Path(sys.argv[2]).open("rb", 0) as file:
        print(sum(len(decoder.decode_lines(block)) for block in blocks(file)))
