"""``import diascope`` gives exactly the names that it promises."""

import types

import diascope


def test_all_lists_every_public_name_and_no_other() -> None:
    public = {
        name
        for name, value in vars(diascope).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }

    assert set(diascope.__all__) == public


def test_all_is_sorted_and_holds_no_name_twice() -> None:
    assert diascope.__all__ == sorted(set(diascope.__all__))


def test_every_error_is_a_diascope_error() -> None:
    errors = [getattr(diascope, name) for name in diascope.__all__ if name.endswith("Error")]

    assert len(errors) >= 6
    assert all(issubclass(error, diascope.DiascopeError) for error in errors)
