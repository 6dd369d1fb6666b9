"""Values are checked against the type hints of a class."""

from dataclasses import InitVar, dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Optional

import pytest

from diascope.backbones.convnet import ConvNet
from diascope.document import parse_document
from diascope.errors import PluginError, RecipeError
from diascope.fields import check_values
from diascope.parameters import parameters
from diascope.type_text import describe_type


@dataclass
class Target:
    size: int | tuple[int, int]
    fit: Literal["squash", "crop"] = "squash"
    power: float = 6.0
    on: bool = True
    where: Path | None = None
    note: str = ""
    names: tuple[str, ...] = ()
    codes: dict[str, str] = field(default_factory=dict)
    api: ClassVar = (1, 0)


def checked(text: str, target: Any = Target, base: Path | None = None) -> dict[str, Any]:
    values = parse_document(text, name="r.yaml").value
    return check_values(target, values, where="r.yaml:1", base=base)


def refusal(text: str, target: Any = Target) -> RecipeError:
    with pytest.raises(RecipeError) as caught:
        checked(text, target)
    return caught.value


def test_the_fields_of_a_dataclass_are_its_parameters() -> None:
    found = parameters(Target)

    assert list(found) == ["size", "fit", "power", "on", "where", "note", "names", "codes"]
    assert found["size"].required
    assert not found["fit"].required


def test_a_class_without_init_takes_no_parameters() -> None:
    class Bare:
        pass

    assert parameters(Bare) == {}
    assert "It takes no parameters" in refusal("a: 1", Bare).hint


def test_a_parameter_without_a_type_hint_is_refused_by_name() -> None:
    class Loose:
        def __init__(self, size) -> None: ...  # type: ignore[no-untyped-def]

    with pytest.raises(PluginError, match=r"'size' of .*Loose has no type hint"):
        parameters(Loose)


def test_values_of_the_right_type_pass() -> None:
    text = "size: [3, 4]\nfit: crop\npower: 2\nnames: [a, b]\ncodes: {SCT: '1'}"

    assert checked(text) == {
        "size": (3, 4),
        "fit": "crop",
        "power": 2.0,
        "names": ("a", "b"),
        "codes": {"SCT": "1"},
    }


@pytest.mark.parametrize(
    ("key", "written"),
    [
        ("size", "'3'"),
        ("size", "3.5"),
        ("size", "true"),
        ("size", "[1, 2, 3]"),
        ("fit", "stretch"),
        ("power", "'2'"),
        ("on", "yes"),
        ("on", "1"),
        ("note", "5"),
        ("note", "null"),
        ("names", "a"),
        ("where", "5"),
    ],
)
def test_a_value_of_another_type_is_refused_with_its_line(key: str, written: str) -> None:
    text = f"size: 1\n{key}: {written}" if key != "size" else f"\n{key}: {written}"
    error = refusal(text)

    assert error.where == "r.yaml:2"
    assert error.message.startswith(f"{key} must be ")


def test_an_unknown_key_is_refused_with_the_nearest() -> None:
    error = refusal("size: 1\npover: 3")

    assert error.where == "r.yaml:2"
    assert "Did you mean 'power'?" in error.hint


def test_a_misspelt_choice_is_refused_with_the_nearest() -> None:
    assert "Did you mean 'crop'?" in refusal("size: 1\nfit: corp").hint


def test_a_missing_key_is_named_with_its_type() -> None:
    assert (
        refusal("fit: crop").message
        == "the key 'size' (a whole number or [a whole number, a whole number]) is missing"
    )


def test_a_relative_path_is_found_beside_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()

    assert checked("size: 1\nwhere: weights", base=tmp_path)["where"] == tmp_path / "weights"


def test_a_path_that_is_not_beside_the_recipe_is_in_the_current_folder(tmp_path: Path) -> None:
    assert checked("size: 1\nwhere: gone", base=tmp_path)["where"] == Path.cwd() / "gone"


@pytest.mark.parametrize("hint", [tuple[Path, ...], list[Path], tuple[Path, ...] | None])
def test_each_path_of_a_list_is_found_beside_the_recipe(hint: Any, tmp_path: Path) -> None:
    class Takes:
        def __init__(self, where: hint = ()) -> None: ...

    (tmp_path / "one").mkdir()
    found = checked("where: [one, gone]", Takes, tmp_path)

    assert list(found["where"]) == [tmp_path / "one", Path.cwd() / "gone"]


def test_other_values_beside_a_path_in_a_list_stay_unchanged(tmp_path: Path) -> None:
    class Takes:
        def __init__(self, where: tuple[Path, int]) -> None: ...

    assert checked("where: [gone, 3]", Takes, tmp_path) == {"where": (Path.cwd() / "gone", 3)}


@dataclass(frozen=True)
class Folder:
    path: Path
    others: tuple[Path, ...] = ()
    files: tuple[Path, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "files", tuple(self.path.glob("*")))


def test_paths_inside_a_dataclass_are_found_beside_the_recipe(tmp_path: Path) -> None:
    class Takes:
        def __init__(self, source: Folder | None = None) -> None: ...

    (tmp_path / "one").mkdir()
    (tmp_path / "one/a.txt").touch()
    found = checked("source: {path: one, others: [one, gone]}", Takes, tmp_path)["source"]

    assert found.path == tmp_path / "one"
    assert found.others == (tmp_path / "one", Path.cwd() / "gone")
    assert found.files == (tmp_path / "one/a.txt",)


