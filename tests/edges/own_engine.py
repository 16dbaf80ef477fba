"""A Docker engine of a test's own, to be stopped, killed and started again: it has no network but ``none``."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import components
from processes import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docker import DockerClient


class Engine:
    """dockerd with all its state in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = f"unix://{folder}/sock"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> DockerClient:
        """Start it, and connect."""
        import docker
        from docker.errors import DockerException

        dockerd = components.program("dockerd")
        # Its mounts are in a namespace of its own, and go with it; without a bridge it would take away the docker0 of
        # another engine in its network.
        words = [components.program("unshare"), "--mount", "--net", dockerd, "--host", self.address]
        words += ["--data-root", f"{self.folder}/data", "--exec-root", f"{self.folder}/exec"]
        words += ["--pidfile", f"{self.folder}/pid", "--storage-driver", "vfs", "--bridge=none", "--iptables=false"]
        words += ["--containerd-namespace", "own", "--containerd-plugins-namespace", "own-plugins"]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(words, stdout=log, stderr=log, start_new_session=True)

        def connected() -> DockerClient | None:
            assert self.process is None or self.process.poll() is None, (self.folder / "log").read_text("utf-8")[-2000:]
            if not (self.folder / "sock").exists():
                return None
            try:
                return docker.DockerClient(base_url=self.address, version="1.41")
            except DockerException:
                return None

        def answering() -> DockerClient | None:
            client = connected()
            try:
                return client if client and client.ping() else None
            except (DockerException, OSError):
                client.close()
                return None

        return eventually(answering)

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Send it a signal and wait until it has gone; the containerd that it started goes with it."""
        if self.process is None:
            return
        helper = self.folder / "exec" / "containerd" / "containerd.pid"
        found = int(helper.read_text("ascii")) if helper.exists() else None
        if self.process.poll() is None:
            os.kill(self.process.pid, number)
        self.process.wait(timeout=30)
        if found is not None:
            with suppress(ProcessLookupError):
                os.kill(found, signal.SIGKILL)
            helper.unlink(missing_ok=True)  # or the next dockerd takes it for alive until somebody has reaped it


@contextmanager
def running() -> Iterator[Engine]:
    if os.geteuid() != 0:
        components.missing("an engine of one's own must be started by root")
    with tempfile.TemporaryDirectory(prefix="engine-") as name:  # a socket's path has at most 108 bytes
        engine = Engine(Path(name))
        try:
            yield engine
        finally:
            engine.stop()
