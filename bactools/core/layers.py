"""The entries of an image's layers -> the files of the image (OCI image-spec, layer.md).

A layer is its tar entries in order. An image's layers are given newest first, and may be read only as far as a
question needs them. A name that leaves the root is no name; a link is followed inside the root only, a bounded number
of times; devices and pipes are told as what they are. A directory that is only implied by what is in it counts as one.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Literal, NamedTuple

from bactools.core.errors import BacError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Kind = Literal["file", "directory", "symlink", "hardlink", "special"]

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
RESERVED = ".wh..wh."
"""What AUFS kept for itself."""
MAX_NAME = 4096
MAX_LINKS = 40
"""Links on the way to one file: the kernel's own limit (path_resolution(7))."""
MAX_WORDS = 4096
MAX_ENTRIES = 500_000
"""Entries of one layer, the folders among them that are only implied."""
MAX_CHARACTERS = 128 * 1024 * 1024
"""Characters in all the names and targets of one layer."""


class Entry(NamedTuple):
    """One entry of a layer; ``target`` of a symlink as it is written, of a hard link a name in the archive."""

    name: str
    kind: Kind
    target: str = ""
    mode: int = 0o755
    size: int = 0


class Layer(NamedTuple):
    """What one layer adds and takes away, by path without a leading slash; the root is the empty path."""

    entries: dict[str, Entry]
    whiteouts: frozenset[str]
    opaque: frozenset[str]


class Found(NamedTuple):
    """An entry of an image: the path that leads to it without links, and where its content is.

    ``layer`` counts from the newest, 0; ``name`` is the entry's in that layer, which a hard link has of its own.
    """

    path: str
    layer: int
    name: str
    entry: Entry


def layer(entries: Iterable[Entry]) -> Layer:
    """One layer from its tar entries in order; of entries with one name the last counts.

    Raises BacError ``too_large``.
    """
    kept: dict[str, Entry] = {}
    whiteouts: set[str] = set()
    opaque: set[str] = set()
    for name, entry in _bounded(_named(entries)):
        folder, base = posixpath.split(name)
        if base == OPAQUE:
            opaque.add(folder)
        elif not base.startswith(WHITEOUT):
            kept[name] = entry
        elif not base.startswith(RESERVED) and base != WHITEOUT:
            whiteouts.add(posixpath.join(folder, base.removeprefix(WHITEOUT)))
    kept.update(list(_bounded(_implied(kept))))
    return Layer(kept, frozenset(whiteouts), frozenset(opaque))


def _named(entries: Iterable[Entry]) -> Iterator[tuple[str, Entry]]:
    for entry in entries:
        name = clean(entry.name)
        if name:
            yield name, entry


def _implied(kept: dict[str, Entry]) -> Iterator[tuple[str, Entry]]:
    """The folders that something is in and that have no entry of their own."""
    seen: set[str] = set()
    for name in kept:
        for folder in _folders(name):
            if folder in kept or folder in seen:
                break
            seen.add(folder)
            yield folder, Entry(folder, "directory")


def _bounded(named: Iterable[tuple[str, Entry]]) -> Iterator[tuple[str, Entry]]:
    characters = 0
    for count, (name, entry) in enumerate(named, start=1):
        characters += len(name) + len(entry.name) + len(entry.target)
        if count > MAX_ENTRIES or characters > MAX_CHARACTERS:
            raise BacError("too_large", f"a layer has more than {MAX_ENTRIES} entries, or their names are too long")
        yield name, entry


def clean(name: str) -> str | None:
    """The path of a name in an archive, without ``.``, ``..`` and needless slashes; None when it leaves the root."""
    words: list[str] = []
    for word in name.split("/") if len(name) <= MAX_NAME else ("..",):
        if word == ".." and not words:
            return None
        if word == "..":
            words.pop()
        elif word not in ("", "."):
            words.append(word)
    return "/".join(words)


def find(path: str, layers: Iterable[Layer]) -> Found | None:
    """What an absolute path leads to through symbolic links; None when it leads nowhere or to the root.

    ``layers`` is iterated anew for each step of the way.
    """
    here: list[str] = []
    ahead = path.split("/")[::-1]
    links = 0
    found: Found | None = None
    while ahead and len(ahead) <= MAX_WORDS:
        word = ahead.pop()
        if word == "..":
            found = None
            del here[-1:]
        elif word not in ("", "."):
            found = _at("/".join((*here, word)), layers)
            if found is None:
                return None
            if found.entry.kind == "symlink":
                links += 1
                if links > MAX_LINKS:
                    return None
                here = [] if found.entry.target.startswith("/") else here
                ahead += found.entry.target.split("/")[::-1]
                found = None
            elif ahead and found.entry.kind != "directory":
                return None
            else:
                here.append(word)
    return found if not ahead else None


def _at(path: str, layers: Iterable[Layer]) -> Found | None:
    """The entry at a path whose folders are no links; a hard link is the file that it names, in its layer or below."""
    name, newest = path, 0
    for _ in range(MAX_LINKS):
        for place, each in enumerate(layers):
            if place < newest:
                continue
            entry = each.entries.get(name)
            if entry is not None:
                break
            if _hides(each, name):
                return None
        else:
            return None
        if entry.kind != "hardlink":
            return Found(f"/{path}", place, name, entry)
        newest, name = place, clean(entry.target) or ""
    return None


def _hides(layer: Layer, path: str) -> bool:
    """Whether a layer that has nothing at a path takes away what lower layers have there."""
    if path in layer.whiteouts:
        return True
    for folder in (*_folders(path), ""):
        if folder in layer.whiteouts or folder in layer.opaque:
            return True
        if folder in layer.entries and layer.entries[folder].kind != "directory":
            return True
    return False


def _folders(path: str) -> Iterator[str]:
    """The folders that a path is in, the nearest first, without the root."""
    while path := path.rpartition("/")[0]:
        yield path
