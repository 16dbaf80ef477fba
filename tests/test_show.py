"""Tables: the same records in fewer words, whatever their shape."""

from bactools.cli.show import table


def rows(*lines):
    return [row.split() for row in table(lines).splitlines()]


def test_a_verified_label_is_marked():
    line = (
        b'{"kind":"image","v":1,"reference":"a","platforms":[{"platform":"linux/amd64","verified":{"platform":'
        b'"linux/arm64","agrees":false}},{"platform":"linux/arm64","verified":{"platform":"linux/arm64","agrees":true}},'
        b'{"platform":"linux/s390x","verified":null},{"platform":"linux/386"}]}'
    )
    assert "linux/amd64 (is linux/arm64), linux/arm64 (verified), linux/s390x (cannot tell), linux/386" in table([line])


def test_a_record_of_another_shape_is_drawn_by_its_first_fields():
    assert rows(b'{"kind":"result","v":1}') == [["KIND", "RECORD"], ["result"]]
    assert rows(b'{"kind":"match","v":1,"ok":true}') == [["KIND", "RECORD"], ["match", "ok=true"]]
    assert rows(b'{"kind":"weather","v":1,"rain":true}') == [["KIND", "RECORD"], ["weather", "rain=True"]]
    assert rows(b'{"kind":"weather","v":1,"x":1e999}') == [["KIND", "RECORD"], ["weather", "x=1e999"]]


def test_kinds_that_change_start_a_new_table():
    image = b'{"kind":"image","v":1,"reference":"a"}'
    error = b'{"kind":"error","v":1,"code":"not_found","message":"gone","input":"b"}'
    assert rows(image, error) == [
        ["IMAGE", "DIGEST", "SOURCE", "PLATFORMS"],
        ["a"],
        [],
        ["ERROR", "INPUT", "MESSAGE"],
        ["not_found", "b", "gone"],
    ]


def test_control_characters_do_not_reach_the_terminal():
    assert "\x1b" not in table([b'{"kind":"image","v":1,"reference":"a\\u001b[31m"}'])


def test_no_records_are_no_table():
    assert table([]) == ""
