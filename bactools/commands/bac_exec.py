"""Run jobs on this host and keep their results."""

from __future__ import annotations

import math
import os
from contextlib import contextmanager
from functools import partial
from typing import IO, TYPE_CHECKING, NamedTuple, cast

import click

from bactools.cli.boundary import entry
from bactools.cli.inputs import Peeked, record_lines, required_lines, standard_input
from bactools.cli.options import common
from bactools.cli.stream import say
from bactools.cli.tool import Tool
from bactools.core.errors import BacError, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from bactools.cli.stream import Output
    from bactools.core.lines import Line
    from bactools.edges.results import Stream
    from bactools.flows.admission import Candidate, Host
    from bactools.flows.run import Outcome

    Readings = Iterable[tuple[str, Callable[[], Candidate | None]]]

NAME = "bac-exec"

# As docker run and timeout(1) have it; everything else is the job's own status.
TIMED_OUT = 124
OWN_FAILURE = 125
CANNOT_RUN = 126


def finite(_context: click.Context, _parameter: click.Parameter, value: float | None) -> float | None:
    """Refuse a number of seconds that is none: ``inf`` and ``nan`` are floats too."""
    if value is not None and not math.isfinite(value):
        raise click.BadParameter(f"{value} is not a number of seconds.")
    return value


@click.command(
    NAME,
    cls=Tool,
    examples=(
        "bac-exec job.yaml",
        "bac-job docker busybox -- uname -m | bac-exec --results /tmp",
        "bac-job wasm hello.wat | bac-inspect | bac-match <(bac-probe) | bac-exec --follow",
        "bac-job docker busybox -- uname -m | bac-exec --passthrough",
    ),
)
@click.argument("job", required=False, metavar="[JOB]")
@click.option("--results", metavar="DIR", default=".", help="Where each run gets a folder of its own. Default: here.")
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    callback=finite,
    metavar="SECONDS",
    help="Instead of the job's own.",
)
@click.option("-f", "--follow", is_flag=True, help="Show on standard error what the job prints, as it prints it.")
@click.option("--passthrough", is_flag=True, help="One job, as docker run: its output and status, and no records.")
@common(NAME, ("result",))
def command(
    output: Output, *, job: str | None, results: str, timeout: float | None, follow: bool, passthrough: bool
) -> int:
    """Run jobs on this host and keep their results.

    JOB is a file (- is standard input) with a Bacalhau job spec, YAML or JSON, or with lines. Without it, lines are
    read from standard input: jobs and matches, and images and modules, which run as they are. A match for another
    host is refused; other lines are passed on.
    With --passthrough the status is the job's, 124 after a timeout, 125 where bac-exec fails, 126 where this host
    cannot run the job's platform.
    """
    shown: dict[Stream, int] = {"stdout": 2, "stderr": 2} if follow else {}
    try:
        incoming = readings(job, refuse_error if passthrough else partial(pass_on, output))
        with hosted(output, results, timeout, {"stdout": 1, "stderr": 2} if passthrough else shown) as runner:
            found = candidates(incoming, output, strict=passthrough)
            return pass_through(runner, found) if passthrough else run_all(runner, found)
    except BacError as error:
        if not passthrough:
            raise
        say(f"{NAME}: {error.line()}")
        return CANNOT_RUN if error.code == "wrong_platform" else OWN_FAILURE


@contextmanager
def hosted(output: Output, results: str, timeout: float | None, live: Mapping[Stream, int]) -> Iterator[Runner]:
    """What runs jobs on this host."""
    from bactools.flows.admission import Host
    from bactools.flows.probe import settings

    with Host(settings()) as host:
        yield Runner(output, host, results, timeout, live)


class Runner(NamedTuple):
    """How every job of this process is run."""

    output: Output
    host: Host
    results: str
    timeout: float | None
    live: Mapping[Stream, int]

    def run(self, candidate: Candidate) -> Outcome:
        """Run one job. Raises BacError when its program never ran."""
        from pathlib import Path

        from bactools.flows.run import Order, run

        self.output.progress(f"preparing job {candidate.job.id}")
        admitted = self.host.admit(candidate)
        self.output.progress(None)
        order = Order(*admitted, Path(self.results), self.timeout, self.live, self.output.progress)
        return run(order, os.environ)


