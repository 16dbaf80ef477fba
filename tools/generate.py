"""Write what is generated from one source: schemas, man pages, completions and the README's tables.

usage: python tools/generate.py           write the files
       python tools/generate.py --check   exit 1 and name each file that is not what it should be
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))

import bactools
import manpages
import readme
import shells
from bactools.core.records import KINDS
from bactools.core.schemas import schema
from catalogue import commands

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
PACKAGE = Path(bactools.__file__).parent


def generated() -> Iterator[tuple[Path, str]]:
    """Every generated file with its whole content."""
    for kind in KINDS:
        yield PACKAGE / "schema" / f"{kind}.json", schema([kind]).decode()
    for command in commands():
        name = command.name
        template = (ROOT / "man" / f"{name}.1.in").read_text(encoding="utf-8")
        yield ROOT / "man" / f"{name}.1", manpages.command_page(template, command)
        yield ROOT / "completions" / f"{name}.bash", shells.bash(command)
        yield ROOT / "completions" / f"_{name}", shells.zsh(command)
        yield ROOT / "completions" / f"{name}.fish", shells.fish(command)
    template = (ROOT / "man" / "bac-records.5.in").read_text(encoding="utf-8")
    yield ROOT / "man" / "bac-records.5", manpages.records_page(template)
    yield ROOT / "README.md", readme.filled((ROOT / "README.md").read_text(encoding="utf-8"))


def main(arguments: list[str]) -> int:
    """Write or check."""
    stale = []
    for path, content in generated():
        if path.exists() and path.read_text(encoding="utf-8") == content:
            continue
        stale.append(str(path))
        if "--check" not in arguments:
            path.write_text(content, encoding="utf-8")
    if "--check" in arguments and stale:
        print("not what tools/generate.py writes:", *stale, sep="\n  ")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
