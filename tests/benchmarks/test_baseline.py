"""The benchmarks compare like with like: the hand-written step computes what plain numpy does."""

from __future__ import annotations

import pytest

from tests.benchmarks.contestants import CONTESTANTS
from tests.benchmarks.figures import Figure, interleaved, shown, table
from tests.benchmarks.problem import digits_problem
from tests.benchmarks.race import CHECKED_STEPS, LOSS_TOLERANCE

OURS = ("hand-written numba", "graphc eager", "graphc graph")


@pytest.mark.parametrize("name", OURS)
def test_every_contestant_of_ours_has_the_losses_of_numpy(name: str) -> None:
    problem = digits_problem()
    contestant, referee = CONTESTANTS[name][0](problem), CONTESTANTS["numpy float64"][0](problem)
    for attempt in range(2):  # reset really goes back to the start
        contestant.reset()
        referee.reset()
        for index in range(CHECKED_STEPS):
            loss, expected = float(contestant.step(index)), float(referee.step(index))
            assert loss == pytest.approx(expected, abs=LOSS_TOLERANCE), (attempt, index)


def test_table_shows_ratios_and_reasons() -> None:
    text = table(
        [Figure("call", 3e-6, "numpy", 1.5e-6), Figure("peer", None, note="not installed")]
    )
    assert "call" in text and "3 us" in text and "2.00x" in text and "not installed" in text


def test_clock() -> None:
    times = interleaved({"nothing": lambda: None, "some": lambda: sum(range(2000))}, 10, rounds=3)
    assert 0 < times["nothing"] < times["some"]
    assert [shown(t) for t in (None, 2.5, 0.0123, 4.2e-7)] == ["-", "2.5 s", "12.3 ms", "0.42 us"]
