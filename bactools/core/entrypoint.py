"""What a container of an image executes first: its config's Entrypoint, else Cmd (OCI image-spec, config.md).

The first word is looked up as runc does: with a slash from the working directory, else in the directories of PATH.
A script is its interpreter (execve(2), Interpreter scripts), and ``env`` is the program that it looks up.
"""

from __future__ import annotations

import posixpath
import re
from typing import NamedTuple

import msgspec

from bactools.core.errors import BacError

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Docker's, for images that set none."""
SCRIPT = b"#!"
SCRIPT_LINE = 256
"""Bytes of a script's start that the kernel reads."""
MAX_DIRECTORIES = 64
MODULE_SUFFIX = ".wasm"
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")


class Launch(NamedTuple):
    """The words of the command, the directories of PATH, and the absolute working directory."""

    words: tuple[str, ...]
    path: tuple[str, ...]
    directory: str


class _Run(msgspec.Struct):
    entrypoint: list[str] | None = msgspec.field(default=None, name="Entrypoint")
    command: list[str] | None = msgspec.field(default=None, name="Cmd")
    environment: list[str] | None = msgspec.field(default=None, name="Env")
    directory: str | None = msgspec.field(default=None, name="WorkingDir")


class _Config(msgspec.Struct):
    config: _Run | None = None


def of_config(body: bytes) -> Launch:
    """What an image's config blob says. Raises BacError ``bad_manifest``."""
    try:
        run = msgspec.json.decode(body, type=_Config).config or _Run()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BacError("bad_manifest", f"the image's config cannot be understood: {error}") from error
    variables = dict(text.partition("=")[::2] for text in run.environment or ())
    path = variables.get("PATH", DEFAULT_PATH).split(":")[:MAX_DIRECTORIES]
    directory = posixpath.join("/", run.directory or "")
    return Launch((*(run.entrypoint or ()), *(run.command or ())), tuple(filter(None, path)), directory)


def candidates(word: str, launch: Launch) -> tuple[str, ...]:
    """The absolute paths at which a program may be, in the order in which they are tried."""
    if "/" in word:
        return (posixpath.join(launch.directory, word),)
    # WebAssembly images often name their module alone, at the root, where its runtime looks too.
    folders = (*launch.path, "") if word.endswith(MODULE_SUFFIX) else launch.path
    return tuple(posixpath.join(launch.directory, folder, word) for folder in folders)


def interpreter(data: bytes) -> str | None:
    """The word that names the interpreter of a script that begins with ``data``; None when it is no script."""
    if not data.startswith(SCRIPT):
        return None
    line = data[len(SCRIPT) : SCRIPT_LINE].partition(b"\n")[0].strip(b" \t").decode("utf-8", "surrogateescape")
    program, *rest = re.split(r"[ \t]+", line, maxsplit=1)
    if posixpath.basename(program) == "env" and rest:
        return _looked_up(rest[0])
    return program if "/" in program else f"./{program}"


def _looked_up(argument: str) -> str:
    """The program that env runs: its one argument, or with -S the first word of it that is no setting."""
    if not argument.startswith("-S"):
        return argument
    words = argument.removeprefix("-S").split()
    return next((word for word in words if not word.startswith("-") and not _ASSIGNMENT.match(word)), "")
