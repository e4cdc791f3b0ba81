"""IMDB: 50,000 film reviews, good or bad, as word numbers (Maas et al., ACL 2011)."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.keras.datasets.files import Split, arrays, fetch, word_index
from graphc.keras.datasets.order import Words, shuffled

SHA256 = "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"
WORDS_MD5 = "bfafd718b763782e994055a2d397834f"


def load_data(
    path: Any = "imdb.npz", num_words: int | None = None, skip_top: int = 0,
    maxlen: int | None = None, seed: int = 113, start_char: int | None = 1,
    oov_char: int | None = 2, index_from: int = 3,
) -> Split:  # fmt: skip
    """``(x_train, y_train), (x_test, y_test)``: 25,000 lists of word numbers each, i64 labels.

    Number 0 is for padding; see `Words` for the rest.
    """
    words = Words(num_words, skip_top, maxlen, start_char, oov_char, index_from)
    x_train, y_train, x_test, y_test = arrays(
        fetch(path, SHA256, "imdb.npz"), "x_train y_train x_test y_test"
    )
    random = np.random.RandomState(seed)
    train = words.moved(*shuffled(x_train, y_train, random))
    test = words.moved(*shuffled(x_test, y_test, random))
    limit = words.limit([*train[0], *test[0]])
    return (words.limited(train[0], limit), train[1]), (words.limited(test[0], limit), test[1])


def get_word_index(path: Any = "imdb_word_index.json") -> dict[str, int]:
    """The number of each word, before it is moved on by ``index_from``."""
    return word_index(path, WORDS_MD5)
