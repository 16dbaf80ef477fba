"""The host file: what the owner of a host says about it that bac-probe cannot find out, or shall not tell.

    name: edge-7                  # instead of the host name
    labels: {zone: eu, tier: "2"} # text to text; --label goes over them
    withhold: [docker]            # engines that are not offered: docker, wasm
    emulation: false              # do not offer emulated platforms

Every key may be absent. A key that is not known is an error: a typing mistake must not publish what was
to be withheld.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from bactools.core.errors import BacError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ENGINES = ("docker", "wasm")
KEYS = ("name", "labels", "withhold", "emulation")


class Settings(NamedTuple):
    """What the host file says; the defaults are those of a host without one."""

    name: str | None = None
    labels: Mapping[str, str] = MappingProxyType({})
    withhold: tuple[str, ...] = ()
    emulation: bool = True


def settings(documents: Sequence[object], source: str) -> Settings:
    """Read the documents of a host file; ``source`` is its name for messages. Raises BacError ``bad_config``."""
    if len(documents) > 1:
        _refuse(source, f"holds {len(documents)} documents", "Keep one.")
    content = documents[0] if documents else None
    if content is None:
        return Settings()
    if not isinstance(content, dict):
        _refuse(source, "is not a mapping of keys to values", f"The keys are {', '.join(KEYS)}.")
    for key in content:
        if key not in KEYS:
            _refuse(source, f"has an unknown key {key!r}", _nearest(str(key), KEYS))
    return Settings(
        name=_name(content.get("name"), source),
        labels=_labels(content.get("labels"), source),
        withhold=_withhold(content.get("withhold"), source),
        emulation=_emulation(content.get("emulation"), source),
    )


def is_text(value: object) -> bool:
    """Whether a value can be a name, a label's key or its value: text that prints on one line."""
    return isinstance(value, str) and value.isprintable()


def _name(value: Any, source: str) -> str | None:
    if value is not None and not (is_text(value) and value):
        _refuse(source, f"has a name that is not text on one line: {value!r}", "Quote it.")
    return value


def _labels(value: Any, source: str) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        _refuse(source, f"has labels that are not a mapping: {value!r}", "Write labels: {key: value}.")
    for key, text in value.items():
        if not (is_text(key) and key):
            _refuse(source, f"has a label key that is not text on one line: {key!r}", "Quote it.")
        if not is_text(text):
            _refuse(source, f"has a label {key} that is not text on one line: {text!r}", "Quote its value.")
    return dict(value)


def _withhold(value: Any, source: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        _refuse(source, f"has a withhold that is not a list: {value!r}", "Write withhold: [docker].")
    for engine in value:
        if engine not in ENGINES:
            _refuse(source, f"withholds an unknown engine {engine!r}", _nearest(str(engine), ENGINES))
    return tuple(value)


def _emulation(value: Any, source: str) -> bool:
    if value is None:
        return True
    if not isinstance(value, bool):
        _refuse(source, f"has an emulation that is neither true nor false: {value!r}", "Write emulation: false.")
    return value


def _nearest(word: str, known: tuple[str, ...]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(word, known, n=1)
    return f"Did you mean {near[0]}?" if near else f"Known: {', '.join(known)}."


def _refuse(source: str, problem: str, hint: str) -> NoReturn:
    raise BacError("bad_config", f"host file {source} {problem}", hint=hint, input=source)
