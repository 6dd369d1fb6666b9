"""How wrong values of a recipe are refused."""

import re
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from diascope.document import parse_document
from diascope.errors import RecipeError
from diascope.fields import build


def refused(target: Any, values: Mapping[str, Any]) -> str:
    """Return the message that refuses a recipe's values for a class, given with the key's line."""
    document = parse_document(yaml.safe_dump(dict(values), default_flow_style=None), name="r.yaml")
    with pytest.raises(RecipeError) as caught:
        build(target, document.value, where="r.yaml")
    key = re.match(r"(?:entry \d+ of )?(\w+)", caught.value.message)
    assert key
    assert caught.value.where == document.value[key[1]].where
    return caught.value.message
