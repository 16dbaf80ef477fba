"""From a place that holds manifests to a record: an index followed to every platform that it offers.

What an index tells is believed; a child without a platform, or an index within an index, is looked at, within limits.
What holds nothing but WebAssembly becomes a module's record, however it is packed; its modules are not fetched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from msgspec import UNSET

from bactools.core import manifest, platforms, wasm_artifact
from bactools.core.errors import BacError
from bactools.core.records import Image, Module, ModulePlatform

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bactools.core.manifest import Blob, Index, Manifest
    from bactools.core.records import ImagePlatform
    from bactools.core.wasm_artifact import Facts

MAX_DEPTH = 4
"""Indexes within indexes."""
MAX_CHILDREN = 64
"""Children of one image that are fetched because their index does not tell their platform."""


class Place(Protocol):
    """Where the content of one repository is: each blob comes with its digest, computed.

    A place that has configs but no manifests of its own puts them together, without a digest.
    """

    def manifest(self, target: str) -> Blob:
        """The manifest or index with a tag or digest."""

    def config(self, digest: str) -> Blob:
        """The config blob with a digest."""


class Seen(NamedTuple):
    """What one manifest is: the entry of a record, and more of it if it is WebAssembly."""

    entry: ImagePlatform
    wasm: Facts | None


def image(place: Place, target: str, name: str, source: str) -> Image | Module:
    """The image or module with a tag or digest at a place, with every platform that it offers.

    Raises BacError ``bad_manifest``, ``schema1``, or as the place fails.
    """
    blob = place.manifest(target)
    document = manifest.read(blob.body, blob.media_type)
    found: Image | Module
    if isinstance(document, manifest.Index):
        entries = manifest.first_of_each(_of_index(place, document, {blob.digest}, 1))
        if entries and all(platforms.parse(entry.platform).engine == "wasm" for entry in entries):
            found = Module(reference=name, platforms=[_module_platform(entry) for entry in entries])
        else:
            found = Image(reference=name, platforms=entries)
    else:
        seen = _only(place, blob, document, name)
        found = _module(seen.entry, seen.wasm, document) if seen.wasm else Image(reference="", platforms=[seen.entry])
        found.reference = name
    found.digest = blob.digest or None
    found.mediaType = document.media_type if blob.digest else UNSET
    found.source = source
    return found


def _module(entry: ImagePlatform, facts: Facts, document: Manifest) -> Module:
    """A module's record from its manifest and config. Of its features and memory only the module itself would tell."""
    modules = [layer for layer in document.layers if wasm_artifact.is_layer(layer.media_type)]
    return Module(
        reference="",
        platforms=[_module_platform(entry)],
        format=facts.format or UNSET,
        imports=UNSET if facts.imports is None else list(facts.imports),
        exports=UNSET if facts.exports is None else list(facts.exports),
        size=modules[0].size if len(modules) == 1 and modules[0].size is not None else UNSET,
        layers=[layer.digest for layer in modules] or UNSET,
    )


def _module_platform(entry: ImagePlatform) -> ModulePlatform:
    return ModulePlatform(entry.platform, digest=entry.digest, size=entry.size, labelled=entry.labelled)


def _only(place: Place, blob: Blob, document: Manifest, name: str) -> Seen:
    seen = _seen(place, blob, document)
    if seen:
        return seen
    if document.artifact:
        raise BacError("bad_manifest", f"{name} is no container image but an artifact: {document.artifact!r}")
    raise BacError("bad_manifest", f"the config of {name} does not tell its platform")


def _of_index(place: Place, index: Index, seen: set[str], depth: int) -> Iterator[ImagePlatform]:
    for entry in index.entries:
        if entry.platform is not None:
            yield entry.platform
        elif entry.digest not in seen:
            seen.add(entry.digest)
            if depth > MAX_DEPTH or len(seen) > MAX_CHILDREN:
                message = f"the index nests deeper than {MAX_DEPTH} or leaves more than {MAX_CHILDREN} platforms untold"
                raise BacError("bad_manifest", message)
            yield from _of_child(place, entry.digest, seen, depth)


def _of_child(place: Place, digest: str, seen: set[str], depth: int) -> Iterator[ImagePlatform]:
    blob = place.manifest(digest)
    document = manifest.read(blob.body, blob.media_type)
    if isinstance(document, manifest.Index):
        yield from _of_index(place, document, seen, depth + 1)
    elif child := _seen(place, blob, document):
        yield child.entry


def _seen(place: Place, blob: Blob, document: Manifest) -> Seen | None:
    """What a manifest is, by its config; None for an artifact that is no WebAssembly, or a config without platform."""
    if document.artifact and not document.is_wasm:
        return None
    config = place.config(document.config).body
    digest, size = (blob.digest, len(blob.body)) if blob.digest else (UNSET, UNSET)
    layers = [layer.media_type for layer in document.layers]
    facts = wasm_artifact.facts(config, document.config_type, layers, document.wasm)
    if facts:
        return Seen(facts.entry(digest, size), facts)
    entry = manifest.of_config(config, digest, size)
    return Seen(entry, None) if entry else None
