"""Pictures for training, changed at random (Keras 2: ``keras.preprocessing.image``)."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from graphc.keras.preprocessing.affine import (
    apply_affine_transform,
    apply_brightness_shift,
    apply_channel_shift,
    random_brightness,
    random_channel_shift,
    random_rotation,
    random_shear,
    random_shift,
    random_zoom,
)
from graphc.keras.preprocessing.iterators import (
    DataFrameIterator,
    DirectoryIterator,
    Iterator,
    NumpyArrayIterator,
)
from graphc.keras.utils.pictures import (
    array_to_img,
    img_to_array,
    load_img,
    save_img,
    smart_resize,
)

__all__ = [
    "DataFrameIterator", "DirectoryIterator", "ImageDataGenerator", "Iterator",
    "NumpyArrayIterator", "apply_affine_transform", "apply_brightness_shift",
    "apply_channel_shift", "array_to_img", "img_to_array", "load_img", "random_brightness",
    "random_channel_shift", "random_rotation", "random_shear", "random_shift", "random_zoom",
    "save_img", "smart_resize",
]  # fmt: skip


class ImageDataGenerator:
    """Changes pictures at random while they are read, and brings them to one scale.

    Angles are degrees; shifts are parts of the size, or pixels from 1 on; ``zoom_range`` and
    ``brightness_range`` are factors, a number z means from 1 - z to 1 + z. The ``featurewise_``
    options use the mean and deviation that `fit` learns, the ``samplewise_`` ones each picture's.
    ``zca_whitening`` removes correlations between pixels (Krizhevsky 2009).
    """

    def __init__(
        self, featurewise_center: bool = False, samplewise_center: bool = False,
        featurewise_std_normalization: bool = False, samplewise_std_normalization: bool = False,
        zca_whitening: bool = False, zca_epsilon: float = 1e-6, rotation_range: float = 0,
        width_shift_range: Any = 0.0, height_shift_range: Any = 0.0, brightness_range: Any = None,
        shear_range: float = 0.0, zoom_range: Any = 0.0, channel_shift_range: float = 0.0,
        fill_mode: str = "nearest", cval: float = 0.0, horizontal_flip: bool = False,
        vertical_flip: bool = False, rescale: float | None = None,
        preprocessing_function: Any = None, data_format: str | None = None,
        validation_split: float = 0.0, interpolation_order: int = 1, dtype: Any = None,
    ) -> None:  # fmt: skip
        if data_format not in (None, "channels_last", "channels_first"):
            raise ValueError(
                '`data_format` should be `"channels_last"` (channel after row and column) or'
                f' `"channels_first"` (channel before row and column). Received: {data_format}'
            )
        if not 0 <= validation_split < 1:
            raise ValueError(
                f"`validation_split` must be strictly between 0 and 1. Received: {validation_split}"
            )
        # whitening and division want what is centred, and whitening needs no division
        self.featurewise_center = (
            featurewise_center or featurewise_std_normalization or zca_whitening
        )
        self.featurewise_std_normalization = featurewise_std_normalization and not zca_whitening
        self.samplewise_center = samplewise_center or samplewise_std_normalization
        self.samplewise_std_normalization = samplewise_std_normalization
        self.zca_whitening, self.zca_epsilon = zca_whitening, zca_epsilon
        self.rotation_range, self.shear_range = rotation_range, shear_range
        self.width_shift_range, self.height_shift_range = width_shift_range, height_shift_range
        self.brightness_range, self.channel_shift_range = brightness_range, channel_shift_range
        self.zoom_range = _range_around_one(zoom_range)
        self.fill_mode, self.cval = fill_mode, cval
        self.horizontal_flip, self.vertical_flip = horizontal_flip, vertical_flip
        self.rescale, self.preprocessing_function = rescale, preprocessing_function
        self.data_format = data_format or "channels_last"
        self.interpolation_order, self.dtype = interpolation_order, dtype or np.float32
        self._validation_split = validation_split
        last = self.data_format == "channels_last"
        self.axes = (0, 1, 2) if last else (1, 2, 0)  # of rows, columns, channels in a picture
        self.mean: Any = None
        self.std: Any = None
        self.zca_whitening_matrix: Any = None

    # --- batches ---

    def flow(self, x: Any, y: Any = None, batch_size: int = 32, shuffle: bool = True,
             sample_weight: Any = None, seed: int | None = None, save_to_dir: Any = None,
             save_prefix: str = "", save_format: str = "png", ignore_class_split: bool = False,
             subset: str | None = None) -> NumpyArrayIterator:  # fmt: skip
        """Batches of an array of pictures, for ever."""
        return NumpyArrayIterator(
            x, y, self, batch_size, shuffle, sample_weight, seed, save_to_dir, save_prefix,
            save_format, subset, ignore_class_split, self.dtype,
        )  # fmt: skip

    def flow_from_directory(self, directory: Any, **options: Any) -> DirectoryIterator:
        """Batches of the pictures in a folder with a folder for each class; see
        `DirectoryIterator`."""
        return DirectoryIterator(directory, self, dtype=self.dtype, **options)

    def flow_from_dataframe(
        self, dataframe: Any, directory: Any = None, **options: Any
    ) -> DataFrameIterator:
        """Batches of the pictures that a table names; see `DataFrameIterator`."""
        return DataFrameIterator(dataframe, directory, self, dtype=self.dtype, **options)

    def part(self, subset: str, count: int) -> slice:
        """Which of ``count`` samples belong to "training" or "validation"."""
        if subset not in ("training", "validation"):
            raise ValueError(f'Invalid subset name: {subset}; expected "training" or "validation".')
        cut = int(count * self._validation_split)
        return slice(0, cut) if subset == "validation" else slice(cut, count)

    # --- one picture ---

    def changed(self, x: np.ndarray) -> np.ndarray:
        """A picture as a batch holds it."""
        made = self.apply_transform(x.astype(self.dtype), self.get_random_transform(x.shape))
        return self.standardize(made)

    def random_transform(self, x: np.ndarray, seed: int | None = None) -> np.ndarray:
        """A picture changed at random."""
        return self.apply_transform(x, self.get_random_transform(x.shape, seed))

    def get_random_transform(self, img_shape: Any, seed: int | None = None) -> dict[str, Any]:
        """What is done to a picture of this shape, drawn at random."""
        if seed is not None:
            np.random.seed(seed)
        rows, columns, _ = (img_shape[axis] for axis in self.axes)
        zoomed = tuple(self.zoom_range) != (1, 1)
        bright = self.brightness_range
        shifted = self.channel_shift_range
        return {  # drawn in Keras's order: the same seed gives the same pictures
            "theta": _between(self.rotation_range),
            "tx": _shift(self.height_shift_range, rows),
            "ty": _shift(self.width_shift_range, columns),
            "shear": _between(self.shear_range),
            "zx": np.random.uniform(*self.zoom_range) if zoomed else 1,
            "zy": np.random.uniform(*self.zoom_range) if zoomed else 1,
            "flip_horizontal": np.random.random() < 0.5 and self.horizontal_flip,
            "flip_vertical": np.random.random() < 0.5 and self.vertical_flip,
            "channel_shift_intensity": _between(shifted) if shifted else None,
            "brightness": np.random.uniform(*bright) if bright is not None else None,
        }

    def apply_transform(self, x: np.ndarray, transform_parameters: dict[str, Any]) -> np.ndarray:
        """Do to a picture what `get_random_transform` says."""
        given = transform_parameters
        row, column, channel = self.axes
        motion = {k: given[k] for k in ("theta", "tx", "ty", "shear", "zx", "zy") if k in given}
        x = apply_affine_transform(
            x, **motion, row_axis=row, col_axis=column, channel_axis=channel,
            fill_mode=self.fill_mode, cval=self.cval, order=self.interpolation_order,
        )  # fmt: skip
        if given.get("channel_shift_intensity") is not None:
            x = apply_channel_shift(x, given["channel_shift_intensity"], channel)
        if given.get("flip_horizontal"):
            x = np.flip(x, column)
        if given.get("flip_vertical"):
            x = np.flip(x, row)
        if given.get("brightness") is not None:
            x = apply_brightness_shift(x, given["brightness"], scale=False)
        return x

    def standardize(self, x: np.ndarray) -> np.ndarray:
        """Bring a picture to the scale of the options."""
        if self.preprocessing_function is not None:
            x = self.preprocessing_function(x)
        if self.rescale:
            x = x * np.asarray(self.rescale, x.dtype)
        if self.samplewise_center:
            x = x - x.mean()
        if self.samplewise_std_normalization:
            x = x / (x.std() + 1e-6)
        if self.featurewise_center:
            x = x - self._learnt("mean", "featurewise_center")
        if self.featurewise_std_normalization:
            x = x / (self._learnt("std", "featurewise_std_normalization") + 1e-6)
        if self.zca_whitening:
            matrix = self._learnt("zca_whitening_matrix", "zca_whitening")
            x = (x.reshape(1, -1) @ matrix).reshape(x.shape)
        return np.asarray(x, self.dtype)

    def _learnt(self, name: str, option: str) -> Any:
        found = getattr(self, name)
        if found is None:
            warnings.warn(
                f"This ImageDataGenerator specifies `{option}`, but it hasn't been fit on any"
                " training data. Fit it first by calling `.fit(numpy_data)`.",
                stacklevel=2,
            )
            return {"mean": 0.0, "std": 1.0 - 1e-6}.get(name, np.eye(1))
        return found

    def fit(self, x: Any, augment: bool = False, rounds: int = 1, seed: int | None = None) -> None:
        """Learn mean, deviation and whitening from pictures [count, ...]; ``augment`` learns from
        ``rounds`` changed copies of them."""
        x = np.asarray(x, self.dtype)
        if x.ndim != 4:
            raise ValueError(
                f"Input to `.fit()` should have rank 4. Got array with shape: {x.shape}"
            )
        if seed is not None:
            np.random.seed(seed)
        if self.rescale:
            x = x * np.asarray(self.rescale, x.dtype)
        if augment:
            x = np.stack([self.random_transform(each) for _ in range(rounds) for each in x])
        axes = (0, self.axes[0] + 1, self.axes[1] + 1)
        if self.featurewise_center:
            self.mean = x.mean(axes, keepdims=True)[0]
            x = x - self.mean
        if self.featurewise_std_normalization:
            self.std = x.std(axes, keepdims=True)[0]
            x = x / (self.std + 1e-6)
        if self.zca_whitening:
            flat = x.reshape(len(x), -1)
            u, s, _ = np.linalg.svd(flat.T, full_matrices=False)
            scale = np.sqrt(len(flat)) / (s + self.zca_epsilon)
            self.zca_whitening_matrix = (u * scale) @ u.T


def _between(limit: float) -> float:
    return np.random.uniform(-limit, limit) if limit else 0


def _shift(limits: Any, size: int) -> float:
    """Pixels to move by: from a part of the size, a number of pixels, or a list to choose from."""
    if np.isscalar(limits) and not limits:
        return 0
    if isinstance(limits, float):
        moved = np.random.uniform(-limits, limits)
    else:
        moved = np.random.choice(limits) * np.random.choice([-1, 1])
    return moved * size if np.max(limits) < 1 else moved


def _range_around_one(limits: Any) -> tuple[float, float]:
    if np.isscalar(limits):
        return 1 - limits, 1 + limits
    if len(limits) != 2:
        raise ValueError(
            f"`zoom_range` should be a float or a tuple or list of two floats. Received: {limits}"
        )
    return tuple(limits)
