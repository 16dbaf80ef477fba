"""The options of bac-exec, as one value."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from bactools.core import loosening

if TYPE_CHECKING:
    from collections.abc import Callable

    from bactools.cli.stream import Output


class Options(NamedTuple):
    """What the command line says; ``follow`` is None where it does not, ``timeout`` in seconds."""

    results: str
    publish: str | None
    timeout: float | None
    jobs: int
    follow: bool | None
    prefix: bool
    passthrough: bool
    dry_run: bool
    cap_add: tuple[str, ...]
    allow_new_privileges: bool
    pids_limit: int | None


def finite(_context: click.Context, _parameter: click.Parameter, value: float | None) -> float | None:
    """Refuse a number of seconds that is none: ``inf`` and ``nan`` are floats too."""
    if value is not None and not math.isfinite(value):
        raise click.BadParameter(f"{value} is not a number of seconds.")
    return value


def capabilities(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Capabilities as engines write them, each one that there is."""
    found = tuple(map(loosening.capability, values))
    for value, name in zip(values, found, strict=True):
        if name not in loosening.CAPABILITIES:
            raise click.BadParameter(f"{value!r} is not a capability; capabilities(7) lists them.")
    return found


OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option("--results", metavar="DIR", default=".", help="Where each run gets a folder of its own."),
    click.option("--publish", metavar="DIR", help="Where the publisher local puts EXECUTION.tar.gz."),
    click.option(
        "--timeout",
        type=click.FloatRange(0, min_open=True),
        callback=finite,
        metavar="SECONDS",
        help="For all of a run, instead of the job's own limits.",
    ),
    click.option("-j", "--jobs", type=click.IntRange(1), default=1, metavar="N", help="Run so many at once."),
    click.option(
        "-f/ ",
        "--follow/--no-follow",
        default=None,
        help="Show on standard error what jobs print. Default: on a terminal, of one at a time.",
    ),
    click.option("--prefix", is_flag=True, help="Begin each line shown with the job and the stream."),
    click.option("--passthrough", is_flag=True, help="One job, as docker run: its output and status, and no records."),
    click.option("-n", "--dry-run", is_flag=True, help="Run nothing; tell what would be run, as a command line too."),
    click.option(
        "--cap-add", multiple=True, callback=capabilities, metavar="CAPABILITY", help="For containers, such as NET_RAW."
    ),
    click.option("--allow-new-privileges", is_flag=True, help="Let programs of containers gain some, as sudo does."),
    click.option(
        "--pids-limit",
        type=click.IntRange(1, loosening.MOST_PIDS),
        metavar="N",
        help="Processes of a container.",
    ),
)


def options(function: Callable[..., int]) -> Callable[..., int]:
    """Add the options; the function receives them as one Options, after the Output."""

    def wrapped(output: Output, **given: Any) -> int:
        wanted = Options(**{name: given.pop(name) for name in Options._fields})
        return function(output, wanted, **given)

    wrapped.__doc__ = function.__doc__
    wrapped.__click_params__ = getattr(function, "__click_params__", [])  # type: ignore[attr-defined]
    for option in reversed(OPTIONS):
        wrapped = option(wrapped)
    return wrapped
