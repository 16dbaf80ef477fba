"""Layouts and archives as places of images: each blob is hashed here and checked against the digest it was asked by."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bactools.core import layouts
from bactools.core.digests import digest_of
from bactools.core.errors import BacError
from bactools.core.manifest import OCI_INDEX, Blob
from bactools.edges.archives.stores import Folder, tarball

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bactools.core.layouts import Saved
    from bactools.edges.archives.stores import Store

MANIFEST_LIMIT = 4 * 1024 * 1024
CONFIG_LIMIT = 8 * 1024 * 1024
INDEX_LIMIT = 16 * 1024 * 1024
"""Bytes of an index.json or manifest.json, which grow with the number of images."""
MARKER_LIMIT = 64 * 1024


class Layout(NamedTuple):
    """An OCI image layout and the name of one image in it, None for the only one. Its methods raise BacError."""

    store: Store
    name: str | None

    def manifest(self, target: str) -> Blob:
        """The manifest or index with a digest; without one, that of the name."""
        if target:
            return self._blob(target, MANIFEST_LIMIT, "")
        index = self.store.read(layouts.INDEX, INDEX_LIMIT)
        chosen = layouts.choose(index, self.name, str(self.store.path))
        if not chosen.digest:
            return Blob(index, OCI_INDEX, digest_of(index))
        return self._blob(chosen.digest, MANIFEST_LIMIT, chosen.media_type)

    def config(self, digest: str) -> Blob:
        """The config blob with a digest."""
        return self._blob(digest, CONFIG_LIMIT, "")

    def layer(self, digest: str) -> Iterator[bytes]:
        """A layer as it is kept, in parts; it is not checked against its digest."""
        return self.store.chunks(layouts.blob(digest))

    def _blob(self, digest: str, limit: int, media_type: str) -> Blob:
        body = self.store.read(layouts.blob(digest), limit)
        found = digest_of(body, digest)
        if found != digest:
            raise BacError("digest_mismatch", f"{layouts.blob(digest)} in {self.store.path} has the digest {found}")
        return Blob(body, media_type, digest)


class SavedImage(NamedTuple):
    """One image of ``docker save``, which has a config and layers and no manifest: that is put together."""

    store: Store
    image: Saved

    def manifest(self, target: str) -> Blob:  # noqa: ARG002 (there is one)
        """A manifest without a digest, because no registry knows it by these bytes."""
        config = self._config()
        return Blob(layouts.composed(config, self._layers(config)), "", "")

    def config(self, digest: str) -> Blob:
        """The config blob."""
        return Blob(self._config(), "", digest)

    def layer(self, digest: str) -> Iterator[bytes]:
        """The layer with a digest, in parts; it is not checked against that."""
        return self.store.chunks(dict(self._layers(self._config()))[digest])

    def _config(self) -> bytes:
        return self.store.read(self.image.config, CONFIG_LIMIT)

    def _layers(self, config: bytes) -> list[tuple[str, str]]:
        return layouts.layers(self.image, config, str(self.store.path))


def folder_layout(path: Path, name: str | None) -> Layout:
    """The layout in a folder. Raises BacError ``unreadable_file`` or ``bad_manifest``."""
    return _layout(Folder(path), name)


def archived_layout(path: Path, name: str | None) -> Layout:
    """The layout in a tar archive. Raises BacError ``unreadable_file``, ``bad_manifest`` or ``too_large``."""
    return _layout(tarball(path), name)


def saved_images(path: Path, name: str | None) -> list[tuple[str, SavedImage]]:
    """The images of an archive of ``docker save``: that with a name, else all; with the first tag, or place (``@0``).

    Raises BacError ``unreadable_file``, ``bad_manifest``, ``too_large``, ``not_found`` or ``bad_reference``.
    """
    store = tarball(path)
    images = layouts.saved(store.read(layouts.SAVED, INDEX_LIMIT), str(path))
    return [
        (next(iter(image.tags), f"@{number}"), SavedImage(store, image))
        for number, image in layouts.selected(images, name, str(path))
    ]


def _layout(store: Store, name: str | None) -> Layout:
    layouts.check_marker(store.read(layouts.MARKER, MARKER_LIMIT), str(store.path))
    return Layout(store, name)
