"""Cases for preprocessing layers, run by `record_layers` under Keras and by the tests here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

TEXTS = np.array(["the cat sat.", "The dog! the cat", "a b c a b", ""], object)
WORDS = np.array([["cat", "dog"], ["cow", "cat"], ["dog", "cat"]], object)
NUMBERS = np.array([[1, 5], [9, 5], [5, 1]], np.int64)
FIGURES = np.random.RandomState(0).normal(3, 2, (40, 3)).round(3).astype(np.float32)
PICTURE = np.random.RandomState(1).uniform(0, 255, (2, 5, 4, 3)).round(1).astype(np.float32)


Cases = Iterator[tuple[str, Callable[[], Any]]]


def cases(layers: Any) -> Cases:
    """(name, what gives an array or a list) for each case."""
    for part in (figures, categories, words, texts_and_pictures):
        yield from part(layers)


def adapted(make: Callable[[], Any], data: Any, inputs: Any) -> Callable[[], Any]:
    """What a layer gives after it has seen data."""

    def run() -> Any:
        layer = make()
        layer.adapt(data)
        return layer(inputs)

    return run


def vocabulary(make: Callable[[], Any], data: Any) -> Callable[[], Any]:
    """What a layer learns from data."""

    def run() -> Any:
        layer = make()
        layer.adapt(data)
        return [str(token) for token in layer.get_vocabulary()]

    return run


def figures(layers: Any) -> Cases:
    yield "normalization", adapted(layers.Normalization, FIGURES, FIGURES[:4])
    yield (
        "normalization all",
        adapted(lambda: layers.Normalization(axis=None), FIGURES, FIGURES[:4]),
    )
    yield "normalization given", lambda: layers.Normalization(mean=3.0, variance=2.0)(FIGURES[:3])
    yield (
        "normalization inverted",
        lambda: layers.Normalization(mean=[1.0, 2.0, 3.0], variance=[1.0, 4.0, 9.0], invert=True)(
            FIGURES[:3]
        ),
    )
    yield "rescaling", lambda: layers.Rescaling(1 / 255, offset=-0.5)(PICTURE)
    bounds = [0.0, 2.5, 4.0]
    for mode in ("int", "one_hot", "multi_hot", "count"):
        yield (
            f"discretization {mode}",
            lambda mode=mode: layers.Discretization(bin_boundaries=bounds, output_mode=mode)(
                FIGURES[:4]
            ),
        )
    yield (
        "discretization adapted",
        adapted(lambda: layers.Discretization(num_bins=4), FIGURES, FIGURES[:8]),
    )


def categories(layers: Any) -> Cases:
    for mode in ("one_hot", "multi_hot", "count"):
        yield (
            f"category {mode}",
            lambda mode=mode: layers.CategoryEncoding(num_tokens=10, output_mode=mode)(NUMBERS),
        )
    yield (
        "category one column",
        lambda: layers.CategoryEncoding(4, output_mode="one_hot")(np.array([[3], [0]])),
    )
    yield (
        "category weights",
        lambda: layers.CategoryEncoding(10, output_mode="count")(
            NUMBERS, count_weights=np.array([[0.5, 1.0], [2.0, 1.0], [1.0, 3.0]], np.float32)
        ),
    )


def words(layers: Any) -> Cases:
    yield "hashing", lambda: layers.Hashing(num_bins=5)(WORDS)
    yield "hashing masked", lambda: layers.Hashing(num_bins=5, mask_value="cat")(WORDS)
    yield "hashing salt", lambda: layers.Hashing(num_bins=7, salt=133)(WORDS)
    yield "hashing numbers", lambda: layers.Hashing(num_bins=7)(NUMBERS)
    yield "words vocabulary", vocabulary(layers.StringLookup, WORDS)
    yield "words", adapted(layers.StringLookup, WORDS[:1], WORDS)
    for mode in ("one_hot", "multi_hot", "count", "tf_idf"):
        inputs = WORDS[:, :1] if mode == "one_hot" else WORDS
        yield (
            f"words {mode}",
            adapted(lambda mode=mode: layers.StringLookup(output_mode=mode), WORDS, inputs),
        )
    yield (
        "words masked",
        lambda: layers.StringLookup(vocabulary=["a", "b"], mask_token="")(
            np.array(["b", "", "z"], object)
        ),
    )
    yield (
        "words three unknown",
        lambda: layers.StringLookup(vocabulary=["a"], num_oov_indices=3)(
            np.array(["a", "x", "y", "z"], object)
        ),
    )
    yield "numbers vocabulary", vocabulary(layers.IntegerLookup, NUMBERS)
    yield "numbers", lambda: layers.IntegerLookup(vocabulary=[5, 9], num_oov_indices=2)(NUMBERS)
    yield (
        "numbers back",
        lambda: layers.IntegerLookup(vocabulary=[5, 9], invert=True)(np.array([0, 1, 2])),
    )


def texts_and_pictures(layers: Any) -> Cases:
    yield "text vocabulary", vocabulary(layers.TextVectorization, TEXTS)
    yield "text", adapted(layers.TextVectorization, TEXTS, TEXTS)
    yield (
        "text length",
        adapted(
            lambda: layers.TextVectorization(output_sequence_length=2, max_tokens=4), TEXTS, TEXTS
        ),
    )
    yield "text letters", adapted(lambda: layers.TextVectorization(split="character"), TEXTS, TEXTS)
    for mode in ("multi_hot", "count", "tf_idf"):
        yield (
            f"text {mode}",
            adapted(
                lambda mode=mode: layers.TextVectorization(output_mode=mode, ngrams=2), TEXTS, TEXTS
            ),
        )
    yield "resizing", lambda: layers.Resizing(3, 6)(PICTURE)
    yield "resizing cropped", lambda: layers.Resizing(4, 4, crop_to_aspect_ratio=True)(PICTURE)
    yield "crop", lambda: layers.CenterCrop(3, 2)(PICTURE)
    yield "not training", lambda: layers.RandomFlip()(PICTURE, training=False)


def plain(value: Any) -> Any:
    """An array as nested lists; texts as str."""
    if isinstance(value, list):
        return value
    array = np.asarray(value)
    if array.dtype == object:
        return [v.decode() for v in array.ravel().tolist()]
    return np.round(array.astype(np.float64), 5).tolist()
