"""Words and whole numbers as numbers of a vocabulary (Keras 2: ``StringLookup``,
``IntegerLookup``)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import graphc as tf
from graphc.keras.layers.preprocessing.adapted import PreprocessingLayer, as_array
from graphc.keras.layers.preprocessing.encoding import ENCODINGS, check_mode, encoded

MODES = ("int", *ENCODINGS, "tf_idf")


class IndexLookup(PreprocessingLayer):
    """A vocabulary: the mask token (0, if there is one), tokens for what is not known, the tokens.

    It is given, as a list or the name of a file with a line for each, or learnt by `adapt`: the
    most frequent tokens first, of those as frequent the later ones in the alphabet. A token that is
    not known becomes one of the ``num_oov_indices`` by its hash; with none of them it is an error.
    """

    _kind: Any = None  # dtype of tokens

    def __init__(
        self, max_tokens: int | None, num_oov_indices: int, mask_token: Any, oov_token: Any,
        vocabulary: Any, idf_weights: Any, invert: bool, output_mode: str, sparse: bool,
        pad_to_max_tokens: bool, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        name = type(self).__name__
        if max_tokens is not None and max_tokens <= 1:
            raise ValueError(
                f"If set, `max_tokens` must be greater than 1. Received: max_tokens={max_tokens}"
            )
        if num_oov_indices < 0:
            raise ValueError(
                "`num_oov_indices` must be greater than or equal to 0. Received:"
                f" num_oov_indices={num_oov_indices}"
            )
        if pad_to_max_tokens and max_tokens is None:
            raise ValueError("If pad_to_max_tokens is True, must set `max_tokens`.")
        if invert and output_mode != "int":
            raise ValueError(
                "`output_mode` must be `'int'` when `invert` is true. Received:"
                f" output_mode={output_mode}"
            )
        self.max_tokens, self.num_oov_indices = max_tokens, num_oov_indices
        self.mask_token, self.oov_token = mask_token, oov_token
        self.invert, self.sparse, self.pad_to_max_tokens = invert, sparse, pad_to_max_tokens
        self.output_mode = check_mode(name, output_mode, MODES)
        self._weights: list[float] = []
        self._tokens: list[Any] = []
        self._index: dict[Any, int] = {}
        self.vocabulary, self.idf_weights = vocabulary, idf_weights
        if vocabulary is not None:
            self.set_vocabulary(vocabulary, idf_weights)

    # --- the vocabulary ---

    def _special(self) -> list[Any]:
        mask = [self.mask_token] if self._masks else []
        return mask + [self.oov_token] * self.num_oov_indices

    @property
    def _masks(self) -> bool:
        return self.mask_token is not None and self.output_mode == "int"

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """The tokens by number."""
        return (self._special() if include_special_tokens else []) + self._tokens

    def vocabulary_size(self) -> int:
        """How many numbers there are."""
        return len(self._special()) + len(self._tokens)

    vocab_size = vocabulary_size

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Set the tokens, with or without the special ones in front."""
        tokens = _read(vocabulary) if isinstance(vocabulary, str | Path) else _listed(vocabulary)
        special = self._special()
        if special and tokens[: len(special)] == special:
            tokens = tokens[len(special) :]
            idf_weights = None if idf_weights is None else idf_weights[len(special) :]
        twice = [token for token, count in Counter(tokens).items() if count > 1]
        if twice:
            raise ValueError(
                f"The passed vocabulary has at least one repeated term. Please uniquify your"
                f" dataset. The repeated terms are: {twice}"
            )
        reserved = [token for token in tokens if token in special and token is not None]
        if reserved:
            raise ValueError(
                f"Found reserved token {reserved[0]!r} in the passed vocabulary at"
                f" `vocabulary[{tokens.index(reserved[0])}]`."
            )
        if self.max_tokens is not None and len(tokens) + len(special) > self.max_tokens:
            raise ValueError(
                "Attempted to set a vocabulary larger than the maximum vocab size. Passed vocab"
                f" size is {len(tokens) + len(special)}, max vocab size is {self.max_tokens}."
            )
        if self.output_mode == "tf_idf":
            if idf_weights is None:
                raise ValueError("`idf_weights` must be set if output_mode is 'tf_idf'.")
            rest = float(np.mean(idf_weights)) if len(idf_weights) else 0.0
            self._weights = [rest] * len(special) + [float(w) for w in idf_weights]
        self._tokens = tokens
        self._index = {_key(token): i for i, token in enumerate(tokens, len(special))}

    # --- learning it ---

    def reset_state(self) -> None:
        self._counts: Counter[Any] = Counter()
        self._documents: Counter[Any] = Counter()
        self._seen = 0

    def update_state(self, data: np.ndarray) -> None:
        self.count(data.reshape(len(data), -1).tolist())

    def count(self, documents: Sequence[Sequence[Any]]) -> None:
        """Count the tokens of documents."""
        for document in documents:
            self._counts.update(document)
            self._documents.update(set(document))
            self._seen += 1

    def finalize_state(self) -> None:
        special = {_key(token) for token in self._special()}
        counts = {_token(k): n for k, n in self._counts.items() if _key(_token(k)) not in special}
        counts = {k: n for k, n in counts.items() if k not in ("", None) and k != self.mask_token}
        ranked = sorted(counts, key=lambda token: (counts[token], token), reverse=True)
        if self.max_tokens is not None:
            ranked = ranked[: self.max_tokens - len(self._special())]
        weights = None
        if self.output_mode == "tf_idf":
            frequency = {_token(k): n for k, n in self._documents.items()}
            weights = [np.log(1 + self._seen / (1 + frequency[token])) for token in ranked]
        self.set_vocabulary(ranked, weights)

    def get_config(self) -> dict[str, Any]:
        """With the vocabulary that was learnt: it is no weight, and must not be lost."""
        learnt: dict[str, Any] = {}
        if self._tokens:
            learnt["vocabulary"] = self.get_vocabulary(include_special_tokens=False)
            if self._weights:
                learnt["idf_weights"] = self._weights[len(self._special()) :]
        return super().get_config() | learnt

    # --- using it ---

    def call(self, inputs: Any) -> Any:
        x = tf.convert_to_tensor(inputs)
        if self.invert:
            ids = tf.cast(x, tf.int64)
            return tf.numpy_function(self._words_of, [ids], tf.TensorSpec(ids.shape, self._kind))
        spec = tf.TensorSpec(x.shape, tf.int64)
        ids = tf.numpy_function(self._ids_of, [tf.cast(x, self._kind)], spec)
        return self.encode(ids)

    def encode(self, ids: Any) -> Any:
        """Numbers in the form of ``output_mode``."""
        if self.output_mode == "int":
            return ids
        depth = self.max_tokens if self.pad_to_max_tokens else self.vocabulary_size()
        mode = "count" if self.output_mode == "tf_idf" else self.output_mode
        rows = encoded(ids, int(depth or 0), mode, self.compute_dtype)
        if self.output_mode == "tf_idf":
            weights = np.zeros(int(depth or 0), np.float32)
            weights[: len(self._weights)] = self._weights
            return rows * tf.cast(weights, rows.dtype)
        return rows

    def _ids_of(self, tokens: np.ndarray) -> np.ndarray:
        return self.ids(tokens.ravel().tolist()).reshape(np.shape(tokens))

    def ids(self, tokens: Sequence[Any]) -> np.ndarray:
        """Numbers of tokens, i64; raises ``ValueError`` for one that has none."""
        if not self._index:
            raise ValueError(
                f"You must set the layer's vocabulary before calling it: `adapt` {self.name} or"
                " give it one"
            )
        first = len(self._special()) - self.num_oov_indices
        masked = None if not self._masks else _key(self.mask_token)
        made = np.empty(len(tokens), np.int64)
        for i, token in enumerate(tokens):
            found = self._index.get(token)
            if found is None:
                found = 0 if masked is not None and token == masked else self._unknown(token, first)
            made[i] = found
        return made

    def _unknown(self, token: Any, first: int) -> int:
        if not self.num_oov_indices:
            raise ValueError(
                f"When `num_oov_indices=0` all inputs should be in vocabulary, found OOV value"
                f" {_token(token)!r}, consider setting `num_oov_indices=1`."
            )
        count = self.num_oov_indices
        return first + (_bucket(token, count) if count > 1 else 0)

    def _words_of(self, ids: np.ndarray) -> np.ndarray:
        words = self.get_vocabulary()
        unknown = self.oov_token
        found = [words[i] if 0 <= i < len(words) else unknown for i in ids.ravel().tolist()]
        return as_array(np.array(found, object)).reshape(ids.shape).astype(self._kind.np)


