"""Third-party plugins in a training: errors in them are reported by name before the first epoch,
and models trained with them can be used."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from diascope.card import read_card
from diascope.errors import PluginError, RecipeError, WeightsError
from diascope.network import load_network
from diascope.plugin_creation import make_backbone
from tests.runs import Ended, write_recipe
from tests.training.trainings import train, write_table, write_training

pytest.importorskip("lightning_fabric", reason="needs diascope[train]")
pytestmark = pytest.mark.filterwarnings("ignore")  # those of other libraries

OWN = """
from pathlib import Path
from torch import nn

class Own:
    api = (1, 0)
    in_channels, features = 3, {features}
    mean, std = {mean}, (0.25,) * 3

    def __init__(self, weights: Path{default}, more: list[Path] | None = None) -> None:
        self.weights = weights

    def build(self):
        {build}
        return nn.Sequential(nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16), nn.ReLU(){pooled})

class Odd:
    api = (1, 0)

    def __init__(self, tints: Path | None = None) -> None:
        self.tints = tints

    def __call__(self, picture, random):
        {augment}
"""


@pytest.fixture
def own(install: Callable[..., None]) -> Callable[..., None]:
    """Return a function that installs the backbone ``own`` and the augmentation ``odd``."""
    points = "[diascope.backbones]\nown = own:Own\n[diascope.augmentations]\nodd = own:Odd\n"
    sound = {"features": "16", "default": "", "build": "self.weights.read_text()", "pooled": ""}
    sound |= {"augment": "return picture", "mean": "(0.5,) * 3"}

    def put(**changes: str) -> None:
        install("owns", points, own=OWN.format(**sound | changes))

    return put


def recipe(folder: Path, **options: Any) -> Path:
    """Write a training with the file that the backbone needs beside it."""
    (folder / "own.txt").write_text("weights")
    table = write_table(folder / "pictures", ["red", "blue"])
    known: dict[str, Any] = {"backbone": {"own": {"weights": "own.txt"}}, "epochs": 1}
    return write_training(folder / "t.yaml", table, **known | options)


def test_another_content_of_the_backbones_file_is_another_training(
    own: Callable[..., None], tmp_path: Path
) -> None:
    own()
    written = recipe(tmp_path)
    train(written, tmp_path / "mine")
    (tmp_path / "own.txt").write_text("other weights")
    with pytest.raises(WeightsError, match="differs in files that plugins name"):
        train(written, tmp_path / "mine")


def test_what_was_trained_with_a_file_beside_the_recipe_runs_in_another_folder(
    own: Callable[..., None],
    command: Callable[..., Ended],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own()
    needs = {"own": {"weights": "own.txt", "more": ["own.txt"]}}
    train(recipe(tmp_path, backbone=needs), tmp_path / "mine")
    found = str(tmp_path / "own.txt")
    assert read_card(tmp_path / "mine").backbone_parameters == {"weights": found, "more": [found]}
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    steps = [{"resize": {"size": 16}}]
    run = write_recipe(tmp_path / "run.yaml", tmp_path / "mine", preprocess=steps)
    ended = command("run", run, tmp_path / "pictures" / "*.png", "-o", tmp_path / "out")
    assert ended.code == 0, ended.err


def test_weights_that_a_backbone_can_do_without_are_left_to_the_file(
    own: Callable[..., None], tmp_path: Path
) -> None:
    own(default=" | None = None", build="")
    assert train(recipe(tmp_path), tmp_path / "mine").backbone_parameters == {}


def test_a_backbone_that_has_nothing_to_learn_is_trained_upon(
    own: Callable[..., None], tmp_path: Path
) -> None:
    own(features="3", default=" | None = None", build="return nn.AvgPool2d(4)")
    assert train(recipe(tmp_path), tmp_path / "mine") == read_card(tmp_path / "mine")
    page = (tmp_path / "mine" / "training.html").read_text()
    assert '<b>1 pool</b> <span class="muted">average, size 4</span>' in page


def test_numbers_of_numpy_that_a_backbone_normalises_with_go_into_the_card(
    own: Callable[..., None], tmp_path: Path
) -> None:
    own(mean="__import__('numpy').full(3, 0.5)")
    train(recipe(tmp_path), tmp_path / "mine")
    assert read_card(tmp_path / "mine").mean == (0.5, 0.5, 0.5)


def test_a_layer_that_a_backbone_has_twice_is_stored_under_both_names(
    own: Callable[..., None], tmp_path: Path
) -> None:
    twice = "norm = nn.BatchNorm2d(16); "
    twice += "return nn.Sequential(nn.Conv2d(3, 16, 3), norm, nn.ReLU(), norm)"
    own(default=" | None = None", build=twice)
    card = train(recipe(tmp_path), tmp_path / "mine")
    backbone = make_backbone(card.backbone, card.backbone_parameters)
    found = load_network(card, tmp_path / "mine", backbone, "cpu").state_dict()
    assert found["backbone.1.weight"].equal(found["backbone.3.weight"])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"features": "99"}, r"expected features \(1, 99, h, w\) of .*Tensor of shape \(1, 16, "),
        ({"pooled": ", nn.AdaptiveAvgPool2d(1), nn.Flatten()"}, r"of shape \(1, 16\)"),
        (
            {"build": "open('/gone.pth')"},
            r"cannot be built: No such file or directory: /gone.pth \(.*own.py:14\)",
        ),
        ({"pooled": ", nn.Linear(3, 3)"}, "cannot run its layers: RuntimeError: "),
        ({"mean": "0.5"}, "expected mean, a number for each of 3 in_channels, got 0.5"),
        ({"build": "return abs"}, "expected a torch module, got builtin_function_or_method"),
    ],
)
@pytest.mark.parametrize("frozen", [False, True])
def test_a_backbone_that_does_not_do_as_it_says_is_named_before_the_first_epoch(
    own: Callable[..., None], tmp_path: Path, changes: dict[str, str], said: str, frozen: bool
) -> None:
    own(**changes)
    with pytest.raises(PluginError, match=f"backbone 'own' of owns 1.0:? .*{said}"):
        train(recipe(tmp_path, freeze_backbone=frozen), tmp_path / "mine")
    assert not (tmp_path / "mine" / "checkpoint.pt").exists()


@pytest.mark.parametrize(
    ("augment", "said"),
    [
        ("raise KeyError('tint')", r"failed: KeyError: 'tint' \(.*own.py:24\)"),
        ("return None", r"of the shape \(3, 16, 16\), got a NoneType of shape \(\)"),
        ("return picture[:, :8]", r"got a ndarray of shape \(3, 8, 16\)"),
        ("return picture * float('nan')", "returned values that are not finite numbers"),
    ],
)
def test_an_augmentation_that_does_not_do_as_it_should_is_named_before_the_first_epoch(
    own: Callable[..., None], tmp_path: Path, augment: str, said: str
) -> None:
    own(augment=augment)
    with pytest.raises(PluginError, match=f"^augmentation 'odd' of owns 1.0:? .*{said}"):
        train(recipe(tmp_path, augment=["odd"]), tmp_path / "mine")
    assert not (tmp_path / "mine" / "checkpoint.pt").exists()


def test_a_file_that_an_augmentation_needs_is_found_beside_the_recipe(
    own: Callable[..., None], tmp_path: Path
) -> None:
    own(augment="return picture * float(self.tints.read_text())")
    (tmp_path / "tints.txt").write_text("0.5")
    odd = {"odd": {"tints": "tints.txt"}}
    assert train(recipe(tmp_path, augment=[odd]), tmp_path / "mine").name == "t"


def test_an_error_in_a_reading_process_is_raised_unchanged(
    own: Callable[..., None], tmp_path: Path
) -> None:
    own(augment="return picture / bool(picture.std() == 0)")  # what is tried is a grey picture
    written = recipe(tmp_path, augment=["odd"])
    written.write_text(written.read_text().replace('"workers": 0', '"workers": 1'))
    with pytest.raises(PluginError, match=r"^augmentation 'odd' of owns 1.0") as caught:
        train(written, tmp_path / "mine")
    assert "Traceback" not in str(caught.value)


POOLS = """preprocess: [resize: {{size: 16}}]
model: classifier
train:
  table: {table}
  backbone:
    convnet:
      layers:
        - conv: {{filters: 4, norm: batch}}
        - pool: {{size: 4}}
        - pool: {{size: 4}}
        - {last}
