"""Kernels of convolution and pooling: blocks, borders, and which kernel is chosen."""

from __future__ import annotations

import numpy as np
import pytest

from graphc.ir import dims, dtypes
from graphc.ir.types import TensorType
from graphc.ops import control
from graphc.passes.fuse import fuse
from graphc.runtime import convolution, pooling
from graphc.runtime.driver import Op
from graphc.runtime.planner import make_plan
from tests.runtime.graphs import Build, check, region

G = np.random.default_rng(3)
# x, filters, attributes: what differs are runs, borders, groups and the size of blocks
SHAPES = {
    "one channel": ((3, 28, 28, 1), (4, 4, 1, 25), {}),
    "short runs": ((2, 33, 31, 3), (3, 3, 3, 32), {"padding": "SAME"}),
    "long runs": ((2, 12, 12, 25), (5, 5, 25, 50), {}),
    "strides": ((2, 19, 17, 3), (3, 4, 3, 8), {"strides": (2, 3), "padding": ((2, 2), (3, 3))}),
    "dilations": ((2, 17, 15, 4), (3, 3, 4, 8), {"dilations": (2, 3), "padding": "SAME"}),
    "small image": ((9, 3, 2, 8), (5, 5, 8, 4), {"padding": "SAME"}),
    "groups": ((2, 11, 9, 12), (3, 3, 4, 6), {"groups": 3, "padding": "SAME"}),
    "depthwise": ((2, 15, 14, 21), (3, 3, 1, 21), {"groups": 21, "padding": "SAME"}),
    "multiplier": ((2, 9, 8, 5), (3, 2, 1, 15), {"groups": 5, "strides": (2, 1)}),
    "one place": ((2, 9, 8, 5), (1, 1, 5, 7), {}),
    "one place, strides": ((2, 9, 8, 5), (1, 1, 5, 7), {"strides": (2, 2)}),
    "vector": ((3, 50, 6), (7, 6, 5), {"strides": (3,), "dilations": (1,), "padding": "SAME"}),
    "volume": ((2, 6, 7, 8, 2), (2, 3, 3, 2, 4), {"strides": (1, 2, 1), "dilations": (1, 1, 1)}),
}  # fmt: skip
TWO = {"strides": (1, 1), "dilations": (1, 1), "padding": "VALID", "groups": 1}


def all_three(x: tuple[int, ...], w: tuple[int, ...], attrs: dict, dtype: str = "float32"):
    """A convolution and both its gradients, which are given the result's tanh."""
    g = Build()
    image, filters = g.input(*x, dtype=dtype), g.input(*w, dtype=dtype, name="w")
    out = g.conv(image, filters, **attrs)
    bent = g.tanh(out)
    by_input = g.conv_by_input(bent, filters, size=x[1:-1], **attrs)
    by_filters = g.conv_by_filters(image, bent, size=w[:-2], **attrs)
    arrays = [G.normal(0, 0.1, s).astype(dtype) for s in (x, w)]
    return g.done(out, by_input, by_filters), arrays


@pytest.mark.parametrize(
    ("name", "dtype"),
    [(name, "float32") for name in SHAPES]
    + [(name, "float64") for name in ("long runs", "strides", "groups", "depthwise", "one place")],
)
def test_kernels_compute_what_numpy_does(name: str, dtype: str) -> None:
    x, w, attrs = SHAPES[name]
    graph, arrays = all_three(x, w, {**TWO, **attrs}, dtype)
    executable = check(graph, arrays, tol=1e-5 if dtype == "float32" else 1e-13)
    assert not executable.plan.host


@pytest.mark.parametrize("windows", [1, 600, 10**6])
def test_images_may_be_cut_and_joined_anywhere(
    monkeypatch: pytest.MonkeyPatch, windows: int
) -> None:
    """Batches in pieces, and gradients by the filters over one or many images in one go."""
    monkeypatch.setattr(convolution, "WORK", 0)
    monkeypatch.setattr(convolution, "WINDOWS", windows)
    for name in ("strides", "groups", "small image"):
        x, w, attrs = SHAPES[name]
        executable = check(*all_three((7, *x[1:]), w, {**TWO, **attrs}))
        rows = executable.plan.program.lines
        assert any(op == Op.CALL and pieces for op, _, _, pieces in rows)


@pytest.mark.parametrize("scatters", [False, True])
def test_both_ways_to_the_gradient_by_the_input_agree_with_numpy(
    monkeypatch: pytest.MonkeyPatch, scatters: bool
) -> None:
    monkeypatch.setattr(convolution, "_scatters", lambda *args: scatters)
    monkeypatch.setattr(convolution, "MANY_ROWS", 16)
    for name in ("long runs", "strides", "dilations", "groups", "volume"):
        x, w, attrs = SHAPES[name]
        check(*all_three(x, w, {**TWO, **attrs}))


def test_columns_are_made_where_windows_would_meet_mostly_zeros() -> None:
    small = ((64, 12, 12, 25), (5, 5, 25, 50), TWO)  # 12 x 12 places, 8 x 8 windows
    same = ((8, 32, 32, 32), (3, 3, 32, 32), {**TWO, "padding": "SAME"})
    for shapes, expected in ((small, True), (same, False)):
        plan = make_plan(fuse(all_three(*shapes)[0]))
        by_input = [s.text for s in plan.steps.values() if s.node.op.name == "conv_by_input"]
        assert ("col[tap + e]" in by_input[-1]) is expected


