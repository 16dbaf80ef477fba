"""Tell what this host can run, as one node record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bactools.cli.boundary import entry
from bactools.cli.options import common
from bactools.cli.tool import Tool
from bactools.core.errors import Status

if TYPE_CHECKING:
    from bactools.cli.stream import Output

TIMEOUT = 30.0
LONGEST = 86400.0
PROBING = 0.9
"""The part of the time after which nothing more is waited for, so that what was found is still written."""


def labels(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """``KEY=VALUE`` options as labels; the last of one key counts."""
    found = {}
    for text in values:
        key, equals, value = text.partition("=")
        if not key or not equals or not text.isprintable():
            raise click.BadParameter(f"{text!r} is not KEY=VALUE on one line.")
        found[key] = value
    return found


def named(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    """Refuse the empty name, as of a variable of the shell that is not set."""
    if value == "":
        raise click.BadParameter("it is empty and names nothing.")
    return value


def seconds(_context: click.Context, _option: click.Parameter, value: float) -> float:
    """Refuse what is no time to wait; ``inf`` and ``nan`` are floats too."""
    if not 0 < value <= LONGEST:
        raise click.BadParameter(f"{value:g} is not a number of seconds up to {LONGEST:g}.")
    return value


PLACE = click.Path(readable=False)
"""A name for a file or folder: whether it can be used is told where it is used."""


@click.command(
    "bac-probe",
    cls=Tool,
    examples=(
        "bac-probe",
        "bac-probe --label zone=eu >> nodes.jsonl",
        "bac-probe --output node.jsonl --if-changed && cat node.jsonl",
        "bac-probe | jq -r '.engines[].platforms[].platform'",
    ),
)
@click.option("--label", callback=labels, multiple=True, metavar="KEY=VALUE", help="Label the node; repeatable.")
@click.option(
    "--config",
    type=PLACE,
    callback=named,
    metavar="FILE",
    help="The host file. Default: /etc/bactools/node.yaml, if it exists.",
)
@click.option("--output", "target", type=PLACE, callback=named, metavar="FILE", help="Replace FILE in one step.")
@click.option("--if-changed", is_flag=True, help="With --output: leave FILE alone, status 1, if only the time differs.")
@click.option(
    "--append", "fleet", type=PLACE, callback=named, metavar="FILE", help="Add a whole line to FILE, or nothing."
)
@click.option("--deep", is_flag=True, help="Prove each platform in a container, too.")
@click.option("--root", type=PLACE, callback=named, metavar="DIR", help="Probe a host whose files were copied to DIR.")
@click.option(
    "--timeout",
    type=float,
    callback=seconds,
    default=TIMEOUT,
    metavar="SECONDS",
    help=f"For all of it. Default: {TIMEOUT:g}.",
)
@common("bac-probe", ("node",), also=("labels",))
def command(
    output: Output,
    *,
    label: dict[str, str],
    config: str | None,
    target: str | None,
    if_changed: bool,
    fleet: str | None,
    deep: bool,
    root: str | None,
    timeout: float,
) -> int:
    """Tell what this host can run, as one node record.

    It tells the engines (Docker, WebAssembly) with the platforms that each runs natively or by emulation, and CPU,
    memory, disk and GPUs. What is missing is a warning in the record (-v prints it, too), not a failure.
    """
    check(output.form, target, fleet, if_changed=if_changed)
    if deep and root:
        raise click.UsageError("--deep runs programs; of a host in --root only files are read.")
    from datetime import datetime, timezone
    from pathlib import Path
    from time import monotonic

    from bactools.edges import alarm
    from bactools.flows import node_file, probe

    end = monotonic() + timeout
    with alarm.limited(timeout, "probing this host", "Does its file system answer? --timeout gives it more time."):
        settings = probe.settings(Path(config) if config is not None else None)
        request = probe.Request(settings, Path(root or "/"), deep, timeout * PROBING, output.progress)
        node = probe.probe(request, label, datetime.now(tz=timezone.utc))
        place = node_file.place(target, fleet, if_changed=if_changed, labels=output.form == "labels")
        changed = place is None or node_file.publish(node, place, wait=end - monotonic())
    for warning in node.warnings or []:
        output.detail(warning)
    if output.form == "labels":
        from bactools.core.node_labels import refused

        for key in refused(node):
            output.note(f"the label {key} is left out: Kubernetes allows no such label.")
    if place is None:
        output.emit(node)
        return output.finish()
    return Status.OK if changed else Status.NO


def check(form: str, target: str | None, fleet: str | None, *, if_changed: bool) -> None:
    """Refuse options that do not go together. Raises UsageError."""
    if target and fleet:
        raise click.UsageError("--output and --append are two ways to write a file; choose one.")
    if if_changed and not target:
        raise click.UsageError("--if-changed needs --output.")
    if fleet and form == "labels":
        raise click.UsageError("--append adds a record; --output takes --format labels.")


main = entry(command)
