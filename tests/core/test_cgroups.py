from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bactools.core import cgroups
from bactools.core.cgroups import Group, Limits

V2_MOUNT = "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
V1_MOUNTS = (
    "23 18 0:21 / /proc rw - proc proc rw\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:10 master:2 - cgroup cgroup rw,memory\n"
    "41 31 0:38 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd\n"
)
V1_MEMBERSHIP = "5:cpu,cpuacct:/a\n4:memory:/a/b\n1:name=systemd:/a\n0::/unused\n"
CPU, MEMORY = cgroups.VERSION_1["cpu"], cgroups.VERSION_1["memory"]

MIB = 2**20


def v2(*folders):
    return [Group(folder, cgroups.VERSION_2) for folder in folders]


GROUPS = {
    "version 2": (
        "0::/system.slice/bac.service\n",
        V2_MOUNT,
        v2("/sys/fs/cgroup/system.slice/bac.service", "/sys/fs/cgroup/system.slice", "/sys/fs/cgroup"),
    ),
    "version 2, in a namespace": ("0::/\n", V2_MOUNT, v2("/sys/fs/cgroup")),
    "version 2, above the namespace": ("0::/../other\n", V2_MOUNT, v2("/sys/fs/cgroup")),
    "version 2, part of it mounted": (
        "0::/kube/pod/one\n",
        V2_MOUNT.replace(" / /sys", " /kube/pod /sys"),
        v2("/sys/fs/cgroup/one", "/sys/fs/cgroup"),
    ),
    "version 2, another part mounted": (
        "0::/kubelet\n",
        V2_MOUNT.replace(" / /sys", " /kube /sys"),
        v2("/sys/fs/cgroup"),
    ),
    "version 1": (
        V1_MEMBERSHIP,
        V1_MOUNTS,
        [
            Group("/sys/fs/cgroup/cpu,cpuacct/a", CPU),
            Group("/sys/fs/cgroup/cpu,cpuacct", CPU),
            Group("/sys/fs/cgroup/memory/a/b", MEMORY),
            Group("/sys/fs/cgroup/memory/a", MEMORY),
            Group("/sys/fs/cgroup/memory", MEMORY),
        ],
    ),
    "version 1, in a container of Docker": (
        "4:memory:/docker/0123\n",
        "35 31 0:32 /docker/0123 /sys/fs/cgroup/memory ro,relatime master:10 - cgroup memory rw,memory\n",
        [Group("/sys/fs/cgroup/memory", MEMORY)],
    ),
    "both": (
        "4:memory:/\n0::/\n",
        V1_MOUNTS + V2_MOUNT.replace("/sys/fs/cgroup", "/sys/fs/cgroup/unified"),
        [Group("/sys/fs/cgroup/memory", MEMORY), *v2("/sys/fs/cgroup/unified")],
    ),
    "a blank in a name": (
        "0::/a b\n",
        V2_MOUNT.replace("/sys/fs/cgroup", "/my\\040cgroups"),
        v2("/my cgroups/a b", "/my cgroups"),
    ),
    "not mounted": ("0::/a\n", "", []),
    "none": ("", V2_MOUNT, []),
}


@pytest.mark.parametrize("name", GROUPS)
def test_groups_of_a_process(name):
    membership, mountinfo, groups = GROUPS[name]
    assert cgroups.groups(membership, mountinfo) == groups


@given(st.text(alphabet="0:/.,a\n\\ "), st.text(alphabet="0123 /a\\-\n") | st.just(V2_MOUNT))
def test_any_text_names_groups_or_none(membership, mountinfo):
    for group in cgroups.groups(membership, mountinfo):
        assert ".." not in group.folder.split("/")


LIMITS = {
    "version 2": (
        [{"cpu.max": "150000 100000\n", "memory.max": "104857600\n", "memory.current": "52428800\n"}],
        Limits(1.5, 100 * MIB, 50 * MIB),
    ),
    "max": ([{"cpu.max": "max 100000\n", "memory.max": "max\n", "memory.current": "52428800\n"}], Limits()),
    "version 1": (
        [
            {"cpu.cfs_quota_us": "50000\n", "cpu.cfs_period_us": "100000\n"},
            {"memory.limit_in_bytes": "104857600\n", "memory.usage_in_bytes": "1048576\n"},
        ],
        Limits(0.5, 100 * MIB, 99 * MIB),
    ),
    "version 1 without a limit": (
        [
            {"cpu.cfs_quota_us": "-1\n", "cpu.cfs_period_us": "100000\n"},
            {"memory.limit_in_bytes": "9223372036854771712\n", "memory.usage_in_bytes": "1048576\n"},
            {"memory.limit_in_bytes": "9223372036854710272\n"},
        ],
        Limits(),
    ),
    "the smallest wins, wherever it is": (
        [
            {"cpu.max": "max 100000\n", "memory.max": "max\n"},
            {"cpu.max": "200000 100000\n", "memory.max": "209715200\n", "memory.current": "0\n"},
            {"cpu.max": "400000 100000\n", "memory.max": "104857600\n", "memory.current": "104857600\n"},
            {},
        ],
        Limits(2.0, 100 * MIB, 0),
    ),
    "a cache that was not used of late can be had": (
        [
            {
                "memory.max": "104857600\n",
                "memory.current": "94371840\n",
                "memory.stat": "anon 4096\ninactive_file 41943040\nactive_file 5\n",
            }
        ],
        Limits(None, 100 * MIB, 50 * MIB),
    ),
    "version 1 counts the cache of the groups below too": (
        [
            {
                "memory.limit_in_bytes": "104857600\n",
                "memory.usage_in_bytes": "94371840\n",
                "memory.stat": "inactive_file 0\ntotal_inactive_file 41943040\n",
            }
        ],
        Limits(None, 100 * MIB, 50 * MIB),
    ),
    "more in use than is allowed": (
        [{"memory.max": "4096\n", "memory.current": "8192\n"}],
        Limits(None, 4096, 0),
    ),
    "usage unknown": ([{"memory.max": "4096\n"}], Limits(None, 4096, None)),
    "processors": (
        [{"cpuset.cpus.effective": "2-3\n"}, {"cpuset.cpus.effective": "0-7\n"}],
        Limits(cpus=frozenset({2, 3})),
    ),
    "processors, version 1": (
        [{"cpuset.effective_cpus": "\n"}, {"cpuset.effective_cpus": "0\n"}],
        Limits(cpus=frozenset({0})),
    ),
    "nonsense": ([{"cpu.max": "1 0\n", "memory.max": "-5\n", "cpuset.cpus.effective": "all\n"}], Limits()),
    "nothing": ([], Limits()),
}


@pytest.mark.parametrize("name", LIMITS)
def test_limits_of_groups_together(name):
    texts, limits = LIMITS[name]
    assert cgroups.limits(texts) == limits
