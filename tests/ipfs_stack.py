"""Real IPFS for tests, as tests/stack/ipfs.sh installs it; and a small gateway of our own, which can do wrong."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import components

from bactools.core import car, cid, dagpb, ipfs_add
from bactools.core.cid import DAG_PB
from bactools.core.ipfs_add import FileAdder, Layout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bactools.core.cid import Cid

STACK = Path(os.environ.get("BACTOOLS_STACK", "/tmp/bactools-stack")) / "ipfs"
CAR = "application/vnd.ipld.car"


@dataclass
class Packed:
    """A tree as blocks, in the order in which a walk down meets them."""

    root: Cid
    blocks: dict[Cid, bytes]

    def walk(self, name: Cid, *, repeated: bool = True) -> Iterator[Cid]:
        seen = set()

        def down(name: Cid) -> Iterator[Cid]:
            if repeated or name not in seen:
                seen.add(name)
                yield name
                for link in dagpb.decode(self.blocks[name]).links if name.codec == DAG_PB else ():
                    yield from down(link.cid)

        return down(name)

    def car(self, name: Cid, *, repeated: bool = True) -> bytes:
        return car.header(name) + b"".join(
            car.section(each, self.blocks[each]) for each in self.walk(name, repeated=repeated)
        )


def packed(path: Path, *, raw: bool = False) -> Packed:
    """The blocks of a file or folder."""
    blocks: dict[Cid, bytes] = {}
    layout = Layout(lambda name, block: blocks.update({name: block}), raw)

    def add(path: Path) -> ipfs_add.Added:
        if path.is_symlink():
            return ipfs_add.symlink(os.fsencode(path.readlink()), layout)
        if path.is_dir():
            return ipfs_add.directory([(os.fsencode(each.name), add(each)) for each in path.iterdir()], layout)
        adder = FileAdder(layout)
        adder.feed(path.read_bytes())
        return adder.finish()

    return Packed(add(path).cid, blocks)


@contextmanager
def started(part: str, script: str, *words: str | Path) -> Iterator[str]:
    """A server of ipfs.sh; its URL."""
    folder = STACK / part
    if not (STACK / "complete").exists():
        components.missing(f"{STACK} has no IPFS: tests/stack/ipfs.sh up installs it")
    command = [str(STACK / "node.js"), script, *map(str, words)]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            port = next(line.split()[1] for line in process.stdout if line.startswith("ready "))
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def kubo_says(repository: Path, *paths: Path) -> list[str]:
    """The CIDs of files and folders by Kubo's own core, which is cut off from every network."""
    if not (STACK / "complete").exists():
        components.missing(f"{STACK} has no IPFS: tests/stack/ipfs.sh up installs it")
    script = Path(__file__).parent / "stack" / "ipfs_cid.py"
    words = [components.program("unshare"), "-n", str(STACK / "python/bin/python"), str(script), str(repository)]
    done = subprocess.run(
        [*words, *map(str, paths)], capture_output=True, check=True, text=True, timeout=120, cwd=repository.parent
    )
    return [line.split()[1] for line in done.stdout.splitlines() if line.startswith("cid ")]


@dataclass
class OwnGateway:
    """A gateway over blocks: ``cars`` makes its CAR files or is None; ``single`` may spoil its single blocks."""

    tree: Packed
    cars: Callable[[Cid], bytes] | None = None
    single: Callable[[bytes], bytes] = bytes
    status: int = 200
    url: str = ""
    asked: list[str] = field(default_factory=list)

    def answer(self, path: str, accept: str) -> tuple[int, str, bytes]:
        name = cid.parse(path.partition("?")[0].removeprefix("/ipfs/"))
        if accept.startswith(CAR):
            self.asked.append(f"car {name}")
            if self.cars is None:
                return 406, "text/plain", b""
            return 200, CAR, self.cars(name)
        self.asked.append(f"raw {name}")
        if self.status != 200 or name not in self.tree.blocks:
            return (404 if self.status == 200 else self.status), "text/plain", b""
        return 200, "application/vnd.ipld.raw", self.single(self.tree.blocks[name])


@contextmanager
def serving(gateway: OwnGateway) -> Iterator[OwnGateway]:
    """The gateway at its ``url``. A CAR file that is shorter than it should be breaks off."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, kind, body = gateway.answer(self.path, self.headers["Accept"])
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        gateway.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield gateway
        finally:
            server.shutdown()
            thread.join()
