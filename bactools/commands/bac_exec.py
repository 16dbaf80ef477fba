"""Run jobs on this host and keep their results."""

from __future__ import annotations

import os
import sys
from contextlib import closing, contextmanager
from functools import partial
from itertools import islice
from typing import IO, TYPE_CHECKING, cast

import click

from bactools.cli.boundary import entry, stop
from bactools.cli.exec_options import Options, options
from bactools.cli.inputs import STDIN, Peeked, record_lines, standard_input
from bactools.cli.options import common
from bactools.cli.stopping import in_two_steps
from bactools.cli.stream import say
from bactools.cli.tool import Tool
from bactools.cli.waiting import Waiting
from bactools.core.errors import BacError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from bactools.cli.stream import Output
    from bactools.core.hostfile import Settings
    from bactools.core.lines import Line
    from bactools.core.running import Stream
    from bactools.flows.admission import Candidate
    from bactools.flows.engines import Engines
    from bactools.flows.execution import Setup
    from bactools.flows.running import Runner

    Readings = Iterable[tuple[str, Callable[[], Candidate | None]]]

NAME = "bac-exec"
STDERR = 2
OF_WASM = b'"Type":"wasm"'
"""What the line of a job for WebAssembly holds, and other lines hardly; a wrong guess costs only time."""

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
        "bac-exec --dry-run job.yaml",
        "bac-exec --jobs 4 jobs.jsonl",
        "bac-job docker busybox -- uname -m | bac-exec --passthrough",
    ),
)
@click.argument("job", required=False, metavar="[JOB]")
@common(NAME, ("result", "job"))
@options
def command(output: Output, wanted: Options, *, job: str | None) -> int:
    """Run jobs on this host and keep their results.

    JOB is a file (- is standard input) with a Bacalhau job spec, YAML or JSON, or with lines. Without it, lines are
    read from standard input: jobs and matches, and images and modules, which run as they are. A match for another
    host is refused; other lines are passed on.
    With --passthrough the status is the job's, 124 after a timeout, 125 where bac-exec fails, 126 where this host
    cannot run the job's platform.
    """
    from bactools.flows.engines import Engines

    in_two_steps()
    try:
        stream = waiting(job)
        incoming = Peeked(cast("IO[bytes]", stream), named(job))
        if job is None and incoming.is_empty():
            raise BacError("empty_input", "standard input held no job", hint="Is the command before it well?")
        with closing(Engines()) as engines:
            if incoming.mentions(OF_WASM) and wanted.jobs == 1 and not wanted.dry_run:
                engines.wasm().prepare()  # meanwhile, what is imported below is loaded here
            with hosted(output, wanted, engines) as runner:
                if runner.executions:
                    stream.wait = runner.executions.attend
                other = refuse_error if wanted.passthrough else partial(pass_on, output, runner)
                found = readings(job, incoming, other)
                return carried_out(output, runner, candidates(found, output, runner, strict=wanted.passthrough), wanted)
    except BacError as error:
        if not wanted.passthrough:
            raise
        say(f"{NAME}: {error.line()}")
        return CANNOT_RUN if error.code == "wrong_platform" else OWN_FAILURE


def carried_out(output: Output, runner: Runner, found: Iterator[Candidate], wanted: Options) -> int:
    """Do with the jobs what the options ask for."""
    if wanted.dry_run:
        return tell_all(output, runner, found)
    if wanted.passthrough:
        return pass_through(output, runner, found)
    from bactools.flows.running import run_all

    return run_all(runner, found)


@contextmanager
def hosted(output: Output, wanted: Options, engines: Engines) -> Iterator[Runner]:
    """What runs jobs on this host; what still runs at the end of the block is stopped."""
    from bactools.flows.admission import Host
    from bactools.flows.probe import settings
    from bactools.flows.running import Runner

    found = settings()
    setup = set_up(output, wanted, found, engines)
    with Host(found) as host:
        if wanted.jobs == 1:
            yield Runner(output, host, setup, None)
            return
        from bactools.flows import orders
        from bactools.flows.executions import Executions

        executions = Executions(setup, orders.room(wanted.jobs), stop)
        try:
            yield Runner(output, host, setup, executions)
        finally:
            executions.close()


def set_up(output: Output, wanted: Options, found: Settings, engines: Engines) -> Setup:
    """How every job of this process is run."""
    from pathlib import Path

    from bactools.flows import inputs
    from bactools.flows.execution import Setup
    from bactools.flows.publish import Publishers

    sources = inputs.sources(os.environ, found)
    return Setup(
        parent=Path(wanted.results),
        timeout=wanted.timeout,
        live=shown(wanted),
        labelled=wanted.prefix,
        environment=os.environ,
        limits=found.limits,
        sources=sources,
        publishers=Publishers(sources.api, Path(wanted.publish) if wanted.publish else None),
        progress=output.progress,
        engines=engines,
        capabilities=wanted.cap_add,
        privileges=wanted.allow_new_privileges,
        pids=wanted.pids_limit,
    )