"""


@pytest.mark.parametrize(
    ("last", "told"),
    [
        ("pool: {size: 2}", "layer 4 (pool, max, size 2) gets 1 x 1 pixels"),
        (
            "conv: {filters: 4, kernel: 3, padding: valid}",
            "layer 4 (conv, filters 4, kernel 3, padding 0) gets 1 x 1 pixels",
        ),
    ],
)
def test_a_layer_that_gets_too_few_pixels_is_named_with_its_line(
    tmp_path: Path, last: str, told: str
) -> None:
    table = write_table(tmp_path / "pictures", ["red", "blue"])
    path = tmp_path / "t.yaml"
    path.write_text(POOLS.format(table=table, last=last))
    with pytest.raises(RecipeError) as caught:
        train(path, tmp_path / "mine")
    assert caught.value.where == f"{path}:11"
    assert caught.value.message == f"{told}, fewer than it needs; the picture has 16 x 16"
    assert caught.value.hint.startswith("Take larger pictures")


def test_of_a_backbone_whose_layers_the_recipe_does_not_list_its_own_line_is_given(
    own: Callable[..., None], tmp_path: Path
) -> None:
    own(pooled=", nn.MaxPool2d(40)")
    written = recipe(tmp_path)
    with pytest.raises(RecipeError, match=r"layer 2 \(pool, max, size 40\) gets 14 x 14") as caught:
        train(written, tmp_path / "mine")
    assert caught.value.where == f"{written}:1"


def test_a_batch_too_small_for_the_backbone_is_refused_before_training(
    tmp_path: Path,
) -> None:
    table = write_table(tmp_path / "pictures", ["red", "blue"])
    layers = [{"conv": {"filters": 8, "stride": 16, "norm": "batch"}}]  # one cell is left
    tiny: dict[str, Any] = {"backbone": {"convnet": {"layers": layers}}, "batch": 1}
    with pytest.raises(RecipeError, match="convnet cannot learn from batches of one picture"):
        train(write_training(tmp_path / "t.yaml", table, frozen_epochs=1, **tiny), tmp_path / "a")
    assert not (tmp_path / "a" / "checkpoint.pt").exists()
    frozen = write_training(tmp_path / "f.yaml", table, freeze_backbone=True, **tiny)
    train(frozen, tmp_path / "b")
