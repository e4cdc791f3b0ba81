# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Control flow
#
# `if`, `while`, `for`, `break`, `return` on tensors become part of the graph; on Python values they
# stay Python. This notebook shows what is staged, how to see it, and what it costs beside plain
# Python.

# %%
import time

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import HTML

import graphc as tf
from graphc.inspect.svg import to_svg

# %% [markdown]
# ## A loop whose length depends on the data
#
# How many steps does the Collatz sequence of a number take to reach 1? Nobody knows before running
# it. The function is ordinary Python; the decorator is all there is to it.


# %%
def collatz(n):
    steps = 0
    while n > 1:
        if n % 2 == 0:
            n = n // 2
        else:
            n = 3 * n + 1
        steps += 1
    return steps


staged = tf.function(collatz)
[int(staged(tf.constant(n))) for n in (1, 27, 97, 871)], staged.experimental_get_tracing_count()

# %% [markdown]
# One trace serves every number. What AutoGraph made of the source: each statement that may depend
# on a tensor is one call, with its blocks as functions.

# %%
print(staged.converted_source)

# %% [markdown]
# The graph holds the loop as a loop, with its carried values by their names.

# %%
print(staged.graph(tf.constant(27), optimized=True))

# %%
HTML(to_svg(staged.graph(tf.constant(27), optimized=True)))

# %% [markdown]
# ## What can be written
#
# ### Leaving a loop from the middle
#
# `break`, `continue` and `return` work at any depth, and so does the `else` of a loop.


# %%
@tf.function
def find(table, wanted):
    for i, row in enumerate(table):
        for j, value in enumerate(row):
            if value == wanted:
                return i, j
    return -1, -1


table = tf.constant([[3, 1, 4], [1, 5, 9]])
[tuple(int(v) for v in find(table, tf.constant(w))) for w in (9, 7)]

# %% [markdown]
# ### Names that begin as None
#
# A name may be None, a string, a function or nothing at all on one path and a tensor on another. A
# number in the graph tells which, and what Python would say of the wrong one is said when the
# program comes there.


# %%
@tf.function
def best(scores):
    winner = None
    for i, score in enumerate(scores):
        if winner is None or score > scores[winner]:
            winner = i
    return winner


print(best(tf.constant([0.2, 0.9, 0.4])), best(tf.zeros([0])))

# %% [markdown]
# ### Lists that grow, matching, exceptions


# %%
@tf.function
def path(n):
    visited = [n]
    while n > 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        visited.append(n)
    return visited


[int(v) for v in path(tf.constant(6))]


# %%
@tf.function
def walk(moves):
    x, y = 0, 0
    for move in moves:
        match move:
            case 0:
                y += 1
            case 1 | 3:
                x += 2 - move
            case 2:
                y -= 1
            case _:
                raise ValueError("a move is one of 0, 1, 2, 3; got", move)
    return x, y


print([int(v) for v in walk(tf.constant([0, 0, 1, 2, 1]))])
try:
    walk(tf.constant([0, 7]))
except ValueError as error:
    print("ValueError:", error)

# %% [markdown]
# ### Gradients
#
# A tape may be around the loop or inside of it. Here Newton's method looks for the root of a
# function of two parameters; the gradient goes through as many iterations as it took.


# %%
@tf.function
def root(a):
    x = a
    for _ in range(50):
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = x**3 + x - a
        step = value / tape.gradient(value, x)
        if tf.abs(step) < 1e-6:
            return x
        x = x - step
    return x


@tf.function
def sensitivity(a):
    with tf.GradientTape() as tape:
        tape.watch(a)
        x = root(a)
    return x, tape.gradient(x, a)


x, slope = sensitivity(tf.constant(2.0))
print(f"root {float(x):.5f}, slope {float(slope):.5f}, exact {1 / (3 * float(x) ** 2 + 1):.5f}")

# %% [markdown]
# ## When a statement needs values
#
# Some code cannot be staged: a call of numpy, a printed number. That statement alone runs as Python
# on every call, and a warning says which one, why, and what it costs.

