"""The short forms of a job's parts on the command line, as upstream's ``docker run`` and ``wasm run`` read them.

    input        SRC[:DST][,dst=DST][,opt=KEY=VALUE]...    file://PATH http(s)://... s3://BUCKET/KEY ipfs://CID[/PATH]
    module       SRC[:TARGET]                              the same, or the path of a file
    output       NAME:/PATH
    publisher    local | ipfs | s3managed | noop | s3://BUCKET/KEY[,opt=KEY=VALUE]...
    environment  NAME=VALUE, or NAME: the host's, which stays a reference (env:NAME)
    constraints  the label selectors of Kubernetes: os_arch in (arm64,amd64),zone!=eu,gpu,!slow,mem>4
    label        KEY=VALUE

Unlike upstream, only a ``:/`` that is not ``://`` starts DST, so that ``https://host:9000/f`` is whole, and what
upstream would drop (a path below an IPFS CID) is an error. All raise BacError ``bad_spec``.
"""

from __future__ import annotations

import posixpath
import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from bactools.core.errors import BacError
from bactools.core.shapes import alternatives, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DEFAULT_TARGET = "/inputs"
CHECKSUM_OPTIONS = {
    "checksum-256": "ChecksumSHA256",
    "checksum256": "ChecksumSHA256",
    "checksum_256": "ChecksumSHA256",
}
S3_OPTIONS = {
    "endpoint": "Endpoint",
    "region": "Region",
    "versionid": "VersionID",
    "version-id": "VersionID",
    "version_id": "VersionID",
    **CHECKSUM_OPTIONS,
    "filter": "Filter",
}
FILE_OPTIONS = {"rw": "ReadWrite", "read-write": "ReadWrite", "create-as": "CreateAs"}
PUBLISHER_OPTIONS = {"region": "Region", "endpoint": "Endpoint", "encoding": "Encoding"}
SIGNS = {"=": "=", "==": "==", "!=": "!=", ">": "gt", "<": "lt"}

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_PARTS = re.compile(r",(?=(?:dst|destination|target|opt)=)")
_PLACE = re.compile(r"(.+):(/(?!/).*)", re.DOTALL)
_MODULE_PLACE = re.compile(r"(.+):((?!//)[^:]+)", re.DOTALL)
_USERINFO = re.compile(r"(?<=://)[^/?#]*@")
_TOKEN = re.compile(r"\s*(==|!=|[=<>!(),]|[^\s=<>!(),]+)")


class Written(NamedTuple):
    """An input or a publisher as it was written, taken apart; nothing in it is checked yet."""

    source: str
    target: str | None
    options: dict[str, str]


def input_source(text: str, cwd: Callable[[], str]) -> dict[str, Any]:
    """An input; a relative file is one below what ``cwd`` gives, which only such a file asks for."""
    written = _split(text, _PLACE)
    source = remote(written, text) or _file(written, text, cwd)
    return {"Source": source, "Target": written.target or DEFAULT_TARGET}


def module(text: str) -> Written:
    """A module's source, and where it is to be in the job; a target may be relative."""
    return _split(text, _PLACE if _SCHEME.match(text) else _MODULE_PLACE)


def remote(written: Written, text: str) -> dict[str, Any] | None:
    """The source of an address that is not a file; None if it is one. ``text`` is for messages."""
    scheme, rest = _scheme(written.source)
    if scheme in ("http", "https"):
        return _source("urlDownload", {"URL": written.source}, written, CHECKSUM_OPTIONS, text)
    if scheme == "s3":
        bucket, _, key = rest.partition("/")
        return _source("s3", {"Bucket": bucket, "Key": key}, written, S3_OPTIONS, text)
    if scheme == "ipfs":
        return _source("ipfs", {"CID": rest}, written, {}, text)
    if scheme not in ("", "file"):
        _refuse(text, f"has the scheme {scheme}; it may be file, http, https, s3 or ipfs")
    return None


def local_path(written: Written, cwd: Callable[[], str]) -> str:
    """The absolute path of a file, given as it is or as file://PATH."""
    path = written.source.removeprefix("file://")
    return posixpath.normpath(path if posixpath.isabs(path) else posixpath.join(cwd(), path))


def output(text: str) -> dict[str, Any]:
    """A result: its name and the path in the job that it is kept from."""
    name, colon, path = text.partition(":")
    if not (colon and name and path.startswith("/")):
        _refuse(text, "is not NAME:/PATH")
    return {"Name": name, "Path": path}


def publisher(text: str) -> dict[str, Any]:
    """Where results go."""
    written = _split(text, None)
    scheme, rest = _scheme(written.source)
    if scheme == "s3":
        bucket, _, key = rest.partition("/")
        if not key:
            _refuse(text, "has no key: write s3://BUCKET/KEY")
        return _source("s3", {"Bucket": bucket, "Key": key}, written, PUBLISHER_OPTIONS, text)
    names = ("local", "ipfs", "s3managed", "noop")
    if written.source.lower() not in names:
        _refuse(text, f"is not {alternatives((*names, 's3://BUCKET/KEY'))}")
    return _source(written.source.lower(), {}, written, {}, text)


