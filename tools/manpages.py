"""Man pages: a hand-written template in which the options, exit statuses, codes and fields are filled in."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

import msgspec

from bactools import __version__
from bactools.core.errors import CODES, STATUS_MEANINGS
from bactools.core.records import KINDS
from catalogue import Branch, branches, placeholder, purpose

if TYPE_CHECKING:
    import click

ENVIRONMENT = {
    "BACTOOLS_FORMAT": "jsonl or table, when --format is not given.",
    "BACTOOLS_DEBUG": "Set to 1, a bug shows where it is.",
}


def command_page(template: str, command: click.Command) -> str:
    """The page of one command."""
    return fill(
        template,
        NAME=f"{roff(command.name or '')} \\- {roff(purpose(command)[0].lower() + purpose(command)[1:])}",
        SYNOPSIS="\n.br\n".join(synopsis(command, branch) for branch in branches(command)),
        OPTIONS="\n".join(option_block(branch) for branch in branches(command)),
        EXAMPLES="\n.PP\n".join(example_block(item) for item in getattr(command, "examples", ())),
    )


def records_page(template: str) -> str:
    """The page of the protocol: every kind with its fields, and every error code."""
    return fill(
        template,
        KINDS="\n".join(kind_block(name, kind) for name, kind in KINDS.items()),
        CODES="\n".join(
            paragraph(
                f"\\fB{roff(name)}\\fR ({code.status.value}{', may pass' if code.retryable else ''})", code.meaning
            )
            for name, code in CODES.items()
        ),
    )


def fill(template: str, **blocks: str) -> str:
    """The template with ``@NAME@`` and its kin replaced, and what every page has."""
    common = {
        "VERSION": __version__,
        "EXITSTATUS": "\n".join(
            paragraph(f"\\fB{status.value}\\fR", meaning) for status, meaning in STATUS_MEANINGS.items()
        ),
        "ENVIRONMENT": "\n".join(paragraph(f"\\fB{name}\\fR", meaning) for name, meaning in ENVIRONMENT.items()),
    }
    for name, block in {**common, **blocks}.items():
        template = template.replace(f"@{name}@", block)
    return template


def synopsis(command: click.Command, branch: Branch) -> str:
    """One line of usage."""
    words = [f"\\fB{roff(' '.join(filter(None, (command.name, branch.name))))}\\fR", "[\\fIOPTIONS\\fR]"]
    return " ".join([*words, f"\\fI{roff(branch.usage)}\\fR"] if branch.usage else words)


def option_block(branch: Branch) -> str:
    """The options of a command or subcommand."""
    heading = f".SS Options of {branch.name}\n" if branch.name else ""
    blocks = []
    for option in branch.options:
        names = ", ".join(f"\\fB{roff(name)}\\fR" for name in sorted(option.opts, key=len))
        value = placeholder(option)
        blocks.append(paragraph(f"{names} \\fI{roff(value)}\\fR" if value else names, option.help or ""))
    return heading + "\n".join(blocks)


def example_block(example: str) -> str:
    """An example as it is typed."""
    return f".nf\n.RS 4\n{roff(example)}\n.RE\n.fi"


def kind_block(name: str, kind: type[msgspec.Struct]) -> str:
    """A kind of record: what it is and its fields with their types."""
    fields = [
        paragraph(f"\\fB{roff(field.encode_name)}\\fR", type_name(hint))
        for field, hint in zip(msgspec.structs.fields(kind), hints(kind), strict=True)
        if field.name != "v"
    ]
    return "\n".join([f".SS {name}", roff(" ".join(inspect.getdoc(kind).split()).replace("``", "")), *fields])


def hints(kind: type[msgspec.Struct]) -> list[Any]:
    """The types of a Struct's fields in order."""
    known = get_type_hints(kind)
    return [known[field.name] for field in msgspec.structs.fields(kind)]


def type_name(hint: Any) -> str:
    """A type in words: ``string``, ``list of ...``, an object by the names of its fields."""
    arguments = get_args(hint)
    origin = getattr(hint, "__origin__", None)
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        names = (field.encode_name for field in msgspec.structs.fields(hint) if field.name != "v")
        text = "{" + ", ".join(names) + "}"
    elif origin is list:
        text = f"list of {type_name(arguments[0])}"
    elif origin is dict:
        text = f"object of {type_name(arguments[1])}s"
    elif all(isinstance(item, str) for item in arguments) and arguments:
        text = ", ".join(arguments)
    elif arguments:
        text = " or ".join(filter(None, map(type_name, arguments)))
    else:
        text = WORDS.get(hint, "any value")
    return text


WORDS = {
    msgspec.UnsetType: "",
    str: "string",
    int: "integer",
    float: "number",
    bool: "true or false",
    type(None): "null",
    msgspec.Raw: "a whole record",
}


def paragraph(term: str, text: str) -> str:
    """A term and what it means."""
    return f".TP\n{term}\n{roff(text)}"


def roff(text: str) -> str:
    """Text that roff shows as it is: backslashes, hyphens, and dots or quotes that begin a line."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped
