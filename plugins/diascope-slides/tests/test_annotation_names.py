"""Which file holds the annotations of a slide."""

import json
from pathlib import Path

import pytest
from shapely import box
from shapely.geometry import mapping

from diascope.errors import ReadError
from diascope.sample import Item
from diascope_slides.annotations import annotated_area
from diascope_slides.options import Annotations

LEFT, RIGHT = box(0, 0, 256, 512), box(256, 0, 512, 512)


def annotate(folder: Path, shape: object, name: str) -> None:
    feature = {"type": "Feature", "geometry": mapping(shape), "properties": {}}
    (folder / f"{name}.geojson").write_text(json.dumps(feature))


@pytest.mark.parametrize(
    ("slide", "name"),
    [("1.2.3.4", "1.2.3.4"), ("1.2.3.dcm", "1.2.3"), ("A.SVS", "A"), ("a.b", "a.b")],
)
def test_only_the_suffix_of_a_slide_is_left_out_of_the_name(
    tmp_path: Path, slide: str, name: str
) -> None:
    annotate(tmp_path, LEFT, name)
    annotate(tmp_path, RIGHT, "1.2")  # of no slide here
    item = Item(slide, f"/slides/{slide}")
    mask, note = annotated_area(Annotations(tmp_path), item, (512, 512), (2, 2))

    assert mask.tolist() == [[True, False], [True, False]]
    assert f"'{name}.geojson'" in note


def test_a_slide_with_two_files_of_annotations_fails(tmp_path: Path) -> None:
    annotate(tmp_path, LEFT, "A")
    annotate(tmp_path, RIGHT, "A.svs")
    with pytest.raises(ReadError, match=r"several files .*A\.geojson' and .*A\.svs\.geojson'"):
        annotated_area(Annotations(tmp_path), Item("A.svs", "/s/A.svs"), (512, 512), (2, 2))
