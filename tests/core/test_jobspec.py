from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from bactools.core import jobspec
from bactools.core.errors import BacError
from bactools.core.jobspec import Input, ResultPath
from bactools.core.lines import encode_value

LOCAL = {"Type": "local", "Params": {"SourcePath": "/srv/data"}}
MODULE = {"Source": {"Type": "inline", "Params": {"URL": "data:application/wasm;base64,AGFzbQEAAAA="}}, "Target": "/m"}
FULL = {
    "Name": "thumbs",
    "Namespace": "imaging",
    "Type": "batch",
    "Priority": 10,
    "Count": 2,
    "Constraints": [
        {"Key": "os_arch", "Operator": "in", "Values": ["amd64", "arm64"]},
        {"Key": "gpu", "Operator": "exists"},
    ],
    "Meta": {"owner": "ops"},
    "Labels": {"team": "imaging", "tier": "2"},
    "Tasks": [
        {
            "Name": "main",
            "Engine": {
                "Type": "docker",
                "Params": {
                    "Image": "registry.example.org/thumbs:3",
                    "Entrypoint": ["/usr/bin/env"],
                    "Parameters": ["sh", "-c", "thumbs"],
                    "EnvironmentVariables": ["MODE=strict"],
                    "WorkingDirectory": "/srv/app",
                },
            },
            "Publisher": {"Type": "s3", "Params": {"Bucket": "out", "Key": "runs/{jobID}", "Encoding": "gzip"}},
            "Env": {"MODE": "lax", "TOKEN": "env:TOKEN"},
            "Meta": {"note": "x"},
            "InputSources": [
                {
                    "Source": {
                        "Type": "s3",
                        "Params": {"Bucket": "raw", "Key": "2026/*", "Partition": {"Type": "object"}},
                    },
                    "Alias": "photos",
                    "Target": "/inputs",
                },
                {"Source": {"Type": "urlDownload", "Params": {"URL": "https://example.org/f"}}, "Target": "/f"},
            ],
            "ResultPaths": [{"Name": "outputs", "Path": "/outputs"}],
            "Resources": {"CPU": "1500m", "Memory": "2Gb", "Disk": "10Gb", "GPU": "1"},
            "Network": {
                "Type": "Bridge",
                "Ports": [{"Name": "HTTP", "Static": 8080, "Target": 80, "HostNetwork": "127.0.0.1"}],
            },
            "Timeouts": {"ExecutionTimeout": 900, "QueueTimeout": 300, "TotalTimeout": 3600},
        }
    ],
}


def docker(params=None, job=None, **task):
    params = {"Image": "busybox", **(params or {})}
    return {
        "Type": "batch",
        **(job or {}),
        "Tasks": [{"Name": "main", "Engine": {"Type": "docker", "Params": params}, **task}],
    }


def wasm(params=None, job=None, **task):
    params = {"EntryModule": "/m", **(params or {})}
    task = {"Name": "main", "Engine": {"Type": "wasm", "Params": params}, "InputSources": [MODULE], **task}
    return {"Type": "batch", **(job or {}), "Tasks": [task]}


def recased(value, change):
    """The same value with every key of the specification in another case; Env, Meta and Labels keep theirs."""
    if isinstance(value, list):
        return [recased(each, change) for each in value]
    if not isinstance(value, dict):
        return value
    free = {"Env", "Meta", "Labels"}
    return {change(key): each if key in free else recased(each, change) for key, each in value.items()}


def complaint(value):
    with pytest.raises(BacError) as caught:
        jobspec.canonical(value)
    assert caught.value.code == "bad_spec"
    return caught.value.message.removeprefix("the job spec does not validate: ")


def test_a_canonical_spec_keeps_its_bytes():
    assert encode_value(jobspec.canonical(FULL)) == encode_value(FULL)


@pytest.mark.parametrize("change", [str.lower, str.upper, str.swapcase, str.title])
def test_keys_match_in_any_case(change):
    assert encode_value(jobspec.canonical(recased(FULL, change))) == encode_value(FULL)


