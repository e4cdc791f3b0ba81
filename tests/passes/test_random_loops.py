"""Random loops, state and effects do the same before and after the passes, to the bit."""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from graphc.ir import dtypes
from graphc.ir.graph import Graph, GraphBuilder, StateSlot, Value
from graphc.ir.parse import parse
from graphc.ir.types import TensorType
from graphc.ir.verify import verify
from graphc.ops import REGISTRY, control
from graphc.passes.base import Pipeline
from graphc.runtime.interpreter import evaluate
from tests.passes.test_random_graphs import PASSES, B, Random

KINDS = ("unary", "binary", "constant", "reduce", "view", "print_", "if_", "for_", "while_")
SHAPES = ((B, 3), (3,), (), (1, 3))
ODD = np.array([0.0, -0.0, 1.0, -1.0, 2.0, 0.5, np.inf], np.float32)


class Loops(Random):
    """A builder of graphs with scanned, stacked and carried values in all loops."""

    def node(self, depth: int) -> None:
        kind = self.choose(KINDS)
        if kind in ("if_", "for_", "while_"):
            if depth < 2:
                getattr(self, kind)(depth)
        else:
            getattr(self, kind)()

    def print_(self) -> None:
        self.builder.emit(REGISTRY["print"], [self.choose(self.values)], {"template": (None,)})

    def number(self, value: int) -> Value:
        array = np.asarray(value, np.int32)
        return self.builder.emit(control.constant, (), {"value": array})[0]

    def some(self, values: list[Value], most: int) -> list[Value]:
        return self.draw(st.lists(st.sampled_from(values), max_size=most)) if values else []

    def inside(self, builder: GraphBuilder, values: list[Value], depth: int) -> Loops:
        """A few nodes in a region."""
        body = Loops(self.draw, builder, list(values))
        for _ in range(self.draw(st.integers(0, 4))):
            body.node(depth + 1)
        return body

    def region(self, label: str, parameters: list[Value], result: Value, depth: int) -> Graph:
        builder = GraphBuilder(label)
        body = self.inside(builder, [builder.parameter(v.type, v.name) for v in parameters], depth)
        return builder.finish([body.like(result)])

    def like(self, value: Value) -> Value:
        return self.choose(v for v in self.values if v.type == value.type)

    def for_(self, depth: int) -> None:
        carried, fixed = self.some(self.values, 3), self.some(self.values, 2)
        scanned = self.some([v for v in self.values if v.type.shape[:1] == (3,)], 2)
        count = 3 if scanned else self.draw(st.integers(0, 3))
        builder = GraphBuilder("body")
        builder.parameter(TensorType(dtypes.int32), "i")
        rows = [TensorType(dtypes.float32, v.type.shape[1:]) for v in scanned]
        types = [*(v.type for v in carried), *rows, *(v.type for v in fixed)]
        inner = [builder.parameter(t) for t in types]
        if not inner:
            return
        body = self.inside(builder, inner, depth)
        stacked = self.some(body.values, 2)
        results = [*map(body.like, inner[: len(carried)]), *stacked]
        attrs = {
            "carried": len(carried), "scanned": len(scanned), "stacked": len(stacked),
            "length": count if stacked else None, "reverse": self.draw(st.booleans()),
        }  # fmt: skip
        operands = (self.number(count), *carried, *scanned, *fixed)
        regions = {"body": builder.finish(results)}
        self.values += self.builder.emit(control.for_, operands, attrs, regions)

    def while_(self, depth: int) -> None:
        carried, count = self.some(self.values, 3), self.draw(st.integers(0, 3))
        fixed = [self.choose(self.values), *self.some(self.values, 1)]
        operands = [self.number(0), *carried, self.number(count), *fixed]
        builders = GraphBuilder("cond"), GraphBuilder("body")
        cond, inner = ([b.parameter(v.type) for v in operands] for b in builders)
        at = 1 + len(carried)
        test = builders[0].emit(REGISTRY["less"], (cond[0], cond[at]))
        body = self.inside(builders[1], inner[1:at] + inner[at + 1 :], depth)
        step = builders[1].emit(REGISTRY["add"], (inner[0], body.number(1)))
        stacked = self.some(body.values, 2)
        regions = {
            "cond": builders[0].finish(test),
            "body": builders[1].finish([*step, *map(body.like, inner[1:at]), *stacked]),
        }
        attrs = {
            "carried": at, "stacked": len(stacked), "length": count if stacked else None,
            "count": self.draw(st.booleans()),
        }  # fmt: skip
        found = self.builder.emit(control.while_, operands, attrs, regions)
        self.values += [v for v in found if v.type.dtype is dtypes.float32]


@st.composite
def texts(draw: Any) -> str:
    builder = GraphBuilder("f")
    x, y, u, w = (builder.parameter(TensorType(dtypes.float32, s)) for s in SHAPES)
    random = Loops(draw, builder, [x, y, u, w])
    for _ in range(draw(st.integers(1, 8))):
        random.node(0)
    graph = builder.finish(draw(st.lists(st.sampled_from(random.values), min_size=1, max_size=3)))
    state = tuple(StateSlot(v, draw(st.sampled_from([None, random.like(v)]))) for v in (u, w))
    return str(verify(graph.replace(inputs=(x, y), state=state)))


def run(graph: Graph, arrays: list[np.ndarray]) -> tuple[list[np.ndarray], str]:
    """The results, and what is printed."""
    out = io.StringIO()
    with redirect_stdout(out), redirect_stderr(out):
        return evaluate(graph, arrays), out.getvalue()


@settings(max_examples=60, deadline=None)
@given(
    texts(), st.lists(st.sampled_from(PASSES), min_size=1, max_size=8), st.booleans(),
    st.sampled_from((0, 1, 4)), st.integers(0, 99),
)  # fmt: skip
def test_passes_keep_loops_state_and_effects(
    text: str, names: list[str], fuse: bool, rows: int, seed: int
) -> None:
    graph = parse(text, REGISTRY)
    assert str(graph) == text
    rng = np.random.default_rng(seed)
    arrays = [np.asarray(rng.choice(ODD, s)) for s in ((rows, 3), (3,), (), (1, 3))]
    try:
        expected, printed = run(graph, arrays)
    except ValueError:  # the maximum of no rows: what is not needed may go, and so the error
        return
    after = Pipeline((*names, "fuse", "dce") if fuse else tuple(names)).run(graph)[-1].after
    found, told = run(verify(after), arrays)
    assert told == printed, str(after)
    for a, b in zip(expected, found, strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype), str(after)
        assert np.array_equal(a, b, equal_nan=True), f"{a} is now {b} in\n{after}"
        assert np.array_equal(np.signbit(a[a == 0]), np.signbit(b[b == 0])), str(after)
