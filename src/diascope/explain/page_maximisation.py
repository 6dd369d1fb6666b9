"""What labels and filters want as ``explain.html`` shows it: pictures, figures and words."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diascope.explain.activation_maximisation import Wanted
from diascope.explain.pictures import jpeg_uri, to_display_pixels
from diascope.explain.top_activating import ActivatingPicture, TopActivating
from diascope.pages.formatting import format_number, plural

_SIDE = 320  # of a painting
_THUMB = 200


def wanted_shown(
    wanted: Sequence[Wanted], gallery: TopActivating | None, titles: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return each painting, how strongly it excites, and the pictures of a table that do most."""
    return [
        {
            "name": each.target.name,
            "title": titles.get(each.target.title, each.target.title),
            "picture": jpeg_uri(_colours(each.picture), _SIDE),
            "rows": _rows(each),
            "words": f"{plural(each.steps, 'step')}, {each.seconds:.1f} s.",
            "excited": [
                _excited(one, titles)
                for one in (gallery.strongest[each.target.name] if gallery else ())
            ],
        }
        for each in wanted
    ]


def gallery_words(gallery: TopActivating) -> str:
    """Return how many pictures were looked at, of how many, and how long that took."""
    every = gallery.looked + sum(gallery.left_out.values()) == gallery.rows
    lot = "" if every else f", drawn by lot from its {plural(gallery.rows, 'row')}"
    return f"{plural(gallery.looked, 'picture')} of the table{lot}; {gallery.seconds:.1f} s"


def _rows(wanted: Wanted) -> list[tuple[str, str, str]]:
    """Return what was measured, of the painting and of the picture that is explained."""
    names = ("Logit",) if wanted.target.is_label else ("Mean of what is above 0", "Strongest place")
    pairs = zip(wanted.response, wanted.here, strict=True)
    return [
        (name, format_number(there), format_number(here))
        for name, (there, here) in zip(names, pairs, strict=False)
    ]


def _excited(one: ActivatingPicture, titles: Mapping[str, str]) -> dict[str, str]:
    return {
        "picture": jpeg_uri(to_display_pixels(one.pixels), _THUMB),
        "name": one.name.rpartition("/")[2],
        "labels": ", ".join(titles.get(label, label) for label in one.labels),
        "strength": format_number(one.response.strength),
    }


def _colours(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return ``(H, W, C)`` as it is if C is 3, else its first channel in grey."""
    return picture if picture.shape[2] == 3 else np.repeat(picture[:, :, :1], 3, axis=2)
