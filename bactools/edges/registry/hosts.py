"""How each registry is reached: at which addresses, by which scheme, trusting whom.

TLS everywhere, but for this machine, where plain http is the rule until certificates are given for it. For hosts
that are called insecure any certificate will do, and plain http where no TLS is spoken. Certificates are kept as
Docker keeps them, in a folder with the host's name: ``*.crt`` of authorities, ``*.cert`` with ``*.key`` of our own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bactools.core import registries_conf
from bactools.core.access import Access
from bactools.core.errors import BacError
from bactools.core.reference import DOCKER_HUB, is_loopback
from bactools.edges.http import Trust

if TYPE_CHECKING:
    from pathlib import Path

    from bactools.core.reference import Reference
    from bactools.core.registries_conf import Registry

DOCKER_HUB_HOST = "registry-1.docker.io"


class Endpoint(NamedTuple):
    """An address at which a repository may be had, and its name there."""

    base: str
    reference: Reference
    trust: Trust


class Hosts(NamedTuple):
    """What the command line and the files of this machine say; ``folders`` hold certificates, the first counts."""

    access: Access = Access()
    registries: tuple[Registry, ...] = ()
    folders: tuple[Path, ...] = ()

    def endpoints(self, reference: Reference) -> list[Endpoint]:
        """Where to ask for a reference: mirrors, then its own registry.

        Raises BacError ``blocked``, ``bad_config``, ``unreadable_file``.
        """
        return [
            self._endpoint(reference._replace(domain=place.domain, path=place.path), place.insecure)
            for place in registries_conf.places(self.registries, reference)
        ]

    def trust(self, host: str, *, insecure: bool = False) -> Trust:
        """The trust in a host, which may have a port. Raises BacError ``bad_config``, ``unreadable_file``."""
        lenient = insecure or host in self.access.insecure
        authorities, certificate = self._certificates(host)
        if self.access.ca_file:
            authorities = (*authorities, self.access.ca_file)
        return Trust(authorities, certificate, verified=not lenient, plain=lenient or is_loopback(host))

    def _endpoint(self, reference: Reference, insecure: bool) -> Endpoint:
        trust = self.trust(reference.domain, insecure=insecure)
        only_plain = is_loopback(reference.domain) and trust.verified and not trust.authorities
        host = DOCKER_HUB_HOST if reference.domain == DOCKER_HUB else reference.domain
        return Endpoint(f"{'http' if only_plain else 'https'}://{host}", reference, trust)

    def _certificates(self, host: str) -> tuple[tuple[str, ...], tuple[str, str] | None]:
        for folder in self.folders if host.strip(".") else ():
            try:
                files = sorted((folder / host).iterdir())
            except (FileNotFoundError, NotADirectoryError, PermissionError):
                continue
            except OSError as error:
                raise BacError("unreadable_file", f"cannot read {folder / host}: {error.strerror}") from error
            return tuple(str(file) for file in files if file.suffix == ".crt"), _own(files)
        return (), None


def _own(files: list[Path]) -> tuple[str, str] | None:
    """Our certificate among the files of a host, with its key."""
    for file in files:
        if file.suffix == ".cert":
            key = file.with_suffix(".key")
            if key not in files:
                raise BacError("bad_config", f"{file} has no key beside it", hint=f"Put it into {key}.")
            return str(file), str(key)
    return None
