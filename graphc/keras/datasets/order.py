"""Shuffling and splitting as Keras does it, so that its published results can be repeated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphc.keras.datasets.files import Split


def split(x: np.ndarray, y: np.ndarray, test_split: float, seed: int) -> Split:
    """Shuffle by a seed, then cut off the last part for tests."""
    if not 0 <= test_split < 1:
        raise ValueError(f"test_split must be in [0, 1), got {test_split}")
    x, y = shuffled(x, y, np.random.RandomState(seed))
    cut = int(len(x) * (1 - test_split))
    return (x[:cut], y[:cut]), (x[cut:], y[cut:])


def shuffled(x: np.ndarray, y: np.ndarray, random: np.random.RandomState) -> tuple[Any, Any]:
    """Both in one new order."""
    order = random.permutation(len(x))
    return x[order], y[order]


@dataclass(frozen=True)
class Words:
    """How texts of word numbers, frequent words first, are prepared.

    Numbers are moved on by ``index_from``; each text begins with ``start_char``; words from
    ``num_words`` on and the ``skip_top`` first ones become ``oov_char``, or go if it is None; texts
    longer than ``maxlen`` are left out. Without ``num_words`` the last word counts as too rare, as
    in Keras.
    """

    num_words: int | None
    skip_top: int
    maxlen: int | None
    start_char: int | None
    oov_char: int | None
    index_from: int

    def moved(self, texts: Any, labels: np.ndarray) -> tuple[list[list[int]], np.ndarray]:
        """Texts with their first number, and the labels of those that are short enough."""
        first = [] if self.start_char is None else [self.start_char]
        rows = [[*first, *(word + self.index_from for word in text)] for text in texts]
        if not self.maxlen:
            return rows, labels
        kept = [i for i, row in enumerate(rows) if len(row) < self.maxlen]
        if not kept:
            raise ValueError(
                f"After filtering for sequences shorter than maxlen={self.maxlen}, no sequence was"
                " kept. Increase maxlen."
            )
        return [rows[i] for i in kept], labels[kept]

    def limited(self, rows: Sequence[list[int]], limit: int) -> np.ndarray:
        """Texts without the words that are too rare or too frequent, as an array of lists."""
        made = np.empty(len(rows), object)
        for i, row in enumerate(rows):
            if self.oov_char is None:
                made[i] = [w for w in row if self.skip_top <= w < limit]
            else:
                made[i] = [w if self.skip_top <= w < limit else self.oov_char for w in row]
        return made

    def limit(self, rows: Sequence[list[int]]) -> int:
        """The first number that is too rare."""
        return self.num_words or max(map(max, rows))
