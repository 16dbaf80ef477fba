"""bac-job as a process: flags and specs in, canonical job lines out."""

from __future__ import annotations

import base64
import json

import pytest
import yaml

INVALID = "the job spec does not validate: "
WAT = b'(module (memory (export "memory") 1) (func (export "_start")))'
SPEC = """
name: one
type: batch
tasks:
  - name: main
    engine: {type: docker, params: {image: busybox}}
"""
CANONICAL = {
    "Name": "one",
    "Type": "batch",
    "Tasks": [{"Name": "main", "Engine": {"Type": "docker", "Params": {"Image": "busybox"}}}],
}


@pytest.fixture
def job(run):
    """The one record of a run that succeeds."""

    def job(*words, **options):
        done = run("bac-job", *words, **options)
        assert (done.status, done.stderr) == (0, "")
        (record,) = done.records
        return record

    return job


@pytest.fixture
def refused(run):
    """The status and the one line on standard error of a run that does not."""

    def refused(*words, **options):
        done = run("bac-job", *words, **options)
        assert done.stdout == b""
        assert done.stderr.count("\n") == 1
        return done.status, done.stderr.rstrip("\n").removeprefix("bac-job: ")

    return refused


def test_every_flag_of_docker_has_its_place(job, home):
    record = job(
        *("docker", "--name", "thumbs", "--namespace", "imaging", "--priority", "3", "--count", "2", "--target", "any"),
        *("-l", "team=imaging", "--constraints", "os_arch in (amd64,arm64)", "--constraints", "!slow"),
        *("--platform", "linux/x86_64", "--platform", "linux/arm64", "-e", "MODE=strict", "-e", "TOKEN"),
        *("-i", "file://data:/data,opt=rw=true", "-o", "thumbs:/out", "-p", "s3://out/runs", "--cpu", "500m"),
        *("--memory", "64Mb", "--disk", "1Gb", "--gpu", "1", "--network", "http", "--domain", "example.org"),
        *("--timeout", "60", "--queue-timeout", "10", "-w", "/srv", "--entrypoint", "/bin/env,sh"),
        *("busybox:1", "--", "-c", "ls", "--", "-l"),
        env={"TOKEN": "s3cret"},
    )
    source = {"Type": "local", "Params": {"SourcePath": f"{home}/data", "ReadWrite": True}}
    assert record["name"] == "thumbs"
    assert record["spec"] == {
        "Name": "thumbs",
        "Namespace": "imaging",
        "Type": "batch",
        "Priority": 3,
        "Count": 2,
        "Constraints": [
            {"Key": "os_arch", "Operator": "in", "Values": ["amd64", "arm64"]},
            {"Key": "slow", "Operator": "!"},
        ],
        "Meta": {"bactools/platforms": "linux/amd64,linux/arm64"},
        "Labels": {"team": "imaging"},
        "Tasks": [
            {
                "Name": "main",
                "Engine": {
                    "Type": "docker",
                    "Params": {
                        "Image": "busybox:1",
                        "Entrypoint": ["/bin/env", "sh"],
                        "Parameters": ["-c", "ls", "--", "-l"],
                        "WorkingDirectory": "/srv",
                    },
                },
                "Publisher": {"Type": "s3", "Params": {"Bucket": "out", "Key": "runs"}},
                "Env": {"MODE": "strict", "TOKEN": "env:TOKEN"},
                "InputSources": [{"Source": source, "Target": "/data"}],
                "ResultPaths": [{"Name": "thumbs", "Path": "/out"}],
                "Resources": {"CPU": "500m", "Memory": "64Mb", "Disk": "1Gb", "GPU": "1"},
                "Network": {"Type": "HTTP", "Domains": ["example.org"]},
                "Timeouts": {"QueueTimeout": 10, "TotalTimeout": 60},
            }
        ],
    }
    assert record["requires"]["declared"] == ["linux/amd64", "linux/arm64"]
    assert record["requires"]["network"] == "http"


def test_what_follows_the_image_goes_to_the_program(job):
    params = job("docker", "busybox", "ls", "-l", "--platform", "x")["spec"]["Tasks"][0]["Engine"]["Params"]
    assert params == {"Image": "busybox", "Parameters": ["ls", "-l", "--platform", "x"]}