def shuffled(value, order):
    if isinstance(value, list):
        return [shuffled(each, order) for each in value]
    if not isinstance(value, dict):
        return value
    keys = sorted(value)
    order.shuffle(keys)
    return {key: shuffled(value[key], order) for key in keys}


@given(st.randoms())
def test_the_order_of_keys_does_not_matter(order):
    assert encode_value(jobspec.canonical(shuffled(FULL, order))) == encode_value(FULL)


def test_reading_changes_nothing_in_what_was_given():
    given_spec = recased(FULL, str.lower)
    before = copy.deepcopy(given_spec)
    jobspec.canonical(given_spec)
    assert given_spec == before


def test_what_the_server_sets_and_what_is_empty_is_left_out():
    served = {
        **docker(
            {"Entrypoint": None, "WorkingDirectory": ""}, Publisher={"Type": "", "Params": None}, Env={}, Network={}
        ),
        "ID": "j-1",
        "Name": "",
        "State": {"StateType": "Running", "Message": ""},
        "Version": 1,
        "Revision": 4,
        "CreateTime": 1700000000,
        "ModifyTime": 1700000001,
        "Constraints": None,
        "Labels": {},
        "Meta": {"bacalhau.org/client.id": "x"},
    }
    assert jobspec.canonical(served) == docker()


@pytest.mark.parametrize(
    "wrapped", [{"Job": FULL}, {"job": FULL, "Force": True}, {"Job": FULL, "History": [], "Executions": {}}]
)
def test_the_wrapper_of_the_api_is_taken_off(wrapped):
    assert jobspec.canonical(wrapped) == FULL


def test_a_job_line_is_a_job():
    assert jobspec.canonical(json.loads(encode_value(jobspec.job(FULL)))) == FULL


def test_a_line_of_another_kind_is_not_a_job():
    with pytest.raises(BacError) as caught:
        jobspec.canonical({"kind": "node", "v": 1})
    assert caught.value.code == "unexpected_kind"


LEGACY = {
    "Type": "batch",
    "Tasks": [
        {
            "Name": "main",
            "Engine": {
                "Type": "wasm",
                "Params": {
                    "EntryModule": {"Source": LOCAL, "Alias": "", "Target": "/inputs"},
                    "EntryPoint": "_start",
                    "Parameters": ["a"],
                    "EnvironmentVariables": {"B": "2", "A": "1"},
                    "ImportModules": [{"Source": LOCAL}, {"Source": LOCAL, "Target": "/lib/geo.wasm"}],
                },
            },
            "Env": {"A": "0"},
            "InputSources": [{"Source": LOCAL, "Target": "/inputs"}],
        }
    ],
}


def test_wasm_fields_of_v1_6_become_those_of_v1_7():
    found = jobspec.canonical(LEGACY)["Tasks"][0]
    assert found["Engine"]["Params"] == {
        "EntryModule": "/modules/entry",
        "Entrypoint": "_start",
        "Parameters": ["a"],
        "ImportModules": ["/modules/import-0", "/lib/geo.wasm"],
    }
    assert found["Env"] == {"A": "1", "B": "2"}
    assert [each["Target"] for each in found["InputSources"]] == [
        "/inputs",
        "/modules/entry",
        "/modules/import-0",
        "/lib/geo.wasm",
    ]
    assert list(found) == ["Name", "Engine", "Env", "InputSources"]


@pytest.mark.parametrize("given_spec", [FULL, LEGACY, docker(), wasm(), docker(Env={"A": 1, "B": 0.5})])
def test_a_canonical_form_is_its_own(given_spec):
    once = jobspec.canonical(given_spec)
    assert encode_value(jobspec.canonical(once)) == encode_value(once)
    assert jobspec.job(jobspec.canonical(once)) == jobspec.job(once)


