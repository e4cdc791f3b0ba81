"""TextVectorization: texts as numbers of words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np

import graphc as tf
from graphc.keras.layers.preprocessing.adapted import PreprocessingLayer, as_array
from graphc.keras.layers.preprocessing.encoding import check_mode
from graphc.keras.layers.preprocessing.lookup import MODES, StringLookup

PUNCTUATION = re.compile(r"[!\"#$%&()\*\+,-\./:;<=>?@\[\\\]^_`{|}~\']")
STANDARDS = ("lower_and_strip_punctuation", "lower", "strip_punctuation")
SPLITS = ("whitespace", "character")


class TextVectorization(PreprocessingLayer):
    """Texts [batch] or [batch, 1], as numbers of words [batch, length] or as a vector each.

    A text is standardized, split into words, put together to ``ngrams``, and looked up. In mode
    "int" rows are filled with 0, up to ``output_sequence_length`` or to the longest of the batch;
    1 is for words that are not known. ``standardize`` and ``split`` may be functions of string
    tensors.
    """

    def __init__(
        self, max_tokens: int | None = None, standardize: Any = "lower_and_strip_punctuation",
        split: Any = "whitespace", ngrams: Any = None, output_mode: str = "int",
        output_sequence_length: int | None = None, pad_to_max_tokens: bool = False,
        vocabulary: Any = None, idf_weights: Any = None, sparse: bool = False,
        ragged: bool = False, encoding: str = "utf-8", **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        for name, value, known in (
            ("standardize", standardize, STANDARDS), ("split", split, SPLITS),
        ):  # fmt: skip
            if not (value is None or callable(value) or value in known):
                raise ValueError(
                    f"Invalid value for argument `{name}` of layer TextVectorization. Expected one"
                    f" of {known}, a callable or None. Received: {name}={value!r}"
                )
        if output_sequence_length is not None and output_mode != "int":
            raise ValueError(
                "`output_sequence_length` must not be set if `output_mode` is not 'int'. Received"
                f" output_sequence_length={output_sequence_length}."
            )
        self.max_tokens, self.standardize, self.split = max_tokens, standardize, split
        self.ngrams = ngrams
        self.output_mode = check_mode("TextVectorization", output_mode, MODES)
        self.output_sequence_length, self.encoding = output_sequence_length, encoding
        self.pad_to_max_tokens, self.sparse, self.ragged = pad_to_max_tokens, sparse, ragged
        self.vocabulary, self.idf_weights = vocabulary, idf_weights
        self._lookup = StringLookup(
            max_tokens, mask_token="", vocabulary=vocabulary, idf_weights=idf_weights,
            output_mode=output_mode, pad_to_max_tokens=pad_to_max_tokens,
        )  # fmt: skip

    # --- the vocabulary ---

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[str]:
        return self._lookup.get_vocabulary(include_special_tokens)

    def vocabulary_size(self) -> int:
        return self._lookup.vocabulary_size()

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        self._lookup.set_vocabulary(vocabulary, idf_weights)

    def reset_state(self) -> None:
        self._lookup.reset_state()

    def update_state(self, data: np.ndarray) -> None:
        self._lookup.count(list(self._words(data)))

    def finalize_state(self) -> None:
        self._lookup.finalize_state()

    def get_config(self) -> dict[str, Any]:
        """With the vocabulary that was learnt: it is no weight, and must not be lost."""
        known = self._lookup.get_config()
        return super().get_config() | {k: known[k] for k in ("vocabulary", "idf_weights")}

    # --- words ---

    def _words(self, texts: np.ndarray) -> Iterator[list[bytes]]:
        """The words of each text."""
        flat = texts.reshape(len(texts), -1)
        if self.split is not None and flat.shape[1] != 1:
            raise ValueError(
                "When using `TextVectorization` to tokenize strings, the input rank must be 1 or"
                f" the last shape dimension must be 1. Received: inputs.shape={texts.shape}"
            )
        if callable(self.standardize):
            flat = as_array(self.standardize(tf.constant(flat)))
        if callable(self.split):
            rows = self.split(tf.constant(flat.ravel())).to_list()
        else:
            rows = [list(self._parts(row)) for row in flat.tolist()]
        for row in rows:
            yield self._joined([w if isinstance(w, bytes) else w.encode() for w in row])

    def _parts(self, row: list[bytes]) -> Iterator[bytes]:
        for raw in row:
            text = raw.decode(self.encoding, "replace")
            if self.standardize in ("lower_and_strip_punctuation", "lower"):
                text = text.lower()
            if self.standardize in ("lower_and_strip_punctuation", "strip_punctuation"):
                text = PUNCTUATION.sub("", text)
            if self.split is None:
                yield text.encode()
            else:
                words = text.split() if self.split == "whitespace" else list(text)
                yield from (word.encode() for word in words)

    def _joined(self, words: list[bytes]) -> list[bytes]:
        """With neighbouring words put together."""
        if self.ngrams is None:
            return words
        sizes = range(1, self.ngrams + 1) if isinstance(self.ngrams, int) else self.ngrams
        return [
            b" ".join(words[i : i + size]) for size in sizes for i in range(len(words) - size + 1)
        ]

    # --- use ---

    def _converted(self, inputs: Any) -> Any:
        return tf.convert_to_tensor(inputs)

    def call(self, inputs: Any) -> Any:
        texts = tf.convert_to_tensor(inputs)
        single = texts.shape.rank == 0
        texts = tf.reshape(texts, [1]) if single else texts
        if self.output_mode == "int":
            spec = tf.TensorSpec([texts.shape[0], self.output_sequence_length], tf.int64)
            made = tf.numpy_function(self._rows, [texts], spec)
        else:
            spec = tf.TensorSpec([texts.shape[0], None], tf.int64)
            made = self._vectors(tf.numpy_function(self._rows, [texts], spec))
        return made[0] if single else made

    def _rows(self, texts: np.ndarray) -> np.ndarray:
        """Numbers of words; -1 fills rows that are to be counted, 0 the others."""
        found = [self._lookup.ids(words) for words in self._words(texts)]
        width = self.output_sequence_length
        width = max(map(len, found), default=0) if width is None else width
        made = np.full((len(found), width), 0 if self.output_mode == "int" else -1, np.int64)
        for row, ids in zip(made, found, strict=True):
            row[: len(ids)] = ids[:width]
        return made

    def _vectors(self, ids: Any) -> Any:
        if self.output_mode == "one_hot":
            raise ValueError("TextVectorization has no mode one_hot: a text has many words")
        return self._lookup.encode(ids)  # numbers below 0 are rows of zeros
