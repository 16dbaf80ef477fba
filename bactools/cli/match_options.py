"""The options that say which of the nodes that fit are printed, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import click

if TYPE_CHECKING:
    from collections.abc import Callable

FORMS = ("match", "node", "name")
PROBE_SECONDS = 60
LONGEST_PROBE = 24 * 60 * 60


class Choosing(NamedTuple):
    """The options by name; ``max_age`` in seconds."""

    explain: bool
    stream: bool
    limit: int | None
    by_count: bool
    per_platform: int | None
    form: Literal["match", "node", "name"]
    max_age: float | None
    no_emulated: bool
    native_only: bool
    capacity: bool


NOTHING_CHOSEN = Choosing(
    explain=False,
    stream=False,
    limit=None,
    by_count=False,
    per_platform=None,
    form="match",
    max_age=None,
    no_emulated=False,
    native_only=False,
    capacity=False,
)


class Probing(NamedTuple):
    """The options of a job-selection probe by name."""

    probe: bool
    node: str | None
    on_fault: Literal["bid", "decline"] | None
    timeout: int | None


def duration(_context: click.Context, _option: click.Parameter, text: str | None) -> float | None:
    """Seconds of a duration. Raises a usage error."""
    if text is None:
        return None
    from bactools.core.ages import seconds

    found = seconds(text)
    if found is None:
        raise click.BadParameter(f"{text!r} is no duration; write 90s, 15m, 2h or 7d.")
    return found


def choosing(function: Callable[..., int]) -> Callable[..., int]:
    """Add the options to a command, whose function receives ``chosen``, a Choosing, in their place."""

    def wrapped(*arguments: Any, **named: Any) -> int:
        chosen = Choosing(**{name: named.pop(name) for name in Choosing._fields})
        if chosen.by_count and chosen.limit is not None:
            raise click.UsageError("--count is the job's own limit, so it cannot be used with --limit.")
        if chosen.explain and chosen.form != "match":
            raise click.UsageError("--explain prints match lines, so it cannot be used with --output.")
        return function(*arguments, chosen=chosen, **named)

    wrapped.__doc__ = function.__doc__
    wrapped.__click_params__ = getattr(function, "__click_params__", [])  # type: ignore[attr-defined]
    for option in reversed(OPTIONS):
        wrapped = option(wrapped)
    return wrapped


def probing(function: Callable[..., int]) -> Callable[..., int]:
    """Add the options of a job-selection probe, which the function receives as ``asked``, a Probing."""

    def wrapped(*arguments: Any, **named: Any) -> int:
        asked = Probing(**{name: named.pop(name) for name in Probing._fields})
        if not asked.probe and asked != Probing(probe=False, node=None, on_fault=None, timeout=None):
            raise click.UsageError("--node, --on-fault and --timeout belong to --probe.")
        return function(*arguments, asked=asked, **named)

    wrapped.__doc__ = function.__doc__
    wrapped.__click_params__ = getattr(function, "__click_params__", [])  # type: ignore[attr-defined]
    for option in reversed(PROBE_OPTIONS):
        wrapped = option(wrapped)
    return wrapped


def deciding(chosen: Choosing) -> None:
    """Refuse the options about what is printed: a probe prints nothing. Raises a usage error."""
    given = chosen._replace(no_emulated=False, native_only=False)
    if given != NOTHING_CHOSEN:
        odd = next(name for name, one, other in zip(given._fields, given, NOTHING_CHOSEN, strict=True) if one != other)
        option = {"by_count": "count", "form": "output"}.get(odd, odd).replace("_", "-")
        raise click.UsageError(f"--{option} has no use with --probe, which says yes or no for this host as a whole.")


PROBE_OPTIONS = (
    click.option("--probe", is_flag=True, help="Answer a Bacalhau compute node that asks about a job."),
    click.option("--node", metavar="FILE", help="With --probe: this host's node line, instead of probing it."),
    click.option(
        "--on-fault",
        type=click.Choice(["bid", "decline"]),
        help="With --probe: what to answer when that cannot be told. Default: a status of its own.",
    ),
    click.option(
        "--timeout",
        type=click.IntRange(1, LONGEST_PROBE),
        metavar="SECONDS",
        help=f"With --probe: when that cannot be told any more. Default: {PROBE_SECONDS}.",
    ),
)

OPTIONS = (
    click.option("--explain", is_flag=True, help="Also print the nodes that do not fit, each with every reason."),
    click.option("--limit", type=click.IntRange(1), metavar="N", help="Print the N best nodes for each job."),
    click.option("--count", "by_count", is_flag=True, help="Print as many nodes as the job's own Count says."),
    click.option("--per-platform", type=click.IntRange(1), metavar="N", help="Print the N best for each platform."),
    click.option("--stream", is_flag=True, help="Print in the order of NODES, as they are read."),
    click.option("--output", "form", type=click.Choice(FORMS), default="match", help="Default: match."),
    click.option("--max-age", callback=duration, metavar="DURATION", help="Leave out nodes probed before: 90s, 2h."),
    click.option("--no-emulated", is_flag=True, help="No platform that a node only emulates."),
    click.option("--native-only", is_flag=True, help="Only platforms that a node runs natively."),
    click.option("--capacity", is_flag=True, help="Count what a node has, not what is free."),
)
