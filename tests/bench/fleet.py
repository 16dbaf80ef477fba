"""A seeded fleet of node lines, for measurements.

usage: python fleet.py COUNT [SEED] [own] > nodes.jsonl

With `own` every node has an amount of its own free, as nodes that run something have; else amounts are alike.
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


def free(resources, chance):
    """Some of what there is, to the hundredth of a core and to the byte."""
    amounts = {name: resources[name] * chance.random() for name in ("memory", "disk")}
    cpu = round(resources["cpu"] * chance.random(), 2)
    return {"cpu": cpu, **{name: int(amount) for name, amount in amounts.items()}, "gpus": []}


def write(count, stream, seed=1, *, own=False):
    """Write the fleet."""
    chance, used = random.Random(seed), random.Random(seed)
    for number in range(count):
        record = node(number, chance)
        if own:
            record["available"] = free(record["resources"], used)
        stream.write(json.dumps(record, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if word != "own"]
    write(*map(int, words[:1]), sys.stdout, *map(int, words[1:]), own="own" in sys.argv)
