"""Texts as numbers, in plain Python (Keras 2: ``keras.preprocessing.text``)."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
MODES = ("binary", "count", "tfidf", "freq")


def text_to_word_sequence(
    input_text: str, filters: str = FILTERS, lower: bool = True, split: str = " "
) -> list[str]:
    """The words of a text, without the letters in ``filters``."""
    text = input_text.lower() if lower else input_text
    text = text.translate({ord(letter): split for letter in filters})
    return [word for word in text.split(split) if word]


def one_hot(
    input_text: str, n: int, filters: str = FILTERS, lower: bool = True, split: str = " ",
    analyzer: Callable[[str], list[str]] | None = None,
) -> list[int]:  # fmt: skip
    """A number below ``n`` for each word, by Python's ``hash``: another one in every process unless
    ``PYTHONHASHSEED`` is set."""
    return hashing_trick(input_text, n, hash, filters, lower, split, analyzer)


def hashing_trick(
    text: str, n: int, hash_function: Any = None, filters: str = FILTERS, lower: bool = True,
    split: str = " ", analyzer: Callable[[str], list[str]] | None = None,
) -> list[int]:  # fmt: skip
    """A number from 1 to ``n - 1`` for each word, by a hash: "md5" is the same everywhere."""
    if hash_function is None:
        hash_function = hash
    elif hash_function == "md5":
        hash_function = _md5
    words = analyzer(text) if analyzer else text_to_word_sequence(text, filters, lower, split)
    return [hash_function(word) % (n - 1) + 1 for word in words]


def _md5(word: str) -> int:
    return int(hashlib.md5(word.encode()).hexdigest(), 16)


class Tokenizer:
    """Gives each word of some texts a number, the most frequent ones first; 0 is no word.

    Only the ``num_words - 1`` most frequent ones are used. ``oov_token`` becomes word 1 and stands
    for all others, which are left out without it. ``char_level`` takes letters for words.
    """

    def __init__(
        self, num_words: int | None = None, filters: str = FILTERS, lower: bool = True,
        split: str = " ", char_level: bool = False, oov_token: str | None = None,
        analyzer: Callable[[str], list[str]] | None = None,
    ) -> None:  # fmt: skip
        self.num_words, self.filters, self.lower, self.split = num_words, filters, lower, split
        self.char_level, self.oov_token, self.analyzer = char_level, oov_token, analyzer
        self.document_count = 0
        self.word_counts: OrderedDict[str, int] = OrderedDict()
        self.word_docs: dict[str, int] = defaultdict(int)
        self.index_docs: dict[int, int] = defaultdict(int)
        self.word_index: dict[str, int] = {}
        self.index_word: dict[int, str] = {}

    # --- learning ---

    def fit_on_texts(self, texts: Iterable[Any]) -> None:
        """Count the words of texts, or of lists of words; may be called again with more."""
        for text in texts:
            self.document_count += 1
            words = self._words(text)
            for word in words:
                self.word_counts[word] = self.word_counts.get(word, 0) + 1
            for word in set(words):
                self.word_docs[word] += 1
        ranked = sorted(self.word_counts, key=lambda word: -self.word_counts[word])
        listed = ([] if self.oov_token is None else [self.oov_token]) + ranked
        self.word_index = {word: i for i, word in enumerate(listed, 1)}
        self.index_word = {i: word for word, i in self.word_index.items()}
        for word, count in self.word_docs.items():
            self.index_docs[self.word_index[word]] = count

    def fit_on_sequences(self, sequences: Iterable[Sequence[int]]) -> None:
        """Count in how many rows of numbers each occurs, for `sequences_to_matrix`."""
        for row in sequences:
            self.document_count += 1
            for number in set(row):
                self.index_docs[number] += 1

    def _words(self, text: Any) -> list[str]:
        if self.char_level or isinstance(text, list | tuple):
            return [part.lower() if self.lower else part for part in text]
        if self.analyzer is not None:
            return self.analyzer(text)
        return text_to_word_sequence(text, self.filters, self.lower, self.split)

    # --- texts and numbers ---

    def texts_to_sequences(self, texts: Iterable[Any]) -> list[list[int]]:
        return list(self.texts_to_sequences_generator(texts))

    def texts_to_sequences_generator(self, texts: Iterable[Any]) -> Iterator[list[int]]:
        oov = self.word_index.get(self.oov_token) if self.oov_token is not None else None
        for text in texts:
            numbers = [self._known(self.word_index.get(word), oov) for word in self._words(text)]
            yield [number for number in numbers if number is not None]

    def _known(self, number: int | None, oov: int | None) -> int | None:
        if number is None or (self.num_words and number >= self.num_words):
            return oov
        return number

    def sequences_to_texts(self, sequences: Iterable[Sequence[int]]) -> list[str]:
        return list(self.sequences_to_texts_generator(sequences))

    def sequences_to_texts_generator(self, sequences: Iterable[Sequence[int]]) -> Iterator[str]:
        oov = self.word_index.get(self.oov_token) if self.oov_token is not None else None
        for row in sequences:
            numbers = (self._known(n if n in self.index_word else None, oov) for n in row)
            yield " ".join(self.index_word[n] for n in numbers if n is not None)

    def texts_to_matrix(self, texts: Iterable[Any], mode: str = "binary") -> np.ndarray:
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode)

    def sequences_to_matrix(
        self, sequences: Sequence[Sequence[int]], mode: str = "binary"
    ) -> np.ndarray:
        """A row f64[num_words] for each list of numbers: whether ("binary"), how often ("count"),
        with which share ("freq") or weight ("tfidf") each word occurs."""
        if not self.num_words and not self.word_index:
            raise ValueError(
                "Specify a dimension (`num_words` argument), or fit on some text data first."
            )
        if mode not in MODES:
            raise ValueError(f"Unknown vectorization mode: {mode}")
        if mode == "tfidf" and not self.document_count:
            raise ValueError("Fit the Tokenizer on some data before using tfidf mode.")
        width = self.num_words or len(self.word_index) + 1
        made = np.zeros((len(sequences), width))
        for row, numbers in zip(made, sequences, strict=True):
            for number, count in Counter(n for n in numbers if n < width).items():
                row[number] = self._weight(mode, number, count, len(numbers))
        return made

    def _weight(self, mode: str, number: int, count: int, length: int) -> float:
        if mode == "tfidf":
            frequency = 1 + np.log(count)
            rarity = np.log(1 + self.document_count / (1 + self.index_docs.get(number, 0)))
            return frequency * rarity
        return {"binary": 1.0, "count": float(count), "freq": count / length}[mode]

    # --- storing ---

    def get_config(self) -> dict[str, Any]:
        """What the tokenizer is and what it learnt; tables are JSON texts, as in Keras."""
        tables = ("word_counts", "word_docs", "index_docs", "index_word", "word_index")
        options = (
            "num_words", "filters", "lower", "split", "char_level", "oov_token", "document_count",
        )  # fmt: skip
        stored = {name: json.dumps(getattr(self, name)) for name in tables}
        return {name: getattr(self, name) for name in options} | stored

    def to_json(self, **kwargs: Any) -> str:
        config = {"class_name": type(self).__name__, "config": self.get_config()}
        return json.dumps(config, **kwargs)


def tokenizer_from_json(json_string: str) -> Tokenizer:
    """The tokenizer that `Tokenizer.to_json` wrote."""
    config = json.loads(json_string)["config"]
    table = {name: json.loads(config.pop(name)) for name in
             ("word_counts", "word_docs", "index_docs", "index_word", "word_index")}  # fmt: skip
    count = config.pop("document_count")
    made = Tokenizer(**config)
    made.document_count = count
    made.word_counts = OrderedDict(table["word_counts"])
    made.word_docs = defaultdict(int, table["word_docs"])
    made.index_docs = defaultdict(int, {int(k): v for k, v in table["index_docs"].items()})
    made.index_word = {int(k): v for k, v in table["index_word"].items()}
    made.word_index = table["word_index"]
    return made
