"""The reference interpreter: sizes, guards, errors at the user's line."""

from __future__ import annotations

import numpy as np
import pytest

from graphc.errors import InvalidArgumentError
from graphc.ir import dims
from graphc.ir.graph import Loc, Node
from graphc.ops import control
from graphc.runtime.interpreter import GuardError, evaluate
from tests.runtime.graphs import Build

B = dims.symbol("B")


def test_nodes_run_in_order_with_the_inferred_dtypes() -> None:
    g = Build()
    x = g.input(B, 3)
    mean = g.reduce_mean(g.square(x), axis=(1,), keepdims=False)
    (found,) = evaluate(g.done(mean), [np.array([[1, 2, 3]], np.float32)])
    np.testing.assert_allclose(found, [14 / 3], rtol=1e-6)
    assert found.dtype == np.float32 and found.shape == (1,)


def test_symbols_in_attributes_take_their_sizes() -> None:
    g = Build()
    x = g.input(B, 3)
    graph = g.done(g.reshape(x, shape=(B * 3,)))
    assert evaluate(graph, [np.zeros((4, 3), np.float32)])[0].shape == (12,)


def test_infinities_and_nan_are_results_not_warnings() -> None:
    g = Build()
    x = g.input(2)
    graph = g.done(g.divide(x, x), g.log(x))
    found = evaluate(graph, [np.array([0, 1], np.float32)])
    assert np.isnan(found[0][0]) and np.isneginf(found[1][0])


def test_a_guard_that_does_not_hold_asks_for_another_trace() -> None:
    g = Build()
    x, y = g.input(B), g.input(dims.symbol("C"))
    g.nodes.append(Node(control.guard, (), (), {"a": B, "b": dims.symbol("C")}, {}, None))
    graph = g.done(x, y)
    evaluate(graph, [np.zeros(2, np.float32), np.zeros(2, np.float32)])
    with pytest.raises(GuardError):
        evaluate(graph, [np.zeros(2, np.float32), np.zeros(3, np.float32)])


def test_errors_name_the_users_line() -> None:
    g = Build()
    x, i = g.input(3), g.input(2, dtype="int32")
    graph = g.done(g.gather(x, i, axis=0))
    with pytest.raises(InvalidArgumentError, match=r"7 is not in \[0, 3\)") as caught:
        evaluate(graph, [np.zeros(3, np.float32), np.array([1, 7], np.int32)])
    assert str(graph.nodes[0].loc) == str(Loc("user.py", 1))
    assert any("user.py:1" in note for note in caught.value.__notes__)
