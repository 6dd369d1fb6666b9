"""The bound of a run, the fraction of it that was reached, and the advice."""

from dataclasses import replace

import pytest

from diascope.profile import Profile, add_network_threads
from diascope.timing import Seconds

BALANCED = Profile(
    items=100,
    seconds=10.0,
    spent={
        "read": Seconds(4.0, 3.0, 3.0),
        "preprocess": Seconds(1.0, 1.0, 1.0),
        "wait": Seconds(0.1, 0.0),
        "model": Seconds(9.0, 14.0),
    },
    cores=2,
    workers=1,
    accelerated=False,
    reference=False,
)


def with_spent(**spent: Seconds) -> Profile:
    return replace(BALANCED, spent=BALANCED.spent | spent)


def test_the_bound_without_an_accelerator_is_all_work_divided_by_the_cores() -> None:
    assert BALANCED.bound == (3 + 1 + 14) / 2
    assert BALANCED.reached == pytest.approx(0.9)


def test_the_bound_with_an_accelerator_is_the_larger_of_decoding_and_network() -> None:
    assert replace(BALANCED, accelerated=True).bound == 9.0
    slow = replace(with_spent(read=Seconds(30.0, 30.0, 30.0)), accelerated=True)
    assert slow.bound == (30 + 1) / 2


def test_waiting_and_writing_are_not_part_of_the_bound() -> None:
    more = with_spent(wait=Seconds(5.0, 0.1), ledger=Seconds(3.0, 2.0), report=Seconds(9.0, 9.0))
    assert more.bound == BALANCED.bound


def test_a_balanced_run_needs_no_advice() -> None:
    assert BALANCED.advice == ()


@pytest.mark.parametrize(
    ("profile", "advice"),
    [
        (with_spent(wait=Seconds(6.0, 0.0)), "more workers, --workers 2"),
        (replace(with_spent(read=Seconds(9.0, 9.0)), workers=0), "more workers, --workers 2"),
        (with_spent(**{"hand over": Seconds(8.0, 3.0, 1.0)}), "kind: threads"),
        (replace(BALANCED, workers=8, cores=8), "fewer workers may be enough, --workers 4"),
        (replace(BALANCED, reference=True), "diascope[openvino,onnx]"),
    ],
)
def test_advice_follows_from_the_figures(profile: Profile, advice: str) -> None:
    (line,) = profile.advice
    assert advice in line


def test_a_run_limited_by_reading_on_all_cores_is_advised_to_decode_less() -> None:
    full = replace(with_spent(wait=Seconds(6.0, 0.0), read=Seconds(20.0, 18.0)), workers=2)
    (advice,) = full.advice
    assert "`read: {image: {least: N}}`" in advice


def test_core_seconds_outside_all_stages_count_for_the_network() -> None:
    spent = {
        "read": Seconds(5.0, 4.0, 4.0),
        "ledger": Seconds(1.0, 1.0),
        "model": Seconds(3.0, 2.0),
    }
    assert add_network_threads(spent, cpu=7.0)["model"] == Seconds(3.0, 6.0)


def test_the_table_and_run_json_show_the_same_stages() -> None:
    told = "\n".join(BALANCED.lines())
    assert "100 items in 10.0 s (10.0 per second), 2 cores, 1 workers" in told
    assert "The bound is 9.0 s" in told
    assert "reached: 90%" in told
    plain = BALANCED.plain()
    assert all(stage in told for stage in plain["stages"])
    assert (plain["bound_s"], plain["reached"], plain["advice"]) == (9.0, 0.9, [])


def test_there_is_no_bound_if_no_network_ran() -> None:
    elsewhere = replace(BALANCED, spent={"ledger": Seconds(0.1, 0.1)})
    assert (elsewhere.plain()["bound_s"], elsewhere.plain()["reached"]) == (None, None)
    assert "so there is no bound" in list(elsewhere.lines())[-1]
