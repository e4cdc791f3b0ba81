"""One test for every promise of every op: the registry is walked, each op brings its samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from graphc.errors import InvalidArgumentError
from graphc.ir import dims, dtypes
from graphc.ir.dims import Dim
from graphc.ir.graph import Graph
from graphc.ir.parse import parse
from graphc.ir.text import to_text
from graphc.ir.types import TensorType
from graphc.ir.verify import verify
from graphc.ops import REGISTRY, OpDef, control
from graphc.ops.opdef import Sample
from graphc.passes.base import find, run_pass
from graphc.runtime import interpreter
from graphc.runtime.executable import Executable
from graphc.trace.dispatch import quiet
from graphc.trace.state import tracing
from graphc.trace.tape import GradientTape
from graphc.trace.tensor import EagerTensor
from graphc.trace.tracer import Tracer

# Tested by tests of control flow: they own regions, or have neither operands nor results.
WITHOUT_SAMPLES = (*control.REGION_OPS, control.guard)
# Their results' number or rank depends on a size, so that size must be known.
NEED_KNOWN_SIZES = ("unstack", "squeeze")
# A Python function has no text, so its graph cannot be read back.
WITHOUT_TEXT = ("py_call",)

Case = tuple[OpDef, Sample]
Arrays = Sequence[np.ndarray]


def _cases() -> Iterator[Any]:
    for op in REGISTRY.values():
        for i, sample in enumerate(op.samples() if op.samples else ()):
            yield pytest.param((op, sample), id=f"{op.name}-{i}")


def _differentiable() -> list[Any]:
    cases = ((param, *param.values[0]) for param in _cases())
    return [param for param, op, sample in cases if op.grad and sample.grad]


each_case = pytest.mark.parametrize("case", list(_cases()))
each_gradient = pytest.mark.parametrize("case", _differentiable())


def run_eager(op: OpDef, arrays: Arrays, attrs: Mapping[str, Any]) -> tuple[np.ndarray, ...]:
    with quiet():
        found = op.eager(*arrays, **attrs)
    return tuple(map(np.asarray, found if op.many else (found,)))


def type_of(array: np.ndarray) -> TensorType:
    return TensorType(dtypes.of_numpy(array.dtype), array.shape)


def symbolic(array: np.ndarray, at: int) -> TensorType:
    """The array's type with a symbol for every axis, but those of size 1, which broadcast."""
    if array.dtype == np.uint64:  # a key of random numbers
        return type_of(array)
    shape = (n if n == 1 else dims.symbol(f"S{at}_{i}") for i, n in enumerate(array.shape))
    return TensorType(dtypes.of_numpy(array.dtype), tuple(shape))


def traced(op: OpDef, types: Sequence[TensorType], attrs: Mapping[str, Any]) -> Graph:
    """``graph @op(x0, x1, ...) { op x0, x1, ... }``"""
    tracer = Tracer(op.name)
    with tracing(tracer):
        parameters = [tracer.add_parameter(t, f"x{i}") for i, t in enumerate(types)]
        found = op(*parameters, **attrs)
        return tracer.finish_function(found if op.many else (found,))


def bind(shape: Sequence[Any], found: Sequence[int], sizes: dict[str, int]) -> None:
    """Check that a shape fits what was found; sizes that only data tells become known."""
    assert len(shape) == len(found)
    for dim, size in zip(shape, found, strict=True):
        for name in dims.symbols(dim) - sizes.keys():
            sizes[name] = size
        assert dims.evaluate(dim, sizes) == size, f"{dim} is {size}"


def assert_same(found: Arrays, wanted: Arrays, tolerance: float = 0) -> None:
    assert len(found) == len(wanted)
    for a, b in zip(found, wanted, strict=True):
        assert a.dtype == b.dtype and a.shape == b.shape
        if a.dtype.kind in "fc" or a.dtype.name == "bfloat16":
            wide = np.complex128 if a.dtype.kind == "c" else np.float64
            a, b = a.astype(wide), b.astype(wide)
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)
        else:
            np.testing.assert_array_equal(a, b)


