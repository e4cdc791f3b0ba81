"""Dense, Embedding, and layers without weights that change single tensors."""

from __future__ import annotations

import math
from typing import Any

import graphc as tf
from graphc.keras import activations
from graphc.keras.backend import image_data_format
from graphc.keras.engine.base_layer import Layer
from graphc.keras.engine.context import converted
from graphc.keras.engine.input_spec import InputSpec
from graphc.keras.layers.weighted import Kernel, Weighted, last_axis
from graphc.keras.regularizers import L1L2


class Dense(Kernel):
    """activation(x @ kernel + bias): [..., d] -> [..., units]

    Weights: kernel [d, units], bias [units].
    """

    supports_masking = True

    def __init__(
        self, units: int, activation: Any = None, use_bias: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(activation, use_bias, **kwargs)
        self.units = int(units)
        if self.units <= 0:
            raise ValueError(
                "Received an invalid value for `units`, expected a positive integer. Received:"
                f" units={units}"
            )
        self.input_spec = InputSpec(min_ndim=2)

    def build(self, input_shape: Any) -> None:
        size = last_axis(input_shape, self)
        self.input_spec = InputSpec(min_ndim=2, axes={-1: size})
        self.kernel = self.make("kernel", (size, self.units))
        self.bias = self.make("bias", (self.units,)) if self.use_bias else None

    def call(self, inputs: Any) -> Any:
        x = tf.cast(inputs, self.compute_dtype)
        product = tf.matmul if x.ndim == 2 else _product_of_last
        return self.finish(product(x, tf.cast(self.kernel, x.dtype)))


def _product_of_last(x: Any, kernel: Any) -> Any:
    return tf.tensordot(x, kernel, 1)


class Embedding(Weighted):
    """Rows of a table: integers [...] -> [..., output_dim]

    Weight: embeddings [input_dim, output_dim].  With ``mask_zero`` 0 is padding, and masked.
    Raises ``InvalidArgumentError`` for numbers that are not in [0, input_dim).
    """

    _weights = {"embeddings": "uniform"}

    def __init__(
        self, input_dim: int, output_dim: int, mask_zero: bool = False, input_length: Any = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        if "input_shape" not in kwargs and "batch_input_shape" not in kwargs:
            if input_length:
                length = input_length if isinstance(input_length, list | tuple) else [input_length]
                kwargs["input_shape"] = tuple(length)
            elif "input_dim" not in kwargs and "batch_size" not in kwargs:
                kwargs["input_shape"] = (None,)
        kwargs.setdefault("autocast", False)
        super().__init__(**kwargs)
        if input_dim <= 0 or output_dim <= 0:
            raise ValueError(
                "Both `input_dim` and `output_dim` should be positive, Received input_dim ="
                f" {input_dim} and output_dim = {output_dim}"
            )
        self.input_dim, self.output_dim = input_dim, output_dim
        self.mask_zero, self.input_length = mask_zero, input_length
        self.supports_masking = mask_zero

    def build(self, input_shape: Any = None) -> None:
        self.embeddings = self.make("embeddings", (self.input_dim, self.output_dim))

    def call(self, inputs: Any) -> Any:
        ids = tf.convert_to_tensor(inputs)
        if ids.dtype not in (tf.int32, tf.int64):
            ids = tf.cast(ids, tf.int32)
        rows = tf.nn.embedding_lookup(self.embeddings, ids)
        return tf.cast(rows, self.compute_dtype)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return tf.not_equal(inputs, 0) if self.mask_zero else None


class Activation(Layer):
    """An activation function, or that of a name."""

    supports_masking = True

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    def call(self, inputs: Any) -> Any:
        return converted(self.activation)(inputs)


class Flatten(Layer):
    """[batch, a, b, ...] -> [batch, a * b * ...]; ``channels_first`` puts the channels last."""

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = data_format or image_data_format()
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Any) -> Any:
        x = tf.convert_to_tensor(inputs)
        if self.data_format == "channels_first" and x.ndim > 2:
            x = tf.transpose(x, [0, *range(2, x.ndim), 1])
        sizes = list(x.shape)[1:]
        return tf.reshape(x, [-1, math.prod(sizes)] if None not in sizes else [tf.shape(x)[0], -1])


class Reshape(Layer):
    """[batch, ...] -> [batch, *target_shape]; one -1 is what is left."""

    def __init__(self, target_shape: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.target_shape = tuple(target_shape)

    def call(self, inputs: Any) -> Any:
        sizes, target = list(inputs.shape)[1:], list(self.target_shape)
        if None not in sizes:
            known = math.prod(n for n in target if n != -1)
            rest = math.prod(sizes) // known if known and -1 in target else 1
            target = [rest if n == -1 else n for n in target]
            if math.prod(target) != math.prod(sizes):
                raise ValueError(
                    f"total size of new array must be unchanged, input_shape = {sizes},"
                    f" output_shape = {list(self.target_shape)}"
                )
            return tf.reshape(inputs, [-1, *target])
        return tf.reshape(inputs, [tf.shape(inputs)[0], *target])


class Permute(Layer):
    """Axes in another order; ``dims`` counts them from 1, without the batch."""

    def __init__(self, dims: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(
                f"Invalid permutation argument `dims` for Permute Layer. Received: dims={dims}"
            )
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs: Any) -> Any:
        return tf.transpose(inputs, [0, *self.dims])


class RepeatVector(Layer):
    """[batch, d] -> [batch, n, d]"""

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(n, int):
            raise TypeError(f"Expected an integer value for `n`, got {type(n)}.")
        self.n = n
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs: Any) -> Any:
        return tf.tile(tf.expand_dims(inputs, 1), [1, self.n, 1])


class Masking(Layer):
    """Mask steps [batch, steps, d] all of whose values are ``mask_value``; they become 0."""

    supports_masking = True

    def __init__(self, mask_value: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mask_value = mask_value

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return tf.reduce_any(tf.not_equal(inputs, self.mask_value), axis=-1)

    def call(self, inputs: Any) -> Any:
        kept = tf.reduce_any(tf.not_equal(inputs, self.mask_value), axis=-1, keepdims=True)
        return inputs * tf.cast(kept, inputs.dtype)


class Lambda(Layer):
    """A function as a layer; it also gets ``mask`` and ``training`` if it names them."""

    def __init__(
        self, function: Any, output_shape: Any = None, mask: Any = None, arguments: Any = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.function, self.mask, self.arguments = function, mask, dict(arguments or {})
        self._shape = output_shape
        self.supports_masking = mask is not None

    def call(self, inputs: Any, mask: Any = None, training: Any = None) -> Any:
        code = getattr(self.function, "__code__", None)
        names = code.co_varnames[: code.co_argcount] if code else ()
        given = {"mask": mask, "training": training}
        more = {key: value for key, value in given.items() if key in names}
        return converted(self.function)(inputs, **{**self.arguments, **more})

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def compute_output_shape(self, input_shape: Any) -> Any:
        if self._shape is None:
            return super().compute_output_shape(input_shape)
        if callable(self._shape):
            return self._shape(input_shape)
        return (input_shape[0], *self._shape)

    @property
    def output_shape(self) -> Any:
        return super().output_shape if self._inbound_nodes else self._shape


class ActivityRegularization(Layer):
    """The inputs; l1 * sum(|x|) + l2 * sum(x^2) is added to the loss."""

    supports_masking = True

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any) -> None:
        super().__init__(activity_regularizer=L1L2(l1, l2), **kwargs)
        self.l1, self.l2 = l1, l2

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["activity_regularizer"]
        return config


class Identity(Layer):
    """The inputs."""

    supports_masking = True

    def call(self, inputs: Any) -> Any:
        return tf.nest.map_structure(tf.identity, inputs)
