"""Trees of folders: deeper than calls may be nested, files open or a path long."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from deep_trees import LEVELS, deep

from bactools.edges import trees

if TYPE_CHECKING:
    from collections.abc import Iterator

LONG = "a-name-that-makes-the-whole-path-longer-than-the-kernel-takes"


@pytest.fixture(scope="module")
def deepest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("deepest")
    deep(folder, "d")
    yield folder
    trees.remove(folder)


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "tree"
    folder.mkdir()
    yield folder
    trees.remove(folder)


@pytest.mark.parametrize(("name", "levels"), [("d", LEVELS), (LONG, 100)])
def test_a_tree_is_removed_however_deep_it_is(tree: Path, name: str, levels: int) -> None:
    deep(tree, name, levels)
    trees.remove(tree)
    assert not tree.exists()


def test_what_links_lead_to_is_not_removed(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").touch()
    (tree / "folder").mkdir()
    (tree / "folder" / "link").symlink_to(tmp_path / "other")
    (tmp_path / "link").symlink_to(tree)
    trees.remove(tmp_path / "link")
    assert (tree / "folder" / "link").is_symlink()
    trees.remove(tree)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "other"]
    assert (tmp_path / "other" / "file").exists()


def test_to_remove_what_is_not_there_is_nothing(tmp_path: Path) -> None:
    trees.remove(tmp_path / "absent")
    (tmp_path / "file").touch()
    trees.remove(tmp_path / "file")
    assert (tmp_path / "file").exists()


def test_what_is_inside_comes_in_order_a_folder_first(tree: Path) -> None:
    for name in ("b", "a/y", "a/x/z", "a.b"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).touch()
    (tree / "c").symlink_to("a")
    found = [os.path.relpath(entry.path, tree) for entry in trees.inside(tree)]
    assert found == ["a", "a/x", "a/x/z", "a/y", "a.b", "b", "c"]


def test_a_deep_tree_is_walked(deepest: Path) -> None:
    assert sum(entry.name == "file" for entry in trees.inside(deepest)) == LEVELS


def test_a_path_that_is_too_long_is_an_oserror(tree: Path) -> None:
    deep(tree, LONG, levels=100)
    with pytest.raises(OSError) as caught:
        list(trees.inside(tree))
    assert caught.value.errno == errno.ENAMETOOLONG


def test_folders_are_opened_however_deep_they_are_and_closed_again(deepest: Path) -> None:
    before = descriptors()
    found = [(os.fstat(number).st_ino, sorted(names)) for number, names in trees.opened(deepest)]
    assert found[0] == (deepest.stat().st_ino, ["d"])
    assert [names for _, names in found[1:]] == [["d", "file"]] * (LEVELS - 1) + [["file"]]
    assert descriptors() == before


def test_no_link_is_opened(tree: Path, tmp_path: Path) -> None:
    (tree / "link").symlink_to(tmp_path)
    assert [names for _, names in trees.opened(tree)] == [["link"]]


def test_one_that_is_moved_away_meanwhile_ends_the_walk(tree: Path, tmp_path: Path) -> None:
    (tree / "a" / "b").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    walk = trees.opened(tree)
    for _ in range(3):
        next(walk)
    (tree / "a" / "b").rename(tmp_path / "other" / "b")
    with pytest.raises(OSError) as caught:
        next(walk)
    assert caught.value.errno == errno.ESTALE


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())
