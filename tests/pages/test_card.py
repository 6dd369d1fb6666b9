"""The page of a model card."""

from dataclasses import replace

from diascope.card import Calibration, Label, ModelCard, NoveltyLimit
from diascope.pages.card import card_page

CARD = ModelCard(
    name="shades",
    title="Dark or bright",
    task="multiclass",
    labels=(Label("dark", codes={"SCT": "123"}, operating_point=0.3), Label("bright")),
    size=(32, 48),
    backbone="convnet",
    mean=(0.5,),
    std=(0.25,),
    score_kind="softmax",
    preprocess=("equalize", {"resize": {"size": [32, 48]}}),
    licence="CC0",
    data={
        "name": "Shadows",
        "train": {"pictures": 1200, "groups": 600, "labels": {"dark": 700, "bright": 500}},
    },
    metrics={
        "measured_on": "test: 90 pictures",
        "accuracy": {"value": 0.81, "low": 0.74, "high": 0.87},
        "auc_dark": {"value": 0.9, "low": 0.8, "high": 0.95},
    },
    limits=("Grey pictures only.",),
    made={"command": "pipeline train shades.yaml", "versions": {"diascope": "0.1.0"}},
    digest="ab" * 32,
)
SECTIONS = (
    "Model details",
    "Intended use and limits",
    "Factors",
    "Metrics",
    "Data",
    "Calibration and decisions",
    "How it was made",
)


def test_the_page_has_the_sections_of_a_model_card_in_order() -> None:
    page = card_page(CARD)
    places = [page.index(f"<h2>{section}</h2>") for section in SECTIONS]
    assert places == sorted(places)


def test_an_operating_point_near_0_is_not_shown_as_0() -> None:
    page = card_page(replace(CARD, labels=(Label("dark", operating_point=4e-4), Label("bright"))))
    assert "&lt;0.001</td>" in page


def test_a_card_says_that_shares_are_fractions() -> None:
    assert "Scores are fractions of a picture&#39;s regions" in card_page(
        replace(CARD, score_kind="share")
    )


def test_what_is_empty_in_a_fact_of_several_parts_is_left_out() -> None:
    start = {"file": "w.pth", "not_loaded": [], "left_out": 0}
    page = card_page(replace(CARD, made={"start": start}))
    assert '<span class="muted">left_out</span> 0' in page
    assert "not_loaded" not in page


def test_the_page_shows_the_contents_of_the_card() -> None:
    page = card_page(CARD)
    told = ("48 x 32 pixels, 1 channel<", "equalize, resize (size [32, 48])", "SCT 123", "0.300")
    told += ("0.810", "0.740 – 0.870", "Grey pictures only.", "CC0", "1,200", "Shadows", "ab" * 32)  # noqa: RUF001
    assert [text for text in told if text not in page] == []


def test_operating_points_are_thresholds_only_if_each_label_is_decided_on_its_own() -> None:
    compared = card_page(CARD)
    assert "Decided from" not in compared
    assert "largest multiple of its operating point" in compared
    assert "a label without one counts as having 1" in compared
    every = tuple(replace(label, operating_point=0.3) for label in CARD.labels)
    assert "a label without one" not in card_page(replace(CARD, labels=every))

    alone = card_page(replace(CARD, task="multilabel"))
    assert "Decided from" in alone
    assert "largest multiple" not in alone

    plain = tuple(replace(label, operating_point=None) for label in CARD.labels)
    page = card_page(replace(CARD, labels=plain))
    assert "The label with the highest score is predicted." in page


def test_a_model_without_a_backbone_has_a_network_of_its_own() -> None:
    page = card_page(replace(CARD, backbone=""))
    assert "its own" in page
    assert "<dt>Head</dt>" not in page
    assert "<dt>Head</dt>" in card_page(CARD)


def test_a_card_without_measurements_says_so() -> None:
    page = card_page(replace(CARD, metrics={}, limits=(), data={}, made={}))
    assert "No metrics are recorded" in page
    assert "No limits are stated" in page
    assert "No subgroups were measured" in page
    assert "not calibrated" in page


def test_the_page_shows_calibration_and_decisions() -> None:
    page = card_page(
        replace(
            CARD,
            score_kind="probability",
            calibration=Calibration("temperature", (0.8, 0.8), (0.125, -0.25), "validation"),
            operating_rule="highest balanced accuracy",
            conformal={"0.9": 0.21},
            test_time="flips",
            novelty=NoveltyLimit((1.5, 1.25), "800 training pictures"),
        )
    )
    told = (
        "calibrated probabilities",
        "temperature",
        "\N{MINUS SIGN}0.25",
        "highest balanced accuracy",
    )
    told += ("coverage 0.9", "labels with scores of 0.21 and above", "three mirror images")
    told += ("Unlike the training pictures", "above a distance of", "800 training pictures")
    assert [text for text in told if text not in page] == []


def test_the_layers_of_a_network_are_listed_one_by_one() -> None:
    layers = ({"conv": {"filters": 8, "norm": "batch"}}, {"pool": {}})
    page = card_page(replace(CARD, backbone="convnet", backbone_parameters={"layers": layers}))
    told = " ".join(page.split())
    assert "conv (filters 8, norm batch), pool" in told


