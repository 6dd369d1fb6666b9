"""What a recipe is for: others are skipped, with what their files say."""

from pathlib import Path

import numpy as np
import pytest

from diascope.errors import RecipeError
from diascope.gate import Gate
from diascope.pipeline import compose
from diascope.recipe import read_recipe
from diascope.sample import Item, Sample, Skipped
from tests.fakes import part
from diascope.preparation import Preparation

GATE = Gate({"modality": ("CR", "DX"), "view": ("PA",)})
