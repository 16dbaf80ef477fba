"""Files that people write: YAML and JSON documents, and the bytes of the small files that they name.

The only importer of yaml. YAML is read event by event, because libyaml's own composer overflows the C stack on
deep nesting and lets aliases expand without end. A key is text, and given once. Of plain scalars only
``true``, ``false``, ``null`` and numbers that print as they were written are not text: ``on``, ``0755``,
``12:30``, ``1.10`` and dates stay what was typed.
"""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn

from bactools.core.errors import BacError
from bactools.core.located import Located

if TYPE_CHECKING:
    from collections.abc import Iterator

    import yaml

    from bactools.core.located import Place

LIMIT = 16 * 1024 * 1024
LOCATED_LIMIT = 1024 * 1024
"""Bytes: to know where every value stands takes many times its size."""
DEPTH = 100
VALUES = 1_000_000

_TAG = "tag:yaml.org,2002:"
_MERGE = "<<"
_WORDS = {
    word: value
    for names, value in (("true True TRUE", True), ("false False FALSE", False), ("null Null NULL ~", None))
    for word in names.split()
} | {"": None}
_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,17})?")
_JSON = re.compile(r"\s*(\{\s*[\"}]|\[)")
_SPACE = re.compile(r"\s*")


def read(path: str) -> list[object]:
    """The documents in a file; none if it is empty. Raises BacError as ``contents`` and ``load`` do."""
    return load(contents(path, LIMIT), path)


def load(data: bytes, name: str) -> list[object]:
    """YAML documents, or JSON values one after another. ``name`` is for messages.

    Raises BacError ``bad_document`` (with the line) or ``too_large``.
    """
    text = _text(data, name)
    return list(_json_or_yaml(text, name) if _JSON.match(text) else _values(text, name))


def located(path: str) -> list[Located]:
    """The documents of a file with the lines of their values; JSON counts as YAML here.

    Raises BacError as ``read``.
    """
    return list(_yaml(_text(contents(path, LOCATED_LIMIT), path), path, marked=True))


def opened(path: str) -> IO[bytes]:
    """A file or pipe, to be closed by the caller. Raises BacError ``unreadable_file``."""
    try:
        return Path(path).open("rb")
    except OSError as error:
        raise _unreadable(path, str(error.strerror)) from error


def contents(path: str, limit: int) -> bytes:
    """The bytes of a file or pipe. Raises BacError ``unreadable_file``, or ``too_large`` above ``limit`` bytes."""
    try:
        with Path(path).open("rb") as stream:
            data = stream.read(limit + 1)
    except OSError as error:
        raise _unreadable(path, str(error.strerror)) from error
    if len(data) > limit:
        raise _too_large(path, limit)
    return data


def regular_file(path: str) -> str:
    """The absolute path of a file that can be read again later. Raises BacError ``unreadable_file``."""
    try:
        if not stat.S_ISREG(Path(path).stat().st_mode):
            raise _unreadable(path, "it is not a regular file")
        with Path(path).open("rb"):
            return os.path.abspath(path)  # noqa: PTH100 (Path.resolve would follow links, Path.absolute keeps "..")
    except OSError as error:
        raise _unreadable(path, str(error.strerror)) from error


def _text(data: bytes, name: str) -> str:
    if len(data) > LIMIT:
        raise _too_large(name, LIMIT)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refusal(name, data.count(b"\n", 0, error.start) + 1, "it is not UTF-8") from error


def _json_or_yaml(text: str, name: str) -> list[object]:
    """What looks like JSON may be YAML in flow style: with comments, or documents parted by ``---``."""
    try:
        return list(_json(text, name))
    except json.JSONDecodeError as error:
        try:
            return list(_values(text, name))
        except BacError:
            raise _refusal(name, error.lineno, error.msg) from error


def _json(text: str, name: str) -> Iterator[object]:
    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in items:
            if key in found:
                raise _refusal(name, None, f"key {key!r} is given twice")
            found[key] = value
        return found

    def constant(word: str) -> NoReturn:
        raise _refusal(name, None, f"{word} is not JSON")

    decoder = json.JSONDecoder(object_pairs_hook=pairs, parse_constant=constant)
    place, end = 0, len(text.rstrip())
    while place < end:
        try:
            value, place = decoder.raw_decode(text, _skipped(text, place))
        except json.JSONDecodeError:
            raise
        except RecursionError as error:
            raise _refusal(name, None, "it is nested too deep") from error
        except ValueError as error:
            raise _refusal(name, None, "a number in it is too long") from error
        yield value


def _skipped(text: str, place: int) -> int:
    """Where the next value starts."""
    space = _SPACE.match(text, place)
    return space.end() if space else place


def _values(text: str, name: str) -> Iterator[object]:
    return (document.value for document in _yaml(text, name))


