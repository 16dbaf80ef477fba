from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from bactools.core import cpu, node
from bactools.edges import host

MEMINFO = """\
MemTotal:        2048 kB
MemFree:          512 kB
MemAvailable:    1024 kB
HugePages_Total:       0
"""


def test_facts_are_those_of_this_host(tmp_path):
    facts = host.read(tmp_path)
    assert facts.os == sys.platform
    assert facts.machine == subprocess.run(["uname", "-m"], capture_output=True, text=True, check=True).stdout.strip()
    assert facts.hostname == os.uname().nodename
    assert facts.cpu == len(os.sched_getaffinity(0))
    assert facts.memory == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert 0 < facts.memory_available <= facts.memory
    assert 0 < facts.disk_available <= facts.disk


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
        assert node.architecture(facts) != "amd64" or cpu.amd64_level(facts.cpuinfo)
        return
    told = subprocess.run([str(loader), "--help"], capture_output=True, text=True, check=True).stdout
    supported = [level for level in ("v2", "v3", "v4") if f"x86-64-{level} (supported" in told]
    assert cpu.amd64_level(facts.cpuinfo) == (supported or ["v1"])[-1]


def test_a_captured_tree_stands_in_for_a_host(tmp_path):
    (tmp_path / "proc").mkdir()
    (tmp_path / "etc").mkdir()
    (tmp_path / "proc/meminfo").write_text(MEMINFO)
    (tmp_path / "proc/cpuinfo").write_text("processor\t: 0\n")
    (tmp_path / "etc/machine-id").write_text("0123456789abcdef0123456789abcdef\n")
    facts = host.read(tmp_path, root=tmp_path)
    assert (facts.memory, facts.memory_available) == (2 * 2**20, 2**20)
    assert facts.cpuinfo == "processor\t: 0\n"
    assert facts.machine_id == "0123456789abcdef0123456789abcdef"


def test_what_is_not_there_cannot_be_told(tmp_path):
    facts = host.read(tmp_path / "absent", root=tmp_path)
    assert facts[3:5] == (None, "")
    assert facts[6:] == (None, None, None, None)
