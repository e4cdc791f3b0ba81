"""Short rows: vectors run across rows; the same numbers, and only where it pays."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphc.errors import GraphcError
from graphc.ir import dims
from graphc.ir.graph import Graph, Value
from graphc.ops import loopcost
from graphc.passes.fuse import fuse
from graphc.runtime.executable import Executable
from graphc.runtime.planner import make_plan
from tests.runtime.graphs import Build, check

B = dims.symbol("B")
numbers = np.random.default_rng(5)


def floats(*shape: int) -> np.ndarray:
    return numbers.normal(size=shape).astype(np.float32)


def softmax(g: Build, x: Value) -> Value:
    e = g.exp(g.subtract(x, g.reduce_max(x, axis=(1,), keepdims=True)))
    return g.divide(e, g.reduce_sum(e, axis=(1,), keepdims=True))


def one_softmax(*shape: dims.DimLike) -> Graph:
    g = Build()
    return g.done(softmax(g, g.input(*shape)))


def is_across(graph: Graph) -> bool:
    """Whether the plan says it; the kernels' text must agree."""
    plan = make_plan(fuse(graph))
    said = "across rows" in str(plan)
    assert said == any("for l0 in " in text for text in plan.texts)
    return said


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((B, 2), True), ((B, 10), True), ((1000, 16), True), ((16, 10), True),
        ((B, 17), False), ((B, B), False), ((15, 10), False), ((B, 1), False),
    ],
)  # fmt: skip
def test_short_rows_of_many_are_vectors_across(shape: tuple, expected: bool) -> None:
    assert is_across(one_softmax(*shape)) is expected


def test_cheap_rows_and_checked_elements_are_not() -> None:
    g = Build()
    x = g.input(B, 4)
    cheap = g.done(g.subtract(x, g.reduce_mean(x, axis=(1,), keepdims=True)))
    assert not is_across(cheap)
    g = Build()
    table, at = g.input(50), g.input(B, 4, dtype="int32")
    checked = softmax(g, g.gather(table, at, axis=0))
    assert not is_across(g.done(checked))


def test_the_loop_over_rows_is_the_inner_one() -> None:
    (text,) = make_plan(fuse(one_softmax(B, 10))).texts
    lines = text.splitlines()
    (dear,) = (i for i, line in enumerate(lines) if "exp_f32" in line)
    loops = [line.split()[1] for line in lines[:dear] if line.lstrip().startswith("for ")]
    assert loops[-2:] == ["c0", "l0"]


@pytest.mark.parametrize("rows", [0, 1, 15, 16, 17, 255, 256, 257, 1000])
@pytest.mark.parametrize("columns", [2, 7, 10, 16])
def test_any_number_of_rows(rows: int, columns: int) -> None:
    graph = one_softmax(B, columns)
    assert is_across(graph)
    check(graph, [floats(rows, columns)])


def test_nan_and_infinities_stay_in_their_rows() -> None:
    x = floats(300, 5)
    x[3, 1], x[17, 4], x[255, 0], x[299] = np.nan, np.inf, -np.inf, -np.inf
    with np.errstate(invalid="ignore"):
        check(one_softmax(B, 5), [x])


def entropy(*shape: dims.DimLike) -> Graph:
    """Losses, their mean, gradients by the scores and by the bias of a classifier, from labels."""
    g = Build()
    x, y, b = g.input(*shape), g.input(shape[0], dtype="int32"), g.input(shape[1])
    p = softmax(g, g.add(x, b))
    hot = g.one_hot(g.in_range(y, size=shape[1]), depth=shape[1])
    loss = g.negative(g.reduce_sum(g.multiply(hot, g.log(p)), axis=(1,)))
    slope = g.subtract(p, hot)
    return g.done(g.reduce_mean(loss), loss, slope, g.reduce_sum(slope, axis=(0,)))