def test_options_before_docker_count_as_those_after_it(job):
    record = job("-q", "--platform", "linux/arm64", "--format", "jsonl", "docker", "--platform", "linux/386", "busybox")
    assert record["requires"]["declared"] == ["linux/arm64", "linux/386"]


def test_target_all_is_an_ops_job(job):
    assert job("docker", "--target", "all", "busybox")["spec"]["Type"] == "ops"


def test_a_module_is_a_local_source_by_absolute_path(job, home):
    (home / "hello.wat").write_bytes(WAT)
    record = job("wasm", "hello.wat", "--", "world")
    assert record["spec"]["Tasks"][0] == {
        "Name": "main",
        "Engine": {
            "Type": "wasm",
            "Params": {"EntryModule": "/modules/hello.wat", "Entrypoint": "_start", "Parameters": ["world"]},
        },
        "InputSources": [
            {
                "Source": {"Type": "local", "Params": {"SourcePath": f"{home}/hello.wat"}},
                "Target": "/modules/hello.wat",
            }
        ],
    }
    assert "platforms" not in record["requires"]


@pytest.mark.parametrize(("data", "media_type"), [(WAT, "text/plain"), (b"\0asm\1\0\0\0", "application/wasm")])
def test_inline_puts_the_bytes_into_the_line(job, home, data, media_type):
    (home / "module").write_bytes(data)
    source = job("wasm", "--inline", "module")["spec"]["Tasks"][0]["InputSources"][0]["Source"]
    prefix = f"data:{media_type};base64,"
    assert source["Type"] == "inline"
    assert source["Params"]["URL"].startswith(prefix)
    assert base64.b64decode(source["Params"]["URL"].removeprefix(prefix)) == data


def test_inline_has_upstream_s_limit(job, refused, home):
    (home / "large.wasm").write_bytes(b"\0asm".ljust(10 * 1024 * 1024, b"\0"))
    assert job("wasm", "--inline", "large.wasm")["kind"] == "job"
    with (home / "large.wasm").open("ab") as file:
        file.write(b"\0")
    status, message = refused("wasm", "--inline", "large.wasm")
    assert (status, message) == (3, f"{home}/large.wasm is larger than 10485760 bytes [too_large]")


def test_import_modules_are_inputs_too(job, home):
    for name in ("main.wasm", "geo.wasm"):
        (home / name).touch()
    words = ("-I", "geo.wasm:geo", "-I", "https://example.org:8443/lib.wasm", "--entry-point", "go", "main.wasm")
    task = job("wasm", *words)["spec"]["Tasks"][0]
    assert task["Engine"]["Params"] == {
        "EntryModule": "/modules/main.wasm",
        "Entrypoint": "go",
        "ImportModules": ["geo", "/modules/lib.wasm"],
    }
    assert [each["Source"]["Type"] for each in task["InputSources"]] == ["local", "local", "urlDownload"]


@pytest.mark.parametrize("name", ["missing.wasm", "."])
def test_a_module_that_is_no_file_is_an_error_now(refused, name):
    status, message = refused("wasm", name)
    assert status == 3
    assert message.endswith("[unreadable_file]")


@pytest.mark.parametrize("form", [SPEC, json.dumps(CANONICAL), json.dumps({"Job": CANONICAL}, indent=2)])
def test_a_file_becomes_a_line_in_canonical_casing(job, home, form):
    (home / "job.yaml").write_text(form)
    record = job("job.yaml")
    assert record["spec"] == CANONICAL
    assert job("-", input=form.encode()) == record


def test_the_output_read_again_is_the_same_bytes(run):
    once = run("bac-job", "docker", "--platform", "linux/arm64", "-e", "B=ü", "-e", "A=1", "busybox", "--", "ls")
    assert run("bac-job", "-", input=once.stdout).stdout == once.stdout
    spec = json.dumps(once.records[0]["spec"]).encode()
    assert run("bac-job", "-", input=spec).stdout == once.stdout
    assert run("bac-job", "-", input=yaml.safe_dump(once.records[0]["spec"]).encode()).stdout == once.stdout


def test_a_line_keeps_what_others_know_of_the_job(run):
    record = run("bac-job", "docker", "busybox").records[0]
    known = json.dumps({**record, "requires": {**record["requires"], "platforms": ["linux/amd64"]}, "new": 1}).encode()
    assert run("bac-job", "-", input=known + b"\n").stdout == known + b"\n"


