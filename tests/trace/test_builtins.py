"""Python's builtins, comprehensions and subscripts on tensors of a trace."""

from __future__ import annotations

import math

import numpy as np
import pytest

import graphc as tf
from graphc import config, errors
from tests.trace.test_calls import check

V = np.array([3.0, -1.0, 2.0], np.float32)


@pytest.fixture(autouse=True)
def interpreted():
    with config.override(jit=False):
        yield


def staged(fn):
    return tf.function(fn, fallback="error")


def extremes(v):
    return (
        max(e for e in v), min(e * e for e in v), max(v), min([e for e in v]), max(v[0], 1),  # noqa: C416
        min(0.5, v[1], 2), max(v, key=lambda e: -e), min(v, key=abs), max([], default=v[0]),
        max([1, 2, v[0]]), max((e for e in v), default=0.0), max(*v),
        max([(v[0], 1.0), (v[1], 2.0)], key=lambda pair: -pair[0]),
    )  # fmt: skip


def sums(v):
    x = v[0]
    return (
        sum(v), sum(e * 2 for e in v), sum([e for e in v], 1.0), len(v), sum([x, 1, 2.0]),  # noqa: C416
        sum((x * i for i in range(3)), x), sum([[x], [1.0]], []), sum(map(abs, v)),
    )  # fmt: skip


def truths(v):
    return (
        any(v > 0), all(v > 0), any(e > 2 for e in v), all(e > -2 for e in v), any([v[0] > 0, 0]),
        all([True, v[1] > 0]), any([]), all([]), v[0] in v, 7.0 in v, v[0] in [1.0, 3.0],
        2 in [v[0], 2],
    )  # fmt: skip


def orders(v):
    named = [(e, i) for i, e in enumerate(v)]
    return (
        sorted(v), sorted(v, reverse=True), sorted(v, key=lambda e: -e), sorted([v[0], v[1]]),
        sorted([3, 1, 2], key=lambda k: -k), sorted(named, key=lambda pair: pair[0]),
        sorted([v[0], v[0], v[1]], reverse=True), list(reversed(v)),
    )  # fmt: skip


def maps(v):
    return (
        [*map(lambda e: e if e > 0 else -e, v)], list(map(lambda a, b: a * b, v, v)),  # noqa: C417
        [a * k for a, k in zip(v, [1.0, 2.0, 3.0], strict=True)],
        [e * i for i, e in enumerate(v, 1)],
        {i: e for i, e in enumerate(v)}, [f(v[0]) for f in (abs, lambda e: e + 1)],  # noqa: C416
        [f(e) for f, e in zip([abs, float], v)],  # noqa: B905
    )  # fmt: skip


def chosen(v):
    kept = [e * 2 for e in v if e > 0]
    pairs = [a + b for a, b in zip(v, v, strict=True) if a > 0 if b < 3]
    more = list(filter(lambda e: e > 0, v))
    return (
        kept, len(kept), sum(e for e in v if e > 0), pairs, more, max(e for e in v if e < 3),
        [e for e in (v[0], v[1], 5.0) if e > 2],
    )  # fmt: skip


def unpacked(v):
    a, b, c = v
    d, *e = v
    *f, g = v
    (h, (i, *j)), k = (v[0], v), 1

    def plain(p, q, r=1):
        return p - q * r

    return a - b + c, d, e, f, g, h, i, j, plain(*v), plain(*v[:2]), [*v, 1.0], (*v,), k


@pytest.mark.parametrize(
    "fn", [extremes, sums, truths, orders, maps, chosen, unpacked], ids=lambda f: f.__name__
)
def test_builtins_on_a_vector(fn) -> None:
    check(fn, V)


def rounded(x):
    return (
        round(x), round(x, 1), int(x), float(x), bool(x), divmod(x, 2.0), pow(x, 2), abs(x),
        pow(abs(x), 0.5), math.floor(x), math.ceil(x), isinstance(x, int), callable(x),
    )  # fmt: skip


@pytest.mark.parametrize("x", [2.567, -2.5, 3.5, 0.0])
def test_numbers(x) -> None:
    check(rounded, x)


def functions_of_math(x):
    return (
        math.sin(x), math.exp(x), math.sqrt(x), math.log(x), math.log(x, 2), math.log10(x),
        math.pow(x, 2), math.atan2(x, 2), math.hypot(x, 1), math.isnan(x), math.fabs(-x),
        math.degrees(x), math.copysign(2.0, -x), math.acos(x), math.pi * x,
    )  # fmt: skip


