from __future__ import annotations

import json
import os

import pytest
from processes import SCRIPTS

from bactools.core import lines
from bactools.core.hostfile import Settings
from bactools.flows import probe

EVERYTHING = "name: edge-7\nlabels: {zone: eu, tier: '2'}\nwithhold: [docker, wasm]\nemulation: false\n"


@pytest.fixture
def no_docker(tmp_path):
    """An environment in which no engine can be found, also where one runs."""
    return {"DOCKER_HOST": f"unix://{tmp_path}/absent.sock"}


@pytest.fixture
def host_file(tmp_path):
    def write(text: str) -> str:
        path = tmp_path / "node.yaml"
        path.write_text(text)
        return str(path)

    return write


def engines(node):
    return {engine["engine"]: engine for engine in node["engines"]}


def without_time(node):
    return {key: value for key, value in node.items() if key not in ("probed", "available")}


def test_one_node_line_and_nothing_else(run, no_docker):
    done = run("bac-probe", env=no_docker)
    assert (done.status, done.stderr) == (0, "")
    assert done.stdout.count(b"\n") == 1
    [node] = done.records
    assert (node["kind"], node["v"], node["schedulable"]) == ("node", 1, True)
    assert node["name"] == os.uname().nodename
    assert node["resources"]["cpu"] == len(os.sched_getaffinity(0))
    assert set(node["available"]) == {"cpu", "memory", "disk"}
    assert node["page_size"] == os.sysconf("SC_PAGE_SIZE")


def test_a_missing_docker_engine_is_a_warning_and_no_failure(run, no_docker):
    done = run("bac-probe", "-v", env=no_docker)
    [node] = done.records
    assert done.status == 0
    assert set(engines(node)) == {"wasm"}
    assert len(node["warnings"]) == 1
    assert done.stderr == f"bac-probe: {node['warnings'][0]}\n"


@pytest.mark.usefixtures("docker")
def test_a_docker_configuration_of_another_shape_is_a_warning(run, home):
    (home / ".docker").mkdir()
    (home / ".docker" / "config.json").write_text("[1]", encoding="utf-8")
    done = run("bac-probe")
    [node] = done.records
    assert (done.status, set(engines(node))) == (0, {"wasm"})
    assert f"{home}/.docker/config.json" in node["warnings"][0]


def test_a_warning_says_what_to_do(run, no_docker):
    [node] = run("bac-probe", env=no_docker).records
    [warning] = node["warnings"]
    assert warning == (
        f"there is no Docker engine at {no_docker['DOCKER_HOST']}. "
        "Start the Docker engine, or set DOCKER_HOST to where one listens."
    )


def test_a_user_without_a_home_is_no_bug(run, no_docker, tool):
    """For root as a user that no passwd names; anybody else has a home there."""
    words = ("--reuid", "54321", "--regid", "54321", "--clear-groups") if os.geteuid() == 0 else ()
    keep = ("--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search") if words else ()
    done = run(tool("setpriv"), *words, *keep, SCRIPTS / "bac-probe", env={**no_docker, "HOME": None}, cwd="/")
    assert (done.status, done.stderr) == (0, "")
    assert "wasm" in engines(done.records[0])


def test_a_secret_in_docker_host_is_not_published(run):
    done = run("bac-probe", "-v", env={"DOCKER_HOST": "tcp://user:s3cret@127.0.0.1:9"})
    [node] = done.records
    assert "127.0.0.1:9" in node["warnings"][0]
    assert b"s3cret" not in done.stdout
    assert "s3cret" not in done.stderr


def test_the_wasm_engine_is_told_with_its_generations(run, no_docker):
    [node] = run("bac-probe", env=no_docker).records
    wasm = engines(node)["wasm"]
    assert wasm["runtime"] == "wasmtime"
    assert {"platform": "wasm32/wasi", "how": "native"} in wasm["platforms"]
    assert {"platform": "wasm32/wasi/p2", "how": "native"} in wasm["platforms"]
    assert "simd" in wasm["features"]


