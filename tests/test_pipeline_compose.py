"""A recipe and its plugins, composed."""

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from diascope.errors import PluginError, RecipeError, WeightsError
from diascope.pipeline import Pipeline, compose
from diascope.plugin_creation import make_backbone
from diascope.recipe import read_recipe
from diascope.sample import Item, Prediction

RECIPE = """\
model:
  classifier: {weights: weights}
preprocess:
  - resize: {size: 8}
report: []
run: {device: cpu, evidence: all}
"""


@pytest.fixture
def composed(
    tmp_path: Path,
    make_card: Callable[..., object],
    make_weights: Callable[..., object],
    install: Callable[..., None],
) -> Callable[..., Pipeline]:
    """Return a function that composes a recipe beside a folder of random weights."""
    install(
        "fake_inline",
        "[diascope.executors]\ninline = fake_inline:Inline\n",
        fake_inline="class Inline:\n    api = (1, 0)\n    def run(self, work, chunks): ...\n",
    )
    make_weights(make_card(preprocess=({"resize": {"size": 8}},)))
    path = tmp_path / "mine.yaml"

    def composed(text: str, *overrides: str) -> Pipeline:
        path.write_text(text)
        return compose(read_recipe(str(path), ["run.executor=inline", *overrides]))

    return composed


Compose = Callable[..., Pipeline]


def test_a_composed_recipe_classifies_a_picture(
    composed: Compose, make_item: Callable[..., Item]
) -> None:
    pipeline = composed(RECIPE)
    item = make_item(np.full((20, 30), 200, np.uint8))
    (record,) = pipeline.finish((item, block) for block in pipeline.prepare(item))

    assert isinstance(record, Prediction)
    assert sum(record.scores.values()) == pytest.approx(1)
    assert [evidence.label for evidence in record.evidence] == ["dark", "bright"]
    assert max(evidence.residual for evidence in record.evidence) < 1e-4


def test_weights_are_found_beside_the_recipe(composed: Compose, tmp_path: Path) -> None:
    assert composed(RECIPE).model.instance.weights == tmp_path / "weights"


def test_the_steps_of_training_give_no_warning(composed: Compose) -> None:
    assert composed(RECIPE, "read=image").warnings == ()


def test_steps_that_differ_from_training_give_a_warning(composed: Compose) -> None:
    (warning,) = composed(RECIPE, "read=image", "preprocess.resize.fit=pad").warnings

    assert "differs from how classifier was trained" in warning


def test_auto_takes_every_reader_that_needs_no_parameters(composed: Compose) -> None:
    names = [part.plugin.name for part in composed(RECIPE).preparation.readers]

    assert "image" in names


def test_a_broken_reader_is_left_out_of_auto_with_a_warning(
    composed: Compose, install: Callable[..., None]
) -> None:
    install(
        "fake_bad", "[diascope.readers]\nbad = fake_bad_reader:Bad\n", fake_bad_reader="1 / 0\n"
    )
    warnings = composed(RECIPE).warnings

    assert any("'bad' of fake_bad 1.0" in warning for warning in warnings)


@pytest.mark.parametrize(
    ("written", "wrong", "said"),
    [
        ("size: 8", "sise: 8", "Did you mean 'size'?"),
        ("size: 8", "size: big", "size must be a whole number or [a whole number, a whole number]"),
        ("size: 8", "size: 0", "size must be at least 1"),
        ("size: 8", "size: 8, fit: stretch", "fit must be"),
    ],
)
def test_a_wrong_parameter_is_refused_with_its_line(
    composed: Compose, written: str, wrong: str, said: str
) -> None:
    with pytest.raises(RecipeError, match=r"mine\.yaml:4") as caught:
        composed(RECIPE.replace(written, wrong))
    assert said in str(caught.value)


def test_an_unknown_plugin_is_refused_with_its_line_and_the_nearest(composed: Compose) -> None:
    with pytest.raises(PluginError, match=r"mine\.yaml:4") as caught:
        composed(RECIPE.replace("resize", "rezise"))
    assert "Did you mean 'resize'?" in caught.value.hint


def test_missing_weights_are_refused_before_the_run(composed: Compose) -> None:
    with pytest.raises(WeightsError, match="no such folder"):
        composed(RECIPE, "model.classifier.weights=gone")


def test_a_device_that_is_not_there_is_refused(composed: Compose) -> None:
    with pytest.raises(RecipeError, match="'cuda:77' is not on this machine"):
        composed(RECIPE, "run.device=cuda:77").load()


def test_a_wrong_backbone_parameter_names_the_backbone() -> None:
    with pytest.raises(RecipeError, match="backbone resnet18") as caught:
        make_backbone("resnet18", {"in_chanels": 1})
    assert "Did you mean 'in_channels'?" in caught.value.hint


STEP = "[diascope.preprocessing]\nblur = {0}:Blur\n"


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("raise RuntimeError('no licence')", "RuntimeError: no licence"),
        ("open('/nowhere/lut.npy')", "No such file or directory: /nowhere/lut.npy"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise BaseException(3)", "BaseException: 3"),
    ],
)
def test_a_plugin_that_cannot_be_created_is_named_with_reason_and_line(
    composed: Compose, install: Callable[..., None], statement: str, said: str
) -> None:
    source = (
        "class Blur:\n    api = (1, 0)\n    def __call__(self, sample): return sample\n"
        f"    def __init__(self): {statement}\n"
    )
    install("fake_blur", STEP.format("fake_blur_made"), fake_blur_made=source)

    with pytest.raises(PluginError, match=r"mine\.yaml:4: preprocessing 'blur'") as caught:
        composed(RECIPE.replace("resize: {size: 8}", "blur"))
    assert f"cannot be created: {said} (" in str(caught.value)
    assert str(caught.value).endswith("fake_blur_made.py:4)")


