"""Images in files of this host, as skopeo names them: ``oci:``, ``oci-archive:`` and ``docker-archive:``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bactools.core.errors import BacError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bactools.core.records import Image, Module
    from bactools.edges.archives.images import Layout, SavedImage


def inspect(transport: str, text: str) -> Iterator[Image | Module | BacError]:
    """The records of ``PATH[:NAME]``; of several images in one archive the failure of one stands in its place.

    Raises BacError ``bad_reference``, ``not_found``, ``unreadable_file``, ``bad_manifest`` or ``too_large``.
    """
    from pathlib import Path

    from bactools.core import layouts

    written, name = layouts.split(text)
    if not written or name == "":
        hint = f"Write {transport}:PATH or {transport}:PATH:NAME."
        raise BacError("bad_reference", f"{transport}:{text} names no {'image' if written else 'file'}", hint=hint)
    path = Path(written).absolute()
    if ":" in str(path):
        # The record's reference is read again, by --verify and by people: the colon would begin the name.
        hint = "Give it by a path without a colon."
        raise BacError("bad_reference", f"{transport}:{path} cannot be written: its path has a colon", hint=hint)
    yield from READERS[transport](path, name)


def place(reference: str) -> Layout | SavedImage:
    """Where the content of an image is, by its record's reference. Raises BacError as ``inspect``."""
    from pathlib import Path

    from bactools.core import layouts
    from bactools.edges.archives import images

    transport, _, text = reference.partition(":")
    written, name = layouts.split(text)
    if transport == "docker-archive":
        return images.saved_images(Path(written), name)[0][1]
    return (images.folder_layout if transport == "oci" else images.archived_layout)(Path(written), name)


def _folder(path: Path, name: str | None) -> Iterator[Image | Module]:
    from bactools.edges.archives.images import folder_layout
    from bactools.flows.images import image

    yield image(folder_layout(path, name), "", _reference("oci", path, name), "oci-layout")


def _archive(path: Path, name: str | None) -> Iterator[Image | Module]:
    from bactools.edges.archives.images import archived_layout
    from bactools.flows.images import image

    yield image(archived_layout(path, name), "", _reference("oci-archive", path, name), "oci-archive")


def _saved(path: Path, name: str | None) -> Iterator[Image | Module | BacError]:
    from bactools.edges.archives.images import saved_images
    from bactools.flows.images import image

    found = saved_images(path, name)
    for tag, place in found:
        try:
            yield image(place, "", _reference("docker-archive", path, tag), "docker-archive")
        except BacError as error:
            if len(found) == 1:
                raise
            error.input = _reference("docker-archive", path, tag)
            yield error


def _reference(transport: str, path: Path, name: str | None) -> str:
    return f"{transport}:{path}" + (f":{name}" if name else "")


READERS: dict[str, Callable[[Path, str | None], Iterator[Image | Module | BacError]]] = {
    "oci": _folder,
    "oci-archive": _archive,
    "docker-archive": _saved,
}
