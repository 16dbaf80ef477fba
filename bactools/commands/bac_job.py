"""Write jobs as lines: from flags as `docker run` takes them, or from Bacalhau job specs."""

from __future__ import annotations

import os
from typing import IO, TYPE_CHECKING, Any, cast

import click

from bactools.cli.boundary import entry
from bactools.cli.inputs import Peeked, record_lines, required_lines, standard_input
from bactools.cli.job_flags import flags, leading, usage
from bactools.cli.options import common
from bactools.cli.tool import Tool
from bactools.core.errors import BacError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bactools.cli.stream import Output
    from bactools.core.jobbuild import Flags
    from bactools.core.lines import Line

PROGRAM = {"allow_interspersed_args": False}
MORE = "Exit statuses and more: man bac-job"


@click.command("docker", context_settings=PROGRAM, epilog=MORE)
@click.argument("image")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[-- ARG...]")
@common("bac-job", ("job",))
@flags
@click.option("-w", "--workdir", help="Working directory of the program.")
@click.option("--entrypoint", metavar="PROGRAM[,ARG...]", help="Instead of the image's entrypoint.")
def docker(
    output: Output,
    wanted: Flags,
    *,
    image: str,
    arguments: tuple[str, ...],
    workdir: str | None,
    entrypoint: str | None,
) -> int:
    """Write a job that runs a container. What follows IMAGE goes to its program."""
    from bactools.core import jobbuild

    engine = jobbuild.docker_engine(image, program(arguments), workdir=workdir, entrypoint=entrypoint)
    return write(output, engine, [], wanted)


@click.command("wasm", context_settings=PROGRAM, epilog=MORE)
@click.argument("module", metavar="MODULE[:TARGET]")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[-- ARG...]")
@common("bac-job", ("job",))
@flags
@click.option("--entry-point", default="_start", show_default=True, help="The function to call.")
@click.option("-I", "--import-modules", multiple=True, metavar="MODULE[:TARGET]", help="A module that it imports.")
@click.option("--inline", is_flag=True, help="Put module files into the line, which can then travel (10 MiB each).")
def wasm(
    output: Output,
    wanted: Flags,
    *,
    module: str,
    arguments: tuple[str, ...],
    entry_point: str,
    import_modules: tuple[str, ...],
    inline: bool,
) -> int:
    """Write a job that runs a WebAssembly module.

    MODULE is a file (.wasm, .wat), or an http, https, s3 or ipfs address. What follows it goes to its program.
    """
    from bactools.core import jobbuild
    from bactools.flows import jobs

    with usage():
        modules = [jobs.module(text, inline=inline, cwd=here) for text in (module, *import_modules)]
        engine = jobbuild.wasm_engine(modules[0], modules[1:], program(arguments), entry_point=entry_point)
    return write(output, engine, modules, wanted)


FORMS = {"docker": docker, "wasm": wasm}


@click.command(
    "bac-job",
    cls=Tool,
    context_settings=PROGRAM,
    examples=(
        "bac-job docker --memory 64Mb busybox -- uname -m | bac-exec",
        "bac-job wasm examples/hello.wat -- world | bac-inspect",
        "bac-job --platform linux/arm64 job.yaml | bac-inspect | bac-match nodes.jsonl",
        "bac-exec first.yaml | bac-job second.yaml --input-from - | bac-exec",
    ),
)
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED, metavar="docker|wasm|FILE|- ...")
@common("bac-job", ("job",))
@click.option("--platform", multiple=True, help="A platform that the job accepts; repeatable.")
@click.option(
    "--input-from",
    metavar="FILE[:/TARGET]",
    help="Result lines (- is standard input): for each a job that finds those results at /TARGET, by default /inputs.",
)
def command(output: Output, words: tuple[str, ...], platform: tuple[str, ...], input_from: str | None) -> int:
    """Write jobs as lines: from flags as `docker run` takes them, or from Bacalhau job specs.

    FILE is a job spec in YAML or JSON, one or several documents, or job lines; - is standard input. A file named
    docker is ./docker. `bac-job docker --help` and `bac-job wasm --help` show the flags of those forms.
    """
    first, *rest = words
    if first in FORMS:
        if input_from is not None:
            raise click.UsageError("--input-from feeds the job of a FILE; write one with bac-job first.")
        return again(FORMS[first], f"bac-job {first}", rest)
    if rest and rest[0].startswith("-") and rest[0] != "-":
        return again(command, "bac-job", [*rest, first])
    if rest:
        raise click.UsageError(f"One FILE at a time: {rest[0]!r} is one too many. Did you mean docker or wasm?")
    if input_from is not None:
        return feed_all(output, first, platform, input_from)
    return rewrite(output, first, platform)


