"""A model whose package lacks its weights is found before a run, and so is the cause."""

from collections.abc import Callable
from pathlib import Path

import pytest

from diascope.card import CARD_FILE, WEIGHTS_FILE
from diascope.errors import PluginError, WeightsError
from diascope.pipeline import compose
from diascope.plugin_creation import make_from_values
from diascope.plugin_health import Health, examine
from diascope.plugins import find_plugin
from diascope.recipe import read_recipe
from tests.runs import Ended, write_recipe, write_weights

SHIPPED = """\
from dataclasses import dataclass
from pathlib import Path
from diascope.models.classifier import ClassifierModel

@dataclass(frozen=True)
class Spots(ClassifierModel):
    weights: Path = {default}
"""
OWN = """\
from dataclasses import dataclass
from pathlib import Path
from diascope import Label, ModelCard

@dataclass(frozen=True)
class Spots:
    weights: Path = {default}
    api = (1, 0)
    card = ModelCard("spots", "multilabel", (Label("spot"),), (8, 8), "", (0.5,), (0.5,), "sigmoid")
    def load(self, runtime): ...
"""
BESIDE = "Path(__file__).parent / 'weights'"
TOLD = "model 'spots' of acme 1.0 cannot use its own weights: "
HINT = (
    "The package is incomplete or damaged. Reinstall acme; if that does not help, tell its author."
)
Ship = Callable[..., Path]


@pytest.fixture
def ship(
    install: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Path]:
    """Return a function that installs a model; it returns where the package keeps its weights."""

    def ship(source: str = SHIPPED, default: str = BESIDE) -> Path:
        site = tmp_path / "site"
        monkeypatch.setenv("PYTHONPATH", str(site), prepend=":")  # of the process that examines
        points = "[diascope.models]\nspots = acme:Spots\n"
        install("acme", points, acme=source.format(default=default))
        return site / "weights"

    return ship


def health() -> Health:
    (found,) = examine((find_plugin("model", "spots"),))
    return found


def test_a_model_with_its_weights_is_healthy(ship: Ship) -> None:
    write_weights(ship())

    assert health().cause == ""


@pytest.mark.parametrize(
    ("lost", "told"),
    [
        ((CARD_FILE, WEIGHTS_FILE, ""), "there is no {0}"),
        ((WEIGHTS_FILE,), f"there is no {{0}}/{WEIGHTS_FILE}"),
        ((CARD_FILE,), f"{{0}}: it holds no {CARD_FILE}"),
    ],
)
def test_a_model_without_its_weights_is_broken(
    ship: Ship, lost: tuple[str, ...], told: str
) -> None:
    weights = write_weights(ship())
    for name in lost:
        (weights / name).unlink() if name else weights.rmdir()

    assert (health().cause, health().hint) == (TOLD + told.format(weights), HINT)


def test_a_model_whose_card_is_damaged_is_broken(ship: Ship) -> None:
    card = write_weights(ship()) / CARD_FILE
    card.write_text("lables: []\n" + card.read_text())

    assert health().cause.startswith(f"{TOLD}{card}:1: unknown key 'lables'")


def test_a_model_without_its_own_kind_of_file_is_broken(ship: Ship) -> None:
    weights = ship(OWN)

    assert health().cause == f"{TOLD}there is no {weights}"
    weights.touch()
    assert health().cause == ""


def test_a_model_without_a_backbone_may_keep_its_weights_in_any_file(ship: Ship) -> None:
    weights = ship(OWN)
    weights.mkdir()
    (weights / "card.yaml").touch()

    assert health().cause == ""


def test_a_folder_for_downloads_need_not_exist(ship: Ship, tmp_path: Path) -> None:
    ship(OWN, f"Path({str(tmp_path / 'downloads')!r})")

    assert health().cause == ""


def test_a_card_missing_elsewhere_is_named_with_the_model(ship: Ship, tmp_path: Path) -> None:
    ship(SHIPPED, f"Path({str(tmp_path / 'lost')!r})")

    assert health().cause == f"model 'spots' of acme 1.0: {tmp_path / 'lost'}: no such folder"


def test_a_model_that_needs_weights_from_the_recipe_is_healthy() -> None:
    (found,) = examine((find_plugin("model", "classifier"),))

    assert found.cause == ""


def test_a_recipe_is_refused_if_the_package_lacks_the_weights(ship: Ship, tmp_path: Path) -> None:
    ship()
    path = write_recipe(tmp_path / "r.yaml", tmp_path, model="spots")

    with pytest.raises(
        PluginError, match=r"r\.yaml:1: model 'spots' of acme 1\.0 cannot"
    ) as caught:
        compose(read_recipe(str(path)))
    assert caught.value.hint == HINT


def test_weights_that_the_user_names_are_no_fault_of_the_package(
    ship: Ship, tmp_path: Path
) -> None:
    ship()
    with pytest.raises(WeightsError, match="no such folder"):
        make_from_values("model", "spots", {"weights": "gone"}, where="r.yaml", title="spots")

    mine = str(write_weights(tmp_path / "mine"))
    part = make_from_values("model", "spots", {"weights": mine}, where="r.yaml", title="spots")
    assert part.instance.card.name == "tiny"


@pytest.mark.parametrize("verb", ["show spots", "list"])
def test_models_says_that_the_package_lacks_the_weights(
    ship: Ship, command: Callable[..., Ended], verb: str
) -> None:
    ship()
    ended = command("models", *verb.split())

    assert TOLD in ended.out + ended.err
    assert HINT in ended.out + ended.err
