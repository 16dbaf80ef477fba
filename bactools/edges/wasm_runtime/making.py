"""Native code for a module: what was kept if it may be trusted, else compiled now, and kept where that is worth it.

Compiling is done under a lock, so that of two processes that want the same code one waits for the other's.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from bactools.core.digests import digest_of
from bactools.core.errors import BacError
from bactools.edges.wasm_runtime import compiled
from bactools.edges.wasm_runtime.endings import uncompiled
from bactools.edges.wasm_runtime.versions import installed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bactools.core.content import Content

WORTH_KEEPING = 512
"""Bytes of a module from which compiling takes longer than finding what was compiled."""


LARGE = 256 * 1024
"""Bytes of a module from which compiling is worth all processors. Their threads outlive it, and a process that had them
when it was forked would wait for them in vain, so that a small module does without."""


class Binary(NamedTuple):
    """A module, and the digest of what it held when it was looked at."""

    data: Content
    digest: str

    def whole(self) -> bytes:
        """All of it, to be compiled. Raises BacError ``digest_mismatch`` when it is no longer that."""
        data = self.data[:]
        if digest_of(data, like=self.digest) != self.digest:
            raise BacError("digest_mismatch", "the module was rewritten while it was read", hint="Run the job again.")
        return data


class Keeping(NamedTuple):
    """Where compiled modules are kept, and the version of the engine that they are made by."""

    store: compiled.Store
    version: str


def keeping(package: Path) -> Keeping | None:
    """Where to keep what the engine of this package makes; None without a place, or where its version is not known."""
    store = compiled.find()
    found = installed(package)
    return Keeping(store, found[0]) if store and len(found) == 1 else None


class Maker(NamedTuple):
    """Makes native code for one engine: ``configuration`` is all of its settings in words, ``refusal`` its exception.

    ``several`` gives an engine of the same settings that compiles on all processors; ``engine`` does it on one.
    ``keeping`` None: everything is compiled, and nothing kept.
    """

    engine: Any
    several: Callable[[], Any]
    configuration: str
    refusal: type[Exception]
    keeping: Keeping | None

    def made(self, kind: Any, binary: Binary) -> Any:
        """The Module or Component, whichever ``kind`` is. Raises BacError ``bad_module`` or ``digest_mismatch``."""
        if self.keeping is None or len(binary.data) < WORTH_KEEPING:
            return self._compiled(kind, binary.whole())
        store, version = self.keeping
        key = compiled.key(binary.digest, f"wasmtime {version} {self.configuration} {kind.__name__}")
        found = self._found(kind, store, key)
        if found is None:
            with store.locked(key):
                found = self._found(kind, store, key)  # made by whoever held the lock until now
                if found is None:
                    found = self._compiled(kind, binary.whole())
                    store.keep(key, found.serialize())
        return found

    def _compiled(self, kind: Any, data: bytes) -> Any:
        try:
            if len(data) < LARGE:
                return kind(self.engine, data)
            return kind.deserialize(self.engine, kind(self.several(), data).serialize())
        except self.refusal as error:
            raise uncompiled(error) from error

    def _found(self, kind: Any, store: compiled.Store, key: str) -> Any | None:
        """What was kept; the engine itself refuses code of another version, configuration or processor."""
        number = store.opened(key)
        if number is None:
            return None
        try:
            # The descriptor and not the name: what was checked is what is loaded.
            return kind.deserialize_file(self.engine, f"/proc/self/fd/{number}")
        except self.refusal:
            return None
        finally:
            os.close(number)
