"""Feature visualisations and top-activating pictures for ``explain.html``."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diascope.display_text import plural
from diascope.explain.activation_maximisation import FeatureVisualisation
from diascope.explain.pictures import jpeg_uri, to_display_pixels
from diascope.explain.top_activating import ActivatingPicture, TopActivating
from diascope.pages.formatting import format_number

_SIDE = 320
_THUMBNAIL_SIDE = 200


def visualisation_views(
    visualisations: Sequence[FeatureVisualisation],
    gallery: TopActivating | None,
    titles: Mapping[str, str],
) -> list[dict[str, Any]]:
    """Return each visualisation with its responses and the top-activating pictures of a table."""
    return [
        {
            "name": each.target.name,
            "title": titles.get(each.target.title, each.target.title),
            "picture": jpeg_uri(_to_rgb(each.picture), _SIDE),
            "rows": _rows(each),
            "text": f"{plural(each.steps, 'step')}, {each.seconds:.1f} s.",
            "top_pictures": [
                _top_picture(one, titles)
                for one in (gallery.strongest[each.target.name] if gallery else ())
            ],
        }
        for each in visualisations
    ]


def gallery_text(gallery: TopActivating) -> str:
    """Return how many pictures of how many rows were compared, and how long that took."""
    complete = gallery.searched + sum(gallery.left_out.values()) == gallery.rows
    choice = "" if complete else f", drawn at random from its {plural(gallery.rows, 'row')}"
    return f"{plural(gallery.searched, 'picture')} of the table{choice}; {gallery.seconds:.1f} s"


def _rows(each: FeatureVisualisation) -> list[tuple[str, str, str]]:
    """Return the responses to the visualisation and to the picture being explained."""
    names = ("Logit",) if each.target.is_label else ("Mean (negative values as 0)", "Maximum")
    pairs = zip(each.response, each.explained_response, strict=True)
    return [
        (name, format_number(optimised), format_number(explained))
        for name, (optimised, explained) in zip(names, pairs, strict=False)
    ]


def _top_picture(one: ActivatingPicture, titles: Mapping[str, str]) -> dict[str, str]:
    return {
        "picture": jpeg_uri(to_display_pixels(one.pixels), _THUMBNAIL_SIDE),
        "name": one.name.rpartition("/")[2],
        "labels": ", ".join(titles.get(label, label) for label in one.labels),
        "strength": format_number(one.response.strength),
    }


def _to_rgb(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return ``(H, W, 3)`` unchanged, and the first channel of any other picture in grey."""
    return picture if picture.shape[2] == 3 else np.repeat(picture[:, :, :1], 3, axis=2)
