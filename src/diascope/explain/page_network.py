"""Steps, filters and depths as ``explain.html`` shows them: pictures, shapes and words."""

from typing import Any

from diascope.explain.explanation import Layer
from diascope.explain.feature_maps import Depth, share_words
from diascope.explain.filters import Filter
from diascope.explain.inspector import layer_numbers
from diascope.explain.pictures import jpeg_uri, map_uri, png_uri, to_display_pixels
from diascope.explain.steps import Stage
from diascope.pages.formatting import format_number, plural


def stage_shown(stage: Stage) -> dict[str, Any]:
    """Return the picture at one point of its way, its shape, its range and its notes."""
    height, width, channels = stage.pixels.shape
    low, high = stage.value_range
    return {
        "title": stage.title,
        "picture": jpeg_uri(to_display_pixels(stage.pixels)),
        "shape": f"{width} x {height} pixels, {plural(channels, 'channel')}",
        "low": format_number(low),
        "high": format_number(high),
        "notes": stage.notes,
    }


def filter_shown(each: Filter, *, responds: bool) -> dict[str, Any]:
    """Return a filter and its strength; if it ``responds``, also where it fires."""
    return {
        "index": each.response.index,
        "strength": format_number(each.response.strength),
        "picture": png_uri(each.picture),
        "response": map_uri(each.response.map) if responds else "",
    }


def depth_shown(depth: Depth, size: tuple[int, int]) -> dict[str, Any]:
    """Return the maps of one resolution, of a picture of ``size`` (height, width) in pixels."""
    height, width = depth.size
    share = share_words(depth.halvings, size[0], height)
    tall, wide = (format_number(side / cells) for side, cells in zip(size, depth.size, strict=True))
    return {
        "name": f"depth{depth.halvings}",
        "title": f"{share[0].upper()}{share[1:]}: {width} x {height} cells",
        "words": f"{plural(depth.channels, 'channel')}; a cell stands for {wide} x {tall} pixels "
        "of the picture, and looks at more around them",
        "maps": [
            {
                "index": channel.index,
                "strength": format_number(channel.strength),
                "picture": map_uri(channel.map),
            }
            for channel in depth.strongest
        ],
    }


def layer_shown(layer: Layer) -> dict[str, Any]:
    """Return the numbers of a layer that the page works out, and what it is in words."""
    convolution = layer.convolution
    filters, channels, tall, wide = convolution.weight.shape
    kind = "Transposed convolution" if convolution.transposed else "Convolution"
    steps = f"steps of {convolution.stride[0]} x {convolution.stride[1]}"
    words = [f"{kind}: {filters} filters of {channels} x {tall} x {wide} numbers", steps]
    if any(start < 0 for start in convolution.start):
        top, left = (-start for start in convolution.start)
        words.append(f"zeros above: {top}, to the left: {left}")
    if convolution.dilation != (1, 1):
        words.append(f"dilation {convolution.dilation[0]} x {convolution.dilation[1]}")
    if convolution.groups > 1:
        words.append(f"in {convolution.groups} groups of channels")
    height, width = convolution.output.shape[1:]
    numbers = layer_numbers(layer)
    titled = [each | {"title": str(each["index"])} for each in numbers["filters"]]
    return numbers | {
        "title": f"{width} x {height} places",
        "words": f"{', '.join(words)}. Bright is where the filter fires.",
        "filters": titled,
    }
