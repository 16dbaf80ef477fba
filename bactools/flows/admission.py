"""Whether this host runs a job, and on which platform: decided before anything is pulled or started."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec import UNSET, structs

from bactools.core import bare, jobspec, lines, match
from bactools.core.errors import BacError
from bactools.core.records import Image, Job, Match, Module, Node
from bactools.flows import probe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from bactools.core.hostfile import Settings
    from bactools.core.match import Choice, Need
    from bactools.flows.registries import Registries

SUBJECTS: dict[str, type[Job | Image | Module]] = {"job": Job, "image": Image, "module": Module}

ABOUT_THE_ENGINE = frozenset({"engine", "platform", "feature", "import"})
"""Reasons that hold whatever the host's labels say; whoever names this host has chosen it already."""


class Candidate(NamedTuple):
    """A job to run here; ``node`` and ``platform`` are those that a match line chose for it."""

    job: Job
    where: str
    node: str | None = None
    platform: str | None = None


class Admitted(NamedTuple):
    """A job that is resolved to its artifact, the platform to run it on, and the id of this host."""

    job: Job
    choice: Choice
    node: str


def from_line(line: lines.Line, other: Callable[[lines.Line], None]) -> Candidate | None:
    """The job in a job, image, module or match line; a line with nothing to run is given to ``other``.

    Raises BacError ``bad_record``, ``bad_spec`` or ``unsupported``.
    """
    if line.kind in SUBJECTS:
        return Candidate(_job(line), line.where)
    found = lines.decode(line, Match) if line.kind == "match" else None
    if found is None or not found.ok:
        other(line)
        return None
    try:
        node = msgspec.json.decode(found.node, type=Node)
    except msgspec.DecodeError as error:
        raise BacError("bad_record", f"{line.where} is not a valid match record: {error}") from error
    job = _job(lines.read(bytes(found.job), line.where))
    return Candidate(job, line.where, node.id, found.platform)


def from_file(path: str) -> Iterator[tuple[str, Callable[[], Candidate]]]:
    """Where the jobs of a specification file stand, and the calls that read them and raise BacError ``bad_spec``.

    Raises BacError as ``documents.read``.
    """
    from bactools.edges import documents

    found = documents.read(path)
    if not found:
        raise BacError("empty_input", f"{path} held no job", hint="Write a Bacalhau job spec into it.", input=path)
    for number, document in enumerate(found, 1):
        where = path if len(found) == 1 else f"document {number} of {path}"
        yield where, partial(_specified, document, where)


def _specified(document: object, where: str) -> Candidate:
    return Candidate(jobspec.job(jobspec.canonical(document)), where)


def _job(line: lines.Line) -> Job:
    kind = SUBJECTS.get(line.kind)
    if kind is None:
        raise BacError("unexpected_kind", f"{line.where} holds a {line.kind} record, which cannot be run")
    found = lines.decode(line, kind)
    if not isinstance(found, Job):
        return bare.job(found)
    # A line may come from anywhere; nothing after this looks at the shape of the specification again.
    return structs.replace(found, spec=jobspec.canonical(found.spec))


class Host:
    """The host we are on, asked once for each engine; what it learns of registries is kept meanwhile."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._nodes: dict[str, Node] = {}
        self._places: Registries | None = None
        self._open = ExitStack()

    def __enter__(self) -> Host:  # noqa: PYI034 (Self is newer than Python 3.10)
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._open.close()

    def admit(self, wanted: Candidate) -> Admitted:
        """Decide how to run a job here.

        Raises BacError ``wrong_node``, ``no_engine``, ``wrong_platform``, or as finding the artifact fails.
        """
        engine = jobspec.task(wanted.job.spec).engine
        node = self._node(engine)
        if wanted.node not in (None, node.id):
            raise BacError(
                "wrong_node",
                f"job {wanted.job.id} is matched to the node {wanted.node}; this is {node.name or node.id} ({node.id})",
                hint="Run it there, or match it against bac-probe of this host.",
            )
        if match.find_engine(engine, node) is None:
            raise _no_engine(engine, node)
        job = self._resolved(wanted.job)
        return Admitted(job, _choice(_restricted(match.need(job), wanted.platform), node, job), node.id)

    def _node(self, engine: str) -> Node:
        if engine not in self._nodes:
            self._nodes[engine] = probe.engines([engine], self._settings)
        return self._nodes[engine]

    def _resolved(self, job: Job) -> Job:
        if job.artifact is not UNSET:
            return job
        from bactools.flows.registries import registries
        from bactools.flows.resolve import resolve

        if self._places is None:
            self._places = self._open.enter_context(registries())
        return structs.replace(job, **resolve(job, self._places))


def _restricted(need: Need, platform: str | None) -> Need:
    """The need for the one platform that a match line chose."""
    if platform is None:
        return need
    return need._replace(wanted=tuple(item for item in need.wanted if str(item.platform) == platform))


def _choice(need: Need, node: Node, job: Job) -> Choice:
    verdict = match.decide(need, node)
    reasons = [reason.message for reason in verdict.reasons if reason.code in ABOUT_THE_ENGINE]
    if verdict.choice is None or reasons:
        engine = match.find_engine(need.engine, node)
        offers = [offer.platform for offer in engine.platforms] if engine else []
        raise BacError(
            "wrong_platform",
            f"this host cannot run the job {job.name or job.id}: it {'; it '.join(reasons)}",
            hint=f"This host runs {', '.join(offers) or 'no platform'} with {need.engine}.",
        )
    return verdict.choice


def _no_engine(engine: str, node: Node) -> BacError:
    why = "; ".join(node.warnings or ()) or "it is not offered here"
    return BacError(
        "no_engine", f"this host has no {engine} engine: {why}", hint="bac-probe shows what this host runs."
    )
