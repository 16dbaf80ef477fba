"""A server of HTTP that gives the answers it is told to: for the faults that a real registry cannot be made to show."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


class Answer(NamedTuple):
    """What to answer: ``Content-Length`` is added unless the headers name one, if only as None; status 0: nothing."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str | None] = MappingProxyType({})


class Request(NamedTuple):
    """What was asked: the target with its query, the Authorization header, the method and what was sent along."""

    target: str
    authorization: str | None
    method: str = "GET"
    body: bytes = b""


DROP = Answer(0)
"""The connection ends without an answer."""


class Scripted:
    """``answers`` by path, or by method and path; a list is used up, its last answer stays. All else is answered 404.

    A function is called for each answer.
    """

    def __init__(self, port: int) -> None:
        self.host = f"127.0.0.1:{port}"
        self.answers: dict[str, Answer | list[Answer] | Callable[[], Answer]] = {}
        self.requests: list[Request] = []

    def answer(self, method: str, path: str) -> Answer:
        found = self.answers.get(f"{method} {path}", self.answers.get(path, Answer(404)))
        if callable(found):
            return found()
        if isinstance(found, Answer):
            return found
        return found.pop(0) if len(found) > 1 else found[0]


@contextmanager
def serving() -> Iterator[Scripted]:
    """A server on a free port of this machine, gone at the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def respond(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"] or 0))
            script.requests.append(Request(self.path, self.headers["Authorization"], self.command, sent))
            status, body, headers = script.answer(self.command, self.path.partition("?")[0])
            if status == 0:
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                if value is not None:
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"" if self.command == "HEAD" else body)

        do_GET = do_HEAD = do_POST = respond  # noqa: N815 (the names that the server calls)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket.listen(64)  # by default, a sixth connection at once waits a second
        script = Scripted(server.server_address[1])
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield script
        finally:
            server.shutdown()
            thread.join()