def again(form: click.Command, name: str, arguments: list[str]) -> int:
    """Read the rest of the command line as a form's own, after the options that stood before it."""
    with form.make_context(name, [*leading(click.get_current_context()), *arguments]) as context:
        status: int = form.invoke(context)
    return status


def program(arguments: tuple[str, ...]) -> tuple[str, ...]:
    """The program's arguments; the `--` before them is ours."""
    return arguments[1:] if arguments[:1] == ("--",) else arguments


def write(output: Output, engine: dict[str, Any], modules: list[dict[str, Any]], wanted: Flags) -> int:
    """Put the job together from its flags and write it."""
    from bactools.core import jobbuild, jobspec

    with usage():
        spec = jobspec.canonical(jobbuild.job(engine, modules, wanted, here), jobbuild.in_flags)
    output.emit(jobspec.job(spec))
    return output.finish()


def here() -> str:
    """The current folder. Raises BacError ``unreadable_file`` when it has been removed."""
    try:
        return os.getcwd()  # noqa: PTH109 (text is what the line holds)
    except OSError as error:
        hint = "Name files by their absolute paths."
        raise BacError("unreadable_file", f"cannot tell the current folder: {error.strerror}", hint=hint) from error


def rewrite(output: Output, operand: str, platforms: tuple[str, ...]) -> int:
    """Write every job of a file or of standard input."""
    if platforms:
        check(platforms)
    name = "standard input" if operand == "-" else operand
    stream = Peeked(standard_input() if operand == "-" else opened(operand), name)
    if stream.is_empty():
        raise no_job(name)
    if stream.holds_records():
        pass_on(output, record_lines(cast("IO[bytes]", stream), name), platforms)
    else:
        write_all(output, stream, name, platforms)
    return output.finish()


def feed_all(output: Output, operand: str, platforms: tuple[str, ...], source: str) -> int:
    """Write the job of a file once for each result line, with those results as an input; pass on other lines."""
    from bactools.core import pipeline
    from bactools.flows import jobs

    if platforms:
        check(platforms)
    feed = pipeline.feed(source)
    if operand == feed.path == "-":
        raise click.UsageError("Standard input can hold the job or the results, not both.")
    job = jobs.only(operand, platforms)
    for line in required_lines("result") if feed.path == "-" else record_lines(opened(feed.path), feed.path):
        if line.kind != "result":
            output.emit_bytes(line.raw, line.kind)
            continue
        try:
            output.emit(jobs.fed(job, line, feed.target))
        except BacError as error:
            output.fail(error, line.where)
    return output.finish()


def opened(path: str) -> IO[bytes]:
    """A file as a stream that the end of the command closes. Raises BacError ``unreadable_file``."""
    from bactools.edges import documents

    return click.get_current_context().with_resource(documents.opened(path))


def check(platforms: tuple[str, ...]) -> None:
    """Refuse a platform that is none as a mistake on the command line."""
    from bactools.core.jobfields import platform_list

    with usage():
        platform_list(platforms)


def no_job(name: str) -> BacError:
    """What to say of an empty input."""
    return BacError("empty_input", f"{name} held no job", hint="Write a Bacalhau job spec into it.", input=name)


def pass_on(output: Output, found: Iterable[Line], platforms: tuple[str, ...]) -> None:
    """Write job lines in canonical form, and other lines as they are."""
    from bactools.flows import jobs

    for line in found:
        if line.kind != "job":
            output.emit_bytes(line.raw, line.kind)
            continue
        try:
            output.emit_bytes(jobs.line(line, platforms), line.kind)
        except BacError as error:
            output.fail(error, line.where)


def write_all(output: Output, stream: Peeked, name: str, platforms: tuple[str, ...]) -> None:
    """Write the jobs of documents. Only one among several becomes an error record; one alone is the whole run."""
    from bactools.edges import documents
    from bactools.flows import jobs

    found = documents.load(stream.rest(documents.LIMIT), name)
    if not found:
        raise no_job(name)
    for number, document in enumerate(found, 1):
        where = name if len(found) == 1 else f"document {number} of {name}"
        try:
            output.emit(jobs.job(document, platforms))
        except BacError as error:
            error.message = f"{where}: {error.message}"
            if len(found) == 1:
                raise
            output.fail(error, where)


main = entry(command)
