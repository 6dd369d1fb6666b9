"""Evidence and occlusion maps as ``explain.html`` shows them: pictures, scales and words."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from diascope.explain.evidence import Attribution, Method
from diascope.explain.occlusion import Occlusion
from diascope.explain.pictures import overlay_uri
from diascope.pages.formatting import plural, typeset_number

_EXACT = (
    "The network divides the picture into {1} x {0} cells. Each adds a number to the answer or "
    "takes one away, and these numbers add up to it, as printed below the map."
)
_ESTIMATE = (
    "The network divides the picture into {1} x {0} cells. How much each matters is estimated from "
    "gradients; the numbers need not add up to the answer."
)
_METHODS: dict[Method, tuple[str, str]] = {
    "exact": ("What each cell adds (exact)", _EXACT),
    "hirescam": ("HiResCAM", _ESTIMATE),
    "grad-cam": ("Grad-CAM", f"{_ESTIMATE} It shows only what speaks for the label."),
    "grad-cam++": ("Grad-CAM++", f"{_ESTIMATE} It shows only what speaks for the label."),
    "integrated-gradients": (
        "Integrated gradients",
        "Each pixel's share in the difference between this picture and an even grey one, by "
        "gradients along the way; how much the shares miss that difference is printed below.",
    ),
}


def method_shown(evidence: Attribution) -> dict[str, str]:
    """Return a method's title, and what its map means."""
    title, words = _METHODS[evidence.method]
    return {"title": title, "words": words.format(*evidence.map.shape)}


def maps_shown(
    evidence: Mapping[str, Attribution], picture: NDArray[np.uint8], titles: Mapping[str, str]
) -> dict[str, dict[str, str]]:
    """Return label to its map over the picture ``(H, W, 3)``, all drawn to one scale."""
    reach = max(_reach(each.map) for each in evidence.values())
    return {label: _map(each, picture, titles[label], reach) for label, each in evidence.items()}


def occlusion_shown(
    occlusion: Occlusion, evidence: Attribution, picture: NDArray[np.uint8]
) -> dict[str, str]:
    """Return an occlusion map over the picture, and how well it agrees with the evidence."""
    reach = _reach(occlusion.map)
    return {
        "picture": overlay_uri(picture, occlusion.map, reach),
        "low": signed_words(-reach),
        "high": signed_words(reach),
        "words": f"Orange: without this part the logit falls. {_agreement(occlusion, evidence)}"
        f"{plural(occlusion.passes, 'look')} at the picture, {occlusion.seconds:.1f} s.",
    }


def signed_words(number: float) -> str:
    """Return a number with its sign and three digits."""
    return typeset_number(f"{number + 0.0:+.3g}")


def small_words(number: float) -> str:
    """Return a number with two digits and its power of ten; 0 as it is."""
    return typeset_number(f"{number:.1e}") if number else "0"


def _map(
    evidence: Attribution, picture: NDArray[np.uint8], title: str, reach: float
) -> dict[str, str]:
    fault = ""
    if evidence.method == "exact" and not evidence.adds_up:
        fault = "The map does not add up to the answer: do not trust it."
    return {
        "title": title,
        "picture": overlay_uri(picture, evidence.map, reach),
        "low": signed_words(-reach),
        "high": signed_words(reach),
        "sum": _sum_words(evidence),
        "fault": fault,
    }


def _sum_words(evidence: Attribution) -> str:
    total, logit = signed_words(evidence.sum), signed_words(evidence.logit)
    if evidence.due is None:
        return f"sum {total}; logit {logit}"
    rest = signed_words(evidence.logit - evidence.due)
    residual = small_words(evidence.residual or 0.0)
    if evidence.method == "exact":
        return f"map {total} + bias {rest} = logit {logit}, residual {residual}"
    return f"map {total} + logit of grey {rest} = logit {logit}, completeness gap {residual}"


def _agreement(occlusion: Occlusion, evidence: Attribution) -> str:
    agreement = occlusion.agreement(evidence.map)
    if agreement is None:
        return ""
    return (
        f"Agreement with the evidence map: {signed_words(agreement)} (Spearman's rank correlation: "
        "1 is the same order of cells, 0 none). "
    )


def _reach(cells: NDArray[np.float32]) -> float:
    return float(np.abs(cells).max(initial=0.0)) or 1.0
