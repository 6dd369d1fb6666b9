"""Draw an answer: the evidence map over the network's input, with a caption below."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from diascope.sample import Evidence, Prediction

if TYPE_CHECKING:
    from PIL.Image import Image

_SIDE = 640
_MAX_OPACITY = 0.75
_FOR, _AGAINST = (255, 150, 40), (84, 160, 255)  # as in the html report
_FONT, _MARGIN, _COLUMNS = 18, 10, 68


def strongest_evidence(prediction: Prediction) -> Evidence | None:
    """Return the evidence map of the predicted label with the highest score.

    If the predicted labels have no maps, all labels are considered; None if there is no map.
    """
    maps = prediction.evidence
    predicted = [evidence for evidence in maps if evidence.label in prediction.predicted]
    return max(
        predicted or maps, key=lambda evidence: prediction.scores[evidence.label], default=None
    )


def draw_explanation(
    preview: NDArray[np.uint8], evidence: Evidence, lines: Sequence[str]
) -> NDArray[np.uint8]:
    """Return ``(H, W, 3)`` uint8: the preview, 640 wide, under its evidence map, and a caption.

    Evidence for the label is orange, evidence against it is blue. The strongest cell is the most
    opaque.
    """
    from PIL import Image

    height, width = preview.shape[:2]
    size = (_SIDE, max(1, round(_SIDE * height / width)))
    picture = Image.fromarray(preview).resize(size, Image.Resampling.LANCZOS)
    cells = Image.fromarray(np.ascontiguousarray(evidence.map, np.float32))
    values = np.asarray(cells.resize(size, Image.Resampling.BICUBIC))
    relative = np.clip(values / max(float(np.abs(evidence.map).max()), 1e-12), -1, 1)
    colours = np.where(relative[..., None] < 0, _AGAINST, _FOR)
    opacity = _MAX_OPACITY * np.abs(relative)[..., None]
    blended = np.asarray(picture) * (1 - opacity) + colours * opacity
    return np.concatenate([np.rint(blended).astype(np.uint8), np.asarray(_caption(lines))])


def _caption(lines: Sequence[str]) -> "Image":
    """Return white text on black, as wide as the picture."""
    import textwrap

    from PIL import Image, ImageDraw, ImageFont

    text = "\n".join(row for line in lines for row in textwrap.wrap(line, _COLUMNS))
    font = ImageFont.load_default(_FONT)
    draw = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    bottom = draw.multiline_textbbox((_MARGIN, _MARGIN), text, font=font)[3]
    image = Image.new("RGB", (_SIDE, int(bottom) + _MARGIN))
    ImageDraw.Draw(image).multiline_text((_MARGIN, _MARGIN), text, "white", font)
    return image
