"""The manifests and blobs of repositories, each in one request, two when a registry asks to log in first.

Every body is hashed here and checked against the digest that it was asked by, or that the registry claims. Plain http
is spoken to this machine only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bactools.core.errors import BacError
from bactools.core.manifest import ACCEPTED, Blob
from bactools.core.reference import DOCKER_HUB, digest_of, is_digest, is_loopback
from bactools.edges.registry.statuses import UNAUTHORIZED, check

if TYPE_CHECKING:
    from bactools.core.reference import Reference
    from bactools.edges.http import Answer, Client
    from bactools.edges.registry.login import Logins

MANIFEST_LIMIT = 4 * 1024 * 1024
CONFIG_LIMIT = 8 * 1024 * 1024

DOCKER_HUB_HOST = "registry-1.docker.io"


class Repository(NamedTuple):
    """One repository of a registry. Its methods raise BacError as statuses, http, login and digests give reason to."""

    client: Client
    logins: Logins
    reference: Reference

    def manifest(self, target: str) -> Blob:
        """The manifest or index with a tag or a digest."""
        answer = self._get(f"manifests/{target}", MANIFEST_LIMIT)
        claimed = target if is_digest(target) else answer.headers.get("docker-content-digest")
        return self._verified(answer, claimed, "manifest")

    def config(self, digest: str) -> Blob:
        """The config blob with a digest."""
        return self._verified(self._get(f"blobs/{digest}", CONFIG_LIMIT), digest, "config")

    def _get(self, what: str, limit: int) -> Answer:
        url = f"{_base(self.reference.domain)}/v2/{self.reference.path}/{what}"
        headers = {"Accept": ", ".join(ACCEPTED)}
        known = self.logins.known(self.reference)
        answer = self.client.get(url, limit=limit, headers=headers, authorization=known)
        if answer.status == UNAUTHORIZED and not answer.moved:
            login = self.logins.answer(self.reference, answer.headers.get("www-authenticate", ""))
            if login:
                answer = self.client.get(url, limit=limit, headers=headers, authorization=login)
        check(answer, f"inspecting {self.reference}")
        return answer

    def _verified(self, answer: Answer, claimed: str | None, what: str) -> Blob:
        """The body under its own digest, made by the claimed digest's algorithm."""
        expected = claimed if claimed and is_digest(claimed) else None
        digest = digest_of(answer.body, expected)
        if expected and digest != expected:
            message = f"the {what} of {self.reference} has the digest {digest}, not {expected}"
            raise BacError("digest_mismatch", message, hint="Try again; if it stays so, tell the registry's owner.")
        return Blob(answer.body, answer.headers.get("content-type", ""), digest)


def _base(domain: str) -> str:
    scheme = "http" if is_loopback(domain) else "https"
    return f"{scheme}://{DOCKER_HUB_HOST if domain == DOCKER_HUB else domain}"
