"""What a container gets by default, what loosens it, and the command line that says the same."""

from __future__ import annotations

import pytest

from bactools.core import command_lines
from bactools.core.container_options import CAPABILITIES, GpuRequest, Gpus, Options, check, options, preferred
from bactools.core.errors import BacError
from bactools.core.ports import Port
from bactools.core.running import Mount, Run

IMAGE = "localhost:5000/busybox@sha256:" + "1" * 64
MIB = 1024 * 1024


def run(*arguments: str, **wanted: object) -> Run:
    return Run(arguments, **{"environment": {}, "mounts": (), **wanted})


def made(wanted: Run, gpus: Gpus | None = None) -> Options:
    return options(wanted, IMAGE, "linux/amd64", {"bactools": "j-1"}, gpus)


def words(wanted: Run, gpus: Gpus | None = None) -> list[str]:
    return command_lines.docker_run(made(wanted, gpus))


def test_a_container_gets_little_unless_it_is_asked_for():
    found = made(run("true"))
    assert found.network == "none"
    assert found.extra_hosts == ()
    assert found.security == ("no-new-privileges",)
    assert found.cap_drop == ("ALL",)
    assert found.pids == 4096
    assert found.ulimits == (("core", 0, 0),)
    assert found.init
    assert (found.log_driver, found.devices, found.gpus) == ("none", (), None)
    assert (found.memory, found.cpu, found.workdir, found.entrypoint) == (None, None, None, None)


def test_the_capabilities_are_those_that_images_need():
    expected = {"CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETPCAP", "SETUID"}
    assert set(CAPABILITIES) == expected
    assert set(made(run("true")).cap_add) == expected


def test_each_loosening_loosens_one_thing():
    strict = made(run("true"))
    assert made(run("true", privileges=True)) == strict._replace(security=())
    with_one = made(run("true", capabilities=("cap_net_raw", "CHOWN")))
    assert with_one == strict._replace(cap_add=tuple(sorted((*CAPABILITIES, "NET_RAW"))))
    assert made(run("true", pids=7)) == strict._replace(pids=7)


@pytest.mark.parametrize("network", ["bridge", "host"])
def test_a_job_with_a_network_finds_this_host_by_name(network: str):
    assert made(run("true", network=network)).extra_hosts == (("host.docker.internal", "host-gateway"),)


def test_only_a_bridge_has_ports_to_publish():
    ports = (Port("web", "0.0.0.0", 20000, 80),)
    assert made(run("true", network="bridge", ports=ports)).ports == ports
    assert made(run("true", network="host", ports=ports)).ports == ()


def test_less_cpu_than_an_engine_takes_is_the_least_it_takes():
    assert made(run("true", cpu=0.005)).cpu == 0.01
    assert made(run("true", cpu=0.5)).cpu == 0.5


def test_the_entrypoints_further_words_come_before_the_arguments():
    found = made(run("c", entrypoint=("a", "b")))
    assert (found.entrypoint, found.command) == ("a", ("b", "c"))


CARDS = (("/dev/dri/card0", "/dev/dri/renderD128"), ("/dev/dri/card1", "/dev/dri/renderD129"))


@pytest.mark.parametrize(
    ("count", "gpus", "devices", "request_"),
    [
        (2, Gpus("NVIDIA"), (), GpuRequest(2, ())),
        (1, Gpus("NVIDIA", (("GPU-a",), ("GPU-b",))), (), GpuRequest(0, ("GPU-a",))),
        (1, Gpus("AMD", CARDS, ("/dev/kfd",)), ("/dev/kfd", *CARDS[0]), None),
        (2, Gpus("Intel", CARDS), (*CARDS[0], *CARDS[1]), None),
        (0, Gpus("AMD", CARDS, ("/dev/kfd",)), (), None),
    ],
)
def test_each_vendors_gpus_are_asked_for_in_its_own_way(
    count: int, gpus: Gpus, devices: tuple[str, ...], request_: GpuRequest | None
):
    found = made(run("true", gpus=count), gpus)
    assert (found.devices, found.gpus) == (devices, request_)


@pytest.mark.parametrize(
    ("count", "gpus", "message"),
    [
        (1, None, "the job asks for a GPU; this host has none that bac-exec knows"),
        (3, Gpus("AMD", CARDS), "the job asks for 3 GPUs; this host has 2"),
        (1, Gpus("Intel"), "the job asks for a GPU; this host has 0"),
        (2, Gpus("NVIDIA", (("GPU-a",),)), "the job asks for 2 GPUs; this host has 1"),
        (1, Gpus("Matrox", CARDS), "the job asks for a GPU; those here are of Matrox"),
    ],
)
def test_gpus_that_are_not_there_are_refused(count: int, gpus: Gpus | None, message: str):
    with pytest.raises(BacError) as caught:
        made(run("true", gpus=count), gpus)
    assert (caught.value.code, caught.value.message) == ("unsupported", message)


