"""What a recipe can choose of the DICOM reader; see ``DicomReader`` for the meaning."""

from typing import Literal

Window = Literal["first", "lut", "none", "min-max"] | int
Frames = Literal["all", "middle"] | int
