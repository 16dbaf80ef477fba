"""How registries are to be reached, as far as the command line says it."""

from __future__ import annotations

from typing import NamedTuple


class Access(NamedTuple):
    """``timeout``: seconds for all requests together, None for no end; ``insecure``: hosts as references write them."""

    timeout: float | None = None
    insecure: tuple[str, ...] = ()
    ca_file: str | None = None
