"""Run jobs on this host and keep their results."""

from __future__ import annotations

import os
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import click

from bactools.cli.boundary import entry
from bactools.cli.inputs import required_lines
from bactools.cli.options import common
from bactools.cli.stream import say
from bactools.cli.tool import Tool
from bactools.core.errors import BacError, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from bactools.cli.stream import Output
    from bactools.core.lines import Line
    from bactools.edges.results import Stream
    from bactools.flows.admission import Candidate, Host
    from bactools.flows.run import Outcome

NAME = "bac-exec"

# As docker run and timeout(1) have it; everything else is the job's own status.
TIMED_OUT = 124
OWN_FAILURE = 125
CANNOT_RUN = 126


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
@click.option("--timeout", type=click.FloatRange(0, min_open=True), metavar="SECONDS", help="Instead of the job's own.")
@click.option("-f", "--follow", is_flag=True, help="Show on standard error what the job prints, as it prints it.")
@click.option("--passthrough", is_flag=True, help="One job, as docker run: its output and status, and no records.")
@common(NAME, ("result",))
def command(
    output: Output, *, job: str | None, results: str, timeout: float | None, follow: bool, passthrough: bool
) -> int:
    """Run jobs on this host and keep their results.

    JOB is a Bacalhau job spec (YAML or JSON). Without it, job and match lines are read from standard input, and
    image and module lines, which run as they are. A match for another host is refused; other lines are passed on.
    With --passthrough the status is the job's, 124 after a timeout, 125 where bac-exec fails, 126 where this host
    cannot run the job's platform.
    """
    shown: dict[Stream, int] = {"stdout": 2, "stderr": 2} if follow else {}
    try:
        incoming = required_lines("job") if job in (None, "-") else None
        with hosted(output, results, timeout, {"stdout": 1, "stderr": 2} if passthrough else shown) as runner:
            found = candidates(job, incoming, output, strict=passthrough)
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
        runner.output.note(f"the job was {record.message}")
    if record.status == "timeout":
        return TIMED_OUT
    return OWN_FAILURE if record.exit_code is None else record.exit_code


def candidates(
    job: str | None, incoming: Iterator[Line] | None, output: Output, *, strict: bool
) -> Iterator[Candidate]:
    """The jobs to run, from the lines or else from a spec file.

    A line that holds nothing to run is passed on and a job that is not valid becomes an error record; where the
    run is ``strict`` either is the whole failure. Raises BacError ``empty_input``, or as the input fails.
    """
    from bactools.flows import admission

    readings: Iterator[tuple[str, Callable[[], Candidate | None]]]
    if incoming is None:
        readings = admission.from_file(job or "")
    else:
        other = refuse_error if strict else partial(pass_on, output)
        readings = ((line.where, partial(admission.from_line, line, other)) for line in incoming)
    for where, reading in readings:
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
