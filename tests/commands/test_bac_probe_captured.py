"""A host of which there is a copy of its files only: nothing is run, and nobody is asked."""

import json

import pytest

# Linux, arch/arm64/kernel/cpuinfo.c; the features are those that a Raspberry Pi 4 (Cortex-A72) prints.
CPUINFO = (
    "processor\t: 0\nBogoMIPS\t: 108.00\nFeatures\t: fp asimd evtstrm crc32 cpuid\nCPU implementer\t: 0x41\n"
    "CPU architecture: 8\nCPU variant\t: 0x0\nCPU part\t: 0xd08\nCPU revision\t: 3\n"
)
# The kernel's admin-guide/binfmt-misc.rst describes the lines, the ELF header of amd64 is gABI's.
QEMU = (
    "enabled\ninterpreter /usr/bin/qemu-x86_64-static\nflags: {flags}\noffset 0\n"
    "magic 7f454c4602010100000000000000000002003e00\nmask fffffffffffefe00fffffffffffffffffeffffff\n"
)
# Docker Engine API: GET /version and GET /info, the fields that tell what an engine is.
VERSION = {"Version": "28.0.1", "Os": "linux", "Arch": "arm64", "KernelVersion": "6.6.20+rpt-rpi-v8"}
INFO = {
    "Name": "pi",
    "KernelVersion": "6.6.20+rpt-rpi-v8",
    "Architecture": "aarch64",
    "NCPU": 4,
    "MemTotal": 3978170368,
    "Runtimes": {"runc": {}, "io.containerd.wasmtime.v1": {}},
    "SecurityOptions": ["name=seccomp,profile=builtin"],
}


@pytest.fixture
def pi(home):
    """A function that writes a Raspberry Pi's files, with those that it is given, and says where."""

    def written(**more):
        files = {
            "proc/cpuinfo": CPUINFO,
            "proc/meminfo": "MemTotal:        3884932 kB\nMemAvailable:    3000000 kB\n",
            "proc/sys/kernel/ostype": "Linux\n",
            "proc/sys/kernel/osrelease": "6.6.20+rpt-rpi-v8\n",
            "proc/sys/kernel/hostname": "pi\n",
            "proc/sys/kernel/arch": "aarch64\n",
            "sys/devices/system/cpu/online": "0-3\n",
            **{name.replace("__", "/"): text for name, text in more.items()},
        }
        for name, text in files.items():
            path = home / "pi" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return str(home / "pi")

    return written


def answers(version=VERSION, info=INFO):
    return {"docker__version.json": json.dumps(version), "docker__info.json": json.dumps(info)}


# A program of this name would be run, and an engine at this address asked, of a host that is here.
ELSEWHERE = {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}


def test_a_copy_tells_what_the_host_is(run, pi):
    [node] = run("bac-probe", "--root", pi(), env=ELSEWHERE).records
    assert (node["name"], node["os"], node["architecture"]) == ("pi", "linux", "arm64")
    assert node["resources"] == {"cpu": 4.0, "memory": 3884932 * 1024, "disk": None, "gpus": []}
    assert "runtimes" not in node


def test_engines_of_which_nothing_was_copied_are_unknown(run, pi):
    [node] = run("bac-probe", "--root", pi(), env=ELSEWHERE).records
    assert node["engines"] is None
    assert node["warnings"] == [
        "nothing is known of a Docker engine of the captured host: it has no docker/version.json"
    ]


def test_the_answers_of_its_engine_can_be_copied_too(run, pi):
    [node] = run("bac-probe", "--root", pi(**answers()), env=ELSEWHERE).records
    assert node["engines"] == [
        {
            "engine": "docker",
            "platforms": [{"platform": "linux/arm64", "how": "native"}],
            "runtime": "docker",
            "version": "28.0.1",
            "features": ["io.containerd.wasmtime.v1", "runc"],
            "rootless": False,
            "memory": 3978170368,
        }
    ]
    assert node["warnings"] == []


def test_its_emulators_are_believed_and_not_called_proved(run, pi):
    entry = {"proc__sys__fs__binfmt_misc__qemu-x86_64": QEMU.format(flags="F")}
    [node] = run("bac-probe", "--root", pi(**answers(), **entry), env=ELSEWHERE).records
    assert node["engines"][0]["platforms"] == [
        {"platform": "linux/arm64", "how": "native"},
        {"platform": "linux/amd64", "how": "emulated", "via": "qemu-x86_64"},
    ]


