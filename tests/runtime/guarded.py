"""Runs kernels with forbidden memory right behind, or right before, every array they touch.

`python -m tests.runtime.guarded` dies where a kernel reads or writes outside; `test_bounds` starts
it, in a process of its own.
"""

from __future__ import annotations

import ctypes
import mmap
import sys
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np

import graphc as tf
from graphc.passes.fuse import fuse
from graphc.runtime import convolution, executable, pooling, products
from graphc.runtime.executable import Executable
from tests.runtime.graphs import Build

PAGE = mmap.PAGESIZE
HELD: list[mmap.mmap] = []  # forbidden pages stay forbidden
behind = True  # whether the forbidden page lies behind or before
G = np.random.default_rng(7)


def guarded(shape: Any, dtype: Any = np.float32) -> np.ndarray:
    """An array next to a page that nobody may touch."""
    dtype, shape = np.dtype(dtype), tuple(np.atleast_1d(shape)) if shape != () else ()
    size = int(np.prod(shape)) * dtype.itemsize
    pages = -(-size // PAGE) + 1
    held = mmap.mmap(-1, pages * PAGE)
    HELD.append(held)
    address = ctypes.addressof(ctypes.c_char.from_buffer(held))
    wall = address + (pages - 1) * PAGE if behind else address
    failed = ctypes.CDLL(None).mprotect(ctypes.c_void_p(wall), ctypes.c_size_t(PAGE), 0)
    assert failed == 0
    start = (pages - 1) * PAGE - size if behind else PAGE
    return np.frombuffer(held, dtype, int(np.prod(shape)), start).reshape(shape)


class Guarded(executable.Instance):
    """Every buffer of the arena is an array of its own."""

    def _place_arena(self) -> None:
        super()._place_arena()
        for buffer in self.plan.of_kind("arena"):
            size = int(np.prod(self._shape(buffer))) * buffer.type.dtype.size
            self._kept.append(guarded(size, np.uint8))
            self.slots[buffer.slot] = self._kept[-1].ctypes.data


def run(build: Callable[..., Sequence[Any]], *shapes: tuple[int, ...], dtype: str = "f4") -> None:
    g = Build()
    outputs = build(g, *[g.input(*shape, dtype=dtype, name="x") for shape in shapes])
    arrays = []
    for shape in shapes:
        arrays.append(guarded(shape, dtype))
        arrays[-1][...] = G.integers(-9, 9, shape)
    found = Executable(fuse(g.done(*outputs)))
    assert not found.plan.host, found.plan
    found.run(arrays, [])


def convolutions() -> None:
    paddings = ("SAME", "VALID", ((3, 1), (0, 2)))
    for strides, dilations, padding, channels in product(
        ((1, 1), (2, 3)), ((1, 1), (2, 1)), paddings, ((1, 3, 1), (5, 17, 1), (4, 6, 2), (3, 3, 3))
    ):
        inner, outer, groups = channels
        attrs = {"strides": strides, "dilations": dilations, "padding": padding, "groups": groups}

        def build(g: Any, x: Any, w: Any, attrs: Any = attrs) -> list[Any]:
            out = g.conv(x, w, **attrs)
            return [out, g.conv_by_input(out, w, size=(9, 7), **attrs),
                    g.conv_by_filters(x, out, size=(3, 2), **attrs)]  # fmt: skip

        run(build, (2, 9, 7, inner), (3, 2, inner // groups, outer))
        run(build, (0, 9, 7, inner), (3, 2, inner // groups, outer))


def pools() -> None:
    for window, strides, padding, channels in product(
        ((2, 2), (3, 2), (4, 5)), ((1, 1), (2, 2), (3, 2)), ("SAME", "VALID", ((1, 1), (0, 1))),
        (1, 7, 40),
    ):  # fmt: skip
        attrs = {"window": window, "strides": strides, "dilations": (1, 1), "padding": padding}

        def build(g: Any, x: Any, attrs: Any = attrs) -> list[Any]:
            top, mean = g.max_pool(x, **attrs), g.avg_pool(x, **attrs)
            return [top, mean, g.max_pool_spread(x, top, **attrs), g.max_pool_pick(x, x, **attrs),
                    g.avg_pool_spread(mean, size=(9, 8), **attrs)]  # fmt: skip

        run(build, (3, 9, 8, channels))
    run(build, (0, 9, 8, 3))


def dilation() -> None:
    """What `tf.nn.dilation2d` is made of: padding, slices, sums, maxima."""
    for stride, pad in product((1, 2, 3), (0, 1, 2)):

        def build(g: Any, x: Any, w: Any, stride: int = stride, pad: int = pad) -> list[Any]:
            wide = g.pad(x, paddings=((0, 0), (pad, pad), (0, pad), (0, 0)), value=-9.0)
            best, taps = None, g.reshape(w, shape=(4, 5))
            rows, columns = ((n + k * pad - 2) // stride + 1 for n, k in ((7, 2), (6, 1)))
            for i, (a, b) in enumerate(product(range(2), repeat=2)):
                at = (slice(None), slice(a, a + (rows - 1) * stride + 1, stride),
                      slice(b, b + (columns - 1) * stride + 1, stride))  # fmt: skip
                total = g.add(g.strided_slice(wide, index=at), g.strided_slice(taps, index=(i,)))
                best = total if best is None else g.maximum(best, total)
            return [best]

        run(build, (2, 7, 6, 5), (2, 2, 5))


def from_outside() -> None:
    """The same by their public names, with places as results."""
    for size, stride, padding in product((1, 2, 3), (1, 2, 3), ("SAME", "VALID")):

        @tf.function
        def both(x: Any, w: Any, size: int = size, stride: int = stride, pad: str = padding) -> Any:
            wide = {"data_format": "NHWC", "dilations": [1, size, 1, 1]}
            strides = [1, stride, stride, 1]
            return (*tf.nn.max_pool_with_argmax(x, size, stride, pad),
                    *tf.nn.max_pool_with_argmax(x, size, stride, pad, output_dtype=tf.int32,
                                                include_batch_in_index=True),
                    tf.nn.dilation2d(x, w, strides, pad, **wide),
                    tf.nn.erosion2d(x, w, strides, pad, **wide))  # fmt: skip

        both(guarded((2, 9, 7, 5)), guarded((2, 2, 5)))
        both(guarded((0, 9, 7, 1)), guarded((3, 1, 1)))


def matrices() -> None:
    sizes = ((1, 1, 1), (3, 5, 2), (17, 33, 19), (40, 16, 70), (25, 47, 9), (5, 0, 3), (5, 3, 0))
    for (m, n, k), ta, tb in product(sizes, (False, True), (False, True)):

        def build(g: Any, a: Any, b: Any, ta: bool = ta, tb: bool = tb) -> list[Any]:
            return [g.matmul(a, b, transpose_a=ta, transpose_b=tb)]

        shapes = (k, m) if ta else (m, k), (n, k) if tb else (k, n)
        run(build, *shapes)
        run(build, *((2, *shape) for shape in shapes))


def main() -> None:
    global behind
    executable.Instance = Guarded  # type: ignore[misc]
    executable._empty = guarded  # what results are written to
    convolution.WORK = pooling.WORK = 1
    for small in (False, True):
        if small:
            products.DEPTH, products.SMALL, products.PAGE, products.WORK = 16, 0, 64, 1000
            convolution.WINDOWS, convolution.MANY_ROWS = 1, 16
        for wall in (True, False):
            behind = wall
            for part in PARTS[sys.argv[1]]:
                part()


PARTS = {"dense": (convolutions, matrices), "pools": (pools, dilation, from_outside)}
if __name__ == "__main__":
    main()
