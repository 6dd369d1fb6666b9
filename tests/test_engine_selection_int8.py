"""The choice of a quantised graph: only if it is requested and undamaged."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from diascope.card import ModelCard
from diascope.engine_selection import load_engine
from diascope.engines import graph_cache, open_engines
from diascope.errors import RecipeError
from tests.test_engine_selection import home as home
from tests.test_engine_selection import runtime
from tests.test_engine_selection import weights as weights


def quantised(
    weights: tuple[Path, ModelCard], tmp_path: Path, content: bytes = b"", **seen: float
) -> str:
    """Store the float32 graph as if it were quantised; return its precision."""
    opened = open_engines.EngineLoader(weights[1], weights[0], runtime("openvino"))
    made = tmp_path / "made.onnx"
    shutil.copy(opened.exported()[0], made)
    if content:  # ONNX allows for a second description
        made.write_bytes(made.read_bytes() + b"\x32" + bytes([len(content)]) + content)
    return opened.keep_quantised(made, {"change": 0.001, "flips": 0} | seen)


def test_int8_is_used_if_it_is_requested_and_a_quantised_graph_exists(
    weights: tuple[Path, ModelCard], tmp_path: Path
) -> None:
    folder, card = weights
    with pytest.raises(
        RecipeError, match=r"of random for these weights and these steps(.|\n)*--set.*quantise"
    ):
        load_engine(card, folder, runtime("auto", "int8"))
    precision = quantised(weights, tmp_path)
    for engine in ("auto", "openvino", "auto"):
        _, chosen = load_engine(card, folder, runtime(engine, "int8"))
        assert (chosen.engine, chosen.precision) == ("openvino", precision)
        assert chosen.change == 0.001  # of the pictures of its quantisation, where it was more
    with pytest.raises(RecipeError, match="for these weights and these steps"):
        load_engine(card, folder, replace(runtime("auto", "int8"), plugins=("another step 1.0",)))
    for engine in ("onnx", "torch"):
        with pytest.raises(RecipeError, match=f"no engine computes in int8.*{engine}"):
            load_engine(card, folder, runtime(engine, "int8"))
    tried = open_engines.EngineLoader(card, folder, runtime("auto")).candidates()
    assert precision not in dict(tried).values()


@pytest.mark.parametrize(
    ("seen", "told"),
    [({"change": 0.5}, r"moves a score by 0\.5;"), ({"flips": 1}, "flips a decision")],
)
def test_int8_is_refused_for_what_it_did_to_the_pictures_of_its_quantisation(
    weights: tuple[Path, ModelCard], tmp_path: Path, seen: dict[str, float], told: str
) -> None:
    quantised(weights, tmp_path, **seen)
    with pytest.raises(RecipeError, match=told):
        load_engine(weights[1], weights[0], runtime("auto", "int8"))


def test_a_graph_that_was_quantised_later_is_another_engine(
    weights: tuple[Path, ModelCard], tmp_path: Path
) -> None:
    folder, card = weights
    first = quantised(weights, tmp_path)
    load_engine(card, folder, runtime("auto", "int8"))
    second = quantised(weights, tmp_path, b"other")
    assert load_engine(card, folder, runtime("auto", "int8"))[1].precision == second != first
    assert load_engine(card, folder, runtime("openvino", first))[1].precision == first


def test_a_damaged_quantised_graph_is_refused_though_it_was_chosen(
    weights: tuple[Path, ModelCard], tmp_path: Path, home: Path
) -> None:
    folder, card = weights
    precision = quantised(weights, tmp_path)
    load_engine(card, folder, runtime("auto", "int8"))
    (entry,) = home.rglob(f"{precision}.json")
    (entry.parent / (graph_cache.read_entry(entry) or {})["file"]).write_bytes(b"cut")
    with pytest.raises(RecipeError, match=f"no {precision} graph"):
        load_engine(card, folder, runtime("auto", "int8"))
