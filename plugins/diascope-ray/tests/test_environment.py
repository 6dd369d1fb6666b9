"""Nodes with other versions are refused."""

import pytest

from diascope.errors import PluginError
from diascope_ray.environment import check_same, installed_versions


def test_installed_versions_are_those_of_the_core_and_its_plugins_only() -> None:
    found = installed_versions()

    assert {"diascope", "diascope-ray"} <= set(found)
    assert "numpy" not in found


def test_a_node_may_have_more_than_this_machine() -> None:
    check_same({"diascope": "1.0"}, {"diascope": "1.0", "mine": "2.0"}, "node")


def test_a_difference_names_the_node_and_both_versions() -> None:
    with pytest.raises(PluginError) as raised:
        check_same({"diascope": "1.1", "mine": "2.0"}, {"diascope": "1.0"}, "far")

    assert "the node far" in str(raised.value)
    assert "diascope 1.1 here, 1.0 there" in str(raised.value)
    assert "mine 2.0 here, none there" in str(raised.value)
