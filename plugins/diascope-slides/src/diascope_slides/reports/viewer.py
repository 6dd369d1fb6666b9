"""Write a page to pan and zoom slides under their heat maps: ``slides.html``.

The page uses OpenSeadragon (BSD licence, included in ``viewer_assets``). It opens from a local
disk, without a server or network: all it shows are the data in it and the picture files beside it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, ClassVar

from annotated_types import Ge

from diascope.errors import ReadError, reason_of
from diascope.pages.heat import ramp_css
from diascope.pages.render import csp_hash, fill_placeholders, json_block, read_asset
from diascope.sample import Record
from diascope_slides.reports.answers import Answer, answers, card_labels
from diascope_slides.reports.layers import save_heat, save_mask
from diascope_slides.reports.proportions import stretched
from diascope_slides.reports.pyramid import write_pyramid

_SCRIPTS = ("openseadragon.min.js", "elements.js", "scale.js", "stage.js", "panel.js", "page.js")


@dataclass(frozen=True)
class ViewerReport:
    """``slides.html``: a page to zoom into every slide, with heat maps and the tissue mask.

    ``slides/<name>/`` holds the pictures of the page. If a slide can no longer be opened, the page
    shows its overview and states the reason. With ``privacy: strict`` it does not state the reason,
    which may name a file.

    Args:
        pixels: maximum length of a slide's longer side, at least 256. A slide of 8,192 pixels takes
            some 30 MB and, while it is written, up to 200 MB of memory; both grow fourfold with
            twice as many pixels.
    """

    pixels: Annotated[int, Ge(256)] = 8192
    api: ClassVar = (1, 2)

    def write(
        self, run: Mapping[str, Any], records: Iterable[Record], directory: Path
    ) -> Sequence[Path]:
        """Write the page and its pictures, holding one slide in memory at a time."""
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
        """Write the pictures of a slide and return its data for the page.

        Args:
            strict: whether to omit reasons, which may name files.
        """
        from PIL import Image

        prediction, overview = answer.prediction, answer.overview
        pyramid, note = None, ""
        try:
            written = write_pyramid(prediction.item, overview, folder / "zoom", self.pixels)
            pyramid = {**asdict(written), "url": f"slides/{answer.name}/zoom_files/"}
            size = written.height, written.width
        except (ReadError, OSError) as error:
            size = stretched(overview.mask.shape, overview)
            reason = "it can no longer be opened" if strict else reason_of(error)
            note = f"Only its overview can be shown: {reason}"
            picture = Image.fromarray(overview.picture).resize(size[::-1])
            picture.save(folder / "overview.jpg", quality=85)
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
            "heats": {label: save_heat(answer, label, folder, size) for label in answer.labels},
            "tissue": save_mask(answer, folder, size),
        }


def _page() -> str:
    """Return the page with its style, its scripts and a policy that allows no other scripts."""
    style = read_asset("tokens.css") + ramp_css() + _asset("viewer.css")
    script = "".join(map(_asset, _SCRIPTS))
    policy = (
        "default-src 'none'; img-src 'self' file: data:; style-src 'unsafe-inline'; "
        f"script-src {csp_hash(script)}; base-uri 'none'; form-action 'none'"
    )
    return fill_placeholders(_asset("page.html"), policy=policy, style=style, script=script)


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath("viewer_assets", name).read_text("utf-8")
