import string

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import SixfoldError
from pipeline.yaml_edit import replace_block, replace_values

DOCUMENT = """\
# What is what.
first: one # remains
list: [1, 2] # of numbers
block:
  inner: {a: 1}
  other: "quoted # text" # a comment

# Behind the block.
last:
- x
"""

values = st.one_of(
    st.integers(-1000, 1000),
    st.floats(-1e6, 1e6, allow_nan=False),
    st.booleans(),
    st.text(string.printable, max_size=20),
    st.lists(st.integers(0, 9), max_size=4),
)


@given(values, values)
def test_only_the_values_change(one: object, other: object) -> None:
    changed = replace_values(DOCUMENT, {("first",): one, ("block", "other"): other}, "a.yaml")
    expected = yaml.safe_load(DOCUMENT)
    expected["first"], expected["block"]["other"] = one, other
    assert yaml.safe_load(changed) == expected
    for comment in ("# What is what.", "# remains", "# of numbers", "# a comment", "# Behind the block."):
        assert comment in changed


def test_nothing_to_change_is_the_same_text() -> None:
    assert replace_values(DOCUMENT, {}, "a.yaml") == DOCUMENT


@given(values, values)
def test_a_sequence_in_lines_becomes_one_line(one: object, other: object) -> None:
    text = """\
data:
  mean:       # of each channel
  - 0.0
  - 1.5       # green

  # Behind the list.
  std:
    - 2
last: [x]
"""
    changed = replace_values(text, {("data", "mean"): one, ("data", "std"): other}, "a.yaml")
    assert yaml.safe_load(changed) == {"data": {"mean": one, "std": other}, "last": ["x"]}
    assert "# of each channel" in changed and "\n\n  # Behind the list.\n" in changed


def test_the_comment_stays_on_the_line_of_the_key() -> None:
    changed = replace_values("a:   # what\n- 1\n- 2", {("a",): [3]}, "a.yaml")
    assert changed == "a: [3]   # what\n"


def test_a_blocks_lines_are_replaced_and_what_follows_stays() -> None:
    changed = replace_block(DOCUMENT, ("block",), "  new: 1\n", "a.yaml")
    assert changed == DOCUMENT.replace('  inner: {a: 1}\n  other: "quoted # text" # a comment\n', "  new: 1\n")


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        (DOCUMENT, ("absent",), "absent: missing"),
        (DOCUMENT, ("first", "deeper"), "first.deeper: missing"),
        (DOCUMENT, ("block",), "block: is a mapping"),
        ("- a\n", ("a",), "is no mapping"),
        ("a: [", ("a",), "not valid YAML"),
    ],
)
def test_what_cannot_be_replaced_is_said(text: str, path: tuple[str, ...], message: str) -> None:
    with pytest.raises(SixfoldError, match=f"a.yaml: {message}") as error:
        replace_values(text, {path: 1}, "a.yaml")
    assert "\n" not in str(error.value)


def test_a_value_is_no_block() -> None:
    with pytest.raises(SixfoldError, match="first: is no block of lines"):
        replace_block(DOCUMENT, ("first",), "  a: 1\n", "a.yaml")
