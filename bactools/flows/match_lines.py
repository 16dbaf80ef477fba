"""The lines that bac-match writes: job and node in their own bytes, and what is said of the two around them."""

from __future__ import annotations

from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec
from msgspec import Raw

from bactools.core import lines
from bactools.core.records import Match

if TYPE_CHECKING:
    from collections.abc import Callable

    from bactools.core.match import Verdict

Form = Literal["match", "node", "name"]

TEMPLATES = 256
GAP = b'"job":null,"node":null'
END = b'0,"reasons":[]}'


class Tail(NamedTuple):
    """What follows the node in a match line; of a fit the rank goes between the two parts, of a misfit nothing."""

    before: bytes
    after: bytes


class Named(msgspec.Struct):
    """What a node is called; nobody has looked at its name yet."""

    id: str
    name: Raw = Raw(b"null")


def tail(verdict: Verdict) -> Tail:
    """What is said of alike nodes, as it stands in a match line."""
    fits = verdict.ok and verdict.choice is not None
    record = Match(ok=fits, job=Raw(b"null"), node=Raw(b"null"), reasons=list(verdict.reasons))
    if fits and verdict.choice:
        record.platform, record.how, record.digest = verdict.choice.platform, verdict.choice.how, verdict.choice.digest
        record.rank = 0
    _, _, rest = lines.encode(record).partition(GAP)
    return Tail(rest.removesuffix(END), END[1:]) if fits else Tail(rest, b"")


class Writer(NamedTuple):
    """Makes lines for nodes of which the same is said.

    ``ranked`` gives a function of a node's line and a rank, for fits; ``unranked`` one of a node's line. Each line is
    about ``added`` bytes longer than the node's.
    """

    ranked: Callable[[Tail], Callable[[tuple[bytes, int]], bytes]]
    unranked: Callable[[Tail], Callable[[bytes], bytes]]
    added: int


def writer(form: Form, job: bytes) -> Writer:
    """Writes the lines beside this job; a node's own line comes without white space around it."""
    if form == "node":
        return Writer(lambda _: itemgetter(0), lambda _: bytes, 0)
    if form == "name":
        return Writer(lambda _: lambda ranked: called(ranked[0]), lambda _: called, 0)
    fit, misfit = (head(job, ok=ok).replace(b"%", b"%%") + b"%b" for ok in (True, False))

    @lru_cache(TEMPLATES)
    def ranked(said: Tail) -> Callable[[tuple[bytes, int]], bytes]:
        return (fit + said.before.replace(b"%", b"%%") + b"%d" + said.after).__mod__

    @lru_cache(TEMPLATES)
    def unranked(said: Tail) -> Callable[[bytes], bytes]:
        before = said.before.replace(b"%", b"%%")
        return (fit + before + b"null" + said.after if said.after else misfit + before).__mod__

    return Writer(ranked, unranked, len(fit))


def head(job: bytes, *, ok: bool) -> bytes:
    """What stands before the node in a match line."""
    start, _, _ = lines.encode(Match(ok=ok, job=Raw(b"null"), node=Raw(b"null"))).partition(GAP)
    return b'%b"job":%b,"node":' % (start, job)


def called(node: bytes) -> bytes:
    """The node's name, else its id, on one line: one with control characters as JSON text."""
    found = msgspec.json.decode(node, type=Named)
    name = lines.text(found.name) or found.id
    return (name if name.isprintable() else msgspec.json.encode(name).decode()).encode()
