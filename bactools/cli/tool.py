"""A command with examples: help shows them as typed, then the exit statuses and where to read more."""

from __future__ import annotations

from typing import Any

import click

from bactools.core.errors import Status

STATUSES = (Status.OK, Status.NO, Status.USAGE, Status.INPUT, Status.WORLD, Status.PARTIAL)
SHORT = ("yes", "no", "usage", "bad input", "world not available", "partial")


class Tool(click.Command):
    """A click command that knows its examples; the man page and the tests read them too."""

    def __init__(self, *arguments: Any, examples: tuple[str, ...] = (), **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.examples = examples

    def invoke(self, context: click.Context) -> Any:
        """Run it. Raises click.Abort from a KeyboardInterrupt, as click does, but without the empty line before it."""
        try:
            return super().invoke(context)
        except KeyboardInterrupt as stopped:
            raise click.Abort from stopped

    def format_epilog(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples unwrapped, then one line of exit statuses."""
        if self.examples:
            formatter.write("\nExamples:\n")
            formatter.write("".join(f"  {example}\n" for example in self.examples))
        statuses = ", ".join(f"{status.value} {word}" for status, word in zip(STATUSES, SHORT, strict=True))
        formatter.write(f"\nExit status: {statuses}. More: man {self.name}\n")
