"""A proxy between a command and a real server, which counts what passes."""

from __future__ import annotations

import socket
import threading
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Counting:
    """Passes every connection on to ``target``; ``received`` is the bytes that came from there."""

    def __init__(self, listener: socket.socket, target: str) -> None:
        host, _, port = target.partition(":")
        self.address = f"127.0.0.1:{listener.getsockname()[1]}"
        self.received = 0
        self._listener = listener
        self._target = (host, int(port))
        self._open = ExitStack()

    def serve(self) -> None:
        with suppress(OSError), self._open:
            while True:
                client = self._open.enter_context(self._listener.accept()[0])
                server = self._open.enter_context(socket.create_connection(self._target))
                threading.Thread(target=self._pass, args=(client, server, False), daemon=True).start()
                threading.Thread(target=self._pass, args=(server, client, True), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, is_answer: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if is_answer:
                    self.received += len(data)
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)


@contextmanager
def counting(target: str) -> Iterator[Counting]:
    """A proxy before ``target`` (``host:port``) on a free port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = Counting(listener, target)
        thread = threading.Thread(target=proxy.serve, daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(10)
