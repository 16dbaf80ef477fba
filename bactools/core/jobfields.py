"""Bacalhau's job specification as data: the fields of each object, in upstream's casing and order.

``JOB`` reads a job of v1.4 to v1.9 into its canonical form (upstream: pkg/models). A field that no table
has is a mistake; what the server sets is accepted and left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bactools.core import jobrules, platforms, quantities
from bactools.core.errors import BacError
from bactools.core.joblegacy import modernised
from bactools.core.jobrules import PLATFORMS_KEY, absolute, folder, inside, not_blank, variable
from bactools.core.shapes import (
    Field,
    amount,
    boolean,
    choice,
    ignored,
    listing,
    mapping,
    record,
    tagged,
    text,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bactools.core.mistakes import Mistakes

RESERVED_META = "bacalhau.org/"
LOWEST_PORT, HIGHEST_PORT = 1024, 65535


def job_meta(value: Any, path: str, mistakes: Mistakes) -> dict[str, str] | None:
    """Meta without what the server adds, and with the platforms that the job accepts in canonical form."""
    found: dict[str, str] | None = mapping()(value, path, mistakes)
    if found is None:
        return None
    kept = {name: each for name, each in found.items() if not name.startswith(RESERVED_META)}
    if PLATFORMS_KEY in kept:
        try:
            kept[PLATFORMS_KEY] = platform_list(filter(str.strip, kept[PLATFORMS_KEY].split(",")))
        except BacError as error:
            mistakes.append(f"{path}.{PLATFORMS_KEY}: {error.message}")
    return {name: each for name, each in kept.items() if name != PLATFORMS_KEY or each}


def platform_list(names: Iterable[str]) -> str:
    """Platforms as the job's Meta keeps them: canonical, each once, with commas. Raises BacError ``bad_platform``."""
    return ",".join(dict.fromkeys(str(platforms.parse(name.strip())) for name in names))


def task(value: Any, path: str, mistakes: Mistakes) -> dict[str, Any]:
    """A task, its WebAssembly fields brought to the form of v1.7."""
    before = len(mistakes)
    found: dict[str, Any] = TASK(value, path, mistakes)
    if len(mistakes) == before:
        found = TASK(modernised(found), path, mistakes)
    if len(mistakes) == before:
        jobrules.task_rule(found, path, mistakes)
    return found


def module(value: Any, path: str, mistakes: Mistakes) -> Any:
    """A module: the Target of an input, or until v1.6 an input itself."""
    return text()(value, path, mistakes) if isinstance(value, str) else LEGACY_MODULE(value, path, mistakes)


S3 = (
    Field("Bucket", text(not_blank), required=True),
    Field("Key", text()),
    Field("Filter", text()),
    Field("Region", text()),
    Field("Endpoint", text()),
    Field("VersionID", text()),
    Field("ChecksumSHA256", text()),
    Field(
        "Partition",
        record(
            Field("Type", choice("none", "object", "regex", "substring", "date")),
            Field("Pattern", text()),
            Field("StartIndex", whole(0)),
            Field("EndIndex", whole(0)),
            Field("DateFormat", text()),
        ),
    ),
)
LOCAL = record(
    Field("SourcePath", text(absolute), required=True),
    Field("ReadWrite", boolean),
    Field("CreateAs", choice("dir", "file", "noCreate")),
)
SOURCE = tagged(
    {
        "ipfs": record(Field("CID", text(not_blank), required=True)),
        "urlDownload": record(
            Field("URL", text(jobrules.web_address), required=True),
            Field("ChecksumSHA256", text(jobrules.checksum)),
        ),
        "s3": record(*S3),
        "s3PreSigned": record(*S3, Field("PreSignedURL", text(), required=True), Field("Managed", boolean)),
        "local": LOCAL,
        "localDirectory": LOCAL,
        "inline": record(Field("URL", text(jobrules.data_url), required=True)),
    }
)
PUBLISHER = tagged(
    {
        "s3": record(
            Field("Bucket", text(not_blank), required=True),
            Field("Key", text(not_blank), required=True),
            Field("Region", text()),
            Field("Endpoint", text()),
            Field("Encoding", choice("gzip", "plain")),
        ),
        "s3managed": record(),
        "local": record(),
        "ipfs": record(),
        "noop": record(),
    }
)
LEGACY_MODULE = record(Field("Source", SOURCE, required=True), Field("Alias", text()), Field("Target", text(inside)))
ENGINE = tagged(
    {
        "docker": record(
            Field("Image", text(not_blank), required=True),
            Field("Entrypoint", listing(text())),
            Field("Parameters", listing(text())),
            Field("EnvironmentVariables", listing(text(jobrules.assignment, optional=False))),
            Field("WorkingDirectory", text(absolute)),
        ),
        "wasm": record(
            Field("EntryModule", module, required=True),
            Field("Entrypoint", text(not_blank)),
            Field("Parameters", listing(text())),
            Field("ImportModules", listing(module)),
            Field("EnvironmentVariables", mapping(variable)),
        ),
    }
)
NETWORK = record(
    Field("Type", choice("Default", "None", "Host", "Full", "HTTP", "Bridge")),
    Field("Domains", listing(text(jobrules.domain, optional=False))),
    Field(
        "Ports",
        listing(
            record(
                Field("Name", text(variable), required=True),
                Field("Static", whole(LOWEST_PORT, HIGHEST_PORT)),
                Field("Target", whole(1, HIGHEST_PORT)),
                Field("HostNetwork", text()),
            )
        ),
    ),
    rule=jobrules.network_rule,
)
TASK = record(
    Field("Name", text(not_blank), required=True),
    Field("Engine", ENGINE, required=True),
    Field("Publisher", PUBLISHER),
    Field("Env", mapping(variable)),
    Field("Meta", mapping()),
    Field(
        "InputSources",
        listing(
            record(
                Field("Source", SOURCE, required=True),
                Field("Alias", text()),
                Field("Target", text(inside), required=True),
            )
        ),
    ),
    Field(
        "ResultPaths",
        listing(record(Field("Name", text(folder), required=True), Field("Path", text(absolute), required=True))),
    ),
    Field(
        "Resources",
        record(
            Field("CPU", amount(quantities.cpu)),
            Field("Memory", amount(quantities.size)),
            Field("Disk", amount(quantities.size)),
            Field("GPU", amount(quantities.gpu)),
        ),
    ),
    Field("Network", NETWORK),
    Field(
        "Timeouts",
        record(
            Field("ExecutionTimeout", whole(0)),
            Field("QueueTimeout", whole(0)),
            Field("TotalTimeout", whole(0)),
            rule=jobrules.timeouts_rule,
        ),
    ),
)
JOB = record(
    Field("ID", ignored),
    Field("Name", text()),
    Field("Namespace", text()),
    Field("Type", choice("batch", "service", "daemon", "ops"), required=True),
    Field("Priority", whole(-(2**31), 2**31 - 1)),
    Field("Count", whole(0, 2**31 - 1)),
    Field(
        "Constraints",
        listing(
            record(
                Field("Key", text(not_blank), required=True),
                Field("Operator", choice(*jobrules.OPERATORS), required=True),
                Field("Values", listing(text())),
                rule=jobrules.constraint_rule,
            )
        ),
    ),
    Field("Meta", job_meta),
    Field("Labels", mapping()),
    Field("Tasks", listing(task), required=True),
    Field("State", ignored),
    Field("Version", ignored),
    Field("Revision", ignored),
    Field("CreateTime", ignored),
    Field("ModifyTime", ignored),
    rule=jobrules.job_rule,
)
