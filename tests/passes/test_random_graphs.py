"""Random graphs compute the same before and after the passes, to the bit."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from graphc.errors import GraphcError
from graphc.ir import dims, dtypes
from graphc.ir.graph import Graph, GraphBuilder, Value
from graphc.ir.parse import parse
from graphc.ir.types import TensorType
from graphc.ir.verify import verify
from graphc.ops import REGISTRY, control
from graphc.passes.base import Pipeline
from graphc.runtime.interpreter import evaluate

B = dims.symbol("B")
UNARY = ("negative", "exp", "tanh", "square", "identity", "abs", "zeros_like", "ones_like", "sign")
BINARY = ("add", "subtract", "multiply", "maximum", "minimum")
CONSTANTS = (0.0, -0.0, 1.0, 2.0, -1.5)
PASSES = ("inline", "fold", "algebra", "cse", "scans", "hoist", "parts", "dce", "fuse")


class Random:
    """A builder that lets hypothesis choose each node."""

    def __init__(self, draw: Any, builder: GraphBuilder, values: list[Value]) -> None:
        self.draw, self.builder, self.values = draw, builder, values

    def choose(self, options: Any) -> Any:
        return self.draw(st.sampled_from(list(options)))

    def emit(self, name: str, *inputs: Value, **attrs: Any) -> None:
        """Add a node, if its operands' shapes are sure to fit."""
        op = REGISTRY[name]
        attrs = {**op.attrs, **attrs}
        with dims.collecting() as assumed:
            try:
                op.infer([v.type for v in inputs], attrs, {})
            except GraphcError:
                return
        if not assumed:
            self.values += self.builder.emit(op, inputs, attrs)

    def node(self, depth: int) -> None:
        kind = self.choose(("unary", "binary", "constant", "reduce", "view", "if", "for", "call"))
        if kind in ("if", "for", "call"):
            if depth < 2:
                getattr(self, f"{kind}_")(depth)
        else:
            getattr(self, kind)()

    def unary(self) -> None:
        self.emit(self.choose(UNARY), self.choose(self.values))

    def binary(self) -> None:
        self.emit(self.choose(BINARY), self.choose(self.values), self.choose(self.values))

    def constant(self) -> None:
        shape = self.choose(((), (3,), (1, 1)))
        self.emit("constant", value=np.full(shape, self.choose(CONSTANTS), np.float32))

    def reduce(self) -> None:
        x = self.choose(self.values)
        axes = tuple(i for i in range(x.type.rank) if self.draw(st.booleans()))
        name = self.choose(("reduce_sum", "reduce_max", "reduce_mean"))
        self.emit(name, x, axis=axes, keepdims=self.draw(st.booleans()))

    def view(self) -> None:
        x = self.choose(self.values)
        rank = x.type.rank
        match self.choose(("transpose", "expand_dims", "broadcast_to", "reshape")):
            case "transpose":
                self.emit("transpose", x, perm=tuple(self.draw(st.permutations(range(rank)))))
            case "expand_dims":
                if rank < 3:
                    self.emit("expand_dims", x, axis=self.draw(st.integers(0, rank)))
            case "broadcast_to":
                self.emit("broadcast_to", x, shape=self.choose(((B, 3), (2, B, 3), (3,))))
            case "reshape":
                self.emit("reshape", x, shape=(x.type.size,))

    def region(self, label: str, parameters: list[Value], result: Value, depth: int) -> Graph:
        """A region with a few nodes that gives one value of ``result``'s type."""
        builder = GraphBuilder(label)
        inner = [builder.parameter(v.type, v.name) for v in parameters]
        body = Random(self.draw, builder, list(inner))
        for _ in range(self.draw(st.integers(0, 4))):
            body.node(depth + 1)
        return builder.finish([self.choose(v for v in body.values if v.type == result.type)])

    def captures(self) -> list[Value]:
        return [self.choose(self.values) for _ in range(self.draw(st.integers(1, 3)))]

    def if_(self, depth: int) -> None:
        captures = self.captures()
        flag = self.builder.emit(
            control.constant, (), {"value": np.asarray(self.draw(st.booleans()))}
        )
        regions = {k: self.region(k, captures, captures[0], depth) for k in ("then", "else")}
        self.values += self.builder.emit(control.if_, (*flag, *captures), {}, regions)

    def for_(self, depth: int) -> None:
        captures = self.captures()
        count = self.builder.emit(
            control.constant, (), {"value": np.asarray(self.draw(st.integers(0, 3)), np.int32)}
        )
        builder = GraphBuilder("body")
        builder.parameter(TensorType(dtypes.int32), "i")
        inner = [builder.parameter(v.type, v.name) for v in captures]
        body = Random(self.draw, builder, list(inner))
        for _ in range(self.draw(st.integers(0, 5))):
            body.node(depth + 1)
        carried = self.draw(st.integers(1, len(captures)))
        results = [
            self.choose(w for w in body.values if w.type == v.type) for v in captures[:carried]
        ]
        attrs = {**control.for_.attrs, "carried": carried}
        self.values += self.builder.emit(
            control.for_, (*count, *captures), attrs, {"body": builder.finish(results)}
        )

    def call_(self, depth: int) -> None:
        captures = self.captures()
        regions = {"body": self.region("body", captures, captures[0], depth)}
        self.values += self.builder.emit(control.call, captures, {"name": "g"}, regions)


@st.composite
def texts(draw: Any) -> str:
    """A random graph as text, which hypothesis shows well."""
    builder = GraphBuilder("f")
    shapes = ((B, 3), (3,), (), (1, 3))
    values = [builder.parameter(TensorType(dtypes.float32, s), "x") for s in shapes]
    random = Random(draw, builder, values)
    for _ in range(draw(st.integers(1, 10))):
        random.node(0)
    results = draw(st.lists(st.sampled_from(random.values), min_size=1, max_size=3))
    return str(verify(builder.finish(results)))


def arrays(rows: int) -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    return [rng.normal(size=s).astype(np.float32) for s in ((rows, 3), (3,), (), (1, 3))]


@settings(max_examples=60)
@given(texts(), st.lists(st.sampled_from(PASSES), min_size=1, max_size=7))
def test_passes_keep_the_values(text: str, names: list[str]) -> None:
    graph = parse(text, REGISTRY)
    after = Pipeline(tuple(names)).run(graph)[-1].after
    expected, found = evaluate(graph, arrays(4)), evaluate(after, arrays(4))
    for a, b in zip(expected, found, strict=True):
        assert a.shape == b.shape
        assert np.array_equal(a, b, equal_nan=True), f"{a} is now {b} in\n{after}"
        assert np.array_equal(np.signbit(a[a == 0]), np.signbit(b[b == 0])), str(after)


@settings(max_examples=30)
@given(texts())
def test_the_text_of_random_graphs_reads_back(text: str) -> None:
    assert str(parse(text, REGISTRY)) == text


@settings(max_examples=40)
@given(texts())
def test_a_second_run_finds_nothing(text: str) -> None:
    names = ("inline", "fold", "algebra", "cse", "dce")
    once = Pipeline(names * 3).run(parse(text, REGISTRY))[-1].after
    for step in Pipeline(names).run(once):
        assert not step.changed, f"{step}\n{step.before}\n{step.after}"
