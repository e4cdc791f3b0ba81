"""The benchmarks compare like with like: all contestants of ours compute one thing."""

from __future__ import annotations

import pytest

from tests.benchmarks.agreement import apart
from tests.benchmarks.contestants import Runner
from tests.benchmarks.workload import limit, names, workload

STEPS, TOLERANCE = 3, 2e-5


@pytest.mark.parametrize("name", names())
def test_graph_and_hand_written_agree_with_eager(name: str) -> None:
    module = workload(name)
    expected = Runner("graphc eager", module, module.make(tiny=True)).results(STEPS)
    others = ["graphc graph"] + ["numba"] * bool(limit(name))
    for other in others:
        found = Runner(other, module, module.make(tiny=True)).results(STEPS)
        assert apart(found, expected) <= TOLERANCE, other


def test_reset_goes_back_to_the_initial_weights() -> None:
    module = workload("digits_mlp")
    for name in ("numba", "graphc graph"):
        runner = Runner(name, module, module.make(tiny=True))
        assert runner.results(2) == runner.results(2)
        runner.run(1)
        assert runner.results(1) != [runner.results(2)[1]]
