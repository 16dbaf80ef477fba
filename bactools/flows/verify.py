"""Whether the labels of an image are true: each platform's program is looked for in its layers, and looked into.

Layers are fetched newest first and only as far as the program is; nothing is executed, and nothing written to disk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from bactools.core import entrypoint, layers, manifest, platforms, reference, verification
from bactools.core.digests import is_digest
from bactools.core.errors import BacError
from bactools.core.records import Interpreter, Verified
from bactools.edges import layers as layer_streams
from bactools.flows import archived

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bactools.core.entrypoint import Launch
    from bactools.core.layers import Found, Layer
    from bactools.core.manifest import Blob
    from bactools.core.records import Image, ImagePlatform
    from bactools.core.verification import Told
    from bactools.edges.layers import Contents
    from bactools.flows.registries import Registries

MAX_SCRIPTS = 5
"""Scripts that are each other's interpreters: what the kernel follows."""
MAX_UNPACKED = 32 * 1024 * 1024 * 1024
"""Bytes of one platform's layers, unpacked."""
MAX_FOR_LOADER = 64 * 1024 * 1024
"""Compressed bytes that are fetched only to see whether the program's loader is there."""
EXECUTABLE = 0o111
LAYOUT = "oci-layout"

# What is wrong with one platform's content, and says nothing of the others.
UNTOLD = frozenset({"bad_layer", "bad_manifest", "not_found", "too_large"})


class Place(Protocol):
    """Where the content of one repository is."""

    def manifest(self, target: str) -> Blob:
        """The manifest with a digest."""

    def config(self, digest: str) -> Blob:
        """The config blob with a digest."""

    def layer(self, digest: str) -> Iterator[bytes]:
        """A layer as it is kept, in parts."""


def verify(image: Image, places: Registries) -> tuple[str, ...]:
    """Set ``verified`` in every platform of an image; what is worth telling people comes back, a line each.

    Raises BacError ``unsupported`` for an image of the local engine, or as the place of the image fails.
    """
    place = _place(image, places)
    notes: list[str] = []
    for entry in image.platforms:
        name = f"{image.reference} ({entry.platform})"
        try:
            entry.verified = _verified(entry, place)
        except BacError as error:
            if error.code not in UNTOLD:
                raise
            entry.verified = None
            notes.append(f"{name}: not verified: {error.message}")
        else:
            notes += [f"{name}: {text}" for text in _worth_telling(entry.verified)]
    return tuple(notes)


def is_mislabelled(image: Image) -> bool:
    """Whether some platform was verified and is not what it claims to be."""
    return any(entry.verified and not entry.verified.agrees for entry in image.platforms)


def _place(image: Image, places: Registries) -> Place:
    if image.source == "registry":
        return places.place(reference.parse(image.reference))
    if image.source in archived.READERS or image.source == LAYOUT:
        return archived.place(image.reference)
    hint = "Verify it where it was pulled from, or save it: docker save makes a docker-archive."
    raise BacError("unsupported", f"{image.reference}: an image of the local engine is not verified", hint=hint)


def _worth_telling(verified: Verified) -> Iterator[str]:
    if not verified.agrees:
        yield f"the label is wrong: {verified.file} is for {verified.platform}"
    if verified.interpreter and verified.interpreter.present is False:
        yield f"{verified.file} cannot start: its loader {verified.interpreter.path} is not in the image"


def _verified(entry: ImagePlatform, place: Place) -> Verified:
    """What the program of one platform is. Raises BacError ``bad_manifest`` where there is none to look into."""
    label = platforms.parse(entry.platform)
    if label.os == "windows":
        raise BacError("bad_manifest", "programs for Windows are not looked into")
    blob = place.manifest(entry.digest or "")
    document = manifest.read(blob.body, blob.media_type)
    if isinstance(document, manifest.Index):
        raise BacError("bad_manifest", "the manifest of this platform is an index")
    launch = entrypoint.of_config(place.config(document.config).body)
    if not launch.words:
        raise BacError("bad_manifest", "the image names no program to run")
    files = _Files(place, document.layers)
    found, data = _program(files, launch)
    told = verification.told(data, label)
    if told is None:
        raise BacError("bad_manifest", f"{_shown(found.path)} is no ELF program, script or WebAssembly that is known")
    return Verified(
        platform=str(told.platform),
        level=told.level,
        file=_shown(found.path),
        layer=files.digest(found),
        agrees=verification.agrees(label, told.platform),
        interpreter=_interpreter(files, told),
    )


