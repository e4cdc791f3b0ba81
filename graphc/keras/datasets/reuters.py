"""Reuters: 11,228 news of 1986 in 46 topics, as word numbers (D. Lewis, Reuters-21578)."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.keras.datasets.files import Split, arrays, fetch, word_index
from graphc.keras.datasets.order import Words, shuffled

SHA256 = "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916"
WORDS_MD5 = "4d44cc38712099c9e383dc6e5f11a921"


def load_data(
    path: Any = "reuters.npz", num_words: int | None = None, skip_top: int = 0,
    maxlen: int | None = None, test_split: float = 0.2, seed: int = 113,
    start_char: int | None = 1, oov_char: int | None = 2, index_from: int = 3,
) -> Split:  # fmt: skip
    """``(x_train, y_train), (x_test, y_test)``: lists of word numbers, i64 topics; see `Words`."""
    words = Words(num_words, skip_top, maxlen, start_char, oov_char, index_from)
    x, y = arrays(fetch(path, SHA256, "reuters.npz"), "x y")
    rows, y = words.moved(*shuffled(x, y, np.random.RandomState(seed)))
    found = words.limited(rows, words.limit(rows))
    cut = int(len(found) * (1 - test_split))
    return (found[:cut], y[:cut]), (found[cut:], y[cut:])


def get_word_index(path: Any = "reuters_word_index.json") -> dict[str, int]:
    """The number of each word, before it is moved on by ``index_from``."""
    return word_index(path, WORDS_MD5)


def get_label_names() -> tuple[str, ...]:
    """The topics, by number."""
    return TOPICS


TOPICS = (
    "cocoa", "grain", "veg-oil", "earn", "acq", "wheat", "copper", "housing", "money-supply",
    "coffee", "sugar", "trade", "reserves", "ship", "cotton", "carcass", "crude", "nat-gas", "cpi",
    "money-fx", "interest", "gnp", "meal-feed", "alum", "oilseed", "gold", "tin",
    "strategic-metal", "livestock", "retail", "ipi", "iron-steel", "rubber", "heat", "jobs", "lei",
    "bop", "zinc", "orange", "pet-chem", "dlr", "gas", "silver", "wpi", "hog", "lead",
)  # fmt: skip
