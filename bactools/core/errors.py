"""Error codes and exit statuses: one closed table that the commands, the man pages and the tests read.

A code is stable and may be matched by scripts; its message is for people and may change. New codes
may be added; an unknown one is a failure of the status that came with it.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class Status(IntEnum):
    """Exit statuses, the same in every command."""

    OK = 0
    NO = 1
    USAGE = 2
    INPUT = 3
    WORLD = 4
    PARTIAL = 5
    BUG = 70
    INTERRUPTED = 130
    READER_GONE = 141
    TERMINATED = 143


STATUS_MEANINGS: dict[Status, str] = {
    Status.OK: "did it; the answer is yes",
    Status.NO: "worked, and the answer is no; never anything else",
    Status.USAGE: "the command line is wrong",
    Status.INPUT: "the input is not ours: bad JSON, a spec that does not validate, an unknown major version",
    Status.WORLD: "the world is not available: no daemon, registry unreachable, timed out; retrying may help",
    Status.PARTIAL: "partial: some records became error records",
    Status.BUG: "a bug in bactools (traceback with BACTOOLS_DEBUG=1)",
    Status.INTERRUPTED: "killed by SIGINT",
    Status.READER_GONE: "killed by SIGPIPE: the reader of standard output has gone",
    Status.TERMINATED: "killed by SIGTERM",
}


class Code(NamedTuple):
    """What an error code means: the status it ends a whole run with, and whether retrying may help."""

    status: Status
    retryable: bool
    meaning: str


CODES: dict[str, Code] = {
    "bad_line": Code(Status.INPUT, False, "a line on standard input or in a file is not one JSON object"),
    "bad_record": Code(Status.INPUT, False, "a record's fields have the wrong shape"),
    "line_too_long": Code(Status.INPUT, False, "a line is longer than the protocol allows"),
    "unknown_version": Code(Status.INPUT, False, "a record has a major version that this bactools does not read"),
    "unexpected_kind": Code(Status.INPUT, False, "a record of this kind cannot be used here"),
    "empty_input": Code(Status.INPUT, False, "standard input or a file held nothing to work on"),
    "unreadable_file": Code(Status.INPUT, False, "a file is missing, is a directory, or may not be read"),
    "file_changed": Code(Status.WORLD, True, "a file was rewritten while it was being read"),
    "unwritable_file": Code(Status.WORLD, False, "a file or folder cannot be written: permission, or the disk is full"),
    "too_large": Code(Status.INPUT, False, "something read from outside is larger than the limit"),
    "bad_document": Code(Status.INPUT, False, "a file is not valid YAML or JSON"),
    "bad_platform": Code(Status.INPUT, False, "a platform is not os/architecture[/variant] or wasm32/wasi"),
    "bad_reference": Code(Status.INPUT, False, "an image reference does not follow the grammar"),
    "bad_spec": Code(Status.INPUT, False, "a job specification does not validate"),
    "bad_input": Code(Status.INPUT, False, "an input of a job is damaged, or would leave the folder it is put into"),
    "bad_config": Code(Status.INPUT, False, "a configuration file does not validate"),
    "bad_nodes": Code(Status.INPUT, False, "a node list has a shape that is not known"),
    "platforms_disjoint": Code(
        Status.INPUT, False, "the platforms that the job accepts and those that its artifact offers are disjoint"
    ),
    "no_results": Code(Status.INPUT, False, "a job that did not complete, or kept nothing, cannot feed another"),
    "not_inspected": Code(
        Status.INPUT, False, "a job does not say on which platforms it can run; bac-inspect finds out"
    ),
    "bad_manifest": Code(Status.INPUT, False, "an image manifest or index cannot be understood"),
    "bad_layer": Code(Status.INPUT, False, "a layer of an image is not a tar archive, or is damaged"),
    "schema1": Code(Status.INPUT, False, "the image has only a Docker schema 1 manifest, which names no platforms"),
    "bad_module": Code(Status.INPUT, False, "a file is not a WebAssembly module or component"),
    "no_entrypoint": Code(Status.INPUT, False, "a WebAssembly module does not export the function to run"),
    "not_found": Code(Status.WORLD, False, "the registry, the engine or the server does not have what was asked for"),
    "not_cached": Code(Status.WORLD, False, "only the cache may be asked, and it does not have this"),
    "unauthorized": Code(Status.WORLD, False, "the registry or the engine refuses these credentials, or wants some"),
    "blocked": Code(Status.INPUT, False, "the configuration of this host forbids the registry"),
    "rate_limited": Code(Status.WORLD, True, "the registry asks to wait"),
    "unreachable": Code(Status.WORLD, True, "a network service does not answer, or breaks off"),
    "timed_out": Code(Status.WORLD, True, "a network service or a local engine took too long"),
    "digest_mismatch": Code(Status.WORLD, True, "the bytes received do not have the digest they were asked by"),
    "no_engine": Code(Status.WORLD, True, "the engine that runs this kind of job is not there or does not answer"),
    "engine_failed": Code(Status.WORLD, True, "the engine, or a node that was asked, answered with an error"),
    "wrong_node": Code(Status.INPUT, False, "a match line is for another host"),
    "wrong_platform": Code(Status.INPUT, False, "this host cannot run any platform of the job"),
    "unsupported": Code(Status.INPUT, False, "the job asks for something that this command cannot do"),
    "not_allowed": Code(Status.INPUT, False, "the owner of this host does not let one job have what it asks for"),
    "not_started": Code(Status.INPUT, False, "the engine could not start the job's program"),
}


def encodable(text: str) -> str:
    """The text as UTF-8 can hold it: the name of a file need not be valid Unicode."""
    return text.encode("utf-8", "backslashreplace").decode()


class BacError(Exception):
    """A failure that a user can act on: ``code`` from CODES, one line of what, to what and why, and a hint.

    ``message`` has no full stop at its end; one that a quoted text brings is taken off. ``hint`` says what to do
    next and is a sentence or absent; ``input`` is the operand or line that failed.
    """

    def __init__(self, code: str, message: str, *, hint: str | None = None, input: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = " ".join(encodable(message).split()).removesuffix(".")
        self.hint = hint
        self.input = input

    @property
    def status(self) -> Status:
        """The exit status of a run that fails as a whole with this error."""
        return CODES[self.code].status

    @property
    def retryable(self) -> bool:
        """Whether the same call may succeed later."""
        return CODES[self.code].retryable

    def advice(self) -> str:
        """The message with what to do next, for where the failure is a remark on something else."""
        return f"{self.message}. {self.hint}" if self.hint else self.message

    def line(self) -> str:
        """The one line for standard error: message, hint, code."""
        return f"{self.advice()} [{self.code}]"


INTERRUPT = 2
"""The number of SIGINT (POSIX.1-2017, kill)."""


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP arrived; it runs every ``finally`` on its way out.

    A KeyboardInterrupt, since Python itself drops anything else that is raised while it works out the constants of a
    module that has to be compiled: the process would run on, and hear no signal any more.
    """

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal_number)
        self.signal_number = signal_number


def signal_of(stopped: BaseException | None) -> int:
    """The number of the signal that raised this."""
    number: int = getattr(stopped, "signal_number", INTERRUPT)
    return number