@pytest.mark.usefixtures("docker")
def test_two_probes_differ_in_time_and_what_is_free_only(run):
    one, other = run("bac-probe").records[0], run("bac-probe").records[0]
    assert without_time(one) == without_time(other)
    assert list(one) == list(other)


def test_docker_is_told_with_its_own_platform(run, docker):
    [node] = run("bac-probe").records
    version = docker.version()
    offered = engines(node)["docker"]
    assert offered["version"] == version["Version"]
    assert offered["platforms"][0]["platform"].startswith(f"{version['Os']}/{version['Arch']}")
    assert offered["platforms"][0]["how"] == "native"


@pytest.mark.usefixtures("docker", "emulated")
def test_emulated_platforms_are_offered_unless_the_host_file_refuses(run, host_file):
    def emulated(*arguments):
        [node] = run("bac-probe", *arguments).records
        return {offer["platform"] for offer in engines(node)["docker"]["platforms"] if offer["how"] == "emulated"}

    assert {"linux/arm64", "linux/arm/v7"} <= emulated()
    assert emulated("--config", host_file("emulation: false\n")) == set()


def test_host_file_names_labels_and_withholds(run, host_file):
    [node] = run("bac-probe", "--config", host_file(EVERYTHING)).records
    assert node["name"] == "edge-7"
    assert node["labels"] == {"tier": "2", "zone": "eu"}
    assert node["engines"] == []
    assert node["warnings"] == []


@pytest.mark.usefixtures("docker")
def test_platforms_can_be_withheld(run, host_file):
    [node] = run("bac-probe", "--config", host_file("withhold: [linux/amd64, linux/arm64, wasm32/wasi]\n")).records
    offered = {offer["platform"] for engine in node["engines"] for offer in engine["platforms"]}
    assert not any(platform.startswith(("linux/amd64", "linux/arm64")) for platform in offered)
    assert "wasm32/wasi" not in offered
    assert "wasm32/wasi/p2" in offered


def test_limits_and_the_lack_of_local_paths_are_published(run, host_file):
    text = "withhold: [docker, wasm]\nlimits: {cpu: 500m, memory: 1Gi, gpus: 1}\nlocal_paths: []\n"
    [node] = run("bac-probe", "--config", host_file(text)).records
    assert node["limits"] == {"cpu": 0.5, "memory": 2**30, "gpus": [{"vendor": None, "name": None, "memory": None}]}
    assert node["sources"][:2] == ["inline", "urlDownload"]
    assert not {"local", "localDirectory"} & set(node["sources"])


@pytest.mark.usefixtures("docker", "emulated")
def test_every_platform_says_where_it_was_proved(run):
    def proved(*words):
        [node] = run("bac-probe", *words).records
        assert node["warnings"] == []
        return {offer["platform"].rpartition("/v")[0] or offer["platform"]: offer["proved"] for offer in offers(node)}

    def offers(node):
        return engines(node)["docker"]["platforms"]

    shallow, deep = proved(), proved("--deep")
    assert {"linux/arm64", "linux/arm"} <= set(shallow)
    assert set(shallow.values()) == {"host"}
    assert deep == dict.fromkeys(shallow, "container")


def test_labels_are_lines_of_key_and_value(run, no_docker):
    done = run("bac-probe", "--format", "labels", "--label", "zone=eu", "--label", "two words=1", env=no_docker)
    labels = dict(line.split("=") for line in done.stdout.decode().splitlines())
    assert done.status == 0
    assert labels["zone"] == "eu"
    assert labels["os_type"] == labels["Operating-System"] == "linux"
    assert labels["os_arch"] == labels["Architecture"]
    assert labels["wasm/wasm32-wasi-p1"] == "native"
    assert labels["wasm-feature/simd"] == "true"
    assert not any(key.startswith("docker/") for key in labels)
    assert done.stderr == "bac-probe: the label two words is left out: Kubernetes allows no such label.\n"


