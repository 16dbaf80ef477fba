"""Tell which nodes can run a job, best first, or why none can."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from bactools.cli.boundary import entry
from bactools.cli.inputs import Peeked, required_lines, standard_input
from bactools.cli.match_options import PROBE_SECONDS, choosing, deciding, probing
from bactools.cli.match_printer import Printer
from bactools.cli.options import common
from bactools.cli.tool import Tool
from bactools.core.errors import BacError, Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bactools.cli.match_options import Choosing, Probing
    from bactools.cli.stream import Output
    from bactools.core.lines import Line
    from bactools.core.routes import Terms
    from bactools.flows.match_session import Session
    from bactools.flows.match_wishes import Subject, Wishes

SUBJECTS = ("job", "image", "module")


@click.command(
    "bac-match",
    cls=Tool,
    examples=(
        "bac-inspect busybox | bac-match nodes.jsonl",
        "bac-inspect busybox | bac-match platform:linux/arm/v7 platform:linux/arm64",
        "bac-job docker busybox -- true | bac-inspect | bac-match --explain <(bac-probe)",
        "bac-match --probe --node node.jsonl < request.json",
    ),
)
@click.argument("nodes", nargs=-1, metavar="NODES...")
@choosing
@probing
@common("bac-match", ("match",))
def command(output: Output, nodes: tuple[str, ...], chosen: Choosing, asked: Probing) -> int:
    """Tell which nodes can run a job, best first, or why none can.

    Reads job, image or module lines from standard input. NODES are files of node lines, node lists of Bacalhau,
    Kubernetes, Docker Swarm, Nomad or Slurm as JSON or YAML, or platform:OS/ARCHITECTURE[/VARIANT] for a host of
    which nothing else is known.
    With --probe it answers a Bacalhau compute node: status 0 to bid, 1 to decline, with the reason on standard error.
    """
    if asked.probe:
        return answer_probe(output, nodes, chosen, asked)
    if not nodes or "-" in nodes:
        missing = "Missing argument 'NODES...'." if not nodes else "Standard input holds the jobs."
        raise click.UsageError(f"{missing} Give the nodes as a file or as <(bac-probe).")
    incoming = required_lines("job, image or module")

    from bactools.edges import documents
    from bactools.edges.fleet_files import Fleet
    from bactools.flows.match_session import Session

    printer = Printer(output, chosen.form)
    faults: list[BacError] = []
    status, subjects = Status.OK, 0
    with Fleet(nodes, documents.load, stream=chosen.stream) as fleet:
        session = Session(fleet, wishes(chosen), chosen.form, stream=chosen.stream)
        waiting: list[Line | Subject | BacError] = []
        for line in until_fault(incoming, faults):
            subjects += line.kind in SUBJECTS or line.kind == "error"
            waiting.append(taken(line, session))
            if session.is_full() or not session.is_waiting():
                status = max(status, answer(output, printer, session, waiting))
                waiting.clear()
        status = max(status, answer(output, printer, session, waiting))
        for met in session.met():
            if isinstance(met, bytes):
                printer.record(met, "error")
            else:
                printer.fail(met)
        for remark in session.remarks():
            output.note(remark)
    if faults:
        raise faults[0]
    if not subjects:
        # Status 0 would say that some node fits.
        raise BacError("empty_input", "standard input held no job, image or module")
    return printer.finish(status)


def answer_probe(output: Output, nodes: tuple[str, ...], chosen: Choosing, asked: Probing) -> int:
    """Bid for the job on standard input, or decline it; what is said goes through one more printf."""
    if nodes:
        raise click.UsageError("--probe decides for this host; --node names a file that describes it.")
    deciding(chosen)
    from datetime import datetime, timezone

    from bactools.cli.stream import say
    from bactools.core.bidding import printable
    from bactools.edges import alarm, documents
    from bactools.flows.bidding import answer

    hint = "--timeout gives it more time."
    try:
        with alarm.limited(asked.timeout or PROBE_SECONDS, "answering the probe", hint):
            data = Peeked(standard_input(), "standard input").rest(documents.LIMIT)
            found = answer(data, asked.node, datetime.now(tz=timezone.utc), terms(chosen))
    except BacError as error:
        say(f"bac-match: {printable(error.line())}")
        return {"bid": Status.OK, "decline": Status.NO, None: error.status}[asked.on_fault]
    if found.bids:
        return output.finish()
    say(f"bac-match: {found.reason}")  # -q does not silence it: it is the answer
    return Status.NO


def terms(chosen: Choosing) -> Terms:
    """The options about how a platform may run."""
    from bactools.core.routes import Terms

    emulated, compatible = not (chosen.no_emulated or chosen.native_only), not chosen.native_only
    return Terms(chosen.capacity, emulated, compatible)


def wishes(chosen: Choosing) -> Wishes:
    """The options as the flow takes them."""
    from bactools.flows.match_wishes import Wishes

    return Wishes(
        terms(chosen),
        limit=chosen.limit,
        by_count=chosen.by_count,
        per_platform=chosen.per_platform,
        explain=chosen.explain,
        oldest=None if chosen.max_age is None else time.time() - chosen.max_age,
    )


def until_fault(incoming: Iterator[Line], faults: list[BacError]) -> Iterator[Line]:
    """The lines before the first that cannot be read: what came before it is answered all the same."""
    try:
        yield from incoming
    except BacError as error:
        faults.append(error)


def taken(line: Line, session: Session) -> Line | Subject | BacError:
    """A subject, taken in; why it cannot be; or a line that is none."""
    if line.kind not in SUBJECTS:
        return line
    try:
        return session.add(line)
    except BacError as error:
        error.input = error.input or line.where
        return error


def answer(output: Output, printer: Printer, session: Session, waiting: Sequence[Line | Subject | BacError]) -> Status:
    """Print what is said of each subject, and in its place what came between; say what nothing fits."""
    from bactools.core.lines import Line

    status = Status.OK
    found = session.answers() if session.is_waiting() else iter(())
    for item in waiting:
        if isinstance(item, Line):
            printer.record(item.raw, item.kind)
        elif isinstance(item, BacError):
            printer.fail(item)
        else:
            printer.lines(next(found))
    for more in found:
        printer.lines(more)
    for subject in session.settled():
        output.answered()
        if not session.fits(subject):
            status = Status.NO
        for note in session.notes(subject):
            output.note(note)
    return status


main = entry(command)
