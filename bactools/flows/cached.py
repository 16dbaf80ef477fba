"""A repository seen through the cache: what is known is not asked for, and what was asked for is kept.

A digest that this repository was seen to have needs no request; a tag needs one HEAD, unless it was confirmed
recently enough. A cache that cannot be written is a fault to tell, and no failure.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from bactools.core.digests import is_digest
from bactools.core.errors import BacError
from bactools.core.freshness import Note, is_fresh
from bactools.core.manifest import Blob

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bactools.core.freshness import Rules
    from bactools.core.reference import Reference
    from bactools.edges.cache import Cache
    from bactools.edges.registry.content import Repository


class Cached(NamedTuple):
    """One repository, as ``images.Place``; ``fetch`` gives what asks the registry, ``tell`` hears of a fault."""

    cache: Cache
    rules: Rules
    named: Reference
    fetch: Callable[[], Repository]
    tell: Callable[[BacError], None]

    def manifest(self, target: str) -> Blob:
        """The manifest or index with a tag or digest. Raises BacError ``not_cached`` offline, or as the registry."""
        now = time.time()
        reference = self._reference(target)
        note = self.cache.note(reference)
        body = self.cache.content(note.digest) if note else None
        if note and body is not None:
            if self.rules.offline or is_fresh(note, now, self.rules.max_age):
                return Blob(body, note.media_type, note.digest)
            if self.fetch().head(target) == note.digest:
                self._keep(None, note._replace(confirmed=now))
                return Blob(body, note.media_type, note.digest)
        self._online(reference)
        blob = self.fetch().manifest(target)
        told = Note(reference, blob.digest, blob.media_type, now)
        self._keep(blob, told, told._replace(reference=self._reference(blob.digest)))
        return blob

    def config(self, digest: str) -> Blob:
        """The config blob with a digest. Raises BacError as ``manifest``."""
        body = self.cache.content(digest)
        if body is not None:
            return Blob(body, "", digest)
        self._online(f"the config of {self.named}")
        blob = self.fetch().config(digest)
        self._keep(blob)
        return blob

    def layer(self, digest: str) -> Iterator[bytes]:
        """A layer in parts, which is never kept. Raises BacError as ``manifest``."""
        self._online(f"a layer of {self.named}")
        return self.fetch().layer(digest)

    def _reference(self, target: str) -> str:
        return f"{self.named.name}{'@' if is_digest(target) else ':'}{target}"

    def _online(self, what: str) -> None:
        if self.rules.offline:
            raise BacError("not_cached", f"{what} is not in the cache", hint="Run it once without --offline.")

    def _keep(self, blob: Blob | None, *notes: Note) -> None:
        try:
            if blob:
                self.cache.keep_content(blob.digest, blob.body)
            for note in dict.fromkeys(notes):
                self.cache.keep_note(note)
        except BacError as error:
            self.tell(error)