def test_an_empty_single_flag_counts_as_not_given(job):
    empty = ("--cpu", "", "--memory", "", "--publisher", "", "--workdir", "", "--entrypoint", "", "--name", "")
    assert job("docker", *empty, "busybox") == job("docker", "busybox")


def test_a_changed_line_is_another_job(run):
    record = run("bac-job", "docker", "busybox").records[0]
    record["requires"]["platforms"] = ["linux/amd64"]
    record["artifact"] = {"kind": "image", "v": 1, "reference": "busybox", "platforms": []}
    record["new"] = {"x": 1}
    done = run("bac-job", "--platform", "linux/arm64", "-", input=json.dumps(record).encode())
    assert done.records[0]["id"] != record["id"]
    assert done.records[0]["requires"]["declared"] == ["linux/arm64"]
    assert "platforms" not in done.records[0]["requires"]
    assert "artifact" not in done.records[0]
    assert done.records[0]["new"] == {"x": 1}


def test_other_kinds_pass_and_a_bad_job_among_them_is_an_error_record(run):
    good = run("bac-job", "docker", "busybox").stdout
    other = b'{"kind":"novelty","v":1,  "x":1}\n'
    bad = b'{"kind":"job","v":1,"id":"j-1","spec":{"Type":"batch"}}\n'
    done = run("bac-job", "-", input=good + other + bad + good)
    assert done.status == 5
    assert done.stdout.startswith(good + other)
    assert done.stdout.endswith(good)
    assert (done.records[2]["code"], done.records[2]["by"]) == ("bad_spec", "bac-job")
    assert done.records[2]["input"] == "line 3 of standard input"


def test_an_error_record_that_passes_makes_the_run_partial(run):
    error = b'{"kind":"error","v":1,"code":"not_found","message":"x"}\n'
    done = run("bac-job", "-", input=error)
    assert (done.status, done.stdout) == (5, error)


def test_several_documents_are_several_jobs(run, home):
    (home / "jobs.yaml").write_text(f"{SPEC}---\nType: cron\n---\n{SPEC.replace('one', 'two')}")
    done = run("bac-job", "jobs.yaml")
    assert done.status == 5
    assert [record.get("name", record["kind"]) for record in done.records] == ["one", "error", "two"]
    assert done.records[1]["input"] == "document 2 of jobs.yaml"


def test_a_platform_is_declared_for_a_file_too(job, home):
    (home / "job.yaml").write_text(SPEC)
    record = job("--platform", "linux/armhf", "job.yaml")
    assert record["spec"]["Meta"] == {"bactools/platforms": "linux/arm/v7"}
    assert list(record["spec"]) == ["Name", "Type", "Meta", "Tasks"]


def test_options_may_follow_a_file(job, home):
    (home / "job.yaml").write_text(SPEC)
    record = job("--platform", "linux/386", "job.yaml", "--platform", "linux/arm64", "--format", "jsonl")
    assert record["requires"]["declared"] == ["linux/386", "linux/arm64"]


