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
# # Looking inside: graphs, values, time
#
# Everything graphc does with a function can be read from a notebook, without flags, servers or
# other programs. The example is a training step of a small network on handwritten digits.

# %%
import numpy as np
from IPython.display import HTML

import graphc as tf
from graphc.inspect.svg import to_svg
from graphc.keras.datasets import digits

(x_train, y_train), _ = digits.load_data()
x = tf.constant((x_train.reshape(len(x_train), -1)[:64] / 16).astype(np.float32))
y = tf.constant(y_train[:64].astype(np.int64))

random = np.random.default_rng(0)
w1 = tf.Variable(random.normal(0, 0.1, (64, 30)).astype(np.float32), name="w1")
b1 = tf.Variable(np.zeros(30, np.float32), name="b1")
w2 = tf.Variable(random.normal(0, 0.1, (30, 10)).astype(np.float32), name="w2")


@tf.function
def train_step(x, y, rate=0.1):
    with tf.GradientTape() as tape:
        hidden = tf.nn.relu(x @ w1 + b1)
        logits = hidden @ w2
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)
        loss = tf.reduce_mean(losses)
    for variable, gradient in zip([w1, b1, w2], tape.gradient(loss, [w1, b1, w2]), strict=True):
        variable.assign_sub(rate * gradient)
    return loss


train_step(x, y)

# %% [markdown]
# ## A function shows itself
#
# Its traces with their reasons, its source with the operations that each line made, its graph.

# %%
train_step

# %% [markdown]
# ## The report
#
# `explain` puts everything together, and ends with a verdict: does the graph pay for these
# arguments, and after how many calls?

# %%
report = train_step.explain(x, y)
print(report)

# %% [markdown]
# Its parts stand alone. The source, with the share of time of each line:

# %%
report.lines

# %% [markdown]
# What became of one line: nodes, steps of the plan, lines of kernels.

# %%
line = next(n.loc for n in report.graph.nodes if n.outputs[0].name == "hidden")
report.at(str(line))

# %% [markdown]
# What a pass did, and what all passes changed. Nothing is dumped that did not change.

# %%
report.diffs["cse"]

# %% [markdown]
# Why is it not better still? Why traced again, why Python, why numpy, why not fused:

# %%
train_step(x[:32], y[:32])
train_step(x, y, rate=0.2)
print(*train_step.explain(x, y).why[:4], sep="\n")

# %% [markdown]
# ## Pictures
#
# The optimised graph; each fused kernel has a tint of its own.

# %%
HTML(to_svg(report.optimized))

# %% [markdown]
# ## Values
#
# `probe` runs the graph in the reference interpreter and notes what every node holds. The first NaN
# is named with its operands and its line.


# %%
@tf.function
def entropy(p):
    logs = tf.math.log(p)
    return -tf.reduce_sum(p * logs, axis=-1)


entropy.probe(tf.constant([[0.5, 0.5, 0.0], [0.2, 0.3, 0.5]]))

# %% [markdown]
# ## Time
#
# `profile` stops the program between its steps. Lines and steps come with their rates; the circles
# of the roofline show what bounds each of them on this machine.

# %%
train_step.profile(x, y)

# %% [markdown]
# ## The text of a graph runs
#
# It can be printed, edited, sent to somebody, parsed and run. `report.save("bug.ir")` writes it
# with the values of the call, and `python -m graphc run bug.ir --passes "cse, fuse"` replays it
# without the program it came from; `report.repro("hidden", "kernel.py")` writes one kernel as a
# file.

# %%
text = str(entropy.graph(tf.TensorSpec([2, 3])))
print(text)
program = tf.parse(text)
program.run(np.full((2, 3), 1 / 3, np.float32))

# %%
import subprocess
import sys
import tempfile
from pathlib import Path

with tempfile.TemporaryDirectory() as folder:
    report.save(Path(folder) / "bug.ir")
    run = [sys.executable, "-m", "graphc", "run", "bug.ir", "--passes", "cse, dce, fuse"]
    print(subprocess.run(run, cwd=folder, capture_output=True, text=True).stdout[:60])
    kernel = report.repro("hidden", Path(folder) / "kernel.py").read_text()
print(kernel[kernel.index("# def kernel") :])

# %% [markdown]
# ## TensorBoard
#
# `tf.summary` writes real event files: scalars, histograms, images, text, and graphs with the times
# of their nodes. Start `tensorboard --logdir logs` to look at them.

# %%
with tempfile.TemporaryDirectory() as folder:
    with tf.summary.create_file_writer(folder).as_default():
        tf.summary.trace_on(graph=True, profiler=True)
        for number in range(3):
            tf.summary.scalar("loss", train_step(x, y), step=number)
        tf.summary.trace_export("train_step", step=0)
    files = [(path.name.split(".")[-1], path.stat().st_size) for path in Path(folder).iterdir()]
sorted(files)
