"""Reading a nested mapping against a table of fields: casing, order, types, and every mistake with its path.

A reader takes a value, its path (``Tasks[0].Engine``) and the list of mistakes so far; it returns the
canonical value, or None after it has added a mistake. Field names match in any case and come out as the
table writes them, in the table's order. What Go treats as absent (null, and an empty text, list or
mapping) is left out. A canonical value read again gives itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, NamedTuple

from bactools.core.errors import BacError
from bactools.core.mistakes import Mistakes

Reader = Callable[[Any, str, Mistakes], Any]
Rule = Callable[[dict[str, Any], str, Mistakes], None]
Check = Callable[[str], "str | None"]

QUOTED = 80


class Field(NamedTuple):
    """One field of an object: its canonical name, how its value is read, and whether it must be there."""

    name: str
    read: Reader
    required: bool = False


def record(*fields: Field, rule: Rule | None = None) -> Reader:
    """An object with these fields and no others; ``rule`` then sees it whole, if nothing in it was wrong."""
    known = {field.name.lower(): field for field in fields}

    def read(value: Any, path: str, mistakes: Mistakes) -> dict[str, Any]:
        before = len(mistakes)
        given = _by_name(value, known, path, mistakes)
        result: dict[str, Any] = {}
        for name, field in known.items():
            found = _field(field, given.get(name), join(path, field.name), mistakes)
            if not is_empty(found):
                result[field.name] = found
        if rule is not None and len(mistakes) == before:
            rule(result, path, mistakes)
        return result

    return read


def listing(item: Reader) -> Reader:
    """A list of such items."""

    def read(value: Any, path: str, mistakes: Mistakes) -> list[Any] | None:
        if not isinstance(value, list):
            mistakes.append(f"{path} is {sort(value)}; it must be a list")
            return None
        return [item(each, f"{path}[{index}]", mistakes) for index, each in enumerate(value)]

    return read


def mapping(key: Check | None = None) -> Reader:
    """A mapping of text to text, sorted by key as Go writes maps; ``key`` says what is wrong with a key."""
    read_key, read_value = text(key, optional=False), text()

    def read(value: Any, path: str, mistakes: Mistakes) -> dict[str, str] | None:
        if not isinstance(value, Mapping):
            mistakes.append(f"{path} is {sort(value)}; it must be a mapping of names to texts")
            return None
        pairs = {
            read_key(name, join(path, str(name)), mistakes): read_value(each, join(path, str(name)), mistakes)
            for name, each in value.items()
        }
        return dict(sorted((name, each) for name, each in pairs.items() if name is not None and each is not None))

    return read


def tagged(kinds: Mapping[str, Reader]) -> Reader:
    """``{Type, Params}`` where the type chooses how the parameters are read; blank means absent."""
    outer = record(Field("Type", choice(*kinds)), Field("Params", anything))

    def read(value: Any, path: str, mistakes: Mistakes) -> dict[str, Any] | None:
        before = len(mistakes)
        given = outer(value, path, mistakes)
        if not given or len(mistakes) > before:
            return None
        if "Type" not in given:
            mistakes.append(f"{join(path, 'Type')} is required: {alternatives(kinds)}")
            return None
        params = kinds[given["Type"]](given.get("Params", {}), join(path, "Params"), mistakes)
        return {"Type": given["Type"], "Params": params} if params else {"Type": given["Type"]}

    return read


def text(check: Check | None = None, *, optional: bool = True) -> Reader:
    """Text; a number becomes its text, a boolean is a mistake because its spelling is already lost.

    Empty text in a field is an absent field and passes every check; an item of a list, or a key, is not
    ``optional``.
    """

    def read(value: Any, path: str, mistakes: Mistakes) -> str | None:
        if isinstance(value, bool):
            mistakes.append(f"{path} is {describe(value)}; it must be text, so write it in quotes")
            return None
        found = str(value) if is_number(value) else value
        if not isinstance(found, str):
            complaint: str | None = f"is {describe(value)}; it must be text"
        else:
            complaint = _complaint(found, None if optional and not found else check)
        if complaint:
            mistakes.append(f"{path} {complaint}")
            return None
        return str(found)

    return read


def whole(minimum: int, maximum: int | None = None) -> Reader:
    """A whole number within bounds."""

    def read(value: Any, path: str, mistakes: Mistakes) -> int | None:
        if isinstance(value, bool) or not isinstance(value, int):
            mistakes.append(f"{path} is {describe(value)}; it must be a whole number")
            return None
        if value < minimum or (maximum is not None and value > maximum):
            bounds = f"at least {minimum}" if maximum is None else f"from {minimum} to {maximum}"
            mistakes.append(f"{path} is {value}; it must be {bounds}")
            return None
        return value

    return read


def choice(*names: str) -> Reader:
    """One of these names, in any case."""
    known = {name.lower(): name for name in names}

    def read(value: Any, path: str, mistakes: Mistakes) -> str | None:
        if value == "":
            return None
        found = known.get(value.lower()) if isinstance(value, str) else None
        if found is None:
            mistakes.append(f"{path} is {describe(value)}; it must be {alternatives(names)}")
        return found

    return read


def boolean(value: Any, path: str, mistakes: Mistakes) -> bool | None:
    """True or false, or their names as text."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    mistakes.append(f"{path} is {describe(value)}; it must be true or false")
    return None


