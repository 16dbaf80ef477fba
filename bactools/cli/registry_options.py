"""The options that say how registries are reached."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from bactools.core.access import Access

if TYPE_CHECKING:
    from collections.abc import Callable

HOST = re.compile(r"[A-Za-z0-9.-]+(?::[0-9]+)?|\[[0-9A-Fa-f:]+\](?::[0-9]+)?")


def hosts(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    """Hosts as references write them; anything else would silently never match."""
    for host in given:
        if not HOST.fullmatch(host):
            raise click.BadParameter(f"{host!r} is not a host; write it as in a reference, as registry.lan:5000.")
    return given


FLAGS: tuple[Callable[[Any], Any], ...] = (
    click.option(
        "--timeout",
        type=click.FloatRange(0, min_open=True),
        metavar="SECONDS",
        help="Ask no server for longer than this in the whole run. Default: each request has its own end.",
    ),
    click.option(
        "--insecure-registry",
        "insecure",
        multiple=True,
        metavar="HOST",
        callback=hosts,
        help="HOST may speak plain HTTP or have any certificate; repeatable.",
    ),
    click.option(
        "--ca-file",
        type=click.Path(exists=True, dir_okay=False, readable=True),
        metavar="FILE",
        help="Certificates (PEM) of authorities to trust beside the system's.",
    ),
)


def registry_options(function: Callable[..., int]) -> Callable[..., int]:
    """Add the options; the function receives them as ``access``."""

    def wrapped(*given: Any, timeout: float | None, insecure: tuple[str, ...], ca_file: str | None, **rest: Any) -> int:
        return function(*given, access=Access(timeout, insecure, ca_file), **rest)

    wrapped.__doc__ = function.__doc__
    wrapped.__click_params__ = getattr(function, "__click_params__", [])  # type: ignore[attr-defined]
    for flag in reversed(FLAGS):
        wrapped = flag(wrapped)
    return wrapped
