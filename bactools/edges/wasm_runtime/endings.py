"""What the engine's answers mean: how a guest ended, and why one could not start. Knows no engine."""

from __future__ import annotations

import contextlib
import os

from bactools.core.errors import BacError
from bactools.core.running import Ending

TRAPPED = 1
"""Bacalhau's exit code for a trap."""
WORDS_LIMIT = 1000
"""Characters of the engine's words that a message repeats."""
STDERR = 2
NEAR = 3 / 4
"""The part of its memory from which a guest that fails may have failed for want of more."""


def exited(code: int, memory: int | None, limit: int | None) -> Ending:
    """A status given to ``proc_exit``; ``memory`` is what the guest had of at most ``limit`` bytes."""
    if code == 0:
        return Ending("completed", 0, peak_memory=memory)
    near = memory is not None and limit is not None and memory >= limit * NEAR
    return Ending("failed", code, f"exit status {code}{_had(memory, limit) if near else ''}", peak_memory=memory)


def flattened(*, failed: bool) -> Ending:
    """The ending of a component, of which the engine tells success or failure only."""
    if failed:
        return Ending("failed", 1, "exit status 1, which is all that WASI 0.2 tells of a failure")
    return Ending("completed", 0)


def trapped(error: Exception, memory: int | None, limit: int | None) -> Ending:
    """The engine's last line is the cause; the backtrace before it goes to the job's standard error."""
    with contextlib.suppress(OSError):
        os.write(STDERR, f"{str(error).strip()}\n".encode())
    return Ending("failed", TRAPPED, f"{lines(error)[-1]}{_had(memory, limit)}", peak_memory=memory)


def _had(memory: int | None, limit: int | None) -> str:
    return f"; its memory was {memory} bytes of at most {limit}" if memory is not None and limit is not None else ""


def uncompiled(error: Exception) -> BacError:
    """A module that the engine refuses."""
    return BacError("bad_module", f"compiling the module: {lines(error)[-1]}", hint="Look at it with bac-inspect.")


def unlinked(error: Exception) -> BacError:
    """A module whose imports do not fit, or that needs more than it may have."""
    words = lines(error)
    return BacError(
        "not_started",
        f"starting the module: {', '.join(dict.fromkeys((words[0], words[-1])))}",
        hint="Look at what it imports and needs with bac-inspect.",
    )


def wants_arguments(entry: str) -> BacError:
    """An entry point that is no job's."""
    return BacError(
        "no_entrypoint",
        f"the module's function {entry} takes parameters, which a job cannot give",
        hint="Name a function without parameters as the job's entry point.",
    )


def lines(error: Exception) -> list[str]:
    """The engine's words: what happened comes first, why it happened last."""
    found = [line.strip()[:WORDS_LIMIT] for line in str(error).splitlines() if line.strip()]
    return found or [type(error).__name__]
