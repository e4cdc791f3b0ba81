"""Gradients of small convolution nets, in graphc and its peers, on one thread.

`python -m tests.benchmarks.convnet NAME` prints the figures of one contestant as JSON.  All have
the same weights and images; who finds another loss is disqualified.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import numpy as np

from tests.benchmarks.figures import Figure
from tests.benchmarks.race import ONE_THREAD, QUIET

BATCH, STEPS = 64, 20
# filters [height, width, channels, outputs] of the layers, each with its bias; the last is dense
MNIST = ((4, 4, 1, 25), (25,), (5, 5, 25, 50), (50,), (800, 10), (10,))
LAYER = ((3, 3, 3, 32), (32,))
Step = Callable[[], float]


def arrays() -> tuple[list[np.ndarray], list[np.ndarray], np.ndarray, np.ndarray, np.ndarray]:
    """Weights of both nets, their images, labels."""
    random = np.random.default_rng(0)

    def draw(*shape: int) -> np.ndarray:
        return random.normal(0, 0.1, shape).astype(np.float32)

    nets = [[draw(*shape) for shape in shapes] for shapes in (MNIST, LAYER)]
    labels = random.integers(0, 10, BATCH)
    return nets[0], nets[1], draw(BATCH, 28, 28, 1), draw(BATCH, 32, 32, 3), labels


def tensorflow_style(module: str) -> dict[str, Step]:
    tf = importlib.import_module(module)
    if module == "tensorflow":
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    mnist, layer, small, large, labels = arrays()
    v, w = [tf.Variable(a) for a in mnist], [tf.Variable(a) for a in layer]
    x, image, y = tf.constant(small), tf.constant(large), tf.constant(labels)

    @tf.function
    def mnist_step():
        with tf.GradientTape() as tape:
            h = tf.nn.relu(tf.nn.conv2d(x, v[0], 1, "VALID") + v[1])
            h = tf.nn.max_pool2d(h, 2, 2, "VALID")
            h = tf.nn.relu(tf.nn.conv2d(h, v[2], 1, "VALID") + v[3])
            h = tf.reshape(tf.nn.max_pool2d(h, 2, 2, "VALID"), [BATCH, 800])
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(y, tf.matmul(h, v[4]) + v[5])
            loss = tf.reduce_mean(losses)
        return loss, tape.gradient(loss, v)

    @tf.function
    def layer_step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.nn.relu(tf.nn.conv2d(image, w[0], 1, "SAME") + w[1]))
        return loss, tape.gradient(loss, w)

    return {"mnist cnn": lambda: float(mnist_step()[0]), "conv 3x3": lambda: float(layer_step()[0])}


def torch(channels_last: bool) -> dict[str, Step]:
    torch = importlib.import_module("torch")
    torch.set_num_threads(1)
    f, layout = torch.nn.functional, torch.channels_last if channels_last else (
        torch.contiguous_format)  # fmt: skip
    mnist, layer, small, large, labels = arrays()

    def tensor(a: np.ndarray, axes: tuple[int, ...]) -> Any:
        return torch.tensor(a.transpose(axes)).contiguous(memory_format=layout)

    def weights(listed: list[np.ndarray]) -> list[Any]:
        return [(tensor(a, (3, 2, 0, 1)) if a.ndim == 4 else torch.tensor(a)).requires_grad_()
                for a in listed]  # fmt: skip

    v, w, y = weights(mnist), weights(layer), torch.tensor(labels)
    x, image = tensor(small, (0, 3, 1, 2)), tensor(large, (0, 3, 1, 2))

    def mnist_step() -> float:
        h = f.max_pool2d(f.relu(f.conv2d(x, v[0], v[1])), 2)
        h = f.max_pool2d(f.relu(f.conv2d(h, v[2], v[3])), 2)
        loss = f.cross_entropy(h.permute(0, 2, 3, 1).reshape(BATCH, 800) @ v[4] + v[5], y)
        torch.autograd.grad(loss, v)
        return float(loss.detach())

    def layer_step() -> float:
        loss = f.relu(f.conv2d(image, w[0], w[1], padding=1)).mean()
        torch.autograd.grad(loss, w)
        return float(loss.detach())

    return {"mnist cnn": mnist_step, "conv 3x3": layer_step}


CONTESTANTS: dict[str, tuple[Callable[[], dict[str, Step]], str | None]] = {
    "graphc graph": (partial(tensorflow_style, "graphc"), None),
    "tensorflow graph": (partial(tensorflow_style, "tensorflow"), "tensorflow"),
    "torch": (partial(torch, False), "torch"),
    "torch, channels last": (partial(torch, True), "torch"),
}


def measure(name: str) -> dict[str, dict[str, float]]:
    """Loss, seconds of the first step, and the median of the others."""
    found = {}
    for workload, step in CONTESTANTS[name][0]().items():
        times = []
        for _ in range(STEPS + 1):
            start = time.perf_counter()
            loss = step()
            times.append(time.perf_counter() - start)
        found[workload] = {"loss": loss, "first": times[0], "seconds": median(times[1:])}
    return found


def convnet(quick: bool) -> list[Figure]:
    """Let all contestants take turns, each time in a new process."""
    rounds: dict[str, list[dict[str, dict[str, float]]]] = {}
    figures = []
    for _ in range(1 if quick else 3):
        for name, (_, module) in CONTESTANTS.items():
            if module is None or importlib.util.find_spec(module):
                rounds.setdefault(name, []).append(_process(name))
    ours = rounds["graphc graph"]
    for workload in ours[0]:
        base = min(r[workload]["seconds"] for r in ours)
        for name in CONTESTANTS:
            title = f"{workload}: {name}"
            if name not in rounds:
                figures.append(Figure(title, None, note="not installed"))
                continue
            best = min(rounds[name], key=lambda r: r[workload]["seconds"])[workload]
            off = abs(best["loss"] - ours[0][workload]["loss"])
            note = f"first {best['first']:.2f} s" if off < 1e-4 else f"wrong loss: off by {off:.2g}"
            figures.append(Figure(title, best["seconds"], "graphc graph", base, note))
    return figures


def _process(name: str) -> dict[str, dict[str, float]]:
    answer = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.convnet", name], check=True, text=True,
        capture_output=True, env={**os.environ, **ONE_THREAD, **QUIET},
    )  # fmt: skip
    return json.loads(answer.stdout.splitlines()[-1])


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1])))
