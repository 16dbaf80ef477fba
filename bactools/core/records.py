"""The line protocol, version 1: one JSON object a line, one Struct per kind.

Every record has ``kind`` and ``v``; its payload is flat beside them. A field that is absent was not
looked at; ``null`` was looked at and could not be told; an empty list was looked at and holds nothing.
Sizes are bytes, times RFC 3339 UTC, durations seconds, CPU is cores.

The Structs say what bactools itself knows; a record may carry more, and a filter keeps it: see
``bactools.core.lines``, which reads and extends lines without losing a byte.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Raw, Struct, UnsetType, field

from bactools import PROTOCOL

How = Literal["native", "compatible", "emulated", "assumed"]
Amount = Annotated[int, Meta(ge=0)]


class Offer(Struct, frozen=True):
    """A platform that an engine of a node runs, and how: ``via`` names the emulator.

    ``assumed`` is a platform that a node list or an operand states and nobody has proved: what a host of
    that platform usually runs is then assumed as containerd does. ``proved`` says where a program of the
    platform was run to see it: on the host, or in a container of the engine.
    """

    platform: str
    how: How
    via: str | UnsetType = UNSET
    proved: Literal["host", "container"] | UnsetType = UNSET


class Engine(Struct):
    """An executor of a node: ``features`` are WebAssembly proposals for ``wasm``, OCI runtimes for ``docker``.

    ``address`` is where the engine listens, ``rootless`` whether it runs without root; ``memory`` is the most that
    one of its jobs can be given, in bytes.
    """

    engine: str
    platforms: list[Offer]
    runtime: str | UnsetType | None = UNSET
    version: str | UnsetType | None = UNSET
    features: list[str] | UnsetType = UNSET
    address: str | UnsetType = UNSET
    rootless: bool | UnsetType = UNSET
    memory: int | UnsetType = UNSET


class Program(Struct):
    """A runtime found on the host, by its usual name: a fact, and no promise that bactools runs jobs with it."""

    name: str
    path: str


class Gpu(Struct):
    """A graphics processor; memory in bytes."""

    vendor: str | None = None
    name: str | None = None
    memory: Amount | None = None


class Resources(Struct):
    """What a node has or a job wants: cores, bytes, bytes, GPUs."""

    cpu: Annotated[float, Meta(ge=0)] | UnsetType | None = UNSET
    memory: Amount | UnsetType | None = UNSET
    disk: Amount | UnsetType | None = UNSET
    gpus: list[Gpu] | UnsetType | None = UNSET


class Envelope(Struct, kw_only=True, tag_field="kind"):
    """What every record has beside its ``kind``: the major version of the protocol."""

    v: int = PROTOCOL


class Node(Envelope, kw_only=True, tag="node"):
    """A compute host: which platforms it runs, by engine, and what it has.

    ``limits`` is the most that its owner lets one job have; ``page_size`` is in bytes.
    """

    id: str
    name: str | UnsetType | None = UNSET
    probed: str | UnsetType | None = UNSET
    os: str | UnsetType | None = UNSET
    architecture: str | UnsetType | None = UNSET
    variant: str | UnsetType | None = UNSET
    engines: list[Engine] | UnsetType | None = UNSET
    resources: Resources | UnsetType | None = UNSET
    available: Resources | UnsetType | None = UNSET
    limits: Resources | UnsetType | None = UNSET
    page_size: int | UnsetType | None = UNSET
    runtimes: list[Program] | UnsetType | None = UNSET
    labels: dict[str, str] | UnsetType | None = UNSET
    sources: list[str] | UnsetType | None = UNSET
    publishers: list[str] | UnsetType | None = UNSET
    schedulable: bool | UnsetType | None = UNSET
    warnings: list[str] | UnsetType | None = UNSET


class Interpreter(Struct):
    """The loader that a program names, and whether the image holds it; null: not looked at, for it would cost much."""

    path: str
    present: bool | None


class Verified(Struct):
    """What the program of a platform is: the lowest platform that it says it runs on, and the CPU level if it says one.

    ``file`` and ``layer`` are where it was found; ``agrees``: every host of the labelled platform runs it.
    ``interpreter`` is null for a program that needs none.
    """

    platform: str
    level: str | None
    file: str
    layer: str
    agrees: bool
    interpreter: Interpreter | None = None


class ImagePlatform(Struct):
    """One entry of an image: its platform, and the digest of the one manifest to run for it.

    Of an image that only a local engine has, the digest is the image's ID.
    ``labelled`` is the platform that a WebAssembly image claims instead of its own; ``verified`` is null where
    ``--verify`` could not tell.
    """

    platform: str
    os: str
    architecture: str
    variant: str | UnsetType = UNSET
    os_version: str | UnsetType = field(default=UNSET, name="os.version")
    os_features: list[str] | UnsetType = field(default=UNSET, name="os.features")
    digest: str | UnsetType = UNSET
    size: int | UnsetType = UNSET
    labelled: str | UnsetType = UNSET
    verified: Verified | UnsetType | None = UNSET


class Image(Envelope, kw_only=True, tag="image"):
    """A container image and the platforms that it offers; ``source`` says where it was found."""

    reference: str
    input: str | UnsetType = UNSET
    digest: str | UnsetType | None = UNSET
    mediaType: str | UnsetType = UNSET  # noqa: N815 (OCI's name)
    engine: Literal["docker"] = "docker"
    source: str | UnsetType = UNSET
    platforms: list[ImagePlatform] = field(default_factory=list)


class ModulePlatform(Struct):
    """A WebAssembly platform of a module, with the manifest to fetch for it; ``labelled`` is what that one claims."""

    platform: str
    digest: str | UnsetType = UNSET
    size: int | UnsetType = UNSET
    labelled: str | UnsetType = UNSET


class Precompiled(Struct):
    """What native code made of a module is bound to: a runtime, its version, a host's target triple."""

    runtime: str
    version: str | None = None
    target: str | None = None


