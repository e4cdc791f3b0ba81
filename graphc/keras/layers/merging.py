"""Layers that make one tensor of several."""

from __future__ import annotations

import functools
from typing import Any

import graphc as tf
from graphc.keras.engine.base_layer import Layer


class _Merge(Layer):
    """A function of tensors that broadcast; missing axes are put behind the batch."""

    supports_masking = True
    _count: int | None = None  # how many it takes; None: at least one

    def build(self, input_shape: Any) -> None:
        many = isinstance(input_shape, list | tuple) and all(
            isinstance(s, list | tuple | tf.TensorShape) for s in input_shape
        )
        if not many or not input_shape:
            raise ValueError(
                "A merge layer should be called on a list of inputs. Received:"
                f" input_shape={input_shape} (not a list of shapes)"
            )
        if self._count is not None and len(input_shape) != self._count:
            raise ValueError(
                f"A `{type(self).__name__}` layer should be called on exactly {self._count} inputs."
                f" Received: input_shape={input_shape}"
            )
        self._check(input_shape)

    def _check(self, shapes: Any) -> None:
        rank = max(len(s) for s in shapes)
        for axis in range(1, rank):
            sizes = {s[axis - rank] for s in shapes if len(s) > rank - axis} - {1, None}
            if len(sizes) > 1:
                raise ValueError(
                    "Inputs have incompatible shapes: operands could not be broadcast together"
                    f" with shapes {' '.join(str(tuple(s)) for s in shapes)}"
                )

    def call(self, inputs: Any) -> Any:
        rank = max(x.ndim for x in inputs)
        return self._merge([_with_rank(x, rank) for x in inputs])

    def _merge(self, inputs: list[Any]) -> Any:
        raise NotImplementedError

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        masks = [m for m in (mask or ()) if m is not None]
        return functools.reduce(tf.logical_and, masks) if masks else None


def _with_rank(x: Any, rank: int) -> Any:
    while x.ndim < rank:
        x = tf.expand_dims(x, 1)
    return x


class Add(_Merge):
    """The sum."""

    def _merge(self, inputs: list[Any]) -> Any:
        return functools.reduce(tf.add, inputs)


class Subtract(_Merge):
    """The first minus the second."""

    _count = 2

    def _merge(self, inputs: list[Any]) -> Any:
        return inputs[0] - inputs[1]


class Multiply(_Merge):
    """The product, element by element."""

    def _merge(self, inputs: list[Any]) -> Any:
        return functools.reduce(tf.multiply, inputs)


class Average(_Merge):
    """The mean."""

    def _merge(self, inputs: list[Any]) -> Any:
        return functools.reduce(tf.add, inputs) / len(inputs)


class Maximum(_Merge):
    """The largest, element by element."""

    def _merge(self, inputs: list[Any]) -> Any:
        return functools.reduce(tf.maximum, inputs)


class Minimum(_Merge):
    """The smallest, element by element."""

    def _merge(self, inputs: list[Any]) -> Any:
        return functools.reduce(tf.minimum, inputs)


class Concatenate(_Merge):
    """One behind the other along an axis."""

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def _check(self, shapes: Any) -> None:
        rank = len(shapes[0])
        others = [i for i in range(rank) if i != self.axis % rank]
        if any(len(s) != rank for s in shapes) or any(
            len({s[i] for s in shapes} - {None}) > 1 for i in others
        ):
            raise ValueError(
                "A `Concatenate` layer requires inputs with matching shapes except for the"
                f" concatenation axis. Received: input_shape={[tuple(s) for s in shapes]}"
            )

    def _merge(self, inputs: list[Any]) -> Any:
        return tf.concat(inputs, self.axis)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        if mask is None or all(m is None for m in mask):
            return None
        full = []
        for x, m in zip(inputs, mask, strict=True):
            m = tf.ones_like(x, dtype=tf.bool) if m is None else tf.cast(m, tf.bool)
            while m.ndim < x.ndim:
                m = tf.expand_dims(m, -1)
            full.append(tf.broadcast_to(m, tf.shape(x)))
        return tf.reduce_all(tf.concat(full, self.axis), axis=-1)


class Dot(_Merge):
    """Sums of products along an axis of each; ``normalize`` makes them cosines."""

    _count = 2

    def __init__(self, axes: Any, normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(axes, int) and (not isinstance(axes, list | tuple) or len(axes) != 2):
            raise TypeError(f"`axes` of a Dot layer are an integer or two, received {axes}")
        self.axes, self.normalize = axes, normalize

    def _places(self, ranks: Any) -> list[int]:
        axes = [self.axes] * 2 if isinstance(self.axes, int) else self.axes
        return [axis % rank for axis, rank in zip(axes, ranks, strict=True)]

    def _check(self, shapes: Any) -> None:
        first, second = self._places([len(s) for s in shapes])
        sizes = shapes[0][first], shapes[1][second]
        if None not in sizes and sizes[0] != sizes[1]:
            raise ValueError(
                f"Incompatible input shapes: axis values {sizes[0]} (at axis {first}) !="
                f" {sizes[1]} (at axis {second}). Full input shapes: {tuple(shapes[0])},"
                f" {tuple(shapes[1])}"
            )

    def call(self, inputs: Any) -> Any:
        axes = self._places([x.ndim for x in inputs])
        letters, free = [], iter("cdefghij")
        for x, axis in zip(inputs, axes, strict=True):
            letters.append("".join("b" if i == 0 else "a" if i == axis else next(free)
                                   for i in range(x.ndim)))  # fmt: skip
        if self.normalize:
            inputs = [tf.math.l2_normalize(x, axis=axis) for x, axis in zip(inputs, axes)]  # noqa: B905
        rest = "".join(c for word in letters for c in word if c not in "ab")
        y = tf.einsum(f"{letters[0]},{letters[1]}->b{rest}", *inputs)
        return y if rest else tf.expand_dims(y, 1)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return None


# --- functions ------------------------------------------------------------------------------------


def add(inputs: Any, **kwargs: Any) -> Any:
    """`Add` at once."""
    return Add(**kwargs)(inputs)


def subtract(inputs: Any, **kwargs: Any) -> Any:
    """`Subtract` at once."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Any, **kwargs: Any) -> Any:
    """`Multiply` at once."""
    return Multiply(**kwargs)(inputs)


def average(inputs: Any, **kwargs: Any) -> Any:
    """`Average` at once."""
    return Average(**kwargs)(inputs)


def maximum(inputs: Any, **kwargs: Any) -> Any:
    """`Maximum` at once."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Any, **kwargs: Any) -> Any:
    """`Minimum` at once."""
    return Minimum(**kwargs)(inputs)


def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Any:
    """`Concatenate` at once."""
    return Concatenate(axis, **kwargs)(inputs)


def dot(inputs: Any, axes: Any, normalize: bool = False, **kwargs: Any) -> Any:
    """`Dot` at once."""
    return Dot(axes, normalize, **kwargs)(inputs)
