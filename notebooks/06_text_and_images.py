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
# # Text and images
#
# Two classifiers that begin with raw data: sentences as strings, and pictures that are turned and
# moved while they are read. Both use data that every installation has: the documentation of numpy
# and scipy, and the handwritten digits.

# %%
import inspect
import re

import matplotlib.pyplot as plt
import numpy as np

import graphc as tf
from graphc import keras
from graphc.keras import layers

tf.random.set_seed(7)
random = np.random.default_rng(7)

# %% [markdown]
# ## Text: which library does a sentence come from?
#
# The sentences of the docstrings of four packages.

# %%
import numpy.fft
import numpy.linalg
import scipy.signal
import scipy.stats

PACKAGES = {"numpy.linalg": numpy.linalg, "numpy.fft": numpy.fft, "scipy.signal": scipy.signal,
            "scipy.stats": scipy.stats}  # fmt: skip


def sentences(package):
    found = []
    for name in sorted(dir(package)):
        item = getattr(package, name)
        doc = inspect.getdoc(item) or "" if callable(item) else ""
        prose = re.sub(r"\s+", " ", re.sub(r">>>.*|[=~-]{3,}|[\[\]{}|*`_]", " ", doc))
        found += [s for s in re.split(r"(?<=[.:]) ", prose) if 40 < len(s) < 200]
    return sorted(set(found))


texts, labels = [], []
for number, package in enumerate(PACKAGES.values()):
    own = sentences(package)
    own = [own[i] for i in random.permutation(len(own))[:400]]
    texts += own
    labels += [number] * len(own)
order = random.permutation(len(texts))
texts, labels = np.array(texts, object)[order], np.array(labels)[order]
cut = int(0.8 * len(texts))
print(len(texts), "sentences;", dict(zip(PACKAGES, np.bincount(labels).tolist(), strict=True)))
texts[0], list(PACKAGES)[labels[0]]

# %% [markdown]
# `TextVectorization` learns a vocabulary and turns strings into rows of numbers; 0 fills up.

# %%
vectorize = layers.TextVectorization(max_tokens=2000, output_sequence_length=30)
vectorize.adapt(texts[:cut])
print(vectorize.get_vocabulary()[:12])
vectorize(texts[:2])

# %% [markdown]
# Word vectors, a convolution over neighbouring words, and the largest answer of each filter.

# %%
words = vectorize(texts).numpy()
model = keras.Sequential(
    [
        layers.Embedding(2000, 32, input_length=30),
        layers.Dropout(0.3),
        layers.Conv1D(64, 3, activation="relu"),
        layers.GlobalMaxPooling1D(),
        layers.Dropout(0.3),
        layers.Dense(4),
    ]
)
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(keras.optimizers.Adam(0.003), loss, metrics=["accuracy"])
history = model.fit(
    words[:cut], labels[:cut], epochs=4, validation_data=(words[cut:], labels[cut:]), verbose=2
)

# %% [markdown]
# The same with a recurrent layer: its loop over the words is part of the compiled step.

# %%
recurrent = keras.Sequential(
    [
        layers.Embedding(2000, 32, mask_zero=True),
        layers.Bidirectional(layers.GRU(24)),
        layers.Dropout(0.3),
        layers.Dense(4),
    ]
)
recurrent.compile(keras.optimizers.Adam(0.003), loss, metrics=["accuracy"])
recurrent.fit(
    words[:cut], labels[:cut], epochs=4, validation_data=(words[cut:], labels[cut:]), verbose=2
)
guess = np.argmax(recurrent.predict(words[cut : cut + 5], verbose=0), axis=1)
for text, number in zip(texts[cut : cut + 5], guess, strict=True):
    print(f"{list(PACKAGES)[number]:13} {text[:80]}")

# %% [markdown]
# ## Images: digits that are turned and moved
#
# The augmentation is a part of the model; it does nothing when it predicts.

# %%
(x_train, y_train), (x_test, y_test) = keras.datasets.digits.load_data()
x_train, x_test = (x[..., None].astype("float32") / 16 for x in (x_train, x_test))
augment = keras.Sequential(
    [
        layers.RandomTranslation(0.1, 0.1, fill_mode="constant"),
        layers.RandomRotation(0.04, fill_mode="constant"),
    ]
)
figure, axes = plt.subplots(2, 8, figsize=(8, 2.2))
for column in range(8):
    for row, picture in enumerate((x_train[column], augment(x_train[:8], training=True)[column])):
        axes[row, column].imshow(np.asarray(picture)[..., 0], cmap="gray_r")
        axes[row, column].axis("off")
plt.show()

# %%
cnn = keras.Sequential(
    [
        keras.Input((8, 8, 1)),
        augment,
        layers.Conv2D(16, 3, padding="same"),
        layers.BatchNormalization(momentum=0.9),
        layers.ReLU(),
        layers.MaxPool2D(),
        layers.SeparableConv2D(32, 3, padding="same", activation="relu"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(10, activation="softmax"),
    ]
)
cnn.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
rate = keras.callbacks.ReduceLROnPlateau(patience=3)
history = cnn.fit(
    x_train, y_train, epochs=20, batch_size=32, validation_data=(x_test, y_test),
    callbacks=[rate], verbose=0,
)  # fmt: skip
print({name: round(values[-1], 3) for name, values in history.history.items()})

# %% [markdown]
# What it gets wrong:

# %%
guess = np.argmax(cnn.predict(x_test, verbose=0), axis=1)
wrong = np.flatnonzero(guess != y_test)[:8]
figure, axes = plt.subplots(1, 8, figsize=(8, 1.4))
for axis in axes:
    axis.axis("off")
for axis, number in zip(axes, wrong, strict=False):
    axis.imshow(x_test[number, ..., 0], cmap="gray_r")
    axis.set_title(f"{y_test[number]}, not {guess[number]}", fontsize=8)
plt.show()

# %% [markdown]
# Keras 2's generator does the same on the way from an array to batches:

# %%
generator = keras.preprocessing.image.ImageDataGenerator(rotation_range=15, width_shift_range=0.1)
batches = generator.flow(x_train, y_train, batch_size=32, seed=1)
cnn.fit(batches, epochs=2, verbose=2)
