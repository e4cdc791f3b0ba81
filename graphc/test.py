"""``tf.test``: a test case that compares tensors, and questions about the machine."""

from __future__ import annotations

import functools
import tempfile
import unittest
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

import graphc as tf

__all__ = [
    "TestCase", "compute_gradient", "gpu_device_name", "is_built_with_cuda",
    "is_built_with_gpu_support", "is_built_with_rocm", "is_built_with_xla",
    "is_cpu_target_available", "is_gpu_available", "main", "with_eager_op_as_function",
]  # fmt: skip


def _no(*args: Any, **kwargs: Any) -> bool:
    """False: graphc computes on the CPU."""
    return False


is_gpu_available = is_built_with_cuda = is_built_with_rocm = is_built_with_gpu_support = _no


def is_built_with_xla() -> bool:
    """False: graphs are compiled by graphc itself."""
    return False


def is_cpu_target_available(target: str) -> bool:
    """Whether this processor can run code of its own kind: only ``x86_64`` or ``aarch64`` fit."""
    import platform  # lazy: only asked here

    return platform.machine().lower() == target.lower()


def gpu_device_name() -> str:
    """An empty string: there is no GPU."""
    return ""


def with_eager_op_as_function(cls: Any = None, only_as_function: bool = False) -> Any:
    """Nothing to change: eager ops and functions run the same rules."""
    return cls if cls is not None else functools.partial(with_eager_op_as_function)


def main(argv: Any = None) -> None:
    """Run the tests of the module that is running."""
    unittest.main(argv=argv)


def compute_gradient(f: Callable[..., Any], x: Any, delta: float | None = None) -> tuple[Any, Any]:
    """The jacobians of ``f`` by each of ``x``: by the gradient rules, and by differences.

    Each is [elements of x, elements of the result] transposed as TensorFlow gives it:
    [elements of the result, elements of x].
    """
    if not isinstance(x, list | tuple):
        raise ValueError(f"`x` must be a list or tuple of values convertible to tensors, got {x!r}")
    values = [tf.convert_to_tensor(v) for v in x]
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(values)
        y = f(*values)
    size = int(tf.size(y))
    theory = [
        tf.reshape(tape.jacobian(y, v, unconnected_gradients="zero"), (size, -1)).numpy()
        for v in values
    ]
    return theory, [_differences(f, values, i, delta) for i in range(len(values))]


def _differences(f: Callable[..., Any], values: list[Any], at: int, delta: float | None) -> Any:
    x = values[at].numpy()
    step = delta or {2: 1e-1, 4: 2**-10}.get(x.dtype.itemsize, 1e-6)
    columns = []
    for place in np.ndindex(*x.shape):
        ends = []
        for sign in (1, -1):
            moved = x.copy() if x.ndim else np.array(x)
            moved[place] += sign * step
            args = [*values[:at], tf.constant(moved), *values[at + 1 :]]
            ends.append(f(*args).numpy().reshape(-1))
        columns.append((ends[0] - ends[1]) / (2 * step))
    return np.stack(columns, axis=1).astype(x.dtype)


