from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import bactools
from bactools.core import cpu
from bactools.core.errors import BacError
from bactools.edges import host
from bactools.edges.host.tree import Tree

PRINT_LIMITS = (
    "from bactools.edges import host; from pathlib import Path; f = host.read(Path()); print(f.cpu, f.memory)"
)


def write(root, **files):
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Tree(root)


def test_facts_are_those_of_this_host(tmp_path):
    facts = host.read(tmp_path)
    assert facts.os == sys.platform
    assert facts.machine == subprocess.run(["uname", "-m"], capture_output=True, text=True, check=True).stdout.strip()
    assert facts.kernel == subprocess.run(["uname", "-r"], capture_output=True, text=True, check=True).stdout.strip()
    assert facts.hostname == os.uname().nodename
    assert facts.page_size == os.sysconf("SC_PAGE_SIZE")
    assert 0 < facts.cpu <= len(os.sched_getaffinity(0))
    assert 0 < facts.memory <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert 0 < facts.memory_available <= facts.memory
    assert 0 < facts.disk_available <= facts.disk
    assert 0 <= facts.cpu_available <= facts.cpu


def test_processors_are_those_that_may_be_used(tmp_path):
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        assert host.read(tmp_path).cpu == 1.0
    finally:
        os.sched_setaffinity(0, allowed)


def test_level_agrees_with_the_loader(tmp_path):
    facts = host.read(tmp_path)
    loader = Path("/lib64/ld-linux-x86-64.so.2")
    if not loader.exists():
        assert facts.machine != "x86_64" or cpu.amd64_level(facts.cpuinfo)
        return
    told = subprocess.run([str(loader), "--help"], capture_output=True, text=True, check=True).stdout
    supported = [level for level in ("v2", "v3", "v4") if f"x86-64-{level} (supported" in told]
    assert cpu.amd64_level(facts.cpuinfo) == (supported or ["v1"])[-1]


@pytest.mark.parametrize(
    ("limits", "printed"),
    [
        ({"mem_limit": "96m", "nano_cpus": 500_000_000}, f"0.5 {96 * 2**20}\n"),
        ({"mem_limit": "96m", "cpuset_cpus": "0"}, f"1.0 {96 * 2**20}\n"),
    ],
    ids=["quota", "cpuset"],
)
def test_cpu_and_memory_are_what_the_cgroup_allows(docker, registry, limits, printed):
    source = str(Path(bactools.__file__).parents[1])
    folders = {"/usr", "/lib", "/lib64", "/bin", sys.prefix, sys.base_prefix, source}
    answer = docker.containers.run(
        f"{registry}/busybox:latest",
        [sys.executable, "-c", PRINT_LIMITS],
        volumes={folder: {"bind": folder, "mode": "ro"} for folder in folders if Path(folder).exists()},
        environment={"PYTHONPATH": source, "PYTHONDONTWRITEBYTECODE": "1"},
        labels=["bactools"],
        network_mode="none",
        remove=True,
        **limits,
    )
    assert answer.decode() == printed


def test_a_captured_tree_stands_in_for_a_host(tmp_path):
    tree = write(
        tmp_path,
        proc__meminfo="MemTotal: 2048 kB\nMemAvailable: 1024 kB\n",
        proc__cpuinfo="processor\t: 0\nflags\t\t: fpu lm\n\nprocessor\t: 1\nflags\t\t: fpu lm\n",
        proc__sys__kernel__ostype="Linux\n",
        proc__sys__kernel__osrelease="6.1.0-9-amd64\n",
        proc__sys__kernel__arch="x86_64\n",
        proc__sys__kernel__hostname="elsewhere\n",
        proc__loadavg="0.50 0.40 0.30 1/200 4321\n",
        **{"etc__machine-id": "0123456789abcdef0123456789abcdef\n"},
    )
    facts = host.read(tmp_path, tree)
    assert (facts.os, facts.machine, facts.kernel, facts.hostname) == ("linux", "x86_64", "6.1.0-9-amd64", "elsewhere")
    assert facts.machine_id == "0123456789abcdef0123456789abcdef"
    assert (facts.cpu, facts.cpu_available) == (2.0, 1.5)
    assert (facts.memory, facts.memory_available) == (2 * 2**20, 2**20)
    assert (facts.disk, facts.disk_available) == (None, None)
    assert facts.page_size == 4096