@pytest.mark.parametrize(
    ("given_spec", "wanted"),
    [
        (docker(Env={"A": 1, "B": -0.5, "C": ""}), ("Env", {"A": "1", "B": "-0.5", "C": ""})),
        (
            docker(Resources={"CPU": 1, "Memory": 512, "GPU": 2}),
            ("Resources", {"CPU": "1", "Memory": "512", "GPU": "2"}),
        ),
        (docker(Resources={"CPU": 0.5}), ("Resources", {"CPU": "0.5"})),
        (docker(Network={"Type": "full"}), ("Network", {"Type": "Full"})),
        (
            docker(Network={"Type": "http", "Domains": [".a.org", "::1"]}),
            ("Network", {"Type": "HTTP", "Domains": [".a.org", "::1"]}),
        ),
        (docker(Publisher={"Type": "S3Managed"}), ("Publisher", {"Type": "s3managed"})),
        (docker(Env={"lower_case": "x", "_": "y"}), ("Env", {"_": "y", "lower_case": "x"})),
    ],
)
def test_values_are_brought_to_their_type(given_spec, wanted):
    assert jobspec.canonical(given_spec)["Tasks"][0][wanted[0]] == wanted[1]


def test_the_type_of_an_engine_is_lower_case_and_a_source_keeps_upstream_s_spelling():
    source = {"Type": "URLDOWNLOAD", "Params": {"url": "http://h/f"}}
    task = {"name": "main", "engine": {"type": "DOCKER", "params": {"IMAGE": "a"}}}
    task["inputsources"] = [{"source": source, "target": "/f"}]
    given_spec = {"type": "Batch", "tasks": [task]}
    found = jobspec.canonical(given_spec)
    assert found["Type"] == "batch"
    assert found["Tasks"][0]["Engine"]["Type"] == "docker"
    assert found["Tasks"][0]["InputSources"][0]["Source"] == {"Type": "urlDownload", "Params": {"URL": "http://h/f"}}


def test_read_write_may_be_text():
    source = {"Type": "local", "Params": {"SourcePath": "/a", "ReadWrite": "true", "CreateAs": "nocreate"}}
    found = jobspec.canonical(docker(InputSources=[{"Source": source, "Target": "/a"}]))
    params = found["Tasks"][0]["InputSources"][0]["Source"]["Params"]
    assert params == {"SourcePath": "/a", "ReadWrite": True, "CreateAs": "noCreate"}


