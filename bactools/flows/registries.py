"""The registries as this user reaches them: the cache, and behind it connections and logins that many questions share.

Nothing is opened, read or imported before the first question that the cache cannot answer. Threads may share it.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from bactools.core.access import Access
from bactools.core.errors import BacError
from bactools.core.freshness import Rules
from bactools.edges import cache
from bactools.flows.cached import Cached

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bactools.core.quota import Quota
    from bactools.core.reference import Reference
    from bactools.edges.http import Client
    from bactools.edges.registry.content import Repository
    from bactools.edges.registry.hosts import Hosts
    from bactools.edges.registry.login import Logins

DIRECT = Access()


class Connection(NamedTuple):
    """The kept-alive connections, and whom to be there."""

    client: Client
    logins: Logins
    hosts: Hosts


class Registries:
    """Every repository of every registry; ``fault`` is what was wrong with the cache, if anything was."""

    def __init__(self, rules: Rules, access: Access) -> None:
        self._rules = rules
        self._access = access
        self._cache = cache.find() if rules.use_cache else None
        self._lock = Lock()
        self._connection: Connection | None = None
        self.fault: BacError | None = None

    def place(self, named: Reference) -> Cached | Repository:
        """One repository, through the cache if there is one. Raises BacError ``not_cached``."""
        if self._cache is None:
            return self.repository(named)
        return Cached(self._cache, self._rules, named, partial(self.repository, named), self._tell)

    def repository(self, named: Reference) -> Repository:
        """One repository, as the network has it. Raises BacError ``not_cached`` where nothing may be asked."""
        if self._rules.offline:
            raise BacError("not_cached", f"{named}: its registry is not asked", hint="Run it without --offline.")
        from bactools.edges.registry.content import Repository

        connection = self._connected()
        return Repository(connection.client, connection.logins, named, connection.hosts)

    def client(self) -> Client:
        """The connections, for what no registry holds. Raises BacError ``not_cached`` where nothing may be asked."""
        if self._rules.offline:
            raise BacError("not_cached", "no server is asked", hint="Run it without --offline.")
        return self._connected().client

    def quotas(self) -> Mapping[str, Quota]:
        """How many requests the hosts that were asked still answer, where they told it."""
        return {} if self._connection is None else self._connection.client.quotas

    def close(self) -> None:
        """Give the connections up."""
        if self._connection is not None:
            self._connection.client.close()

    def _tell(self, fault: BacError) -> None:
        self.fault = fault

    def _connected(self) -> Connection:
        with self._lock:
            if self._connection is None:
                self._connection = _connect(self._access)
            return self._connection


@contextmanager
def registries(rules: Rules = Rules(), access: Access = DIRECT) -> Iterator[Registries]:  # noqa: B008 (it is frozen)
    """The registries, until the end of the block."""
    places = Registries(rules, access)
    try:
        yield places
    finally:
        places.close()


def _connect(access: Access) -> Connection:
    from bactools.edges.credentials import Keyring
    from bactools.edges.http import Client
    from bactools.edges.registry import settings
    from bactools.edges.registry.login import Logins

    hosts = settings.hosts(access)
    client = Client(access.timeout)
    return Connection(client, Logins(client, Keyring().find, hosts), hosts)
