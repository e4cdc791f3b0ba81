"""The clock and the tables."""

from __future__ import annotations

from tests.benchmarks import report
from tests.benchmarks.figures import Figure, interleaved, shown, table
from tests.benchmarks.race import Result, compare


def test_table_shows_ratios_and_reasons() -> None:
    text = table(
        [Figure("call", 3e-6, "numpy", 1.5e-6), Figure("peer", None, note="not installed")]
    )
    assert "call" in text and "3 us" in text and "2.00x" in text and "not installed" in text


def test_clock() -> None:
    times = interleaved({"nothing": lambda: None, "some": lambda: sum(range(2000))}, 10, rounds=3)
    assert 0 < times["nothing"] < times["some"]
    assert [shown(t) for t in (None, 2.5, 0.0123, 4.2e-7)] == ["-", "2.5 s", "12.3 ms", "0.42 us"]


def test_who_computes_something_else_is_disqualified() -> None:
    right = [
        Result(name, rounds=[1e-3], results=[[1.0, 2.0]]) for name in ("numba", "graphc graph")
    ]
    wrong = Result("jax", rounds=[1e-6], results=[[1.0, 2.1]])
    compare([*right, wrong])
    assert wrong.problem.startswith("wrong results") and wrong.seconds is None
    assert not any(result.problem for result in right)
    text = report.table("name", [*right, wrong], flops=1e6)
    assert "1.00x" in text and "1.0 " in text and "wrong results" in text
    best = report.summary({"name": report.as_json([*right, wrong])})
    assert "jax" not in best and "1.00x" in best