class TestCase(unittest.TestCase):
    """`unittest.TestCase` with assertions on tensors, arrays and nested structures of them."""

    __test__ = False  # pytest collects the user's subclasses, which set it again

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.__test__ = True  # type: ignore[attr-defined]

    def setUp(self) -> None:
        super().setUp()
        tf.random.set_seed(1234)
        np.random.seed(1234)

    # --- values ---

    def evaluate(self, tensors: Any) -> Any:
        """The values of a nested structure of tensors."""
        return tf.nest.map_structure(_value, tensors)

    def get_temp_dir(self) -> str:
        """A folder of this test, which is deleted when it ends."""
        if not hasattr(self, "_folder"):
            self._folder = tempfile.TemporaryDirectory()
            self.addCleanup(self._folder.cleanup)
        return self._folder.name

    def _pairs(self, a: Any, b: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
        """The leaves of two structures, which must have the same keys and lengths."""
        if isinstance(a, dict):
            self.assertCountEqual(a.keys(), b.keys(), f"keys differ at {path or 'the top'}")
            for key in a:
                yield from self._pairs(a[key], b[key], f"{path}[{key!r}]")
        elif isinstance(a, list | tuple) and any(_is_deep(v) for v in a):
            self.assertEqual(len(a), len(b), f"lengths differ at {path or 'the top'}")
            for i, (x, y) in enumerate(zip(a, b, strict=True)):
                yield from self._pairs(x, y, f"{path}[{i}]")
        else:
            yield path, _value(a), _value(b)

    # --- equality ---

    def assertAllEqual(self, a: Any, b: Any, msg: str | None = None) -> None:
        """Shapes and all elements are the same; NaN equals NaN."""
        for path, x, y in self._pairs(a, b):
            np.testing.assert_array_equal(np.asarray(x), np.asarray(y), f"{msg or ''} {path}")

    def assertAllClose(
        self, a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-6, msg: str | None = None
    ) -> None:
        """Shapes are the same and elements differ by ``atol + rtol * abs(b)`` at most."""
        for path, x, y in self._pairs(a, b):
            x, y = np.asarray(x), np.asarray(y)
            self.assertEqual(x.shape, y.shape, f"{msg or ''} {path}")
            np.testing.assert_allclose(x, y, rtol, atol, err_msg=f"{msg or ''} {path}")

    def assertAllCloseAccordingToType(
        self, a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-6, float_rtol: float = 1e-6,
        float_atol: float = 1e-6, half_rtol: float = 1e-3, half_atol: float = 1e-3,
        bfloat16_rtol: float = 1e-2, bfloat16_atol: float = 1e-2, msg: str | None = None,
    ) -> None:  # fmt: skip
        """`assertAllClose` with the tolerance of the less exact dtype of both."""
        single = float_rtol, float_atol
        limits = {
            "bfloat16": (bfloat16_rtol, bfloat16_atol), "float16": (half_rtol, half_atol),
            "float32": single, "complex64": single,
        }  # fmt: skip
        for path, x, y in self._pairs(a, b):
            names = {np.asarray(v).dtype.name for v in (x, y)}
            r, t = next((limits[n] for n in limits if n in names), (rtol, atol))
            self.assertAllClose(x, y, max(r, rtol), max(t, atol), f"{msg or ''} {path}")

    def assertNotAllEqual(self, a: Any, b: Any, msg: str | None = None) -> None:
        self._assert_fails(self.assertAllEqual, a, b, msg or "The two values are equal.")

    def assertNotAllClose(
        self, a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-6, msg: str | None = None
    ) -> None:
        check = functools.partial(self.assertAllClose, rtol=rtol, atol=atol)
        self._assert_fails(check, a, b, msg or "The two values are close.")

    def _assert_fails(self, check: Callable[..., None], a: Any, b: Any, msg: str) -> None:
        try:
            check(a, b)
        except AssertionError:
            return
        self.fail(msg)

    def assertNear(self, f1: float, f2: float, err: float, msg: str | None = None) -> None:
        self.assertLessEqual(abs(float(f1) - float(f2)), err, msg)

    def assertArrayNear(
        self, farray1: Any, farray2: Any, err: float, msg: str | None = None
    ) -> None:
        self.assertEqual(len(farray1), len(farray2), msg)
        for x, y in zip(farray1, farray2, strict=True):
            self.assertNear(x, y, err, msg)

    def assertNDArrayNear(
        self, ndarray1: Any, ndarray2: Any, err: float, msg: str | None = None
    ) -> None:
        distance = np.linalg.norm(np.asarray(_value(ndarray1)) - np.asarray(_value(ndarray2)))
        self.assertLess(distance, err, msg)

    # --- shapes, dtypes, ranges ---

    def assertShapeEqual(self, input_a: Any, input_b: Any, msg: str | None = None) -> None:
        self.assertEqual(tuple(np.shape(_value(input_a))), tuple(np.shape(_value(input_b))), msg)

    def assertDTypeEqual(self, target: Any, expected_dtype: Any) -> None:
        self.assertEqual(tf.as_dtype(np.asarray(_value(target)).dtype), tf.as_dtype(expected_dtype))

    def _assert_every(self, holds: Any, target: Any, words: str) -> None:
        found = np.asarray(_value(target))
        wrong = found[~np.asarray(holds(found))]
        self.assertEqual(wrong.size, 0, f"elements are not {words}: {wrong.reshape(-1)[:10]}")

    def assertAllGreater(self, a: Any, comparison_target: Any) -> None:
        self._assert_every(lambda x: x > comparison_target, a, f"> {comparison_target}")

    def assertAllLess(self, a: Any, comparison_target: Any) -> None:
        self._assert_every(lambda x: x < comparison_target, a, f"< {comparison_target}")

    def assertAllGreaterEqual(self, a: Any, comparison_target: Any) -> None:
        self._assert_every(lambda x: x >= comparison_target, a, f">= {comparison_target}")

    def assertAllLessEqual(self, a: Any, comparison_target: Any) -> None:
        self._assert_every(lambda x: x <= comparison_target, a, f"<= {comparison_target}")

    def assertAllInRange(
        self, target: Any, lower_bound: Any, upper_bound: Any,
        open_lower_bound: bool = False, open_upper_bound: bool = False,
    ) -> None:  # fmt: skip
        def inside(x: Any) -> Any:
            above = x > lower_bound if open_lower_bound else x >= lower_bound
            return above & (x < upper_bound if open_upper_bound else x <= upper_bound)

        self._assert_every(inside, target, f"between {lower_bound} and {upper_bound}")

    def assertAllInSet(self, target: Any, expected_set: Any) -> None:
        self._assert_every(lambda x: np.isin(x, list(expected_set)), target, f"in {expected_set}")

    def assertEmpty(self, container: Any, msg: str | None = None) -> None:
        self.assertEqual(len(container), 0, msg)

    def assertNotEmpty(self, container: Any, msg: str | None = None) -> None:
        self.assertNotEqual(len(container), 0, msg)

    def assertLen(self, container: Any, expected_len: int, msg: str | None = None) -> None:
        self.assertEqual(len(container), expected_len, msg)

    def assertStartsWith(self, actual: str, expected_start: str, msg: str | None = None) -> None:
        self.assertTrue(actual.startswith(expected_start), msg or f"{actual!r}")

    # --- errors ---

    @contextmanager
    def assertRaisesWithPredicateMatch(
        self, exception_type: type[Exception], expected_err_re_or_predicate: Any
    ) -> Iterator[None]:
        """The block raises an exception whose message fits a pattern, or a predicate."""
        wanted = expected_err_re_or_predicate
        try:
            yield
        except exception_type as error:
            if callable(wanted):
                self.assertTrue(wanted(error), f"{error!r} does not fit")
            else:
                self.assertRegex(str(error), wanted)
        else:
            self.fail(f"{exception_type.__name__} not raised")

    def assertRaisesOpError(self, expected_err_re_or_predicate: Any) -> Any:
        return self.assertRaisesWithPredicateMatch(tf.errors.OpError, expected_err_re_or_predicate)


def _is_deep(value: Any) -> bool:
    return isinstance(value, list | tuple | dict | np.ndarray) or hasattr(value, "numpy")


def _value(t: Any) -> Any:
    if isinstance(t, tf.SparseTensor):
        return tf.sparse.to_dense(t).numpy()
    if isinstance(t, tf.RaggedTensor):
        return t.to_list()
    return t.numpy() if hasattr(t, "numpy") else t
