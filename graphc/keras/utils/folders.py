"""Datasets from folders with a folder for each class, and from rows in time (Keras 2:
``keras.utils.image_dataset_from_directory``, ...)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import graphc as tf
from graphc.keras.utils.pictures import CHANNELS, img_to_array, load_img

PICTURES = (".bmp", ".gif", ".jpeg", ".jpg", ".png")


def image_dataset_from_directory(
    directory: Any, labels: Any = "inferred", label_mode: str | None = "int",
    class_names: Any = None, color_mode: str = "rgb", batch_size: int | None = 32,
    image_size: Any = (256, 256), shuffle: bool = True, seed: int | None = None,
    validation_split: float | None = None, subset: str | None = None,
    interpolation: str = "bilinear", follow_links: bool = False,
    crop_to_aspect_ratio: bool = False, **kwargs: Any,
) -> Any:  # fmt: skip
    """A Dataset of pictures f32[batch, height, width, channels] and labels.

    ``label_mode`` "int" gives i32[batch], "categorical" f32[batch, classes], "binary"
    f32[batch, 1], None no labels. ``subset`` is "training", "validation" or "both".
    """
    if color_mode not in CHANNELS:
        raise ValueError(
            '`color_mode` must be one of {"rgb", "rgba", "grayscale"}. Received:'
            f" color_mode={color_mode}"
        )
    shape = (*image_size, CHANNELS[color_mode])

    def read(path: Any) -> np.ndarray:
        picture = load_img(
            path.decode(), color_mode=color_mode, target_size=image_size,
            interpolation=interpolation, keep_aspect_ratio=crop_to_aspect_ratio,
        )  # fmt: skip
        return img_to_array(picture)

    def load(path: Any) -> Any:
        return tf.numpy_function(read, [path], tf.TensorSpec(shape, tf.float32))

    files = _Files(directory, labels, class_names, PICTURES, follow_links)
    return files.datasets(
        load, label_mode, batch_size, shuffle, seed, validation_split, subset, "images"
    )


def text_dataset_from_directory(
    directory: Any, labels: Any = "inferred", label_mode: str | None = "int",
    class_names: Any = None, batch_size: int | None = 32, max_length: int | None = None,
    shuffle: bool = True, seed: int | None = None, validation_split: float | None = None,
    subset: str | None = None, follow_links: bool = False, **kwargs: Any,
) -> Any:  # fmt: skip
    """A Dataset of the texts of .txt files, string[batch], and labels; see
    `image_dataset_from_directory`."""

    def load(path: Any) -> Any:
        text = tf.io.read_file(path)
        return text if max_length is None else tf.strings.substr(text, 0, max_length)

    files = _Files(directory, labels, class_names, (".txt",), follow_links)
    return files.datasets(
        load, label_mode, batch_size, shuffle, seed, validation_split, subset, "text files"
    )


class _Files:
    """The files of a folder, by class."""

    def __init__(
        self, directory: Any, labels: Any, class_names: Any, suffixes: tuple[str, ...],
        follow_links: bool,
    ) -> None:  # fmt: skip
        root = Path(directory)
        if not root.is_dir():
            raise FileNotFoundError(f"Could not find directory {directory}")
        inferred = isinstance(labels, str) and labels == "inferred"
        found = sorted(p.name for p in root.iterdir() if p.is_dir()) if inferred else [""]
        if inferred and class_names and set(class_names) != set(found):
            raise ValueError(
                "The `class_names` passed did not match the names of the subdirectories of the"
                f" target directory. Expected: {found}, but received: {class_names}"
            )
        self.names = list(class_names or found)
        self.paths: list[str] = []
        self.classes: list[int] = []
        for number, name in enumerate(self.names):
            files = sorted(
                str(p) for p in (root / name).rglob("*")
                if p.suffix.lower() in suffixes and (follow_links or not p.is_symlink())
            )  # fmt: skip
            self.paths += files
            self.classes += [number] * len(files)
        if not self.paths:
            raise ValueError(
                f"No files found in directory {directory}. Allowed formats: {suffixes}"
            )
        if not inferred and labels is not None:
            if len(labels) != len(self.paths):
                raise ValueError(
                    "Expected the lengths of `labels` to match the number of files in the target"
                    f" directory. len(labels) is {len(labels)} while we found {len(self.paths)}"
                    f" files in directory {directory}."
                )
            self.classes = list(labels)
            self.names = [str(each) for each in sorted(set(labels))]

    def datasets(
        self, load: Callable[[Any], Any], label_mode: str | None, batch_size: int | None,
        shuffle: bool, seed: int | None, split: float | None, subset: str | None, what: str,
    ) -> Any:  # fmt: skip
        """The Dataset of a subset, or both of them."""
        if label_mode not in ("int", "categorical", "binary", None):
            raise ValueError(
                '`label_mode` argument must be one of "int", "categorical", "binary", or None.'
                f" Received: label_mode={label_mode}"
            )
        if label_mode == "binary" and len(self.names) != 2:
            raise ValueError(
                'When passing `label_mode="binary"`, there must be exactly 2 class_names.'
                f" Received: class_names={self.names}"
            )
        if (split is None) != (subset is None):
            raise ValueError("If `subset` is set, `validation_split` must be set, and inversely.")
        if split is not None and shuffle and seed is None:
            raise ValueError(
                "If using `validation_split` and shuffling the data, you must provide a `seed`"
                " argument, to make sure that there is no overlap between the training and"
                " validation subset."
            )
        print(f"Found {len(self.paths)} {what} belonging to {len(self.names)} classes.")
        order = np.arange(len(self.paths))
        if shuffle:
            order = np.random.RandomState(seed).permutation(order)
        cut = len(order) - int((split or 0) * len(order))
        parts = {"training": order[:cut], "validation": order[cut:], None: order}

        def made(part: np.ndarray) -> Any:
            found = self._dataset(part, load, label_mode, shuffle, seed, batch_size)
            found.class_names = self.names
            found.file_paths = [self.paths[i] for i in part]
            return found

        if subset == "both":
            return made(parts["training"]), made(parts["validation"])
        if subset not in parts:
            raise ValueError(
                f'`subset` must be either "training", "validation" or "both", received: {subset}'
            )
        if subset is not None:
            print(f"Using {len(parts[subset])} files for {subset}.")
        return made(parts[subset])

    def _dataset(
        self, part: np.ndarray, load: Callable[[Any], Any], label_mode: str | None, shuffle: bool,
        seed: int | None, batch_size: int | None,
    ) -> Any:  # fmt: skip
        paths = np.array([self.paths[i].encode() for i in part], object)
        classes = np.array([self.classes[i] for i in part], np.int32)
        if label_mode == "categorical":
            labels: Any = np.eye(len(self.names), dtype=np.float32)[classes]
        elif label_mode == "binary":
            labels = classes.astype(np.float32)[:, None]
        else:
            labels = classes
        data = tf.data.Dataset.from_tensor_slices(paths if label_mode is None else (paths, labels))
        if shuffle:
            data = data.shuffle(max(len(paths), 1), seed=seed)
        data = data.map(load if label_mode is None else lambda path, label: (load(path), label))
        return (data if batch_size is None else data.batch(batch_size)).prefetch(tf.data.AUTOTUNE)


def timeseries_dataset_from_array(
    data: Any, targets: Any, sequence_length: int, sequence_stride: int = 1,
    sampling_rate: int = 1, batch_size: int | None = 128, shuffle: bool = False,
    seed: int | None = None, start_index: int | None = None, end_index: int | None = None,
) -> Any:  # fmt: skip
    """A Dataset of windows [batch, sequence_length, ...] over rows of data, each with the target
    of its first row (None: windows alone)."""
    rows = np.asarray(data)
    first, last = start_index or 0, len(rows) if end_index is None else end_index
    if not 0 <= first < max(last, 1) or last > len(rows):
        raise ValueError(
            f"`start_index` must be >= 0 and below `end_index`, which is at most {len(rows)}."
            f" Received: start_index={start_index}, end_index={end_index}"
        )
    for name, value in (
        ("sequence_length", sequence_length), ("sequence_stride", sequence_stride),
        ("sampling_rate", sampling_rate),
    ):  # fmt: skip
        if value <= 0 or value > len(rows):
            raise ValueError(f"`{name}` must be higher than 0 and at most {len(rows)}, got {value}")
    count = last - first - (sequence_length - 1) * sampling_rate
    if targets is not None:
        count = min(count, len(targets) - first)
    starts = np.arange(first, first + max(count, 0), sequence_stride)
    if shuffle:
        starts = np.random.RandomState(seed).permutation(starts)
    windows = starts[:, None] + np.arange(sequence_length) * sampling_rate
    held = tf.constant(rows)
    made = tf.data.Dataset.from_tensor_slices(windows)
    made = made.map(lambda window: tf.gather(held, window))
    if targets is not None:
        wanted = tf.data.Dataset.from_tensor_slices(np.asarray(targets)[starts])
        made = tf.data.Dataset.zip((made, wanted))
    return made if batch_size is None else made.batch(batch_size)


def split_dataset(
    dataset: Any, left_size: Any = None, right_size: Any = None, shuffle: bool = False,
    seed: int | None = None,
) -> tuple[Any, Any]:  # fmt: skip
    """Two Datasets: the first ``left_size`` elements, a number of them or a part, and the rest."""
    elements = list(dataset) if isinstance(dataset, tf.data.Dataset) else _rows(dataset)
    if left_size is None and right_size is None:
        raise ValueError(
            "At least one of the `left_size` or `right_size` must be specified."
            " Received: left_size=None and right_size=None"
        )
    total = len(elements)
    left, right = _size(left_size, total), _size(right_size, total)
    left = total - right if left is None else left  # type: ignore[operator]
    right = total - left if right is None else right
    if left + right > total or min(left, right) < 0:
        raise ValueError(
            f"The sum of `left_size` and `right_size` is greater than the length of the dataset,"
            f" {total}. Received: left_size={left_size}, right_size={right_size}"
        )
    order = np.random.RandomState(seed).permutation(total) if shuffle else np.arange(total)
    return _stacked(elements, order[:left]), _stacked(elements, order[total - right :])


def _rows(data: Any) -> list[Any]:
    if isinstance(data, tuple):
        return list(zip(*data, strict=True))
    return list(data)


def _size(size: Any, total: int) -> int | None:
    if size is None:
        return None
    return round(size * total) if isinstance(size, float) else int(size)


def _stacked(elements: Sequence[Any], order: np.ndarray) -> Any:
    chosen = [tf.nest.map_structure(np.asarray, elements[i]) for i in order]
    columns = tf.nest.map_structure(lambda *parts: np.stack(parts), *chosen)
    return tf.data.Dataset.from_tensor_slices(columns)
