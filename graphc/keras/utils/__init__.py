"""Training conveniences with Keras's names."""

from graphc.keras.utils.arrays import (
    PyDataset,
    Sequence,
    normalize,
    set_random_seed,
    to_categorical,
)
from graphc.keras.utils.files import get_file, validate_file
from graphc.keras.utils.folders import (
    image_dataset_from_directory,
    split_dataset,
    text_dataset_from_directory,
    timeseries_dataset_from_array,
)
from graphc.keras.utils.layer_utils import count_params, print_summary
from graphc.keras.utils.padding import pad_sequences
from graphc.keras.utils.pictures import array_to_img, img_to_array, load_img, save_img
from graphc.keras.utils.plot import model_to_dot, plot_model
from graphc.keras.utils.progbar import Progbar
from graphc.keras.utils.serialization import (
    CustomObjectScope,
    custom_object_scope,
    deserialize_keras_object,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
    serialize_keras_object,
)

__all__ = [
    "CustomObjectScope", "Progbar", "PyDataset", "Sequence", "array_to_img", "count_params",
    "custom_object_scope", "deserialize_keras_object", "get_custom_objects", "get_file",
    "get_registered_name", "get_registered_object", "image_dataset_from_directory", "img_to_array",
    "load_img", "model_to_dot", "normalize", "pad_sequences", "plot_model", "print_summary",
    "register_keras_serializable", "save_img", "serialize_keras_object", "set_random_seed",
    "split_dataset", "text_dataset_from_directory", "timeseries_dataset_from_array",
    "to_categorical", "validate_file",
]  # fmt: skip
