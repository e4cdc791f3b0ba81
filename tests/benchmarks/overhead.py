"""What graphc costs beside the arithmetic: eager ops, tape, calls, tracing and passes.

`python -m tests.benchmarks.overhead` prints the figures as JSON; it is run as a process of its own.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from statistics import median

import numpy as np

from tests.benchmarks.figures import Figure, interleaved


def eager_op() -> list[Figure]:
    """Compare small eager ops with the numpy calls that do their work."""
    import graphc as tf

    a, b = (np.linspace(-1, 1, 640, dtype=np.float32).reshape(64, 10) for _ in range(2))
    s, t = tf.constant(a), tf.constant(b)
    pairs: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "add": (lambda: s + t, lambda: a + b),
        "matmul": (lambda: tf.matmul(s, t, transpose_b=True), lambda: a @ b.T),
        "reduce_sum": (lambda: tf.reduce_sum(s, axis=1), lambda: a.sum(axis=1)),
    }
    figures = []
    for name, (ours, numpy) in pairs.items():
        times = interleaved({"ours": ours, "numpy": numpy}, repeat=1000)
        figures.append(Figure(f"eager {name} f32[64, 10]", times["ours"], "numpy", times["numpy"]))
    return figures


def tape() -> list[Figure]:
    """Compare recorded ops and their gradient with the same ops unrecorded."""
    import graphc as tf

    x = tf.constant(np.linspace(-1, 1, 640, dtype=np.float32).reshape(64, 10))
    labels = tf.constant(np.arange(64) % 10)
    cross_entropy = tf.nn.sparse_softmax_cross_entropy_with_logits
    plain: dict[str, Callable[[], object]] = {
        "5 ops": lambda: tf.reduce_sum(tf.square(tf.tanh(x * 2.0 + 1.0))),
        "cross-entropy": lambda: tf.reduce_mean(cross_entropy(labels=labels, logits=x)),
    }

    def recorded(compute: Callable[[], object]) -> object:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = compute()
        return tape.gradient(y, x)

    figures = []
    for name, compute in plain.items():
        both = {"tape": lambda f=compute: recorded(f), "plain": compute}
        times = interleaved(both, repeat=300)
        title = f"tape: {name} and their gradient"
        figures.append(Figure(title, times["tape"], "the ops alone", times["plain"]))
    return figures


def call() -> list[Figure]:
    """Time a compiled function whose work is next to nothing."""
    import graphc as tf

    arrays = [np.full(4, float(index), np.float32) for index in range(5)]
    tensors = [tf.constant(array) for array in arrays]

    @tf.function
    def total(a, b, c, d, e):
        return a + b + c + d + e

    def numpy_total(a, b, c, d, e):
        return a + b + c + d + e

    times = interleaved(
        {"ours": lambda: total(*tensors), "numpy": lambda: numpy_total(*arrays)}, repeat=2000
    )
    name = "call of a function of five f32[4]"
    return [Figure(name, times["ours"], "numpy, 4 adds", times["numpy"], "budget 15 us")]


def forms_of_calls() -> list[Figure]:
    """Time ways to call functions whose work is next to nothing."""
    import graphc as tf

    a, b = (np.full(4, value, np.float32) for value in (2.0, 3.0))
    s, t = tf.constant(a), tf.constant(b)
    nested = {"a": [s, t, (s, t)], "b": {"c": s, "d": (t, s, t)}, "e": [s] * 8, "f": (s, t, [s, t])}

    class Model:
        def __init__(self) -> None:
            self.weight = tf.Variable(b)

        @tf.function
        def call(self, x):
            return x * self.weight + 1.0

    model = Model()
    two = tf.function(lambda x, y: x * y + 1.0)
    leaves = tf.function(lambda structure: tf.add_n(tf.nest.flatten(structure)))
    mapped = tf.function(lambda structure: tf.nest.map_structure(lambda x: x + 1.0, structure))
    forms: dict[str, tuple[Callable[[], object], str]] = {
        "two f32[4]": (lambda: two(s, t), "budget 5 us"),
        "two f32[4], one by name": (lambda: two(s, y=t), ""),
        "two numpy f32[4]": (lambda: two(a, b), ""),
        "a method with a Variable": (lambda: model.call(s), ""),
        "a nest of 20 f32[4]": (lambda: leaves(nested), "budget 15 us"),
        "a nest of 20 f32[4] in and out": (lambda: mapped(nested), ""),
    }
    calls = {name: call for name, (call, _) in forms.items()}
    times = interleaved({**calls, "numpy": lambda: a * b + 1.0}, repeat=1000)
    return [
        Figure(f"call with {name}", times[name], "numpy, a * b + 1", times["numpy"], note)
        for name, (_, note) in forms.items()
    ]


def stages() -> list[Figure]:
    """Time what happens before the first run of the digits step, with kernels in the disk cache."""
    import graphc as tf
    from tests.benchmarks.workloads import digits_mlp

    program = digits_mlp.tensorflow(tf, digits_mlp.make(tiny=False))
    batch = program.batches[0]
    seconds: dict[str, list[float]] = {"trace": [], "passes": [], "plan and load": []}
    for _ in range(6):
        function = tf.function(program.step)
        stage = _stopwatch()
        concrete = function.get_concrete_function(*batch)
        seconds["trace"].append(stage())
        assert concrete.function.optimized
        seconds["passes"].append(stage())
        assert concrete.function.executable
        seconds["plan and load"].append(stage())
    step = interleaved({"eager": lambda: program.step(*batch)}, repeat=20)["eager"]
    return [
        Figure(f"digits step: {name}", median(times), "one eager step", step)
        for name, times in seconds.items()
    ]


def _stopwatch() -> Callable[[], float]:
    """Return a function that gives the seconds since it was last asked."""
    last = time.perf_counter()

    def lap() -> float:
        nonlocal last
        before, last = last, time.perf_counter()
        return last - before

    return lap


if __name__ == "__main__":
    parts = (eager_op, tape, call, forms_of_calls, stages)
    print(json.dumps([figure.as_json() for part in parts for figure in part()]))
