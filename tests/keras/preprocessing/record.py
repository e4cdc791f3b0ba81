"""Record what Keras's own preprocessing gives: ``python -m tests.keras.preprocessing.record`` where
TensorFlow is installed. The cases are plain data, so that the test runs the same ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).with_name("keras.json")
TEXTS = ["The cat sat on the mat.", "The dog, the CAT!", "a b a\tb c", ""]
ROWS = [[1], [2, 3], [4, 5, 6, 7]]


def picture(channels: int = 3) -> np.ndarray:
    return np.random.RandomState(0).uniform(0, 255, (7, 6, channels)).round(1).astype(np.float32)


PAD = [
    {}, {"maxlen": 3}, {"maxlen": 3, "padding": "post", "truncating": "post"},
    {"value": -1.5, "dtype": "float32"},
]  # fmt: skip
TOKENIZERS = [
    {}, {"num_words": 4}, {"oov_token": "<oov>", "num_words": 3}, {"char_level": True},
    {"lower": False, "filters": ""},
]  # fmt: skip
AFFINE = [
    {"theta": 30}, {"tx": 1.5, "ty": -2}, {"shear": 20}, {"zx": 0.7, "zy": 1.3},
    {"theta": 10, "tx": 1, "shear": 5, "zx": 1.1, "fill_mode": "constant", "cval": 3.0},
    {"theta": 45, "fill_mode": "reflect", "order": 0}, {"ty": 2.0, "fill_mode": "wrap"},
]  # fmt: skip
GENERATORS = [
    {"rotation_range": 45, "width_shift_range": 0.15, "height_shift_range": 0.15,
     "horizontal_flip": True, "zoom_range": 0.5},
    {"rescale": 1 / 255, "shear_range": 20, "vertical_flip": True, "fill_mode": "constant"},
    {"channel_shift_range": 30.0, "width_shift_range": 2, "height_shift_range": [1, 2]},
    {"samplewise_center": True, "samplewise_std_normalization": True},
    {"featurewise_center": True, "featurewise_std_normalization": True},
    {"zca_whitening": True, "rescale": 1 / 255},
]  # fmt: skip


def results(image: Any, sequence: Any, text: Any) -> dict[str, Any]:
    """What the three modules give for all cases."""
    found: dict[str, Any] = {"pad": [sequence.pad_sequences(ROWS, **o).tolist() for o in PAD]}
    found["sampling"] = sequence.make_sampling_table(8).tolist()
    found["skipgrams"] = sequence.skipgrams([1, 2, 3, 0, 4], 5, 1, 0.0, shuffle=False)
    found["words"] = [text.text_to_word_sequence(t) for t in TEXTS]
    found["hashes"] = [text.hashing_trick(t, 50, "md5") for t in TEXTS]
    found["tokenizers"] = [_tokenized(text, options) for options in TOKENIZERS]
    axes = {"row_axis": 0, "col_axis": 1, "channel_axis": 2}
    found["affine"] = [
        image.apply_affine_transform(picture(), **o, **axes).round(3).tolist() for o in AFFINE
    ]
    found["channel"] = image.apply_channel_shift(picture(), 20.0, 2).round(3).tolist()
    found["generators"] = [_generated(image, options) for options in GENERATORS]
    return json.loads(json.dumps(found))


def _tokenized(text: Any, options: dict[str, Any]) -> dict[str, Any]:
    made = text.Tokenizer(**options)
    made.fit_on_texts(TEXTS[:3])
    rows = made.texts_to_sequences(TEXTS)
    modes = ("binary", "count", "tfidf")
    matrices = [made.texts_to_matrix(TEXTS, m).round(5).tolist() for m in modes]
    matrices.append(made.texts_to_matrix(TEXTS[:3], "freq").round(5).tolist())
    return {
        "index": made.word_index, "rows": rows, "texts": made.sequences_to_texts(rows),
        "matrices": matrices, "counts": dict(made.word_counts),
    }  # fmt: skip


def _generated(image: Any, options: dict[str, Any]) -> list[Any]:
    made = image.ImageDataGenerator(**options)
    pictures = np.stack([picture(), picture()[::-1], picture() * 0.5])
    made.fit(pictures)
    batches = made.flow(pictures, np.arange(3), batch_size=2, seed=7)
    found = [next(batches) for _ in range(3)]
    return [[np.asarray(x, float).round(2).tolist(), y.tolist()] for x, y in found]


if __name__ == "__main__":
    from keras.src.legacy.preprocessing import image, sequence, text
    from keras.utils import pad_sequences

    sequence.pad_sequences = pad_sequences
    FILE.write_text(json.dumps(results(image, sequence, text)), encoding="utf-8")