def run_all(runner: Runner, found: Iterator[Candidate]) -> int:
    """Run jobs one after another and write a record for each."""
    output = runner.output
    status = Status.OK
    for candidate in found:
        try:
            outcome = runner.run(candidate)
        except BacError as error:
            output.fail(error, candidate.where)
            continue
        output.emit(outcome.record)
        if outcome.interruption is not None:
            output.finish()
            raise outcome.interruption
        if outcome.record.status != "completed":
            status = Status.NO
    return output.finish(status)


def pass_through(runner: Runner, found: Iterator[Candidate]) -> int:
    """Run the one job that there is; its output is ours. Raises BacError as ``Runner.run``."""
    jobs = list(found)
    if len(jobs) != 1:
        code = "unsupported" if jobs else "empty_input"
        raise BacError(code, f"--passthrough runs one job, not {len(jobs)}", hint="Without it, all are run.")
    outcome = runner.run(jobs[0])
    if outcome.interruption is not None:
        raise outcome.interruption
    record = outcome.record
    runner.output.detail(f"the results are in {record.results}")
    if record.status in ("timeout", "oom"):
        runner.output.note(f"{record.status}: {record.message}")
    if record.status == "timeout":
        return TIMED_OUT
    return OWN_FAILURE if record.exit_code is None else own_status(record.exit_code)


def own_status(exit_code: int) -> int:
    """A job's exit code in the eight bits of ours; a module's has more, and one that is not 0 stays so."""
    return exit_code and (exit_code & 0xFF or 1)


def readings(job: str | None, other: Callable[[Line], None]) -> Readings:
    """Where the jobs stand, and the calls that read them: from lines, or from a spec file.

    A line that holds nothing to run is given to ``other``. Raises BacError ``empty_input``, or as the input fails.
    """
    if job is None:
        return of_lines(required_lines("job"), other)
    from bactools.edges import documents
    from bactools.flows import admission

    name = "standard input" if job == "-" else job
    stream = Peeked(standard_input() if job == "-" else opened(job), name)
    if stream.holds_records():
        return of_lines(record_lines(cast("IO[bytes]", stream), name), other)
    found = documents.load(stream.rest(documents.LIMIT), name)
    if not found:
        raise BacError("empty_input", f"{name} held no job", hint="Write a Bacalhau job spec into it.", input=name)
    return admission.from_documents(found, name)


def opened(path: str) -> IO[bytes]:
    """A file as a stream that the end of the command closes. Raises BacError ``unreadable_file``."""
    from bactools.edges import documents

    return click.get_current_context().with_resource(documents.opened(path))


def of_lines(found: Iterator[Line], other: Callable[[Line], None]) -> Readings:
    """What is in lines, each read when its turn comes."""
    from bactools.flows import admission

    return ((line.where, partial(admission.from_line, line, other)) for line in found)


def candidates(incoming: Readings, output: Output, *, strict: bool) -> Iterator[Candidate]:
    """The jobs to run. One that is not valid becomes an error record, and where the run is ``strict`` is raised."""
    for where, reading in incoming:
        try:
            found = reading()
        except BacError as error:
            if strict:
                raise
            output.fail(error, where)
        else:
            if found is not None:
                yield found


def pass_on(output: Output, line: Line) -> None:
    """Write a line that holds nothing to run as it came."""
    output.emit_bytes(line.raw, line.kind)


def refuse_error(line: Line) -> None:
    """Say what has failed before us; other lines have nothing to do with the one job."""
    if line.kind == "error":
        from bactools.core import lines
        from bactools.core.records import Error

        failed = lines.decode(line, Error)
        raise BacError("empty_input", f"{failed.by or 'the command before'} failed: {failed.message}", hint=failed.hint)


main = entry(command)
