"""The table of labelled pictures: mistakes in it are reported with their line."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from diascope.errors import TableError
from diascope.table import Example, label_names, read_table

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes a table beside three pictures a.png, b.png, c.png."""
    for name in "abc":
        (tmp_path / f"{name}.png").write_bytes(b"picture")

    def write(text: str) -> Path:
        path = tmp_path / "labels.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def refusal(path: Path, task: str = "multiclass") -> TableError:
    with pytest.raises(TableError) as caught:
        read_table(path, task)  # type: ignore[arg-type]
    return caught.value


def test_a_row_becomes_an_example(write: Write, tmp_path: Path) -> None:
    path = write("path,label,group,split\na.png,x,p1,test\n")

    assert read_table(path, "multiclass") == [
        Example("a.png", tmp_path / "a.png", frozenset({"x"}), "p1", "test", line=2)
    ]


def test_a_picture_without_a_group_is_its_own(write: Write) -> None:
    first, second = read_table(write("path,label\na.png,x\nb.png,x\n"), "multiclass")

    assert (first.group, second.group, first.split) == ("a.png", "b.png", None)


def test_a_group_of_blanks_is_none(write: Write) -> None:
    first, second = read_table(write("path,label,group\na.png,x,  \nb.png,x, p1 \n"), "multiclass")

    assert (first.group, second.group) == ("a.png", "p1")


def test_blanks_around_a_path_are_the_files_if_it_is_there(write: Write, tmp_path: Path) -> None:
    (tmp_path / "b.png ").write_bytes(b"picture")
    first, second = read_table(write("path,label\n a.png ,x\nb.png ,x\n"), "multiclass")

    assert (first.name, second.name, second.path.name) == ("a.png", "b.png ", "b.png ")
    assert "the path is empty" in str(refusal(write("path,label\n  ,x\n")))


@pytest.mark.parametrize("mark", [";", "\t"])
def test_cells_not_separated_by_commas_are_reported(write: Write, mark: str) -> None:
    error = refusal(write(f"path{mark}label\na.png{mark}x\n"))

    assert error.hint == f"Its cells are separated by {mark!r}; save it with commas."


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_a_table_in_another_encoding_is_refused_with_advice(write: Write, encoding: str) -> None:
    path = write("")
    path.write_bytes("path,label\na.png,krank\xe4\n".encode(encoding))
    assert "CSV UTF-8" in refusal(path).hint


def test_an_unclosed_quote_is_reported(write: Write) -> None:
    assert "unclosed quote" in refusal(write('path,label\n"a.png,x\n' + "b.png,x\n" * 2**15)).hint


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("Path, Label\na.png,x\n", "Write 'Path' as path, ' Label' as label."),
        ("sep=,\npath,label\na.png,x\n", "Remove its first line, sep="),
        ("sep=;\npath;label\na.png;x\n", "Remove its first line, sep="),
        ("\npath,label\na.png,x\n", "Its first line must name the columns."),
        (",\npath,label\na.png,x\n", "Its first line must name the columns."),
    ],
)
def test_columns_spoiled_by_a_spreadsheet_are_refused_with_how_to_write_them(
    write: Write, text: str, hint: str
) -> None:
    assert refusal(write(text)).hint.startswith(hint)


def test_columns_of_0_and_1_are_refused_with_how_to_write_them_as_labels(write: Write) -> None:
    hint = refusal(
        write("path,DR,AMD,age,weight\na.png,1,0,1,1\nb.png,,1.0,70,1\n"), "multilabel"
    ).hint

    assert "columns of 0 and 1 (DR, AMD), write one column `labels`" in hint
    assert "joined by |, ?NAME if unknown, empty if none" in hint
    assert refusal(write("path,diagnosis\na.png,DR\n")).hint == ""


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("path,label,label", "names a column twice: label"),
        ("path,label,labels", "has the columns label and labels; it needs one of them"),
        ("path,label,sex,sex", "names a column twice: sex"),
    ],
)
def test_of_two_columns_for_one_thing_none_is_chosen(write: Write, header: str, said: str) -> None:
    cells = ",".join(["a.png", *"x" * header.count(",")])
    assert refusal(write(f"{header}\n{cells}\n")).message == said


