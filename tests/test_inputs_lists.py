"""Lists of inputs, as text and CSV."""

from pathlib import Path

import pytest

from diascope.errors import UsageError
from diascope.inputs import find_items
from diascope.sample import Failed, Skipped
from tests.test_inputs import content, ids, make
from tests.test_inputs import tree as tree


def test_a_text_list_has_one_path_a_line(tree: Path) -> None:
    (tree / "list.txt").write_text("# mine\n\nsub/c.png\n./a.png\n")
    assert ids(lists=[Path("list.txt")]) == ["sub/c.png", "a.png"]


def test_a_csv_list_has_a_column_path_and_may_end_in_empty_rows(tree: Path) -> None:
    (tree / "list.csv").write_text("age,path\n7,sub/c.png\n8,a.png\n,\n , \n")
    assert ids(lists=[Path("list.csv")]) == ["sub/c.png", "a.png"]


def test_a_csv_list_without_the_column_is_an_error_with_the_columns(tree: Path) -> None:
    (tree / "list.csv").write_text("age;path\n7;a.png\n")
    with pytest.raises(UsageError, match=r"no column 'path': age;path\n.*separated by ';'"):
        ids(lists=[Path("list.csv")])


def test_paths_of_a_list_are_relative_to_the_list(tree: Path) -> None:
    (tree / "sub" / "list.txt").write_text("c.png\n")
    (found,) = find_items([], [Path("sub/list.txt")])
    assert content(found) == (tree / "sub" / "c.png").read_bytes()


def test_an_empty_path_and_an_unclosed_quote_in_a_csv_list_are_errors(tree: Path) -> None:
    endless = '"' + "y\n" * 2**17
    for rows, told in (
        ("\n,y", ":3: the path is empty"),
        (endless, " .* limit .*\n.*unclosed quote"),
    ):
        (tree / "list.csv").write_text(f"path,note\na.png,{rows}\n")
        with pytest.raises(UsageError, match=rf"list\.csv{told}"):
            list(find_items([], [tree / "list.csv"]))


def test_a_path_of_a_list_that_cannot_be_accessed_fails_alone(tree: Path) -> None:
    (tree / "list.txt").write_text("\n".join(["a.png", "x" * 300, "zero\0byte.png", "sub"]))
    ends = [entry.end for entry in find_items([], [tree / "list.txt"])]
    assert [type(end) for end in ends] == [type(None), Failed, Failed, Skipped]
    assert "File name too long" in str(ends[1])
    assert "a folder; a list names files" in str(ends[3])


def test_a_listed_path_may_contain_characters_that_look_like_line_ends(tree: Path) -> None:
    odd, broken = make(tree / "one\u2028two.png"), make(tree / "three\nfour.png")
    (tree / "list.txt").write_text(odd.name)
    (tree / "list.csv").write_text(f'path\n"{broken.name}"\n', newline="")
    found = list(find_items([], [tree / "list.txt", tree / "list.csv"]))
    assert [entry.end for entry in found] == [None, None]


def test_trailing_blanks_of_a_listed_path_are_kept_if_such_a_file_exists(tree: Path) -> None:
    make(tree / "a.png ")
    (tree / "list.csv").write_text("path\na.png \nb.png \n")
    assert ids(lists=[tree / "list.csv"]) == ["a.png ", "b.png"]
