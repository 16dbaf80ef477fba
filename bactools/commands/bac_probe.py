"""Tell what this host can run, as one node record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bactools.cli.boundary import entry
from bactools.cli.options import common
from bactools.cli.tool import Tool

if TYPE_CHECKING:
    from bactools.cli.stream import Output


def labels(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """``KEY=VALUE`` options as labels; the last of one key counts."""
    found = {}
    for text in values:
        key, equals, value = text.partition("=")
        if not key or not equals or not text.isprintable():
            raise click.BadParameter(f"{text!r} is not KEY=VALUE on one line.")
        found[key] = value
    return found


@click.command(
    "bac-probe",
    cls=Tool,
    examples=(
        "bac-probe",
        "bac-probe --label zone=eu >> nodes.jsonl",
        "bac-probe | jq -r '.engines[].platforms[].platform'",
    ),
)
@click.option("--label", callback=labels, multiple=True, metavar="KEY=VALUE", help="Label the node; repeatable.")
@click.option(
    "--config", type=click.Path(), metavar="FILE", help="The host file. Default: /etc/bactools/node.yaml, if it exists."
)
@common("bac-probe", ("node",))
def command(output: Output, label: dict[str, str], config: str | None) -> int:
    """Tell what this host can run, as one node record.

    It tells the engines (Docker, WebAssembly) with the platforms that each runs natively or by emulation,
    and CPU, memory, disk and GPUs. What is missing is a warning in the record (-v prints it, too), not a failure.
    """
    from datetime import datetime, timezone
    from pathlib import Path

    from bactools.flows import probe

    settings = probe.settings(Path(config) if config is not None else None)
    node = probe.probe(settings, label, datetime.now(tz=timezone.utc))
    for warning in node.warnings or []:
        output.detail(warning)
    output.emit(node)
    return output.finish()


main = entry(command)
