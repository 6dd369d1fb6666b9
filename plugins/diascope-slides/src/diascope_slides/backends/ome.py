"""Read the spacing of an OME-TIFF from its OME-XML (schema 2016-06)."""

from xml.etree import ElementTree

_UM = {"nm": 1e-3, "um": 1.0, "µm": 1.0, "μm": 1.0, "mm": 1e3, "cm": 1e4}


def ome_spacing_um(description: str) -> tuple[float, float] | None:
    """Return (row, column) spacing in micrometres of the first image; None if it is not stated.

    Args:
        description: the ImageDescription of a TIFF, which may be OME-XML.
    """
    if "<OME" not in description:
        return None
    try:
        pixels = ElementTree.fromstring(description).find(".//{*}Pixels")
    except ElementTree.ParseError:
        return None
    stated = {} if pixels is None else pixels.attrib
    sizes = [_um(stated, axis) for axis in ("Y", "X")]
    if sizes[0] is None or sizes[1] is None:
        return None
    return sizes[0], sizes[1]


def _um(stated: dict[str, str], axis: str) -> float | None:
    unit = _UM.get(stated.get(f"PhysicalSize{axis}Unit", "µm"))
    try:
        value = float(stated.get(f"PhysicalSize{axis}", "nan"))
    except ValueError:
        return None
    return value * unit if unit is not None and 0 < value < float("inf") else None
