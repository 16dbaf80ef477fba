"""Go's regular expressions, read here."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bactools.core import go_regex
from bactools.core.errors import BacError


def found(pattern, text):
    match = go_regex.compiled(pattern, "the Filter").search(text)
    return match[0] if match else None


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        (r"\.csv$", "a.csv", ".csv"),
        (r"\.csv$", "a.csv\n", None),
        (r"(?m)a$", "a\nb", "a"),
        (r"\.csv\z", "a.csv", ".csv"),
        (r"^2024", "x2024", None),
        (r"\d+", "٣4", "4"),
        (r"\w+", "é_a1", "_a1"),
        (r"[[:alpha:]]+", "12ab3", "ab"),
        (r"[^[:digit:]x]+", "1xab2", "ab"),
        (r"[[&|~]+", "a&|[~b", "&|[~"),
        (r"[]a]+", "b]a", "]a"),
        (r"\Qa.b*\E+", "a.b**", "a.b**"),
        (r"\Q(", "a(", "("),
        (r"\x{e9}", "é", "é"),
        (r"(?i)CSV", "a.csv", "csv"),
        (r"a(?i:B)c", "abc", "abc"),
        (r"(?P<y>\d{4})-(?<m>\d\d)", "on 2024-05", "2024-05"),
        (r"x{,2}", "x{,2}", "x{,2}"),
        (r"\++", "a++", "++"),
        (r"a+?", "aa", "a"),
    ],
)
def test_a_pattern_means_what_it_means_in_go(pattern, text, expected):
    assert found(pattern, text) == expected


@pytest.mark.parametrize(
    "pattern",
    [
        r"(?=a)",
        r"(?!a)",
        r"(?<=a)b",
        r"(a)\1",
        r"(?>a)",
        r"(?P=y)",
        r"a++",
        r"a{2}+",
        r"\Z",
        r"(?x)a",
        "(",
        "[a",
        "a**",
    ],
)
def test_what_go_has_not_is_no_pattern(pattern):
    with pytest.raises(BacError) as caught:
        go_regex.compiled(pattern, "the Filter")
    assert caught.value.code == "bad_spec"
    assert caught.value.message.startswith("the Filter ")


@pytest.mark.parametrize(
    "pattern", [r"\pL", r"[\pL]", r"\C", r"a(?i)b", r"(?U)a+", r"(?-s)a", r"[[:^alpha:]]", r"(?m:a$)"]
)
def test_what_is_not_understood_is_named(pattern):
    with pytest.raises(BacError) as caught:
        go_regex.compiled(pattern, "the Filter")
    assert caught.value.code == "unsupported"


@given(st.text(alphabet="ab.*+?{}[](|)^$\\dQEpPxz<>=!:-im,012", max_size=12))
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_any_text_is_a_pattern_or_refused(text):
    try:
        go_regex.compiled(text, "the Filter")
    except BacError as error:
        assert error.code in {"bad_spec", "unsupported"}  # noqa: PT017 (either outcome will do)
