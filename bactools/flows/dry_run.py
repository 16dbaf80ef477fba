"""What running a job would be, without doing any of it: a plan in its record, and a command line that does the same.

The value of a variable that comes from the host is not told: the command line takes it from there. Nothing is fetched
or made: where an input would be fetched or an output made, a place is named.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bactools.core import ids, lines, plan, shell_words
from bactools.core.linking import path_of
from bactools.core.running import Linked, Mount
from bactools.edges import results
from bactools.flows import inputs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bactools.core.jobspec import Input, Task
    from bactools.core.running import Run
    from bactools.flows.execution import Order, Setup
    from bactools.flows.inputs import Kind

NOBODY = bytes(ids.SIZE)
"""The octets of an execution's id while there is no execution."""


class Told(NamedTuple):
    """The job's record with its plan, and lines to paste into a shell."""

    record: bytes
    lines: tuple[str, ...]


class _Places(NamedTuple):
    """Mounts as they would be, which of them are files of this host, what to do by hand before, what is made."""

    mounts: list[Mount]
    files: tuple[str, ...]
    before: list[str]
    made: str


class _Command(NamedTuple):
    """A command line as words and for a shell, and what it does otherwise."""

    run: Run
    words: list[str]
    remarks: list[str]
    line: str


def told(orders: Iterator[Order], setup: Setup) -> Told:
    """What the first execution of a job would be; the others are like it. Raises BacError where it would be refused."""
    order = next(orders)
    execution = plan.Execution(
        order.job.id, ids.format_id("e", NOBODY), order.job.spec["Type"], partitions=order.partitions
    )
    variables = plan.environment(order.task, execution, setup.environment)
    places = _places(order, setup)
    if order.task.engine == "wasm":
        command = _wasm(order, setup, places, variables)
    else:
        command = _docker(order, setup, places, variables)
    raw = lines.encode(order.job)
    record = lines.extend(lines.Line(raw, "job", ""), {"plan": _plan(order, setup, command)})
    return Told(record, _shell(places, command, _total(order, setup)))


def _places(order: Order, setup: Setup) -> _Places:
    found = _Places([], (), [], "")
    files = []
    for item in plan.mounted(order.task):
        mount, kind = _mount(order, setup, item, found.before)
        found.mounts.append(mount)
        if kind == "file" or Path(mount.host).is_file():
            files.append(mount.host)
    folder = results.free(setup.parent, order.job.id)
    for output in plan.outputs(order.task):
        found.mounts.append(Mount(str(folder / output.name), output.guest, writable=True, output=True))
    return found._replace(files=tuple(files), made=_made(folder, [each.host for each in found.mounts if each.output]))


def _made(folder: Path, outputs: list[str]) -> str:
    """How the folders are made: never an earlier run's, and outputs that any user of the image may write."""
    steps = (["mkdir", "-p", str(folder.parent)], ["mkdir", str(folder)], ["mkdir", "-m", "777", *outputs])
    return " && ".join(map(shell_words.join, steps))


def _mount(order: Order, setup: Setup, item: Input, before: list[str]) -> tuple[Mount, Kind]:
    """How an input is mounted, and what it is, as far as can be told without fetching it."""
    guest = plan.guest_path(order.task, item.target)
    if item.source_type in plan.LOCAL_SOURCES:
        return inputs.here(item, guest, setup.sources), "file or folder"
    kind = inputs.kind(item)
    mount = Mount(_elsewhere(item, kind, before), guest, writable=False)
    if kind == "file or folder" and order.task.engine == "wasm":
        before.append("# (wasmtime mounts folders only: if it is a file, make this plan again once it is there)")
    return mount, kind


def _elsewhere(item: Input, kind: Kind, before: list[str]) -> str:
    """Where an input is to be brought: below one folder as in the guest, so that a file there has its name."""
    place = str(Path.cwd() / "inputs" / path_of(item.target).lstrip("/"))
    where = f"{'into' if kind == 'folder' else 'to'} the {kind} {shell_words.quote(place)}"
    before.append(f"# first bring the {item.source_type} input for {item.target!r} {where}")
    return place


