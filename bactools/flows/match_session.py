"""Jobs as they come, answered together: what is printed for each, and what is said of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bactools.core.errors import BacError
from bactools.flows.match import Survey
from bactools.flows.match_nodes import Nodes
from bactools.flows.match_stream import stream
from bactools.flows.match_wishes import Wanted, Wishes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bactools.core.lines import Line
    from bactools.edges.fleet_files import Fleet
    from bactools.flows.match_lines import Form
    from bactools.flows.match_wishes import Subject


LEAST_LINE = 256
"""Nodes whose number is not known are taken to have lines of so many bytes."""


class Session:
    """Takes subjects in and answers them; what is met among the nodes is remembered over all readings."""

    def __init__(self, fleet: Fleet, wishes: Wishes, form: Form, *, stream: bool) -> None:
        self._stream = stream
        self._fleet = fleet
        self._wishes = wishes
        self._form = form
        self._nodes = Nodes(fleet, wishes.oldest, once=stream)
        self._wanted = self._answered = self._asked()

    def add(self, line: Line) -> Subject:
        """Take a subject in. Raises BacError as ``Wanted.add`` does, and ``too_large`` when a stream has too many."""
        if self._stream and self._wanted.is_full():
            raise BacError("too_large", "these are more jobs than --stream answers", hint="Leave --stream out.")
        return self._wanted.add(line)

    def is_full(self) -> bool:
        """Whether what was taken in is to be answered first."""
        return not self._stream and self._wanted.is_full()

    def is_waiting(self) -> bool:
        """Whether something was taken in that is not answered."""
        return bool(self._wanted.subjects)

    def answers(self) -> Iterator[Iterable[list[bytes]]]:
        """Read the nodes: for each subject its lines, some at a time; of a stream those of all, as they come.

        Raises BacError as ``Survey`` and ``stream`` do.
        """
        if self._stream:
            yield from [()] * len(self._wanted.subjects)
            yield stream(self._nodes, self._wanted, self._form)
            return
        survey = Survey(self._fleet, self._nodes, self._wanted)
        survey.read()
        yield from survey.lines(self._wanted.subjects, self._form)

    def settled(self) -> list[Subject]:
        """The subjects that were answered; what is taken in from now on is for the next reading."""
        self._answered, self._wanted = self._wanted, self._asked()
        return self._answered.subjects

    def fits(self, subject: Subject) -> bool:
        """Whether some node fits an answered subject."""
        return any(self._answered.questions[number].ledger.fits for number in subject.questions)

    def _asked(self) -> Wanted:
        """Nothing yet. Once the nodes were read, their number is known; a stream keeps none."""
        nodes = self._nodes.count or self._fleet.size // LEAST_LINE
        return Wanted(self._wishes, 0 if self._stream else nodes)

    def notes(self, subject: Subject) -> Iterator[str]:
        """What is said of a subject: for each question that no node fits, or each if all is to be explained."""
        for number, platform in zip(subject.questions, subject.platforms, strict=True):
            ledger = self._answered.questions[number].ledger
            if ledger.fits and not self._wishes.explain:
                continue
            name = f"{subject.name} on {platform}" if platform else subject.name
            yield f"{name}: {ledger.sentence()}"
            if remedies := ledger.remedies():
                yield f"{name}: what would change that: {'; '.join(remedies)}"

    def met(self) -> Iterable[bytes | BacError]:
        """The error records among the nodes, and why lines among them were left out, in their order."""
        return self._nodes.met()

    def remarks(self) -> Iterator[str]:
        """What else was met among the nodes."""
        if self._nodes.stale:
            lines = "1 node line" if self._nodes.stale == 1 else f"{self._nodes.stale} node lines"
            yield f"{lines} left out: probed longer ago than --max-age"
        for name in sorted(self._nodes.cut):
            yield f"{name} ends within a line, which is left out: something is writing to it"
