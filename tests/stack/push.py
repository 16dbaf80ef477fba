"""Push an image of a layout to a registry over plain http, with every byte as it is.

usage: push.py LAYOUT NAME HOST:PORT REPOSITORY:TAG
"""

from __future__ import annotations

import json
import sys
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

REF_NAME = "org.opencontainers.image.ref.name"


class Registry:
    """One repository of a registry and the layout that it is filled from."""

    def __init__(self, layout: Path, host: str, repository: str) -> None:
        self.layout = layout
        self.path = f"/v2/{repository}"
        self.connection = HTTPConnection(host, timeout=60)

    def ask(self, method: str, path: str, body: bytes = b"", media_type: str = "application/octet-stream") -> Any:
        self.connection.request(method, path, body, {"Content-Type": media_type})
        answer = self.connection.getresponse()
        answer.read()
        return answer

    def content(self, digest: str) -> bytes:
        return (self.layout / "blobs" / digest.replace(":", "/")).read_bytes()

    def blob(self, digest: str) -> None:
        """Upload a blob in one piece, unless it is there."""
        if self.ask("HEAD", f"{self.path}/blobs/{digest}").status == 200:
            return
        started = self.ask("POST", f"{self.path}/blobs/uploads/")
        place = urlsplit(started.headers["Location"])
        target = f"{place.path}?{place.query}&digest={digest}"
        check(self.ask("PUT", target, self.content(digest)), digest)

    def manifest(self, descriptor: dict[str, Any], target: str) -> None:
        """Upload what a manifest or index refers to, then itself."""
        body = self.content(descriptor["digest"])
        document = json.loads(body)
        for child in document.get("manifests", ()):
            self.manifest(child, child["digest"])
        for part in [document["config"], *document["layers"]] if "config" in document else ():
            self.blob(part["digest"])
        check(self.ask("PUT", f"{self.path}/manifests/{target}", body, descriptor["mediaType"]), target)


def check(answer: Any, what: str) -> None:
    if answer.status != 201:
        sys.exit(f"push.py: the registry answers {answer.status} to {what}")


def main() -> None:
    layout, name, host, target = sys.argv[1:]
    index = json.loads((Path(layout) / "index.json").read_bytes())
    found = next(entry for entry in index["manifests"] if entry["annotations"][REF_NAME] == name)
    repository, _, tag = target.partition(":")
    Registry(Path(layout), host, repository).manifest(found, tag)


if __name__ == "__main__":
    main()
