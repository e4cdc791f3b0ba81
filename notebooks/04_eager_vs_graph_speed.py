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
# # Eager against graph: when does it pay?
#
# A graph saves what every call of a small operation costs, keeps intermediate results in registers
# and runs loops natively. It costs tracing and compiling once, and it does not make a large matrix
# product faster. `graphc.benchmark` measures both sides for your own function and arguments.

# %%
import matplotlib.pyplot as plt
import numpy as np

import graphc as tf

random = np.random.default_rng(0)

# %% [markdown]
# ## A training step
#
# Small layers: the arithmetic takes microseconds, and eager mode spends its time between the
# operations. `against` lets other versions take turns: here numpy by hand.

# %%
w1 = tf.Variable(random.normal(0, 0.1, (64, 30)).astype(np.float32))
w2 = tf.Variable(random.normal(0, 0.1, (30, 10)).astype(np.float32))


@tf.function
def train_step(x, y):
    with tf.GradientTape() as tape:
        logits = tf.nn.relu(x @ w1) @ w2
        loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=logits))
    g1, g2 = tape.gradient(loss, [w1, w2])
    w1.assign_sub(0.01 * g1)
    w2.assign_sub(0.01 * g2)
    return loss


def numpy_step(x, y):
    x, y = np.asarray(x), np.asarray(y)
    v1, v2 = w1.numpy(), w2.numpy()
    h = np.maximum(x @ v1, 0)
    z = h @ v2
    z -= z.max(1, keepdims=True)
    e = np.exp(z)
    p = e / e.sum(1, keepdims=True)
    loss = -(y * np.log(p)).sum(1).mean()
    dz = (p - y) / len(x)
    g2 = h.T @ dz
    g1 = x.T @ ((dz @ v2.T) * (h > 0))
    w1.assign(v1 - 0.01 * g1)
    w2.assign(v2 - 0.01 * g2)
    return np.float32(loss)


x = tf.constant(random.normal(size=(64, 64)).astype(np.float32))
y = tf.one_hot(random.integers(0, 10, 64), 10)
found = tf.benchmark(train_step, x, y)
found

# %%
print(found)

# %% [markdown]
# The numpy version changes the same Variables, so its result differs from call to call; the note
# says so.

# %%
print(tf.benchmark(train_step, x, y, against={"numpy": numpy_step}))

# %% [markdown]
# ## From which size on?
#
# A chain of elementwise operations. For a few elements everything is overhead; for many, eager mode
# goes through memory once for each operation, the graph once for all of them.


# %%
def chain(x):
    for _ in range(4):
        x = tf.tanh(x * 1.5 + 0.5) - x * 0.1
    return x


def numpy_chain(x):
    x = np.asarray(x)
    for _ in range(4):
        x = np.tanh(x * np.float32(1.5) + np.float32(0.5)) - x * np.float32(0.1)
    return x


sizes = tf.benchmark_sizes(
    chain,
    lambda n: (tf.constant(random.normal(size=n).astype(np.float32)),),
    [10, 100, 1_000, 10_000, 100_000, 1_000_000],
    against={"numpy": numpy_chain},
)
sizes

# %%
sizes.plot()
plt.show()

# %% [markdown]
# ## Loops
#
# A loop over scalars is where Python is slowest and a graph gains most.


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


against = {"Python": lambda n: collatz(871)}
print(tf.benchmark(tf.function(collatz), tf.constant(871), against=against))

# %% [markdown]
# ## Where it does not pay
#
# One large product: both spend their time in the same BLAS. And a function that is called once or
# twice: the first call compiles.

# %%
a = tf.constant(random.normal(size=(700, 700)).astype(np.float32))
print(tf.benchmark(lambda a: a @ a, a))

# %% [markdown]
# ## Beside others
#
# Recorded on two busy cores, from [docs/performance.md](../docs/performance.md), which has all
# rows, also the bad ones, and says what is not reached. Only the ratios mean anything.
#
# | a step of | graphc | by hand in numba | TensorFlow graph | JAX | torch |
# |---|---|---|---|---|---|
# | digits MLP with Adam | 16.5 µs | 0.63x its time | 21x | 3.9x | 5.6x |
# | loop until converged, with a tape | 5.7 µs | 0.36x | 470x | 2.0x | 3,500x |
# | LSTM over 50 steps, with gradients | 1.18 ms | 1.2x | 8.3x | 1.4x | 2.8x |
# | transformer block, with gradients | 3.49 ms | 0.94x | 1.9x | 1.4x | 1.4x |
# | MNIST convolution net | 7.7 ms | | 1.4x | 6.4x | 2.1x |
# | Adam on 300 tensors | 413 µs | 0.7x | | 24x | |
# | Mandelbrot | 61 µs | 0.99x | 16,000x | 2.2x | 23,000x |
# | 12 operations on 10^6 numbers | 0.96 ms | 1.3x | 4.4x | **0.69x** | 6.9x |
# | softmax regression on 10^5 rows | 9.3 ms | **0.25x** | 1.3x | **0.78x** | 2.3x |
#
# To repeat them, or to measure on a machine of yours:
#
# ```sh
# pip install -e ".[peers]"
# python -m tests.benchmarks --quick
# ```
