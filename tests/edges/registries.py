"""Real registries of a test's own: with TLS, passwords or tokens, on the content that they are given."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import time
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LISTENING = re.compile(r"listening on (\S+?)[\",]")
ACCESS = re.compile(r"\"(GET|HEAD|POST|PUT) (\S+) HTTP/[0-9.]+\" ([0-9]{3})")


class Served(NamedTuple):
    """``address`` is host and port; ``log`` is complete when the registry has gone."""

    address: str
    log: list[str]

    def accesses(self) -> list[tuple[str, str, int]]:
        """Method, path and status of each request."""
        return [(found[1], found[2], int(found[3])) for line in self.log if (found := ACCESS.search(line))]


@contextmanager
def serving(program: str, folder: Path, storage: Path, http: Any = None, auth: Any = None) -> Iterator[Served]:
    """A registry on a free port of this machine, until the end of the block."""
    configuration = folder / "registry.yml"
    settings = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(storage)}},
        "http": {"addr": "127.0.0.1:0", **(http or {})},
        "auth": auth or {},
    }
    configuration.write_text(json.dumps(settings), encoding="ascii")
    words = [program, "serve", str(configuration)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        log = []
        for line in process.stdout:
            log.append(line)
            if found := LISTENING.search(line):
                break
        else:
            raise AssertionError("".join(log))
        drain = Thread(target=log.extend, args=(process.stdout,))  # a registry whose log is full stands still
        drain.start()
        try:
            yield Served(found[1], log)
        finally:
            process.kill()
            drain.join()


class Issuer(NamedTuple):
    """Someone who certifies, with openssl: an authority, or the signer of tokens."""

    openssl: str
    folder: Path
    name: str

    @property
    def certificate(self) -> Path:
        return self.folder / f"{self.name}.crt"

    @property
    def key(self) -> Path:
        return self.folder / f"{self.name}.key"

    def made(self, *words: str, kind: str = "ec") -> Issuer:
        """Itself, once it has a key and a certificate."""
        key = ["rsa:2048"] if kind == "rsa" else ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
        command = [self.openssl, "req", "-x509", "-newkey", *key, "-nodes", "-days", "2", "-subj", f"/CN={self.name}"]
        command += ["-keyout", str(self.key), "-out", str(self.certificate), *words]
        subprocess.run(command, check=True, capture_output=True)
        return self

    def certify(self, name: str, *words: str) -> Issuer:
        """A key and a certificate signed by this one."""
        ends = ["-addext", "basicConstraints=critical,CA:FALSE"]
        signed = ["-CA", str(self.certificate), "-CAkey", str(self.key), *ends, *words]
        return Issuer(self.openssl, self.folder, name).made(*signed)

    def token(self, service: str, repository: str) -> str:
        """A token to pull from a repository, as the registry's token authentication reads it (JWT, RS256)."""
        pem = self.certificate.read_text("ascii")
        header = {"typ": "JWT", "alg": "RS256", "x5c": ["".join(pem.split("-----")[2].split())]}
        now = int(time.time())
        claims = {"iss": self.name, "sub": "ann", "aud": service, "jti": "1"}
        claims |= {"nbf": now - 60, "iat": now - 60, "exp": now + 600}
        claims["access"] = [{"type": "repository", "name": repository, "actions": ["pull"]}]
        signed = b".".join(encoded(json.dumps(part).encode()) for part in (header, claims))
        command = [self.openssl, "dgst", "-sha256", "-sign", str(self.key)]
        signature = subprocess.run(command, input=signed, check=True, capture_output=True).stdout
        return (signed + b"." + encoded(signature)).decode()


def encoded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
