"""Functions of exceptions, closures, objects and calls that conversion must not change."""

from __future__ import annotations

import functools
import itertools
from collections import namedtuple
from contextlib import contextmanager, suppress

# ruff: noqa: B012, B023, C416, E731, F841

Pair = namedtuple("Pair", "a b")


class Counter:
    step = 1

    def __init__(self, n=0):
        self.n = n
        self.__secret = 7

    def add(self, k):
        if k > 0:
            self.n += k
        else:
            self.n -= self.step
        return self.n

    def secret(self, n):
        while n > 0:
            self.__secret += 1
            n -= 1
        return self.__secret

    @property
    def double(self):
        return 2 * self.n if self.n else 0

    def __call__(self, x):
        return x if x > 0 else self.n


class Child(Counter):
    def add(self, k):
        if k == 3:
            return super().add(k) + 100
        return super().add(k)


def raising(x):
    if x == 1:
        raise ValueError("one", x)
    while x > 2:
        x -= 1
        if x == 3:
            raise KeyError(x)
    return x


def asserting(x):
    assert x != 1, f"x is {x}"
    if x > 2:
        assert x < 4
    return x


def try_finally(x):
    log = []
    for i in range(4):
        try:
            if i == x:
                continue
            if i > x + 1:
                break
            log.append(1 // (i - 1))
        except ZeroDivisionError as e:
            log.append(str(e))
            if x == 3:
                return log
        else:
            log.append("ok")
        finally:
            log.append(i)
    return log


def assigned_before_an_exception(x):
    y = 0
    try:
        if x > 0:
            y = 5
            if x > 1:
                raise ValueError
        y += 1
    except ValueError:
        y += 100
    return y


def exception_name_goes(x):
    e = 1
    try:
        if x:
            raise ValueError
    except ValueError as e:
        pass
    return e


@contextmanager
def logged(log, name):
    log.append(f"+{name}")
    try:
        yield name
    finally:
        log.append(f"-{name}")


def with_blocks(x):
    log = []
    with logged(log, "a") as a, logged(log, "b"):
        for i in range(3):
            with logged(log, i):
                if i == x:
                    return log, a
    with suppress(ZeroDivisionError):
        y = 1
        1 // x
        y = 2
    return log, y


def closures_see_updates(x):
    fs = []
    for i in range(3):
        y = i * x
        fs.append(lambda: y + i)
    y += 1
    return [f() for f in fs]


def nonlocal_counter(x):
    n = 0

    def more(k):
        nonlocal n
        if k > 1:
            n += k
        return n

    for i in range(x):
        more(i)
        if n > 4:
            n = 0
    return n, more(5)


LEVEL = 0


def global_level(x):
    global LEVEL
    LEVEL = 0
    for i in range(x):
        if i % 2:
            LEVEL += i
    return LEVEL


def objects(x):
    c = Counter(x)
    d = Child()
    for i in range(4):
        c.add(i - 1)
        d.add(i)
        if c.n > 3:
            c.n = 0
    return c.n, d.n, c.double, c.secret(2), c(x), c(-1)


def containers(x):
    d = {"a": [], "n": 0}
    for i in range(x):
        if i % 2:
            d["a"].append(i)
        else:
            d["n"] += i
            d[i] = d["n"]
    p = Pair(x, 0)
    if x:
        p = p._replace(b=1)
    return d, p


def builtins_used(x):
    out = []
    for i, (a, b) in enumerate(zip(range(x), itertools.count(2), strict=False)):
        out.append(max(i, a, b) - min(a, b) + abs(-a) + int(float(b)) + len(out))
    return out, sum(out), bool(out), all(out), isinstance(out, list), sorted(map(str, out))


def partial_and_lambda(x):
    add = functools.partial(lambda a, b, *, c=1: a + b if a > c else a - b, 2)
    two = (lambda v: v if v > 1 else 0), (lambda v: v if v > 2 else 1)
    return add(x), add(x, c=5), [f(x) for f in two]


def arguments(x, /, y=3, *args, z=4, **kwargs):
    if args:
        y += len(args)
    while kwargs:
        key, value = kwargs.popitem()
        z += value
    return x, y, z


def calls_arguments(x):
    return arguments(x), arguments(x, 1, 2, 3, z=x, w=5), arguments(*[x, 2], **{"z": 1})


def recursion(x):
    return 1 if x < 2 else recursion(x - 1) + recursion(x - 2)


def inner_class(x):
    class Local:
        base = x

        def get(self):
            return self.base if self.base else "zero"

    if x > 2:
        value = Local().get()
    else:
        value = Local
    return value if x > 2 else value.base


def inner_generator(x):
    def numbers():
        for i in range(x):
            if i % 2:
                yield i

    return list(numbers())


def shadowed_builtin(x):
    range = lambda n: [n, n]
    return [i for i in range(x)]


def else_of_try_in_loop(x):
    for i in range(3):
        try:
            v = i
        finally:
            if i == x:
                break
    else:
        return "all"
    return v


def raise_from(x):
    try:
        if x:
            raise ValueError("inner")
    except ValueError as e:
        raise RuntimeError("outer") from e
    return x


FUNCTIONS = [
    raising, asserting, try_finally, assigned_before_an_exception, exception_name_goes,
    with_blocks, closures_see_updates, nonlocal_counter, global_level, objects, containers,
    builtins_used, partial_and_lambda, arguments, calls_arguments, recursion, inner_class,
    inner_generator, shadowed_builtin, else_of_try_in_loop, raise_from,
]  # fmt: skip
