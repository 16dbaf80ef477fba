"""What makes a job specification valid beyond its fields' types: checks of one text, rules between fields.

A check takes a text and says what is wrong with it, or None; a rule takes an object that has been read
(``bactools.core.shapes``). The rules are upstream's (pkg/models, Validate). Two are wider: an environment
name is what POSIX allows, and its value may be empty; an engine that allows less refuses at submission.
Some are narrower, because upstream fails later or drops silently: one task, results named as safe
folders, absolute paths where an engine needs them.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bactools.core import platforms
from bactools.core.errors import BacError
from bactools.core.linking import path_of
from bactools.core.running import RESULT_FILES
from bactools.core.shapes import join, quoted, unique

if TYPE_CHECKING:
    from bactools.core.mistakes import Mistakes

PLATFORMS_KEY = "bactools/platforms"
RESERVED_VARIABLE = "BACALHAU_"
# operator -> how many values it takes, at least and at most
OPERATORS: dict[str, tuple[int, int | None]] = {
    "=": (1, 1),
    "==": (1, 1),
    "!=": (1, 1),
    "in": (1, None),
    "notin": (1, None),
    "exists": (0, 0),
    "!": (0, 0),
    "gt": (1, 1),
    "lt": (1, 1),
}

_VARIABLE = re.compile("[A-Za-z_][A-Za-z0-9_]*")
_LABEL = "[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?"
_DOMAIN = re.compile(rf"\.?{_LABEL}(\.{_LABEL})*\.?")
_INTEGER = re.compile("[-+]?[0-9]{1,19}")


def variable(name: str) -> str | None:
    """What is wrong with the name of an environment variable (POSIX.1-2017, 3.235), if anything is."""
    if not _VARIABLE.fullmatch(name):
        return "is not a variable's name: letters, digits and _, not starting with a digit"
    return f"starts with {RESERVED_VARIABLE}, which is reserved" if name.startswith(RESERVED_VARIABLE) else None


def assignment(value: str) -> str | None:
    """What is wrong with ``NAME=value``."""
    name, equals, _ = value.partition("=")
    return variable(name) if equals and name else "must be NAME=value"


def not_blank(value: str) -> str | None:
    """What is wrong with a name that must say something."""
    return None if value.strip() else "is blank"


def absolute(value: str) -> str | None:
    """What is wrong with a path that must start at the root."""
    return None if value.startswith("/") else f"is {quoted(value)}; it must be an absolute path"


def inside(value: str) -> str | None:
    """What is wrong with a path that must not climb out of the root it is put under."""
    return "must not hold '..'" if ".." in value.split("/") else None


def folder(value: str) -> str | None:
    """What is wrong with the name of a result, which is a folder beside the files stdout, stderr and exitCode."""
    if "/" in value or value in (".", "..", *RESULT_FILES):
        return f"is {quoted(value)}; it must be the name of a folder other than {', '.join(RESULT_FILES)}"
    return not_blank(value)


def web_address(value: str) -> str | None:
    """What is wrong with an address to download from."""
    try:
        parts = urlsplit(value)
    except ValueError:
        return "is not a URL"
    whole_url = parts.scheme in ("http", "https") and parts.netloc and parts.path
    return None if whole_url else "must be an http or https URL with a path"


def checksum(value: str) -> str | None:
    """What is wrong with the SHA-256 of a file; upstream has no such field for what it downloads."""
    from bactools.core import download  # it reads mail headers, which take time to import

    try:
        download.sha256(value)
    except BacError:
        return f"is {quoted(value)}; it must be a SHA-256 digest in hex or base64"
    return None


def data_url(value: str) -> str | None:
    """What is wrong with inline content (RFC 2397)."""
    return None if value.startswith("data:") and "," in value else "must be a data URL (data:TYPE;base64,...)"


def domain(value: str) -> str | None:
    """What is wrong with a host name, with or without a leading dot, or an IP address."""
    if _DOMAIN.fullmatch(value):
        return None
    try:
        ip_address(value)
    except ValueError:
        return f"is {quoted(value)}; it must be a host name, a domain with a leading dot, or an IP address"
    return None


def constraint_rule(found: dict[str, Any], path: str, mistakes: Mistakes) -> None:
    """Each operator takes its own number of values; ``gt`` and ``lt`` compare whole numbers."""
    operator, values = found["Operator"], found.get("Values", [])
    least, most = OPERATORS[operator]
    if len(values) < least or (most is not None and len(values) > most):
        wanted = {(0, 0): "no values", (1, 1): "exactly one value"}.get((least, most or 0), "at least one value")
        mistakes.append(f"{path}.Values has {len(values)}; {operator} takes {wanted}")
    elif operator in ("gt", "lt") and not _INTEGER.fullmatch(values[0]):
        mistakes.append(f"{path}.Values[0] is {quoted(values[0])}; {operator} takes a whole number")


def timeouts_rule(found: dict[str, Any], path: str, mistakes: Mistakes) -> None:
    """The parts fit in the whole."""
    total = found.get("TotalTimeout", 0)
    parts = found.get("ExecutionTimeout", 0) + found.get("QueueTimeout", 0)
    if 0 < total < parts:
        mistakes.append(f"{path}: ExecutionTimeout and QueueTimeout are {parts} s together, TotalTimeout is {total} s")


def network_rule(found: dict[str, Any], path: str, mistakes: Mistakes) -> None:
    """Domains belong to HTTP; ports to networks in which something can reach them."""
    kind = found.get("Type", "Default")
    ports = found.get("Ports", [])
    if found.get("Domains") and kind != "HTTP":
        mistakes.append(f"{path}.Domains needs Type HTTP, not {kind}")
    if ports and kind not in ("Host", "Full", "Bridge"):
        mistakes.append(f"{path}.Ports needs Type Host or Bridge, not {kind}")
    unique({f"{path}.Ports[{index}].Name": port["Name"] for index, port in enumerate(ports)}, mistakes)
    if kind in ("Host", "Full"):
        for index, port in enumerate(ports):
            if "Target" in port:
                mistakes.append(f"{path}.Ports[{index}].Target has no use in a {kind} network")


def task_rule(found: dict[str, Any], path: str, mistakes: Mistakes) -> None:
    """Names and places are unique; a module is one of the inputs; a container's inputs have absolute targets."""
    inputs, results = found.get("InputSources", []), found.get("ResultPaths", [])
    sources = f"{path}.InputSources"
    targets = {f"{sources}[{index}].Target": each["Target"] for index, each in enumerate(inputs)}
    unique({at: path_of(target) for at, target in targets.items()}, mistakes)
    unique({f"{sources}[{i}].Alias": each["Alias"] for i, each in enumerate(inputs) if "Alias" in each}, mistakes)
    for name in ("Name", "Path"):
        unique({f"{path}.ResultPaths[{i}].{name}": each[name] for i, each in enumerate(results)}, mistakes)
    if found["Engine"]["Type"] == "docker":
        for at, target in targets.items():
            if complaint := absolute(target):
                mistakes.append(f"{at} {complaint}")
        return
    params = found["Engine"]["Params"]
    modules = {"EntryModule": params["EntryModule"]}
    modules |= {f"ImportModules[{index}]": each for index, each in enumerate(params.get("ImportModules", []))}
    places = set(map(path_of, targets.values()))
    for name, target in modules.items():
        if path_of(target) not in places:
            mistakes.append(f"{path}.Engine.Params.{name} is {quoted(target)}, which is no Target of {sources}")


def job_rule(found: dict[str, Any], path: str, mistakes: Mistakes) -> None:
    """A daemon or ops job runs once on each node; the platforms that a job accepts are its engine's."""
    kind, count = found["Type"], found.get("Count", 0)
    if kind in ("daemon", "ops") and count > 1:
        mistakes.append(f"{join(path, 'Count')} is {count}; a job of type {kind} runs once on each node")
    if len(found["Tasks"]) > 1:
        mistakes.append(
            f"{join(path, 'Tasks')} has {len(found['Tasks'])}; Bacalhau runs only the first: make them jobs"
        )
    engine = found["Tasks"][0]["Engine"]["Type"]
    for platform in filter(None, found.get("Meta", {}).get(PLATFORMS_KEY, "").split(",")):
        if platforms.parse(platform).engine != engine:
            mistakes.append(f"the job accepts {platform}, which is not a platform of its engine, {engine}")