def test_a_field_that_a_dataclass_fills_itself_is_no_key_of_it() -> None:
    assert describe_type(Folder) == "keys of path, others"


@pytest.mark.parametrize("hint", [Path | None, Optional[Path]], ids=["bar", "Optional"])  # noqa: UP045
def test_every_way_to_write_an_optional_path_finds_it(hint: Any, tmp_path: Path) -> None:
    class Takes:
        def __init__(self, where: hint = None) -> None: ...

    (tmp_path / "weights").mkdir()

    assert checked("where: weights", Takes, tmp_path) == {"where": tmp_path / "weights"}


LAYERS = "layers:\n  - conv: {filters: 8}\n  - "


@pytest.mark.parametrize(
    ("layer", "told", "hint"),
    [
        ("conv: {filter: 8}", "layer 2, conv: unknown key 'filter'", "Did you mean 'filters'?"),
        ("convv: {}", "layer 2: unknown key 'convv'", "Did you mean 'conv'? Allowed: conv, pool."),
        (
            "conv: {}",
            "layer 2, conv: the key 'filters' (a whole number of at least 1) is missing",
            "",
        ),
        (
            "conv: {filters: 0}",
            "layer 2, conv: filters must be a whole number of at least 1, got 0",
            "",
        ),
        ("pool: {kind: avg}", "layer 2, pool: kind must be max or average, got 'avg'", "'average'"),
        (
            "conv: {filters: 4, activation: ReLU}",
            "layer 2, conv: activation must be relu or leaky-relu or gelu or sigmoid or tanh or "
            "none, got 'ReLU'",
            "Did you mean 'relu'?",
        ),
        ("conv: 8", "layer 2: conv must be keys of filters, ", ""),
        ("conv", "layer 2 must be keys of conv, pool, got 'conv'", ""),
    ],
)
def test_a_fault_inside_a_value_is_told_with_its_place_and_line(
    layer: str, told: str, hint: str
) -> None:
    error = refusal(LAYERS + layer, ConvNet)
    assert error.where == "r.yaml:3"
    assert error.message.startswith(told)
    assert hint in error.hint


def test_of_several_faults_inside_a_value_the_first_is_told() -> None:
    error = refusal("layers:\n  - conv: {kernel: x,\n      filters: y}\n  - pol: {}", ConvNet)
    assert (error.where, error.message[:22]) == ("r.yaml:2", "layer 1, conv: kernel ")


@pytest.mark.parametrize("written", ["[a]", "{a: b}"])
def test_a_list_or_keys_in_place_of_a_choice_are_refused(written: str) -> None:
    class Takes:
        def __init__(self, what: Literal["a", "b"]) -> None: ...

    assert refusal(f"what: {written}", Takes).message.startswith("what must be a or b, got ")


def test_only_a_choice_of_nothing_but_words_lists_what_is_allowed() -> None:
    class Takes:
        def __init__(
            self, some: Literal["all"] | tuple[str, ...] = "all", one: Literal["all"] | None = None
        ) -> None: ...

    assert refusal("some: al", Takes).hint == ""
    assert refusal("one: al", Takes).hint == "Did you mean 'all'? Allowed: all."


def test_a_wrong_value_in_keys_of_any_name_is_told_by_its_key() -> None:
    assert refusal("size: 1\ncodes: {SCT: 1}").message == "codes: SCT must be a text, got 1"


def test_types_are_described_in_words() -> None:
    assert (
        describe_type(int | tuple[int, int]) == "a whole number or [a whole number, a whole number]"
    )
    assert describe_type(Literal["max", "mean"] | None) == "max or mean or nothing"
    assert describe_type(dict[str, float]) == "keys, each with a number"
    assert describe_type(tuple[Path, ...]) == "a list, each a path"


def test_paths_in_a_mapping_are_found_beside_the_recipe(tmp_path: Path) -> None:
    class Takes:
        def __init__(self, files: dict[str, Path]) -> None: ...

    (tmp_path / "x.txt").touch()
    found = checked("files: {a: x.txt}", Takes, tmp_path)

    assert found == {"files": {"a": tmp_path / "x.txt"}}


def test_values_that_a_dataclass_does_not_keep_are_not_lost(tmp_path: Path) -> None:
    @dataclass
    class Scaled:
        path: Path
        scale: InitVar[int] = 1
        size: int = field(init=False)

        def __post_init__(self, scale: int) -> None:
            self.size = scale

    class Takes:
        def __init__(self, source: Scaled) -> None: ...

    Takes.__init__.__annotations__["source"] = Scaled
    assert checked("source: {path: x, scale: 3}", Takes, tmp_path)["source"].size == 3


def test_a_path_may_lie_in_an_installed_package(tmp_path: Path) -> None:
    found = checked("size: 1\nwhere: package://diascope/pages/base.html", base=tmp_path)["where"]
    assert found.read_text().startswith("<!doctype html>")
    with pytest.raises(RecipeError, match=r"where: .* leads out of the package"):
        checked("size: 1\nwhere: package://diascope/../x")
    with pytest.raises(RecipeError, match=r"where: there is no installed .* 'no_such_package'"):
        checked("size: 1\nwhere: package://no_such_package/weights")