def environment(text: str) -> tuple[str, str]:
    """A variable and its value."""
    name, equals, value = text.partition("=")
    if not name:
        # the value may be a secret: it is not repeated
        raise BacError("bad_spec", "a variable has no name: write NAME=VALUE")
    return name, value if equals else f"env:{name}"


def label(text: str) -> tuple[str, str]:
    """A label and its value."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        _refuse(text, "is not KEY=VALUE")
    return name, value


def constraints(text: str) -> list[dict[str, Any]]:
    """Conditions on a node's labels, in the order written."""
    tokens = _TOKEN.findall(text)
    if "".join(tokens) != "".join(text.split()):
        _refuse(text, "is not a label selector")
    found = [_constraint(tokens, text)]
    while tokens:
        _expect(tokens, ",", text)
        found.append(_constraint(tokens, text))
    return found


def _constraint(tokens: list[str], text: str) -> dict[str, Any]:
    if tokens[:1] == ["!"]:
        tokens.pop(0)
        return {"Key": _word(tokens, text), "Operator": "!"}
    key = _word(tokens, text)
    if tokens[:1] in ([], [","]):
        return {"Key": key, "Operator": "exists"}
    operator = tokens.pop(0)
    if operator in ("in", "notin"):
        return {"Key": key, "Operator": operator, "Values": _values(tokens, text)}
    if operator not in SIGNS:
        _refuse(text, f"has {operator!r} where an operator belongs: = == != in notin > <")
    value = "" if tokens[:1] in ([], [","]) and operator not in "<>" else _word(tokens, text)
    return {"Key": key, "Operator": SIGNS[operator], "Values": [value]}


def _values(tokens: list[str], text: str) -> list[str]:
    _expect(tokens, "(", text)
    values = [_word(tokens, text)]
    while tokens[:1] == [","]:
        tokens.pop(0)
        values.append(_word(tokens, text))
    _expect(tokens, ")", text)
    return values


def _word(tokens: list[str], text: str) -> str:
    if not tokens or _TOKEN.fullmatch(tokens[0]) is None or tokens[0][0] in "=<>!(),":
        _refuse(text, f"has {tokens[0]!r} where a name belongs" if tokens else "ends where a name belongs")
    return tokens.pop(0)


def _expect(tokens: list[str], sign: str, text: str) -> None:
    if tokens[:1] != [sign]:
        _refuse(text, f"has {tokens[0]!r} where {sign!r} belongs" if tokens else f"ends where {sign!r} belongs")
    tokens.pop(0)


def _split(text: str, place: re.Pattern[str] | None) -> Written:
    """The parts of ``SRC[:DST][,dst=DST][,opt=KEY=VALUE]``; commas of an address belong to it."""
    source, *parts = _PARTS.split(text)
    target: str | None = None
    options: dict[str, str] = {}
    for part in parts:
        name, _, value = part.partition("=")
        if name != "opt":
            target = value
            continue
        key, equals, value = value.partition("=")
        if not equals or key.lower() in options:
            _refuse(text, f"has the option {key!r} {'twice' if equals else 'without a value: write opt=KEY=VALUE'}")
        options[key.lower()] = value
    found = place.fullmatch(source) if place else None
    if found and target is None:
        source, target = found[1], found[2]
    return Written(source, target, options)


def _scheme(source: str) -> tuple[str, str]:
    found = _SCHEME.match(source)
    return (found[1].lower(), source[found.end() :]) if found else ("", source)


def _file(written: Written, text: str, cwd: Callable[[], str]) -> dict[str, Any]:
    if written.source in ("", "file://"):
        _refuse(text, "names nothing: write file://PATH, an http or https URL, s3://BUCKET/KEY or ipfs://CID")
    if not written.source.startswith("file://"):
        _refuse(text, f"has no scheme: write file://{written.source}")
    return _source("local", {"SourcePath": local_path(written, cwd)}, written, FILE_OPTIONS, text)


def _source(
    type_: str, params: dict[str, Any], written: Written, known: Mapping[str, str], text: str
) -> dict[str, Any]:
    for name, value in written.options.items():
        if name not in known:
            close = get_close_matches(name, known, n=1)
            hint = f": did you mean {close[0]}?" if close else f"; known are {', '.join(known) or 'none'}"
            _refuse(text, f"has an unknown option {name!r}{hint}")
        params[known[name]] = value
    return {"Type": type_, "Params": params}


def _refuse(text: str, why: str) -> NoReturn:
    # a URL may hold a password (RFC 3986, 3.2.1)
    raise BacError("bad_spec", f"{quoted(_USERINFO.sub('', text))} {why}")
