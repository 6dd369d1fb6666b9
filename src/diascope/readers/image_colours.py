"""Convert pictures of every Pillow mode to RGB or grey, and colours to sRGB by ICC profile."""

import io
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MIDDLE, _TOLERANCE = 128, 4  # other tone curves than that of sRGB move this grey further
_SCALES = {"L;2": 85, "L;4": 17, "RGB;16B": 1 / 256}  # by which Pillow scales a PNG to 8 bits
_ON_WHITE = "transparent pixels laid on white"
_SAME_XYZ = 0.01  # of primaries: sRGB profiles differ by rounding, Display P3 by 0.09


def scale_transparent_colour(image: Any) -> None:
    """Scale the transparent colour of an undecoded PNG to the depth of the decoded pixels.

    Pillow compares it with them without scaling it.
    """
    for rawmode, scale in _SCALES.items():
        if "transparency" in image.info and any(args == rawmode for *_, args in image.tile):
            colour = np.multiply(image.info["transparency"], scale).astype(int).tolist()
            image.info["transparency"] = colour if rawmode.startswith("L") else tuple(colour)


def to_srgb(image: Any, trace: list[str]) -> Any:
    """Convert a colour picture to sRGB if it has an embedded ICC profile."""
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
    """Return whether a profile has the tone curve and the primaries of sRGB.

    The name is not enough: "Linear sRGB" has another curve, "Display P3 Gamut with sRGB Transfer"
    has other primaries. Profiles made of tables state no primaries; for them only the curve counts.
    """
    from PIL import Image, ImageCms

    source, target = (
        ImageCms.ImageCmsProfile(each)
        for each in (io.BytesIO(profile), ImageCms.createProfile("sRGB"))
    )
    grey = Image.new("RGB", (1, 1), (_MIDDLE,) * 3)
    direct = ImageCms.Flags.NOOPTIMIZE  # tables do not pay off for a single pixel
    converted = ImageCms.profileToProfile(grey, source, target, flags=direct)
    if (abs(np.asarray(converted, dtype=int) - _MIDDLE) > _TOLERANCE).any():
        return False
    return all(
        stated is None or np.abs(np.subtract(stated[0], expected[0])).max() <= _SAME_XYZ
        for stated, expected in zip(_primaries(source), _primaries(target), strict=True)
    )


def _primaries(profile: Any) -> tuple[Any, ...]:
    """Return XYZ and xyY of red, green and blue; each is None if it is not stated."""
    return tuple(getattr(profile.profile, f"{name}_colorant") for name in ("red", "green", "blue"))


def to_rgb_or_grey(image: Any, trace: list[str]) -> Any:
    """Convert a picture of any Pillow mode to RGB, 8-bit grey or 16-bit grey."""
    mode = image.mode
    if mode.startswith("I;16"):
        return _to_16_bit_grey(image, trace)
    if image.has_transparency_data:
        return _lay_on_white(image, trace)
    if mode in ("RGB", "L"):
        return image
    target = "L" if mode == "1" else "RGB"
    if mode != "1":
        trace.append(f"{mode} converted to RGB")
    return image.convert(target)


def _to_16_bit_grey(image: Any, trace: list[str]) -> NDArray[np.uint16]:
    pixels = np.asarray(image).astype(np.uint16)
    transparent = pixels == image.info.get("transparency", -1)
    if transparent.any():
        trace.append(_ON_WHITE)
        pixels[transparent] = np.iinfo(pixels.dtype).max
    return pixels


def _lay_on_white(image: Any, trace: list[str]) -> Any:
    from PIL import Image

    if image.mode == "La":  # Pillow converts it only to LA
        image = image.convert("LA")
    layer = image.convert("RGBA")
    if layer.getextrema()[3] != (255, 255):
        trace.append(_ON_WHITE)
    background = Image.new("RGBA", layer.size, "white")
    return Image.alpha_composite(background, layer).convert("L" if image.mode == "LA" else "RGB")
