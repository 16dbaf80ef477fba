"""The options that say how much of what was learned before is believed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable


def cache_options(function: Callable[..., int]) -> Callable[..., int]:
    """Add the options to a command, whose function receives ``rules``, core's Rules, in their place."""

    def wrapped(*arguments: Any, max_age: float, offline: bool, no_cache: bool, **named: Any) -> int:
        if offline and no_cache:
            raise click.UsageError("--offline asks the cache only, so it cannot be used with --no-cache.")
        from bactools.core.freshness import Rules

        return function(*arguments, rules=Rules(max_age, offline, not no_cache), **named)

    wrapped.__doc__ = function.__doc__
    wrapped.__click_params__ = getattr(function, "__click_params__", [])  # type: ignore[attr-defined]
    for option in reversed(OPTIONS):
        wrapped = option(wrapped)
    return wrapped


OPTIONS = (
    click.option(
        "--max-age",
        type=click.FloatRange(0),
        default=0,
        metavar="SECONDS",
        help="Believe the cache about tags asked for at most so long ago. Default: ask again.",
    ),
    click.option("--offline", is_flag=True, help="Ask the cache only, however old it is."),
    click.option("--no-cache", is_flag=True, help="Neither read the cache nor write to it."),
)