def test_the_limits_of_a_captured_host_are_those_of_its_cgroups(tmp_path):
    tree = write(
        tmp_path,
        proc__cpuinfo="isa\t\t: rv64imafdc\n",
        proc__meminfo="MemTotal: 8388608 kB\nMemAvailable: 4194304 kB\n",
        proc__self__cgroup="0::/jobs/one\n",
        proc__self__mountinfo="30 24 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
        sys__devices__system__cpu__online="0-7\n",
        **{
            "sys__fs__cgroup__jobs__cpu.max": "150000 100000\n",
            "sys__fs__cgroup__jobs__one__memory.max": "1073741824\n",
            "sys__fs__cgroup__jobs__one__memory.current": "1048576\n",
            "sys__fs__cgroup__cpuset.cpus.effective": "0-7\n",
        },
    )
    facts = host.read(tmp_path, tree)
    assert facts.cpu == 1.5
    assert (facts.memory, facts.memory_available) == (2**30, 2**30 - 2**20)


def test_a_captured_cpuset_limits_the_processors(tmp_path):
    tree = write(
        tmp_path,
        proc__cpuinfo="isa\t\t: rv64imafdc\n",
        proc__self__cgroup="0::/\n",
        proc__self__mountinfo="30 24 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
        sys__devices__system__cpu__online="0-7\n",
        **{"sys__fs__cgroup__cpuset.cpus.effective": "4-6\n"},
    )
    assert host.read(tmp_path, tree).cpu == 3.0


def test_what_a_captured_host_does_not_say_is_not_known(tmp_path):
    facts = host.read(tmp_path, write(tmp_path / "box", proc__sys__kernel__arch="aarch64\n"))
    assert (facts.os, facts.hostname, facts.machine_id, facts.cpuinfo) == ("linux", "box", None, "")
    assert facts[5:10] == (None,) * 5
    assert (facts.kernel, facts.page_size, facts.cpu_available) == ("", None, None)


def test_a_captured_host_without_an_architecture_is_refused(tmp_path):
    with pytest.raises(BacError) as caught:
        host.read(tmp_path, Tree(tmp_path))
    assert caught.value.code == "unreadable_file"
    assert "proc/sys/kernel/arch" in caught.value.message
    assert caught.value.input == str(tmp_path)


def test_the_root_by_any_name_is_not_captured(tmp_path):
    (tmp_path / "root").symlink_to("/")
    assert not Tree(tmp_path / "root").captured
    assert Tree(tmp_path).captured


def test_no_link_leaves_a_captured_tree(tmp_path):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/machine-id").symlink_to("/etc/hostname")
    (tmp_path / "sys").symlink_to("/sys")
    (tmp_path / "loop").symlink_to("loop")
    tree = Tree(tmp_path)
    assert tree.text("etc/machine-id") is None
    assert tree.names("sys") == []
    assert tree.text("loop") is None


def test_a_link_within_a_captured_tree_is_followed(tmp_path):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/7").mkdir()
    (tmp_path / "proc/7/cgroup").write_text("0::/\n")
    (tmp_path / "proc/self").symlink_to("7")
    assert Tree(tmp_path).text("/proc/self/cgroup") == "0::/\n"


def test_no_more_is_read_than_asked_for(tmp_path):
    (tmp_path / "long").write_text("x" * 100)
    for name in "abc":
        (tmp_path / name).touch()
    tree = Tree(tmp_path)
    assert tree.text("long", limit=10) == "x" * 10
    assert len(tree.names("/", limit=2)) == 2


def test_a_pipe_and_a_folder_are_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    tree = Tree(tmp_path)
    assert tree.text("pipe") == ""
    assert tree.text("") is None
    assert tree.names("pipe") == []
    assert tree.text("a\0b") is None
