"""What an iteration of a staged loop costs, beside plain Python and the same function in numba.

`python -m tests.benchmarks.loops` prints the figures as JSON; it is run as a process of its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from tests.benchmarks.figures import Figure, interleaved


def counting(n):
    s = 0
    for i in range(n):
        if i % 3 == 0:
            continue
        s += (s ^ i) % 7
    return s


def breaking(n):
    count = 0
    for i in range(n // 100):
        for j in range(100):
            if j * j > i:
                break
            count += j & 1
    return count


def searching(n):
    best, at, i = -1, 0, 0
    while i < n:
        value = (i * 7919) % 1009
        if value > best:
            best, at = value, i
        if best > 2000:
            return -1
        i += 1
    return at


def rotating(x, n):
    """A vector of three as state."""
    for _ in range(n):
        x = x * 0.999 + x[::-1] * 0.001
    return x


def best_of(n):
    """A name that is None at first; numba has no such names."""
    best = None
    for i in range(n):
        value = (i * 7919) % 1009
        if best is None or value > best:
            best = value
    return best


N = 200_000
# name -> function, arguments, iterations, whether numba compiles it as it is
LOOPS: dict[str, tuple[Callable[..., Any], tuple[Any, ...], int, bool]] = {
    "counting with continue": (counting, (N,), N, True),
    "nested with break": (breaking, (N,), N // 4, True),
    "while with return": (searching, (N,), N, True),
    "None at first": (best_of, (N,), N, False),
    "f32[3] as state": (rotating, (np.ones(3, np.float32), N // 10), N // 10, False),
}


def figures() -> list[Figure]:
    import graphc as tf

    found = []
    for name, (fn, args, iterations, typed) in LOOPS.items():
        staged = tf.function(fn, fallback="error")
        tensors = [tf.constant(a) for a in args]
        calls: dict[str, Callable[[], object]] = {
            "graph": lambda f=staged, a=tensors: f(*a),
            "Python": lambda f=fn, a=args: f(*a),
        }
        if typed:
            compiled = numba.njit(fn)
            calls["numba"] = lambda f=compiled, a=args: f(*a)
        times = interleaved(calls, repeat=1, rounds=5)
        seconds = {other: t / iterations for other, t in times.items()}
        for other in [o for o in times if o != "graph"]:
            title = f"loop, {name}: an iteration"
            found.append(Figure(title, seconds["graph"], other, seconds[other]))
    return found


if __name__ == "__main__":
    print(json.dumps([figure.as_json() for figure in figures()]))
