"""Evidence and occlusion maps for ``explain.html``: pictures, scales and texts."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from diascope.explain.attribution import Attribution, Method
from diascope.explain.occlusion import Occlusion
from diascope.explain.pictures import overlay_uri
from diascope.pages.formatting import typeset_number

_EXACT = (
    "The network divides the picture into {1} x {0} cells. Each cell raises or lowers the logit; "
    "the sum is printed below the map."
)
_ESTIMATE = (
    "The network divides the picture into {1} x {0} cells. The contribution of each is estimated "
    "from gradients; the numbers need not add up to the logit."
)
_POSITIVE = f"{_ESTIMATE} Only evidence for the label is shown."
_METHODS: dict[Method, tuple[str, str]] = {
    "exact": ("Contribution of each cell (exact)", _EXACT),
    "hirescam": ("HiResCAM", _ESTIMATE),
    "grad-cam": ("Grad-CAM", _POSITIVE),
    "grad-cam++": ("Grad-CAM++", _POSITIVE),
    "integrated-gradients": (
        "Integrated gradients",
        "How much each pixel contributes to the difference in logit between this picture and a "
        "uniform one of the card's mean, from gradients along the path between them. The "
        "completeness gap below is the relative error of their sum.",
    ),
}


def method_view(evidence: Attribution) -> dict[str, str]:
    """Return a method's title and an explanation of its map."""
    title, text = _METHODS[evidence.method]
    return {"title": title, "text": text.format(*evidence.map.shape)}


def map_views(
    evidence: Mapping[str, Attribution], picture: NDArray[np.uint8], titles: Mapping[str, str]
) -> dict[str, dict[str, str]]:
    """Return the map of each label over the picture ``(H, W, 3)``, all on the same scale."""
    reach = max(_max_magnitude(each.map) for each in evidence.values())
    return {label: _map(each, picture, titles[label], reach) for label, each in evidence.items()}


def occlusion_view(
    occlusion: Occlusion, evidence: Attribution, picture: NDArray[np.uint8]
) -> dict[str, str]:
    """Return an occlusion map over the picture, and its agreement with the evidence map."""
    reach = _max_magnitude(occlusion.map)
    return {
        "picture": overlay_uri(picture, occlusion.map, reach),
        "low": format_signed(-reach),
        "high": format_signed(reach),
        "text": "Orange: the logit falls when this part is hidden. "
        f"{_agreement_text(occlusion, evidence)}"
        f"{occlusion.passes} pictures classified in {occlusion.seconds:.1f} s.",
    }


def format_signed(number: float) -> str:
    """Return a number with its sign and three significant digits."""
    return typeset_number(f"{number + 0.0:+.3g}")


def format_small(number: float) -> str:
    """Return a number in scientific notation with two significant digits; 0 as ``0``."""
    return typeset_number(f"{number:.1e}") if number else "0"


def _map(
    evidence: Attribution, picture: NDArray[np.uint8], title: str, reach: float
) -> dict[str, str]:
    fault = ""
    if evidence.method == "exact" and not evidence.adds_up:
        fault = "The map does not add up to the logit: do not trust it."
    return {
        "title": title,
        "picture": overlay_uri(picture, evidence.map, reach),
        "low": format_signed(-reach),
        "high": format_signed(reach),
        "sum": _sum_text(evidence),
        "fault": fault,
    }


def _sum_text(evidence: Attribution) -> str:
    total, logit = format_signed(evidence.sum), format_signed(evidence.logit)
    if evidence.expected_sum is None:
        return f"sum {total}; logit {logit}"
    rest = format_signed(evidence.logit - evidence.expected_sum)
    residual = format_small(evidence.residual or 0.0)
    if evidence.method == "exact":
        return f"map {total} + bias {rest} = logit {logit}, residual {residual}"
    return f"map {total} + uniform picture {rest} = logit {logit}, completeness gap {residual}"


def _agreement_text(occlusion: Occlusion, evidence: Attribution) -> str:
    agreement = occlusion.agreement(evidence.map)
    if agreement is None:
        return ""
    return (
        f"Spearman's rank correlation with the evidence map: {format_signed(agreement)} (1: same "
        "order of cells, 0: no agreement). "
    )


def _max_magnitude(cells: NDArray[np.float32]) -> float:
    return float(np.abs(cells).max(initial=0.0)) or 1.0
