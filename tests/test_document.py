"""Untrusted YAML becomes plain values with their lines, and nothing else."""

import io
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from diascope.document import Node, parse_document, read_document, write_document
from diascope.errors import RecipeError


def refusal(text: str) -> RecipeError:
    with pytest.raises(RecipeError) as caught:
        parse_document(text, name="r.yaml")
    return caught.value


def value(text: str) -> object:
    return parse_document(text, name="r.yaml").plain()


def test_a_document_becomes_plain_values() -> None:
    text = "name: derm\nlist: [a, 2, 2.5, true, null]\nnested:\n  size: {a: 1}\n"

    assert value(text) == {
        "name": "derm",
        "list": ["a", 2, 2.5, True, None],
        "nested": {"size": {"a": 1}},
    }


@pytest.mark.parametrize("word", ["no", "yes", "on", "off", "1:30", "2020-01-01"])
def test_what_yaml_1_1_would_convert_stays_a_string(word: str) -> None:
    assert value(f"a: {word}") == {"a": word}


@pytest.mark.parametrize(
    ("written", "number"),
    [("1e-3", 1e-3), ("1.5E+2", 150.0), ("-.5", -0.5), ("010", 10), ("0o10", 8), ("0x1F", 31)],
)
def test_what_yaml_1_2_calls_a_number_is_one(written: str, number: float) -> None:
    assert value(f"a: {written}") == {"a": number}


def test_a_directive_is_refused_as_it_could_select_yaml_1_1() -> None:
    error = refusal("%YAML 1.1\n---\na: no\n")

    assert (error.where, "directives" in error.message) == ("r.yaml:1", True)


def test_each_value_knows_its_line() -> None:
    root = parse_document("# comment\na: 1\n\nb:\n  - x\n  - c: 3\n", name="r.yaml")
    entries = root.value["b"].value

    assert root.value["a"].where == "r.yaml:2"
    assert [entry.where for entry in entries] == ["r.yaml:5", "r.yaml:6"]
    assert entries[1].value["c"] == Node(3, "r.yaml:6")


def test_an_empty_document_is_an_empty_mapping() -> None:
    assert value("# nothing\n") == {}


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.system", "!mine", "!!str", "!"])
def test_a_tag_is_refused_with_its_line(tag: str) -> None:
    error = refusal(f"a: 1\nb: {tag} [echo]\n")

    assert error.where == "r.yaml:2"
    assert "tag" in error.message


def test_an_anchor_is_refused_with_its_line() -> None:
    error = refusal("a: 1\nb: &x 2\n")

    assert (error.where, "anchors" in error.message) == ("r.yaml:2", True)


def test_an_alias_is_refused_before_it_is_expanded() -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{new}: &{new} [*{old}, *{old}]\n" for old, new in zip("abcdefg", "bcdefgh", strict=True)
    )

    assert "anchors and aliases" in refusal(bomb).message


def test_a_merge_key_is_refused() -> None:
    assert refusal("a: 1\n<<: {b: 2}\n").where == "r.yaml:2"


@pytest.mark.parametrize("number", ["9" * 5000, "0x" + "f" * 5000, "0o" + "7" * 5000])
def test_an_integer_too_long_for_python_is_refused(number: str) -> None:
    assert refusal(f"a: 1\nb: {number}\n").where == "r.yaml:2"


def test_a_repeated_key_is_refused_at_its_second_line() -> None:
    error = refusal("run:\n  batch: 1\n  batch: 2\n")

    assert error.where == "r.yaml:3"
    assert "'batch'" in error.message


def test_a_key_that_is_not_a_word_is_refused() -> None:
    assert refusal("[a, b]: 1\n").where == "r.yaml:1"


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_a_document_nested_too_deep_is_refused(opening: str) -> None:
    error = refusal(opening * 500)

    assert error.where == "r.yaml:1"
    assert "deeper than 20" in error.message


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_a_document_nested_to_break_the_parser_is_refused(opening: str) -> None:
    error = refusal(opening * 5000)  # libyaml may look so far ahead, and from 0.2.6 on refuses it

    assert error.where == "r.yaml:1"
    assert "nest" in error.message


def test_twenty_levels_are_not_too_deep() -> None:
    assert value("[" * 20 + "]" * 20)


def test_broken_yaml_is_refused_with_its_line() -> None:
    assert refusal("a: 1\nb: [1, 2\nc: 3\n").where == "r.yaml:3"


def test_two_documents_in_one_file_are_refused() -> None:
    assert "YAML" in refusal("a: 1\n---\nb: 2\n").message


def test_a_file_over_one_megabyte_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    path.write_bytes(b"\xff" * 1_000_001)

    with pytest.raises(RecipeError, match="too large"):
        read_document(path)


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "latin.yaml"
    path.write_bytes("name: Müller".encode("latin-1"))

    with pytest.raises(RecipeError, match="not UTF-8"):
        read_document(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"gone\.yaml: cannot be read"):
        read_document(tmp_path / "gone.yaml")


@given(st.text(alphabet=st.sampled_from("ab01:-[]{}!&*<>|'\"%#_. \n\t,?~=eE+x\x00é"), max_size=60))
def test_any_text_gives_a_node_or_a_recipe_error(text: str) -> None:
    outcome: Node | RecipeError
    try:
        outcome = parse_document(text, name="r.yaml")
    except RecipeError as error:
        outcome = error

    assert outcome.where.startswith("r.yaml")


WORDS = st.sampled_from(["1e-3", "0o17", "no", "null", "~", "a: b", "- a", "1:30", "", "é", "# a"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text("ab1 .:-\n"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab1.e-"), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.text("ab", min_size=1), WORDS | VALUES))
def test_what_is_written_is_read_again_by_yaml_1_1_too(values: dict[str, Any]) -> None:
    file = io.StringIO()
    write_document(values, file)

    assert value(file.getvalue()) == values
    assert yaml.safe_load(file.getvalue()) == values


@pytest.mark.parametrize("text", ["\x85", "a\x85b", "a\u2028b", "\ufeffa", "a\r\nb", "<<", "="])
def test_odd_texts_are_read_as_they_were_written(text: str) -> None:
    file, values = io.StringIO(), {"value": text, text: "key"}
    write_document(values, file)

    assert value(file.getvalue()) == values
    assert yaml.safe_load(file.getvalue()) == values


def test_a_value_used_twice_is_written_twice() -> None:
    file, twice = io.StringIO(), {"a": 1}
    write_document({"first": twice, "second": twice}, file)

    assert value(file.getvalue()) == {"first": twice, "second": twice}
