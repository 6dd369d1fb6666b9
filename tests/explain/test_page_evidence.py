"""The texts about evidence maps on the page."""

import numpy as np

from diascope.explain.attribution import Attribution
from diascope.explain.page_evidence import method_view


def test_cells_are_given_as_width_by_height() -> None:
    evidence = Attribution("exact", np.zeros((3, 7), np.float32), 0.0, 0.0)
    assert "the picture into 7 x 3 cells" in method_view(evidence)["text"]
