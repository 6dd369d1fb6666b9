"""Types of the DICOM reader's options; ``DicomReader`` explains them."""

from typing import Literal

Window = Literal["first", "lut", "none", "min-max"] | int
Frames = Literal["all", "middle"] | int
