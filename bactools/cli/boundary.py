"""The end of every process: one function turns whatever happened into the documented status.

click alone ends a returned 3 as 0, Ctrl-C, a closed pipe and a missing file as 1, which here means "no".
So the commands run with ``standalone_mode=False`` and this file owns the rest: returned numbers, usage,
known errors, bugs, SIGINT, SIGTERM, SIGHUP and a reader of standard output that has gone.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

import click

from bactools.cli.stream import ReaderGone, say
from bactools.core.errors import BacError, Status, Terminated, signal_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

# Imports make many objects and no garbage; at Python's own 700 the collector takes a twentieth of a short run.
GARBAGE_THRESHOLD = 50_000

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def entry(command: click.Command) -> Callable[[], NoReturn]:
    """Make the console script of a command: it never returns and never shows a traceback uninvited."""

    def main() -> NoReturn:
        hold_streams()
        for number in STOPPING:
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, stop)
        sys.unraisablehook = unheard
        gc.set_threshold(GARBAGE_THRESHOLD)
        end(run(command, sys.argv[1:]))

    return main


def hold_streams() -> None:
    """Keep the number of a closed standard stream from the next file opened; to use the stream still fails."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_WRONLY if number == 0 else os.O_RDONLY)


def stop(number: int, _frame: FrameType | None) -> NoReturn:
    """Unwind on the first signal; later ones are not heard, so that nothing half-cleaned is left."""
    for other in STOPPING:
        signal.signal(other, signal.SIG_IGN)
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise Terminated(number)


def unheard(lost: sys.UnraisableHookArgs) -> None:
    """Raise once more, a moment later, what a signal raised where Python drops it: in a callback, as each import has.

    Else the process would run on and, told to stop already, hear no signal any more.
    """
    import _thread

    error = lost.exc_value
    if not isinstance(error, KeyboardInterrupt):
        sys.__unraisablehook__(lost)
        return
    number = signal_of(error)

    def once(_number: int, _frame: FrameType | None) -> NoReturn:
        signal.signal(number, before)
        raise error

    before = signal.signal(number, once)
    _thread.start_new_thread(os.kill, (os.getpid(), number))  # here it would be raised in the same callback


def run(command: click.Command, arguments: list[str]) -> int:
    """Run a command and say how it ended: its status, or the negative number of the signal to die by."""
    name = command.name or "bactools"
    status: int
    try:
        status = command.main(arguments, prog_name=name, standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()
    except click.ClickException as error:
        say(f"{name}: {error.format_message()} Try '{name} --help'.")
        status = Status.USAGE
    except BacError as error:
        say(f"{name}: {error.line()}")
        status = error.status
    except click.Abort as error:
        status = -signal_of(error.__cause__)
    except KeyboardInterrupt as error:
        status = -signal_of(error)
    except (ReaderGone, BrokenPipeError, SystemExit):
        # click answers EPIPE on its own output, such as --help, with SystemExit
        status = -signal.SIGPIPE
    except Exception as error:  # noqa: BLE001 (the one place that may)
        status = bug(name, error)
    return status


def bug(name: str, error: Exception) -> int:
    """Report an exception that nobody expected: one line, or the traceback when it is asked for."""
    if os.environ.get("BACTOOLS_DEBUG"):
        import traceback

        traceback.print_exception(error)
    else:
        text = " ".join(f"{type(error).__name__}: {error}".split())
        say(f"{name}: a bug in bactools: {text}. BACTOOLS_DEBUG=1 shows where; please report it.")
    return Status.BUG


def end(status: int) -> NoReturn:
    """Leave with a status, or by the signal itself, as a shell expects of `yes | head -1`."""
    if status < 0:
        # What Python still holds for a reader that has gone must not raise again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
        status = 128 - status  # the first process of a container is not killed by its own signals
    # Everything is written and closed by now; to take the interpreter apart would cost a third of a short run.
    os._exit(status)