@pytest.mark.parametrize("name", ["Group", " group", "SPLIT"])
def test_a_column_of_groups_or_splits_that_is_spelled_otherwise_is_refused(
    write: Write, name: str
) -> None:
    error = refusal(write(f"path,label,{name}\na.png,x,train\n"))
    assert error.hint.startswith(f"Write it as {name.strip().lower()};")


def test_a_column_that_is_spelled_nearly_as_another_may_stand_beside_it(write: Write) -> None:
    path = write("path,label,group,Group\na.png,x,1,placebo\n")
    assert read_table(path, "multiclass")[0].columns == {"Group": "placebo"}


def test_columns_without_a_name_may_be_several(write: Write) -> None:
    assert len(read_table(write("path,label,,\na.png,x,,\n"), "multiclass")) == 1


def test_rows_of_empty_cells_are_left_out(write: Write) -> None:
    rows = read_table(write("path,labels\na.png,x\n,\n , ,,\nb.png,\n"), "multilabel")

    assert [(row.name, row.line) for row in rows] == [("a.png", 2), ("b.png", 5)]


@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel"])
def test_a_row_with_too_few_cells_is_refused_by_its_line(write: Write, task: str) -> None:
    error = refusal(write("path,labels\na.png,x\nb.png\n"), task)

    assert error.where.endswith("labels.csv:3")
    assert error.message == "the row has fewer cells than the table has columns"


def test_labels_are_joined_by_bars(write: Write) -> None:
    rows = read_table(write("path,labels\na.png,x| y\nb.png,\n"), "multilabel")

    assert [row.labels for row in rows] == [{"x", "y"}, set()]


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(write: Write) -> None:
    (row,) = read_table(write("\ufeffpath,label\r\na.png,x\r\n"), "multiclass")

    assert row.name == "a.png"


@pytest.mark.parametrize("text", ["", "file,label\na.png,x\n", "path\na.png\n"])
def test_a_table_without_rows_or_columns_is_refused(write: Write, text: str) -> None:
    assert "path and label" in refusal(write(text)).message


@pytest.mark.parametrize("rest", ["", ",\n,\n"])
def test_a_table_without_rows_is_refused(write: Write, rest: str) -> None:
    assert refusal(write(f"path,label\n{rest}")).message.startswith("has no rows")


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    assert refusal(tmp_path / "gone.csv").where.endswith("gone.csv")


def test_missing_pictures_are_counted_and_named_with_their_lines(write: Write) -> None:
    rows = "".join(f"gone{i}.png,x\n" for i in range(9))
    message = refusal(write(f"path,label\na.png,x\n{rows}")).message

    assert message.startswith("9 pictures missing: line 3: ")
    assert "line 7: " in message
    assert "line 8: " not in message


def test_a_cell_too_long_for_a_name_as_after_a_quote_that_is_not_closed_is_missing(
    write: Write,
) -> None:
    rows = "x,a.png\n" * 40
    message = refusal(write(f'label,path\nx,"a.png\n{rows}')).message

    assert message.startswith("1 picture missing: line 42: ")


def test_lines_are_counted_across_blank_ones(write: Write) -> None:
    assert "line 4: " in refusal(write("path,label\n\na.png,x\ngone.png,x\n")).message


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("b.png,,p,", "needs one label per row, got ''"),
        ("b.png,x|y,p,", "needs one label per row, got 'x|y'"),
        (",x,p,", "the path is empty"),
        ("b.png,x,p,dev", "split must be one of train, validation, test, got 'dev'"),
    ],
)
def test_a_wrong_row_is_named_by_its_line(write: Write, row: str, said: str) -> None:
    error = refusal(write(f"path,label,group,split\na.png,x,q,\n{row}\n"))

    assert error.where.endswith("labels.csv:3")
    assert said in error.message


