"""A registry far away: behind TLS by a private authority and bearer tokens, 80 ms a round trip from here.

Every byte waits 40 ms in a proxy before the registry and in one before its token server, and what a client sends
first also the round trip by which TCP would have connected.
"""

import json
import socket
import ssl
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

sys.path.append(str(Path(__file__).parents[1] / "edges"))

import registries

ROUND_TRIP = 0.08
REPOSITORY = "busybox"
SERVICE = "far"


class Far(NamedTuple):
    """``image`` is what it holds, ``authority`` the file of who certified it, alone in its folder with suffix .crt."""

    image: str
    authority: Path
    registry: "Delaying"
    tokens: "Delaying"


class Delaying:
    """Passes connections on, late; ``connections`` holds the sizes of the chunks of each, an answer's as negative.

    In TLS each turn from one sign to the other is a round trip, one more than these is the connecting.
    """

    def __init__(self, listener):
        self.address = "127.0.0.1:{1}".format(*listener.getsockname())
        self.connections = []
        self._listener = listener
        self._open = ExitStack()

    def serve(self, port):
        with suppress(OSError), self._open:
            while True:
                client = self._open.enter_context(self._listener.accept()[0])
                connected = time.monotonic() + ROUND_TRIP
                server = self._open.enter_context(socket.create_connection(("127.0.0.1", port)))
                chunks = []
                self.connections.append(chunks)
                self._pass(client, server, connected, lambda size, chunks=chunks: chunks.append(size))
                self._pass(server, client, connected, lambda size, chunks=chunks: chunks.append(-size))

    def round_trips(self):
        """Of each connection since the last time: the one that connects, and each question with its answer."""
        found = [1 + sum(a > 0 > b for a, b in pairwise(chunks)) for chunks in self.connections]
        self.connections.clear()
        return found

    def _pass(self, source, sink, connected, told):
        """Read and write in a thread each: a chunk that waits holds no other up."""
        queue = SimpleQueue()
        sink.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def read():
            data = b"-"
            while data:
                try:
                    data = source.recv(65536)
                except OSError:
                    data = b""
                if data:
                    told(len(data))
                queue.put((max(time.monotonic(), connected) + ROUND_TRIP / 2, data))

        def write():
            with suppress(OSError):
                while True:
                    due, data = queue.get()
                    time.sleep(max(0.0, due - time.monotonic()))
                    if not data:
                        sink.shutdown(socket.SHUT_WR)
                        return
                    sink.sendall(data)

        for work in (read, write):
            threading.Thread(target=work, daemon=True).start()


@contextmanager
def delaying(port):
    """A proxy before a port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = Delaying(listener)
        thread = threading.Thread(target=proxy.serve, args=(port,))
        thread.start()
        try:
            yield proxy
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


@contextmanager
def issuing(token, certificate):
    """The port of a server that gives everyone the same token."""
    body = json.dumps({"token": token}).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self.wfile.write(head + body)

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.certificate, certificate.key)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        # the handshake happens in the thread of the connection, when it reads
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def far(folder, source):
    """A registry far away that holds the image ``source`` of one on this machine, until the end of the block."""
    authority = registries.Issuer("openssl", folder, "authority").made("-addext", "keyUsage=critical,keyCertSign")
    certificate = authority.certify("registry", "-addext", "subjectAltName=IP:127.0.0.1")
    signer = registries.Issuer("openssl", folder, "signer").made(kind="rsa")
    storage = folder / "storage"
    with registries.serving("docker-registry", folder, storage) as near:
        copy = "skopeo copy -q --all --src-tls-verify=false --dest-tls-verify=false"
        image = f"{REPOSITORY}:multi"
        subprocess.run([*copy.split(), f"docker://{source}", f"docker://{near.address}/{image}"], check=True)
    trusted = folder / "trusted"
    trusted.mkdir()
    (trusted / "ca.crt").write_bytes(authority.certificate.read_bytes())
    with ExitStack() as stack:
        port = stack.enter_context(issuing(signer.token(SERVICE, REPOSITORY), certificate))
        tokens = stack.enter_context(delaying(port))
        auth = {"realm": f"https://{tokens.address}/token", "service": SERVICE, "issuer": signer.name}
        auth["rootcertbundle"] = str(signer.certificate)
        http = {"tls": {"certificate": str(certificate.certificate), "key": str(certificate.key)}}
        served = stack.enter_context(registries.serving("docker-registry", folder, storage, http, {"token": auth}))
        registry = stack.enter_context(delaying(int(served.address.rpartition(":")[2])))
        yield Far(f"{registry.address}/{image}", trusted / "ca.crt", registry, tokens)
