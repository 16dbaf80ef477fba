"""What the owner of a host lets one job have."""

from __future__ import annotations

from typing import Any

import pytest

from bactools.core import allowance, jobspec
from bactools.core.errors import BacError
from bactools.core.hostfile import Limits, LocalPath

GIB = 1024**3


def task(**resources: str) -> jobspec.Task:
    engine = {"Type": "docker", "Params": {"Image": "busybox"}}
    tasks = [{"Name": "main", "Engine": engine, "Resources": resources}]
    return jobspec.task(jobspec.canonical({"Type": "batch", "Tasks": tasks}))


def test_a_job_that_asks_for_nothing_gets_the_limits():
    found = allowance.limited(task(), Limits(cpu=2.0, memory=GIB))
    assert (found.cpu, found.memory) == (2.0, GIB)


def test_a_job_within_the_limits_gets_what_it_asks_for():
    found = allowance.limited(task(CPU="500m", Memory="512MiB"), Limits(cpu=2.0, memory=GIB))
    assert (found.cpu, found.memory) == (0.5, GIB // 2)


@pytest.mark.parametrize("limits", [None, Limits()])
def test_without_limits_nothing_changes(limits: Limits | None):
    assert allowance.limited(task(CPU="64"), limits) == task(CPU="64")


@pytest.mark.parametrize(
    ("resources", "words"),
    [
        ({"CPU": "3"}, "3 cores; one job may have 2 "),
        ({"Memory": "2GiB"}, f"{2 * GIB} bytes of memory; one job may have {GIB} "),
        ({"GPU": "1"}, "1 GPUs; one job may have 0 "),
    ],
)
def test_more_than_a_limit_is_refused_by_name(resources: dict[str, str], words: str):
    with pytest.raises(BacError) as caught:
        allowance.limited(task(**resources), Limits(cpu=2.0, memory=GIB, gpus=0))
    assert caught.value.code == "not_allowed"
    assert words in caught.value.message


def test_inputs_have_the_hosts_limit_of_disk():
    assert allowance.for_inputs(None, Limits(disk=5)) == 5
    assert allowance.for_inputs(3, Limits(disk=5)) == 5
    assert allowance.for_inputs(None, None) == 10 * GIB
    assert allowance.for_inputs(20 * GIB, Limits()) == 20 * GIB
    with pytest.raises(BacError) as caught:
        allowance.for_inputs(6, Limits(disk=5))
    assert caught.value.code == "not_allowed"


ALLOWED = (LocalPath("/srv/data", writable=False), LocalPath("/srv/data/out", writable=True), LocalPath("/opt/", False))


@pytest.mark.parametrize(
    ("path", "options"),
    [
        ("/srv/data", {"writable": False}),
        ("/srv/data/a", {"writable": False}),
        ("/srv/data/out/x", {"writable": True}),
        ("/opt/a", {"writable": False}),
    ],
)
def test_a_path_below_an_allowed_one_is_allowed(path: str, options: dict[str, Any]):
    allowance.check_path(path, path, ALLOWED, **options)


@pytest.mark.parametrize(
    ("path", "writable"),
    [("/srv/database", False), ("/srv", False), ("/", False), ("/srv/data/a", True), ("/opt/a", True)],
)
def test_everything_else_is_refused_by_name(path: str, writable: bool):
    with pytest.raises(BacError) as caught:
        allowance.check_path(path, path, ALLOWED, writable=writable)
    assert caught.value.code == "not_allowed"
    assert path in caught.value.message


def test_a_link_is_named_with_where_it_leads():
    with pytest.raises(BacError) as caught:
        allowance.check_path("/srv/data/link", "/etc/shadow", ALLOWED, writable=False)
    assert "/srv/data/link, which is /etc/shadow," in caught.value.message


def test_an_empty_list_allows_nothing():
    with pytest.raises(BacError):
        allowance.check_path("/srv", "/srv", (), writable=False)


def wasm(**resources: str) -> jobspec.Task:
    module = {"Source": {"Type": "inline", "Params": {"URL": "data:,x"}}, "Target": "/m"}
    engine = {"Type": "wasm", "Params": {"EntryModule": "/m"}}
    tasks = [{"Name": "main", "Engine": engine, "Resources": resources, "InputSources": [module]}]
    return jobspec.task(jobspec.canonical({"Type": "batch", "Tasks": tasks}))


@pytest.mark.parametrize(
    ("limits", "memory"),
    [
        (None, 512_000_000),
        (Limits(), 512_000_000),
        (Limits(memory=8 * GIB), 512_000_000),
        (Limits(memory=1_000_000), 1_000_000),
    ],
)
def test_webassembly_that_asks_for_no_memory_gets_bacalhaus_512_mb_or_the_hosts_limit(
    limits: Limits | None, memory: int
):
    assert allowance.limited(wasm(), limits).memory == memory


def test_webassembly_may_have_4_gib_and_no_more():
    assert allowance.limited(wasm(Memory="4GiB"), None).memory == 4 * GIB
    with pytest.raises(BacError) as caught:
        allowance.limited(wasm(Memory="5GiB"), None)
    assert caught.value.code == "unsupported"
    assert str(4 * GIB) in caught.value.message
