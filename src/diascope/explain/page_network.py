"""Stages, filters, depths and layers for ``explain.html``: pictures, shapes and texts."""

from typing import Any

from diascope.display_text import plural
from diascope.explain.explanation import ExplainedLayer
from diascope.explain.feature_maps import Depth, format_map_scale
from diascope.explain.filters import Filter
from diascope.explain.inspector import layer_numbers
from diascope.explain.page_layers import cells_text
from diascope.explain.pictures import jpeg_uri, map_uri, png_uri, to_display_pixels
from diascope.explain.steps import Stage
from diascope.pages.formatting import format_number


def stage_view(stage: Stage) -> dict[str, Any]:
    """Return the picture at one preprocessing stage, its shape, value range and notes."""
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


def filter_view(each: Filter, *, with_response: bool) -> dict[str, Any]:
    """Return a filter and the strength of its response, and its response map if asked for."""
    return {
        "index": each.response.index,
        "strength": format_number(each.response.strength),
        "picture": png_uri(each.picture),
        "response": map_uri(each.response.map) if with_response else "",
    }


def depth_view(depth: Depth, size: tuple[int, int]) -> dict[str, Any]:
    """Return the maps of one resolution for a picture of ``size`` (height, width) in pixels."""
    height, width = depth.size
    scale = format_map_scale(depth.halvings, size[0], height)
    return {
        "name": f"depth{depth.halvings}",
        "title": f"{scale[0].upper()}{scale[1:]}: {width} x {height} cells",
        "text": f"{plural(depth.channels, 'channel')}; {cells_text(depth.grid, depth.size, size)}",
        "maps": [
            {
                "index": channel.index,
                "strength": format_number(channel.strength),
                "picture": map_uri(channel.map),
            }
            for channel in depth.strongest
        ],
    }


def layer_view(layer: ExplainedLayer) -> dict[str, Any]:
    """Return the numbers of a layer whose arithmetic the page shows, and a description of it."""
    convolution = layer.convolution
    filters, channels, tall, wide = convolution.weight.shape
    kind = "Transposed convolution" if convolution.transposed else "Convolution"
    stride = f"stride {convolution.stride[0]} x {convolution.stride[1]}"
    parts = [f"{kind}: {filters} filters of {channels} x {tall} x {wide} weights", stride]
    if any(start < 0 for start in convolution.start):
        top, left = (-start for start in convolution.start)
        parts.append(f"zero padding above: {top}, left: {left}")
    if convolution.dilation != (1, 1):
        parts.append(f"dilation {convolution.dilation[0]} x {convolution.dilation[1]}")
    if convolution.groups > 1:
        parts.append(f"{convolution.groups} channel groups")
    height, width = convolution.output.shape[1:]
    numbers = layer_numbers(layer)
    titled = [each | {"title": str(each["index"])} for each in numbers["filters"]]
    return numbers | {
        "title": f"{layer.name}: {width} x {height} positions",
        "text": f"{', '.join(parts)}. Bright: high response.",
        "filters": titled,
    }
