from __future__ import annotations

from errno import EACCES, ENOENT, ENOEXEC, ETIMEDOUT

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bactools.core.binfmt import Entry
from bactools.core.emulation import Emulation, Outcome, candidates, confirm, decide, reason
from bactools.core.executables import ARCHITECTURES, program
from bactools.core.platforms import parse
from bactools.core.records import Offer

AMD64, ARM64 = parse("linux/amd64/v3"), parse("linux/arm64")
RAN, ABSENT = Outcome(True), Outcome(False, ENOEXEC)
NATIVE = Offer("linux/amd64/v3", "native", proved="host")
CROWDED = Outcome(False, untried="there is no room")


def entry(architecture, name="", flags="OCF", interpreter="/usr/bin/emulator"):
    return Entry(name or f"qemu-{architecture}", True, interpreter, flags, 0, program(architecture)[:20])


def ran(*architectures):
    return {name: RAN if name in architectures else ABSENT for name in ARCHITECTURES}


def test_the_own_platform_is_native_and_comes_first():
    assert decide(AMD64, [], ran("amd64"), {}) == Emulation((NATIVE,))


def test_what_runs_through_an_entry_is_emulated_and_names_it():
    found = decide(AMD64, [entry("arm", "arm-box"), entry("arm64")], ran("amd64", "arm", "arm64"), {})
    assert found.offers == (
        NATIVE,
        Offer("linux/arm/v7", "emulated", "arm-box", "host"),
        Offer("linux/arm64", "emulated", "qemu-arm64", "host"),
    )
    assert found.warnings == ()


def test_an_emulated_amd64_has_no_level():
    found = decide(ARM64, [entry("amd64", "rosetta")], ran("arm64", "amd64"), {})
    assert found.offers[1] == Offer("linux/amd64", "emulated", "rosetta", "host")


@pytest.mark.parametrize(
    ("own", "architecture", "platform"),
    [
        ("linux/amd64/v2", "386", "linux/386"),
        ("linux/arm64/v8.2", "arm", "linux/arm/v8"),
        ("linux/arm/v7", "arm64", "linux/arm64"),
        ("linux/386", "amd64", "linux/amd64"),
    ],
)
def test_the_other_half_of_a_cpu_is_compatible_where_it_ran(own, architecture, platform):
    own = parse(own)
    assert decide(own, [], ran(own.architecture, architecture), {}).offers[1:] == (
        Offer(platform, "compatible", proved="host"),
    )


@pytest.mark.parametrize("own", [AMD64, ARM64])
def test_the_other_half_of_a_cpu_is_not_offered_where_it_did_not_run(own):
    found = decide(own, [], ran(own.architecture), {})
    assert found == Emulation((Offer(str(own), "native", proved="host"),))


def test_an_entry_goes_before_the_cpu_as_in_the_kernel():
    found = decide(ARM64, [entry("arm")], ran("arm64", "arm"), {})
    assert found.offers[1:] == (Offer("linux/arm/v7", "emulated", "qemu-arm", "host"),)


def test_what_runs_without_an_entry_to_be_seen_is_a_warning_and_no_offer():
    found = decide(AMD64, [], ran("amd64", "s390x"), {})
    assert found.offers == (NATIVE,)
    assert found.warnings == (
        (
            "programs for linux/s390x run on this host, and binfmt_misc as seen from here has no entry for them; "
            "bac-probe --deep finds out what containers run"
        ),
    )


def test_an_entry_whose_program_does_not_run_is_a_warning_that_names_both():
    outcomes = {**ran("amd64"), "s390x": Outcome(False, ENOENT)}
    found = decide(AMD64, [entry("s390x", interpreter="/usr/bin/qemu-s390x-static")], outcomes, {})
    assert found.offers == (NATIVE,)
    assert found.warnings == (
        (
            "binfmt_misc entry qemu-s390x takes linux/s390x, and a program for it does not run on this host: "
            "its emulator, or a library that it needs, is not there (/usr/bin/qemu-s390x-static); "
            "install that emulator again, or remove the entry"
        ),
    )


