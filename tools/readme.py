"""The README's generated blocks: the table of commands and the table of exit statuses."""

from __future__ import annotations

import re

from bactools.core.errors import STATUS_MEANINGS
from catalogue import commands, purpose


def filled(text: str) -> str:
    """The README with each block between its two comments made anew."""
    rows = [f"| `{command.name}` | {purpose(command)} |" for command in commands()]
    text = block(text, "commands", ["| command | what it does |", "|---|---|", *rows])
    rows = [f"| {status.value} | {meaning} |" for status, meaning in STATUS_MEANINGS.items()]
    return block(text, "statuses", ["| status | meaning |", "|---|---|", *rows])


def block(text: str, name: str, lines: list[str]) -> str:
    """Replace what stands between ``<!-- NAME -->`` and ``<!-- /NAME -->``."""
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    return pattern.sub(lambda found: found[1] + "\n".join(lines) + "\n" + found[2], text)