def test_a_file_named_docker_is_written_with_its_folder(job, home):
    (home / "docker").write_text(SPEC)
    assert job("./docker")["name"] == "one"


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["docker"], 2, "Missing argument 'IMAGE'."),
        (["docker", "--cpu", "much", "busybox"], 2, "--cpu: 'much' is not an amount of CPU, such as 500m or 0.5."),
        (["docker", "--memory", "1Zb", "busybox"], 2, "--memory: '1Zb' is not a size"),
        (["docker", "--timeout", "-1", "busybox"], 2, "Invalid value for '--timeout'"),
        (["docker", "--platform", "x86_64", "busybox"], 2, "--platform: platform 'x86_64' names no operating system."),
        (["docker", "--constraints", "a in b", "busybox"], 2, "--constraints: 'a in b' has 'b' where '(' belongs."),
        (["docker", "-i", "data", "busybox"], 2, "--input: 'data' has no scheme: write file://data."),
        (
            ["docker", "-i", "file://a", "-i", "file://b", "busybox"],
            2,
            "--input: several inputs at /inputs, the default",
        ),
        (["docker", "-o", "out", "busybox"], 2, "--output: 'out' is not NAME:/PATH."),
        (["docker", "--nmae", "x", "busybox"], 2, "No such option '--nmae'."),
        (["wasm", "git://h/m.wasm"], 2, "'git://h/m.wasm' has the scheme git"),
        (["--platform", "linux", "-"], 2, "platform 'linux' names no architecture."),
        (["a.yaml", "b.yaml"], 2, "One FILE at a time: 'b.yaml' is one too many."),
        ([], 2, "Missing argument"),
        (["docker", "-e", "", "busybox"], 2, "--env: a variable has no name"),
        (["docker", "-l", "", "busybox"], 2, "--labels: '' is not KEY=VALUE"),
        (["docker", "-i", "", "busybox"], 2, "--input: '' names nothing"),
        (["docker", "-o", "", "busybox"], 2, "--output: '' is not NAME:/PATH"),
        (["docker", "--constraints", "", "busybox"], 2, "--constraints: '' ends where a name belongs"),
        (["docker", "--platform", "", "busybox"], 2, "--platform: platform '' is not os/architecture"),
        (["docker", "--domain", "", "busybox"], 2, f"{INVALID}--domain[0] is ''; it must be a host name"),
        (["--platform", "", "-"], 2, "platform '' is not os/architecture"),
        (["docker", "-e", "1A=x", "busybox"], 2, f"{INVALID}--env 1A is not a variable's name"),
        (["docker", "-w", "srv", "busybox"], 2, f"{INVALID}--workdir is 'srv'; it must be an absolute path"),
        (["docker", "--domain", "a.org", "busybox"], 2, f"{INVALID}--domain needs Type HTTP"),
        (["docker", "--count", "2", "--target", "all", "busybox"], 2, f"{INVALID}--count is 2; a job of type ops"),
        (["docker", "--timeout", "3", "--queue-timeout", "5", "busybox"], 2, f"{INVALID}--timeout: ExecutionTimeout"),
        (["docker", "-o", "a:/x", "-o", "a:/y", "busybox"], 2, f"{INVALID}--output[1].Name is 'a', as --output[0].N"),
        (["docker", "--platform", "wasm32/wasi", "busybox"], 2, f"{INVALID}the job accepts wasm32/wasi"),
        (["docker", "busybox", "\udcff"], 2, f"{INVALID}ARG[0] is not valid Unicode text"),
        (
            ["wasm", "-I", "https://h/a/m.wasm", "https://h/b/m.wasm"],
            2,
            "--import-modules: two modules are at /modules/m.wasm",
        ),
        (["missing.yaml"], 3, "cannot read missing.yaml: No such file or directory"),
        (["."], 3, "cannot read .: Is a directory"),
    ],
)
def test_mistakes_of_the_command_line_and_of_the_job(refused, words, status, message):
    found = refused(*words)
    assert (found[0], found[1][: len(message)]) == (status, message)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "standard input held no job. Write a Bacalhau job spec into it. [empty_input]"),
        (b"\n# nothing\n", "standard input held no job. Write a Bacalhau job spec into it. [empty_input]"),
        (b"Name: a\nName: b\n", "cannot read line 2 of standard input: key 'Name' is given twice [bad_document]"),
        (b'{"Name": "a"', "cannot read line 1 of standard input: Expecting ',' delimiter [bad_document]"),
        (b"Name: \xff\n", "cannot read line 1 of standard input: it is not UTF-8 [bad_document]"),
        (b"<html>\n", "standard input: the job spec does not validate: the job is '<html>', not a mapping [bad_spec]"),
        (b'{"kind":"node","v":1}\n{', "line 2 of standard input is not a record"),
        (b'{"kind":"job","v":2}', "line 1 of standard input is a job record of version 2"),
    ],
)
def test_input_that_is_not_ours(run, data, message):
    done = run("bac-job", "-", input=data)
    assert done.status == 3
    assert done.stderr.startswith(f"bac-job: {message}")
    assert done.stderr.count("\n") == 1


def test_a_value_of_the_environment_never_reaches_the_record(run):
    done = run("bac-job", "docker", "-e", "TOKEN", "busybox", env={"TOKEN": "s3cret"})
    assert b"s3cret" not in done.stdout


def test_standard_input_on_a_terminal_is_a_usage_error(pty_run):
    done = pty_run("bac-job", "-")
    assert done.status == 2
