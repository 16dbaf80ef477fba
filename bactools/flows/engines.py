"""The engines of this host as one process uses them: what is costly to begin is begun once, and ended with the rest."""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from docker import DockerClient

    from bactools.edges.wasm_runtime import Runtime


class Engines:
    """Begun when they are first asked for. For one thread of one process: a fork needs its own."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._docker: DockerClient | None = None
        self._wasm: Runtime | None = None

    def docker(self) -> DockerClient:
        """The Docker engine. Raises BacError as ``client.connect``."""
        if self._docker is None:
            from bactools.edges.docker_engine import client

            self._docker = self._open.enter_context(closing(client.connect()))
        return self._docker

    def wasm(self) -> Runtime:
        """The WebAssembly engine."""
        if self._wasm is None:
            from bactools.edges.wasm_runtime import Runtime

            self._wasm = self._open.enter_context(closing(Runtime()))
        return self._wasm

    def close(self) -> None:
        """End them all."""
        self._open.close()
