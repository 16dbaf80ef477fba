"""A real registry for one test, of which every request is known from its log."""

from __future__ import annotations

import json
import re
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from threading import Condition, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MARK = "/v2/mark/tags/list"
TIMEOUT = 30.0
REQUEST = re.compile(r'"([A-Z]+) (\S+) HTTP/1\.1" \d+ ')


@dataclass
class OwnRegistry:
    """A registry at ``host``; its repository ``busybox`` has the images ``multi`` and ``arm64`` of another one."""

    host: str
    _seen: list[str] = field(default_factory=list)
    _changed: Condition = field(default_factory=Condition)

    def follow(self, lines: Iterator[str]) -> None:
        """Remember the requests in a log until its end."""
        for line in lines:
            if found := REQUEST.search(line):
                with self._changed:
                    self._seen.append(f"{found[1]} {found[2]}")
                    self._changed.notify()

    def requests(self) -> list[str]:
        """The methods and paths of the requests since the last time."""
        connection = HTTPConnection(self.host, timeout=TIMEOUT)
        connection.request("GET", MARK)
        connection.getresponse().read()
        connection.close()
        mark = f"GET {MARK}"
        with self._changed:
            assert self._changed.wait_for(lambda: mark in self._seen, TIMEOUT)
            seen = [request for request in self._seen if request != mark]
            self._seen.clear()
        return seen


@contextmanager
def own_registry(folder: Path, tool: Callable[[str], str], source: str) -> Iterator[OwnRegistry]:
    """A registry with images from the one at ``source``, gone at the end of the block."""
    configuration = folder / "registry.yml"
    storage = {"filesystem": {"rootdirectory": str(folder / "storage")}}
    configuration.write_text(
        json.dumps({"version": 0.1, "storage": storage, "http": {"addr": "127.0.0.1:0"}}), encoding="ascii"
    )
    words = [tool("docker-registry"), "serve", str(configuration)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout
        address = next(found[1] for line in process.stdout if (found := re.search(r"listening on (\S+?)\"", line)))
        registry = OwnRegistry(address)
        follower = Thread(target=registry.follow, args=(process.stdout,))
        follower.start()
        try:
            for tag in ("multi", "arm64"):
                copy = ["copy", "-q", "--all", "--src-tls-verify=false", "--dest-tls-verify=false"]
                copy += [f"docker://{source}/busybox:{tag}", f"docker://{address}/busybox:{tag}"]
                subprocess.run([tool("skopeo"), *copy], check=True, stdin=subprocess.DEVNULL)
            registry.requests()
            yield registry
        finally:
            process.kill()
            follower.join()
