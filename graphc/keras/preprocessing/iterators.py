"""Batches of pictures from arrays, folders and tables (Keras 2: ``keras.preprocessing.image``)."""

from __future__ import annotations

import threading
from collections.abc import Iterator as Iterates
from pathlib import Path
from typing import Any

import numpy as np

from graphc.keras.utils import Sequence
from graphc.keras.utils.pictures import CHANNELS, array_to_img, img_to_array, load_img

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".tif", ".tiff", ".gif", ".webp")


class Iterator(Sequence):
    """Batches of ``n`` samples for ever, in a new order for each round if ``shuffle``.

    A subclass makes a batch of the samples with some numbers, `_batch`.
    """

    def __init__(self, n: int, batch_size: int, shuffle: bool, seed: int | None) -> None:
        self.n, self.batch_size, self.shuffle, self.seed = n, batch_size, shuffle, seed
        self.batch_index = self.total_batches_seen = 0
        self.lock = threading.Lock()
        self.index_array: np.ndarray | None = None

    def _batch(self, numbers: np.ndarray) -> Any:
        raise NotImplementedError

    def _set_index_array(self) -> None:
        self.index_array = np.random.permutation(self.n) if self.shuffle else np.arange(self.n)

    def __len__(self) -> int:
        return -(-self.n // self.batch_size)

    def __getitem__(self, idx: int) -> Any:
        if idx >= len(self):
            raise ValueError(
                f"Asked to retrieve element {idx}, but the Sequence has length {len(self)}"
            )
        self._reseed()
        if self.index_array is None:
            self._set_index_array()
        return self._at(idx)

    def _reseed(self) -> None:
        if self.seed is not None:
            np.random.seed(self.seed + self.total_batches_seen)
        self.total_batches_seen += 1

    def _at(self, idx: int) -> Any:
        assert self.index_array is not None
        return self._batch(self.index_array[self.batch_size * idx : self.batch_size * (idx + 1)])

    def on_epoch_end(self) -> None:
        self._set_index_array()

    def reset(self) -> None:
        """Begin with the first batch again."""
        self.batch_index = 0

    def __iter__(self) -> Iterates[Any]:
        return self

    def __next__(self) -> Any:
        with self.lock:
            self._reseed()
            if self.batch_index == 0:
                self._set_index_array()
            found = self._at(self.batch_index)
            self.batch_index = (self.batch_index + 1) % len(self)
            return found

    next = __next__


class Saves:
    """Writes what an iterator gives to a folder, to be looked at."""

    def __init__(self, folder: Any, prefix: str, suffix: str) -> None:
        self.folder, self.prefix, self.suffix = folder, prefix, suffix

    def __call__(self, batch: np.ndarray, numbers: np.ndarray) -> None:
        if self.folder is None:
            return
        for array, number in zip(batch, numbers, strict=True):
            name = f"{self.prefix}_{number}_{np.random.randint(10**7)}.{self.suffix}"
            array_to_img(array).save(Path(self.folder) / name)


class NumpyArrayIterator(Iterator):
    """Batches of an array of pictures, each changed as its generator says.

    ``x`` is [count, height, width, channels], or a tuple of it and other inputs.
    """

    def __init__(
        self, x: Any, y: Any, image_data_generator: Any, batch_size: int = 32,
        shuffle: bool = False, sample_weight: Any = None, seed: int | None = None,
        save_to_dir: Any = None, save_prefix: str = "", save_format: str = "png",
        subset: str | None = None, ignore_class_split: bool = False, dtype: Any = None,
    ) -> None:  # fmt: skip
        several = isinstance(x, tuple | list) and not np.isscalar(x[0])
        first, *others = x if several and isinstance(x, tuple) else (x,)
        self.x = np.asarray(first, dtype or np.float32)
        if self.x.ndim != 4:
            raise ValueError(
                "Input data in `NumpyArrayIterator` should have rank 4. You passed an array with"
                f" shape {self.x.shape}"
            )
        self.x_misc = [np.asarray(each) for each in others]
        self.y = None if y is None else np.asarray(y)
        self.sample_weight = None if sample_weight is None else np.asarray(sample_weight)
        for name, each in (("labels", self.y), ("sample weights", self.sample_weight)):
            if each is not None and len(each) != len(self.x):
                raise ValueError(
                    "`x` (images tensor) and `y` (labels) should have the same length. Found:"
                    f" x.shape = {self.x.shape}, {name} {each.shape}"
                )
        self.generator = image_data_generator
        self._save = Saves(save_to_dir, save_prefix, save_format)
        if subset is not None:
            self._cut(image_data_generator.part(subset, len(self.x)))
        super().__init__(len(self.x), batch_size, shuffle, seed)

    def _cut(self, part: slice) -> None:
        self.x, self.x_misc = self.x[part], [each[part] for each in self.x_misc]
        self.y = None if self.y is None else self.y[part]
        if self.sample_weight is not None:
            self.sample_weight = self.sample_weight[part]

    def _batch(self, numbers: np.ndarray) -> Any:
        batch = np.stack([self.generator.changed(self.x[i]) for i in numbers])
        self._save(batch, numbers)
        x = [batch, *(each[numbers] for each in self.x_misc)] if self.x_misc else batch
        if self.y is None:
            return x
        found = (x, self.y[numbers])
        return found if self.sample_weight is None else (*found, self.sample_weight[numbers])


class FileIterator(Iterator):
    """Batches of pictures from files; a subclass says which, and their labels."""

    def __init__(
        self, paths: list[Path], labels: Any, image_data_generator: Any, target_size: Any,
        color_mode: str, batch_size: int, shuffle: bool, seed: int | None, saves: Saves,
        interpolation: str, keep_aspect_ratio: bool = False, dtype: Any = None,
    ) -> None:  # fmt: skip
        if color_mode not in CHANNELS:
            raise ValueError(
                f'Invalid color mode: {color_mode}; expected "rgb", "rgba", or "grayscale".'
            )
        self.filepaths = [str(path) for path in paths]
        self.labels, self.generator, self._save = labels, image_data_generator, saves
        self.target_size, self.color_mode = tuple(target_size), color_mode
        self.image_shape = (*self.target_size, CHANNELS[color_mode])
        self.interpolation, self.keep_aspect_ratio = interpolation, keep_aspect_ratio
        self.dtype = dtype or np.float32
        super().__init__(len(paths), batch_size, shuffle, seed)
        self.samples = self.n

    def _batch(self, numbers: np.ndarray) -> Any:
        batch = np.empty((len(numbers), *self.image_shape), self.dtype)
        for target, number in zip(batch, numbers, strict=True):
            picture = load_img(
                self.filepaths[number], color_mode=self.color_mode, target_size=self.target_size,
                interpolation=self.interpolation, keep_aspect_ratio=self.keep_aspect_ratio,
            )  # fmt: skip
            target[...] = self.generator.changed(img_to_array(picture, dtype=self.dtype))
        self._save(batch, numbers)
        if isinstance(self.labels, str):  # "input": the pictures are their own targets
            return batch, batch.copy()
        return batch if self.labels is None else (batch, self.labels[numbers])


def class_labels(classes: np.ndarray, count: int, mode: str | None) -> Any:
    """Numbers of classes in the form that a loss wants."""
    if mode is None or mode == "input":
        return mode
    if mode == "categorical":
        return np.eye(count, dtype=np.float32)[classes]
    if mode in ("binary", "sparse"):
        return classes.astype(np.float32)
    raise ValueError(
        f"Invalid class_mode: {mode}; expected one of: 'categorical', 'binary', 'sparse', 'input',"
        " None"
    )


class DirectoryIterator(FileIterator):
    """Batches of the pictures in a folder that has a folder for each class."""

    def __init__(
        self, directory: Any, image_data_generator: Any, target_size: Any = (256, 256),
        color_mode: str = "rgb", classes: Any = None, class_mode: str | None = "categorical",
        batch_size: int = 32, shuffle: bool = True, seed: int | None = None,
        save_to_dir: Any = None, save_prefix: str = "", save_format: str = "png",
        follow_links: bool = False, subset: str | None = None, interpolation: str = "nearest",
        keep_aspect_ratio: bool = False, dtype: Any = None,
    ) -> None:  # fmt: skip
        self.directory = Path(directory)
        names = classes or sorted(p.name for p in self.directory.iterdir() if p.is_dir())
        self.class_indices = {name: i for i, name in enumerate(names)}
        self.num_classes = len(names)
        paths, numbers = [], []
        for name, number in self.class_indices.items():
            found = _pictures(self.directory / name, follow_links)
            if subset is not None:
                found = found[image_data_generator.part(subset, len(found))]
            paths += found
            numbers += [number] * len(found)
        self.classes = np.array(numbers, np.int32)
        self.filenames = [str(path.relative_to(self.directory)) for path in paths]
        print(f"Found {len(paths)} images belonging to {len(names)} classes.")
        super().__init__(
            paths, class_labels(self.classes, len(names), class_mode), image_data_generator,
            target_size, color_mode, batch_size, shuffle, seed,
            Saves(save_to_dir, save_prefix, save_format), interpolation, keep_aspect_ratio, dtype,
        )  # fmt: skip


def _pictures(folder: Path, follow_links: bool) -> list[Path]:
    return sorted(
        path for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES and (follow_links or not path.is_symlink())
    )  # fmt: skip


class DataFrameIterator(FileIterator):
    """Batches of the pictures that a pandas table names, with its labels or figures."""

    def __init__(
        self, dataframe: Any, directory: Any = None, image_data_generator: Any = None,
        x_col: str = "filename", y_col: Any = "class", weight_col: Any = None,
        target_size: Any = (256, 256), color_mode: str = "rgb", classes: Any = None,
        class_mode: str | None = "categorical", batch_size: int = 32, shuffle: bool = True,
        seed: int | None = None, save_to_dir: Any = None, save_prefix: str = "",
        save_format: str = "png", subset: str | None = None, interpolation: str = "nearest",
        keep_aspect_ratio: bool = False, dtype: Any = None, validate_filenames: bool = True,
    ) -> None:  # fmt: skip
        table = dataframe
        paths = [Path(directory or "") / str(name) for name in table[x_col]]
        there = np.array([path.is_file() or not validate_filenames for path in paths], bool)
        table, paths = table[there], [p for p, kept in zip(paths, there, strict=True) if kept]
        if subset is not None:
            part = image_data_generator.part(subset, len(paths))
            table, paths = table.iloc[part], paths[part]
        if class_mode == "raw":
            labels: Any = np.asarray(table[y_col])
        elif class_mode in (None, "input"):
            labels = class_mode
        else:
            names = classes or sorted(set(table[y_col]))
            self.class_indices = {name: i for i, name in enumerate(names)}
            self.classes = np.array([self.class_indices[c] for c in table[y_col]], np.int32)
            labels = class_labels(self.classes, len(names), class_mode)
        print(f"Found {len(paths)} validated image filenames.")
        super().__init__(
            paths, labels, image_data_generator, target_size, color_mode, batch_size, shuffle,
            seed, Saves(save_to_dir, save_prefix, save_format), interpolation, keep_aspect_ratio,
            dtype,
        )  # fmt: skip
        self.sample_weight = None if weight_col is None else np.asarray(table[weight_col])

    def _batch(self, numbers: np.ndarray) -> Any:
        found = super()._batch(numbers)
        return found if self.sample_weight is None else (*found, self.sample_weight[numbers])