class Import(Struct, frozen=True):
    """Something that a module needs from its host: ``kind`` is func, memory, table, global, tag or instance."""

    module: str
    name: str
    kind: str


class Memory(Struct):
    """A module's linear memory: pages of 64 KiB; ``index`` is the address type, i32 or i64."""

    min: int
    max: int | None = None
    shared: bool = False
    index: Literal["i32", "i64"] = "i32"


class Module(Envelope, kw_only=True, tag="module"):
    """A WebAssembly module or component, and what it needs to run.

    One in a registry, a layout or an archive (``source``) has the digest of its manifest or index, and in ``layers``
    those of its modules; also an image is a module if all that it holds is WebAssembly, whatever it is labelled.
    """

    reference: str
    input: str | UnsetType = UNSET
    digest: str | UnsetType | None = UNSET
    engine: Literal["wasm"] = "wasm"
    platforms: list[ModulePlatform] = field(default_factory=list)
    format: Literal["core", "component", "precompiled"] | UnsetType = UNSET
    features: list[str] | UnsetType = UNSET
    imports: list[Import] | UnsetType = UNSET
    exports: list[str] | UnsetType = UNSET
    memory: Memory | UnsetType | None = UNSET
    size: int | UnsetType = UNSET
    precompiled: Precompiled | UnsetType = UNSET
    source: str | UnsetType = UNSET
    mediaType: str | UnsetType = UNSET  # noqa: N815 (OCI's name)
    layers: list[str] | UnsetType = UNSET


class Constraint(Struct, frozen=True):
    """A condition on a node's labels, as Bacalhau writes it."""

    Key: str
    Operator: str
    Values: list[str] = field(default_factory=list)


