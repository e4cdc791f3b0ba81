"""What can be written: scalars, histograms, images, audio, text (TF: ``tf.summary``).

Each returns True if it was written, False without a writer or when `record_if` says so. Inside a
``@function`` the writer is the one of the trace, and writing happens on every call.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import graphc as tf
from graphc.formats.png import png
from graphc.summary import events
from graphc.summary.writer import default_writer, get_step, should_record_summaries
from graphc.trace.state import current

Make = Callable[[np.ndarray], Any]  # what is stored of the values


def scalar(name: str, data: Any, step: Any = None, description: str | None = None) -> Any:
    """One number, shown as a curve over steps; ``data`` is a real number or a 0-d tensor."""
    return _write(name, data, step, events.metadata("scalars", description), _scalar)


def histogram(
    name: str, data: Any, step: Any = None, buckets: int | None = None,
    description: str | None = None,
) -> Any:  # fmt: skip
    """The distribution of a tensor's elements, over ``buckets`` (30) intervals of one width."""
    make = partial(_histogram, count=30 if buckets is None else int(buckets))
    return _write(name, data, step, events.metadata("histograms", description), make)


def image(
    name: str, data: Any, step: Any = None, max_outputs: int | None = 3,
    description: str | None = None,
) -> Any:  # fmt: skip
    """Images [count, height, width, channels]; floats in [0, 1] or uint8, 1 to 4 channels; the
    first ``max_outputs`` are kept."""
    make = partial(_images, most=3 if max_outputs is None else int(max_outputs))
    return _write(name, data, step, events.metadata("images", description), make)


def audio(
    name: str, data: Any, sample_rate: Any, step: Any = None, max_outputs: int | None = 3,
    encoding: str | None = None, description: str | None = None,
) -> Any:  # fmt: skip
    """Clips [count, samples, channels] of floats in [-1, 1], stored as 16-bit WAV."""
    if encoding not in (None, "wav"):
        raise ValueError(f"Unknown encoding: {encoding!r}")
    most = 3 if max_outputs is None else int(max_outputs)
    make = partial(_clips, rate=int(sample_rate), most=most)
    return _write(name, data, step, events.metadata("audio", description), make)


def text(name: str, data: Any, step: Any = None, description: str | None = None) -> Any:
    """Strings, shown as Markdown; a matrix of them as a table."""
    return _write(name, data, step, events.metadata("text", description), _text)


def write(tag: str, tensor: Any, step: Any = None, metadata: Any = None, name: Any = None) -> Any:
    """Any tensor under any plugin: ``metadata`` is a serialized ``SummaryMetadata``, or has a
    ``SerializeToString`` method."""
    raw = metadata.SerializeToString() if hasattr(metadata, "SerializeToString") else metadata
    return _write(tag, tensor, step, raw or b"", lambda values: values)


def _write(name: str, data: Any, step: Any, metadata: bytes, make: Make) -> Any:
    """Write now, or on every call of the function that is being traced."""
    writer, condition = default_writer(), should_record_summaries()
    if not isinstance(name, str):
        raise TypeError(f"a summary's name is a string, got {name!r}")
    if writer is None:
        return False
    tag = current.scope + name
    step = get_step() if step is None else step
    if step is None:
        raise ValueError(
            "No step set. Please specify one either through the `step` argument or through"
            " tf.summary.experimental.set_step()"
        )

    def store(wanted: Any, at: Any, value: Any) -> np.ndarray:
        if bool(wanted):
            tensor = events.tensor_proto(make(np.asarray(value)))
            writer.add(events.of_summary(int(at), tag, tensor, metadata))
        return np.asarray(bool(wanted))

    if tf.executing_eagerly():
        read = [v.numpy() if hasattr(v, "numpy") else v for v in (condition, step, data)]
        return bool(store(*read))
    given = tf.cast(condition, tf.bool), tf.cast(step, tf.int64), tf.convert_to_tensor(data)
    return tf.numpy_function(store, list(given), tf.TensorSpec([], tf.bool))


# --- what is stored -------------------------------------------------------------------------------


def _scalar(values: np.ndarray) -> np.ndarray:
    if values.ndim:
        raise ValueError(f"Expected scalar shape, saw shape: {values.shape}.")
    return values.astype(np.float32)


def _histogram(values: np.ndarray, count: int) -> np.ndarray:
    """Rows of left edge, right edge, number of elements; no rows for no elements."""
    flat = values.astype(np.float64).ravel()
    if count < 1 or not flat.size:
        return np.zeros((0, 3))
    low, high = flat.min(), flat.max()
    if low == high:  # all alike: TensorFlow gives buckets that are empty but for the last
        rows = np.tile([low - 0.5, high + 0.5, 0.0], (count, 1))
        rows[-1, 2] = flat.size
        return rows
    counts, edges = np.histogram(flat, count, (low, high))
    return np.stack([edges[:-1], edges[1:], counts.astype(np.float64)], axis=1)


def _images(values: np.ndarray, most: int) -> list[bytes]:
    if values.ndim != 4 or not 1 <= values.shape[-1] <= 4:
        raise ValueError(
            "images are [count, height, width, channels] with 1 to 4 channels, got shape"
            f" {values.shape}"
        )
    if values.dtype.kind == "f":
        values = np.clip(np.nan_to_num(values) * 255.5, 0, 255)  # as tf.image.convert_image_dtype
    images = values[:most].astype(np.uint8)
    size = [str(values.shape[2]).encode(), str(values.shape[1]).encode()]
    return [*size, *map(png, images)]


def _clips(values: np.ndarray, rate: int, most: int) -> list[list[bytes]]:
    if values.ndim != 3:
        raise ValueError(f"audio is [count, samples, channels], got shape {values.shape}")
    return [[_wav(clip, rate), b""] for clip in values[:most]]


def _wav(clip: np.ndarray, rate: int) -> bytes:
    """A WAV file of 16-bit samples."""
    channels = clip.shape[1]
    samples = (np.clip(clip, -1, 1) * 32767).astype("<i2").tobytes()
    kind = struct.pack("<HHIIHH", 1, channels, rate, rate * channels * 2, channels * 2, 16)
    body = b"WAVEfmt " + struct.pack("<I", len(kind)) + kind
    body += b"data" + struct.pack("<I", len(samples)) + samples
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _text(values: np.ndarray) -> Any:
    strings = np.asarray(values, object)
    flat = [s.encode() if isinstance(s, str) else bytes(s) for s in strings.ravel().tolist()]
    made = np.empty(len(flat), object)
    made[:] = flat
    return made.reshape(strings.shape)
