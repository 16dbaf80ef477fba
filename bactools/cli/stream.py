"""Standard output and standard error: records, and only records, on one; everything else on the other.

Each record is one ``write`` of its own and nothing is kept in a buffer, so a reader sees it at once
and the end of the process has nothing left to lose.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from bactools import MAX_LINE
from bactools.core.errors import BacError, Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bactools.core.records import Record

STDOUT = 1


class ReaderGone(Exception):  # noqa: N818 (it is an ending, not an error)
    """Whoever read standard output has closed it. Not an OSError: click would end one as status 1."""


def shown(text: str) -> str:
    r"""Text on one line and without what a terminal would obey, for names that others chose: ``\n``, ``\x1b``."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def say(text: str) -> None:
    """Write one line to standard error; if that is gone too there is nobody to tell."""
    try:
        print(shown(text), file=sys.stderr, flush=True)  # noqa: T201
    except (OSError, ValueError, AttributeError):
        return


def write(data: bytes) -> None:
    """Write all of ``data`` to standard output. Raises ReaderGone, or BacError ``unwritable_file``."""
    view = memoryview(data)
    try:
        while view:
            try:
                view = view[os.write(STDOUT, view) :]
            except BlockingIOError:
                wait()
    except BrokenPipeError as error:
        raise ReaderGone from error
    except OSError as error:
        raise BacError("unwritable_file", f"cannot write to standard output: {error.strerror}") from error


def wait() -> None:
    """Wait until standard output, which somebody made non-blocking, takes more."""
    import select

    select.select([], [STDOUT], [])


class Output:
    """Where a command puts what it found: records as JSON lines or in another ``form``, notes on standard error.

    It remembers what failed, so that ``finish`` can tell a partial run (status 5) from one in which
    everything failed (the first error's own status, and its line on standard error).
    """

    def __init__(self, by: str, *, form: str, quiet: bool, verbose: bool) -> None:
        self.by = by
        self.form = form
        self._kept: list[bytes] | None = None if form == "jsonl" else []
        self._quiet = quiet
        self._verbose = verbose
        self._progress = False
        self._failures: list[BacError] = []
        self._passed_errors = 0
        self._written = 0

    def emit(self, record: Record) -> None:
        """Write a record."""
        from bactools.core.lines import encode

        self._put(encode(record))
        self._written += 1

    def emit_bytes(self, raw: bytes, kind: str | None = None) -> None:
        """Write a line that is already a record, byte for byte; ``kind`` "error" is counted as one."""
        self._put(raw)
        if kind == "error":
            self._passed_errors += 1
        else:
            self._written += 1

    def emit_several(self, raws: Sequence[bytes]) -> None:
        """Write lines that are already records, at least one, byte for byte and in one write."""
        self._put(*raws)
        self._written += len(raws)

    def fail(self, error: BacError, input: str | None = None) -> None:
        """Write an error record for one input and go on."""
        from bactools.core.lines import encode, error_record

        if error.input is None:
            error.input = input
        self._put(encode(error_record(error, self.by)))
        self._failures.append(error)

    def answered(self) -> None:
        """Count an input that was dealt with though there is no record to write for it."""
        self._written += 1

    def note(self, text: str) -> None:
        """Say something on standard error unless -q was given."""
        if not self._quiet:
            self._message(f"{self.by}: {text}")

    def detail(self, text: str) -> None:
        """Say something on standard error if -v was given."""
        if self._verbose:
            self._message(f"{self.by}: {text}")

    def progress(self, text: str | None) -> None:
        """Show what is being done in one line of a terminal, or take that line away again."""
        if self._quiet or not sys.stderr or not sys.stderr.isatty():
            return
        if text is None and not self._progress:
            return
        self._progress = text is not None
        sys.stderr.write(f"\r\x1b[K{shown(text or '')}"[: os.get_terminal_size(2).columns + 4])
        sys.stderr.flush()

    def finish(self, status: int = Status.OK) -> int:
        """Draw what is not written as lines, and tell the status of the whole run."""
        self.progress(None)
        if self._kept is not None:
            from bactools.cli.show import FORMS

            write(FORMS[self.form](self._kept).encode())
        if self._failures and not self._written and not self._passed_errors:
            for error in self._failures:
                self._message(f"{self.by}: {error.line()}")
            return self._failures[0].status
        if self._failures or self._passed_errors:
            return Status.PARTIAL
        return status

    def _put(self, *raws: bytes) -> None:
        longest = max(map(len, raws))
        if longest > MAX_LINE:
            hint = "Let the job fetch its data instead of carrying it inline."
            raise BacError("too_large", f"the record is {longest} bytes long; a line holds {MAX_LINE}", hint=hint)
        if self._kept is None:
            self.progress(None)
            write(b"\n".join(raws) + b"\n")
        else:
            self._kept += raws

    def _message(self, text: str) -> None:
        self.progress(None)
        say(text)
