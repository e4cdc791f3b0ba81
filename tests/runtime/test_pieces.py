"""Loop nests cut into pieces for threads: the same numbers, and only where it pays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphc.ir import dims
from graphc.ir.graph import Graph
from graphc.ops import loopcost
from graphc.passes.fuse import fuse
from graphc.runtime.executable import Executable
from graphc.runtime.planner import make_plan
from tests.runtime.graphs import Build, check
from tests.runtime.programs import random_inputs, random_program

B = dims.symbol("B")
random = np.random.default_rng(4)


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loopcost, "PIECE", 1)


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


@pytest.mark.parametrize(("rows", "pieces"), [(100, ""), (10**4, "in 16 pieces"), (B, "")])
def test_only_long_work_is_cut(rows: dims.DimLike, pieces: str) -> None:
    plan = str(make_plan(fuse(softmax(rows, 1000))))
    assert pieces in plan and ("pieces" in plan) == bool(pieces)
    assert "min" in str(make_plan(fuse(softmax(B, 20_000))))  # rows that are long enough


def sums(*shape: dims.DimLike) -> Graph:
    """Sums over rows, over everything, extremes, and what depends on them."""
    g = Build()
    x, b = g.input(*shape), g.input(shape[1], name="b")
    h = g.tanh(g.add(x, b))
    mean = g.reduce_mean(g.square(h))
    columns = g.reduce_sum(h, axis=(0,)), g.reduce_max(x, axis=(0,)), g.reduce_mean(x, axis=(0,))
    return g.done(h, g.sqrt(mean), *columns, g.reduce_any(g.greater(x, b)))


@pytest.mark.parametrize("shape", [(3, 5), (40, 33), (1000, 3), (5000, 7), (0, 4), (1, 3000)])
def test_sums_of_pieces_are_added_up(shape: tuple[int, int], small_pieces: None) -> None:
    x, b = (random.normal(size=s).astype(np.float32) for s in (shape, shape[1]))
    for sizes in (shape, (B, shape[1])):
        graph = fuse(sums(*sizes))
        executable = check(graph, [x, b], tol=2e-5)
        assert 0 in shape or "adds up the pieces" in str(executable.plan)
        again = executable.run([x, b], [])
        for a, b_ in zip(executable.run([x, b], []), again, strict=True):
            np.testing.assert_array_equal(a, b_)


@pytest.mark.parametrize("size", [10, 3000, 100_001])
def test_a_sum_of_everything_is_cut(size: int, small_pieces: None) -> None:
    g = Build()
    x = g.input(size)
    graph = fuse(g.done(g.multiply(g.reduce_sum(g.exp(x)), g.reduce_prod(g.tanh(x)))))
    executable = check(graph, [random.normal(size=size).astype(np.float32)], tol=2e-5)
    assert "adds up the pieces" in str(executable.plan)


def test_a_piece_that_stops_stops_the_call(small_pieces: None) -> None:
    g = Build()
    x, y = (g.input(1000, name=n, dtype="int32") for n in "xy")
    executable = Executable(fuse(g.done(g.floordiv(x, y), g.floormod(y, x))))
    good = np.arange(1, 1001, dtype=np.int32)
    assert "pieces" in str(executable.plan)
    np.testing.assert_array_equal(executable.run([good, good], [])[0], np.ones(1000, np.int32))
    for at in (3, 700):
        bad = good.copy()
        bad[at] = 0
        with pytest.raises(Exception, match="zero"):
            executable.run([good, bad], [])
    np.testing.assert_array_equal(executable.run([good, good], [])[0], np.ones(1000, np.int32))


def test_an_index_out_of_range_in_a_piece_is_told(small_pieces: None) -> None:
    g = Build()
    table, at = g.input(50, 3), g.input(400, name="at", dtype="int32")
    executable = Executable(fuse(g.done(g.exp(g.gather(table, at, axis=0)))))
    rows, index = random.normal(size=(50, 3)).astype(np.float32), np.zeros(400, np.int32)
    index[333] = 77
    assert "pieces" in str(executable.plan)
    with pytest.raises(Exception, match="77"):
        executable.run([rows, index], [])


def test_a_number_beside_what_is_cut_is_stored(small_pieces: None) -> None:
    g = Build()
    x, a = g.input(50), g.input()
    scale = g.exp(a)
    arrays = [np.arange(50, dtype=np.float32), np.asarray(0.5, np.float32)]
    executable = check(g.done(scale, g.multiply(g.tanh(x), scale)), arrays)
    assert "pieces" in str(executable.plan)


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10**9))
def test_random_programs_in_pieces(small_pieces: None, seed: int) -> None:
    graph = random_program(seed)
    arrays = random_inputs(graph, seed)
    count = len(graph.inputs)
    check(graph, arrays[:count], arrays[count:], tol=2e-5)
