"""Whether this host runs a job, and on which platform: decided before anything is pulled or started."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec import UNSET, structs

from bactools.core import bare, jobspec, lines, linking, match, needs
from bactools.core.digests import is_digest
from bactools.core.errors import BacError
from bactools.core.reasons import ABOUT_THE_PLATFORM
from bactools.core.records import Image, Job, Match, Module, Node
from bactools.core.wasi import called
from bactools.edges.modules import Fetched
from bactools.flows import probe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from bactools.core.hostfile import Settings
    from bactools.core.match import Verdict
    from bactools.core.needs import Need
    from bactools.core.routes import Choice
    from bactools.flows.registries import Registries

SUBJECTS: dict[str, type[Job | Image | Module]] = {"job": Job, "image": Image, "module": Module}


class Candidate(NamedTuple):
    """A job to run here; ``node`` and ``platform`` are those that a match line chose for it."""

    job: Job
    where: str
    node: Node | None = None
    platform: str | None = None


class Admitted(NamedTuple):
    """A job that is resolved to its artifact, the platform to run it on, the id of this host.

    ``modules`` are those of its modules that were fetched; they are kept until the next job is admitted.
    """

    job: Job
    choice: Choice
    node: str
    modules: Fetched


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
    return Candidate(job, line.where, node, found.platform)


def from_documents(found: list[object], name: str) -> Iterator[tuple[str, Callable[[], Candidate]]]:
    """Where the jobs of a specification file stand, and the calls that read them and raise BacError ``bad_spec``."""
    for number, document in enumerate(found, 1):
        where = name if len(found) == 1 else f"document {number} of {name}"
        yield where, partial(_specified, document, where)


def _specified(document: object, where: str) -> Candidate:
    return Candidate(jobspec.job(jobspec.canonical(document)), where)


def _job(line: lines.Line) -> Job:
    kind = SUBJECTS.get(line.kind)
    if kind is None:
        raise BacError("unexpected_kind", f"{line.where} holds a {line.kind} record, which cannot be run")
    found = lines.decode(line, kind)
    artifact = found.artifact if isinstance(found, Job) else found
    if artifact is not UNSET:
        _check_digests(artifact, line.where)
    if not isinstance(found, Job):
        return bare.job(found)
    # A line may come from anywhere; nothing after this looks at the shape of the specification again.
    return structs.replace(found, spec=jobspec.canonical(found.spec))


def _check_digests(artifact: Image | Module, where: str) -> None:
    told = [artifact.digest, *(each.digest for each in artifact.platforms)]
    for digest in told:
        if isinstance(digest, str) and not is_digest(digest):
            raise BacError("bad_record", f"{where} holds {lines.quote(digest.encode())}, which is not a digest")


class Host:
    """The host we are on, asked once for each engine; what it learns of registries is kept meanwhile."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._nodes: dict[str, Node] = {}
        self._places: Registries | None = None
        self._modules = Fetched()
        self._open = ExitStack()
        self._open.callback(self._modules.forget)

    def __enter__(self) -> Host:  # noqa: PYI034 (Self is newer than Python 3.10)
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._open.close()

    def admit(self, wanted: Candidate) -> Admitted:
        """Decide how to run a job here. The executions of the one before it have all begun.

        Raises BacError ``wrong_node``, ``no_engine``, ``wrong_platform``, or as finding the artifact fails.
        """
        self._modules.forget()
        engine = jobspec.task(wanted.job.spec).engine
        node = self._node(engine)
        if wanted.node and wanted.node.id != node.id:
            raise BacError(
                "wrong_node",
                f"job {wanted.job.id} is matched to the node {_called(wanted.node)}; this is {_called(node)}",
                hint="Run it there, or match it against bac-probe of this host.",
            )
        if not match.find_engines(engine, node):
            raise _no_engine(engine, node)
        job = self._resolved(wanted.job)
        return Admitted(job, _choice(_restricted(needs.need(job), wanted), node, job), node.id, self._modules)

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
        return structs.replace(job, **resolve(job, self._places, self._modules))


def _called(node: Node) -> str:
    return f"{node.name} ({node.id})" if node.name else node.id


def _restricted(need: Need, wanted: Candidate) -> Need:
    """The need for the one platform that a match line chose."""
    if wanted.platform is None:
        return need
    kept = tuple(item for item in need.wanted if str(item.platform) == wanted.platform)
    if not kept:
        raise BacError(
            "bad_record",
            f"{wanted.where} matches job {wanted.job.id} on {wanted.platform}; its platforms are"
            f" {', '.join(str(item.platform) for item in need.wanted) or 'none'}",
            hint="Match it again with bac-match.",
        )
    return need._replace(wanted=kept)


def _choice(need: Need, node: Node, job: Job) -> Choice:
    verdict = match.decide(need, node)
    reasons = [reason.message for reason in verdict.reasons if reason.code in ABOUT_THE_PLATFORM]
    if verdict.choice is None or reasons:
        offers = [offer.platform for engine in match.find_engines(need.engine, node) for offer in engine.platforms]
        raise BacError(
            "wrong_platform",
            f"this host cannot run the job {job.name or job.id}: it {'; it '.join(reasons)}",
            hint=_missing(need, verdict) or f"This host runs {', '.join(offers) or 'no platform'} with {need.engine}.",
        )
    return verdict.choice


def _missing(need: Need, verdict: Verdict) -> str | None:
    """What to do where an import is all that is missing."""
    wanted = [item.want for item in verdict.reasons if item.code == "import"]
    about = {item.code for item in verdict.reasons} & ABOUT_THE_PLATFORM
    named = [item for item in need.imports if called(item) in wanted]
    return linking.hint(named[0]) if about == {"import"} and named else None


def _no_engine(engine: str, node: Node) -> BacError:
    why = "; ".join(node.warnings or ()) or "it is not offered here"
    return BacError(
        "no_engine", f"this host has no {engine} engine: {why}", hint="bac-probe shows what this host runs."
    )
