"""What a job runs, wherever that is, and what it needs of a node."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec import UNSET, structs

from bactools.core import jobspec, lines, needs, platforms, requirements
from bactools.core.errors import BacError
from bactools.core.linking import within_inputs
from bactools.core.records import Image, Job
from bactools.flows import modules
from bactools.flows.inspect import engine_image, registry_image

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bactools.core.jobspec import Task
    from bactools.core.lines import Line
    from bactools.core.records import Import, Module, Requires
    from bactools.edges.modules import Fetched
    from bactools.flows.registries import Registries

PAGE = 64 * 1024
"""Bytes of a page of linear memory."""

FOUND = ("platforms", "features", "imports", "memory_min")
"""The fields of ``requires`` that are facts of the artifact."""

# What a registry says of an image that was only ever built here, or cannot say while it is out of reach.
NOT_THERE = frozenset({"not_found", "unauthorized", "rate_limited", "unreachable", "timed_out", "not_cached"})


class Completed(NamedTuple):
    """A job line with what it requires and was resolved to, its other fields as they were; and notes for people."""

    raw: bytes
    notes: tuple[str, ...]
    is_mislabelled: bool


def completed(line: Line, places: Registries, *, verify: bool = False) -> Completed:
    """A job completed, its image verified or not. Raises BacError ``bad_record``, or as ``resolve`` or ``verify``."""
    changes = resolve(lines.decode(line, Job), places)
    artifact = changes["artifact"]
    notes: tuple[str, ...] = ()
    wrong = False
    if isinstance(artifact, Image) and artifact.source == "daemon":
        notes = (f"{artifact.reference}: not to be had from its registry; this is the local engine's copy",)
    if isinstance(artifact, Image) and verify:
        from bactools.flows import verify as verifying

        notes += verifying.verify(artifact, places)
        wrong = verifying.is_mislabelled(artifact)
    return Completed(lines.extend(line, {**changes, "requires": _merged(line, changes["requires"])}), notes, wrong)


def resolve(job: Job, places: Registries, kept: Fetched | None = None) -> dict[str, object]:
    """The fields ``requires`` and ``artifact`` of a job, from what it runs; modules fetched for that are ``kept``.

    Raises BacError ``platforms_disjoint``, ``unsupported``, ``bad_spec``, or as ``inspect.inspect``.
    """
    spec = jobspec.canonical(job.spec)
    task = jobspec.task(spec)
    requires = structs.replace(requirements.of(spec) if job.requires is UNSET else job.requires)
    artifact: Image | Module
    if task.engine == "docker":
        artifact = _job_image(task, places)
    elif task.engine == "wasm":
        artifact = _job_module(task, requires, kept)
    else:
        raise BacError("unsupported", f"cannot inspect what a job of the engine {task.engine!r} runs")
    declared = [platforms.parse(text) for text in requires.declared]
    needs.accepted(needs.artifact_wanted(artifact), declared)
    requires.platforms = [entry.platform for entry in artifact.platforms]
    return {"requires": requires, "artifact": artifact}


def _job_image(task: Task, places: Registries) -> Image | Module:
    """The image of a job, from its registry, else as the local engine holds it."""
    word = task.image or ""
    try:
        found = registry_image(word, places)
    except BacError as error:
        if error.code not in NOT_THERE:
            raise
        try:
            found = engine_image(word)
        except BacError:
            raise error from None
    found.input = word
    return found


def _job_module(task: Task, requires: Requires, kept: Fetched | None) -> Module:
    """The module of a job; what it and its import modules need of a node goes into ``requires``."""
    entry = modules.record(modules.from_job(task, task.entry_module or "", kept))
    linked = [modules.record(modules.from_job(task, target, kept)) for target in task.import_modules]
    targets = [item.target for item in task.inputs]
    features: dict[str, None] = {}
    imports: dict[Import, None] = {}
    for module in (entry, *linked):
        features.update(dict.fromkeys(module.features or ()))
        imports.update(dict.fromkeys(each for each in module.imports or () if not within_inputs(each.module, targets)))
    requires.features = list(features)
    requires.imports = list(imports)
    if entry.memory:
        requires.memory_min = entry.memory.min * PAGE
    return entry


def _merged(line: Line, requires: object) -> Mapping[str, object]:
    """The job's own ``requires`` with what was found beside it: fields that we do not know stay as they were."""
    raw = dict[str, msgspec.Raw]
    found = msgspec.json.decode(lines.encode_value(requires), type=raw)
    given = msgspec.json.decode(line.raw, type=raw).get("requires")
    if given is None:
        return found
    return {**msgspec.json.decode(given, type=raw), **{name: found[name] for name in FOUND if name in found}}
