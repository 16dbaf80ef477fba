"""Mounts within mounts. An engine makes the place of each, a folder or a file, unless it is in a read-only one."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Literal, NamedTuple

from bactools.core.errors import BacError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bactools.core.running import Mount

Kind = Literal["folder", "file"]


class Place(NamedTuple):
    """Where a mount is to be in a read-only one: ``path`` is relative to what that shows."""

    inner: Mount
    outer: Mount
    path: str

    def missing(self, kind: Kind | None) -> BacError:
        """What to raise where there is nothing of that kind (None: of either) for the mount."""
        what = "the output" if self.inner.output else "another input"
        thing = f"{kind} {self.path}" if kind else self.path
        hint = "Put it there before the job runs, mount it ReadWrite, or mount one of the two elsewhere."
        return BacError("unsupported", f"the input at {self.outer.guest} has no {thing} for {what}", hint=hint)


def places(mounts: Sequence[Mount]) -> Iterator[Place]:
    """The places of those that are in a read-only mount, the outer ones first."""
    known = {mount.guest: mount for mount in mounts}
    for mount in sorted(mounts, key=lambda each: each.guest.count("/")):
        outer = next((known[above] for above in _above(mount.guest) if above in known), None)
        if outer is not None and not outer.writable:
            yield Place(mount, outer, posixpath.relpath(mount.guest, outer.guest))


def _above(path: str) -> Iterator[str]:
    while path != "/":
        path = posixpath.dirname(path)
        yield path
