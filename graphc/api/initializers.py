"""Objects that make the first value of a Variable: ``tf.zeros_initializer()(shape)``."""

from __future__ import annotations

from typing import Any

from graphc.api import create, draws
from graphc.api.shapes import broadcast_to, cast, reshape
from graphc.ir import dtypes
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.tensor import Tensor


class _Initializer:
    """Makes a tensor of a shape; its configuration are its arguments."""

    _names: tuple[str, ...] = ()

    def __call__(self, shape: Any, dtype: Any = dtypes.float32, **kwargs: Any) -> Tensor:
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """The arguments it was made with."""
        return {name: getattr(self, name) for name in self._names}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """One like the one whose configuration it is."""
        return cls(**config)


class zeros_initializer(_Initializer):
    """Zeros."""

    def __call__(self, shape: Any, dtype: Any = dtypes.float32, **kwargs: Any) -> Tensor:
        return create.zeros(shape, dtype)


class ones_initializer(_Initializer):
    """Ones."""

    def __call__(self, shape: Any, dtype: Any = dtypes.float32, **kwargs: Any) -> Tensor:
        return create.ones(shape, dtype)


class constant_initializer(_Initializer):
    """One value, or as many as the tensor has elements."""

    _names = ("value",)

    def __init__(self, value: Any = 0, support_partition: bool = False) -> None:
        self.value = value

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        value = convert_to_tensor(self.value)
        value = value if dtype is None else cast(value, dtype)
        return reshape(value, shape) if value.dims else broadcast_to(value, shape)


class random_normal_initializer(_Initializer):
    """Draws from a normal distribution."""

    _names = ("mean", "stddev", "seed")

    def __init__(self, mean: Any = 0.0, stddev: Any = 0.05, seed: Any = None) -> None:
        self.mean, self.stddev, self.seed = mean, stddev, seed

    def __call__(self, shape: Any, dtype: Any = dtypes.float32, **kwargs: Any) -> Tensor:
        return draws.normal(shape, self.mean, self.stddev, dtype, self.seed)


class random_uniform_initializer(_Initializer):
    """Draws uniformly from [minval, maxval)."""

    _names = ("minval", "maxval", "seed")

    def __init__(self, minval: Any = -0.05, maxval: Any = 0.05, seed: Any = None) -> None:
        self.minval, self.maxval, self.seed = minval, maxval, seed

    def __call__(self, shape: Any, dtype: Any = dtypes.float32, **kwargs: Any) -> Tensor:
        return draws.uniform(shape, self.minval, self.maxval, dtype, self.seed)
