"""A page on which slides are zoomed, with their heat maps over them: ``slides.html``.

The zooming is OpenSeadragon's (BSD licence, beside it in ``viewer_assets``). The page is opened
from a disk, without a server and without a network: what it shows is data within it and picture
files beside it.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar

from diascope.errors import ReadError, reason_of
from diascope.pages.heat import heat_png, ramp_css
from diascope.pages.render import csp_hash, fill_placeholders, json_block, read_asset
from diascope.sample import Record
from diascope_slides.reports.answers import Answer, answers, card_labels
from diascope_slides.reports.names import safe_name
from diascope_slides.reports.pyramid import write_pyramid

_HEAT_PIXELS = 2048  # of a heat map's longer side
_SCRIPTS = ("openseadragon.min.js", "elements.js", "scale.js", "stage.js", "panel.js", "page.js")


@dataclass(frozen=True)
class ViewerReport:
    """``slides.html``: every slide to zoom into, with the heat map of each label.

    ``slides/<name>/``: what the page shows. Where a slide can no longer be opened, the page shows
    its overview and says why; with ``privacy: strict`` it does not, as the reason may name a file.

    Args:
        pixels: of a slide's longer side at most, from 256. A slide of 8,192 pixels takes some
            30 MB and, while it is written, up to 200 MB of memory; twice as many pixels, four
            times as much.
    """

    pixels: int = 8192
    api: ClassVar = (1, 2)

    def __post_init__(self) -> None:
        if self.pixels < 256:
            raise ValueError(f"pixels must be at least 256, got {self.pixels}")

    def write(
        self, run: Mapping[str, Any], records: Iterable[Record], directory: Path
    ) -> Sequence[Path]:
        """Write the page and the pictures, one slide in memory at a time."""
        path = directory / "slides.html"
        head, tail = _page().split("{{data}}")
        titles = {name: asdict(label) for name, label in card_labels(run).items()}
        strict = run["recipe"]["privacy"] == "strict"
        about = {"title": run["card"].get("title") or run["card"]["name"], "labels": titles}
        with path.open("w", encoding="utf-8", newline="\n") as file:
            file.write(head)
            file.write(json_block('id="run"', about))
            for answer in answers(records):
                folder = directory / "slides" / answer.name
                folder.mkdir(parents=True, exist_ok=True)
                file.write(json_block('class="slide"', self._slide(answer, folder, strict)))
            file.write(tail)
        return [file for file in sorted(directory.rglob("*")) if file.is_file()]

    def _slide(self, answer: Answer, folder: Path, strict: bool) -> dict[str, Any]:
        """Write the pictures of a slide and return what the page has to know of it.

        Args:
            strict: whether the page may name no file, as the reason does why one cannot be opened.
        """
        from PIL import Image

        prediction, overview = answer.prediction, answer.overview
        pyramid, note = None, ""
        try:
            made = write_pyramid(prediction.item, overview, folder / "zoom", self.pixels)
            pyramid = {**asdict(made), "url": f"slides/{answer.name}/zoom_files/"}
            shown = made.height, made.width
        except (ReadError, OSError) as error:
            shown = overview.mask.shape
            reason = "it can no longer be opened" if strict else reason_of(error)
            note = f"Only its overview can be shown: {reason}"
            Image.fromarray(overview.picture).save(folder / "overview.jpg", quality=85)
        return {
            "id": prediction.item.id,
            "pyramid": pyramid,
            "overview": f"slides/{answer.name}/overview.jpg",
            "note": note,
            "size": overview.size,
            "spacing": overview.spacing_mm,
            "counts": overview.counts,
            "predicted": prediction.predicted,
            "kind": prediction.score_kind,
            "scores": {label: float(score) for label, score in prediction.scores.items()},
            "warnings": answer.caveats,
            "heats": {label: _save_heat(answer, label, folder, shown) for label in answer.labels},
        }


def _save_heat(answer: Answer, label: str, folder: Path, shown: tuple[int, int]) -> dict[str, Any]:
    """Write the heat map of a label; return where it is, how wide, and what its colours mean.

    A page stretches both sides of a picture alike, so each of its pixels covers a square of pixels
    of the slide as it is shown; the last ones may reach over the edge.

    Args:
        shown: (height, width) of the slide as it is shown.
    """
    side = math.ceil(max(shown) / _HEAT_PIXELS)
    rows, columns = (math.ceil(pixels / side) for pixels in shown)
    height, width = answer.overview.size
    covered = rows * side * height / shown[0], columns * side * width / shown[1]
    limits = answer.limits(label)
    path = folder / f"heat-{safe_name(label)}.png"
    path.write_bytes(heat_png(answer.heat(label, (rows, columns), covered), *limits))
    url = f"slides/{answer.name}/{path.name}"
    return {"url": url, "width": columns * side / shown[1], "limits": limits}


def _page() -> str:
    """Return the page with style, scripts and the policy that allows no other script."""
    style = read_asset("tokens.css") + ramp_css() + _asset("viewer.css")
    script = "".join(map(_asset, _SCRIPTS))
    policy = (
        "default-src 'none'; img-src 'self' file: data:; style-src 'unsafe-inline'; "
        f"script-src {csp_hash(script)}; base-uri 'none'; form-action 'none'"
    )
    return fill_placeholders(_asset("page.html"), policy=policy, style=style, script=script)


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath("viewer_assets", name).read_text("utf-8")
