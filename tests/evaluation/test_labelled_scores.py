"""Scores with true labels."""

import numpy as np
import pytest

from diascope.evaluation.labelled_scores import concatenate
from tests.evaluation.tables import binary, multiclass, multilabel


def test_a_selection_of_items_keeps_their_rows_together() -> None:
    table = multiclass(9, columns={"sex": tuple("fmfmfmfmf")})
    part = table.take(np.array([4, 1]))
    assert part.items == ("4.png", "1.png")
    assert part.columns["sex"] == ("f", "m")
    assert (part.scores == table.scores[[4, 1]]).all()


def test_a_binary_task_is_measured_by_its_positive_label_only() -> None:
    assert binary().measured == {"spotted": 1}
    assert multiclass().measured == {"red": 0, "green": 1, "blue": 2}


def test_unknown_labels_are_not_counted() -> None:
    table = multilabel()
    assert table.counts()["round"] == (table.targets[:, 0] == 1).sum()


def test_tables_of_other_shapes_and_scores_beyond_one_are_refused() -> None:
    with pytest.raises(ValueError, match=r"groups must have 120 entries, got 1"):
        multiclass(groups=("a",))
    with pytest.raises(ValueError, match=r"sets must be \(120, 3\), got \(1, 1\)"):
        multiclass(sets=np.ones((1, 1), np.bool_))
    with pytest.raises(ValueError, match=r"scores must be in \[0, 1\]"):
        multiclass(noise=np.nan)


def test_concatenated_scores_are_of_the_weakest_kind() -> None:
    sets = np.ones((9, 3), np.bool_)
    sure = multiclass(9, score_kind="probability", sets=sets, coverage=0.9)
    both, mixed = concatenate([sure, sure]), concatenate([sure, multiclass(9)])
    assert (both.score_kind, both.coverage, len(both)) == ("probability", 0.9, 18)
    assert both.sets is not None
    assert (mixed.score_kind, mixed.coverage, mixed.sets) == ("softmax", None, None)
