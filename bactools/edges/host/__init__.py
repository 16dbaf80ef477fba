"""The host itself, as its kernel, its file system and its own programs describe it; or a captured copy of another."""

from __future__ import annotations

from bactools.edges.host.facts import read

__all__ = ["read"]
