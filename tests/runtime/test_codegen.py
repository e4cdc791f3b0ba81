"""Kernel text: structure, sharing, and that it computes what the ops mean."""

from __future__ import annotations

import numpy as np
import pytest

from graphc.ir import dims
from graphc.ops.looporder import loops_of
from graphc.passes.fuse import fuse
from graphc.runtime.codegen import loop_kernel
from graphc.runtime.executable import Executable
from graphc.runtime.nesttext import KernelText
from tests.runtime.graphs import Build, check

B = dims.symbol("B")
random = np.random.default_rng(3)


def floats(*shape: int) -> np.ndarray:
    return random.normal(size=shape).astype(np.float32)


def texts(g: Build, *outputs: object) -> list[KernelText]:
    """The kernels of a graph."""
    nodes = fuse(g.done(*outputs)).nodes  # type: ignore[arg-type]
    bodies = [n.regions["body"] for n in nodes if n.op.name == "fused"]
    return [loop_kernel(loops_of(b.nodes, b.outputs)) for b in bodies]


def test_equal_structures_have_equal_text_whatever_their_names_ranks_and_shapes() -> None:
    small, large = ((3,), (4, 5), (2, B, 3)), ((10**6,), (1000, 2000), (B, 10**5))
    for shapes in (small, large):  # which are cut into pieces for threads
        found = set()
        for shape in shapes:
            g = Build()
            x = g.input(*shape, name="x" * len(shape))
            found.add(texts(g, g.add(g.tanh(x), x))[0].text)
        assert len(found) == 1
        assert found.pop().count("for ") == 1


def test_numbers_carry_their_dtype() -> None:
    g = Build()
    x = g.input(3)
    (kernel,) = texts(g, g.multiply(x, g.constant(0.1)))
    assert "f32(0.1)" in kernel.text


def test_each_line_knows_its_node_and_the_users_line() -> None:
    g = Build()
    x = g.input(3)
    (kernel,) = texts(g, g.tanh(g.negative(x)))
    lines = [line for line in kernel.annotated.splitlines() if "tanh_f32" in line]
    assert len(lines) == 1 and lines[0].endswith("# %tanh  user.py:2")
    assert "user.py" not in kernel.text


def test_an_expensive_value_is_kept_for_the_next_pass_over_the_row() -> None:
    g = Build()
    x = g.input(B, 20)
    e = g.exp(g.subtract(x, g.reduce_max(x, axis=(1,), keepdims=True)))
    (kernel,) = texts(g, g.divide(e, g.reduce_sum(e, axis=(1,), keepdims=True)))
    assert [a.kind for a in kernel.arguments].count("scratch") == 1
    assert kernel.text.count("exp_f32") == 1


@pytest.mark.parametrize("rows", [0, 1, 7])
def test_row_reductions(rows: int) -> None:
    g = Build()
    x = g.input(B, 6)
    m = g.reduce_mean(x, axis=(1,), keepdims=True)
    d = g.subtract(x, m)
    v = g.reduce_mean(g.square(d), axis=(1,), keepdims=True)
    out = g.multiply(d, g.rsqrt(g.add(v, g.constant(1e-5))))
    executable = check(g.done(out), [floats(rows, 6)])
    assert len(executable.plan.texts) == 1


@pytest.mark.parametrize("axis", [(0,), (1,), (2,), (0, 2), (0, 1), (1, 2), (0, 1, 2)])
def test_reductions_over_any_axes(axis: tuple[int, ...]) -> None:
    g = Build()
    x = g.input(3, 4, 5)
    names = ("reduce_sum", "reduce_max", "reduce_mean", "reduce_prod")
    check(g.done(*(getattr(g, n)(x, axis=axis) for n in names)), [floats(3, 4, 5)])


def test_views_become_strides() -> None:
    g = Build()
    x = g.input(4, 5)
    t = g.transpose(x, perm=(1, 0))
    part = g.strided_slice(x, index=(slice(1, 3), slice(None, None, -2)))
    flat = g.reshape(t, shape=(-1,))
    outputs = [g.negative(v) for v in (t, part, g.reverse(x, axis=(1,)))] + [t, part, flat]
    check(g.done(*outputs), [floats(4, 5)])


def test_a_cross_entropy_and_its_gradient_are_one_kernel() -> None:
    g = Build()
    x, y = g.input(B, 10), g.input(B, dtype="int64", name="y")
    s = g.subtract(x, g.reduce_max(x, axis=(1,), keepdims=True))
    e = g.exp(s)
    total = g.reduce_sum(e, axis=(1,), keepdims=True)
    hot = g.one_hot(y, depth=10)
    losses = g.reduce_sum(g.multiply(hot, g.subtract(g.log(total), s)), axis=(1,))
    slope = g.subtract(g.divide(e, total), hot)
    graph = g.done(g.reduce_mean(losses, axis=None), slope, g.reduce_sum(slope, axis=(0,)))
    executable = check(graph, [floats(64, 10), random.integers(0, 10, 64)])
    assert len(executable.steps()) == 1


def test_integers_wrap_and_bools_stay_bools() -> None:
    g = Build()
    x = g.input(3, dtype="int8")
    big = g.multiply(x, x)
    flag = g.logical_and(g.greater(x, big), g.logical_not(g.equal(x, x)))
    check(g.done(big, flag, g.reduce_all(flag, axis=None)), [np.array([100, -7, 3], np.int8)])


def test_no_f64_arithmetic_in_an_f32_kernel() -> None:
    g = Build()
    x = g.input(B, 8)
    h = g.relu(g.add(g.multiply(x, g.constant(0.3)), g.constant(1.0)))
    executable = Executable(fuse(g.done(g.reduce_mean(h, axis=(1,)), g.sigmoid(h))))
    for text in executable.plan.texts:
        assert "f64" not in text


@pytest.mark.parametrize(("columns", "loops"), [(10, "few"), (255, "few"), (256, "range")])
def test_short_rows_of_expensive_ops_say_that_they_are_short(columns: int, loops: str) -> None:
    g = Build()
    x = g.input(7, columns)
    e = g.exp(g.subtract(x, g.reduce_max(x, axis=(1,), keepdims=True)))
    softmax = g.divide(e, g.reduce_sum(e, axis=(1,), keepdims=True))
    (kernel,) = texts(g, softmax)
    assert f"in {loops}(" in kernel.text and ("few" in kernel.text) == (loops == "few")
    check(g.done(softmax), [floats(7, columns)])