def test_a_value_error_without_a_text_is_reported_by_its_type(
    composed: Compose, install: Callable[..., None]
) -> None:
    source = (
        "class Blur:\n    api = (1, 0)\n    def __call__(self, sample): return sample\n"
        "    def __init__(self, by: int): raise ValueError\n"
    )
    install("fake_blur", STEP.format("fake_blur_mute"), fake_blur_mute=source)

    with pytest.raises(RecipeError, match=r"mine\.yaml:4: ValueError$"):
        composed(RECIPE.replace("resize: {size: 8}", "blur: {by: 3}"))


def test_a_reader_that_ends_the_process_is_left_out_of_auto_with_a_warning(
    composed: Compose, install: Callable[..., None]
) -> None:
    source = (
        "class Bad:\n    api = (1, 0)\n    def __init__(self): raise SystemExit\n"
        "    def sniff(self, path, head): return 1\n    def read(self, item): return iter(())\n"
    )
    install("fake_bad", "[diascope.readers]\nbad = fake_bad_exit:Bad\n", fake_bad_exit=source)

    assert any("cannot be created: SystemExit" in each for each in composed(RECIPE).warnings)


def test_a_plugin_of_a_newer_api_gives_a_warning_and_none_of_python(
    composed: Compose, install: Callable[..., None]
) -> None:
    source = "class Blur:\n    api = (1, 99)\n    def __call__(self, sample): return sample\n"
    install("fake_blur", STEP.format("fake_blur_new"), fake_blur_new=source)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        told = composed(RECIPE.replace("resize: {size: 8}", "blur")).warnings

    assert any("'blur' of fake_blur 1.0 was written for the newer plugin API" in t for t in told)


MODEL = """\
from diascope import Label, ModelCard
CARD = dict(name="m", task="multilabel", labels=(Label("a"),), size=(8, 8), backbone="",
            mean=(0.0,), std=(1.0,), score_kind="sigmoid")
class Odd:
    api = (1, 0)
    @property
    def card(self): {card}
    def load(self, runtime): {load}
"""


@pytest.mark.parametrize(
    ("card", "said"),
    [
        ("return {'labels': ['a']}", "expected a ModelCard as its card, got dict"),
        ("raise KeyError('lut')", "cannot provide its card: KeyError: 'lut' ("),
        ("return ModelCard(**CARD | {'score_kind': 'probability'})", "its card: score_kind is"),
        ("return ModelCard(**CARD | {'labels': ()})", "its card: it has no labels"),
        (
            "return ModelCard(**CARD | {'novelty': 3.5})",
            "cannot provide its card: AttributeError: ",
        ),
        (
            "return ModelCard(**CARD | {'made': {'by': {1}}})",
            "cannot provide its card: TypeError: ",
        ),
    ],
)
def test_a_card_that_is_invalid_or_inconsistent_is_refused(
    composed: Compose, install: Callable[..., None], card: str, said: str
) -> None:
    source = MODEL.format(card=card, load="pass")
    install("fake_odd", "[diascope.models]\nodd = fake_odd_a:Odd\n", fake_odd_a=source)

    with pytest.raises(PluginError, match=r"model 'odd' of fake_odd 1\.0") as caught:
        composed(RECIPE, "model=odd")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("load", "said"),
    [
        ("open('/nowhere/w.pkl')", "cannot be loaded: No such file or directory: /nowhere/w.pkl ("),
        ("pass", "a Predictor, with predict and aggregate, got NoneType"),
        ("return type('P', (), {'predict': None})()", "predict and aggregate, got P"),
        ("raise SystemExit('enough')", "cannot be loaded: SystemExit: enough ("),
    ],
)
def test_a_model_that_cannot_be_loaded_is_named_with_its_reason(
    composed: Compose, install: Callable[..., None], load: str, said: str
) -> None:
    source = MODEL.format(card="return ModelCard(**CARD)", load=load)
    install("fake_odd", "[diascope.models]\nodd = fake_odd_b:Odd\n", fake_odd_b=source)

    with pytest.raises(PluginError, match=r"model 'odd' of fake_odd 1\.0") as caught:
        composed(RECIPE, "model=odd").load()
    assert said in str(caught.value)


def test_an_execution_attribute_of_another_type_is_ignored(
    composed: Compose, install: Callable[..., None]
) -> None:
    load = "return type('P', (), {'execution': 'fast', 'predict': None, 'aggregate': 0})()"
    source = MODEL.format(card="return ModelCard(**CARD)", load=load)
    install("fake_odd", "[diascope.models]\nodd = fake_odd_e:Odd\n", fake_odd_e=source)

    pipeline = composed(RECIPE, "model=odd")
    pipeline.load()
    assert pipeline.execution is None


def test_a_backbone_named_with_its_distribution_is_in_the_digest(
    composed: Compose, tmp_path: Path
) -> None:
    plain, card = composed(RECIPE), tmp_path / "weights" / "card.yaml"
    name = plain.model.instance.card.backbone
    card.write_text(card.read_text().replace(f"backbone: {name}", f"backbone: diascope:{name}"))
    deciding = composed(RECIPE).runtime("cpu").plugins
    assert f"backbone {name!r} of diascope" in " ".join(deciding)
    assert deciding == plain.runtime("cpu").plugins
    assert plain.runtime("cpu").network_plugins == deciding[-2:]
