"""The commands and their options, as the generators see them."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

import bactools

if TYPE_CHECKING:
    from types import ModuleType

COMMANDS = Path(bactools.__file__).parent / "commands"


class Branch(NamedTuple):
    """A command, or one of its subcommands: ``name`` is empty for the command itself."""

    name: str
    command: click.Command

    @property
    def options(self) -> list[click.Option]:
        """The options in help's order, ``--help`` last."""
        shown = [item for item in self.command.params if isinstance(item, click.Option) and not item.hidden]
        return [*shown, click.Option(["--help"], is_flag=True, help="Show this message and exit.")]

    @property
    def usage(self) -> str:
        """The operands in help's words, such as ``NODES...``."""
        operands = (item for item in self.command.params if isinstance(item, click.Argument))
        return " ".join(item.make_metavar(click.Context(self.command)) for item in operands)


def commands() -> list[click.Command]:
    """The click command of every module in ``bactools/commands``, by name."""
    modules = sorted(path.stem for path in COMMANDS.glob("bac_*.py"))
    return [importlib.import_module(f"bactools.commands.{name}").command for name in modules]


def branches(command: click.Command) -> list[Branch]:
    """The command, and the forms that its first word chooses among."""
    forms: dict[str, click.Command] = getattr(module(command), "FORMS", {})
    return [Branch("", command), *(Branch(name, item) for name, item in sorted(forms.items()))]


def module(command: click.Command) -> ModuleType:
    """The module of a command."""
    return importlib.import_module(f"bactools.commands.{(command.name or '').replace('-', '_')}")


def purpose(command: click.Command) -> str:
    """The first sentence of the help text, without its full stop."""
    return first_line(command.help or "").rstrip(".")


def first_line(text: str) -> str:
    """The first line of a docstring."""
    return inspect.cleandoc(text).split("\n", 1)[0]


def choices(option: click.Option) -> list[str]:
    """The words that an option takes, when it is a closed list."""
    return [str(item) for item in option.type.choices] if isinstance(option.type, click.Choice) else []


def placeholder(option: click.Option) -> str:
    """How help writes an option's value; empty for a flag."""
    if option.is_flag or option.count:
        return ""
    return option.metavar or "|".join(choices(option)) or str(option.type.name).upper()


def takes_path(parameter: click.Parameter) -> bool:
    """Whether a file or folder is wanted."""
    return isinstance(parameter.type, click.Path)
