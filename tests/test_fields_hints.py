"""Type hints and defaults that no recipe could satisfy are named."""

from dataclasses import dataclass

import numpy as np
import pytest

from diascope.document import parse_document
from diascope.errors import PluginError
from diascope.fields import check_values
from diascope.parameters import check_hints, require_valid_defaults
from tests.test_fields import Target


@dataclass
class Unconvertible:
    table: np.ndarray | None = None


@dataclass
class Required:
    table: np.ndarray


@dataclass
class Misfit:
    size: int = "two"  # type: ignore[assignment]


def test_a_type_that_no_value_of_a_recipe_can_have_is_refused() -> None:
    told = "the parameter 'table' has a type that no value of a recipe can have"
    with pytest.raises(PluginError, match=told):
        require_valid_defaults(Unconvertible)
    with pytest.raises(PluginError, match=told):
        check_values(Unconvertible, parse_document("table: 1", name="r.yaml").value, where="")
    with pytest.raises(PluginError, match=told):
        check_hints(Required)
    check_hints(Unconvertible)  # recipes that do not set it work


def test_a_default_of_another_type_is_refused() -> None:
    require_valid_defaults(Target)
    with pytest.raises(PluginError, match="the default of 'size', 'two', is not a whole number"):
        require_valid_defaults(Misfit)
