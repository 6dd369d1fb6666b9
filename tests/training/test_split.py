"""Whole groups are held out."""

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from diascope.errors import TableError
from diascope.table import Example
from diascope.training.split import folds_by_group, split_by_group


def example(number: int, group: object, label: str = "x", split: str | None = None) -> Example:
    name = f"{number}.png"
    return Example(name, Path(name), frozenset({label}), str(group), split)  # type: ignore[arg-type]


def shares(examples: list[Example]) -> dict[str | None, float]:
    counts: dict[str | None, float] = defaultdict(float)
    for one in examples:
        counts[one.split] += 1 / len(examples)
    return counts


MANY = [example(i, i // 3, "xyz"[i // 3 % 3]) for i in range(600)]


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(
    rows=st.lists(st.tuples(st.integers(0, 15), st.sampled_from("abc")), min_size=1, max_size=60),
    test=st.sampled_from([0.0, 0.1, 0.15, 0.3]),
    validation=st.sampled_from([0.1, 0.25]),
    seed=st.integers(0, 5),
)
def test_no_group_is_ever_on_two_sides(
    rows: list[tuple[int, str]], test: float, validation: float, seed: int
) -> None:
    examples = [example(i, group, label) for i, (group, label) in enumerate(rows)]
    try:
        split = split_by_group(examples, test=test, validation=validation, seed=seed)
    except TableError:
        return
    sides = defaultdict(set)
    for one in split:
        sides[one.group].add(one.split)

    assert [one.name for one in split] == [one.name for one in examples]
    assert all(len(side) == 1 for side in sides.values())
    assert {"train", "validation"} <= {one.split for one in split}


def test_the_shares_are_about_what_was_asked_for() -> None:
    found = shares(split_by_group(MANY, test=0.15, validation=0.1, seed=0))

    assert found["test"] == pytest.approx(0.15, abs=0.03)
    assert found["validation"] == pytest.approx(0.1, abs=0.03)


@pytest.mark.parametrize("seed", range(20))
def test_a_large_group_is_held_out_only_if_nothing_else_is(seed: int) -> None:
    lone = [example(i, -1 if i < 400 else i // 3) for i in range(1000)]
    found = shares(split_by_group(lone, test=0, validation=0.1, seed=seed))

    assert found["validation"] == pytest.approx(0.1, abs=0.05)


@pytest.mark.parametrize(("test", "validation"), [(0.96, 0.02), (0.5, 0.48)])
def test_shares_that_leave_next_to_nothing_still_leave_something(
    test: float, validation: float
) -> None:
    found = shares(split_by_group(MANY, test=test, validation=validation, seed=0))

    assert min(found[part] for part in ("train", "validation", "test")) > 0


@pytest.mark.parametrize("share", [0.4])
def test_a_large_share_is_about_what_was_asked_for(share: float) -> None:
    found = shares(split_by_group(MANY, test=share, validation=0.1, seed=0))

    assert found["test"] == pytest.approx(share, abs=0.06)


def test_each_label_is_in_every_part() -> None:
    split = split_by_group(MANY, test=0.15, validation=0.1, seed=0)

    for part in ("train", "validation", "test"):
        labels = {label for one in split if one.split == part for label in one.labels}
        assert labels == set("xyz")


def test_the_same_seed_gives_the_same_split_and_another_one_another() -> None:
    first, again, other = (
        split_by_group(MANY, test=0.15, validation=0.1, seed=seed) for seed in (1, 1, 2)
    )

    assert first == again
    assert first != other


def test_without_a_test_share_nothing_is_kept_for_testing() -> None:
    assert "test" not in shares(split_by_group(MANY, test=0, validation=0.1, seed=0))


def test_a_table_with_a_split_column_keeps_it() -> None:
    given_ = [example(i, i, split=split) for i, split in enumerate(("test", None, "validation"))]
    split = split_by_group(given_, test=0.5, validation=0.1, seed=0)

    assert [one.split for one in split] == ["test", "train", "validation"]


def test_of_a_column_without_validation_a_fraction_of_train_is_held_out_by_group() -> None:
    given_ = [replace(one, split="test" if i < 150 else None) for i, one in enumerate(MANY)]
    split = split_by_group(given_, test=0.5, validation=0.2, seed=0)

    assert [one.name for one in split if one.split == "test"] == [one.name for one in MANY[:150]]
    assert shares(split)["validation"] == pytest.approx(0.2 * 450 / 600, abs=0.02)
    sides = {(one.group, one.split) for one in split}
    assert len(sides) == len({one.group for one in MANY})
    held_out = [one for one in split if one.split == "validation"]
    assert {label for one in held_out for label in one.labels} == set("xyz")


def test_too_few_groups_to_hold_validation_out_of_train_are_refused_by_its_name() -> None:
    given_ = [example(i, i % 5, split="train" if i % 5 else "test") for i in range(30)]
    told = "no row has the split 'validation', and of those in train, 4 groups are too few"
    with pytest.raises(TableError, match=told) as caught:
        split_by_group(given_, test=0.1, validation=0.1, seed=0)
    assert "the split `validation`" in caught.value.hint


def test_too_few_groups_are_refused_with_what_to_do() -> None:
    with pytest.raises(TableError, match="3 groups are too few") as caught:
        split_by_group([example(i, i % 3) for i in range(30)], test=0.1, validation=0.1, seed=0)
    assert "split" in caught.value.hint


def test_labels_rarer_than_the_parts_are_held_out_together() -> None:
    rare = [example(i, i, f"label{i // 2}") for i in range(40)]
    found = shares(split_by_group(rare, test=0.1, validation=0.1, seed=0))

    assert found["test"] == found["validation"] == pytest.approx(0.1)
    assert len(folds_by_group(rare, 5, validation=0.1, seed=0)) == 5


def test_folds_hold_every_group_out_once_and_whole() -> None:
    folds = folds_by_group(MANY, 4, validation=0.1, seed=0)
    held = [{one.group for one in fold if one.split == "test"} for fold in folds]

    assert len(folds) == 4
    assert sum(len(groups) for groups in held) == len(set.union(*held)) == 200
    for fold, groups in zip(folds, held, strict=True):
        assert [one.name for one in fold] == [one.name for one in MANY]
        others = {one.group for one in fold if one.split != "test"}
        assert not others & groups
        assert shares(fold)["validation"] == pytest.approx(0.1, abs=0.04)


def test_more_folds_than_groups_are_refused() -> None:
    with pytest.raises(TableError, match="2 groups are too few"):
        folds_by_group([example(i, i // 2) for i in range(4)], 3, validation=0.1, seed=0)
