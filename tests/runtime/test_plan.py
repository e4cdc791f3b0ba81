"""Plans: what is updated in place, what is copied, what runs on the host, and memory."""

from __future__ import annotations

import numpy as np

from graphc.ir import dims, dtypes
from graphc.ir.types import TensorType
from graphc.ops import control
from graphc.passes.fuse import fuse
from graphc.runtime.planner import make_plan
from tests.runtime.graphs import Build, check, region

B = dims.symbol("B")
F32 = TensorType(dtypes.float32, (3,))
I32 = TensorType(dtypes.int32)


def test_an_update_overwrites_its_variable() -> None:
    g = Build()
    w, x = g.variable(3), g.input(3)
    g.assign(w, g.add(w, x))
    executable = check(g.done(), [np.ones(3, np.float32)], [np.zeros(3, np.float32)])
    assert not executable.plan.commits
    assert "in place: %w" in str(executable.plan)


def test_an_old_value_that_is_a_result_is_copied_first() -> None:
    g = Build()
    w, x = g.variable(3), g.input(3)
    g.assign(w, g.add(w, x))
    executable = check(g.done(w), [np.ones(3, np.float32)], [np.zeros(3, np.float32)])
    assert len(executable.plan.commits) == 1


def test_an_old_value_that_is_read_later_is_not_overwritten() -> None:
    g = Build()
    w, x = g.variable(3, 3), g.input(3, 3)
    new = g.add(w, x)
    g.assign(w, new)
    late = g.matmul(g.reshape(w, shape=(3, 3)), new)
    check(g.done(late), [np.ones((3, 3), np.float32)], [np.eye(3, dtype=np.float32)])


def test_a_product_never_writes_over_its_operand() -> None:
    g = Build()
    w = g.variable(3, 3)
    g.assign(w, g.matmul(w, w))
    executable = check(g.done(), [], [np.arange(9, dtype=np.float32).reshape(3, 3)])
    assert len(executable.plan.commits) == 1


def test_two_variables_can_be_exchanged() -> None:
    g = Build()
    a, b = g.variable(2, name="a"), g.variable(2, name="b")
    g.assign(a, b)
    g.assign(b, a)
    check(g.done(), [], [np.zeros(2, np.float32), np.ones(2, np.float32)])


def test_what_can_fail_runs_before_state_is_written() -> None:
    g = Build()
    w, x, i = g.variable(3), g.input(3), g.input(dtype="int32", name="i")
    g.assign(w, g.add(w, x))
    plan = make_plan(fuse(g.done(g.gather(x, i, axis=0))))
    names = [s.node.op.name for s in plan.steps.values() if s.node is not None]
    bodies = [
        [n.op.name for n in s.node.regions["body"].nodes] for s in plan.steps.values() if s.node
    ]
    assert len(names) == 2 and bodies[0] == ["gather"]


def test_memory_is_used_again() -> None:
    g = Build()
    x = g.input(64, 64)
    for _ in range(6):
        x = g.matmul(x, x)
    executable = check(g.done(x), [np.eye(64, dtype=np.float32)])
    assert executable.memory.arena <= 2 * 64 * 64 * 4 + 128
    assert executable.memory.values >= 5 * 64 * 64 * 4


def test_reshapes_cost_nothing() -> None:
    g = Build()
    h = g.matmul(g.input(4, 4), g.input(4, 4))
    out = g.matmul(g.reshape(h, shape=(2, 8)), g.input(8, 3))
    plan = make_plan(fuse(g.done(out)))
    assert [s.kind for s in plan.steps.values()] == ["kernel", "kernel"]


def test_host_steps_say_why() -> None:
    g = Build()
    x = g.input(3, 3)
    plan = make_plan(fuse(g.done(g.cholesky(x))))
    step = next(iter(plan.steps.values()))
    assert step.kind == "host" and step.reason


def test_a_loop_is_part_of_the_program() -> None:
    g = Build()
    x, n = g.input(3), g.input(dtype="int32", name="n")
    body = region("body", [I32, F32], lambda b, i, y: [b.tanh(y)])
    attrs = {"carried": 1, "scanned": 0, "stacked": 0, "length": None, "reverse": False}
    (out,) = g.emit(control.for_, [n, x], attrs, {"body": body})
    graph = g.done(out)
    for trips in (0, 1, 5):
        executable = check(graph, [np.ones(3, np.float32), np.array(trips, np.int32)])
        assert not executable.plan.host


def test_a_loop_whose_shapes_change_runs_on_the_host() -> None:
    g = Build()
    x, n = g.input(B), g.input(dtype="int32", name="n")
    grown = TensorType(dtypes.float32, (dims.symbol("k"),))
    body = region("body", [I32, grown], lambda b, i, y: [b.concat(y, y, axis=0)])
    attrs = {"carried": 1, "scanned": 0, "stacked": 0, "length": None, "reverse": False}
    (out,) = g.emit(control.for_, [n, x], attrs, {"body": body})
    executable = check(g.done(out), [np.ones(3, np.float32), np.array(2, np.int32)])
    assert [s.reason for s in executable.steps()] == ["a region whose sizes change while it runs"]


def test_a_kernel_overwrites_what_nobody_reads_later() -> None:
    g = Build()
    x = g.input(8, 8)
    h = g.matmul(x, x)
    executable = check(g.done(g.matmul(g.exp(h), x)), [np.eye(8, dtype=np.float32)])
    assert "in place: %matmul" in str(executable.plan)
    assert executable.memory.values < 2 * 8 * 8 * 4


def test_a_kernel_leaves_what_is_read_later_or_in_another_shape_or_order() -> None:
    rng = np.random.default_rng(1)
    for later in (
        lambda g, h: g.matmul(g.exp(h), h),
        lambda g, h: g.matmul(g.exp(h), g.reshape(h, shape=(4, 4))),
        lambda g, h: g.exp(g.add(h, g.transpose(h))),
    ):
        g = Build()
        x = g.input(4, 4)
        h = g.matmul(x, x)
        executable = check(g.done(g.matmul(later(g, h), x)), [rng.random((4, 4)).astype("f4")])
        assert "in place" not in str(executable.plan)


def test_a_number_is_updated_in_place_by_the_loop_that_reads_it() -> None:
    g = Build()
    w, x = g.variable(), g.input(10)
    loss = g.reduce_mean(g.square(g.multiply(x, w)))
    g.assign(w, g.subtract(w, loss))
    executable = check(
        g.done(loss), [np.arange(10, dtype=np.float32)], [np.float32([2.0])[0:1].reshape(())]
    )
    assert "in place: %w" in str(executable.plan) and not executable.plan.commits


def test_updates_of_all_variables_share_one_kernel() -> None:
    g = Build()
    for i, shape in enumerate([(3,), (4, 5), (2, 3, 4), (7,), (1, 6)]):
        w, m = g.variable(*shape, name=f"w{i}"), g.variable(*shape, name=f"m{i}")
        new = g.add(g.multiply(m, g.constant(0.9)), g.input(*shape, name=f"g{i}"))
        g.assign(m, new)
        g.assign(w, g.subtract(w, g.multiply(new, g.constant(0.1))))
    plan = make_plan(fuse(g.done()))
    assert len(plan.steps) == 5 and len(plan.texts) == 1
    assert not plan.commits
