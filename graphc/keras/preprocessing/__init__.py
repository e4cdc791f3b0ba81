"""Data before it comes to a model (Keras 2: ``keras.preprocessing``)."""

from graphc.keras.preprocessing import image, sequence, text
from graphc.keras.utils import (
    image_dataset_from_directory,
    text_dataset_from_directory,
    timeseries_dataset_from_array,
)

__all__ = [
    "image", "image_dataset_from_directory", "sequence", "text", "text_dataset_from_directory",
    "timeseries_dataset_from_array",
]  # fmt: skip
