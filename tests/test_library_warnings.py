"""Warnings are captured only by the thread that raises them."""

import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest

from diascope.library_warnings import capture_warnings


def test_a_warning_is_captured_every_time_and_not_shown(capfd: pytest.CaptureFixture[str]) -> None:
    with capture_warnings() as told:
        for _ in range(2):
            warnings.warn("the picture is torn", stacklevel=1)
    (one, other) = told
    assert str(one.message) == str(other.message) == "the picture is torn"
    assert one.filename == __file__
    assert capfd.readouterr().err == ""


def test_parallel_threads_capture_only_their_own_warnings() -> None:
    together = threading.Barrier(8, timeout=20)

    def hear(number: int) -> list[str]:
        with capture_warnings() as told:
            together.wait()
            for _ in range(50):
                warnings.warn(f"of {number}", stacklevel=1)
            if number % 2:
                together.wait()
        if not number % 2:
            together.wait()
        return [str(each.message) for each in told]

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(hear, range(8))) == [[f"of {n}"] * 50 for n in range(8)]


def test_the_original_filters_are_restored() -> None:
    before = warnings.filters[:], warnings.showwarning
    with pytest.raises(KeyError), capture_warnings():
        raise KeyError
    assert (warnings.filters, warnings.showwarning) == before


def test_an_inner_capture_hides_warnings_from_an_outer_one() -> None:
    with capture_warnings() as outer:
        with capture_warnings() as inner:
            warnings.warn("inside", stacklevel=1)
        warnings.warn("outside", stacklevel=1)
    assert [str(each.message) for each in inner] == ["inside"]
    assert [str(each.message) for each in outer] == ["outside"]


def test_a_thread_without_a_capture_shows_what_the_original_filters_allow() -> None:
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.filterwarnings("always", "to be seen")
        hearing, done = threading.Event(), threading.Event()

        def hear() -> None:
            with capture_warnings():
                hearing.set()
                done.wait(20)

        thread = threading.Thread(target=hear)
        thread.start()
        hearing.wait(20)
        warnings.warn("old", DeprecationWarning, stacklevel=1)
        warnings.warn("to be seen", stacklevel=1)
        done.set()
        thread.join()
    assert [str(each.message) for each in shown] == ["to be seen"]


@pytest.mark.parametrize(
    ("kind", "line", "seen"),
    [
        (DeprecationWarning, 0, 1),
        (Warning, 0, 1),
        (UserWarning, 0, 0),
        (DeprecationWarning, 1, 0),  # this file's first line raises nothing
    ],
)
def test_a_filter_applies_only_to_its_category_and_line(
    kind: type[Warning], line: int, seen: int
) -> None:
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", kind, lineno=line)
        _warn_while_another_captures()
    assert len(shown) == seen


@pytest.mark.parametrize(
    ("module", "seen"),
    [("__main__", 0), (r"tests\.test_library_warnings$", 1), ("tests", 1), ("library_warnings", 0)],
)
def test_a_filter_for_a_module_applies_only_to_that_module(module: str, seen: int) -> None:
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.filterwarnings("default", category=DeprecationWarning, module=module)
        _warn_while_another_captures()
    assert len(shown) == seen


def _warn_while_another_captures() -> None:
    with capture_warnings():
        thread = threading.Thread(
            target=lambda: warnings.warn("old", DeprecationWarning, stacklevel=1)
        )
        thread.start()
        thread.join()
