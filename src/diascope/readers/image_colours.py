"""Colours of photographs and scans: sRGB by ICC profile, and RGB or grey of every mode."""

import io
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MIDDLE, _NEAR = 128, 4  # a grey that a curve other than that of sRGB moves by more
_SCALES = {"L;2": 85, "L;4": 17, "RGB;16B": 1 / 256}  # of Pillow's, from what a PNG holds to 8 bits
_LAID = "transparent pixels laid on white"
_SAME_XYZ = 0.01  # of primaries: profiles of sRGB differ by rounding, Display P3 by 0.09


def scale_transparent_colour(image: Any) -> None:
    """Bring the transparent colour of a PNG, not yet decoded, to the depth that pixels will have.

    Pillow compares it with them as it is written.
    """
    for rawmode, scale in _SCALES.items():
        if "transparency" in image.info and any(args == rawmode for *_, args in image.tile):
            colour = np.multiply(image.info["transparency"], scale).astype(int).tolist()
            image.info["transparency"] = colour if rawmode.startswith("L") else tuple(colour)


def to_srgb(image: Any, trace: list[str]) -> Any:
    """Apply an embedded ICC profile, so that equal colours are equal numbers."""
    profile = image.info.get("icc_profile")
    if image.mode in ("P", "PA"):
        trace.append("palette converted to RGB")
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    if not profile:
        return image
    if image.mode not in ("RGB", "RGBA", "CMYK"):
        trace.append(f"ICC profile not applied: it is not of colours but of {image.mode}")
        return image
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        name = ImageCms.getProfileDescription(source).strip()
        target = ImageCms.createProfile("sRGB")
        if "sRGB" in name and image.mode != "CMYK" and _is_srgb(profile):
            return image
        mode = "RGBA" if image.mode == "RGBA" else "RGB"
        converted = ImageCms.profileToProfile(image, source, target, outputMode=mode)
    except (ImageCms.PyCMSError, OSError) as error:
        trace.append(f"ICC profile unreadable, colours taken as they are ({error})")
        return image
    trace.append(f"{image.mode} converted to sRGB by its ICC profile {name!r}")
    return converted


@lru_cache(maxsize=16)
def _is_srgb(profile: bytes) -> bool:
    """Say whether a profile has the curve and the primaries of sRGB.

    One named "Linear sRGB" has another curve, one named "Display P3 Gamut with sRGB Transfer" has
    other primaries. A profile of tables states none.
    """
    from PIL import Image, ImageCms

    source, target = (
        ImageCms.ImageCmsProfile(each)
        for each in (io.BytesIO(profile), ImageCms.createProfile("sRGB"))
    )
    grey = Image.new("RGB", (1, 1), (_MIDDLE,) * 3)
    soon = ImageCms.Flags.NOOPTIMIZE  # no tables for the many pixels of a picture
    moved = ImageCms.profileToProfile(grey, source, target, flags=soon)
    if (abs(np.asarray(moved, dtype=int) - _MIDDLE) > _NEAR).any():
        return False
    return all(
        stated is None or np.abs(np.subtract(stated[0], expected[0])).max() <= _SAME_XYZ
        for stated, expected in zip(_primaries(source), _primaries(target), strict=True)
    )


def _primaries(profile: Any) -> tuple[Any, ...]:
    """Return XYZ and xyY of red, green and blue, each None where it is not stated."""
    return tuple(getattr(profile.profile, f"{name}_colorant") for name in ("red", "green", "blue"))


def to_rgb_or_grey(image: Any, trace: list[str]) -> Any:
    """Convert whatever mode Pillow gives to RGB, grey or deeper grey."""
    mode = image.mode
    if mode.startswith("I;16"):
        return _deep(image, trace)
    if image.has_transparency_data:
        return _on_white(image, trace)
    if mode in ("RGB", "L"):
        return image
    target = "L" if mode == "1" else "RGB"
    if mode != "1":
        trace.append(f"{mode} converted to RGB")
    return image.convert(target)


def _deep(image: Any, trace: list[str]) -> NDArray[np.uint16]:
    pixels = np.asarray(image).astype(np.uint16)
    clear = pixels == image.info.get("transparency", -1)
    if clear.any():
        trace.append(_LAID)
        pixels[clear] = np.iinfo(pixels.dtype).max
    return pixels


def _on_white(image: Any, trace: list[str]) -> Any:
    from PIL import Image

    if image.mode == "La":  # which converts to this only
        image = image.convert("LA")
    layer = image.convert("RGBA")
    if layer.getextrema()[3] != (255, 255):
        trace.append(_LAID)
    ground = Image.new("RGBA", layer.size, "white")
    return Image.alpha_composite(ground, layer).convert("L" if image.mode == "LA" else "RGB")