MISTAKES = [
    (None, "the job is empty"),
    ([], "the job is a list"),
    ({}, "Type is required; Tasks is required"),
    ({"kind": "job", "v": 1}, "the job is empty; it must be a mapping"),
    (docker(job={"Type": "cron"}), "Type is 'cron'; it must be batch, service, daemon or ops"),
    (docker(job={"Labls": {}}), "Labls is not a known field; did you mean Labels?"),
    ({"Job": FULL, "Spec": {}}, "Spec beside Job is not a known field"),
    (docker({"Imgae": "x"}), "Tasks[0].Engine.Params.Imgae is not a known field; did you mean Image?"),
    (docker(ResourcesConfig={"CPU": "1"}), "Tasks[0].ResourcesConfig is not a known field; did you mean Resources?"),
    (docker({"Zzz": 1}), "Zzz is not a known field; the fields here are Image, Entrypoint, Parameters"),
    (
        docker(Publisher={"Type": "local", "Params": {"a": 1}}),
        "Tasks[0].Publisher.Params.a is not a known field; there are",
    ),
    (docker({"image": "a"}), "Tasks[0].Engine.Params.Image is given twice, in different case"),
    (docker({"\x1b[31m": "a"}), r"Tasks[0].Engine.Params.'\x1b[31m' is not a known field"),
    (docker(Engine={"Type": "dockr"}), "Tasks[0].Engine.Type is 'dockr'; it must be docker or wasm"),
    (docker(Engine={"Params": {"Image": "a"}}), "Tasks[0].Engine.Type is required: docker or wasm"),
    (docker(Engine={"Type": "docker"}), "Tasks[0].Engine.Params.Image is required"),
    (docker(Engine={}), "Tasks[0].Engine is required"),
    (docker(Name=" "), "Tasks[0].Name is blank"),
    (docker(Name=None), "Tasks[0].Name is required"),
    ({"Type": "batch", "Tasks": {}}, "Tasks is a mapping; it must be a list"),
    ({"Type": "batch", "Tasks": ["a"]}, "Tasks[0] is 'a'; it must be a mapping"),
    ({"Type": "batch", "Tasks": docker()["Tasks"] * 2}, "Tasks has 2; Bacalhau runs only the first"),
    (docker(job={"Count": -1}), "Count is -1; it must be from 0"),
    (docker(job={"Count": "2"}), "Count is '2'; it must be a whole number"),
    (docker(job={"Count": True}), "Count is the boolean true; it must be a whole number"),
    (docker(job={"Type": "ops", "Count": 2}), "Count is 2; a job of type ops runs once on each node"),
    (docker(job={"Type": "daemon", "Count": 2}), "Count is 2; a job of type daemon runs once on each node"),
    (
        docker({"WorkingDirectory": "srv"}),
        "Tasks[0].Engine.Params.WorkingDirectory is 'srv'; it must be an absolute path",
    ),
    (docker({"Parameters": "sh -c"}), "Tasks[0].Engine.Params.Parameters is text; it must be a list"),
    (docker({"Parameters": ["a", None]}), "Tasks[0].Engine.Params.Parameters[1] is empty; it must be text"),
    (docker({"Parameters": [True]}), "Parameters[0] is the boolean true; it must be text, so write it in quotes"),
    (docker({"Parameters": ["a\0b"]}), "Tasks[0].Engine.Params.Parameters[0] holds a NUL character"),
    (docker({"Parameters": ["\udcff"]}), "Tasks[0].Engine.Params.Parameters[0] is not valid Unicode text"),
    (docker({"EnvironmentVariables": ["A"]}), "EnvironmentVariables[0] must be NAME=value"),
    (docker({"EnvironmentVariables": [""]}), "EnvironmentVariables[0] must be NAME=value"),
    (docker(Env={"": "x"}), "Tasks[0].Env.'' is not a variable's name"),
    (docker(Network={"Type": "HTTP", "Domains": [""]}), "Tasks[0].Network.Domains[0] is ''; it must be a host name"),
    (docker(Env="TOKEN=hunter2"), "Tasks[0].Env is text; it must be a mapping of names to texts"),
    (docker(Env=12345), "Tasks[0].Env is a number; it must be a mapping of names to texts"),
    (docker({"EnvironmentVariables": "TOKEN=hunter2"}), "EnvironmentVariables is text; it must be a list"),
    (docker({"EnvironmentVariables": ["BACALHAU_A=1"]}), "EnvironmentVariables[0] starts with BACALHAU_"),
    (docker(Env={"1A": "x"}), "Tasks[0].Env.1A is not a variable's name"),
    (docker(Env={"A-B": "x"}), "Tasks[0].Env.A-B is not a variable's name"),
    (docker(Env={"BACALHAU_X": "x"}), "Tasks[0].Env.BACALHAU_X starts with BACALHAU_, which is reserved"),
    (docker(Env={"A": True}), "Tasks[0].Env.A is the boolean true; it must be text, so write it in quotes"),
    (docker(Env={"A": None}), "Tasks[0].Env.A is empty; it must be text"),
    (docker(Env={"A": float("inf")}), "Tasks[0].Env.A is inf; it must be text"),
    (docker(Env=["A=1"]), "Tasks[0].Env is a list; it must be a mapping of names to texts"),
    (docker(Resources={"CPU": "much"}), "Tasks[0].Resources.CPU: 'much' is not an amount of CPU, such as 500m or 0.5"),
    (docker(Resources={"Memory": "1Zb"}), "Tasks[0].Resources.Memory: '1Zb' is not a size"),
    (docker(Resources={"GPU": "a100"}), "Tasks[0].Resources.GPU: 'a100' is not a count"),
    (docker(Timeouts={"ExecutionTimeout": -1}), "Tasks[0].Timeouts.ExecutionTimeout is -1; it must be at least 0"),
    (
        docker(Timeouts={"ExecutionTimeout": 50, "QueueTimeout": 11, "TotalTimeout": 60}),
        "Tasks[0].Timeouts: ExecutionTimeout and QueueTimeout are 61 s together, TotalTimeout is 60 s",
    ),
    (
        docker(Network={"Type": "wifi"}),
        "Tasks[0].Network.Type is 'wifi'; it must be Default, None, Host, Full, HTTP or",
    ),
    (docker(Network={"Domains": ["a.org"]}), "Tasks[0].Network.Domains needs Type HTTP, not Default"),
    (
        docker(Network={"Type": "HTTP", "Domains": ["a b"]}),
        "Tasks[0].Network.Domains[0] is 'a b'; it must be a host name",
    ),
    (docker(Network={"Type": "HTTP", "Ports": [{"Name": "A"}]}), "Ports needs Type Host or Bridge, not HTTP"),
    (docker(Network={"Type": "Bridge", "Ports": [{"Name": "A"}, {"Name": "A"}]}), "Ports[1].Name is 'A', as"),
    (docker(Network={"Type": "Bridge", "Ports": [{"Name": "1"}]}), "Ports[0].Name is not a variable's name"),
    (docker(Network={"Type": "Bridge", "Ports": [{"Name": "A", "Static": 80}]}), "it must be from 1024 to 65535"),
    (docker(Network={"Type": "Host", "Ports": [{"Name": "A", "Target": 80}]}), "Target has no use in a Host network"),
    (docker(InputSources=[{"Source": LOCAL}]), "Tasks[0].InputSources[0].Target is required"),
    (docker(InputSources=[{"Target": "/a"}]), "Tasks[0].InputSources[0].Source is required"),
    (
        docker(InputSources=[{"Source": LOCAL, "Target": "a"}]),
        "InputSources[0].Target is 'a'; it must be an absolute path",
    ),
    (docker(InputSources=[{"Source": LOCAL, "Target": "/../a"}]), "InputSources[0].Target must not hold '..'"),
    (
        docker(InputSources=[{"Source": LOCAL, "Target": "/a"}, {"Source": LOCAL, "Target": "/a/"}]),
        "Tasks[0].InputSources[1].Target is '/a', as Tasks[0].InputSources[0].Target is; they must differ",
    ),
    (
        docker(InputSources=[{"Source": LOCAL, "Target": f"/{i}", "Alias": "x"} for i in range(2)]),
        "Tasks[0].InputSources[1].Alias is 'x', as",
    ),
    (
        docker(InputSources=[{"Source": {"Type": "git"}, "Target": "/a"}]),
        "Source.Type is 'git'; it must be ipfs, urlDownload",
    ),
    (
        docker(InputSources=[{"Source": {"Type": "local", "Params": {"SourcePath": "a"}}, "Target": "/a"}]),
        "SourcePath is 'a'; it must be an absolute path",
    ),
    (
        docker(InputSources=[{"Source": {"Type": "urlDownload", "Params": {"URL": "http://h"}}, "Target": "/a"}]),
        "Params.URL must be an http or https URL with a path",
    ),
    (
        docker(InputSources=[{"Source": {"Type": "inline", "Params": {"URL": "AGFz"}}, "Target": "/a"}]),
        "Params.URL must be a data URL",
    ),
    (docker(ResultPaths=[{"Name": "a"}]), "Tasks[0].ResultPaths[0].Path is required"),
    (docker(ResultPaths=[{"Name": "a", "Path": "b"}]), "ResultPaths[0].Path is 'b'; it must be an absolute path"),
    (
        docker(ResultPaths=[{"Name": "../a", "Path": "/b"}]),
        "ResultPaths[0].Name is '../a'; it must be the name of a folder",
    ),
    (docker(ResultPaths=[{"Name": "stdout", "Path": "/b"}]), "ResultPaths[0].Name is 'stdout'; it must be the name of"),
    (docker(ResultPaths=[{"Name": "a", "Path": "/a"}, {"Name": "a", "Path": "/b"}]), "ResultPaths[1].Name is 'a', as"),
    (docker(ResultPaths=[{"Name": "a", "Path": "/a"}, {"Name": "b", "Path": "/a"}]), "ResultPaths[1].Path is '/a', as"),
    (docker(Publisher={"Type": "s3", "Params": {"Bucket": "b"}}), "Tasks[0].Publisher.Params.Key is required"),
    (wasm({"EntryModule": None}), "Tasks[0].Engine.Params.EntryModule is required"),
    (wasm({"EntryModule": "/other"}), "EntryModule is '/other', which is no Target of Tasks[0].InputSources"),
    (wasm({"ImportModules": ["/geo"]}), "ImportModules[0] is '/geo', which is no Target of Tasks[0].InputSources"),
    (wasm({"EntryModule": {"Target": "/m"}}), "Tasks[0].Engine.Params.EntryModule.Source is required"),
    (wasm({"EntryModule": 3}), "Tasks[0].Engine.Params.EntryModule is 3; it must be a mapping"),
    (
        wasm(job={"Meta": {"bactools/platforms": "linux/amd64"}}),
        "the job accepts linux/amd64, which is not a platform of its",
    ),
    (
        docker(job={"Meta": {"bactools/platforms": "wasm32/wasi"}}),
        "the job accepts wasm32/wasi, which is not a platform of its",
    ),
    (
        docker(job={"Meta": {"bactools/platforms": "linux"}}),
        "Meta.bactools/platforms: platform 'linux' names no architecture",
    ),
]


