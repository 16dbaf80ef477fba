"""From a place that holds manifests to an image record: an index followed to every platform that it offers.

What an index tells is believed; a child without a platform, or an index within an index, is looked at, within limits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from bactools.core import manifest
from bactools.core.errors import BacError
from bactools.core.records import Image

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bactools.core.manifest import Blob, Index, Manifest
    from bactools.core.records import ImagePlatform

MAX_DEPTH = 4
"""Indexes within indexes."""
MAX_CHILDREN = 64
"""Children of one image that are fetched because their index does not tell their platform."""


class Place(Protocol):
    """Where the content of one repository is: each blob comes with its digest, computed."""

    def manifest(self, target: str) -> Blob:
        """The manifest or index with a tag or digest."""

    def config(self, digest: str) -> Blob:
        """The config blob with a digest."""


def image(place: Place, target: str, name: str, source: str) -> Image:
    """The image with a tag or digest at a place, with every platform that it offers.

    Raises BacError ``bad_manifest``, ``schema1``, or as the place fails.
    """
    blob = place.manifest(target)
    document = manifest.read(blob.body, blob.media_type)
    if isinstance(document, manifest.Index):
        platforms = manifest.first_of_each(_of_index(place, document, {blob.digest}, 1))
    else:
        platforms = [_only(place, blob, document, name)]
    return Image(reference=name, digest=blob.digest, mediaType=document.media_type, source=source, platforms=platforms)


def _only(place: Place, blob: Blob, document: Manifest, name: str) -> ImagePlatform:
    if document.artifact:
        raise BacError("bad_manifest", f"{name} is no container image but an artifact: {document.artifact!r}")
    platform = _configured(place, blob, document)
    if platform is None:
        raise BacError("bad_manifest", f"the config of {name} does not tell its platform")
    return platform


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
    elif not document.artifact:
        platform = _configured(place, blob, document)
        if platform is not None:
            yield platform


def _configured(place: Place, blob: Blob, document: Manifest) -> ImagePlatform | None:
    return manifest.of_config(place.config(document.config).body, blob.digest, len(blob.body))
