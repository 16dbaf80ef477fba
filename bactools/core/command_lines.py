"""The command line that does by hand what bac-exec does: words for ``docker run``, and a line to paste into a shell.

A value that came from the host's environment is never shown: its variable is named, and the line takes it from there.
It is for the container alone: where programs read a variable of that name, docker gets it in a file and not as its own.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bactools.core.shell_words import join, quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bactools.core.container_options import GpuRequest, Options
    from bactools.core.ports import Port
    from bactools.core.running import Mount

IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""What a shell can assign to (POSIX.1, "Name")."""

READ_BY_PROGRAMS = re.compile(
    r"PATH|HOME|USER|LOGNAME|SHELL|PWD|OLDPWD|IFS|ENV|CDPATH|GLOBIGNORE|TZ|TZDIR|LANG|LANGUAGE|TMPDIR|TMP|TEMP|TERM"
    r"|UID|EUID|PPID|SHELLOPTS|BASHOPTS|BASH_.*|POSIXLY_CORRECT|LC_.*|LD_.*|GLIBC_.*|MALLOC_.*|GCONV_PATH|LOCPATH"
    r"|NLSPATH|RES_OPTIONS|LOCALDOMAIN|HOSTALIASES|GODEBUG|GOGC|GOMAXPROCS|GOMEMLIMIT|GOTRACEBACK|SSL_CERT_(FILE|DIR)"
    r"|DOCKER_.*|BUILDKIT_.*|BUILDX_.*|COMPOSE_.*|OTEL_.*|SSH_.*|XDG_.*|GNUPGHOME|GPG_.*|DBUS_.*|PASSWORD_STORE_.*"
    r"|(?i:[A-Z]+_PROXY)"
)
"""Variables with which the shell, the loader, the C library, Go's runtime and docker with its helpers are told what to
do (environ(7), ld.so(8), bash(1), Docker's "CLI environment variables")."""


def docker_run(options: Options, references: Mapping[str, str] | None = None) -> list[str]:
    """The words of the ``docker run`` that makes the same container.

    ``references`` are variables to be named without their value, each with the variable of the host that has it: docker
    takes the value from its own environment. Those that are ``apart`` are not in the words at all.
    """
    known = references or {}
    named = frozenset(known).difference(apart(known))
    left_out = frozenset(known).difference(named)
    return ["docker", "run", "--rm", *_flags(options, named, left_out), options.image, *options.command]


def apart(references: Mapping[str, str]) -> list[str]:
    """The variables that docker must not have as its own, that no shell assigns, or from which another is taken."""
    sources = set(references.values())
    return [
        name
        for name, source in references.items()
        if name != source and (name in sources or not IDENTIFIER.fullmatch(name) or READ_BY_PROGRAMS.fullmatch(name))
    ]


def pasted(words: list[str], references: Mapping[str, str]) -> str:
    """The words of ``docker_run`` with the same references as a line for a shell.

    It is one for bash where a variable is ``apart``: docker reads that from a pipe which a builtin writes to, so that
    its value is in no argument and in no environment but the container's.
    """
    files = set(apart(references))
    taken = [f"{name}={_value(source)} " for name, source in references.items() if name != source and name not in files]
    read = [f"--env-file <(printf '%s=%s\\n' {quote(name)} {_value(references[name])}) " for name in sorted(files)]
    return f"{''.join(taken)}{join(words[:2])} {''.join(read)}{join(words[2:])}"


def assigned(words: list[str], references: Mapping[str, str]) -> str:
    """The words of another program, which takes the variables of ``references`` from its own environment."""
    taken = "".join(f"{name}={_value(source)} " for name, source in references.items() if name != source)
    return taken + join(words)


def _value(source: str) -> str:
    """What a shell replaces with the value of a variable, whatever it is called."""
    return f'"${source}"' if IDENTIFIER.fullmatch(source) else f'"$(printenv {quote(source)})"'


def _flags(options: Options, named: frozenset[str], left_out: frozenset[str]) -> Iterator[str]:
    yield from _valued("--platform", options.platform)
    if options.init:
        yield "--init"
    yield from _valued("--log-driver", options.log_driver)
    for name, text in options.labels.items():
        yield from _valued("--label", f"{name}={text}")
    yield from _valued("--entrypoint", options.entrypoint)
    yield from _valued("--workdir", options.workdir)
    for name, text in options.environment.items():
        if name not in left_out:
            yield from _valued("--env", name if name in named else f"{name}={text}")
    for mount in options.mounts:
        yield from _valued("--mount", _mount(mount))
    yield from _network(options)
    yield from _limits(options)
    yield from _rights(options)


def _network(options: Options) -> Iterator[str]:
    yield from _valued("--network", options.network)
    for name, address in options.extra_hosts:
        yield from _valued("--add-host", f"{name}:{address}")
    for port in options.ports:
        yield from _valued("--publish", _port(port))


def _limits(options: Options) -> Iterator[str]:
    if options.memory is not None:
        yield from _valued("--memory", str(options.memory))
        yield from _valued("--memory-swap", str(options.memory))
    if options.cpu is not None:
        yield from _valued("--cpus", f"{options.cpu:.9f}".rstrip("0").rstrip("."))
    yield from _valued("--pids-limit", str(options.pids))
    for name, soft, hard in options.ulimits:
        yield from _valued("--ulimit", f"{name}={soft}:{hard}")


def _rights(options: Options) -> Iterator[str]:
    for rule in options.security:
        yield from _valued("--security-opt", rule)
    for name in options.cap_drop:
        yield from _valued("--cap-drop", name)
    for name in options.cap_add:
        yield from _valued("--cap-add", name)
    for path in options.devices:
        yield from _valued("--device", path)
    if options.gpus is not None:
        yield from _valued("--gpus", _gpus(options.gpus))


def _valued(flag: str, value: str | None) -> Iterator[str]:
    if value is not None:
        yield flag
        yield value


def _mount(mount: Mount) -> str:
    """Docker reads the fields as a line of CSV (RFC 4180)."""
    fields = ["type=bind", f"source={mount.host}", f"target={mount.guest}"]
    if not mount.writable:
        fields.append("readonly")
    return ",".join(map(_csv, fields))


def _csv(field: str) -> str:
    if not any(mark in field for mark in '",\r\n'):
        return field
    doubled = field.replace('"', '""')
    return f'"{doubled}"'


def _gpus(request: GpuRequest) -> str:
    return _csv("device=" + ",".join(request.ids)) if request.ids else str(request.number)


def _port(port: Port) -> str:
    address = f"[{port.address}]" if ":" in port.address else port.address
    return f"{address}:{port.host}:{port.target}/tcp"