@pytest.mark.parametrize("pieces", [False, True])
@pytest.mark.parametrize("rows", [1, 40, 1500])
def test_sums_over_rows(rows: int, pieces: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if pieces:
        monkeypatch.setattr(loopcost, "PIECE", 1)
    graph = entropy(B, 10)
    assert is_across(graph)
    labels = numbers.integers(0, 10, rows).astype(np.int32)
    executable = check(graph, [floats(rows, 10), labels, floats(10)], tol=1e-4)
    assert ("pieces" in str(executable.plan)) is pieces


def test_long_sums_are_accurate() -> None:
    x, y = floats(200_000, 3), numbers.integers(0, 3, 200_000).astype(np.int32)
    mean, losses, slope, bias = Executable(fuse(entropy(B, 3))).run([x, y, floats(3)], [])
    np.testing.assert_allclose(mean, losses.mean(dtype=np.float64), rtol=1e-6)
    np.testing.assert_allclose(bias, slope.sum(axis=0, dtype=np.float64), rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("pieces", [False, True])
@pytest.mark.parametrize("bad", [-1, 10])
def test_labels_are_checked(bad: int, pieces: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if pieces:
        monkeypatch.setattr(loopcost, "PIECE", 1)
    labels = np.zeros(300, np.int32)
    labels[280] = bad
    with pytest.raises(GraphcError, match=r"not in \[0, 10\)|out of range"):
        Executable(fuse(entropy(B, 10))).run([floats(300, 10), labels, floats(10)], [])


def test_an_operand_may_be_overwritten() -> None:
    g = Build()
    x, w = g.input(B, 6), g.input(6, 6)
    gate = g.multiply(g.matmul(x, w), softmax(g, x))
    executable = check(g.done(g.matmul(gate, w)), [floats(300, 6), floats(6, 6)])
    (step,) = (s for s in str(executable.plan).splitlines() if "across rows" in s)
    assert "in place: %matmul" in step


# --- random row programs --------------------------------------------------------------------------


class Rows:
    """Adds random nodes over (rows, columns), (rows, 1), (columns,) and single numbers."""

    def __init__(self, choose: random.Random, rows: dims.DimLike, columns: int) -> None:
        self.choose, self.g = choose, Build()
        g = self.g
        self.values = [g.input(rows, columns), g.input(rows, 1), g.input(columns), g.input()]
        self.values.append(softmax(g, self.values[0]))

    def node(self) -> Value:
        g, x = self.g, self.choose.choice(self.values[-5:])
        kind = self.choose.randrange(5)
        if kind == 0 and x.type.rank == 2:
            name = self.choose.choice(("sum", "mean", "max", "min"))
            return getattr(g, f"reduce_{name}")(x, axis=(1,), keepdims=True)
        if kind == 1:
            flag = g.greater(self.values[0], g.constant(self.choose.choice((-0.5, 0.5))))
            if self.choose.random() < 0.5:
                flag = g.reduce_any(flag, axis=(1,), keepdims=True)
            return g.select(flag, x, self.choose.choice(self.values))
        if kind == 2:
            return getattr(g, self.choose.choice(("exp", "tanh", "abs")))(g.tanh(x))
        name = self.choose.choice(("add", "subtract", "multiply", "maximum"))
        return g.tanh(getattr(g, name)(x, self.choose.choice(self.values)))

    def done(self) -> Graph:
        for _ in range(self.choose.randrange(2, 9)):
            self.values.append(self.node())
        last: list[Any] = self.values[-self.choose.randrange(1, 4) :]
        wide = self.values[4] if last[-1].type.rank < 2 else last[-1]
        last += [self.g.reduce_sum(wide, axis=(0,)), self.g.reduce_max(wide, axis=(0, 1))]
        self.choose.shuffle(last)
        return self.g.done(*last[: self.choose.randrange(1, len(last) + 1)])


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 10**6), rows=st.sampled_from((1, 3, 16, 31, 257, 600)),
    columns=st.integers(1, 17), known=st.booleans(), pieces=st.booleans(), special=st.booleans(),
)  # fmt: skip
def test_random_row_programs(
    seed: int, rows: int, columns: int, known: bool, pieces: bool, special: bool
) -> None:
    graph = Rows(random.Random(seed), rows if known else B, columns).done()
    arrays = [floats(*(rows if d is B else d for d in v.type.shape)) for v in graph.inputs]
    if special:
        arrays[0].flat[::7] = (np.nan, np.inf, -np.inf)[seed % 3]
    with pytest.MonkeyPatch.context() as patch, np.errstate(all="ignore"):
        if pieces:
            patch.setattr(loopcost, "PIECE", 1)
        check(graph, arrays, tol=2e-5 * max(1, rows // 16))