@pytest.mark.parametrize("outcomes", [ran("amd64", "arm64"), None])
def test_an_entry_without_flag_f_is_a_warning_with_the_remedy(outcomes):
    found = decide(AMD64, [entry("arm64", "qemu-aarch64", "OC")], outcomes, {})
    assert [offer.platform for offer in found.offers] == ["linux/amd64/v3"]
    assert found.warnings == (
        (
            "containers cannot use the emulator of linux/arm64: binfmt_misc entry qemu-aarch64 lacks flag F; "
            "register it again with flag F"
        ),
    )


def test_a_dynamic_file_where_the_emulator_was_is_a_warning_that_leaves_it_to_a_container():
    found = decide(AMD64, [entry("arm64")], ran("amd64", "arm64"), {"/usr/bin/emulator": True})
    assert found.offers == (NATIVE,)
    assert found.warnings == (
        (
            "containers cannot use the emulator of linux/arm64 if it is the file that is now at /usr/bin/emulator: "
            "that one is dynamically linked (binfmt_misc entry qemu-arm64); "
            "register a static one with flag F, for instance with package qemu-user-static; "
            "bac-probe --deep finds out what containers run"
        ),
    )


@pytest.mark.parametrize("known", [{}, {"/usr/bin/emulator": None}, {"/usr/bin/emulator": False}])
def test_an_emulator_that_cannot_be_looked_at_is_believed(known):
    found = decide(AMD64, [entry("arm64")], ran("amd64", "arm64"), known)
    assert [offer.platform for offer in found.offers] == ["linux/amd64/v3", "linux/arm64"]


def test_where_nothing_could_be_run_entries_are_believed_and_nothing_is_proved():
    assert decide(ARM64, [entry("amd64", "rosetta")], None, {}) == Emulation(
        (Offer("linux/arm64", "native"), Offer("linux/amd64", "emulated", "rosetta"))
    )


def test_where_not_even_the_own_platform_ran_nothing_is_proved():
    outcomes = {"amd64": Outcome(False, ETIMEDOUT), "arm64": ABSENT}
    found = decide(AMD64, [entry("arm64")], outcomes, {})
    assert found.offers == (Offer("linux/amd64/v3", "native"), Offer("linux/arm64", "emulated", "qemu-arm64"))
    assert found.warnings == (
        (
            "nothing is proved: a program for linux/amd64/v3, this host's own platform, did not run here: "
            "it did not end in time"
        ),
    )


def test_where_no_program_could_be_tried_nothing_is_proved_and_entries_are_believed():
    found = decide(AMD64, [entry("arm64")], dict.fromkeys(ARCHITECTURES, CROWDED), {})
    assert found.offers == (Offer("linux/amd64/v3", "native"), Offer("linux/arm64", "emulated", "qemu-arm64"))
    assert found.warnings == ("nothing is proved: no program could be run on this host: there is no room",)


def test_architectures_that_could_not_be_tried_are_a_warning_that_names_them():
    outcomes = {"amd64": RAN, "386": CROWDED, "arm64": CROWDED, "s390x": ABSENT}
    found = decide(AMD64, [entry("arm64")], outcomes, {})
    assert found.offers == (NATIVE, Offer("linux/arm64", "emulated", "qemu-arm64"))
    assert found.warnings == ("not tried on this host: linux/386, linux/arm64: there is no room",)


def test_what_ran_is_proved_also_where_there_was_no_room_for_the_own_platform():
    found = decide(AMD64, [], {"amd64": CROWDED, "386": RAN}, {})
    assert found.offers == (
        Offer("linux/amd64/v3", "native"),
        Offer("linux/386", "compatible", proved="host"),
    )
    assert found.warnings == ("not tried on this host: linux/amd64/v3: there is no room",)


def test_an_architecture_that_was_not_tried_is_believed():
    found = decide(AMD64, [entry("arm64"), entry("arm")], {"amd64": RAN, "arm": RAN}, {})
    assert found.offers[1:] == (
        Offer("linux/arm/v7", "emulated", "qemu-arm", "host"),
        Offer("linux/arm64", "emulated", "qemu-arm64"),
    )


