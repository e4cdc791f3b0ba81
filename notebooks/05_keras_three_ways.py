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
# # Keras: three ways to build a model, three ways to train it
#
# A model can be a list of layers, a graph of calls, or a class. It can be trained by `fit`, batch
# by batch, or by a loop of your own. All nine combinations run the same compiled step.

# %%
import time

import matplotlib.pyplot as plt
import numpy as np

import graphc as tf
from graphc import keras
from graphc.keras import layers

tf.random.set_seed(1)
(x_train, y_train), (x_test, y_test) = keras.datasets.digits.load_data()
x_train, x_test = (x[..., None].astype("float32") / 16 for x in (x_train, x_test))
x_train.shape, y_train.shape

# %% [markdown]
# ## Three ways to build
#
# **A list of layers.** The first one knows the shape of a sample; the batch is left open.

# %%
sequential = keras.Sequential(
    [
        layers.Conv2D(8, 3, activation="relu", input_shape=(8, 8, 1)),
        layers.MaxPool2D(),
        layers.Flatten(),
        layers.Dropout(0.2),
        layers.Dense(10),
    ]
)
sequential.summary()

# %% [markdown]
# **A graph of calls.** Layers are called on symbolic inputs; there may be several of them,
# branches, and shared layers. Here a small residual network.

# %%
inputs = keras.Input((8, 8, 1), name="digit")
x = layers.Conv2D(8, 3, padding="same", activation="relu")(inputs)
for _ in range(2):
    y = layers.Conv2D(8, 3, padding="same")(x)
    y = layers.BatchNormalization(momentum=0.9)(y)
    x = layers.ReLU()(layers.add([x, y]))
outputs = layers.Dense(10)(layers.GlobalAveragePooling2D()(x))
functional = keras.Model(inputs, outputs, name="residual")
print(len(functional.layers), "layers,", functional.count_params(), "parameters")

# %% [markdown]
# **A class.** `call` is ordinary Python: `if`, `for` and `while` on tensors are staged.


# %%
class Classifier(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden = [layers.Dense(32, activation="relu") for _ in range(2)]
        self.flat, self.out = layers.Flatten(), layers.Dense(10)

    def call(self, inputs, training=None):
        x = self.flat(inputs)
        for layer in self.hidden:
            x = layer(x)
        return self.out(x)


subclassed = Classifier()

# %% [markdown]
# ## Three ways to train
#
# **`fit`** with its callbacks. The last batch of an epoch is smaller; it compiles nothing new.

# %%
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
sequential.compile(keras.optimizers.Adam(0.003), loss, metrics=["accuracy"])
stop = keras.callbacks.EarlyStopping(patience=3, restore_best_weights=True)
history = sequential.fit(
    x_train, y_train, epochs=15, batch_size=64, validation_split=0.1, callbacks=[stop], verbose=2
)
sequential.evaluate(x_test, y_test, verbose=0)

# %%
plt.figure(figsize=(6, 3))
plt.plot(history.history["loss"], label="loss")
plt.plot(history.history["val_loss"], label="val_loss")
plt.xlabel("epoch")
plt.legend()
plt.show()

# %% [markdown]
# **Batch by batch**: `train_on_batch` runs one step, and the loop is yours.

# %%
functional.compile(keras.optimizers.Adam(0.005), loss, metrics=["accuracy"])
batches = tf.data.Dataset.from_tensor_slices((x_train, y_train)).shuffle(2000, seed=1).batch(64)
for _ in range(12):
    functional.reset_metrics()
    for x, y in batches:
        logs = functional.train_on_batch(x, y, reset_metrics=False, return_dict=True)
print({name: round(float(value), 3) for name, value in logs.items()})
functional.evaluate(x_test, y_test, verbose=0)

# %% [markdown]
# **A loop of your own**: a tape, an optimizer, and `@tf.function` for the whole epoch, loop
# included.

# %%
optimizer = keras.optimizers.Adam(0.003)
mean, accuracy = keras.metrics.Mean(), keras.metrics.SparseCategoricalAccuracy()


@tf.function
def epoch_of(model, data):
    for x, y in data:
        with tf.GradientTape() as tape:
            logits = model(x, training=True)
            value = loss(y, logits)
        gradients = tape.gradient(value, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        mean.update_state(value)
        accuracy.update_state(y, logits)
    return mean.result(), accuracy.result()


subclassed(x_train[:1])
optimizer.build(subclassed.trainable_variables)
for epoch in range(1, 21):
    mean.reset_state()
    accuracy.reset_state()
    value, share = epoch_of(subclassed, batches)
    if epoch % 5 == 0:
        print(f"epoch {epoch}: loss {float(value):.3f}, accuracy {float(share):.3f}")

# %% [markdown]
# ## What a step costs
#
# One epoch is 23 steps of 64 images. `fit` adds little to the step itself.

# %%
start = time.perf_counter()
sequential.fit(x_train, y_train, epochs=10, batch_size=64, verbose=0)
steps = 10 * -(-len(x_train) // 64)
print(f"{(time.perf_counter() - start) / steps * 1e6:.0f} us a step of fit (convolution included)")

# %% [markdown]
# And what it runs can be looked at, as any function: here the share of each of the layers' lines.

# %%
found = keras.Sequential([layers.Dense(30, activation="relu"), layers.Dense(10)])
forward = tf.function(lambda x: found(layers.Flatten()(x)))
forward.profile(tf.constant(x_train[:64]))

# %% [markdown]
# ## Saving
#
# Weights, optimizer and configuration in one file, or as JSON and HDF5.

# %%
import tempfile
from pathlib import Path

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "digits.keras"
    sequential.save(path)
    again = keras.models.load_model(path)
    same = np.allclose(again.predict(x_test, verbose=0), sequential.predict(x_test, verbose=0))
    print(f"{path.stat().st_size / 1e3:.0f} kB, the same predictions: {same}")