def _docker(order: Order, setup: Setup, places: _Places, variables: dict[str, str]) -> _Command:
    from bactools.core import command_lines
    from bactools.flows import run_container

    run = run_container.wanted(order, setup, run_container.Prepared(places.mounts, variables))
    options = run_container.launch(order).options(run)
    references = _references(order.task)
    limit = _own_timeout(run, setup)
    remarks = [] if limit is None else [f"The job would be stopped after {limit:g} s; docker run does not."]
    remarks += [
        f"The value of {name} has more than one line, which --env-file cannot give to a container."
        for name in command_lines.apart(references)
        if len(variables[name].splitlines()) > 1
    ]
    words = command_lines.docker_run(options, references)
    return _Command(run._replace(pids=options.pids), words, remarks, command_lines.pasted(words, references))


def _wasm(order: Order, setup: Setup, places: _Places, variables: dict[str, str]) -> _Command:
    from bactools.core import command_lines, wasm_command

    entry, *libraries = (_module(order, setup, name, places.before) for name in plan.module_names(order.task))
    run = plan.run(order.task, places.mounts, variables, setup.timeout)._replace(modules=tuple(libraries))
    references = _references(order.task)
    words = wasm_command.wasmtime_run(entry, run, references, places.files)
    remarks = wasm_command.differences(run, places.files)
    remarks += [f"wasmtime has {name} as a variable of its own too." for name in command_lines.apart(references)]
    return _Command(run, words, remarks, command_lines.assigned(words, references))


def _module(order: Order, setup: Setup, name: str, before: list[str]) -> Linked:
    from bactools.edges import modules

    item = plan.module_input(order.task, name)
    if item.source_type in plan.LOCAL_SOURCES:
        mount = inputs.here(item, "/module", setup.sources)
        return Linked(name, str(modules.in_folder(Path(mount.host))))
    return Linked(name, _elsewhere(item, "file", before))


def _references(task: Task) -> dict[str, str]:
    """The variables whose values come from the host, and from which of its own."""
    return {
        name: value[len(plan.FORWARD) :] for name, value in task.environment.items() if value.startswith(plan.FORWARD)
    }


def _plan(order: Order, setup: Setup, command: _Command) -> dict[str, Any]:
    run = command.run
    limits = {
        "cpu": run.cpu,
        "memory": run.memory,
        "gpus": run.gpus or None,
        "pids": run.pids,
        "timeout": _own_timeout(run, setup),
        "total_timeout": _total(order, setup),
        "inputs": order.input_limit,
    }
    return {
        "engine": order.task.engine,
        "platform": order.choice.platform,
        "how": order.choice.how,
        "digest": order.choice.digest,
        "executions": order.partitions,
        "mounts": [{"host": each.host, "guest": each.guest, "writable": each.writable} for each in run.mounts],
        "environment": list(run.environment),
        "limits": {name: value for name, value in limits.items() if value is not None},
        "network": run.network,
        "publisher": order.task.publisher["Type"] if order.task.publisher else None,
        "command": command.words,
    }


def _total(order: Order, setup: Setup) -> float | None:
    """The seconds that all of the run may take."""
    return setup.timeout or plan.total_timeout(order.job.spec)


def _own_timeout(run: Run, setup: Setup) -> float | None:
    """The seconds that the program may take; a limit that was given is one of all of the run instead."""
    return None if setup.timeout else run.timeout


def _shell(places: _Places, command: _Command, total: float | None) -> tuple[str, ...]:
    """Lines of which the last runs only where the folders could be made."""
    remarks = [f"# {remark}" for remark in command.remarks]
    if total is not None:
        remarks.append(f"# All of it, fetching and pulling included, would be stopped after {total:g} s; this is not.")
    return (*places.before, *remarks, f"{places.made} && \\", command.line)