def test_filters_of_all_widths_are_packed_by_the_same_kernels() -> None:
    texts = set()
    for width in (16, 32, 48, 64, 80):
        shapes = (4, 12, 12, width), (3, 3, width, width)
        plan = make_plan(fuse(all_three(*shapes, {**TWO, "padding": "SAME"})[0]))
        texts |= {t for t in plan.texts if "panel" in t}
    assert len(texts) == 2  # filters as they are, and turned round
    assert not any("held" in t for t in texts)  # they read no images


def test_no_columns_are_made() -> None:
    graph, arrays = all_three((16, 64, 64, 16), (3, 3, 16, 16), {**TWO, "padding": "SAME"})
    executable = check(graph, arrays)
    image = 64 * 64 * 16 * 4
    results = 16 * 3 * image + 2 * 9 * 16 * 16 * 4  # two results and what tanh gives
    assert executable.memory.values < results + 24 * image  # a few images with borders


def test_sizes_may_be_unknown() -> None:
    g = Build()
    n, h, c = (dims.symbol(s) for s in "nhc")
    x, w = g.input(n, h, h, c), g.input(3, 3, c, 4, name="w")
    graph = g.done(g.max_pool(g.conv(x, w, **{**TWO, "padding": "SAME"}), window=(2, 2),
                              strides=(2, 2), dilations=(1, 1), padding="VALID"))  # fmt: skip
    for shape in ((2, 8, 8, 3), (1, 5, 5, 40)):
        arrays = [G.normal(size=s).astype("f4") for s in (shape, (3, 3, shape[-1], 4))]
        assert not check(graph, arrays).plan.host


def test_filters_of_one_place_are_one_product() -> None:
    graph, _ = all_three((2, 9, 8, 5), (1, 1, 5, 7), TWO)
    plan = make_plan(fuse(graph))
    assert not any("offsets" in s.text and "kernel0" in s.text for s in plan.steps.values())


def test_depthwise_filters_need_no_columns() -> None:
    graph, _ = all_three((2, 9, 8, 5), (3, 3, 1, 5), {**TWO, "groups": 5})
    plan = make_plan(fuse(graph))
    assert not any(b.name == "scratch" for b in plan.buffers)


def test_a_convolution_in_a_loop_stays_in_the_program() -> None:
    g = Build()
    x, w, n = g.input(1, 6, 6, 2), g.input(3, 3, 2, 2, name="w"), g.input(dtype="int32", name="n")
    image = TensorType(dtypes.float32, (1, 6, 6, 2))
    kernel = TensorType(dtypes.float32, (3, 3, 2, 2))
    same = {**TWO, "padding": "SAME"}
    body = region("body", [TensorType(dtypes.int32), image, kernel],
                  lambda b, i, y, k: [b.tanh(b.conv(y, k, **same))])  # fmt: skip
    attrs = {"carried": 1, "scanned": 0, "stacked": 0, "length": None, "reverse": False}
    (out,) = g.emit(control.for_, [n, x, w], attrs, {"body": body})
    arrays = [G.normal(size=s).astype("f4") for s in ((1, 6, 6, 2), (3, 3, 2, 2))]
    executable = check(g.done(out), [*arrays, np.array(4, np.int32)])
    assert not executable.plan.host


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "uint8"])
@pytest.mark.parametrize("channels", [1, 3, 40])
@pytest.mark.parametrize("padding", ["SAME", "VALID", ((1, 2), (0, 1))])
def test_pooling_kernels_compute_what_numpy_does(dtype: str, channels: int, padding) -> None:
    g = Build()
    x = g.input(2, 9, 8, channels, dtype=dtype)
    attrs = {"window": (3, 2), "strides": (2, 1), "dilations": (1, 1), "padding": padding}
    top = g.max_pool(x, **attrs)
    results = [top, g.max_pool_spread(x, top, **attrs), g.max_pool_pick(x, x, **attrs)]
    if dtype.startswith("float"):
        mean = g.avg_pool(x, **attrs)
        results += [mean, g.avg_pool_spread(mean, size=(9, 8), **attrs)]
    # few numbers, so that many are equal
    executable = check(g.done(*results), [G.integers(0, 9, (2, 9, 8, channels)).astype(dtype)])
    assert not executable.plan.host


@pytest.mark.parametrize("sizes", [(9, 8), (6, 4)])
def test_pools_side_by_side_write_their_gradient_once(
    monkeypatch: pytest.MonkeyPatch, sizes: tuple[int, int]
) -> None:
    """Places behind the last window are zero; nothing is cleared first and added to."""
    monkeypatch.setattr(pooling, "WORK", 1)
    g = Build()
    x = g.input(5, *sizes, 3)
    attrs = {"window": (3, 2), "strides": (3, 2), "dilations": (1, 1), "padding": "VALID"}
    top, mean = g.max_pool(x, **attrs), g.avg_pool(x, **attrs)
    graph = g.done(g.max_pool_spread(x, top, **attrs), g.avg_pool_spread(mean, size=sizes, **attrs))
    array = G.integers(0, 9, (5, *sizes, 3)).astype("f4")
    array[1, 2, 3, 1] = np.nan
    executable = check(graph, [array])
    texts = [s.text for s in executable.plan.steps.values() if s.node.op.name.endswith("spread")]
    assert len(texts) == 2 and not any("o[place0 + m] + " in text for text in texts)
