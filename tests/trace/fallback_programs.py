"""Programs with parts that only Python can do: each must give what it gives eagerly."""

from __future__ import annotations

import collections
import heapq
import json
import statistics
from collections.abc import Callable
from typing import Any

import numpy as np

import graphc as tf

# ruff: noqa: B007, UP031
PROGRAMS: dict[str, Callable[..., Any]] = {}


def program(fn):
    PROGRAMS[fn.__name__] = fn
    return fn


@program
def numpy_sort(x):
    y = x * 2
    z = np.sort(y.numpy())
    return tf.reduce_sum(tf.convert_to_tensor(z)) + y


@program
def numpy_chain(x):
    a = x.numpy()
    m = a.mean()
    s = (a - m) / (a.std() + 1e-3)
    return tf.constant(s) * x


@program
def direct_np(x):
    return np.percentile(x, 30) + x


@program
def svd_unpack(x):
    m = tf.tensordot(x, x, 0).numpy() + np.eye(3)
    u, s, vt = np.linalg.svd(m)
    return tf.cast(tf.reduce_sum(s), tf.float32) + x


@program
def to_json(x):
    text = json.dumps(x.numpy().tolist())
    return len(text) + x


@program
def fstring(x):
    s = f"{float(x[0]):.2f}"
    return x + len(s)


@program
def percent(x):
    s = "%5.1f|" % x[0]
    return x + len(s)


@program
def dict_by_value(x):
    table = {1: 10.0, 5: 50.0}
    return x + table.get(int(x[0]), 7.0)


@program
def dict_index(x):
    table = collections.defaultdict(lambda: 3.0, {1: 10.0})
    return x + table[int(x[0])]


@program
def try_except(x):
    try:
        v = table_of[int(x[0])]
    except KeyError:
        v = -1.0
    return x * v


table_of = {1: 4.0}


@program
def try_return(x):
    try:
        return x * table_of[int(x[0])]
    except KeyError:
        return x - 1.0


@program
def try_in_loop(x):
    total = tf.constant(0.0)
    for v in x:
        try:
            total += table_of[int(v)]
        except KeyError:
            continue
        total += 1.0
    return total


@program
def try_break(x):
    total = tf.constant(0.0)
    for v in x:
        try:
            total += table_of[int(v)]
        except KeyError:
            break
    return total


@program
def if_numpy(x):
    if x.numpy().max() > 4:
        return x * 2
    return x - 1


@program
def if_host_names(x):
    k = int(x.numpy()[0])
    if k > 3:
        y = x * 2
    else:
        y = x + 1
    return y


@program
def while_host(x):
    n = x.numpy().sum()
    steps = 0
    while n > 1:
        n = n / 2
        steps += 1
    return x + steps


@program
def for_numpy(x):
    total = 0.0
    for v in x.numpy():
        total = total + float(v) * 2
    return x + total


@program
def for_tolist(x):
    out = x * 0
    for v in x.numpy().tolist():
        if v > 2:
            out = out + v
    return out


def gen(x):
    for i in range(3):
        yield float(x[i]) + i


@program
def generator(x):
    total = tf.constant(0.0)
    for v in gen(x):
        total += v
    return total


def gen_cond(x):
    for i in range(3):
        if x[i] > 2:
            yield x[i] * 2


@program
def generator_branching(x):
    total = tf.constant(0.0)
    for v in gen_cond(x):
        total += v
    return total


@program
def generator_sum(x):
    return x + sum(list(gen_cond(x)))


@tf.autograph.experimental.do_not_convert
def hidden(x):
    if x[0] > 2:
        return x * 10
    return x


@program
def do_not_convert(x):
    return hidden(x) + 1


ns = {"tf": tf}
exec("def made(x):\n    if x[0] > 2:\n        return x * 10\n    return x\n", ns)
made = ns["made"]


@program
def no_source(x):
    return made(x) + 1


@program
def uses_locals(x):
    y = x.numpy().max()
    return x + sum(v for k, v in locals().items() if k == "y")


