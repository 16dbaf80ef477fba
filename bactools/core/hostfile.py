"""The host file: what the owner of a host says about it that bac-probe cannot find out, or shall not tell.

    name: edge-7                  # instead of the host name
    labels: {zone: eu, tier: "2"} # text to text; --label goes over them
    withhold: [wasm, linux/arm]   # engines and platforms that are not offered
    emulation: false              # do not offer emulated platforms
    limits: {cpu: 2, memory: 4GiB, disk: 20GB, gpus: 1}  # the most that one job may have
    local_paths: [/srv/data, /srv/out:rw]                # what a job may have of this host's files

Every key may be absent. A key that is not known is an error: a typing mistake must not publish what was
to be withheld.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from bactools.core import platforms
from bactools.core.errors import BacError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bactools.core.located import Located, Place
    from bactools.core.platforms import Platform

ENGINES = ("docker", "wasm")
KEYS = ("name", "labels", "withhold", "emulation", "limits", "local_paths")
MOST_GPUS = 1024
_ANY = "any"


class Limits(NamedTuple):
    """The most that one job may have: cores, bytes, bytes, GPUs; None is no limit."""

    cpu: float | None = None
    memory: int | None = None
    disk: int | None = None
    gpus: int | None = None


class LocalPath(NamedTuple):
    """A file or folder of the host that jobs may have, with all below it."""

    path: str
    writable: bool


class Settings(NamedTuple):
    """What the host file says; the defaults are those of a host without one.

    ``withhold`` are engines, ``withheld`` platforms: without a variant, those of every variant.
    ``local_paths`` is None where the file does not speak of them.
    """

    name: str | None = None
    labels: Mapping[str, str] = MappingProxyType({})
    withhold: tuple[str, ...] = ()
    emulation: bool = True
    withheld: tuple[Platform, ...] = ()
    limits: Limits | None = None
    local_paths: tuple[LocalPath, ...] | None = None


def settings(documents: Sequence[Located], source: str) -> Settings:
    """Read the documents of a host file; ``source`` is its name for messages. Raises BacError ``bad_config``."""
    if len(documents) > 1:
        raise BacError("bad_config", f"host file {source} holds {len(documents)} documents", hint="Keep one.")
    if not documents:
        return Settings()
    return _Reader(documents[0], source).settings()


def withholds(found: Settings, platform: Platform) -> bool:
    """Whether an offer must not be made: it would run a platform that is withheld."""
    return any(
        platforms.rank(platform, kept, assume=False) is not None
        or (not kept.variant and kept.engine == "docker" and kept[:2] == platform[:2])
        for kept in found.withheld
    )


def is_text(value: object) -> bool:
    """Whether a value can be a name, a label's key or its value: text that prints on one line."""
    return isinstance(value, str) and value.isprintable()


