"""A server of one file that knows ranges, and breaks off where it is told to."""

from __future__ import annotations

import re
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


class Files:
    """``body`` is what ``/file.bin`` holds; the n-th answer ends after ``breaks[n]`` bytes, if that is said."""

    def __init__(self, port, body):
        self.url = f"http://127.0.0.1:{port}/file.bin"
        self.body = body
        self.tag = '"one"'
        self.ranges = True
        self.breaks = []
        self.asked = []

    def answer(self, headers):
        """Status, headers and body of the next answer."""
        wanted, condition = headers.get("Range"), headers.get("If-Range")
        self.asked.append(wanted)
        start = re.fullmatch(r"bytes=(\d+)-", wanted or "")
        told = {"ETag": self.tag, "Accept-Ranges": "bytes" if self.ranges else "none"}
        if start and self.ranges and condition in (None, self.tag):
            first = int(start[1])
            told["Content-Range"] = f"bytes {first}-{len(self.body) - 1}/{len(self.body)}"
            return 206, told, self.body[first:]
        return 200, told, self.body


@contextmanager
def serving(body):
    """The server on a free port of this machine, gone at the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path.startswith("/moved"):
                self.send_response(302)
                self.send_header("Location", "/file.bin")
                self.end_headers()
                return
            status, told, content = files.answer(self.headers)
            self.send_response(status)
            for name, value in {**told, **files.extra}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: files.breaks.pop(0)] if files.breaks else content)
            self.close_connection = True

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        files = Files(server.server_port, body)
        files.extra = {}
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield files
        finally:
            server.shutdown()