def test_an_emulator_that_containers_cannot_use_is_a_warning_with_the_remedy(run, pi):
    entry = {"proc__sys__fs__binfmt_misc__qemu-x86_64": QEMU.format(flags="")}
    [node] = run("bac-probe", "--root", pi(**answers(), **entry), env=ELSEWHERE).records
    assert node["engines"][0]["platforms"] == [{"platform": "linux/arm64", "how": "native"}]
    [warning] = node["warnings"]
    assert warning.startswith("containers cannot use the emulator of linux/amd64: binfmt_misc entry qemu-x86_64 lacks")
    assert warning.endswith("flag F")


def test_an_engine_in_a_machine_of_its_own_has_not_the_emulators_of_the_host(run, pi):
    entry = {"proc__sys__fs__binfmt_misc__qemu-x86_64": QEMU.format(flags="F")}
    inside = answers(info={**INFO, "KernelVersion": "6.10.14-linuxkit", "Name": "docker-desktop"})
    [node] = run("bac-probe", "--root", pi(**inside, **entry), env=ELSEWHERE).records
    assert node["engines"][0]["platforms"] == [{"platform": "linux/arm64", "how": "native"}]


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"Version": 1}', "[" * 100_000], ids=lambda text: text[:9])
def test_an_answer_that_is_none_is_a_warning(run, pi, text):
    done = run("bac-probe", "--root", pi(**{"docker__version.json": text}), env=ELSEWHERE)
    [node] = done.records
    assert (done.status, done.stderr, node["engines"]) == (0, "", None)
    assert len(node["warnings"]) == 1


def test_the_host_file_holds_for_a_copy_too(run, pi, home):
    (home / "node.yaml").write_text("name: other\nwithhold: [docker]\n", encoding="utf-8")
    [node] = run("bac-probe", "--root", pi(**answers()), "--config", "node.yaml", env=ELSEWHERE).records
    assert (node["name"], node["engines"], node["warnings"]) == ("other", [], [])


def test_a_folder_that_is_no_host_is_refused(run, home):
    done = run("bac-probe", "--root", str(home))
    assert (done.status, done.stdout) == (3, b"")
    assert "reading the host captured in" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_folder_that_is_not_there_is_told(run, home):
    (home / "file").touch()
    (home / "loop").symlink_to("loop")
    for name, why in (
        ("absent", "No such file or directory"),
        ("file", "Not a directory"),
        ("loop", "Too many levels of symbolic links"),
    ):
        done = run("bac-probe", "--root", name)
        assert (done.status, done.stdout) == (3, b"")
        assert done.stderr.startswith(f"bac-probe: cannot read the host captured in {name}: {why}. ")


def test_an_answer_that_is_no_text_is_a_warning(run, pi):
    answer = {**answers(), "docker__info.json": '{"Name": "vm", "Runtimes": {"\\ud800": 1}}'}
    done = run("bac-probe", "--root", pi(**answer), env=ELSEWHERE)
    [node] = done.records
    assert (done.status, done.stderr, node["engines"]) == (0, "", None)
    assert node["warnings"][0].endswith("docker/info.json is not what a Docker engine answers: no JSON")


@pytest.mark.parametrize(
    ("files", "warning"),
    [
        (
            {"proc__sys__kernel__arch": "riscv6"},
            "the captured host calls its machine riscv6, which is no known architecture",
        ),
        (
            {"proc__cpuinfo": "processor\t: 0\nflags\t\t: fpu lm sse2\n"},
            "the captured host calls its machine aarch64, but its proc/cpuinfo is of x86_64",
        ),
        (
            {"proc__cpuinfo": ""},
            "the level of the captured host's processors is unknown: its proc/cpuinfo does not tell it",
        ),
        ({"proc__sys__kernel__arch": "armv7l"}, None),
    ],
    ids=["no architecture", "another's cpuinfo", "no cpuinfo", "a kernel of 32 bits"],
)
def test_a_copy_that_contradicts_itself_is_a_warning(run, pi, files, warning):
    [node] = run("bac-probe", "--root", pi(**files), env=ELSEWHERE).records
    assert node["warnings"][:-1] == ([warning] if warning else [])
