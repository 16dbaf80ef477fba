"""Many lines to standard output in few writes: as they are, as a table, or names only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bactools.cli.options import is_table
from bactools.cli.stream import say, write
from bactools.core.errors import Status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bactools.cli.stream import Output
    from bactools.core.errors import BacError


class Printer:
    """Puts the lines of a form, ``match``, ``node`` or ``name``, where ``output`` puts records.

    Names are no records: among them nothing else is printed, and errors go to standard error.
    """

    def __init__(self, output: Output, form: str) -> None:
        self._output = output
        self._names = form == "name"
        self._table = is_table(click.get_current_context().params.get("format"))
        self._partial = False

    def lines(self, found: Iterable[list[bytes]]) -> None:
        """Print lines as they come, some at a time, at least one; none is kept but for a table."""
        for some in found:
            if self._names:
                write(b"\n".join(some) + b"\n")
                self._output.answered()
            else:
                self._output.emit_several(some)

    def record(self, raw: bytes, kind: str) -> None:
        """Print a record that is not of the form, as it is."""
        if not self._names:
            self._output.emit_bytes(raw, kind)
        elif kind == "error":
            self._partial = True
            say(f"{self._output.by}: {raw.decode()}")

    def fail(self, error: BacError) -> None:
        """Tell of something that failed while the rest goes on."""
        if self._names:
            self._partial = True
            say(f"{self._output.by}: {error.line()}")
        else:
            self._output.fail(error)

    def finish(self, status: int) -> int:
        """The status of the whole run."""
        status = Status.PARTIAL if self._partial else status
        if self._names and self._table:
            return status
        return self._output.finish(status)
