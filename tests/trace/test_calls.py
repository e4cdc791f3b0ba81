"""What a staged function calls, also without saying so: methods, wrappers, context managers."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import itertools
import operator
from collections import namedtuple

import numpy as np
import pytest

import graphc as tf
from graphc import config, errors
from graphc.trace import nest
from graphc.trace.control_classes import TWINS

# ruff: noqa: E731


@pytest.fixture(autouse=True)
def interpreted():
    with config.override(jit=False):
        yield


def leaves(value):
    return [np.asarray(leaf) for leaf in nest.flatten(value)]


def check(fn, *args) -> None:
    """The staged function gives what the eager one gives."""
    args = [tf.constant(a) for a in args]
    found, wanted = leaves(tf.function(fn, fallback="error")(*args)), leaves(fn(*args))
    assert len(found) == len(wanted)
    for x, y in zip(found, wanted, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-5)


# --- methods that Python calls by itself ----------------------------------------------------------


class Number:
    """A class whose special methods all decide by a tensor."""

    def __init__(self, k):
        self.k = k

    @property
    def doubled(self):
        if self.k > 1:
            return self.k * 2
        return self.k - 1

    @functools.cached_property
    def cached(self):
        return self.k * 3 if self.k > 0 else self.k * 4

    def __getattr__(self, name):
        if name.startswith("times_"):
            return self.k * int(name[6:]) if self.k > 0 else self.k
        raise AttributeError(name)

    def __getitem__(self, i):
        return self.k + i if self.k > 0 else self.k - i

    def __add__(self, other):
        return self.k + other if self.k > 0 else self.k - other

    __radd__ = __add__

    def __neg__(self):
        return self.k if self.k > 0 else -self.k

    def __eq__(self, other):
        return self.k if self.k > other else other

    def __iter__(self):
        yield self.k
        yield self.k * 2

    def __call__(self, x):
        return x if x > self.k else self.k

    @classmethod
    def made(cls, x):
        k = x if x > 0 else -x
        return cls(k)

    @staticmethod
    def fixed(x):
        return x if x > 2 else 2 * x


class Built:
    def __init__(self, x):
        if x > 0:
            self.v = x
        else:
            self.v = -x

    def __enter__(self):
        self.w = self.v if self.v > 2 else self.v * 2
        return self

    def __exit__(self, *exception):
        if self.w > 5:
            self.w = self.w - 5


class Derived(Built):
    def __init__(self, x):
        super().__init__(x + 1)
        if x > 1:
            self.u = 1.0
        else:
            self.u = 0.0


@dataclasses.dataclass
class Checked:
    a: object
    b: object = 2.0

    def __post_init__(self):
        if self.a > 0:
            self.c = self.a * self.b
        else:
            self.c = self.b


def special_methods(x):
    n = Number(x)
    return n[2], n + 1, 2 + n, -n, n == 1.0, n(1.0), n.times_3, sum(list(n))


def properties(x):
    return Number(x).doubled, Number(x).cached + Number(x).cached


def class_methods(x):
    return Number.made(x).k, Number.fixed(x), list(map(Number(2.0), [x, x + 1]))


def constructors(x):
    a, b, c, d = Built(x), Derived(x), Checked(x), Checked(x, b=x)
    return a.v, b.v, b.u, c.c, d.c


def entered(x):
    with Built(x) as a:
        a.v = a.v + 1
    return a.v, a.w


@pytest.mark.parametrize("x", [3.0, -3.0, 10.0])
@pytest.mark.parametrize(
    "fn",
    [special_methods, properties, class_methods, constructors, entered],
    ids=lambda f: f.__name__,
)
def test_methods_that_python_calls_are_staged(fn, x) -> None:
    check(fn, x)


def test_classes_have_their_own_methods_again() -> None:
    before = dict(vars(Number))
    check(special_methods, 3.0)
    assert dict(vars(Number)) == before and not TWINS.seen
    with pytest.raises(ZeroDivisionError):
        tf.function(lambda x: Number(x)[2] / (1 // 0), fallback="error")(tf.constant(1.0))
    assert dict(vars(Number)) == before


def test_objects_that_are_not_made_in_the_function() -> None:
    class Holder:
        def __init__(self):
            self.inner = [Number(tf.Variable(2.0))]

    held = Holder()

    @tf.function(fallback="error")
    def read(x):
        return x + held.inner[0].doubled + -held.inner[0]

    assert float(read(tf.constant(1.0))) == 7.0


# --- functions ------------------------------------------------------------------------------------


def signed(fn):
    @functools.wraps(fn)
    def around(x, *args, **kwargs):
        if x > 0:
            return fn(x, *args, **kwargs)
        return -fn(-x, *args, **kwargs)

    return around


def limited(n):
    def decorate(fn):
        @functools.wraps(fn)
        def around(*args, **kwargs):
            result = fn(*args, **kwargs)
            return result - n if result > n else result

        return around

    return decorate


@signed
@limited(4)
def decorated(x, p=2):
    if x > 2:
        return x**p
    return x + 1


def wrappers(x):
    return decorated(x), decorated(x, p=3)


def lambdas(x):
    fs = {
        "a": lambda v: v if v > 0 else -v,
        "b": [lambda v: v * 2 if v > 1 else v, lambda v: v * 3 if v > 1 else v],
    }
    g = lambda v, k=2, *, z=1: v + k if v > z else v - k
    h = (lambda a: lambda b: a if a > b else b)(x)(1.0)
    return fs["a"](x), fs["b"][0](x), fs["b"][1](x), g(x), g(x, 3, z=2), h


def partials(x):
    f = functools.partial(lambda a, b, c=1: a if b > c else b, x, c=2.0)
    return f(3.0), functools.partial(f)(x), functools.partial(Number.__call__, Number(x))(1.0)


def total(*args, **kwargs):
    s = 0.0
    for a in args:
        if a > 0:
            s += a
    for v in kwargs.values():
        if v > 0:
            s = s + v * 2
    return s


def any_arguments(x):
    return total(x, 2.0, k=x), total(*[x, x], **{"z": x}), total()


def power(x, n):
    if n == 0:
        return tf.ones_like(x)
    half = power(x, n // 2)
    return half * half if n % 2 == 0 else half * half * x


def recursion(x):
    return power(x, 5)


class First:
    def __init__(self):
        self.__p = 1.0

    def f(self, x):
        return x if x > 1 else x - 1

    def private(self, x):
        if x > 0:
            self.__p = self.__p + x
        else:
            self.__change(x)
        return self.__p

    def __change(self, x):
        if x < -2:
            self.__p = x


class Second(First):
    def f(self, x):
        a = [super(Second, self).f(x + i) for i in range(2)]
        if x > 0:
            return super().f(x) + a[0]
        return super().f(-x) + a[1]


def inheritance(x):
    return Second().f(x), Second().private(x)


def nonlocals(x):
    n, c = x, 0

    def add(k):
        nonlocal n, c
        if k > 0:
            n = n + k
            c += 1
        else:
            n = n - 1
        for _ in range(2):
            n = n * 2

    add(x)
    add(-x)
    while n < 50.0:
        add(tf.abs(x) + 1 + 2 * tf.abs(n))
    return n, c


LEVEL = 0.0


def globals_(x):
    global LEVEL
    LEVEL = 1.0
    if x > 0:
        LEVEL = LEVEL + x
    while LEVEL < 10:
        LEVEL = LEVEL * 2
    return LEVEL


def evens(n):
    for i in range(n):
        yield i * 2


def generators(x):
    y = 0.0
    for a in evens(4):
        y += a * x
    return y, sum(a * x for a in evens(3)), [a * x for a in evens(2) if a > 1]


def library_functions_that_call(x):
    v = tf.stack([x, -x, 2.0 * x])
    both = lambda p, q: p + q if q > 0 else p - q
    rows = list(itertools.accumulate(v, both))
    return (
        functools.reduce(both, v), rows, list(itertools.starmap(both, [(x, x), (x, -x)])),
        functools.reduce(operator.add, v, 0.0), operator.itemgetter(1)(v),
        [q * w for q, w in zip(v, itertools.count(1))],
    )  # fmt: skip


Pair = namedtuple("Pair", "a b")


def records(x):
    p, d = Pair(x, 1.0), Checked(x)
    while p.a < 5:
        p = p._replace(a=p.a + 1, b=p.b * 2)
    d.a = d.a + 1 if d.a > 0 else d.a
    return p, d.a


FUNCTIONS = [
    wrappers, lambdas, partials, any_arguments, recursion, inheritance, nonlocals, globals_,
    generators, library_functions_that_call, records,
]  # fmt: skip


@pytest.mark.parametrize("x", [3.0, -1.0, -4.0, 1.0])
@pytest.mark.parametrize("fn", FUNCTIONS, ids=lambda f: f.__name__)
def test_functions_of_every_kind_are_staged(fn, x) -> None:
    check(fn, x)


# --- context managers and exceptions --------------------------------------------------------------


@contextlib.contextmanager
def noted(log, x):
    log.append(x)
    try:
        yield x * 2
    finally:
        log.append(x + 1)


@contextlib.contextmanager
def ignoring():
    with contextlib.suppress(ValueError):
        yield


def managers(x):
    log = []
    with noted(log, x) as a, noted(log, x + 1) as b:
        c = a if a > b else b
    with ignoring():
        raise ValueError
    with contextlib.ExitStack() as stack:
        v = stack.enter_context(noted(log, c))
        if v > 3:
            v = v - 3
    return c, v, log


def tapes(x):
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = x**3 if x > 0 else x * x
        g = inner.gradient(y, x)
    return g, outer.gradient(g, x)


def caught(x):
    try:
        y = x + 1 if x > 0 else x - 1
        raise KeyError("a")
    except KeyError:
        y = y * 2
    else:
        y = y * 3
    finally:
        z = y + 1
    try:
        w = tf.reshape(x, [2, 2])  # refused while tracing
    except errors.GraphcError:
        w = x
    return y, z, w


@pytest.mark.parametrize("x", [3.0, -1.0])
@pytest.mark.parametrize("fn", [managers, tapes, caught], ids=lambda f: f.__name__)
def test_with_and_try(fn, x) -> None:
    check(fn, x)


# --- what is refused ------------------------------------------------------------------------------


def down(x):
    if x < 1:
        return x
    return down(x - 1)


def pieces(x):
    yield x


async def later(x):
    return x


@pytest.mark.parametrize(
    ("fn", "message"),
    [
        (down, r"recursion of down\(\) through the `if` at .*test_calls.py:\d+ does not end"),
        (pieces, "pieces is a generator: it runs piece by piece"),
        (later, "later is a coroutine"),
    ],
    ids=["recursion", "generator", "coroutine"],
)
def test_what_cannot_be_traced_is_refused(fn, message) -> None:
    with pytest.raises(errors.StagingError, match=message):
        tf.function(fn, fallback="error")(tf.constant(3.0))


def test_which_object_it_is_may_not_depend_on_a_tensor_where_it_changes() -> None:
    def changed(x):
        a = b = Number(1.0)
        if x > 0:
            a = Number(x)
        a.k = a.k + 1
        return a.k, b.k

    with pytest.raises(
        errors.StagingError, match="which object .* is depends on a tensor; set 'k'"
    ):
        tf.function(changed, fallback="error")(tf.constant(3.0))