@program
def with_errstate(x):
    with np.errstate(all="ignore"):
        z = np.log(x.numpy() - 2.0)
    return tf.where(tf.math.is_nan(z), 0.0, x)


@program
def nested_helper(x):
    y = x * 3

    def inner():
        return np.sort(y.numpy())[0]

    return x + inner()


@program
def lambda_island(x):
    def g(t):
        return np.median(t.numpy())

    return x + g(x * 2)


@program
def comprehension(x):
    vals = [round(v, 1) for v in x.numpy().tolist()]
    return tf.constant(vals) + x


@program
def counter(x):
    c = collections.Counter(int(v) for v in x.numpy())
    return x + max(c.values())


@program
def local_dict(x):
    counts = {}
    for v in x.numpy():
        counts[int(v)] = counts.get(int(v), 0) + 1
    return x + max(counts.values()) * 10 + len(counts)


@program
def local_heap(x):
    heap = []
    for v in x.numpy():
        heapq.heappush(heap, float(v))
    return x + heapq.heappop(heap)


@program
def local_list(x):
    vals = []
    for v in x.numpy():
        vals.append(v)
    return x + np.mean(vals)


@program
def host_in_branch(x):
    if tf.reduce_sum(x) > 8:
        y = np.sort(x.numpy())
    else:
        y = np.sort(-x.numpy())
    return x + y


@program
def host_one_branch(x):
    y = x * 2
    if tf.reduce_sum(x) > 8:
        y = tf.constant(np.sort(y.numpy()))
    return y


@program
def host_in_loop(x):
    y = x
    for i in tf.range(3):
        y = y + np.sort(y.numpy()).astype(np.float32)
    return y


@program
def set_unique(x):
    return x + len(set(x.numpy().tolist()))


@program
def strings(x):
    s = str(x.numpy())
    return x + s.count(".")


@program
def stats(x):
    return x * statistics.median(x.numpy().tolist())


@program
def and_or(x):
    k = x.numpy()[0]
    if k > 2 and x[1] > 1:
        return x
    return -x


@program
def returns_dict(x):
    d = {"a": x * 2, "n": int(x.numpy()[0])}
    return d["a"] + d["n"]


@program
def is_none(x):
    m = None if x.numpy()[0] > 3 else x.numpy()
    if m is None:
        return x
    return x + m


@program
def slice_by_value(x):
    k = int(x.numpy()[0]) % 3
    return tf.reduce_sum(x[:k]) + x


@program
def range_by_value(x):
    k = int(x.numpy()[0])
    y = x
    for i in range(k):
        y = y + i
    return y


@program
def pandas_like(x):
    order = sorted(range(3), key=lambda i: float(x.numpy()[i]))
    return tf.gather(x, order)


@program
def kw_tensor(x):
    return tf.constant(np.clip(a=x.numpy(), a_min=1.5, a_max=4.0)) + x


@program
def isinstance_host(x):
    v = x.numpy()
    if isinstance(v, np.ndarray) and v.ndim == 1:
        return x + v.shape[0]
    return x


class Model:
    scale = 2.0

    def __init__(self):
        self.w = tf.Variable([1.0, 2.0, 3.0])

    def stat(self, t):
        return float(np.max(t.numpy())) * self.scale

    def __call__(self, x):
        return x * self.w + self.stat(x)


model = Model()


@program
def method(x):
    return model(x)


@program
def variable_numpy(x):
    model.w.assign(x)
    return x + model.w.numpy().sum()


@program
def walrus(x):
    if (m := x.numpy().max()) > 4:
        return x + m
    return x - m


@program
def recursion_py(x):
    def fact(n):
        return 1 if n <= 1 else n * fact(n - 1)

    return x * fact(int(x.numpy()[0]) % 5)


@program
def item(x):
    return x + x[0].numpy().item()


@program
def star(x):
    a, *b = x.numpy().tolist()
    return x + a + len(b)


@program
def aug(x):
    acc = np.zeros(3, np.float32)
    acc += x.numpy()
    return tf.constant(acc) * 2


@program
def aug_sub(x):
    acc = np.zeros(3, np.float32)
    acc[1] = x[0]
    return tf.constant(acc) + x