# --- declarations ---------------------------------------------------------------------------------


@pytest.mark.parametrize("op", REGISTRY.values(), ids=str)
def test_every_op_is_complete(op: OpDef) -> None:
    assert op.doc, "an op says what it does"
    assert op.grad or op.no_grad, "an op has a gradient, or says why not"
    assert op.samples is not None or op in WITHOUT_SAMPLES, "an op has samples to be tested on"
    names = [*op.operands, *op.attrs]
    assert len(set(names)) == len(names), "gradient rules find operands and attributes by name"


# --- values and types -----------------------------------------------------------------------------


@each_case
def test_inferred_types_are_those_of_the_values(case: Case) -> None:
    op, sample = case
    inferred = op.infer([type_of(a) for a in sample.args], {**op.attrs, **sample.attrs}, {})
    results = run_eager(op, sample.args, sample.attrs)
    assert len(inferred) == len(results)
    sizes: dict[str, int] = {}
    for type, result in zip(inferred, results, strict=True):
        assert dtypes.of_numpy(result.dtype) is type.dtype
        bind(type.shape, result.shape, sizes)


@pytest.mark.parametrize(
    "op", [op for op in REGISTRY.values() if not op.wide and op.samples], ids=str
)
def test_every_dtype_it_takes_gives_the_inferred_dtype(op: OpDef) -> None:
    for sample in list(op.samples())[:2]:  # type: ignore[misc]
        if not sample.args or sample.args[0].dtype == np.uint64 or "dtype" in sample.attrs:
            continue
        for dtype in op.dtypes - {dtypes.string}:
            with quiet():
                args = [np.abs(a.real).astype(dtype.np) for a in sample.args]
            if dtype.kind in "iu":
                args = [np.maximum(a, dtype.np.type(1)) for a in args]
            inferred = op.infer([type_of(a) for a in args], {**op.attrs, **sample.attrs}, {})
            results = run_eager(op, args, sample.attrs)
            found = [dtypes.of_numpy(r.dtype) for r in results]
            assert found == [t.dtype for t in inferred], f"for {dtype.name}"


@each_case
def test_operands_are_left_alone(case: Case) -> None:
    op, sample = case
    before = [a.copy() for a in sample.args]
    run_eager(op, sample.args, sample.attrs)
    assert_same(sample.args, before)


# --- graphs ---------------------------------------------------------------------------------------


@each_case
def test_graphs_verify_print_and_compute_the_same(case: Case) -> None:
    op, sample = case
    graph = traced(op, [type_of(a) for a in sample.args], sample.attrs)
    verify(graph)
    if op.name not in WITHOUT_TEXT:
        text = to_text(graph)
        assert to_text(parse(text, REGISTRY)) == text
    if op.name != "timestamp":
        results = interpreter.evaluate(graph, sample.args)
        assert_same(results, run_eager(op, sample.args, sample.attrs))


@each_case
def test_unknown_sizes_give_the_same_results(case: Case) -> None:
    op, sample = case
    if op.name in NEED_KNOWN_SIZES or op.name == "timestamp":
        return
    try:
        graph = traced(op, [symbolic(a, i) for i, a in enumerate(sample.args)], sample.attrs)
    except InvalidArgumentError as error:
        assert _depth_of_indices(op), error
        return
    verify(graph)
    results = interpreter.evaluate(graph, sample.args)
    assert_same(results, run_eager(op, sample.args, sample.attrs))
    sizes: dict[str, int] = {}
    for value, array in zip(graph.inputs, sample.args, strict=True):
        bind(value.type.shape, array.shape, sizes)
    for value, result in zip(graph.outputs, results, strict=True):
        bind(value.type.shape, result.shape, sizes)


