"""Tell which platforms images and WebAssembly modules offer, and what jobs need of a node."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from bactools.cli import progress
from bactools.cli.boundary import entry
from bactools.cli.cache_options import cache_options
from bactools.cli.inputs import operands, required_lines
from bactools.cli.options import common
from bactools.cli.registry_options import registry_options
from bactools.cli.tool import Tool
from bactools.core.errors import Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bactools.cli.stream import Output
    from bactools.core.access import Access
    from bactools.core.freshness import Rules
    from bactools.core.lines import Line
    from bactools.flows.answers import Answer


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
@click.option(
    "-j", "--parallel", type=click.IntRange(1, 256), default=8, metavar="N", help="Inspect N at once. Default: 8."
)
@click.option(
    "--verify", is_flag=True, help="Look into the layers whether each platform's program is what the label says."
)
@cache_options
@registry_options
@common("bac-inspect", ("image", "module", "job"))
def command(
    output: Output, references: tuple[str, ...], *, parallel: int, verify: bool, rules: Rules, access: Access
) -> int:
    """Tell which platforms images and WebAssembly modules offer, and what jobs need of a node.

    REF is an image in a registry; docker-daemon:IMAGE in the local engine; oci:DIR[:NAME], oci-archive:FILE[:NAME]
    or docker-archive:FILE[:NAME]; a .wasm, .wat or .cwasm file, or its https URL; or a job spec, .yaml, .yml or .json.
    An image that holds WebAssembly becomes a module. @FILE holds one REF a line. Without REF (or for the REF -),
    job lines on standard input are completed with what they require, and all other lines are passed on.
    """
    if references.count("-") + references.count("@-") > 1:
        raise click.UsageError("Standard input can be read only once.")
    incoming = required_lines("record") if not references or "-" in references else iter(())

    from bactools.flows.answers import answers, is_work
    from bactools.flows.many import ordered
    from bactools.flows.registries import registries

    words = list(operands(references or ("-",)))
    total = None if "-" in words else len(words)
    width = 1 if total in (0, 1) else parallel
    is_no = False
    output.progress(progress.line(0, total))
    with registries(rules, access) as places:
        look = partial(answers, places=places, verify=verify)
        for done, found in enumerate(ordered(asked(words, incoming), look, width, is_work), 1):
            for answer in found:
                show(output, answer)
                is_no = is_no or answer.is_no
            output.progress(progress.line(done, total))
        if places.fault:
            output.detail(places.fault.message)
        for host, quota in places.quotas().items():
            output.detail(f"{host}: {quota}")
    return output.finish(Status.NO if is_no else Status.OK)


def asked(words: list[str], incoming: Iterable[Line]) -> Iterator[str | Line]:
    """Every operand, and the lines of standard input where they belong among them."""
    for word in words:
        if word == "-":
            yield from incoming
        else:
            yield word


def show(output: Output, answer: Answer) -> None:
    """Write what was found."""
    for note in answer.notes:
        output.note(note)
    if answer.error:
        output.fail(answer.error, answer.where)
    else:
        output.emit_bytes(answer.raw, answer.kind)


main = entry(command)
