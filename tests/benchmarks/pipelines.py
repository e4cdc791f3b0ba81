"""Rows a second of dataset pipelines, of graphc and TensorFlow in turn.

``python -m tests.benchmarks.pipelines [PYTHON]``, where PYTHON has TensorFlow (default: this one).
Each contestant has a process of its own; they take turns, and the best pass of each counts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from typing import Any

ROWS, ROUNDS, PASSES = 60_000, 3, 3


def pipelines(tf: Any, folder: str) -> dict[str, Any]:
    import numpy as np

    rng = np.random.default_rng(0)
    x, y = rng.random((ROWS, 20), np.float32), rng.integers(0, 10, ROWS)
    dataset, auto = tf.data.Dataset, tf.data.AUTOTUNE
    rows = dataset.from_tensor_slices((x, y))

    def scaled(x: Any, y: Any) -> Any:
        return x * 2.0 + 1.0, y

    csv = tf.data.experimental.CsvDataset(f"{folder}/x.csv", [tf.float32] * 10)
    feature = {"x": tf.io.FixedLenFeature([20], tf.float32)}
    records = tf.data.TFRecordDataset(f"{folder}/x.rec").batch(64)
    return {
        "shuffle, batch, map, prefetch": rows.shuffle(ROWS).batch(64).map(scaled).prefetch(auto),
        "shuffle, map, batch, prefetch": rows.shuffle(ROWS)
        .map(scaled, num_parallel_calls=auto).batch(64).prefetch(auto),
        "shuffle of 1,000, batch": rows.shuffle(1000).batch(64),
        "map of a mean, batch": rows.map(lambda x, y: x - tf.reduce_mean(x)).batch(64),
        "filter, batch": rows.filter(lambda x, y: y < 5).batch(64),
        "window, flat_map": dataset.range(3000).window(10, 5).flat_map(lambda w: w.batch(10)),
        "CSV file, batch": csv.batch(64),
        "TFRecord file, batch, parse": records.map(lambda s: tf.io.parse_example(s, feature)),
    }  # fmt: skip


COUNTS = {"window, flat_map": 3000, "CSV file, batch": 20_000, "TFRecord file, batch, parse": 5000}


def write_files(tf: Any, folder: str) -> None:
    import numpy as np

    rng = np.random.default_rng(0)
    with open(f"{folder}/x.csv", "w") as file:
        for row in rng.random((COUNTS["CSV file, batch"], 10)):
            file.write(",".join(f"{v:.4f}" for v in row) + "\n")
    with tf.io.TFRecordWriter(f"{folder}/x.rec") as writer:
        for row in rng.random((COUNTS["TFRecord file, batch, parse"], 20)):
            values = tf.train.Feature(float_list=tf.train.FloatList(value=row))
            features = tf.train.Features(feature={"x": values})
            writer.write(tf.train.Example(features=features).SerializeToString())


def measure(name: str, folder: str) -> None:
    """Print rows a second, the best of some passes, as JSON."""
    if name == "graphc":
        import graphc as tf
    else:
        import tensorflow as tf
    if not os.path.exists(f"{folder}/x.rec"):
        write_files(tf, folder)
    found = {}
    for label, made in pipelines(tf, folder).items():
        best = float("inf")
        for _ in range(PASSES):
            start = time.perf_counter()
            for _ in made:
                pass
            best = min(best, time.perf_counter() - start)
        found[label] = COUNTS.get(label, ROWS) / best
    print(json.dumps(found))


def main(peer: str) -> None:
    results: dict[str, list[dict[str, float]]] = {"graphc": [], "TensorFlow": []}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(ROUNDS):
            for name, python in (("graphc", sys.executable), ("TensorFlow", peer)):
                command = [python, "-m", "tests.benchmarks.pipelines", "--measure", name, folder]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                results[name].append(json.loads(done.stdout.splitlines()[-1]))
    print("| pipeline | graphc, rows/s | TensorFlow, rows/s | ratio |\n|---|---|---|---|")
    for label in results["graphc"][0]:
        ours, theirs = (max(r[label] for r in results[n]) for n in results)
        print(f"| {label} | {ours:,.0f} | {theirs:,.0f} | {ours / theirs:.1f} |")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(*sys.argv[2:])
    else:
        main(sys.argv[1] if len(sys.argv) > 1 else sys.executable)
