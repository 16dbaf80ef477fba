"""A server of HTTP that gives the answers it is told to: for the faults that a real registry cannot be made to show."""

from __future__ import annotations

from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Answer(NamedTuple):
    """What to answer: ``Content-Length`` is added unless the headers name one."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = MappingProxyType({})


class Request(NamedTuple):
    """What was asked: the target with its query, and the Authorization header."""

    target: str
    authorization: str | None


class Scripted:
    """``answers`` by path; a list is used up, its last answer stays. Anything else is answered 404."""

    def __init__(self, port: int) -> None:
        self.host = f"127.0.0.1:{port}"
        self.answers: dict[str, Answer | list[Answer]] = {}
        self.requests: list[Request] = []

    def answer(self, path: str) -> Answer:
        found = self.answers.get(path, Answer(404))
        if isinstance(found, Answer):
            return found
        return found.pop(0) if len(found) > 1 else found[0]


@contextmanager
def serving() -> Iterator[Scripted]:
    """A server on a free port of this machine, gone at the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            script.requests.append(Request(self.path, self.headers["Authorization"]))
            status, body, headers = script.answer(self.path.partition("?")[0])
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        script = Scripted(server.server_address[1])
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield script
        finally:
            server.shutdown()
            thread.join()
