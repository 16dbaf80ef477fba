"""The options that every command has, in the same order and the same words."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from bactools import PROTOCOL, __version__
from bactools.cli.stream import STDOUT, Output, write

if TYPE_CHECKING:
    from collections.abc import Callable

FORMATS = ("jsonl", "table")


def common(
    name: str, kinds: tuple[str, ...], *, also: tuple[str, ...] = ()
) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Add the common options to a command that writes records of these kinds; ``also`` are formats of its own.

    The command's function receives an Output as its first argument in their place.
    """

    def decorate(function: Callable[..., int]) -> Callable[..., int]:
        def wrapped(*, format: str | None, quiet: bool, verbose: bool, **rest: Any) -> int:
            form = format if format and format in also else "table" if is_table(format) else "jsonl"
            output = Output(name, form=form, quiet=quiet, verbose=verbose)
            return function(output, **rest)

        wrapped.__doc__ = function.__doc__
        for option in reversed(common_options(name, kinds, (*FORMATS, *also))):
            wrapped = option(wrapped)
        # click shows parameters from the end of this list: the command's own come first, wherever `common` stands.
        wrapped.__click_params__ += getattr(function, "__click_params__", [])  # type: ignore[attr-defined]
        return wrapped

    return decorate


def common_options(name: str, kinds: tuple[str, ...], formats: tuple[str, ...]) -> list[Callable[[Any], Any]]:
    """The decorators behind ``common``, in the order in which help shows them."""

    def show_version(_context: click.Context, _option: click.Parameter, wanted: bool) -> None:
        if wanted:
            click.echo(f"{name} {__version__} (protocol {PROTOCOL})")
            raise click.exceptions.Exit(0)

    def show_schema(_context: click.Context, _option: click.Parameter, wanted: bool) -> None:
        if wanted:
            from bactools.core.schemas import schema

            write(schema(kinds))
            raise click.exceptions.Exit(0)

    eager: dict[str, Any] = {"is_flag": True, "is_eager": True, "expose_value": False}
    return [
        click.option(
            "--format",
            type=click.Choice(formats),
            help="Default: BACTOOLS_FORMAT, else a table on a terminal and JSON lines elsewhere.",
        ),
        click.option("-q", "--quiet", is_flag=True, help="No notes on standard error, errors only."),
        click.option("-v", "--verbose", is_flag=True, help="More notes on standard error."),
        click.option("--schema", callback=show_schema, help="Print the JSON Schema of the records, and exit.", **eager),
        click.option("--version", callback=show_version, help="Print the version and exit.", **eager),
    ]


def is_table(chosen: str | None) -> bool:
    """Whether to draw a table: the option, then BACTOOLS_FORMAT, then whether standard output is a terminal."""
    wanted = chosen or os.environ.get("BACTOOLS_FORMAT")
    if wanted and wanted not in FORMATS:
        raise click.UsageError(f"BACTOOLS_FORMAT is {wanted!r}; it may be {' or '.join(FORMATS)}.")
    if wanted:
        return wanted == "table"
    return sys.stdout is not None and os.isatty(STDOUT)
