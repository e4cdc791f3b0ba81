"""Random programs: graphs of elementwise ops, reductions, views, products and nested regions.

Values stay in [-1, 1] or so, and comparisons are of inputs only, so that rounding in another order
cannot tip a branch.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np

from graphc.ir import dtypes
from graphc.ir.graph import Graph, Value
from graphc.ir.types import TensorType
from graphc.ops import control
from tests.runtime.graphs import Build

SHAPES = ((), (3,), (4, 3), (4, 1), (1, 3), (2, 4, 3), (3, 4))
F32, I32 = TensorType(dtypes.float32), TensorType(dtypes.int32)


class Writer:
    """Adds random nodes to a builder."""

    def __init__(self, g: Build, choose: random.Random, values: Sequence[Value], deep: int) -> None:
        self.g, self.choose, self.deep = g, choose, deep
        self.values = list(values)
        self.flags = [g.greater(v, g.constant(0.1)) for v in self.values[:2]]

    def any(self) -> Value:
        return self.choose.choice(self.values[-6:] + self.values[:2])

    def write(self, count: int) -> None:
        rules = [self.unary, self.binary, self.reduce, self.view, self.select, self.product]
        rules += [self.gather] + ([self.branch, self.loop] if self.deep else [])
        for _ in range(count):
            found = self.choose.choice(rules)()
            if found is not None:
                self.values.append(found)

    def unary(self) -> Value:
        op = self.choose.choice(("tanh", "sin", "negative", "abs", "sigmoid", "relu"))
        return getattr(self.g, op)(self.any())

    def partner(self, x: Value) -> Value | None:
        fits = []
        for y in self.values:
            try:
                np.broadcast_shapes(x.type.shape, y.type.shape)
            except ValueError:
                continue
            fits.append(y)
        return self.choose.choice(fits)

    def binary(self) -> Value:
        x = self.any()
        op = self.choose.choice(("add", "subtract", "multiply", "maximum", "minimum"))
        return self.g.tanh(getattr(self.g, op)(x, self.partner(x)))

    def reduce(self) -> Value | None:
        x = self.any()
        if not x.type.rank:
            return None
        axes = self.choose.sample(range(x.type.rank), self.choose.randint(1, x.type.rank))
        op = self.choose.choice(("reduce_mean", "reduce_max", "reduce_min"))
        return getattr(self.g, op)(x, axis=tuple(sorted(axes)), keepdims=self.choose.random() < 0.5)

    def view(self) -> Value | None:
        x, rank = self.any(), None
        rank = x.type.rank
        if not rank:
            return self.g.broadcast_to(x, shape=(2, 3))
        kind = self.choose.choice(("transpose", "reshape", "slice", "reverse", "expand"))
        if kind == "transpose":
            return self.g.transpose(x, perm=tuple(self.choose.sample(range(rank), rank)))
        if kind == "reshape":
            return self.g.reshape(x, shape=(-1,))
        if kind == "reverse":
            return self.g.reverse(x, axis=(self.choose.randrange(rank),))
        if kind == "expand":
            return self.g.expand_dims(x, axis=self.choose.randint(0, rank))
        if x.type.shape[0] == 0:
            return None
        part = self.choose.choice((0, -1, slice(0, 1), slice(None, None, -1), slice(None, None, 2)))
        return self.g.strided_slice(x, index=(part,))

    def select(self) -> Value | None:
        flag, x = self.choose.choice(self.flags), self.any()
        try:
            np.broadcast_shapes(flag.type.shape, x.type.shape)
        except ValueError:
            return None
        return self.g.select(flag, x, self.g.constant(0.5))

    def product(self) -> Value | None:
        x = self.any()
        if x.type.rank != 2:
            return None
        flip = self.choose.random() < 0.5
        return self.g.tanh(self.g.matmul(x, x, transpose_a=flip, transpose_b=not flip))

    def gather(self) -> Value | None:
        x = self.any()
        if not x.type.rank or x.type.shape[0] == 0:
            return None
        index = self.g.constant([self.choose.randrange(x.type.shape[0]) for _ in "ab"], "int32")
        return self.g.gather(x, index, axis=0)

    def _body(self, name: str, types: Sequence[TensorType], results: int) -> Graph:
        """A region of the given parameters; its results have the types of the first of them."""
        inner = Build(name)
        params = [inner.parameter(t, "p") for t in types]
        floats = [p for p in params if p.type.dtype is dtypes.float32]
        writer = Writer(inner, self.choose, floats, self.deep - 1)
        writer.write(3)
        outputs = []
        for param in floats[:results]:
            fits = [v for v in writer.values if v.type == param.type]
            outputs.append(self.choose.choice(fits))
        return inner.finish(outputs)

    def branch(self) -> Value:
        x, y = self.any(), self.any()
        flag = self.g.reduce_any(self.choose.choice(self.flags), axis=None)
        regions = {label: self._body(label, [x.type, y.type], 2) for label in ("then", "else")}
        attrs = {"joined": ()}
        found = self.g.emit(control.if_, [flag, x, y], attrs, regions)
        self.values.append(found[1])
        return found[0]

    def loop(self) -> Value:
        x, y, fixed = self.any(), self.any(), self.any()
        trips = self.choose.randrange(4)
        n = self.g.constant(trips, "int32")
        types = [I32, x.type, y.type, fixed.type]
        body = self._body("body", types, 2)
        stack = self.choose.random() < 0.5
        if stack:
            body = body.replace(outputs=(*body.outputs, body.outputs[0]))
        attrs = {"carried": 2, "scanned": 0, "stacked": int(stack), "length": trips,
                 "reverse": self.choose.random() < 0.5}  # fmt: skip
        found = self.g.emit(control.for_, [n, x, y, fixed], attrs, {"body": body})
        self.values.extend(found[1:])
        return found[0]


def random_program(seed: int, count: int = 12, deep: int = 2) -> Graph:
    """A program of about ``count`` nodes; some of its values are results, some update state."""
    choose = random.Random(seed)
    g = Build()
    values = [g.input(*choose.choice(SHAPES)) for _ in range(3)]
    weight = g.variable(*values[0].type.shape)
    writer = Writer(g, choose, [*values, weight], deep)
    writer.write(count)
    fits = [v for v in writer.values[3:] if v.type == weight.type and v is not weight]
    if fits:
        g.assign(weight, choose.choice(fits))
    return g.done(*choose.sample(writer.values, min(3, len(writer.values))))


def random_inputs(graph: Graph, seed: int) -> list[np.ndarray]:
    """Arrays for the parameters of a graph with known shapes."""
    generator = np.random.default_rng(seed)
    return [
        np.array(generator.uniform(-1, 1, v.type.shape), v.type.dtype.np) for v in graph.parameters
    ]