@pytest.mark.parametrize(("given_spec", "message"), MISTAKES)
def test_mistakes_are_named_with_their_path(given_spec, message):
    assert message in complaint(given_spec)


@pytest.mark.parametrize(
    ("operator", "values", "wrong"),
    [
        ("=", ["a"], None),
        ("=", [], "has 0; = takes exactly one value"),
        ("==", ["a", "b"], "has 2; == takes exactly one value"),
        ("!=", ["a"], None),
        ("in", ["a", "b"], None),
        ("in", [], "has 0; in takes at least one value"),
        ("notin", [], "has 0; notin takes at least one value"),
        ("exists", [], None),
        ("exists", ["a"], "has 1; exists takes no values"),
        ("!", ["a"], "has 1; ! takes no values"),
        ("gt", ["4"], None),
        ("lt", [4], None),
        ("gt", ["4.5"], "is '4.5'; gt takes a whole number"),
        ("like", ["a"], "Operator is 'like'; it must be =, ==, !=, in, notin, exists, !, gt or lt"),
    ],
)
def test_operators_take_their_number_of_values(operator, values, wrong):
    given_spec = docker(job={"Constraints": [{"Key": "zone", "Operator": operator, "Values": values}]})
    if wrong is None:
        assert jobspec.canonical(given_spec)["Constraints"][0]["Operator"] == operator
    else:
        assert wrong in complaint(given_spec)