def _program(files: _Files, launch: Launch) -> tuple[Found, bytes]:
    """What is executed in the end, and its content."""
    word = launch.words[0]
    for _ in range(MAX_SCRIPTS):
        found = _first(files, word, launch)
        if found is None:
            raise BacError("bad_manifest", f"the image does not hold the program {_shown(word)!r}")
        data = files.content(found)
        script = entrypoint.interpreter(data)
        if script is None:
            return found, data
        word = script
    raise BacError("bad_manifest", f"{_shown(launch.words[0])} is a script of scripts of scripts")


def _first(files: _Files, word: str, launch: Launch) -> Found | None:
    paths = entrypoint.candidates(word, launch)
    files.want(paths)
    for path in paths:
        found = layers.find(path, files)
        if found and found.entry.kind == "file" and (len(paths) == 1 or _runs(found)):
            return found
    return None


def _runs(found: Found) -> bool:
    """Whether a search in PATH stops at a file; a module needs no permission to be executed."""
    return bool(found.entry.mode & EXECUTABLE) or found.path.endswith(entrypoint.MODULE_SUFFIX)


def _interpreter(files: _Files, told: Told) -> Interpreter | None:
    """The loader of a program that has one, and whether it is in the image; None where that would cost too much."""
    if told.interpreter is None:
        return None
    unread = files.unread_size()
    present: bool | None = None
    if unread is not None and unread <= MAX_FOR_LOADER:
        found = layers.find(told.interpreter, files)
        present = found is not None and found.entry.kind == "file"
    return Interpreter(path=_shown(told.interpreter), present=present)


class _Files:
    """The files of one platform: its layers, newest first, each fetched when a question reaches it."""

    def __init__(self, place: Place, described: Iterable[manifest.Layer]) -> None:
        self._place = place
        self._described = tuple(described)[::-1]
        self._read: dict[int, Contents] = {}
        self._wanted: frozenset[str] = frozenset()
        self._remaining = MAX_UNPACKED

    def __iter__(self) -> Iterator[Layer]:
        for number in range(len(self._described)):
            if number not in self._read:
                self._read[number] = self._fetch(number)
            yield self._read[number].layer

    def want(self, paths: Iterable[str]) -> None:
        """Keep the content of these files in the layers that are fetched from now on."""
        self._wanted = frozenset(path.lstrip("/") for path in paths)

    def content(self, found: Found) -> bytes:
        """The start of a file; its layer is fetched again if nobody had wanted it."""
        kept = self._read[found.layer].files
        if found.name not in kept:
            self._wanted = frozenset((found.name,))
            kept = self._fetch(found.layer).files
        return kept[found.name]

    def digest(self, found: Found) -> str:
        """The digest of the layer that a file is in."""
        return self._described[found.layer].digest

    def unread_size(self) -> int | None:
        """Compressed bytes of the layers that were not fetched yet; None if their manifest does not tell."""
        sizes = [layer.size for number, layer in enumerate(self._described) if number not in self._read]
        return None if None in sizes else sum(size or 0 for size in sizes)

    def _fetch(self, number: int) -> Contents:
        digest = self._described[number].digest
        if not is_digest(digest):
            raise BacError("bad_manifest", f"a layer has no usable digest: {digest!r}")
        limit = min(self._remaining, layer_streams.MAX_UNPACKED)
        found = layer_streams.read(self._place.layer(digest), digest, self._wanted, limit)
        self._remaining -= found.unpacked
        return found


def _shown(path: str) -> str:
    """A path for a record or a message: what is not UTF-8 is replaced."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
