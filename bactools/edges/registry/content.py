"""The manifests and blobs of repositories, each in one request, two when a registry asks to log in first.

Every body is hashed here and checked against the digest that it was asked by, or that the registry claims; one that
is not right is asked for once more. Mirrors are asked before the registry itself, whose word counts when all fail.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from bactools.core.digests import digest_of, is_digest
from bactools.core.errors import BacError
from bactools.core.manifest import ACCEPTED, Blob
from bactools.core.retries import TOO_MANY
from bactools.edges.http import Answer, Stream
from bactools.edges.registry.hosts import Hosts
from bactools.edges.registry.statuses import FORBIDDEN, NOT_FOUND, OK, UNAUTHORIZED, check

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bactools.core.reference import Reference
    from bactools.edges.http import Client
    from bactools.edges.registry.hosts import Endpoint
    from bactools.edges.registry.login import Logins

MANIFEST_LIMIT = 4 * 1024 * 1024
CONFIG_LIMIT = 8 * 1024 * 1024
TRIES = 2
"""How often a body is fetched that has not the right digest."""

TELLING = (OK, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, TOO_MANY)
"""What HEAD is answered where it is understood."""

DEFAULTS = Hosts()
Found = TypeVar("Found")
Got = TypeVar("Got", Answer, Stream)


class Repository(NamedTuple):
    """One repository of a registry. Its methods raise BacError as statuses, http, login and digests give reason to.

    Threads may share it.
    """

    client: Client
    logins: Logins
    reference: Reference
    hosts: Hosts = DEFAULTS

    def manifest(self, target: str) -> Blob:
        """The manifest or index with a tag or a digest."""
        return self._first(lambda endpoint: self._blob(endpoint, f"manifests/{target}", MANIFEST_LIMIT))

    def head(self, target: str) -> str | None:
        """The digest of a tag, as its registry tells it, without counting as a pull.

        None where the registry does not tell it to HEAD: only ``manifest`` finds out then.
        """
        return self._first(lambda endpoint: self._digest(endpoint, f"manifests/{target}"))

    def config(self, digest: str) -> Blob:
        """The config blob with a digest."""
        return self._first(lambda endpoint: self._blob(endpoint, f"blobs/{digest}", CONFIG_LIMIT))

    @contextmanager
    def stream(self, digest: str) -> Iterator[Iterator[bytes]]:
        """A blob as it arrives, neither bounded nor checked here; who reads it may leave before its end."""
        with ExitStack() as stack:
            yield self._first(lambda endpoint: self._streamed(stack, endpoint, digest))

    def layer(self, digest: str) -> Iterator[bytes]:
        """A layer in parts, as ``stream`` gives them."""
        with self.stream(digest) as chunks:
            yield from chunks

    def _first(self, ask: Callable[[Endpoint], Found]) -> Found:
        *mirrors, home = self.hosts.endpoints(self.reference)
        for mirror in mirrors:
            try:
                return ask(mirror)
            except BacError:
                continue
        return ask(home)

    def _blob(self, endpoint: Endpoint, what: str, limit: int) -> Blob:
        """The body under its own digest, made by the claimed digest's algorithm."""
        kind, _, target = what.partition("/")
        for _ in range(TRIES):
            answer = self._logged_in(
                endpoint,
                lambda login: self.client.get(
                    _url(endpoint, what), limit=limit, headers=_headers(login), trust=endpoint.trust
                ),
            )
            check(answer, f"inspecting {self.reference}")
            claimed = target if is_digest(target) else answer.headers.get("docker-content-digest", "")
            expected = claimed if is_digest(claimed) else None
            digest = digest_of(answer.body, expected)
            if expected in (None, digest):
                return Blob(answer.body, answer.headers.get("content-type", ""), digest)
        message = f"the {kind.removesuffix('s')} of {self.reference} has the digest {digest}, not {expected}"
        raise BacError("digest_mismatch", message, hint="Try again; if it stays so, tell the registry's owner.")

    def _digest(self, endpoint: Endpoint, what: str) -> str | None:
        answer = self._logged_in(
            endpoint,
            lambda login: self.client.head(_url(endpoint, what), headers=_headers(login), trust=endpoint.trust),
        )
        if answer.status not in TELLING:
            return None
        check(answer, f"inspecting {self.reference}")
        digest = answer.headers.get("docker-content-digest", "")
        return digest if is_digest(digest) else None

    def _streamed(self, stack: ExitStack, endpoint: Endpoint, digest: str) -> Iterator[bytes]:
        def send(login: str | None) -> Stream:
            url = _url(endpoint, f"blobs/{digest}")
            return stack.enter_context(self.client.stream(url, headers=_headers(login), trust=endpoint.trust))

        answer = self._logged_in(endpoint, send)
        check(answer, f"reading {self.reference}")
        return answer.chunks

    def _logged_in(self, endpoint: Endpoint, send: Callable[[str | None], Got]) -> Got:
        known = self.logins.known(endpoint)
        answer = send(known)
        if answer.status == UNAUTHORIZED and not answer.moved:
            login = self.logins.answer(endpoint, answer.headers.get("www-authenticate", ""), known)
            if login:
                return send(login)
        return answer


def _url(endpoint: Endpoint, what: str) -> str:
    return f"{endpoint.base}/v2/{endpoint.reference.path}/{what}"


def _headers(login: str | None) -> dict[str, str]:
    accepted = {"Accept": ", ".join(ACCEPTED)}
    return {**accepted, "Authorization": login} if login else accepted