def test_all_mistakes_are_told_at_once():
    given_spec = docker({"Imgae": "x"}, job={"Type": "cron", "Count": -1})
    assert complaint(given_spec).split("; ")[::2] == [
        "Type is 'cron'",
        "Count is -1",
        "Tasks[0].Engine.Params.Imgae is not a known field",
    ]


def test_a_long_list_of_mistakes_is_cut_and_counted():
    assert complaint(docker({"Parameters": [None] * 50})).endswith("; and 42 more")


def test_a_long_value_is_not_repeated_whole():
    assert len(complaint(docker({"WorkingDirectory": "x" * 100_000}))) < 300


def test_an_id_is_that_of_the_content():
    assert jobspec.identity(docker()) == jobspec.identity(jobspec.canonical(recased(docker(), str.lower)))
    assert jobspec.identity(docker()) != jobspec.identity(docker({"Image": "alpine"}))
    assert jobspec.identity(docker()) == "j-e9603488-ae19-fe9c-7801-46599103b8e0"


def test_a_job_has_a_name_only_when_it_is_given_one():
    assert jobspec.job(docker()).name is UNSET
    assert jobspec.job(FULL).name == "thumbs"


def test_platforms_are_kept_in_canonical_form_each_once_in_order():
    spec = jobspec.canonical(
        docker(job={"Meta": {"bactools/platforms": " linux/x86_64, linux/arm64/v8 ,linux/amd64,"}})
    )
    assert spec["Meta"] == {"bactools/platforms": "linux/amd64,linux/arm64"}
    assert jobspec.declaring(spec, ["linux/armhf"])["Meta"] == {
        "bactools/platforms": "linux/amd64,linux/arm64,linux/arm/v7"
    }


