"""The benchmarks compare like with like: all contestants of ours compute one thing."""

from __future__ import annotations

import pytest

from tests.benchmarks.agreement import apart
from tests.benchmarks.contestants import Runner
from tests.benchmarks.workload import limit, names, workload

STEPS, TOLERANCE = 3, 2e-5


# numba takes some 20 s for each of these by hand.
SLOW = ("lstm", "softmax_regression", "transformer")
LONG = [pytest.param(name, marks=pytest.mark.slow) for name in SLOW]


@pytest.mark.parametrize("name", names())
def test_graph_agrees_with_eager(name: str) -> None:
    assert apart(results("graphc graph", name), results("graphc eager", name)) <= TOLERANCE


@pytest.mark.parametrize("name", [n for n in names() if limit(n) and n not in SLOW] + LONG)
def test_hand_written_agrees_with_eager(name: str) -> None:
    assert apart(results("numba", name), results("graphc eager", name)) <= TOLERANCE


def results(contestant: str, name: str) -> list[list[float]]:
    module = workload(name)
    return Runner(contestant, module, module.make(tiny=True)).results(STEPS)


def test_reset_goes_back_to_the_initial_weights() -> None:
    module = workload("digits_mlp")
    for name in ("numba", "graphc graph"):
        runner = Runner(name, module, module.make(tiny=True))
        assert runner.results(2) == runner.results(2)
        runner.run(1)
        assert runner.results(1) != [runner.results(2)[1]]
