"""A server on this host that gives one large file under every name, as fast as the kernel copies it.

It speaks as much of S3's protocol as reading one object takes; it checks no signature.
"""

import os
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def serving(path):
    """The server's port, for as long as the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self):
            self.send_response(200)
            self.send_header("Content-Length", str(path.stat().st_size))
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("ETag", '"1"')
            self.send_header("Last-Modified", "Sun, 01 Nov 2026 00:00:00 GMT")
            self.end_headers()

        def do_GET(self):
            self.do_HEAD()
            self.wfile.flush()
            with path.open("rb") as file:
                done, size = 0, path.stat().st_size
                while done < size:
                    done += os.sendfile(self.connection.fileno(), file.fileno(), done, size - done)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
