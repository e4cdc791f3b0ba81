"""Training conveniences with Keras's names."""

from graphc.keras.utils.arrays import (
    PyDataset,
    Sequence,
    normalize,
    set_random_seed,
    to_categorical,
)
from graphc.keras.utils.files import get_file, validate_file
from graphc.keras.utils.layer_utils import count_params, print_summary
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
    "CustomObjectScope", "Progbar", "PyDataset", "Sequence", "count_params", "custom_object_scope",
    "deserialize_keras_object", "get_custom_objects", "get_file", "get_registered_name",
    "get_registered_object", "model_to_dot", "normalize", "plot_model", "print_summary",
    "register_keras_serializable", "serialize_keras_object", "set_random_seed", "to_categorical",
    "validate_file",
]  # fmt: skip