@pytest.mark.usefixtures("docker", "emulated")
def test_the_labels_tell_the_platforms_of_the_engine(run):
    labels = dict(line.split("=") for line in run("bac-probe", "--format", "labels").stdout.decode().splitlines())
    assert labels["docker/linux-arm64"] == labels["docker/linux-arm-v7"] == "emulated"
    assert labels[f"docker/linux-{labels['os_arch']}"] == "native"


def test_labels_of_the_command_line_win(run, host_file):
    words = ("--config", host_file(EVERYTHING), "--label", "zone=us", "--label", "empty=", "--label", "url=a=b")
    [node] = run("bac-probe", *words).records
    assert node["labels"] == {"empty": "", "tier": "2", "url": "a=b", "zone": "us"}


@pytest.mark.parametrize("label", ["zone", "=eu", "zone=a\nb", b"zone=\xff"], ids=["no =", "no key", "line", "bytes"])
def test_a_label_that_is_not_key_value_is_a_usage_error(run, label):
    done = run("bac-probe", "--label", os.fsdecode(label))
    assert (done.status, done.stdout) == (2, b"")
    assert "KEY=VALUE" in done.stderr


def test_an_unknown_key_is_refused_with_the_nearest(run, host_file):
    done = run("bac-probe", "--config", host_file("withold: [docker]\n"))
    assert (done.status, done.stdout) == (3, b"")
    assert "has an unknown key 'withold'. Did you mean withhold? [bad_config]" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_mistake_in_the_host_file_is_named_with_its_line(run, host_file):
    path = host_file("name: a\nlimits:\n  cpu: 2\n  memory: lots\n")
    done = run("bac-probe", "--config", path)
    assert (done.status, done.stdout) == (3, b"")
    assert done.stderr.startswith(f"bac-probe: line 4 of host file {path} has a limit of memory that is no amount")


@pytest.mark.parametrize("name", ["absent.yaml", ".", "secret.yaml"])
def test_a_host_file_that_cannot_be_read_is_an_error(run, tmp_path, name):
    (tmp_path / "secret.yaml").symlink_to("secret.yaml")  # which root cannot read either
    done = run("bac-probe", "--config", str(tmp_path / name))
    assert (done.status, done.stdout) == (3, b"")
    assert "[unreadable_file]" in done.stderr
    assert done.stderr.count("\n") == 1


def test_only_the_engines_that_are_asked_for_are_looked_at(run, no_docker):
    [whole] = run("bac-probe", env=no_docker).records
    node = json.loads(lines.encode(probe.engines({"wasm"}, Settings())))
    assert node == {key: whole[key] for key in node if key != "warnings"} | {"warnings": []}
    assert "resources" not in node


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--if-changed",), "--if-changed needs --output."),
        (("--output", "a", "--append", "b"), "choose one."),
        (("--append", "a", "--format", "labels"), "--output takes --format labels."),
        (("--deep", "--root", "a"), "of a host in --root only files are read."),
        (("--output", ""), "'--output': it is empty"),
        (("--append", ""), "'--append': it is empty"),
        (("--root", ""), "'--root': it is empty"),
        (("--config", ""), "'--config': it is empty"),
        (("--timeout", "0"), "0 is not a number of seconds"),
        (("--timeout", "nan"), "nan is not a number of seconds"),
        (("--timeout", "1e9"), "1e+09 is not a number of seconds"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_options_that_do_not_go_together_are_a_usage_error(run, words, said):
    done = run("bac-probe", *words)
    assert (done.status, done.stdout) == (2, b"")
    assert said in done.stderr


def test_a_withheld_engine_is_not_offered_when_asked_for():
    node = probe.engines({"wasm"}, Settings(withhold=("wasm",)))
    assert (node.engines, node.warnings) == ([], [])
