"""The Docker engine of a host: what it says of itself, and what of that is proved.

Of a captured host only what was captured of its engine is known; nothing is run and nobody is asked.
"""

from __future__ import annotations

from contextlib import ExitStack, closing
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import msgspec

from bactools.core import binfmt, emulation, enginefacts, executables, hostfile, node, platforms
from bactools.core.errors import BacError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Future

    from docker import DockerClient

    from bactools.core.binfmt import Entry
    from bactools.core.docker_contexts import Place
    from bactools.core.emulation import Emulation, Outcome
    from bactools.core.enginefacts import DockerFacts
    from bactools.core.hostfile import Settings
    from bactools.core.platforms import Platform
    from bactools.edges.host.tree import Tree
    from bactools.flows.probing import Found, Probing

T = TypeVar("T")

ANSWER_TIMEOUT = 10.0
"""Seconds for each answer of a Docker engine, which has nothing to look up for what is asked."""
ANSWERS = 4
"""An engine that answers late has this part of the time that is left for each of its three answers."""
PROOF_TIMEOUT = 5.0
CAPTURED_LIMIT = 8 * 1024 * 1024
"""Bytes of an answer of a captured host's engine."""
VERSION, INFO = "docker/version.json", "docker/info.json"


def captured(probing: Probing) -> Found:
    """The engine whose answers were captured. Raises BacError ``no_engine``, ``bad_config`` or ``engine_failed``."""
    version = _captured(probing.tree, VERSION)
    if version is None:
        raise BacError("no_engine", f"nothing is known of a Docker engine of the captured host: it has no {VERSION}")
    told = enginefacts.docker(version, _captured(probing.tree, INFO), "", local=True)
    docker = enginefacts.on_host(told, probing.facts.kernel, probing.facts.hostname)
    found = _decided(probing, docker, None)
    return node.docker_engine(docker, found.offers, probing.settings), [*found.warnings]


def _captured(tree: Tree, name: str) -> object:
    text = tree.text(name, limit=CAPTURED_LIMIT)
    try:
        return None if text is None else msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BacError("bad_config", f"{tree.path(name)} is not what a Docker engine answers: no JSON") from error


def docker(probing: Probing) -> Found:
    """The Docker engine of this user. Raises BacError as connecting and asking do."""
    from bactools.edges.docker_engine import contexts

    place = contexts.find()
    patience = min(ANSWER_TIMEOUT, probing.clock.left(ANSWERS * ANSWER_TIMEOUT) / ANSWERS)
    asking = _asking(partial(_met, place, patience))
    outcomes = None
    if place.is_near and not (place.socket and contexts.knock(place.socket)):
        from bactools.edges.host import proofs

        # Meanwhile: to load the SDK and to be answered takes as long as the programs take to run.
        outcomes = proofs.prove(executables.ARCHITECTURES, probing.clock.left(PROOF_TIMEOUT))
    connection, facts = asking.result()
    with closing(connection):
        if not node.is_here(facts, probing.facts):
            outcomes = None
        found = _decided(probing, facts, outcomes)
        if probing.deep:
            found = _confirmed(probing, connection, facts, found, outcomes)
    return node.docker_engine(facts, found.offers, probing.settings), [*found.warnings]


def _met(place: Place, patience: float) -> tuple[DockerClient, DockerFacts]:
    """A connection to the engine, and what that says of itself. Raises BacError as connecting and asking do."""
    from bactools.edges.docker_engine import client

    with ExitStack() as stack:
        connection = stack.enter_context(closing(client.connect(patience, place)))
        facts = client.describe(connection, place)
        stack.pop_all()
        return connection, facts


def _asking(ask: Callable[[], T]) -> Future[T]:
    """The answer to come, meanwhile; or the answer, where no thread is to be had."""
    from concurrent.futures import Future, ThreadPoolExecutor

    from bactools.edges import signals

    executor = ThreadPoolExecutor(1)
    try:
        with signals.held():  # the thread inherits it, and is never handed a signal that the main one holds back
            return executor.submit(ask)
    except RuntimeError:
        asked: Future[T] = Future()
        asked.set_result(ask())
        return asked
    finally:
        executor.shutdown(wait=False)  # the thread ends with its answer, and makes room for a process


def _decided(probing: Probing, docker: DockerFacts, outcomes: Mapping[str, Outcome] | None) -> Emulation:
    """What containers of an engine get, as far as the host alone tells."""
    from bactools.edges.host import emulators

    own = node.native(docker, probing.facts)
    if not node.is_here(docker, probing.facts):
        return emulation.decide(own, (), None, {})
    entries = binfmt.entries(emulators.read(probing.tree))
    if not probing.settings.emulation:
        seen = {name: outcome for name, outcome in (outcomes or {}).items() if name not in binfmt.takers(entries)}
        return emulation.decide(own, (), seen if outcomes else None, {})
    interpreters = emulators.dynamic({entry.interpreter for entry in entries}, probing.tree)
    return emulation.decide(own, entries, _explicable(probing, own, entries, outcomes), interpreters)


def _explicable(
    probing: Probing, own: Platform, entries: tuple[Entry, ...], outcomes: Mapping[str, Outcome] | None
) -> Mapping[str, Outcome] | None:
    """The outcomes without those that only a container can explain, where that is going to be tried."""
    if outcomes is None or not probing.deep:
        return outcomes
    known = {own.architecture, emulation.RELATIVES.get(own.architecture), *binfmt.takers(entries)}
    return {name: outcome for name, outcome in outcomes.items() if name in known}


def _confirmed(
    probing: Probing,
    connection: DockerClient,
    docker: DockerFacts,
    found: Emulation,
    outcomes: Mapping[str, Outcome] | None,
) -> Emulation:
    """What containers get, after a program of each platform was run in one."""
    from bactools.edges.docker_engine import proofs

    own = node.native(docker, probing.facts)
    if own.os != "linux":
        return found.doubted(f"nothing is proved in containers: that is for linux, and the engine runs {own.os}")
    permitted = found._replace(offers=tuple(node.permitted(found.offers, probing.settings)))
    wanted = _worth_trying(probing.settings, own, permitted, outcomes)
    try:
        tried = proofs.prove(connection, wanted, probing.clock.left(float("inf")), probing.progress)
    except BacError as error:
        return permitted.doubted(f"not all is proved in containers: {error.advice()}")
    return emulation.confirm(own, permitted, tried)


def _worth_trying(
    settings: Settings, own: Platform, found: Emulation, outcomes: Mapping[str, Outcome] | None
) -> list[str]:
    """The platforms to run a program of: those offered, and any other that the kernel is not known to refuse."""
    offered = [offer.platform for offer in found.offers]
    if not settings.emulation:
        return offered
    others = (text for text in emulation.candidates(own, found) if text not in offered)
    named = ((text, platforms.parse(text)) for text in others)
    refused = {name for name, outcome in (outcomes or {}).items() if not (outcome.ran or outcome.untried)}
    return offered + [
        text
        for text, platform in named
        if platform.architecture not in refused and not hostfile.withholds(settings, platform)
    ]
