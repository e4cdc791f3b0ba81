"""EinsumDense: a dense layer whose product is an einsum."""

from __future__ import annotations

import re
from typing import Any

import graphc as tf
from graphc.keras import activations
from graphc.keras.layers.weighted import Kernel

EQUATION = re.compile(r"^(\.\.\.)?([a-zA-Z]+)(\.\.\.)?,([a-zA-Z]+)->(\.\.\.)?([a-zA-Z]+)(\.\.\.)?$")


class EinsumDense(Kernel):
    """activation(einsum(equation, x, kernel) + bias), as "abc,cd->abd"

    ``output_shape`` is that of the result without the batch; sizes that the inputs tell may be
    None. ``bias_axes`` names the axes of the result that the bias has. Weights: kernel, and bias
    if there are such axes.
    """

    _fixed = ("use_bias",)
    _renamed = ("output_shape",)  # of a layer it is something else

    def __init__(
        self, equation: str, output_shape: Any, activation: Any = None,
        bias_axes: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(activation, bias_axes is not None, **kwargs)
        found = EQUATION.match(equation.replace(" ", ""))
        if found is None:
            raise ValueError(
                f"Invalid einsum equation '{equation}'. Equations must be in the form"
                " [X],[Y]->[Z], ...[X],[Y]->...[Z], or [X]...,[Y]->[Z]...."
            )
        self._x, self._y, self._z = found[2], found[4], found[6]
        self._before, self._after = found[1] is not None, found[3] is not None
        self.equation, self.bias_axes = equation, bias_axes
        self.output_shape_given = (
            (output_shape,) if isinstance(output_shape, int) else tuple(output_shape)
        )

    def build(self, input_shape: Any) -> None:
        sizes = self._sizes(tuple(input_shape))
        unknown = [label for label in self._y if sizes.get(label) is None]
        if unknown:
            raise ValueError(
                f"Weight dimension {unknown[0]!r} did not have a match in either the input shape"
                f" {tuple(input_shape)} or the output shape {self.output_shape_given}."
            )
        self.kernel = self.make("kernel", tuple(sizes[label] for label in self._y))
        if self.bias_axes:
            first = min(self._z.index(axis) for axis in self.bias_axes)
            after = self._z[first:]
            shape = tuple(sizes[a] if a in self.bias_axes else 1 for a in after)
            self.bias = self.make("bias", shape + (1,) * self._ellipsis(tuple(input_shape)))
        super().build(input_shape)

    def _ellipsis(self, shape: tuple[Any, ...]) -> int:
        """How many axes stand behind the named ones."""
        return len(shape) - len(self._x) if self._after else 0

    def _sizes(self, shape: tuple[Any, ...]) -> dict[str, Any]:
        """The size of each label, where the input or the wanted output tells it."""
        named = shape[len(shape) - len(self._x) :] if self._before else shape[: len(self._x)]
        sizes = dict(zip(self._x, named, strict=True))
        wanted = self.output_shape_given
        labels = self._z[-len(wanted) :] if len(wanted) < len(self._z) else self._z
        for label, size in zip(labels, wanted[-len(labels) :], strict=True):
            known = sizes.get(label)
            if size is not None and known is not None and size != known:
                raise ValueError(
                    f"Input shape and output shape do not match at shared dimension {label!r}."
                    f" Input shape is {known}, and output shape is {size}."
                )
            sizes[label] = known if size is None else size
        return sizes

    def call(self, inputs: Any) -> Any:
        x = tf.cast(inputs, self.compute_dtype)
        y = tf.einsum(self.equation, x, tf.cast(self.kernel, x.dtype))
        if self.use_bias:
            y = y + tf.cast(self.bias, y.dtype)
        return y if self.activation is activations.linear else self.activation(y)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"output_shape": self.output_shape_given}