def shown(wanted: Options) -> Mapping[Stream, int]:
    """Where the streams of jobs are shown while they run."""
    if wanted.passthrough:
        return {"stdout": 1, "stderr": 2}
    quiet = click.get_current_context().params["quiet"]
    watched = wanted.jobs == 1 and not quiet and sys.stderr is not None and os.isatty(STDERR)
    return {"stdout": STDERR, "stderr": STDERR} if wanted.follow or (wanted.follow is None and watched) else {}


def tell_all(output: Output, runner: Runner, found: Iterator[Candidate]) -> int:
    """Say of each job what would be run."""
    from bactools.flows.dry_run import told

    for candidate in found:
        try:
            answer = told(runner.orders(candidate), runner.setup)
        except BacError as error:
            output.fail(error, candidate.where)
            continue
        output.emit_bytes(answer.record, "job")
        if not click.get_current_context().params["quiet"]:
            for line in answer.lines:
                say(line)
    return output.finish()


def pass_through(output: Output, runner: Runner, found: Iterator[Candidate]) -> int:
    """Run the one execution that there is; its output is ours. Raises BacError as ``run``."""
    from bactools.flows.run import run
    from bactools.flows.running import clear

    jobs = list(islice(found, 2))
    if len(jobs) != 1:
        code, many = ("unsupported", "more") if jobs else ("empty_input", "none")
        raise BacError(code, f"--passthrough runs one job, not {many}", hint="Without it, all are run.")
    order = next(runner.orders(jobs[0]))
    if order.partitions > 1:
        message = f"--passthrough runs a job once, not {order.partitions} times"
        raise BacError("unsupported", message, hint="Without it, all are run.")
    clear(order, runner.setup, output)
    outcome = run(order, runner.setup)
    if outcome.interruption is not None:
        raise outcome.interruption
    record = outcome.record
    output.detail(f"the results are in {record.results}")
    if outcome.unpublished is not None:
        say(f"{NAME}: {outcome.unpublished.line()}")
    if record.status == "failed" and record.exit_code is None:
        say(f"{NAME}: {record.message}")  # or nothing would tell our own status from the job's
    if record.status in ("timeout", "oom"):
        output.note(f"{record.status}: {record.message}")
    if record.status == "timeout":
        return TIMED_OUT
    return OWN_FAILURE if record.exit_code is None else own_status(record.exit_code)


def own_status(exit_code: int) -> int:
    """A job's exit code in the eight bits of ours; a module's has more, and one that is not 0 stays so."""
    return exit_code and (exit_code & 0xFF or 1)


def waiting(job: str | None) -> Waiting:
    """What holds the jobs, as a stream. Raises BacError ``unreadable_file`` or a usage error."""
    if job in {None, "-"}:
        standard_input()
        return Waiting(STDIN)
    from bactools.edges import documents

    return Waiting(click.get_current_context().with_resource(documents.opened(job)).fileno())


def named(job: str | None) -> str:
    """What messages call it."""
    return "standard input" if job in {None, "-"} else job


def readings(job: str | None, stream: Peeked, other: Callable[[Line], None]) -> Readings:
    """Where the jobs stand, and the calls that read them: from lines, or from a spec file.

    A line that holds nothing to run is given to ``other``. Raises BacError ``empty_input``, or as the input fails.
    """
    from bactools.flows import admission

    name = named(job)
    if job is None or stream.holds_records():
        lines = record_lines(cast("IO[bytes]", stream), name)
        return ((line.where, partial(admission.from_line, line, other)) for line in lines)
    from bactools.edges import documents

    found = documents.load(stream.rest(documents.LIMIT), name)
    if not found:
        raise BacError("empty_input", f"{name} held no job", hint="Write a Bacalhau job spec into it.", input=name)
    return admission.from_documents(found, name)


def candidates(incoming: Readings, output: Output, runner: Runner, *, strict: bool) -> Iterator[Candidate]:
    """The jobs to run. One that is not valid becomes an error record, and where the run is ``strict`` is raised."""
    for where, reading in incoming:
        try:
            found = reading()
        except BacError as error:
            if strict:
                raise
            runner.in_turn(partial(output.fail, error, where))
        else:
            if found is not None:
                yield found


def pass_on(output: Output, runner: Runner, line: Line) -> None:
    """Write a line that holds nothing to run as it came, in its turn."""
    runner.in_turn(partial(output.emit_bytes, line.raw, line.kind))


def refuse_error(line: Line) -> None:
    """Say what has failed before us; other lines have nothing to do with the one job."""
    if line.kind == "error":
        from bactools.core import lines
        from bactools.core.records import Error

        failed = lines.decode(line, Error)
        raise BacError("empty_input", f"{failed.by or 'the command before'} failed: {failed.message}", hint=failed.hint)


main = entry(command)
