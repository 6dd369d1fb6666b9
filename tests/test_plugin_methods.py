"""The checks for plugin authors name methods that a class lacks, and defaults of another type."""

from collections.abc import Callable
from typing import ClassVar

import pytest

from diascope.contracts import Runtime
from diascope.plugin_creation import make_backbone
from diascope.testing import (
    check_augmentation,
    check_backbone,
    check_model,
    check_plugin,
    check_step,
)


class Bare:
    """A class without anything but a version of the contracts."""

    api: ClassVar = (1, 0)


class Clumsy(Bare):
    """Takes other arguments than its contract says."""

    def __init__(self, size: int = "big") -> None: ...  # type: ignore[assignment]

    def __call__(self) -> None: ...


@pytest.mark.parametrize(
    ("check", "told"),
    [
        (lambda: check_plugin(Clumsy()), "the default of 'size', 'big', is not a whole number"),
        (lambda: check_step(Bare()), r"^check_\w+: expected a method '__call__', got None"),
        (lambda: check_augmentation(Bare()), r"^check_\w+: expected a method '__call__', got None"),
        (lambda: check_backbone(Bare()), r"^check_\w+: expected a method 'build', got None"),
        (
            lambda: check_model(Bare(), [], Runtime("cpu", "none", make_backbone)),
            r"^check_\w+: expected a method 'load'",
        ),
    ],
)
def test_a_plugin_without_its_methods_or_with_a_wrong_default_is_told_so(
    check: Callable[[], None], told: str
) -> None:
    with pytest.raises(AssertionError, match=told):
        check()
