"""Programs whose statements act on objects that outlive a call: they must do so on every call.

Each case gives a function that makes the program and something to look at after the calls.
"""

from __future__ import annotations

import collections
import io
import logging
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import graphc as tf

# ruff: noqa: UP031
CASES: dict[str, Callable[..., Any]] = {}


def case(fn):
    CASES[fn.__name__.strip("_")] = fn
    return fn


CALLS = [([1.0, 2.0],), ([3.0, 4.0],), ([5.0, 9.0],)]


@case
def history_float():
    def make():
        h = []

        def f(x):
            loss = tf.reduce_sum(x)
            h.append(float(loss))
            return loss * 2

        return f, h

    return make


@case
def history_attr():
    class M:
        def __init__(self):
            self.h = []

        def step(self, x):
            loss = tf.reduce_sum(x)
            self.h.append(loss.numpy().item())
            return loss * 2

    def make():
        m = M()
        return m.step, lambda: m.h

    return make


@case
def dict_store():
    def make():
        d = {}

        def f(x):
            d["last"] = float(tf.reduce_sum(x))
            d[int(x[0])] = 1
            return x

        return f, d

    return make


@case
def attr_store():
    class M:
        last = None

    def make():
        m = M()

        def f(x):
            m.last = x.numpy().tolist()
            return x + 1

        return f, lambda: m.last

    return make


@case
def prints():
    def make():
        def f(x):
            loss = tf.reduce_sum(x)
            print(f"loss {loss.numpy():.2f}")
            print("loss", float(loss))
            print("loss %.3f" % loss)
            print(f"loss {float(loss):.1f}")
            return loss

        return f, None

    return make


@case
def fstring_plain():
    def make():
        def f(x):
            loss = tf.reduce_sum(x)
            print(f"loss {loss}")
            print(str(x) + "!")
            return loss

        return f, None

    return make


@case
def log():
    def make():
        lines = []
        logger = logging.getLogger("graphc-test")
        logger.setLevel(logging.INFO)
        logger.handlers[:] = []

        class H(logging.Handler):
            def emit(self, r):
                lines.append(r.getMessage())

        logger.addHandler(H())

        def f(x):
            loss = tf.reduce_sum(x)
            logger.info("loss %f", loss)
            logger.info("x %s", x)
            return loss

        return f, lines

    return make


@case
def every_other():
    def make():
        h = []

        def f(x):
            total = tf.constant(0.0)
            for i in tf.range(4):
                total += tf.reduce_sum(x)
                if i % 2 == 0:
                    h.append(float(total))
                    print("step", int(i), float(total))
            return total

        return f, h

    return make


@case
def order():
    def make():
        log = []

        def f(x):
            log.append(("a", float(x[0])))
            y = np.sort(-x.numpy())
            log.append(("b", float(y[0])))
            for v in x:
                log.append(float(v))
            return tf.constant(y)

        return f, log

    return make


@case
def effect_in_value():
    class Count:
        def __init__(self):
            self.n = 0

        def __call__(self, v):
            self.n += 1
            return v + self.n

    def make():
        c = Count()

        def f(x):
            z = np.add(x.numpy(), 1)
            t = tf.constant(z) + x
            return t + c(t.numpy())

        return f, lambda: c.n

    return make


@case
def train_step():
    class M:
        def __init__(self):
            self.w = tf.Variable([1.0, 1.0])
            self.losses = []

        def step(self, x):
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(self.w * x) ** 2
            g = tape.gradient(loss, self.w)
            self.w.assign_sub(0.01 * g)
            self.losses.append(round(float(loss), 3))
            return loss

    def make():
        m = M()
        return m.step, lambda: (m.losses, m.w.numpy().round(4).tolist())

    return make


@case
def write_file():
    def make():
        path = tempfile.mktemp()

        def f(x):
            with open(path, "a") as fh:
                fh.write(str(float(x[0])) + "\n")
            return x

        return f, lambda: Path(path).read_text()

    return make


@case
def stringio():
    def make():
        out = []

        def f(x):
            b = io.StringIO()
            b.write("%.1f" % x[0])
            b.write("%.1f" % x[1])
            out.append(b.getvalue())
            return x

        return f, out

    return make


@case
def finally_():
    def make():
        out = []

        def f(x):
            try:
                v = 1.0 / x.numpy()[0]
            finally:
                out.append("done %.1f" % x[1])
            return x * v

        return f, out

    return make


@case
def raises():
    def make():
        def f(x):
            try:
                if x.numpy()[0] > 2:
                    raise ValueError(f"big {x.numpy()[0]}")
                return x
            except ValueError as e:
                return x + len(str(e))

        return f, None

    return make


@case
def nested_function():
    def make():
        @tf.function
        def inner(t):
            return tf.constant(np.sort(-t.numpy())) * 2

        def f(x):
            return inner(x + 1) + x

        return f, None

    return make


@case
def closure_tensor():
    def make():
        out = []

        def f(x):
            y = x * 2

            def log(name):
                out.append((name, y.numpy().tolist()))

            log("one")
            y = y + 1
            log("two")
            return y

        return f, out

    return make


@case
def carried():
    def make():
        def f(x):
            best, name = None, ""
            for v in x.numpy():
                if best is None or v > best:
                    best, name = v, "v%.0f" % v
            return x + best + len(name)

        return f, None

    return make


@case
def early():
    def make():
        def f(x):
            for v in x.numpy().tolist():
                if v > 3:
                    return tf.constant(v) + tf.reduce_sum(x)
            return tf.reduce_sum(x)

        return f, None

    return make


@case
def rng_():
    def make():
        rng = np.random.RandomState(0)

        def f(x):
            return x + rng.normal(size=x.numpy().shape).astype(np.float32)

        return f, None

    return make


@case
def logs_dict_of_lists():
    def make():
        h = collections.defaultdict(list)

        def f(x):
            h["loss"].append(float(tf.reduce_sum(x)))
            h["max"] += [float(tf.reduce_max(x))]
            return x

        return f, lambda: dict(h)

    return make


@case
def global_counter():
    def make():
        state = {"n": 0}

        def f(x):
            state["n"] += int(x[0])
            return x

        return f, state

    return make


@case
def setattr_total():
    class M:
        total = 0.0

    def make():
        m = M()

        def f(x):
            m.total += float(x[0])
            return x

        return f, lambda: m.total

    return make