# %%
import warnings


@tf.function
def median_filter(x):
    shifted = x - tf.reduce_mean(x)
    middle = np.median(shifted.numpy())
    return tf.abs(shifted - tf.cast(middle, tf.float32))


with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    print(median_filter(tf.constant([1.0, 2.0, 9.0])), median_filter(tf.constant([4.0, 0.0, 2.0])))
file, line, text = str(caught[0].message).split(":", 2)
print(f"line {line}:{text}")

# %% [markdown]
# `@tf.function(fallback="error")` refuses instead.
#
# ## Why was it traced again?
#
# Each combination of argument types is traced once. The record names the argument, what it was,
# what it is now, and the line of the call.


# %%
@tf.function
def power(x, exponent):
    return x**exponent


power(tf.constant(2.0), 2)
power(tf.constant(2.0), 3)
power(tf.constant([2.0, 3.0]), 3)
for trace in power.retraces:
    print(trace)

# %% [markdown]
# ## What it costs
#
# The whole Mandelbrot set with a loop for each point, ended by a `break`:


# %%
def mandelbrot(width, height, limit):
    counts = []
    for i in tf.range(width * height):
        x = 3.2 * tf.cast(i % width, tf.float32) / tf.cast(width, tf.float32) - 2.2
        y = 2.4 * tf.cast(i // width, tf.float32) / tf.cast(height, tf.float32) - 1.2
        a, b, count = x, y, 0
        while a * a + b * b < 4.0 and count < limit:
            a, b = a * a - b * b + x, 2 * a * b + y
            count += 1
        counts.append(count)
    return tf.stack(counts)


sizes = tf.constant(240), tf.constant(180), tf.constant(200)
drawn = tf.function(mandelbrot)
drawn(*sizes)
began = time.perf_counter()
counts = drawn(*sizes).numpy()
seconds = time.perf_counter() - began

plt.figure(figsize=(6, 4.5))
plt.imshow(np.log1p(counts.reshape(180, 240)), cmap="magma")
plt.title(f"{counts.sum():,} iterations in {seconds * 1e3:.0f} ms")
plt.axis("off")


# %% [markdown]
# Three loops beside plain Python on Python's own numbers, and beside the same function run eagerly
# on tensors. The unit is one iteration.


# %%
def total(n):
    s = 0
    for i in range(n):
        if i % 3 == 0:
            continue
        s += i % 7
    return s


def pairs(n):
    count = 0
    for i in range(n // 100):
        for j in range(100):
            if j * j > i:
                break
            count += 1
    return count


def seconds_of(call, *args):
    times = []
    for _ in range(5):
        began = time.perf_counter()
        call(*args)
        times.append(time.perf_counter() - began)
    return min(times)


rows = []
for fn, n, iterations in (
    (collatz, 837_799, 524),
    (total, 100_000, 100_000),
    (pairs, 100_000, 26_000),
):
    compiled = tf.function(fn)
    compiled(tf.constant(n))
    plain = seconds_of(fn, n) / iterations
    graph = seconds_of(compiled, tf.constant(n)) / iterations
    rows.append((fn.__name__, plain, graph))
    print(f"{fn.__name__:8} Python {plain * 1e9:6.1f} ns, graph {graph * 1e9:6.2f} ns")

# %%
figure, axis = plt.subplots(figsize=(6, 2.6))
names = [name for name, *_ in rows]
places = np.arange(len(rows))
axis.barh(places + 0.2, [plain * 1e9 for _, plain, _ in rows], 0.4, label="Python")
axis.barh(places - 0.2, [graph * 1e9 for *_, graph in rows], 0.4, label="graph")
axis.set_yticks(places, names)
axis.set_xscale("log")
axis.set_xlabel("nanoseconds per iteration")
axis.legend()
figure.tight_layout()
plt.show()

# %% [markdown]
# A call costs a few microseconds, and the first one has to trace and compile: `explain` and
# `graphc.benchmark` say after how many calls that has paid for itself.