def test_the_plain_command_line_is_whole():
    assert words(run("echo", "hi")) == [
        *("docker", "run", "--rm", "--platform", "linux/amd64", "--init", "--log-driver", "none"),
        *("--label", "bactools=j-1", "--network", "none", "--pids-limit", "4096", "--ulimit", "core=0:0"),
        *("--security-opt", "no-new-privileges", "--cap-drop", "ALL"),
        *(word for name in sorted(CAPABILITIES) for word in ("--cap-add", name)),
        *(IMAGE, "echo", "hi"),
    ]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (run(entrypoint=("/bin/sh",)), ["--entrypoint", "/bin/sh"]),
        (run(working_directory="/w"), ["--workdir", "/w"]),
        (run(environment={"A": "x y"}), ["--env", "A=x y"]),
        (run(mounts=(Mount("/a:b", "/in", writable=False),)), ["--mount", "type=bind,source=/a:b,target=/in,readonly"]),
        (run(mounts=(Mount('/a,"b', "/o", writable=True),)), ["--mount", 'type=bind,"source=/a,""b",target=/o']),
        (run(memory=16 * MIB), ["--memory", "16777216", "--memory-swap", "16777216"]),
        (run(cpu=1.5), ["--cpus", "1.5"]),
        (run(cpu=2.0), ["--cpus", "2"]),
        (run(network="host"), ["--network", "host", "--add-host", "host.docker.internal:host-gateway"]),
        (run(network="bridge", ports=(Port("w", "::1", 2000, 80),)), ["--publish", "[::1]:2000:80/tcp"]),
    ],
)
def test_what_is_asked_for_is_on_the_command_line(wanted: Run, expected: list[str]):
    found = words(wanted)
    start = found.index(expected[0])
    assert found[start : start + len(expected)] == expected


def test_gpus_are_on_the_command_line():
    found = words(run(gpus=2), Gpus("NVIDIA", (("GPU-a",), ("GPU-b",))))
    assert found[found.index("--gpus") + 1] == '"device=GPU-a,GPU-b"'
    assert words(run(gpus=2), Gpus("NVIDIA"))[-2:] == ["2", IMAGE]
    assert words(run(gpus=1), Gpus("AMD", CARDS, ("/dev/kfd",)))[-7:-5] == ["--device", "/dev/kfd"]


def test_a_hidden_value_is_never_on_the_command_line():
    wanted = made(run("true", environment={"TOKEN": "s3cret", "HOME": "/root", "PLAIN": "1"}))
    references = {"TOKEN": "MY_TOKEN", "HOME": "HOME"}
    line = command_lines.pasted(command_lines.docker_run(wanted, references), references)
    assert "s3cret" not in line
    assert line.startswith('TOKEN="$MY_TOKEN" docker run --rm ')
    assert " --env TOKEN --env HOME --env PLAIN=1 " in line


@pytest.mark.parametrize(
    "name",
    ["PATH", "HOME", "LD_PRELOAD", "DOCKER_HOST", "HTTP_PROXY", "https_proxy", "BASH_ENV", "SSL_CERT_FILE", "my.name"],
)
def test_docker_itself_never_gets_a_variable_that_programs_read(name: str):
    wanted = made(run("true", environment={name: "s3cret", "TOKEN": "x"}))
    references = {name: "SEC", "TOKEN": "MINE"}
    line = command_lines.pasted(command_lines.docker_run(wanted, references), references)
    assert line.startswith(f"""TOKEN="$MINE" docker run --env-file <(printf '%s=%s\\n' {name} "$SEC") --rm """)
    assert f"--env {name}" not in line
    assert " --env TOKEN " in line


def test_two_variables_that_take_each_others_value_are_not_mixed_up():
    assert command_lines.apart({"A": "B", "B": "A"}) == ["A", "B"]
    assert command_lines.apart({"A": "B", "C": "C"}) == []


@pytest.mark.parametrize(
    ("cpu", "memory", "said"),
    [(64.0, None, "64 cores; the Docker engine here has 2"), (None, MIB, "no less than 6291456"), (0.1, 1, "1 bytes")],
)
def test_what_no_engine_gives_is_refused_with_what_it_has(cpu: float | None, memory: int | None, said: str):
    with pytest.raises(BacError, match=said) as caught:
        check(cpu, memory, 2)
    assert caught.value.code == "unsupported"
    assert caught.value.hint


def test_all_that_an_engine_has_may_be_asked_for():
    check(2.0, 6 * MIB, 2)
    check(64.0, None, 0)
    check(None, None, 2)


@pytest.mark.parametrize(
    ("vendors", "expected"),
    [
        (["Intel", "AMD", "NVIDIA"], "NVIDIA"),
        (["Intel", "AMD"], "AMD"),
        (["Other", "Intel"], "Intel"),
        (["Other"], "Other"),
        ([], None),
    ],
)
def test_of_several_vendors_the_most_usable_is_preferred(vendors: list[str], expected: str | None):
    assert preferred(vendors) == expected


def test_a_pasted_line_is_quoted_for_the_shell():
    line = command_lines.pasted(words(run("sh", "-c", "echo '$HOME'")), {})
    assert line.endswith(""" sh -c 'echo '"'"'$HOME'"'"''""")
