"""What bac-job needs of this host: modules given as files, and specifications read again from job lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from bactools.core import jobbuild, jobspec, lines, pipeline, shortforms
from bactools.core.errors import BacError
from bactools.core.records import Job, Result
from bactools.edges import documents

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bactools.core.lines import Line


def module(text: str, *, inline: bool, cwd: Callable[[], str]) -> dict[str, Any]:
    """A module as an input of the job: by address, by absolute path, or ``inline`` with all its bytes.

    Raises BacError ``bad_spec`` for what is not in the grammar, ``unreadable_file``, or ``too_large``.
    """
    written = shortforms.module(text)
    source = shortforms.remote(written, text)
    if source is None:
        if written.options:
            raise BacError("bad_spec", f"{written.source} is a file, which takes no options")
        path = shortforms.local_path(written, cwd)
        source = inlined(path) if inline else jobbuild.local_source(documents.regular_file(path))
    return jobbuild.module_input(source, written)


def inlined(path: str) -> dict[str, Any]:
    """A file as a source that travels with the job. Raises BacError ``unreadable_file`` or ``too_large``."""
    return jobbuild.inline_source(documents.contents(path, jobbuild.INLINE_LIMIT))


def job(value: object, platforms: Sequence[str]) -> Job:
    """The job that a document holds, which accepts ``platforms`` too. Raises BacError."""
    spec = jobspec.canonical(value)
    return jobspec.job(jobspec.declaring(spec, platforms) if platforms else spec)


def line(found: Line, platforms: Sequence[str]) -> bytes:
    """A job line with its specification in canonical form.

    Where that changes nothing the line keeps its bytes, and with them what others found out about the job;
    a changed job is another one: what was inspected for it is dropped. Raises BacError.
    """
    known = lines.decode(found, Job)
    fresh = job(known.spec, platforms)
    same = fresh.id == known.id and lines.encode_value(fresh.spec) == lines.encode_value(known.spec)
    if same:
        return found.raw
    changes = {"id": fresh.id, "name": fresh.name, "spec": fresh.spec, "requires": fresh.requires, "artifact": UNSET}
    return lines.extend(found, changes)


def only(operand: str, platforms: Sequence[str]) -> Job:
    """The one job of a file (``-`` is standard input), which accepts ``platforms`` too.

    Raises BacError ``unsupported`` for several, ``empty_input`` for none, or as ``documents.read`` and ``job``.
    """
    found = documents.read("/dev/stdin" if operand == "-" else operand)
    if len(found) != 1:
        code = "unsupported" if found else "empty_input"
        raise BacError(code, f"{operand} holds {len(found)} jobs; results can feed one", input=operand)
    return job(found[0], platforms)


def fed(wanted: Job, line: Line, target: str) -> Job:
    """The job with the results of a result line as an input. Raises BacError ``bad_record`` or as ``pipeline.fed``."""
    return jobspec.job(pipeline.fed(wanted.spec, lines.decode(line, Result), target))