def _yaml(text: str, name: str, *, marked: bool = False) -> Iterator[Located]:
    import yaml

    # libyaml is missing where PyYAML was built without it; the result is the same, ten times slower.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        builder = _Builder(yaml.parse(text, Loader=loader), name, marked=marked)
        yield from builder.documents()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise _refusal(name, line, error.problem or "it is not YAML") from error
    except yaml.YAMLError as error:
        raise _refusal(name, None, "it holds a character that YAML does not allow") from error


class _Builder:
    """Values from YAML events: counts what it builds, aliases at their full size."""

    def __init__(self, events: Iterator[yaml.Event], name: str, *, marked: bool) -> None:
        self._events = events
        self._name = name
        self._marked = marked
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._lines: dict[Place, int] = {}
        self._count = 0

    def documents(self) -> Iterator[Located]:
        """Each document that says anything."""
        for event in self._events:
            if type(event).__name__ == "DocumentStartEvent":
                self._anchors.clear()
                self._lines = {}
                value = self._value(next(self._events), ())
                if value is not None:
                    yield Located(value, self._lines)

    def _value(self, event: Any, place: Place) -> Any:
        kind = type(event).__name__
        if len(place) > DEPTH:
            raise self._refused(event, f"it is nested more than {DEPTH} deep")
        self._mark(event, place)
        if kind == "AliasEvent":
            return self._alias(event)
        before = self._count
        self._grow(event, 1)
        if kind == "ScalarEvent":
            value = self._scalar(event)
        elif kind == "SequenceStartEvent":
            value = self._sequence(event, place)
        else:
            value = self._mapping(event, place)
        if event.anchor:
            self._anchors[event.anchor] = (value, self._count - before)
        return value

    def _mark(self, event: Any, place: Place) -> None:
        if self._marked:
            self._lines[place] = event.start_mark.line + 1

    def _alias(self, event: Any) -> Any:
        if event.anchor not in self._anchors:
            raise self._refused(event, f"alias *{event.anchor} refers to nothing before it")
        value, size = self._anchors[event.anchor]
        self._grow(event, size)
        return value

    def _scalar(self, event: Any) -> Any:
        plain = event.implicit[0] or (event.tag or "").removeprefix(_TAG) in ("int", "float", "bool", "null")
        if not plain:
            self._check_tag(event, ("str",))
            return event.value
        return _plain(event.value)

    def _sequence(self, event: Any, place: Place) -> list[Any]:
        self._check_tag(event, ("seq",))
        items: list[Any] = []
        while type(inner := next(self._events)).__name__ != "SequenceEndEvent":
            items.append(self._value(inner, (*place, len(items))))
        return items

    def _mapping(self, event: Any, place: Place) -> dict[str, Any]:
        self._check_tag(event, ("map",))
        found: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        inner: Any
        while type(inner := next(self._events)).__name__ != "MappingEndEvent":
            if type(inner).__name__ != "ScalarEvent":
                raise self._refused(inner, "a key is not plain text")
            value = self._value(next(self._events), (*place, inner.value))
            self._mark(inner, (*place, inner.value))
            if inner.value == _MERGE and inner.implicit[0]:
                merged = {**self._merged(inner, value), **merged}
            elif inner.value in found:
                raise self._refused(inner, f"key {inner.value!r} is given twice")
            else:
                found[inner.value] = value
        return {**merged, **found}

    def _merged(self, event: Any, value: Any) -> dict[str, Any]:
        """What ``<<`` brings in: a mapping, or several of which the first wins."""
        result: dict[str, Any] = {}
        for each in value if isinstance(value, list) else [value]:
            if not isinstance(each, dict):
                raise self._refused(event, "<< is followed by something other than mappings")
            result = {**each, **result}
        return result

    def _check_tag(self, event: Any, allowed: tuple[str, ...]) -> None:
        if event.tag not in (None, "!") and event.tag.removeprefix(_TAG) not in allowed:
            raise self._refused(event, f"tag {event.tag} is not used here")

    def _grow(self, event: Any, size: int) -> None:
        self._count += size
        if self._count > VALUES:
            raise self._refused(event, f"it holds more than {VALUES} values, aliases included")

    def _refused(self, event: Any, why: str) -> BacError:
        return _refusal(self._name, event.start_mark.line + 1, why)


def _plain(text: str) -> Any:
    """The value of a scalar without quotes."""
    if text in _WORDS:
        return _WORDS[text]
    if _NUMBER.fullmatch(text):
        number = float(text) if "." in text else int(text)
        return number if str(number) == text else text
    return text


def _refusal(name: str, line: int | None, why: str) -> BacError:
    where = name if line is None else f"line {line} of {name}"
    return BacError("bad_document", f"cannot read {where}: {why}", input=name)


def _unreadable(path: str, why: str) -> BacError:
    return BacError("unreadable_file", f"cannot read {path}: {why}", input=path)


def _too_large(name: str, limit: int) -> BacError:
    return BacError("too_large", f"{name} is larger than {limit} bytes", input=name)
