"""InputSpec: what a layer accepts."""

from __future__ import annotations

from typing import Any

import graphc as tf


class InputSpec:
    """Rank, shape, dtype and sizes of axes that an input must have (Keras: ``InputSpec``).

    ``axes`` maps axes to sizes; None anywhere accepts everything.
    """

    def __init__(
        self,
        dtype: Any = None,
        shape: Any = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: dict[int, int | None] | None = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
    ) -> None:
        self.dtype = None if dtype is None else tf.as_dtype(dtype).name
        self.shape = None if shape is None else tuple(shape)
        self.ndim = len(self.shape) if self.shape is not None else ndim
        self.max_ndim, self.min_ndim = max_ndim, min_ndim
        self.axes = {int(axis): size for axis, size in (axes or {}).items()}
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        self.name = name

    def get_config(self) -> dict[str, Any]:
        return {
            n: vars(self)[n] for n in ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes")
        }

    def __repr__(self) -> str:
        said = (f"{name}={value}" for name, value in vars(self).items() if value)
        return f"InputSpec({', '.join(said)})"


def check_inputs(specs: Any, inputs: Any, layer: str) -> None:
    """Raise ``ValueError`` in Keras's words if inputs are not what ``input_spec`` says."""
    if isinstance(specs, dict) and isinstance(inputs, dict):
        missing = [name for name in specs if name not in inputs]
        if missing:
            raise ValueError(f"Missing data for input {missing[0]!r} of layer {layer!r}.")
        inputs = {name: inputs[name] for name in specs}
    specs, inputs = tf.nest.flatten(specs), tf.nest.flatten(inputs)
    if len(specs) != len(inputs):
        raise ValueError(
            f'Layer "{layer}" expects {len(specs)} input(s), but it received {len(inputs)} input'
            f" tensors. Inputs received: {inputs}"
        )
    for i, (spec, x) in enumerate(zip(specs, inputs, strict=True)):
        mistake = spec and _mistake(spec, tuple(x.shape), x.dtype.name)
        if mistake:
            raise ValueError(
                f'Input {i} of layer "{layer}" is incompatible with the layer: {mistake}'
            )


def _mistake(spec: InputSpec, shape: tuple[int | None, ...], dtype: str) -> str:
    """What is wrong with one input; empty if nothing is."""
    rank = len(shape)
    found = f"found ndim={rank}. Full shape received: {shape}"
    if spec.shape is not None and spec.allow_last_axis_squeeze and abs(rank - spec.ndim) == 1:
        longer = shape if rank > spec.ndim else spec.shape
        return (
            "" if longer[-1] in (1, None) else f"expected shape={spec.shape}, found shape={shape}"
        )
    if spec.ndim is not None and spec.shape is None and rank != spec.ndim:
        return f"expected ndim={spec.ndim}, {found}"
    if spec.max_ndim is not None and rank > spec.max_ndim:
        return f"expected max_ndim={spec.max_ndim}, found ndim={rank}"
    if spec.min_ndim is not None and rank < spec.min_ndim:
        return f"expected min_ndim={spec.min_ndim}, {found}"
    if spec.dtype is not None and dtype != spec.dtype:
        return f"expected dtype={spec.dtype}, found dtype={dtype}"
    for axis, size in spec.axes.items():
        if size is not None and shape[axis] not in (size, None):
            return (
                f"expected axis {axis} of input shape to have value {size}, but received input"
                f" with shape {shape}"
            )
    if spec.shape is not None and not tf.TensorShape(spec.shape).is_compatible_with(shape):
        return f"expected shape={spec.shape}, found shape={shape}"
    return ""