def test_functions_of_math() -> None:
    check(functions_of_math, 0.5)
    root = staged(lambda x: math.sqrt(x) if x > -5 else x)
    assert float(root(tf.constant(-6.0))) == -6.0
    with pytest.raises(ValueError, match="math domain error"):
        root(tf.constant(-1.0))
    with pytest.raises(TypeError, match="math.sin takes numbers.*use tf.math.sin"):
        staged(lambda v: math.sin(v))(tf.constant(V))


def ranges(n):
    s = 0
    for i in range(1, n + 1, 2):
        s += i * 2
    for i in range(n, 0, -1):
        s = s * 2 + i
    for i in reversed(range(n)):
        s = s * 3 + i
    for i in reversed(range(2, n, 3)):
        s = s * 3 + i
    for i, j in enumerate(range(n)):
        s += i * j
    return s


@pytest.mark.parametrize("n", [3, 0, 8])
def test_ranges(n) -> None:
    check(ranges, n)


# --- subscripts -----------------------------------------------------------------------------------


def picked(i):
    numbers, vectors = [1.0, 2.0, 5.0], (tf.constant([1.0, 2.0]), tf.constant([3.0, 4.0]))
    functions = [lambda a: a + 1, lambda a: a * 10]
    mixed = [(1.0, i), (2.0, 3)]
    return numbers[i], vectors[i], functions[i](3.0), mixed[i], range(5, 9)[i], (7,)[i * 0]


@pytest.mark.parametrize("i", [0, 1, -1])
def test_python_sequences_at_an_index_that_is_a_tensor(i) -> None:
    check(picked, i)


@pytest.mark.parametrize("items", [(1.0, 2.0), (abs, float), [1.0, 2.0]])
def test_an_index_out_of_range(items) -> None:
    with pytest.raises(IndexError, match="out of range"):
        staged(lambda i: items[i] if items[0] == 1.0 else items[i](2.0))(tf.constant(5))


# --- tensors of unknown length --------------------------------------------------------------------


@pytest.mark.parametrize("v", [V, V[:0], V[:1]])
def test_a_vector_of_unknown_length(v) -> None:
    def used(v):
        doubled = [e * 2 for e in v]
        kept = [e for e in v if e > 0]
        named = sum(i * e for i, e in enumerate(v))
        return tf.stack(doubled), len(kept), named, max(v, default=-1.0), sum(map(abs, v))

    fn = tf.function(used, input_signature=[tf.TensorSpec([None])], fallback="error")
    doubled, count, named, largest, absolute = fn(tf.constant(v))
    np.testing.assert_allclose(doubled, v * 2)
    assert int(count) == (v > 0).sum() and float(largest) == max(v, default=-1.0)
    np.testing.assert_allclose([named, absolute], [(np.arange(len(v)) * v).sum(), np.abs(v).sum()])


def test_the_largest_of_nothing() -> None:
    fn = tf.function(lambda v: max(v), input_signature=[tf.TensorSpec([None])], fallback="error")
    assert float(fn(tf.constant(V))) == 3.0
    with pytest.raises(ValueError, match="empty sequence"):
        fn(tf.constant(V[:0]))


def test_zip_is_strict() -> None:
    def dot(v, w):
        s = 0.0
        for a, b in zip(v, w, strict=True):
            s += a * b
        return s

    either = tf.TensorSpec([None])
    fn = tf.function(dot, input_signature=[either, either], fallback="error")
    assert float(fn(tf.constant(V), tf.constant(V))) == 14.0
    with pytest.raises(ValueError, match="argument 2 is shorter or longer than argument 1"):
        fn(tf.constant(V), tf.constant(V[:2]))


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fn", "message"),
    [
        (lambda m: max(m), "max.. of a tensor f32.2, 2."),
        (lambda m: max(m[0], 0.0), "max.. compares numbers"),
        (lambda m: sorted(m), "sorted.. of a tensor"),
        (lambda m: {e for e in m[0] if e > 0}, "needs the value"),
    ],
)
def test_what_python_refuses_too(fn, message) -> None:
    with pytest.raises((errors.StagingError, errors.SymbolicValueError), match=message):
        staged(fn)(tf.ones([2, 2]))


def test_whole_numbers_take_the_dtype_of_what_they_meet() -> None:
    def scaled(x):
        whole = math.floor(x[0]), math.ceil(x[1]), int(x[2]), int(x[0]), round(x[1])
        return [x * w + (w - 1) for w in whole]

    x = tf.constant([2.5, 1.25, -3.75])
    for a, b in zip(staged(scaled)(x), scaled(x), strict=True):
        assert a.dtype == tf.float32
        np.testing.assert_array_equal(a, b)
