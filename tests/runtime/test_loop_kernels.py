"""Loops with arrays as one kernel: the interpreter's results, elements changed in place."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.errors import InvalidArgumentError
from graphc.ir import dtypes
from graphc.ir.graph import Graph, GraphBuilder, Value
from graphc.ir.parse import parse
from graphc.ir.types import TensorType
from graphc.ops import REGISTRY, control
from graphc.runtime.executable import Executable
from graphc.runtime.interpreter import evaluate

I32, F32 = dtypes.int32, dtypes.float32
SMALL, LONG, WIDE = ((3,), (20,), (4, 5))  # variables; memory; memory with rows


class Programs:
    """Writes random nodes into a region; small numbers, so that indices stay in range."""

    def __init__(self, rnd: random.Random, builder: GraphBuilder, values: list[Value]) -> None:
        self.rnd, self.builder, self.values = rnd, builder, list(values)

    def emit(self, name: str, inputs: list[Value], **attrs: Any) -> Value:
        op = getattr(control, name, None) or REGISTRY[name]
        (made,) = self.builder.emit(op, inputs, {**op.attrs, **attrs})
        self.values.append(made)
        return made

    def of(self, *shapes: tuple[int, ...]) -> Value:
        """A float value of one of the shapes; there is always one."""
        found = [v for v in self.values if v.type.dtype is F32 and v.type.shape in shapes]
        return self.rnd.choice(found)

    def index(self, size: int) -> Value:
        """An integer in range that data tells."""
        number = self.rnd.choice([v for v in self.values if v.type == TensorType(I32)])
        limit = self.constant(np.int32(size))
        return self.emit("floormod", [number, limit])

    def constant(self, value: Any) -> Value:
        return self.emit("constant", [], value=np.asarray(value))

    def node(self, depth: int) -> None:
        kinds = ["arithmetic", "read", "write", "write", "move", "row", "reduce"]
        kinds += ["branch", "loop", "count"] if depth < 2 else []
        getattr(self, self.rnd.choice(kinds))(*([depth] if depth < 2 else [2]))

    def arithmetic(self, depth: int) -> None:
        shape = self.rnd.choice([(), SMALL])
        scaled = self.emit("multiply", [self.of(shape), self.constant(np.float32(0.5))])
        self.emit(self.rnd.choice(["add", "subtract", "maximum"]), [scaled, self.of(shape, ())])

    def read(self, depth: int) -> None:
        array = self.of(SMALL, LONG)
        self.emit("gather", [array, self.index(array.type.shape[0])], axis=0)

    def row(self, depth: int) -> None:
        wide = self.of(WIDE)
        row = self.emit("gather", [wide, self.index(4)], axis=0)  # a view while it may be one
        self.emit("gather", [row, self.index(5)], axis=0)
        if self.rnd.random() < 0.5:
            self.emit("set_row", [self.of(WIDE), self.index(4), row], what="")

    def write(self, depth: int) -> None:
        array = self.of(SMALL, LONG, WIDE)
        places = [self.index(n) for n in array.type.shape]
        at = self.emit("stack", places, axis=0)
        kind = self.rnd.choice(["update", "add", "max"])
        self.emit(f"tensor_scatter_{kind}", [array, at, self.of(())])

    def move(self, depth: int) -> None:
        x = self.of(SMALL)
        self.emit("strided_slice", [x], index=(slice(None, None, -1),))
        self.emit("strided_slice_update", [x, self.of(())], index=(self.rnd.randrange(3),))

    def reduce(self, depth: int) -> None:
        self.emit("reduce_max", [self.of(SMALL)], axis=(0,), keepdims=False)

    def count(self, depth: int) -> None:
        self.emit("add", [self.index(7), self.constant(np.int32(3))])

    def regions(self, depth: int, labels: list[str], lead: list[TensorType], given: list[Value],
                wanted: list[TensorType]) -> dict[str, Graph]:  # fmt: skip
        found = {}
        for label in labels:
            builder = GraphBuilder(label)
            parameters = [builder.parameter(t) for t in [*lead, *(v.type for v in given)]]
            body = Programs(self.rnd, builder, parameters)
            for _ in range(self.rnd.randrange(1, 5)):
                body.node(depth + 1)
            found[label] = builder.finish([body.like(t) for t in wanted])
        return found

    def like(self, type: TensorType) -> Value:
        return self.rnd.choice([v for v in self.values if v.type == type])

    def captured(self) -> list[Value]:
        """One value of each kind, and some more: arrays may well be given twice."""
        kinds = [self.of(()), self.of(SMALL), self.of(LONG), self.of(WIDE), self.index(5)]
        return kinds + self.rnd.choices(self.values, k=2)

    def branch(self, depth: int) -> None:
        test = self.emit("greater", [self.of(()), self.of(())])
        given = self.captured()
        wanted = [v.type for v in self.rnd.sample(given, 3)]
        regions = self.regions(depth, ["then", "else"], [], given, wanted)
        self.values += self.builder.emit(control.if_, [test, *given], {"joined": ()}, regions)

    def loop(self, depth: int) -> None:
        count = self.constant(np.int32(self.rnd.randrange(4)))
        given = self.captured()
        carried = self.rnd.randrange(1, len(given))
        wanted = [v.type for v in given[:carried]]
        regions = self.regions(depth, ["body"], [TensorType(I32)], given, wanted)
        attrs = {"carried": carried, "scanned": 0, "stacked": 0, "length": None, "reverse": False}
        self.values += self.builder.emit(control.for_, [count, *given], attrs, regions)


def random_graph(seed: int) -> Graph:
    """A loop around random nodes."""
    rnd = random.Random(seed)
    builder = GraphBuilder("random")
    types = [TensorType(F32, s) for s in ((), SMALL, LONG, WIDE, LONG, WIDE)]
    given = [builder.parameter(t) for t in [*types, TensorType(I32)]]
    outer = Programs(rnd, builder, given)
    regions = outer.regions(0, ["body"], [TensorType(I32)], given, [v.type for v in given])
    attrs = {"carried": len(given), "scanned": 0, "stacked": 0, "length": None, "reverse": False}
    count = outer.constant(np.int32(3))
    return builder.finish(builder.emit(control.for_, [count, *given], attrs, regions))


def check_random(seed: int) -> bool:
    """Whether the program was one kernel; that it is right is asserted."""
    graph = random_graph(seed)
    draws = np.random.default_rng(seed)
    arrays = [
        np.asarray(draws.normal(size=v.type.shape) if v.type.dtype is F32 else 5, v.type.dtype.np)
        for v in graph.inputs
    ]
    wanted = evaluate(graph, [a.copy() for a in arrays])
    executable = Executable(graph)
    given = [a.copy() for a in arrays]
    found = executable.run(given, [])
    for a, b, value in zip(found, wanted, graph.outputs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6, err_msg=f"{seed} {value}")
    for a, b in zip(arrays, given, strict=True):
        np.testing.assert_array_equal(a, b)  # arguments never change
    return not executable.plan.declined


RICH = (13, 16, 30, 36, 39, 40, 52, 61)  # programs in which a wrong change in place shows


@pytest.mark.parametrize("seed", RICH)
def test_random_loops(seed: int) -> None:
    assert check_random(seed)


@pytest.mark.slow
def test_many_random_loops() -> None:
    assert sum(map(check_random, range(100, 160))) > 45


TWICE = """graph @twice(%n: i32[], %a: f32[20], %b: f32[20], %s: f32[]) {
  %out: f32[20], %t: f32[] = for {carried=2} %n, %a, %s, %b {
    body(%i: i32[], %a: f32[20], %s: f32[], %b: f32[20]) {
      %c: f32[20] = set_row {what=""} %a, %i, %s
      %yes: b1[] = constant {value=b1(True)}
      %t: f32[] = if %yes, %c, %c, %i, %s {
        then(%c: f32[20], %d: f32[20], %i: i32[], %s: f32[]) {
          %one: f32[] = constant {value=f32(1.0)}
          %e: f32[20] = set_row {what=""} %c, %i, %one
          %x: f32[] = gather {axis=0, batch_dims=0} %e, %i
          %y: f32[] = gather {axis=0, batch_dims=0} %d, %i
          %z: f32[] = add %x, %y
          yield %z
        }
        else(%c: f32[20], %d: f32[20], %i: i32[], %s: f32[]) {
          yield %s
        }
      }
      yield %b, %t
    }
  }
  return %out, %t
}"""
AGAIN = """graph @again(%n: i32[], %a: f32[20], %b: f32[20], %s: f32[]) {
  %out: f32[20], %t: f32[] = for {carried=2} %n, %a, %s, %b {
    body(%i: i32[], %a: f32[20], %s: f32[], %b: f32[20]) {
      %c: f32[20] = set_row {what=""} %a, %i, %s
      %three: i32[] = constant {value=i32(3)}
      %t: f32[] = for {carried=1} %three, %s, %c {
        body(%j: i32[], %t: f32[], %c: f32[20]) {
          %zero: i32[] = constant {value=i32(0)}
          %x: f32[] = gather {axis=0, batch_dims=0} %c, %zero
          %y: f32[] = add %x, %t
          %d: f32[20] = set_row {what=""} %c, %zero, %y
          %z: f32[] = gather {axis=0, batch_dims=0} %d, %zero
          yield %z
        }
      }
      yield %b, %t
    }
  }
  return %out, %t
}"""


@pytest.mark.parametrize("text", [TWICE, AGAIN], ids=["given twice", "needed again"])
def test_an_array_that_is_needed_is_copied(text: str) -> None:
    """The next iteration, or another name in a branch, reads what would be changed in place."""
    graph = parse(text, REGISTRY)
    draws = np.random.default_rng(0)
    arrays = [np.asarray(draws.normal(size=v.type.shape), np.float32) for v in graph.inputs[1:]]
    given = [np.asarray(3, np.int32), *arrays]
    executable = Executable(graph)
    assert not executable.plan.declined
    for a, b in zip(executable.run(given, []), evaluate(graph, given), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


# --- whole programs -------------------------------------------------------------------------------


def plan_of(fn: Any, *args: Any) -> Any:
    return tf.function(fn).get_concrete_function(*args).function.executable.plan


def lorenz(s: Any, n: Any) -> Any:
    def slope(s: Any) -> Any:
        x, y, z = s[0], s[1], s[2]
        return tf.stack([10.0 * (y - x), x * (28.0 - z) - y, x * y - 2.0 * z])

    for _ in tf.range(n):
        s = s + 0.01 * slope(s + 0.005 * slope(s))
    return s


def rotated(s: Any, n: Any) -> Any:
    turn = tf.constant([[0.8, -0.6, 0.0], [0.6, 0.8, 0.0], [0.0, 0.0, 1.0]])
    for _ in tf.range(n):
        s = tf.linalg.matvec(turn, s) / tf.norm(s) + tf.one_hot(tf.argmax([0, 1, 0]), 3)
    return s


def histogram(s: Any, n: Any) -> Any:
    counts = tf.zeros([40])
    for i in tf.range(n):
        at = (i * i + 7) % 40
        if i % 3 > 0:
            counts = tf.tensor_scatter_nd_add(counts, [[at]], [s[0]])
        else:
            counts = tf.tensor_scatter_nd_update(counts, [[at]], [counts[at - 1] * 0.5])
    return counts


def sieve(s: Any, n: Any) -> Any:
    v = tf.ones([50], tf.bool)
    for i in tf.range(2, 8):
        if v[i]:
            j = i * i
            while j < 50:
                v = tf.tensor_scatter_nd_update(v, [[j]], [False])
                j += i
    return v, n


def table(s: Any, n: Any) -> Any:
    """Longest common subsequence: a table of which each element needs its neighbours."""
    t = tf.zeros([12, 9], tf.int32)
    for i in tf.range(1, n + 1):
        for j in tf.range(1, 9):
            if i % 3 == j % 2:
                new = t[i - 1, j - 1] + 1
            else:
                new = tf.maximum(t[i - 1, j], t[i, j - 1])
            t = tf.tensor_scatter_nd_update(t, [[i, j]], [new])
    return t


@pytest.mark.parametrize("fn", [lorenz, rotated, histogram, sieve, table], ids=lambda f: f.__name__)
def test_one_kernel(fn: Any) -> None:
    args = tf.constant([1.0, 2.0, 0.5]), tf.constant(11)
    for a, b in zip(tf.nest.flatten(tf.function(fn)(*args)), tf.nest.flatten(fn(*args)),
                    strict=True):  # fmt: skip
        np.testing.assert_allclose(a, b, rtol=1e-5)
    plan = plan_of(fn, *args)
    loops = [s for s in plan.steps.values() if s.node is not None and s.node.op.name == "for"]
    assert not plan.declined and len(loops) == 1
    writes = [n for n in loops[0].node.regions["body"].walk() if "scatter" in n.op.name]
    assert len(loops[0].in_place) == len(writes)


def test_a_variable_changes_at_an_index() -> None:
    v = tf.Variable(tf.zeros([30]))

    @tf.function
    def count(x: Any) -> None:
        for i in tf.range(len(x)):
            v[x[i]].assign(v[x[i]] + 1.0)

    x = tf.constant([3, 5, 3, -1])
    count(x)
    assert v.numpy()[[3, 5, 29]].tolist() == [2.0, 1.0, 1.0] and v.numpy().sum() == 4
    assert "iota: i32[30]" not in str(count.graph(x))
    with pytest.raises(InvalidArgumentError, match="30"):
        count(tf.constant([3, 30, 3, 4]))
    assert v.numpy().sum() == 4  # nothing of the failed call


def test_the_reason_is_told() -> None:
    def grown(x: Any, n: Any) -> Any:
        for _ in tf.range(n):
            x = x * 2.0
        return x

    plan = plan_of(grown, tf.ones([100]), tf.constant(3))
    assert "is not one kernel" in str(plan)


def test_a_gradient_of_any_number_of_iterations() -> None:
    """The saved values of a scalar loop are a stack whose length is known when it starts."""

    @tf.function
    def slope(x: Any, n: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x
            for i in tf.range(n):
                y = tf.sin(y) * x + tf.cast(i, tf.float32) * 0.01
        return tape.gradient(y, x)

    x, n = tf.constant(0.7), tf.constant(6)
    plan = slope.get_concrete_function(x, n).function.executable.plan
    loops = [s for s in plan.steps.values() if s.node is not None and s.node.op.name == "for"]
    assert [s.kind for s in loops if s.kind != "bind"] == ["kernel", "kernel"]
    assert not plan.declined
    for count in (6, 0, 1, 40):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x
            for i in range(count):
                y = tf.sin(y) * x + i * 0.01
        np.testing.assert_allclose(slope(x, tf.constant(count)), tape.gradient(y, x), rtol=1e-5)
