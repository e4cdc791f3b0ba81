"""Loop nests cut into pieces for threads: the same numbers, and only where it pays."""

from __future__ import annotations

import numpy as np
import pytest

from graphc.ir import dims
from graphc.ir.graph import Graph
from graphc.ops import loopcost
from graphc.passes.fuse import fuse
from graphc.runtime.executable import Executable
from graphc.runtime.planner import make_plan
from tests.runtime.graphs import Build, check

B = dims.symbol("B")
random = np.random.default_rng(4)


def softmax(*shape: dims.DimLike) -> Graph:
    g = Build()
    x = g.input(*shape)
    e = g.exp(g.subtract(x, g.reduce_max(x, axis=(-1,), keepdims=True)))
    return g.done(g.divide(e, g.reduce_sum(e, axis=(-1,), keepdims=True)))


def chain(*shape: dims.DimLike) -> Graph:
    g = Build()
    x = g.input(*shape)
    return g.done(g.multiply(g.tanh(x), x), g.exp(g.transpose(x)))


@pytest.mark.parametrize("make", [softmax, chain])
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (40, 33), (7, 300), (0, 4)])
def test_pieces_compute_the_same(
    make: object, shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    x = random.normal(size=shape).astype(np.float32)
    for sizes in (shape, (B, shape[1])):
        graph = fuse(make(*sizes))  # type: ignore[operator]
        whole = Executable(graph).run([x], [])
        with monkeypatch.context() as patch:
            patch.setattr(loopcost, "PIECE", 1)
            executable = check(graph, [x])
            pieces = executable.run([x], [])
        assert 0 in shape or shape == (1, 1) or "pieces" in str(executable.plan)
        for a, b in zip(whole, pieces, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(("rows", "pieces"), [(100, ""), (10**4, "in 16 pieces"), (B, "min")])
def test_only_long_work_is_cut(rows: dims.DimLike, pieces: str) -> None:
    plan = str(make_plan(fuse(softmax(rows, 1000))))
    assert pieces in plan and ("pieces" in plan) == bool(pieces)


def test_what_may_stop_or_adds_up_is_not_cut() -> None:
    g = Build()
    x, i = g.input(10**6), g.input(10**6, name="i", dtype="int32")
    graph = fuse(g.done(g.reduce_sum(g.exp(x)), g.floordiv(i, i)))
    assert "pieces" not in str(make_plan(graph))
