"""Which modules are linked, in which order, and what is said of those that are missing."""

import pytest

from bactools.core import linking
from bactools.core.errors import BacError
from bactools.core.linking import Link
from bactools.core.records import Import
from bactools.core.running import Mount
from bactools.core.wasm import ModuleFacts

WASI = Import("wasi_snapshot_preview1", "fd_write", "func")


def module(*imports, exports=("f",), form="core"):
    """A module that imports ``f`` of others, or what an Import says."""
    items = tuple(Import(item, "f", "func") if isinstance(item, str) else item for item in imports)
    return ModuleFacts(form, "wasm32/wasi", imports=items, exports=exports)


def ordered(entry, modules, named=()):
    return linking.order(entry, named, modules.get, lambda item: item == WASI)


def refused(entry, modules, named=()):
    with pytest.raises(BacError) as caught:
        ordered(entry, modules, named)
    assert caught.value.code == "unsupported"
    return caught.value


def test_a_module_that_imports_from_its_host_alone_is_linked_with_nothing():
    assert ordered(module(WASI), {}) == ()


def test_import_modules_come_first_in_their_order_whether_anybody_imports_from_them():
    modules = {"/b.wasm": module(WASI), "/a.wasm": module()}
    assert ordered(module("a.wasm"), modules, ["b.wasm", "/a.wasm"]) == (
        Link("/b.wasm", ()),
        Link("/a.wasm", ("a.wasm",)),
    )


def test_an_import_is_found_by_its_name_as_a_path_among_the_inputs():
    assert ordered(module("inputs/geo.wasm"), {"/inputs/geo.wasm": module()}) == (
        Link("/inputs/geo.wasm", ("inputs/geo.wasm",)),
    )


def test_modules_are_found_recursively_and_stand_behind_what_they_import_from():
    modules = {"/a": module("b", "c"), "/b": module("c"), "/c": module()}
    assert [link.path for link in ordered(module("a"), modules)] == ["/c", "/b", "/a"]


def test_a_module_has_every_name_by_which_others_import_from_it():
    modules = {"/a": module("/b"), "/b": module()}
    assert ordered(module("a", "b", "./b"), modules) == (Link("/b", ("/b", "b", "./b")), Link("/a", ("a",)))


def test_what_the_host_gives_is_not_looked_for_among_the_inputs():
    assert ordered(module(WASI), {"/wasi_snapshot_preview1": module(exports=("fd_write",))}) == ()


@pytest.mark.parametrize(
    ("item", "message", "hint"),
    [
        ("geo.wasm", "the module imports geo.wasm.f, which", "as an import module"),
        (Import("wasi", "thread-spawn", "func"), "wasi.thread-spawn", "without threads"),
        (Import("wasi:http/outgoing-handler@0.2.0", "", "instance"), "wasi:http/outgoing-handler@0.2.0", "HTTP"),
        (Import("wasi:http/requests", "http_request", "func"), "wasi:http/requests.http_request", "HTTP"),
        (Import("wasi:cli/stdout@0.3.0", "", "instance"), "wasi:cli/stdout@0.3.0", "0.2"),
        (Import("wasi_snapshot_preview1", "sock_open", "func"), "wasi_snapshot_preview1.sock_open", "preview 1"),
    ],
)
def test_an_import_that_nobody_gives_is_named_with_what_to_do_about_it(item, message, hint):
    error = refused(module(WASI, item), {})
    assert message in error.message
    assert hint in error.hint


def test_all_that_a_module_misses_is_told_at_once_up_to_five():
    assert refused(module(*"abcdefg"), {}).message.startswith("the module imports a.f, b.f, c.f, d.f, e.f and 2 more")


def test_a_module_that_lacks_the_function_wanted_of_it_gives_nothing():
    assert "a.f" in refused(module("a"), {"/a": module(exports=("g",))}).message


def test_what_an_import_module_misses_is_named_as_its_own():
    assert refused(module("a"), {"/a": module("b")}).message.startswith("the module /a imports b.f")


def test_an_import_module_that_is_no_input_is_named():
    assert refused(module(), {}, ["a.wasm"]).message == "the import module a.wasm is not among the job's inputs"


def test_modules_that_import_from_each_other_are_refused():
    message = refused(module("a"), {"/a": module("b"), "/b": module("a")}).message
    assert message == "the modules /a and /b and /a import from each other, which cannot be linked"


def test_a_module_that_imports_from_itself_is_refused():
    assert "import from each other" in refused(module("a"), {"/a": module("a")}).message


@pytest.mark.parametrize(("entry", "library"), [("core", "component"), ("component", "core")])
def test_components_are_not_linked_with_modules(entry, library):
    modules = {"/a": module(form=library)}
    assert "wac" in refused(module(form=entry), modules, ["a"]).hint


def test_a_component_does_not_import_from_inputs():
    refused(module("a", form="component"), {"/a": module()})


def test_there_is_an_end_to_linking():
    modules = {f"/{number}": module(f"{number + 1}") for number in range(linking.MODULES * 2)}
    assert "more than 64" in refused(module("0"), modules).message


@pytest.mark.parametrize(
    ("name", "host", "rest"),
    [
        ("inputs/geo.wasm", "/host/inputs", "geo.wasm"),
        ("/inputs/deep/er/geo.wasm", "/host/deep", "er/geo.wasm"),
        ("inputs/../inputs/./geo.wasm", "/host/inputs", "geo.wasm"),
        ("../../inputs/geo.wasm", "/host/inputs", "geo.wasm"),
        ("lib/geo.wasm", "/host/geo.wasm", "."),
    ],
)
def test_a_name_is_placed_in_the_innermost_mount_that_holds_it(name, host, rest):
    mounts = [
        Mount("/host/inputs", "/inputs", writable=False),
        Mount("/host/deep", "/inputs/deep", writable=False),
        Mount("/host/geo.wasm", "lib/geo.wasm", writable=False),
    ]
    mount, found = linking.place(name, mounts)
    assert (mount.host, found) == (host, rest)


@pytest.mark.parametrize("name", ["env", "input/geo.wasm", "inputs2", "lib", ""])
def test_a_name_outside_all_mounts_has_no_place(name):
    mounts = [Mount("/host", "/inputs", writable=False), Mount("/geo", "/lib/geo.wasm", writable=False)]
    assert linking.place(name, mounts) is None
    assert not linking.within_inputs(name, ["/inputs", "lib/geo.wasm"])


@pytest.mark.parametrize("name", ["inputs/geo.wasm", "/lib/geo.wasm"])
def test_a_name_below_a_target_may_stand_for_an_input(name):
    assert linking.within_inputs(name, ["/inputs", "lib/geo.wasm"])
