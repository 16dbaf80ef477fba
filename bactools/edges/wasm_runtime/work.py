"""What a child does for an order: a module is read and looked at, then run; the engine stays for the next one.

Whoever only gives orders need not load what they are done with.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bactools.core.running import Linked, Mount, Run

if TYPE_CHECKING:
    from collections.abc import Callable

    from bactools.core.running import Ending
    from bactools.edges.wasm_runtime.guest import Bench


def order(module: Linked, run: Run, preopens: tuple[Mount, ...]) -> bytes:
    """The run of a module, with what is mounted as folders, for ``Worker``."""
    plain = run._replace(deadline=None, stop=None, ports=())
    return json.dumps((module, plain, preopens)).encode("ascii")


def _read(data: bytes) -> tuple[Linked, Run, tuple[Mount, ...]]:
    module, fields, preopens = json.loads(data)
    run = Run(*fields)
    run = run._replace(
        arguments=tuple(run.arguments),
        entrypoint=tuple(run.entrypoint),
        mounts=tuple(Mount(*each) for each in run.mounts),
        modules=tuple(Linked(*each) for each in run.modules),
    )
    return Linked(*module), run, tuple(Mount(*each) for each in preopens)


class Worker:
    """Does the orders of one child."""

    def __init__(self) -> None:
        self._bench: Bench | None = None

    def load(self) -> None:
        """Load what it needs, in whatever process. Raises BacError ``no_engine``."""
        from bactools.edges.wasm_runtime import guest

        guest.load()

        from bactools.edges.wasm_runtime import demands, loading, making  # noqa: F401 (to have them)

    def prepare(self) -> None:
        """Have ready, in a child, what it needs. Raises BacError ``no_engine``."""
        self.load()
        self._ready()

    def work(self, data: bytes, started: Callable[[], None]) -> Ending:
        """Run a module as ``order`` says."""
        from bactools.edges.wasm_runtime import demands, guest, loading

        self.load()
        module, run, preopens = _read(data)
        found = loading.load(module, run)
        too_large = demands.too_large(found.facts, run.memory)
        if too_large:
            return too_large
        limits = demands.limits(found.facts, run.memory)
        return guest.perform(found.program, run._replace(mounts=preopens), limits, started, self._ready())

    def _ready(self) -> Bench:
        from bactools.edges.wasm_runtime import guest, making

        self._bench = self._bench or guest.Bench(making.keeping(guest.folder()))
        return self._bench
