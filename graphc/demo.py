"""The main job in one run: train on real digits eagerly, then compiled, and compare.

Everything here is written as a user would write it, with public names only.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

import graphc as gc
from graphc.keras.datasets import digits
from graphc.keras.utils import Progbar

MODELS = ((64, 30, 10), (64, 64, 32, 10))


@dataclass(frozen=True)
class Options:
    """What the user can choose."""

    epochs: int = 25
    batch_size: int = 64
    learning_rate: float = 0.005
    seed: int = 1


@dataclass(frozen=True)
class Data:
    """Images as rows of 64 numbers from 0 to 1, with their labels."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray

    def batches(self, size: int, random: np.random.RandomState) -> Iterator[tuple[Any, Any]]:
        """Yield full batches in a new order; a smaller last one would need a graph of its own."""
        order = random.permutation(len(self.y_train))
        for start in range(0, len(order) - size + 1, size):
            rows = order[start : start + size]
            yield self.x_train[rows], self.y_train[rows]


class Classifier:
    """Dense layers with relu between them, trained by Adam on the cross-entropy."""

    def __init__(self, sizes: Sequence[int], learning_rate: float, seed: int) -> None:
        random = np.random.RandomState(seed)
        self.weights = []
        for rows, columns in zip(sizes[:-1], sizes[1:], strict=True):
            limit = math.sqrt(6 / (rows + columns))
            kernel = random.uniform(-limit, limit, (rows, columns)).astype(np.float32)
            self.weights += [gc.Variable(kernel), gc.Variable(gc.zeros([columns]))]
        self.first = [gc.Variable(gc.zeros(w.shape)) for w in self.weights]
        self.second = [gc.Variable(gc.zeros(w.shape)) for w in self.weights]
        self.steps = gc.Variable(0.0)
        self.learning_rate = learning_rate

    def logits(self, x):
        kernels, biases = self.weights[::2], self.weights[1::2]
        for kernel, bias in zip(kernels[:-1], biases[:-1], strict=True):
            x = gc.nn.relu(x @ kernel + bias)
        return x @ kernels[-1] + biases[-1]

    def train_step(self, x, y):
        with gc.GradientTape() as tape:
            losses = gc.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=self.logits(x))
            loss = gc.reduce_mean(losses)
        self.adam(tape.gradient(loss, self.weights))
        return loss

    def adam(self, gradients):
        self.steps.assign_add(1.0)
        rate = self.learning_rate * gc.sqrt(1 - 0.999**self.steps) / (1 - 0.9**self.steps)
        moments = zip(self.weights, self.first, self.second, gradients, strict=True)
        for weight, first, second, gradient in moments:
            first.assign_add((gradient - first) * 0.1)
            second.assign_add((gc.square(gradient) - second) * 0.001)
            weight.assign_sub(rate * first / (gc.sqrt(second) + 1e-7))

    def accuracy(self, x, y) -> float:
        return float(np.mean(gc.argmax(self.logits(x), axis=1).numpy() == y))


@dataclass(frozen=True)
class Run:
    """What one training run took and reached."""

    first_call: float
    step: float
    loss: float
    accuracy: float


def load(options: Options) -> Data:
    """Return the digits, flattened and scaled."""
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    if not 1 <= options.batch_size <= len(y_train):
        raise ValueError(
            f"batch size {options.batch_size} must be from 1 to {len(y_train)}, "
            "the number of training images"
        )

    def rows(images: np.ndarray) -> np.ndarray:
        return (images.reshape(len(images), 64) / 16).astype(np.float32)

    return Data(rows(x_train), y_train, rows(x_test), y_test)


def train(model: Classifier, step: Callable[..., Any], data: Data, options: Options) -> Run:
    """Train for some epochs behind a progress bar; times leave the first call out."""
    random = np.random.RandomState(options.seed)
    per_epoch = len(data.y_train) // options.batch_size
    bar = Progbar(options.epochs * per_epoch, stateful_metrics=("loss", "test accuracy"))
    calls, loss, accuracy = [], math.nan, 0.0
    for _ in range(options.epochs):
        batches = list(data.batches(options.batch_size, random))
        losses = []
        for x, y in batches:
            start = time.perf_counter()
            losses.append(step(x, y))
            calls.append(time.perf_counter() - start)
        loss = float(np.mean([float(value) for value in losses]))
        if not math.isfinite(loss):
            raise FloatingPointError(
                f"the loss became {loss} with learning rate {options.learning_rate:g}; "
                "try a smaller one"
            )
        accuracy = model.accuracy(data.x_test, data.y_test)
        bar.add(len(losses), [("loss", loss), ("test accuracy", accuracy)])
    return Run(calls[0], median(calls[1:] or calls), loss, accuracy)


def compare(sizes: Sequence[int], data: Data, options: Options) -> tuple[Run, Run]:
    """Train the same model twice from the same weights: eagerly, then as a graph."""
    runs = []
    for title, decorate in (("eager", lambda step: step), ("graph", gc.function)):
        print(f"\n{_name(sizes)}, {title}:")
        model = Classifier(sizes, options.learning_rate, options.seed)
        runs.append(train(model, decorate(model.train_step), data, options))
    return runs[0], runs[1]


def run(options: Options) -> list[tuple[Run, Run]]:
    """Run the whole demonstration and return what each model's two runs took and reached."""
    data = load(options)
    print(f"{len(data.y_train)} handwritten digits to train on, {len(data.y_test)} to test.")
    results = [compare(sizes, data, options) for sizes in MODELS]
    print("\n" + speed_table(results))
    print(WHERE_TO_LOOK)
    return results


def bench(options: Options) -> None:
    """Print `graphc.benchmark` of each model's training step."""
    data = load(options)
    x, y = data.x_train[: options.batch_size], data.y_train[: options.batch_size]
    for sizes in MODELS:
        model = Classifier(sizes, options.learning_rate, options.seed)
        print(f"{_name(sizes)}: {gc.benchmark(model.train_step, x, y)}")


def speed_table(results: Sequence[tuple[Run, Run]]) -> str:
    """Return one line per model: both step times, the first call, and when compiling has paid."""
    rows = [("model", "eager step", "graph step", "speed-up", "first call", "pays after")]
    for sizes, (eager, graph) in zip(MODELS, results, strict=True):
        saved = eager.step - graph.step
        pays = f"{math.ceil(graph.first_call / saved):,} steps" if saved > 0 else "never"
        rows.append(
            (
                _name(sizes),
                f"{eager.step * 1e6:,.0f} us",
                f"{graph.step * 1e6:,.1f} us",
                f"{eager.step / graph.step:.1f}x",
                f"{graph.first_call:.2f} s",
                pays,
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for first, *rest in rows:
        cells = [f"{cell:>{width}}" for cell, width in zip(rest, widths[1:], strict=True)]
        lines.append("  ".join([f"{first:{widths[0]}}", *cells]))
    return "\n".join(lines)


WHERE_TO_LOOK = """
Where to look next:
  print(step.graph(x, y))        the graph, with your names and lines
  print(step.explain(x, y))      what each pass did, the kernels, the times
  gc.benchmark(step, x, y)       eager against graph for a function of yours
  python -m graphc cache         the compiled kernels on disk; a second run starts from them
  notebooks/01_train_step.ipynb  this story with the graph drawn"""


def _name(sizes: Sequence[int]) -> str:
    return "-".join(map(str, sizes))