def _key(token: Any) -> Any:
    return token.encode() if isinstance(token, str) else token


def _token(key: Any) -> Any:
    return key.decode("utf-8", "replace") if isinstance(key, bytes) else key


def _bucket(token: Any, count: int) -> int:
    """Numbers by their value, texts by FarmHash64."""
    if isinstance(token, int):
        return token % count
    return int(tf.strings.to_hash_bucket_fast(tf.constant([token]), count).numpy()[0])


def _listed(tokens: Any) -> list[Any]:
    return [_token(token) for token in as_array(tokens).tolist()] if len(tokens) else []


def _read(path: Any) -> list[str]:
    if not Path(path).exists():
        raise ValueError(f"Vocabulary file {path} does not exist.")
    return Path(path).read_text(encoding="utf-8").splitlines()


class StringLookup(IndexLookup):
    """Texts as their numbers in a vocabulary; see `IndexLookup`. ``invert`` goes back."""

    _kind = tf.string

    def __init__(
        self, max_tokens: int | None = None, num_oov_indices: int = 1,
        mask_token: str | None = None, oov_token: str = "[UNK]", vocabulary: Any = None,
        idf_weights: Any = None, encoding: str = "utf-8", invert: bool = False,
        output_mode: str = "int", sparse: bool = False, pad_to_max_tokens: bool = False,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        self.encoding = encoding
        super().__init__(
            max_tokens, num_oov_indices, mask_token, oov_token, vocabulary, idf_weights, invert,
            output_mode, sparse, pad_to_max_tokens, **kwargs,
        )  # fmt: skip


class IntegerLookup(IndexLookup):
    """Whole numbers as their numbers in a vocabulary; see `IndexLookup`."""

    _kind = tf.int64

    def __init__(
        self, max_tokens: int | None = None, num_oov_indices: int = 1,
        mask_token: int | None = None, oov_token: int = -1, vocabulary: Any = None,
        vocabulary_dtype: str = "int64", idf_weights: Any = None, invert: bool = False,
        output_mode: str = "int", sparse: bool = False, pad_to_max_tokens: bool = False,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        self.vocabulary_dtype = vocabulary_dtype
        super().__init__(
            max_tokens, num_oov_indices, mask_token, oov_token, vocabulary, idf_weights, invert,
            output_mode, sparse, pad_to_max_tokens, **kwargs,
        )  # fmt: skip