def _depth_of_indices(op: OpDef) -> bool:
    """Whether the last axis of its indices must be known, as it decides on the result's rank."""
    return op.name.startswith(("gather_nd", "scatter_nd", "tensor_scatter"))


@each_case
def test_compiled_code_computes_the_same(case: Case) -> None:
    op, sample = case
    if op.name == "timestamp":
        return
    graph = traced(op, [type_of(a) for a in sample.args], sample.attrs)
    fused = run_pass("fuse", find("fuse"), graph).after
    results = Executable(fused).run([a.copy() for a in sample.args], [])
    wanted = run_eager(op, sample.args, sample.attrs)
    single = any(a.dtype.itemsize <= 4 or a.dtype == np.complex64 for a in (*sample.args, *wanted))
    assert_same(results, wanted, 0 if sample.exact else 2e-6 if single else 1e-14)


# --- gradients ------------------------------------------------------------------------------------


def precise(array: np.ndarray) -> np.ndarray:
    """Floats in double precision."""
    wider = {"f": np.float64, "c": np.complex128}.get(array.dtype.kind)
    return array.astype(wider) if wider else array


def weights(shape: Sequence[int], dtype: np.dtype, seed: int) -> np.ndarray:
    g = np.random.default_rng(seed)
    real = g.uniform(0.5, 1.5, shape)
    return (real + 1j * g.uniform(-1, 1, shape) if dtype.kind == "c" else real).astype(dtype)


def gradients(op: OpDef, arrays: Arrays, attrs: Any, seed: int) -> list[np.ndarray | None]:
    """Of the real part of the weighted sum of all results, by every operand that has one."""
    tensors = [EagerTensor(a) for a in arrays]
    with GradientTape() as tape:
        tape.watch([t for t in tensors if t.dtype.is_differentiable])
        found = op(*tensors, **attrs)
        results = [r for r in (found if op.many else (found,)) if r.dtype.is_differentiable]
    seeds = [weights(r.shape, r._array.dtype, seed + i) for i, r in enumerate(results)]
    found = tape.gradient(results, tensors, output_gradients=seeds)
    return [None if g is None else g.numpy() for g in found]


def weighted(op: OpDef, arrays: Arrays, attrs: Any, seed: int) -> float:
    results = [r for r in run_eager(op, arrays, attrs) if r.dtype.kind in "fc"]
    seeds = [weights(r.shape, r.dtype, seed + i) for i, r in enumerate(results)]
    return sum(float(np.sum(w.conj() * r).real) for w, r in zip(seeds, results, strict=True))


def differences(function: Any, arrays: Arrays, at: int, step: float = 1e-6) -> np.ndarray:
    """Central differences by one operand; for complex numbers by both parts."""
    x = arrays[at]
    slope = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        for part in (1, 1j) if x.dtype.kind == "c" else (1,):
            values = []
            for sign in (1, -1):
                moved = x.copy()
                moved[place] += sign * step * part
                values.append(function([*arrays[:at], moved, *arrays[at + 1 :]]))
            slope[place] += part * (values[0] - values[1]) / (2 * step)
    return slope


def expect_slopes(op: OpDef, function: Any, arrays: Arrays, found: list[Any]) -> None:
    for at, (x, g) in enumerate(zip(arrays, found, strict=True)):
        if x.dtype.kind in "fc":
            wanted = differences(function, arrays, at)
            got = np.zeros_like(x) if g is None else np.asarray(g)
            assert got.shape == x.shape and got.dtype == x.dtype
            message = f"{op.name}: gradient by {op.operands[min(at, len(op.operands) - 1)]}"
            np.testing.assert_allclose(got, wanted, rtol=2e-5, atol=2e-7, err_msg=message)


@each_gradient
def test_gradients_are_the_slopes(case: Case) -> None:
    op, sample = case
    arrays = [precise(a) for a in sample.args]
    found = gradients(op, arrays, sample.attrs, seed=1)
    expect_slopes(op, lambda xs: weighted(op, xs, sample.attrs, 1), arrays, found)


