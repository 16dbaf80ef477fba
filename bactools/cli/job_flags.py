"""The flags that describe a job, as `bacalhau docker run` and `bacalhau wasm run` name them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from bactools.core.errors import BacError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bactools.cli.stream import Output

FLAGS: tuple[Callable[[Any], Any], ...] = (
    click.option("--name", help="Name of the job."),
    click.option("--namespace", help="Namespace of the job."),
    click.option("--priority", type=int, help="Higher runs first in a node's queue."),
    click.option("--count", type=click.IntRange(0), help="On how many nodes it runs."),
    click.option("--target", type=click.Choice(["any", "all"]), default="any", help="all: on every node that fits."),
    click.option("-l", "--labels", multiple=True, metavar="KEY=VALUE", help="Label of the job."),
    click.option("--constraints", multiple=True, metavar="SELECTOR", help="On node labels: 'zone!=eu,gpu'."),
    click.option("--platform", multiple=True, help="A platform that the job accepts; repeatable."),
    click.option("-e", "--env", multiple=True, metavar="NAME[=VALUE]", help="Variable; NAME alone: the host's."),
    click.option("-i", "--input", multiple=True, metavar="SRC[:DST]", help="Input: file://DIR:/inputs,opt=rw=true."),
    click.option("-o", "--output", "outputs", multiple=True, metavar="NAME:/PATH", help="Folder kept as a result."),
    click.option("-p", "--publisher", help="local, ipfs, s3managed, noop or s3://BUCKET/KEY."),
    click.option("--cpu", help="Cores: 500m or 0.5."),
    click.option("--memory", help="Memory: 512Mb or 512MiB."),
    click.option("--disk", help="Disk: 10Gb."),
    click.option("--gpu", help="Count of GPUs."),
    click.option(
        "--network",
        type=click.Choice(["None", "Bridge", "Host", "HTTP"], case_sensitive=False),
        help="Default: the engine's; bac-exec gives none.",
    ),
    click.option("--domain", multiple=True, help="Host that network HTTP may reach; .HOST: those below it."),
    click.option("--timeout", type=click.IntRange(0), metavar="SECONDS", help="Stop the job after so long."),
    click.option("--queue-timeout", type=click.IntRange(0), metavar="SECONDS", help="Wait so long for a node."),
)
FLAG_ERRORS = ("bad_spec", "bad_platform")


def flags(function: Callable[..., int]) -> Callable[..., int]:
    """Add the flags; the function receives them as one Flags, after the Output."""

    def wrapped(output: Output, **options: Any) -> int:
        from dataclasses import fields

        from bactools.core.jobbuild import Flags

        wanted = Flags(**{field.name: options.pop(field.name) for field in fields(Flags)})
        return function(output, wanted, **options)

    wrapped.__doc__ = function.__doc__
    wrapped.__click_params__ = getattr(function, "__click_params__", [])  # type: ignore[attr-defined]
    for flag in reversed(FLAGS):
        wrapped = flag(wrapped)
    return wrapped


@contextmanager
def usage() -> Iterator[None]:
    """What is wrong with the text of a flag is wrong with the command line."""
    try:
        yield
    except BacError as error:
        if error.code not in FLAG_ERRORS:
            raise
        raise click.UsageError(" ".join(filter(None, (f"{error.message}.", error.hint)))) from error


def leading(context: click.Context) -> list[str]:
    """The options that a command was given, as words: those before `docker` count after it."""
    words: list[str] = []
    for option in context.command.params:
        name = option.name or ""
        given = context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
        if not given or not isinstance(option, click.Option):
            continue
        for value in context.params[name] if option.multiple else [context.params[name]]:
            words += [option.opts[-1]] if option.is_flag else [option.opts[-1], value]
    return words
