"""The CIDs of files and folders. The literal ones are what Kubo 0.22 says (version 0) and js-ipfs (version 1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bactools.core import dagpb, hamt, ipfs_add, unixfs
from bactools.core.errors import BacError
from bactools.core.ipfs_add import CHUNK, MAX_LINKS, FileAdder, Layout
from bactools.core.unixfs import Directory, Entry, File, Shard, Symlink


def added(data, layout=None):
    adder = FileAdder(layout or Layout())
    adder.feed(data)
    return adder.finish()


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"", "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH"),
        (b"hello\n", "QmZULkCELmmk5XNfCgTnCyFgAVxBRBXyDHGGMVoLFLiXEN"),
        (bytes(CHUNK), "QmRk1rduJvo5DfEYAaLobS2za9tDszk35hzaNSDCJ74DA7"),
        (bytes(CHUNK + 1), "QmbVuw4C4vcmVKqxoWtgDVobvcHrSn51qsmQmyxjk4sB2Q"),
        (bytes(MAX_LINKS * CHUNK), "QmY4HSz1oVGdUzb8poVYPLsoqBZjH6LZrtgnme9wWn2Qko"),
        (bytes(MAX_LINKS * CHUNK + 1), "QmehMASWcBsX7VcEQqs6rpR5AHoBfKyBVEgmkJHjpPg8jq"),
    ],
)
def test_files_have_the_names_that_kubo_gives_them(data, name):
    assert str(added(data).cid) == name


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"", "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"),
        (b"hello\n", "bafkreicysg23kiwv34eg2d7qweipxwosdo2py4ldv42nbauguluen5v6am"),
        (bytes(CHUNK), "bafkreiekhhjkxu4ztk3tyng3er3ijhg56mb44oe3gwbgquhzu4afrg2ksa"),
        (bytes(MAX_LINKS * CHUNK), "bafybeibxsa3ioclowpaq7b6gxl65gzqneopfr3fnhedak6sqr4bjz5lnyq"),
        (bytes(MAX_LINKS * CHUNK + 1), "bafybeihqwzd3o6q6v3pmwhzjy22vokhr767burokmqemg63hptx2nqd7ym"),
    ],
)
def test_files_with_raw_leaves_have_the_names_that_js_ipfs_gives_them(data, name):
    assert str(added(data, Layout(raw=True)).cid) == name


@given(st.lists(st.binary(max_size=100), max_size=10))
def test_how_a_file_is_fed_does_not_matter(pieces):
    adder = FileAdder(Layout())
    for piece in pieces:
        adder.feed(piece * 5000)
    assert adder.finish() == added(b"".join(piece * 5000 for piece in pieces))


def test_a_folder_has_the_name_that_kubo_gives_it():
    layout = Layout()
    sub = ipfs_add.directory([(b"empty", added(b""))], layout)
    folder = ipfs_add.directory([(b"sub", sub), (b"a", added(b"hello\n"))], layout)
    assert str(folder.cid) == "QmUZoizeBD1hx7EtLi5xcDFjkpCH5qJvRRHYRQRrJjsNg9"


def test_an_empty_folder_has_its_known_name():
    assert str(ipfs_add.directory([], Layout()).cid) == "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn"


def many():
    return [(f"file-with-a-somewhat-long-name-{number}", b"%d\n" % number) for number in range(1, 6001)]


def test_a_large_folder_is_sharded_as_kubo_does_it():
    blocks = {}
    layout = Layout(lambda name, block: blocks.update({name: block}))
    root = ipfs_add.directory([(name.encode(), added(data, layout)) for name, data in many()], layout).cid
    assert str(root) == "QmRNScyfBohgwxLSsSE3gy7gBqhVSFagNs2fTijKr64nCA"

    def entries(name):
        shard = unixfs.read(name, blocks[name])
        assert isinstance(shard, Shard)
        yield from shard.entries.values()
        for deeper in shard.deeper.values():
            yield from entries(deeper)

    assert {entry.name: bytes(unixfs.read(entry.cid, blocks[entry.cid]).data) for entry in entries(root)} == dict(
        many()
    )


def test_names_with_one_hash_cannot_be_sharded(monkeypatch):
    monkeypatch.setattr(hamt, "murmur3", lambda _: 7)
    with pytest.raises(BacError) as caught:
        ipfs_add.directory([(name.encode(), added(b"")) for name, _ in many()], Layout())
    assert caught.value.code == "unsupported"


@given(st.binary(max_size=200))
def test_what_is_added_is_what_is_read(data):
    blocks = {}
    layout = Layout(lambda name, block: blocks.update({name: block}))
    file = added(data, layout)
    link = ipfs_add.symlink(b"a/b", layout)
    folder = ipfs_add.directory([(b"f", file), (b"l", link)], layout)
    assert unixfs.read(folder.cid, blocks[folder.cid]) == Directory((Entry("f", file.cid), Entry("l", link.cid)))
    assert unixfs.read(file.cid, blocks[file.cid]) == File(data, (), len(data))
    assert unixfs.read(link.cid, blocks[link.cid]) == Symlink("a/b")
    assert folder.total == sum(len(block) for block in blocks.values())


def test_the_size_of_a_file_is_in_every_node():
    blocks = {}
    name = added(bytes(CHUNK * 3 + 5), Layout(lambda name, block: blocks.update({name: block}))).cid
    node = unixfs.read(name, blocks[name])
    assert isinstance(node, File)
    assert (node.size, [part.size for part in node.parts]) == (CHUNK * 3 + 5, [CHUNK, CHUNK, CHUNK, 5])
    assert len(dagpb.decode(blocks[name]).links) == 4