class Requires(Struct):
    """What a job needs of a node. ``platforms`` is absent until bac-inspect has looked at the artifact.

    ``declared`` are the platforms that the job accepts (empty: any); ``imports`` and ``features`` are
    those of a WebAssembly module; ``sources`` and ``publisher`` are Bacalhau's type names.
    """

    engine: str
    platforms: list[str] | UnsetType = UNSET
    declared: list[str] = field(default_factory=list)
    features: list[str] | UnsetType = UNSET
    imports: list[Import] | UnsetType = UNSET
    memory_min: int | UnsetType = UNSET
    resources: Resources = field(default_factory=Resources)
    constraints: list[Constraint] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    publisher: str | None = None
    network: str | None = None


class Job(Envelope, kw_only=True, tag="job"):
    """A Bacalhau job, what it requires, and the artifact that it was resolved to."""

    id: str
    name: str | UnsetType | None = UNSET
    spec: dict[str, Any] = field(default_factory=dict)
    requires: Requires | UnsetType = UNSET
    artifact: Image | Module | UnsetType = UNSET


class Reason(Struct, frozen=True):
    """Why a node does not fit: both values, a sentence, and the cheapest thing that would change it."""

    code: str
    message: str
    want: Any = None
    have: Any = None
    remedy: str | None = None


class Match(Envelope, kw_only=True, tag="match"):
    """A job and a node, both whole and in their own bytes; ``job`` may be an image or a module."""

    ok: bool
    job: Raw
    node: Raw
    platform: str | None = None
    digest: str | None = None
    how: How | None = None
    rank: int | None = None
    reasons: list[Reason] = field(default_factory=list)


class Output(Struct):
    """What a run wrote to one stream: total bytes, the last of it as text, and whether the file was cut."""

    bytes: int
    tail: str
    truncated: bool = False


class Usage(Struct):
    """What a run used; peak memory in bytes."""

    cpu_seconds: float | None = None
    peak_memory: int | None = None


class Result(Envelope, kw_only=True, tag="result"):
    """A run of a job on this host, however it ended; ``results`` is the folder that holds it all."""

    job: str
    status: Literal["completed", "failed", "timeout", "cancelled", "oom", "refused"]
    node: str | UnsetType = UNSET
    engine: str | UnsetType = UNSET
    platform: str | UnsetType | None = UNSET
    digest: str | UnsetType | None = UNSET
    exit_code: int | None = None
    message: str | UnsetType = UNSET
    results: str | UnsetType | None = UNSET
    stdout: Output | UnsetType = UNSET
    stderr: Output | UnsetType = UNSET
    published: dict[str, Any] | UnsetType | None = UNSET
    started: str | UnsetType = UNSET
    finished: str | UnsetType = UNSET
    seconds: float | UnsetType = UNSET
    usage: Usage | UnsetType = UNSET


class Submission(Envelope, kw_only=True, tag="submission"):
    """A job handed to another engine."""

    engine: str
    endpoint: str
    job: str
    remote_id: str | None = None
    state: str | None = None
    nodes: list[str] | UnsetType = UNSET


class Diagnosis(Envelope, kw_only=True, tag="diagnosis"):
    """Why something failed, how sure that is, and what to do."""

    cause: str
    confidence: Literal["certain", "likely", "possible"]
    evidence: list[str] = field(default_factory=list)
    explanation: str | UnsetType = UNSET
    fix: list[str] = field(default_factory=list)


class Error(Envelope, kw_only=True, tag="error"):
    """One record that failed while the rest went on; ``code`` is from the closed list in bac-records(5)."""

    code: str
    message: str
    input: str | None = None
    by: str | UnsetType = UNSET
    hint: str | None = None
    retryable: bool = False


Record = Node | Image | Module | Job | Match | Result | Submission | Diagnosis | Error

KINDS: dict[str, type[Record]] = {
    "node": Node,
    "image": Image,
    "module": Module,
    "job": Job,
    "match": Match,
    "result": Result,
    "submission": Submission,
    "diagnosis": Diagnosis,
    "error": Error,
}