def test_the_newest_entry_decides():
    weak, strong = entry("arm64", "weak", ""), entry("arm64", "strong")
    assert len(decide(AMD64, [weak, strong], ran("amd64", "arm64"), {}).warnings) == 1
    assert decide(AMD64, [strong, weak], ran("amd64", "arm64"), {}).offers[1].via == "strong"


@pytest.mark.parametrize(
    ("outcome", "why"),
    [
        (Outcome(False, ENOEXEC), "the kernel has nothing that executes it"),
        (Outcome(False, EACCES), "its emulator may not be executed"),
        (Outcome(False, 40), "error ELOOP"),
        (Outcome(False, 9999), "error 9999"),
        (Outcome(False, signal=11), "signal 11 ended it"),
        (Outcome(False), "it did not start, or did not exit with status 0"),
        (CROWDED, "there is no room"),
    ],
)
def test_why_a_program_did_not_run(outcome, why):
    assert reason(outcome) == why


def test_in_an_engine_every_architecture_is_tried_and_what_is_offered_first():
    offers = [Offer("linux/amd64/v3", "native"), Offer("linux/arm/v7", "emulated", "qemu-arm")]
    tried = candidates(AMD64, Emulation(tuple(offers)))
    assert tried[:2] == ("linux/amd64/v3", "linux/arm/v7")
    assert {parse(platform).architecture for platform in tried} == set(ARCHITECTURES)
    assert len(tried) == len(ARCHITECTURES)


def test_arm_is_tried_on_arm64_as_what_its_cpu_may_have():
    assert "linux/arm/v8" in candidates(ARM64, Emulation((Offer("linux/arm64", "native"),)))


def test_what_ran_in_a_container_says_so():
    offers = (Offer("linux/amd64/v3", "native", proved="host"), Offer("linux/arm64", "emulated", "q", "host"))
    outcomes = {"linux/amd64/v3": RAN, "linux/arm64": RAN, "linux/s390x": Outcome(False)}
    assert confirm(AMD64, Emulation(offers), outcomes) == Emulation(
        (
            Offer("linux/amd64/v3", "native", proved="container"),
            Offer("linux/arm64", "emulated", "q", "container"),
        )
    )


def test_what_did_not_run_in_a_container_is_taken_out_with_a_warning_that_names_both():
    offers = (NATIVE, Offer("linux/386", "compatible", proved="host"), Offer("linux/arm64", "emulated", "q", "host"))
    outcomes = {"linux/amd64/v3": RAN, "linux/386": Outcome(False, signal=31), "linux/arm64": Outcome(False, ETIMEDOUT)}
    found = confirm(AMD64, Emulation(offers), outcomes)
    assert found.offers == (Offer("linux/amd64/v3", "native", proved="container"),)
    assert found.warnings == (
        (
            "this host runs linux/386, and a program for it does not run in a container of the engine: "
            "signal 31 ended it; it is not offered"
        ),
        (
            "binfmt_misc entry q takes linux/arm64, and a program for it does not run in a container of the engine: "
            "it did not end in time; it is not offered"
        ),
    )


def test_what_only_a_container_told_is_offered():
    outcomes = {"linux/amd64/v3": RAN, "linux/s390x": RAN, "linux/386": RAN, "linux/mips": Outcome(False)}
    assert confirm(AMD64, Emulation((NATIVE,)), outcomes).offers[1:] == (
        Offer("linux/386", "compatible", proved="container"),
        Offer("linux/s390x", "emulated", proved="container"),
    )


def test_an_engine_in_which_nothing_ran_disproves_nothing():
    found = confirm(AMD64, Emulation((NATIVE,)), {"linux/amd64/v3": Outcome(False), "linux/arm64": Outcome(False)})
    assert found.offers == (NATIVE,)
    assert found.warnings == (
        (
            "nothing is proved: no program ran in a container of the engine: "
            "it did not start, or did not exit with status 0"
        ),
    )


def test_what_was_not_tried_in_time_stays_with_a_warning():
    arm64 = Offer("linux/arm64", "emulated", "q", "host")
    found = confirm(AMD64, Emulation((NATIVE, arm64)), {"linux/amd64/v3": RAN})
    assert found.offers[1] == arm64
    assert found.warnings == ("linux/arm64 was not tried in a container of the engine: the time was up",)


