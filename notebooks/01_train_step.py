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
# # A training step, eager and compiled
#
# We write a training step for a small classifier, watch it learn real handwritten digits, turn it
# into a graph with
# one decorator, look at that graph, and measure what it brought.

# %%
import time

import matplotlib.pyplot as plt
import numpy as np

import graphc as tf

# %% [markdown]
# ## The data
#
# 1,797 grey images of 8x8 pixels, from the UCI repository (Alpaydin and Kaynak, CC BY 4.0); they
# come with the package.

# %%
(x_train, y_train), (x_test, y_test) = tf.keras.datasets.digits.load_data()

figure, axes = plt.subplots(1, 10, figsize=(10, 1.4))
for axis, image, label in zip(axes, x_train, y_train, strict=False):
    axis.imshow(16 - image, cmap="gray")
    axis.set_title(label)
    axis.axis("off")

# %%
x_train = (x_train.reshape(-1, 64) / 16).astype(np.float32)
x_test = (x_test.reshape(-1, 64) / 16).astype(np.float32)
x_train.shape, y_train.shape

# %% [markdown]
# ## The model and its training step
#
# Two dense layers, cross-entropy, and Adam with its moments as variables: nothing hidden.
# `train_step` is an ordinary
# Python function.


# %%
def glorot(rows, columns, seed):
    limit = np.sqrt(6 / (rows + columns))
    return np.random.RandomState(seed).uniform(-limit, limit, (rows, columns)).astype(np.float32)


class Model:
    def __init__(self):
        self.w1, self.b1 = tf.Variable(glorot(64, 30, 1), name="w1"), tf.Variable(tf.zeros([30]))
        self.w2, self.b2 = tf.Variable(glorot(30, 10, 2), name="w2"), tf.Variable(tf.zeros([10]))
        self.weights = [self.w1, self.b1, self.w2, self.b2]
        self.first = [tf.Variable(tf.zeros(w.shape)) for w in self.weights]
        self.second = [tf.Variable(tf.zeros(w.shape)) for w in self.weights]
        self.count = tf.Variable(0.0)

    def logits(self, x):
        hidden = tf.nn.relu(x @ self.w1 + self.b1)
        return hidden @ self.w2 + self.b2

    def train_step(self, x, y):
        with tf.GradientTape() as tape:
            logits = self.logits(x)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, self.weights)
        self.count.assign_add(1.0)
        rate = 0.005 * tf.sqrt(1 - 0.999**self.count) / (1 - 0.9**self.count)
        for w, m, v, g in zip(self.weights, self.first, self.second, gradients, strict=True):
            m.assign_add((g - m) * 0.1)
            v.assign_add((tf.square(g) - v) * 0.001)
            w.assign_sub(rate * m / (tf.sqrt(v) + 1e-7))
        return loss


# %% [markdown]
# ## Training
#
# The same loop trains with the function as it is, and with its compiled form.


# %%
def train(model, step, epochs=25, batch=64):
    order, losses = np.random.RandomState(0), []
    steps = len(x_train) // batch
    bar = tf.keras.utils.Progbar(epochs * steps, stateful_metrics=["loss", "accuracy"])
    for _ in range(epochs):
        rows = order.permutation(len(x_train))[: steps * batch].reshape(steps, batch)
        losses += [float(step(x_train[chosen], y_train[chosen])) for chosen in rows]
        accuracy = np.mean(np.argmax(model.logits(x_test), axis=1) == y_test)
        bar.add(steps, [("loss", np.mean(losses[-steps:])), ("accuracy", accuracy)])
    return losses


eager = Model()
eager_losses = train(eager, eager.train_step)

# %%
compiled = Model()
step = tf.function(compiled.train_step)
graph_losses = train(compiled, step)

# %% [markdown]
# The graph computes what eager computes: the two curves lie on each other.

# %%
figure, axis = plt.subplots(figsize=(7, 3))
axis.semilogy(eager_losses, label="eager", linewidth=4, alpha=0.4)
axis.semilogy(graph_losses, label="graph", linewidth=1)
axis.set_xlabel("step")
axis.set_ylabel("loss")
axis.legend()
print(
    "largest difference", max(abs(a - b) for a, b in zip(eager_losses, graph_losses, strict=True))
)

# %% [markdown]
# ## The graph
#
# This is what was traced, in the text form that is used everywhere. Values carry the names from
# the source.

# %%
x, y = x_train[:64], y_train[:64]
print(step.graph(x, y))

# %% [markdown]
# The same as a picture; nodes that one kernel computes have one tint.

# %%
step.graph(x, y)

# %% [markdown]
# ## What the compiler did
#
# `explain` shows the converted source, what each pass applied and declined and why, the kernels,
# and the times.

# %%
print(step.explain(x, y))

# %% [markdown]
# ## What it brought


# %%
def microseconds(function, repeat=200):
    start = time.perf_counter()
    for _ in range(repeat):
        function(x, y)
    return (time.perf_counter() - start) / repeat * 1e6


times = {"eager": microseconds(eager.train_step), "graph": microseconds(step)}
figure, axis = plt.subplots(figsize=(7, 1.6))
bars = axis.barh(list(times), list(times.values()), color=["#bbbbbb", "#4477aa"])
axis.bar_label(bars, fmt="%.0f us", padding=4)
axis.set_xlabel("microseconds per step")
axis.margins(x=0.15)
print(f"{times['eager'] / times['graph']:.0f} times as fast")
