"""A server that begins to speak S3 and IPFS, and then says nothing more until the test is over."""

from __future__ import annotations

from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZE = 9_000_000
OBJECTS = "".join(f"<Contents><Key>d/{n}</Key><Size>{SIZE}</Size><ETag>e</ETag></Contents>" for n in range(6))
LISTING = f"<ListBucketResult><IsTruncated>false</IsTruncated>{OBJECTS}</ListBucketResult>".encode()


class Silent:
    """``url`` has buckets whose objects never end and that take none; ``waiting`` is set once somebody waits."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.waiting = Event()
        self.over = Event()


@contextmanager
def serving() -> Iterator[Silent]:
    """The server on a free port of this machine, gone at the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def begin(self, size: int) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(size))
            self.send_header("ETag", '"e"')
            self.end_headers()

        def do_HEAD(self) -> None:
            self.begin(SIZE)

        def do_GET(self) -> None:
            if "list-type" in self.path:
                self.begin(len(LISTING))
                self.wfile.write(LISTING)
                return
            self.begin(SIZE)
            self.wfile.write(b"x" * 1000)
            self.wfile.flush()
            self.wait()

        def wait(self) -> None:
            silent.waiting.set()
            silent.over.wait()
            self.close_connection = True

        do_PUT = do_POST = do_DELETE = wait  # noqa: N815 (the names that the server calls)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        silent = Silent(server.server_port)
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield silent
        finally:
            silent.over.set()
            server.shutdown()