WEAK = entry("arm", "qemu-arm", "OC")


def test_an_emulator_that_works_in_containers_is_offered_by_its_entry_without_a_warning():
    found = decide(AMD64, [WEAK], ran("amd64", "arm"), {})
    assert len(found.warnings) == 1
    assert confirm(AMD64, found, {"linux/amd64/v3": RAN, "linux/arm/v7": RAN}) == Emulation(
        (
            Offer("linux/amd64/v3", "native", proved="container"),
            Offer("linux/arm/v7", "emulated", "qemu-arm", "container"),
        )
    )


def test_an_emulator_that_does_not_work_in_containers_keeps_its_warning_with_the_remedy():
    found = decide(AMD64, [WEAK], ran("amd64", "arm"), {})
    confirmed = confirm(AMD64, found, {"linux/amd64/v3": RAN, "linux/arm/v7": Outcome(False)})
    assert confirmed.warnings == found.warnings
    assert [offer.platform for offer in confirmed.offers] == ["linux/amd64/v3"]


def test_what_a_container_has_told_is_not_left_to_a_container():
    found = decide(AMD64, [entry("arm64")], ran("amd64", "arm64"), {"/usr/bin/emulator": True})
    [warning] = confirm(AMD64, found, {"linux/amd64/v3": RAN, "linux/arm64": Outcome(False)}).warnings
    assert "is dynamically linked" in warning
    assert "--deep" not in warning


def test_an_entry_of_the_other_half_of_a_cpu_is_tried_as_what_it_emulates():
    tried = candidates(ARM64, decide(ARM64, [WEAK], ran("arm64", "arm"), {}))
    assert "linux/arm/v7" in tried
    assert "linux/arm/v8" not in tried


def test_containers_settle_what_could_not_be_tried_on_the_host():
    found = decide(AMD64, [], {"amd64": RAN, "386": CROWDED}, {})
    assert confirm(AMD64, found, {"linux/amd64/v3": RAN, "linux/386": Outcome(False)}).warnings == ()


def test_what_could_be_tried_neither_on_the_host_nor_in_a_container_stays_a_warning():
    found = decide(AMD64, [], {"amd64": RAN, "386": CROWDED}, {})
    outcomes = {"linux/amd64/v3": RAN, "linux/386": Outcome(False, untried="the time was up")}
    assert confirm(AMD64, found, outcomes).warnings == found.warnings


def test_a_platform_that_the_engine_refuses_stays_offered_with_what_the_engine_said():
    arm64 = Offer("linux/arm64", "emulated", "q", "host")
    outcomes = {"linux/amd64/v3": RAN, "linux/arm64": Outcome(False, untried="creating a container: no")}
    found = confirm(AMD64, Emulation((NATIVE, arm64)), outcomes)
    assert found.offers == (Offer("linux/amd64/v3", "native", proved="container"), arm64)
    assert found.warnings == ("linux/arm64 was not tried in a container of the engine: creating a container: no",)


OUTCOMES = st.one_of(
    st.just(RAN),
    st.just(CROWDED),
    st.builds(Outcome, st.just(False), st.none() | st.integers(1, 200), st.none() | st.integers(1, 64), st.just("")),
)
FLAGS = st.sampled_from(["", "F", "OC", "OCF"])


@given(
    st.lists(st.builds(entry, st.sampled_from(ARCHITECTURES), flags=FLAGS), max_size=8),
    st.none() | st.dictionaries(st.sampled_from(ARCHITECTURES), OUTCOMES),
)
def test_what_was_seen_to_fail_is_never_offered_and_what_is_proved_was_seen(entries, outcomes):
    own, *others = decide(AMD64, entries, outcomes, {}).offers
    assert own.platform == "linux/amd64/v3"
    seen = outcomes or {}
    for offer in others:
        outcome = seen.get(parse(offer.platform).architecture)
        assert offer.proved != "host" or outcome == RAN
        assert outcome in (None, RAN, CROWDED) or not seen.get("amd64", RAN).ran
