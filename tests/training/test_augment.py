"""Random transforms of training pictures."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from diascope.errors import PluginError, RecipeError
from diascope.training.augment import AugmentationChain

ALL = (
    {"RandFlip": {"prob": 0.5, "spatial_axis": 0}},
    {"RandRotate90": {"prob": 0.5}},
    {"RandAffine": {"prob": 1.0, "rotate_range": [0.4], "padding_mode": "reflection"}},
    {"RandGaussianNoise": {"prob": 1.0, "std": 0.5}},
)
PICTURE = torch.rand(3, 24, 24, generator=torch.Generator().manual_seed(0))


def augmented(written: tuple[Any, ...], seed: int = 0) -> torch.Tensor:
    return AugmentationChain(written, "r.yaml:9")(PICTURE.clone(), seed)


def refusal(entry: Any) -> RecipeError:
    with pytest.raises(RecipeError) as caught:
        AugmentationChain((entry,), "r.yaml:9")
    return caught.value


def test_the_same_seed_gives_the_same_picture() -> None:
    chain = AugmentationChain(ALL, "")
    first, other, again = (chain(PICTURE.clone(), seed) for seed in (5, 6, 5))

    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_two_chains_agree_on_a_seed() -> None:
    assert torch.equal(augmented(ALL, 2**40 + 3), augmented(ALL, 2**40 + 3))


def test_shape_and_type_stay_and_values_lie_in_0_and_1() -> None:
    changed = augmented(ALL)

    assert (changed.shape, changed.dtype, type(changed)) == (
        PICTURE.shape,
        torch.float32,
        torch.Tensor,
    )
    assert (changed.min() >= 0, changed.max() <= 1) == (True, True)


def test_a_flip_is_a_flip() -> None:
    flipped = augmented(({"RandFlip": {"prob": 1.0, "spatial_axis": 1}},))

    assert torch.equal(flipped, PICTURE.flip(2))


def test_a_transform_may_be_named_without_parameters() -> None:
    assert augmented(("RandFlip",)).shape == PICTURE.shape


def test_no_transforms_leave_the_picture_unchanged() -> None:
    assert torch.equal(augmented(()), PICTURE)


@pytest.mark.parametrize(
    "entry",
    [
        "Flip",
        "RandFlipd",
        "RandFlipDict",
        "RandNothing",
        "Randomizable",
        "os",
        5,
        None,
        {"RandFlip": {}, "RandZoom": {}},
    ],
)
def test_other_than_random_array_transforms_are_refused_with_their_place(entry: Any) -> None:
    assert refusal(entry).where == "r.yaml:9"


@pytest.mark.parametrize("parameters", [{"probability": 1}, {"prob": 1.0, "spatial_axes": 0}])
def test_a_parameter_that_monai_does_not_take_is_refused_by_name(parameters: Any) -> None:
    error = refusal({"RandFlip": parameters})

    assert error.message.startswith("augment: RandFlip: ")


@pytest.mark.filterwarnings("ignore:metadata is not tracked")
@pytest.mark.parametrize(
    "entry",
    [
        {"RandGaussianSmooth": {"sigma_x": [], "prob": 1.0}},
        {"RandRotate90": {"lazy": True, "prob": 1.0}},
    ],
    ids=str,
)
def test_whatever_a_transform_raises_names_it_and_its_place(entry: Any) -> None:
    with pytest.raises(RecipeError, match=f"augment: {next(iter(entry))}: ") as caught:
        AugmentationChain((entry,), "r.yaml:9").dry_run(3, (16, 16))
    assert caught.value.where == "r.yaml:9"


@pytest.mark.parametrize("parameters", [5, [1], "x"])
def test_parameters_that_are_no_mapping_are_refused(parameters: Any) -> None:
    assert refusal({"RandFlip": parameters}).where == "r.yaml:9"


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"RandRotate90": {"prob": 0.5}}, r"\(3, 24, 16\)"),
        ({"RandRotate": {"prob": 1.0, "range_x": 0.5, "keep_size": False}}, "as well as"),
        ({"RandSpatialCrop": {"roi_size": [4, 4], "random_size": True}}, "as well as"),
        ({"RandSpatialCropSamples": {"roi_size": [8, 8], "num_samples": 2}}, "several pictures"),
    ],
)
def test_what_gives_pictures_of_several_sizes_is_refused_when_it_is_tried(
    entry: Any, said: str
) -> None:
    with pytest.raises(RecipeError, match=f"augment: .*{said}") as caught:
        AugmentationChain((entry,), "r.yaml:9").dry_run(3, (16, 24))
    assert caught.value.where == "r.yaml:9"


def test_what_fails_on_one_picture_in_ten_is_refused_when_it_is_tried() -> None:
    with pytest.raises(PluginError, match=r"'RandJPEG' .* takes 1 or 3 channels, got 4"):
        AugmentationChain(("RandJPEG",), "r.yaml:9").dry_run(4, (16, 24))


def test_crops_of_one_size_are_taken() -> None:
    crop = AugmentationChain(({"RandSpatialCrop": {"roi_size": [8, 8], "random_size": False}},), "")
    crop.dry_run(3, (16, 24))
    assert crop(torch.rand(3, 16, 24), 7).shape == (3, 8, 8)


DIMMER = """
class Dimmer:
    api = (1, 0)

    def __init__(self, most: float = 0.5) -> None:
        if not 0 <= most <= 1:
            raise ValueError(f"most must lie in [0, 1], got {most}")
        self.most = most

    def __call__(self, picture, random):
        return picture * (1 - random.uniform(0, self.most))
"""


@pytest.fixture
def dimmer(install: Callable[..., None]) -> None:
    install("augments", "[diascope.augmentations]\ndimmer = dimmer:Dimmer\n", dimmer=DIMMER)


@pytest.mark.usefixtures("dimmer")
def test_a_plugin_gives_an_augmentation_under_its_own_name() -> None:
    written = ("RandFlip", {"dimmer": {"most": 0.9}})
    first, other, again = (augmented(written, seed) for seed in (5, 6, 5))

    assert torch.equal(first, again)
    assert first.sum() != other.sum()
    assert (first.dtype, first.shape) == (torch.float32, PICTURE.shape)
    assert torch.equal(augmented(("augments:dimmer",), 5), augmented(("dimmer",), 5))


@pytest.mark.usefixtures("dimmer")
@pytest.mark.parametrize("parameters", [{"most": 2}, {"most": "all"}, {"least": 0}, 5])
def test_parameters_that_a_plugin_does_not_take_are_refused_with_their_place(
    parameters: Any,
) -> None:
    assert str(refusal({"dimmer": parameters}).where).startswith("r.yaml:9")


@pytest.mark.usefixtures("dimmer")
def test_the_refusal_of_an_unknown_name_lists_what_plugins_offer() -> None:
    assert "dimmer" in refusal("RandNothing").message


def test_a_plugin_with_a_name_of_monais_needs_its_package_in_front(
    install: Callable[..., None],
) -> None:
    points = "[diascope.augmentations]\nRandFlip = dimmer:Dimmer\n"
    install("augments", points, dimmer=DIMMER)

    assert "is one of MONAI's transforms and a plugin" in refusal("RandFlip").message
    assert AugmentationChain(("monai:RandFlip",), "").parts == []
    (part,) = AugmentationChain(("augments:RandFlip",), "").parts
    assert part.plugin.distribution == "augments"
