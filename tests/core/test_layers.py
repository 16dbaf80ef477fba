import pytest
from hypothesis import given
from hypothesis import strategies as st

from bactools.core import layers
from bactools.core.errors import BacError
from bactools.core.layers import Entry, find


def stack(*descriptions):
    """Layers, newest first, each from words: ``name``, ``name/``, ``name -> target``, ``name => hard link``."""
    return [layers.layer(map(entry, description)) for description in descriptions]


def entry(text):
    if " -> " in text:
        return Entry(text.split(" -> ")[0], "symlink", text.split(" -> ")[1])
    if " => " in text:
        return Entry(text.split(" => ")[0], "hardlink", text.split(" => ")[1])
    if text.startswith("!"):
        return Entry(text[1:], "special")
    return Entry(text, "directory" if text.endswith("/") else "file")


def where(path, image):
    found = find(path, image)
    return found and (found.path, found.layer, found.entry.kind)


@pytest.mark.parametrize(
    ("path", "image", "expected"),
    [
        ("/app", [["app"]], ("/app", 0, "file")),
        ("/app", [["./app"]], ("/app", 0, "file")),
        ("/app", [["/app"]], ("/app", 0, "file")),
        ("/app", [[], ["app"]], ("/app", 1, "file")),
        ("/app", [["app"], ["app"]], ("/app", 0, "file")),
        ("/app", [["lib"]], None),
        ("/app", [], None),
        ("/", [["app"]], None),
        ("/bin/sh", [["bin/sh"]], ("/bin/sh", 0, "file")),
        ("/bin//./sh", [["bin/", "bin/sh"]], ("/bin/sh", 0, "file")),
        ("/bin/sh/", [["bin/sh"]], None),
        ("/bin/sh/x", [["bin/sh"]], None),
        ("/bin", [["bin/sh"]], ("/bin", 0, "directory")),
        ("/dev/null", [["!dev/null"]], ("/dev/null", 0, "special")),
        ("/dev/null/x", [["!dev/null", "dev/null/x"]], None),
    ],
)
def test_the_newest_layer_that_has_a_file(path, image, expected):
    assert where(path, stack(*image)) == expected


@pytest.mark.parametrize(
    ("path", "image", "expected"),
    [
        ("/bin/sh", [["bin/sh -> busybox", "bin/busybox"]], ("/bin/busybox", 0, "file")),
        ("/bin/sh", [["bin/sh -> /bin/busybox"], ["bin/busybox"]], ("/bin/busybox", 1, "file")),
        ("/bin/sh", [["app"], ["bin -> usr/bin", "usr/bin/sh -> dash", "usr/bin/dash"]], ("/usr/bin/dash", 1, "file")),
        ("/a/x", [["a -> b/c", "b/c/x"]], ("/b/c/x", 0, "file")),
        ("/a/x", [["a -> b/c/..", "b/c/y", "b/x"]], ("/b/x", 0, "file")),
        ("/a/../x", [["a -> /b/c", "b/c/y", "b/x"]], ("/b/x", 0, "file")),
        ("/a", [["a -> ../../../../etc/passwd", "etc/passwd"]], ("/etc/passwd", 0, "file")),
        ("/../../app", [["app"]], ("/app", 0, "file")),
        ("/a", [["a -> a"]], None),
        ("/a", [["a -> b", "b -> a"]], None),
        ("/a", [["a -> nowhere"]], None),
        ("/a", [["a -> "]], None),
        ("/a/b", [["a -> .", "b"]], ("/b", 0, "file")),
        ("/a", [["a -> b", "!b"]], ("/b", 0, "special")),
    ],
)
def test_links_are_followed_inside_the_root(path, image, expected):
    assert where(path, stack(*image)) == expected


