"""Sequences of numbers for models (Keras 2: ``keras.preprocessing.sequence``)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.keras.utils import Sequence as Batches
from graphc.keras.utils import pad_sequences

__all__ = ["TimeseriesGenerator", "make_sampling_table", "pad_sequences", "skipgrams"]


def make_sampling_table(size: int, sampling_factor: float = 1e-5) -> np.ndarray:
    """How likely a word of each rank is kept: frequent words seldom (Mikolov et al. 2013).

    Frequencies are those of Zipf's law.
    """
    rank = np.arange(size)
    rank[0] = 1
    gamma = 0.577  # Euler's constant
    inverse = rank * (np.log(rank) + gamma) + 0.5 - 1.0 / (12.0 * rank)
    wanted = sampling_factor * inverse
    return np.minimum(1.0, wanted / np.sqrt(wanted))


def skipgrams(
    sequence: Sequence[int], vocabulary_size: int, window_size: int = 4,
    negative_samples: float = 1.0, shuffle: bool = True, categorical: bool = False,
    sampling_table: Sequence[float] | None = None, seed: int | None = None,
) -> tuple[list[list[int]], list[Any]]:  # fmt: skip
    """Pairs of words that are near each other (label 1), and random ones (label 0).

    Word 0 counts as no word. ``categorical`` gives labels ``[0, 1]`` and ``[1, 0]``.
    """
    pairs: list[list[int]] = []
    for at, word in enumerate(sequence):
        if not word or (sampling_table is not None and sampling_table[word] < random.random()):
            continue
        start = max(0, at - window_size)
        near = enumerate(sequence[start : at + window_size + 1], start)
        pairs += [[word, other] for i, other in near if i != at and other]
    labels: list[Any] = [[0, 1] if categorical else 1] * len(pairs)
    if negative_samples > 0:
        count = int(len(labels) * negative_samples)
        words = [pair[0] for pair in pairs]
        random.shuffle(words)
        pairs += [
            [words[i % len(words)], random.randint(1, vocabulary_size - 1)] for i in range(count)
        ]
        labels += [[1, 0] if categorical else 0] * count
    if shuffle:
        seed = random.randint(0, int(10e6)) if seed is None else seed
        for each in (pairs, labels):  # the same order for both
            random.seed(seed)
            random.shuffle(each)
    return pairs, labels


class TimeseriesGenerator(Batches):
    """Batches of windows over rows of data, each with the target at its end.

    A window has ``length`` rows, of which every ``sampling_rate``-th is taken; windows start every
    ``stride`` rows, between ``start_index`` and ``end_index``.
    """

    def __init__(
        self, data: Any, targets: Any, length: int, sampling_rate: int = 1, stride: int = 1,
        start_index: int = 0, end_index: int | None = None, shuffle: bool = False,
        reverse: bool = False, batch_size: int = 128,
    ) -> None:  # fmt: skip
        if len(data) != len(targets):
            raise ValueError(
                f"Data and targets have to be of same length. Data length is {len(data)} while"
                f" target length is {len(targets)}"
            )
        self.data, self.targets = np.asarray(data), np.asarray(targets)
        self.length, self.sampling_rate, self.stride = length, sampling_rate, stride
        self.start_index = start_index + length
        self.end_index = len(data) - 1 if end_index is None else end_index
        self.shuffle, self.reverse, self.batch_size = shuffle, reverse, batch_size
        if self.start_index > self.end_index:
            raise ValueError(
                f"`start_index+length={self.start_index} > end_index={self.end_index}` is"
                " disallowed, as no part of the sequence would be left to be used as current step."
            )

    def __len__(self) -> int:
        steps = self.end_index - self.start_index + self.batch_size * self.stride
        return steps // (self.batch_size * self.stride)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        if self.shuffle:
            ends = np.random.randint(self.start_index, self.end_index + 1, size=self.batch_size)
        else:
            first = self.start_index + self.batch_size * self.stride * index
            last = min(first + self.batch_size * self.stride, self.end_index + 1)
            ends = np.arange(first, last, self.stride)
        windows = ends[:, None] + np.arange(-self.length, 0, self.sampling_rate)
        samples = self.data[windows]
        return (samples[:, ::-1] if self.reverse else samples), self.targets[ends]