class _Reader:
    """One document: each method reads one key, and a mistake is named with its line."""

    def __init__(self, document: Located, source: str) -> None:
        self._document = document
        self._source = source

    def settings(self) -> Settings:
        content = self._document.value
        if not isinstance(content, dict):
            self._refuse((), "is not a mapping of keys to values", f"The keys are {', '.join(KEYS)}.")
        for key in content:
            if key not in KEYS:
                self._refuse((key,), f"has an unknown key {key!r}", _nearest(str(key), KEYS))
        withhold = self._list("withhold", "Write withhold: [docker].") or []
        return Settings(
            name=self._name(content.get("name")),
            labels=self._labels(content.get("labels")),
            withhold=tuple(item for item in withhold if item in ENGINES),
            emulation=self._emulation(content.get("emulation")),
            withheld=tuple(self._platform(at, item) for at, item in enumerate(withhold) if item not in ENGINES),
            limits=self._limits(content.get("limits")),
            local_paths=self._local_paths(),
        )

    def _name(self, value: Any) -> str | None:
        if value is not None and not (is_text(value) and value):
            self._refuse(("name",), f"has a name that is not text on one line: {value!r}", "Quote it.")
        return value

    def _labels(self, value: Any) -> dict[str, str]:
        if value is None:
            return {}
        if not isinstance(value, dict):
            hint = "Write labels: {key: value}."
            self._refuse(("labels",), f"has labels that are not a mapping: {value!r}", hint)
        for key, text in value.items():
            place = ("labels", key)
            if not (is_text(key) and key):
                self._refuse(place, f"has a label key that is not text on one line: {key!r}", "Quote it.")
            if not is_text(text):
                self._refuse(place, f"has a label {key} that is not text on one line: {text!r}", "Quote its value.")
        return dict(value)

    def _emulation(self, value: Any) -> bool:
        if value is None:
            return True
        if not isinstance(value, bool):
            problem = f"has an emulation that is neither true nor false: {value!r}"
            self._refuse(("emulation",), problem, "Write emulation: false.")
        return value

    def _list(self, key: str, hint: str) -> list[Any] | None:
        value = self._document.value.get(key)
        if value is not None and not isinstance(value, list):
            self._refuse((key,), f"has a {key} that is not a list: {value!r}", hint)
        return value

    def _platform(self, position: int, item: Any) -> Platform:
        """A platform to withhold; one that is written without a variant stands for every variant."""
        place = ("withhold", position)
        word = str(item)
        if "/" not in word:
            self._refuse(place, f"withholds an unknown engine {item!r}", _nearest(word, ENGINES))
        try:
            platform = platforms.parse(word)
        except BacError as error:
            self._refuse(place, f"withholds what is no platform: {error.message}", error.hint)
        open_ended = word.count("/") == 1 and platforms.parse(f"{word}/{_ANY}").variant == _ANY
        return platform._replace(variant="") if open_ended and platform.engine == "docker" else platform

    def _limits(self, value: Any) -> Limits | None:
        if value is None:
            return None
        if not isinstance(value, dict):
            hint = "Write limits: {cpu: 2, memory: 4GiB}."
            self._refuse(("limits",), f"has limits that are not a mapping: {value!r}", hint)
        for key in value:
            if key not in Limits._fields:
                self._refuse(("limits", key), f"limits an unknown resource {key!r}", _nearest(str(key), Limits._fields))
        from bactools.core import quantities  # here, as few host files need it

        return Limits(
            cpu=self._amount(value, "cpu", quantities.cpu),
            memory=self._amount(value, "memory", quantities.size),
            disk=self._amount(value, "disk", quantities.size),
            gpus=self._amount(value, "gpus", _gpus),
        )

    def _amount(self, limits: dict[str, Any], key: str, read: Callable[[str], Any]) -> Any:
        """An amount as a job spec writes it, as a number or as text."""
        value = limits.get(key)
        if value is None:
            return None
        try:
            return read(str(value))
        except BacError as error:
            self._refuse(("limits", key), f"has a limit of {key} that is no amount: {error.message}", error.hint)

    def _local_paths(self) -> tuple[LocalPath, ...] | None:
        value = self._list("local_paths", "Write local_paths: [/srv/data, /srv/out:rw].")
        return None if value is None else tuple(self._local_path(at, item) for at, item in enumerate(value))

    def _local_path(self, position: int, item: Any) -> LocalPath:
        text = item if is_text(item) else ""
        path, colon, mode = text.rpartition(":")
        if not colon or mode not in ("ro", "rw"):
            path, mode = text, "ro"
        if not path.startswith("/") or ".." in path.split("/"):
            hint = "Write an absolute path, with :rw behind it if jobs may write there."
            self._refuse(("local_paths", position), f"allows a local path that is not absolute: {item!r}", hint)
        return LocalPath(path, mode == "rw")

    def _refuse(self, place: Place, problem: str, hint: str | None) -> NoReturn:
        line = self._document.line(place)
        where = f"host file {self._source}" if line is None else f"line {line} of host file {self._source}"
        raise BacError("bad_config", f"{where} {problem}", hint=hint, input=self._source)


def _gpus(text: str) -> int:
    from bactools.core import quantities

    count = quantities.gpu(text)
    if count > MOST_GPUS:
        raise BacError("bad_spec", f"{count} is more than {MOST_GPUS} GPUs")
    return count


def _nearest(word: str, known: tuple[str, ...]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(word, known, n=1)
    return f"Did you mean {near[0]}?" if near else f"Known: {', '.join(known)}."
