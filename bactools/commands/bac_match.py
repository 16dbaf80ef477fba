"""Tell which nodes can run a job, best first, or why none can."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bactools.cli.boundary import entry
from bactools.cli.inputs import required_lines
from bactools.cli.options import common
from bactools.cli.tool import Tool
from bactools.core.errors import BacError, Status

if TYPE_CHECKING:
    from bactools.cli.stream import Output
    from bactools.core.lines import Line
    from bactools.edges.fleet_files import Fleet

SUBJECTS = ("job", "image", "module")


@click.command(
    "bac-match",
    cls=Tool,
    examples=(
        "bac-inspect busybox | bac-match nodes.jsonl",
        "bac-inspect busybox | bac-match platform:linux/arm/v7",
        "bac-job docker busybox -- true | bac-inspect | bac-match --explain <(bac-probe)",
    ),
)
@click.argument("nodes", nargs=-1, required=True, metavar="NODES...")
@click.option("--explain", is_flag=True, help="Also print the nodes that do not fit, each with every reason.")
@common("bac-match", ("match",))
def command(output: Output, nodes: tuple[str, ...], explain: bool) -> int:
    """Tell which nodes can run a job, best first, or why none can.

    Reads job, image or module lines from standard input. NODES are files of node lines, JSON arrays of nodes,
    what `bacalhau node list --output json` prints, or platform:OS/ARCHITECTURE[/VARIANT] for a host of
    which nothing else is known.
    """
    if "-" in nodes:
        raise click.UsageError("Standard input holds the jobs; give the nodes as a file or as <(bac-probe).")
    incoming = required_lines("job, image or module")

    from bactools.edges.fleet_files import Fleet

    status = Status.OK
    subjects = 0
    with Fleet(nodes) as fleet:
        for line in incoming:
            if line.kind in SUBJECTS:
                status = max(status, match_one(output, line, fleet, explain=explain))
            else:
                output.emit_bytes(line.raw, line.kind)
            subjects += line.kind in SUBJECTS or line.kind == "error"
        for raw in fleet.errors():
            output.emit_bytes(raw, "error")
        for error in fleet.failures():
            output.fail(error)
    if not subjects:
        # Status 0 would say that some node fits.
        raise BacError("empty_input", "standard input held no job, image or module")
    return output.finish(status)


def match_one(output: Output, line: Line, fleet: Fleet, *, explain: bool) -> Status:
    """Match one job and say on standard error when nothing fits."""
    from bactools.core import lines, needs
    from bactools.core.records import Image, Job, Module
    from bactools.flows.match import records, survey

    kinds: dict[str, type[Job | Image | Module]] = {"job": Job, "image": Image, "module": Module}
    try:
        subject = lines.decode(line, kinds[line.kind])
        need = needs.need(subject)
    except BacError as error:
        output.fail(error, line.where)
        return Status.OK
    found = survey(need, fleet, keep_misfits=explain)
    for record in records(line.raw, need, fleet, found):
        output.emit(record)
    if found.fits:
        return Status.OK
    output.answered()
    name = subject.name or subject.id if isinstance(subject, Job) else subject.reference
    output.note(f"{name}: {found.tally.sentence()}")
    return Status.NO


main = entry(command)
