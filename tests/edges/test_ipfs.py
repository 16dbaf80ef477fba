"""Inputs from IPFS: from real gateways and nodes, and from one that lies."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import ipfs_stack
import pytest
from ipfs_stack import OwnGateway, Packed, packed, serving

from bactools.core import car, dagpb, hamt, ipfs_add, unixfs
from bactools.core.budget import Budget
from bactools.core.cid import DAG_PB, IDENTITY, RAW, Cid
from bactools.core.dagpb import Link
from bactools.core.errors import BacError
from bactools.core.ipfs_add import FileAdder, Layout
from bactools.edges.publishers import ipfs as publisher
from bactools.edges.sources import ipfs
from bactools.edges.sources.ipfs import Endpoints, kept

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PLENTY = 10**9
CHUNK = ipfs_add.CHUNK


def quiet(_: str | None) -> None:
    pass


def tree(folder: Path) -> dict[str, Any]:
    """What is in a folder, by relative path: bytes of a file, target of a link, None of a folder."""
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        found[name] = str(path.readlink()) if path.is_symlink() else None if path.is_dir() else path.read_bytes()
    return found


def fill(folder: Path) -> Path:
    """A folder with what is awkward: nothing, much, repeated parts, links, and more names than one block has."""
    (folder / "sub/deep").mkdir(parents=True)
    (folder / "a").write_bytes(b"hello\n")
    (folder / "empty").write_bytes(b"")
    (folder / "sub/chunks").write_bytes(os.urandom(3 * CHUNK + 17))
    (folder / "zeros").write_bytes(bytes(200 * CHUNK + 1))
    (folder / "sub/deep/up").symlink_to("../chunks")
    (folder / "ü b%").write_bytes(b"name\n")
    (folder / "nothing").mkdir()
    (folder / "many").mkdir()
    for number in range(4500):
        (folder / f"many/a-name-that-is-long-enough-{number}").write_bytes(b"%d" % number)
    return folder


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(tmp_path_factory.mktemp("source") / "it")


@pytest.fixture(scope="module", params=[False, True], ids=["v0", "v1"])
def held(source: Path, request: pytest.FixtureRequest) -> Packed:
    return packed(source, raw=request.param)


@pytest.fixture(scope="module")
def gateway(held: Packed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real gateway that has the tree."""
    file = tmp_path_factory.mktemp("cars") / "it.car"
    file.write_bytes(held.car(held.root, repeated=False))
    with ipfs_stack.started("gateway", "ipfs-gateway.mjs", file) as url:
        yield url


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real node, which has nothing."""
    with ipfs_stack.started("node", "ipfs-node.mjs", tmp_path_factory.mktemp("node") / "repository") as url:
        yield url


@contextmanager
def own(tree: Packed, **changes: Any) -> Iterator[OwnGateway]:
    with serving(OwnGateway(tree, **changes)) as gateway:
        yield gateway


def fetch(folder: Path, name: object, at: str | Endpoints, limit: int = PLENTY) -> Path:
    folder.mkdir(exist_ok=True)
    endpoints = at if isinstance(at, Endpoints) else Endpoints(gateway=at)
    return ipfs.fetch({"CID": str(name)}, folder, Budget(limit), quiet, endpoints)


def refusal(folder: Path, name: object, at: str | Endpoints, limit: int = PLENTY) -> BacError:
    with pytest.raises(BacError) as caught:
        fetch(folder, name, at, limit)
    assert list(folder.iterdir()) == []
    return caught.value


def test_a_real_gateway_gives_a_whole_tree(gateway: str, held: Packed, source: Path, tmp_path: Path):
    assert tree(fetch(tmp_path, held.root, gateway)) == tree(source)


@pytest.mark.parametrize("name", ["a", "empty", "sub/chunks", "ü b%", "many/a-name-that-is-long-enough-4321"])
def test_a_real_gateway_gives_what_is_below_a_cid(gateway: str, held: Packed, source: Path, tmp_path: Path, name: str):
    found = fetch(tmp_path, f"ipfs://{held.root}/{name}", gateway)
    assert found == tmp_path / name.rpartition("/")[2]
    assert found.read_bytes() == (source / name).read_bytes()


@pytest.mark.parametrize("name", ["b", "a/b", "many/no", "sub/deep/up/x"])
def test_what_is_not_below_a_cid_is_named(gateway: str, held: Packed, tmp_path: Path, name: str):
    error = refusal(tmp_path, f"{held.root}/{name}", gateway)
    assert error.code == "not_found"
    assert repr(name.rpartition("/")[2]) in error.message


def test_a_published_folder_comes_back_from_a_real_node(node: str, source: Path, tmp_path: Path):
    name = publisher.publish(source, node, quiet)
    assert name == str(packed(source).root)
    assert tree(fetch(tmp_path, name, Endpoints(rpc=node))) == tree(source)
    assert (
        fetch(tmp_path, f"{name}/sub/chunks", Endpoints(rpc=node)).read_bytes() == (source / "sub/chunks").read_bytes()
    )


def test_what_a_node_does_not_have_is_an_error(node: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bactools.edges.sources.ipfs.places.SEARCH_TIME", "1s")
    absent = Cid(1, RAW, 0x12, bytes(32))
    error = refusal(tmp_path, absent, Endpoints(rpc=node))
    assert error.code == "unreachable"
    assert str(absent) in error.message


def test_names_are_those_that_kubo_gives(source: Path, tmp_path: Path):
    paths = [source, source / "many", source / "zeros", source / "sub/chunks"]
    assert ipfs_stack.kubo_says(tmp_path / "repository", *paths) == [str(publisher.cid_of(path)) for path in paths]


@pytest.mark.parametrize("repeated", [True, False], ids=["repeated", "once"])
def test_a_car_is_enough(held: Packed, source: Path, tmp_path: Path, repeated: bool):
    with own(held, cars=lambda name: held.car(name, repeated=repeated)) as gateway:
        assert tree(fetch(tmp_path, held.root, gateway.url)) == tree(source)
        single = [asked for asked in gateway.asked if asked.startswith("raw")]
    assert single == []


def test_single_blocks_are_enough(held: Packed, source: Path, tmp_path: Path):
    with own(held) as gateway:
        assert tree(fetch(tmp_path, f"{held.root}/sub", gateway.url)) == tree(source / "sub")


def test_a_car_in_any_order_will_do(source: Path, tmp_path: Path):
    held = packed(source / "sub")

    def backwards(name: Cid) -> bytes:
        return car.header(name) + b"".join(car.section(each, held.blocks[each]) for each in list(held.walk(name))[::-1])

    with own(held, cars=backwards) as gateway:
        assert tree(fetch(tmp_path, held.root, gateway.url)) == tree(source / "sub")


@pytest.mark.parametrize("length", [0, 1, 100, CHUNK, 2 * CHUNK + 500])
def test_a_car_that_breaks_off_is_completed_by_single_blocks(source: Path, tmp_path: Path, length: int):
    held = packed(source / "sub")
    with own(held, cars=lambda name: held.car(name)[:length]) as gateway:
        assert tree(fetch(tmp_path, held.root, gateway.url)) == tree(source / "sub")


def flipped(block: bytes) -> bytes:
    return block[:-1] + bytes((block[-1] ^ 1,))


def test_a_gateway_that_flips_a_bit_in_a_car_is_found_out(source: Path, tmp_path: Path):
    held = packed(source / "sub")
    with own(held, cars=lambda name: flipped(held.car(name))) as gateway:
        error = refusal(tmp_path, held.root, gateway.url)
    assert error.code == "digest_mismatch"


def test_a_gateway_that_flips_a_bit_in_a_block_is_found_out(held: Packed, tmp_path: Path):
    with own(held, single=flipped) as gateway:
        error = refusal(tmp_path, held.root, gateway.url)
    assert error.code == "digest_mismatch"
    assert str(held.root) in error.message


def test_a_gateway_that_gives_another_file_is_found_out(source: Path, tmp_path: Path):
    held = packed(source / "a")
    other = packed(source / "empty")
    with own(held, cars=lambda _: other.car(other.root), single=lambda _: other.blocks[other.root]) as gateway:
        assert refusal(tmp_path, held.root, gateway.url).code == "digest_mismatch"


@pytest.mark.parametrize(
    ("status", "code"), [(404, "not_found"), (410, "not_found"), (403, "unauthorized"), (406, "unsupported")]
)
def test_a_refusal_of_the_gateway_is_told(held: Packed, tmp_path: Path, status: int, code: str):
    with own(held, status=status) as gateway:
        error = refusal(tmp_path, held.root, gateway.url)
    assert error.code == code
    assert f"HTTP status {status}" in error.message


def test_nobody_there_is_told(tmp_path: Path, held: Packed):
    assert refusal(tmp_path, held.root, "http://127.0.0.1:1").code == "unreachable"
    assert refusal(tmp_path, held.root, Endpoints(rpc="http://127.0.0.1:1")).code == "unreachable"
    assert refusal(tmp_path, held.root, Endpoints()).code == "bad_config"


def test_more_than_the_limit_is_refused(held: Packed, tmp_path: Path):
    with own(held, cars=held.car) as gateway:
        assert refusal(tmp_path, held.root, gateway.url, limit=200 * CHUNK).code == "too_large"


def directory(*entries: tuple[str, Packed]) -> Packed:
    """A directory of these entries in this order, whatever their names."""
    block = dagpb.encode([Link(name.encode(), it.root, 1) for name, it in entries], unixfs.encode_directory())
    name = ipfs_add.cid.of(block, 0x70)
    blocks = {name: block}
    for _, it in entries:
        blocks |= it.blocks
    return Packed(name, blocks)


def leaf(data: bytes) -> Packed:
    return Packed(ipfs_add.cid.of(data, RAW), {ipfs_add.cid.of(data, RAW): data})


def link(target: str) -> Packed:
    blocks: dict[Cid, bytes] = {}
    name = ipfs_add.symlink(target.encode(), Layout(lambda name, block: blocks.update({name: block}))).cid
    return Packed(name, blocks)


@pytest.mark.parametrize("name", ["../evil", "..", ".", "", "/etc/evil", "a/b", "x" * 256, "nul\0"])
def test_a_name_that_leaves_the_folder_is_refused(tmp_path: Path, name: str):
    evil = directory(("good", leaf(b"x")), (name, leaf(b"evil")))
    inside = tmp_path / "inside"
    with own(evil) as gateway:
        assert refusal(inside, evil.root, gateway.url).code == "bad_input"
    assert list(tmp_path.iterdir()) == [inside]


@pytest.mark.parametrize("target", ["/etc/passwd", "..", "../x", "sub/../.."])
def test_a_link_that_may_lead_out_is_refused(tmp_path: Path, target: str):
    evil = directory(("link", link(target)))
    with own(evil) as gateway:
        assert refusal(tmp_path, evil.root, gateway.url).code == "bad_input"


def test_a_link_alone_is_no_input(tmp_path: Path):
    evil = link("../x")
    with own(evil) as gateway:
        assert refusal(tmp_path, evil.root, gateway.url).code == "bad_input"


def test_nothing_is_written_through_a_link(tmp_path: Path):
    (tmp_path / "sub").mkdir()
    for inner in (leaf(b"evil"), directory(("x", leaf(b"evil")))):
        evil = directory(("real", directory()), ("entry", link("real")), ("entry", inner))
        with own(evil) as gateway:
            assert refusal(tmp_path / "in", evil.root, gateway.url).code == "bad_input"


def test_a_part_that_is_not_as_long_as_its_file_says_is_refused(tmp_path: Path):
    part = leaf(b"longer than three")
    block = dagpb.encode([Link(b"", part.root, 3)], unixfs.encode_file(b"", (3,)))
    name = ipfs_add.cid.of(block, 0x70)
    with own(Packed(name, {name: block, **part.blocks})) as gateway:
        assert refusal(tmp_path, name, gateway.url).code == "bad_input"


def nested(levels: int, width: int) -> Packed:
    """A tree that is small as blocks and immense as directories: the same one again and again in each."""
    inner = directory()
    for _ in range(levels):
        inner = directory(*((str(number), inner) for number in range(width)))
    return inner


def test_directories_without_end_are_refused(tmp_path: Path):
    deep = nested(200, 1)
    with own(deep) as gateway:
        assert refusal(tmp_path, deep.root, gateway.url).code == "too_large"


def test_entries_without_end_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bactools.edges.sources.ipfs.tree.MAX_ENTRIES", 50)
    wide = nested(4, 10)
    with own(wide) as gateway:
        assert refusal(tmp_path, wide.root, gateway.url).code == "too_large"


def test_a_shard_in_itself_is_no_endless_tree(tmp_path: Path):
    # CIDs cannot form a circle, so shards of shards stand for it: more levels than a hash has bits for
    block = dagpb.encode([], unixfs.encode_shard(0))
    blocks = {}
    for _ in range(200):
        name = ipfs_add.cid.of(block, 0x70)
        blocks[name] = block
        block = dagpb.encode([Link(b"00", name, 1)], unixfs.encode_shard(1))
    assert hamt.FANOUT == 256
    with own(Packed(name, blocks)) as gateway:
        assert refusal(tmp_path, name, gateway.url).code == "too_large"
        assert refusal(tmp_path, f"{name}/x", gateway.url).code == "not_found"


def test_a_cid_that_is_its_own_block_needs_nobody(tmp_path: Path):
    found = fetch(tmp_path, Cid(1, RAW, IDENTITY, b"hello"), "http://127.0.0.1:1")
    assert found.read_bytes() == b"hello"


def test_a_program_stays_a_program(tmp_path: Path):
    block = dagpb.encode([], unixfs.encode_file(b"#!/bin/sh\n") + dagpb.number_field(7, 0o755))
    name = ipfs_add.cid.of(block, 0x70)
    with own(Packed(name, {name: block})) as gateway:
        mode = fetch(tmp_path, name, gateway.url).stat().st_mode
    assert stat.S_IMODE(mode) & 0o100


@pytest.mark.parametrize("params", [{}, {"CID": ""}, {"CID": 7}])
def test_an_input_needs_a_cid(tmp_path: Path, params: dict[str, Any]):
    with pytest.raises(BacError) as caught:
        ipfs.fetch(params, tmp_path, Budget(1), quiet, Endpoints(gateway="http://127.0.0.1:1"))
    assert caught.value.code == "bad_spec"


@pytest.mark.parametrize("name", ["nonsense", "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH/../x"])
def test_what_is_no_cid_is_refused_before_anybody_is_asked(tmp_path: Path, name: str):
    assert refusal(tmp_path, name, "http://127.0.0.1:1").code == "bad_input"


def test_what_is_there_already_stays(held: Packed, tmp_path: Path):
    (tmp_path / str(held.root)).write_bytes(b"mine")
    with pytest.raises(BacError) as caught:
        fetch(tmp_path, held.root, "http://127.0.0.1:1")
    assert caught.value.code == "unwritable_file"
    assert (tmp_path / str(held.root)).read_bytes() == b"mine"


def test_progress_is_told_and_taken_back(tmp_path: Path):
    adder_blocks: dict[Cid, bytes] = {}
    adder = FileAdder(Layout(lambda name, block: adder_blocks.update({name: block})))
    adder.feed(bytes(9 * 1024 * 1024))
    held = Packed(adder.finish().cid, adder_blocks)
    told: list[str | None] = []
    with own(held, cars=held.car) as gateway:
        ipfs.fetch({"CID": str(held.root)}, tmp_path, Budget(PLENTY), told.append, Endpoints(gateway=gateway.url))
    assert told == [f"fetching ipfs://{held.root}: {size} MiB" for size in (4, 8)] + [None]


def test_what_was_fetched_once_is_kept(source: Path, tmp_path: Path):
    held = packed(source / "sub")
    keep = tmp_path / "keep"
    with own(held) as gateway:
        fetch(tmp_path / "one", held.root, Endpoints(gateway=gateway.url, keep=keep))
    found = fetch(tmp_path / "two", held.root, Endpoints(gateway="http://127.0.0.1:1", keep=keep))
    assert tree(found) == tree(source / "sub")
    assert stat.S_IMODE(keep.stat().st_mode) == 0o700
    assert (
        refusal(tmp_path / "three", held.root, Endpoints(gateway="http://127.0.0.1:1", keep=keep), 9).code
        == "too_large"
    )


def test_what_is_kept_and_was_changed_is_fetched_again(source: Path, tmp_path: Path):
    held = packed(source / "sub")
    with own(held) as gateway:
        at = Endpoints(gateway=gateway.url, keep=tmp_path / "keep")
        first = fetch(tmp_path / "one", held.root, at)
        (first / "chunks").write_bytes(b"changed")  # the job's own copy shares its files with what is kept
        assert tree(fetch(tmp_path / "two", held.root, at)) == tree(source / "sub")


def test_a_folder_that_others_may_write_to_keeps_nothing(source: Path, tmp_path: Path):
    held = packed(source / "sub")
    keep = tmp_path / "keep"
    keep.mkdir()
    keep.chmod(0o777)
    with own(held) as gateway:
        fetch(tmp_path / "one", held.root, Endpoints(gateway=gateway.url, keep=keep))
    assert list(keep.iterdir()) == []


def test_what_fails_is_not_kept(source: Path, tmp_path: Path):
    held = packed(source / "sub")
    keep = tmp_path / "keep"
    with own(held, cars=lambda name: flipped(held.car(name))) as gateway:
        assert refusal(tmp_path / "one", held.root, Endpoints(gateway=gateway.url, keep=keep)).code == "digest_mismatch"
    assert list(keep.iterdir()) == []


def test_the_oldest_that_is_kept_goes_first(tmp_path: Path):
    keep = tmp_path / "keep"
    assert kept.prepare(keep)
    for age, name in enumerate(("new", "old", "oldest")):
        with kept.adding(keep, name) as path:
            path.write_bytes(bytes(100))
        os.utime(keep / name / kept.SEAL, (1000 - age, 1000 - age))
    kept.sweep(keep, limit=250)
    assert sorted(path.name for path in keep.iterdir()) == ["new", "old"]


def test_a_dead_writers_rest_is_removed_and_a_living_ones_stays(tmp_path: Path):
    keep = tmp_path / "keep"
    assert kept.prepare(keep)
    dead = keep / f"{kept.TEMPORARY}dead"
    dead.mkdir()
    with kept.adding(keep, "it") as path:
        path.write_bytes(b"x")
        for place in (dead, path.parent):
            os.utime(place, (0, 0))
        kept.sweep(keep)
        assert not dead.exists()
        assert path.exists()


def test_what_is_kept_needs_no_endpoint(source: Path, tmp_path: Path):
    held = packed(source / "sub")
    with own(held) as gateway:
        fetch(tmp_path / "one", held.root, Endpoints(gateway=gateway.url, keep=tmp_path / "keep"))
    assert tree(fetch(tmp_path / "two", held.root, Endpoints(keep=tmp_path / "keep"))) == tree(source / "sub")


@pytest.mark.parametrize("url", ["nonsense", "ftp://h", "http://me:word@h", "http://h?key=word", "http://h:0x"])
def test_an_endpoint_that_is_none_is_said_at_once(source: Path, tmp_path: Path, url: str):
    held = packed(source / "sub")
    for at in (Endpoints(gateway=url), Endpoints(rpc=url)):
        error = refusal(tmp_path, held.root, at)
        assert error.code == "bad_config"
        assert "word" not in error.line()
    with pytest.raises(BacError) as caught:
        publisher.publish(source, url, quiet)
    assert caught.value.code == "bad_config"


@pytest.mark.parametrize("keeps", [False, True])
def test_a_path_to_a_link_is_refused_by_name(source: Path, tmp_path: Path, *, keeps: bool):
    held = packed(source / "sub")
    at = tmp_path / "keep" if keeps else None
    with own(held) as gateway:
        for _ in range(2):
            error = refusal(tmp_path / "in", f"{held.root}/deep/up", Endpoints(gateway=gateway.url, keep=at))
            assert error.code == "bad_input"
            assert error.message == f"ipfs://{held.root}/deep/up is a symbolic link to ../chunks, no file or directory"


@pytest.mark.parametrize("keeps", [False, True])
def test_whatever_the_umask_all_may_read_what_was_fetched(source: Path, tmp_path: Path, *, keeps: bool):
    held = packed(source / "sub")
    at = tmp_path / "keep" if keeps else None
    before = os.umask(0o077)
    try:
        with own(held) as gateway:
            found = fetch(tmp_path / "in", held.root, Endpoints(gateway=gateway.url, keep=at))
    finally:
        os.umask(before)
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (found, found / "deep", found / "chunks")]
    assert modes == [0o755, 0o755, 0o644]


def test_a_node_that_has_nothing_is_not_asked_for_an_export(node: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bactools.edges.sources.ipfs.places.SEARCH_TIME", "1s")
    absent = Cid(0, DAG_PB, 0x12, bytes(32))
    error = refusal(tmp_path, absent, Endpoints(rpc=node))
    assert error.code == "unreachable"
    assert "/block/get" in error.message
