"""What is asked of bac-inspect, an operand or a line, and what is to be written for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bactools.core.errors import BacError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bactools.core.lines import Line
    from bactools.core.records import Image, Module
    from bactools.flows.registries import Registries


class Answer(NamedTuple):
    """A record as one line, or the ``error`` in its place; ``where`` names the question, ``notes`` are for people.

    ``is_no``: the record answers no, for an image's label was verified and is wrong.
    """

    where: str
    raw: bytes = b""
    kind: str = ""
    notes: tuple[str, ...] = ()
    error: BacError | None = None
    is_no: bool = False


def is_work(question: str | Line) -> bool:
    """Whether there is something to find out: lines that are no jobs are passed on."""
    return isinstance(question, str) or question.kind == "job"


def answers(question: str | Line, places: Registries, *, verify: bool = False) -> list[Answer]:
    """The records that an operand stands for, a job completed, or any other line as it is; images verified or not."""
    found: list[Answer] = []
    try:
        found.extend(_found(question, places, verify=verify))
    except BacError as error:
        found.append(Answer(_named(question), error=error))
    return found


def _found(question: str | Line, places: Registries, *, verify: bool) -> Iterator[Answer]:
    if isinstance(question, str):
        yield from _operand(question, places, verify=verify)
    elif is_work(question):
        yield _job(question, places, verify=verify)
    else:
        yield Answer(question.where, question.raw, question.kind)


def _named(question: str | Line) -> str:
    if not isinstance(question, str):
        return question.where
    from bactools.flows.inspect import shown

    return shown(question)


def _job(line: Line, places: Registries, *, verify: bool) -> Answer:
    from bactools.flows.resolve import completed

    found = completed(line, places, verify=verify)
    return Answer(line.where, found.raw, line.kind, found.notes, is_no=found.is_mislabelled)


def _operand(word: str, places: Registries, *, verify: bool) -> Iterator[Answer]:
    from bactools.flows.inspect import inspect_all, spec_file

    if path := spec_file(word):
        yield from _specs(path, places, verify=verify)
        return
    for found in inspect_all(word, places):
        yield Answer(word, error=found) if isinstance(found, BacError) else _record(word, found, places, verify=verify)


def _record(word: str, found: Image | Module, places: Registries, *, verify: bool) -> Answer:
    from bactools.core.lines import encode
    from bactools.core.records import Image

    if not verify or not isinstance(found, Image):
        return Answer(word, encode(found))
    from bactools.flows import verify as verifying

    try:
        notes = verifying.verify(found, places)
    except BacError as error:
        return Answer(word, error=error)
    return Answer(word, encode(found), notes=notes, is_no=verifying.is_mislabelled(found))


def _specs(path: Path, places: Registries, *, verify: bool) -> Iterator[Answer]:
    """The jobs of a file, each completed or its failure in its place."""
    from bactools.flows.specs import job_lines

    for found in job_lines(path):
        if isinstance(found, BacError):
            yield Answer(str(path), error=found)
        else:
            yield from answers(found, places, verify=verify)
