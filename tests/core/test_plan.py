"""From a task to a run: what is mounted, which variables it sees, what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from bactools.core import jobspec, plan
from bactools.core.errors import BacError
from bactools.core.ports import Port
from bactools.core.running import Ending, Mount, Run

EXECUTION = plan.Execution("j-1", "e-1", "batch")
SYSTEM = {
    "BACALHAU_JOB_ID": "j-1",
    "BACALHAU_EXECUTION_ID": "e-1",
    "BACALHAU_JOB_TYPE": "batch",
    "BACALHAU_PARTITION_INDEX": "0",
    "BACALHAU_PARTITION_COUNT": "1",
}
DATA = {"Type": "inline", "Params": {"URL": "data:,x"}}


def docker_task(engine: dict[str, Any] | None = None, **fields: Any) -> jobspec.Task:
    params = {"Image": "busybox", **(engine or {})}
    task = {"Name": "main", "Engine": {"Type": "docker", "Params": params}, **fields}
    return jobspec.task(jobspec.canonical({"Type": "batch", "Tasks": [task]}))


def wasm_task(engine: dict[str, Any] | None = None, **fields: Any) -> jobspec.Task:
    module = {"Target": "/modules/main.wasm", "Source": {"Type": "local", "Params": {"SourcePath": "/main.wasm"}}}
    params = {"EntryModule": "/modules/main.wasm", **(engine or {})}
    sources = [module, *fields.pop("InputSources", [])]
    task = {"Name": "main", "Engine": {"Type": "wasm", "Params": params}, "InputSources": sources, **fields}
    return jobspec.task(jobspec.canonical({"Type": "batch", "Tasks": [task]}))


def planned(
    task: jobspec.Task, mounts: list[Mount], execution: plan.Execution, host: dict[str, str], timeout: float | None
) -> Run:
    return plan.run(task, mounts, plan.environment(task, execution, host), timeout)


def test_no_declared_output_is_one_at_outputs():
    assert plan.outputs(docker_task()) == (plan.Folder("outputs", "/outputs"),)


def test_declared_outputs_replace_the_default():
    task = docker_task(ResultPaths=[{"Name": "res", "Path": "/a/./b/"}], Publisher={"Type": "local"})
    assert plan.outputs(task) == (plan.Folder("res", "/a/b"),)


def test_a_run_has_the_task_in_it():
    task = docker_task(
        {"Entrypoint": ["/bin/sh", "-c"], "Parameters": ["true"], "WorkingDirectory": "/srv"},
        Env={"lower_case": "1"},
        Resources={"CPU": "500m", "Memory": "64MiB"},
        Network={"Type": "Bridge"},
        Timeouts={"ExecutionTimeout": 9},
    )
    mounts = [Mount("/here", "/inputs", writable=False)]
    run = planned(task, mounts, EXECUTION, {}, None)
    assert run.entrypoint == ("/bin/sh", "-c")
    assert run.arguments == ("true",)
    assert run.working_directory == "/srv"
    assert run.environment == {"lower_case": "1", **SYSTEM}
    assert run.mounts == tuple(mounts)
    assert (run.cpu, run.memory, run.network, run.timeout) == (0.5, 64 * 1024 * 1024, "bridge", 9)


def test_nothing_asked_is_no_network_and_no_limits():
    run = planned(docker_task(), [], EXECUTION, {}, None)
    assert (run.cpu, run.memory, run.network, run.timeout) == (None, None, "none", None)
    assert (run.entrypoint, run.arguments, run.working_directory) == ((), (), None)


def test_a_given_timeout_goes_over_the_tasks_own():
    assert planned(docker_task(Timeouts={"TotalTimeout": 9}), [], EXECUTION, {}, 0.5).timeout == 0.5


def test_env_references_take_the_hosts_value():
    run = planned(docker_task(Env={"TOKEN": "env:SECRET"}), [], EXECUTION, {"SECRET": "s3"}, None)
    assert run.environment["TOKEN"] == "s3"


def test_a_missing_reference_is_named_with_both_names():
    with pytest.raises(BacError) as caught:
        planned(docker_task(Env={"TOKEN": "env:SECRET"}), [], EXECUTION, {}, None)
    assert caught.value.code == "bad_spec"
    assert "TOKEN" in caught.value.message
    assert "SECRET" in caught.value.message


@pytest.mark.parametrize("value", ["a\0b", "\udcff"])
def test_a_hosts_value_that_no_program_can_be_given_is_refused_and_not_told(value: str):
    for task in (docker_task(Env={"TOKEN": "env:SECRET"}), wasm_task(Env={"TOKEN": "env:SECRET"})):
        with pytest.raises(BacError) as caught:
            planned(task, [], EXECUTION, {"SECRET": value}, None)
        assert caught.value.code == "bad_spec"
        assert "'TOKEN'" in caught.value.message
        assert value not in caught.value.message


def test_an_argument_with_a_nul_is_refused():
    task = docker_task()
    with pytest.raises(BacError) as caught:
        planned(task._replace(parameters=("a\0b",)), [], EXECUTION, {}, None)
    assert caught.value.code == "bad_spec"


def test_two_mounts_at_one_path_are_refused():
    mounts = [Mount("/one", "/outputs", writable=False), Mount("/two", "/outputs", writable=True)]
    with pytest.raises(BacError) as caught:
        planned(docker_task(), mounts, EXECUTION, {}, None)
    assert caught.value.code == "bad_spec"
    assert "/outputs" in caught.value.message


def test_the_module_itself_is_not_mounted():
    extra = {"Target": "data", "Source": DATA}
    task = wasm_task(InputSources=[extra])
    assert [plan.guest_path(task, item.target) for item in plan.mounted(task)] == ["/data"]


@pytest.mark.parametrize(
    ("task", "word"),
    [
        (docker_task(Network={"Type": "HTTP", "Domains": ["example.org"]}), "domains"),
        (wasm_task(Resources={"GPU": "1"}), "a GPU for WebAssembly"),
        (wasm_task(Network={"Type": "Host"}), "a network for WebAssembly"),
        (
            docker_task(Publisher={"Type": "s3managed"}),
            "publisher s3managed: the addresses to publish to are given out by",
        ),
        (
            docker_task(
                InputSources=[
                    {"Target": "/m", "Source": {"Type": "s3PreSigned", "Params": {"Bucket": "b", "PreSignedURL": "u"}}}
                ]
            ),
            "s3PreSigned: its address is given out by",
        ),
    ],
)
def test_what_cannot_be_given_is_refused_by_name(task: jobspec.Task, word: str):
    with pytest.raises(BacError) as caught:
        plan.check(task)
    assert caught.value.code == "unsupported"
    assert word in caught.value.message
    assert caught.value.hint


PUBLISHING = {"Type": "Bridge", "Ports": [{"Name": "web", "Target": 80}]}


def test_ports_without_numbers_are_refused_by_name():
    with pytest.raises(BacError) as caught:
        planned(docker_task(Network=PUBLISHING), [], EXECUTION, {}, None)
    assert (caught.value.code, "published ports" in caught.value.message) == ("unsupported", True)


def test_a_run_has_its_ports_and_their_variables():
    run = plan.run(docker_task(Network=PUBLISHING), [], {}, None, (Port("web", "127.0.0.1", 20000, 80),))
    assert run.ports == (Port("web", "127.0.0.1", 20000, 80),)
    assert run.environment == {"BACALHAU_HOST_PORT_web": "20000", "BACALHAU_PORT_web": "80"}


def test_a_run_counts_its_gpus():
    assert planned(docker_task(Resources={"GPU": "2"}), [], EXECUTION, {}, None).gpus == 2


@pytest.mark.parametrize("name", ["stdout", "exitCode", ".exitCode", "..", "a/b", "", "a" * 256, "ä" * 128, "a\0"])
def test_an_output_is_never_named_like_another_result(name: str):
    task = docker_task()
    hostile = jobspec.Task(**{**task._asdict(), "outputs": (jobspec.ResultPath(name, "/out"),)})
    with pytest.raises(BacError) as caught:
        plan.check(hostile)
    assert caught.value.code == "bad_spec"


@pytest.mark.parametrize("path", ["/", "/.", "/a/.."])
def test_a_mount_never_covers_the_root(path: str):
    with pytest.raises(BacError) as caught:
        plan.guest_path(docker_task(), path)
    assert caught.value.code == "bad_spec"


def test_modules_are_not_mounted():
    task = wasm_task({"ImportModules": ["geo.wasm"]}, InputSources=[{"Target": "geo.wasm", "Source": DATA}])
    plan.check(task)
    assert plan.mounted(task) == ()
    assert plan.module_names(task) == ("/modules/main.wasm", "geo.wasm")


def test_a_run_knows_its_partition():
    run = planned(docker_task(), [], plan.Execution("j-1", "e-1", "batch", 2, 5), {}, None)
    assert run.environment["BACALHAU_PARTITION_INDEX"] == "2"
    assert run.environment["BACALHAU_PARTITION_COUNT"] == "5"


@pytest.mark.parametrize(
    ("spec", "count"),
    [
        ({"Type": "batch"}, 1),
        ({"Type": "batch", "Count": 3}, 3),
        ({"Type": "ops"}, 1),
        ({"Type": "daemon", "Count": 0}, 1),
    ],
)
def test_the_count_is_that_of_executions(spec: dict[str, Any], count: int):
    assert plan.count(spec) == count


def test_a_count_of_nothing_is_refused():
    with pytest.raises(BacError) as caught:
        plan.count({"Type": "batch", "Count": 0})
    assert caught.value.code == "bad_spec"


@pytest.mark.parametrize(
    ("ending", "partial"),
    [
        (Ending("completed", 0), False),
        (Ending("failed", 3), False),
        (Ending("failed", None), True),
        (Ending("timeout", 143), True),
        (Ending("oom", 137), True),
        (Ending("cancelled", None), True),
    ],
)
def test_what_did_not_end_by_itself_is_partial(ending: Ending, partial: bool):
    assert plan.cut_short(ending) is partial


def test_services_have_no_total_timeout():
    tasks = [{"Timeouts": {"TotalTimeout": 9}}]
    assert plan.total_timeout({"Type": "batch", "Tasks": tasks}) == 9
    assert plan.total_timeout({"Type": "service", "Tasks": tasks}) is None
    assert plan.total_timeout({"Type": "batch", "Tasks": [{}]}) is None
