"""A seeded fleet of node lines, for measurements.

usage: python fleet.py COUNT [SEED] > nodes.jsonl
"""

import json
import random
import sys

PLATFORMS = ("linux/amd64", "linux/amd64/v3", "linux/arm64", "linux/arm/v7", "linux/riscv64", "linux/s390x")
GIB = 1024**3


def node(number, chance):
    """One node record with the fields that bac-probe writes."""
    own = chance.choice(PLATFORMS)
    emulated = chance.sample(PLATFORMS, chance.randrange(3))
    offers = [{"platform": own, "how": "native"}]
    offers += [{"platform": name, "how": "emulated", "via": "qemu"} for name in emulated if name != own]
    engines = [{"engine": "wasm", "platforms": [{"platform": "wasm32/wasi", "how": "native"}], "features": ["simd"]}]
    if chance.random() < 0.8:
        engines.insert(0, {"engine": "docker", "platforms": offers, "version": "28.2.2"})
    cores = chance.choice((2, 4, 8, 16, 64))
    return {
        "kind": "node",
        "v": 1,
        "id": f"n-{number:08d}",
        "name": f"host-{number}",
        "probed": "2026-11-22T07:00:00Z",
        "os": "linux",
        "architecture": own.split("/")[1],
        "engines": engines,
        "resources": {"cpu": cores, "memory": cores * 4 * GIB, "disk": 100 * GIB, "gpus": []},
        "labels": {"zone": chance.choice(("eu", "us", "ap")), "rack": str(number % 40)},
        "sources": ["inline", "local"],
        "publishers": [],
        "schedulable": True,
        "warnings": [],
    }


def write(count, stream, seed=1):
    """Write the fleet."""
    chance = random.Random(seed)
    for number in range(count):
        stream.write(json.dumps(node(number, chance), separators=(",", ":")) + "\n")


if __name__ == "__main__":
    count, *seed = map(int, sys.argv[1:])
    write(count, sys.stdout, *seed)