@each_gradient
def test_second_gradients_are_the_slopes_of_the_first(case: Case) -> None:
    op, sample = case
    arrays = [precise(a) for a in sample.args]
    if sum(a.size for a in arrays if a.dtype.kind in "fc") > 24:
        return

    def first(xs: Arrays) -> float:
        found = gradients(op, xs, sample.attrs, seed=1)
        pairs = [
            (g, weights(g.shape, g.dtype, 9 + i)) for i, g in enumerate(found) if g is not None
        ]
        return sum(float(np.sum(w.conj() * g).real) for g, w in pairs)

    tensors = [EagerTensor(a) for a in arrays]
    sources = [t for t in tensors if t.dtype.is_differentiable]
    with GradientTape() as outer:
        outer.watch(sources)
        with GradientTape() as inner:
            inner.watch(sources)
            found = op(*tensors, **sample.attrs)
            results = [r for r in (found if op.many else (found,)) if r.dtype.is_differentiable]
        seeds = [weights(r.shape, r._array.dtype, 1 + i) for i, r in enumerate(results)]
        slopes = inner.gradient(results, tensors, output_gradients=seeds)
    kept = [
        (g, weights(g.shape, g._array.dtype, 9 + i)) for i, g in enumerate(slopes) if g is not None
    ]
    again = outer.gradient([g for g, _ in kept], tensors, output_gradients=[w for _, w in kept])
    expect_slopes(op, first, arrays, again)


@each_gradient
def test_gradients_are_the_same_in_a_graph_with_unknown_sizes(case: Case) -> None:
    op, sample = case
    arrays = [precise(a) for a in sample.args]
    known = op.name in NEED_KNOWN_SIZES or _depth_of_indices(op)
    types = [type_of(a) if known else symbolic(a, i) for i, a in enumerate(arrays)]
    graph = gradient_graph(op, types, sample.attrs)
    verify(graph)
    results = [r for r in run_eager(op, arrays, sample.attrs) if r.dtype.kind in "fc"]
    seeds = [weights(r.shape, r.dtype, 1 + i) for i, r in enumerate(results)]
    wanted = [g for g in gradients(op, arrays, sample.attrs, seed=1) if g is not None]
    assert_same(interpreter.evaluate(graph, [*arrays, *seeds]), wanted, 1e-12)


def gradient_graph(op: OpDef, types: Sequence[TensorType], attrs: Any) -> Graph:
    """From operands and the gradients of results to the gradients of operands."""
    tracer = Tracer(op.name)
    with tracing(tracer):
        inputs = [tracer.add_parameter(t, f"x{i}") for i, t in enumerate(types)]
        with GradientTape() as tape:
            tape.watch([t for t in inputs if t.dtype.is_differentiable])
            found = op(*inputs, **attrs)
            results = [r for r in (found if op.many else (found,)) if r.dtype.is_differentiable]
        given = [tracer.add_parameter(r.value.type, f"g{i}") for i, r in enumerate(results)]
        slopes = tape.gradient(results, inputs, output_gradients=given)
        graph = tracer.finish_function([g for g in slopes if g is not None])
    sources = [x for x, g in zip(inputs, slopes, strict=True) if g is not None]
    for value, x in zip(graph.outputs, sources, strict=True):
        assert value.type.dtype is x.dtype and len(value.type.shape) == len(x.dims)
        pairs = zip(value.type.shape, x.dims, strict=True)
        assert all(dims.same(a, b) is not False for a, b in pairs)
    return graph


def test_symbols_of_the_samples_are_not_the_tests_own() -> None:
    for op in REGISTRY.values():
        for sample in op.samples() if op.samples else ():
            named = [v for v in sample.attrs.values() if isinstance(v, Dim)]
            assert not any(name.startswith("S") for v in named for name in v.symbols)