@pytest.mark.parametrize(
    ("path", "image", "expected"),
    [
        ("/bin/sh", [["bin/sh => bin/busybox", "bin/busybox"]], ("/bin/sh", 0, "bin/busybox")),
        ("/bin/sh", [["bin/sh => bin/busybox"], ["bin/busybox"]], ("/bin/sh", 1, "bin/busybox")),
        ("/bin/sh", [["bin/busybox"], ["bin/sh => bin/busybox", "bin/busybox"]], ("/bin/sh", 1, "bin/busybox")),
        ("/a", [["a => b", "b => c", "c"]], ("/a", 0, "c")),
        ("/a", [["a => a"]], None),
        ("/a", [["a => ../../outside"]], None),
        ("/a", [["a => b", "b -> d/c", "d/c"]], ("/d/c", 0, "d/c")),
    ],
)
def test_a_hard_link_is_the_file_of_its_layer_or_below(path, image, expected):
    found = find(path, stack(*image))
    assert (found and (found.path, found.layer, found.name)) == expected


@pytest.mark.parametrize(
    ("path", "image", "expected"),
    [
        ("/app", [[".wh.app"], ["app"]], None),
        ("/app", [[".wh.app", "app"], ["app"]], 0),
        ("/d/app", [[".wh.d"], ["d/app"]], None),
        ("/d/app", [[".wh.d", "d/other"], ["d/app"]], None),
        ("/d/app", [["d/.wh.app"], ["d/app"]], None),
        ("/d/app", [["d/.wh..wh..opq"], ["d/app"]], None),
        ("/d/app", [["d/.wh..wh..opq", "d/app"], ["d/app"]], 0),
        ("/d/e/app", [["d/.wh..wh..opq"], ["d/e/app"]], None),
        ("/app", [[".wh..wh..opq"], ["app"]], None),
        ("/app", [["d/.wh..wh..opq"], ["app"]], 1),
        ("/app", [[".wh.other"], ["app"]], 1),
        ("/app", [["app"], [".wh.app"], ["app"]], 0),
        ("/d/app", [["d"], ["d/app"]], None),
        ("/d/app", [["d/"], ["d"], ["d/app"]], None),
        ("/app", [[".wh..wh.plnk", ".wh.", ".wh...", "x/.wh..."], ["app"]], 1),
    ],
)
def test_a_layer_takes_away_what_it_says(path, image, expected):
    found = find(path, stack(*image))
    assert (found and found.layer) == expected


@pytest.mark.parametrize(
    ("name", "path"),
    [("a/b", "a/b"), ("./a//b/", "a/b"), ("a/../b", "b"), ("../a", None), ("a/../../b", None), ("/", ""), (".", "")],
)
def test_a_name_stays_inside_the_root(name, path):
    assert layers.clean(name) == path


def test_an_entry_that_leaves_the_root_is_none():
    assert layers.layer([Entry("../app", "file"), Entry("x" * 5000, "file")]).entries == {}


def test_of_entries_with_one_name_the_last_counts():
    assert find("/app", stack(["app", "app -> other", "other"])).path == "/other"


def test_layers_are_read_only_as_far_as_a_question_needs():
    def image():
        yield layers.layer([Entry("app/", "directory"), Entry("app/run", "file")])
        raise AssertionError("the second layer was read")

    class Lazy:
        def __iter__(self):
            return image()

    assert find("/app/run", Lazy()).layer == 0


def test_a_layer_with_too_many_entries_is_refused(monkeypatch):
    monkeypatch.setattr(layers, "MAX_ENTRIES", 3)
    layers.layer([Entry("a/b/c", "file")])
    with pytest.raises(BacError, match="more than 3 entries"):
        layers.layer([Entry("a/b/c/d/e", "file")])
    with pytest.raises(BacError) as caught:
        layers.layer(Entry(f"{number}", "file") for number in range(4))
    assert caught.value.code == "too_large"


WORDS = st.sampled_from([".", "..", "", "a", "b", ".wh.a", ".wh..wh..opq"])
PATHS = st.lists(WORDS, min_size=1, max_size=4).map("/".join)
ENTRIES = st.builds(Entry, PATHS, st.sampled_from(["file", "directory", "symlink", "hardlink", "special"]), PATHS)


@given(st.lists(st.lists(ENTRIES, max_size=8), max_size=3), PATHS)
def test_whatever_the_layers_a_path_ends_inside_or_nowhere(described, path):
    image = [layers.layer(entries) for entries in described]
    found = find(path, image)
    if found and found.entry.kind == "file":
        assert found.name in image[found.layer].entries
        assert ".." not in found.path.split("/")