def test_a_platform_that_is_none_cannot_be_declared():
    with pytest.raises(BacError) as caught:
        jobspec.declaring(docker(), ["linux"])
    assert caught.value.code == "bad_platform"


def test_the_task_of_a_container():
    task = jobspec.task(FULL)
    assert (task.engine, task.image, task.entry_module) == ("docker", "registry.example.org/thumbs:3", None)
    assert (task.entrypoint, task.parameters) == (("/usr/bin/env",), ("sh", "-c", "thumbs"))
    assert task.working_directory == "/srv/app"
    assert task.environment == {"MODE": "strict", "TOKEN": "env:TOKEN"}
    assert task.inputs[0] == Input("s3", {"Bucket": "raw", "Key": "2026/*", "Partition": {"Type": "object"}}, "/inputs")
    assert task.outputs == (ResultPath("outputs", "/outputs"),)
    assert (task.cpu, task.memory, task.gpu) == (1.5, 2_000_000_000, 1)
    assert (task.network, task.publishes_ports) == ("bridge", True)
    assert task.timeout == 900
    assert task.publisher == {"Type": "s3", "Params": {"Bucket": "out", "Key": "runs/{jobID}", "Encoding": "gzip"}}


def test_the_task_of_a_module():
    task = jobspec.task(jobspec.canonical(wasm({"ImportModules": ["/m"]}, Timeouts={"TotalTimeout": 9})))
    assert (task.engine, task.image, task.entry_module) == ("wasm", None, "/m")
    assert (task.entrypoint, task.import_modules) == (("_start",), ("/m",))
    assert (task.cpu, task.memory, task.gpu, task.publisher) == (None, None, 0, None)
    assert (task.network, task.timeout, task.outputs) == ("none", 9, ())


@pytest.mark.parametrize("kind", ["daemon", "service"])
def test_a_job_without_an_end_has_no_timeout(kind):
    given_spec = docker(job={"Type": kind}, Timeouts={"TotalTimeout": 9})
    assert jobspec.task(jobspec.canonical(given_spec)).timeout is None


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["Type", "Params", "Name", "Tasks"]), inner)
    ),
    max_leaves=8,
)
FIELDS = st.sampled_from([*FULL, *FULL["Tasks"][0]])


@given(st.dictionaries(FIELDS, VALUES), st.dictionaries(FIELDS, VALUES))
def test_any_value_is_read_or_refused(job, task):
    given_spec = {**docker(), **job, "Tasks": [{**docker()["Tasks"][0], **task}]}
    try:
        once = jobspec.canonical(given_spec)
    except BacError:
        return
    assert jobspec.canonical(once) == once


def test_a_lenient_reader_leaves_out_what_is_not_known_and_refuses_what_is_wrong():
    newer = copy.deepcopy(FULL)
    newer["AllocatedQueue"] = "fast"
    newer["Tasks"][0]["Engine"]["Params"]["Fuel"] = 7
    told = {"Job": newer, "JobID": "j-1"}
    assert jobspec.canonical(told, lenient=True) == jobspec.canonical(FULL)
    with pytest.raises(BacError, match="JobID beside Job is not a known field"):
        jobspec.canonical(told)
    with pytest.raises(BacError, match="AllocatedQueue is not a known field"):
        jobspec.canonical(newer)
    with pytest.raises(BacError, match="Count is 'x'"):
        jobspec.canonical({**newer, "Count": "x"}, lenient=True)