@pytest.mark.parametrize("weight", ["heavy", "-1", "inf", "nan"])
def test_a_weight_that_is_none_is_refused_with_its_line(write: Write, weight: str) -> None:
    error = refusal(write(f"path,label,weight\na.png,x,0\nb.png,y,{weight}\n"))

    assert error.where.endswith("labels.csv:3")
    assert error.message == f"weight must be a number of at least 0, got {weight!r}"


def test_a_label_that_is_both_known_and_unknown_is_refused_with_its_line(write: Write) -> None:
    error = refusal(write("path,labels\na.png,x|y\nb.png,y|?y\n"), "multilabel")

    assert (error.where.endswith("labels.csv:3"), error.message) == (
        True,
        "y: both known and unknown",
    )


@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel"])
def test_a_question_mark_alone_is_refused_with_its_line(write: Write, task: str) -> None:
    error = refusal(write("path,label\na.png,x\nb.png,?\n"), task)

    assert error.where.endswith("labels.csv:3")
    assert error.message == "? without a label; write ?NAME"


def test_a_row_with_too_many_cells_is_refused_by_its_line(write: Write) -> None:
    assert refusal(write("path,label\na.png,x\nb.png,x,y\n")).where.endswith("labels.csv:3")


def test_a_group_in_two_splits_is_refused_with_its_line(write: Write) -> None:
    text = "path,label,group,split\na.png,x,p1,train\nb.png,x,p2,train\nc.png,y,p1,test\n"
    error = refusal(write(text))

    assert error.where.endswith("labels.csv:4")
    assert "'p1' is in train and in test" in error.message


def example(*labels: str) -> Example:
    return Example("a", Path("a"), frozenset(labels), "a")


@pytest.mark.parametrize(
    ("task", "labels", "vector"),
    [
        ("multiclass", ("y",), [0, 1, 0]),
        ("multilabel", ("x", "z"), [1, 0, 1]),
        ("multilabel", (), [0, 0, 0]),
        ("binary", ("y",), [1]),
        ("binary", ("x",), [0]),
    ],
)
def test_the_target_has_one_number_for_each_output(
    task: str, labels: tuple[str, ...], vector: list[float]
) -> None:
    assert example(*labels).vector("xyz", task) == vector  # type: ignore[arg-type]


def test_labels_are_those_of_the_table_sorted_unless_given() -> None:
    examples = [example("b"), example("a", "c")]

    assert label_names(examples, (), Path("t")) == ("a", "b", "c")
    assert label_names(examples, ("c", "b", "a", "d"), Path("t")) == ("c", "b", "a", "d")


def test_labels_that_differ_only_in_case_are_refused_unless_the_recipe_names_both() -> None:
    examples = [example("Nv"), example("nv"), example("b")]
    with pytest.raises(TableError, match="differ only in case, or look the same: 'Nv' and 'nv'"):
        label_names(examples, (), Path("t"))
    assert label_names(examples, ("Nv", "b", "nv"), Path("t")) == ("Nv", "b", "nv")


@pytest.mark.parametrize(
    "same", ["N\u00e4vus  spilus", "Na\u0308vus spilus", "N\u00e4vus\xa0spilus"]
)
def test_labels_that_look_the_same_are_refused(same: str) -> None:
    examples = [example("N\u00e4vus spilus"), example(same)]
    with pytest.raises(TableError, match="look the same"):
        label_names(examples, (), Path("t"))


def test_a_label_that_the_recipe_does_not_name_is_refused_with_its_first_line() -> None:
    rows = [replace(example(label), line=line) for line, label in enumerate("abcb", 2)]
    with pytest.raises(TableError, match=r"does not name: b \(line 3\), c \(line 4\)\n") as caught:
        label_names(rows, ("a", "False"), Path("t"))
    assert "names a, False; a name in quotes" in caught.value.hint  # of `false`, which is none
    assert "Name the others under `labels:`, or remove them" in caught.value.hint
