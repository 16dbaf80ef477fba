"""Tell which platforms images and WebAssembly modules offer, and what jobs need of a node."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bactools.cli.boundary import entry
from bactools.cli.inputs import operands, required_lines
from bactools.cli.options import common
from bactools.cli.tool import Tool
from bactools.core.errors import BacError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bactools.cli.stream import Output
    from bactools.core.lines import Line
    from bactools.flows.inspect import Registries

FOUND = ("platforms", "features", "imports", "memory_min")
"""The fields of ``requires`` that are facts of the artifact."""


@click.command(
    "bac-inspect",
    cls=Tool,
    examples=(
        "bac-inspect busybox docker-daemon:busybox",
        "bac-inspect hello.wat | jq .imports",
        "bac-job docker busybox -- true | bac-inspect | bac-match nodes.jsonl",
    ),
)
@click.argument("references", nargs=-1, metavar="[REF...]")
@common("bac-inspect", ("image", "module", "job"))
def command(output: Output, references: tuple[str, ...]) -> int:
    """Tell which platforms images and WebAssembly modules offer, and what jobs need of a node.

    REF is an image in a registry, docker-daemon:IMAGE in the local Docker engine, or a .wasm or .wat file; @FILE
    holds one REF a line. Without REF (or for the REF -), job lines on standard input are completed with what
    they require, and all other lines are passed on.
    """
    if references.count("-") + references.count("@-") > 1:
        raise click.UsageError("Standard input can be read only once.")
    incoming = required_lines("record") if not references or "-" in references else iter(())

    from bactools.flows.inspect import registries

    with registries() as places:
        for word in operands(references or ("-",)):
            if word == "-":
                extend_jobs(output, incoming, places)
            else:
                inspect_one(output, word, places)
    return output.finish()


def inspect_one(output: Output, word: str, places: Registries) -> None:
    """Write the record of one operand, or of its failure."""
    from bactools.flows.inspect import inspect

    output.progress(f"inspecting {word}")
    try:
        output.emit(inspect(word, places))
    except BacError as error:
        output.fail(error, word)


def extend_jobs(output: Output, incoming: Iterable[Line], places: Registries) -> None:
    """Complete the jobs on standard input and pass everything else on."""
    for line in incoming:
        if line.kind == "job":
            extend_one(output, line, places)
        else:
            output.emit_bytes(line.raw, line.kind)


def extend_one(output: Output, line: Line, places: Registries) -> None:
    """Write a job with what it requires, or the record of its failure."""
    from bactools.core import lines
    from bactools.core.records import Image, Job
    from bactools.flows.inspect import resolve

    output.progress(f"inspecting {line.where}")
    try:
        changes = resolve(lines.decode(line, Job), places)
    except BacError as error:
        output.fail(error, line.where)
        return
    artifact = changes["artifact"]
    if isinstance(artifact, Image) and artifact.source == "daemon":
        output.note(f"{artifact.reference}: not to be had from its registry; this is the local engine's copy")
    output.emit_bytes(lines.extend(line, {**changes, "requires": merged(line, changes["requires"])}), line.kind)


def merged(line: Line, requires: object) -> Mapping[str, object]:
    """The job's own ``requires`` with what was found beside it: fields that we do not know stay as they were."""
    import msgspec

    from bactools.core.lines import encode_value

    raw = dict[str, msgspec.Raw]
    found = msgspec.json.decode(encode_value(requires), type=raw)
    given = msgspec.json.decode(line.raw, type=raw).get("requires")
    if given is None:
        return found
    return {**msgspec.json.decode(given, type=raw), **{name: found[name] for name in FOUND if name in found}}


main = entry(command)
