"""diascope: classify medical images with convolutional networks and show what they saw."""

from diascope.card import Label, ModelCard, read_card
from diascope.classify_pictures import classify, open_pipeline
from diascope.contracts import API, Runtime
from diascope.errors import (
    DiascopeError,
    NoPictureError,
    OutputError,
    PluginError,
    ReadError,
    RecipeError,
    TableError,
    WeightsError,
)
from diascope.evaluate_table import evaluate
from diascope.sample import (
    Evidence,
    Failed,
    Item,
    Overview,
    Prediction,
    Region,
    Regions,
    Sample,
    Skipped,
)

__all__ = [
    "API",
    "DiascopeError",
    "Evidence",
    "Failed",
    "Item",
    "Label",
    "ModelCard",
    "NoPictureError",
    "OutputError",
    "Overview",
    "PluginError",
    "Prediction",
    "ReadError",
    "RecipeError",
    "Region",
    "Regions",
    "Runtime",
    "Sample",
    "Skipped",
    "TableError",
    "WeightsError",
    "classify",
    "evaluate",
    "open_pipeline",
    "read_card",
]