def test_a_binary_calibration_is_that_of_the_second_label() -> None:
    fitted = Calibration("platt", (0.8,), (0.1,))
    page = card_page(
        replace(CARD, task="binary", score_kind="probability", calibration=fitted, metrics={})
    )
    assert '<span class="muted">bright</span> 0.1' in page
    assert '<span class="muted">dark</span> 0.1' not in page


def test_subgroups_stand_under_their_factor_below_the_whole() -> None:
    part = {"accuracy": {"value": 0.612, "low": 0.5, "high": 0.7}}
    page = card_page(replace(CARD, subgroups={"sex=male": part, "sex=female": part, "age=1": part}))
    factors = page[page.index("<h2>Factors") : page.index("<h2>Metrics")]
    assert [factors.count(f"<h3>{factor}</h3>") for factor in ("Sex", "Age")] == [1, 1]
    assert factors.index(">All<") < factors.index(">male<") < factors.index(">female<")
    assert factors.count("0.612") == 3


def test_a_subgroup_shows_its_size_and_its_warning() -> None:
    part = {"items": 12, "warning": "fewer than 50 items", "accuracy": {"value": 0.612}}
    page = card_page(replace(CARD, subgroups={"sex=male": part}))
    assert ">male (12)<" in page
    assert "male: fewer than 50 items" in page


def test_data_written_by_hand_is_shown_as_it_is() -> None:
    counts = {"pictures": 90, "labels": {"dark": 40}}
    told = card_page(replace(CARD, data={"train": "5,000 pictures of a clinic", "test": counts}))
    data = told[told.index("<h2>Data") : told.index("<h2>Calibration")]
    assert "<dt>Train</dt><dd>5,000 pictures of a clinic</dd>" in "".join(data.splitlines())
    assert [text in data for text in (">90<", ">40<", ">–<")] == [True] * 3  # noqa: RUF001
    page = card_page(replace(CARD, preprocess=({"resize": 160}, {"shift": 0}, {"a": 1, "b": 2})))
    assert "resize (160), shift (0), {&#39;a&#39;: 1, &#39;b&#39;: 2}" in page


def test_cross_validation_is_shown_with_the_metrics() -> None:
    across = {"folds": 5, "measured_on": "900 pictures", "accuracy": {"value": 0.777}}
    page = card_page(replace(CARD, cross_validation=across))
    metrics = page[page.index("<h2>Metrics") : page.index("<h2>Data")]
    assert [text in metrics for text in ("5 folds", "900 pictures", "0.777")] == [True] * 3


def test_texts_of_a_card_are_escaped() -> None:
    page = card_page(replace(CARD, title="<script>alert(1)</script>", limits=("a <b> & c",)))
    assert "<script" not in page
    assert "a &lt;b&gt; &amp; c" in page


def test_a_subgroup_without_a_metric_shows_no_other_instead() -> None:
    whole = {name: {"value": 0.9, "low": 0.8, "high": 0.95} for name in ("auc_macro", "accuracy")}
    whole |= {"brier": {"value": 0.2, "low": 0.1, "high": 0.3}}
    part = {"items": 4, "accuracy": whole["accuracy"], "brier": whole["brier"]}
    page = card_page(replace(CARD, metrics=whole, subgroups={"site=ear": part}))
    factors = page[page.index("<h2>Factors") : page.index("<h2>Metrics")]

    assert "Accuracy" in factors
    assert "Brier" not in factors


def test_the_measured_evidence_follows_the_metrics() -> None:
    energy = {"value": 0.512, "low": 0.48, "high": 0.55}
    evidence = {
        "measured_on": "300 pictures of 250 groups of labels.csv",
        "masks": "300 pictures that the column mask of labels.csv names",
        "inside": {"cases": 300, "figures": {"energy": energy, "pointing": {"value": 0.25}}},
        "hiding": {},
        "randomised": {},
        "left_out": {},
    }
    page = card_page(replace(CARD, evidence=evidence))
    section = page[page.index("<h2>How good are the evidence maps?") : page.index("<h2>Data")]

    told = (
        "300 pictures of 250 groups",
        "the column mask",
        "Energy inside the mask",
        "0.512",
        "0.250",
    )
    assert [text for text in told if text not in section] == []
    assert "evidence maps" not in card_page(CARD)


def test_negative_correlations_have_an_axis_from_minus_1_and_are_no_fault() -> None:
    head = {"value": -0.5, "low": -0.6, "high": -0.4}
    page = card_page(
        replace(CARD, evidence={"randomised": {"cases": 50, "figures": {"head": head}}})
    )
    section = page[page.index("Does the evidence depend") :]
    assert "far below 1" in section
    assert "<span>\N{MINUS SIGN}1</span><span>0</span><span>1</span>" in section
    assert 'cx="25.0%"' in section
    assert "<span>0</span><span>0.5</span><span>1</span>" in page  # of the metrics


def test_the_reader_of_the_training_is_in_the_details_if_known() -> None:
    assert "dicom (window 2)" in card_page(replace(CARD, read={"dicom": {"window": 2}}))
    assert "<dt>Reader</dt>" not in card_page(CARD)


def test_labels_that_are_unknown_are_counted_beside_the_known_ones() -> None:
    train = {**CARD.data["train"], "unknown": {"dark": 1052}}
    page = card_page(replace(CARD, data={"train": train}))
    assert '700<br><span class="muted">1,052 unknown</span></td>' in page
    assert page.count(" unknown</span>") == 1