def amount(parse: Callable[[str], float]) -> Reader:
    """A quantity, kept as its text; ``parse`` raises BacError for what is not one."""
    read_text = text()

    def read(value: Any, path: str, mistakes: Mistakes) -> str | None:
        found: str | None = read_text(value, path, mistakes)
        if not found:
            return None
        try:
            parse(found)
        except BacError as error:
            mistakes.append(f"{path}: {error.message}")
            return None
        return found

    return read


def anything(value: Any, _path: str, _mistakes: Mistakes) -> Any:
    """Whatever it is; somebody else reads it."""
    return value


def ignored(_value: Any, _path: str, _mistakes: Mistakes) -> None:
    """Accepted and left out."""


def unique(names: Mapping[str, str], mistakes: Mistakes) -> None:
    """Complain of every two paths in ``names`` (path to value) that hold the same value."""
    first: dict[str, str] = {}
    for path, value in names.items():
        if value in first:
            mistakes.append(f"{path} is {quoted(value)}, as {first[value]} is; they must differ")
        first.setdefault(value, path)


def join(path: str, name: str) -> str:
    """The path of a field of the object at ``path``."""
    shown = name if name and name.isprintable() and len(name) <= QUOTED else quoted(name)
    return f"{path}.{shown}" if path else shown


def is_empty(value: Any) -> bool:
    """Whether Go would read the value as it reads an absent one."""
    return value is None or value in ("", [], {})


def is_number(value: Any) -> bool:
    """Whether the value is a finite number and not a boolean."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)


def describe(value: Any) -> str:
    """A value in a message, without spilling it."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return quoted(value)


def sort(value: Any) -> str:
    """What sort of value it is, in a message, where the value itself may be a secret."""
    if isinstance(value, str):
        return "text"
    return "a number" if is_number(value) else describe(value)


def quoted(value: Any) -> str:
    """The start of a value, with what a terminal would obey made visible."""
    shown = repr(value)
    return shown if len(shown) <= QUOTED else f"{shown[:QUOTED]}…"


def alternatives(names: Mapping[str, Any] | tuple[str, ...]) -> str:
    """Names as a choice: ``a, b or c``."""
    *most, last = names
    return f"{', '.join(most)} or {last}" if most else last


def _field(field: Field, value: Any, path: str, mistakes: Mistakes) -> Any:
    before = len(mistakes)
    found = None if value is None else field.read(value, path, mistakes)
    if field.required and is_empty(found) and len(mistakes) == before:
        mistakes.append(f"{path} is required")
    return found


def _by_name(value: Any, known: Mapping[str, Field], path: str, mistakes: Mistakes) -> dict[str, Any]:
    """The values given, by lower-case name; what is not known, or given twice, is a mistake."""
    if not isinstance(value, Mapping):
        mistakes.append(f"{path or 'the job'} is {describe(value)}; it must be a mapping")
        return {}
    given: dict[str, Any] = {}
    for name, content in value.items():
        lower = str(name).lower()
        if lower not in known:
            if mistakes.lenient:
                continue
            mistakes.append(f"{join(path, str(name))} is not a known field{_suggestion(lower, known)}")
        elif lower in given:
            mistakes.append(f"{join(path, known[lower].name)} is given twice, in different case")
        given[lower] = content
    return given


def _suggestion(name: str, known: Mapping[str, Field]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, known, n=1)
    if close:
        return f"; did you mean {known[close[0]].name}?"
    return f"; the fields here are {', '.join(field.name for field in known.values())}" if known else "; there are none"


def _complaint(value: str, check: Check | None) -> str | None:
    if "\0" in value:
        return "holds a NUL character"
    if any("\ud800" <= letter <= "\udfff" for letter in value):
        return "is not valid Unicode text"
    return check(value) if check else None
