"""What is asked of a fleet: the jobs of one reading, what whoever asks will have, and what is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bactools.core import lines, needs
from bactools.core.choosing import Candidates
from bactools.core.records import Image, Job, Module
from bactools.core.remedies import Ledger
from bactools.core.routes import Terms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bactools.core.needs import Need

EVERYWHERE = ("daemon", "ops")
"""Job types that run on every node that fits; they have no count (Bacalhau, job types)."""
JOBS = 4096
JOB_BYTES = 16 * 1024 * 1024
KEPT = 64 * 1024 * 1024 // 18
"""What one reading of the nodes answers: so many jobs, of so many bytes; and as many different needs as keep so many
nodes between them, should all of them fit (18 bytes for each)."""

KINDS: dict[str, type[Job | Image | Module]] = {"job": Job, "image": Image, "module": Module}


class Wishes(NamedTuple):
    """How nodes are chosen: None for ``limit`` and ``per_platform`` is all, ``oldest`` in seconds since 1970."""

    terms: Terms = Terms()
    limit: int | None = None
    by_count: bool = False
    per_platform: int | None = None
    explain: bool = False
    oldest: float | None = None


class Question:
    """A need, on one platform of several or on any, and what came of it: fits and, if they are asked for, misfits.

    Why nodes do not fit is counted until one fits, unless ``explain`` asks for it all the same. A node is a misfit
    of a need on one platform of several though it may fit another one: those are not kept.
    """

    def __init__(self, need: Need, *, terms: Terms, explain: bool) -> None:
        self.need = need
        self.keeps_misfits = explain and not need.narrowed
        self.most: int | None = 0
        self._kept = 0
        self._terms = terms
        self._explain = explain
        self.clear()

    def clear(self) -> None:
        """Forget what came of it."""
        self.fits = Candidates()
        self.misfits = Candidates()
        self.ledger = Ledger(self.need, self._terms)
        self.counts_reasons = True

    def want(self, most: int | None, nodes: int) -> int:
        """Somebody asks for the best, so many or all; how many more of so many nodes may have to be kept for that."""
        self.most = None if most is None or self.most is None else max(self.most, most)
        before, self._kept = self._kept, nodes if self.most is None or self.keeps_misfits else min(self.most, nodes)
        return self._kept - before

    def prune(self) -> None:
        """Forget the fits that nobody asks for."""
        if self.most is not None:
            self.fits.forget_all_but(self.most)

    def fit(self, count: int) -> None:
        """Count nodes that fit."""
        self.ledger.add((), count)
        self.counts_reasons = self._explain


class Subject(NamedTuple):
    """A job, image or module: its line, what it is called, how many nodes it gets, its questions by number.

    ``most`` is how many nodes it gets for one question. ``platforms`` stand beside the questions; None: the question is
    about them all. ``whole`` is the question that tells the misfits, which is about them all.
    """

    raw: bytes
    name: str
    limit: int | None
    most: int | None
    questions: list[int]
    platforms: list[str | None]
    whole: int | None


class Wanted:
    """The subjects that one reading of the nodes answers; those that need the same share a question.

    ``nodes`` are those of which any that fit may have to be kept.
    """

    def __init__(self, wishes: Wishes, nodes: int) -> None:
        self.wishes = wishes
        self.subjects: list[Subject] = []
        self.questions: list[Question] = []
        self._numbers: dict[bytes, int] = {}
        self._bytes = 0
        self._nodes = nodes
        self._kept = 0

    def add(self, line: lines.Line) -> Subject:
        """Take one in. Raises BacError ``bad_record``, ``not_inspected`` or ``platforms_disjoint``."""
        record = lines.decode(line, KINDS[line.kind])
        need = needs.need(record)
        found = list(parted(need)) if self.wishes.per_platform else [(None, need)]
        limit = counted(record) if self.wishes.by_count else self.wishes.limit
        most = min((each for each in (limit, self.wishes.per_platform) if each is not None), default=None)
        subject = Subject(
            line.raw,
            (record.name or record.id) if isinstance(record, Job) else record.reference,
            limit,
            most,
            [self._number(each, most) for _, each in found],
            [platform for platform, _ in found],
            self._number(need, 0) if self.wishes.explain else None,
        )
        self.subjects.append(subject)
        self._bytes += len(line.raw)
        return subject

    def is_full(self) -> bool:
        """Whether the nodes are to be read before another is taken in."""
        return len(self.subjects) >= JOBS or self._bytes >= JOB_BYTES or self._kept >= KEPT

    def _number(self, need: Need, most: int | None) -> int:
        key = lines.encode_value(need)
        number = self._numbers.setdefault(key, len(self.questions))
        if number == len(self.questions):
            self.questions.append(Question(need, terms=self.wishes.terms, explain=self.wishes.explain))
        self._kept += self.questions[number].want(most, self._nodes)
        return number


def parted(need: Need) -> Iterator[tuple[str | None, Need]]:
    """A need for each platform that the job can run on; itself when there is none."""
    platforms = list(dict.fromkeys(str(item.platform) for item in need.wanted))
    if not platforms:
        yield None, need
    for platform in platforms:
        yield platform, needs.narrowed(need, platform)


def counted(record: Job | Image | Module) -> int | None:
    """On how many nodes it is to run, which may be none: a job that states no count on one, None for all."""
    if not isinstance(record, Job):
        return 1
    if record.spec.get("Type") in EVERYWHERE:
        return None
    count = record.spec.get("Count")
    return count if type(count) is int and count >= 0 else 1
